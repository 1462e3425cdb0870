//! Reading everything that a plan depends on. Nothing here decides anything but when to stop waiting.

mod ownership;
mod source;
mod stage;

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::function_state;
use crate::aws::gateway::{self, PAGES_MAX};
use crate::aws::noun::{
    AlarmState, Alias, Deployment, Export, Function, MetricQuery, MetricSeries, Policy, Provisioned, Stage,
    UpdateStatus,
};
use crate::aws::operation::{
    DescribeAlarms, GetAlias, GetCallerIdentity, GetFunction, GetMetricData, GetPolicy,
    GetProvisionedConcurrencyConfig, GetRestApis, ListVersionsByFunction,
};
use crate::aws::{Aws, AwsError, AwsExt, Operation, Request, explain};
use crate::clock::Clock;
use crate::definition::LiveApi;
use crate::event::{Event, Listener};
use crate::metrics::{self, Arm, Past};
use crate::model::target::{Source, Target};
use crate::model::{AliasName, CanaryMode, FunctionName, StageRef, Version, candidate_alias};
use crate::ownership::Facts;
use crate::problem::{Code, Problem};

/// How long an update of the function's code may still take (`FunctionUpdatedV2` waiter, quotas.toml).
pub const UPDATE_WAIT_MAX: Duration = Duration::from_secs(300);
/// How long provisioned concurrency may still move (Terraform's wait, quotas.toml).
pub const PROVISIONED_WAIT_MAX: Duration = Duration::from_secs(900);
/// Functions read at the same time; the quotas pace the calls.
const PARALLEL: usize = 8;

/// One function of the target, as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservedMember {
    /// The function.
    pub function: FunctionName,
    /// `$LATEST`.
    pub latest: Function,
    /// The alias, if it exists.
    pub alias: Option<Alias>,
    /// What the alias serves.
    pub serving: Option<Function>,
    /// The highest published version, if there is any.
    pub highest: Option<Function>,
    /// The version that the source names, if it names one and it exists.
    pub candidate: Option<Function>,
    /// Which version the source names.
    pub named: Option<Version>,
    /// The alias's policy.
    pub policy: Option<Policy>,
    /// The alias's provisioned concurrency.
    pub provisioned: Option<Provisioned>,
    /// The alias that a stage canary uses, if it exists; only looked for when there will be one.
    pub candidate_alias: Option<Alias>,
    /// That alias's policy.
    pub candidate_policy: Option<Policy>,
}

/// The stage, as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservedStage {
    /// Which.
    pub stage_ref: StageRef,
    /// Its settings.
    pub stage: Stage,
    /// The deployment it serves.
    pub deployment: Deployment,
    /// The live definition.
    pub live: LiveApi,
    /// What it serves, unless the fingerprint in the deployment's description proves that it is the live definition.
    pub exports: Option<Exports>,
    /// The stage whose deployment it gets, when the target names one.
    #[serde(default)]
    pub source: Option<ObservedSource>,
}

/// The stage of another target, as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservedSource {
    /// Its settings.
    pub stage: Stage,
    /// The deployment it serves.
    pub deployment: Deployment,
    /// What it serves, where a comparison needs it and API Gateway gives it.
    pub export: Option<Export>,
    /// The live definition's export, where the comparison with it needs that; only of HTTP APIs.
    pub live: Option<Export>,
    /// The release under way there, if any: `checkout-api:staging is moved by r-…`.
    pub releasing: Option<String>,
}

/// What a stage serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exports {
    /// The stage's export.
    pub deployed: Export,
    /// The live definition's; only HTTP APIs have one.
    pub live: Option<Export>,
}

/// Everything a plan is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// One for each function, in the target's order.
    pub members: Vec<ObservedMember>,
    /// The stage, when the target has one.
    pub stage: Option<ObservedStage>,
    /// What a canary will be judged by; only read when there will be one.
    pub alarms: Vec<AlarmState>,
    /// How many REST APIs have the name of the stage's API; only counted when it matters.
    pub namesakes: usize,
    /// The functions before the release, in the target's order; only read when there will be a canary.
    pub past: Vec<Past>,
    /// Who else moves the aliases; only looked for before a release.
    #[serde(default)]
    pub owners: Facts,
}

