//! A laboratory with clients: a second release that is shifted step by step.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt;
use jiff::Timestamp;
use stagegate::clock::Clock;
use stagegate::engine::{Engine, Interrupt, Outcome};
use stagegate::event::{Event, Listener, Silent};
use stagegate::journal::MemoryJournal;
use stagegate::model::{CanaryMode, CanaryStep, Target, Version, schedule};
use stagegate::plan::{self, Choice, Observer, Plan, Underway};
use stagegate::problem::Problem;
use stagegate::world::{Load, Profile, Request};

use crate::faults::lab::{Lab, Scenario, alias, api, prod};

/// Events as they come.
#[derive(Default)]
pub struct Heard(pub RefCell<Vec<(Timestamp, Event)>>);

impl Listener for Heard {
    fn on(&self, at: Timestamp, event: &Event) {
        self.0.borrow_mut().push((at, event.clone()));
    }
}

/// The steps of most tests.
pub fn steps(text: &str) -> Vec<CanaryStep> {
    schedule::parse(text).unwrap()
}

/// A laboratory whose release is shifted in steps.
pub fn lab(scenario: Scenario, mode: CanaryMode) -> Lab {
    let mut lab = Lab::new(scenario);
    lab.target.canary.mode = mode;
    lab.target.canary.steps = steps("5% 10m, 25% 10m, 50% 10m");
    lab
}

/// Clients of every function, through the stage where there is one, at a rate each.
pub fn clients(lab: &Lab, seed: u64, rps: f64, candidate: &Profile) -> Load {
    let mut load: Option<Load> = None;
    for function in &lab.target.functions {
        let request = Request { api: api(), stage: prod(), method: "GET".into(), path: format!("/{function}") };
        let more = Load::to_stage(seed, &request, rps);
        let mut all = match load.take() {
            None => more,
            Some(mut all) => {
                all.sources.extend(more.sources);
                all
            }
        };
        all = all.version(function, 2, candidate.clone());
        load = Some(all);
    }
    load.unwrap()
}

pub fn hear(lab: &mut Lab) -> Rc<Heard> {
    let heard = Rc::new(Heard::default());
    lab.listener = Rc::clone(&heard) as Rc<dyn Listener>;
    heard
}

/// Another machine takes the release up, with nothing but AWS and the configuration.
pub fn adopt(lab: &Lab, undo: bool) -> Option<Result<Outcome, Problem>> {
    lab.world.reset_count();
    let (aws, clock) = (lab.aws(), lab.world.clock());
    let found = underway(lab, &lab.target).now_or_never()?;
    let (plan, underway) = match found {
        Ok(found) => found,
        Err(problem) => return Some(Err(problem)),
    };
    let interrupt = Interrupt::default();
    let journal = MemoryJournal::default();
    let engine = Engine::new(&aws, &clock, lab.listener.as_ref(), &interrupt, journal, plan.run.clone(), lab.settings);
    let engine = engine.with_person(lab.person.as_ref());
    engine.adopt(&plan, &underway, undo).now_or_never().map(Ok)
}

pub async fn underway(lab: &Lab, target: &Target) -> Result<(Plan, Underway), Problem> {
    let (aws, clock) = (lab.aws(), lab.world.clock());
    let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
    let choice = Choice::new(lab.run_id(), clock.now(), "123456789012".into(), "us-east-1".into());
    plan::underway(&observer, target, choice).await
}

/// The shares of an alias: primary version, and what the other has.
pub fn split(lab: &Lab) -> (Version, Vec<(u64, f64)>) {
    let request = stagegate::aws::operation::GetAlias { function: lab.target.functions[0].clone(), alias: alias() };
    let found = lab.peek(request).unwrap();
    (found.version, found.weights.into_iter().collect())
}
