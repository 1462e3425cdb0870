//! Every number that a verdict depends on, declared once: name, default, range and unit. The defaults are those of the
//! reference gate (judge §4), which the test vectors and the benchmark belong to.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {rule}")]
pub struct BadSetting {
    /// The setting as the interchange format calls it.
    pub key: String,
    /// What is wrong, phrased to follow the key.
    pub rule: String,
}

impl BadSetting {
    fn new(key: &str, rule: impl Into<String>) -> Self {
        Self { key: key.to_owned(), rule: rule.into() }
    }
}

/// What happens when the dwell is over, nothing speaks against the canary and nothing is proven either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OnInconclusive {
    /// Promote, and say that it is not proven. The default of the interchange format.
    #[default]
    Promote,
    /// Hold until it is proven or the step has lasted as long as it may.
    Hold,
}

impl fmt::Display for OnInconclusive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Promote => "promote",
            Self::Hold => "hold",
        })
    }
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ty = $default:literal, $least:literal ..= $most:literal, $unit:literal;)*) => {
        /// The settings of a gate. A value is usable if [`Settings::check`] says so; [`judge`](super::judge) refuses others.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Settings {
            $($(#[doc = $doc])* #[doc = concat!("\n\nUnit: ", $unit, ". Range: ", stringify!($least), " to ", stringify!($most), ".")] pub $name: $kind,)*
            /// Alternatives of the comparison, as multiples of the tolerated ratio (judge §3.1); each above 1.
            pub grid: Vec<f64>,
            /// Absolute limit of the error rate, a fraction above 0 and at most 0.9; `None` switches the guard off (judge §3.2).
            pub slo: Option<f64>,
            /// Alternatives of the absolute guard, as multiples of the limit; each above 1.
            pub slo_grid: Vec<f64>,
            /// Alternatives of the missing-traffic guard: shares that report, each above 0 and below `srm_null` (judge §3.3).
            pub srm_grid: Vec<f64>,
            /// How many minutes a step may last beyond its dwell; `None`: `max_dwell_factor` times the dwell in all.
            pub max_extend: Option<f64>,
            /// Whether a step may end before its dwell once non-inferiority is proven.
            pub early_accept: bool,
            /// When the dwell is over without proof.
            pub on_inconclusive: OnInconclusive,
        }

        impl Default for Settings {
            fn default() -> Self {
                Self {
                    $($name: $default,)*
                    grid: vec![1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0],
                    slo: Some(0.05),
                    slo_grid: vec![2.0, 4.0, 8.0, 16.0],
                    srm_grid: vec![0.6, 0.4, 0.2, 0.05, 0.01],
                    max_extend: None,
                    early_accept: true,
                    on_inconclusive: OnInconclusive::Promote,
                }
            }
        }

        impl Settings {
            /// Whether every number lies in its range.
            ///
            /// # Errors
            /// The first that does not.
            pub fn check(&self) -> Result<(), BadSetting> {
                $(between(stringify!($name), self.$name.into(), $least.into(), $most.into(), $unit)?;)*
                self.check_lists()
            }
        }
    };
}

settings! {
    /// Budget for rolling back a good release, over the whole rollout, all metrics and all looks (judge §3.5).
    alpha: f64 = 0.01, 0.000_001 ..= 0.2, "probability";
    /// Share of alpha for the absolute limit.
    alpha_slo_share: f64 = 0.1, 0.001 ..= 0.4, "fraction of alpha";
    /// Share of alpha for missing traffic.
    alpha_srm_share: f64 = 0.1, 0.001 ..= 0.4, "fraction of alpha";
    /// Tolerated ratio of error rates, canary to baseline.
    rho_err: f64 = 1.0, 1.0 ..= 10.0, "ratio";
    /// Tolerated ratio of the rates of slow requests; cold environments need some (judge §4).
    rho_slow: f64 = 1.1, 1.0 ..= 10.0, "ratio";
    /// Below this traffic, in the minute and in the history, a fully reported minute counts with the weight (judge §3.1).
    low_volume: f64 = 200.0, 0.0 ..= 1_000_000.0, "invocations a minute";
    /// When a minute is taken to be fully reported.
    full_settle: u32 = 3, 0 ..= 60, "minutes since it ended";
    /// Share of the comparison given to errors; latency shares the rest.
    w_err: f64 = 0.6, 0.01 ..= 1.0, "fraction";
    /// Wealth put on "worse from the first minute"; the rest on later onsets.
    start_now: f64 = 0.5, 0.01 ..= 0.99, "fraction";
    /// When a minute is used.
    settle: u32 = 1, 0 ..= 60, "minutes since it ended";
    /// The same when errors and invocations are two separately published series.
    settle_unpaired: u32 = 2, 0 ..= 60, "minutes since it ended";
    /// When a minute without a baseline counts for the absolute limit although the weight lets expect one: its row may be
    /// missing. 0: as soon as any other, as in the reference; 3 is safe when rows can be late during an outage.
    settle_alone: u32 = 0, 0 ..= 60, "minutes since it ended";
    /// How long slow counts are ignored after the weight rose.
    warmup_slow: u32 = 2, 0 ..= 60, "minutes";
    /// The least share of the canary's invocations that reports when nothing is wrong.
    srm_null: f64 = 0.8, 0.05 ..= 1.0, "fraction";
    /// How much worse the canary's error rate may be (judge §3.4).
    delta: f64 = 0.01, 0.000_01 ..= 0.5, "fraction of requests";
    /// Level of the proof that it is not, for each step.
    beta: f64 = 0.05, 0.000_001 ..= 0.5, "probability";
    /// How much the error rate before the rollout counts.
    hist_weight: f64 = 100.0, 1.0 ..= 1_000_000.0, "invocations";
    /// Evidence against the canary from which nothing is promoted.
    suspicion: f64 = 3.0, 1.0 ..= 1_000_000.0, "evidence, 1:x";
    /// The same for a promotion without proof.
    suspicion_unproven: f64 = 2.0, 1.0 ..= 1_000_000.0, "evidence, 1:x";
    /// The least that a step lasts.
    min_dwell: f64 = 5.0, 0.0 ..= 10_080.0, "minutes";
    /// The longest that a step lasts, unless `max_extend` is set.
    max_dwell_factor: f64 = 4.0, 1.0 ..= 1_000.0, "multiple of the dwell";
    /// What the mixture over the onset covers.
    horizon_factor: f64 = 2.0, 0.1 ..= 1_000.0, "multiple of the sum of dwells";
    /// Nothing is promoted before each function's canary has served this many.
    min_canary: u32 = 3, 0 ..= 1_000_000, "requests";
}

