//! A reversible change: one resource, how it was, how it shall be. Forward and back are the same function with the two
//! sides exchanged, and *before*, *want* and *now* decide what has happened, never the reply to a write.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::Call;
use crate::aws::noun::{Alias, Patch, Policy, Routing, Stage, Statement};
use crate::aws::operation::{AddPermission, CreateAlias, DeleteAlias, RemovePermission, UpdateAlias, UpdateStage};
use crate::model::{AliasName, FunctionName, StageRef};

/// Weights closer than this are equal: AWS stores doubles (aws-semantics §3.4).
const WEIGHT_TOLERANCE: f64 = 1e-6;

/// What a release touches of a stage: only these fields are compared, written and written back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSide {
    /// The deployment, if the release moves it.
    pub deployment: Option<String>,
    /// The alias variable and its value (`None` = unset), if the release sets it.
    pub variable: Option<(String, Option<String>)>,
}

/// One reversible change with both of its sides, complete enough to be undone by somebody who knows nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// An alias's routing and description.
    Alias {
        /// Function.
        function: FunctionName,
        /// Alias.
        alias: AliasName,
        /// How it was; `None` = it did not exist.
        before: Option<Routing>,
        /// How it shall be.
        want: Routing,
    },
    /// One statement in an alias's policy, absent before.
    Grant {
        /// Function.
        function: FunctionName,
        /// Alias.
        alias: AliasName,
        /// The statement.
        statement: Statement,
    },
    /// What a stage serves.
    Stage {
        /// The stage.
        stage: StageRef,
        /// How it was.
        before: StageSide,
        /// How it shall be.
        want: StageSide,
    },
}

/// What was read of the resource a change is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Now {
    /// The alias, if it exists.
    Alias(Option<Alias>),
    /// The alias's policy, if it has one.
    Policy(Option<Policy>),
    /// The stage.
    Stage(Stage),
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As before.
    NotApplied,
    /// As wanted.
    Applied,
    /// Neither: somebody else was here.
    Drifted,
}

impl Change {
    /// What the change is about: `checkout-api:live` or `a1b2c3d4e5/prod`.
    pub fn subject(&self) -> String {
        match self {
            Self::Alias { function, alias, .. } | Self::Grant { function, alias, .. } => format!("{function}:{alias}"),
            Self::Stage { stage, .. } => stage.to_string(),
        }
    }

    /// Compares *before*, *want* and *now*.
    pub fn standing(&self, now: &Now) -> Standing {
        let (applied, not_applied) = match (self, now) {
            (Self::Alias { before, want, .. }, Now::Alias(now)) => (
                now.as_ref().is_some_and(|now| is_routed(now, want)),
                match (before, now) {
                    (None, None) => true,
                    (Some(before), Some(now)) => is_routed(now, before),
                    _ => false,
                },
            ),
            (Self::Grant { statement, .. }, Now::Policy(policy)) => {
                let there = policy.as_ref().is_some_and(|p| has_statement(&p.document, statement));
                (there, !there)
            }
            (Self::Stage { before, want, .. }, Now::Stage(stage)) => (want.holds(stage), before.holds(stage)),
            _ => (false, false),
        };
        match (applied, not_applied) {
            (true, _) => Standing::Applied,
            (false, true) => Standing::NotApplied,
            (false, false) => Standing::Drifted,
        }
    }

    /// The write that gets from *now* to *want*, guarded by what was just read.
    pub fn forward(&self, now: &Now) -> Option<Call> {
        match (self, now) {
            (Self::Alias { function, alias, want, .. }, Now::Alias(now)) => {
                Some(route(function, alias, now.as_ref(), want.clone()))
            }
            (Self::Grant { function, alias, statement }, Now::Policy(policy)) => {
                Some(Call::AddPermission(AddPermission {
                    function: function.clone(),
                    alias: alias.clone(),
                    statement: statement.clone(),
                    revision: policy.as_ref().map(|p| p.revision.clone()),
                }))
            }
            (Self::Stage { stage, want, .. }, Now::Stage(now)) => want.patch(stage, now),
            _ => None,
        }
    }
}

/// Whether a policy document holds our statement: the same id, for the same source.
fn has_statement(document: &str, statement: &Statement) -> bool {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    document["Statement"].as_array().is_some_and(|all| {
        all.iter().any(|s| {
            s["Sid"] == statement.sid.as_str() && s["Condition"].to_string().contains(statement.source_arn.as_str())
        })
    })
}

