//! CloudWatch's metrics of functions and stages, and `GetMetricData` (aws-semantics §8).

pub(super) mod durations;
mod reveal;
mod statistic;
pub(super) mod store;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::account::Account;
use super::load::draw;
use crate::aws::AwsError;
use crate::aws::noun::{MetricPage, MetricQuery, MetricSeries};
use crate::aws::operation::GetMetricData;
use crate::model::{AliasName, FunctionName, Version};
use durations::Durations;
use statistic::Statistic;
use store::{Invocations, Invoked, Requests, Row, minute_of, start_of};

/// The most series that a call may ask for (aws-semantics §8.3).
const QUERIES: usize = 500;
/// The most points that a page holds (aws-semantics §8.3).
const POINTS: usize = 100_800;

/// Samples of a metric: zeros and ones, or durations.
#[derive(Debug, Clone, Default, PartialEq)]
struct Samples {
    ones: u64,
    zeros: u64,
    times: Durations,
}

impl Samples {
    fn coins(ones: u64, zeros: u64) -> Self {
        Self { ones, zeros, times: Durations::default() }
    }

    fn times(times: Durations) -> Self {
        Self { times, ..Self::default() }
    }

    fn add(&mut self, other: &Self) {
        self.ones += other.ones;
        self.zeros += other.zeros;
        self.times.add(&other.times);
    }

    fn sum(all: &[Self]) -> Self {
        let count = |of: fn(&Self) -> u64| all.iter().map(of).sum();
        let times = Durations::sum(all.iter().map(|samples| &samples.times));
        Self { ones: count(|s| s.ones), zeros: count(|s| s.zeros), times }
    }

    /// Values and their counts, least first. A metric has coins or durations, never both.
    fn values(&self) -> Vec<(f64, u64)> {
        let coins = [(0.0, self.zeros), (1.0, self.ones)].into_iter().filter(|(_, count)| *count > 0);
        coins.chain(self.times.values()).collect()
    }
}

/// The series that a query names.
enum Series<'a> {
    Lambda { function: Option<&'a str>, resource: Option<&'a str>, version: Option<&'a str> },
    Stage { api_name: &'a str, stage: Option<&'a str> },
    HttpStage { id: &'a str, stage: Option<&'a str> },
}

impl<'a> Series<'a> {
    /// `None` for a series that AWS does not emit: another set of dimensions, another namespace.
    fn of(query: &'a MetricQuery) -> Option<Self> {
        let dimensions: Vec<(&str, &str)> =
            query.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let lambda = |function, resource, version| Some(Self::Lambda { function, resource, version });
        match (query.namespace.as_str(), dimensions.as_slice()) {
            ("AWS/Lambda", []) => lambda(None, None, None),
            ("AWS/Lambda", [("FunctionName", f)]) => lambda(Some(f), None, None),
            ("AWS/Lambda", [("FunctionName", f), ("Resource", r)]) => lambda(Some(f), Some(r), None),
            ("AWS/Lambda", [("ExecutedVersion", v), ("FunctionName", f), ("Resource", r)]) => {
                lambda(Some(f), Some(r), Some(v))
            }
            ("AWS/ApiGateway", [("ApiName", api_name)]) => Some(Self::Stage { api_name, stage: None }),
            ("AWS/ApiGateway", [("ApiName", api_name), ("Stage", s)]) => Some(Self::Stage { api_name, stage: Some(s) }),
            ("AWS/ApiGateway", [("ApiId", id)]) => Some(Self::HttpStage { id, stage: None }),
            ("AWS/ApiGateway", [("ApiId", id), ("Stage", s)]) => Some(Self::HttpStage { id, stage: Some(s) }),
            _ => None,
        }
    }
}

fn refused(message: impl Into<String>) -> AwsError {
    AwsError::rejected(400, "ValidationError", message)
}

