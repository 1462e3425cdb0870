//! What is observed of functions: invocations and alarms, put alike into both accounts, and how they are asked for.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stagegate::aws::noun::{AlarmValue, MetricQuery};
use stagegate::aws::operation::GetMetricData;

use super::sides::{Sides, alias, function};

/// When a sequence begins in the World; all invocations were before.
pub fn began() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

/// How many minutes the invocations are spread over.
const MINUTES: usize = 20;

/// Invocations of one version in one minute, through an alias that splits its calls.
#[derive(Debug, Clone)]
pub struct Invoked {
    pub function: &'static str,
    pub alias: &'static str,
    pub version: u64,
    /// From 0 to [`MINUTES`], the first of them that much before [`began`].
    pub minute: usize,
    pub calls: u64,
    pub errors: u64,
}

impl Invoked {
    fn at(&self) -> Timestamp {
        minute(self.minute)
    }

    /// Dimensions as Lambda publishes them, the fullest last (aws-semantics §8.1).
    fn dimensions(&self) -> [Vec<(&'static str, String)>; 3] {
        let function = ("FunctionName", self.function.to_owned());
        let resource = ("Resource", format!("{}:{}", self.function, self.alias));
        let version = ("ExecutedVersion", self.version.to_string());
        [vec![function.clone()], vec![function.clone(), resource.clone()], vec![function, resource, version]]
    }
}

const STATISTICS: [&str; 10] =
    ["Sum", "Sum", "Sum", "SampleCount", "SampleCount", "SampleCount", "Average", "Minimum", "Maximum", "p90"];

fn minute(number: usize) -> Timestamp {
    let before = i64::try_from(MINUTES - number).unwrap();
    began() - SignedDuration::from_mins(before)
}

/// Asks for some series that the invocations belong to, over a part of the minutes.
pub fn query(of: &Invoked, random: &mut dyn FnMut(usize) -> usize) -> GetMetricData {
    let all = of.dimensions();
    let queries = (0..3).map(|_| MetricQuery {
        namespace: "AWS/Lambda".into(),
        metric: ["Errors", "Invocations"][random(2)].into(),
        dimensions: all[random(3)].iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        stat: STATISTICS[random(STATISTICS.len())].into(),
        period_s: [60, 60, 300][random(3)],
    });
    let queries: Vec<MetricQuery> = queries.collect();
    GetMetricData { queries, start: minute(random(8)), end: minute(MINUTES - random(8)), next: None }
}

impl Sides {
    /// What Lambda would publish for the invocations.
    pub fn invoke(&self, of: &Invoked) {
        let (calls, errors) = (of.calls, of.errors);
        let (name, through) = (function(of.function), alias(of.alias));
        self.world.edit(|world| world.put_invocations(of.at(), &name, &through, of.version, (calls, errors)));
        let datum = |(metric, least, sum): (&str, u64, u64), dimensions: &[(&str, String)]| {
            let dimensions: Vec<Value> =
                dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
            json!({ "MetricName": metric, "Dimensions": dimensions, "Timestamp": of.at().to_string(),
                "StatisticValues": { "SampleCount": calls, "Sum": sum, "Minimum": least, "Maximum": sum.min(1) } })
        };
        let metrics = [("Invocations", 1, calls), ("Errors", u64::from(errors == calls), errors)];
        let data: Vec<Value> =
            metrics.iter().flat_map(|metric| of.dimensions().map(|dimensions| datum(*metric, &dimensions))).collect();
        let data = json!({ "Namespace": "AWS/Lambda", "MetricData": data });
        self.account.must("cloudwatch", "put_metric_data", data);
    }

    /// Sets an alarm, which is made if it is missing.
    pub fn set_alarm(&mut self, name: &'static str, rings: bool) {
        if self.alarms.insert(name) {
            self.account.create_alarm(name);
        }
        let (value, text) = if rings { (AlarmValue::Alarm, "ALARM") } else { (AlarmValue::Ok, "OK") };
        self.world.edit(|world| world.put_alarm(name, value, began(), text));
        self.account.set_alarm(name, text, text);
    }
}
