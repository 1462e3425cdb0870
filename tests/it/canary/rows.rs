//! What the answers of CloudWatch become before they are judged.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use stagegate::aws::noun::{MetricQuery, MetricSeries};
use stagegate::gate::Minute;
use stagegate::metrics::{Arm, Before, Count, Pair, Past, history_window, minute_queries, read_minutes};
use stagegate::model::{Percent, Shift, Version};

fn began() -> Timestamp {
    "2026-11-21T14:03:20Z".parse().unwrap()
}

/// The second minute of a canary, in which the old version answered ten requests, two of them slowly.
fn minute(candidate: impl Fn(&MetricQuery) -> Option<f64>) -> Minute {
    let arm = |version| Arm { function: "orders".parse().unwrap(), alias: "live".parse().unwrap(), version };
    let number = |version| Some(Version::Number(version));
    let pairs = [Pair { candidate: arm(number(2)), stable: arm(number(1)), past: arm(None) }];
    let count = Count { errors: 0, samples: 1000, invocations: 1000 };
    let past = Past { count, thresholds_ms: vec![200.0, 400.0] };
    let before = Before { functions: vec![past], stage: (0, 0) };
    let stable = |query: &MetricQuery| match (query.metric.as_str(), query.stat.as_str()) {
        ("Errors", "Sum") => Some(0.0),
        ("Duration", stat) if stat.starts_with("TC") => Some(8.0),
        _ => Some(10.0),
    };
    let shift = Shift::begin(began());
    let at = shift.minute_zero() + Duration::from_secs(60);
    let answer = |query: &MetricQuery| {
        let value = if query.dimensions["ExecutedVersion"] == "1" { stable(query) } else { candidate(query) };
        MetricSeries { points: value.map(|value| (at, value)).into_iter().collect::<BTreeMap<_, _>>(), failure: None }
    };
    let answers: Vec<_> = minute_queries(&pairs, &before, None).iter().map(answer).collect();
    let mut shown = read_minutes(&answers, &pairs, &before, false, &shift, &[Percent::whole(5)]);
    shown.tables.remove(0).minutes.remove(&1).unwrap()
}

#[test]
fn a_version_without_requests_had_no_slow_ones_and_one_without_durations_is_unknown() {
    let quiet = minute(|_| None);
    assert_eq!((quiet.canary.invocations, quiet.canary.slow), (0, vec![0, 0]));
    assert_eq!((quiet.baseline.invocations, quiet.baseline.slow), (10, vec![2, 2]));
    let late = minute(|query| (query.metric == "Errors").then_some(1.0));
    assert_eq!((late.canary.invocations, late.canary.slow), (1, vec![]));
}

#[test]
fn the_past_that_is_looked_at_does_not_change_any_more() {
    for seconds in (0..600).step_by(7) {
        let began = began() + Duration::from_secs(seconds);
        let (start, end) = history_window(began);
        let age = began.duration_since(end).as_secs();
        assert!((20 * 60..25 * 60).contains(&age), "a function may run for 15 minutes, its metrics come later: {age}");
        assert_eq!((end.as_second() % 300, end.duration_since(start).as_secs()), (0, 180 * 60));
    }
}
