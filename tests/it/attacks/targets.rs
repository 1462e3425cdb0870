//! Where a rollback goes: numbers, dead versions, first releases among others, rollbacks of rollbacks.

use std::time::Duration;

use stagegate::aws::Operation;
use stagegate::aws::noun::State;
use stagegate::aws::operation::GetAlias;
use stagegate::model::{FunctionName, Version};
use stagegate::problem::{Code, Exit};
use stagegate::world::Fault;

use super::{dies_before, edit, orders, upload, version};
use crate::faults::lab::{Lab, Scenario, alias};

/// A finished first release, and an older version to go to.
fn first_release() -> Lab {
    let lab = Lab::new(Scenario::First);
    upload(&lab, &orders(), "code 2");
    let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
    lab.world.run_until_quiet();
    lab.world.watch_traffic();
    lab
}

#[test]
fn going_back_from_a_finished_first_release_takes_nothing_away() {
    let lab = first_release();
    let before = lab.state();
    assert_eq!(lab.rollback_elsewhere(None).unwrap().unwrap_err().code, Code::FirstRelease);
    let undone = lab.rollback_elsewhere(Some(1)).unwrap().unwrap();
    assert!(undone.is_clean(), "{undone:?}");
    assert_eq!(version(&lab, &orders()), Version::Number(1));
    assert_eq!(lab.violations(), Vec::<String>::new());
    assert_eq!(lab.state().variables, before.variables);
    assert_eq!(lab.state().deployment, before.deployment);
}

#[test]
fn a_version_that_does_not_exist_changes_nothing_and_is_said() {
    for finished in [true, false] {
        let lab = Lab::new(Scenario::Second);
        let plan = lab.plan().unwrap();
        if finished {
            lab.promote(&plan).unwrap();
        } else {
            dies_before(&lab, &plan, Operation::UpdateStage, 0);
        }
        for number in [99, 0, u64::MAX] {
            let lab = lab.fork();
            let serving = version(&lab, &orders());
            let undone = lab.rollback_elsewhere(Some(number)).unwrap().unwrap();
            assert!(!undone.is_clean(), "--to {number}, finished {finished}: {undone:?}");
            assert_eq!(version(&lab, &orders()), serving);
            assert_eq!(lab.violations(), Vec::<String>::new());
        }
    }
}

/// A target that cannot serve is told whatever else went wrong or was waited for.
#[test]
fn a_dead_target_is_never_covered_up() {
    for finished in [true, false] {
        for fault in [None, Some(Fault::Throttled), Some(Fault::LostReply), Some(Fault::LostRequest)] {
            let lab = Lab::new(Scenario::Second);
            let plan = lab.plan().unwrap();
            if finished {
                lab.promote(&plan).unwrap();
            } else {
                dies_before(&lab, &plan, Operation::UpdateStage, 0);
            }
            edit(&lab, |account| {
                account.version_mut(&orders(), 1).unwrap().function.state = Some(State::Inactive);
            });
            lab.world.restart();
            if let Some(fault) = &fault {
                lab.world.inject(1, fault.clone());
            }
            let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
            let codes: Vec<Code> = undone.left.iter().map(|l| l.problem.code).collect();
            assert!(codes.contains(&Code::RollbackTargetGone), "finished {finished}, {fault:?}: {undone:?}");
        }
    }
}

fn carts() -> FunctionName {
    "carts".parse().unwrap()
}

/// Three functions, of which one is new with this release.
fn one_is_new() -> Lab {
    let lab = Lab::new(Scenario::Three);
    edit(&lab, |account| {
        let gone = stagegate::aws::operation::DeleteAlias { function: carts(), alias: alias() };
        account.perform(&stagegate::aws::Call::DeleteAlias(gone)).unwrap();
    });
    lab.world.watch_traffic();
    lab
}

#[test]
fn a_finished_release_with_one_new_function_goes_back_in_one_command() {
    let lab = one_is_new();
    let before = lab.state();
    let plan = lab.plan().unwrap();
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap_or_else(|problem| panic!("{problem:?}"));
    assert!(undone.is_clean(), "{undone:?}");
    let now = lab.state();
    assert_eq!((&now.deployment, &now.variables), (&before.deployment, &before.variables));
    for name in ["orders:live", "prices:live"] {
        assert_eq!(now.aliases[name], before.aliases[name]);
    }
    assert!(
        lab.peek(GetAlias { function: carts(), alias: alias() }).is_ok(),
        "nothing of a finished release is deleted"
    );
    assert_eq!(lab.world.violations(), Vec::<String>::new());
}

