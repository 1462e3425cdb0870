//! What a stage calls, and the source under which it does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::aws::noun::Statement;
use crate::definition::{Caller, Resolved, Route};
use crate::model::{AliasName, FunctionName, StageRef};
use crate::plan::{ObservedStage, Place};

/// A call of an alias that a stage makes, or will make once it is redeployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageCall {
    /// The stage.
    pub stage: StageRef,
    /// Its route or authorizer.
    pub caller: Caller,
    /// The function.
    pub function: FunctionName,
    /// The alias.
    pub alias: AliasName,
    /// The alias's ARN.
    pub arn: String,
    /// The source that the alias's policy must let in; empty for [`StageCall::by_role`].
    pub source: String,
    /// The statement that would.
    pub statement: Statement,
    /// A role is assumed for the call: the policy of the alias is not asked (aws-semantics §4.3).
    pub by_role: bool,
    /// By which definition.
    pub when: When,
}

/// Which definition makes a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct When {
    /// The deployment that the stage serves.
    pub deployed: bool,
    /// The live definition: what the next deployment will serve.
    pub live: bool,
    /// Only requests to the stage's canary.
    pub canary: bool,
}

/// All calls of aliases, each once: those of what the stage serves and of the live definition, with the stage's variables
/// and with those of its canary. What a canary's own deployment calls is not shown by AWS, and counts as the other two do.
pub fn calls(observed: &ObservedStage, region: &str) -> Vec<StageCall> {
    let mut found: Vec<StageCall> = Vec::new();
    for (variables, canary) in variable_sets(observed) {
        let live = observed.live.routes(&variables);
        let served = observed.served(&variables).unwrap_or_default();
        let both = [
            (served, When { deployed: true, live: false, canary }),
            (live, When { deployed: false, live: true, canary }),
        ];
        for (routes, when) in both {
            for call in routes.iter().filter_map(|route| call(observed, route, region, when)) {
                match found.iter_mut().find(|known| known.is_same(&call)) {
                    Some(known) => {
                        known.when.deployed |= when.deployed;
                        known.when.live |= when.live;
                        known.when.canary &= when.canary;
                    }
                    None => found.push(call),
                }
            }
        }
    }
    found
}

/// Whether nothing that the stage calls was left out of [`calls`]: all of it is known, and readable.
pub fn is_complete(observed: &ObservedStage) -> bool {
    observed.stage.canary.is_none()
        && observed.served(&observed.stage.variables).is_some_and(|served| {
            let live = observed.live.routes(&observed.stage.variables);
            // Once its variable is set, a route may call any alias.
            let unknown =
                |route: &Route| matches!(route.call, Resolved::Malformed { .. } | Resolved::UnsetVariable { .. });
            !served.iter().chain(&live).any(unknown)
        })
}

/// How many routes call nothing because a stage variable is not set, with the variables: they answer 500, and no policy
/// is asked (aws-semantics §5).
pub fn unset(observed: &ObservedStage) -> Option<(usize, Vec<String>)> {
    let (mut callers, mut names) = (BTreeSet::new(), BTreeSet::new());
    let variables = &observed.stage.variables;
    let served = observed.served(variables).unwrap_or_default();
    for route in served.iter().chain(&observed.live.routes(variables)) {
        if let Resolved::UnsetVariable { names: unset, .. } = &route.call {
            callers.insert(route.caller.clone());
            names.extend(unset.iter().cloned());
        }
    }
    (!callers.is_empty()).then(|| (callers.len(), names.into_iter().collect()))
}

fn variable_sets(observed: &ObservedStage) -> Vec<(BTreeMap<String, String>, bool)> {
    let base = observed.stage.variables.clone();
    let mut sets = vec![(base.clone(), false)];
    if let Some(canary) = &observed.stage.canary {
        let mut overlaid = base;
        overlaid.extend(canary.overrides.clone());
        sets.push((overlaid, true));
    }
    sets
}

fn call(observed: &ObservedStage, route: &Route, region: &str, when: When) -> Option<StageCall> {
    let lambda = route.call.lambda()?;
    let (function, alias) = (lambda.function.parse().ok()?, lambda.qualifier.as_deref()?.parse().ok()?);
    let arn = lambda.arn();
    let (source, statement) = Place::of(&arn, region, &observed.stage_ref).need(&route.caller);
    let (stage, caller) = (observed.stage_ref.clone(), route.caller.clone());
    Some(StageCall { stage, caller, function, alias, arn, source, statement, by_role: route.credentials, when })
}

impl StageCall {
    fn is_same(&self, other: &Self) -> bool {
        self.caller == other.caller && self.arn == other.arn && self.by_role == other.by_role
    }

    /// `function:alias`.
    pub fn label(&self) -> String {
        format!("{}:{}", self.function, self.alias)
    }
}
