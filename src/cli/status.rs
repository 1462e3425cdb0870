//! `status`: who serves what, what is unfinished, and what could be done next.

use super::App;
use super::args::StatusArgs;
use super::end::End;
use super::members::{self, Pair};
use super::resume::open_releases;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::aws::noun::Alias;
use crate::aws::operation::{GetAlias, GetDeployment, GetStage};
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::model::{Description, StageRef};
use crate::problem::Problem;
use crate::report::Shape;
use crate::report::status_text::{AliasStatus, STATUS_SCHEMA, StageStatus, Status, Unfinished, screen};

/// Looks.
pub async fn run(app: &App, args: StatusArgs) -> Result<End, Problem> {
    let located = locate(app, &args.target, Need::Place, None)?;
    let session = connect(app, &located, Pace::Share).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading AWS");
    let status = look(app, &located, &session).await?;
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => screen(&status, app.term().width),
        Shape::Document | Shape::Events => format!("{:#}\n", serde_json::to_value(&status).unwrap_or_default()),
    });
    Ok(End::done())
}

/// Looks over a connection.
pub async fn look<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<Status, Problem> {
    let pairs: Vec<Pair> = match (&located.place, &located.target) {
        (TargetRef::Stage { stage, .. }, _) => members::called(app, session, stage).await?.0,
        (_, Some(target)) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (_, None) => Vec::new(),
    };
    let mut aliases = Vec::new();
    for (function, alias) in pairs {
        let name = format!("{function}:{alias}");
        aliases.push(alias_status(name, members::ask(&session.aws, GetAlias { function, alias }).await?));
    }
    // An alias alone may have been released together with a stage: its record says which.
    let recorded = || aliases.iter().find_map(|one| one.record.as_ref()?.stage.as_ref()).map(|s| s.stage.clone());
    let stage = match located.stage().cloned().or_else(recorded) {
        Some(stage) => stage_status(session, &stage).await?,
        None => None,
    };
    let unfinished: Vec<Unfinished> = open_releases(app, located)
        .iter()
        .map(|summary| Unfinished {
            release: summary.run.to_string(),
            since: format!("{:.0}", summary.at),
            resume: located.command("resume"),
            undo: located.command("resume --undo"),
        })
        .collect();
    let next = next(located, &aliases, &unfinished);
    Ok(Status {
        schema: STATUS_SCHEMA,
        target: located.text.clone(),
        region: session.region.clone(),
        aliases,
        stage,
        unfinished,
        next,
    })
}

fn alias_status(name: String, alias: Option<Alias>) -> AliasStatus {
    let parsed = alias.as_ref().map(|a| Description::parse(&a.description)).transpose();
    let record_error = parsed.as_ref().err().map(ToString::to_string);
    let description = parsed.ok().flatten().unwrap_or_default();
    let record_holds = alias
        .as_ref()
        .is_some_and(|a| description.record.as_ref().is_some_and(|record| record.agrees_with(a.version, &a.weights)));
    let (arn, version, weights) = alias.map_or_else(Default::default, |a| (Some(a.arn), Some(a.version), a.weights));
    AliasStatus {
        alias: name,
        arn,
        version,
        weights,
        description: description.text,
        record: description.record,
        record_holds,
        record_error,
    }
}

async fn stage_status<A: Aws, C>(session: &Session<A, C>, stage: &StageRef) -> Result<Option<StageStatus>, Problem> {
    let (api, name) = (stage.api.clone(), stage.stage.clone());
    let Some(found) = members::ask(&session.aws, GetStage { api: api.clone(), stage: name }).await? else {
        return Ok(None);
    };
    let request = GetDeployment { api, deployment: found.deployment.clone() };
    let deployed_by = members::ask(&session.aws, request).await?.map(|d| d.description).unwrap_or_default();
    Ok(Some(StageStatus {
        stage: stage.to_string(),
        deployment: found.deployment,
        deployed_by,
        variables: found.variables,
        canary_percent: found.canary.map(|canary| canary.percent),
    }))
}

fn next(located: &Located, aliases: &[AliasStatus], unfinished: &[Unfinished]) -> Vec<String> {
    let locked = aliases.iter().filter_map(|a| a.record.as_ref()).find(|record| record.state.holds_lock());
    let mut next = Vec::new();
    if !unfinished.is_empty() {
        next.push(format!("go on:   {}", located.command("resume")));
    }
    if !unfinished.is_empty() || locked.is_some() {
        next.push(format!("go back: {}", located.command("rollback")));
    }
    if let Some(record) = locked {
        next.push(format!("forget:  {}", located.command_for("unlock", &format!("{} {}", located.text, record.run))));
    }
    next
}