/// Whether a number lies in its range; NaN lies in none.
pub(super) fn between(key: &str, value: f64, least: f64, most: f64, unit: &str) -> Result<(), BadSetting> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(BadSetting::new(key, format!("must be {least} to {most} ({unit}); it is {value}")))
}

/// At most this many alternatives in a grid.
const GRID_MAX: usize = 64;

fn each(key: &str, grid: &[f64], rule: &str, good: impl Fn(f64) -> bool) -> Result<(), BadSetting> {
    if (1..=GRID_MAX).contains(&grid.len()) && grid.iter().all(|value| good(*value)) {
        return Ok(());
    }
    Err(BadSetting::new(key, format!("must hold 1 to {GRID_MAX} numbers, each {rule}")))
}

impl Settings {
    fn check_lists(&self) -> Result<(), BadSetting> {
        let multiple = |value: f64| value > 1.0 && value <= 10_000.0;
        each("grid", &self.grid, "above 1 and at most 10000", multiple)?;
        each("slo_grid", &self.slo_grid, "above 1 and at most 10000", multiple)?;
        let below = |value: f64| value > 0.000_001 && value < self.srm_null;
        each("srm_grid", &self.srm_grid, "above 0.000001 and below `srm_null`", below)?;
        if let Some(slo) = self.slo {
            between("slo", slo, 0.000_001, 0.9, "fraction of requests")?;
        }
        if let Some(extend) = self.max_extend {
            between("max_extend", extend, 0.0, 10_080.0, "minutes")?;
        }
        Ok(())
    }

    /// What a release is judged with unless its configuration says otherwise: no promotion without proof, and rows that
    /// may be late are waited for. [`Settings::default`] is the reference.
    pub fn shipped() -> Self {
        Self { on_inconclusive: OnInconclusive::Hold, settle_alone: 3, ..Self::default() }
    }

    /// The defaults under the keys of a `config` object of the interchange format.
    ///
    /// # Errors
    /// A key that does not exist, a value of another kind, a number out of its range.
    pub fn from_config(config: &Map<String, Value>) -> Result<Self, BadSetting> {
        let mut settings = Self::default();
        for (key, value) in config {
            let Value::Object(mut all) = to_value(&settings)? else { continue };
            if !all.contains_key(key) {
                return Err(BadSetting::new(key, "is no setting of the gate"));
            }
            all.insert(key.clone(), value.clone());
            settings = serde_json::from_value(Value::Object(all))
                .map_err(|error| BadSetting::new(key, format!("cannot be read: {error}")))?;
        }
        settings.check()?;
        Ok(settings)
    }
}

fn to_value(settings: &Settings) -> Result<Value, BadSetting> {
    serde_json::to_value(settings).map_err(|error| BadSetting::new("config", error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(value: Value) -> Result<Settings, BadSetting> {
        Settings::from_config(value.as_object().unwrap())
    }

    #[test]
    fn the_defaults_are_usable_and_survive_json() {
        let settings = Settings::default();
        settings.check().unwrap();
        let Value::Object(all) = serde_json::to_value(&settings).unwrap() else { panic!("an object") };
        assert_eq!(Settings::from_config(&all).unwrap(), settings);
    }

    #[test]
    fn a_config_changes_what_it_names() {
        let settings = config(json!({"alpha": 0.05, "settle": 2, "slo": null, "on_inconclusive": "hold"})).unwrap();
        assert_eq!((settings.alpha, settings.settle, settings.slo), (0.05, 2, None));
        assert_eq!((settings.on_inconclusive, settings.beta), (OnInconclusive::Hold, 0.05));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (value, key) in [
            (json!({"alhpa": 0.05}), "alhpa"),
            (json!({"alpha": 0}), "alpha"),
            (json!({"alpha": "1%"}), "alpha"),
            (json!({"settle": 1.5}), "settle"),
            (json!({"settle": -1}), "settle"),
            (json!({"slo": 0.95}), "slo"),
            (json!({"grid": []}), "grid"),
            (json!({"grid": [1.0, 2.0]}), "grid"),
            (json!({"srm_grid": [0.8]}), "srm_grid"),
            (json!({"max_extend": -5}), "max_extend"),
            (json!({"on_inconclusive": "maybe"}), "on_inconclusive"),
        ] {
            assert_eq!(config(value.clone()).unwrap_err().key, key, "{value}");
        }
    }

    #[test]
    fn no_number_is_no_setting() {
        for broken in [
            Settings { alpha: f64::NAN, ..Settings::default() },
            Settings { slo: Some(f64::NAN), ..Settings::default() },
            Settings { grid: vec![2.0, f64::NAN], ..Settings::default() },
            Settings { max_extend: Some(f64::INFINITY), ..Settings::default() },
        ] {
            assert!(broken.check().is_err(), "{broken:?}");
        }
    }
}