impl ObservedMember {
    /// The ARN of an alias of the function, existing or not.
    pub fn alias_arn(&self, alias: &AliasName) -> String {
        format!("{}:{alias}", self.latest.arn.trim_end_matches(":$LATEST"))
    }
}

/// Reads AWS for a target.
pub struct Observer<'a, A, C> {
    /// Where from.
    pub aws: &'a A,
    /// For bounded waits.
    pub clock: &'a C,
    /// Who hears of the waits.
    pub listener: &'a dyn Listener,
}

impl<A: Aws, C: Clock> Observer<'_, A, C> {
    /// Reads everything that a new release depends on: what it changes, and what its canary will be judged by.
    pub async fn observe(&self, target: &Target, named: Option<Version>) -> Result<Observed, Problem> {
        let mut observed = self.resources(target, named).await?;
        if target.canary.is_gradual() {
            self.signals(target, &mut observed).await?;
        }
        observed.owners = self.owners(target, &observed.members).await;
        Ok(observed)
    }

    /// Reads functions and stage; waits, within bounds, for an update of the code or a move of capacity that is still
    /// running.
    pub async fn resources(&self, target: &Target, named: Option<Version>) -> Result<Observed, Problem> {
        let members = stream::iter(&target.functions)
            .map(|function| self.member(target, function, named))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let stage = match &target.stage {
            Some(stage) => Some(self.stage_of(target, stage).await?),
            None => None,
        };
        Ok(Observed { members, stage, alarms: Vec::new(), namesakes: 0, past: Vec::new(), owners: Facts::default() })
    }

    /// What a canary will be judged by. Reading it now finds a name that is misspelt and access that is missing before
    /// anything is written.
    async fn signals(&self, target: &Target, observed: &mut Observed) -> Result<(), Problem> {
        for names in target.gate.alarms.chunks(metrics::ALARM_NAMES_MAX) {
            observed.alarms.extend(self.send(DescribeAlarms { names: names.to_vec() }).await?);
        }
        if let (Some(stage), Some(_)) = (&observed.stage, target.gate.max_stage_errors) {
            // The metrics of an HTTP API go by its id.
            if let LiveApi::Rest(live) = &stage.live {
                let apis = gateway::pages(self.aws, |position| GetRestApis { position }).await?;
                observed.namesakes = apis.iter().filter(|(_, name)| *name == live.api.name).count();
            }
        }
        let alias = &target.alias;
        let arms: Vec<Arm> =
            target.functions.iter().map(|f| Arm { function: f.clone(), alias: alias.clone(), version: None }).collect();
        let (latency, window) = (target.gate.max_slow_ratio.is_some(), metrics::history_window(self.clock.now()));
        let answers = self.metrics(metrics::history_queries(&arms, None, latency), window).await?;
        observed.past = metrics::read_history(&answers, arms.len(), false, latency).functions;
        Ok(())
    }

    /// Series of metrics, in the order of the queries; as many calls as they need.
    pub async fn metrics(
        &self,
        queries: Vec<MetricQuery>,
        (start, end): (Timestamp, Timestamp),
    ) -> Result<Vec<MetricSeries>, Problem> {
        let mut all = Vec::new();
        for queries in queries.chunks(metrics::QUERIES_MAX) {
            let mut series = vec![MetricSeries::default(); queries.len()];
            let mut next = None;
            for _ in 0..PAGES_MAX {
                let request = GetMetricData { queries: queries.to_vec(), start, end, next: next.clone() };
                let page = self.send(request).await?;
                for (whole, part) in series.iter_mut().zip(page.series) {
                    whole.points.extend(part.points);
                    whole.failure = whole.failure.take().or(part.failure);
                }
                if page.next.is_none() || page.next == next {
                    break;
                }
                next = page.next;
            }
            all.extend(series);
        }
        match all.iter().zip(&queries).find_map(|(series, query)| Some((series.failure.as_ref()?, query))) {
            None => Ok(all),
            Some((why, query)) => {
                Err(Problem::new(Code::MetricsUnreadable, format!("CloudWatch does not give {}", query.metric))
                    .why(format!("it answered {why} for {} of {:?}", query.stat, query.dimensions))
                    .fix("allow cloudwatch:GetMetricData to this role or user, unless CloudWatch itself is at fault"))
            }
        }
    }

    async fn member(
        &self,
        target: &Target,
        function: &FunctionName,
        named: Option<Version>,
    ) -> Result<ObservedMember, Problem> {
        let latest = self.updated(function).await?;
        let alias = self.settled_alias(function, &target.alias).await?;
        let named = match (&target.source, named) {
            (_, Some(version)) => Some(version),
            (Source::Version(number), None) => Some(Version::Number(*number)),
            (Source::Alias(source), None) => Some(self.source_version(function, source).await?),
            (Source::Latest, None) => None,
        };
        let candidate = match named {
            Some(version) => self.version(function, version).await?,
            None => None,
        };
        let highest = if named.is_none() { self.versions(function).await?.pop() } else { None };
        let (serving, policy, provisioned) = match &alias {
            Some(alias) => (
                self.version(function, alias.version).await?,
                self.found(GetPolicy { function: function.clone(), alias: target.alias.clone() }).await?,
                self.provisioned(function, &target.alias).await?,
            ),
            None => (None, None, None),
        };
        let by_stage = target.canary.is_gradual() && target.canary.mode == CanaryMode::Stage;
        let (candidate_alias, candidate_policy) = match candidate_alias(&target.alias).filter(|_| by_stage) {
            Some(name) => self.alias_with_policy(function, &name).await?,
            None => (None, None),
        };
        let function = function.clone();
        Ok(ObservedMember {
            function,
            latest,
            alias,
            serving,
            highest,
            candidate,
            named,
            policy,
            provisioned,
            candidate_alias,
            candidate_policy,
        })
    }

    async fn alias_with_policy(
        &self,
        function: &FunctionName,
        alias: &AliasName,
    ) -> Result<(Option<Alias>, Option<Policy>), Problem> {
        let (function, alias) = (function.clone(), alias.clone());
        let found = self.found(GetAlias { function: function.clone(), alias: alias.clone() }).await?;
        let policy = if found.is_some() { self.found(GetPolicy { function, alias }).await? } else { None };
        Ok((found, policy))
    }

    /// `$LATEST`, once no update of it is running.
    async fn updated(&self, function: &FunctionName) -> Result<Function, Problem> {
        let started = self.clock.now();
        let mut told = false;
        loop {
            let Some(latest) = self.found(GetFunction { function: function.clone(), qualifier: None }).await? else {
                return Err(function_state::missing(function));
            };
            match latest.last_update {
                Some(UpdateStatus::InProgress) if self.waited(started) < UPDATE_WAIT_MAX => {
                    if !told {
                        self.waiting(format!("the update of {function} to finish"), UPDATE_WAIT_MAX);
                        told = true;
                    }
                    self.clock.sleep(Duration::from_secs(2)).await;
                }
                Some(UpdateStatus::InProgress) => {
                    return Err(Problem::new(
                        Code::FunctionUpdating,
                        format!("the update of {function} does not finish"),
                    )
                    .why(format!("LastUpdateStatus is InProgress for {} s", UPDATE_WAIT_MAX.as_secs()))
                    .fix(format!("look: aws lambda get-function-configuration --function-name {function}")));
                }
                Some(UpdateStatus::Failed) => return Err(function_state::update_failed(function, &latest)),
                _ => return Ok(latest),
            }
        }
    }

    /// The alias, once AWS is not moving its provisioned concurrency.
    async fn settled_alias(&self, function: &FunctionName, name: &AliasName) -> Result<Option<Alias>, Problem> {
        let started = self.clock.now();
        loop {
            let found = self.found(GetAlias { function: function.clone(), alias: name.clone() }).await?;
            let moving = found.as_ref().is_some_and(crate::change::is_moving_capacity);
            if !moving
                || self.waited(started) >= PROVISIONED_WAIT_MAX
                || self.provisioned(function, name).await?.is_none()
            {
                return Ok(found);
            }
            self.waiting(format!("provisioned concurrency of {function}:{name} to move"), PROVISIONED_WAIT_MAX);
            self.clock.sleep(Duration::from_secs(10)).await;
        }
    }

    async fn source_version(&self, function: &FunctionName, source: &AliasName) -> Result<Version, Problem> {
        let found = self.found(GetAlias { function: function.clone(), alias: source.clone() }).await?;
        match found {
            Some(alias) if alias.weights.is_empty() && alias.version != Version::Latest => Ok(alias.version),
            Some(alias) => Err(Problem::new(
                Code::VersionMissing,
                format!("{function}:{source} does not serve one published version"),
            )
            .why(format!(
                "it is on {}{}",
                alias.version.label(),
                if alias.weights.is_empty() { "" } else { " and splits traffic" }
            ))
            .fix("name the version: --function-version N")),
            None => Err(Problem::new(Code::AliasMissing, format!("the source {function}:{source} does not exist"))
                .fix("promote the source target first, or name a version: --function-version N")),
        }
    }

    /// A version with its state; `None` if it does not exist.
    pub async fn version(&self, function: &FunctionName, version: Version) -> Result<Option<Function>, Problem> {
        let qualifier = version.number().map(|n| n.to_string());
        self.found(GetFunction { function: function.clone(), qualifier }).await
    }

    async fn provisioned(&self, function: &FunctionName, alias: &AliasName) -> Result<Option<Provisioned>, Problem> {
        self.found(GetProvisionedConcurrencyConfig { function: function.clone(), alias: alias.clone() }).await
    }

    /// All published versions, oldest first.
    pub async fn versions(&self, function: &FunctionName) -> Result<Vec<Function>, Problem> {
        let pages = |marker| ListVersionsByFunction { function: function.clone(), marker };
        let mut all: Vec<Function> = gateway::pages(self.aws, pages).await?;
        all.retain(|f| f.version != Version::Latest);
        all.sort_by_key(|f| f.version);
        Ok(all)
    }

    async fn send<R: Request>(&self, request: R) -> Result<R::Reply, Problem> {
        let call = request.call();
        let reply = self.aws.call(&call).await;
        let answer = reply.and_then(|reply| {
            R::reply(reply).ok_or_else(|| AwsError::Ambiguous { cause: "answered as another call".into() })
        });
        answer.map_err(|error| explain::problem(call.operation(), &call.subject(), &error))
    }

    /// The answer; `None` where AWS says that there is no such thing.
    ///
    /// # Errors
    /// AWS cannot be read.
    pub async fn found<R: Request>(&self, request: R) -> Result<Option<R::Reply>, Problem> {
        let call = request.call();
        let (operation, subject): (Operation, String) = (call.operation(), call.subject());
        match self.aws.call(&call).await {
            Ok(reply) => Ok(R::reply(reply)),
            Err(error) if error.remedy() == crate::aws::Remedy::Missing => Ok(None),
            Err(error) => Err(explain::problem(operation, &subject, &error)),
        }
    }

    fn waited(&self, since: jiff::Timestamp) -> Duration {
        Duration::try_from(self.clock.now().duration_since(since)).unwrap_or_default()
    }

    fn waiting(&self, what: String, max: Duration) {
        self.listener.on(self.clock.now(), &Event::Waiting { what, max_s: max.as_secs() });
    }
}

/// Asks who the credentials belong to and refuses another account than the expected one, before any other call.
pub async fn check_account<A: Aws>(aws: &A, expected: Option<&str>) -> Result<crate::aws::noun::Identity, Problem> {
    let identity = aws
        .send(GetCallerIdentity {})
        .await
        .map_err(|error| explain::problem(Operation::GetCallerIdentity, "the caller", &error))?;
    match expected {
        Some(expected) if expected != identity.account => Err(Problem::new(
            Code::WrongAccount,
            format!("these credentials belong to {}, the target lives in {expected}", identity.account),
        )
        .why(format!("you are {}", identity.arn))
        .aws_now("unchanged; only sts:GetCallerIdentity was called")
        .fix("name the right profile: --profile NAME")),
        _ => Ok(identity),
    }
}
