//! What `status` knows of versions and stage beyond their ids. None of it may stand in the way of the rest: what cannot
//! be read is left out.

use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;

use super::super::App;
use super::super::members::{self, Pair};
use super::super::session::Session;
use crate::aws::operation::GetFunction;
use crate::aws::{Aws, gateway};
use crate::clock::Clock;
use crate::definition::Marker;
use crate::metrics::{self, Arm};
use crate::model::shift::floor;
use crate::model::{RecordState, Shift, StageRef, candidate_alias};
use crate::problem::{Level, Problem};
use crate::report::status_text::{AliasStatus, Calls, StageStatus};

/// Aliases whose versions are looked at one by one.
const ALIASES_MAX: usize = 20;
/// Versions read at the same time.
const PARALLEL: usize = 8;
/// How far back calls are counted.
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(3);

/// Adds code and date of the versions that serve.
pub async fn versions<A: Aws, C>(session: &Session<A, C>, pairs: &[Pair], aliases: &mut [AliasStatus]) {
    if aliases.len() > ALIASES_MAX {
        return;
    }
    let each = pairs.iter().zip(aliases.iter_mut());
    let each = each.flat_map(|((function, _), alias)| alias.versions.iter_mut().map(move |one| (function, one)));
    stream::iter(each)
        .for_each_concurrent(PARALLEL, async |(function, one)| {
            let qualifier = one.version.number().map(|number| number.to_string());
            let request = GetFunction { function: function.clone(), qualifier };
            if let Ok(Some(found)) = members::ask(&session.aws, request).await {
                one.modified = found.last_modified.parse().ok();
                one.sha256 = Some(found.code_sha256);
            }
        })
        .await;
}

/// Adds the calls of both versions since the canary began, of every alias that splits them.
pub async fn calls<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, pairs: &[Pair], aliases: &mut [AliasStatus]) {
    let now = floor(session.clock.now(), 60);
    let began = aliases.iter().filter_map(|alias| baking(alias)).map(Shift::minute_zero).min();
    let Some(start) = began.map(|began| began.max(now.saturating_sub(WINDOW_MAX).unwrap_or(began))) else { return };
    let arms: Vec<(usize, usize, Arm)> = pairs
        .iter()
        .zip(aliases.iter())
        .enumerate()
        .take(ALIASES_MAX)
        .flat_map(|(at, (pair, alias))| arms(pair, alias).into_iter().map(move |(one, arm)| (at, one, arm)))
        .collect();
    if start >= now || arms.is_empty() {
        return;
    }
    let asked: Vec<Arm> = arms.iter().map(|(.., arm)| arm.clone()).collect();
    match session.observer(app).metrics(metrics::count_queries(&asked), (start, now)).await {
        Ok(answers) => {
            let counts = metrics::read_counts(&answers, asked.len());
            for ((at, one, _), count) in arms.into_iter().zip(counts) {
                let calls = Calls { invocations: count.samples.max(count.invocations), errors: count.errors };
                aliases[at].versions[one].calls = Some(calls);
            }
        }
        Err(problem) => app.warn(&problem.level(Level::Warning).why("error rates are left out")),
    }
}

/// The times of a canary that is under way on an alias.
fn baking(alias: &AliasStatus) -> Option<&Shift> {
    let record = alias.held().filter(|_| alias.record_holds)?;
    record.shift.as_ref().filter(|_| matches!(record.state, RecordState::Running | RecordState::Paused))
}

/// Which series the versions of an alias have. In a canary of the stage both come through an alias of their own.
fn arms((function, name): &Pair, alias: &AliasStatus) -> Vec<(usize, Arm)> {
    let Some(record) = alias.held().filter(|_| alias.record_holds) else { return Vec::new() };
    let through =
        |name: &crate::model::AliasName, version| Arm { function: function.clone(), alias: name.clone(), version };
    let arm = |(at, one): (usize, &crate::report::status_text::ServingVersion)| {
        let arm = match (record.stage_canary, record.to == one.version) {
            (true, true) => through(&candidate_alias(name)?, None),
            (true, false) => through(name, None),
            (false, _) => through(name, Some(one.version)),
        };
        Some((at, arm))
    };
    alias.versions.iter().enumerate().filter_map(arm).collect()
}

/// A stage as it is; `whole` also compares what it serves with the live definition.
///
/// # Errors
/// The stage cannot be read; that its API cannot is no error.
pub async fn stage<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    stage: &StageRef,
    whole: bool,
) -> Result<Option<StageStatus>, Problem> {
    let aws = &session.aws;
    let Some(found) = gateway::stage(aws, stage).await? else { return Ok(None) };
    let deployment = gateway::deployment(aws, &found.kind, &stage.api, &found.deployment).await?;
    let deployed_by = deployment.map(|deployment| deployment.description).unwrap_or_default();
    let pending_edits = if whole { pending(app, session, stage).await } else { None };
    Ok(Some(StageStatus {
        stage: stage.to_string(),
        deployment: found.deployment,
        release: deployed_by.parse::<Marker>().ok().map(|marker| marker.run),
        deployed_by,
        pending_edits,
        variables: found.variables,
        canary_percent: found.canary.as_ref().map(|canary| canary.percent),
        canary_deployment: found.canary.and_then(|canary| canary.deployment),
        canary_release: None,
    }))
}

/// How many edits of the API the stage does not serve; none where an export does not show everything.
async fn pending<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, stage: &StageRef) -> Option<usize> {
    let observed = session.observer(app).stage(stage).await.ok()?;
    let undeployed = observed.stage.deployment.is_empty() || observed.stage.kind.is_auto_deployed();
    let drift = observed.drift();
    let known = !undeployed && (!drift.differences.is_empty() || drift.unseen.is_empty());
    known.then_some(drift.differences.len())
}
