//! Attacks on a release and on its way back: other people, other tools, bad luck in turns.

mod fleet;
mod handover;
mod interrupts;
mod people;
mod person;
mod records;
mod targets;

use stagegate::aws::Operation;
use stagegate::aws::operation::GetAlias;
use stagegate::model::{Description, FunctionName, RecordState, Version};
use stagegate::plan::Plan;
use stagegate::world::{Account, Behaviour, Fault};
use std::time::Duration;

use crate::faults::lab::{Lab, alias};

fn orders() -> FunctionName {
    "orders".parse().unwrap()
}

fn edit(lab: &Lab, change: impl FnOnce(&mut Account)) {
    lab.world.edit(change);
    lab.world.run_until_quiet();
}

/// New code, uploaded and not yet published.
fn upload(lab: &Lab, function: &FunctionName, code: &str) {
    edit(lab, |account| account.update_code(function, code, Behaviour::default(), Duration::ZERO).unwrap());
}

fn description(lab: &Lab, function: &FunctionName) -> Description {
    let found = lab.peek(GetAlias { function: function.clone(), alias: alias() }).unwrap();
    Description::parse(&found.description).unwrap()
}

fn state(lab: &Lab, function: &FunctionName) -> Option<RecordState> {
    description(lab, function).record.map(|record| record.state)
}

fn version(lab: &Lab, function: &FunctionName) -> Version {
    lab.peek(GetAlias { function: function.clone(), alias: alias() }).unwrap().version
}

/// Starts a release whose process dies right before its nth call of an operation.
fn dies_before(lab: &Lab, plan: &Plan, operation: Operation, n: usize) {
    let smooth = lab.fork();
    smooth.promote(plan).unwrap();
    let calls = smooth.world.calls();
    let at = calls.iter().filter(|c| c.call.operation() == operation).nth(n).unwrap().index;
    lab.world.restart();
    lab.world.inject(at, Fault::CrashBefore);
    assert!(lab.promote(plan).is_none());
    lab.world.restart();
}

/// A promotion on another machine, with a journal of its own.
fn promoted_elsewhere(lab: &Lab) {
    let kept = std::mem::take(&mut *lab.kept.borrow_mut());
    let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
    assert_eq!(outcome.exit, stagegate::problem::Exit::Done, "{:?}", outcome.problem);
    *lab.kept.borrow_mut() = kept;
}
