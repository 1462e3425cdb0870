//! `status`: who serves what, what is unfinished, and what could be done next.

mod detail;
pub mod wait;

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::App;
use super::args::StatusArgs;
use super::end::End;
use super::flight::{self, Stand};
use super::members::{self, Pair};
use super::resume::open_releases;
use super::session::{Session, connect};
use super::target::{Located, Need, configured, locate};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::aws::noun::Alias;
use crate::aws::operation::{GetAlias, GetProvisionedConcurrencyConfig};
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::journal::Ending;
use crate::model::{Description, Percent, Record, RecordState, Shift, Version};
use crate::plan::paused::paused;
use crate::problem::{Exit, Level, Problem};
use crate::report::Shape;
use crate::report::status_text::{
    AliasStatus, CanaryStatus, STATUS_SCHEMA, ServingVersion, StageStatus, Status, Unfinished, screen,
};

/// Aliases read at the same time.
const PARALLEL: usize = 8;

/// Looks.
pub async fn run(app: &App, args: StatusArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    let session = connect(app, &located, Pace::Share).await?;
    located.follow(app, &session).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading AWS");
    if args.watch || args.wait {
        return wait::run(app, &located, &session, &args).await;
    }
    let status = look(app, &located, &session).await?;
    if let Some(file) = &args.html {
        super::page::write(app, &located, file, args.release.as_ref(), &status)?;
    }
    show(app, &status);
    Ok(End::new(Exit::Done, standing(&status)))
}

/// Where the target stands, in one word.
fn standing(status: &Status) -> &'static str {
    let held = || status.aliases.iter().filter_map(|alias| alias.record.as_ref()).filter(|r| r.state.holds_lock());
    match (held().count(), held().all(|record| record.state == RecordState::Paused)) {
        (0, _) if status.unfinished.is_empty() => "clean",
        (0, _) => "failed",
        (_, true) => "paused",
        (_, false) => "baking",
    }
}

/// Prints it: the screen, or the document.
fn show(app: &App, status: &Status) {
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => screen(status, app.term().width),
        Shape::Document | Shape::Events => format!("{:#}\n", serde_json::to_value(status).unwrap_or_default()),
    });
}

/// Looks over a connection.
pub async fn look<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<Status, Problem> {
    let pairs = pairs(app, located, session).await?;
    let status = look_at(app, located, session, &pairs, true).await?;
    refuse_missing(app, located, session, &pairs, &status).await?;
    Ok(status)
}

/// Aliases that do not exist, unless they are to be.
async fn refuse_missing<A: Aws, C>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    pairs: &[Pair],
    status: &Status,
) -> Result<(), Problem> {
    let absent = pairs.iter().zip(&status.aliases).filter(|(_, alias)| alias.version.is_none());
    let absent: Vec<&Pair> = absent.map(|(pair, _)| pair).collect();
    members::refuse_missing(app, located, session, &absent).await
}

/// The aliases that a target is about.
async fn pairs<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<Vec<Pair>, Problem> {
    Ok(match (&located.place, &located.target) {
        (TargetRef::Stage { stage, .. }, _) => members::called(app, session, stage).await?.0,
        (_, Some(target)) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (_, None) => Vec::new(),
    })
}

/// Looks at aliases; `whole` also at what seldom changes: the code of the versions, and what the stage lacks.
async fn look_at<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    pairs: &[Pair],
    whole: bool,
) -> Result<Status, Problem> {
    let mut aliases: Vec<AliasStatus> =
        stream::iter(pairs).map(|pair| alias(session, pair)).buffered(PARALLEL).try_collect().await?;
    // An alias alone may have been released together with a stage: its record says which.
    let recorded = || aliases.iter().find_map(|one| one.record.as_ref()?.stage.as_ref()).map(|s| s.stage.clone());
    let mut stage = match located.stage().cloned().or_else(recorded) {
        Some(stage) => detail::stage(app, session, &stage, whole).await?,
        None => None,
    };
    if let Some(stage) = stage.as_mut().filter(|stage| stage.canary_percent.is_some()) {
        let runs = |record: &&Record| {
            let recorded = record.stage.as_ref().is_some_and(|recorded| recorded.stage.to_string() == stage.stage);
            record.state.holds_lock() && record.stage_canary && recorded
        };
        stage.canary_release = aliases.iter().filter_map(|one| one.record.as_ref()).find(runs).map(|r| r.run.clone());
    }
    aliases.iter_mut().for_each(|alias| alias.versions = serving(alias, stage.as_ref()));
    if whole {
        detail::versions(session, pairs, &mut aliases).await;
    }
    detail::calls(app, session, pairs, &mut aliases).await;
    let canary = canary_status(app, located, &aliases, stage.as_ref());
    let unfinished = unfinished(app, located, session, &aliases).await;
    let next = next(app, located, &aliases, stage.as_ref(), &unfinished);
    Ok(Status {
        schema: STATUS_SCHEMA,
        at: session.clock.now(),
        project: located.target.as_ref().and_then(|target| target.project.clone()),
        target: located.text.clone(),
        region: session.region.clone(),
        aliases,
        stage,
        canary,
        unfinished,
        next,
        ended: None,
    })
}

