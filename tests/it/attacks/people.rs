//! People with the aws command line, and CodeDeploy, beside a release.

use stagegate::aws::Operation;
use stagegate::aws::operation::GetAlias;
use stagegate::model::Version;
use stagegate::problem::Exit;
use stagegate::world::{Account, Fault};

use super::{dies_before, edit, orders, promoted_elsewhere, upload};
use crate::faults::lab::{Lab, Scenario, alias};

/// Every point of a release at which somebody changes the alias and leaves the description as it is.
fn kept_by_hand(change: impl Fn(&mut Account) + Copy + 'static, check: impl Fn(&Lab) -> bool) {
    let lab = Lab::new(Scenario::Second);
    // Two more versions, so that theirs is neither ours nor the old one.
    edit(&lab, |account| {
        account.publish(&orders(), "theirs").unwrap();
    });
    upload(&lab, &orders(), "code 3");
    let plan = lab.plan().unwrap();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    for at in 0..smooth.calls() {
        let lab = lab.fork();
        lab.world.restart();
        lab.world.inject(at, Fault::intrude(change));
        let outcome = lab.promote(&plan).unwrap();
        assert!(check(&lab), "overwritten at call {at}: {:?} {:?}", outcome.exit, outcome.problem);
        assert!(matches!(outcome.exit, Exit::Conflict | Exit::InBetween), "call {at}: {outcome:?}");
        assert_eq!(lab.violations(), Vec::<String>::new(), "call {at}");
    }
}

#[test]
fn a_version_set_by_hand_that_leaves_the_description_is_kept() {
    kept_by_hand(
        |account| account.put_alias(&orders(), &alias(), 2, &[]).unwrap(),
        |lab| {
            let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
            now.version == Version::Number(2) && now.weights.is_empty()
        },
    );
}

#[test]
fn weights_of_codedeploy_are_kept() {
    kept_by_hand(
        |account| account.put_alias(&orders(), &alias(), 1, &[(2, 0.25)]).unwrap(),
        |lab| {
            let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
            now.version == Version::Number(1) && now.weights.len() == 1
        },
    );
}

#[test]
fn an_alias_that_a_release_created_and_somebody_took_over_is_never_deleted() {
    for undo_elsewhere in [false, true] {
        let lab = Lab::new(Scenario::First);
        let plan = lab.plan().unwrap();
        dies_before(&lab, &plan, Operation::AddPermission, 0);
        edit(&lab, |account| account.describe_alias(&orders(), &alias(), "owned by sam").unwrap());
        if undo_elsewhere {
            let _ = lab.rollback_elsewhere(None).unwrap();
        } else {
            let outcome = lab.resume(&plan, true).unwrap();
            assert_eq!(outcome.exit, Exit::InBetween, "{:?}", outcome.problem);
        }
        let now = lab.peek(GetAlias { function: orders(), alias: alias() });
        assert_eq!(now.map(|a| a.description).ok().as_deref(), Some("owned by sam"));
    }
}

#[test]
fn an_alias_taken_over_right_before_each_call_of_the_way_back_is_never_deleted() {
    let lab = Lab::new(Scenario::First);
    let plan = lab.plan().unwrap();
    dies_before(&lab, &plan, Operation::UpdateStage, 0);
    let smooth = lab.fork();
    smooth.resume(&plan, true).unwrap();
    let calls = smooth.world.calls();
    for call in calls {
        if call.call.operation() == Operation::DeleteAlias {
            continue; // DeleteAlias has no guard: a window of one call.
        }
        let lab = lab.fork();
        lab.world.inject(
            call.index,
            Fault::intrude(|account| {
                let _ = account.describe_alias(&orders(), &alias(), "owned by sam");
            }),
        );
        lab.resume(&plan, true).unwrap();
        let now = lab.peek(GetAlias { function: orders(), alias: alias() }).ok();
        let deleted_before = smooth_deleted_before(&smooth, call.index);
        assert!(
            deleted_before || now.is_some_and(|a| a.description == "owned by sam"),
            "before call {} {}",
            call.index,
            call.call.operation()
        );
    }
}

