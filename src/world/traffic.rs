//! What a request to a stage would get at this instant, and what must hold at every instant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::account::{Account, Settings};
use super::apigateway::Definition;
use super::authorize::Invocation;
use crate::aws::noun::{Method, Stage, State};
use crate::model::{AliasName, ApiId, FunctionName, StageName, Version};

/// A request to a stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// The API.
    pub api: ApiId,
    /// The stage.
    pub stage: StageName,
    /// `GET`, …
    pub method: String,
    /// The path as sent, such as `/pets/17`.
    pub path: String,
}

/// All answers that a request can get, with their shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Served(pub Vec<Answer>);

/// One of the answers that a request can get.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How often, 0–1.
    pub share: f64,
    /// Through the stage's canary.
    pub canary: bool,
    /// What answers (`None`: an integration without Lambda), or why nothing does.
    pub result: Result<Option<Reached>, Failure>,
}

/// The code that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The function.
    pub function: FunctionName,
    /// Alias or version as called; `None` is the bare function.
    pub qualifier: Option<String>,
    /// The version that runs.
    pub version: Version,
}

/// API Gateway's own error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// What the execution log says.
    pub why: String,
}

impl Served {
    /// Version → share of the requests; what fails is left out.
    pub fn versions(&self) -> BTreeMap<Version, f64> {
        let mut shares = BTreeMap::new();
        for answer in &self.0 {
            if let Ok(Some(reached)) = &answer.result {
                *shares.entry(reached.version).or_insert(0.0) += answer.share;
            }
        }
        shares
    }

    /// The first failure, if any share of the requests fails.
    pub fn failure(&self) -> Option<&Failure> {
        self.0.iter().find_map(|answer| answer.result.as_ref().err())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}/{}", self.method, self.path, self.api, self.stage)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.why)
    }
}

/// REST answers 500 to its own configuration errors (aws-semantics §4.5).
fn broken(why: impl fmt::Display) -> Failure {
    Failure { status: 500, why: format!("Execution failed due to configuration error: {why}") }
}

/// Where a request can go: production or canary.
struct Arm<'a> {
    share: f64,
    canary: bool,
    deployment: &'a str,
    variables: BTreeMap<&'a str, &'a str>,
}

impl Account {
    /// What a request would get now.
    pub fn serve(&self, request: &Request) -> Served {
        let Ok(stage) = self.stage(&request.api, &request.stage) else {
            let result = Err(Failure { status: 403, why: "Forbidden: no such stage".into() });
            return Served(vec![Answer { share: 1.0, canary: false, result }]);
        };
        Served(arms(stage).iter().flat_map(|arm| self.answers(request, arm)).collect())
    }

    fn answers(&self, request: &Request, arm: &Arm<'_>) -> Vec<Answer> {
        let answer = |share: f64, result| Answer { share: arm.share * share, canary: arm.canary, result };
        match self.run(request, arm) {
            Ok(versions) if versions.is_empty() => vec![answer(1.0, Ok(None))],
            Ok(versions) => versions.into_iter().map(|(share, result)| answer(share, result.map(Some))).collect(),
            Err(failure) => vec![answer(1.0, Err(failure))],
        }
    }

    /// The versions that can answer; empty when the integration is not a function.
    fn run(&self, request: &Request, arm: &Arm<'_>) -> Result<Vec<(f64, Result<Reached, Failure>)>, Failure> {
        let snapshot = self.apis.get(&request.api).and_then(|api| api.deployments.get(arm.deployment));
        let definition = &snapshot.ok_or_else(|| broken(format!("no deployment {}", arm.deployment)))?.definition;
        let missing = || Failure { status: 403, why: "Missing Authentication Token: no such route".into() };
        let method = find_method(definition, request).ok_or_else(missing)?;
        let Settings { partition, region, account, .. } = &self.settings;
        let base = format!("arn:{partition}:execute-api:{region}:{account}:{}", request.api);
        let authorizer = method.authorizer_id.as_ref();
        if let Some(authorizer) = definition.authorizers.iter().find(|a| Some(&a.id) == authorizer)
            && let Some(uri) = &authorizer.authorizer_uri
        {
            let source = format!("{base}/authorizers/{}", authorizer.id);
            let asked = authorizer.authorizer_credentials.is_none().then_some(source);
            for (_, result) in self.reach(uri, &arm.variables, asked.as_deref())? {
                result.map_err(|failure| Failure { why: format!("authorizer: {}", failure.why), ..failure })?;
            }
        }
        let Some(integration) = &method.integration else { return Err(broken("no integration")) };
        let Some(uri) = integration.uri.as_ref().filter(|uri| uri.contains("/functions/")) else {
            return Ok(Vec::new());
        };
        let source = format!("{base}/{}/{}{}", request.stage, request.method, request.path);
        let asked = integration.credentials.is_none().then_some(source);
        self.reach(uri, &arm.variables, asked.as_deref())
    }