/// Crashes of a release and of its rollback from another machine, one function of three being new.
#[test]
fn one_new_function_among_three_comes_back_from_every_pair_of_crashes() {
    let lab = one_is_new();
    let before = lab.state();
    let plan = lab.plan().unwrap();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    for at in 0..smooth.calls() {
        let lab = lab.fork();
        lab.world.restart();
        lab.world.inject(at, Fault::CrashAfter);
        assert!(lab.promote(&plan).is_none());
        for second in 0..30 {
            for fault in [Fault::CrashAfter, Fault::denied()] {
                let lab = lab.fork();
                lab.world.restart();
                lab.world.inject(second, fault.clone());
                let first = lab.rollback_elsewhere(None);
                lab.world.restart();
                let last = lab.rollback_elsewhere(None).unwrap();
                let told = format!("died after {at}, then {fault:?} at {second}: {first:?} then {last:?}");
                assert_eq!(lab.world.violations(), Vec::<String>::new(), "{told}");
                let mut state = lab.state();
                let closed = lab.kept.borrow().iter().any(|l| {
                    matches!(
                        l.entry,
                        stagegate::journal::Entry::Intent { step: stagegate::step::StepKind::Promote, .. }
                    )
                });
                if closed {
                    state.aliases.remove("carts:live");
                    state.statements.clone_from(&before.statements);
                }
                assert_eq!(state, before, "{told}");
            }
        }
    }
}

#[test]
fn a_rollback_of_a_rollback_of_a_rollback_never_hurts_traffic() {
    let lab = Lab::new(Scenario::Second);
    let before = lab.state();
    lab.promote(&lab.plan().unwrap()).unwrap();
    let after = lab.state();
    for _ in 0..3 {
        assert!(lab.rollback_elsewhere(Some(1)).unwrap().unwrap().is_clean());
        assert_eq!(version(&lab, &orders()), Version::Number(1));
        assert_eq!(lab.state().deployment, before.deployment);
        assert!(lab.rollback_elsewhere(Some(2)).unwrap().unwrap().is_clean());
        assert_eq!(lab.state(), after);
    }
    assert_eq!(lab.violations(), Vec::<String>::new());
}

#[test]
fn going_back_to_what_serves_already_leaves_the_stage_of_a_finished_release() {
    let lab = Lab::new(Scenario::Second);
    lab.promote(&lab.plan().unwrap()).unwrap();
    let after = lab.state();
    let undone = lab.rollback_elsewhere(Some(2)).unwrap().unwrap();
    assert!(undone.is_clean());
    assert_eq!(lab.state(), after);
}

#[test]
fn a_target_without_stage_goes_forward_and_back_from_every_crash() {
    let mut lab = Lab::new(Scenario::Second);
    (lab.target.stage, lab.target.alias_variable) = (None, None);
    let before = lab.state();
    let plan = lab.plan().unwrap();
    let smooth = lab.fork();
    assert_eq!(smooth.promote(&plan).unwrap().exit, Exit::Done);
    let after = smooth.state();
    for at in 0..smooth.calls() {
        for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::CrashLate { after: Duration::from_secs(25) }] {
            let lab = lab.fork();
            lab.world.restart();
            lab.world.inject(at, fault.clone());
            assert!(lab.promote(&plan).is_none());
            lab.world.restart();
            let there = lab.fork();
            let _ = there.rollback_elsewhere(None).unwrap();
            // A claim that lands after the look is there for the next one.
            there.world.run_until_quiet();
            let _ = there.rollback_elsewhere(None).unwrap();
            assert_eq!(there.state(), before, "{fault:?} at {at}");
            let outcome = lab.resume(&plan, false).unwrap();
            assert_eq!((outcome.exit, lab.state()), (Exit::Done, after.clone()), "{fault:?} at {at}");
        }
    }
    smooth.rollback_elsewhere(None).unwrap().unwrap();
    let mut calls: Vec<Operation> = smooth.world.calls().iter().map(|c| c.call.operation()).collect();
    assert_eq!(calls[..2], [Operation::GetAlias, Operation::UpdateAlias]);
    calls.sort();
    let budget = [Operation::GetAlias, Operation::GetAlias, Operation::UpdateAlias, Operation::GetFunction];
    let mut budget = budget.to_vec();
    budget.sort();
    assert_eq!(calls, budget, "the budget of SPEC §3");
}

