//! The rules of the engine (SPEC §2).
use std::time::Duration;

use stagegate::aws::operation::GetAlias;
use stagegate::aws::{Kind, Operation};
use stagegate::model::{Description, RecordState, Version};
use stagegate::problem::{Code, Exit};
use stagegate::step::StepKind;
use stagegate::world::{Account, Fault};

use crate::faults::lab::{Lab, Scenario, alias, api, prod, statement};

use super::{edit, nth, operations, orders, refusal, second};

#[test]
fn rule_1_intent_before_effect() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::UpdateAlias, 0);
    lab.world.restart();
    lab.world.inject(at, Fault::CrashBefore);
    assert!(lab.promote(&plan).is_none());
    let kept = lab.kept.borrow();
    assert!(matches!(kept.last().unwrap().entry, stagegate::journal::Entry::Intent { step: StepKind::Alias, .. }));
}

#[test]
fn rule_2_the_world_decides_not_the_reply() {
    for write in [
        Operation::PublishVersion,
        Operation::UpdateAlias,
        Operation::AddPermission,
        Operation::CreateDeployment,
        Operation::UpdateStage,
    ] {
        let lab = second();
        let plan = lab.plan().unwrap();
        let at = nth(&lab, write, 0);
        lab.world.restart();
        lab.world.inject(at, Fault::LostReply);
        assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done, "{write}");
        let sent = operations(&lab).iter().filter(|o| **o == write).count();
        let closing = usize::from(write == Operation::UpdateAlias);
        assert_eq!(sent, 1 + closing, "{write} is not sent again when it is found done");
    }
}

#[test]
fn rule_2_a_restarted_process_waits_for_late_writes() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::UpdateStage, 0);
    lab.world.restart();
    lab.world.inject(at, Fault::CrashLate { after: Duration::from_secs(25) });
    assert!(lab.promote(&plan).is_none());
    let died = stagegate::clock::Clock::now(&lab.world.clock());
    assert_eq!(lab.resume(&plan, false).unwrap().exit, Exit::Done);
    let first = lab.world.calls()[0].at;
    assert!(first.duration_since(died) >= jiff::SignedDuration::from_secs(30), "looked at {first}, died {died}");
}

#[test]
fn rule_3_undo_leaves_what_somebody_redeployed() {
    let lab = second();
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    edit(&lab, |account| {
        let theirs = account.deploy(&api(), "theirs").unwrap();
        account.stage_mut(&api(), &prod()).unwrap().deployment = theirs;
    });
    let before = lab.state();
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert!(!undone.is_clean(), "the stage stays, and that is said");
    assert_eq!(undone.left[0].problem.code, Code::StageChanged);
    let after = lab.state();
    assert_eq!(after.deployment, before.deployment);
    assert_eq!(after.aliases["orders:live"].0, Version::Number(1), "the alias goes back");
}

#[test]
fn rule_4_the_way_back_moves_the_alias_first_and_never_deploys() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.rollback_elsewhere(None).unwrap().unwrap();
    let writes: Vec<Operation> = operations(&lab).into_iter().filter(|o| o.kind() == Kind::Write).collect();
    assert_eq!(writes[..2], [Operation::UpdateAlias, Operation::UpdateStage]);
    assert!(!operations(&lab).contains(&Operation::CreateDeployment));
}

#[test]
fn rule_4_a_created_alias_is_deleted_last_and_stays_when_others_use_it() {
    let lab = Lab::new(Scenario::First);
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::UpdateStage, 0);
    lab.world.restart();
    lab.world.inject(at, Fault::denied());
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::RolledBack);
    let writes: Vec<Operation> = operations(&lab).into_iter().filter(|o| o.kind() == Kind::Write).collect();
    assert_eq!(writes.last(), Some(&Operation::DeleteAlias));
    assert!(lab.peek(GetAlias { function: orders(), alias: alias() }).is_err(), "as before: it does not exist");

    let lab = Lab::new(Scenario::First);
    let plan = lab.plan().unwrap();
    lab.world.restart();
    lab.world.inject(at, Fault::denied());
    lab.world.inject(
        at,
        Fault::intrude(|account| {
            let mut theirs =
                statement(&"orders".parse().unwrap(), "arn:aws:execute-api:us-east-1:123456789012:zzz/prod/*");
            theirs["Sid"] = "theirs".into();
            account.put_statement(&"orders".parse().unwrap(), "live", theirs).unwrap();
        }),
    );
    let outcome = lab.promote(&plan).unwrap();
    assert!(lab.peek(GetAlias { function: orders(), alias: alias() }).is_ok(), "somebody's statement refers to it");
    assert!(outcome.now.iter().any(|line| line.contains("kept")), "{:?}", outcome.now);
}

#[test]
fn rule_6_three_endings_and_the_last_says_what_fixes_it() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::UpdateStage, 0);
    lab.world.restart();
    lab.world.inject(at, Fault::denied());
    for later in at + 1..at + 40 {
        lab.world.inject(later, Fault::expired());
    }
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::InBetween);
    let problem = outcome.problem.unwrap();
    assert!(problem.aws_now.contains("NOT as before"), "{}", problem.aws_now);
    assert!(
        problem.aws_now.contains("; last known (") && problem.aws_now.contains("orders:live → v"),
        "{}",
        problem.aws_now
    );
    assert!(problem.fix.iter().any(|f| f.contains("stagegate rollback prod")), "{:?}", problem.fix);
}