/// The write that routes an alias, existing or not.
pub fn route(function: &FunctionName, alias: &AliasName, now: Option<&Alias>, routing: Routing) -> Call {
    match now {
        None => Call::CreateAlias(CreateAlias { function: function.clone(), alias: alias.clone(), routing }),
        Some(now) => Call::UpdateAlias(UpdateAlias {
            function: function.clone(),
            alias: alias.clone(),
            routing,
            revision: now.revision.clone(),
        }),
    }
}

/// The write that removes an alias.
pub fn unroute(function: &FunctionName, alias: &AliasName) -> Call {
    Call::DeleteAlias(DeleteAlias { function: function.clone(), alias: alias.clone() })
}

/// The write that takes a statement back.
pub fn revoke(function: &FunctionName, alias: &AliasName, sid: &str, policy: &Policy) -> Call {
    Call::RemovePermission(RemovePermission {
        function: function.clone(),
        alias: alias.clone(),
        sid: sid.to_owned(),
        revision: Some(policy.revision.clone()),
    })
}

/// Whether an alias is routed and described like this. While provisioned concurrency moves, AWS itself keeps a weight
/// of 1 on the version that served before: that is on the way, not drift (aws-semantics §3.6).
pub fn is_routed(alias: &Alias, routing: &Routing) -> bool {
    alias.version == routing.version
        && alias.description == routing.description
        && (weights_equal(&alias.weights, &routing.weights) || is_moving_capacity(alias))
}

/// Whether the weights are those that AWS injects while it moves provisioned concurrency: all calls on one other version.
pub fn is_moving_capacity(alias: &Alias) -> bool {
    alias.weights.len() == 1 && alias.weights.values().all(|w| (w - 1.0).abs() < WEIGHT_TOLERANCE)
}

fn weights_equal(a: &BTreeMap<u64, f64>, b: &BTreeMap<u64, f64>) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((va, wa), (vb, wb))| va == vb && (wa - wb).abs() < WEIGHT_TOLERANCE)
}

impl StageSide {
    /// Whether the stage has these fields so.
    pub fn holds(&self, stage: &Stage) -> bool {
        self.deployment.as_ref().is_none_or(|d| *d == stage.deployment)
            && self.variable.as_ref().is_none_or(|(name, value)| stage.variables.get(name) == value.as_ref())
    }

    /// The patch that makes them so; `None` when they are.
    pub fn patch(&self, stage: &StageRef, now: &Stage) -> Option<Call> {
        let mut patches = Vec::new();
        if let Some(deployment) = self.deployment.as_ref().filter(|d| **d != now.deployment) {
            patches.push(Patch::Replace { path: "/deploymentId".into(), value: deployment.clone() });
        }
        if let Some((name, value)) = &self.variable {
            let path = format!("/variables/{name}");
            match (value, now.variables.get(name)) {
                (Some(value), has) if has != Some(value) => patches.push(Patch::Replace { path, value: value.clone() }),
                (None, Some(_)) => patches.push(Patch::Remove { path }),
                _ => {}
            }
        }
        let (api, stage) = (stage.api.clone(), stage.stage.clone());
        (!patches.is_empty()).then_some(Call::UpdateStage(UpdateStage { api, stage, patches }))
    }

    /// These fields as they go back: each only where the stage still has what `ours` put there.
    /// The second answer names the fields that somebody else has changed since.
    pub fn back_from(&self, ours: &Self, now: &Stage) -> (Self, Vec<&'static str>) {
        let mut others = Vec::new();
        let deployment = match (&self.deployment, &ours.deployment) {
            (Some(before), Some(_)) if *before == now.deployment => None,
            (Some(before), Some(ours)) if *ours == now.deployment => Some(before.clone()),
            (Some(_), _) => {
                others.push("deployment");
                None
            }
            (None, _) => None,
        };
        let variable = match (&self.variable, &ours.variable) {
            (Some((name, before)), Some((_, ours))) => {
                let value = now.variables.get(name);
                if value == before.as_ref() {
                    None
                } else if value == ours.as_ref() {
                    Some((name.clone(), before.clone()))
                } else {
                    others.push("variable");
                    None
                }
            }
            _ => None,
        };
        (Self { deployment, variable }, others)
    }
}
