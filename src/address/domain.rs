//! Which stage a request by a custom domain name, or by an API's default endpoint, is sent to.

use super::path::{below, decoded, split_first};
use super::rule::{PassedRule, Verdict, judge};
use crate::aws::noun::{ApiMapping, DomainName, RoutingRule, Stage};
use crate::definition::LiveApi;
use crate::model::{ApiId, StageName, StageRef};

/// What AWS says of a custom domain name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomDomain {
    /// Its name and its routing mode.
    pub domain: DomainName,
    /// All of its mappings; none are read where its mode does not ask them.
    pub mappings: Vec<ApiMapping>,
    /// All of its routing rules; none are read where its mode does not ask them.
    pub rules: Vec<RoutingRule>,
}

/// What of a request decides where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// The host, lower case.
    pub host: String,
    /// The path as sent, from `/` on, without its query.
    pub path: String,
    /// Names and values, one for each line; `Host` need not be among them.
    pub headers: Vec<(String, String)>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The stage, or why there is none.
    pub outcome: Result<Mapped, Nothing>,
    /// Rules that were asked before and might have taken it, in their order.
    pub passed: Vec<PassedRule>,
}

impl Resolution {
    /// Whether it hangs on something that AWS does not document.
    pub fn is_doubtful(&self) -> bool {
        self.passed.iter().any(|rule| rule.why.is_doubtful())
    }
}

/// The stage that gets a request. Whether it exists is not known of a stage that a mapping or rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// API and stage.
    pub stage: StageRef,
    /// The base path that matched, without slashes around it; empty without one.
    pub base_path: String,
    /// The path that the API looks for a route with, from `/` on, its escapes read.
    pub path: String,
    /// The base path ends within a segment of the request's path, which AWS documents for mappings of several levels;
    /// that the rest of the segment is then the path is [inferred].
    pub within_segment: bool,
    /// What decided.
    pub how: How,
}

impl Mapped {
    /// Whether the request is refused because it came by the API's default endpoint, which the definition switches off:
    /// a REST API answers 403 `Forbidden` (developer guide, disabling the default endpoint). `definition` is what is
    /// live; a stage goes by the one that it serves.
    pub const fn is_disabled(&self, definition: &LiveApi) -> bool {
        let disabled = match definition {
            LiveApi::Rest(live) => live.api.disable_execute_api_endpoint,
            LiveApi::Http(live) => live.api.disable_execute_api_endpoint,
        };
        disabled && matches!(self.how, How::DefaultEndpoint)
    }
}

/// What decided on a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The path of the default endpoint names it, or, of an HTTP API, leaves it to `$default`.
    DefaultEndpoint,
    /// A mapping.
    Mapping {
        /// Its id; a base path mapping of the older service has none.
        id: Option<String>,
        /// It names no stage: the path does, after the base path.
        stage_in_path: bool,
    },
    /// A routing rule.
    Rule {
        /// Its id.
        id: String,
        /// Its priority, 1–1,000,000.
        priority: i32,
    },
}

/// Why a request reaches no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nothing {
    /// Neither the name nor a wildcard name above it is a custom domain name here.
    #[error("API Gateway knows no custom domain name {0} in this account and region, and no wildcard name above it")]
    UnknownDomain(String),
    /// There is no API of this id, or it has no stage at all.
    #[error("this account and region have no API {0}, or it has no stage")]
    UnknownApi(ApiId),
    /// No rule and no mapping takes it.
    #[error("no routing rule and no API mapping of {0} takes this path")]
    Unmapped(String),
    /// The mapping leaves the stage to the path, and what stands there names none.
    #[error("the mapping to API {api} names no stage, and `{segment}` in its place of the path is none")]
    NoStageInPath {
        /// The API.
        api: ApiId,
        /// What stands where the stage should; maybe nothing.
        segment: String,
    },
    /// The API has no stage that the path names, and no `$default` stage.
    #[error("API {api} has no stage `{segment}`, with which the path begins, and no $default stage")]
    NoSuchStage {
        /// The API.
        api: ApiId,
        /// The first segment of the path; maybe nothing.
        segment: String,
    },
    /// The rule that matches does what this version does not know.
    #[error("routing rule {0} matches, and does what this version of stagegate does not know")]
    UnknownAction(String),
    /// The domain name asks what this version does not know.
    #[error("the routing mode {0} is not known to this version of stagegate")]
    UnknownMode(String),
}

impl Nothing {
    /// The status that the client gets, where it is known: 403 `Forbidden` when nothing is mapped (developer guide,
    /// routing rules).
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Unmapped(_) => Some(403),
            Self::UnknownDomain(_)
            | Self::UnknownApi(_)
            | Self::NoStageInPath { .. }
            | Self::NoSuchStage { .. }
            | Self::UnknownAction(_)
            | Self::UnknownMode(_) => None,
        }
    }
}

