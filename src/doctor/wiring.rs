//! Whether the routes of a stage reach what they call: variables set, aliases there, calls permitted. A route that is
//! wired wrong answers 500 and shows in no metric of the function (aws-semantics §4.5, §5).

use std::collections::{BTreeMap, BTreeSet};

use super::look::Pair;
use super::{Finding, ObservedAlias, Repair, count, some};
use crate::definition::reach::{Caller, Route, reaching, reaching_arn, unqualified};
use crate::definition::{Resolved, integration};
use crate::model::{AliasName, FunctionName, Target};
use crate::plan::{ObservedStage, Place};
use crate::policy::{self, Coverage, Document, Need};
use crate::problem::{Code, Level};

/// How many routes are named; the document has all.
const ROUTES: usize = 10;

/// The routes of a stage, as it serves them, with its variables.
pub fn routes(observed: &ObservedStage) -> Vec<Route> {
    with(observed, &observed.stage.variables)
}

/// What cannot be exported is judged by the live definition.
fn with(observed: &ObservedStage, variables: &BTreeMap<String, String>) -> Vec<Route> {
    observed.served(variables).unwrap_or_else(|| observed.live.routes(variables))
}

/// The variables of the stage's canary, when one gets requests.
fn canary_variables(observed: &ObservedStage) -> Option<BTreeMap<String, String>> {
    let canary = observed.stage.canary.as_ref().filter(|canary| canary.percent > 0.0)?;
    let mut variables = observed.stage.variables.clone();
    variables.extend(canary.overrides.clone());
    Some(variables)
}

/// The routes with the variables of the stage's canary; none when no canary gets requests. What the canary's own
/// deployment calls cannot be exported.
pub fn canary_routes(observed: &ObservedStage) -> Vec<Route> {
    canary_variables(observed).map(|variables| with(observed, &variables)).unwrap_or_default()
}

/// The aliases in this region that the stage calls, its canary's too.
pub fn called(observed: &ObservedStage, region: &str) -> BTreeSet<Pair> {
    let mut all = routes(observed);
    all.extend(canary_routes(observed));
    pairs_of(&all, region)
}

/// The aliases in this region that routes call.
pub fn pairs_of(routes: &[Route], region: &str) -> BTreeSet<Pair> {
    let pair = |route: &Route| -> Option<Pair> {
        let call = route.call.lambda().filter(|call| call.region == region)?;
        let function: FunctionName = call.function.parse().ok()?;
        let alias: AliasName = call.qualifier.as_ref()?.parse().ok()?;
        Some((function, alias))
    };
    routes.iter().filter_map(pair).collect()
}

/// The aliases that matter: those of a target and whatever else its functions are called by, or, without a target, all
/// that the stage calls.
pub fn concerned(target: Option<&Target>, observed: Option<&ObservedStage>, region: &str) -> BTreeSet<Pair> {
    let mut pairs = observed.map(|observed| called(observed, region)).unwrap_or_default();
    if let Some(target) = target {
        pairs.retain(|(function, _)| target.functions.contains(function));
        pairs.extend(target.functions.iter().map(|function| (function.clone(), target.alias.clone())));
    }
    pairs
}

/// Which calls matter.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The functions; none = every function that the stage calls.
    pub functions: Option<&'a [FunctionName]>,
    /// The region that was read: what is called elsewhere cannot be judged from here.
    pub region: &'a str,
}

impl Scope<'_> {
    fn concerns(&self, function: &str) -> bool {
        self.functions.is_none_or(|all| all.iter().any(|one| one.as_str() == function))
    }
}

/// What is wired wrong among routes that a stage serves.
pub fn findings(
    observed: &ObservedStage,
    routes: &[Route],
    aliases: &[&ObservedAlias],
    scope: Scope<'_>,
    repair: &Repair,
) -> Vec<Finding> {
    let mut found = unresolved(observed, routes, scope, repair);
    for alias in aliases {
        found.extend(unreachable(observed, routes, alias, scope, repair));
    }
    found.extend(latest(observed, routes, scope));
    found
}

/// `GET /orders and 3 more answer 500`, for people.
fn fails(callers: &[&Caller]) -> String {
    match callers {
        [] => String::new(),
        [one] => format!("{one} answers 500"),
        [first, rest @ ..] => format!("{first} and {} more answer 500", rest.len()),
    }
}

fn listed(callers: &[&Caller]) -> Vec<String> {
    if callers.len() < 2 {
        return Vec::new();
    }
    some(callers.iter().map(ToString::to_string).collect(), ROUTES)
}

/// Routes that hang on an unset variable, or on a URI that names no function.
fn unresolved(observed: &ObservedStage, routes: &[Route], scope: Scope<'_>, repair: &Repair) -> Vec<Finding> {
    let mut unset: BTreeMap<&[String], Vec<&Caller>> = BTreeMap::new();
    let mut found = Vec::new();
    for route in routes {
        match &route.call {
            Resolved::UnsetVariable { names, function }
                if function.as_ref().is_none_or(|function| scope.concerns(function)) =>
            {
                unset.entry(names).or_default().push(&route.caller);
            }
            Resolved::Malformed { function } if scope.functions.is_none() => {
                let what = format!("{} calls `{function}`, which is no function", route.caller);
                found.push(
                    Finding::new(Code::IntegrationMalformed, &observed.stage_ref, what)
                        .details([format!("its integration is {}", integration::short(&route.uri))]),
                );
            }
            _ => {}
        }
    }
    found.extend(unset.into_iter().map(|(names, callers)| {
        let what = format!("{}: stage variable {} is not set", fails(&callers), names.join(", "));
        let set: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "VALUE")).collect();
        let kind = &observed.stage.kind;
        Finding::new(Code::StageVariableUnset, &observed.stage_ref, what)
            .level(Level::Error)
            .details(listed(&callers))
            .fix(repair.set_variables(&observed.stage_ref, kind, &set))
    }));
    found
}