impl Account {
    /// Adds invocations of a version through an alias that splits its calls, in the minute of a time: `errors` of `calls`
    /// failed.
    pub fn put_invocations(
        &mut self,
        at: Timestamp,
        function: &FunctionName,
        alias: &AliasName,
        version: u64,
        (calls, errors): (u64, u64),
    ) {
        let (function, qualifier) = (function.clone(), Some(alias.to_string()));
        let what = Invoked { function, qualifier, version: Version::Number(version), weighted: true };
        let cell = self.metrics.row(minute_of(at)).invocations.entry(what).or_default();
        cell.count += calls;
        cell.errors += errors;
    }

    pub(super) fn metric_data(&self, call: &GetMetricData) -> Result<MetricPage, AwsError> {
        if call.queries.len() > QUERIES {
            return Err(refused(format!(
                "The collection MetricDataQueries must not have a size greater than {QUERIES}."
            )));
        }
        let (from, to) = (minute_of(call.start), minute_of(call.end));
        if from >= to {
            return Err(refused("The parameter EndTime must be greater than StartTime."));
        }
        let series = call.queries.iter().map(|query| self.series(query, from, to)).collect::<Result<Vec<_>, _>>()?;
        page(series, call.next.as_deref())
    }

    fn series(&self, query: &MetricQuery, from: i64, to: i64) -> Result<MetricSeries, AwsError> {
        check(query)?;
        if let Some(code) = self.settings.metric_failures.get(&query.metric) {
            return Ok(MetricSeries { points: BTreeMap::new(), failure: Some(code.clone()) });
        }
        Ok(MetricSeries { points: self.points(query, from, to, self.now()), failure: None })
    }

    /// The points of a series as they are public at a time. Periods begin at `from`.
    pub(super) fn points(&self, query: &MetricQuery, from: i64, to: i64, at: Timestamp) -> BTreeMap<Timestamp, f64> {
        let (Some(series), Some(statistic)) = (Series::of(query), Statistic::parse(&query.stat)) else {
            return BTreeMap::new();
        };
        let period = i64::from(query.period_s / 60).max(1);
        let mut periods: BTreeMap<i64, Vec<Samples>> = BTreeMap::new();
        for (minute, row) in self.metrics.rows(from, to) {
            let samples = self.public(&series, query, (minute, row), at);
            periods.entry((minute - from) / period).or_default().push(samples);
        }
        let value = |samples: &[Samples]| statistic.of(&Samples::sum(samples).values());
        let point = |(number, samples): (i64, Vec<Samples>)| Some((start_of(from + number * period), value(&samples)?));
        periods.into_iter().filter_map(point).collect()
    }

    /// The samples of one minute that are public at a time.
    fn public(&self, series: &Series<'_>, query: &MetricQuery, (minute, row): (i64, &Row), at: Timestamp) -> Samples {
        let age = minute_of(at) - minute - 1;
        if age < 0 {
            return Samples::default();
        }
        let (on_time, late) = self.emitted(series, &query.metric, row, minute_of(at));
        let mut public = match &self.load {
            None => on_time,
            Some(flow) => {
                let dimensions = query.dimensions.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
                let stream: Vec<&str> = ["published", query.metric.as_str()].into_iter().chain(dimensions).collect();
                let dice = draw::dice(flow.load().seed, minute, &stream);
                reveal::reveal(&on_time, &flow.load().lag, query.metric == "Errors", age, dice)
            }
        };
        public.add(&late);
        public
    }

    /// All samples of one minute: those reported on time, and those of hung invocations that are public at `now`.
    fn emitted(&self, series: &Series<'_>, metric: &str, row: &Row, now: i64) -> (Samples, Samples) {
        let (mut on_time, mut late) = (Vec::new(), Vec::new());
        match series {
            Series::Lambda { function, resource, version } => {
                for (what, cell) in &row.invocations {
                    let named = function.is_none_or(|name| what.function.as_str() == name)
                        && resource.is_none_or(|resource| what.is_resource(resource))
                        && version.is_none_or(|version| self.carries_version(what, metric, version));
                    if named {
                        on_time.push(self.invocations(metric, cell));
                        late.extend(hung(metric, cell, now));
                    }
                }
            }
            Series::Stage { api_name, stage } => {
                for ((api, name), cell) in &row.requests {
                    let named = self.apis.get(api).is_some_and(|api| api.live.api.name == *api_name);
                    if named && stage.is_none_or(|stage| name.as_str() == stage) {
                        on_time.push(requests(metric, cell));
                    }
                }
            }
            Series::HttpStage { id, stage } => {
                for ((api, name), cell) in &row.requests {
                    let named = api.as_str() == *id && self.http_apis.contains_key(api);
                    if named && stage.is_none_or(|stage| name.as_str() == stage) {
                        on_time.push(http_requests(metric, cell));
                    }
                }
            }
        }
        (Samples::sum(&on_time), Samples::sum(&late))
    }

