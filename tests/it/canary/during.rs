//! Releases during which something happens: to the metrics, to the alarms, to the process.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use stagegate::aws::layers::Steady;
use stagegate::aws::operation::GetAlias;
use stagegate::aws::{Aws, AwsError, Call, Operation, Reply};
use stagegate::clock::{Clock, VirtualClock};
use stagegate::engine::{Engine, Outcome};
use stagegate::event::Event;
use stagegate::journal::MemoryJournal;
use stagegate::metrics::GateLook;
use stagegate::model::{CanaryMode, Description, Percent, Record, RecordState, Version};
use stagegate::plan::Plan;
use stagegate::problem::{Code, Exit, Problem};
use stagegate::world::{Account, Profile, World};

use super::lab::{Heard, clients, hear, lab};
use crate::faults::lab::{Lab, Scenario, State, alias};

/// An account in which one kind of call fails for some minutes, and somebody changes something at some minute.
pub struct During<'a> {
    world: &'a World,
    start: Timestamp,
    fails: Option<(Operation, Range<u32>, AwsError)>,
    changes: RefCell<Vec<Change>>,
    /// How many looks at the metrics of the canary the process survives.
    looks: Cell<usize>,
}

/// What somebody changes, and the minute of the release at which.
pub type Change = (u32, Box<dyn Fn(&mut Account)>);

impl Aws for During<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        let minute = self.world.clock().now().duration_since(self.start).as_secs() / 60;
        self.changes.borrow_mut().retain(|(at, change)| {
            let due = minute >= i64::from(*at);
            if due {
                self.world.edit(|account| change(account));
            }
            !due
        });
        if let Call::GetMetricData(asked) = call
            && asked.queries.iter().any(|query| query.period_s == 60)
        {
            if self.looks.get() == 0 {
                // The process is dead.
                std::future::pending::<()>().await;
            }
            self.looks.set(self.looks.get() - 1);
        }
        match &self.fails {
            Some((operation, when, error))
                if *operation == call.operation() && (i64::from(when.start)..i64::from(when.end)).contains(&minute) =>
            {
                Err(error.clone())
            }
            _ => self.world.call(call).await,
        }
    }
}

/// A laboratory with a listener, and what happens during its release.
pub struct Stagecraft {
    pub lab: Lab,
    pub heard: Rc<Heard>,
    pub before: State,
    pub fails: Option<(Operation, Range<u32>, AwsError)>,
    pub changes: RefCell<Vec<Change>>,
}

impl Stagecraft {
    /// A second release with clients at a rate.
    pub fn new(mode: CanaryMode, rps: f64, candidate: &Profile) -> Self {
        Self::of(lab(Scenario::Second, mode), rps, candidate)
    }

    pub fn of(mut lab: Lab, rps: f64, candidate: &Profile) -> Self {
        let heard = hear(&mut lab);
        let before = lab.state();
        if rps > 0.0 {
            lab.world.set_load(stagegate::world::Load { history_minutes: 210, ..clients(&lab, 11, rps, candidate) });
        }
        Self { lab, heard, before, fails: None, changes: RefCell::default() }
    }

    /// One kind of call fails in these minutes of the release.
    pub fn failing(mut self, operation: Operation, when: Range<u32>, error: AwsError) -> Self {
        self.fails = Some((operation, when, error));
        self
    }

    /// Somebody changes something at this minute of the release.
    pub fn at(self, minute: u32, change: impl Fn(&mut Account) + 'static) -> Self {
        self.changes.borrow_mut().push((minute, Box::new(change)));
        self
    }

    pub fn promote(&self) -> Outcome {
        self.promote_plan(&self.lab.plan().unwrap())
    }

    pub fn promote_plan(&self, plan: &Plan) -> Outcome {
        let aws = self.aws(self.lab.world.clock().now());
        run(&self.lab, aws, plan).expect("nobody crashes")
    }

    /// Another process on this machine goes on; what fails began to fail long ago.
    pub fn resume_plan(&self, plan: &Plan) -> Outcome {
        let aws = self.aws(self.lab.world.clock().now() - Duration::from_secs(3600));
        let go_on = async |engine: Process<'_, '_>| engine.resume(plan).await;
        with_process(&self.lab, aws, plan, go_on).expect("nobody crashes")
    }

