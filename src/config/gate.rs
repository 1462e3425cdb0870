//! `[target.NAME.gate]`: what its values look like, and the policy that they make.

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::document::{FromToml, Node};
use super::file::Gate;
use super::resolve::Merged;
use super::value::from_words;
use crate::model::{GatePolicy, OnInconclusive, Percent, Ratio, Reaction};
use crate::problem::{Code, Problem};

/// The most alarms that one look can ask for (DescribeAlarms: `AlarmNames` ≤ 100).
const ALARMS_MAX: usize = 100;
/// The longest name of an alarm (botocore model).
const ALARM_NAME_MAX: usize = 255;
/// What `max_slow_ratio` can be, thousandths.
const RATIOS: std::ops::RangeInclusive<f64> = 1000.0..=10_000.0;

/// A percentage from `MIN` to `MAX` hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share<const MIN: u32, const MAX: u32>(pub Percent);

impl<const MIN: u32, const MAX: u32> FromToml for Share<MIN, MAX> {
    const WANTED: &'static str = Percent::WANTED;

    fn schema() -> Value {
        Percent::schema()
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let percent = Percent::from_toml(node)?;
        let bound = |hundredths| Percent::from_hundredths(hundredths).unwrap_or(Percent::ALL);
        if (bound(MIN)..=bound(MAX)).contains(&percent) {
            return Ok(Self(percent));
        }
        let what = format!("`{}` is out of range", node.path);
        Err(node.problem(Code::BadValue, what, format!("must be {} to {}", bound(MIN), bound(MAX))))
    }
}

/// A limit, or none for `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit(pub Option<Percent>);

impl FromToml for Limit {
    const WANTED: &'static str = "a percentage in quotes, such as \"5%\", or \"off\"";

    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "off" }, Percent::schema()] })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let text = node.text::<Self>()?;
        if text == "off" {
            return Ok(Self(None));
        }
        match text.parse::<Percent>() {
            Ok(percent) if percent > Percent::ZERO && percent < Percent::ALL => Ok(Self(Some(percent))),
            _ => {
                let what = format!("`{}` is not a valid limit", node.path);
                let note = "must be above 0% and below 100%, such as \"5%\" or \"0.25%\", or \"off\"";
                Err(node.problem(Code::BadValue, what, note))
            }
        }
    }
}

/// How many times as many slow requests are tolerated, or none for `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlowLimit(pub Option<Ratio>);

impl FromToml for SlowLimit {
    const WANTED: &'static str = "a number without quotes, such as 1.1, or \"off\"";

    fn schema() -> Value {
        let [least, most] = [RATIOS.start(), RATIOS.end()].map(|thousandths| thousandths / 1000.0);
        json!({ "anyOf": [{ "const": "off" }, { "type": "number", "minimum": least, "maximum": most }] })
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range and whole")]
    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let number = match node.value {
            DeValue::String(text) if text == "off" => return Ok(Self(None)),
            DeValue::Float(number) => number.as_str().parse::<f64>(),
            DeValue::Integer(number) => number.as_str().parse::<f64>(),
            _ => return Err(node.wrong_type::<Self>()),
        };
        let thousandths = number.unwrap_or(f64::NAN) * 1000.0;
        if RATIOS.contains(&thousandths) && (thousandths - thousandths.round()).abs() < 1e-6 {
            return Ok(Self(Some(Ratio(thousandths.round() as u32))));
        }
        let what = format!("`{}` is out of range", node.path);
        Err(node.problem(Code::BadValue, what, "must be 1.0 to 10.0 with at most three decimals, or \"off\""))
    }
}

/// Names of CloudWatch alarms, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alarms(pub Vec<String>);

impl FromToml for Alarms {
    const WANTED: &'static str = "a list of alarm names in [ ]";

