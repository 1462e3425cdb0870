//! `[target.NAME.stage_settings]` and `domains`: what `drift` and `doctor` compare the live stage with.

use std::str::FromStr;

use serde_json::{Value, json};
use toml::Spanned;

use super::document::{FromToml, Node};
use super::resolve::Merged;
use super::value::from_words;
use crate::model::{InvalidName, LogLevel, StageRef, Throttle, WantedStage};
use crate::problem::{Code, Problem};

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

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[a-z0-9_-]+([.][a-z0-9_-]+)+(/.*[^/])?$" })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        node.text::<Self>()?.parse().map_err(|error: InvalidName| {
            node.problem(Code::BadValue, format!("`{}` is not a valid domain", node.path), error.rule)
        })
    }
}

from_words! {
    LogLevel => "\"OFF\", \"ERROR\" or \"INFO\"" [("OFF", Self::Off), ("ERROR", Self::Error), ("INFO", Self::Info)];
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
        let variables = keys.variables.iter().flat_map(Spanned::get_ref);
        let variables = variables.map(|(name, value)| (name.clone(), value.get_ref().0.clone())).collect();
        let flag = |value: &Option<Spanned<bool>>| value.as_ref().map(|value| *value.get_ref());
        Ok(WantedStage {
            variables,
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
