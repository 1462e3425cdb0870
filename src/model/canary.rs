//! How a release shifts traffic step by step, and what judges it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::AliasName;

/// A share of traffic or of requests in steps of 0.01 %, the precision in which weights are sent (aws-semantics §3.4).
/// 0–100 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(u32);

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(10_000);

    /// From hundredths of a percent; `None` above 100 %.
    pub const fn from_hundredths(hundredths: u32) -> Option<Self> {
        if hundredths <= Self::ALL.0 { Some(Self(hundredths)) } else { None }
    }

    /// A whole percentage; more than 100 counts as 100.
    pub const fn whole(percent: u32) -> Self {
        if percent > 100 { Self::ALL } else { Self(percent * 100) }
    }

    /// The nearest one to a share of 0–1 as AWS keeps it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–10,000 before")]
    pub fn of_share(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * f64::from(Self::ALL.0)).round() as u32)
    }

    /// As an alias weight, 0–1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ALL.0)
    }

    /// As API Gateway counts, 0–100.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Percent {
    /// `5%`, `0.5%`, `12.25%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.0 / 100, self.0 % 100) {
            (whole, 0) => format!("{whole}%"),
            (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
            (whole, part) => format!("{whole}.{part:02}%"),
        };
        f.pad(&text)
    }
}

/// A ratio in thousandths, such as 1.3 = 1300.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(pub u32);

impl Ratio {
    /// As a number.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// How traffic is shifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryMode {
    /// All at once.
    #[default]
    None,
    /// By a weight on the alias: per invocation and function.
    Alias,
    /// By the canary of the REST API's stage: per request, definition and code together.
    Stage,
}

/// One step of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryStep {
    /// The candidate's share of traffic, above 0 % and below 100 %.
    pub percent: Percent,
    /// How long it stays there at least (`10m`); zero when only requests count.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub bake: Duration,
    /// How many requests the candidate must have answered in this step (`until 300 req`), all functions together.
    pub requests: Option<u64>,
}

/// The canary of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// How traffic is shifted; with [`CanaryMode::None`] the rest is without effect.
    pub mode: CanaryMode,
    /// The steps in order, percentages rising; 100 % is implied.
    pub steps: Vec<CanaryStep>,
    /// How many requests the candidate must have answered in each step, 0 = as many as the gate's proof needs.
    pub min_invocations: u64,
    /// How long a step may be extended beyond its bake when there is no proof; none = three times the bake, at least
    /// 10 minutes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    pub max_extend: Option<Duration>,
    /// Steps before which a person must agree (`resume`).
    pub approve: Vec<Percent>,
}

impl Canary {
    /// Whether traffic is shifted in steps.
    pub fn is_gradual(&self) -> bool {
        self.mode != CanaryMode::None && !self.steps.is_empty()
    }

    /// How long a step may be extended at most.
    pub fn extension(&self, step: &CanaryStep) -> Duration {
        self.max_extend.unwrap_or_else(|| (step.bake * 3).max(Duration::from_secs(600)))
    }
}

/// The name of the alias through which a stage canary calls the candidate; `None` when it would be too long.
pub fn candidate_alias(alias: &AliasName) -> Option<AliasName> {
    format!("{alias}-canary").parse().ok()
}

/// What happens when something is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reaction {
    /// The weight stays, a person decides.
    Hold,
    /// The old version gets all traffic back.
    Rollback,
}

/// What happens when a step is over and nothing is proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnInconclusive {
    /// The weight stays, a person decides. No data is never a pass.
    #[default]
    Hold,
    /// The release goes on, flagged.
    Promote,
    /// The old version gets all traffic back.
    Rollback,
}

/// What the gate asks of the candidate (judge §3–§4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePolicy {
    /// The absolute limit of the error rate; none switches it off.
    pub max_error_rate: Option<Percent>,
    /// How much worse, in percentage points, the candidate's error rate may be for the proof that it is not worse.
    pub max_error_gap: Percent,
    /// How many times as many slow requests are tolerated, from 1; none = latency is not judged.
    pub max_slow_ratio: Option<Ratio>,
    /// How many good releases may be rolled back by mistake, over the whole release and however often it looks.
    pub false_rollbacks: Percent,
    /// CloudWatch alarms that must not be in ALARM.
    pub alarms: Vec<String>,
    /// What an alarm does that goes to ALARM during the canary.
    pub on_alarm: Reaction,
    /// The share of 5XX answers of the stage above which nothing goes on; none = not looked at.
    pub max_stage_errors: Option<Percent>,
    /// What happens when a step is over without proof.
    pub on_inconclusive: OnInconclusive,
    /// What a candidate that is proven worse does.
    pub on_failure: Reaction,
    /// Whether a step may end before its bake is over, from 5 minutes on, once it is proven that nothing is worse.
    pub early: bool,
}

impl Default for GatePolicy {
    /// The defaults of judge §4, with nothing promoted that is not proven.
    fn default() -> Self {
        Self {
            max_error_rate: Some(Percent::whole(5)),
            max_error_gap: Percent::whole(1),
            max_slow_ratio: Some(Ratio(1100)),
            false_rollbacks: Percent::whole(1),
            alarms: Vec::new(),
            on_alarm: Reaction::Hold,
            max_stage_errors: Some(Percent::whole(5)),
            on_inconclusive: OnInconclusive::Hold,
            on_failure: Reaction::Rollback,
            early: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_read_as_people_write_them_and_weights_come_back_as_sent() {
        let shown = |hundredths| Percent::from_hundredths(hundredths).unwrap().to_string();
        assert_eq!(
            [shown(500), shown(50), shown(1225), shown(5), shown(10_000)],
            ["5%", "0.5%", "12.25%", "0.05%", "100%"]
        );
        for hundredths in 0..=10_000 {
            let percent = Percent::from_hundredths(hundredths).unwrap();
            assert_eq!(Percent::of_share(percent.share()), percent);
        }
        assert_eq!(Percent::from_hundredths(10_001), None);
    }
}
