//! Signals at every call, once and twice.

use stagegate::engine::{OnInterrupt, Signal};
use stagegate::problem::Exit;
use stagegate::world::Fault;

use crate::faults::lab::{Lab, Scenario};

fn signals(lab: &Lab, at: usize, times: u8) {
    raises(lab, at, Signal::Terminate, times);
}

fn raises(lab: &Lab, at: usize, signal: Signal, times: u8) {
    let interrupt = lab.interrupt.clone();
    lab.world.inject(
        at,
        Fault::intrude(move |_| {
            for _ in 0..times {
                interrupt.raise(signal);
            }
        }),
    );
}

#[test]
fn a_signal_at_every_call_ends_in_a_true_statement() {
    for scenario in [Scenario::Second, Scenario::First, Scenario::Three] {
        let lab = Lab::new(scenario);
        let plan = lab.plan().unwrap();
        let before = lab.state();
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        for at in 0..smooth.calls() {
            for times in [1, 2] {
                for hold in [OnInterrupt::Rollback, OnInterrupt::Hold] {
                    let mut lab = lab.fork();
                    lab.settings.on_interrupt = hold;
                    lab.world.restart();
                    signals(&lab, at, times);
                    let outcome = lab.promote(&plan).unwrap();
                    let told = format!("{scenario:?} {times}× at call {at}, {hold:?}: {outcome:?}");
                    assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
                    match outcome.exit {
                        Exit::Done => assert_ne!(lab.state(), before, "{told}"),
                        Exit::RolledBack => assert_eq!(lab.state(), before, "{told}"),
                        Exit::Terminated => assert_eq!(lab.state(), before, "{told}"),
                        Exit::InFlight => {
                            assert_eq!(hold, OnInterrupt::Hold, "{told}");
                            assert_eq!(outcome.ending, None, "{told}");
                            let lab = lab.fork();
                            assert!(lab.rollback_elsewhere(None).unwrap().is_ok_and(|u| u.is_clean()), "{told}");
                            assert_eq!(lab.state(), before, "{told}");
                        }
                        _ => panic!("{told}"),
                    }
                }
            }
        }
    }
}

/// The way back itself is interrupted, with the network bad: it may stop, it may not lie.
#[test]
fn insisting_during_the_way_back_leaves_a_true_statement_and_a_way() {
    for scenario in [Scenario::Second, Scenario::First, Scenario::Three] {
        let lab = Lab::new(scenario);
        let plan = lab.plan().unwrap();
        let before = lab.state();
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        for at in (0..smooth.calls()).filter(|at| at % 2 == 0) {
            for later in at..at + 14 {
                let lab = lab.fork();
                lab.world.restart();
                signals(&lab, at, 1);
                signals(&lab, later, 1);
                lab.world.inject(later, Fault::LostReply);
                let outcome = lab.promote(&plan).unwrap();
                let told = format!("{scenario:?} at {at} and {later}: {outcome:?}");
                assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
                match outcome.exit {
                    Exit::Done => assert_ne!(lab.state(), before, "{told}"),
                    Exit::InBetween => {
                        let end = lab.rollback_elsewhere(None).unwrap();
                        assert!(end.is_err() || end.is_ok_and(|u| u.is_clean()), "{told}");
                        assert_eq!(lab.state(), before, "{told}");
                    }
                    _ => assert_eq!(lab.state(), before, "{told}"),
                }
            }
        }
    }
}

/// A runner that cancels sends SIGINT, and SIGTERM some seconds later: the way back goes on through throttling. A person's
/// second Ctrl-C ends it.
#[test]
fn the_second_signal_of_a_runner_does_not_end_the_way_back() {
    let lab = Lab::new(Scenario::Second);
    let plan = lab.plan().unwrap();
    let before = lab.state();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let cancelled = |at: usize, second: Signal| {
        let lab = lab.fork();
        lab.world.restart();
        raises(&lab, at, Signal::Interrupt, 1);
        raises(&lab, at + 1, second, 1);
        (at + 2..at + 5).for_each(|at| lab.world.inject(at, Fault::Throttled));
        let outcome = lab.promote(&plan).unwrap();
        (outcome.exit, lab.state() == before)
    };
    let mut insisted = 0;
    for at in 0..smooth.calls() {
        match cancelled(at, Signal::Terminate) {
            (Exit::Done, is_back) => assert!(!is_back, "at {at}"),
            (exit, is_back) => assert!(is_back && exit != Exit::InBetween, "at {at}: {exit:?}"),
        }
        insisted += usize::from(cancelled(at, Signal::Interrupt).0 == Exit::InBetween);
    }
    assert!(insisted > 0);
}
