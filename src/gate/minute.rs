//! What is known of a function: minute by minute, canary and baseline side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One minute of one version, as CloudWatch shows it now. More errors or slow requests than invocations count as all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Invocations that have reported.
    pub invocations: u64,
    /// Those that failed.
    pub errors: u64,
    /// For each threshold of the table: those slower than it. A missing entry is no data.
    pub slow: Vec<u64>,
}

/// One minute of one function. Minutes count from the one in which the canary began. A minute exists as soon as either
/// version has data for it (judge §3.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// The canary's share of traffic, 0–1; of a minute in which it changed, the larger one.
    pub weight: f64,
    /// The candidate.
    pub canary: Counts,
    /// The stable version.
    pub baseline: Counts,
}

/// The stable version before the rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// How long it was looked at, in minutes.
    pub minutes: f64,
    /// Invocations in that time.
    pub invocations: u64,
    /// Those that failed.
    pub errors: u64,
}

impl History {
    fn failed(&self) -> f64 {
        self.errors.min(self.invocations) as f64
    }

    /// Invocations a minute; 0 if nothing is known.
    pub(super) fn per_minute(&self) -> f64 {
        let minutes = if self.minutes.is_finite() { self.minutes.max(1.0) } else { 1.0 };
        self.invocations as f64 / minutes
    }

    /// The error rate to expect, 0–1, away from 0 (judge §3.4).
    pub(super) fn error_rate(&self) -> f64 {
        (self.failed() + 0.5) / (self.invocations as f64 + 50.0)
    }

    /// The absolute limit (0–0.9): never stricter than twice what the live version does anyway (judge §3.2).
    pub(super) fn limit(&self, slo: f64) -> f64 {
        let usual = if self.invocations > 0 { 2.0 * self.error_rate() } else { 0.0 };
        slo.max(usual).min(0.9)
    }
}

/// What is known of one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The function.
    pub name: String,
    /// Its stable version before the rollout.
    pub history: History,
    /// Whether errors and invocations come from one series; two can be out of step in the newest minutes (judge §3.6).
    pub paired: bool,
    /// Latency limits fixed before the rollout, in ms (judge §2).
    pub slow_thresholds_ms: Vec<f64>,
    /// The minutes that are known.
    pub minutes: BTreeMap<u32, Minute>,
}

/// A step of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The canary's share of traffic, 0–1.
    pub weight: f64,
    /// How long it is meant to last, in minutes; may be a fraction.
    pub dwell: f64,
}

/// A minute as the formulas take it: clean numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub minute: &'a Minute,
    pub weight: f64,
    pub canary: f64,
    pub canary_errors: f64,
    pub baseline: f64,
    pub baseline_errors: f64,
}

impl<'a> Row<'a> {
    /// Of a minute; `None` if its weight is not a number.
    pub fn of(minute: &'a Minute) -> Option<Self> {
        let (canary, baseline) = (&minute.canary, &minute.baseline);
        (!minute.weight.is_nan()).then(|| Self {
            minute,
            weight: minute.weight.clamp(0.0, 1.0),
            canary: canary.invocations as f64,
            canary_errors: canary.errors.min(canary.invocations) as f64,
            baseline: baseline.invocations as f64,
            baseline_errors: baseline.errors.min(baseline.invocations) as f64,
        })
    }

    /// Slow requests of canary and baseline at a threshold, if both have reported them.
    pub fn slow(&self, threshold: usize) -> Option<(f64, f64)> {
        let of = |counts: &Counts| counts.slow.get(threshold).map(|slow| (*slow).min(counts.invocations) as f64);
        of(&self.minute.canary).zip(of(&self.minute.baseline))
    }
}
