//! The gate as a configuration sets it up.

use std::time::Duration;

use super::{OnInconclusive, Settings, Wishes};
use crate::model::{self, GatePolicy, Percent, Ratio};
use crate::problem::{Code, Problem};

/// The settings that a policy asks for; with the longest extension of a step, if its end matters.
///
/// # Errors
/// A number that the gate cannot use.
pub fn settings(policy: &GatePolicy, extension: Option<Duration>) -> Result<Settings, Problem> {
    let wishes = Wishes {
        max_error_rate: policy.max_error_rate.map(Percent::share),
        max_error_gap: Some(policy.max_error_gap.share()),
        max_slow_ratio: policy.max_slow_ratio.map(Ratio::value),
        false_rollbacks: Some(policy.false_rollbacks.share()),
        max_extend: extension.map(|extension| extension.as_secs_f64() / 60.0),
        min_dwell: None,
        early_accept: Some(policy.early),
        on_inconclusive: Some(match policy.on_inconclusive {
            model::OnInconclusive::Promote => OnInconclusive::Promote,
            model::OnInconclusive::Hold | model::OnInconclusive::Rollback => OnInconclusive::Hold,
        }),
    };
    let mut settings = wishes.apply(Settings::shipped()).map_err(|error| {
        Problem::new(Code::BadValue, format!("the gate cannot be set up: {}", error.key)).why(error.rule)
    })?;
    if policy.max_error_rate.is_none() {
        settings.slo = None;
    }
    Ok(settings)
}
