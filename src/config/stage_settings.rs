//! `[target.NAME.stage_settings]` and `domains`: what `drift` and `doctor` compare the live stage with.

use std::collections::BTreeMap;
use std::str::FromStr;

use toml::Spanned;

use super::document::{FromToml, Node};
use super::resolve::Merged;
use super::value::{VariableName, choice};
use crate::model::{InvalidName, LogLevel, StageRef, Throttle, WantedStage};
use crate::problem::{Code, Problem};

/// The longest value of a stage variable (API Gateway quotas).
const VALUE_MAX: usize = 512;

/// A custom domain with its base path, without scheme: `api.example.com/checkout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DomainPath(pub String);

impl FromStr for DomainPath {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        };
        let rule = if text.contains("://") {
            "must have no scheme: \"api.example.com/checkout\""
        } else if !host.contains('.') || !host.split('.').all(label) {
            "must begin with a domain in lower case, such as \"api.example.com\""
        } else if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~$!*'(),%/".contains(&b))
            || text.ends_with('/')
        {
            "must have a base path without blanks and without a slash at its end"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(InvalidName { what: "domain", value: text.to_owned(), rule })
    }
}

impl FromToml for DomainPath {
    const WANTED: &'static str = "a domain in quotes, such as \"api.example.com/checkout\"";

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        node.text::<Self>()?.parse().map_err(|error: InvalidName| {
            node.problem(Code::BadValue, format!("`{}` is not a valid domain", node.path), error.rule)
        })
    }
}

impl FromToml for LogLevel {
    const WANTED: &'static str = "\"OFF\", \"ERROR\" or \"INFO\"";

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        choice(node, &[("OFF", Self::Off), ("ERROR", Self::Error), ("INFO", Self::Info)])
    }
}

/// Stage variables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables(pub BTreeMap<String, String>);

impl FromToml for Variables {
    const WANTED: &'static str = "a table of variables, such as { lambdaAlias = \"live\" }";

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let table = node.value.as_table().ok_or_else(|| node.wrong_type::<Self>())?;
        let mut all = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let child = node.child(node.inside(name), value);
            if let Err(error) = name.parse::<VariableName>() {
                return Err(child.problem(
                    Code::BadValue,
                    format!("`{name}` is not a valid {}", error.what),
                    error.rule,
                ));
            }
            let text = child.text::<Self>()?;
            // aws-semantics §5
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&b);
            if text.is_empty() || text.len() > VALUE_MAX || !text.bytes().all(plain) {
                let rule = "must be 1–512 letters, digits or -._~:/?#&=, because API Gateway takes nothing else";
                return Err(child.problem(Code::BadValue, format!("`{}` is not a valid value", child.path), rule));
            }
            all.insert(name.to_owned(), text.to_owned());
        }
        Ok(Self(all))
    }
}

impl Merged<'_> {
    /// Where clients find the stage.
    pub(super) fn domains(&self, stage: Option<&StageRef>) -> Result<Vec<String>, Problem> {
        let Some(domains) = self.get(|keys| keys.domains.as_ref()) else { return Ok(Vec::new()) };
        self.need_stage("domains", domains, stage)?;
        Ok(domains.get_ref().iter().map(|domain| domain.get_ref().0.clone()).collect())
    }

    /// What the stage should be set to.
    pub(super) fn stage_settings(&self, stage: Option<&StageRef>) -> Result<WantedStage, Problem> {
        let Some(table) = self.get(|keys| keys.stage_settings.as_ref()) else { return Ok(WantedStage::default()) };
        self.need_stage("stage_settings", table, stage)?;
        let keys = table.get_ref();
        let throttle = keys.throttle.as_ref().map(|throttle| {
            let keys = throttle.get_ref();
            match (&keys.rate, &keys.burst) {
                (Some(rate), Some(burst)) => Ok(Throttle { rate: rate.get_ref().0, burst: burst.get_ref().0 }),
                _ => {
                    let what = format!("the throttle of target {} is not complete", self.name);
                    let note = "write both: { rate = 1000, burst = 2000 }";
                    Err(self.problem(Code::MissingKey, what, throttle, note))
                }
            }
        });
        let flag = |value: &Option<Spanned<bool>>| value.as_ref().map(|value| *value.get_ref());
        Ok(WantedStage {
            variables: keys.variables.as_ref().map(|all| all.get_ref().0.clone()).unwrap_or_default(),
            logging: keys.logging.as_ref().map(|level| *level.get_ref()),
            metrics: flag(&keys.metrics),
            tracing: flag(&keys.tracing),
            throttle: throttle.transpose()?,
            cache: flag(&keys.cache),
            access_log: flag(&keys.access_log),
        })
    }

    fn need_stage<T>(&self, key: &str, at: &Spanned<T>, stage: Option<&StageRef>) -> Result<(), Problem> {
        if stage.is_some() {
            return Ok(());
        }
        let what = format!("target {} has `{key}` and no stage that they could be about", self.name);
        Err(self.problem(Code::Contradiction, what, at, "add `api` and `stage`, or remove it"))
    }
}