fn smooth_deleted_before(smooth: &Lab, index: usize) -> bool {
    smooth.world.calls().iter().any(|c| c.call.operation() == Operation::DeleteAlias && c.index < index)
}

/// A release dies, somebody rolls it back, somebody promotes: then its first machine undoes it once more.
#[test]
fn undoing_a_release_that_others_replaced_takes_nothing_from_its_successor() {
    for scenario in [Scenario::First, Scenario::Second, Scenario::Three] {
        let lab = Lab::new(scenario);
        let plan = lab.plan().unwrap();
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        for at in 0..smooth.calls() {
            for undo in [false, true] {
                let lab = lab.fork();
                lab.world.restart();
                lab.world.inject(at, Fault::CrashAfter);
                assert!(lab.promote(&plan).is_none());
                lab.world.restart();
                let _ = lab.rollback_elsewhere(None).unwrap();
                for function in lab.target.functions.clone() {
                    upload(&lab, &function, "code 7");
                }
                if lab.plan().is_err() {
                    continue; // nothing was to be rolled back: the release finished
                }
                promoted_elsewhere(&lab);
                lab.world.watch_traffic();
                let before = lab.state();
                let outcome = lab.resume(&plan, undo).unwrap();
                assert_eq!(lab.state(), before, "{scenario:?} crash after {at}, undo {undo}: {outcome:?}");
                assert_eq!(lab.violations(), Vec::<String>::new(), "{scenario:?} crash after {at}, undo {undo}");
                assert_ne!(outcome.exit, Exit::RolledBack, "{scenario:?} crash after {at}, undo {undo}: {outcome:?}");
            }
        }
    }
}

/// The same with only the variable and the statement between the two releases: their names do not tell whose they are.
#[test]
fn a_variable_and_a_statement_that_a_successor_needs_stay() {
    let mut lab = Lab::new(Scenario::First);
    lab.target.redeploy = stagegate::model::target::RedeployWhen::Never;
    let plan = lab.plan().unwrap();
    dies_before(&lab, &plan, Operation::UpdateAlias, 0);
    lab.rollback_elsewhere(None).unwrap().unwrap();
    upload(&lab, &orders(), "code 7");
    promoted_elsewhere(&lab);
    lab.world.watch_traffic();
    let before = lab.state();
    let outcome = lab.resume(&plan, true).unwrap();
    assert_eq!(lab.state(), before, "{outcome:?}");
    assert_eq!(lab.violations(), Vec::<String>::new());
    assert_eq!(outcome.exit, Exit::InBetween, "{outcome:?}");
}

/// Somebody deletes the alias in the middle of it: no crash, no false ending.
#[test]
fn an_alias_deleted_by_hand_is_said() {
    for scenario in [Scenario::First, Scenario::Second] {
        let lab = Lab::new(scenario);
        let plan = lab.plan().unwrap();
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        for call in smooth.world.calls() {
            let lab = lab.fork();
            lab.world.restart();
            lab.world.inject(
                call.index,
                Fault::intrude(|account| {
                    let gone = stagegate::aws::operation::DeleteAlias { function: orders(), alias: alias() };
                    account.perform(&stagegate::aws::Call::DeleteAlias(gone)).unwrap();
                }),
            );
            let outcome = lab.promote(&plan).unwrap();
            let exists = lab.peek(GetAlias { function: orders(), alias: alias() }).is_ok();
            match outcome.exit {
                Exit::Done => assert!(exists, "{scenario:?} call {}: {outcome:?}", call.index),
                Exit::InBetween | Exit::Conflict | Exit::RolledBack => {}
                _ => panic!("{scenario:?} call {}: {outcome:?}", call.index),
            }
            if scenario == Scenario::Second && outcome.exit != Exit::Done {
                assert_ne!(outcome.exit, Exit::RolledBack, "the alias is gone: {outcome:?}");
            }
        }
    }
}
