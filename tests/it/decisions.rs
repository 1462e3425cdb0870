//! The decisions of SPEC §2, §3 and §9, each under the name it has there.

use std::time::Duration;

use stagegate::aws::operation::{GetAlias, GetPolicy, GetStage};
use stagegate::aws::{Kind, Operation};
use stagegate::engine::{OnInterrupt, Signal};
use stagegate::model::target::{Expect, RedeployWhen, SmokeCheck, Source};
use stagegate::model::{Description, FunctionName, RecordState, Version};
use stagegate::plan::LOCK_MARGIN;
use stagegate::problem::{Code, Exit};
use stagegate::step::StepKind;
use stagegate::world::{Account, Behaviour, Fault};

use crate::faults::lab::{Lab, Scenario, alias, api, prod, statement};

fn orders() -> FunctionName {
    "orders".parse().unwrap()
}

fn second() -> Lab {
    Lab::new(Scenario::Second)
}

fn description(lab: &Lab) -> Description {
    Description::parse(&lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap().description).unwrap()
}

fn operations(lab: &Lab) -> Vec<Operation> {
    lab.world.calls().iter().map(|c| c.call.operation()).collect()
}

/// The call number of the nth call of an operation in a smooth run.
fn nth(lab: &Lab, operation: Operation, n: usize) -> usize {
    let smooth = lab.fork();
    smooth.promote(&smooth.plan().unwrap()).unwrap();
    let calls = smooth.world.calls();
    calls.iter().filter(|c| c.call.operation() == operation).nth(n).unwrap().index
}

fn refusal(lab: &Lab) -> (Code, Exit) {
    let problem = lab.plan().unwrap_err();
    assert!(!problem.why.is_empty() && !problem.fix.is_empty() && !problem.aws_now.is_empty(), "{problem:?}");
    (problem.code, problem.exit)
}

fn edit(lab: &Lab, change: impl FnOnce(&mut Account)) {
    lab.world.edit(change);
    lab.world.run_until_quiet();
}

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

#[test]
fn the_lock_is_refused_at_plan_before_publish_and_when_expired_offers_three_ways() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::AddPermission, 0);
    lab.world.restart();
    lab.world.inject(at, Fault::CrashBefore);
    assert!(lab.promote(&plan).is_none());
    lab.world.restart();
    assert_eq!(refusal(&lab), (Code::LockHeld, Exit::Conflict));
    assert!(!operations(&lab).contains(&Operation::PublishVersion));
    lab.world.clock().advance(LOCK_MARGIN * 2);
    let problem = lab.plan().unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::LockExpired, Exit::Conflict));
    for way in ["resume", "rollback", "unlock"] {
        assert!(problem.fix.iter().any(|f| f.contains(&format!("stagegate {way}"))), "{way}: {:?}", problem.fix);
    }
}

#[test]
fn bad_versions_are_remembered_refused_and_cleared_by_name() {
    let mut lab = second();
    lab.target.smoke = vec![SmokeCheck {
        file: "health.json".into(),
        payload: "{}".into(),
        expect: Expect { status: Some(201), json: None, max_ms: None },
    }];
    let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::RolledBack, Code::SmokeFailed));
    assert_eq!(description(&lab).record.unwrap().bad, [2], "a failed smoke test marks the version");
    lab.target.smoke.clear();
    assert_eq!(refusal(&lab), (Code::VersionBad, Exit::Usage));
    let insisted = lab.plan_named(Some(Version::Number(2))).unwrap();
    assert_eq!(lab.promote(&insisted).unwrap().exit, Exit::Done);
    assert_eq!(description(&lab).record.unwrap().bad, Vec::<u64>::new(), "its promotion clears the mark");
}

#[test]
fn failures_of_aws_access_and_interrupts_mark_nothing_a_person_does() {
    let lab = second();
    let at = nth(&lab, Operation::UpdateStage, 0);
    let plan = lab.plan().unwrap();
    lab.world.restart();
    lab.world.inject(at, Fault::denied());
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::RolledBack);
    assert_eq!(description(&lab).record, None, "exactly as before");
    let again = lab.plan().unwrap();
    lab.kept.borrow_mut().clear();
    assert_eq!(lab.promote(&again).unwrap().exit, Exit::Done);
    lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(description(&lab).record.unwrap().bad, [2], "rolled back from by a person");
}

#[test]
fn a_rollback_can_itself_be_undone_with_its_deployment() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    let after = lab.state();
    assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
    assert_ne!(lab.state().deployment, after.deployment);
    assert!(lab.rollback_elsewhere(Some(2)).unwrap().unwrap().is_clean());
    assert_eq!(lab.state(), after);
    let record = description(&lab).record.unwrap();
    assert_eq!(
        (record.state, record.from, record.bad.as_slice()),
        (RecordState::Promoted, Some(Version::Number(1)), &[1][..])
    );
}

