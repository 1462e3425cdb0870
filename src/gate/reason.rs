//! Why the gate decides as it does.

use std::fmt;

/// The reason of a decision. Printed as the interchange format calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nothing to say: the step goes on.
    GoingOn,
    /// The canary fails more than the baseline.
    Errors,
    /// The canary is slower than the baseline, at this threshold.
    Slow(usize),
    /// The canary breaks the absolute limit where there is nothing to compare with.
    Slo,
    /// The canary's traffic does not report.
    TrafficMissing,
    /// Proven not to be worse than the margin.
    NonInferior,
    /// Promoted because nothing speaks against it, without proof.
    Unproven,
    /// Something outside of the evidence forbids a promotion.
    Held,
    /// Either version broke the absolute limit just now.
    SloBreach,
    /// A canary has served almost nothing.
    TooLittleTraffic,
    /// The canary has served fewer requests in this step than asked for.
    TooFewRequests,
    /// The canary looks worse; too little to roll back.
    Suspicious,
    /// The dwell is over without proof.
    NotProven,
    /// The settings cannot be used.
    BadSettings(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GoingOn => "",
            Self::Errors => "errors",
            Self::Slow(threshold) => return write!(f, "slow{threshold}"),
            Self::Slo => "slo",
            Self::TrafficMissing => "canary-traffic-missing",
            Self::NonInferior => "non-inferior",
            Self::Unproven => "inconclusive",
            Self::Held => "held",
            Self::SloBreach => "slo-breach",
            Self::TooLittleTraffic => "too-little-traffic",
            Self::TooFewRequests => "too-few-requests",
            Self::Suspicious => "suspicious",
            Self::NotProven => "not-proven",
            Self::BadSettings(_) => "bad-settings",
        })
    }
}

impl Reason {
    /// The reason of a rollback, from the name of the metric.
    pub(super) fn of_metric(name: &str) -> Self {
        name.strip_prefix("slow").and_then(|at| at.parse().ok()).map_or(Self::Errors, Self::Slow)
    }
}
