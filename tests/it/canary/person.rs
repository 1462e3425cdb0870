//! What the person at the terminal is asked during a canary, and what each answer does.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use stagegate::aws::{Kind, Operation};
use stagegate::clock::Clock;
use stagegate::engine::person::{Choice, Demand, Occasion};
use stagegate::engine::{Interrupt, Outcome, Signal};
use stagegate::event::{Event, Listener};
use stagegate::journal::Entry;
use stagegate::model::{CanaryMode, Percent, RecordState};
use stagegate::problem::{Code, Exit};
use stagegate::world::Profile;

use super::during::{Stagecraft, share, told};
use super::kinds::BOTH;
use super::lab::clients;
use super::never_a_pass::denied;
use crate::support::person::Scripted;

fn good() -> Profile {
    Profile::default()
}

fn broken() -> Profile {
    Profile::failing(0.3)
}

/// A release at whose terminal somebody sits.
fn attended(mode: CanaryMode, rps: f64, candidate: &Profile, person: Scripted) -> (Stagecraft, Rc<Scripted>) {
    let mut release = Stagecraft::new(mode, rps, candidate);
    let person = person.sit_down();
    release.lab.person = person.clone();
    (release, person)
}

fn answering(choices: &[Option<Choice>]) -> Scripted {
    Scripted::answering(choices.iter().copied())
}

/// Everything is as before because a person wanted it so: the version is remembered as bad.
#[track_caller]
fn assert_recalled(release: &Stagecraft, outcome: &Outcome) {
    let problem = told(outcome);
    assert_eq!((outcome.exit, problem.code), (Exit::RolledBack, Code::Interrupted), "{problem:?}");
    assert!(problem.what.contains("as you asked"), "{problem:?}");
    assert_eq!((release.lab.state(), share(&release.lab)), (release.before.clone(), 0.0));
    assert_eq!(release.record().bad, [2]);
}

#[test]
fn a_failed_gate_asks_and_goes_back_when_nobody_answers() {
    for mode in BOTH {
        for answer in [Some(Choice::RollBack), None] {
            let (release, person) = attended(*mode, 100.0, &broken(), answering(&[answer]));
            let outcome = release.promote();
            release.assert_back(&outcome, Code::GateFailed, "errors");
            let question = person.last();
            assert_eq!((question.occasion, question.share), (Occasion::GateFailed, Some(Percent::whole(5))));
            assert_eq!((question.choices[0], question.unanswered), (Choice::RollBack, Choice::RollBack));
            assert!(question.problem.unwrap().why[0].contains("errors"));
        }
    }
}

#[test]
fn a_failed_gate_that_is_watched_on_asks_again_and_is_not_left_alone() {
    let (release, person) = attended(CanaryMode::Alias, 100.0, &broken(), answering(&[Some(Choice::Watch), None]));
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "errors");
    assert_eq!(person.occasions(), [Occasion::GateFailed, Occasion::GateFailed]);
    let looks = release.looks();
    assert!(looks.iter().all(|(_, look)| look.step == 1), "it stays at its share");
    let first = looks.iter().position(|(_, look)| look.decision == stagegate::gate::Decision::Rollback).unwrap();
    let watched = looks.last().unwrap().0.duration_since(looks[first].0).as_secs();
    assert!((5 * 60..=32 * 60).contains(&watched), "{watched} s");
}

