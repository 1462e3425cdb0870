//! Which CloudWatch series say how a version does, and what their points say together. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ApiMetrics, StageSeries};
use crate::aws::noun::{MetricQuery, MetricSeries};
use crate::model::{AliasName, FunctionName, Version};

const LAMBDA: &str = "AWS/Lambda";
const API_GATEWAY: &str = "AWS/ApiGateway";
const ERRORS: &str = "Errors";
const INVOCATIONS: &str = "Invocations";
const DURATION: &str = "Duration";

/// The invocations of a function through one alias, of all versions or of one of them (aws-semantics §8.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// Function.
    pub function: FunctionName,
    /// Alias through which it is called.
    pub alias: AliasName,
    /// The version that ran; `None` = all.
    pub version: Option<Version>,
}

impl Arm {
    fn query(&self, metric: &str, stat: impl Into<String>, period_s: u32) -> MetricQuery {
        let mut dimensions = BTreeMap::from([
            ("FunctionName".to_owned(), self.function.to_string()),
            ("Resource".to_owned(), format!("{}:{}", self.function, self.alias)),
        ]);
        if let Some(version) = self.version {
            dimensions.insert("ExecutedVersion".into(), version.to_string());
        }
        MetricQuery { namespace: LAMBDA.into(), metric: metric.into(), dimensions, stat: stat.into(), period_s }
    }

    /// How many invocations there were and how many failed: the number and the sum of the same data points cannot be
    /// out of step (judge §2.4). `Invocations` is asked for to see whether they are such a pair here.
    fn counts(&self, period_s: u32) -> Vec<MetricQuery> {
        vec![
            self.query(ERRORS, "Sum", period_s),
            self.query(ERRORS, "SampleCount", period_s),
            self.query(INVOCATIONS, "Sum", period_s),
        ]
    }
}

/// One period of one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// `Errors`, Sum.
    pub errors: u64,
    /// `Errors`, SampleCount.
    pub samples: u64,
    /// `Invocations`, Sum.
    pub invocations: u64,
}

/// Reads series back in the order in which they were asked for.
pub(super) struct Answers<'a>(pub std::slice::Iter<'a, MetricSeries>);

impl<'a> Answers<'a> {
    fn points(&mut self) -> &'a BTreeMap<Timestamp, f64> {
        static NONE: BTreeMap<Timestamp, f64> = BTreeMap::new();
        self.0.next().map_or(&NONE, |series| &series.points)
    }

    fn counts(&mut self) -> BTreeMap<Timestamp, Count> {
        let [errors, samples, invocations] = [self.points(), self.points(), self.points()];
        let times = samples.keys().chain(invocations.keys()).copied();
        let count = |at| Count {
            errors: whole(errors.get(&at)),
            samples: whole(samples.get(&at)),
            invocations: whole(invocations.get(&at)),
        };
        times.map(|at| (at, count(at))).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of requests, clamped to 0 and above"
)]
fn whole(value: Option<&f64>) -> u64 {
    value.map_or(0, |value| value.max(0.0).round() as u64)
}

/// What one arm did, minute by minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Minutes {
    /// Invocations and errors.
    pub counts: BTreeMap<Timestamp, Count>,
    /// Requests whose duration is known.
    pub timed: BTreeMap<Timestamp, u64>,
    /// Those of them that were slower than each threshold.
    pub slow: BTreeMap<Timestamp, Vec<u64>>,
    /// p99 of the duration, ms.
    pub p99: BTreeMap<Timestamp, f64>,
}

/// The series for [`Minutes`]; with no threshold latency is not asked for.
pub(super) fn minute_queries(arm: &Arm, thresholds_ms: &[f64]) -> Vec<MetricQuery> {
    let mut queries = arm.counts(60);
    if !thresholds_ms.is_empty() {
        queries.push(arm.query(DURATION, "SampleCount", 60));
        queries.extend(thresholds_ms.iter().map(|t| arm.query(DURATION, format!("TC(:{t})"), 60)));
        queries.push(arm.query(DURATION, "p99", 60));
    }
    queries
}

