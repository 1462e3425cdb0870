//! What a deployed definition calls, read from the export of the stage that serves it (aws-semantics §5): it may call what
//! the live definition no longer does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::api::LiveApi;
use super::integration::resolve;
use super::reach::{Caller, Route};

const ANY: &str = "x-amazon-apigateway-any-method";
const INTEGRATION: &str = "x-amazon-apigateway-integration";
const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";
/// The path under which an export shows the `$default` route of an HTTP API.
const DEFAULT: &str = "/$default";
const VERBS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// All routes that call an integration URI and all Lambda authorizers that the live definition still knows: an export
/// shows names, and the id under which an authorizer calls stands in the live definition. Sorted as the live routes are.
pub fn routes(export: &Value, live: &LiveApi, variables: &BTreeMap<String, String>) -> Vec<Route> {
    let rest = matches!(live, LiveApi::Rest(_));
    let paths = export.get("paths").and_then(Value::as_object).into_iter().flatten();
    let mut found: Vec<Route> = paths
        .flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |(key, what)| (path, key, what)))
        .filter_map(|(path, key, operation)| {
            let integration = integration(export, operation)?;
            if text(integration, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("mock")) {
                return None;
            }
            let caller = caller(rest, path, key)?;
            route(caller, text(integration, "uri")?, text(integration, "credentials"), variables)
        })
        .collect();
    found.sort_by_key(|route| route.caller.to_string());
    found.extend(authorizers(export, live, variables));
    found
}

fn route(caller: Caller, uri: &str, role: Option<&str>, variables: &BTreeMap<String, String>) -> Option<Route> {
    let credentials = role.is_some_and(|role| !role.is_empty());
    (!uri.is_empty()).then(|| Route { caller, credentials, call: resolve(uri, variables), uri: uri.to_owned() })
}

fn caller(rest: bool, path: &str, key: &str) -> Option<Caller> {
    let method = match key {
        ANY => "ANY".to_owned(),
        _ if VERBS.contains(&key) => key.to_ascii_uppercase(),
        _ => return None,
    };
    Some(match (rest, path) {
        (true, _) => Caller::Method { method, path: path.to_owned() },
        (false, DEFAULT) => Caller::HttpRoute { key: "$default".into() },
        (false, _) => Caller::HttpRoute { key: format!("{method} {path}") },
    })
}

/// In an HTTP API's export it may be a reference to one that several routes share.
fn integration<'a>(export: &'a Value, operation: &'a Value) -> Option<&'a Map<String, Value>> {
    let found = operation.get(INTEGRATION)?;
    match found.get("$ref").and_then(Value::as_str) {
        Some(reference) => export.pointer(reference.strip_prefix('#')?)?.as_object(),
        None => found.as_object(),
    }
}

fn authorizers(export: &Value, live: &LiveApi, variables: &BTreeMap<String, String>) -> Vec<Route> {
    let schemes = export.pointer("/components/securitySchemes").and_then(Value::as_object).into_iter().flatten();
    let mut found: Vec<Route> = schemes
        .filter_map(|(name, scheme)| {
            let authorizer = scheme.get(AUTHORIZER)?.as_object()?;
            let (id, name) = (live.authorizer_id(name)?.to_owned(), name.clone());
            let role = text(authorizer, "authorizerCredentials");
            route(Caller::Authorizer { id, name }, text(authorizer, "authorizerUri")?, role, variables)
        })
        .collect();
    found.sort_by_key(|route| route.caller.to_string());
    found
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::sample;

    #[test]
    fn an_export_of_the_live_definition_calls_what_the_live_definition_calls() {
        let live = LiveApi::Rest(Box::new(sample::live()));
        let variables = sample::variables("live");
        let said = |routes: &[Route]| -> Vec<String> {
            let mut lines: Vec<String> = routes
                .iter()
                .filter_map(|route| {
                    Some(format!("{} {} {}", route.caller, route.credentials, route.call.lambda()?.arn()))
                })
                .collect();
            lines.sort();
            lines
        };
        let served = said(&routes(&sample::export(), &live, &variables));
        assert_eq!(served, said(&live.routes(&variables)));
        assert!(served.iter().any(|line| line.starts_with("authorizer ")), "{served:?}");
    }
}
