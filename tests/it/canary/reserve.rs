//! Credentials that end while a canary bakes.

use std::cell::Cell;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use stagegate::aws::{Kind, Lifetime, Operation};
use stagegate::clock::Clock;
use stagegate::engine::{OnInterrupt, Outcome};
use stagegate::event::{Event, Listener};
use stagegate::model::{CanaryMode, schedule};
use stagegate::plan::Plan;
use stagegate::problem::{Code, Exit, Level};
use stagegate::world::{Fault, Load, Profile};

use super::lab::{clients, hear, lab, split};
use crate::faults::lab::{Lab, Scenario};

const BOTH: [CanaryMode; 2] = [CanaryMode::Alias, CanaryMode::Stage];

/// A canary whose gate needs eleven minutes of the hour that it has.
fn long(mode: CanaryMode) -> (Lab, Plan) {
    let mut lab = lab(Scenario::Second, mode);
    lab.target.canary.steps = schedule::parse("20% 30m, 50% 30m").unwrap();
    lab.target.gate.max_slow_ratio = None;
    lab.world.set_load(Load { history_minutes: 15, ..clients(&lab, 3, 1000.0, &Profile::default()) });
    let plan = lab.plan().unwrap();
    (lab, plan)
}

fn in_minutes(lab: &Lab, minutes: i64) -> Timestamp {
    lab.world.clock().now() + SignedDuration::from_mins(minutes)
}

/// When the last write was sent.
fn last_write(lab: &Lab) -> Timestamp {
    lab.world.calls().iter().rfind(|call| call.call.operation().kind() == Kind::Write).unwrap().at
}

fn promote(lab: &Lab, plan: &Plan) -> Outcome {
    lab.promote(plan).expect("nobody crashes")
}

#[test]
fn five_minutes_before_the_end_a_canary_goes_back_and_says_why() {
    for mode in BOTH {
        let (mut lab, plan) = long(mode);
        let (before, end) = (lab.state(), in_minutes(&lab, 12));
        lab.lifetime = Lifetime::until(end);
        let outcome = promote(&lab, &plan);
        assert_eq!((outcome.exit, lab.state()), (Exit::RolledBack, before), "{mode:?}: {outcome:?}");
        let problem = outcome.problem.unwrap();
        assert_eq!(problem.code, Code::ShortCredentials);
        if mode == CanaryMode::Alias {
            insta::assert_snapshot!(problem.render(88));
        }
        let spare = end.duration_since(last_write(&lab));
        assert!(spare > SignedDuration::from_mins(2), "the way back was over {spare:?} before the end");
        assert!(spare < SignedDuration::from_mins(6), "and the canary had all the time it could have: {spare:?}");
    }
}

#[test]
fn where_an_interrupt_holds_the_share_stays_as_it_is() {
    for mode in BOTH {
        let (mut lab, plan) = long(mode);
        lab.lifetime = Lifetime::until(in_minutes(&lab, 8));
        lab.settings.on_interrupt = OnInterrupt::Hold;
        let outcome = promote(&lab, &plan);
        assert_eq!(outcome.exit, Exit::InFlight, "{outcome:?}");
        let problem = outcome.problem.unwrap();
        assert_eq!(problem.code, Code::ShortCredentials);
        for command in ["stagegate resume prod", "stagegate rollback prod"] {
            assert!(problem.fix.iter().any(|fix| fix.ends_with(command)), "{problem:?}");
        }
        if mode == CanaryMode::Alias {
            assert_eq!(split(&lab).1, [(2, 0.2)]);
        }
        lab.lifetime = Lifetime::default();
        lab.world.restart();
        assert_eq!(lab.resume(&plan, false).unwrap().exit, Exit::Done, "with new credentials it goes on");
    }
}

/// Renews the credentials at a time, or fails to.
struct Renewal {
    lifetime: Lifetime,
    at: Timestamp,
    end: Result<Timestamp, &'static str>,
    done: Cell<bool>,
}

