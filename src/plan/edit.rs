//! The pending edits that a release publishes, and which of them are the target's own. Who made an edit nobody can know;
//! what is known is whether it is about a route that calls a function of the target.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::observe::ObservedStage;
use crate::definition::diff::{Change, by_place};
use crate::definition::{Difference, Drift, Resolved};
use crate::model::FunctionName;
use crate::model::target::Target;

/// Places that one line or more is spent on, of each group; the rest is counted.
const SHOWN: usize = 8;

/// One difference between what the stage serves and what it will serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Where and what.
    #[serde(flatten)]
    pub difference: Difference,
    /// It is about a route, or an authorizer, that calls a function of the target, on either side. Everything else is not
    /// the target's own: routes of other functions, and what all routes share.
    pub ours: bool,
}

/// The differences, told apart.
pub(super) fn edits(target: &Target, observed: &ObservedStage, drift: Drift) -> Vec<Edit> {
    let own = own_places(target, observed);
    let of = |difference: Difference| {
        let calls = |text: &Option<String>| text.as_deref().is_some_and(|text| is_call(text, &target.functions));
        let called =
            matches!(difference.change, Change::Added | Change::Removed) || difference.property == "integration";
        let ours = own.contains(&difference.place.to_string())
            || called && (calls(&difference.before) || calls(&difference.after));
        Edit { difference, ours }
    };
    drift.differences.into_iter().map(of).collect()
}

/// The routes and authorizers that call a function of the target, as a difference names its place.
fn own_places(target: &Target, observed: &ObservedStage) -> BTreeSet<String> {
    let names: Vec<&str> = target.functions.iter().map(FunctionName::as_str).collect();
    let routes = observed.routes(&super::stage::variables(target, &observed.stage)).into_iter();
    let is_own = |call: &Resolved| match call {
        Resolved::Lambda(call) => names.contains(&call.function.as_str()),
        Resolved::UnsetVariable { function, .. } => function.as_deref().is_some_and(|name| names.contains(&name)),
        Resolved::Malformed { .. } | Resolved::NotLambda => false,
    };
    routes.filter(|route| is_own(&route.call)).map(|route| route.caller.to_string()).collect()
}

/// What a route calls, in short: the function, or the function and behind `:` its alias.
fn is_call(text: &str, functions: &[FunctionName]) -> bool {
    functions.iter().any(|function| text.split(':').next() == Some(function.as_str()))
}

/// The edits that are not the target's own.
pub(super) fn foreign(edits: &[Edit]) -> Vec<&Difference> {
    edits.iter().filter(|edit| !edit.ours).map(|edit| &edit.difference).collect()
}

/// The target's own edits, then the others under a heading, each group place by place and cut after the first few.
pub(super) fn lines(edits: &[Edit], target: &str) -> Vec<String> {
    let group = |ours: bool| -> Vec<Difference> {
        edits.iter().filter(|edit| edit.ours == ours).map(|edit| edit.difference.clone()).collect()
    };
    let (own, foreign) = (group(true), group(false));
    let mut lines: Vec<String> = cut(by_place(&own)).into_iter().map(|line| format!("  {line}")).collect();
    if !foreign.is_empty() {
        lines.push(format!("  {} not on a route of {target}:", if own.is_empty() { "all" } else { "the rest" }));
        lines.extend(cut(by_place(&foreign)).into_iter().map(|line| format!("    {line}")));
    }
    lines
}

/// The first places whole, and how many follow.
fn cut(lines: Vec<String>) -> Vec<String> {
    let is_place = |line: &String| !line.starts_with(' ');
    let places = lines.iter().filter(|line| is_place(line)).count();
    let mut seen = 0;
    let mut shown: Vec<String> = lines
        .into_iter()
        .take_while(|line| {
            seen += usize::from(is_place(line));
            seen <= SHOWN
        })
        .collect();
    if places > SHOWN {
        shown.push(format!("and {} more places (--json lists all)", places - SHOWN));
    }
    shown
}
