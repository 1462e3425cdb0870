//! What the routes of a stage call as they are deployed, taken from its export (aws-semantics §5).

use std::collections::BTreeMap;

use serde_json::Value;

use super::api::LiveApi;
use super::canonical::Canonical;
use super::deployed;
use super::http;
use super::integration::resolve;
use super::reach::{Caller, Route};

impl LiveApi {
    /// The routes as a stage serves them: of its export, or, where none was needed, of the live definition. An export
    /// names authorizers without their ids; one that is no longer live goes by its name.
    pub fn served_routes(&self, export: Option<&Value>, variables: &BTreeMap<String, String>) -> Vec<Route> {
        let Some(export) = export else { return self.routes(variables) };
        match self {
            Self::Rest(live) => {
                let ids = live.authorizers.iter().map(|one| (one.name.clone(), one.id.clone())).collect();
                deployed::read(export).map_or_else(|_| self.routes(variables), |side| rest(&side, &ids, variables))
            }
            Self::Http(live) => {
                let ids = live.authorizers.iter().map(|one| (one.name.clone(), one.id.clone())).collect();
                http::exported_routes(export, &ids, variables)
            }
        }
    }
}

/// An integration or authorizer URI with who calls it.
pub(super) fn route(
    caller: Caller,
    uri: Option<&Value>,
    role: Option<&Value>,
    variables: &BTreeMap<String, String>,
) -> Option<Route> {
    let uri = uri.and_then(Value::as_str).filter(|uri| !uri.is_empty())?;
    let credentials = role.and_then(Value::as_str).is_some_and(|role| !role.is_empty());
    Some(Route { caller, credentials, call: resolve(uri, variables), uri: uri.to_owned() })
}

pub(super) fn authorizer(name: &str, ids: &BTreeMap<String, String>) -> Caller {
    Caller::Authorizer { id: ids.get(name).cloned().unwrap_or_else(|| name.to_owned()), name: name.to_owned() }
}

fn rest(side: &Canonical, ids: &BTreeMap<String, String>, variables: &BTreeMap<String, String>) -> Vec<Route> {
    let objects = |value: Option<&Value>| -> Vec<(String, Value)> {
        let map = value.and_then(Value::as_object).into_iter().flatten();
        map.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let mut found = Vec::new();
    for (path, methods) in objects(side.value().get("routes")) {
        for (method, what) in objects(Some(&methods)) {
            let Some(integration) = what.get("integration") else { continue };
            if integration.get("type").and_then(Value::as_str) == Some("MOCK") {
                continue;
            }
            let caller = Caller::Method { method, path: path.clone() };
            found.extend(route(caller, integration.get("uri"), integration.get("credentials"), variables));
        }
    }
    for (name, what) in objects(side.value().get("authorizers")) {
        let role = what.get("authorizerCredentials");
        found.extend(route(authorizer(&name, ids), what.get("authorizerUri"), role, variables));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::sample;

    #[test]
    fn an_export_of_what_is_live_calls_what_the_live_definition_calls() {
        let live = LiveApi::Rest(Box::new(sample::live()));
        let variables = sample::variables("live");
        let (mut live_routes, export) = (live.routes(&variables), sample::export());
        let mut served = live.served_routes(Some(&export), &variables);
        let name = |route: &Route| route.caller.to_string();
        live_routes.sort_by_key(name);
        served.sort_by_key(name);
        assert_eq!(served, live_routes);
    }
}
