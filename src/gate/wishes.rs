//! The settings as people say them: an absolute limit, a margin, a tolerated latency ratio, how often a good release may
//! be rolled back.

use super::settings::{BadSetting, OnInconclusive, Settings, between};

/// What somebody has asked for; what is `None` stays as it is. Rates are fractions of 1, times are minutes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// `max_error_rate`: absolute limit of the error rate, above 0 and at most 0.9. Never stricter than twice what the
    /// stable version does anyway.
    pub max_error_rate: Option<f64>,
    /// `max_error_gap`: how much worse than stable the canary may be, 0.00001 to 0.5.
    pub max_error_gap: Option<f64>,
    /// `max_slow_ratio`: tolerated ratio of the rates of slow requests, 1 to 10.
    pub max_slow_ratio: Option<f64>,
    /// `false_rollbacks`: how often a good release may be rolled back, 0.000001 to 0.2.
    pub false_rollbacks: Option<f64>,
    /// `max_extend`: how long a step may last beyond its dwell, 0 to 10080.
    pub max_extend: Option<f64>,
    /// `min_dwell`: the least that a step lasts, 0 to 10080.
    pub min_dwell: Option<f64>,
    /// `early_accept`: whether a step may end before its dwell once it is proven good.
    pub early_accept: Option<bool>,
    /// `on_inconclusive`: when the dwell is over without proof.
    pub on_inconclusive: Option<OnInconclusive>,
}

impl Wishes {
    /// The settings with what was asked for.
    ///
    /// # Errors
    /// A number out of its range or not a number; `key` is the name of the wish.
    pub fn apply(&self, mut settings: Settings) -> Result<Settings, BadSetting> {
        let rate = "fraction of requests";
        if let Some(limit) = given("max_error_rate", self.max_error_rate, 0.000_001, 0.9, rate)? {
            settings.slo = Some(limit);
        }
        if let Some(gap) = given("max_error_gap", self.max_error_gap, 0.000_01, 0.5, rate)? {
            settings.delta = gap;
        }
        if let Some(ratio) = given("max_slow_ratio", self.max_slow_ratio, 1.0, 10.0, "ratio")? {
            settings.rho_slow = ratio;
        }
        if let Some(alpha) = given("false_rollbacks", self.false_rollbacks, 0.000_001, 0.2, "fraction of releases")? {
            settings.alpha = alpha;
        }
        if let Some(minutes) = given("max_extend", self.max_extend, 0.0, 10_080.0, "minutes")? {
            settings.max_extend = Some(minutes);
        }
        if let Some(minutes) = given("min_dwell", self.min_dwell, 0.0, 10_080.0, "minutes")? {
            settings.min_dwell = minutes;
        }
        settings.early_accept = self.early_accept.unwrap_or(settings.early_accept);
        settings.on_inconclusive = self.on_inconclusive.unwrap_or(settings.on_inconclusive);
        settings.check()?;
        Ok(settings)
    }
}

fn given(key: &str, value: Option<f64>, least: f64, most: f64, unit: &str) -> Result<Option<f64>, BadSetting> {
    value.map(|value| between(key, value, least, most, unit).map(|()| value)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_becomes_its_setting() {
        let wishes = Wishes {
            max_error_rate: Some(0.01),
            max_error_gap: Some(0.005),
            max_slow_ratio: Some(1.3),
            false_rollbacks: Some(0.05),
            max_extend: Some(15.0),
            on_inconclusive: Some(OnInconclusive::Hold),
            ..Wishes::default()
        };
        let settings = wishes.apply(Settings::default()).unwrap();
        assert_eq!((settings.slo, settings.delta, settings.rho_slow), (Some(0.01), 0.005, 1.3));
        assert_eq!((settings.alpha, settings.max_extend, settings.min_dwell), (0.05, Some(15.0), 5.0));
        assert_eq!(settings.on_inconclusive, OnInconclusive::Hold);
        assert_eq!(Wishes::default().apply(Settings::default()).unwrap(), Settings::default());
    }

    #[test]
    fn nonsense_is_refused_under_the_name_that_people_use() {
        for (wishes, key) in [
            (Wishes { max_error_rate: Some(0.0), ..Wishes::default() }, "max_error_rate"),
            (Wishes { max_error_gap: Some(f64::NAN), ..Wishes::default() }, "max_error_gap"),
            (Wishes { max_slow_ratio: Some(0.9), ..Wishes::default() }, "max_slow_ratio"),
            (Wishes { false_rollbacks: Some(1.0), ..Wishes::default() }, "false_rollbacks"),
            (Wishes { max_extend: Some(-1.0), ..Wishes::default() }, "max_extend"),
        ] {
            assert_eq!(wishes.apply(Settings::default()).unwrap_err().key, key);
        }
    }
}
