//! The definition of an HTTP API: its canonical form and fingerprint, what it calls, and how two exports differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::canonical::Fingerprint;
use super::embedded;
use super::integration::resolve;
use super::reach::{Caller, Route};
use crate::aws::noun::{HttpApi, HttpAuthorizer, HttpIntegration, HttpRoute};

mod exported;

pub use exported::differences;

/// Default integration time-out, milliseconds; absent means it.
const DEFAULT_TIMEOUT_MS: i32 = 30_000;

/// Everything that a deployment of an HTTP API snapshots, as its owner edits it (aws-semantics §7).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpLive {
    /// `GetApi`.
    pub api: HttpApi,
    /// `GetRoutes`, all pages.
    pub routes: Vec<HttpRoute>,
    /// `GetIntegrations`, all pages.
    pub integrations: Vec<HttpIntegration>,
    /// `GetAuthorizers`, all pages; none are read where no route names one.
    pub authorizers: Vec<HttpAuthorizer>,
}

impl HttpLive {
    /// What a route calls.
    pub fn integration(&self, route: &HttpRoute) -> Option<&HttpIntegration> {
        let id = route.integration_id()?;
        self.integrations.iter().find(|integration| integration.id == id)
    }

    /// What guards a route.
    pub fn authorizer(&self, route: &HttpRoute) -> Option<&HttpAuthorizer> {
        let id = route.authorizer_id.as_ref()?;
        self.authorizers.iter().find(|authorizer| authorizer.id == *id)
    }
}

/// The fingerprint of what a deployment made now would snapshot. Integrations and authorizers count where a route uses
/// them, whatever their ids.
pub fn fingerprint(live: &HttpLive) -> Fingerprint {
    Fingerprint::of(&canonical(live).to_string())
}

/// One form for one definition, keys sorted at every depth.
fn canonical(live: &HttpLive) -> Value {
    let mut api = Fields::default();
    api.flag("disableExecuteApiEndpoint", live.api.disable_execute_api_endpoint);
    if let Some(cors) = &live.api.cors_configuration {
        let mut map = Fields::default();
        map.flag("allowCredentials", cors.allow_credentials);
        map.set("allowHeaders", &cors.allow_headers);
        map.set("allowMethods", &cors.allow_methods);
        map.set("allowOrigins", &cors.allow_origins);
        map.set("exposeHeaders", &cors.expose_headers);
        map.put("maxAge", cors.max_age.map(Value::from));
        api.put("cors", Some(map.value()));
    }
    let routes = live.routes.iter().map(|route| (route.route_key.clone(), canonical_route(live, route)));
    let mut all = Map::new();
    all.insert("http".into(), api.value());
    all.insert("routes".into(), Value::Object(routes.collect()));
    embedded::sorted(all)
}

fn canonical_route(live: &HttpLive, route: &HttpRoute) -> Value {
    let mut map = Fields::default();
    map.word("authorizationType", route.authorization_type.as_deref(), "NONE");
    map.set("authorizationScopes", &route.authorization_scopes);
    map.text("operationName", route.operation_name.as_deref());
    // One that is named and not there is told from none.
    map.text("authorizer", route.authorizer_id.as_deref().filter(|_| live.authorizer(route).is_none()));
    map.text("target", route.target.as_deref().filter(|_| live.integration(route).is_none()));
    map.put("authorizer", live.authorizer(route).map(canonical_authorizer));
    map.put("integration", live.integration(route).map(canonical_integration));
    map.value()
}