/// Capacity that moves, fails to move, and is moved back while it moves.
#[test]
fn provisioned_concurrency_at_every_crash() {
    for fails in [None, Some("no capacity")] {
        let lab = Lab::new(Scenario::Second);
        edit(&lab, |a| a.provision(&orders(), &alias(), Duration::from_secs(120), fails).unwrap());
        let before = lab.state();
        let plan = lab.plan().unwrap();
        let smooth = lab.fork();
        let outcome = smooth.promote(&plan).unwrap();
        let expected = if fails.is_none() { Exit::Done } else { Exit::RolledBack };
        assert_eq!(outcome.exit, expected, "{outcome:?}");
        for at in 0..smooth.calls() {
            let lab = lab.fork();
            lab.world.restart();
            lab.world.inject(at, Fault::CrashAfter);
            if lab.promote(&plan).is_some() {
                continue;
            }
            lab.world.restart();
            for who in 0..3 {
                let lab = lab.fork();
                let told = match who {
                    0 => format!("{:?}", lab.rollback_elsewhere(None).unwrap()),
                    1 => format!("{:?}", lab.resume(&plan, true).unwrap()),
                    _ => {
                        let outcome = lab.resume(&plan, false).unwrap();
                        if outcome.exit == Exit::Done {
                            continue;
                        }
                        format!("{outcome:?}")
                    }
                };
                assert_eq!(lab.violations(), Vec::<String>::new(), "{fails:?} died after {at}, {who}: {told}");
                let mut now = lab.state();
                now.statements.clone_from(&before.statements);
                let finished = told.contains("NothingRecorded");
                assert!(finished || now == before, "{fails:?} died after {at}, {who}: {told} {now:#?}");
            }
        }
    }
}

#[test]
fn a_version_that_fails_to_start_leaves_everything_as_it_was() {
    let lab = Lab::new(Scenario::Second);
    edit(&lab, |account| {
        account.configure(&orders(), Duration::ZERO, |b| b.function.snap_start = true).unwrap();
        let failing = stagegate::world::lambda::Publishing {
            pending_for: Duration::from_secs(60),
            fails: Some("the snapshot could not be taken".into()),
        };
        account.set_publishing(&orders(), failing).unwrap();
    });
    let before = lab.state();
    let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
    let problem = outcome.problem.unwrap();
    assert_eq!((outcome.exit, problem.code), (Exit::RolledBack, Code::VersionNotActive), "{problem:?}");
    assert_eq!(lab.state(), before);
    lab.kept.borrow_mut().clear();
    // Publishing again answers with the same failed version: it must not get traffic either.
    if let Ok(plan) = lab.plan() {
        let outcome = lab.promote(&plan).unwrap();
        assert_ne!(outcome.exit, Exit::Done);
    }
    assert_eq!(lab.state(), before);
}

#[test]
fn a_publish_found_by_the_next_process_counts_as_a_write() {
    let lab = Lab::new(Scenario::Second);
    let plan = lab.plan().unwrap();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let publish = smooth.world.calls().iter().find(|c| c.call.operation() == Operation::PublishVersion).unwrap().index;
    lab.world.restart();
    lab.world.inject(publish, Fault::CrashAfter);
    assert!(lab.promote(&plan).is_none());
    lab.world.restart();
    let probe = lab.fork();
    probe.resume(&plan, false).unwrap();
    let move_at = probe.world.calls().iter().find(|c| c.call.operation() == Operation::UpdateAlias).unwrap().index;
    lab.world.restart();
    lab.world.inject(move_at, Fault::denied());
    let outcome = lab.resume(&plan, false).unwrap();
    assert_eq!(outcome.exit, Exit::RolledBack, "{:?}", outcome.problem);
}

/// The deleted previous version: the release cannot take it from under the alias, a person after it can.
#[test]
fn a_deleted_previous_version_is_said_and_changes_nothing() {
    let lab = Lab::new(Scenario::Second);
    lab.promote(&lab.plan().unwrap()).unwrap();
    edit(&lab, |account| account.delete_version(&orders(), 1).unwrap());
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert!(!undone.is_clean());
    assert_eq!(version(&lab, &orders()), Version::Number(2), "{undone:?}");
    assert_eq!(lab.violations(), Vec::<String>::new());
}

/// A late delete must not hit the alias of whoever comes next.
#[test]
fn a_delete_that_lands_late_finds_nothing_of_a_successor() {
    let lab = Lab::new(Scenario::First);
    let plan = lab.plan().unwrap();
    dies_before(&lab, &plan, Operation::UpdateStage, 0);
    let smooth = lab.fork();
    smooth.resume(&plan, true).unwrap();
    let at = smooth.world.calls().iter().find(|c| c.call.operation() == Operation::DeleteAlias).unwrap().index;
    lab.world.inject(at, Fault::Late { after: Duration::from_secs(25) });
    let outcome = lab.resume(&plan, true).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{outcome:?}");
    super::promoted_elsewhere(&lab);
    lab.world.run_until_quiet();
    assert!(lab.peek(GetAlias { function: orders(), alias: alias() }).is_ok());
}
