//! A definition of an HTTP API as `ExportApi` shows it: OpenAPI 3 with `x-amazon-apigateway-*` extensions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::export::put;
use crate::aws::noun::{HttpAuthorizer, HttpIntegration, HttpRoute};
use crate::definition::HttpLive;

/// The document of a snapshot, or of what is live.
pub(super) fn openapi(live: &HttpLive, now: Timestamp) -> Value {
    let mut document = Map::new();
    document.insert("openapi".into(), json!("3.0.1"));
    document.insert("info".into(), json!({ "title": live.api.name, "version": now.to_string() }));
    document.insert("paths".into(), paths(live));
    let schemes: Map<String, Value> = live.authorizers.iter().map(|a| (a.name.clone(), scheme(a))).collect();
    let mut components = Map::new();
    put(&mut components, "securitySchemes", Value::Object(schemes));
    put(&mut document, "components", Value::Object(components));
    let cors = live.api.cors_configuration.as_ref().map(|cors| json!(cors)).unwrap_or_default();
    put(&mut document, "x-amazon-apigateway-cors", cors);
    Value::Object(document)
}

fn paths(live: &HttpLive) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in &live.routes {
        let (method, path) = route.route_key.split_once(' ').unwrap_or(("ANY", "/$default"));
        let verb = if method == "ANY" { "x-amazon-apigateway-any-method".into() } else { method.to_lowercase() };
        let mut operation = operation(live, route);
        if route.route_key == "$default" {
            operation.insert("isDefaultRoute".into(), json!(true));
        }
        paths.entry(path.to_owned()).or_default().insert(verb, Value::Object(operation));
    }
    json!(paths)
}

fn operation(live: &HttpLive, route: &HttpRoute) -> Map<String, Value> {
    let mut operation = Map::new();
    put(&mut operation, "operationId", json!(route.operation_name));
    operation.insert("responses".into(), json!({ "default": { "description": "Default response" } }));
    let security = live.authorizer(route).map(|a| json!([{ a.name.clone(): route.authorization_scopes }]));
    put(&mut operation, "security", security.unwrap_or_default());
    let called = live.integration(route).map(integration);
    put(&mut operation, "x-amazon-apigateway-integration", called.unwrap_or_default());
    operation
}

fn integration(integration: &HttpIntegration) -> Value {
    let mut map = Map::new();
    for (name, value) in [
        ("type", json!(integration.integration_type)),
        ("subtype", json!(integration.integration_subtype)),
        ("httpMethod", json!(integration.integration_method)),
        ("uri", json!(integration.integration_uri)),
        ("connectionType", json!(integration.connection_type)),
        ("connectionId", json!(integration.connection_id)),
        ("credentials", json!(integration.credentials_arn)),
        ("payloadFormatVersion", json!(integration.payload_format_version)),
        ("requestParameters", json!(integration.request_parameters)),
        ("responseParameters", json!(integration.response_parameters)),
        ("timeoutInMillis", json!(integration.timeout_in_millis)),
    ] {
        put(&mut map, name, value);
    }
    Value::Object(map)
}

fn scheme(authorizer: &HttpAuthorizer) -> Value {
    let mut own = Map::new();
    for (name, value) in [
        ("type", json!(authorizer.authorizer_type.as_deref().map(str::to_lowercase))),
        ("authorizerUri", json!(authorizer.authorizer_uri)),
        ("authorizerCredentials", json!(authorizer.authorizer_credentials_arn)),
        ("authorizerPayloadFormatVersion", json!(authorizer.authorizer_payload_format_version)),
        ("authorizerResultTtlInSeconds", json!(authorizer.authorizer_result_ttl_in_seconds)),
        ("enableSimpleResponses", json!(authorizer.enable_simple_responses)),
        ("identitySource", json!(authorizer.identity_source)),
        ("jwtConfiguration", json!(authorizer.jwt_configuration)),
    ] {
        put(&mut own, name, value);
    }
    let kind = if authorizer.jwt_configuration.is_some() { "oauth2" } else { "apiKey" };
    json!({ "type": kind, "x-amazon-apigateway-authorizer": own })
}
