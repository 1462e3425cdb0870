//! Who else says what alias and stage shall be, and what a release does about it.

mod calls;
mod codedeploy;
mod owners;

use futures_util::FutureExt;
use stagegate::aws::Operation;
use stagegate::aws::layers::Steady;
use stagegate::event::Silent;
use stagegate::model::FunctionName;
use stagegate::ownership::Ownership;
use stagegate::plan::{Observed, Observer};
use stagegate::problem::Code;
use stagegate::world::Account;

use crate::faults::lab::{Lab, Scenario};

pub fn orders() -> FunctionName {
    "orders".parse().unwrap()
}

pub fn lab() -> Lab {
    Lab::new(Scenario::Second)
}

pub fn edit(lab: &Lab, change: impl FnOnce(&mut Account)) {
    lab.world.edit(change);
}

pub fn observed(lab: &Lab) -> Observed {
    let clock = lab.world.clock();
    let aws = Steady::new(&lab.world, clock.clone(), 7);
    let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
    observer.observe(&lab.target, None).now_or_never().expect("reading does not wait").unwrap()
}

pub fn ownership(lab: &Lab) -> Ownership {
    observed(lab).ownership(&lab.target)
}

/// The texts of the plan's notices with a code.
pub fn notices(lab: &Lab, code: Code) -> Vec<String> {
    let plan = lab.plan().unwrap();
    plan.notices.into_iter().filter(|notice| notice.code == code).map(|notice| notice.text).collect()
}

/// The calls of the present process on which no release depends.
pub fn optional(lab: &Lab) -> Vec<Operation> {
    lab.world.calls().iter().map(|logged| logged.call.operation()).filter(|operation| operation.is_optional()).collect()
}
