use serde_json::json;

use super::*;
use crate::aws::noun::{Cors, JwtConfiguration};
use crate::definition::reach;

const FN: &str = "arn:aws:lambda:eu-west-1:111111111111:function";

/// An API with the shapes that matter: a bare ARN, the `apigateway` form, a role, JWT and Lambda authorizers, HTTP.
fn live() -> HttpLive {
    let route = |key: &str, integration: &str| HttpRoute {
        route_key: key.into(),
        target: Some(format!("integrations/{integration}")),
        authorization_type: Some("NONE".into()),
        ..HttpRoute::default()
    };
    let integration = |id: &str, uri: String| HttpIntegration {
        id: id.into(),
        integration_type: Some("AWS_PROXY".into()),
        integration_method: Some("POST".into()),
        integration_uri: Some(uri),
        connection_type: Some("INTERNET".into()),
        payload_format_version: Some("2.0".into()),
        timeout_in_millis: Some(30_000),
        ..HttpIntegration::default()
    };
    let path = format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{FN}");
    let jwt = JwtConfiguration { audience: vec!["a".into(), "b".into()], issuer: Some("https://issuer".into()) };
    HttpLive {
        api: HttpApi { name: "shop".into(), protocol_type: "HTTP".into(), ..HttpApi::default() },
        routes: vec![
            HttpRoute {
                authorization_type: Some("CUSTOM".into()),
                authorizer_id: Some("a1".into()),
                ..route("POST /orders", "i1")
            },
            HttpRoute {
                authorization_type: Some("JWT".into()),
                authorizer_id: Some("a2".into()),
                authorization_scopes: vec!["read".into(), "write".into()],
                ..route("GET /orders/{id}", "i2")
            },
            route("$default", "i3"),
        ],
        integrations: vec![
            integration("i1", format!("{path}:checkout:${{stageVariables.lambdaAlias}}/invocations")),
            HttpIntegration {
                credentials_arn: Some("arn:aws:iam::111111111111:role/r".into()),
                ..integration("i2", format!("{FN}:checkout:live"))
            },
            HttpIntegration {
                integration_type: Some("HTTP_PROXY".into()),
                request_parameters: [("overwrite:path".to_owned(), "/x".to_owned())].into(),
                ..integration("i3", "https://example.com".into())
            },
        ],
        authorizers: vec![
            HttpAuthorizer {
                id: "a1".into(),
                name: "session".into(),
                authorizer_type: Some("REQUEST".into()),
                authorizer_uri: Some(format!("{path}:auth:live/invocations")),
                authorizer_payload_format_version: Some("2.0".into()),
                identity_source: vec!["$request.header.Cookie".into(), "$request.header.Host".into()],
                ..HttpAuthorizer::default()
            },
            HttpAuthorizer {
                id: "a2".into(),
                name: "jwt-main".into(),
                authorizer_type: Some("JWT".into()),
                jwt_configuration: Some(jwt),
                ..HttpAuthorizer::default()
            },
        ],
    }
}