#[test]
fn a_step_that_is_let_pass_keeps_its_time_and_the_reason_is_kept() {
    for mode in BOTH {
        let answers = [Some(Choice::PassOnce); 3];
        let (release, person) = attended(*mode, 100.0, &broken(), answering(&answers));
        let outcome = release.promote();
        release.assert_promoted(&outcome);
        assert_eq!(person.occasions(), [Occasion::GateFailed; 3], "every step is let pass on its own");
        let passed: Vec<(Percent, String)> = release
            .lab
            .kept
            .borrow()
            .iter()
            .filter_map(|line| match &line.entry {
                Entry::GatePassed { percent, reason } => Some((*percent, reason.clone())),
                _ => None,
            })
            .collect();
        let reason = "the errors are the load test's".to_owned();
        assert_eq!(passed, [5, 25, 50].map(|percent| (Percent::whole(percent), reason.clone())));
        let looks = release.looks();
        let (began, ended) = (looks[0].0, looks.last().unwrap().0);
        assert!(ended.duration_since(began).as_secs() >= 29 * 60, "no step is shorter than its bake");
        let heard = release.heard.0.borrow();
        let details: Vec<&String> = heard
            .iter()
            .filter_map(|(_, event)| match event {
                Event::StepFinished { step: stagegate::step::StepKind::Canary, detail, .. } => Some(detail),
                _ => None,
            })
            .collect();
        assert_eq!(details, ["5%, 25%, 50% over; 5%, 25%, 50% let pass by a person"]);
    }
}

