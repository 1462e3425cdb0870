//! Every fault at every call, where the stage gets a proved deployment, or variables beside the alias variable.

use super::{by_stage, proved, with_variables};
use crate::faults::lab::{Lab, Scenario};
use crate::faults::matrix::{CANARY_RECOVERIES, Matrix, RECOVERIES, report};

#[test]
fn every_fault_at_every_call_of_a_release_of_a_proved_deployment() {
    let matrix = Matrix::new(proved(Scenario::Second), &RECOVERIES);
    report("proved deployment, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_a_release_of_variables() {
    let matrix = Matrix::new(with_variables(Lab::new(Scenario::Second)), &RECOVERIES);
    report("variables, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_variables_beside_a_proved_deployment() {
    let matrix = Matrix::new(with_variables(proved(Scenario::Second)), &RECOVERIES);
    report("variables and proved deployment, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_the_same_through_an_http_api() {
    let matrix = Matrix::new(with_variables(proved(Scenario::Http)), &RECOVERIES);
    report("variables and proved deployment of an HTTP API, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_of_a_canary_of_variables_and_a_proved_deployment() {
    let matrix = Matrix::new(by_stage(with_variables(proved(Scenario::Second))), &CANARY_RECOVERIES);
    report("stage canary of both, single faults", &matrix, &matrix.singles_every(3));
}

/// Every kind of fault meets every call, in pairs with a fault at every 41st call, another set of them each time.
#[test]
fn pairs_of_faults_of_variables_beside_a_proved_deployment() {
    let matrix = Matrix::new(with_variables(proved(Scenario::Second)), &RECOVERIES);
    report("variables and proved deployment, pairs of faults", &matrix, &matrix.pairs_every(5, 41));
}