impl Listener for Renewal {
    fn on(&self, at: Timestamp, _: &Event) {
        if at >= self.at && !self.done.replace(true) {
            match self.end {
                Ok(end) => self.lifetime.note(Some(end), true),
                Err(why) => self.lifetime.note_trouble(why.into()),
            }
        }
    }
}

fn renewing(lab: &mut Lab, at: i64, end: Result<i64, &'static str>) {
    let lifetime = Lifetime::default();
    lifetime.note(Some(in_minutes(lab, 12)), true);
    let end = end.map(|minutes| in_minutes(lab, minutes));
    lab.lifetime = lifetime.clone();
    lab.listener = Rc::new(Renewal { lifetime, at: in_minutes(lab, at), end, done: Cell::new(false) });
}

#[test]
fn credentials_that_renew_themselves_need_no_reserve_until_that_fails() {
    let (mut lab, plan) = long(CanaryMode::Alias);
    renewing(&mut lab, 6, Ok(30));
    assert_eq!(promote(&lab, &plan).exit, Exit::Done);
    let (mut lab, plan) = long(CanaryMode::Alias);
    let end = in_minutes(&lab, 12);
    renewing(&mut lab, 6, Err("HTTP 503"));
    let outcome = promote(&lab, &plan);
    assert_eq!(outcome.exit, Exit::RolledBack);
    let problem = outcome.problem.unwrap();
    assert!(problem.why.iter().any(|why| why == "renewing them failed: HTTP 503"), "{problem:?}");
    assert!(end.duration_since(last_write(&lab)) < SignedDuration::from_mins(6), "not before it must");
}

#[test]
fn a_renewal_that_fails_is_said_once() {
    let (mut lab, plan) = long(CanaryMode::Alias);
    lab.lifetime.note(Some(in_minutes(&lab, 90)), true);
    lab.lifetime.note_trouble("HTTP 503".into());
    let heard = hear(&mut lab);
    assert_eq!(promote(&lab, &plan).exit, Exit::Done, "it is over before the reserve begins");
    let warned = |(_, event): &(Timestamp, Event)| match event {
        Event::Warning { problem } => Some((problem.code, problem.level)),
        _ => None,
    };
    let warned: Vec<_> = heard.0.borrow().iter().filter_map(warned).collect();
    assert_eq!(warned, [(Code::ShortCredentials, Level::Warning)]);
}

#[test]
fn without_a_canary_there_is_nothing_to_stop_waiting_for() {
    let mut lab = Lab::new(Scenario::Second);
    lab.lifetime = Lifetime::until(in_minutes(&lab, 4));
    let plan = lab.plan().unwrap();
    assert_eq!(promote(&lab, &plan).exit, Exit::Done);
}

#[test]
fn one_look_is_no_wait() {
    let (mut lab, plan) = long(CanaryMode::Alias);
    lab.settings.on_interrupt = OnInterrupt::Hold;
    lab.lifetime = Lifetime::until(in_minutes(&lab, 10));
    assert_eq!(promote(&lab, &plan).exit, Exit::InFlight);
    lab.settings.once = true;
    let outcome = lab.resume(&plan, false).unwrap();
    assert_eq!(outcome.problem.unwrap().code, Code::StillBaking, "a scheduled look with a brief session goes on");
}

#[test]
fn credentials_that_are_gone_mid_bake_leave_a_person_with_what_was_last_known() {
    let (lab, plan) = long(CanaryMode::Alias);
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let calls = smooth.world.calls();
    let looks: Vec<usize> =
        (0..calls.len()).filter(|at| calls[*at].call.operation() == Operation::GetMetricData).collect();
    let at = looks[looks.len() / 3];
    lab.world.restart();
    (at..at + 200).for_each(|at| lab.world.inject(at, Fault::expired()));
    let outcome = promote(&lab, &plan);
    assert_eq!(outcome.exit, Exit::InBetween, "{outcome:?}");
    assert_eq!(split(&lab).1, [(2, 0.2)], "nothing could be done");
    insta::assert_snapshot!(outcome.problem.unwrap().render(88));
}
