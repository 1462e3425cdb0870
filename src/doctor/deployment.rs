//! Whether a stage serves the live definition, by content (aws-semantics §6.6), and whether it needs deploying at all.

use super::{Finding, Repair, some};
use crate::aws::noun::StageKind;
use crate::definition::diff::by_place;
use crate::model::{RedeployWhen, Target};
use crate::plan::ObservedStage;
use crate::problem::{Code, Level};

/// How many lines of a difference are shown; the document has all.
const LINES: usize = 20;

/// What is not current of a stage that a target may have. A target that takes its deployment from elsewhere, or lets
/// others deploy, is behind on purpose.
pub fn of_target(observed: &ObservedStage, target: Option<&Target>, repair: &Repair) -> Vec<Finding> {
    let mut found = findings(observed, repair);
    let elsewhere = |target: &&Target| target.redeploy_from.is_some() || target.redeploy == RedeployWhen::Never;
    if target.filter(elsewhere).is_some() && !observed.stage.deployment.is_empty() {
        for finding in &mut found {
            finding.level = Level::Note;
            finding.fixes.clear();
        }
    }
    found
}

/// What is not current.
pub fn findings(observed: &ObservedStage, repair: &Repair) -> Vec<Finding> {
    let ObservedStage { stage_ref, stage, deployment, .. } = observed;
    if let StageKind::Http { auto_deploy: true, last_deployment } = &stage.kind {
        return failed(observed, last_deployment.as_deref()).into_iter().collect();
    }
    let redeploy = repair.stagegate(&format!("redeploy {}", super::repair::quoted(&stage_ref.to_string())));
    if stage.deployment.is_empty() {
        let what = "it was never deployed and serves nothing";
        return vec![Finding::new(Code::StageBehind, stage_ref, what).fix(redeploy)];
    }
    let drift = observed.drift();
    let mut found = Vec::new();
    if !drift.differences.is_empty() {
        let lines = by_place(&drift.differences);
        let n = drift.differences.len();
        let what = format!("{} not deployed", if n == 1 { "1 edit is".to_owned() } else { format!("{n} edits are") });
        let made = deployment.created.map(|at| format!("it serves deployment {} of {at:.0}", deployment.id));
        let made = made.unwrap_or_else(|| format!("it serves deployment {}", deployment.id));
        let details = std::iter::once(made).chain(some(lines, LINES));
        found.push(Finding::new(Code::StageBehind, stage_ref, what).details(details).fix(redeploy));
    }
    if let Some(blind) = drift.blind_spots() {
        let forced = repair.stagegate(&format!("redeploy {} --force", super::repair::quoted(&stage_ref.to_string())));
        let what = "others deployed what it serves: an export does not show everything";
        found.push(Finding::new(Code::UnseenEdits, stage_ref, what).details([blind]).fix(forced));
    }
    found
}

/// An automatic deployment that failed leaves the stage on an older definition.
fn failed(observed: &ObservedStage, said: Option<&str>) -> Option<Finding> {
    let said = said.filter(|said| said.to_ascii_lowercase().contains("fail"))?;
    let what = "its last automatic deployment failed: it serves an older definition";
    Some(
        Finding::new(Code::StageBehind, &observed.stage_ref, what)
            .details([said.to_owned()])
            .fix("correct the definition: the next edit deploys itself"),
    )
}

/// Whether somebody has to deploy what is edited, in one sentence.
pub fn manual(kind: &StageKind) -> &'static str {
    match kind {
        StageKind::Rest => "REST API: always. An edit is served once it is deployed.",
        StageKind::Http { auto_deploy: true, .. } => {
            "HTTP API with autoDeploy: no. Every edit deploys itself, and nothing can be redeployed."
        }
        StageKind::Http { auto_deploy: false, .. } => "HTTP API without autoDeploy: yes.",
    }
}
