//! The plan for the stage: whether it must be redeployed or re-pointed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Notice;
use super::edit::{self, Edit};
use super::observe::{ObservedSource, ObservedStage};
use super::redeploy::{self, Proof, Redeploy};
use crate::aws::noun::{Stage, StageKind};
use crate::change::StageSide;
use crate::definition::marker::MARKER_CHARS_MAX;
use crate::definition::{self, Drift, Fingerprint, LiveApi, Marker, Route, Side};
use crate::model::target::{RedeployWhen, Target};
use crate::model::variable::VARIABLES_MAX;
use crate::model::{FunctionName, RunId, StageRef, VariableChange};
use crate::problem::{Code, Problem};

impl ObservedStage {
    /// What the release would publish, and what the comparison could not see: against the live definition, or against the
    /// deployment of the other stage.
    pub fn drift(&self) -> Drift {
        if self.stage.kind.is_auto_deployed() {
            return Drift::default();
        }
        let exports = self.exports.as_ref();
        let deployed =
            Side::deployed(&self.stage.kind, &self.deployment.description, exports.map(|exports| &exports.deployed));
        match &self.source {
            Some(source) if source.stage.deployment == self.stage.deployment => Drift::default(),
            Some(source) => definition::drift(&deployed, &source.side()),
            None => {
                let live = exports.and_then(|exports| exports.live.as_ref());
                definition::drift(&deployed, &Side::live(&self.live, live))
            }
        }
    }

    /// What the live definition has beyond the deployment of the other stage.
    pub fn pending(&self) -> Drift {
        match &self.source {
            Some(source) if !source.stage.kind.is_auto_deployed() => {
                definition::drift(&source.side(), &Side::live(&self.live, source.live.as_ref()))
            }
            _ => Drift::default(),
        }
    }

    /// The live routes, and those of the other stage's deployment where they are not the live ones.
    pub fn routes(&self, variables: &BTreeMap<String, String>) -> Vec<Route> {
        let mut routes = self.live.routes(variables);
        let export = self.source.as_ref().and_then(|source| source.export.as_ref());
        let served = export.map(|export| definition::served::routes(export, &self.live, variables));
        for route in served.into_iter().flatten() {
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
        routes
    }
}

impl ObservedSource {
    fn side(&self) -> Side {
        Side::deployed(&self.stage.kind, &self.deployment.description, self.export.as_ref())
    }
}

impl ObservedStage {
    /// What the deployment that it serves calls with these variables; `None` when that cannot be known: API Gateway gives
    /// no export of it, or it was never deployed.
    pub fn served(&self, variables: &BTreeMap<String, String>) -> Option<Vec<Route>> {
        let Self { stage, live, .. } = self;
        let proven = |marker: definition::Marker| marker.fingerprint == live.fingerprint();
        match &self.exports {
            Some(both) => Some(definition::served::routes(&both.deployed, live, variables)),
            None if stage.deployment.is_empty() => None,
            None if stage.kind.is_auto_deployed() || self.deployment.description.parse().is_ok_and(proven) => {
                Some(live.routes(variables))
            }
            None => None,
        }
    }
}

/// What the release does with the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagePlan {
    /// The stage.
    pub stage: StageRef,
    /// As it is.
    pub before: Stage,
    /// The deployment it gets; absent when what is deployed stays.
    pub redeploy: Option<Redeploy>,
    /// Which files ask for a new deployment, and why.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// Functions of the target whose alias a route of the stage calls, or a Lambda authorizer of it.
    #[serde(default)]
    pub reaches: Vec<FunctionName>,
    /// What is published: what the live definition, or the deployment of the other stage, has and the stage does not
    /// serve.
    pub differences: Vec<Edit>,
    /// What stays unpublished because the other stage does not serve it either.
    #[serde(default)]
    pub pending: Vec<Edit>,
    /// Kinds of edits that could not be looked for.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// The alias variable, if it must be set.
    pub variable: Option<VariableChange>,
    /// The other variables that must be set: the record has no room for them.
    #[serde(default)]
    pub variables: Vec<VariableChange>,
    /// Digests of the files, to be noted in a new deployment.
    #[serde(default)]
    pub files: Vec<String>,
    /// The fingerprint of the live definition as read: if it changes, the plan is stale.
    pub live: Fingerprint,
}

