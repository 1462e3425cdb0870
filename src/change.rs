//! A reversible change: one resource, how it was, how it shall be. Forward and back are the same function with the two
//! sides exchanged, and *before*, *want* and *now* decide what has happened, never the reply to a write.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::Call;
use crate::aws::noun::{Alias, Patch, Policy, Routing, Stage, StageCanary, StageKind, Statement};
use crate::aws::operation::{
    AddPermission, CreateAlias, DeleteAlias, RemovePermission, UpdateAlias, UpdateHttpStage, UpdateStage,
};
use crate::model::{AliasName, FunctionName, StageRef};

/// Weights closer than this are equal: AWS stores doubles (aws-semantics §3.4).
const WEIGHT_TOLERANCE: f64 = 1e-6;
/// The same for the percentages of a stage's canary, 0–100.
const PERCENT_TOLERANCE: f64 = 1e-4;

/// What a release touches of a stage: only these fields are compared, written and written back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageSide {
    /// The deployment, if the release moves it.
    pub deployment: Option<String>,
    /// The variables that the release sets, with their values (`None` = unset).
    pub variables: BTreeMap<String, Option<String>>,
    /// The canary, always compared: one that this release did not attach is somebody else's.
    #[serde(default)]
    pub canary: Option<StageCanary>,
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
    Stage(Box<Stage>),
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
            (Self::Stage { stage, want, .. }, Now::Stage(now)) => want.write(stage, now),
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
            && self.variables.iter().all(|(name, value)| stage.variables.get(name) == value.as_ref())
            && canaries_equal(self.canary.as_ref(), stage.canary.as_ref())
    }

    /// The write that makes them so; `None` when they are.
    pub fn write(&self, stage: &StageRef, now: &Stage) -> Option<Call> {
        match now.kind {
            StageKind::Rest => self.patch(stage, now),
            StageKind::Http { .. } => self.merge(stage, now),
        }
    }

    /// Only the fields that differ: a stage of an HTTP API keeps what an update leaves out. Of the variables all are sent:
    /// should AWS replace them (aws-semantics §15.11), none of the others is lost.
    fn merge(&self, stage: &StageRef, now: &Stage) -> Option<Call> {
        let deployment = self.deployment.clone().filter(|deployment| *deployment != now.deployment);
        let differ = self.variables.iter().filter(|(name, value)| now.variables.get(*name) != value.as_ref());
        let mut variables: BTreeMap<String, Option<String>> = differ.map(|(k, v)| (k.clone(), v.clone())).collect();
        if deployment.is_none() && variables.is_empty() {
            return None;
        }
        if !variables.is_empty() {
            let kept = now.variables.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
            variables = kept.chain(variables).collect();
        }
        let (api, stage) = (stage.api.clone(), stage.stage.clone());
        Some(Call::UpdateHttpStage(UpdateHttpStage { api, stage, deployment, variables }))
    }

    /// The patch for a REST API. A canary is removed by a patch of its own, before anything
    /// else: whether it may stand beside other operations is not known (aws-semantics §6.3).
    fn patch(&self, stage: &StageRef, now: &Stage) -> Option<Call> {
        let mut patches = Vec::new();
        match (&self.canary, &now.canary) {
            (None, Some(_)) => patches.push(Patch::Remove { path: "/canarySettings".into() }),
            (canary, _) => {
                patches
                    .extend(canary.iter().filter(|c| !canaries_equal(Some(c), now.canary.as_ref())).flat_map(attach));
                patches.extend(self.deployment_patch(now));
                patches.extend(self.variable_patches(now));
            }
        }
        let (api, stage) = (stage.api.clone(), stage.stage.clone());
        (!patches.is_empty()).then_some(Call::UpdateStage(UpdateStage { api, stage, patches }))
    }

    /// What the canary serves already is copied from it; anything else is named.
    fn deployment_patch(&self, now: &Stage) -> Option<Patch> {
        let deployment = self.deployment.as_ref().filter(|d| **d != now.deployment)?;
        let path = "/deploymentId".to_owned();
        let is_canarys = now.canary.as_ref().is_some_and(|canary| canary.deployment.as_ref() == Some(deployment));
        Some(if is_canarys {
            Patch::Copy { from: "/canarySettings/deploymentId".into(), path }
        } else {
            Patch::Replace { path, value: deployment.clone() }
        })
    }

    fn variable_patches(&self, now: &Stage) -> impl Iterator<Item = Patch> {
        self.variables.iter().filter_map(|(name, value)| {
            let path = format!("/variables/{name}");
            match (value, now.variables.get(name)) {
                (Some(value), has) if has != Some(value) => Some(Patch::Replace { path, value: value.clone() }),
                (None, Some(_)) => Some(Patch::Remove { path }),
                _ => None,
            }
        })
    }

    /// These fields as they go back: each only where the stage still has what `ours` put there.
    /// The second answer names the fields that somebody else has changed since.
    pub fn back_from(&self, ours: &Self, now: &Stage) -> (Self, Vec<String>) {
        let mut others = Vec::new();
        let deployment = match (&self.deployment, &ours.deployment) {
            (Some(before), Some(_)) if *before == now.deployment => None,
            (Some(before), Some(ours)) if *ours == now.deployment => Some(before.clone()),
            (Some(_), _) => {
                others.push("deployment".to_owned());
                None
            }
            (None, _) => None,
        };
        let mut variables = BTreeMap::new();
        for (name, before) in &self.variables {
            let (Some(ours), value) = (ours.variables.get(name), now.variables.get(name)) else { continue };
            if value == before.as_ref() {
                continue;
            }
            if value == ours.as_ref() {
                variables.insert(name.clone(), before.clone());
            } else {
                others.push(format!("variable {name}"));
            }
        }
        let canary = match (&ours.canary, &now.canary) {
            (Some(ours), Some(now)) if is_same_canary(ours, now) => self.canary.clone(),
            (Some(_), Some(now)) => {
                others.push("canary".to_owned());
                Some(now.clone())
            }
            // One that somebody else attached is left alone, and does not stand in the way of the rest.
            (_, now) => now.clone(),
        };
        (Self { deployment, variables, canary }, others)
    }

    /// What one release has before and after two changes of the same stage, the first before the second.
    pub fn over(first: &Self, second: &Self) -> Self {
        Self {
            deployment: first.deployment.clone().or_else(|| second.deployment.clone()),
            variables: second.variables.clone().into_iter().chain(first.variables.clone()).collect(),
            canary: first.canary.clone().or_else(|| second.canary.clone()),
        }
    }
}

/// All fields of a canary, whichever differ: should this patch land late, it makes a canary that is known for ours.
fn attach(canary: &StageCanary) -> Vec<Patch> {
    let set = |field: &str, value: String| Patch::Replace { path: format!("/canarySettings/{field}"), value };
    let mut patches: Vec<Patch> = canary.deployment.iter().map(|id| set("deploymentId", id.clone())).collect();
    patches.push(set("percentTraffic", canary.percent.to_string()));
    patches.extend(canary.overrides.iter().map(|(k, v)| set(&format!("stageVariableOverrides/{k}"), v.clone())));
    patches.push(set("useStageCache", canary.use_stage_cache.to_string()));
    patches
}

fn canaries_equal(a: Option<&StageCanary>, b: Option<&StageCanary>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => is_same_canary(a, b) && (a.percent - b.percent).abs() < PERCENT_TOLERANCE,
        _ => false,
    }
}

/// Whether two canaries send their requests to the same place, whatever their share. A deployment that is not known is
/// known by what the canary overrides.
fn is_same_canary(ours: &StageCanary, now: &StageCanary) -> bool {
    ours.overrides == now.overrides && ours.deployment.as_ref().is_none_or(|d| now.deployment.as_ref() == Some(d))
}