    fn schema() -> Value {
        let name = json!({ "type": "string", "pattern": "\\S", "maxLength": ALARM_NAME_MAX });
        json!({ "type": "array", "items": name, "maxItems": ALARMS_MAX, "uniqueItems": true })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let items = node.value.as_array().ok_or_else(|| node.wrong_type::<Self>())?;
        let mut names: Vec<String> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let child = node.child(format!("{}[{index}]", node.path), item);
            let name = alarm(&child)?;
            let bad =
                |what: &str, note: &str| Err(child.problem(Code::BadValue, format!("`{}` {what}", node.path), note));
            if names.iter().any(|known| known == name) {
                return bad(&format!("names {name} twice"), "remove it");
            }
            if names.len() == ALARMS_MAX {
                return bad("has more than 100 alarms", "put several into one composite alarm, and name that");
            }
            names.push(name.to_owned());
        }
        Ok(Self(names))
    }
}

/// One name. CloudWatch finds no alarm by its ARN.
fn alarm<'d>(node: &Node<'d>) -> Result<&'d str, Problem> {
    let Some(name) = node.value.as_str() else {
        let what = format!("`{}` is no text", node.path);
        return Err(node.problem(Code::WrongType, what, "expected an alarm name in quotes"));
    };
    if name.starts_with("arn:") {
        let note = match name.split_once(":alarm:") {
            Some((_, bare)) => format!("write its name: \"{bare}\""),
            None => "write the alarm's name".to_owned(),
        };
        let problem = node.problem(Code::BadValue, format!("`{}` is an ARN", node.path), note);
        return Err(problem.why("alarms are looked up by name, in the account and region of the release"));
    }
    if name.trim().is_empty() || name.chars().count() > ALARM_NAME_MAX || name.chars().any(char::is_control) {
        let what = format!("`{}` is not a valid alarm name", node.path);
        return Err(node.problem(Code::BadValue, what, "must be 1 to 255 characters on one line"));
    }
    Ok(name)
}

from_words! {
    Reaction => "\"rollback\" or \"hold\"" [("rollback", Self::Rollback), ("hold", Self::Hold)];
    OnInconclusive => "\"hold\", \"promote\" or \"rollback\""
        [("hold", Self::Hold), ("promote", Self::Promote), ("rollback", Self::Rollback)];
}

impl<'c> Merged<'c> {
    /// A key of the target's table, or else of the defaults'.
    fn gate_key<T: Clone>(&self, key: fn(&'c Gate) -> Option<&'c Spanned<T>>) -> Option<T> {
        self.value(|keys| key(keys.gate.as_ref()?.get_ref()))
    }

    /// What judges the canary: key by key the target's own, that of the defaults, or else ours.
    pub(super) fn gate(&self) -> GatePolicy {
        let ours = GatePolicy::default();
        let or_ours = |limit: Option<Limit>, ours| limit.map_or(ours, |limit| limit.0);
        GatePolicy {
            max_error_rate: or_ours(self.gate_key(|gate| gate.max_error_rate.as_ref()), ours.max_error_rate),
            max_error_gap: self.gate_key(|gate| gate.max_error_gap.as_ref()).map_or(ours.max_error_gap, |gap| gap.0),
            max_slow_ratio: self
                .gate_key(|gate| gate.max_slow_ratio.as_ref())
                .map_or(ours.max_slow_ratio, |limit| limit.0),
            false_rollbacks: self
                .gate_key(|gate| gate.false_rollbacks.as_ref())
                .map_or(ours.false_rollbacks, |share| share.0),
            alarms: self.gate_key(|gate| gate.alarms.as_ref()).map_or(ours.alarms, |alarms| alarms.0),
            on_alarm: self.gate_key(|gate| gate.on_alarm.as_ref()).unwrap_or(ours.on_alarm),
            max_stage_errors: or_ours(self.gate_key(|gate| gate.max_stage_errors.as_ref()), ours.max_stage_errors),
            on_inconclusive: self.gate_key(|gate| gate.on_inconclusive.as_ref()).unwrap_or(ours.on_inconclusive),
            on_failure: self.value(|keys| keys.on.as_ref()?.get_ref().gate_failure.as_ref()).unwrap_or(ours.on_failure),
            early: self.gate_key(|gate| gate.early.as_ref()).unwrap_or(ours.early),
        }
    }
}
