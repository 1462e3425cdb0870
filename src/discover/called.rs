//! From the routes of a stage to the functions that they call, grouped by how they find the alias.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::definition::integration::{qualifier_variable, short};
use crate::definition::{Resolved, Route};
use crate::model::{AliasName, FunctionName};

/// How a route finds what it calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Through {
    /// The stage variable of this name holds the alias.
    Variable {
        /// Its name.
        name: String,
        /// The alias that it holds; none when it is unset or names no alias.
        alias: Option<AliasName>,
    },
    /// The integration names the alias.
    Alias {
        /// The alias.
        alias: AliasName,
    },
    /// The integration names the function alone, or `$LATEST`.
    Latest,
    /// The integration names a version.
    Version {
        /// Its number.
        number: String,
    },
}

impl Through {
    /// The alias that is called.
    pub const fn alias(&self) -> Option<&AliasName> {
        match self {
            Self::Variable { alias, .. } => alias.as_ref(),
            Self::Alias { alias } => Some(alias),
            Self::Latest | Self::Version { .. } => None,
        }
    }

    /// A release that moves an alias changes what is called.
    pub const fn is_movable(&self) -> bool {
        matches!(self, Self::Variable { .. } | Self::Alias { .. })
    }

    /// What is chosen first: a variable before an alias by name, both before what no alias leads to.
    const fn rank(&self) -> u8 {
        match self {
            Self::Variable { alias: Some(_), .. } => 0,
            Self::Variable { alias: None, .. } => 1,
            Self::Alias { .. } => 2,
            Self::Latest => 3,
            Self::Version { .. } => 4,
        }
    }
}

/// Functions that are found the same way, with the routes that call each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Called {
    /// How.
    pub through: Through,
    /// Function → its routes and authorizers.
    pub functions: BTreeMap<FunctionName, Vec<String>>,
}

/// All that a stage calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ways {
    /// What a release most likely means comes first.
    pub called: Vec<Called>,
    /// Calls that no release from here can move, one line each.
    pub notes: Vec<String>,
    /// Routes that call no function at all.
    pub elsewhere: usize,
}

impl Ways {
    /// The functions that are found by an alias somewhere, whatever else they are called by.
    pub fn movable(&self) -> BTreeSet<&FunctionName> {
        let movable = self.called.iter().filter(|called| called.through.is_movable());
        movable.flat_map(|called| called.functions.keys()).collect()
    }

    /// The way that calls this function, the likeliest first.
    pub fn of(&self, function: &FunctionName) -> Option<&Called> {
        self.called.iter().find(|called| called.functions.contains_key(function))
    }
}

/// Groups the routes of a stage.
pub fn ways(routes: &[Route], variables: &BTreeMap<String, String>, region: &str, account: &str) -> Ways {
    let mut ways = Ways::default();
    let mut groups: BTreeMap<Through, BTreeMap<FunctionName, Vec<String>>> = BTreeMap::new();
    for route in routes {
        match call(route, variables, region, account) {
            Call::Of(through, function) => {
                groups.entry(through).or_default().entry(function).or_default().push(route.caller.to_string());
            }
            Call::Note(note) => ways.notes.push(note),
            Call::Elsewhere => ways.elsewhere += 1,
        }
    }
    ways.called = groups.into_iter().map(|(through, functions)| Called { through, functions }).collect();
    ways.called.sort_by_key(|called| (called.through.rank(), std::cmp::Reverse(called.functions.len())));
    ways
}

enum Call {
    Of(Through, FunctionName),
    Note(String),
    Elsewhere,
}

fn call(route: &Route, variables: &BTreeMap<String, String>, region: &str, account: &str) -> Call {
    let variable = qualifier_variable(&route.uri);
    let told = |why: &str| Call::Note(format!("{} calls {}: {why}", route.caller, short(&route.uri)));
    match (&route.call, variable) {
        (Resolved::NotLambda, _) => Call::Elsewhere,
        (Resolved::Malformed { .. }, _) => told("that is no function"),
        (Resolved::UnsetVariable { function: Some(function), .. }, Some(name)) => match function.parse() {
            Ok(function) => Call::Of(Through::Variable { name, alias: None }, function),
            Err(_) => told("that is no function"),
        },
        (Resolved::UnsetVariable { names, .. }, _) => told(&format!("stage variable {} is not set", names.join(", "))),
        (Resolved::Lambda(call), _) if call.region != region || call.account != account => {
            told("it is in another account or region, and needs a target of its own there")
        }
        (Resolved::Lambda(call), variable) => {
            let Ok(function) = call.function.parse() else { return told("that is no function") };
            let alias = call.qualifier.as_ref().and_then(|qualifier| qualifier.parse().ok());
            let through = match (variable, alias, &call.qualifier) {
                (Some(name), ..) => {
                    let alias = variables.get(&name).and_then(|value| value.parse().ok());
                    Through::Variable { name, alias }
                }
                (None, Some(alias), _) => Through::Alias { alias },
                (None, None, Some(number)) if !call.is_latest() => Through::Version { number: number.clone() },
                (None, None, _) => Through::Latest,
            };
            Call::Of(through, function)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Caller, resolve};

    const FN: &str = "arn:aws:lambda:us-east-1:123456789012:function";

    fn routes(uris: &[&str], variables: &BTreeMap<String, String>) -> Vec<Route> {
        let route = |(at, uri): (usize, &&str)| {
            let uri = format!("{FN}:{uri}/invocations");
            let caller = Caller::Method { method: "GET".into(), path: format!("/{at}") };
            Route { caller, credentials: false, call: resolve(&uri, variables), uri }
        };
        uris.iter().enumerate().map(route).collect()
    }

    fn found(uris: &[&str], variables: &[(&str, &str)]) -> Ways {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ways(&routes(uris, &variables), &variables, "us-east-1", "123456789012")
    }

    #[test]
    fn what_takes_its_alias_from_a_variable_comes_first() {
        let all = found(
            &["old", "one:${stageVariables.a}", "two:${stageVariables.a}", "old:live", "fixed:beta", "pinned:7"],
            &[("a", "live")],
        );
        let shown: Vec<String> = all
            .called
            .iter()
            .map(|called| {
                format!(
                    "{:?} {:?}",
                    called.through,
                    called.functions.keys().map(FunctionName::as_str).collect::<Vec<_>>()
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
        let name = |text: &str| text.parse::<FunctionName>().unwrap();
        assert_eq!(all.of(&name("old")).unwrap().through.alias().unwrap().as_str(), "live");
        assert!(!all.movable().contains(&name("pinned")));
    }

    #[test]
    fn a_variable_that_is_unset_or_holds_a_version_is_still_the_way() {
        for variables in [&[][..], &[("a", "7")], &[("a", "")]] {
            let all = found(&["one:${stageVariables.a}"], variables);
            assert_eq!(all.called[0].through, Through::Variable { name: "a".into(), alias: None }, "{variables:?}");
        }
        let all = found(&["${stageVariables.f}:${stageVariables.a}", "${stageVariables.f}"], &[("a", "live")]);
        assert!(all.called.is_empty());
        assert_eq!(all.notes.len(), 2, "{:?}", all.notes);
    }

    #[test]
    fn what_lies_elsewhere_is_told() {
        let variables = BTreeMap::new();
        let all = ways(&routes(&["one:live"], &variables), &variables, "eu-west-1", "123456789012");
        assert!(all.called.is_empty() && all.notes[0].contains("another account or region"), "{:?}", all.notes);
    }
}
