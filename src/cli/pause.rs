//! `pause`: hold the release that is in flight at its present share, from any machine.

use super::App;
use super::args::PauseArgs;
use super::end::End;
use super::flight::{self, Flight};
use super::resume::open_releases;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::engine::pause::{Marked, Wish};
use crate::engine::{Engine, Settings};
use crate::journal::MemoryJournal;
use crate::model::{Record, RecordState, RunId};
use crate::problem::{Code, Exit, Problem};

/// Pauses.
pub async fn run(app: &App, args: PauseArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    let session = connect(app, &located, Pace::Full).await?;
    session.identify(app).await?;
    located.follow(app, &session).await?;
    pause(app, &located, &session).await
}

/// Pauses over a connection.
pub async fn pause<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<End, Problem> {
    let flight = flight::look(app, located, session).await?;
    let Some(run) = flight.run().cloned() else { return Err(flight::nothing(app, located)) };
    hold(app, located, session, &flight, &run).await
}

/// Writes the pause into every record of a release.
pub async fn hold<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    flight: &Flight,
    run: &RunId,
) -> Result<End, Problem> {
    let (journal, settings) = (MemoryJournal::default(), Settings::default());
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, journal, run.clone(), settings);
    app.acting.set(true);
    let members = flight.members(run);
    let (mut written, mut held, mut left) = (false, 0, None);
    for one in &members {
        match engine.mark(&one.function, &one.name, Wish::Hold).await? {
            Marked::Written(_) => (written, held) = (true, held + 1),
            Marked::Already(_) => held += 1,
            // A member whose record was closed first does not decide for the others.
            Marked::Left(record) => left = left.or(record),
        }
    }
    if held == 0 {
        return Err(too_late(located, run, left.as_ref()));
    }
    let said = if written { "paused" } else { "is paused already" };
    let share = flight.weight(run).map_or_else(String::new, |share| format!(" at {share}%"));
    app.reporter.say(&format!("✔ {run} {said}{share}, routing untouched\n"));
    let moved = flight.record(run).map_or(1, |record| record.members);
    if moved > members.len() {
        let held = "one record is enough: whoever runs the release reads all of them at every look";
        app.reporter.aside(&format!("  it moves {moved} functions; {held}\n"));
    }
    let resume = goes_on(app, located, flight, run).then(|| located.command("resume"));
    let rollback = located.command("rollback");
    let on = resume.as_ref().map_or_else(String::new, |resume| format!("go on: {resume}\n"));
    app.reporter.say(&format!("{on}undo:  {rollback}\n"));
    Ok(End::new(Exit::Done, "paused").release(run.clone()).weight(flight.weight(run)).commands(resume, Some(rollback)))
}

/// Whether the same place leads on: by a journal on this machine, or by the record.
fn goes_on(app: &App, located: &Located, flight: &Flight, run: &RunId) -> bool {
    let here = open_releases(app, located).iter().any(|summary| summary.run == *run);
    let serves = flight.members(run).first().map(|one| one.alias.version);
    here || flight.record(run).is_some_and(|record| flight::goes_on(app, located, record, serves))
}

/// Between the look and the write the release ended, or went back.
fn too_late(located: &Located, run: &RunId, left: Option<&Record>) -> Problem {
    let look = format!("look: {}", located.command("status"));
    match left {
        Some(record) if record.run == *run && record.state == RecordState::Undoing => {
            Problem::new(Code::LockHeld, format!("{run} is being rolled back, it cannot be held"))
                .why("its record says so")
                .aws_now("as far as that rollback has come; unchanged by this command")
                .fix(format!("finish it: {}", located.command("rollback")))
                .fix(look)
        }
        Some(record) if record.run != *run => {
            Problem::new(Code::AliasChanged, format!("{} has the alias by now, not {run}", record.run))
                .exit(Exit::Conflict)
                .aws_now("unchanged by this command")
                .fix(look)
        }
        _ => Problem::new(Code::NothingInFlight, format!("{run} has ended: there is nothing to hold"))
            .why("its record says so")
            .fix(look)
            .fix(format!("go back: {}", located.command("rollback"))),
    }
}
