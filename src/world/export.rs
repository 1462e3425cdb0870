//! A snapshot as `GetExport` shows it: OpenAPI 3 with `x-amazon-apigateway-*` extensions (aws-semantics §6.6).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::apigateway::Definition;
use crate::aws::noun::{Authorizer, Deployment, Integration, Method};

/// The document of one snapshot. Absent and empty things are left out, as AWS does.
pub(super) fn openapi(definition: &Definition, deployment: &Deployment) -> Value {
    let api = &definition.api;
    let mut document = Map::new();
    document.insert("openapi".into(), json!("3.0.1"));
    let version = deployment.created.map(|created| created.to_string());
    document.insert("info".into(), json!({ "title": api.name, "version": version }));
    document.insert("paths".into(), paths(definition));
    document.insert("components".into(), components(definition));
    let disabled = json!({ "disableExecuteApiEndpoint": true });
    let extensions = [
        ("policy", definition.policy()),
        ("binary-media-types", json!(api.binary_media_types)),
        ("minimum-compression-size", json!(api.minimum_compression_size)),
        ("api-key-source", json!(api.api_key_source)),
        ("endpoint-configuration", if api.disable_execute_api_endpoint { disabled } else { Value::Null }),
        ("request-validators", validators(definition)),
        ("gateway-responses", gateway_responses(definition)),
    ];
    for (name, value) in extensions {
        put(&mut document, &format!("x-amazon-apigateway-{name}"), value);
    }
    Value::Object(document)
}

/// Leaves out what says nothing.
pub(super) fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    if !empty {
        map.insert(key.to_owned(), value);
    }
}

fn paths(definition: &Definition) -> Value {
    let mut paths = Map::new();
    for resource in definition.resources.iter().filter(|resource| !resource.methods.is_empty()) {
        let mut item = Map::new();
        for (http_method, method) in &resource.methods {
            let key = match http_method.as_str() {
                "ANY" => "x-amazon-apigateway-any-method".to_owned(),
                other => other.to_lowercase(),
            };
            item.insert(key, operation(definition, &resource.path, method));
        }
        paths.insert(resource.path.clone(), Value::Object(item));
    }
    Value::Object(paths)
}

fn operation(definition: &Definition, path: &str, method: &Method) -> Value {
    let mut operation = Map::new();
    put(&mut operation, "operationId", json!(method.operation_name));
    put(&mut operation, "parameters", parameters(path, &method.request_parameters));
    put(&mut operation, "requestBody", content(&method.request_models));
    let responses: Map<String, Value> = method
        .method_responses
        .iter()
        .map(|(status, response)| {
            let mut declared = Map::from_iter([("description".to_owned(), json!(format!("{status} response")))]);
            let header = |name: &String| (name.rsplit('.').next().unwrap_or(name).to_owned(), string());
            let headers: Map<String, Value> = response.response_parameters.keys().map(header).collect();
            put(&mut declared, "headers", Value::Object(headers));
            put(&mut declared, "content", content(&response.response_models)["content"].clone());
            (status.clone(), Value::Object(declared))
        })
        .collect();
    put(&mut operation, "responses", Value::Object(responses));
    put(&mut operation, "security", security(definition, method));
    let id = method.request_validator_id.as_ref();
    let validator = definition.validators.iter().find(|validator| Some(&validator.id) == id);
    let validator = validator.map(|validator| validator.name.clone());
    put(&mut operation, "x-amazon-apigateway-request-validator", json!(validator));
    put(
        &mut operation,
        "x-amazon-apigateway-integration",
        method.integration.as_ref().map_or(Value::Null, integration),
    );
    Value::Object(operation)
}

fn string() -> Value {
    json!({ "schema": { "type": "string" } })
}

/// `method.request.header.X` → an OpenAPI parameter; path parameters come from the template as well.
fn parameters(path: &str, declared: &BTreeMap<String, bool>) -> Value {
    let mut parameters: BTreeMap<(String, String), bool> = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| (("path".to_owned(), name.trim_end_matches('+').to_owned()), true))
        .collect();
    for (name, required) in declared {
        let mut parts = name.splitn(4, '.').skip(2);
        if let (Some(place), Some(name)) = (parts.next(), parts.next()) {
            let place = if place == "querystring" { "query" } else { place };
            parameters.insert((place.to_owned(), name.to_owned()), *required || place == "path");
        }
    }
    let render = |((place, name), required): (&(String, String), &bool)| {
        let mut parameter = json!({ "name": name, "in": place, "schema": { "type": "string" } });
        if *required {
            parameter["required"] = json!(true);
        }
        parameter
    };
    parameters.iter().map(render).collect()
}

fn content(models: &BTreeMap<String, String>) -> Value {
    if models.is_empty() {
        return Value::Null;
    }
    let schema = |model: &String| json!({ "schema": { "$ref": format!("#/components/schemas/{model}") } });
    let content: Map<String, Value> = models.iter().map(|(kind, model)| (kind.clone(), schema(model))).collect();
    json!({ "content": content, "required": true })
}

