//! What this gate can see at this traffic, in closed form, to be said before a rollout (judge §3.7).

use super::evidence::{Pair, ni_block};
use super::says::{number, percent, points};
use super::settings::Settings;

/// Standard normal quantile of 80 %, the probability that is promised.
const Z80: f64 = 0.841_621_233_572_914_3;
/// Halvings when the smallest visible rate is searched.
const BISECTIONS: u32 = 200;

/// The traffic that is planned with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Requests a second, both versions together.
    pub rps: f64,
    /// The canary's share, 0–1.
    pub weight: f64,
    /// The error rate of the stable version, 0–1.
    pub base_rate: f64,
}

impl Traffic {
    /// Requests a minute of canary and baseline.
    fn per_minute(&self) -> (f64, f64) {
        (60.0 * self.rps * self.weight, 60.0 * self.rps * (1.0 - self.weight))
    }
}

/// The gate whose sight is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Power<'a> {
    /// Its settings.
    pub settings: &'a Settings,
    /// How many functions share the decision, at least 1 (judge §3.8).
    pub functions: usize,
    /// Whether errors and invocations come from one series.
    pub paired: bool,
}

impl<'a> Power<'a> {
    /// Of one function with one series.
    pub const fn of(settings: &'a Settings) -> Self {
        Self { settings, functions: 1, paired: true }
    }

    /// What one alternative that begins at minute 0 must collect, as a log.
    pub fn threshold_nats(&self) -> f64 {
        let s = self.settings;
        let comparison = s.alpha * (1.0 - s.alpha_slo_share - s.alpha_srm_share);
        let functions = self.functions.max(1) as f64;
        (functions * s.grid.len() as f64 / (s.start_now * s.w_err * comparison)).ln()
    }

    /// Mean and variance a minute of the best alternative's log likelihood ratio when the canary fails at `rate`.
    fn growth(&self, traffic: &Traffic, rate: f64) -> (f64, f64) {
        let (canary, baseline) = traffic.per_minute();
        let mut best = (f64::NEG_INFINITY, 0.0);
        for multiple in &self.settings.grid {
            let rho = self.settings.rho_err;
            let theta = rho * multiple;
            let low = ((canary * theta + baseline) / (canary * rho + baseline)).ln();
            let up = multiple.ln() - low;
            let (bad, usual) = (canary * rate, baseline * traffic.base_rate);
            let mean = bad * up - usual * low;
            if mean > best.0 {
                best = (mean, bad * up * up + usual * low * low);
            }
        }
        best
    }

    /// Minutes between an event and its use: thin traffic waits until it is fully reported.
    fn delay(&self, traffic: &Traffic) -> f64 {
        let settings = self.settings;
        let settle = if self.paired { settings.settle } else { settings.settle_unpaired };
        f64::from(if 60.0 * traffic.rps < settings.low_volume { settings.full_settle.max(settle) } else { settle })
    }

    fn is_seen(&self, traffic: &Traffic, rate: f64, minutes: f64) -> bool {
        let time = (minutes - self.delay(traffic)).max(0.0);
        let (mean, variance) = self.growth(traffic, rate);
        mean * time - Z80 * (variance * time).sqrt() - self.threshold_nats() >= 0.0
    }

    /// The smallest error rate of the canary (0–1) that is seen with 80 % probability within `minutes`; `None` if not
    /// even a canary that always fails is.
    pub fn smallest_visible(&self, traffic: &Traffic, minutes: f64) -> Option<f64> {
        if !self.is_seen(traffic, 1.0, minutes) {
            return None;
        }
        let (mut low, mut high) = (traffic.base_rate, 1.0);
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if self.is_seen(traffic, middle, minutes) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// Minutes until a canary that fails at `rate` (0–1) is seen with 80 % probability; `None`: never.
    pub fn minutes_to_see(&self, traffic: &Traffic, rate: f64) -> Option<f64> {
        let (mean, variance) = self.growth(traffic, rate);
        if mean.is_nan() || mean <= 0.0 {
            return None;
        }
        let root = (Z80 * Z80 * variance + 4.0 * mean * self.threshold_nats()).sqrt();
        let time = (Z80 * variance.sqrt() + root) / (2.0 * mean);
        Some(time * time + self.delay(traffic))
    }

    /// Minutes until non-inferiority is typically proven when both versions fail alike; `None`: never.
    pub fn minutes_to_prove(&self, traffic: &Traffic) -> Option<f64> {
        let s = self.settings;
        let (canary, baseline) = traffic.per_minute();
        let rate = traffic.base_rate;
        let pair =
            Pair { x_canary: canary * rate, e_canary: canary, x_baseline: baseline * rate, e_baseline: baseline };
        let growth = ni_block(&pair, rate, s.delta);
        let settle = if self.paired { s.settle } else { s.settle_unpaired };
        (growth > 0.0).then(|| (1.0 / (s.beta * s.start_now)).ln() / growth + f64::from(settle))
    }

    /// What to tell before a step of this many minutes.
    pub fn outlook(&self, traffic: &Traffic, minutes: f64) -> Outlook {
        Outlook {
            traffic: *traffic,
            minutes,
            requests: traffic.per_minute().0 * minutes,
            sees: self.smallest_visible(traffic, minutes),
            sees_total_failure_after: self.minutes_to_see(traffic, 1.0),
            proof_after: self.minutes_to_prove(traffic),
            margin: self.settings.delta,
        }
    }
}

/// What the gate can see in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// The traffic that was planned with.
    pub traffic: Traffic,
    /// How long the step lasts.
    pub minutes: f64,
    /// About how many requests the canary serves in it.
    pub requests: f64,
    /// The smallest error rate (0–1) that is seen with 80 % probability; `None`: not even 100 %.
    pub sees: Option<f64>,
    /// Minutes until a canary that always fails is seen with 80 % probability.
    pub sees_total_failure_after: Option<f64>,
    /// Minutes until it is typically proven that a good canary is not worse than the margin.
    pub proof_after: Option<f64>,
    /// The margin, as a fraction.
    pub margin: f64,
}

impl Outlook {
    /// Whether a good canary is typically proven good within the step.
    pub fn gives_proof(&self) -> bool {
        self.proof_after.is_some_and(|minutes| minutes <= self.minutes)
    }

    /// In one sentence, without a full stop.
    pub fn sentence(&self) -> String {
        let requests =
            format!("about {} canary requests in {} min", number(self.requests.round()), number(self.minutes));
        let sight = match (self.sees, self.sees_total_failure_after) {
            (Some(rate), _) => format!(
                "a rise of errors from {} to {} or worse is seen (80 % sure), a smaller one is not",
                percent(self.traffic.base_rate),
                percent(rate)
            ),
            (None, Some(minutes)) => {
                format!(
                    "not even a canary that always fails is seen (80 % sure); that takes {} min",
                    number(minutes.ceil())
                )
            }
            (None, None) => "nothing is seen".to_owned(),
        };
        let margin = points(self.margin);
        let proof = self.proof_after.map_or_else(
            || format!("that it is not more than {margin} worse cannot be proven"),
            |minutes| {
                format!("proof that it is not more than {margin} worse takes about {} min", number(minutes.ceil()))
            },
        );
        format!("{requests}: {sight}; {proof}")
    }
}