#[test]
fn going_back_can_be_declined_and_that_is_in_between() {
    for mode in BOTH {
        let (release, _) = attended(*mode, 100.0, &broken(), answering(&[Some(Choice::Leave)]));
        let outcome = release.promote();
        let problem = told(&outcome);
        assert_eq!((outcome.exit, outcome.ending, problem.code), (Exit::InBetween, None, Code::InBetween));
        assert!(problem.aws_now.contains("5%"), "{problem:?}");
        assert_eq!(problem.fix[0], "go back: stagegate rollback prod");
        assert_eq!((share(&release.lab), release.record().state), (5.0, RecordState::Paused));
        assert!(release.lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        assert_eq!(release.lab.state().aliases, release.before.aliases);
    }
}

#[test]
fn a_canary_without_proof_asks_and_is_held_when_nobody_answers() {
    for mode in BOTH {
        for answer in [Some(Choice::Leave), None] {
            let (release, person) = attended(*mode, 0.0, &good(), answering(&[answer]));
            release.assert_held(&release.promote(), 5.0, "0 of the 3 requests");
            assert_eq!(person.occasions(), [Occasion::Held]);
        }
        let (release, person) = attended(*mode, 0.0, &good(), answering(&[Some(Choice::Watch), Some(Choice::Finish)]));
        let began = release.lab.world.clock().now();
        release.assert_promoted(&release.promote());
        assert_eq!(person.occasions(), [Occasion::Held; 2]);
        assert!(release.lab.world.clock().now().duration_since(began).as_secs() >= 70 * 60, "watched as long again");
        let (release, _) = attended(*mode, 0.0, &good(), answering(&[Some(Choice::RollBack)]));
        assert_recalled(&release, &release.promote());
        let (release, _) = attended(*mode, 0.0, &good(), answering(&[Some(Choice::PassOnce), None]));
        release.assert_held(&release.promote(), 25.0, "0 of the 3 requests");
    }
}

#[test]
fn an_approval_is_given_at_the_terminal_or_waits() {
    for (answer, exit) in [
        (Some(Choice::GoOn), Exit::Done),
        (Some(Choice::RollBack), Exit::RolledBack),
        (Some(Choice::Leave), Exit::Done),
        (None, Exit::Done),
    ] {
        let (mut release, person) = attended(CanaryMode::Alias, 100.0, &good(), answering(&[answer]));
        release.lab.target.canary.approve = vec![Percent::whole(25)];
        let outcome = release.promote();
        assert_eq!((outcome.exit, person.occasions()), (exit, vec![Occasion::Approval]), "{answer:?}: {outcome:?}");
        assert_eq!(person.last().share, Some(Percent::whole(25)), "what is asked for");
        match answer {
            Some(Choice::GoOn) => release.assert_promoted(&outcome),
            Some(Choice::RollBack) => assert_recalled(&release, &outcome),
            _ => assert_eq!((share(&release.lab), release.record().state), (5.0, RecordState::Paused)),
        }
    }
}

/// Presses a key once the first step has been there for a while.
fn pressing(demand: Demand, start: Timestamp, answers: &[Option<Choice>], clock: impl Clock + 'static) -> Scripted {
    answering(answers).key(demand, move || clock.now().duration_since(start).as_secs() > 4 * 60)
}

fn pressed(mode: CanaryMode, demand: Demand, answers: &[Option<Choice>]) -> (Stagecraft, Rc<Scripted>, Outcome) {
    let mut release = Stagecraft::new(mode, 100.0, &good());
    let clock = release.lab.world.clock();
    let person = pressing(demand, clock.now(), answers, clock).sit_down();
    release.lab.person = person.clone();
    let outcome = release.promote();
    (release, person, outcome)
}

#[test]
fn a_key_pauses_and_the_records_say_so_while_it_is_held() {
    for mode in BOTH {
        let (release, person, outcome) = pressed(*mode, Demand::Pause, &[Some(Choice::GoOn)]);
        release.assert_promoted(&outcome);
        assert_eq!((person.occasions(), person.last().unanswered), (vec![Occasion::Paused], Choice::Leave));
        assert!(person.last().recorded);
        let (release, _, outcome) = pressed(*mode, Demand::Pause, &[Some(Choice::RollBack)]);
        assert_recalled(&release, &outcome);
        let (release, _, outcome) = pressed(*mode, Demand::Pause, &[Some(Choice::Leave)]);
        assert_eq!((outcome.exit, outcome.ending), (Exit::InFlight, None), "{outcome:?}");
        assert_eq!((share(&release.lab), release.record().state), (5.0, RecordState::Paused));
    }
}

#[test]
fn keys_that_change_traffic_ask_whether_it_is_meant() {
    let (release, person, outcome) = pressed(CanaryMode::Alias, Demand::RollBack, &[Some(Choice::RollBack)]);
    assert_recalled(&release, &outcome);
    assert_eq!(person.last().unanswered, Choice::GoOn, "a key that was hit by mistake does nothing");
    for (demand, answer) in [(Demand::RollBack, Some(Choice::GoOn)), (Demand::RollBack, None), (Demand::Finish, None)] {
        let (release, _, outcome) = pressed(CanaryMode::Alias, demand, &[answer]);
        release.assert_promoted(&outcome);
        assert!(release.looks().iter().any(|(_, look)| look.step == 3), "{demand:?}: every step was taken");
    }
    let (release, _, outcome) = pressed(CanaryMode::Alias, Demand::Finish, &[Some(Choice::Finish)]);
    release.assert_promoted(&outcome);
    assert!(release.looks().iter().all(|(_, look)| look.step == 1), "the rest of the steps is left out");
    assert!(release.lab.world.clock().now().duration_since(release.looks()[0].0) < jiff::SignedDuration::from_mins(8));
}

/// Raises a signal once the first step has been there for a while, between two looks.
struct Alarm {
    interrupt: Interrupt,
    signal: Signal,
    due: Timestamp,
    raised: Cell<Option<Timestamp>>,
}

impl Listener for Alarm {
    fn on(&self, _: Timestamp, _: &Event) {}

    fn tick(&self, now: Timestamp, _: Timestamp) {
        if now >= self.due && self.raised.get().is_none() {
            self.raised.set(Some(now));
            self.interrupt.raise(self.signal);
        }
    }
}

#[test]
fn the_first_write_of_the_way_back_is_sent_within_200_ms_of_the_signal() {
    for mode in BOTH {
        for signal in [Signal::Interrupt, Signal::Terminate] {
            let mut release = Stagecraft::new(*mode, 100.0, &good());
            let interrupt = release.lab.interrupt.clone();
            let due = release.lab.world.clock().now() + Duration::from_millis(3 * 60_000 + 37_770);
            let alarm = Rc::new(Alarm { interrupt, signal, due, raised: Cell::new(None) });
            release.lab.listener = alarm.clone();
            let outcome = release.promote();
            assert_eq!((outcome.exit, share(&release.lab)), (Exit::RolledBack, 0.0), "{outcome:?}");
            let raised = alarm.raised.get().unwrap();
            let calls = release.lab.world.calls();
            let first = calls.iter().find(|c| c.at >= raised && c.call.operation().kind() == Kind::Write).unwrap();
            let late = first.at.duration_since(raised).as_millis();
            assert!(late <= 200, "{mode:?} {signal:?}: {} after {late} ms", first.call.operation());
        }
    }
}

#[test]
fn a_tick_asks_nobody() {
    let (mut release, person) = attended(CanaryMode::Alias, 100.0, &good(), answering(&[]));
    let plan = release.lab.plan().unwrap();
    release.lab.settings.until_percent = Some(Percent::whole(5));
    assert_eq!(release.promote_plan(&plan).exit, Exit::Done);
    release.lab.settings.until_percent = None;
    release.lab.settings.once = true;
    let outcome = release.resume_plan(&plan);
    assert_eq!((outcome.exit, person.occasions()), (Exit::InFlight, Vec::new()), "{outcome:?}");
}

/// At the question that stands something happens, and nobody answers.
fn surprised(
    mode: CanaryMode,
    candidate: &Profile,
    rps: f64,
    signal: Signal,
    approve: &[u32],
) -> (Stagecraft, Outcome) {
    let mut release = Stagecraft::new(mode, rps, candidate);
    release.lab.target.canary.approve = approve.iter().map(|percent| Percent::whole(*percent)).collect();
    let interrupt = release.lab.interrupt.clone();
    let raises = move || {
        interrupt.raise(signal);
    };
    release.lab.person = answering(&[None]).meanwhile(raises).sit_down();
    let outcome = release.promote();
    (release, outcome)
}

#[test]
fn ctrl_c_at_a_question_leaves_what_the_question_says_and_the_record_tells_it() {
    for (candidate, rps, approve, exit) in [
        (broken(), 100.0, &[][..], Exit::InBetween),
        (good(), 0.0, &[], Exit::InFlight),
        (good(), 100.0, &[25], Exit::Done),
    ] {
        let (release, outcome) = surprised(CanaryMode::Alias, &candidate, rps, Signal::Interrupt, approve);
        assert_eq!((outcome.exit, outcome.ending), (exit, None), "{outcome:?}");
        assert_eq!((share(&release.lab), release.record().state), (5.0, RecordState::Paused), "{outcome:?}");
        assert!(!told(&outcome).why.iter().any(|why| why.contains("twice")), "{outcome:?}");
    }
}

#[test]
fn a_version_proven_worse_is_remembered_as_bad_when_the_terminal_goes() {
    for mode in BOTH {
        let (release, outcome) = surprised(*mode, &broken(), 100.0, Signal::Terminate, &[]);
        // A signal leaves the candidate's alias to the next canary, or to gc.
        assert_eq!((outcome.exit, told(&outcome).code), (Exit::RolledBack, Code::GateFailed), "{outcome:?}");
        assert_eq!((share(&release.lab), release.record().bad), (0.0, vec![2]));
    }
}

/// Presses Ctrl-C once, right before the call of a look that finds something.
struct AtLook {
    interrupt: Interrupt,
    signal: Signal,
}

impl Listener for AtLook {
    fn on(&self, _: Timestamp, event: &Event) {
        if matches!(event, Event::Gate(look) if look.decision == stagegate::gate::Decision::Rollback) {
            self.interrupt.raise(self.signal);
        }
    }
}

#[test]
fn one_ctrl_c_during_the_look_that_finds_it_worse_is_asked_about_and_does_not_leave_it() {
    for (signal, asked) in [(Signal::Interrupt, 1), (Signal::Terminate, 0)] {
        let (mut release, person) = attended(CanaryMode::Alias, 100.0, &broken(), answering(&[Some(Choice::RollBack)]));
        release.lab.listener = Rc::new(AtLook { interrupt: release.lab.interrupt.clone(), signal });
        let outcome = release.promote();
        release.assert_back(&outcome, Code::GateFailed, "errors");
        assert_eq!(person.occasions().len(), asked, "{signal:?}");
    }
}

#[test]
fn holding_on_without_proof_excuses_nothing_that_comes_later() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 0.0, &good());
    let person = answering(&[Some(Choice::Watch), None]).sit_down();
    release.lab.person = person.clone();
    // Held for want of traffic; then its clients come, and it is worse.
    let load = clients(&release.lab, 11, 100.0, &broken());
    let came = Rc::new(Cell::new(false));
    let flag = Rc::clone(&came);
    let release = release.at(45, move |account| {
        if !flag.replace(true) {
            account.set_load(load.clone());
        }
    });
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "errors");
    assert_eq!(person.occasions(), [Occasion::Held, Occasion::GateFailed]);
}

