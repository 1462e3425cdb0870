//! The deployed definition, read from an export, in the canonical form of what an export and the live definition both
//! show (aws-semantics §6.6).
//!
//! An export shows less than a deployment holds ([`super::Unseen`]): no difference here does not prove that the
//! definitions are equal; an equal fingerprint does.

use serde_json::{Map, Value, json};

use super::canonical::{Canonical, Scope, fields, set};
use super::{embedded, shown};

/// A document that is not an export of a REST API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the export has no `{0}` object; an OpenAPI 3 document is needed")]
pub struct NotAnExport(&'static str);

const VERBS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads a `GetExport` answer (`oas30`, `extensions=apigateway`).
///
/// # Errors
/// When the document has no `paths`.
pub fn read(export: &Value) -> Result<Canonical, NotAnExport> {
    let paths = export.get("paths").and_then(Value::as_object).ok_or(NotAnExport("paths"))?;
    let mut routes = Map::new();
    for (path, item) in paths {
        let methods = item
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(key, operation)| Some((verb(key)?, route(export, operation))));
        let methods: Map<String, Value> = methods.collect();
        if !methods.is_empty() {
            routes.insert(path.clone(), Value::Object(methods));
        }
    }
    let value = json!({
        "api": api(export),
        "routes": routes,
        "authorizers": authorizers(export),
        "validators": validators(export),
        "responses": responses(export),
    });
    Ok(Canonical::sorted(Scope::Export, value))
}

/// The method that a key of a path item stands for, `ANY` included; none when it is no method.
pub fn verb(key: &str) -> Option<String> {
    match key {
        "x-amazon-apigateway-any-method" => Some("ANY".into()),
        _ if VERBS.contains(&key) => Some(key.to_ascii_uppercase()),
        _ => None,
    }
}

fn api(export: &Value) -> Value {
    let mut map = Map::new();
    for (name, extension) in [
        ("apiKeySource", "x-amazon-apigateway-api-key-source"),
        ("binaryMediaTypes", "x-amazon-apigateway-binary-media-types"),
        ("minimumCompressionSize", "x-amazon-apigateway-minimum-compression-size"),
    ] {
        map.insert(name.into(), export.get(extension).cloned().unwrap_or_default());
    }
    let policy = match export.get("x-amazon-apigateway-policy") {
        Some(Value::String(text)) => embedded::policy(text),
        Some(document) => embedded::policy_value(document.clone()),
        None => Value::Null,
    };
    map.insert("policy".into(), policy);
    Value::Object(fields(map))
}

fn route(export: &Value, operation: &Value) -> Value {
    let mut map = security(export, operation);
    let validator = "x-amazon-apigateway-request-validator";
    map.insert(
        "requestValidator".into(),
        operation.get(validator).or_else(|| export.get(validator)).cloned().unwrap_or_default(),
    );
    map.insert("requestModels".into(), models(operation));
    map.insert("requestParameters".into(), parameters(operation));
    let mut map = fields(map);
    if let Some(Value::Object(integration)) = operation.get("x-amazon-apigateway-integration") {
        map.insert("integration".into(), integration_of(integration));
    }
    Value::Object(map)
}

fn integration_of(exported: &Map<String, Value>) -> Value {
    let mut map = shown::of_integration(exported);
    map.entry("timeoutInMillis").or_insert(Value::Null);
    let responses = exported.get("responses").and_then(Value::as_object).into_iter().flatten();
    let responses: Map<String, Value> = responses
        .map(|(pattern, response)| {
            let mut response = response.as_object().cloned().unwrap_or_default();
            if let Some(status) = response.get("statusCode").cloned() {
                response.insert("statusCode".into(), as_text(&status));
            }
            // No pattern at all is the default.
            let pattern = if pattern.is_empty() { "default" } else { pattern };
            (pattern.to_owned(), Value::Object(fields(response)))
        })
        .collect();
    map.insert("responses".into(), Value::Object(responses));
    let mut map = fields(map);
    shown::take_mock_address(&mut map);
    Value::Object(map)
}