/// Routes to an alias that does not exist, or that may not be called.
fn unreachable(
    observed: &ObservedStage,
    routes: &[Route],
    alias: &ObservedAlias,
    scope: Scope<'_>,
    repair: &Repair,
) -> Vec<Finding> {
    let stage = &observed.stage_ref;
    let name = alias.name();
    let Some(existing) = &alias.found else {
        let calls = |route: &&Route| {
            let call = route.call.lambda().filter(|call| call.region == scope.region);
            call.is_some_and(|call| call.to_string() == name)
        };
        let callers: Vec<&Caller> = routes.iter().filter(calls).map(|route| &route.caller).collect();
        if callers.is_empty() {
            return Vec::new();
        }
        let what = format!("{}: alias {name} does not exist", fails(&callers));
        let finding = Finding::new(Code::AliasMissing, stage, what).details(listed(&callers));
        return vec![finding.fix(repair.stagegate(&format!("promote {name}")))];
    };
    let reaching: Vec<&Route> =
        reaching_arn(routes, &existing.arn).into_iter().filter(|route| !route.credentials).collect();
    let document = match alias.policy.as_ref().map(|policy| Document::parse(&policy.document)).transpose() {
        Ok(document) => document.unwrap_or_default(),
        Err(error) => {
            let what = format!("the policy of {name} cannot be evaluated");
            return vec![Finding::new(Code::InvokeBlocked, stage, what).details([error.to_string()])];
        }
    };
    judged(observed, &reaching, (&name, &existing.arn, &document), scope, repair)
}

fn judged(
    observed: &ObservedStage,
    reaching: &[&Route],
    (name, arn, document): (&str, &str, &Document),
    scope: Scope<'_>,
    repair: &Repair,
) -> Vec<Finding> {
    let stage = &observed.stage_ref;
    let place = Place::of(arn, scope.region, stage);
    let (mut missing, mut found) = (Vec::new(), Vec::new());
    for route in reaching {
        let (source, _) = place.need(&route.caller);
        match policy::coverage(document, &Need { alias_arn: arn, source: &source, account: place.account() }) {
            Coverage::Covered { .. } => {}
            Coverage::Missing { .. } => missing.push(&route.caller),
            Coverage::Blocked { sid, why } => {
                let what = format!("{} answers 500: the policy of {name} denies the call, or may", route.caller);
                let sid = sid.unwrap_or_else(|| "(without id)".into());
                found.push(Finding::new(Code::InvokeBlocked, stage, what).details([format!("statement {sid}: {why}")]));
            }
        }
    }
    if !missing.is_empty() {
        let what = format!("{}: API Gateway may not call {name}", fails(&missing));
        let grant = repair.stagegate(&format!("permission grant {}", super::repair::quoted(&stage.to_string())));
        found.push(Finding::new(Code::PermissionMissing, stage, what).details(listed(&missing)).fix(grant));
    }
    found
}

/// Routes that run unpublished code, which no release changes.
fn latest(observed: &ObservedStage, routes: &[Route], scope: Scope<'_>) -> Option<Finding> {
    let calls =
        |route: &&Route| route.call.lambda().is_some_and(|call| call.is_latest() && scope.concerns(&call.function));
    let callers: Vec<&Caller> = routes.iter().filter(calls).map(|route| &route.caller).collect();
    if callers.is_empty() {
        return None;
    }
    let what = format!(
        "{} of {} {} $LATEST, not an alias",
        count(callers.len(), "route"),
        routes.len(),
        if callers.len() == 1 { "calls" } else { "call" }
    );
    let details = some(callers.iter().map(ToString::to_string).collect(), ROUTES);
    Some(
        Finding::new(Code::UnqualifiedIntegration, &observed.stage_ref, what)
            .level(Level::Warning)
            .details(details)
            .fix("point the integration at FUNCTION:${stageVariables.lambdaAlias}, then redeploy"),
    )
}

/// Functions of a target whose alias no route calls: releasing them changes nothing that clients of the stage see.
pub fn unreached(observed: &ObservedStage, routes: &[Route], target: &Target) -> Vec<Finding> {
    let alias = &target.alias;
    let missing = target.functions.iter().filter(|function| {
        reaching(routes, function.as_str(), alias.as_str()).is_empty()
            && unqualified(routes, function.as_str()).is_empty()
    });
    let what = |function: &FunctionName| format!("no route calls {function}:{alias}");
    missing
        .map(|function| {
            Finding::new(Code::UnqualifiedIntegration, &observed.stage_ref, what(function)).level(Level::Warning)
        })
        .collect()
}
