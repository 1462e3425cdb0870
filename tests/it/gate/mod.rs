//! The canary gate: the reference's numbers, the mistakes that were made on the way to it, its validity, and the format in
//! which other programs talk to it.

mod format;
mod functions;
mod mistakes;
mod power;
#[cfg(feature = "live")]
mod program;
mod replayed;
mod restart;
mod simulate;
mod validity;
mod vectors;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stagegate::gate::interchange::{Answer, Session};
use stagegate::gate::{Case, Counts, History, Judgement, Minute, Settings, Step, Table, Wishes, judge};

/// The usual three steps.
const STEPS: [Step; 3] =
    [Step { weight: 0.05, dwell: 10.0 }, Step { weight: 0.25, dwell: 10.0 }, Step { weight: 0.5, dwell: 10.0 }];

fn counts(invocations: u64, errors: u64) -> Counts {
    Counts { invocations, errors, slow: Vec::new() }
}

/// A minute without latency: canary invocations and errors, baseline invocations and errors.
fn minute(weight: f64, numbers: [u64; 4]) -> Minute {
    let [nc, xc, nb, xb] = numbers;
    Minute { weight, canary: counts(nc, xc), baseline: counts(nb, xb) }
}

/// A function with a history of 108 errors in 108000 invocations over 180 minutes, and these minutes from 0.
fn table(minutes: impl IntoIterator<Item = Minute>) -> Table {
    Table {
        name: "checkout-api".into(),
        history: History { minutes: 180.0, invocations: 108_000, errors: 108 },
        paired: true,
        slow_thresholds_ms: Vec::new(),
        minutes: (0..).zip(minutes).collect(),
    }
}

/// Judges the first step at `now`.
fn judged(settings: &Settings, tables: &[Table], now: u32) -> Judgement {
    judge(&Case { settings, steps: &STEPS, step: 0, step_start: 0, now, tables, holds: &[], min_invocations: 0 })
}

fn header() -> Value {
    json!({"type": "start", "schedule": [[0.05, 10], [0.25, 10], [0.5, 10]], "slow_thresholds": 0, "paired": true,
        "history": {"minutes": 180, "invocations": 108_000, "errors": 108}})
}

fn row(now: u32, at: u32, weight: f64, numbers: [u64; 4]) -> Value {
    let [nc, xc, nb, xb] = numbers;
    json!({"now": now, "minute": at, "weight": weight, "canary_invocations": nc, "canary_errors": xc,
        "baseline_invocations": nb, "baseline_errors": xb})
}

/// What the last of these lines is answered with.
fn told(wishes: Wishes, lines: &[Value]) -> Judgement {
    let mut session = Session::new(wishes);
    let answers = lines.iter().map(|line| session.take(&line.to_string()).unwrap());
    match answers.last() {
        Some(Some(Answer::Judged(judgement))) => *judgement,
        other => panic!("{other:?}"),
    }
}

fn minutes_of(table: &Table) -> &BTreeMap<u32, Minute> {
    &table.minutes
}