type Edit = (&'static str, fn(&mut HttpLive));

#[test]
fn every_property_of_a_route_its_integration_and_its_authorizer_changes_the_fingerprint() {
    let edits: &[Edit] = &[
        ("a route more", |l| l.routes.push(HttpRoute { route_key: "GET /new".into(), ..HttpRoute::default() })),
        ("a route less", |l| drop(l.routes.pop())),
        ("another key", |l| l.routes[2].route_key = "ANY /{proxy+}".into()),
        ("another integration", |l| l.routes[0].target = Some("integrations/i2".into())),
        ("an integration that is gone", |l| l.routes[0].target = Some("integrations/gone".into())),
        ("no integration", |l| l.routes[0].target = None),
        ("authorization", |l| l.routes[2].authorization_type = Some("AWS_IAM".into())),
        ("authorizer", |l| l.routes[0].authorizer_id = Some("a2".into())),
        ("scopes", |l| l.routes[1].authorization_scopes = vec!["read".into()]),
        ("operation name", |l| l.routes[0].operation_name = Some("order".into())),
        ("uri", |l| l.integrations[0].integration_uri = Some(format!("{FN}:checkout:beta"))),
        ("type", |l| l.integrations[2].integration_type = Some("AWS_PROXY".into())),
        ("subtype", |l| l.integrations[0].integration_subtype = Some("SQS-SendMessage".into())),
        ("method", |l| l.integrations[2].integration_method = Some("GET".into())),
        ("payload format", |l| l.integrations[0].payload_format_version = Some("1.0".into())),
        ("time-out", |l| l.integrations[0].timeout_in_millis = Some(5_000)),
        ("role", |l| l.integrations[1].credentials_arn = None),
        ("connection", |l| l.integrations[2].connection_type = Some("VPC_LINK".into())),
        ("link", |l| l.integrations[2].connection_id = Some("v1".into())),
        ("request parameters", |l| l.integrations[2].request_parameters.clear()),
        ("response parameters", |l| {
            l.integrations[0].response_parameters.insert("200".into(), [("append:header.x".into(), "1".into())].into());
        }),
        ("server name", |l| l.integrations[2].server_name_to_verify = Some("example.com".into())),
        ("authorizer name", |l| l.authorizers[0].name = "other".into()),
        ("authorizer uri", |l| l.authorizers[0].authorizer_uri = Some(format!("{FN}:auth:beta"))),
        ("authorizer role", |l| l.authorizers[0].authorizer_credentials_arn = Some("arn:aws:iam::1:role/a".into())),
        ("authorizer payload", |l| l.authorizers[0].authorizer_payload_format_version = Some("1.0".into())),
        ("authorizer cache", |l| l.authorizers[0].authorizer_result_ttl_in_seconds = Some(60)),
        ("simple responses", |l| l.authorizers[0].enable_simple_responses = true),
        ("identity", |l| drop(l.authorizers[0].identity_source.pop())),
        ("audience", |l| l.authorizers[1].jwt_configuration.as_mut().unwrap().audience = vec!["a".into()]),
        ("issuer", |l| l.authorizers[1].jwt_configuration.as_mut().unwrap().issuer = Some("https://other".into())),
        ("cors", |l| {
            let allow_origins = vec!["https://example.com".into()];
            l.api.cors_configuration = Some(Cors { allow_origins, ..Cors::default() });
        }),
        ("endpoint", |l| l.api.disable_execute_api_endpoint = true),
    ];
    let before = fingerprint(&live());
    for (what, edit) in edits {
        let mut live = live();
        edit(&mut live);
        assert_ne!(fingerprint(&live), before, "{what}");
    }
}

#[test]
fn order_ids_defaults_and_what_no_route_uses_change_nothing() {
    let edits: &[Edit] = &[
        ("order of routes", |l| l.routes.reverse()),
        ("order of integrations", |l| l.integrations.reverse()),
        ("order of authorizers", |l| l.authorizers.reverse()),
        ("order of scopes", |l| l.routes[1].authorization_scopes.reverse()),
        ("order of audiences", |l| l.authorizers[1].jwt_configuration.as_mut().unwrap().audience.reverse()),
        ("order of identity sources", |l| l.authorizers[0].identity_source.reverse()),
        ("a scope twice", |l| l.routes[1].authorization_scopes.push("read".into())),
        ("another integration id", |l| {
            l.integrations[0].id = "other".into();
            l.routes[0].target = Some("integrations/other".into());
        }),
        ("another authorizer id", |l| {
            l.authorizers[0].id = "other".into();
            l.routes[0].authorizer_id = Some("other".into());
        }),
        ("an unused integration", |l| {
            l.integrations.push(HttpIntegration { id: "unused".into(), ..HttpIntegration::default() })
        }),
        ("an unused authorizer", |l| {
            l.authorizers.push(HttpAuthorizer { id: "unused".into(), ..HttpAuthorizer::default() })
        }),
        ("the default time-out left out", |l| l.integrations[0].timeout_in_millis = None),
        ("the default connection left out", |l| l.integrations[0].connection_type = None),
        ("no authorization left out", |l| l.routes[2].authorization_type = None),
        ("case of words", |l| l.integrations[0].integration_type = Some("aws_proxy".into())),
        ("an empty text", |l| l.routes[0].operation_name = Some(String::new())),
        ("the api's name", |l| l.api.name = "renamed".into()),
    ];
    let before = fingerprint(&live());
    for (what, edit) in edits {
        let mut live = live();
        edit(&mut live);
        assert_eq!(fingerprint(&live), before, "{what}");
    }
}

#[test]
fn routes_and_lambda_authorizers_reach_functions_and_a_role_needs_no_permission() {
    let variables = BTreeMap::from([("lambdaAlias".to_owned(), "live".to_owned())]);
    let all = routes(&live(), &variables);
    let named: Vec<String> = all.iter().map(|route| route.caller.to_string()).collect();
    assert_eq!(named, ["$default", "GET /orders/{id}", "POST /orders", "authorizer session"]);
    let through: Vec<(String, bool)> = reach::reaching_arn(&all, &format!("{FN}:checkout:live"))
        .iter()
        .map(|route| (route.caller.to_string(), route.credentials))
        .collect();
    assert_eq!(through, [("GET /orders/{id}".into(), true), ("POST /orders".into(), false)]);
    let unset = routes(&live(), &BTreeMap::new());
    assert_eq!(reach::unset(&unset, &["checkout"]).len(), 1);
}

/// What AWS would export: integrations shared by reference, and a version that is the time of the export.
fn export(at: &str) -> Value {
    json!({
        "openapi": "3.0.1",
        "info": { "title": "shop", "version": at },
        "servers": [{ "url": format!("https://{at}.example.com") }],
        "paths": {
            "/$default": { "x-amazon-apigateway-any-method": {
                "isDefaultRoute": true,
                "responses": { "default": { "description": at } },
                "x-amazon-apigateway-integration": { "$ref": format!("#/components/x-amazon-apigateway-integrations/i{at}") },
            }},
            "/orders/{id}": { "get": {
                "security": [{ "jwt-main": ["read"] }],
                "x-amazon-apigateway-integration": { "type": "AWS_PROXY", "uri": format!("{FN}:checkout:live"), "timeoutInMillis": 30000 },
            }, "parameters": [{ "name": "id", "in": "path" }] },
        },
        "components": {
            "securitySchemes": { "jwt-main": { "type": "oauth2", "x-amazon-apigateway-authorizer": { "type": "jwt", "jwtConfiguration": { "audience": ["a"] } } } },
            "x-amazon-apigateway-integrations": { format!("i{at}"): { "type": "HTTP_PROXY", "uri": "https://example.com" } },
        },
    })
}

#[test]
fn two_exports_of_one_definition_do_not_differ_whenever_they_were_made() {
    assert_eq!(differences(&export("1"), &export("2")), []);
}

#[test]
fn what_a_deployment_would_publish_is_told_by_route() {
    let told = |edit: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut live = export("2");
        edit(&mut live);
        differences(&export("1"), &live).iter().map(ToString::to_string).collect()
    };
    let get = "/paths/~1orders~1{id}/get";
    let set = |pointer: String, value: Value| told(&move |live| *live.pointer_mut(&pointer).unwrap() = value.clone());
    let added = told(&|live| {
        live["paths"]["/refunds"] =
            json!({ "post": { "x-amazon-apigateway-integration": { "uri": format!("{FN}:refunds:live") } } });
    });
    assert_eq!(added, ["+ POST /refunds → refunds:live"]);
    assert_eq!(
        told(&|live| drop(live["paths"].as_object_mut().unwrap().remove("/orders/{id}"))),
        ["- GET /orders/{id}"]
    );
    assert_eq!(
        set(format!("{get}/x-amazon-apigateway-integration/timeoutInMillis"), json!(5000)),
        ["~ GET /orders/{id}  integration timeoutInMillis 30000 → 5000"]
    );
    assert_eq!(
        set("/components/x-amazon-apigateway-integrations/i2/uri".into(), json!("https://other")),
        ["~ $default  integration uri https://example.com → https://other"]
    );
    assert_eq!(set(format!("{get}/security"), json!([{ "jwt-main": [] }])).len(), 1);
    assert_eq!(
        set(
            "/components/securitySchemes/jwt-main/x-amazon-apigateway-authorizer/jwtConfiguration/audience".into(),
            json!(["b"])
        ),
        ["~ authorizer jwt-main  x-amazon-apigateway-authorizer jwtConfiguration audience a → b"]
    );
    assert_eq!(
        told(&|live| live["x-amazon-apigateway-cors"] = json!({ "allowOrigins": ["*"] })),
        ["~ api  x-amazon-apigateway-cors allowOrigins none → *"]
    );
}
