//! Clients of the modelled account: how often they ask, how each version answers, what disturbs all of them.

pub(super) mod draw;
mod flow;
mod minute;
mod profile;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::traffic::Request;
use crate::model::{AliasName, FunctionName, Version};

pub(super) use flow::{Flow, GATEWAY_LIMIT_MS, GATEWAY_REFUSAL_MS};
pub use profile::{Profile, Regression, Sickness};

/// Clients that send requests, minute after minute.
///
/// Counts are drawn when a minute is over, from the seed, the minute and the receiver alone: how often anybody looks in
/// between changes nothing, and a receiver draws the same numbers whatever else happens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// What everything random follows from.
    pub seed: u64,
    /// Who asks what.
    pub sources: Vec<Source>,
    /// Minutes of the past that are made up as if the routing had always been what it is.
    pub history_minutes: u32,
    /// How a version behaves that is not named. One whose [`Behaviour`](super::Behaviour) fails always fails.
    pub profile: Profile,
    /// How single versions behave.
    pub versions: BTreeMap<(FunctionName, Version), Profile>,
    /// What moves traffic, errors and durations of all versions together.
    pub noise: Noise,
    /// Disturbances that hit all versions alike.
    pub outages: Vec<Outage>,
    /// How metrics are published.
    pub lag: Lag,
}

/// A stream of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Mean requests per second, before noise.
    pub rps: f64,
    /// Where they go.
    pub entry: Entry,
}

/// Where requests go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Through a stage.
    Stage(Request),
    /// Straight to an alias, by a caller with a role: no policy is asked.
    Alias(FunctionName, AliasName),
}

/// Changes over time that no version is to blame for: log-AR(1) with mean 1, and a day's wave.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Amplitude of the daily wave of the traffic, 0–1.
    pub diurnal: f64,
    /// Length of the wave, minutes.
    pub diurnal_minutes: f64,
    /// Standard deviation of the logarithm of the traffic.
    pub burst_sd: f64,
    /// Its correlation from minute to minute, 0–1.
    pub burst_rho: f64,
    /// Standard deviation of the logarithm of every version's error rate.
    pub error_sd: f64,
    /// Its correlation from minute to minute, 0–1.
    pub error_rho: f64,
    /// Standard deviation of the logarithm of every version's durations.
    pub latency_sd: f64,
    /// Its correlation from minute to minute, 0–1.
    pub latency_rho: f64,
}

impl Default for Noise {
    /// None; the correlations are those of the benchmark (judge §3).
    fn default() -> Self {
        Self {
            diurnal: 0.0,
            diurnal_minutes: 1440.0,
            burst_sd: 0.0,
            burst_rho: 0.7,
            error_sd: 0.0,
            error_rho: 0.7,
            latency_sd: 0.0,
            latency_rho: 0.7,
        }
    }
}

/// Something that all versions suffer from, such as a database that is away.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// The first minute, counted from the minute in which the load was set.
    pub from: u32,
    /// How many minutes it lasts.
    pub minutes: u32,
    /// The error rate that nobody stays below, 0–1.
    pub level: f64,
    /// How many times as long everything takes.
    pub slower: f64,
}

impl Outage {
    /// Errors only.
    pub const fn new(from: u32, minutes: u32, level: f64) -> Self {
        Self { from, minutes, level, slower: 1.0 }
    }
}

/// How far behind CloudWatch is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// A minute is complete when it is over.
    #[default]
    Immediate,
    /// 50–90 % of a minute's samples at its end, 93–100 % a minute later, all after that.
    Normal,
    /// Nothing at its end, 30–90 % a minute later, 90–100 % after two, all after three.
    Slow,
}

/// How metrics are published: every series on its own, never less than before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lag {
    /// How far behind.
    pub pace: Pace,
    /// How often, 0–1, a series brings nothing new when it should.
    pub missing: f64,
    /// How often, 0–1, a series of `Errors` is two minutes late as a whole.
    pub late_errors: f64,
    /// Failures are reported later than successes, as time-outs are.
    pub late_failures: bool,
}

impl Lag {
    /// Complete at once.
    pub fn none() -> Self {
        Self::default()
    }

    /// As CloudWatch usually is.
    pub fn normal() -> Self {
        Self { pace: Pace::Normal, ..Self::default() }
    }

    /// On a bad day.
    pub fn slow() -> Self {
        Self { pace: Pace::Slow, ..Self::default() }
    }
}

/// What the clients got since the load was set, the made-up past left out. Counts whole minutes: of a minute that still
/// runs nothing is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadReport {
    /// Requests that a version answered or failed, those that hang included.
    pub requests: BTreeMap<(FunctionName, Version), u64>,
    /// Those of them that failed or hang.
    pub failed: BTreeMap<(FunctionName, Version), u64>,
    /// Requests that Lambda refused because of too much concurrency.
    pub throttled: u64,
    /// Requests that no version saw: missing permission, alias, route or stage, a version that is not Active.
    pub unserved: u64,
    /// How many requests more failed than would have failed on the version that had most of the traffic when the load
    /// was set: expected values for the versions' own failures, counts for `unserved` and what hangs.
    pub excess_failed: f64,
    /// How many requests more took longer than that version's p99 than would have taken so long on it (expected).
    pub excess_slow: f64,
}

impl LoadReport {
    /// Every request that a client did not get a good answer to.
    pub fn all_failed(&self) -> u64 {
        self.failed.values().sum::<u64>() + self.throttled + self.unserved
    }
}

impl Load {
    /// Requests straight to an alias, with three hours of them in the past.
    pub fn to_alias(seed: u64, function: &FunctionName, alias: &AliasName, rps: f64) -> Self {
        Self::of(seed, Source { rps, entry: Entry::Alias(function.clone(), alias.clone()) })
    }

    /// Requests through a stage, with three hours of them in the past.
    pub fn to_stage(seed: u64, request: &Request, rps: f64) -> Self {
        Self::of(seed, Source { rps, entry: Entry::Stage(request.clone()) })
    }

    fn of(seed: u64, source: Source) -> Self {
        Self { seed, sources: vec![source], history_minutes: 180, ..Self::default() }
    }

    /// Says how a version behaves.
    pub fn version(mut self, function: &FunctionName, version: u64, profile: Profile) -> Self {
        self.versions.insert((function.clone(), Version::Number(version)), profile);
        self
    }
}
