//! `settle`: what a CI job does last, whatever became of it: a release that it left unfinished goes back or is held.

use std::time::Duration;

use super::App;
use super::args::{Canary, ResumeArgs, RollbackArgs, SettleArgs};
use super::end::End;
use super::flight::{self, Way};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{job, pause, release, resume, rollback};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::engine::OnInterrupt;
use crate::github::{WorkflowRun, is_run_id};
use crate::journal::Ending;
use crate::model::{Record, RecordState, RunId};
use crate::problem::{Code, Exit, Level, Problem};

/// Settles.
pub async fn run(app: &App, args: SettleArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    Wanted::of(app, &args)?;
    let session = connect(app, &located, Pace::Full).await?;
    located.follow(app, &session).await?;
    settle(app, &located, &session, &args).await
}

/// Which release is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// Whichever is unfinished.
    Any,
    /// This one.
    Release(RunId),
    /// One of these, which the job took up.
    TakenUp(Vec<RunId>),
    /// One that this workflow run began.
    Of(WorkflowRun),
}

impl Wanted {
    fn of(app: &App, args: &SettleArgs) -> Result<Self, Problem> {
        let text = args.run.trim();
        let bad = |why: String| Problem::new(Code::BadOption, format!("--run: {why}"));
        match text {
            "" => Ok(Self::Any),
            id if is_run_id(id) => {
                let run = WorkflowRun::of(&app.env);
                let own = run.as_ref().filter(|run| run.id == id).and_then(|_| job::taken_up(&app.env));
                own.map(Self::TakenUp).or_else(|| run.map(|run| Self::Of(run.with_id(id)))).ok_or_else(|| {
                    bad(format!("{id} is the number of a GitHub run, and no variable says of which repository"))
                        .fix("set GITHUB_REPOSITORY and GITHUB_RUN_ID, or name the release, as status shows it")
                })
            }
            text => text.parse().map(Self::Release).map_err(|error: crate::model::InvalidName| {
                bad(error.to_string()).fix("leave it empty for whichever is unfinished")
            }),
        }
    }

    fn is(&self, run: &RunId) -> bool {
        match self {
            Self::Any => true,
            Self::Release(release) => release == run,
            Self::TakenUp(releases) => releases.contains(run),
            Self::Of(workflow) => run.has_mark(workflow.mark()),
        }
    }
}

/// Nothing is left to do. A release in flight that is somebody else's stays theirs.
fn nothing(app: &App, located: &Located, other: Option<RunId>) -> End {
    match other {
        None => app.reporter.say(&format!("nothing of {} is unfinished\n", located.text)),
        Some(run) => app.reporter.say(&format!(
            "{run} of {} is unfinished, and not of this run: it is left alone\n  look:     {}\n  go back:  {}\n",
            located.text,
            located.command("status"),
            located.command("rollback"),
        )),
    }
    End::new(Exit::Done, "unchanged")
}

/// How long a process that is still at work on the release is given, where it goes back by itself or its release has no
/// record yet to stop it by. Whoever cancels a job does not wait long.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// Settles over a connection.
pub async fn settle<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &SettleArgs,
) -> Result<End, Problem> {
    let wanted = Wanted::of(app, args)?;
    let account = session.identify(app).await?.identity.account;
    let until = session.clock.now() + PATIENCE;
    loop {
        let is_last = session.clock.now() >= until;
        match once(app, located, session, args, (&wanted, &account, is_last)).await {
            Err(problem) if problem.code == Code::LockHeld && !app.acting.get() && !is_last => {}
            end => return end,
        }
        session.clock.sleep(LOOK).await;
    }
}

/// One look, and what follows from it. [`Code::LockHeld`]: a process is at work on it, for which the next look waits.
async fn once<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &SettleArgs,
    (wanted, account, is_last): (&Wanted, &str, bool),
) -> Result<End, Problem> {
    let flight = flight::look(app, located, session).await?;
    let journals = flight::journals(app, located, account, &session.region);
    let found = match flight::way(&flight, journals) {
        Way::Journal(summary) => Some(summary.run),
        Way::Records(run) => Some(run),
        // Whoever moved its aliases back may have left the rest.
        Way::Ended(summary, Ending::RolledBack) => Some(summary.run),
        Way::Ended(..) | Way::Nothing => None,
    };
    let run = match found {
        Some(run) if wanted.is(&run) => run,
        other => return Ok(nothing(app, located, other)),
    };
    let target = flight.target.as_ref().or(located.target.as_ref());
    let reaction = target.map_or(OnInterrupt::Rollback, |target| release::on_interrupt(args.on_interrupt, target));
    let reaction = args.on_interrupt.unwrap_or(reaction);
    let goes_back = |record: &Record| matches!(record.state, RecordState::Undoing | RecordState::RolledBack);
    let undoing = flight.members(&run).iter().any(|one| one.description.record.as_ref().is_some_and(goes_back));
    if reaction == OnInterrupt::Hold && !undoing && !flight.members(&run).is_empty() {
        return pause::hold(app, located, session, &flight, &run).await;
    }
    match in_use(app, &run) {
        None => back(app, located, session, args, &run).await,
        Some(held) if flight.run() != Some(&run) || (undoing && !is_last) => Err(held),
        Some(held) => by_the_records(app, located, session, args, (&run, held)).await,
    }
}

/// A process is still at work on the release: no signal reached it, as in a job with `container:`, where the runner's
/// signals end at the client of docker.
fn in_use(app: &App, run: &RunId) -> Option<Problem> {
    app.state.as_ref().filter(|state| state.is_in_use(run)).map(|_| {
        Problem::new(Code::LockHeld, format!("another stagegate on this machine is at work on {run}"))
            .why("it did not end when its job was cancelled")
            .aws_now("as far as the release has come; unchanged by this command so far")
            .fix("look whether it stops: stagegate status TARGET")
    })
}

/// The way back by journal or by adoption: it marks no version bad. Where neither is possible, by the records alone.
async fn back<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &SettleArgs,
    run: &RunId,
) -> Result<End, Problem> {
    let undo = ResumeArgs {
        target: args.target.clone(),
        once: false,
        finish: false,
        confirm: None,
        undo: true,
        if_in_flight: true,
        canary: Canary::default(),
        until: None,
        prompt_timeout: None,
        on_interrupt: None,
    };
    match resume::resume_only(app, located, session, &undo, Some(run)).await {
        // Before its first write it may be refused for what a rollback does not need.
        Err(problem) if !app.acting.get() && problem.code != Code::LockHeld => {
            by_the_records(app, located, session, args, (run, problem)).await
        }
        end => end,
    }
}

/// The way back that needs no journal and no lock. A process that goes forward stops at its next look: the record says so.
async fn by_the_records<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &SettleArgs,
    (run, refused): (&RunId, Problem),
) -> Result<End, Problem> {
    // Between two looks it may have ended, and the next one begun.
    if flight::look(app, located, session).await?.run() != Some(run) {
        return Ok(nothing(app, located, None));
    }
    app.warn(&refused.level(Level::Warning).why("the way back goes by the records alone"));
    rollback::rollback(app, located, session, &RollbackArgs::at_once(&args.target)).await
}
