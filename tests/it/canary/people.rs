//! Somebody else while a canary runs: at every call, both kinds.

use std::time::Duration;

use stagegate::aws::operation::{GetAlias, GetStage};
use stagegate::aws::{Call, Kind, Operation};
use stagegate::engine::{OnInterrupt, Outcome, Signal};
use stagegate::model::{CanaryMode, Description, RecordState, Version, schedule};
use stagegate::plan::Plan;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Account, Behaviour, Fault, Load, Profile};

use super::lab::{clients, lab, split};
use crate::faults::lab::{Lab, Scenario, alias, api, prod};

const BOTH: [CanaryMode; 2] = [CanaryMode::Alias, CanaryMode::Stage];

fn short(mode: CanaryMode) -> (Lab, Plan) {
    let mut lab = lab(Scenario::Second, mode);
    lab.target.canary.steps = schedule::parse("20% 2m, 50% 2m").unwrap();
    lab.target.gate.max_slow_ratio = None;
    lab.world.set_load(Load { history_minutes: 15, ..clients(&lab, 3, 1000.0, &Profile::default()) });
    let plan = lab.plan().unwrap();
    (lab, plan)
}

fn orders() -> stagegate::model::FunctionName {
    "orders".parse().unwrap()
}

/// Runs the release with a change by somebody before each of its calls.
fn intruded(
    mode: CanaryMode,
    change: impl Fn(&mut Account) + Copy + 'static,
    check: impl Fn(usize, &Call, &Lab, &Outcome),
) {
    let (lab, plan) = short(mode);
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let calls: Vec<Call> = smooth.world.calls().into_iter().map(|c| c.call).collect();
    for (at, call) in calls.iter().enumerate() {
        let lab = lab.fork();
        lab.world.restart();
        lab.world.inject(at, Fault::intrude(change));
        let outcome = lab.promote(&plan).expect("nobody crashes");
        check(at, call, &lab, &outcome);
    }
    println!("{mode:?}: {} points of a release", calls.len());
}

/// The number of the first look at metrics from which on the candidate has traffic.
fn mid_bake(lab: &Lab, plan: &Plan) -> usize {
    let smooth = lab.fork();
    smooth.promote(plan).unwrap();
    let looks: Vec<usize> = smooth
        .world
        .calls()
        .iter()
        .enumerate()
        .filter(|(_, c)| c.call.operation() == Operation::GetMetricData)
        .map(|(at, _)| at)
        .collect();
    looks[looks.len() / 2]
}

#[test]
fn somebody_who_changes_the_weight_by_hand_is_named_and_keeps_it() {
    let heavier = |account: &mut Account| {
        if let Ok(entry) = account.alias_mut(&orders(), &alias())
            && entry.version == Version::Number(1)
        {
            entry.weights = [(2, 0.9)].into();
        }
    };
    intruded(CanaryMode::Alias, heavier, |at, call, lab, outcome| {
        let published = lab.world.look(|account| account.functions[&orders()].versions.contains_key(&2));
        let (version, weights) = split(lab);
        if !published {
            return;
        }
        let told = format!("before call {at} {}: {outcome:?}", call.operation());
        match outcome.exit {
            // The alias had moved to the candidate before.
            Exit::Done => assert_eq!((version, weights), (Version::Number(2), vec![]), "{told}"),
            _ => {
                assert_eq!((version, weights), (Version::Number(1), vec![(2, 0.9)]), "overwritten, {told}");
                assert!(matches!(outcome.exit, Exit::InBetween | Exit::Conflict), "{told}");
                assert_eq!(outcome.problem.as_ref().map(|p| p.code), Some(Code::AliasChanged), "{told}");
            }
        }
    });
}

#[test]
fn somebody_who_moves_the_alias_keeps_it() {
    let moved = |account: &mut Account| {
        account.update_code(&orders(), "code 9", Behaviour::default(), Duration::ZERO).unwrap();
        let theirs = account.publish(&orders(), "theirs").unwrap();
        account.put_alias(&orders(), &alias(), theirs, &[]).unwrap();
        account.describe_alias(&orders(), &alias(), "moved by sam").unwrap();
    };
    for mode in BOTH {
        intruded(mode, moved, |at, call, lab, outcome| {
            let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
            let told = format!("{mode:?}, before call {at} {}: {outcome:?}", call.operation());
            assert_eq!(now.description, "moved by sam", "overwritten, {told}");
            assert!(matches!(outcome.exit, Exit::Conflict | Exit::InBetween), "{told}");
        });
    }
}