    fn carries_version(&self, what: &Invoked, metric: &str, version: &str) -> bool {
        what.by_alias()
            && (what.weighted || self.settings.executed_version_without_weights)
            && (metric != "Throttles" || self.settings.throttles_name_version)
            && (metric != "Duration" || self.settings.durations_name_version)
            && what.version.to_string() == version
    }

    fn invocations(&self, metric: &str, cell: &Invocations) -> Samples {
        match metric {
            "Invocations" => Samples::coins(cell.count, 0),
            "Errors" if self.settings.errors_emit_zero => Samples::coins(cell.errors, cell.count - cell.errors),
            "Errors" => Samples::coins(cell.errors, 0),
            "Throttles" => Samples::coins(cell.throttles, 0),
            "Duration" => Samples::times(cell.durations.clone()),
            _ => Samples::default(),
        }
    }
}

fn hung(metric: &str, cell: &Invocations, now: i64) -> Vec<Samples> {
    let public = cell.hung.iter().filter(|hung| hung.public_from <= now);
    let samples = public.map(|hung| match metric {
        "Invocations" | "Errors" => Samples::coins(hung.count, 0),
        "Duration" => Samples::times(Durations::of_ms(hung.took_ms, hung.count)),
        _ => Samples::default(),
    });
    samples.collect()
}

/// 5XX and 4XX are samples of 0 or 1 per request: their Average is the rate (aws-semantics §8.2).
fn requests(metric: &str, cell: &Requests) -> Samples {
    match metric {
        "Count" => Samples::coins(cell.count, 0),
        "5XXError" => Samples::coins(cell.server_errors, cell.count - cell.server_errors),
        "4XXError" => Samples::coins(cell.client_errors, cell.count - cell.client_errors),
        "Latency" => Samples::times(cell.latency.clone()),
        _ => Samples::default(),
    }
}

/// HTTP APIs name the same things otherwise (aws-semantics §8.2).
fn http_requests(metric: &str, cell: &Requests) -> Samples {
    match metric {
        "5xx" => requests("5XXError", cell),
        "4xx" => requests("4XXError", cell),
        "Count" | "Latency" => requests(metric, cell),
        _ => Samples::default(),
    }
}

fn check(query: &MetricQuery) -> Result<(), AwsError> {
    if query.period_s == 0 || !query.period_s.is_multiple_of(60) {
        return Err(refused(format!("Invalid period: {}. It must be a multiple of 60", query.period_s)));
    }
    if Statistic::parse(&query.stat).is_none() {
        return Err(refused(format!("The value {} for parameter Stat is not supported", query.stat)));
    }
    Ok(())
}

/// One page of the points of all series, in their order; the token is the number of points before it.
fn page(mut series: Vec<MetricSeries>, token: Option<&str>) -> Result<MetricPage, AwsError> {
    let skip: usize = token.map_or(Ok(0), str::parse).map_err(|_| refused("Invalid NextToken"))?;
    let all: usize = series.iter().map(|series| series.points.len()).sum();
    let mut seen = 0;
    for series in &mut series {
        series.points.retain(|_, _| {
            seen += 1;
            (skip + 1..=skip + POINTS).contains(&seen)
        });
    }
    Ok(MetricPage { series, next: (all > skip + POINTS).then(|| (skip + POINTS).to_string()) })
}
