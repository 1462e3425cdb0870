//! HTTP APIs: what goes out, and what is made of the answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stagegate::aws::Remedy;
use stagegate::aws::noun::{DeploymentStatus, StageKind};
use stagegate::aws::operation::{
    CreateHttpDeployment, ExportApi, GetApi, GetHttpAuthorizers, GetHttpDeployment, GetHttpStage, GetHttpStages,
    GetIntegrations, GetRoutes, InvokeStage, UpdateHttpStage,
};
use stagegate::model::{ApiId, StageName};

use super::server::Server;

fn api() -> ApiId {
    "a1b2".parse().unwrap()
}

fn default() -> StageName {
    "$default".parse().unwrap()
}

const STAGE: &str = r#"{"stageName":"$default","deploymentId":"d1","stageVariables":{"v":"live","removed":""},"autoDeploy":true,
    "lastDeploymentStatusMessage":"Successfully deployed stage with deployment ID 'd1'"}"#;

#[test]
fn the_default_stage_is_read_with_its_variables_and_who_deploys_it() {
    let server = Server::answering("200 OK", &[], STAGE);
    let stage = server.send(GetHttpStage { api: api(), stage: default() }).unwrap();
    assert_eq!(server.only().line, "GET /v2/apis/a1b2/stages/%24default HTTP/1.1");
    assert_eq!(stage.deployment, "d1");
    assert_eq!(stage.variables, [("v".to_owned(), "live".to_owned())].into());
    let last_deployment = Some("Successfully deployed stage with deployment ID 'd1'".to_owned());
    assert_eq!(stage.kind, StageKind::Http { auto_deploy: true, last_deployment });
    let bare = Server::answering("200 OK", &[], r#"{"stageName":"new"}"#);
    let stage = bare.send(GetHttpStage { api: api(), stage: "new".parse().unwrap() }).unwrap();
    assert_eq!(stage.deployment, "", "never deployed");
    assert_eq!(stage.kind, StageKind::Http { auto_deploy: false, last_deployment: None });
    let all = Server::answering("200 OK", &[], &format!(r#"{{"items":[{STAGE}],"nextToken":"t2"}}"#));
    let page = all.send(GetHttpStages { api: api(), next: None }).unwrap();
    assert_eq!((page.items[0].0.as_str(), page.next.as_deref()), ("$default", Some("t2")));
}

#[test]
fn only_the_fields_that_change_go_out_and_a_variable_goes_as_an_empty_text() {
    let server = Server::answering("200 OK", &[], STAGE);
    let variables = BTreeMap::from([("v".to_owned(), Some("live".to_owned())), ("gone".to_owned(), None)]);
    let update = UpdateHttpStage { api: api(), stage: default(), deployment: Some("d2".into()), variables };
    server.send(update.clone()).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "PATCH /v2/apis/a1b2/stages/%24default HTTP/1.1");
    assert_eq!(seen.json(), json!({"deploymentId": "d2", "stageVariables": {"v": "live", "gone": ""}}));
    let server = Server::answering("200 OK", &[], STAGE);
    server.send(UpdateHttpStage { variables: BTreeMap::new(), ..update }).unwrap();
    assert_eq!(server.only().json(), json!({"deploymentId": "d2"}));
}

#[test]
fn a_deployment_names_no_stage_and_says_how_far_it_is() {
    let answer =
        r#"{"deploymentId":"d2","description":"x","deploymentStatus":"PENDING","createdDate":"2023-11-14T22:13:20Z"}"#;
    let server = Server::answering("201 Created", &[], answer);
    let made = server.send(CreateHttpDeployment { api: api(), description: "x".into() }).unwrap();
    let seen = server.only();
    assert_eq!(
        (seen.line.as_str(), seen.json()),
        ("POST /v2/apis/a1b2/deployments HTTP/1.1", json!({"description": "x"}))
    );
    assert_eq!((made.created.unwrap().as_second(), made.status), (1_700_000_000, Some(DeploymentStatus::Pending)));
    for (status, read) in [
        ("DEPLOYED", DeploymentStatus::Deployed),
        ("FAILED", DeploymentStatus::Failed("no integration".into())),
        ("SOMETHING_NEW", DeploymentStatus::Pending),
    ] {
        let answer =
            json!({"deploymentId": "d2", "deploymentStatus": status, "deploymentStatusMessage": "no integration"});
        let server = Server::answering("200 OK", &[], &answer.to_string());
        let found = server.send(GetHttpDeployment { api: api(), deployment: "d2".into() }).unwrap();
        assert_eq!(server.only().line, "GET /v2/apis/a1b2/deployments/d2 HTTP/1.1");
        assert_eq!(found.status, Some(read));
    }
}

#[test]
fn what_is_live_is_exported_without_a_stage_and_what_is_served_with_one() {
    for (stage, expected) in [
        (None, "/v2/apis/a1b2/exports/OAS30?includeExtensions=true&outputType=JSON"),
        (Some(default()), "/v2/apis/a1b2/exports/OAS30?includeExtensions=true&outputType=JSON&stageName=%24default"),
    ] {
        let server = Server::answering("200 OK", &["Content-Type: application/octet-stream"], r#"{"openapi":"3.0.1"}"#);
        assert_eq!(server.send(ExportApi { api: api(), stage }).unwrap(), json!({"openapi": "3.0.1"}));
        assert_eq!(server.target(), expected);
    }
    let broken = Server::answering("200 OK", &[], "openapi: 3.0.1").send(ExportApi { api: api(), stage: None });
    assert_eq!(broken.unwrap_err().remedy(), Remedy::Unknown);
}

#[test]
fn the_definition_comes_in_pages_of_100_with_everything_that_is_compared() {
    let page = |item: Value| json!({"items": [item], "nextToken": "t2"}).to_string();
    let route = json!({"routeId": "r1", "routeKey": "GET /pets/{id}", "target": "integrations/i1", "authorizationType": "JWT",
        "authorizerId": "u1", "authorizationScopes": ["read"], "operationName": "pet"});
    let server = Server::answering("200 OK", &[], &page(route));
    let routes = server.send(GetRoutes { api: api(), next: Some("t1".into()) }).unwrap();
    assert_eq!(server.target(), "/v2/apis/a1b2/routes?maxResults=100&nextToken=t1");
    assert_eq!((routes.items[0].integration_id(), routes.next.as_deref()), (Some("i1"), Some("t2")));
    assert_eq!(routes.items[0].authorization_scopes, ["read"]);

    let integration = json!({"integrationId": "i1", "integrationType": "AWS_PROXY", "integrationUri": "arn:fn",
        "payloadFormatVersion": "2.0", "timeoutInMillis": 5000, "requestParameters": {"overwrite:path": "/x"},
        "responseParameters": {"200": {"append:header.x": "1"}}, "tlsConfig": {"serverNameToVerify": "example.com"}});
    let server = Server::answering("200 OK", &[], &page(integration));
    let found = server.send(GetIntegrations { api: api(), next: None }).unwrap().items.remove(0);
    assert_eq!(server.target(), "/v2/apis/a1b2/integrations?maxResults=100");
    assert_eq!(
        (found.timeout_in_millis, found.response_parameters["200"]["append:header.x"].as_str()),
        (Some(5000), "1")
    );
    assert_eq!(found.server_name_to_verify.as_deref(), Some("example.com"));

    let authorizer = json!({"authorizerId": "u1", "name": "jwt", "authorizerType": "JWT", "identitySource": ["$request.header.Authorization"],
        "jwtConfiguration": {"audience": ["a"], "issuer": "https://issuer"}});
    let server = Server::answering("200 OK", &[], &page(authorizer));
    let found = server.send(GetHttpAuthorizers { api: api(), next: None }).unwrap().items.remove(0);
    assert_eq!(
        (found.authorizer_type.as_deref(), found.jwt_configuration.unwrap().audience),
        (Some("JWT"), vec!["a".to_owned()])
    );
}

#[test]
fn an_api_says_whether_it_is_one_of_http_or_of_web_sockets() {
    let answer = json!({"apiId": "a1b2", "name": "shop", "protocolType": "WEBSOCKET", "corsConfiguration": {"allowOrigins": ["*"], "maxAge": 60}});
    let server = Server::answering("200 OK", &[], &answer.to_string());
    let found = server.send(GetApi { api: api() }).unwrap();
    assert_eq!((found.protocol_type.as_str(), found.cors_configuration.unwrap().max_age), ("WEBSOCKET", Some(60)));
}

#[test]
fn the_default_stage_is_served_at_the_root() {
    let server = Server::answering("200 OK", &[], "ok");
    let call =
        InvokeStage { api: api(), stage: default(), method: "GET".into(), path: "/pets?limit=1".into(), timeout_s: 5 };
    server.send(call).unwrap();
    assert_eq!(server.only().line, "GET /_aws/execute-api/a1b2/pets?limit=1 HTTP/1.1");
}
