//! The plan step by step, as people and the event stream see it. Pure.

use serde::{Deserialize, Serialize};

use super::{CanaryPlan, MemberPlan, Plan, Redeploy, SourcePlan};
use crate::gate::points;
use crate::model::{CanaryMode, GatePolicy, OnInconclusive, Reaction};
use crate::step::StepKind;

/// What a step will do to AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes something new.
    Create,
    /// Changes something.
    Update,
    /// Runs the user's code.
    Invoke,
    /// Looks only.
    Read,
    /// Nothing.
    None,
}

/// One line of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// Which step.
    pub step: StepKind,
    /// What it will do.
    pub action: Action,
    /// One line for people, and indented lines below it.
    pub detail: Vec<String>,
}

impl Plan {
    /// The steps as people and the event stream see them.
    pub fn steps(&self) -> Vec<PlannedStep> {
        let lines = |of: &dyn Fn(&MemberPlan) -> String| self.members.iter().map(of).collect::<Vec<_>>();
        let any =
            |is: &dyn Fn(&MemberPlan) -> bool, action| if self.members.iter().any(is) { action } else { Action::None };
        let both = |first: Vec<String>, of: &dyn Fn(&MemberPlan) -> Option<String>| -> Vec<String> {
            first.into_iter().chain(self.members.iter().filter_map(of)).collect()
        };
        let alias = &self.target.alias;
        let smoke = self.target.smoke.len();
        let mut steps = vec![
            PlannedStep {
                step: StepKind::Publish,
                action: any(&|m| matches!(m.source, SourcePlan::Publish { .. }), Action::Create),
                detail: lines(&MemberPlan::publish_line),
            },
            PlannedStep {
                step: StepKind::Smoke,
                action: if smoke == 0 { Action::None } else { Action::Invoke },
                detail: vec![if smoke == 0 {
                    "none configured".into()
                } else {
                    format!("invoke the version by number, {smoke} check{}", if smoke == 1 { "" } else { "s" })
                }],
            },
            PlannedStep {
                step: StepKind::Alias,
                action: any(&|m| !m.is_noop(), if self.is_first_release() { Action::Create } else { Action::Update }),
                detail: match self.canary.as_ref().filter(|_| !self.is_noop()) {
                    None => lines(&|m| m.alias_line(alias)),
                    Some(_) => both(lines(&|m| m.claim_line(alias)), &MemberPlan::candidate_line),
                },
            },
            PlannedStep {
                step: StepKind::Permission,
                action: any(
                    &|m| !m.grants.is_empty() || m.candidate.as_ref().is_some_and(|c| !c.grants.is_empty()),
                    Action::Create,
                ),
                detail: both(lines(&|m| m.permission_line(alias)), &MemberPlan::candidate_permission_line),
            },
        ];
        steps.push(self.redeploy_step());
        steps.extend(self.canary.as_ref().map(|canary| self.canary_step(canary)));
        steps.push(PlannedStep {
            step: StepKind::Promote,
            action: if self.is_noop() { Action::None } else { Action::Update },
            detail: self.promote_lines(),
        });
        steps
    }

    fn redeploy_step(&self) -> PlannedStep {
        let by_stage = self.canary.as_ref().is_some_and(|canary| canary.mode == CanaryMode::Stage);
        let (action, mut detail) = match &self.stage {
            None => (Action::None, vec!["no stage configured".into()]),
            Some(stage) => {
                (if stage.changes() || by_stage { Action::Update } else { Action::None }, stage.lines(&self.target))
            }
        };
        if let (true, Some(stage)) = (by_stage, &self.stage) {
            let what = match &stage.redeploy {
                Some(Redeploy::Live(_)) => "the new deployment",
                Some(Redeploy::Existing { deployment, .. }) => deployment,
                None => "its deployment once more",
            };
            detail.push(format!("{} gets a canary at 0%: {what}, calling {}", stage.stage, self.candidate_alias()));
        }
        PlannedStep { step: StepKind::Redeploy, action, detail }
    }

    fn candidate_alias(&self) -> String {
        let candidate = self.members.iter().find_map(|member| member.candidate.as_ref());
        candidate.map_or_else(|| "the candidate".into(), |candidate| candidate.alias.to_string())
    }

    fn promote_lines(&self) -> Vec<String> {
        let alias = &self.target.alias;
        match self.canary.as_ref().filter(|_| !self.is_noop()).map(|canary| canary.mode) {
            Some(CanaryMode::Alias) => {
                vec![format!("{alias} → the new version (100%), weights cleared; record closed")]
            }
            Some(CanaryMode::Stage) => vec![
                format!("{alias} → the new version; the canary's deployment becomes the stage's"),
                "canary and candidate alias removed; record closed".into(),
            ],
            Some(CanaryMode::None) | None => vec!["read everything back and close the record".into()],
        }
    }

    fn canary_step(&self, canary: &CanaryPlan) -> PlannedStep {
        let schedule: Vec<String> = canary.steps.iter().map(ToString::to_string).collect();
        let by = if canary.mode == CanaryMode::Stage { "canary of the stage" } else { "weights of the alias" };
        let asks: Vec<String> = self
            .target
            .canary
            .approve
            .iter()
            .filter(|p| canary.weights().contains(p))
            .map(ToString::to_string)
            .collect();
        let asks = if asks.is_empty() { String::new() } else { format!(" (asks before {})", asks.join(", ")) };
        let mut detail = vec![format!("{}, by {by}{asks}", schedule.join(", "))];
        detail.extend(gate_lines(&self.target.gate, canary));
        detail.extend(self.sight.iter().map(|sight| format!("  {}", sight.sentence)));
        let action = if self.is_noop() { Action::None } else { Action::Update };
        PlannedStep { step: StepKind::Canary, action, detail }
    }
}

/// What the gate asks, and what it does.
fn gate_lines(gate: &GatePolicy, canary: &CanaryPlan) -> Vec<String> {
    let mut asks = vec![format!("errors not more than {} above the old version", points(gate.max_error_gap.share()))];
    asks.extend(gate.max_error_rate.map(|limit| format!("at most {limit} errors")));
    asks.extend(gate.max_slow_ratio.map(|ratio| format!("slow requests ≤ {} ×", ratio.value())));
    asks.extend(
        gate.max_stage_errors.filter(|_| canary.api_name.is_some()).map(|limit| format!("stage 5XX ≤ {limit}")),
    );
    asks.extend((!gate.alarms.is_empty()).then(|| format!("no ALARM in {}", gate.alarms.join(", "))));
    let mut lines = vec![format!("  gate: {}", asks.join("; "))];
    lines.push(match &canary.override_gate {
        Some(reason) => format!("  gate OVERRIDDEN, it only advises: {reason}"),
        None => format!(
            "  proven worse: {}; nothing proven: {}",
            match gate.on_failure {
                Reaction::Rollback => "back by itself",
                Reaction::Hold => "held",
            },
            match gate.on_inconclusive {
                OnInconclusive::Hold => "held for a person",
                OnInconclusive::Promote => "goes on, flagged",
                OnInconclusive::Rollback => "back by itself",
            }
        ),
    });
    lines
}
