//! Every fault at every call of a clean-up: whatever stays would have stayed, and the next one finishes.

use std::cell::RefCell;
use std::rc::Rc;

use jiff::Timestamp;
use stagegate::aws::{Kind, Operation};
use stagegate::engine::Signal;
use stagegate::event::{Event, Listener};
use stagegate::gc::Stop;
use stagegate::problem::Code;
use stagegate::world::Fault;

use super::*;

#[test]
fn every_fault_at_every_call_leaves_what_stays_and_the_next_clean_up_finishes() {
    for scenario in [Scenario::Second, Scenario::Http] {
        let past = after_releases(scenario, 4);
        let (rules, smooth) = (rules(&past, 1), past.fork());
        let seen = look(&smooth, &rules).unwrap();
        delete(&smooth, &rules, &seen).unwrap();
        let (length, mut tried) = (smooth.calls(), 0);
        assert!(length > 10, "{length}");
        for at in 0..length {
            for fault in Fault::every_kind() {
                let (lab, what) = (past.fork(), format!("{scenario:?}, {fault:?} at call {at}"));
                let seen = look(&lab, &rules).unwrap();
                lab.world.restart();
                lab.world.inject(at, fault);
                let swept = delete(&lab, &rules, &seen);
                holds(&lab, &smooth, &what);
                if let Some(swept) = swept {
                    for item in &swept.gone {
                        assert!(!exists(&lab, &item.thing), "{what}: {} is said to be gone", item.thing);
                    }
                }
                lab.world.run_until_quiet();
                holds(&lab, &smooth, &what);
                let seen = look(&lab, &rules).unwrap();
                assert_eq!(delete(&lab, &rules, &seen).unwrap().stop, None, "{what}");
                assert_eq!(versions(&lab, &orders()), versions(&smooth, &orders()), "{what}");
                assert_eq!(deployments(&lab), deployments(&smooth), "{what}");
                tried += 1;
            }
        }
        println!("{scenario:?}: {tried} faults in a clean-up of {length} calls");
    }
}

fn exists(lab: &Lab, thing: &Thing) -> bool {
    match thing {
        Thing::Version { version, .. } => versions(lab, &orders()).contains(&version.get()),
        Thing::Deployment { deployment, .. } => deployments(lab).contains(deployment),
        Thing::Alias { function, alias } => {
            lab.world.look(|account| account.functions[function].aliases.contains_key(alias))
        }
    }
}

/// Everything that stays after a smooth clean-up is there, and served.
fn holds(lab: &Lab, smooth: &Lab, what: &str) {
    let (there, there_too) = (versions(lab, &orders()), deployments(lab));
    assert!(versions(smooth, &orders()).iter().all(|v| there.contains(v)), "{what}: {there:?}");
    assert!(deployments(smooth).iter().all(|d| there_too.contains(d)), "{what}: {there_too:?}");
    assert_eq!(lab.violations(), Vec::<String>::new(), "{what}");
}

#[test]
fn a_denied_deletion_ends_it_and_a_throttled_one_does_not() {
    let past = after_releases(Scenario::Second, 4);
    let rules = rules(&past, 1);
    for (fault, expected) in [(Fault::denied(), Some(Code::AccessDenied)), (Fault::Throttled, None)] {
        let lab = past.fork();
        let seen = look(&lab, &rules).unwrap();
        // The aliases, the policy of the first version, its deletion.
        lab.world.restart();
        lab.world.inject(2, fault);
        let swept = delete(&lab, &rules, &seen).unwrap();
        assert_eq!(lab.world.calls()[2].call.operation(), Operation::DeleteVersion);
        let code = swept.stop.as_ref().map(|stop| match stop {
            Stop::Failed(problem) => problem.code,
            Stop::Interrupted(signal) => panic!("{signal:?}"),
        });
        assert_eq!(code, expected);
        assert_eq!(swept.gone.is_empty(), expected.is_some());
    }
}

#[test]
fn a_throttle_that_does_not_end_is_given_up_with_what_is_gone() {
    let lab = after_releases(Scenario::Second, 4);
    let rules = rules(&lab, 1);
    let seen = look(&lab, &rules).unwrap();
    lab.world.restart();
    // After the first deletion and its read-back every deletion is throttled.
    for at in 5..60 {
        lab.world.inject(at, Fault::Throttled);
    }
    let swept = delete(&lab, &rules, &seen).unwrap();
    assert_eq!(names(&swept.gone), ["orders:2"]);
    let Some(Stop::Failed(problem)) = swept.stop else { panic!("{:?}", swept.stop) };
    assert_eq!(problem.code, Code::Throttled);
    assert_eq!(versions(&lab, &orders()), [1, 3, 4, 5]);
}

/// Raises a signal at the nth write.
struct Impatient {
    interrupt: stagegate::engine::Interrupt,
    writes: RefCell<usize>,
    at: usize,
}

impl Listener for Impatient {
    fn on(&self, _: Timestamp, event: &Event) {
        if let Event::AwsWrite { .. } = event {
            *self.writes.borrow_mut() += 1;
            if *self.writes.borrow() == self.at {
                self.interrupt.raise(Signal::Interrupt);
            }
        }
    }
}

#[test]
fn a_signal_stops_between_two_deletions_and_what_is_gone_is_said() {
    for at in 1..=3 {
        let mut lab = after_releases(Scenario::Second, 4);
        let (interrupt, writes) = (lab.interrupt.clone(), RefCell::new(0));
        lab.listener = Rc::new(Impatient { interrupt, writes, at });
        let (_, swept) = clean(&lab, 1);
        let sent = lab.world.calls().iter().filter(|c| c.call.operation().kind() == Kind::Write).count();
        assert_eq!((swept.stop, swept.gone.len(), sent), (Some(Stop::Interrupted(Signal::Interrupt)), at, at));
    }
}