#[test]
fn going_on_after_a_pause_agrees_to_no_step() {
    for demand in [Demand::Pause, Demand::Finish] {
        let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
        release.lab.target.canary.approve = vec![Percent::whole(25)];
        let clock = release.lab.world.clock();
        let first = if demand == Demand::Pause { Choice::GoOn } else { Choice::Finish };
        let person = pressing(demand, clock.now(), &[Some(first), None], clock).sit_down();
        release.lab.person = person.clone();
        let outcome = release.promote();
        assert_eq!((outcome.exit, share(&release.lab)), (Exit::Done, 5.0), "{demand:?}: {outcome:?}");
        assert_eq!(person.occasions().last(), Some(&Occasion::Approval), "{demand:?}");
    }
}

#[test]
fn one_look_asks_nobody_whatever_it_finds() {
    let (mut release, person) = attended(CanaryMode::Alias, 100.0, &broken(), answering(&[Some(Choice::Watch)]));
    let plan = release.lab.plan().unwrap();
    release.lab.settings.until_percent = Some(Percent::whole(5));
    assert_eq!(release.promote_plan(&plan).exit, Exit::Done);
    release.lab.settings.until_percent = None;
    release.lab.settings.once = true;
    release.lab.world.clock().advance(Duration::from_secs(600));
    let outcome = release.resume_plan(&plan);
    release.assert_back(&outcome, Code::GateFailed, "errors");
    assert_eq!(person.occasions(), []);
}