#[test]
fn somebody_who_takes_the_stages_canary_away_or_changes_it_is_noticed() {
    let gone = |account: &mut Account| {
        let stage = account.stage_mut(&api(), &prod()).unwrap();
        stage.canary = None;
    };
    let other = |account: &mut Account| {
        if let Some(canary) = &mut account.stage_mut(&api(), &prod()).unwrap().canary {
            canary.percent = 90.0;
        }
    };
    for change in [&gone as &dyn Fn(&mut Account), &other] {
        let (lab, plan) = short(CanaryMode::Stage);
        let at = mid_bake(&lab, &plan);
        for shift in 0..6 {
            let lab = lab.fork();
            lab.world.restart();
            // The test is over before the closure is.
            let world_change: std::rc::Rc<dyn Fn(&mut Account)> =
                if std::ptr::eq(change, &gone as &dyn Fn(&mut Account)) {
                    std::rc::Rc::new(gone)
                } else {
                    std::rc::Rc::new(other)
                };
            lab.world.inject(at + shift, Fault::Intrude(world_change));
            let outcome = lab.promote(&plan).unwrap();
            let told = format!("at {}: {outcome:?}", at + shift);
            assert_ne!(outcome.exit, Exit::Done, "{told}");
            assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
            assert_eq!(split(&lab).0, Version::Number(1), "{told}");
        }
    }
}

#[test]
fn a_rollback_from_elsewhere_ends_the_running_process_too() {
    for mode in BOTH {
        let (lab, plan) = short(mode);
        let before = lab.state();
        let at = mid_bake(&lab, &plan);
        for shift in 0..8 {
            let (first, second) = (lab.fork(), lab.fork());
            // The process stands still at a call while somebody rolls back, then goes on.
            first.world.restart();
            first.world.inject(at + shift, Fault::CrashBefore);
            assert!(first.promote(&plan).is_none());
            first.world.restart();
            let undone = first.rollback_elsewhere(None).unwrap().unwrap();
            assert!(undone.is_clean(), "{mode:?}: {undone:?}");
            assert_eq!(split(&first), (Version::Number(1), vec![]));
            let outcome = first.resume(&plan, false).unwrap();
            assert_eq!(outcome.exit, Exit::RolledBack, "{mode:?} at {}: {outcome:?}", at + shift);
            let mut state = first.state();
            state.candidates.clear();
            assert_eq!(state, before);
            drop(second);
        }
    }
}

#[test]
fn the_first_write_of_a_rollback_stops_the_harm() {
    for (mode, harm) in [(CanaryMode::Alias, Operation::UpdateAlias), (CanaryMode::Stage, Operation::UpdateStage)] {
        let (lab, plan) = short(mode);
        let at = mid_bake(&lab, &plan);
        lab.world.inject(at, Fault::CrashBefore);
        assert!(lab.promote(&plan).is_none());
        lab.world.restart();
        let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
        assert!(undone.is_clean(), "{undone:?}");
        let calls = lab.world.calls();
        let first = calls.iter().find(|c| c.call.operation().kind() == Kind::Write).unwrap();
        assert_eq!(first.call.operation(), harm, "{mode:?}");
        let text = serde_json::to_string(&first.call).unwrap();
        match mode {
            CanaryMode::Stage => assert!(text.contains("/canarySettings") && text.contains("remove"), "{text}"),
            _ => assert!(text.contains("\"weights\":{}"), "{text}"),
        }
    }
}

