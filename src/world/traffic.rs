//! What a request to a stage would get at this instant.

use std::collections::BTreeMap;
use std::fmt;

use super::account::{Account, Settings};
use super::apigateway::Definition;
use super::authorize::Invocation;
use super::http_traffic;
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
pub(super) fn broken(why: impl fmt::Display) -> Failure {
    Failure { status: 500, why: format!("Execution failed due to configuration error: {why}") }
}

/// Where a request can go: production or canary.
pub(super) struct Arm<'a> {
    pub(super) share: f64,
    pub(super) canary: bool,
    pub(super) deployment: &'a str,
    pub(super) variables: BTreeMap<&'a str, &'a str>,
}

/// What runs, with its share.
pub(super) type Shares = Vec<(f64, Result<Reached, Failure>)>;

impl Account {
    /// What a request would get now.
    pub fn serve(&self, request: &Request) -> Served {
        if let Some(api) = self.http_apis.get(&request.api) {
            return self.serve_http(api, request);
        }
        let Ok(stage) = self.stage(&request.api, &request.stage) else {
            let result = Err(Failure { status: 403, why: "Forbidden: no such stage".into() });
            return Served(vec![Answer { share: 1.0, canary: false, result }]);
        };
        let of = |arm: &Arm<'_>| answers(arm.share, arm.canary, self.run(request, arm));
        Served(arms(stage).iter().flat_map(of).collect())
    }

