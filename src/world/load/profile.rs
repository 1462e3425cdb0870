//! How one version answers.

/// How a version answers its requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Share of invocations that fail, 0–1, before noise.
    pub error_rate: f64,
    /// Median duration, milliseconds (the e-th power of `mu` of the log-normal distribution).
    pub median_ms: f64,
    /// Standard deviation of the duration's logarithm.
    pub sigma: f64,
    /// How many times as long an invocation takes in a new environment.
    pub cold_factor: f64,
    /// Share of the invocations in a new environment that fail because of it, 0–1.
    pub cold_error: f64,
    /// Share of requests that are refused for too much concurrency, 0–1.
    pub throttled: f64,
    /// Share of good invocations that answer with 5XX by themselves, without a function error, 0–1.
    pub answers_5xx: f64,
    /// Share of good invocations that answer with 4XX, 0–1.
    pub answers_4xx: f64,
    /// Environments that turn bad.
    pub sick: Option<Sickness>,
    /// What makes it worse than it seems at first.
    pub worse: Option<Regression>,
}

impl Default for Profile {
    /// One error in a thousand, 120 ms in the median and 384 ms at p99, three times that in a new environment.
    fn default() -> Self {
        Self {
            error_rate: 0.001,
            median_ms: 120.0,
            sigma: 0.5,
            cold_factor: 3.0,
            cold_error: 0.0,
            throttled: 0.0,
            answers_5xx: 0.0,
            answers_4xx: 0.0,
            sick: None,
            worse: None,
        }
    }
}

impl Profile {
    /// The usual one with another error rate.
    pub fn failing(error_rate: f64) -> Self {
        Self { error_rate, ..Self::default() }
    }

    /// The usual one, `factor` times as slow.
    pub fn slower(factor: f64) -> Self {
        let usual = Self::default();
        Self { median_ms: usual.median_ms * factor, ..usual }
    }

    /// The usual one with a share of invocations that hang.
    pub fn hanging(share: f64, minutes: u32) -> Self {
        Self {
            worse: Some(Regression { hang: share, hang_minutes: minutes, ..Regression::default() }),
            ..Self::default()
        }
    }

    /// The logarithm of the median, milliseconds.
    pub(super) fn mu(&self) -> f64 {
        self.median_ms.ln()
    }

    /// Mean duration, seconds (log-normal).
    pub(super) fn mean_s(&self) -> f64 {
        (self.mu() + self.sigma * self.sigma / 2.0).exp() / 1000.0
    }
}

/// Single execution environments that fail for some minutes, whatever the version.
#[derive(Debug, Clone, PartialEq)]
pub struct Sickness {
    /// Chance per minute that an environment falls ill, 0–1.
    pub rate: f64,
    /// For how many minutes.
    pub minutes: u32,
    /// Share of its invocations that fail, 0–1.
    pub level: f64,
}

/// How a version gets worse: from when, from which share of the traffic, and in what.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// Probability of failure on top of the ordinary one (independent of it), 0–1.
    pub error_rate: f64,
    /// How many times as long everything takes.
    pub slower: f64,
    /// Share of good invocations that hang, 0–1: reported late, as errors.
    pub hang: f64,
    /// How long a hanging invocation takes until it is reported, minutes: the function's time-out.
    pub hang_minutes: u32,
    /// It begins this many minutes after the version's first request.
    pub onset: u32,
    /// Minutes until `error_rate` is reached.
    pub ramp: u32,
    /// Only while the version has at least this share of its function's requests, 0–1.
    pub min_share: f64,
}

impl Default for Regression {
    fn default() -> Self {
        Self { error_rate: 0.0, slower: 1.0, hang: 0.0, hang_minutes: 5, onset: 0, ramp: 0, min_share: 0.0 }
    }
}

impl Regression {
    /// How far it has come, 0–1, and whether it has begun; `age` in minutes since the version's first request.
    pub(super) fn progress(&self, age: i64, share: f64) -> Option<f64> {
        let since = age - i64::from(self.onset);
        if since < 0 || share + 1e-9 < self.min_share {
            return None;
        }
        Some(if self.ramp == 0 { 1.0 } else { (since as f64 / f64::from(self.ramp)).min(1.0) })
    }
}