fn security(definition: &Definition, method: &Method) -> Value {
    let mut schemes = Vec::new();
    let id = method.authorizer_id.as_ref();
    if let Some(authorizer) = definition.authorizers.iter().find(|authorizer| Some(&authorizer.id) == id) {
        schemes.push(json!({ authorizer.name.clone(): method.authorization_scopes }));
    }
    if asks_iam(method) {
        schemes.push(json!({ "sigv4": [] }));
    }
    if method.api_key_required {
        schemes.push(json!({ "api_key": [] }));
    }
    json!(schemes)
}

fn asks_iam(method: &Method) -> bool {
    method.authorization_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("AWS_IAM"))
}

fn integration(integration: &Integration) -> Value {
    let lower = |text: &Option<String>| json!(text.as_ref().map(|text| text.to_lowercase()));
    let responses: Map<String, Value> = integration
        .integration_responses
        .iter()
        .map(|(status, response)| {
            let mut shown = Map::from_iter([("statusCode".to_owned(), json!(status))]);
            put(&mut shown, "responseParameters", json!(response.response_parameters));
            put(&mut shown, "responseTemplates", json!(response.response_templates));
            put(&mut shown, "contentHandling", json!(response.content_handling));
            (response.selection_pattern.clone().unwrap_or_else(|| "default".into()), Value::Object(shown))
        })
        .collect();
    let fields = [
        ("type", lower(&integration.kind)),
        ("httpMethod", json!(integration.http_method)),
        ("uri", json!(integration.uri)),
        ("connectionType", json!(integration.connection_type.as_ref().filter(|kind| *kind != "INTERNET"))),
        ("connectionId", json!(integration.connection_id)),
        ("credentials", json!(integration.credentials)),
        ("requestParameters", json!(integration.request_parameters)),
        ("requestTemplates", json!(integration.request_templates)),
        ("passthroughBehavior", lower(&integration.passthrough_behavior)),
        ("contentHandling", json!(integration.content_handling)),
        (
            "timeoutInMillis",
            if integration.timeout_in_millis > 0 { json!(integration.timeout_in_millis) } else { Value::Null },
        ),
        ("cacheKeyParameters", json!(integration.cache_key_parameters)),
        ("responseTransferMode", json!(integration.response_transfer_mode.as_ref().filter(|mode| *mode != "BUFFERED"))),
        (
            "tlsConfig",
            if integration.insecure_skip_verification {
                json!({ "insecureSkipVerification": true })
            } else {
                Value::Null
            },
        ),
        ("responses", Value::Object(responses)),
    ];
    let mut shown = Map::new();
    for (name, value) in fields {
        put(&mut shown, name, value);
    }
    Value::Object(shown)
}

fn components(definition: &Definition) -> Value {
    let schema = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let schemas: Map<String, Value> = definition
        .models
        .iter()
        .map(|model| (model.name.clone(), schema(&model.schema).unwrap_or_else(|| json!({}))))
        .collect();
    let mut schemes: Map<String, Value> =
        definition.authorizers.iter().map(|authorizer| (authorizer.name.clone(), scheme(authorizer))).collect();
    let methods = || definition.resources.iter().flat_map(|resource| resource.methods.values());
    let header = |name: &str| json!({ "type": "apiKey", "name": name, "in": "header" });
    if methods().any(|method| method.api_key_required) {
        schemes.insert("api_key".into(), header("x-api-key"));
    }
    if methods().any(asks_iam) {
        let mut sigv4 = header("Authorization");
        sigv4["x-amazon-apigateway-authtype"] = json!("awsSigv4");
        schemes.insert("sigv4".into(), sigv4);
    }
    let mut components = Map::new();
    put(&mut components, "schemas", Value::Object(schemas));
    put(&mut components, "securitySchemes", Value::Object(schemes));
    Value::Object(components)
}

fn scheme(authorizer: &Authorizer) -> Value {
    let kind = authorizer.kind.as_deref().unwrap_or("TOKEN").to_lowercase();
    let mut details = Map::from_iter([("type".to_owned(), json!(kind))]);
    put(&mut details, "authorizerUri", json!(authorizer.authorizer_uri));
    put(&mut details, "authorizerCredentials", json!(authorizer.authorizer_credentials));
    put(&mut details, "providerARNs", json!(authorizer.provider_arns));
    put(&mut details, "identityValidationExpression", json!(authorizer.identity_validation_expression));
    put(&mut details, "authorizerResultTtlInSeconds", json!(authorizer.authorizer_result_ttl_in_seconds));
    let header = match (kind.as_str(), authorizer.identity_source.as_deref()) {
        ("request", source) => {
            put(&mut details, "identitySource", json!(source));
            "Unused"
        }
        (_, source) => source.and_then(|source| source.rsplit('.').next()).unwrap_or("Authorization"),
    };
    let default_type = if kind == "cognito_user_pools" { "cognito_user_pools" } else { "custom" };
    let auth_type = authorizer.auth_type.as_deref().unwrap_or(default_type);
    json!({
        "type": "apiKey", "name": header, "in": "header",
        "x-amazon-apigateway-authtype": auth_type, "x-amazon-apigateway-authorizer": details,
    })
}