async fn alias<A: Aws, C>(session: &Session<A, C>, (function, alias): &Pair) -> Result<AliasStatus, Problem> {
    let request = GetAlias { function: function.clone(), alias: alias.clone() };
    let mut one = alias_status(format!("{function}:{alias}"), members::ask(&session.aws, request).await?);
    if matches!(one.weights.values().collect::<Vec<_>>()[..], [weight] if *weight > 0.999_999) {
        let request = GetProvisionedConcurrencyConfig { function: function.clone(), alias: alias.clone() };
        one.moving_capacity = members::ask(&session.aws, request).await?.is_some();
    }
    Ok(one)
}

/// The releases that this machine's journals know to be unfinished, and AWS does not know to be over. Of one whose
/// aliases went back elsewhere, what is left counts; that it cannot be read does not stand in the way.
async fn unfinished<A: Aws, C>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    aliases: &[AliasStatus],
) -> Vec<Unfinished> {
    let stands: Vec<Stand> = aliases.iter().map(stand).collect();
    let mut found = Vec::new();
    for summary in open_releases(app, located) {
        let left = match flight::over(&summary, &stands) {
            None => Vec::new(),
            Some(Ending::RolledBack) => match flight::left(session, &summary).await {
                Ok(left) if left.is_empty() => continue,
                Ok(left) => left,
                Err(problem) => {
                    let why = format!("whether anything of {} is left cannot be told", summary.run);
                    app.warn(&problem.level(Level::Warning).why(why));
                    continue;
                }
            },
            Some(_) => continue,
        };
        found.push(Unfinished {
            release: summary.run.to_string(),
            since: format!("{:.0}", summary.at),
            resume: located.command("resume"),
            undo: located.command("resume --undo"),
            left,
        });
    }
    found
}

fn stand(alias: &AliasStatus) -> Stand<'_> {
    Stand {
        label: alias.alias.clone(),
        version: alias.version,
        is_whole: alias.weights.is_empty(),
        text: &alias.description,
        record: alias.record.as_ref(),
    }
}

/// What gets the calls of an alias. In a canary of the stage the candidate gets some of them through an alias of its own.
fn serving(alias: &AliasStatus, stage: Option<&StageStatus>) -> Vec<ServingVersion> {
    let Some(primary) = alias.version else { return Vec::new() };
    let one = |version, percent| ServingVersion { version, percent, sha256: None, modified: None, calls: None };
    let through_stage = alias.held().filter(|record| record.stage_canary && primary != record.to);
    if let Some((record, percent)) = through_stage.zip(stage.and_then(|stage| stage.canary_percent)) {
        return vec![one(primary, 100.0 - percent), one(record.to, percent)];
    }
    let extra: BTreeMap<u64, f64> = alias.weights.iter().map(|(version, share)| (*version, share * 100.0)).collect();
    let rest = 100.0 - extra.values().sum::<f64>();
    let extra = extra.into_iter().map(|(version, percent)| one(Version::Number(version), percent));
    std::iter::once(one(primary, rest)).chain(extra).collect()
}

fn alias_status(name: String, alias: Option<Alias>) -> AliasStatus {
    let parsed = alias.as_ref().map(|a| Description::parse(&a.description)).transpose();
    let (description, record_error) = match parsed {
        Ok(description) => (description.unwrap_or_default(), None),
        Err(error) => (Description::default(), Some(error)),
    };
    let record_holds = alias
        .as_ref()
        .is_some_and(|a| description.record.as_ref().is_some_and(|record| record.agrees_with(a.version, &a.weights)));
    let (arn, version, weights) = alias.map_or_else(Default::default, |a| (Some(a.arn), Some(a.version), a.weights));
    AliasStatus {
        alias: name,
        arn,
        version,
        weights,
        versions: Vec::new(),
        description: description.text,
        record: description.record,
        record_holds,
        record_error,
        moving_capacity: false,
    }
}

