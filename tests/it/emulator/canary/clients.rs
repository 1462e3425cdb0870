//! Clients of a shop, as CloudWatch would show them.
//!
//! Many more than the emulator could serve: nobody calls anything. Every few seconds it is read how AWS would split the
//! requests by now, and the numbers that Lambda and API Gateway would publish for them are put into CloudWatch, in the
//! dimensions that they use (aws-semantics §8.1, §8.2). All of it through the independent client.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::split::{Split, Way};
use crate::emulator::shop::{ALIAS, FUNCTION, STAGE, Shop};

/// How often numbers are put.
const TICK: Duration = Duration::from_secs(5);
/// Requests a second.
const RATE: f64 = 500.0;
/// Share of the requests that fail on a version with nothing wrong.
const USUAL: f64 = 0.002;
/// How far back there were clients before the test began, minutes.
const PAST_MINUTES: i64 = 185;

/// The clients of one shop.
pub struct Clients<'s> {
    /// Where they call.
    pub shop: &'s Shop,
    /// A version that fails, and the share of its requests that do.
    pub failing: Option<(&'static str, f64)>,
}

/// Sends the clients home, also when the test failed.
struct Home<'b>(&'b AtomicBool);

impl Drop for Home<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Clients<'_> {
    /// Runs a part of a test while they call, and have called for three hours.
    pub fn while_calling<R>(&self, test: impl FnOnce() -> R) -> R {
        let enough = AtomicBool::new(false);
        self.past();
        thread::scope(|scope| {
            scope.spawn(|| self.call(&enough));
            let _home = Home(&enough);
            test()
        })
    }

    fn call(&self, enough: &AtomicBool) {
        let mut since = Timestamp::now();
        while !enough.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            let now = Timestamp::now();
            self.put(&self.data(since, now.duration_since(since).as_secs_f64() * RATE, &Split::of(self.shop)));
            since = now;
        }
    }

    /// Five minutes in each number.
    fn past(&self) {
        let split = Split::of(self.shop);
        let now = Timestamp::now();
        let at = |minutes: i64| now - SignedDuration::from_mins(minutes);
        let data = (5..PAST_MINUTES).step_by(5).flat_map(|minutes| self.data(at(minutes), RATE * 300.0, &split));
        self.put(&data.collect::<Vec<_>>());
    }

    /// What is published for that many requests.
    fn data(&self, at: Timestamp, requests: f64, split: &Split) -> Vec<(&'static str, Value)> {
        let mut data = Vec::new();
        let mut all = (0.0, 0.0);
        for way in &split.ways {
            let mut of_alias = (0.0, 0.0);
            for (version, share) in &way.versions {
                let calls = (requests * way.share * share).round();
                let failed = (calls * self.failure(version)).round();
                of_alias = (of_alias.0 + calls, of_alias.1 + failed);
                data.extend(function_data(at, way, Some(version), calls, failed));
            }
            data.extend(function_data(at, way, None, of_alias.0, of_alias.1));
            all = (all.0 + of_alias.0, all.1 + of_alias.1);
        }
        // A function that fails behind a proxy integration is a 502 for the caller.
        let dimensions = json!([{"Name": "ApiName", "Value": "shop"}, {"Name": "Stage", "Value": STAGE}]);
        data.push(("AWS/ApiGateway", datum("Count", &dimensions, at, all.0, all.0)));
        data.push(("AWS/ApiGateway", datum("5XXError", &dimensions, at, all.0, all.1)));
        data
    }

    fn failure(&self, version: &str) -> f64 {
        self.failing.filter(|(failing, _)| *failing == version).map_or(USUAL, |(_, share)| share)
    }

    fn put(&self, data: &[(&'static str, Value)]) {
        for namespace in ["AWS/Lambda", "AWS/ApiGateway"] {
            let of_it: Vec<&Value> = data.iter().filter(|(of, _)| *of == namespace).map(|(_, datum)| datum).collect();
            let arguments = json!({"Namespace": namespace, "MetricData": of_it});
            self.shop.account.must("cloudwatch", "put_metric_data", arguments);
        }
    }
}

/// The series of an alias, or of one of its versions; nothing where nothing was called, as on AWS.
fn function_data(
    at: Timestamp,
    way: &Way,
    version: Option<&String>,
    calls: f64,
    failed: f64,
) -> Vec<(&'static str, Value)> {
    if calls == 0.0 {
        return Vec::new();
    }
    let mut dimensions = vec![
        json!({"Name": "FunctionName", "Value": FUNCTION}),
        json!({"Name": "Resource", "Value": format!("{FUNCTION}:{}", way.alias)}),
    ];
    dimensions.extend(version.map(|version| json!({"Name": "ExecutedVersion", "Value": version})));
    let dimensions = Value::Array(dimensions);
    [("Errors", failed), ("Invocations", calls)]
        .map(|(metric, sum)| ("AWS/Lambda", datum(metric, &dimensions, at, calls, sum)))
        .into()
}

/// `samples` requests of which `sum` count.
fn datum(metric: &str, dimensions: &Value, at: Timestamp, samples: f64, sum: f64) -> Value {
    let all = f64::from(u8::from(sum >= samples));
    let any = f64::from(u8::from(sum > 0.0));
    json!({"MetricName": metric, "Dimensions": dimensions, "Timestamp": at.to_string(),
        "StatisticValues": {"SampleCount": samples, "Sum": sum, "Minimum": all, "Maximum": any}})
}

/// The alias that a canary of the stage makes.
pub fn candidate_alias() -> String {
    format!("{ALIAS}-canary")
}
