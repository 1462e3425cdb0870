//! `unlock`: put the record of a release that will never finish into a finished state. Changes no routing.

use super::App;
use super::args::UnlockArgs;
use super::end::End;
use super::members;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::layers::Pace;
use crate::aws::noun::Routing;
use crate::aws::operation::{GetAlias, UpdateAlias};
use crate::aws::{Aws, AwsExt as _, Operation, explain};
use crate::clock::Clock;
use crate::event::Event;
use crate::model::{Record, RecordState, RunId};
use crate::problem::{Code, Exit, Problem};
use crate::rollback::Seen;

/// Unlocks.
pub async fn run(app: &App, args: UnlockArgs) -> Result<End, Problem> {
    let run: RunId = args.run_id.parse().map_err(|error: crate::model::InvalidName| {
        Problem::new(Code::BadOption, error.to_string()).fix("status shows the id: stagegate status TARGET")
    })?;
    let located = locate(app, &args.target, Need::Place, None)?;
    let session = connect(app, &located, Pace::Share).await?;
    unlock(app, &located, &session, &run).await
}

/// Unlocks over a connection.
pub async fn unlock<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    run: &RunId,
) -> Result<End, Problem> {
    session.identify(app).await?;
    let Some(target) = &located.target else {
        return Err(Problem::new(Code::UnknownPlace, "unlock takes a target that names the aliases")
            .fix(format!("stagegate unlock FUNCTION:ALIAS {run}")));
    };
    let pairs = target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect();
    let seen = members::read(session, pairs, false).await?;
    let ours: Vec<&Seen> =
        seen.iter().filter(|one| one.description.record.as_ref().is_some_and(|r| r.run == *run)).collect();
    if ours.is_empty() {
        return Err(Problem::new(
            Code::UnlockRefused,
            format!("no alias of {} carries the record of {run}", located.text),
        )
        .why("nothing is held by that release")
        .fix(format!("look: {}", located.command("status"))));
    }
    let mut wanted = Vec::new();
    for one in ours {
        wanted.push((one, finished(one, located)?));
    }
    app.acting.set(true);
    for (one, record) in &wanted {
        write(app, session, located, one, record).await?;
    }
    let now: Vec<String> = wanted
        .iter()
        .map(|(one, record)| {
            format!("{} → {} (100%), record {}", one.label(), one.alias.version.label(), state(record))
        })
        .collect();
    app.reporter.say(&format!("✔ unlocked, routing unchanged\n  {}\n", now.join("\n  ")));
    Ok(End::new(Exit::Done, "unlocked").release(run.clone()))
}

const fn state(record: &Record) -> &'static str {
    match record.state {
        RecordState::Promoted => "promoted",
        _ => "rolled back",
    }
}

/// The record in the finished state that matches where the alias is.
fn finished(one: &Seen, located: &Located) -> Result<Record, Problem> {
    let Some(record) = one.description.record.as_ref() else {
        return Err(Problem::new(Code::Internal, format!("{} lost its record", one.label())));
    };
    let refused = |why: String| {
        Problem::new(Code::UnlockRefused, format!("{} cannot be unlocked", one.label()))
            .why(why)
            .fix(format!("go back: {}", located.command("rollback")))
    };
    if !record.state.holds_lock() {
        return Err(refused(format!("{} has finished: it holds nothing", record.run)));
    }
    if !one.alias.weights.is_empty() {
        return Err(refused("it still splits traffic, and unlocking changes no routing".into()));
    }
    if one.alias.version == record.to {
        return Ok(Record { state: RecordState::Promoted, expires: None, asks: false, ..record.clone() });
    }
    // On the version before: the release is back. Anywhere else somebody moved the alias, and the release's stage is
    // no way back from there.
    let back = record.rolled_back(one.alias.version, record.to, false);
    let at_from = record.from == Some(one.alias.version);
    Ok(if at_from { back } else { Record { stage: None, ..back } })
}

async fn write<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    located: &Located,
    one: &Seen,
    record: &Record,
) -> Result<(), Problem> {
    let routing = Routing {
        version: one.alias.version,
        weights: one.alias.weights.clone(),
        description: one.description.with(record.clone()).to_string(),
    };
    let (function, alias) = (one.function.clone(), one.name.clone());
    let request = UpdateAlias {
        function: function.clone(),
        alias: alias.clone(),
        routing: routing.clone(),
        revision: one.alias.revision.clone(),
    };
    let sent = session.aws.send(request).await;
    // Whatever was answered: what is there now decides.
    let now = members::ask(&session.aws, GetAlias { function, alias }).await?;
    let holds =
        now.as_ref().is_some_and(|now| now.version == routing.version && now.description == routing.description);
    match sent {
        _ if holds => {
            let (release, resource) = (record.run.clone(), one.label());
            let api = Operation::UpdateAlias.to_string();
            app.emit(&Event::AwsWrite { release, step: None, api, resource, result: "record closed".into() });
            Ok(())
        }
        Err(error) => Err(explain::problem(Operation::UpdateAlias, &one.label(), &error)
            .exit(Exit::Conflict)
            .aws_now("the routing was not touched by this command")
            .fix(format!("look, then try again: {}", located.command("status")))),
        Ok(_) => {
            Err(Problem::new(Code::AliasChanged, format!("somebody else changed {} at the same time", one.label()))
                .exit(Exit::Conflict)
                .aws_now("the routing was not touched by this command")
                .fix(format!("look: {}", located.command("status"))))
        }
    }
}
