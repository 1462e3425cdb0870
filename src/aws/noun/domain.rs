//! Custom domain names: what sends a request that comes by one to a stage.

use serde::{Deserialize, Serialize};

use crate::model::{ApiId, StageName};

/// A custom domain name (`GetDomainName` of either service).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainName {
    /// The name; a wildcard one begins with `*.`.
    pub name: String,
    /// What is asked for the stage.
    pub routing_mode: RoutingMode,
    /// Where it can be called; absent where AWS says none.
    pub endpoint_type: Option<EndpointType>,
}

/// Where a custom domain name can be called (API model, `EndpointType`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndpointType {
    /// At the edge; only the older API manages it, and only REST APIs are mapped to it.
    Edge,
    /// In its region.
    Regional,
    /// In a VPC. Its name alone does not identify it.
    Private,
    /// One that this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl From<&str> for EndpointType {
    fn from(word: &str) -> Self {
        match word {
            "EDGE" => Self::Edge,
            "REGIONAL" => Self::Regional,
            "PRIVATE" => Self::Private,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What a custom domain name asks for the stage of a request (API model, `RoutingMode`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoutingMode {
    /// Its mappings; also of a name that says nothing.
    #[default]
    ApiMappingOnly,
    /// Its routing rules.
    RoutingRuleOnly,
    /// Its routing rules, and where none matches its mappings.
    RoutingRuleThenApiMapping,
    /// One that this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl RoutingMode {
    /// Whether routing rules have a say.
    pub const fn asks_rules(&self) -> bool {
        matches!(self, Self::RoutingRuleOnly | Self::RoutingRuleThenApiMapping)
    }

    /// Whether mappings have a say.
    pub const fn asks_mappings(&self) -> bool {
        matches!(self, Self::ApiMappingOnly | Self::RoutingRuleThenApiMapping)
    }

    /// The word as AWS writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ApiMappingOnly => "API_MAPPING_ONLY",
            Self::RoutingRuleOnly => "ROUTING_RULE_ONLY",
            Self::RoutingRuleThenApiMapping => "ROUTING_RULE_THEN_API_MAPPING",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for RoutingMode {
    fn from(word: &str) -> Self {
        let known = [Self::ApiMappingOnly, Self::RoutingRuleOnly, Self::RoutingRuleThenApiMapping];
        known.into_iter().find(|mode| mode.as_str() == word).unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

/// A base path of a custom domain name and the stage it leads to (`ApiMapping`, `BasePathMapping`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApiMapping {
    /// Its id; the older API has none.
    pub id: Option<String>,
    /// One or more segments without slashes around them; empty for all requests that no other mapping takes.
    pub base_path: String,
    /// The API.
    pub api: ApiId,
    /// The stage; none where the path names it after the base path (API model, `CreateBasePathMapping`: `(none)`).
    pub stage: Option<StageName>,
}

impl ApiMapping {
    /// How AWS writes a base path or stage that is none (API model).
    pub const NONE: &'static str = "(none)";

    /// A base path as either service writes it: absent, empty and `(none)` are one.
    pub fn base_path_of(written: Option<String>) -> String {
        let written = written.filter(|text| text != Self::NONE).unwrap_or_default();
        written.trim_matches('/').to_owned()
    }
}

/// A routing rule of a custom domain name (`RoutingRule`). All of its conditions must match; one without any matches
/// every request (developer guide, routing rules).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRule {
    /// Its id.
    pub id: String,
    /// 1–1,000,000, no two alike; the lowest is asked first.
    pub priority: i32,
    /// What must be so.
    pub conditions: Vec<RuleCondition>,
    /// What then happens; none where this version does not know it.
    pub action: Option<InvokeApi>,
}

/// A condition of a routing rule: what it names must match. One that names neither is of a kind this version does not
/// know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCondition {
    /// The path must begin with any of these (`matchBasePaths.anyOf`).
    pub base_paths: Option<Vec<String>>,
    /// Any of these headers must match (`matchHeaders.anyOf`).
    pub headers: Option<Vec<HeaderGlob>>,
}

/// A header and what it must say (`RoutingRuleMatchHeaderValue`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderGlob {
    /// The header's name, in any case.
    pub header: String,
    /// The whole value, in this case; `*` at its beginning, its end or both stands for any text, elsewhere for itself
    /// (developer guide, routing rules).
    pub value_glob: String,
}

/// The stage that a routing rule leads to (`RoutingRuleActionInvokeApi`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokeApi {
    /// The API.
    pub api: ApiId,
    /// The stage.
    pub stage: StageName,
    /// Whether the base path that matched is taken away before the API looks for a route.
    pub strip_base_path: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_nobody_knows_yet_keeps_its_word_and_asks_nothing() {
        for word in ["API_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_API_MAPPING", "SOMETHING_NEW"] {
            let mode = RoutingMode::from(word);
            assert_eq!(mode.as_str(), word);
            assert_eq!(serde_json::to_value(&mode).unwrap(), word);
            assert_eq!(serde_json::from_value::<RoutingMode>(word.into()).unwrap(), mode);
            assert_eq!(mode.asks_rules() || mode.asks_mappings(), word != "SOMETHING_NEW");
        }
    }

    #[test]
    fn every_way_to_write_no_base_path_is_one() {
        for written in [None, Some(""), Some("(none)"), Some("/")] {
            assert_eq!(ApiMapping::base_path_of(written.map(str::to_owned)), "");
        }
        assert_eq!(ApiMapping::base_path_of(Some("/orders/v1/".into())), "orders/v1");
    }
}
