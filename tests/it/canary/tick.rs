//! One look by a guard: beside the process that began the release, and stopped itself.

use stagegate::engine::{OnInterrupt, Signal};
use stagegate::journal::Progress;
use stagegate::model::{CanaryMode, Percent, RecordState};
use stagegate::plan::Plan;
use stagegate::problem::Exit;
use stagegate::world::{Fault, Profile};

use super::during::{Stagecraft, minute, record, share, told};
use super::kinds::BOTH;
use super::lab::lab;
use crate::faults::lab::{Lab, Scenario, State};

fn plan_of(lab: &Lab) -> Plan {
    Progress::of(&lab.kept.borrow()).plan.unwrap()
}

#[test]
fn a_share_that_a_look_has_entered_is_where_a_release_stops_that_was_to_stop_there_or_before() {
    for mode in BOTH {
        for (entered, until) in [(5, 5), (25, 5), (25, 25)] {
            let mut release = Stagecraft::new(*mode, 100.0, &Profile::default());
            release.lab.settings.once = true;
            assert_eq!(release.promote().exit, Exit::InFlight);
            let plan = plan_of(&release.lab);
            while share(&release.lab) < f64::from(entered) {
                minute(&release.lab);
                assert_eq!(release.resume_plan(&plan).exit, Exit::InFlight);
            }
            assert_eq!(release.record().state, RecordState::Running);
            release.lab.settings.once = false;
            release.lab.settings.until_percent = Some(Percent::whole(until));
            let outcome = release.resume_plan(&plan);
            let now = (share(&release.lab), release.record().state);
            assert_eq!((outcome.exit, outcome.ending), (Exit::Done, None), "{outcome:?}");
            assert_eq!(now, (f64::from(entered), RecordState::Paused), "{mode:?}: until {until}");
        }
    }
}

/// A release at its first share, held or not, some minutes later.
pub fn at_five(release: &mut Stagecraft, held: bool, minutes: u32) -> Plan {
    release.lab.settings.until_percent = held.then(|| Percent::whole(5));
    release.lab.settings.once = !held;
    release.promote();
    release.lab.settings.until_percent = None;
    release.lab.settings.once = true;
    (0..minutes).for_each(|_| minute(&release.lab));
    assert_eq!(share(&release.lab), 5.0);
    plan_of(&release.lab)
}

#[test]
fn a_signal_ends_a_look_that_has_written_nothing_and_not_the_release() {
    for (signal, exit) in [(Signal::Interrupt, Exit::Interrupted), (Signal::Terminate, Exit::Terminated)] {
        for mode in BOTH {
            for (held, minutes, on_interrupt) in
                [(true, 20, OnInterrupt::Rollback), (false, 2, OnInterrupt::Rollback), (false, 2, OnInterrupt::Hold)]
            {
                let mut release = Stagecraft::of(lab(Scenario::Second, *mode), 100.0, &Profile::default());
                let plan = at_five(&mut release, held, minutes);
                release.lab.settings.on_interrupt = on_interrupt;
                let (before, state) = (record(&release.lab), release.lab.state());
                let smooth = release.lab.fork();
                smooth.world.restart();
                assert_eq!(smooth.resume(&plan, false).unwrap().exit, Exit::InFlight);
                for at in 0..smooth.calls() {
                    let lab = release.lab.fork();
                    let interrupt = lab.interrupt.clone();
                    lab.world.restart();
                    lab.world.inject(at, Fault::intrude(move |_| interrupt.raise(signal)));
                    let outcome = lab.resume(&plan, false).unwrap();
                    assert!([exit, Exit::InFlight].contains(&outcome.exit), "at {at}: {outcome:?}");
                    assert_eq!((outcome.ending, record(&lab), lab.state()), (None, before.clone(), state.clone()));
                    told(&outcome);
                    lab.interrupt.clear();
                    assert_eq!(lab.resume(&plan, false).unwrap().exit, Exit::InFlight, "the next look goes on");
                }
                release.lab.interrupt.raise(signal);
                assert_eq!(release.lab.resume(&plan, false).unwrap().exit, exit);
                assert_eq!((record(&release.lab), release.lab.state()), (before, state));
            }
        }
    }
}

#[test]
fn a_look_that_has_written_is_interrupted_as_configured() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 100.0, &Profile::default());
        let plan = at_five(&mut release, false, 20);
        let (before, state) = (record(&release.lab), release.lab.state());
        let smooth = release.lab.fork();
        smooth.world.restart();
        smooth.resume(&plan, false).unwrap();
        assert_eq!(share(&smooth), 25.0);
        let mut ends = Vec::new();
        for at in 0..smooth.calls() {
            let lab = release.lab.fork();
            let interrupt = lab.interrupt.clone();
            lab.world.restart();
            lab.world.inject(at, Fault::intrude(move |_| interrupt.raise(Signal::Terminate)));
            let outcome = lab.resume(&plan, false).unwrap();
            match outcome.exit {
                Exit::Terminated => assert_eq!((record(&lab), lab.state()), (before.clone(), state.clone()), "at {at}"),
                // The candidate's alias is left to the next canary, or to gc.
                Exit::RolledBack => {
                    let back = State { candidates: Vec::new(), ..lab.state() };
                    assert_eq!(back, release.before, "at {at}: {outcome:?}");
                }
                exit => assert_eq!((exit, share(&lab)), (Exit::InFlight, 25.0), "at {at}: {outcome:?}"),
            }
            ends.push(outcome.exit);
        }
        assert!(ends.contains(&Exit::Terminated), "{mode:?}: {ends:?}");
        // Where one write enters the share, the look is over with it.
        assert_eq!(ends.contains(&Exit::RolledBack), *mode == CanaryMode::Stage, "{mode:?}: {ends:?}");
    }
}
