//! Redeploying a stage by hand: what a new deployment would publish, and whether there is anything to do.

use super::observe::ObservedStage;
use super::stage::{self, StagePlan, count};
use super::{Notice, Redeploy, redeploy};
use crate::aws::noun::{Deployment, DeploymentStatus};
use crate::definition::diff::by_place;
use crate::model::Target;
use crate::problem::{Code, Problem};

/// What a redeploy by hand does.
#[derive(Debug, Clone, PartialEq)]
pub struct ByHand {
    /// The plan; none when there is nothing to do.
    pub plan: Option<StagePlan>,
    /// What it would publish, place by place.
    pub lines: Vec<String>,
    /// What people should know.
    pub notices: Vec<Notice>,
}

impl ByHand {
    /// Compares what the stage serves with the live definition.
    ///
    /// # Errors
    /// The stage has a canary.
    pub fn of(observed: &ObservedStage, target: Option<&Target>, force: bool) -> Result<Self, Problem> {
        let ObservedStage { stage_ref, stage, .. } = observed;
        stage::refuse_canary(stage_ref, stage)?;
        let mut notices = Vec::new();
        stage::notice_failed_deployment(observed, &mut notices);
        if stage.kind.is_auto_deployed() {
            let line = format!("{stage_ref} deploys every edit of its API by itself (autoDeploy): nothing to redeploy");
            return Ok(Self { plan: None, lines: vec![line], notices });
        }
        let drift = observed.drift();
        let undeployed = stage.deployment.is_empty();
        let lines = match () {
            () if undeployed => vec![format!("{stage_ref} was never deployed: it gets the live definition")],
            () if drift.is_empty() && drift.unseen.is_empty() => {
                vec![format!("{stage_ref} serves the live definition")]
            }
            () if drift.is_empty() => {
                vec![format!("{stage_ref} serves the live definition, as far as its export shows")]
            }
            () => {
                let headline =
                    format!("{stage_ref} lacks {} of the live definition", count(drift.differences.len(), "change"));
                let rest = by_place(&drift.differences).into_iter().map(|line| format!("  {line}"));
                std::iter::once(headline).chain(rest).collect()
            }
        };
        if let (Some(blind), false) = (drift.blind_spots(), undeployed) {
            notices.push(Notice { code: Code::UnseenEdits, text: format!("{stage_ref} is {blind}") });
        }
        let triggers = target.map(|target| redeploy::triggers(target, observed)).unwrap_or_default();
        let wanted = force || undeployed || !drift.is_empty() || !triggers.is_empty();
        let lines: Vec<String> = lines.into_iter().chain(triggers.iter().map(|line| format!("  {line}"))).collect();
        if wanted {
            let text = format!("redeploying {stage_ref} publishes every pending edit of the API, whoever made it");
            notices.push(Notice { code: Code::ForeignEdits, text });
        }
        let files = target.map(|target| target.redeploy_files.as_slice()).unwrap_or_default();
        let files = files.iter().map(|file| file.digest.clone()).collect();
        Ok(Self { plan: wanted.then(|| StagePlan { triggers, files, ..plan(observed) }), lines, notices })
    }
}

impl ByHand {
    /// Points the stage at a deployment that exists: the way back of a redeploy. What that one holds cannot be compared:
    /// API Gateway exports only what a stage serves.
    ///
    /// # Errors
    /// The stage has a canary or deploys by itself; there is no such deployment, or it cannot be served.
    pub fn to(observed: &ObservedStage, id: &str, found: Option<&Deployment>) -> Result<Self, Problem> {
        let ObservedStage { stage_ref, stage, .. } = observed;
        stage::refuse_canary(stage_ref, stage)?;
        if stage.kind.is_auto_deployed() {
            return Err(Problem::new(Code::Unsupported, format!("the deployment of {stage_ref} cannot be chosen"))
                .why("it deploys every edit of its API by itself (autoDeploy)")
                .fix("edit the API: the stage follows at once"));
        }
        if stage.deployment == id {
            let lines = vec![format!("{stage_ref} serves deployment {id} already")];
            return Ok(Self { plan: None, lines, notices: Vec::new() });
        }
        let Some(found) = found else {
            let (api, tool) = (&stage_ref.api, if stage.kind.is_rest() { "apigateway" } else { "apigatewayv2" });
            let flag = if stage.kind.is_rest() { "--rest-api-id" } else { "--api-id" };
            return Err(Problem::new(Code::BadOption, format!("API {api} has no deployment {id}"))
                .fix(format!("list them: aws {tool} get-deployments {flag} {api}")));
        };
        if let Some(status @ (DeploymentStatus::Pending | DeploymentStatus::Failed(_))) = &found.status {
            return Err(Problem::new(Code::DeploymentRefused, format!("deployment {id} cannot be served"))
                .why(format!("its status is {status:?}")));
        }
        let made = found.created.map_or_else(String::new, |at| at.strftime(" of %Y-%m-%d %H:%MZ").to_string());
        let described = if found.description.is_empty() { "without a description" } else { &found.description };
        let lines = vec![
            format!("{stage_ref} serves deployment {} and gets {id}{made}", or_none(&stage.deployment)),
            format!("  {described}"),
        ];
        let text = "what differs between the two is not shown: API Gateway exports only what a stage serves".into();
        Ok(Self { plan: Some(plan(observed)), lines, notices: vec![Notice { code: Code::UnseenEdits, text }] })
    }
}

fn or_none(deployment: &str) -> &str {
    if deployment.is_empty() { "none" } else { deployment }
}

fn plan(observed: &ObservedStage) -> StagePlan {
    let (drift, fingerprint) = (observed.drift(), observed.live.fingerprint());
    StagePlan {
        stage: observed.stage_ref.clone(),
        before: observed.stage.clone(),
        redeploy: Some(Redeploy::Live(fingerprint.clone())),
        triggers: Vec::new(),
        reaches: Vec::new(),
        differences: Vec::new(),
        pending: Vec::new(),
        unseen: drift.unseen.iter().map(ToString::to_string).collect(),
        variable: None,
        variables: Vec::new(),
        files: Vec::new(),
        live: fingerprint,
    }
}
