//! Lines for a recording: what [`Session`](super::Session) reads.

use serde_json::{Map, Value, json};

use crate::gate::judge::Case;
use crate::gate::minute::{Counts, History, Minute, Table};

/// The header of a recording, without its end of line. Minutes, step and holds of the case do not matter.
pub fn header_line(case: &Case<'_>) -> String {
    let schedule: Vec<Value> = case.steps.iter().map(|step| json!([step.weight, step.dwell])).collect();
    let functions: Vec<Value> = case.tables.iter().map(function).collect();
    let header = json!({
        "type": "start",
        "schedule": schedule,
        "functions": functions,
        "min_invocations": case.min_invocations,
        "config": case.settings,
    });
    header.to_string()
}

fn function(table: &Table) -> Value {
    let History { minutes, invocations, errors } = table.history;
    let known = table.slow_thresholds_ms.iter().all(|ms| ms.is_finite());
    json!({
        "name": table.name,
        "paired": table.paired,
        "slow_thresholds": table.slow_thresholds_ms.len(),
        "slow_thresholds_ms": known.then_some(&table.slow_thresholds_ms),
        "history": {"minutes": minutes, "invocations": invocations, "errors": errors},
    })
}

/// The lines of a tick: what of the case is `new` (function and minute), with the step and the holds on the last one.
/// A minute that the case does not have is left out.
pub fn tick_lines<'a>(case: &Case<'_>, new: impl IntoIterator<Item = (&'a str, u32)>) -> Vec<String> {
    let found = |(name, minute): (&'a str, u32)| {
        let table = case.tables.iter().find(|table| table.name == name)?;
        table.minutes.get(&minute).map(|numbers| news(name, minute, numbers))
    };
    let mut lines: Vec<Map<String, Value>> = new.into_iter().filter_map(found).collect();
    if lines.is_empty() {
        lines.push(Map::from_iter([("minute".to_owned(), Value::Null)]));
    }
    let last = lines.len() - 1;
    for (at, line) in lines.iter_mut().enumerate() {
        line.insert("now".into(), json!(case.now));
        if at < last {
            line.insert("more".into(), json!(true));
            continue;
        }
        line.insert("step".into(), json!(case.step));
        line.insert("step_start".into(), json!(case.step_start));
        if !case.holds.is_empty() {
            line.insert("holds".into(), json!(case.holds));
        }
    }
    lines.into_iter().map(|line| Value::Object(line).to_string()).collect()
}

fn news(name: &str, minute: u32, numbers: &Minute) -> Map<String, Value> {
    let mut line = Map::from_iter([
        ("function".to_owned(), json!(name)),
        ("minute".to_owned(), json!(minute)),
        ("weight".to_owned(), json!(numbers.weight)),
    ]);
    for (version, counts) in [("canary", &numbers.canary), ("baseline", &numbers.baseline)] {
        let Counts { invocations, errors, slow } = counts;
        line.insert(format!("{version}_invocations"), json!(invocations));
        line.insert(format!("{version}_errors"), json!(errors));
        line.insert(format!("{version}_slow"), json!(slow));
    }
    line
}