    /// The versions behind an integration URI. `source` is what the policy is asked about; `None` when a role calls.
    fn reach(
        &self,
        uri: &str,
        variables: &BTreeMap<&str, &str>,
        source: Option<&str>,
    ) -> Result<Vec<(f64, Result<Reached, Failure>)>, Failure> {
        let uri = substitute(uri, variables);
        let arn = uri.split("/functions/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let not_found = || broken(format!("Function not found: {arn}"));
        let parts: Vec<&str> = arn.split(':').collect();
        let (name, qualifier) = match parts.as_slice() {
            [.., "function", name] => (*name, None),
            [.., "function", name, qualifier] => (*name, Some(*qualifier)),
            _ => return Err(not_found()),
        };
        let name: FunctionName = name.parse().map_err(|_| not_found())?;
        if self.function_arn(&name, qualifier) != arn {
            return Err(broken(format!("{arn} is outside of this account")));
        }
        let function = self.functions.get(&name).ok_or_else(not_found)?;
        let shares = match qualifier {
            None => BTreeMap::from([(Version::Latest, 1.0)]),
            Some(q) => match (q.parse::<Version>(), q.parse::<AliasName>()) {
                (Ok(version), _) => BTreeMap::from([(version, 1.0)]),
                (_, Ok(alias)) => function.aliases.get(&alias).ok_or_else(not_found)?.shares(),
                _ => return Err(not_found()),
            },
        };
        let policy = function.policies.get(qualifier.unwrap_or_default());
        let permits = |source_arn| {
            let source_account = &self.settings.account;
            let call = Invocation { resource: arn, source_arn, source_account, at: self.now() };
            policy.is_some_and(|policy| policy.permits(&call))
        };
        if source.is_some_and(|source| !permits(source)) {
            return Err(broken("Invalid permissions on Lambda function"));
        }
        let reached = |version| Reached { function: name.clone(), qualifier: qualifier.map(str::to_owned), version };
        let run = |(version, share)| (share, self.runnable(&name, version).map(|()| reached(version)));
        Ok(shares.into_iter().map(run).collect())
    }

    fn runnable(&self, function: &FunctionName, version: Version) -> Result<(), Failure> {
        let arn = self.function_arn(function, Some(&version.to_string()));
        let build = self.build(function, version).map_err(|_| broken(format!("Function not found: {arn}")))?;
        match build.function.state {
            None | Some(State::Active) => Ok(()),
            Some(state) => Err(Failure { status: 502, why: format!("{arn} is {state:?}") }),
        }
    }

    /// A sample request for every route that some stage serves. `{x}` is filled in; `ANY` is asked by two methods.
    pub fn routes(&self) -> Vec<Request> {
        let mut routes = Vec::new();
        for (id, api) in &self.apis {
            for (name, stage) in &api.stages {
                let Some(snapshot) = api.deployments.get(&stage.deployment) else { continue };
                for resource in &snapshot.definition.resources {
                    let methods = resource.methods.keys().flat_map(|method| match method.as_str() {
                        "ANY" => vec!["GET", "DELETE"],
                        other => vec![other],
                    });
                    routes.extend(methods.map(|method| Request {
                        api: id.clone(),
                        stage: name.clone(),
                        method: method.to_owned(),
                        path: sample_path(&resource.path),
                    }));
                }
            }
        }
        routes
    }

    /// Every route of every stage that fails for some share of its requests, with the reason.
    pub fn unserved(&self) -> Vec<String> {
        self.routes().iter().filter_map(|request| self.complaint(request)).collect()
    }

    fn complaint(&self, request: &Request) -> Option<String> {
        self.serve(request).failure().map(|failure| format!("{request}: {failure}"))
    }

    /// What is wrong with aliases and stages, traffic aside.
    fn inconsistencies(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, function) in &self.functions {
            for (alias, entry) in &function.aliases {
                let foreign = |v: &u64| !function.versions.contains_key(v) || entry.version == Version::Number(*v);
                if entry.weights.values().sum::<f64>() > 1.0 + 1e-9 || entry.weights.keys().any(foreign) {
                    found.push(format!("{name}:{alias} has the weights {:?}", entry.weights));
                }
            }
        }
        for (id, api) in &self.apis {
            for (name, stage) in &api.stages {
                let canary = stage.canary.iter().filter_map(|canary| canary.deployment.as_ref());
                for deployment in canary.chain([&stage.deployment]).filter(|d| !api.deployments.contains_key(*d)) {
                    found.push(format!("{id}/{name} points at the missing deployment {deployment}"));
                }
            }
        }
        found
    }
}