#[test]
fn rule_7_every_wait_has_a_bound() {
    let lab = second();
    let plan = lab.plan().unwrap();
    lab.world.restart();
    for at in 0..400 {
        lab.world.inject(at, Fault::Throttled);
    }
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::Failed, "{:?}", outcome.problem);
    assert_eq!(outcome.problem.unwrap().code, Code::Throttled);
}

#[test]
fn rule_8_nothing_depends_on_a_permission_before_it_has_settled() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    let calls = lab.world.calls();
    let at = |operation| calls.iter().find(|c| c.call.operation() == operation).unwrap().at;
    let settled = at(Operation::UpdateStage).duration_since(at(Operation::AddPermission));
    assert!(settled >= jiff::SignedDuration::from_secs(20), "{settled:?}");
}

#[test]
fn rule_9_provisioned_concurrency_is_waited_for_and_its_failure_rolls_back() {
    for (fails, exit) in [(None, Exit::Done), (Some("not enough capacity"), Exit::RolledBack)] {
        let lab = second();
        edit(&lab, |account| account.provision(&orders(), &alias(), Duration::from_secs(90), fails).unwrap());
        let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
        assert_eq!(outcome.exit, exit, "{:?}", outcome.problem);
        let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
        if fails.is_none() {
            assert!(now.weights.is_empty() && now.version == Version::Number(2));
        } else {
            assert_eq!(outcome.problem.unwrap().code, Code::ProvisionedFailed);
            assert_eq!(now.version, Version::Number(1));
        }
    }
}

#[test]
fn rule_10_a_finished_first_release_lists_versions_and_deletes_nothing() {
    let lab = Lab::new(Scenario::First);
    let plan = lab.plan().unwrap();
    assert!(plan.notices.iter().any(|n| n.code == Code::NoStableVersion), "the plan says that nothing can be compared");
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    let before = lab.state();
    let problem = lab.rollback_elsewhere(None).unwrap().unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::FirstRelease, Exit::Usage));
    assert_eq!(lab.state(), before);
}

#[test]
fn rule_12_a_running_release_obeys_its_record() {
    for (state, exit) in [(RecordState::Paused, Exit::InFlight), (RecordState::RolledBack, Exit::RolledBack)] {
        let lab = second();
        let plan = lab.plan().unwrap();
        let at = nth(&lab, Operation::GetStage, 0) - 1;
        lab.world.restart();
        lab.world.inject(at, Fault::intrude(move |account| rewrite(account, state)));
        let outcome = lab.promote(&plan).unwrap();
        assert_eq!(outcome.exit, exit, "{:?}", outcome.problem);
        assert!(!operations(&lab).contains(&Operation::UpdateStage), "{state:?}");
    }
}

/// As another machine does it: `pause`, or the rollback of this very release.
fn rewrite(account: &mut Account, state: RecordState) {
    let entry = account.alias_mut(&orders(), &alias()).unwrap();
    let mut found = Description::parse(&entry.description).unwrap();
    let record = found.record.as_mut().unwrap();
    if state == RecordState::RolledBack {
        *record = record.rolled_back(Version::Number(1), Version::Number(2), true);
        entry.version = Version::Number(1);
    } else {
        record.state = state;
    }
    let text = found.to_string();
    account.describe_alias(&orders(), &alias(), &text).unwrap();
}

#[test]
fn rule_13_what_cannot_work_is_found_at_plan_time() {
    let lab = second();
    edit(&lab, |account| account.put_alias(&orders(), &alias(), 1, &[]).unwrap());
    edit(&lab, |account| {
        account.publish(&orders(), "").unwrap();
        account.put_alias(&orders(), &alias(), 1, &[(2, 0.1)]).unwrap();
    });
    assert_eq!(refusal(&lab), (Code::ForeignWeights, Exit::Conflict));

    let lab = second();
    let canary = stagegate::aws::noun::StageCanary {
        deployment: None,
        percent: 0.0,
        overrides: Default::default(),
        use_stage_cache: false,
    };
    edit(&lab, |account| account.put_canary(&api(), &prod(), Some(canary)).unwrap());
    assert_eq!(refusal(&lab), (Code::StaleStageCanary, Exit::Conflict));

    let mut lab = second();
    lab.target.alias_variable = None;
    edit(&lab, |account| {
        account.stage_mut(&api(), &prod()).unwrap().variables.clear();
    });
    assert_eq!(refusal(&lab).0, Code::StageVariableUnset);

    let lab = second();
    edit(&lab, |account| {
        account.put_route(&api(), "GET", "/orders", &orders(), "").unwrap();
        account.put_route(&api(), "POST", "/orders/refunds", &orders(), "").unwrap();
    });
    assert_eq!(refusal(&lab).0, Code::UnqualifiedIntegration);

    let lab = second();
    edit(&lab, |account| {
        let mut deny = statement(&orders(), "arn:aws:execute-api:*:*:*");
        (deny["Sid"], deny["Effect"]) = ("deny".into(), "Deny".into());
        account.put_statement(&orders(), "live", deny).unwrap();
    });
    assert_eq!(refusal(&lab).0, Code::InvokeBlocked);
}

#[test]
fn rule_13_a_policy_without_room_is_found_before_anything_is_written() {
    let lab = second();
    edit(&lab, |account| {
        for n in 0..70 {
            let arn = format!("arn:aws:execute-api:us-east-1:123456789012:other{n}/prod/GET/some/longer/path");
            let mut theirs = statement(&orders(), &arn);
            theirs["Sid"] = format!("random-{n}").into();
            account.put_statement(&orders(), "live", theirs).unwrap();
        }
    });
    assert_eq!(refusal(&lab).0, Code::PolicyTooLarge);
}
