//! What is kept and how releases end (SPEC §3, §9).
use std::time::Duration;

use stagegate::aws::operation::{GetAlias, GetPolicy, GetStage};
use stagegate::aws::{Kind, Operation};
use stagegate::engine::{OnInterrupt, Signal};
use stagegate::model::target::{Expect, RedeployWhen, SmokeCheck, Source};
use stagegate::model::{RecordState, Version};
use stagegate::plan::LOCK_MARGIN;
use stagegate::problem::{Code, Exit};
use stagegate::step::StepKind;
use stagegate::world::{Behaviour, Fault};

use crate::faults::lab::{Lab, Scenario, alias, api, prod};

use super::{description, edit, nth, operations, orders, refusal, second};

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
        (RecordState::Promoted, Some(Version::Number(1)), &[][..]),
        "undoing a rollback says nothing against the version that it had gone back to"
    );
    lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(description(&lab).record.unwrap().to, Version::Number(1), "the way back is there again");
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

#[test]
fn a_rollback_does_not_overwrite_a_release_that_came_while_the_person_read_the_screen() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.world.restart();
    let theirs = stagegate::model::RunId::new(1, 77);
    lab.world.inject(
        1,
        Fault::intrude(move |account| {
            let entry = account.alias_mut(&orders(), &alias()).unwrap();
            let mut found = stagegate::model::Description::parse(&entry.description).unwrap();
            found.record.as_mut().unwrap().run = theirs.clone();
            let text = found.to_string();
            account.describe_alias(&orders(), &alias(), &text).unwrap();
        }),
    );
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(undone.left[0].problem.code, Code::AliasChanged);
    let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
    assert_eq!(now.version, Version::Number(2), "theirs stays");
}
