//! Routing rules of a custom domain name: which one takes a request, and which would take it if it were another.

use super::domain::ClientRequest;
use super::path::{Below, below};
use crate::aws::noun::{HeaderGlob, RoutingRule, RuleCondition};
use crate::model::StageRef;

/// A rule that was asked before the one that decided, and did not take the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedRule {
    /// Its id.
    pub id: String,
    /// Its priority, 1–1,000,000.
    pub priority: i32,
    /// Where it leads; none where this version does not know its action.
    pub leads_to: Option<StageRef>,
    /// Why it did not.
    pub why: Passed,
}

/// Why a rule did not take a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// Its base path matches, these headers do not: a client that sends them gets another stage.
    Headers(Vec<HeaderGlob>),
    /// Its base path matches only within a segment (`orders` in `/ordersandmore`). Whether AWS takes that is not
    /// documented for rules; it is for mappings of several levels.
    WithinSegment(String),
    /// It has a condition of a kind that this version does not know.
    UnknownCondition,
}

impl Passed {
    /// Whether AWS may see it otherwise.
    pub const fn is_doubtful(&self) -> bool {
        match self {
            Self::Headers(_) => false,
            Self::WithinSegment(_) | Self::UnknownCondition => true,
        }
    }
}

/// What a rule makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It takes it. Without a base path condition the base path is empty and the rest is all.
    Takes { base_path: String, rest: String },
    /// It would, if the request or what is known of AWS were another.
    Passes(Passed),
    /// It has nothing to do with it.
    No,
}

/// All conditions must match; any of the base paths, and any of the headers, within one (developer guide, routing
/// rules; API model, `anyOf`). `path` is decoded.
pub(super) fn judge(rule: &RoutingRule, path: &str, request: &ClientRequest) -> Verdict {
    let (mut base_path, mut rest) = (String::new(), path.to_owned());
    let (mut missing, mut within, mut unknown) = (Vec::new(), None, false);
    for RuleCondition { base_paths, headers } in &rule.conditions {
        unknown |= base_paths.is_none() && headers.is_none();
        if let Some(any) = base_paths {
            match longest(any, path) {
                None => return Verdict::No,
                Some((base, below)) if below.within_segment => within = Some(base),
                Some((base, below)) => (base_path, rest) = (base, below.rest),
            }
        }
        if let Some(any) = headers
            && !any.iter().any(|glob| carries(request, glob))
        {
            missing.extend(any.iter().cloned());
        }
    }
    if !missing.is_empty() {
        return Verdict::Passes(Passed::Headers(missing));
    }
    match within {
        Some(base) => Verdict::Passes(Passed::WithinSegment(base)),
        None if unknown => Verdict::Passes(Passed::UnknownCondition),
        None => Verdict::Takes { base_path, rest },
    }
}

/// The longest base path that the path begins with, whole segments before parts of one.
fn longest(any: &[String], path: &str) -> Option<(String, Below)> {
    let matching = any.iter().filter_map(|base| {
        let base = base.trim_matches('/');
        Some((base.to_owned(), below(path, base)?))
    });
    matching.max_by_key(|(base, below)| (!below.within_segment, base.len()))
}

/// Whether some line of the header has a value that matches (developer guide, routing rules). Without one of its own,
/// a request's `Host` is the host.
fn carries(request: &ClientRequest, glob: &HeaderGlob) -> bool {
    let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(&glob.header);
    let mut lines = request.headers.iter().filter(named).map(|(_, value)| value.as_str()).peekable();
    if lines.peek().is_none() && glob.header.eq_ignore_ascii_case("host") {
        return matches(&glob.value_glob, &request.host);
    }
    lines.any(|value| matches(&glob.value_glob, value))
}

/// Upper and lower case differ; `*` is any text at either end, and itself elsewhere; `?` is itself.
fn matches(glob: &str, value: &str) -> bool {
    if glob == "*" {
        return true;
    }
    match (glob.strip_prefix('*'), glob.strip_suffix('*')) {
        (Some(tail), Some(_)) => value.contains(tail.strip_suffix('*').unwrap_or(tail)),
        (Some(tail), None) => value.ends_with(tail),
        (None, Some(head)) => value.starts_with(head),
        (None, None) => glob == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_the_developer_guide_tabulates_them() {
        let values = ["account", "alpha", "backup", "beta", "users"];
        for (glob, wanted) in [
            ("a*", &["account", "alpha"][..]),
            ("*a", &["alpha", "beta"]),
            ("*a*", &["account", "alpha", "backup", "beta"]),
            ("*b*", &["backup", "beta"]),
            ("*", &values),
            ("beta", &["beta"]),
            ("Beta", &[]),
            ("b?ta", &[]),
            ("b*a", &[]),
            ("**", &values),
        ] {
            let found: Vec<&str> = values.into_iter().filter(|value| matches(glob, value)).collect();
            assert_eq!(found, wanted, "{glob}");
        }
    }

    #[test]
    fn each_line_of_a_header_is_matched_by_itself() {
        let carries = |lines: &[&str], glob: &str| {
            let headers = lines.iter().map(|value| ("accept".to_owned(), (*value).to_owned())).collect();
            let request = ClientRequest { host: "api.example.com".into(), path: "/".into(), headers };
            carries(&request, &HeaderGlob { header: "Accept".into(), value_glob: glob.into() })
        };
        assert!(carries(&["application/json", "text/xml"], "*json"));
        assert!(!carries(&["application/json,text/xml"], "*json"));
        assert!(carries(&["application/json,text/xml"], "*json*"));
        assert!(!carries(&[], "*"));
    }
}
