//! Whether the policy of an alias already lets API Gateway call it for a route: the proof of aws-semantics §4.4.
//!
//! Sound in both directions that matter: *covered* is said only when every request of the route is allowed, and a
//! deny is passed over only when it cannot apply to any of them.

use super::document::{Condition, Document, Effect, Either, Principals, Statement};
use super::glob;

/// Who calls.
const SERVICE: &str = "apigateway.amazonaws.com";
/// What it does, in lower case; response streaming is allowed by it too.
const ACTION: &str = "lambda:invokefunction";
const SOURCE_ARN: &str = "aws:sourcearn";
const SOURCE_ACCOUNT: &str = "aws:sourceaccount";

/// A call that must be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need<'a> {
    /// The ARN of the alias whose policy is asked.
    pub alias_arn: &'a str,
    /// The source ARN of the route, with `*` for what each request fills in (see [`super::source`]).
    pub source: &'a str,
    /// The API's account, 12 digits.
    pub account: &'a str,
}

/// What a policy says about a [`Need`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Every request of the route is allowed.
    Covered {
        /// The statement that allows it.
        sid: Option<String>,
        /// It allows other APIs or accounts too.
        broad: bool,
    },
    /// No statement is proved to allow it.
    Missing {
        /// Why not, for each `Allow` statement in order.
        near: Vec<String>,
    },
    /// A `Deny` applies, or cannot be ruled out; granting would not help.
    Blocked {
        /// The statement that denies.
        sid: Option<String>,
        /// What makes it apply.
        why: String,
    },
}

/// Evaluates the policy that is attached to exactly the needed alias. An alias without a policy is `Document::default()`.
pub fn coverage(document: &Document, need: &Need<'_>) -> Coverage {
    if let Some((sid, why)) = blocked(document, need) {
        return Coverage::Blocked { sid, why };
    }
    let (mut broad_sid, mut near) = (None, Vec::new());
    for statement in document.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        match allows(statement, need) {
            Ok(Breadth::ThisApi) => return Coverage::Covered { sid: statement.sid.clone(), broad: false },
            Ok(Breadth::Broad) => broad_sid = broad_sid.or(Some(statement.sid.clone())),
            Err(reason) => {
                near.push(format!("{}: {reason}", statement.sid.as_deref().unwrap_or("a statement without Sid")))
            }
        }
    }
    match broad_sid {
        Some(sid) => Coverage::Covered { sid, broad: true },
        None => Coverage::Missing { near },
    }
}

/// The first `Deny` that may apply, with its statement id and why it cannot be ruled out. Also asked of the function's
/// own policy, where such a statement is a warning (aws-semantics §4.2).
pub fn blocked(document: &Document, need: &Need<'_>) -> Option<(Option<String>, String)> {
    document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Deny && may_apply(statement, need))
        .map(|statement| (statement.sid.clone(), denial(statement)))
        .next()
}

/// How much else a statement allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breadth {
    ThisApi,
    Broad,
}

/// Proves that an `Allow` statement allows every request of the need, or says what is in the way.
pub(super) fn allows(statement: &Statement, need: &Need<'_>) -> Result<Breadth, String> {
    if let Some(element) = statement.unknown.first() {
        return Err(format!("element {element} is not understood"));
    }
    match &statement.principals {
        Either::Is(principals) if names_service(principals) => {}
        Either::Is(_) => return Err(format!("its principal is not {SERVICE}")),
        Either::Not(_) => return Err("NotPrincipal with Allow is not relied on".into()),
    }
    match &statement.actions {
        Either::Is(actions) if actions.iter().any(|action| is_invoke(action)) => {}
        Either::Is(_) => return Err("its action is not lambda:InvokeFunction".into()),
        Either::Not(_) => return Err("NotAction with Allow is not relied on".into()),
    }
    match &statement.resources {
        Either::Is(resources) if resources.iter().any(|resource| literal_glob(resource, need.alias_arn)) => {}
        Either::Is(resources) => return Err(format!("its resource is {}", resources.join(", "))),
        Either::Not(_) => return Err("NotResource with Allow is not relied on".into()),
    }
    let mut breadth = Breadth::Broad;
    for condition in &statement.conditions {
        let values = condition.values.iter().filter(|value| !has_variable(value));
        match (condition.quantifier.as_deref(), condition.key.as_str(), condition.operator.as_str()) {
            (None, SOURCE_ARN, "ArnLike" | "ArnEquals" | "StringLike" | "StringEquals") => {
                let covering: Vec<&String> =
                    values.filter(|value| covers_source(&condition.operator, value, need.source)).collect();
                if covering.is_empty() {
                    return Err(format!("its source {} does not cover {}", condition.values.join(", "), need.source));
                }
                if covering.iter().any(|value| names_one_api(value)) {
                    breadth = Breadth::ThisApi;
                }
            }
            (None, SOURCE_ACCOUNT, "StringEquals") => {
                if !values.into_iter().any(|value| value == need.account) {
                    return Err(format!("it is for account {}", condition.values.join(", ")));
                }
            }
            _ => return Err(format!("its condition {} cannot be decided", named(condition))),
        }
    }
    Ok(breadth)
}

