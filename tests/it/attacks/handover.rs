//! Processes that die one after the other while different people take over.

use stagegate::engine::Outcome;
use stagegate::problem::{Code, Exit, Problem};
use stagegate::rollback::Undone;
use stagegate::step::StepKind;
use stagegate::world::Fault;

use crate::faults::lab::{Lab, Scenario, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Resume,
    Undo,
    Elsewhere,
}

use Who::{Elsewhere, Resume, Undo};

#[derive(Debug)]
enum End {
    Died,
    Local(Outcome),
    Remote(Result<Undone, Problem>),
}

fn act(lab: &Lab, plan: &stagegate::plan::Plan, who: Who) -> End {
    match who {
        Resume | Undo => lab.resume(plan, who == Undo).map_or(End::Died, End::Local),
        Elsewhere => lab.rollback_elsewhere(None).map_or(End::Died, End::Remote),
    }
}

fn comparable(lab: &Lab, before: &State) -> State {
    let mut state = lab.state();
    if state.deployment != before.deployment {
        state.deployment = "new".into();
    }
    state
}

/// The release dies at every call; then each of `chain` takes over and dies at every `stride`th call of its own; the
/// last one does not die. Whatever happened, AWS is as before or as after, and what was said is true.
fn chain(scenario: Scenario, chain: [Who; 3], stride: usize) {
    let lab = Lab::new(scenario);
    let plan = lab.plan().unwrap();
    let before = lab.state();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let after = comparable(&smooth, &before);
    let points = smooth.calls();
    let mut runs = 0;
    for first in 0..points {
        let lab = lab.fork();
        lab.world.restart();
        lab.world.inject(first, Fault::CrashAfter);
        assert!(lab.promote(&plan).is_none());
        for second in (first % stride..25).step_by(stride) {
            let lab = lab.fork();
            lab.world.restart();
            lab.world.inject(second, Fault::CrashAfter);
            let end = act(&lab, &plan, chain[0]);
            for third in ((first + second) % stride..25).step_by(stride) {
                let lab = lab.fork();
                lab.world.restart();
                lab.world.inject(third, Fault::CrashBefore);
                let finished = !matches!(end, End::Died);
                if finished && third > stride {
                    break; // nobody died: what follows is the same every time
                }
                act(&lab, &plan, chain[1]);
                lab.world.restart();
                let last = act(&lab, &plan, chain[2]);
                runs += 1;
                let state = comparable(&lab, &before);
                let told =
                    format!("{scenario:?} {chain:?} died after {first}, {second}, {third}: {last:?}\n{state:#?}");
                assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
                let closed = lab
                    .kept
                    .borrow()
                    .iter()
                    .any(|l| matches!(l.entry, stagegate::journal::Entry::Intent { step: StepKind::Promote, .. }));
                let mut forgiving = state.clone();
                if closed {
                    forgiving.statements.clone_from(&before.statements);
                }
                let is_back = forgiving == before;
                match &last {
                    End::Died => panic!("{told}"),
                    End::Local(outcome) if outcome.exit == Exit::InBetween => panic!("{told}"),
                    End::Local(outcome) if outcome.exit == Exit::Done && chain[2] == Resume => {
                        assert_eq!(state, after, "{told}");
                    }
                    End::Local(_) => assert!(is_back, "{told}"),
                    End::Remote(Ok(undone)) => assert!(undone.is_clean() && is_back, "{told}"),
                    End::Remote(Err(problem)) if problem.code == Code::FirstRelease => {
                        assert_eq!(state, after, "{told}");
                    }
                    End::Remote(Err(_)) => assert!(is_back, "{told}"),
                }
            }
        }
    }
    println!("{scenario:?} {chain:?}: {runs} runs");
}

#[test]
fn rollback_elsewhere_then_resume_then_undo() {
    chain(Scenario::Second, [Elsewhere, Resume, Undo], 1);
    chain(Scenario::First, [Elsewhere, Resume, Undo], 2);
    chain(Scenario::Three, [Elsewhere, Resume, Undo], 7);
}

