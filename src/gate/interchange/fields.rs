//! Fields of a JSON object, each read with its rule.

use serde_json::{Map, Value};

use crate::gate::settings::BadSetting;

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadLine {
    /// The line, counted from 1.
    pub line: usize,
    /// The field, if one is to blame, such as `functions[0].history.minutes`.
    pub field: Option<String>,
    /// What is wrong, phrased to follow the field.
    pub rule: String,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "line {}: `{field}` {}", self.line, self.rule),
            None => write!(f, "line {} {}", self.line, self.rule),
        }
    }
}

/// What is wrong, before the number of the line is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub field: Option<String>,
    pub rule: String,
}

impl Wrong {
    pub fn line(rule: impl Into<String>) -> Self {
        Self { field: None, rule: rule.into() }
    }

    pub fn at(self, line: usize) -> BadLine {
        BadLine { line, field: self.field, rule: self.rule }
    }
}

impl From<BadSetting> for Wrong {
    fn from(bad: BadSetting) -> Self {
        Self { field: Some(format!("config.{}", bad.key)), rule: bad.rule }
    }
}

/// Minutes and ticks are below this: about two years, so that no line asks for endless work.
const MINUTE_END: u64 = 1_000_000;

/// An object and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(|object| Self { object, path: String::new() })
    }

    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub fn wrong(&self, name: &str, rule: impl Into<String>) -> Wrong {
        Wrong { field: Some(self.path(name)), rule: rule.into() }
    }

    /// What stands there; `null` is nothing.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub fn need<T>(&self, name: &str, value: Option<T>) -> Result<T, Wrong> {
        value.ok_or_else(|| self.wrong(name, "is missing"))
    }

    fn read<T>(&self, name: &str, want: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, Wrong> {
        self.get(name).map(|value| read(value).ok_or_else(|| self.wrong(name, unfit(want, value)))).transpose()
    }

    /// A number that is not negative.
    pub fn amount(&self, name: &str) -> Result<Option<f64>, Wrong> {
        self.read(name, "a number of at least 0", |value| value.as_f64().filter(|n| n.is_finite() && *n >= 0.0))
    }

    /// A share, 0–1.
    pub fn share(&self, name: &str) -> Result<Option<f64>, Wrong> {
        self.read(name, "a number from 0 to 1", |value| value.as_f64().filter(|n| (0.0..=1.0).contains(n)))
    }

    /// A whole number that is not negative.
    pub fn count(&self, name: &str) -> Result<Option<u64>, Wrong> {
        self.read(name, "a whole number of at least 0", whole)
    }

    pub fn counts(&self, name: &str) -> Result<Option<Vec<u64>>, Wrong> {
        let all = |value: &Value| value.as_array().and_then(|list| list.iter().map(whole).collect());
        self.read(name, "a list of whole numbers of at least 0", all)
    }

    pub fn amounts(&self, name: &str) -> Result<Option<Vec<f64>>, Wrong> {
        let amount = |value: &Value| value.as_f64().filter(|n| n.is_finite() && *n >= 0.0);
        let all = |value: &Value| value.as_array().and_then(|list| list.iter().map(amount).collect());
        self.read(name, "a list of numbers of at least 0", all)
    }

    /// A minute or a tick.
    pub fn minute(&self, name: &str) -> Result<Option<u32>, Wrong> {
        let minute = |value: &Value| whole(value).filter(|n| *n < MINUTE_END).and_then(|n| u32::try_from(n).ok());
        self.read(name, "a whole number from 0 to 999999", minute)
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Wrong> {
        self.read(name, "true or false", Value::as_bool)
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        self.read(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Wrong> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.read(name, "a list of texts", |value| value.as_array().and_then(|list| list.iter().map(text).collect()))
    }

    pub fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, Wrong> {
        self.read(name, "a list", Value::as_array)
    }

    pub fn object(&self, name: &str) -> Result<Option<Self>, Wrong> {
        let object = self.read(name, "an object", Value::as_object)?;
        Ok(object.map(|object| Self { object, path: self.path(name) }))
    }

    /// The objects of a list.
    pub fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, Wrong> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let each = list.iter().enumerate().map(|(at, value)| {
            let path = format!("{name}[{at}]");
            let object = value.as_object().ok_or_else(|| self.wrong(&path, unfit("an object", value)))?;
            Ok(Self { object, path: self.path(&path) })
        });
        each.collect::<Result<Vec<_>, _>>().map(Some)
    }

    pub const fn map(&self) -> &'a Map<String, Value> {
        self.object
    }
}

/// A whole number, also when it is written as 31.0.
fn whole(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=EXACT).contains(n)).map(|n| n as u64))
}

fn unfit(want: &str, value: &Value) -> String {
    let shown = value.to_string();
    let short: String = shown.chars().take(60).collect();
    let rest = if short.len() < shown.len() { "…" } else { "" };
    format!("must be {want}; it is {short}{rest}")
}