/// Reads them. Slow requests are counted against the samples of the same series (judge §2.5).
pub(super) fn read_minutes(answers: &mut Answers<'_>, thresholds: usize) -> Minutes {
    let counts = answers.counts();
    if thresholds == 0 {
        return Minutes { counts, ..Minutes::default() };
    }
    let samples = answers.points();
    let fast: Vec<_> = (0..thresholds).map(|_| answers.points()).collect();
    let slow_at = |(at, samples): (&Timestamp, &f64)| {
        let slow = |fast: &&BTreeMap<Timestamp, f64>| whole(Some(samples)).saturating_sub(whole(fast.get(at)));
        (*at, fast.iter().map(slow).collect())
    };
    let slow = samples.iter().map(slow_at).collect();
    let timed = samples.iter().map(|(at, n)| (*at, whole(Some(n)))).collect();
    Minutes { counts, timed, slow, p99: answers.points().clone() }
}

/// The seconds of one period of the history.
pub(super) const HISTORY_PERIOD_S: u32 = 300;

/// The series of an arm's history.
pub(super) fn history_queries(arm: &Arm, latency: bool) -> Vec<MetricQuery> {
    let mut queries = arm.counts(HISTORY_PERIOD_S);
    if latency {
        queries.extend(["SampleCount", "p90", "p99"].map(|stat| arm.query(DURATION, stat, HISTORY_PERIOD_S)));
    }
    queries
}

/// An arm before the release.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Sums over the history.
    pub count: Count,
    /// p90 and p99 of the duration in ms, averaged over the invocations; empty when there were none.
    pub thresholds_ms: Vec<f64>,
}

/// Reads it.
pub(super) fn read_history(answers: &mut Answers<'_>, latency: bool) -> Past {
    let counts = answers.counts();
    let sum = |of: fn(&Count) -> u64| counts.values().map(of).sum();
    let count = Count { errors: sum(|c| c.errors), samples: sum(|c| c.samples), invocations: sum(|c| c.invocations) };
    if !latency {
        return Past { count, thresholds_ms: Vec::new() };
    }
    let samples = answers.points();
    let [p90, p99] = [answers.points(), answers.points()];
    let thresholds_ms = [p90, p99].into_iter().filter_map(|percentile| mean(percentile, samples)).collect();
    Past { count, thresholds_ms }
}

/// The average of a percentile over its periods, by how many samples each had, to 0.1 ms.
fn mean(percentile: &BTreeMap<Timestamp, f64>, samples: &BTreeMap<Timestamp, f64>) -> Option<f64> {
    let weighted = percentile.iter().filter_map(|(at, value)| Some((value, samples.get(at)?)));
    let (sum, weight) = weighted.fold((0.0, 0.0), |(sum, all), (value, n)| (sum + value * n, all + n));
    (weight > 0.0).then(|| (sum / weight * 10.0).round() / 10.0)
}

/// The stage's requests and 5XX answers.
pub(super) fn stage_queries(series: &StageSeries, period_s: u32) -> Vec<MetricQuery> {
    let (dimension, api, failed) = match &series.api {
        ApiMetrics::Rest { name } => ("ApiName", name, "5XXError"),
        ApiMetrics::Http { id } => ("ApiId", id, "5xx"),
    };
    let dimensions =
        BTreeMap::from([(dimension.to_owned(), api.clone()), ("Stage".to_owned(), series.stage.to_string())]);
    let query = |metric: &str| MetricQuery {
        namespace: API_GATEWAY.into(),
        metric: metric.into(),
        dimensions: dimensions.clone(),
        stat: "Sum".into(),
        period_s,
    };
    vec![query("Count"), query(failed)]
}

/// Requests and 5XX answers by period.
pub(super) fn read_stage(answers: &mut Answers<'_>) -> BTreeMap<Timestamp, (u64, u64)> {
    let [requests, failed] = [answers.points(), answers.points()];
    requests.iter().map(|(at, n)| (*at, (whole(Some(n)), whole(failed.get(at))))).collect()
}
