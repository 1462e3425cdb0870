//! Which routes of an API reach which function: methods and Lambda authorizers.

use std::collections::BTreeMap;
use std::fmt;

use super::integration::{Resolved, resolve};
use super::live::Live;

/// What makes API Gateway call a backend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A request to a method.
    Method {
        /// HTTP method, or `ANY`.
        method: String,
        /// The resource's path, with its braces.
        path: String,
    },
    /// A request to a route of an HTTP API.
    HttpRoute {
        /// `GET /orders/{id}`, `ANY /{proxy+}` or `$default`.
        key: String,
    },
    /// A request to any method that the authorizer protects.
    Authorizer {
        /// Its id, which is part of the source ARN (aws-semantics §4.3).
        id: String,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Caller {
    /// `GET /orders/{id}`, or `authorizer jwt-main`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method { method, path } => write!(f, "{method} {path}"),
            Self::HttpRoute { key } => f.write_str(key),
            Self::Authorizer { name, .. } => write!(f, "authorizer {name}"),
        }
    }
}

/// One way from the API to a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Method or authorizer.
    pub caller: Caller,
    /// A role is assumed for the call: the role's policy decides, not the function's (aws-semantics §4.3).
    pub credentials: bool,
    /// What it reaches.
    pub call: Resolved,
    /// The URI as configured.
    pub uri: String,
}

impl Route {
    /// The function and qualifier are these. Names are compared; account and region are for the caller to compare.
    pub fn reaches(&self, function: &str, qualifier: &str) -> bool {
        self.call.lambda().is_some_and(|call| call.function == function && call.qualifier.as_deref() == Some(qualifier))
    }
}

/// All methods that call an integration URI (a mock calls none) and all Lambda authorizers, resolved with a stage's variables; methods sorted
/// by path and method, authorizers after them by name.
pub fn routes(live: &Live, variables: &BTreeMap<String, String>) -> Vec<Route> {
    let methods = live.methods().into_iter().filter_map(|((path, method), what)| {
        let integration = what.integration.as_ref()?;
        if integration.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("MOCK")) {
            return None;
        }
        let uri = integration.uri.clone().filter(|uri| !uri.is_empty())?;
        Some(Route {
            caller: Caller::Method { method: method.to_owned(), path: path.to_owned() },
            credentials: integration.credentials.as_deref().is_some_and(|role| !role.is_empty()),
            call: resolve(&uri, variables),
            uri,
        })
    });
    let mut authorizers: Vec<Route> = live
        .authorizers
        .iter()
        .filter_map(|authorizer| {
            let uri = authorizer.authorizer_uri.clone().filter(|uri| !uri.is_empty())?;
            Some(Route {
                caller: Caller::Authorizer { id: authorizer.id.clone(), name: authorizer.name.clone() },
                credentials: authorizer.authorizer_credentials.as_deref().is_some_and(|role| !role.is_empty()),
                call: resolve(&uri, variables),
                uri,
            })
        })
        .collect();
    authorizers.sort_by_key(|route| route.caller.to_string());
    methods.chain(authorizers).collect()
}

/// The routes that reach a function of this name through this alias, in whatever account and region; see [`reaching_arn`].
pub fn reaching<'a>(routes: &'a [Route], function: &str, alias: &str) -> Vec<&'a Route> {
    routes.iter().filter(|route| route.reaches(function, alias)).collect()
}

/// The routes that reach exactly this alias, its partition, region and account included.
pub fn reaching_arn<'a>(routes: &'a [Route], alias_arn: &str) -> Vec<&'a Route> {
    routes.iter().filter(|route| route.call.lambda().is_some_and(|call| call.arn() == alias_arn)).collect()
}

/// The routes that call this function's unpublished code: unqualified, or `$LATEST` by name.
pub fn unqualified<'a>(routes: &'a [Route], function: &str) -> Vec<&'a Route> {
    let latest = |route: &&Route| route.call.lambda().is_some_and(|call| call.function == function && call.is_latest());
    routes.iter().filter(latest).collect()
}

/// The routes to one of these functions that fail at run time because a stage variable is unset. A route whose
/// function name itself hangs on an unset variable concerns no function that could be named, and is left out.
pub fn unset<'a>(routes: &'a [Route], functions: &[&str]) -> Vec<&'a Route> {
    let concerned = |route: &&Route| match &route.call {
        Resolved::UnsetVariable { function: Some(function), .. } => functions.contains(&function.as_str()),
        Resolved::UnsetVariable { function: None, .. }
        | Resolved::Lambda(_)
        | Resolved::Malformed { .. }
        | Resolved::NotLambda => false,
    };
    routes.iter().filter(concerned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::sample;

    fn named(routes: &[&Route]) -> Vec<String> {
        routes.iter().map(|route| route.caller.to_string()).collect()
    }

    #[test]
    fn methods_and_authorizers_are_found_by_function_and_alias() {
        let all = routes(&sample::live(), &sample::variables("live"));
        assert_eq!(named(&reaching(&all, "checkout", "live")), ["POST /orders", "GET /orders/{id}", "ANY /{proxy+}"]);
        assert_eq!(named(&reaching(&all, "auth", "live")), ["authorizer jwt-main"]);
        assert!(reaching(&all, "checkout", "beta").is_empty());
        let arn = "arn:aws:lambda:eu-west-1:111111111111:function:checkout:live";
        assert_eq!(reaching_arn(&all, arn), reaching(&all, "checkout", "live"));
        assert!(reaching_arn(&all, &arn.replace("1111", "2222")).is_empty());
        let roles: Vec<String> = all.iter().filter(|r| r.credentials).map(|r| r.caller.to_string()).collect();
        assert_eq!(roles, ["POST /orders"]);
    }

    #[test]
    fn a_call_without_qualifier_is_unqualified_and_so_is_latest_by_name() {
        let mut live = sample::live();
        let all = routes(&live, &sample::variables("live"));
        assert_eq!(named(&unqualified(&all, "legacy")), ["GET /legacy"]);
        assert!(unqualified(&all, "checkout").is_empty());
        for resource in &mut live.resources {
            for integration in resource.methods.values_mut().filter_map(|method| method.integration.as_mut()) {
                integration.uri =
                    integration.uri.take().map(|uri| uri.replace("${stageVariables.lambdaAlias}", "$LATEST"));
            }
        }
        assert_eq!(unqualified(&routes(&live, &BTreeMap::new()), "checkout").len(), 3);
    }

    #[test]
    fn a_mock_calls_nothing_whatever_address_it_kept() {
        let mut live = sample::live();
        for integration in live.resources[4].methods.values_mut().filter_map(|method| method.integration.as_mut()) {
            integration.kind = Some("MOCK".into());
        }
        assert!(unqualified(&routes(&live, &BTreeMap::new()), "legacy").is_empty());
    }

    #[test]
    fn unset_variables_are_reported_for_the_functions_in_question() {
        let all = routes(&sample::live(), &BTreeMap::new());
        assert_eq!(named(&unset(&all, &["checkout"])).len(), 3);
        assert_eq!(named(&unset(&all, &["auth", "legacy"])), ["authorizer jwt-main"]);
        assert!(unset(&all, &["other"]).is_empty());
    }
}