/// Authorization type, authorizer and API key of an operation, from the security schemes it names.
fn security(export: &Value, operation: &Value) -> Map<String, Value> {
    let mut map = Map::new();
    let required = operation.get("security").or_else(|| export.get("security"));
    let names = required.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).flatten();
    for (name, _scopes) in names {
        match scheme(export, name) {
            Scheme::ApiKey => {
                map.insert("apiKeyRequired".into(), Value::Bool(true));
            }
            Scheme::Iam => {
                map.insert("authorizationType".into(), "AWS_IAM".into());
            }
            Scheme::Authorizer(kind) => {
                map.insert("authorizationType".into(), kind.into());
                map.insert("authorizer".into(), Value::String(name.clone()));
            }
        }
    }
    if let Some(kind) = operation.pointer("/x-amazon-apigateway-auth/type").filter(|_| !map.contains_key("authorizer"))
    {
        map.insert("authorizationType".into(), kind.clone());
    }
    map
}

enum Scheme {
    ApiKey,
    Iam,
    Authorizer(&'static str),
}

fn scheme(export: &Value, name: &str) -> Scheme {
    let scheme = export.get("components").and_then(|c| c.get("securitySchemes")).and_then(|s| s.get(name));
    let text = |key: &str| scheme.and_then(|scheme| scheme.get(key)).and_then(Value::as_str).unwrap_or_default();
    let kind = scheme.and_then(|scheme| scheme.pointer("/x-amazon-apigateway-authorizer/type")).and_then(Value::as_str);
    match (text("x-amazon-apigateway-authtype"), kind) {
        ("awsSigv4", _) => Scheme::Iam,
        (_, Some("cognito_user_pools")) | ("cognito_user_pools", None) => Scheme::Authorizer("COGNITO_USER_POOLS"),
        ("", None) if text("name").eq_ignore_ascii_case("x-api-key") => Scheme::ApiKey,
        _ => Scheme::Authorizer("CUSTOM"),
    }
}

/// Content type → model name of the request body.
fn models(operation: &Value) -> Value {
    let content = operation.pointer("/requestBody/content").and_then(Value::as_object).into_iter().flatten();
    let named = content.filter_map(|(media, body)| {
        let reference = body.pointer("/schema/$ref")?.as_str()?;
        Some((media.clone(), Value::from(reference.rsplit('/').next()?)))
    });
    Value::Object(named.collect())
}

/// Headers and query parameters, named as the live definition names them → required.
fn parameters(operation: &Value) -> Value {
    let declared = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let named = declared.filter_map(|parameter| {
        let place = match parameter.get("in")?.as_str()? {
            "header" => "header",
            "query" => "querystring",
            _ => return None,
        };
        let name = parameter.get("name")?.as_str()?;
        let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
        Some((format!("method.request.{place}.{name}"), Value::Bool(required)))
    });
    Value::Object(named.collect())
}

fn authorizers(export: &Value) -> Value {
    let schemes = export.pointer("/components/securitySchemes").and_then(Value::as_object).into_iter().flatten();
    let found = schemes.filter_map(|(name, scheme)| {
        let mut map = scheme.get("x-amazon-apigateway-authorizer")?.as_object()?.clone();
        if let Some(pools) = map.remove("providerARNs") {
            map.insert("providerArns".into(), pools.as_array().cloned().map_or(Value::Null, set));
        }
        Some((name.clone(), Value::Object(shown::of_authorizer(&fields(map)))))
    });
    Value::Object(found.collect())
}

fn validators(export: &Value) -> Value {
    let declared = export.get("x-amazon-apigateway-request-validators").cloned().unwrap_or_default();
    shown::each(&declared, |_, validator| Value::Object(fields(validator.as_object().cloned().unwrap_or_default())))
}

fn responses(export: &Value) -> Value {
    let declared = export.get("x-amazon-apigateway-gateway-responses").cloned().unwrap_or_default();
    shown::each(&declared, |_, response| {
        let mut response = fields(response.as_object().cloned().unwrap_or_default());
        if let Some(status) = response.get_mut("statusCode") {
            *status = as_text(status);
        }
        shown::take_default_templates(&mut response);
        Value::Object(response)
    })
}

/// A status code as the live definition writes it; an export writes some as numbers.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
