//! Where a request to a URL ends up: the way API Gateway finds the stage, walked step by step.

use super::account::Account;
use super::domain::Domain;
use super::traffic::{Failure, Request};
use crate::aws::noun::{HeaderGlob, InvokeApi, RoutingMode, RoutingRule, RuleCondition};
use crate::model::{ApiId, StageName};

/// A request as a client sends it, before API Gateway knows the stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The host it connects to, in any case.
    pub host: String,
    /// The path without its query, such as `/v1/orders`.
    pub path: String,
    /// `GET`, …
    pub method: String,
    /// Name and value; `Host` is the host unless it is among them.
    pub headers: Vec<(String, String)>,
}

fn forbidden(why: &str) -> Failure {
    Failure { status: 403, why: format!("Forbidden: {why}") }
}

impl Account {
    /// The stage and path that a request reaches; a failure when it reaches none.
    ///
    /// # Errors
    /// What API Gateway answers by itself.
    pub fn find_stage(&self, visit: &Visit) -> Result<Request, Failure> {
        let host = visit.host.to_ascii_lowercase();
        let path = decode(&visit.path);
        let own = format!(".execute-api.{}.amazonaws.com", self.settings.region);
        let (api, stage, path) = match host.strip_suffix(&own) {
            Some(label) => self.default_endpoint(label.split('-').next().unwrap_or_default(), &path)?,
            None => self.by_domain(&host, &path, visit)?,
        };
        Ok(Request { api, stage, method: visit.method.clone(), path })
    }

    fn default_endpoint(&self, api: &str, path: &str) -> Result<(ApiId, StageName, String), Failure> {
        let api: ApiId = api.parse().map_err(|_| forbidden("no such API"))?;
        let (first, rest) = first_segment(path);
        let named = first.parse::<StageName>().ok();
        if let Some(http) = self.http_apis.get(&api) {
            if let Some(stage) = named.filter(|stage| stage.as_str() != "$default" && http.stages.contains_key(stage)) {
                return Ok((api, stage, rest));
            }
            let default = http.stages.keys().find(|stage| stage.as_str() == "$default").cloned();
            let missing = || Failure { status: 404, why: "Not Found: no such stage".into() };
            return Ok((api, default.ok_or_else(missing)?, path.to_owned()));
        }
        if self.apis.get(&api).is_some_and(|found| found.live.api.disable_execute_api_endpoint) {
            return Err(forbidden("the default endpoint is disabled"));
        }
        match named.filter(|stage| self.stage(&api, stage).is_ok()) {
            Some(stage) => Ok((api, stage, rest)),
            None => Err(forbidden("no such stage")),
        }
    }

    fn by_domain(&self, host: &str, path: &str, visit: &Visit) -> Result<(ApiId, StageName, String), Failure> {
        let wildcard = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let domain = self.domains.get(host).or_else(|| self.domains.get(&wildcard?));
        let domain = domain.ok_or_else(|| forbidden("no such domain name"))?;
        if domain.routing_mode != RoutingMode::ApiMappingOnly {
            for rule in domain.rules.values() {
                if let Some(rest) = self.rule_takes(rule, path, visit) {
                    let InvokeApi { api, stage, strip_base_path } =
                        rule.action.clone().ok_or_else(|| forbidden("?"))?;
                    return Ok((api, stage, if strip_base_path { rest } else { path.to_owned() }));
                }
            }
        }
        if domain.routing_mode == RoutingMode::RoutingRuleOnly {
            return Err(forbidden("no rule matches"));
        }
        self.by_mapping(domain, path)
    }

    /// What is left of the path below the base path, if every condition of the rule is met.
    fn rule_takes(&self, rule: &RoutingRule, path: &str, visit: &Visit) -> Option<String> {
        let mut rest = path.to_owned();
        for RuleCondition { base_paths, headers } in &rule.conditions {
            if let Some(any) = base_paths {
                rest = any.iter().find_map(|base| self.below(base, path))?;
            }
            if let Some(any) = headers {
                any.iter().find(|glob| carries(visit, glob))?;
            }
        }
        Some(rest)
    }

    fn below(&self, base: &str, path: &str) -> Option<String> {
        let base = base.trim_matches('/');
        if base.is_empty() {
            return Some(path.to_owned());
        }
        let rest = path.strip_prefix('/')?.strip_prefix(base)?;
        if rest.is_empty() || rest.starts_with('/') {
            return Some(slashed(rest));
        }
        self.settings.rules_match_within_segments.then(|| slashed(rest))
    }

    /// Single-level mappings are looked up by the first segment; with several levels the longest text that the path
    /// begins with wins, be it in the middle of a segment (developer guide, API mappings).
    fn by_mapping(&self, domain: &Domain, path: &str) -> Result<(ApiId, StageName, String), Failure> {
        let bare = path.strip_prefix('/').unwrap_or(path);
        let several_levels = domain.mappings.keys().any(|key| key.contains('/'));
        let found = if several_levels {
            let ends = (0..=bare.len()).rev().filter(|end| bare.is_char_boundary(*end));
            ends.filter_map(|end| Some((domain.mappings.get(&bare[..end])?, &bare[end..]))).next()
        } else {
            let first = bare.split('/').next().unwrap_or_default();
            let one = domain.mappings.get(first).map(|mapping| (mapping, &bare[first.len()..]));
            one.or_else(|| domain.mappings.get("").map(|mapping| (mapping, bare)))
        };
        let (mapping, rest) = found.ok_or_else(|| forbidden("nothing is mapped"))?;
        let rest = if mapping.base_path.is_empty() { path.to_owned() } else { slashed(rest) };
        if let Some(stage) = &mapping.stage {
            return Ok((mapping.api.clone(), stage.clone(), rest));
        }
        let (stage, rest) = first_segment(&rest);
        let stage = stage.parse().map_err(|_| forbidden("the path names no stage"))?;
        Ok((mapping.api.clone(), stage, rest))
    }
}

/// Whether some line of the header says it.
fn carries(visit: &Visit, glob: &HeaderGlob) -> bool {
    let lines = visit.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&glob.header));
    let mut values: Vec<&str> = lines.map(|(_, value)| value.as_str()).collect();
    if values.is_empty() && glob.header.eq_ignore_ascii_case("host") {
        values.push(&visit.host);
    }
    values.into_iter().any(|value| match (glob.value_glob.strip_prefix('*'), glob.value_glob.strip_suffix('*')) {
        _ if glob.value_glob == "*" => true,
        (Some(tail), None) => value.ends_with(tail),
        (None, Some(head)) => value.starts_with(head),
        (Some(tail), Some(_)) => value.contains(&tail[..tail.len() - 1]),
        (None, None) => value == glob.value_glob,
    })
}

fn slashed(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn first_segment(path: &str) -> (&str, String) {
    let bare = path.strip_prefix('/').unwrap_or(path);
    match bare.split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (bare, "/".to_owned()),
    }
}

/// The path with its escapes read, but for an escaped slash.
fn decode(path: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), path.as_bytes());
    while let [byte, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => {
                std::str::from_utf8(&[*high, *low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
            }
            _ => None,
        };
        match escaped.filter(|byte| *byte != b'/') {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}
