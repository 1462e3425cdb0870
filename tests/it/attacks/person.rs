//! Ctrl-C at every call of a release at a terminal, with every answer, and a second Ctrl-C instead of one.

use std::rc::Rc;

use stagegate::engine::Signal;
use stagegate::engine::person::Choice;
use stagegate::model::CanaryMode;
use stagegate::plan::Plan;
use stagegate::problem::Exit;
use stagegate::world::{Fault, Load, Profile};

use crate::canary::lab as canary;
use crate::faults::lab::{Lab, Scenario, State};
use crate::support::person::Scripted;

fn at_once(scenario: Scenario) -> Lab {
    Lab::new(scenario)
}

fn in_steps(mode: CanaryMode) -> Lab {
    let mut lab = canary::lab(Scenario::Second, mode);
    lab.target.canary.steps = canary::steps("20% 2m, 50% 2m");
    lab.target.gate.max_slow_ratio = None;
    lab.world.set_load(Load { history_minutes: 15, ..canary::clients(&lab, 3, 1000.0, &Profile::default()) });
    lab
}

fn labs() -> Vec<(String, Lab)> {
    let all = [Scenario::First, Scenario::Second, Scenario::Three, Scenario::Http];
    let mut labs: Vec<(String, Lab)> = all.into_iter().map(|s| (format!("{s:?}"), at_once(s))).collect();
    labs.extend([CanaryMode::Alias, CanaryMode::Stage].map(|mode| (format!("{mode:?}"), in_steps(mode))));
    labs
}

/// A release that hears Ctrl-C before its call `at`, so often, at whose terminal somebody answers.
fn interrupted(
    lab: &Lab,
    plan: &Plan,
    at: usize,
    times: u8,
    answer: Option<Choice>,
) -> (Lab, Option<Exit>, Rc<Scripted>) {
    let mut lab = lab.fork();
    let person = Scripted::answering([answer]).sit_down();
    lab.person = person.clone();
    lab.world.restart();
    let interrupt = lab.interrupt.clone();
    lab.world.inject(
        at,
        Fault::intrude(move |_| {
            for _ in 0..times {
                interrupt.raise(Signal::Interrupt);
            }
        }),
    );
    let exit = lab.promote(plan).map(|outcome| outcome.exit);
    assert_eq!(lab.violations(), Vec::<String>::new(), "call {at}, {answer:?}");
    (lab, exit, person)
}

/// Somebody else, with AWS alone, gets back what was before.
fn goes_back(lab: &Lab, before: &State, told: &str) {
    let lab = lab.fork();
    lab.world.restart();
    lab.world.clock().advance(stagegate::engine::SETTLE);
    if lab.state() != *before {
        let undone = lab.rollback_elsewhere(None).expect("nobody crashes").unwrap_or_else(|p| panic!("{told}: {p:?}"));
        assert!(undone.is_clean(), "{told}: {undone:?}");
    }
    let (now, state) = (lab.state(), before.clone());
    assert_eq!(State { candidates: Vec::new(), statements: state.statements.clone(), ..now }, state, "{told}");
}

/// It is left where it is and says so; or nothing but a version was written, and there is nothing to leave.
fn stays(left: &Lab, exit: Option<Exit>, before: &State, told: &str, exits: &[Exit]) {
    match exit {
        Some(Exit::RolledBack) => assert_eq!(left.state(), *before, "{told}"),
        Some(exit) => assert!(exits.contains(&exit), "{told}: {exit:?}"),
        None => panic!("{told}: it died"),
    }
    goes_back(left, before, told);
}

fn every_call(name: &str, lab: &Lab) -> usize {
    let plan = lab.plan().unwrap();
    let before = lab.state();
    let smooth = lab.fork();
    assert_eq!(smooth.promote(&plan).unwrap().exit, Exit::Done);
    let (after, calls) = (smooth.state(), smooth.calls());
    for at in 0..calls {
        let told = |what: &str| format!("{name}, call {at} of {calls}, {what}");
        let (on, exit, person) = interrupted(lab, &plan, at, 1, Some(Choice::GoOn));
        match person.occasions().len() {
            // Before the first write nobody is asked.
            0 => assert!(matches!(exit, Some(Exit::Interrupted | Exit::Done)), "{}: {exit:?}", told("not asked")),
            _ => assert_eq!((exit, on.state()), (Some(Exit::Done), after.clone()), "{}", told("go on")),
        }
        let asked = !person.occasions().is_empty();
        for answer in [Some(Choice::RollBack), None] {
            let (back, exit, _) = interrupted(lab, &plan, at, 1, answer);
            if asked {
                assert_eq!((exit, back.state()), (Some(Exit::RolledBack), before.clone()), "{}", told("back"));
            }
        }
        let (left, exit, _) = interrupted(lab, &plan, at, 1, Some(Choice::Leave));
        if asked {
            stays(&left, exit, &before, &told("leave"), &[Exit::InFlight, Exit::InBetween]);
        }
        let (left, exit, person) = interrupted(lab, &plan, at, 2, Some(Choice::GoOn));
        assert_eq!(person.occasions(), [], "{}", told("twice"));
        if asked {
            stays(&left, exit, &before, &told("twice"), &[Exit::InBetween]);
        }
    }
    calls
}

#[test]
fn ctrl_c_at_every_call_ends_as_the_person_says() {
    for (name, lab) in labs() {
        println!("{name}: {} calls", every_call(&name, &lab));
    }
}

/// A signal of the system while the question stands ends it, and the configuration decides.
#[test]
fn a_hang_up_while_a_question_stands_rolls_back() {
    let lab = in_steps(CanaryMode::Alias);
    let plan = lab.plan().unwrap();
    let before = lab.state();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let mut lab = lab.fork();
    let interrupt = lab.interrupt.clone();
    let hangs_up = move || {
        interrupt.raise(Signal::Terminate);
    };
    lab.person = Scripted::answering([Some(Choice::GoOn)]).meanwhile(hangs_up).sit_down();
    let interrupt = lab.interrupt.clone();
    lab.world.restart();
    let presses = move |_: &mut _| {
        interrupt.raise(Signal::Interrupt);
    };
    lab.world.inject(smooth.calls() / 2, Fault::intrude(presses));
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, lab.state()), (Exit::RolledBack, before), "{outcome:?}");
}