/// The canary of the newest release that is under way.
fn canary_status(
    app: &App,
    located: &Located,
    aliases: &[AliasStatus],
    stage: Option<&StageStatus>,
) -> Option<CanaryStatus> {
    let held = |one: &&AliasStatus| {
        let record = one.record.as_ref().filter(|_| one.record_holds);
        record.is_some_and(|r| matches!(r.state, RecordState::Running | RecordState::Paused))
    };
    let furthest = |one: &&AliasStatus| one.record.as_ref().and_then(|r| r.shift.as_ref().map(Shift::step));
    let one = aliases.iter().filter(held).max_by_key(furthest)?;
    let record = one.record.as_ref()?;
    let target = configured(app, located).filter(|target| target.canary.is_gradual());
    if record.shift.is_none() && (target.is_none() || one.version == Some(record.to)) {
        return None;
    }
    let percent = match (record.stage_canary, record.to.number()) {
        (true, _) => stage.and_then(|stage| stage.canary_percent).unwrap_or_default(),
        (false, _) if one.version == Some(record.to) => 100.0,
        (false, to) => to.and_then(|to| one.weights.get(&to)).map_or(0.0, |w| Percent::of_share(*w).percent()),
    };
    let why = target.as_ref().and_then(|target| paused(record, &target.canary));
    Some(CanaryStatus {
        release: record.run.clone(),
        percent,
        step: record.shift.as_ref().map_or(0, |shift| shift.step() + 1),
        steps: target.map(|target| target.canary.steps.len()),
        since: record.shift.as_ref().map(Shift::step_began),
        paused: record.state == RecordState::Paused,
        why: why.map(|(why, _)| why.text()),
        paused_since: why.and_then(|(_, since)| since),
    })
}

fn next(
    app: &App,
    located: &Located,
    aliases: &[AliasStatus],
    stage: Option<&StageStatus>,
    unfinished: &[Unfinished],
) -> Vec<String> {
    let holder = aliases.iter().find(|one| one.record.as_ref().is_some_and(holds));
    let locked = holder.and_then(|one| one.record.as_ref());
    let mut next = Vec::new();
    let (left, open): (Vec<&Unfinished>, Vec<_>) = unfinished.iter().partition(|one| !one.left.is_empty());
    let serves = holder.and_then(|one| one.version);
    let goes_on = locked
        .is_some_and(|record| record.state != RecordState::Undoing && flight::goes_on(app, located, record, serves));
    if !open.is_empty() || goes_on {
        next.push(format!("go on:   {}", located.command("resume")));
    }
    if !open.is_empty() || locked.is_some() {
        next.push(format!("go back: {}", located.command("rollback")));
    }
    next.extend(left.first().filter(|_| locked.is_none()).map(|one| format!("finish:  {}", one.undo)));
    if locked.is_some_and(|record| record.state == RecordState::Running) {
        next.push(format!("hold:    {}", located.command("pause")));
    }
    // Where traffic is split forgetting is refused.
    let splits =
        stage.is_some_and(|stage| stage.canary_percent.is_some()) || aliases.iter().any(|one| !one.weights.is_empty());
    if let Some((one, record)) = holder.zip(locked).filter(|_| !splits) {
        let place = if matches!(located.place, TargetRef::Stage { .. }) { &one.alias } else { &located.text };
        next.push(format!("forget:  {}", located.command_for("unlock", &format!("{place} {}", record.run))));
    }
    let foreign = aliases.iter().filter(|one| one.is_foreign_split() && !one.record.as_ref().is_some_and(holds));
    let mut split: Vec<&str> = foreign.map(|one| one.alias.as_str()).collect();
    let stale = |stage: &&StageStatus| stage.canary_percent.is_some() && stage.canary_release.is_none();
    split.extend(stage.filter(stale).map(|stage| stage.stage.as_str()));
    for place in split {
        next.push(format!("end the split: {}", located.command_for("canary clear", place)));
        next.push(format!("or finish it:  {}", located.command_for("canary promote", place)));
    }
    next
}

const fn holds(record: &Record) -> bool {
    record.state.holds_lock()
}
