//! One look at a canary, for people and for programs. Pure.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Alarms, Shown};
use crate::gate::{Decision, Judgement, Table, Verdict};
use crate::model::shift::floor;
use crate::model::{RunId, Shift};
use crate::plan::CanaryPlan;

/// How many of the newest minutes are shown one by one.
const MINUTES_SHOWN: u32 = 30;

/// What one version did since the canary began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct VersionLook {
    /// Invocations.
    pub invocations: u64,
    /// Those that failed.
    pub errors: u64,
    /// p99 of the newest minute, ms.
    pub p99_ms: Option<f64>,
    /// Errors by minute, the oldest first; minutes without any data are 0.
    pub errors_per_minute: Vec<u64>,
}

/// What one function did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FunctionLook {
    /// The function.
    pub function: String,
    /// The version that served before.
    pub stable: VersionLook,
    /// The candidate.
    pub canary: VersionLook,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateLook {
    /// The release.
    pub release: RunId,
    /// The step, from 1.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
    /// The candidate's share, 0–100 %.
    pub percent: f64,
    /// How long the step has lasted, seconds.
    pub elapsed_s: u64,
    /// How long it lasts at least, seconds; `early` proof may end it before.
    pub bake_s: u64,
    /// Metrics up to here were looked at.
    pub up_to: Timestamp,
    /// What the gate says.
    pub verdict: Verdict,
    /// What it would do now, in the words of the interchange format.
    pub decision: Decision,
    /// Why, in one word.
    pub reason: String,
    /// Why, in one sentence with its numbers.
    pub sentence: String,
    /// Evidence that the candidate is worse: natural log of an e-value.
    pub evidence_worse: f64,
    /// Evidence that it is no worse than the margin: natural log of an e-value.
    pub evidence_no_worse: f64,
    /// Function by function.
    pub functions: Vec<FunctionLook>,
    /// Alarms that went to ALARM during the canary.
    pub alarms_raised: Vec<String>,
    /// Alarms that were in ALARM before it.
    pub alarms_red_before: Vec<String>,
}

impl GateLook {
    /// Puts one together.
    pub fn of(
        run: &RunId,
        canary: &CanaryPlan,
        shift: &Shift,
        now: Timestamp,
        judgement: &Judgement,
        shown: &Shown,
        alarms: &Alarms,
    ) -> Self {
        let step = canary.steps.get(shift.step());
        let minute = shift.minute(now);
        let functions = shown.tables.iter().zip(&shown.p99).map(|(table, p99)| function(table, *p99, minute)).collect();
        Self {
            release: run.clone(),
            step: shift.step() + 1,
            steps: canary.steps.len(),
            percent: canary.percent(Some(shift)).percent(),
            elapsed_s: u64::try_from(now.duration_since(shift.step_began()).as_secs()).unwrap_or_default(),
            bake_s: step.map_or(0, |step| step.bake.as_secs()),
            up_to: floor(now, 60),
            verdict: judgement.verdict(),
            decision: judgement.decision,
            reason: judgement.reason.to_string(),
            sentence: judgement.sentence.clone(),
            evidence_worse: judgement.log_m,
            evidence_no_worse: judgement.log_n,
            functions,
            alarms_raised: alarms.raised.clone(),
            alarms_red_before: alarms.red_before.clone(),
        }
    }
}

fn function(table: &Table, p99: (Option<f64>, Option<f64>), now: u32) -> FunctionLook {
    let mut look =
        FunctionLook { function: table.name.clone(), stable: VersionLook::default(), canary: VersionLook::default() };
    for (minute, counts) in &table.minutes {
        let is_shown = *minute < now && *minute + MINUTES_SHOWN >= now;
        for (version, counts) in [(&mut look.stable, &counts.baseline), (&mut look.canary, &counts.canary)] {
            version.invocations += counts.invocations;
            version.errors += counts.errors;
            if is_shown {
                let at = (*minute + MINUTES_SHOWN).saturating_sub(now.max(MINUTES_SHOWN)) as usize;
                version.errors_per_minute.resize(version.errors_per_minute.len().max(at + 1), 0);
                version.errors_per_minute[at] = counts.errors;
            }
        }
    }
    (look.canary.p99_ms, look.stable.p99_ms) = p99;
    look
}
