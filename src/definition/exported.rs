//! What the routes of an exported definition call: what a stage serves may be other routes than the live ones.

use std::collections::BTreeMap;

use serde_json::Value;

use super::integration::resolve;
use super::reach::{Caller, Route};
use crate::aws::noun::{Export, StageKind};

const INTEGRATION: &str = "x-amazon-apigateway-integration";
const ANY: &str = "x-amazon-apigateway-any-method";
/// The path under which an HTTP API's export shows the `$default` route.
const DEFAULT: &str = "/$default";

/// All routes of an export that call an integration URI, resolved with a stage's variables. Authorizers are not among
/// them: an export does not show their ids.
pub fn routes(kind: &StageKind, export: &Export, variables: &BTreeMap<String, String>) -> Vec<Route> {
    let paths = export.get("paths").and_then(Value::as_object).into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    });
    operations
        .filter_map(|(path, method, operation)| {
            let integration = integration(export, operation)?;
            let text = |name: &str| integration.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let uri = text("uri").filter(|_| !text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("MOCK")))?;
            Some(Route {
                caller: caller(kind, path, method),
                credentials: text("credentials").is_some(),
                call: resolve(uri, variables),
                uri: uri.to_owned(),
            })
        })
        .collect()
}

/// An integration, or the one that several routes share.
fn integration<'e>(export: &'e Export, operation: &'e Value) -> Option<&'e Value> {
    let own = operation.get(INTEGRATION)?;
    match own.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => export.pointer(pointer),
        None => Some(own),
    }
}

fn caller(kind: &StageKind, path: &str, method: &str) -> Caller {
    let method = if method == ANY { "ANY".to_owned() } else { method.to_ascii_uppercase() };
    match kind {
        StageKind::Rest => Caller::Method { method, path: path.to_owned() },
        StageKind::Http { .. } if path == DEFAULT => Caller::HttpRoute { key: "$default".to_owned() },
        StageKind::Http { .. } => Caller::HttpRoute { key: format!("{method} {path}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{reach, sample};

    #[test]
    fn an_export_shows_the_same_methods_as_the_live_definition() {
        let variables = sample::variables("live");
        let live = reach::routes(&sample::live(), &variables);
        let (mut live, mut shown) = (live, routes(&StageKind::Rest, &sample::export(), &variables));
        live.retain(|route| !matches!(route.caller, Caller::Authorizer { .. }));
        shown.sort_by(|a, b| a.caller.cmp(&b.caller));
        live.sort_by(|a, b| a.caller.cmp(&b.caller));
        assert_eq!(shown, live);
    }

    #[test]
    fn routes_of_an_http_api_share_integrations_and_have_a_default() {
        let export = serde_json::json!({
            "paths": {
                "/$default": {ANY: {INTEGRATION: {"uri": "arn:aws:lambda:eu-west-1:1:function:shop:live"}}},
                "/orders": {"get": {INTEGRATION: {"$ref": "#/components/shared"}}},
            },
            "components": {"shared": {"uri": "arn:aws:lambda:eu-west-1:1:function:shop:live", "credentials": "role"}},
        });
        let kind = StageKind::Http { auto_deploy: false, last_deployment: None };
        let found = routes(&kind, &export, &BTreeMap::new());
        let callers: Vec<(String, bool)> = found.iter().map(|r| (r.caller.to_string(), r.credentials)).collect();
        assert_eq!(callers, [("$default".to_owned(), false), ("GET /orders".to_owned(), true)]);
        assert!(found.iter().all(|route| route.reaches("shop", "live")));
    }
}
