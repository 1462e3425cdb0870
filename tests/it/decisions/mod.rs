//! The decisions of SPEC §2, §3 and §9, each under the name it has there.

mod keeping;
mod rules;

use stagegate::aws::Operation;
use stagegate::aws::operation::GetAlias;
use stagegate::model::{Description, FunctionName};
use stagegate::problem::{Code, Exit};
use stagegate::world::Account;

use crate::faults::lab::{Lab, Scenario, alias};

pub fn orders() -> FunctionName {
    "orders".parse().unwrap()
}

pub fn second() -> Lab {
    Lab::new(Scenario::Second)
}

pub fn description(lab: &Lab) -> Description {
    Description::parse(&lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap().description).unwrap()
}

pub fn operations(lab: &Lab) -> Vec<Operation> {
    lab.world.calls().iter().map(|c| c.call.operation()).collect()
}

/// The call number of the nth call of an operation in a smooth run.
pub fn nth(lab: &Lab, operation: Operation, n: usize) -> usize {
    let smooth = lab.fork();
    smooth.promote(&smooth.plan().unwrap()).unwrap();
    let calls = smooth.world.calls();
    calls.iter().filter(|c| c.call.operation() == operation).nth(n).unwrap().index
}

pub fn refusal(lab: &Lab) -> (Code, Exit) {
    let problem = lab.plan().unwrap_err();
    assert!(!problem.why.is_empty() && !problem.fix.is_empty() && !problem.aws_now.is_empty(), "{problem:?}");
    (problem.code, problem.exit)
}

pub fn edit(lab: &Lab, change: impl FnOnce(&mut Account)) {
    lab.world.edit(change);
    lab.world.run_until_quiet();
}