/// The stage that a request by a custom domain name is sent to: rules by ascending priority, then mappings, as far as
/// the routing mode asks them (developer guide, routing mode).
pub fn resolve(custom: &CustomDomain, request: &ClientRequest) -> Resolution {
    let mode = &custom.domain.routing_mode;
    let path = decoded(&request.path);
    let mut passed = Vec::new();
    if mode.asks_rules() {
        let mut rules: Vec<&RoutingRule> = custom.rules.iter().collect();
        rules.sort_by_key(|rule| rule.priority);
        for rule in rules {
            match judge(rule, &path, request) {
                Verdict::No => {}
                Verdict::Passes(why) => passed.push(PassedRule {
                    id: rule.id.clone(),
                    priority: rule.priority,
                    leads_to: leads_to(rule),
                    why,
                }),
                Verdict::Takes { base_path, rest } => {
                    return Resolution { outcome: by_rule(rule, base_path, rest, path), passed };
                }
            }
        }
    }
    let outcome = match mode {
        mode if mode.asks_mappings() => by_mapping(custom, &path),
        mode if mode.asks_rules() => Err(Nothing::Unmapped(custom.domain.name.clone())),
        mode => Err(Nothing::UnknownMode(mode.as_str().to_owned())),
    };
    Resolution { outcome, passed }
}

fn leads_to(rule: &RoutingRule) -> Option<StageRef> {
    rule.action.as_ref().map(|action| StageRef { api: action.api.clone(), stage: action.stage.clone() })
}

fn by_rule(rule: &RoutingRule, base_path: String, rest: String, path: String) -> Result<Mapped, Nothing> {
    let stage = leads_to(rule).ok_or_else(|| Nothing::UnknownAction(rule.id.clone()))?;
    let strips = rule.action.as_ref().is_some_and(|action| action.strip_base_path);
    Ok(Mapped {
        stage,
        base_path,
        path: if strips { rest } else { path },
        within_segment: false,
        how: How::Rule { id: rule.id.clone(), priority: rule.priority },
    })
}

/// The mapping with the longest base path. Where any mapping has several levels, a path matches also within a segment
/// (`/ordersandmore` goes to `orders`); where all have one, only whole segments do. The empty base path takes the rest
/// (developer guide, API mappings).
fn by_mapping(custom: &CustomDomain, path: &str) -> Result<Mapped, Nothing> {
    let several_levels = custom.mappings.iter().any(|mapping| mapping.base_path.contains('/'));
    let matching = custom.mappings.iter().filter_map(|mapping| {
        let below = below(path, &mapping.base_path)?;
        (several_levels || !below.within_segment).then_some((mapping, below))
    });
    let found = matching.max_by_key(|(mapping, _)| mapping.base_path.len());
    let (mapping, below) = found.ok_or_else(|| Nothing::Unmapped(custom.domain.name.clone()))?;
    let (stage, rest) = match &mapping.stage {
        Some(stage) => (stage.clone(), below.rest),
        None => {
            let (segment, rest) = split_first(&below.rest);
            let none = |_| Nothing::NoStageInPath { api: mapping.api.clone(), segment: segment.to_owned() };
            (segment.parse().map_err(none)?, rest)
        }
    };
    Ok(Mapped {
        stage: StageRef { api: mapping.api.clone(), stage },
        base_path: mapping.base_path.clone(),
        path: rest,
        within_segment: below.within_segment,
        how: How::Mapping { id: mapping.id.clone(), stage_in_path: mapping.stage.is_none() },
    })
}

/// The stage that a path of an API's default endpoint is sent to: the one that its first segment names, else, of an HTTP
/// API, `$default` with the whole path (developer guide, routing API requests).
///
/// # Errors
/// The API has neither.
pub fn default_endpoint(api: &ApiId, stages: &[(StageName, Stage)], path: &str) -> Result<Mapped, Nothing> {
    const DEFAULT: &str = "$default";
    let path = decoded(path);
    let (segment, rest) = split_first(&path);
    let stage = |wanted: &str| stages.iter().map(|(name, _)| name).find(|name| name.as_str() == wanted).cloned();
    let named = stage(segment).filter(|name| name.as_str() != DEFAULT).map(|name| (name, rest));
    let (stage, path) = match named.or_else(|| Some((stage(DEFAULT)?, path.clone()))) {
        Some(found) => found,
        None => return Err(Nothing::NoSuchStage { api: api.clone(), segment: segment.to_owned() }),
    };
    Ok(Mapped {
        stage: StageRef { api: api.clone(), stage },
        base_path: String::new(),
        path,
        within_segment: false,
        how: How::DefaultEndpoint,
    })
}

#[cfg(test)]
mod tests;
