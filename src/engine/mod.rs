//! Running a plan. The engine sends writes one at a time, announces each in the journal first, looks at AWS after each,
//! and emits events; it never prints.

pub mod adopt;
pub mod apply;
mod by_hand;
mod canary;
mod consult;
mod elsewhere;
mod finish;
mod forward;
mod gate;
mod interrupt;
mod keyless;
mod outcome;
pub mod pause;
pub mod person;
mod proved;
mod publish;
mod redeploy;
mod reserve;
mod smoke;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;

pub(crate) use finish::LINGER;

pub use interrupt::{Interrupt, OnInterrupt, Signal};
pub use outcome::{Cause, Outcome, nothing_to_publish, still_paused};
pub use reserve::{ASSUMED, RESERVE};

use self::person::{Demand, Nobody, Person};
use crate::aws::layers::Jitter;
use crate::aws::{Aws, AwsError, AwsExt, Lifetime, Operation, Request, explain};
use crate::clock::Clock;
use crate::event::{Event, Listener};
use crate::journal::{Entry, Journal, JournalError, Line, Progress};
use crate::model::{Percent, RunId};
use crate::problem::{Code, Problem};
use crate::step::StepKind;

/// How long a write without an answer may still land: the client's time-out for one attempt (20 s) and a margin.
pub const SETTLE: Duration = Duration::from_secs(30);
/// How often a wait looks for a signal: the way back begins within this time.
const SIGNAL_LOOK: Duration = Duration::from_millis(100);
/// How often one write is sent at most.
pub const WRITE_ATTEMPTS_MAX: u32 = 8;
/// How often a write that was answered with success is looked for before we call it lost.
pub const READ_BACK_MAX: u32 = 10;

/// Why the way forward ends early.
#[derive(Debug, Clone)]
pub enum Stop {
    /// AWS, access or the journal failed: go back.
    Failed(Problem),
    /// Somebody else changed what this release relies on: go back where it is still ours.
    Conflict(Problem),
    /// The candidate is bad: go back, and remember.
    Bad(Problem),
    /// Somebody rolled this release back: finish our own rest.
    RolledBackElsewhere,
    /// Another process of this release has gone further: what it has done stays.
    DrivenElsewhere,
    /// Somebody paused this release.
    Paused,
    /// The gate cannot tell, and a person must decide: the weight stays.
    Held(Problem),
    /// The next step, at this share, needs a person's approval.
    Approval(Percent),
    /// One look was asked for; the canary goes on at this share.
    Baking(Percent),
    /// A person or a runner wants it to stop.
    Interrupted(Signal),
    /// The credentials end soon: what an interrupt does is done while it still can be.
    Expiring(Problem),
    /// The person at the terminal wants something of it.
    Asked(Demand),
    /// A person who was asked wants it back, and may hold the candidate bad.
    Recalled {
        /// Whether the candidate is remembered as bad.
        bad: bool,
    },
    /// The step that was asked for is done.
    Until(StepKind),
}

impl Stop {
    /// What it means where no release is run.
    pub(crate) fn problem(self, subject: &str) -> Problem {
        match self {
            Self::Failed(problem)
            | Self::Conflict(problem)
            | Self::Bad(problem)
            | Self::Held(problem)
            | Self::Expiring(problem) => problem,
            Self::Interrupted(_) => Problem::new(Code::Interrupted, "stopped, nothing was changed"),
            Self::RolledBackElsewhere
            | Self::DrivenElsewhere
            | Self::Paused
            | Self::Approval(_)
            | Self::Baking(_)
            | Self::Until(_)
            | Self::Asked(_)
            | Self::Recalled { .. } => Problem::new(Code::AliasChanged, format!("a release has {subject} by now")),
        }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// A step that a person excuses for what spoke against it then.
#[derive(Debug, Clone)]
struct Excuse {
    /// From 0.
    step: usize,
    /// The share stands until then; the step counts as passed where there is no end.
    until: Option<Timestamp>,
    /// The alarms that were known: a new one is not excused.
    alarms: Vec<String>,
}

/// Whether a release that the records hold is set going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Resuming {
    /// It is not.
    #[default]
    No,
    /// It is; the next step still needs its word.
    Going,
    /// It is, and the step with this share, that it waits for, is agreed to.
    Agreed(Percent),
}

/// Where to stop and what to do when interrupted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Stop after this step.
    pub until: Option<StepKind>,
    /// Stop once the canary has this share.
    pub until_percent: Option<Percent>,
    /// Look once at the canary, act at most once, and stop. Never goes past a pause.
    pub once: bool,
    /// Do not wait for the rest of the steps: everything moves unless the gate finds the candidate worse.
    pub finish: bool,
    /// What an interrupt does after the first write.
    pub on_interrupt: OnInterrupt,
}

