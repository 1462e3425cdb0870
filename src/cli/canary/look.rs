//! What the traffic of a target is split by, as AWS has it.

use super::Act;
use crate::aws::operation::{GetAlias, GetDeployment, GetProvisionedConcurrencyConfig};
use crate::aws::{Aws, gateway, noun};
use crate::change::is_moving_capacity;
use crate::cli::App;
use crate::cli::members::{self, Pair, ask};
use crate::cli::session::Session;
use crate::cli::target::Located;
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::model::{AliasName, FunctionName, Record, StageRef, Version};
use crate::plan::read_description;
use crate::problem::{Code, Problem};
use crate::split::Wish;
use crate::split::alias::{Weighted, shares};
use crate::split::stage::Trial;

/// One alias with its names.
#[derive(Debug)]
pub struct Alias {
    /// Function.
    pub function: FunctionName,
    /// Alias.
    pub name: AliasName,
    /// As it was read.
    pub weighted: Weighted,
}

/// Both places of a target.
#[derive(Debug, Default)]
pub struct Found {
    /// The aliases.
    pub aliases: Vec<Alias>,
    /// The stage.
    pub stage: Option<Trial>,
    /// A release that is in flight through the stage.
    pub holder: Option<Record>,
}

impl Found {
    /// What is true now, one line each.
    pub fn now(&self) -> Vec<String> {
        let of = |one: &Alias| {
            format!("{} → {}", one.weighted.place, shares(one.weighted.alias.version, &one.weighted.alias.weights))
        };
        let mut now: Vec<String> = self.aliases.iter().map(of).collect();
        now.extend(self.stage.iter().map(|trial| format!("{} → deployment {}", trial.place, trial.stage.deployment)));
        now
    }
}

/// Reads what TARGET means.
pub async fn look<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<Found, Problem> {
    let pairs: Vec<Pair> = match (&located.place, &located.target) {
        (TargetRef::Stage { .. }, _) | (_, None) => Vec::new(),
        (_, Some(target)) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
    };
    let mut found = Found::default();
    for (function, name) in pairs {
        found.aliases.push(alias(session, function, name).await?);
    }
    let stage = match &located.place {
        TargetRef::Alias { .. } | TargetRef::Url(_) => None,
        TargetRef::Named(_) | TargetRef::Stage { .. } => located.stage(),
    };
    if let Some(place) = stage {
        // The aliases that the stage calls tell whether a release goes through it.
        let (called, _) = members::called(app, session, place).await?;
        let seen = members::read(session, called, true).await?;
        found.holder = seen.into_iter().filter_map(|one| one.description.record).find(|record| {
            record.state.holds_lock() && record.stage.as_ref().is_some_and(|recorded| recorded.stage == *place)
        });
        let trial = trial(session, place).await?;
        match (&located.place, trial.stage.kind.is_rest()) {
            (_, true) => found.stage = Some(trial),
            (TargetRef::Stage { .. }, false) => return Err(no_canary(place)),
            // The aliases of the target are what can be split.
            (_, false) => {}
        }
    }
    Ok(found)
}

async fn alias<A: Aws, C>(session: &Session<A, C>, function: FunctionName, name: AliasName) -> Result<Alias, Problem> {
    let place = format!("{function}:{name}");
    let request = GetAlias { function: function.clone(), alias: name.clone() };
    let Some(found) = ask(&session.aws, request).await? else {
        return Err(Problem::new(Code::AliasMissing, format!("{place} does not exist here"))
            .why("Lambda answered 404 for the function or the alias in this account and region")
            .fix(format!(
                "check the name, --region and --profile: aws lambda list-aliases --function-name {function}"
            )));
    };
    let description = read_description(&place, Some(&found))?;
    let provisioned = if is_moving_capacity(&found) {
        let request = GetProvisionedConcurrencyConfig { function: function.clone(), alias: name.clone() };
        ask(&session.aws, request).await?
    } else {
        None
    };
    Ok(Alias { function, name, weighted: Weighted { place, alias: found, description, provisioned } })
}

fn no_canary(place: &StageRef) -> Problem {
    Problem::new(Code::Unsupported, format!("{} is an HTTP API: its stages have no canary", place.api))
        .why("a stage of an HTTP API serves one deployment to all requests")
        .fix("name the alias that is split: FUNCTION:ALIAS")
}

async fn trial<A: Aws, C>(session: &Session<A, C>, place: &StageRef) -> Result<Trial, Problem> {
    let stage = gateway::existing_stage(&session.aws, place).await?;
    let mut trial = Trial { place: place.clone(), stage, deployment: None };
    if let Some(deployment) = trial.on_trial().map(ToOwned::to_owned) {
        let api = place.api.clone();
        trial.deployment = ask(&session.aws, GetDeployment { api, deployment }).await?;
    }
    Ok(trial)
}

/// A version or deployment that gets a share must exist, and a version be able to share the alias: what AWS would only
/// say after the question was asked (aws-semantics §3.4).
pub async fn check_version<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    acts: &[Act<'_>],
    wish: &Wish,
) -> Result<(), Problem> {
    let Wish::Set { version, deployment, .. } = wish else { return Ok(()) };
    for act in acts {
        match (act, version, deployment) {
            (Act::Alias(one, _), Some(number), _) => shareable(app, session, one, *number).await?,
            (Act::Stage(trial, _), _, Some(id)) => {
                let request = GetDeployment { api: trial.place.api.clone(), deployment: id.clone() };
                if ask(&session.aws, request).await?.is_none() {
                    let api = &trial.place.api;
                    return Err(Problem::new(Code::BadOption, format!("API {api} has no deployment {id}"))
                        .fix(format!("list them: aws apigateway get-deployments --rest-api-id {api}")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

async fn shareable<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    one: &Alias,
    number: u64,
) -> Result<(), Problem> {
    let (observer, function) = (session.observer(app), &one.function);
    let serving: Option<noun::Function> = observer.version(function, one.weighted.alias.version).await?;
    let Some(tried) = observer.version(function, Version::Number(number)).await? else {
        return Err(Problem::new(Code::VersionMissing, format!("{function} has no v{number}"))
            .fix(format!("list them: aws lambda list-versions-by-function --function-name {function}")));
    };
    match serving.filter(|serving| serving.role != tried.role || serving.dead_letter != tried.dead_letter) {
        None => Ok(()),
        Some(serving) => Err(Problem::new(
            Code::CannotSplit,
            format!("{} and v{number} cannot share {}", serving.version.label(), one.weighted.place),
        )
        .why("Lambda splits traffic only between versions with one role and one dead-letter queue")
        .fix(format!("move at once: stagegate promote {} --function-version {number}", one.weighted.place))),
    }
}
