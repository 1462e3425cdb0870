//! Reading everything that decides what goes. Nothing here decides.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Called, Candidate, Observed, ObservedApi, ObservedFunction, Past, Want};
use crate::aws::gateway::{self, PAGES_MAX};
use crate::aws::noun::{Alias, Stage};
use crate::aws::operation::{GetPolicy, ListAliases};
use crate::aws::{Aws, AwsError, AwsExt as _, Operation, Remedy, explain};
use crate::clock::Clock;
use crate::definition::LiveApi;
use crate::model::{AliasName, ApiId, Description, FunctionName, StageName, StageRef, candidate_alias};
use crate::plan::{Observer, function_state};
use crate::problem::Problem;

/// Functions read at the same time; the quotas pace the calls.
pub(super) const PARALLEL: usize = 8;

/// The aliases of a function by name.
type Aliases = Vec<(AliasName, Alias)>;

/// Reads functions, aliases, and the API.
///
/// # Errors
/// AWS cannot be read.
pub async fn observe<A: Aws, C: Clock>(
    observer: &Observer<'_, A, C>,
    want: &Want,
    past: Past,
) -> Result<Observed, Problem> {
    let functions: Vec<ObservedFunction> = stream::iter(want.functions())
        .map(|function| async move {
            let aliases = aliases(observer.aws, &function).await?;
            let versions = observer.versions(&function).await?;
            Ok::<_, Problem>(ObservedFunction { function, versions, aliases })
        })
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let candidates = candidates(observer.aws, want, &functions).await?;
    let api = match (&want.stage, candidates.is_empty()) {
        (Some(stage), _) => Some(api(observer, want, stage, true).await?),
        (None, false) => match recorded_stage(want, &functions) {
            Some(stage) => Some(api(observer, want, &stage, false).await?),
            None => None,
        },
        (None, true) => None,
    };
    Ok(Observed { functions, api, candidates, past })
}

/// All aliases of a function.
pub(super) async fn aliases<A: Aws>(aws: &A, function: &FunctionName) -> Result<Aliases, Problem> {
    list(aws, function).await.map_err(|error| match error.remedy() {
        Remedy::Missing => function_state::missing(function),
        _ => explain::problem(Operation::ListAliases, function.as_str(), &error),
    })
}

async fn list<A: Aws>(aws: &A, function: &FunctionName) -> Result<Aliases, AwsError> {
    let (mut all, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = aws.send(ListAliases { function: function.clone(), marker: marker.clone() }).await?;
        all.extend(page.items);
        if page.next.is_none() || page.next == marker {
            return Ok(all);
        }
        marker = page.next;
    }
    Err(AwsError::Ambiguous { cause: format!("the list does not end: {PAGES_MAX} pages were read") })
}

/// The stage that the record of one of the target's aliases names.
fn recorded_stage(want: &Want, functions: &[ObservedFunction]) -> Option<StageRef> {
    let own = |function: &ObservedFunction, name: &AliasName| {
        want.aliases.iter().any(|(f, alias)| *f == function.function && alias == name)
    };
    let records = functions
        .iter()
        .flat_map(|function| function.aliases.iter().filter(|(name, _)| own(function, name)).map(|(_, alias)| alias));
    let records = records.filter_map(|alias| Description::parse(&alias.description).ok()?.record);
    records.filter_map(|record| record.stage).map(|stage| stage.stage).next()
}

/// The aliases of canaries that exist and carry a record; others are somebody else's and not looked at.
pub(super) async fn candidates<A: Aws>(
    aws: &A,
    want: &Want,
    functions: &[ObservedFunction],
) -> Result<Vec<Candidate>, Problem> {
    let mut found = Vec::new();
    for (function, alias) in &want.aliases {
        let Some(name) = candidate_alias(alias) else { continue };
        let all = functions.iter().filter(|one| one.function == *function).flat_map(|one| &one.aliases);
        let recorded = |alias: &Alias| Description::parse(&alias.description).is_ok_and(|d| d.record.is_some());
        if !all.into_iter().any(|(other, alias)| *other == name && recorded(alias)) {
            continue;
        }
        let request = GetPolicy { function: function.clone(), alias: name.clone() };
        let subject = format!("{function}:{name}");
        let policy = aws.find(request).await.map_err(|e| explain::problem(Operation::GetPolicy, &subject, &e))?;
        found.push(Candidate { function: function.clone(), alias: name, policy });
    }
    Ok(found)
}

/// The API of a stage; `swept` also reads what decides about its deployments.
pub(super) async fn api<A: Aws, C: Clock>(
    observer: &Observer<'_, A, C>,
    want: &Want,
    stage: &StageRef,
    swept: bool,
) -> Result<ObservedApi, Problem> {
    let (aws, api) = (observer.aws, &stage.api);
    let stages = gateway::stages(aws, api).await?;
    let Some((_, first)) = stages.iter().find(|(name, _)| *name == stage.stage) else {
        return Err(gateway::missing(stage));
    };
    let live = observer.live(api, &first.kind).await?;
    let called = called(&live, api, &stages, &want.region);
    let deployments = if swept { gateway::deployments(aws, api).await? } else { Vec::new() };
    let (neighbours, unseen) = match swept {
        true => neighbours(aws, want, &called).await?,
        false => (Vec::new(), Vec::new()),
    };
    Ok(ObservedApi { api: api.clone(), stages, deployments, called, neighbours, unseen })
}

/// What the live definition calls with the variables of each stage, and with those of its canary.
fn called(live: &LiveApi, api: &ApiId, stages: &[(StageName, Stage)], region: &str) -> Vec<Called> {
    let mut all = Vec::new();
    for (name, stage) in stages {
        let mut tried = stage.variables.clone();
        tried.extend(stage.canary.iter().flat_map(|canary| canary.overrides.clone()));
        for variables in [&stage.variables, &tried] {
            for route in live.routes(variables) {
                let Some(call) = route.call.lambda().filter(|call| call.region == region) else { continue };
                let Ok(function) = call.function.parse() else { continue };
                let stage = StageRef { api: api.clone(), stage: name.clone() };
                all.push(Called { stage, function, qualifier: call.qualifier.clone().unwrap_or_default() });
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

type Neighbours = (Vec<(FunctionName, Aliases)>, Vec<FunctionName>);

/// The aliases of the functions behind the API that are not the target's, and those that may not be read.
async fn neighbours<A: Aws>(aws: &A, want: &Want, called: &[Called]) -> Result<Neighbours, Problem> {
    let own = want.functions();
    let mut names: Vec<FunctionName> =
        called.iter().map(|call| call.function.clone()).chain(want.neighbours.clone()).collect();
    names.retain(|name| !own.contains(name));
    names.sort();
    names.dedup();
    let read: Vec<(FunctionName, Result<Aliases, AwsError>)> = stream::iter(names)
        .map(|function| async move {
            let found = list(aws, &function).await;
            (function, found)
        })
        .buffered(PARALLEL)
        .collect()
        .await;
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for (function, found) in read {
        match found {
            Ok(aliases) => seen.push((function, aliases)),
            Err(error) if error.remedy() == Remedy::Denied => unseen.push(function),
            // A route may name a function that was deleted: it has no record to ask.
            Err(error) if error.remedy() == Remedy::Missing => {}
            Err(error) => return Err(explain::problem(Operation::ListAliases, function.as_str(), &error)),
        }
    }
    Ok((seen, unseen))
}