impl StagePlan {
    /// Whether the stage is written to.
    pub const fn changes(&self) -> bool {
        self.redeploy.is_some() || self.variable.is_some() || !self.variables.is_empty()
    }

    /// Whether the release makes a deployment: to be served, or only to keep in its description what the variables were
    /// (SPEC §3).
    pub const fn makes_deployment(&self) -> bool {
        matches!(self.redeploy, Some(Redeploy::Live(_))) || !self.variables.is_empty()
    }

    /// The deployment that the stage gets, with the one that the release made; none when it keeps its own.
    pub fn deployment(&self, made: Option<String>) -> Option<String> {
        match self.redeploy.as_ref()? {
            Redeploy::Live(_) => made,
            Redeploy::Existing { deployment, .. } => Some(deployment.clone()),
        }
    }

    /// All variables that are set.
    pub fn all_variables(&self) -> impl Iterator<Item = &VariableChange> {
        self.variable.iter().chain(&self.variables)
    }

    /// What the release touches, as it is.
    pub fn before_side(&self) -> StageSide {
        StageSide {
            deployment: self.redeploy.as_ref().map(|_| self.before.deployment.clone()),
            variables: self.all_variables().map(|v| (v.name.clone(), v.before.clone())).collect(),
            canary: None,
        }
    }

    /// What the release touches, as it shall be.
    pub fn want_side(&self, deployment: Option<String>) -> StageSide {
        let variables = self.all_variables().map(|v| (v.name.clone(), Some(v.want.clone()))).collect();
        StageSide { deployment, variables, canary: None }
    }

    pub(super) fn lines(&self, target: &Target) -> Vec<String> {
        let names: Vec<&str> = target.functions.iter().take(3).map(FunctionName::as_str).collect();
        let names = format!("{}{}", names.join(", "), if target.functions.len() > 3 { ", …" } else { "" });
        let mut lines = Vec::new();
        if self.before.kind.is_auto_deployed() {
            lines.push(format!(
                "{} deploys every edit of its API by itself (autoDeploy): nothing to redeploy",
                self.stage
            ));
        } else {
            lines.push(self.redeploy_line());
        }
        lines.extend(self.triggers.iter().map(|trigger| format!("  {trigger}")));
        lines.extend(edit::lines(&self.differences, &names));
        if !self.pending.is_empty() {
            lines.push(format!("  not in it: {}", behind(self.pending.len())));
            lines.extend(edit::lines(&self.pending, &names).into_iter().map(|line| format!("  {line}")));
        }
        for VariableChange { name, before, want } in self.all_variables() {
            lines.push(format!("  ~ variable {name} {} → {want}", before.as_deref().unwrap_or("(unset)")));
        }
        if self.makes_deployment() && !matches!(self.redeploy, Some(Redeploy::Live(_))) {
            lines.push("  + a deployment that nothing points at: its description keeps what the variables were".into());
        }
        lines
    }

    fn redeploy_line(&self) -> String {
        let (stage, behind) = (&self.stage, behind(self.differences.len()));
        match (&self.redeploy, self.differences.len()) {
            (Some(Redeploy::Existing { deployment, proof }), _) => {
                let proof =
                    proof.as_ref().map(|Proof { target, made, .. }| format!(", which target.{target} serves ({made})"));
                format!("{stage} gets deployment {deployment}{}", proof.unwrap_or_default())
            }
            (None, 0) if !self.unseen.is_empty() => {
                format!("{stage} serves the live definition, as far as its export shows")
            }
            (None, 0) if !self.pending.is_empty() => {
                format!("{stage} serves the proved deployment {} already", self.before.deployment)
            }
            (None, 0) => format!("{stage} serves the live definition"),
            (None, _) => format!("{stage} is {behind} and stays so"),
            (Some(Redeploy::Live(_)), 0) if self.triggers.is_empty() => {
                format!("{stage} gets a new deployment (redeploy.when = \"always\")")
            }
            (Some(Redeploy::Live(_)), 0) => format!("{stage} gets a new deployment (redeploy.files)"),
            (Some(Redeploy::Live(_)), _) => format!("{stage} is {behind}"),
        }
    }
}