#[test]
fn a_pause_from_elsewhere_holds_the_weight_and_a_resume_goes_on() {
    for mode in BOTH {
        let (lab, plan) = short(mode);
        let at = mid_bake(&lab, &plan);
        let paused = |account: &mut Account| {
            let entry = account.alias_mut(&orders(), &alias()).unwrap();
            let description = Description::parse(&entry.description).unwrap();
            let mut record = description.record.clone().unwrap();
            record.state = RecordState::Paused;
            let text = description.with(record).to_string();
            account.describe_alias(&orders(), &alias(), &text).unwrap();
        };
        lab.world.inject(at, Fault::intrude(paused));
        let outcome = lab.promote(&plan).unwrap();
        assert_eq!(outcome.exit, Exit::InFlight, "{mode:?}: {outcome:?}");
        let stage = lab.peek(GetStage { api: api(), stage: prod() }).unwrap();
        match mode {
            CanaryMode::Stage => assert!(stage.canary.unwrap().percent > 0.0),
            _ => assert_eq!(split(&lab).1.len(), 1),
        }
        lab.world.restart();
        let outcome = lab.resume(&plan, false).unwrap();
        assert_eq!(outcome.exit, Exit::Done, "{mode:?}: {outcome:?}");
        assert_eq!(split(&lab), (Version::Number(2), vec![]));
    }
}

#[test]
fn a_signal_mid_bake_goes_back_or_holds() {
    for mode in BOTH {
        for hold in [OnInterrupt::Rollback, OnInterrupt::Hold] {
            let (mut lab, plan) = short(mode);
            let before = lab.state();
            let at = mid_bake(&lab, &plan);
            lab.settings.on_interrupt = hold;
            let interrupt = lab.interrupt.clone();
            lab.world.inject(
                at,
                Fault::intrude(move |_| {
                    interrupt.raise(Signal::Terminate);
                }),
            );
            let outcome = lab.promote(&plan).unwrap();
            match hold {
                OnInterrupt::Hold => assert_eq!(outcome.exit, Exit::InFlight, "{mode:?}: {outcome:?}"),
                OnInterrupt::Rollback => {
                    assert_eq!(outcome.exit, Exit::RolledBack, "{mode:?}: {outcome:?}");
                    let mut state = lab.state();
                    // A runner gives seconds, not minutes: the alias that only the canary called stays.
                    state.candidates.clear();
                    assert_eq!(state, before, "{mode:?}");
                }
            }
            assert_eq!(lab.violations(), Vec::<String>::new());
        }
    }
}

#[test]
fn two_people_who_promote_at_once_get_one_release_and_one_refusal() {
    for mode in BOTH {
        let (lab, plan) = short(mode);
        let other = lab.plan().unwrap();
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        for at in 0..smooth.calls() {
            let lab = lab.fork();
            lab.world.restart();
            lab.world.inject(at, Fault::CrashBefore);
            let first = lab.promote(&plan);
            assert!(first.is_none());
            lab.world.restart();
            let kept = lab.kept.take();
            // Another machine plans from what it sees now, or runs what it had planned before.
            let second = lab.promote(&other).unwrap();
            let claimed = kept.iter().any(|line| matches!(line.entry, stagegate::journal::Entry::Intent { .. }));
            let told = format!("{mode:?} at {at}: {second:?}");
            match second.exit {
                Exit::Done => assert_eq!(split(&lab), (Version::Number(2), vec![]), "{told}"),
                Exit::Conflict => assert!(claimed, "{told}"),
                _ => panic!("{told}"),
            }
            assert_eq!(lab.violations(), Vec::<String>::new(), "{told}");
        }
    }
}

#[test]
fn whoever_gives_the_version_on_trial_everything_is_not_overruled_by_the_process_that_tries_it() {
    for mode in BOTH {
        let (lab, plan) = short(mode);
        let template = lab.fork();
        let everything = move |account: &mut Account| {
            let other = template.fork();
            other.world.edit(|theirs| *theirs = account.clone());
            let undone = other.rollback_elsewhere(Some(2)).expect("nobody crashes").expect("it has a canary");
            assert!(undone.is_clean(), "{undone:?}");
            other.world.edit(|theirs| *account = theirs.clone());
        };
        lab.world.inject(mid_bake(&lab, &plan), Fault::intrude(everything));
        let outcome = lab.promote(&plan).expect("nobody crashes");
        assert_eq!(split(&lab), (Version::Number(2), vec![]), "{mode:?}: {outcome:?}");
        assert_eq!(outcome.exit, Exit::InBetween, "{mode:?}: {outcome:?}");
        let found = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
        let record = Description::parse(&found.description).unwrap().record.unwrap();
        assert_eq!(record.state, RecordState::ByHand, "{mode:?}");
    }
}