/// Runs plans and rolls them back.
pub struct Engine<'a, A, C, J> {
    pub(crate) aws: &'a A,
    pub(crate) clock: &'a C,
    pub(crate) listener: &'a dyn Listener,
    pub(crate) interrupt: &'a Interrupt,
    journal: RefCell<J>,
    pub(crate) run: RunId,
    pub(crate) settings: Settings,
    jitter: Jitter,
    /// Whether any write was, or may have been, carried out.
    wrote: Cell<bool>,
    /// Whether this process sent any of them.
    acted: Cell<bool>,
    /// Somebody asked to go on with a release: a pause that stands when it is first looked at is over.
    resuming: Cell<Resuming>,
    /// Since when a person who let a held step go on has it watched: its extension begins anew.
    watched_since: Cell<Option<Timestamp>>,
    /// Whether a write without an answer may still be on its way.
    pub(crate) unsure: Cell<bool>,
    /// Who is at the terminal.
    person: &'a dyn Person,
    /// When the credentials end.
    lifetime: Lifetime,
    /// Whether it was said that they are not renewed.
    warned: Cell<bool>,
    /// The rest of the steps is left out.
    finishing: Cell<bool>,
    /// The step of the canary that was looked at last, from 0, and its share.
    step: Cell<usize>,
    share: Cell<Option<Percent>>,
    /// The alarms that the last look found raised.
    alarms: RefCell<Vec<String>>,
    /// What a person lets stand although the gate says no.
    excuses: RefCell<Vec<Excuse>>,
    /// When each step began, and whether its end was told: going on after a question tells nothing anew.
    begun: RefCell<BTreeMap<StepKind, (Timestamp, bool)>>,
}

impl<'a, A: Aws, C: Clock, J: Journal> Engine<'a, A, C, J> {
    /// An engine for one release.
    pub fn new(
        aws: &'a A,
        clock: &'a C,
        listener: &'a dyn Listener,
        interrupt: &'a Interrupt,
        journal: J,
        run: RunId,
        settings: Settings,
    ) -> Self {
        let seed = u64::try_from(clock.now().as_millisecond()).unwrap_or(1);
        Self {
            aws,
            clock,
            listener,
            interrupt,
            journal: RefCell::new(journal),
            run,
            settings,
            jitter: Jitter::new(seed),
            wrote: Cell::new(false),
            acted: Cell::new(false),
            resuming: Cell::new(Resuming::No),
            watched_since: Cell::new(None),
            unsure: Cell::new(false),
            person: &Nobody,
            lifetime: Lifetime::default(),
            warned: Cell::new(false),
            finishing: Cell::new(settings.finish),
            step: Cell::new(0),
            share: Cell::new(None),
            alarms: RefCell::default(),
            excuses: RefCell::default(),
            begun: RefCell::default(),
        }
    }

    /// With somebody at the terminal.
    pub fn with_person(self, person: &'a dyn Person) -> Self {
        Self { person, ..self }
    }

    /// With credentials that end some time.
    pub fn with_lifetime(self, lifetime: Lifetime) -> Self {
        Self { lifetime, ..self }
    }