fn canonical_authorizer(authorizer: &HttpAuthorizer) -> Value {
    let mut map = Fields::default();
    map.text("name", Some(&authorizer.name));
    map.word("type", authorizer.authorizer_type.as_deref(), "");
    map.text("uri", authorizer.authorizer_uri.as_deref());
    map.text("credentials", authorizer.authorizer_credentials_arn.as_deref());
    map.text("payloadFormatVersion", authorizer.authorizer_payload_format_version.as_deref());
    map.put("ttl", authorizer.authorizer_result_ttl_in_seconds.map(Value::from));
    map.flag("simpleResponses", authorizer.enable_simple_responses);
    map.set("identitySource", &authorizer.identity_source);
    if let Some(jwt) = &authorizer.jwt_configuration {
        map.set("audience", &jwt.audience);
        map.text("issuer", jwt.issuer.as_deref());
    }
    map.value()
}

fn canonical_integration(integration: &HttpIntegration) -> Value {
    let mut map = Fields::default();
    map.word("type", integration.integration_type.as_deref(), "");
    map.text("subtype", integration.integration_subtype.as_deref());
    map.word("method", integration.integration_method.as_deref(), "");
    map.text("uri", integration.integration_uri.as_deref());
    map.word("connectionType", integration.connection_type.as_deref(), "INTERNET");
    map.text("connectionId", integration.connection_id.as_deref());
    map.text("credentials", integration.credentials_arn.as_deref());
    map.text("payloadFormatVersion", integration.payload_format_version.as_deref());
    map.put("requestParameters", serde_json::to_value(&integration.request_parameters).ok());
    map.put("responseParameters", serde_json::to_value(&integration.response_parameters).ok());
    let timeout = integration.timeout_in_millis.filter(|ms| *ms != DEFAULT_TIMEOUT_MS && *ms != 0);
    map.put("timeoutInMillis", timeout.map(Value::from));
    map.text("serverNameToVerify", integration.server_name_to_verify.as_deref());
    map.value()
}

/// The fields of a noun that say something: absent, empty and default are one.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value.filter(|value| !embedded::is_empty(value)) {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        self.put(name, value.filter(|text| !text.is_empty()).map(Value::from));
    }

    fn word(&mut self, name: &str, value: Option<&str>, default: &str) {
        let word = value.map(str::to_ascii_uppercase).filter(|word| word != default);
        self.text(name, word.as_deref());
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.put(name, value.then_some(Value::Bool(true)));
    }

    fn set(&mut self, name: &str, values: &[String]) {
        let mut sorted = values.to_vec();
        sorted.sort();
        sorted.dedup();
        self.put(name, Some(Value::from(sorted)));
    }

    fn value(self) -> Value {
        Value::Object(self.0)
    }
}

/// All routes that call an integration URI and all Lambda authorizers, resolved with a stage's variables; routes sorted
/// by key, authorizers after them by name.
pub fn routes(live: &HttpLive, variables: &BTreeMap<String, String>) -> Vec<Route> {
    let route = |caller: Caller, uri: &str, role: Option<&str>| Route {
        caller,
        credentials: role.is_some_and(|role| !role.is_empty()),
        call: resolve(uri, variables),
        uri: uri.to_owned(),
    };
    let mut keyed: Vec<Route> = live
        .routes
        .iter()
        .filter_map(|found| {
            let integration = live.integration(found)?;
            let uri = integration.integration_uri.as_deref().filter(|uri| !uri.is_empty())?;
            let caller = Caller::HttpRoute { key: found.route_key.clone() };
            Some(route(caller, uri, integration.credentials_arn.as_deref()))
        })
        .collect();
    let mut authorizers: Vec<Route> = live
        .authorizers
        .iter()
        .filter_map(|found| {
            let uri = found.authorizer_uri.as_deref().filter(|uri| !uri.is_empty())?;
            let caller = Caller::Authorizer { id: found.id.clone(), name: found.name.clone() };
            Some(route(caller, uri, found.authorizer_credentials_arn.as_deref()))
        })
        .collect();
    keyed.sort_by_key(|route| route.caller.to_string());
    authorizers.sort_by_key(|route| route.caller.to_string());
    keyed.into_iter().chain(authorizers).collect()
}

#[cfg(test)]
pub(crate) mod tests;
