//! Custom domain names: what goes out, and what is made of the answers.

use serde_json::json;
use stagegate::aws::Remedy;
use stagegate::aws::noun::{ApiMapping, EndpointType, HeaderGlob, RoutingMode, RuleCondition};
use stagegate::aws::operation::{
    GetApiMappings, GetBasePathMappings, GetDomainName, GetDomainNameV2, ListRoutingRules,
};

use super::server::Server;

const DOMAIN: &str = "api.example.com";

#[test]
fn both_services_say_how_a_domain_name_routes_and_where_it_is_called() {
    let answer =
        json!({"domainName": DOMAIN, "endpointConfiguration": {"types": ["EDGE"]}, "routingMode": "ROUTING_RULE_ONLY"});
    let server = Server::answering("200 OK", &[], &answer.to_string());
    let found = server.send(GetDomainName { domain: DOMAIN.into() }).unwrap();
    assert_eq!(server.only().line, "GET /domainnames/api.example.com HTTP/1.1");
    assert_eq!((found.routing_mode, found.endpoint_type), (RoutingMode::RoutingRuleOnly, Some(EndpointType::Edge)));

    let answer = json!({"domainName": "*.example.com", "routingMode": "SOMETHING_NEW",
        "domainNameConfigurations": [{"endpointType": "REGIONAL", "domainNameStatus": "AVAILABLE"}]});
    let server = Server::answering("200 OK", &[], &answer.to_string());
    let found = server.send(GetDomainNameV2 { domain: "*.example.com".into() }).unwrap();
    assert_eq!(server.only().line, "GET /v2/domainnames/%2A.example.com HTTP/1.1");
    assert_eq!(found.routing_mode, RoutingMode::Other("SOMETHING_NEW".into()));
    assert_eq!((found.name.as_str(), found.endpoint_type), ("*.example.com", Some(EndpointType::Regional)));

    let bare = Server::answering("200 OK", &[], &json!({"domainName": DOMAIN}).to_string());
    let found = bare.send(GetDomainNameV2 { domain: DOMAIN.into() }).unwrap();
    assert_eq!((found.routing_mode, found.endpoint_type), (RoutingMode::ApiMappingOnly, None));

    let error = json!({"message": "Invalid domain name identifier specified"}).to_string();
    let none = Server::answering("404 Not Found", &["x-amzn-ErrorType: NotFoundException"], &error);
    assert_eq!(none.send(GetDomainNameV2 { domain: DOMAIN.into() }).unwrap_err().remedy(), Remedy::Missing);
}

#[test]
fn mappings_of_either_service_come_in_pages_and_read_alike() {
    let mapping = |id: Option<&str>, base_path: &str, stage: Option<&str>| ApiMapping {
        id: id.map(str::to_owned),
        base_path: base_path.into(),
        api: "a1b2".parse().unwrap(),
        stage: stage.map(|stage| stage.parse().unwrap()),
    };
    let answer = json!({"position": "p2", "item": [
        {"basePath": "(none)", "restApiId": "a1b2", "stage": "prod"},
        {"basePath": "orders", "restApiId": "a1b2"},
        {"basePath": "old", "restApiId": "a1b2", "stage": "(none)"}]});
    let server = Server::answering("200 OK", &[], &answer.to_string());
    let page = server.send(GetBasePathMappings { domain: DOMAIN.into(), position: Some("p1".into()) }).unwrap();
    assert_eq!(server.target(), "/domainnames/api.example.com/basepathmappings?limit=500&position=p1");
    assert_eq!(
        page.items,
        [mapping(None, "", Some("prod")), mapping(None, "orders", None), mapping(None, "old", None)]
    );
    assert_eq!(page.next.as_deref(), Some("p2"));

    let answer = json!({"nextToken": "t2", "items": [
        {"apiMappingId": "m1", "apiMappingKey": "", "apiId": "a1b2", "stage": "$default"},
        {"apiMappingId": "m2", "apiMappingKey": "orders/v1", "apiId": "a1b2", "stage": "prod"}]});
    let server = Server::answering("200 OK", &[], &answer.to_string());
    let page = server.send(GetApiMappings { domain: DOMAIN.into(), next: Some("t1".into()) }).unwrap();
    assert_eq!(server.target(), "/v2/domainnames/api.example.com/apimappings?maxResults=100&nextToken=t1");
    assert_eq!(page.items, [mapping(Some("m1"), "", Some("$default")), mapping(Some("m2"), "orders/v1", Some("prod"))]);
    assert_eq!(page.next.as_deref(), Some("t2"));
}

#[test]
fn routing_rules_come_with_conditions_and_an_action_or_say_that_it_is_not_known() {
    let conditions = json!([
        {"matchBasePaths": {"anyOf": ["orders/v1"]}},
        {"matchHeaders": {"anyOf": [{"header": "x-version", "valueGlob": "beta*"}]}},
        {"matchSomethingNew": {}}]);
    let invoke = json!([{"invokeApi": {"apiId": "a1b2", "stage": "prod", "stripBasePath": true}}]);
    let answer = json!({"nextToken": "t2", "routingRules": [
        {"routingRuleId": "r1", "routingRuleArn": "arn", "priority": 10, "conditions": conditions, "actions": invoke},
        {"routingRuleId": "r2", "priority": 20, "actions": [{"somethingNew": {}}]}]});
    let server = Server::answering("200 OK", &[], &answer.to_string());
    let page = server.send(ListRoutingRules { domain: DOMAIN.into(), next: Some("t1".into()) }).unwrap();
    assert_eq!(server.target(), "/v2/domainnames/api.example.com/routingrules?maxResults=100&nextToken=t1");
    assert_eq!(page.next.as_deref(), Some("t2"));
    let [known, unknown] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!((known.id.as_str(), known.priority, known.conditions.len()), ("r1", 10, 3));
    assert_eq!(known.conditions[0].base_paths.as_deref(), Some(&["orders/v1".to_owned()][..]));
    let glob = HeaderGlob { header: "x-version".into(), value_glob: "beta*".into() };
    assert_eq!(known.conditions[1].headers, Some(vec![glob]));
    assert_eq!(known.conditions[2], RuleCondition::default());
    let action = known.action.as_ref().unwrap();
    assert_eq!((action.api.as_str(), action.stage.as_str(), action.strip_base_path), ("a1b2", "prod", true));
    assert_eq!((unknown.priority, &unknown.action), (20, &None));
}