/// Ctrl-C once the canary of the stage is gone, while its alias lingers.
struct AtTheEnd(Interrupt, Cell<bool>);

impl Listener for AtTheEnd {
    fn on(&self, _: Timestamp, event: &Event) {
        let lingers = matches!(event, Event::Waiting { what, .. } if what.contains("candidate alias"));
        if lingers && !self.1.replace(true) {
            self.0.raise(Signal::Interrupt);
        }
    }
}

#[test]
fn no_share_is_told_once_the_new_version_has_everything() {
    let (mut release, person) = attended(CanaryMode::Stage, 100.0, &good(), answering(&[Some(Choice::GoOn)]));
    release.lab.listener = Rc::new(AtTheEnd(release.lab.interrupt.clone(), Cell::new(false)));
    let outcome = release.promote();
    release.assert_promoted(&outcome);
    let asked = person.last();
    assert_eq!((asked.occasion, asked.share), (Occasion::Interrupted, None));
}

#[test]
fn letting_one_step_pass_takes_back_that_the_others_were_to_be_left_out() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &broken());
    let clock = release.lab.world.clock();
    let answers = [Some(Choice::Watch), Some(Choice::Finish), Some(Choice::PassOnce), None];
    let person = pressing(Demand::Finish, clock.now(), &answers, clock).sit_down();
    release.lab.person = person.clone();
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "errors");
    let asked = [Occasion::GateFailed, Occasion::Finish, Occasion::GateFailed, Occasion::GateFailed];
    assert_eq!(person.occasions(), asked, "the second step is judged, too");
    assert_eq!(person.last().share, Some(Percent::whole(25)));
}

#[test]
fn a_pause_that_could_not_be_recorded_is_not_said_to_be() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
    release = release.failing(Operation::UpdateAlias, 4..10_000, denied());
    let clock = release.lab.world.clock();
    let person = pressing(Demand::Pause, clock.now(), &[Some(Choice::Leave)], clock).sit_down();
    release.lab.person = person.clone();
    let outcome = release.promote();
    assert_eq!((person.last().occasion, person.last().recorded), (Occasion::Paused, false));
    assert_eq!((outcome.exit, release.record().state), (Exit::InBetween, RecordState::Running), "{outcome:?}");
}