fn names_service(principals: &Principals) -> bool {
    match principals {
        Principals::Anyone => true,
        Principals::Named(names) => {
            let has = |kind: &str, wanted: &str| names.get(kind).is_some_and(|list| list.iter().any(|n| n == wanted));
            has("Service", SERVICE) || has("AWS", "*")
        }
    }
}

fn is_invoke(pattern: &str) -> bool {
    glob::matches(&pattern.to_ascii_lowercase(), ACTION)
}

/// The pattern matches the text, and holds no policy variable that could make it mean something else.
fn literal_glob(pattern: &str, text: &str) -> bool {
    !has_variable(pattern) && glob::matches(pattern, text)
}

/// IAM replaces `${…}` by values of the request.
fn has_variable(value: &str) -> bool {
    value.contains("${")
}

fn covers_source(operator: &str, value: &str, source: &str) -> bool {
    match operator {
        "ArnLike" | "ArnEquals" => glob::arn_parts(value, source, glob::covers),
        "StringLike" => glob::covers(value, source),
        // Wildcards are inert under StringEquals: only a route without parameters has one single source.
        "StringEquals" => value == source && !source.contains('*'),
        _ => false,
    }
}

/// Account and API stand in the pattern without wildcards.
fn names_one_api(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let plain = |text: &str| !text.contains(['*', '?']);
    match parts.as_slice() {
        [_, _, _, _, account, resource] => {
            plain(account) && resource.split_once('/').is_some_and(|(api, _)| plain(api))
        }
        _ => false,
    }
}

/// A `Deny` may apply to some request of the need.
fn may_apply(statement: &Statement, need: &Need<'_>) -> bool {
    let principal = match &statement.principals {
        Either::Is(principals) => names_service(principals),
        Either::Not(Principals::Anyone) => false,
        Either::Not(Principals::Named(names)) => {
            !names.get("Service").is_some_and(|list| list.iter().any(|name| name == SERVICE))
        }
    };
    let action = match &statement.actions {
        Either::Is(actions) => actions.iter().any(|action| is_invoke(action)),
        Either::Not(actions) => !actions.iter().any(|action| is_invoke(action)),
    };
    let resource = match &statement.resources {
        Either::Is(resources) => resources.iter().any(|r| has_variable(r) || glob::matches(r, need.alias_arn)),
        Either::Not(resources) => !resources.iter().any(|r| literal_glob(r, need.alias_arn)),
    };
    principal && action && resource && !statement.conditions.iter().any(|condition| never_holds(condition, need))
}

/// No request of the need meets the condition. `aws:SourceArn` is always sent; whether `aws:SourceAccount` is, is not
/// documented (aws-semantics §4.4), so that only what holds in both cases counts.
fn never_holds(condition: &Condition, need: &Need<'_>) -> bool {
    if condition.quantifier.is_some() {
        return false;
    }
    let operator = condition.operator.as_str();
    let none = |test: &dyn Fn(&str) -> bool| !condition.values.iter().any(|value| has_variable(value) || test(value));
    let some = |test: &dyn Fn(&str) -> bool| condition.values.iter().any(|value| !has_variable(value) && test(value));
    match (condition.key.as_str(), operator) {
        (SOURCE_ARN, "ArnLike" | "ArnEquals") => none(&|value| glob::arn_parts(value, need.source, glob::overlaps)),
        (SOURCE_ARN, "StringLike") => none(&|value| glob::overlaps(value, need.source)),
        (SOURCE_ARN, "StringEquals") => none(&|value| glob::matches(need.source, value)),
        (SOURCE_ARN, "ArnNotLike" | "ArnNotEquals") => some(&|value| covers_source("ArnLike", value, need.source)),
        (SOURCE_ARN, "StringNotLike") => some(&|value| covers_source("StringLike", value, need.source)),
        (SOURCE_ARN, "StringNotEquals") => some(&|value| covers_source("StringEquals", value, need.source)),
        (SOURCE_ACCOUNT, "StringEquals") if !condition.if_exists => none(&|value| value == need.account),
        _ => false,
    }
}

fn denial(statement: &Statement) -> String {
    let conditions: Vec<String> = statement.conditions.iter().map(named).collect();
    match (conditions.is_empty(), statement.unknown.is_empty()) {
        (true, true) => "it denies API Gateway the alias".into(),
        (true, false) => format!("it may deny: element {} is not understood", statement.unknown.join(", ")),
        (false, _) => format!("it may deny: {} cannot be ruled out", conditions.join(" and ")),
    }
}

fn named(condition: &Condition) -> String {
    let quantifier = condition.quantifier.as_ref().map(|q| format!("{q}:")).unwrap_or_default();
    let suffix = if condition.if_exists { "IfExists" } else { "" };
    format!("{quantifier}{}{suffix} {} {}", condition.operator, condition.key, condition.values.join(", "))
}

#[cfg(test)]
mod tests;
