//! CloudWatch: metrics and alarms.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One series of `GetMetricData`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricQuery {
    /// `AWS/Lambda` or `AWS/ApiGateway`.
    pub namespace: String,
    /// Such as `Errors`.
    pub metric: String,
    /// Dimension → value; all of them, a subset names another series (aws-semantics §8.1).
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`, `SampleCount`, `p99`, `TC(:384.9)`, …
    pub stat: String,
    /// Seconds, a multiple of 60.
    pub period_s: u32,
}

/// The points of one series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricSeries {
    /// Start of the period → value. No activity is no point, not zero.
    pub points: BTreeMap<Timestamp, f64>,
    /// Why CloudWatch did not answer for this series (`InternalError`, `Forbidden`), if it did not.
    pub failure: Option<String>,
}

/// One page of the answer of `GetMetricData`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricPage {
    /// In the order of the queries; the points of one series may continue on the next page.
    pub series: Vec<MetricSeries>,
    /// Token of the next page.
    pub next: Option<String>,
}

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmValue {
    /// Within its limits.
    Ok,
    /// Outside.
    Alarm,
    /// It cannot tell.
    InsufficientData,
}

/// A CloudWatch alarm, metric or composite (`DescribeAlarms`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmState {
    /// Its name.
    pub name: String,
    /// What it says.
    pub value: AlarmValue,
    /// Its reason in CloudWatch's words.
    pub reason: Option<String>,
    /// Since when it says so (`StateTransitionedTimestamp`, else `StateUpdatedTimestamp`).
    pub since: Option<Timestamp>,
    /// `EVALUATION_FAILURE`, `EVALUATION_ERROR` or `PARTIAL_DATA`, when it is not evaluated as it should be.
    pub evaluation: Option<String>,
}