#[test]
fn a_stale_record_is_not_believed() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    edit(&lab, |account| {
        account.update_code(&orders(), "code 3", Behaviour::default(), Duration::ZERO).unwrap();
        account.publish(&orders(), "theirs").unwrap();
        account.put_alias(&orders(), &alias(), 3, &[]).unwrap();
    });
    let problem = lab.rollback_elsewhere(None).unwrap().unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::RecordStale, Exit::Usage));
    assert!(lab.rollback_elsewhere(Some(1)).unwrap().unwrap().is_clean());
    assert_eq!(lab.state().aliases["orders:live"].0, Version::Number(1));
}

#[test]
fn grants_of_a_finished_release_stay_and_those_of_an_unfinished_one_go() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(lab.state().statements["orders:live"].len(), 2);

    let lab = second();
    let at = nth(&lab, Operation::UpdateStage, 0);
    let plan = lab.plan().unwrap();
    lab.world.restart();
    lab.world.inject(at, Fault::CrashBefore);
    assert!(lab.promote(&plan).is_none());
    lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(lab.state().statements["orders:live"], ["by-hand"]);
}

#[test]
fn a_dead_rollback_target_is_said_with_exit_6() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    edit(&lab, |account| {
        account.version_mut(&orders(), 1).unwrap().function.state = Some(stagegate::aws::noun::State::Inactive)
    });
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    let left = &undone.left[0].problem;
    assert_eq!((left.code, left.exit), (Code::RollbackTargetGone, Exit::InBetween));
    assert!(left.fix.iter().any(|f| f.contains("--to N")));
}

#[test]
fn several_functions_are_claimed_before_any_moves_and_a_refused_claim_releases_the_others() {
    let lab = Lab::new(Scenario::Three);
    let plan = lab.plan().unwrap();
    let before = lab.state();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let third = nth(&lab, Operation::UpdateAlias, 2);
    lab.world.restart();
    lab.world.inject(
        third,
        Fault::intrude(|account| account.describe_alias(&"prices".parse().unwrap(), &alias(), "theirs").unwrap()),
    );
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::Conflict, "{:?}", outcome.problem);
    let mut after = lab.state();
    after.aliases.get_mut("prices:live").unwrap().2 = "Orders API".into();
    assert_eq!(after, before);
    let carts = lab.peek(GetAlias { function: "carts".parse().unwrap(), alias: alias() }).unwrap();
    assert_eq!(carts.description, "Orders API", "our claim is released");
}

#[test]
fn exit_5_once_anything_was_written_whatever_the_cause() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::UpdateAlias, 0);
    lab.world.restart();
    lab.world.inject(at, Fault::denied());
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::RolledBack, "publishing is a write");
    assert!(outcome.problem.unwrap().aws_now.contains("v2 of orders is published and has no traffic"));
}

#[test]
fn exit_4_when_nothing_was_written() {
    let lab = second();
    let plan = lab.plan().unwrap();
    lab.world.restart();
    lab.world.inject(0, Fault::denied());
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::Access, Code::AccessDenied));
}

#[test]
fn an_interrupt_before_the_first_write_is_130_or_143_and_later_rolls_back_or_holds() {
    for (signal, exit) in [(Signal::Interrupt, Exit::Interrupted), (Signal::Terminate, Exit::Terminated)] {
        let lab = second();
        lab.interrupt.raise(signal);
        assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, exit);
        assert_eq!(operations(&lab).iter().filter(|o| o.kind() == Kind::Write).count(), 0);
    }
    for (on_interrupt, exit) in [(OnInterrupt::Rollback, Exit::RolledBack), (OnInterrupt::Hold, Exit::InFlight)] {
        let mut lab = second();
        lab.settings.on_interrupt = on_interrupt;
        let before = lab.state();
        let plan = lab.plan().unwrap();
        let at = nth(&lab, Operation::AddPermission, 0);
        let interrupt = lab.interrupt.clone();
        lab.world.restart();
        lab.world.inject(
            at,
            Fault::intrude(move |_| {
                interrupt.raise(Signal::Interrupt);
            }),
        );
        let outcome = lab.promote(&plan).unwrap();
        assert_eq!(outcome.exit, exit, "{:?}", outcome.problem);
        assert_eq!(lab.state() == before, on_interrupt == OnInterrupt::Rollback);
    }
}

#[test]
fn publishing_nothing_new_is_a_no_op_by_the_number_not_the_status() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.kept.borrow_mut().clear();
    let before = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
    let plan = lab.plan().unwrap();
    assert!(plan.is_noop());
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::Done, Code::NothingToPublish));
    assert_eq!(
        lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap(),
        before,
        "not even the revision moved"
    );
}

#[test]
fn an_existing_version_or_another_targets_version_can_be_the_source() {
    let mut lab = second();
    edit(&lab, |account| {
        account.publish(&orders(), "").unwrap();
        account.put_alias(&orders(), &"staging".parse().unwrap(), 2, &[]).unwrap();
    });
    lab.target.source = Source::Alias("staging".parse().unwrap());
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert!(!operations(&lab).contains(&Operation::PublishVersion));
    assert_eq!(lab.state().aliases["orders:live"].0, Version::Number(2));
}

