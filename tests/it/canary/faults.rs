//! Every fault at every call of a canary, both kinds, from claim to clean-up.

use stagegate::model::{CanaryMode, schedule};
use stagegate::world::{Load, Profile};

use super::lab::{clients, lab};
use crate::faults::lab::Scenario;
use crate::faults::matrix::{CANARY_RECOVERIES, Matrix, Recovery, report};

/// Two short steps with so much traffic that each is proven after three looks.
fn matrix(scenario: Scenario, mode: CanaryMode) -> Matrix {
    let mut lab = lab(scenario, mode);
    lab.target.canary.steps = schedule::parse("20% 2m, 50% 2m").unwrap();
    lab.target.gate.max_slow_ratio = None;
    // What was before matters little here, and every one of the runs reads it.
    lab.world.set_load(Load { history_minutes: 15, ..clients(&lab, 3, 1000.0, &Profile::default()) });
    Matrix::new(lab, &CANARY_RECOVERIES)
}

/// One bare run of each kind, to see what it takes.
#[test]
fn a_smooth_canary_says_what_it_calls() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        let matrix = matrix(Scenario::Second, mode);
        let began = std::time::Instant::now();
        for _ in 0..20 {
            matrix.hurt(&[], Recovery::Resume, &[]).unwrap();
        }
        println!("{mode:?}: {} calls, 20 runs in {:?}", matrix.calls(), began.elapsed());
    }
}

#[test]
fn every_fault_at_every_call_of_an_alias_canary() {
    let matrix = matrix(Scenario::Second, CanaryMode::Alias);
    report("alias canary, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_a_stage_canary() {
    let matrix = matrix(Scenario::Second, CanaryMode::Stage);
    report("stage canary, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_seventh_call_of_three_functions() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        let matrix = matrix(Scenario::Three, mode);
        report(&format!("{mode:?} canary of three functions, single faults"), &matrix, &matrix.singles_every(7));
    }
}

/// Behind an HTTP API the stage is redeployed before the alias shifts.
#[test]
fn every_fault_at_every_call_of_an_alias_canary_behind_an_http_api() {
    let matrix = matrix(Scenario::Http, CanaryMode::Alias);
    report("alias canary behind an HTTP API, single faults", &matrix, &matrix.singles());
}

#[test]
fn pairs_of_faults_of_both_canaries() {
    for (mode, stride) in [(CanaryMode::Alias, 37), (CanaryMode::Stage, 67)] {
        let matrix = matrix(Scenario::Second, mode);
        report(&format!("{mode:?} canary, pairs of faults"), &matrix, &matrix.pairs_every(5, stride));
    }
}

/// Nothing moves but the stage: where such a canary is shows in the first function's record alone.
#[test]
fn every_fault_at_every_call_of_a_canary_of_the_definition_alone() {
    let matrix = matrix(Scenario::Definition, CanaryMode::Stage);
    report("stage canary of the definition alone, single faults", &matrix, &matrix.singles());
}
