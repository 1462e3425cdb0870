//! `settle`: what a CI job does last, whatever became of it: a release that it left unfinished goes back or is held.

use super::App;
use super::args::{Canary, ResumeArgs, RollbackArgs, SettleArgs};
use super::end::End;
use super::flight::{self, Way};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{pause, release, resume, rollback};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::engine::OnInterrupt;
use crate::model::{RecordState, RunId};
use crate::problem::{Code, Exit, Level, Problem};

/// Settles.
pub async fn run(app: &App, args: SettleArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    wanted(&args)?;
    let session = connect(app, &located, Pace::Full).await?;
    located.follow(app, &session).await?;
    settle(app, &located, &session, &args).await
}

/// The release that is meant; none = any.
fn wanted(args: &SettleArgs) -> Result<Option<RunId>, Problem> {
    let text = args.run.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: crate::model::InvalidName| {
        Problem::new(Code::BadOption, format!("--run: {error}")).fix("leave it empty for whichever is unfinished")
    })
}

/// Settles over a connection.
pub async fn settle<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &SettleArgs,
) -> Result<End, Problem> {
    let wanted = wanted(args)?;
    let caller = session.identify(app).await?;
    let flight = flight::look(app, located, session).await?;
    let journals = flight::journals(app, located, &caller.identity.account, &session.region);
    let found = match flight::way(&flight, journals) {
        Way::Journal(summary) => Some(summary.run),
        Way::Records(run) => Some(run),
        Way::Ended(..) | Way::Nothing => None,
    };
    let Some(run) = found.filter(|run| wanted.as_ref().is_none_or(|wanted| wanted == run)) else {
        app.reporter.say(&format!("nothing of {} is unfinished\n", located.text));
        return Ok(End::new(Exit::Done, "unchanged"));
    };
    let target = flight.target.as_ref().or(located.target.as_ref());
    let reaction = target.map_or(OnInterrupt::Rollback, |target| release::on_interrupt(args.on_interrupt, target));
    let reaction = args.on_interrupt.unwrap_or(reaction);
    let undoing = flight
        .members(&run)
        .iter()
        .any(|one| one.description.record.as_ref().is_some_and(|record| record.state == RecordState::Undoing));
    if reaction == OnInterrupt::Hold && !undoing && !flight.members(&run).is_empty() {
        return pause::hold(app, located, session, &flight, &run).await;
    }
    back(app, located, session, args).await
}

/// The way back by journal or by adoption: it marks no version bad. Where neither is possible, by the records alone.
async fn back<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &SettleArgs,
) -> Result<End, Problem> {
    let undo = ResumeArgs {
        target: args.target.clone(),
        once: false,
        finish: false,
        undo: true,
        if_in_flight: true,
        canary: Canary::default(),
        until: None,
        prompt_timeout: None,
        on_interrupt: None,
    };
    let refused = match resume::resume(app, located, session, &undo).await {
        // Before its first write it may be refused for what a rollback does not need.
        Err(problem) if !app.acting.get() && problem.code != Code::LockHeld => problem,
        end => return end,
    };
    app.warn(&refused.level(Level::Warning).why("the way back goes by the records alone"));
    rollback::rollback(app, located, session, &RollbackArgs::at_once(&args.target)).await
}