fn behind(changes: usize) -> String {
    format!("{} behind the live definition", count(changes, "change"))
}

pub(super) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The stage's variables as they will be.
pub(super) fn variables(target: &Target, stage: &Stage) -> BTreeMap<String, String> {
    let mut variables = stage.variables.clone();
    variables.extend(target.variables.clone());
    if let Some(name) = &target.alias_variable {
        variables.insert(name.clone(), target.alias.to_string());
    }
    variables
}

/// Makes the plan for the stage, or says why there is none.
pub(super) fn plan(
    target: &Target,
    observed: &ObservedStage,
    run: &RunId,
    notices: &mut Vec<Notice>,
) -> Result<StagePlan, Problem> {
    let ObservedStage { stage_ref, stage, .. } = observed;
    refuse_canary(stage_ref, stage)?;
    refuse_undeployed(observed)?;
    notice_failed_deployment(observed, notices);
    let drift = observed.drift();
    if let Some(blind) = drift.blind_spots() {
        notices.push(Notice { code: Code::UnseenEdits, text: format!("{stage_ref} is {blind}") });
    }
    let triggers = redeploy::triggers(target, observed);
    let redeploy = redeploy::decide(target, observed, !drift.is_empty(), &triggers)?;
    let unseen = drift.unseen.iter().map(ToString::to_string).collect();
    let plan = StagePlan {
        stage: stage_ref.clone(),
        before: stage.clone(),
        redeploy,
        triggers,
        reaches: Vec::new(),
        differences: edit::edits(target, observed, drift),
        pending: edit::edits(target, observed, observed.pending()),
        unseen,
        variable: target.alias_variable.as_ref().and_then(|name| set(stage, name, target.alias.as_str())),
        variables: target.variables.iter().filter_map(|(name, value)| set(stage, name, value)).collect(),
        files: target.redeploy_files.iter().map(|file| file.digest.clone()).collect(),
        live: observed.live.fingerprint(),
    };
    plan.notice_edits(target, notices);
    plan.check_variables(target, &observed.live, run)?;
    Ok(plan)
}

/// A variable that does not have its value yet.
fn set(stage: &Stage, name: &str, want: &str) -> Option<VariableChange> {
    let before = stage.variables.get(name).cloned();
    (before.as_deref() != Some(want)).then(|| VariableChange { name: name.into(), before, want: want.into() })
}

impl StagePlan {
    fn notice_edits(&self, target: &Target, notices: &mut Vec<Notice>) {
        let mut notice = |text: String| notices.push(Notice { code: Code::ForeignEdits, text });
        let stage = &self.stage;
        if self.redeploy.is_none() {
            if !self.differences.is_empty() && target.redeploy == RedeployWhen::Never {
                notice(format!("{stage} is behind the live definition and redeploy.when is \"never\""));
            }
            return;
        }
        let foreign = edit::foreign(&self.differences);
        let Some(first) = foreign.first() else { return };
        let more = if foreign.len() > 1 { " and more" } else { "" };
        notice(format!(
            "redeploying {stage} publishes {}, {} of them not on a route of this target's functions: {}{more}",
            count(self.differences.len(), "pending edit"),
            if foreign.len() == self.differences.len() { "all".into() } else { foreign.len().to_string() },
            first.headline()
        ));
    }

