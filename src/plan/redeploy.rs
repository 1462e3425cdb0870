//! Which deployment the stage gets, and why.

use serde::{Deserialize, Serialize};

use super::observe::{ObservedSource, ObservedStage};
use crate::aws::noun::Deployment;
use crate::definition::{Fingerprint, Marker};
use crate::model::target::{RedeployWhen, Target};
use crate::model::{RedeployFrom, StageRef};
use crate::problem::{Code, Problem};

/// The deployment that the stage gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redeploy {
    /// A new one, of the live definition with this fingerprint.
    Live(Fingerprint),
    /// One that exists.
    Existing {
        /// Its id.
        deployment: String,
        /// Where it was proved; none when the release was taken up from its records, which do not say.
        proof: Option<Proof>,
    },
}

/// The stage that proved a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The target that the stage belongs to.
    pub target: String,
    /// The stage.
    pub stage: StageRef,
    /// Who made the deployment and when, as far as it is known.
    pub made: String,
}

impl Redeploy {
    /// The deployment's id, where it is known before the release begins.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Live(_) => None,
            Self::Existing { deployment, .. } => Some(deployment),
        }
    }
}

/// Which deployment the stage gets; none when it keeps its own.
pub(super) fn decide(
    target: &Target,
    observed: &ObservedStage,
    differs: bool,
    triggers: &[String],
) -> Result<Option<Redeploy>, Problem> {
    if let (Some(from), Some(source)) = (&target.redeploy_from, &observed.source) {
        return taken_over(target, observed, from, source);
    }
    let wanted = match target.redeploy {
        _ if observed.stage.kind.is_auto_deployed() => false,
        RedeployWhen::Always => true,
        RedeployWhen::IfChanged => differs || !triggers.is_empty(),
        RedeployWhen::Never => false,
    };
    Ok(wanted.then(|| Redeploy::Live(observed.live.fingerprint())))
}

/// Why the files ask for a new deployment, one line each. What no deployment has noted counts as changed: it would
/// otherwise never be noted.
pub(super) fn triggers(target: &Target, observed: &ObservedStage) -> Vec<String> {
    let files = &target.redeploy_files;
    if files.is_empty() || observed.stage.kind.is_auto_deployed() || target.redeploy == RedeployWhen::Never {
        return Vec::new();
    }
    match observed.deployment.description.parse::<Marker>() {
        Ok(marker) if !marker.files.is_empty() => {
            let changed = files.iter().filter(|file| !marker.files.contains(&file.digest));
            changed.map(|file| format!("{} changed since {}, or was not named then", file.name, marker.run)).collect()
        }
        _ => {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            vec![format!(
                "what {} was is not noted in deployment {}: it counts as changed",
                names.join(", "),
                observed.stage.deployment
            )]
        }
    }
}

fn taken_over(
    target: &Target,
    observed: &ObservedStage,
    from: &RedeployFrom,
    source: &ObservedSource,
) -> Result<Option<Redeploy>, Problem> {
    let (label, other, there) = (target.label(), &from.target, &from.stage);
    let unproven = |what: String| Problem::new(Code::DeploymentUnproven, what);
    let alone = format!("or deploy the live definition: remove `redeploy.from` of target {label}");
    if observed.stage.kind.is_auto_deployed() {
        return Err(unproven(format!("{} deploys by itself, so it cannot be given a deployment", observed.stage_ref))
            .why("API Gateway refuses to set the deployment of a stage with autoDeploy")
            .fix(format!("remove `redeploy.from` of target {label}, or turn autoDeploy off")));
    }
    if source.stage.kind.is_auto_deployed() {
        return Err(unproven(format!("{there} of target {other} deploys by itself: nothing in it was proved"))
            .why("with autoDeploy every edit of the API is another deployment, at once")
            .fix(format!("turn autoDeploy off in {there}, release {other}, then plan again"))
            .fix(alone));
    }
    if source.stage.deployment.is_empty() {
        return Err(unproven(format!("{there} of target {other} was never deployed"))
            .why("there is no deployment that it could have proved")
            .fix(format!("release it first: stagegate promote {other}"))
            .fix(alone));
    }
    if let Some(canary) = &source.stage.canary {
        return Err(unproven(format!(
            "{there} of target {other} has a canary: which deployment is proved is not decided"
        ))
        .why(format!("{} % of its requests go to another deployment or other variables", canary.percent))
        .fix(format!("finish its release: stagegate resume {other}"))
        .fix(format!("or, where no release runs it: stagegate canary promote {there}"))
        .fix(alone));
    }
    if let Some(releasing) = &source.releasing {
        return Err(unproven(format!("target {other} is being released: what it serves is not proved yet"))
            .why(releasing.clone())
            .fix(format!("wait for it, or finish it: stagegate status {other}"))
            .fix(alone));
    }
    let deployment = source.stage.deployment.clone();
    if deployment == observed.stage.deployment {
        return Ok(None);
    }
    let proof = Proof { target: other.clone(), stage: there.clone(), made: made(&source.deployment) };
    Ok(Some(Redeploy::Existing { deployment, proof: Some(proof) }))
}

/// Who made a deployment, and when.
fn made(deployment: &Deployment) -> String {
    let on = deployment.created.map_or_else(String::new, |at| at.strftime(" on %Y-%m-%d").to_string());
    match deployment.description.parse::<Marker>() {
        Ok(marker) => format!("made by {}{on}", marker.run),
        Err(_) if deployment.description.is_empty() => format!("made{on}, without a description"),
        Err(_) => format!("made{on}: {}", deployment.description),
    }
}
