//! A process that dies at any look, and another machine that goes on: the same verdicts at the same times.

use futures_util::FutureExt;
use jiff::Timestamp;
use stagegate::aws::Operation;
use stagegate::aws::layers::Steady;
use stagegate::aws::operation::GetAlias;
use stagegate::engine::{Engine, Outcome};
use stagegate::journal::MemoryJournal;
use stagegate::model::{CanaryMode, Description, OnInconclusive};
use stagegate::problem::Exit;
use stagegate::world::{Fault, Lag, Load, Noise, Outage, Profile};

use super::during::{dies, dying, looks};
use super::kinds::BOTH;
use super::lab::{Heard, clients, hear, lab, underway};
use crate::faults::lab::{Lab, Scenario, State, alias};

/// A release with metrics that are late and an outage in the middle.
fn release(mode: CanaryMode, seed: u64, rps: f64, candidate: &Profile) -> Lab {
    let mut lab = lab(Scenario::Second, mode);
    lab.target.gate.on_inconclusive = OnInconclusive::Promote;
    let load = clients(&lab, seed, rps, candidate);
    lab.world.clock().advance(std::time::Duration::from_secs(seed * 17 % 300));
    lab.world.set_load(Load {
        history_minutes: 210,
        noise: Noise { burst_sd: 0.3, error_sd: 0.3, latency_sd: 0.05, ..Noise::default() },
        outages: vec![Outage::new(8, 3, 0.1)],
        lag: Lag { missing: 0.05, late_errors: 0.05, ..Lag::normal() },
        ..load
    });
    lab
}

/// The last thing said in each minute of a step. Whoever enters a step looks at once, and sees what led there: a process
/// that takes over then first waits for writes on their way.
fn verdicts(heard: &Heard) -> Vec<(Timestamp, usize, String)> {
    let mut all: Vec<(Timestamp, usize, String)> = Vec::new();
    for (_, look) in looks(heard).into_iter().filter(|(_, look)| look.step == 1 || look.elapsed_s >= 60) {
        let said = format!("{} {} {} {:?}", look.verdict, look.decision, look.reason, look.functions);
        all.retain(|(at, step, _)| (*at, *step) != (look.up_to, look.step));
        all.push((look.up_to, look.step, said));
    }
    all
}

/// Goes on from the records alone; dies at its second look.
fn taken_over(lab: &Lab) -> Option<Outcome> {
    let (plan, underway) = underway(lab, &lab.target).now_or_never().unwrap().unwrap();
    let (aws, clock) = (Steady::new(dying(lab, 1), lab.world.clock(), 7), lab.world.clock());
    let (listener, journal) = (lab.listener.as_ref(), MemoryJournal::default());
    let engine = Engine::new(&aws, &clock, listener, &lab.interrupt, journal, plan.run.clone(), lab.settings);
    engine.adopt(&plan, &underway, false).now_or_never()
}

type Told = (Vec<(Timestamp, usize, String)>, stagegate::problem::Exit, State);

fn unharmed(mut lab: Lab) -> Told {
    let heard = hear(&mut lab);
    let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
    (verdicts(&heard), outcome.exit, lab.state())
}

/// How it went, and how many processes died.
fn killed(mut lab: Lab, first: usize) -> (Told, usize) {
    let heard = hear(&mut lab);
    let mut outcome = dies(&lab, &lab.plan().unwrap(), first);
    let mut deaths = 0;
    while outcome.is_none() {
        deaths += 1;
        assert!(deaths < 200, "it does not end");
        outcome = taken_over(&lab);
    }
    assert_eq!(lab.violations(), Vec::<String>::new());
    ((verdicts(&heard), outcome.unwrap().exit, lab.state()), deaths)
}

#[test]
fn a_gate_that_dies_at_every_look_says_what_one_says_that_never_stopped() {
    let slow = Profile { median_ms: 150.0, ..Profile::default() };
    let candidates =
        [(Profile::default(), 40.0), (Profile::failing(0.02), 20.0), (slow, 20.0), (Profile::failing(0.01), 5.0)];
    for mode in BOTH {
        for seed in 0..3 {
            for (candidate, rps) in &candidates {
                let (told, exit, state) = unharmed(release(*mode, seed, *rps, candidate));
                let ((told_again, exit_again, state_again), deaths) =
                    killed(release(*mode, seed, *rps, candidate), (seed % 2) as usize);
                let name = format!("{mode:?} seed {seed} {rps} rps {candidate:?}");
                for (one, other) in told.iter().zip(&told_again) {
                    assert_eq!(one, other, "{name}");
                }
                assert_eq!((told.len(), exit), (told_again.len(), exit_again), "{name}");
                assert_eq!(state, state_again, "{name}");
                assert!(deaths + 4 > told.len(), "{name}: {deaths} deaths, {} looks", told.len());
            }
        }
    }
}

/// The bad versions that the record of the alias names.
fn bad(lab: &Lab) -> Vec<u64> {
    let request = GetAlias { function: lab.target.functions[0].clone(), alias: alias() };
    let text = lab.peek(request).unwrap().description;
    Description::parse(&text).unwrap().record.map(|record| record.bad).unwrap_or_default()
}

#[test]
fn a_failed_gate_is_remembered_by_whoever_finishes_its_rollback() {
    for mode in BOTH {
        let release = || {
            let lab = lab(Scenario::Second, *mode);
            lab.world.set_load(clients(&lab, 3, 40.0, &Profile::failing(0.2)));
            lab
        };
        let smooth = release();
        assert_eq!(smooth.promote(&smooth.plan().unwrap()).unwrap().exit, Exit::RolledBack);
        assert_eq!(bad(&smooth), [2]);
        let calls = smooth.world.calls();
        let last = calls.iter().rposition(|logged| logged.call.operation() == Operation::UpdateAlias).unwrap();
        let dying = release();
        let plan = dying.plan().unwrap();
        dying.world.inject(last, Fault::CrashBefore);
        assert!(dying.promote(&plan).is_none(), "{mode:?}: it was to die");
        dying.world.restart();
        dying.rollback_elsewhere(None).unwrap().unwrap();
        assert_eq!(bad(&dying), [2], "{mode:?}");
    }
}