#[test]
fn a_pending_version_and_an_update_in_progress_are_waited_for() {
    let lab = second();
    lab.world.edit(|account| {
        account.update_code(&orders(), "code 3", Behaviour::default(), Duration::from_secs(40)).unwrap();
        account.configure(&orders(), Duration::from_secs(60), |b| b.function.snap_start = true).unwrap();
    });
    let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
}

#[test]
fn latest_that_changes_between_plan_and_publish_is_not_published() {
    let lab = second();
    let plan = lab.plan().unwrap();
    edit(&lab, |account| account.update_code(&orders(), "code 9", Behaviour::default(), Duration::ZERO).unwrap());
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::Conflict, Code::LatestChanged));
}

#[test]
fn a_definition_edited_after_the_plan_is_not_deployed() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let before = lab.state();
    edit(&lab, |account| {
        account.put_route(&api(), "DELETE", "/orders", &orders(), "${stageVariables.lambdaAlias}").unwrap()
    });
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::RolledBack, Code::PlanStale));
    assert_eq!(lab.state(), before);
}

#[test]
fn the_stage_is_redeployed_only_when_the_definition_differs() {
    let mut lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.kept.borrow_mut().clear();
    edit(&lab, |account| account.update_code(&orders(), "code 3", Behaviour::default(), Duration::ZERO).unwrap());
    let plan = lab.plan().unwrap();
    assert!(plan.stage_change().is_none(), "same fingerprint: nothing to redeploy");
    lab.target.redeploy = RedeployWhen::Always;
    assert!(lab.plan().unwrap().stage_change().is_some());
    edit(&lab, |account| {
        account.put_route(&api(), "DELETE", "/orders", &orders(), "${stageVariables.lambdaAlias}").unwrap()
    });
    lab.target.redeploy = RedeployWhen::Never;
    assert!(lab.plan().unwrap().stage_change().is_none());
    lab.target.redeploy = RedeployWhen::IfChanged;
    assert!(lab.plan().unwrap().stage_change().is_some());
}

#[test]
fn text_and_record_that_do_not_fit_are_refused_with_the_number_to_cut() {
    let lab = second();
    edit(&lab, |account| account.describe_alias(&orders(), &alias(), &"x".repeat(250)).unwrap());
    let problem = lab.plan().unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::RecordTooLong, Exit::Usage));
    assert!(problem.fix[0].starts_with("cut ") && problem.fix[0].contains("characters"), "{:?}", problem.fix);
}

#[test]
fn the_users_own_text_stays_in_front_whatever_happens() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    assert_eq!(description(&lab).text, "Orders API");
    lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(description(&lab).text, "Orders API");
}

#[test]
fn until_stops_where_asked_and_resume_goes_on() {
    for step in [StepKind::Publish, StepKind::Smoke, StepKind::Alias, StepKind::Permission, StepKind::Redeploy] {
        let mut lab = second();
        lab.settings.until = Some(step);
        let plan = lab.plan().unwrap();
        assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done, "{step}");
        assert_ne!(description(&lab).record.map(|r| r.state), Some(RecordState::Promoted), "{step}");
        lab.settings.until = None;
        assert_eq!(lab.resume(&plan, false).unwrap().exit, Exit::Done, "{step}");
        assert_eq!(description(&lab).record.unwrap().state, RecordState::Promoted, "{step}");
    }
}

#[test]
fn a_journal_that_cannot_be_written_stops_the_run_and_undoes_it() {
    use stagegate::engine::Engine;
    use stagegate::event::Silent;
    use stagegate::journal::MemoryJournal;
    for room in 0..20 {
        let lab = second();
        let before = lab.state();
        let plan = lab.plan().unwrap();
        lab.world.restart();
        let (aws, clock) = (lab.aws(), lab.world.clock());
        let journal = MemoryJournal::full_after(room);
        let engine = Engine::new(&aws, &clock, &Silent, &lab.interrupt, journal, plan.run.clone(), lab.settings);
        let outcome = futures_util::FutureExt::now_or_never(engine.promote(&plan)).unwrap();
        if outcome.exit == Exit::Done {
            break;
        }
        assert_eq!(outcome.problem.as_ref().unwrap().code, Code::JournalUnwritable, "after {room} lines");
        assert!(matches!(outcome.exit, Exit::Failed | Exit::RolledBack), "after {room} lines: {:?}", outcome.exit);
        assert_eq!(lab.state(), before, "after {room} lines");
    }
}

#[test]
fn permission_is_proved_from_the_aliass_own_policy_not_from_a_list_of_ids() {
    let lab = second();
    edit(&lab, |account| account.grant(&orders(), &alias(), &api(), &prod()).unwrap());
    assert_eq!(lab.plan().unwrap().grants().count(), 0, "a statement by somebody else covers every route");
    let policy = lab.peek(GetPolicy { function: orders(), alias: alias() }).unwrap();
    assert!(policy.document.contains("seed-"));
    let stage = lab.peek(GetStage { api: api(), stage: prod() }).unwrap();
    assert_eq!(stage.variables["lambdaAlias"], "live");
}