    fn aws(&self, start: Timestamp) -> During<'_> {
        During {
            world: &self.lab.world,
            start,
            fails: self.fails.clone(),
            changes: RefCell::new(self.changes.take()),
            looks: Cell::new(usize::MAX),
        }
    }

    pub fn looks(&self) -> Vec<(Timestamp, GateLook)> {
        looks(&self.heard)
    }

    pub fn warnings(&self) -> Vec<Problem> {
        let warning = |(_, event): &(Timestamp, Event)| match event {
            Event::Warning { problem } => Some(problem.clone()),
            _ => None,
        };
        self.heard.0.borrow().iter().filter_map(warning).collect()
    }

    pub fn record(&self) -> Record {
        record(&self.lab)
    }

    /// The release is held at a share: nothing moved, the record says that it waits, and the message has all its parts.
    #[track_caller]
    pub fn assert_held(&self, outcome: &Outcome, percent: f64, why: &str) {
        let problem = told(outcome);
        assert_eq!((outcome.exit, problem.code), (Exit::InFlight, Code::CanaryHeld), "{problem:?}");
        assert!(problem.why.iter().any(|line| line.contains(why)), "{problem:?}");
        assert!(problem.aws_now.contains(&Percent::of_share(percent / 100.0).to_string()), "{problem:?}");
        assert!((share(&self.lab) - percent).abs() < 1e-9, "{}", share(&self.lab));
        assert_eq!(self.record().state, RecordState::Paused);
        assert_eq!(self.lab.violations(), Vec::<String>::new());
    }

    /// Everything is as before, and the message has all its parts.
    #[track_caller]
    pub fn assert_back(&self, outcome: &Outcome, code: Code, why: &str) {
        let problem = told(outcome);
        assert_eq!((outcome.exit, problem.code), (Exit::RolledBack, code), "{problem:?}");
        assert!(problem.why.iter().any(|line| line.contains(why)), "{problem:?}");
        assert_eq!(self.lab.state(), self.before);
        assert_eq!(share(&self.lab), 0.0);
        let bad = found_record(&self.lab).map_or(Vec::new(), |record| record.bad);
        assert_eq!(bad.contains(&2), code == Code::GateFailed, "{bad:?}");
    }

    /// The new version serves everything.
    #[track_caller]
    pub fn assert_promoted(&self, outcome: &Outcome) {
        assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
        assert_eq!(self.lab.state().aliases["orders:live"].0, Version::Number(2));
        assert_eq!((share(&self.lab), self.record().state), (0.0, RecordState::Promoted));
        assert_eq!(self.lab.violations(), Vec::<String>::new());
    }
}

/// A message with all its four parts.
#[track_caller]
pub fn told(outcome: &Outcome) -> &Problem {
    let problem = outcome.problem.as_ref().expect("a message");
    assert_four_parts(problem);
    problem
}

#[track_caller]
pub fn assert_four_parts(problem: &Problem) {
    let parts = [problem.what.is_empty(), problem.why.is_empty(), problem.aws_now.is_empty(), problem.fix.is_empty()];
    assert_eq!(parts, [false; 4], "{problem:?}");
}

pub fn looks(heard: &Heard) -> Vec<(Timestamp, GateLook)> {
    let look = |(at, event): &(Timestamp, Event)| match event {
        Event::Gate(look) => Some((*at, GateLook::clone(look))),
        _ => None,
    };
    heard.0.borrow().iter().filter_map(look).collect()
}

pub fn record(lab: &Lab) -> Record {
    found_record(lab).unwrap()
}

fn found_record(lab: &Lab) -> Option<Record> {
    let found = lab.peek(GetAlias { function: lab.target.functions[0].clone(), alias: alias() }).unwrap();
    Description::parse(&found.description).unwrap().record
}

/// The candidate's share as AWS has it, percent.
pub fn share(lab: &Lab) -> f64 {
    let found = lab.peek(GetAlias { function: lab.target.functions[0].clone(), alias: alias() }).unwrap();
    let stage = lab.stage();
    found.weights.get(&2).map_or(0.0, |weight| weight * 100.0) + stage.canary.map_or(0.0, |canary| canary.percent)
}

fn run(lab: &Lab, aws: During<'_>, plan: &Plan) -> Option<Outcome> {
    with_process(lab, aws, plan, async |engine: Process<'_, '_>| engine.promote(plan).await)
}

type Process<'a, 'w> = Engine<'a, Steady<During<'w>, VirtualClock>, VirtualClock, MemoryJournal>;

fn with_process(
    lab: &Lab,
    aws: During<'_>,
    plan: &Plan,
    work: impl AsyncFnOnce(Process<'_, '_>) -> Outcome,
) -> Option<Outcome> {
    let (aws, clock) = (Steady::new(aws, lab.world.clock(), 7), lab.world.clock());
    let journal = MemoryJournal::reopened(&lab.kept);
    let (listener, interrupt) = (lab.listener.as_ref(), &lab.interrupt);
    let engine = Engine::new(&aws, &clock, listener, interrupt, journal, plan.run.clone(), lab.settings);
    work(engine.with_person(lab.person.as_ref())).now_or_never()
}

/// A process that begins a release and dies at its `n`th look, from 0.
pub fn dies(lab: &Lab, plan: &Plan, n: usize) -> Option<Outcome> {
    run(lab, dying(lab, n), plan)
}

pub fn dying(lab: &Lab, n: usize) -> During<'_> {
    let (start, looks) = (lab.world.clock().now(), Cell::new(n));
    During { world: &lab.world, start, fails: None, changes: RefCell::default(), looks }
}

/// Lets a minute pass.
pub fn minute(lab: &Lab) {
    lab.world.clock().advance(Duration::from_secs(60));
}