fn validators(definition: &Definition) -> Value {
    let used = |id: &String| {
        let mut methods = definition.resources.iter().flat_map(|resource| resource.methods.values());
        methods.any(|method| method.request_validator_id.as_ref() == Some(id))
    };
    let shown = definition.validators.iter().filter(|validator| used(&validator.id)).map(|validator| {
        let checks = json!({
            "validateRequestParameters": validator.validate_request_parameters,
            "validateRequestBody": validator.validate_request_body,
        });
        (validator.name.clone(), checks)
    });
    Value::Object(shown.collect())
}

fn gateway_responses(definition: &Definition) -> Value {
    let own = definition.gateway_responses.iter().filter(|response| !response.default_response);
    let shown = own.map(|response| {
        let mut answer = Map::new();
        put(&mut answer, "statusCode", json!(response.status_code.as_ref().and_then(|s| s.parse::<u16>().ok())));
        put(&mut answer, "responseParameters", json!(response.response_parameters));
        put(&mut answer, "responseTemplates", json!(response.response_templates));
        (response.response_type.clone(), Value::Object(answer))
    });
    Value::Object(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::super::World;
    use super::super::tests::{api, ask, pets, prod, world};
    use super::*;
    use crate::aws::noun::{GatewayResponse, RequestValidator};
    use crate::aws::operation as op;

    /// A stage that serves one of everything, and a live definition without resources.
    fn edited() -> World {
        let world = world();
        world.edit(|account| {
            account
                .edit_api(&api(), |definition| {
                    definition.api.binary_media_types = vec!["image/png".into()];
                    definition.api.policy = Some(r#"{\"Version\":\"2012-10-17\"}"#.into());
                    let authorizer = Authorizer { id: "a1".into(), name: "auth".into(), ..Authorizer::default() };
                    definition.authorizers.push(authorizer);
                    let strict = RequestValidator {
                        id: "v1".into(),
                        name: "strict".into(),
                        validate_request_body: true,
                        validate_request_parameters: false,
                    };
                    definition.validators.push(strict);
                    definition.gateway_responses.push(GatewayResponse {
                        response_type: "THROTTLED".into(),
                        status_code: Some("429".into()),
                        response_parameters: BTreeMap::new(),
                        response_templates: BTreeMap::new(),
                        default_response: false,
                    });
                    let method = definition.method_mut("/pets/{id}", "GET");
                    method.authorizer_id = Some("a1".into());
                    method.request_validator_id = Some("v1".into());
                    method.api_key_required = true;
                    method.request_parameters.insert("method.request.querystring.full".into(), false);
                })
                .unwrap();
            account.put_route(&api(), "POST", "/pets", &pets(), "1").unwrap();
            let deployment = account.deploy(&api(), "").unwrap();
            account.stage_mut(&api(), &prod()).unwrap().deployment = deployment;
            account.edit_api(&api(), |definition| definition.resources.clear()).unwrap();
        });
        world
    }

    #[test]
    fn an_export_shows_what_the_stage_serves_with_names_for_ids() {
        let world = edited();
        let export = ask(&world, op::GetExport { api: api(), stage: prod() }).unwrap();
        let integration = |qualifier: &str| {
            json!({
                "type": "aws_proxy", "httpMethod": "POST", "passthroughBehavior": "when_no_match",
                "uri": format!(
                    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:\
                     123456789012:function:pets:{qualifier}/invocations"
                ),
                "timeoutInMillis": 29000,
            })
        };
        let get_pet = json!({
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                { "name": "full", "in": "query", "schema": { "type": "string" } },
            ],
            "security": [{ "auth": [] }, { "api_key": [] }],
            "x-amazon-apigateway-request-validator": "strict",
            "x-amazon-apigateway-integration": integration("${stageVariables.lambdaAlias}"),
        });
        let any = json!({ "x-amazon-apigateway-integration": integration("${stageVariables.lambdaAlias}") });
        let post = json!({ "x-amazon-apigateway-integration": integration("1") });
        let paths = json!({
            "/pets/{id}": { "get": get_pet },
            "/": { "x-amazon-apigateway-any-method": any },
            "/pets": { "post": post },
        });
        let auth = json!({
            "type": "apiKey", "name": "Authorization", "in": "header",
            "x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": { "type": "token" },
        });
        let api_key = json!({ "type": "apiKey", "name": "x-api-key", "in": "header" });
        let expected = json!({
            "openapi": "3.0.1",
            "info": { "title": "pets", "version": "1970-01-01T00:00:00Z" },
            "paths": paths,
            "components": { "securitySchemes": { "auth": auth, "api_key": api_key } },
            "x-amazon-apigateway-policy": { "Version": "2012-10-17" },
            "x-amazon-apigateway-binary-media-types": ["image/png"],
            "x-amazon-apigateway-api-key-source": "HEADER",
            "x-amazon-apigateway-request-validators":
                { "strict": { "validateRequestParameters": false, "validateRequestBody": true } },
            "x-amazon-apigateway-gateway-responses": { "THROTTLED": { "statusCode": 429 } },
        });
        assert_eq!(export, expected);
    }
}