#[test]
fn resume_then_rollback_elsewhere_then_resume() {
    chain(Scenario::Second, [Resume, Elsewhere, Resume], 1);
    chain(Scenario::First, [Resume, Elsewhere, Resume], 2);
    chain(Scenario::Three, [Resume, Elsewhere, Resume], 7);
}

#[test]
fn undo_then_rollback_elsewhere_then_rollback_elsewhere() {
    chain(Scenario::Second, [Undo, Elsewhere, Elsewhere], 2);
    chain(Scenario::First, [Undo, Elsewhere, Elsewhere], 2);
    chain(Scenario::Three, [Undo, Elsewhere, Elsewhere], 7);
}

/// The whole rollback of a person elsewhere happens before each call of the release.
#[test]
fn a_rollback_elsewhere_at_every_call_of_a_running_release() {
    for scenario in [Scenario::Second, Scenario::First, Scenario::Three] {
        let lab = Lab::new(scenario);
        let plan = lab.plan().unwrap();
        let before = lab.state();
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        let calls: Vec<_> = smooth.world.calls().iter().map(|c| c.call.operation()).collect();
        for at in 0..calls.len() {
            let lab = lab.fork();
            lab.world.restart();
            let template = lab.fork();
            let said = std::rc::Rc::new(std::cell::RefCell::new(None));
            let told = std::rc::Rc::clone(&said);
            lab.world.inject(
                at,
                Fault::intrude(move |account| {
                    let other = template.fork();
                    other.world.edit(|theirs| *theirs = account.clone());
                    // Where no alias exists yet, they find nothing to roll back.
                    let undone = other.rollback_elsewhere(None).unwrap().ok().filter(|u| !u.now.is_empty());
                    *told.borrow_mut() = undone.map(|u| u.is_clean());
                    other.world.edit(|theirs| *account = theirs.clone());
                }),
            );
            let outcome = lab.promote(&plan).unwrap();
            let said = *said.borrow();
            let told = format!("{scenario:?} at call {at}: they {said:?}, we {outcome:?}");
            // Stages have no revision: between the last look and the write they cannot be guarded (SPEC §2 rule 3). What
            // that leaves for a moment is a route that was not served before, and we take the stage back ourselves.
            let write = calls.iter().position(|call| *call == stagegate::aws::Operation::UpdateStage).unwrap();
            if !(write - 1..=write).contains(&at) {
                assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
            }
            match (said, outcome.exit) {
                (Some(true), Exit::Done) => panic!("both are content: {told}"),
                (None, Exit::Done) => {}
                (_, Exit::RolledBack | Exit::Conflict) => assert_eq!(lab.state(), before, "{told}"),
                _ => panic!("{told}"),
            }
        }
    }
}

#[test]
fn every_stop_on_request_can_be_undone_from_anywhere_and_taken_up_again() {
    for scenario in [Scenario::Second, Scenario::First, Scenario::Three] {
        for step in [StepKind::Publish, StepKind::Smoke, StepKind::Alias, StepKind::Permission, StepKind::Redeploy] {
            for who in [Resume, Undo, Elsewhere] {
                let mut lab = Lab::new(scenario);
                lab.settings.until = Some(step);
                let plan = lab.plan().unwrap();
                let before = lab.state();
                assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
                lab.settings.until = None;
                let end = act(&lab, &plan, who);
                let told = format!("{scenario:?} until {step} then {who:?}: {end:?}");
                assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
                match end {
                    End::Local(outcome) => assert_eq!(outcome.exit, Exit::Done, "{told}"),
                    End::Remote(Ok(undone)) => assert!(undone.is_clean(), "{told}"),
                    End::Remote(Err(_)) => assert!(step < StepKind::Alias, "{told}"),
                    End::Died => panic!("{told}"),
                }
                if who != Resume {
                    assert_eq!(lab.state(), before, "{told}");
                }
                // And the first machine, which knows nothing of it, goes on.
                if who == Elsewhere && step >= StepKind::Alias {
                    let outcome = lab.resume(&plan, false).unwrap();
                    assert!(matches!(outcome.exit, Exit::RolledBack | Exit::Conflict), "{told}: {outcome:?}");
                    assert_eq!(lab.state(), before, "{told}");
                }
            }
        }
    }
}