    /// The versions that can answer; empty when the integration is not a function.
    fn run(&self, request: &Request, arm: &Arm<'_>) -> Result<Shares, Failure> {
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
            let refused = |failure: Failure| Failure { why: format!("authorizer: {}", failure.why), ..failure };
            for (_, result) in self.reach(uri, &arm.variables, asked.as_deref()).map_err(refused)? {
                result.map_err(refused)?;
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
    pub(super) fn reach(
        &self,
        uri: &str,
        variables: &BTreeMap<&str, &str>,
        source: Option<&str>,
    ) -> Result<Shares, Failure> {
        let uri = substitute(uri, variables);
        // An HTTP API may name the bare ARN.
        let arn = match uri.split_once("/functions/") {
            Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
            None => uri.as_str(),
        };
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

    pub(super) fn runnable(&self, function: &FunctionName, version: Version) -> Result<(), Failure> {
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
        routes.extend(self.http_apis.iter().flat_map(|(id, api)| http_traffic::samples(id, api)));
        routes
    }

    /// Every route of every stage that fails for some share of its requests, with the reason.
    pub fn unserved(&self) -> Vec<String> {
        self.routes().iter().filter_map(|request| self.complaint(request)).collect()
    }

    /// Why a request fails for some share of its senders, if it does.
    pub(super) fn complaint(&self, request: &Request) -> Option<String> {
        self.serve(request).failure().map(|failure| format!("{request}: {failure}"))
    }
}

/// What of a share of the requests is answered; no versions when the integration is not a function.
pub(super) fn answers(of: f64, canary: bool, run: Result<Shares, Failure>) -> Vec<Answer> {
    let answer = |share: f64, result| Answer { share: of * share, canary, result };
    match run {
        Ok(versions) if versions.is_empty() => vec![answer(1.0, Ok(None))],
        Ok(versions) => versions.into_iter().map(|(share, result)| answer(share, result.map(Some))).collect(),
        Err(failure) => vec![answer(1.0, Err(failure))],
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
pub(super) fn rank(template: &str, path: &str) -> Option<Vec<u8>> {
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
pub(super) fn sample_path(template: &str) -> String {
    let sample = |segment: &str| match segment {
        s if s.ends_with("+}") => "sample/17".to_owned(),
        s if s.starts_with('{') => "sample-17".to_owned(),
        s => s.to_owned(),
    };
    template.split('/').map(sample).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{SECOND, api, live, pets, prod, update, world};
    use super::super::{Behaviour, World};
    use super::*;
    use crate::aws::noun::{Authorizer, StageCanary};

    fn get(path: &str) -> Request {
        Request { api: api(), stage: prod(), method: "GET".into(), path: path.into() }
    }

    fn why(world: &World, path: &str) -> (u16, String) {
        let failure = world.serve(&get(path)).failure().cloned().expect("it is served");
        (failure.status, failure.why)
    }

    fn shares(world: &World) -> BTreeMap<Version, f64> {
        world.serve(&get("/pets/1")).versions()
    }

    #[test]
    fn weights_split_by_invocation_and_the_stage_canary_by_request() {
        let world = world();
        let number = Version::Number;
        assert_eq!(shares(&world), BTreeMap::from([(number(1), 1.0)]));
        update(&world, 1, &[(2, 0.25)]).unwrap();
        assert_eq!(shares(&world), BTreeMap::from([(number(1), 0.75), (number(2), 0.25)]));
        world.edit(|account| {
            let beta = "beta".parse().unwrap();
            account.put_alias(&pets(), &beta, 2, &[]).unwrap();
            let canary = StageCanary {
                deployment: None,
                percent: 50.0,
                overrides: BTreeMap::from([("lambdaAlias".to_owned(), "beta".to_owned())]),
                use_stage_cache: false,
            };
            account.put_canary(&api(), &prod(), Some(canary)).unwrap();
        });
        assert!(why(&world, "/pets/1").1.contains("Invalid permissions"), "the canary's alias needs its own statement");
        world.edit(|account| account.grant(&pets(), &"beta".parse().unwrap(), &api(), &prod())).unwrap();
        assert_eq!(shares(&world), BTreeMap::from([(number(1), 0.375), (number(2), 0.625)]));
    }

    #[test]
    fn every_link_of_the_chain_can_be_missing() {
        let world = world();
        let broken = |edit: &dyn Fn(&mut Account), path| {
            let fork = world.fork();
            fork.edit(|account| edit(account));
            (why(&fork, path), fork.violations().len())
        };
        let variables = |account: &mut Account| account.stage_mut(&api(), &prod()).unwrap().variables.clear();
        let (failure, violations) = broken(&variables, "/pets/1");
        assert_eq!((failure.0, violations), (500, 3));
        assert!(failure.1.ends_with("Function not found: arn:aws:lambda:us-east-1:123456789012:function:pets:"));
        let policy = |account: &mut Account| account.function_mut(&pets()).unwrap().policies.clear();
        assert!(broken(&policy, "/").0.1.ends_with("Invalid permissions on Lambda function"));
        let pending = |account: &mut Account| {
            account.version_mut(&pets(), 1).unwrap().function.state = Some(State::Pending);
        };
        assert_eq!(broken(&pending, "/").0.0, 502);
        let deployment = |account: &mut Account| account.api_mut(&api()).unwrap().deployments.clear();
        let (failure, violations) = broken(&deployment, "/");
        assert_eq!((failure.0, violations), (500, 4), "three requests and the stage itself");
        assert_eq!(why(&world, "/cats"), (403, "Missing Authentication Token: no such route".into()));
    }

    #[test]
    fn a_violation_is_noted_once_while_it_lasts_and_again_when_it_comes_back() {
        let world = world();
        let set = |value: &str| {
            world.edit(|account| {
                let stage = account.stage_mut(&api(), &prod()).unwrap();
                stage.variables.insert("lambdaAlias".into(), value.into());
            });
        };
        set("gone");
        world.edit(|account| account.describe_alias(&pets(), &live(), "unrelated").unwrap());
        assert_eq!(world.violations().len(), 3);
        assert!(world.violations()[0].contains("after a change by somebody else: "), "{:#?}", world.violations());
        set("live");
        assert_eq!(world.violations().len(), 3);
        set("gone");
        assert_eq!(world.violations().len(), 6);
        world.watch_traffic();
        world.unwatch(|request| request.method == "DELETE");
        set("live");
        assert_eq!(world.violations().len(), 0);
    }

    #[test]
    fn an_authorizer_is_a_route_to_a_function_too() {
        let world = world();
        world.edit(|account| {
            account.create_function(&"auth".parse().unwrap(), "auth", Behaviour::default());
            let arn = account.function_arn(&"auth".parse().unwrap(), None);
            let authorizer_uri = Some(account.integration_uri(&arn));
            account
                .edit_api(&api(), |definition| {
                    let authorizer =
                        Authorizer { id: "a1".into(), name: "auth".into(), authorizer_uri, ..Authorizer::default() };
                    definition.authorizers.push(authorizer);
                    definition.method_mut("/", "ANY").authorizer_id = Some("a1".into());
                })
                .unwrap();
            let deployment = account.deploy(&api(), "").unwrap();
            account.stage_mut(&api(), &prod()).unwrap().deployment = deployment;
        });
        assert!(why(&world, "/").1.starts_with("authorizer: "));
        let source = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/authorizers/a1";
        let statement = json!({
            "Sid": "auth", "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:auth",
            "Condition": { "ArnLike": { "aws:SourceArn": source } },
        });
        world.edit(|account| account.put_statement(&"auth".parse().unwrap(), "", statement)).unwrap();
        assert_eq!(world.serve(&get("/")).failure(), None);
    }

    #[test]
    fn routes_are_matched_by_the_most_specific_resource() {
        assert_eq!(rank("/pets/{id}", "/pets/17"), Some(vec![2, 1]));
        assert_eq!(rank("/{proxy+}", "/pets/17/toys"), Some(vec![0]));
        assert_eq!((rank("/pets", "/pets/17"), rank("/pets/{id}", "/pets")), (None, None));
        assert_eq!(rank("/", "/"), Some(vec![2]));
        assert!(rank("/pets/{id}", "/pets/new") < rank("/pets/new", "/pets/new"));
        assert_eq!(sample_path("/pets/{id}/{rest+}"), "/pets/sample-17/sample/17");
    }

    #[test]
    fn a_version_under_an_alias_that_fails_in_its_own_time_is_seen_when_it_happens() {
        let world = world();
        world.edit(|account| {
            let version = account.version_mut(&pets(), 1).unwrap();
            version.function.state = Some(State::Pending);
            account.schedule(
                SECOND,
                super::super::account::Due::VersionReady {
                    function: pets(),
                    version: 1,
                    failed: Some("no role".into()),
                },
            );
        });
        world.clock().advance(5 * SECOND);
        let seen = world.violations();
        assert!(seen[3].starts_with("1970-01-01T00:00:01Z after pets:1 left Pending: "), "{seen:#?}");
    }
}