    pub(crate) fn emit(&self, event: &Event) {
        self.listener.on(self.clock.now(), event);
    }

    pub(crate) fn append(&self, entry: Entry) -> Result<(), Problem> {
        let at = self.clock.now();
        self.journal.borrow_mut().append(at, entry).map_err(|error| journal_problem(&error))
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.journal.borrow().lines().to_vec()
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress::of(self.journal.borrow().lines())
    }

    pub(crate) fn note_write(&self) {
        self.wrote.set(true);
    }

    /// Whether any write was, or may have been, carried out.
    pub fn has_written(&self) -> bool {
        self.wrote.get()
    }

    pub(crate) async fn pause_before_retry(&self, attempt: u32, error: &AwsError) {
        self.clock.sleep(crate::aws::layers::backoff(attempt, self.jitter.next(), error)).await;
    }

    /// Waits for something that is not ours to hurry; a signal ends the wait at once.
    pub(crate) async fn wait(&self, time: Duration) -> Result<(), Stop> {
        let (mut left, until) = (time, self.clock.now() + time);
        while !left.is_zero() {
            self.check_interrupt()?;
            self.listener.tick(self.clock.now(), until);
            let slice = left.min(SIGNAL_LOOK);
            self.clock.sleep(slice).await;
            left -= slice;
        }
        self.check_interrupt()
    }

    /// A look that a signal ends: what only reads can be dropped at any moment, however long AWS takes to answer.
    pub(crate) async fn unless_interrupted<T>(&self, look: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        match select(pin!(look), pin!(self.interrupt.heard())).await {
            Either::Left((looked, _)) => looked,
            Either::Right(((), look)) => {
                self.check_interrupt()?;
                look.await
            }
        }
    }

    /// How to look at a release again that was planned on something else.
    pub(crate) fn plan_again(&self) -> String {
        self.progress().plan.map_or_else(
            || "look at it again, and repeat the command".to_owned(),
            |plan| format!("look at it again: stagegate plan {}", plan.target.label()),
        )
    }

    /// Reads, with failures as messages.
    pub(crate) async fn read<R: Request>(&self, request: R) -> Result<R::Reply, Problem> {
        let call = request.call();
        let reply = self.aws.call(&call).await.and_then(|reply| {
            R::reply(reply).ok_or_else(|| AwsError::Ambiguous { cause: "answered as another call".into() })
        });
        reply.map_err(|error| explain::problem(call.operation(), &call.subject(), &error))
    }

    /// Reads what may not exist.
    pub(crate) async fn find<R: Request + Clone>(&self, request: R) -> Result<Option<R::Reply>, Problem> {
        let call = request.clone().call();
        let (operation, subject): (Operation, String) = (call.operation(), call.subject());
        self.aws.find(request).await.map_err(|error| explain::problem(operation, &subject, &error))
    }
}

/// What a journal that cannot be used means to the person.
pub fn journal_problem(error: &JournalError) -> Problem {
    let problem = match error {
        JournalError::Write { .. } => {
            Problem::new(Code::JournalUnwritable, "the journal cannot be written, so nothing more is sent to AWS")
                .fix("free space, or put the journal elsewhere: STAGEGATE_STATE_DIR=/path stagegate …")
        }
        JournalError::InUse { .. } => {
            Problem::new(Code::LockHeld, "this release is being worked on by another stagegate on this machine")
                .fix("wait for it, or stop it")
        }
        JournalError::Newer { .. } => Problem::new(Code::JournalTooNew, "the journal was written by a newer stagegate")
            .fix("install the newest stagegate"),
        JournalError::Read { .. } | JournalError::Damaged { .. } => {
            Problem::new(Code::JournalDamaged, "the journal of this release cannot be read")
                .level(crate::problem::Level::Error)
                .exit(crate::problem::Exit::Failed)
                .fix("the record in the alias is enough to go back: stagegate rollback FUNCTION:ALIAS")
        }
    };
    problem.why(error.to_string())
}
