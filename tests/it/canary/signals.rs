//! A signal is heard at once, whatever the process waits for just then.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use stagegate::aws::layers::Steady;
use stagegate::aws::{Aws, AwsError, Call, Kind, Operation, Reply};
use stagegate::engine::{Engine, Interrupt, Outcome, Signal};
use stagegate::event::{Event, Listener};
use stagegate::journal::{MemoryJournal, Progress};
use stagegate::model::CanaryMode;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Fault, Profile, World};

use super::during::{Stagecraft, told};
use super::kinds::BOTH;
use crate::faults::lab::{Lab, State};

/// An account that never answers one call of a kind, during which the signal comes.
struct Hanging<'a> {
    world: &'a World,
    operation: Operation,
    /// How many of them are answered before.
    answered: Cell<usize>,
    interrupt: Interrupt,
}

impl Aws for Hanging<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        if call.operation() == self.operation && !self.interrupt.insisted() && self.interrupt.raised().is_none() {
            if self.answered.get() == 0 {
                self.interrupt.raise(Signal::Terminate);
                std::future::pending::<()>().await;
            }
            self.answered.set(self.answered.get() - 1);
        }
        self.world.call(call).await
    }
}

/// Promotes; `None` when the process waits for ever.
fn promoted_through(lab: &Lab, aws: Hanging<'_>) -> Option<Outcome> {
    let plan = lab.plan().unwrap();
    lab.world.restart();
    let (aws, clock) = (Steady::new(aws, lab.world.clock(), 7), lab.world.clock());
    let (listener, journal) = (lab.listener.as_ref(), MemoryJournal::reopened(&lab.kept));
    let engine = Engine::new(&aws, &clock, listener, &lab.interrupt, journal, plan.run.clone(), lab.settings);
    engine.promote(&plan).now_or_never()
}

#[test]
fn a_look_that_aws_does_not_answer_is_dropped_for_the_way_back() {
    for mode in BOTH {
        for (operation, answered) in [(Operation::GetMetricData, 3), (Operation::GetAlias, 12)] {
            let release = Stagecraft::new(*mode, 100.0, &Profile::default());
            let smooth = release.lab.fork();
            smooth.promote(&smooth.plan().unwrap()).unwrap();
            let lab = &release.lab;
            let (world, interrupt) = (&lab.world, lab.interrupt.clone());
            let aws = Hanging { world, operation, answered: Cell::new(answered), interrupt };
            let outcome = promoted_through(lab, aws).expect("the signal ends the wait");
            assert_eq!((outcome.exit, told(&outcome).code), (Exit::RolledBack, Code::Interrupted), "{outcome:?}");
            assert_eq!(State { candidates: Vec::new(), ..lab.state() }, release.before, "{mode:?} {operation}");
        }
    }
}

/// Raises the signal as soon as the process waits: for the first time, or after a write without an answer.
struct AtTheWait {
    interrupt: Interrupt,
    armed: Cell<bool>,
    at: Cell<Option<Timestamp>>,
}

impl AtTheWait {
    fn of(lab: &mut Lab, armed: bool) -> Rc<Self> {
        let (interrupt, armed) = (lab.interrupt.clone(), Cell::new(armed));
        let listener = Rc::new(Self { interrupt, armed, at: Cell::default() });
        lab.listener = Rc::clone(&listener) as Rc<dyn Listener>;
        listener
    }

    /// From the signal to the next write.
    fn until_first_write(&self, lab: &Lab) -> Duration {
        let since = self.at.get().expect("it waited");
        let writes = lab.world.calls().into_iter().filter(|logged| logged.call.operation().kind() == Kind::Write);
        let first = writes.map(|logged| logged.at).filter(|at| *at >= since).min().expect("it goes back");
        Duration::try_from(first.duration_since(since)).unwrap()
    }
}

impl Listener for AtTheWait {
    fn on(&self, _: Timestamp, event: &Event) {
        self.armed.set(self.armed.get() || matches!(event, Event::Retry { .. }));
    }

    fn tick(&self, now: Timestamp, _: Timestamp) {
        if self.armed.get() && self.at.get().is_none() {
            self.at.set(Some(now));
            self.interrupt.raise(Signal::Terminate);
        }
    }
}

/// The calls of one operation in a release that nothing disturbs.
fn places(release: &Stagecraft, operation: Operation) -> Vec<usize> {
    let smooth = release.lab.fork();
    smooth.promote(&smooth.plan().unwrap()).unwrap();
    let calls = smooth.world.calls().into_iter().filter(|logged| logged.call.operation() == operation);
    calls.map(|logged| logged.index).collect()
}

fn assert_back_at_once(release: &Stagecraft, lab: &Lab, outcome: &Outcome, signal: &AtTheWait) {
    assert_eq!((outcome.exit, told(outcome).code), (Exit::RolledBack, Code::Interrupted), "{outcome:?}");
    // Half a second is a look at what is there.
    let took = signal.until_first_write(lab);
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(State { candidates: Vec::new(), ..lab.state() }, release.before);
}

#[test]
fn whoever_takes_over_hears_a_signal_while_late_writes_are_waited_for() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 100.0, &Profile::default());
        let entering = if *mode == CanaryMode::Alias { Operation::UpdateAlias } else { Operation::UpdateStage };
        release.lab.world.inject(places(&release, entering)[2], Fault::CrashAfter);
        assert!(release.lab.promote(&release.lab.plan().unwrap()).is_none(), "it dies with a share given");
        release.lab.world.restart();
        let signal = AtTheWait::of(&mut release.lab, true);
        let plan = Progress::of(&release.lab.kept.borrow()).plan.unwrap();
        let outcome = release.lab.resume(&plan, false).unwrap();
        assert_back_at_once(&release, &release.lab, &outcome, &signal);
    }
}

#[test]
fn a_write_of_the_stage_without_an_answer_keeps_nobody_from_the_way_back() {
    let release = Stagecraft::new(CanaryMode::Stage, 100.0, &Profile::default());
    let plan = release.lab.plan().unwrap();
    for at in places(&release, Operation::UpdateStage).into_iter().take(3) {
        for fault in [Fault::LostReply, Fault::LostRequest, Fault::Late { after: Duration::from_secs(25) }] {
            let mut lab = release.lab.fork();
            lab.world.restart();
            lab.world.inject(at, fault);
            let signal = AtTheWait::of(&mut lab, false);
            let outcome = lab.promote(&plan).unwrap();
            assert_back_at_once(&release, &lab, &outcome, &signal);
        }
    }
}
