//! The formulas (judge §3.1–3.4): what one minute says, and how minutes are put together. All logarithms are natural.
//! Counts and exposures are finite and not negative, errors are at most the invocations they belong to.

/// Exposure of canary and baseline in one minute (judge §3.1): the invocations themselves, except in a thin minute that is
/// fully reported, where an error falls on the canary with probability `weight` (0–1).
pub fn exposure(canary: f64, baseline: f64, weight: f64, thin: bool) -> (f64, f64) {
    let all = canary + baseline;
    if thin { (all * weight, all * (1.0 - weight)) } else { (canary, baseline) }
}

/// What happened on both sides in a minute: exposures `e_*` and events `x_*` (errors, or slow requests).
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Events of the canary.
    pub x_canary: f64,
    /// Exposure of the canary.
    pub e_canary: f64,
    /// Events of the baseline.
    pub x_baseline: f64,
    /// Exposure of the baseline.
    pub e_baseline: f64,
}

/// Likelihood ratio of "the rates differ by the factor `theta`" against "by at most `rho`" (judge §3.1).
pub fn log_lr(pair: &Pair, rho: f64, theta: f64) -> f64 {
    let events = pair.x_canary + pair.x_baseline;
    if events == 0.0 || pair.e_canary == 0.0 || pair.e_baseline == 0.0 {
        return 0.0;
    }
    let odds = (pair.e_canary * theta + pair.e_baseline) / (pair.e_canary * rho + pair.e_baseline);
    pair.x_canary * (theta / rho).ln() - events * odds.ln()
}

/// Likelihood ratio of "`theta` of the requests fail" against "`limit` do", where there is no baseline (judge §3.2).
pub fn log_lr_slo(errors: f64, invocations: f64, limit: f64, theta: f64) -> f64 {
    errors * (theta / limit).ln() + (invocations - errors) * ((1.0 - theta) / (1.0 - limit)).ln()
}

/// Likelihood ratio of "the share `f` of the canary's invocations reports" against "`f0` does" (judge §3.3).
pub fn log_lr_srm(canary: f64, baseline: f64, weight: f64, f0: f64, f: f64) -> f64 {
    let odds = (weight * f + 1.0 - weight) / (weight * f0 + 1.0 - weight);
    canary * (f / f0).ln() - (canary + baseline) * odds.ln()
}

/// Halvings of the interval in which the nearest null lies (judge §3.4).
const BISECTIONS: u32 = 60;

/// Non-inferiority evidence of one minute against "the canary is at least `delta` worse", betting on both failing at the
/// predicted rate `p` (judge §3.4). The exposures of `pair` are the invocations.
pub fn ni_block(pair: &Pair, p: f64, delta: f64) -> f64 {
    let (canary, baseline) = (pair.e_canary, pair.e_baseline);
    if canary == 0.0 {
        return 0.0;
    }
    let p = p.clamp(1e-6, 0.999 - delta);
    let b = nearest_null(canary, baseline, p, delta);
    let a = b + delta;
    let mut log = pair.x_canary * (p / a).ln() + (canary - pair.x_canary) * ((1.0 - p) / (1.0 - a)).ln();
    if baseline > 0.0 {
        if pair.x_baseline > 0.0 {
            log += pair.x_baseline * (p / b).ln();
        }
        log += (baseline - pair.x_baseline) * ((1.0 - p) / (1.0 - b)).ln();
    }
    log
}

/// The baseline rate of the null that is nearest to "both fail at `p`".
fn nearest_null(canary: f64, baseline: f64, p: f64, delta: f64) -> f64 {
    let (mut low, mut high) = ((p - delta).max(0.0), p);
    if baseline == 0.0 {
        return low;
    }
    for _ in 0..BISECTIONS {
        let b = 0.5 * (low + high);
        let a = b + delta;
        let slope = canary * (p - a) / (a * (1.0 - a)) + baseline * (p - b) / (b * (1.0 - b));
        if slope > 0.0 {
            low = b;
        } else {
            high = b;
        }
    }
    0.5 * (low + high)
}

/// `ln(exp(a) + exp(b))` without leaving the range of f64; −∞ is nothing.
pub fn logaddexp(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY {
        return b;
    }
    if b == f64::NEG_INFINITY {
        return a;
    }
    let most = a.max(b);
    most + ((a - most).exp() + (b - most).exp()).ln()
}

/// `ln` of the mean of the exponentials; 0 of nothing.
pub fn log_mean_exp(logs: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = logs.len();
    if count == 0 {
        return 0.0;
    }
    logs.fold(f64::NEG_INFINITY, logaddexp) - (count as f64).ln()
}

/// Wealth not yet invested below this counts as none (judge §3.9).
const CASH_LEAST: f64 = 1e-12;

/// The mixture over alternatives and over the minute in which the regression begins (judge §3.1). Minutes are added in
/// order, from minute 0, also those without data.
#[derive(Debug, Clone)]
pub struct Mixture {
    logs: Vec<f64>,
    cash: f64,
    minute: u32,
    start_now: f64,
    horizon: u32,
}

impl Mixture {
    /// A mixture before any minute: `start_now` (0–1) of the wealth goes to minute 0, the rest evenly to the minutes
    /// before `horizon`.
    pub fn new(alternatives: usize, start_now: f64, horizon: u32) -> Self {
        Self { logs: vec![f64::NEG_INFINITY; alternatives], cash: 1.0, minute: 0, start_now, horizon }
    }

    /// Adds a minute: the logarithm of the likelihood ratio of each alternative.
    pub fn add(&mut self, log_lr: impl Fn(usize) -> f64) {
        let wealth = self.wealth();
        self.cash -= wealth;
        let wealth = if wealth > 0.0 { wealth.ln() } else { f64::NEG_INFINITY };
        for (at, log) in self.logs.iter_mut().enumerate() {
            *log = logaddexp(*log, wealth) + log_lr(at);
        }
        self.minute = self.minute.saturating_add(1);
    }

    /// What is put on "the regression begins in this minute".
    fn wealth(&self) -> f64 {
        match self.minute {
            0 => self.start_now,
            m if m < self.horizon => (1.0 - self.start_now) / f64::from(self.horizon - 1),
            _ => 0.0,
        }
    }

    /// `ln` of the evidence so far; 0 before any minute.
    pub fn log_e(&self) -> f64 {
        let cash = if self.cash > CASH_LEAST { self.cash.ln() } else { f64::NEG_INFINITY };
        let each = (self.logs.len() as f64).ln();
        self.logs.iter().fold(cash, |sum, log| logaddexp(sum, log - each))
    }
}

/// The mixture of whole minutes, each a list over the alternatives.
pub fn mixture_log_e(minutes: &[Vec<f64>], start_now: f64, horizon: u32) -> f64 {
    let mut mixture = Mixture::new(minutes.first().map_or(1, Vec::len), start_now, horizon);
    for minute in minutes {
        mixture.add(|at| minute.get(at).copied().unwrap_or(0.0));
    }
    mixture.log_e()
}