    /// What the variables were must be kept where any machine finds it, whole.
    fn check_variables(&self, target: &Target, live: &LiveApi, run: &RunId) -> Result<(), Problem> {
        let (stage, label) = (&self.stage, target.label());
        let refused = |what: String| Problem::new(Code::VariablesTooLong, what);
        let all = variables(target, &self.before).len();
        if all > VARIABLES_MAX && self.all_variables().next().is_some() {
            return Err(refused(format!("{stage} would have {all} stage variables"))
                .why(format!("API Gateway takes at most {VARIABLES_MAX}"))
                .fix("remove variables that nothing uses from the stage, or from `variables`"));
        }
        // What parts the words of a description would cut it.
        let cuts = |value: &String| value.contains([' ', ';', '>']);
        let lost = self.variables.iter().find(|change| change.before.as_ref().is_some_and(cuts));
        if let Some(VariableChange { name, .. }) = lost {
            return Err(refused(format!("the present value of {name} in {stage} cannot be kept for the way back"))
                .why("it holds characters that API Gateway documents as not allowed")
                .fix(format!("correct the value by hand, or remove {name} from [target.{label}.variables]")));
        }
        if !self.makes_deployment() {
            return Ok(());
        }
        let length = self.marker(run, live).to_string().len();
        if length > MARKER_CHARS_MAX {
            return Err(refused(format!("the variables of target {label} are {} characters too long", length - MARKER_CHARS_MAX))
                .why(format!("what they were and what they become is kept in a deployment's description, {MARKER_CHARS_MAX} characters"))
                .fix("shorten values, or set some of them with a release of their own"));
        }
        Ok(())
    }

    /// The description of the deployment that the release makes.
    pub fn marker(&self, run: &RunId, live: &LiveApi) -> Marker {
        let (files, variables) = (self.files.iter().cloned().collect(), Some(self.variables.clone()));
        Marker { files, variables, ..Marker::of(run, live) }
    }
}

/// A stage that serves nothing yet could not be put back: API Gateway has no way to take a deployment off a stage.
fn refuse_undeployed(observed: &ObservedStage) -> Result<(), Problem> {
    let ObservedStage { stage_ref, stage, .. } = observed;
    if stage.kind.is_rest() || stage.kind.is_auto_deployed() || !stage.deployment.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::Unsupported, format!("stage {stage_ref} was never deployed"))
        .why("a release must be able to go back to what served before, and API Gateway cannot take a deployment off a stage")
        .fix(format!("deploy it once: stagegate redeploy '{stage_ref}'")))
}

/// An automatic deployment that failed leaves the stage on an older definition, which no release changes.
pub(super) fn notice_failed_deployment(observed: &ObservedStage, notices: &mut Vec<Notice>) {
    let StageKind::Http { auto_deploy: true, last_deployment: Some(said) } = &observed.stage.kind else { return };
    if said.to_ascii_lowercase().contains("fail") {
        let text =
            format!("{} serves an older definition: its last automatic deployment failed: {said}", observed.stage_ref);
        notices.push(Notice { code: Code::DeploymentRefused, text });
    }
}

/// A canary that is attached, also at 0 %, splits traffic or refuses a new deployment (aws-semantics §6.3).
pub(super) fn refuse_canary(stage_ref: &StageRef, stage: &Stage) -> Result<(), Problem> {
    let Some(canary) = &stage.canary else { return Ok(()) };
    let on_trial = canary.deployment.as_deref().unwrap_or(&stage.deployment);
    Err(Problem::new(Code::StaleStageCanary, format!("stage {stage_ref} has a canary, and not of this release"))
        .why(format!("{} % of requests go to deployment {on_trial}", canary.percent))
        .why("API Gateway keeps a canary attached, even after it was promoted, until it is removed")
        .fix(format!("keep {}: stagegate canary clear {stage_ref}", stage.deployment))
        .fix(format!("keep {on_trial}: stagegate canary promote {stage_ref}")))
}
