//! A line of the interchange format as a value.

use serde_json::Value;

use super::fields::{Fields, Wrong};
use crate::gate::minute::{Counts, History, Minute, Step, Table};
use crate::gate::settings::Settings;

/// Latency thresholds of a header that says nothing about them.
const THRESHOLDS: usize = 2;

/// The first line: what is rolled out, and how it is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// As recorded.
    pub settings: Settings,
    /// The steps below 100 %.
    pub steps: Vec<Step>,
    /// The functions, without minutes.
    pub tables: Vec<Table>,
    /// Requests that the canaries must have served in a step.
    pub min_invocations: u64,
}

/// Any other line.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whole minutes since the canary began.
    pub now: u32,
    /// What is new.
    pub news: Option<News>,
    /// More lines of this tick follow.
    pub more: bool,
    /// The step and the minute at whose beginning it began.
    pub step: Option<(usize, u32)>,
    /// What forbids a promotion at this tick.
    pub holds: Vec<String>,
}

/// A minute of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// The function; its name may be left out if there is one.
    pub function: Option<String>,
    /// The minute.
    pub minute: u32,
    /// Its numbers.
    pub numbers: Minute,
    /// The versions of which the line says that their slow requests are not known: an empty list, not one left out.
    pub slow_unknown: Vec<&'static str>,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// The first one.
    Header(Header),
    /// Any other.
    Row(Row),
}

impl Line {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let value: Value = serde_json::from_str(text).map_err(|error| Wrong::line(format!("is not JSON: {error}")))?;
        let fields = Fields::of(&value).ok_or_else(|| Wrong::line("is no JSON object"))?;
        if fields.text("type")?.as_deref() == Some("start") {
            header(&fields).map(Self::Header)
        } else {
            row(&fields).map(Self::Row)
        }
    }
}

fn header(fields: &Fields<'_>) -> Result<Header, Wrong> {
    let settings = match fields.object("config")? {
        Some(config) => Settings::from_config(config.map())?,
        None => Settings::default(),
    };
    Ok(Header {
        settings,
        steps: steps(fields)?,
        tables: tables(fields)?,
        min_invocations: fields.count("min_invocations")?.unwrap_or(0),
    })
}

fn steps(fields: &Fields<'_>) -> Result<Vec<Step>, Wrong> {
    let list = fields.need("schedule", fields.list("schedule")?)?;
    let mut steps = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let name = format!("schedule[{at}]");
        let pair: Option<Vec<f64>> = value.as_array().and_then(|pair| pair.iter().map(Value::as_f64).collect());
        let (weight, dwell) = match pair.as_deref() {
            Some([weight, dwell]) => (*weight, *dwell),
            _ => return Err(fields.wrong(&name, format!("must be [weight, minutes]; it is {value}"))),
        };
        if !(0.0..=1.0).contains(&weight) || !(0.0..=1_000_000.0).contains(&dwell) {
            return Err(fields.wrong(&name, "must have a weight from 0 to 1 and 0 to 1000000 minutes"));
        }
        if weight < 1.0 {
            steps.push(Step { weight, dwell });
        }
    }
    if steps.is_empty() { Err(fields.wrong("schedule", "has no step below 100 %")) } else { Ok(steps) }
}

/// Thresholds in ms. A count without limits stands for limits that nobody has told.
fn thresholds(fields: &Fields<'_>) -> Result<Option<Vec<f64>>, Wrong> {
    let named = fields.amounts("slow_thresholds_ms")?;
    let Some(count) = fields.count("slow_thresholds")? else { return Ok(named) };
    let count = usize::try_from(count).ok().filter(|count| *count <= 16);
    let count = count.ok_or_else(|| fields.wrong("slow_thresholds", "must be at most 16"))?;
    let mut limits = named.unwrap_or_default();
    limits.resize(count, f64::NAN);
    Ok(Some(limits))
}

fn history(fields: &Fields<'_>) -> Result<Option<History>, Wrong> {
    let Some(history) = fields.object("history")? else { return Ok(None) };
    Ok(Some(History {
        minutes: history.amount("minutes")?.unwrap_or(0.0),
        invocations: history.count("invocations")?.unwrap_or(0),
        errors: history.count("errors")?.unwrap_or(0),
    }))
}

fn tables(fields: &Fields<'_>) -> Result<Vec<Table>, Wrong> {
    let common = Table {
        name: fields.text("function")?.unwrap_or_else(|| "canary".to_owned()),
        history: history(fields)?.unwrap_or_default(),
        paired: fields.flag("paired")?.unwrap_or(true),
        slow_thresholds_ms: thresholds(fields)?.unwrap_or_else(|| vec![f64::NAN; THRESHOLDS]),
        minutes: std::collections::BTreeMap::new(),
    };
    let Some(functions) = fields.objects("functions")? else { return Ok(vec![common]) };
    let mut tables: Vec<Table> = Vec::new();
    for function in functions {
        let name = function.need("name", function.text("name")?)?;
        if tables.iter().any(|table| table.name == name) {
            return Err(function.wrong("name", format!("is there twice: {name}")));
        }
        tables.push(Table {
            name,
            history: history(&function)?.unwrap_or(common.history),
            paired: function.flag("paired")?.unwrap_or(common.paired),
            slow_thresholds_ms: thresholds(&function)?.unwrap_or_else(|| common.slow_thresholds_ms.clone()),
            minutes: std::collections::BTreeMap::new(),
        });
    }
    if tables.is_empty() { Err(fields.wrong("functions", "must hold at least one function")) } else { Ok(tables) }
}

fn row(fields: &Fields<'_>) -> Result<Row, Wrong> {
    let now = fields.need("now", fields.minute("now")?)?;
    let step = match fields.count("step")? {
        Some(step) => {
            let start = fields.need("step_start", fields.minute("step_start")?)?;
            Some((usize::try_from(step).unwrap_or(usize::MAX), start))
        }
        None => None,
    };
    let news = match fields.minute("minute")? {
        None => None,
        Some(minute) => {
            let is_empty = |version: &&str| {
                fields.get(&format!("{version}_slow")).and_then(Value::as_array).is_some_and(Vec::is_empty)
            };
            let slow_unknown = ["canary", "baseline"].into_iter().filter(is_empty).collect();
            Some(News { function: fields.text("function")?, minute, numbers: numbers(fields)?, slow_unknown })
        }
    };
    let more = fields.flag("more")?.unwrap_or(false);
    Ok(Row { now, news, more, step, holds: fields.texts("holds")?.unwrap_or_default() })
}

fn numbers(fields: &Fields<'_>) -> Result<Minute, Wrong> {
    let counts = |version: &str| -> Result<Counts, Wrong> {
        let need = |what: &str| {
            let name = format!("{version}_{what}");
            fields.need(&name, fields.count(&name)?)
        };
        let slow = fields.counts(&format!("{version}_slow"))?.unwrap_or_default();
        Ok(Counts { invocations: need("invocations")?, errors: need("errors")?, slow })
    };
    Ok(Minute {
        weight: fields.need("weight", fields.share("weight")?)?,
        canary: counts("canary")?,
        baseline: counts("baseline")?,
    })
}