/// Production and canary, those that get any requests.
fn arms(stage: &Stage) -> Vec<Arm<'_>> {
    let variables: BTreeMap<&str, &str> = stage.variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let share = stage.canary.as_ref().map_or(0.0, |canary| canary.percent / 100.0);
    let mut arms = vec![Arm { share: 1.0 - share, canary: false, deployment: &stage.deployment, variables }];
    if let Some(canary) = &stage.canary {
        let mut variables = arms[0].variables.clone();
        variables.extend(canary.overrides.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let deployment = canary.deployment.as_deref().unwrap_or(&stage.deployment);
        arms.push(Arm { share, canary: true, deployment, variables });
    }
    arms.retain(|arm| arm.share > 1e-9);
    arms
}

/// Replaces `${stageVariables.x}`; an unset variable becomes nothing (recorded).
fn substitute(uri: &str, variables: &BTreeMap<&str, &str>) -> String {
    let mut parts = uri.split("${stageVariables.");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        result.push_str(variables.get(name).copied().unwrap_or_default());
        result.push_str(rest);
    }
    result
}

/// The method of the most specific resource that matches the path.
fn find_method<'a>(definition: &'a Definition, request: &Request) -> Option<&'a Method> {
    let matching =
        definition.resources.iter().filter_map(|resource| Some((rank(&resource.path, &request.path)?, resource)));
    let (_, resource) = matching.filter(|(_, r)| !r.methods.is_empty()).max_by(|(a, _), (b, _)| a.cmp(b))?;
    resource.methods.get(&request.method).or_else(|| resource.methods.get("ANY"))
}

/// How specifically a template matches a path, segment by segment: literal, `{x}`, `{x+}`.
fn rank(template: &str, path: &str) -> Option<Vec<u8>> {
    let mut path = path.trim_matches('/').split('/');
    let mut ranks = Vec::new();
    for segment in template.trim_matches('/').split('/') {
        let given = path.next()?;
        if segment.starts_with('{') && segment.ends_with("+}") {
            ranks.push(0);
            return (!given.is_empty()).then_some(ranks);
        }
        match segment.starts_with('{') {
            true if !given.is_empty() => ranks.push(1),
            false if segment == given => ranks.push(2),
            _ => return None,
        }
    }
    path.next().is_none().then_some(ranks)
}

/// A path that the template matches.
fn sample_path(template: &str) -> String {
    let sample = |segment: &str| match segment {
        s if s.ends_with("+}") => "sample/17".to_owned(),
        s if s.starts_with('{') => "sample-17".to_owned(),
        s => s.to_owned(),
    };
    template.split('/').map(sample).collect::<Vec<_>>().join("/")
}

/// The routes that must keep being served, and what was seen to break.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    pub(super) routes: Vec<Request>,
    wrong: BTreeSet<String>,
    pub(super) violations: Vec<String>,
}

impl Watch {
    /// Watches every route that is served now; what is wrong already is not held against what follows.
    pub(super) fn start(account: &Account) -> Self {
        let mut routes = account.routes();
        routes.retain(|request| account.complaint(request).is_none());
        let wrong = account.inconsistencies().into_iter().collect();
        Self { routes, wrong, violations: Vec::new() }
    }

    /// Notes what became wrong through `cause`.
    pub(super) fn check(&mut self, account: &Account, cause: &str) {
        let complaints = self.routes.iter().filter_map(|request| account.complaint(request));
        let wrong: BTreeSet<String> = complaints.chain(account.inconsistencies()).collect();
        for text in wrong.difference(&self.wrong) {
            self.violations.push(format!("{} after {cause}: {text}", account.now()));
        }
        self.wrong = wrong;
    }
}
