use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::policy::{http_route_arn, source_arn, stage_arn};

const ALIAS: &str = "arn:aws:lambda:us-east-1:111111111111:function:fn:live";
const BASE: &str = "arn:aws:execute-api:us-east-1:111111111111:abc123";

fn need(source: &str) -> Need<'_> {
    Need { alias_arn: ALIAS, source, account: "111111111111" }
}

/// A statement as `AddPermission` writes it, changed.
fn statement(changes: Value) -> Value {
    let mut statement = json!({
        "Sid": "apigw-1", "Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": ALIAS,
        "Condition": {"ArnLike": {"AWS:SourceArn": format!("{BASE}/prod/GET/pets/*")}}
    });
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(statement.as_object_mut().unwrap().remove(key)),
            value => statement[key] = value.clone(),
        }
    }
    statement
}

fn say(statements: &[Value], source: &str) -> Coverage {
    let text = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements}).to_string();
    coverage(&Document::parse(&text).unwrap(), &need(source))
}

fn covered(coverage: &Coverage) -> Option<bool> {
    match coverage {
        Coverage::Covered { broad, .. } => Some(*broad),
        Coverage::Missing { .. } | Coverage::Blocked { .. } => None,
    }
}

fn pets() -> String {
    source_arn("aws", "us-east-1", "111111111111", "abc123", "prod", "GET", "/pets/{id}")
}

#[test]
fn a_statement_covers_the_route_only_when_each_part_does() {
    let source = |operator: &str, value: Value| json!({"Condition": {operator: {"aws:SourceArn": value}}});
    let like = |value: String| source("ArnLike", json!(value));
    let tight = Some(false);
    let cases: Vec<(Value, Option<bool>)> = vec![
        (json!({}), tight),
        // Principal
        (json!({"Principal": "*"}), tight),
        (json!({"Principal": {"AWS": "*"}}), tight),
        (json!({"Principal": {"Service": ["events.amazonaws.com", "apigateway.amazonaws.com"]}}), tight),
        (json!({"Principal": {"Service": "events.amazonaws.com"}}), None),
        (json!({"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}), None),
        (json!({"Principal": null, "NotPrincipal": {"AWS": "arn:aws:iam::222222222222:root"}}), None),
        // Action
        (json!({"Action": ["lambda:GetFunction", "lambda:invoke*"]}), tight),
        (json!({"Action": "lambda:*"}), tight),
        (json!({"Action": "*"}), tight),
        (json!({"Action": "lambda:InvokeFunctionUrl"}), None),
        (json!({"Action": null, "NotAction": "lambda:GetFunction"}), None),
        // Resource
        (json!({"Resource": "arn:aws:lambda:us-east-1:111111111111:function:fn:*"}), tight),
        (json!({"Resource": "arn:aws:lambda:us-east-1:111111111111:function:fn"}), None),
        (json!({"Resource": ["arn:aws:lambda:us-east-1:111111111111:function:fn:beta", ALIAS]}), tight),
        (json!({"Resource": "arn:aws:lambda:us-east-1:${aws:PrincipalAccount}:function:fn:live"}), None),
        (json!({"Resource": null, "NotResource": "x"}), None),
        // Source
        (like(format!("{BASE}/prod/*")), tight),
        (like(format!("{BASE}/*")), tight),
        (like(format!("{BASE}/*/GET/*")), tight),
        (like(format!("{BASE}/prod/*/pets/*")), tight),
        (like(format!("{BASE}/prod/GET/pets/{{id}}")), None),
        (like(format!("{BASE}/prod/GET/pets/?")), None),
        (like(format!("{BASE}/prod/GET/pets/1")), None),
        (like(format!("{BASE}/beta/*")), None),
        (like(format!("{BASE}/prod/POST/*")), None),
        (like("arn:aws:execute-api:us-east-1:111111111111:other/*".into()), None),
        (like("arn:aws:execute-api:us-east-1:222222222222:abc123/*".into()), None),
        (like("arn:aws:execute-api:us-east-1:111111111111:*".into()), Some(true)),
        (like("arn:aws:execute-api:*:*:abc123/*".into()), Some(true)),
        (like("arn:aws:execute-api:*".into()), None),
        (like(format!("{BASE}/${{aws:username}}/*")), None),
        (source("ArnEquals", json!(format!("{BASE}/prod/*"))), tight),
        (source("ArnLikeIfExists", json!(format!("{BASE}/prod/*"))), tight),
        (source("StringLike", json!("arn:aws:execute-api:*abc123/prod/*")), Some(true)),
        (source("StringLike", json!(format!("{BASE}/prod/*"))), tight),
        (source("StringEquals", json!(format!("{BASE}/prod/GET/pets/*"))), None),
        (source("ArnLike", json!([format!("{BASE}/beta/*"), format!("{BASE}/prod/*")])), tight),
        (source("ForAnyValue:ArnLike", json!(format!("{BASE}/prod/*"))), None),
        (source("ArnNotLike", json!(format!("{BASE}/beta/*"))), None),
        (source("StringEqualsIgnoreCase", json!(format!("{BASE}/prod/*"))), None),
        (json!({"Condition": null}), Some(true)),
        (json!({"Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}}), Some(true)),
        (
            json!({"Condition": {"StringEquals": {"aws:SourceAccount": ["2", "111111111111"]},
            "ArnLike": {"aws:SourceArn": format!("{BASE}/prod/*")}}}),
            tight,
        ),
        (json!({"Condition": {"StringEquals": {"aws:SourceAccount": "222222222222"}}}), None),
        (json!({"Condition": {"StringLike": {"aws:SourceAccount": "*"}}}), None),
        (json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}), None),
        (json!({"Surprise": 1}), None),
    ];
    for (changes, expected) in cases {
        let found = say(&[statement(changes.clone())], &pets());
        assert_eq!(covered(&found), expected, "{changes} gives {found:?}");
    }
}

#[test]
fn string_equals_covers_a_route_without_parameters() {
    let root = source_arn("aws", "us-east-1", "111111111111", "abc123", "prod", "GET", "/");
    let exact = statement(json!({"Condition": {"StringEquals": {"aws:SourceArn": format!("{BASE}/prod/GET/")}}}));
    assert_eq!(covered(&say(&[exact], &root)), Some(false));
}

#[test]
fn http_routes_are_covered_by_their_template() {
    let id = http_route_arn("aws", "us-east-1", "111111111111", "abc123", "prod", "GET /pets/{id}");
    let default = http_route_arn("aws", "us-east-1", "111111111111", "abc123", "prod", "$default");
    let like = |value: &str| statement(json!({"Condition": {"ArnLike": {"AWS:SourceArn": format!("{BASE}{value}")}}}));
    assert_eq!(covered(&say(&[like("/*/*/pets/{id}")], &id)), Some(false));
    assert_eq!(covered(&say(&[like("/*/$default")], &default)), Some(false));
    assert_eq!(covered(&say(&[like("/*/*/$default")], &default)), None);
    assert_eq!(covered(&say(&[like("/prod/*")], &default)), Some(false));
}

#[test]
fn the_narrow_statement_is_named_and_the_reasons_of_others_are_kept() {
    let broad = statement(json!({"Sid": "broad", "Condition": null}));
    let narrow = statement(json!({"Sid": "narrow"}));
    assert_eq!(say(&[broad, narrow], &pets()), Coverage::Covered { sid: Some("narrow".into()), broad: false });
    let other = statement(json!({"Sid": null, "Action": "lambda:GetFunction"}));
    let stage = stage_arn("aws", "us-east-1", "111111111111", "abc123", "prod");
    let Coverage::Missing { near } = say(&[statement(json!({})), other], &stage) else { panic!("not missing") };
    assert_eq!(near.len(), 2);
    assert!(near[0].starts_with("apigw-1: its source ") && near[0].contains("does not cover"), "{near:?}");
    assert!(near[1].contains("action"), "{near:?}");
    assert_eq!(say(&[], &stage), Coverage::Missing { near: vec![] });
}

#[test]
fn a_deny_blocks_unless_it_is_refuted() {
    let when = |operator: &str, key: &str, value: &str| json!({"Condition": {operator: {key: value}}});
    let beta = format!("{BASE}/beta/*");
    let prod = format!("{BASE}/prod/*");
    let cases: Vec<(Value, bool)> = vec![
        (json!({"Condition": null}), true),
        (json!({"Condition": null, "Principal": "*"}), true),
        (json!({"Condition": null, "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}), true),
        (json!({"Condition": null, "Principal": {"AWS": "arn:aws:iam::2:root"}}), false),
        (json!({"Condition": null, "Principal": null, "NotPrincipal": {"AWS": "arn:aws:iam::2:root"}}), true),
        (json!({"Condition": null, "Principal": null, "NotPrincipal": {"Service": "apigateway.amazonaws.com"}}), false),
        (json!({"Condition": null, "Action": "lambda:GetFunction"}), false),
        (json!({"Condition": null, "Action": null, "NotAction": "lambda:GetFunction"}), true),
        (json!({"Condition": null, "Action": null, "NotAction": "lambda:Invoke*"}), false),
        (json!({"Condition": null, "Resource": "arn:aws:lambda:us-east-1:111111111111:function:fn:beta"}), false),
        (json!({"Condition": null, "Resource": "arn:aws:lambda:*:${aws:x}:function:fn:beta"}), true),
        (
            json!({"Condition": null, "Resource": null, "NotResource": "arn:aws:lambda:us-east-1:111111111111:function:fn:beta"}),
            true,
        ),
        (json!({"Condition": null, "Resource": null, "NotResource": ALIAS}), false),
        (when("ArnLike", "aws:SourceArn", &beta), false),
        (when("ArnLike", "aws:SourceArn", &prod), true),
        (when("ArnLike", "aws:SourceArn", &format!("{BASE}/prod/GET/pets/1")), true),
        (when("ArnLike", "aws:SourceArn", &format!("{BASE}/prod/${{x}}")), true),
        (when("StringEquals", "aws:SourceArn", &format!("{BASE}/prod/GET/pets/1")), true),
        (when("StringEquals", "aws:SourceArn", &format!("{BASE}/prod/GET/cats/1")), false),
        (when("StringLike", "aws:SourceArn", "*:abc123/*/cats/*"), true),
        (when("StringLike", "aws:SourceArn", "arn:aws:execute-api:*:other/prod/GET/cats"), true),
        (when("StringLike", "aws:SourceArn", "arn:aws:execute-api:us-east-1:111111111111:other/*"), false),
        (when("ArnNotLike", "aws:SourceArn", &prod), false),
        (when("ArnNotLike", "aws:SourceArn", &format!("{BASE}/prod/GET/pets/1")), true),
        (when("StringNotLike", "aws:SourceArn", &prod), false),
        (when("StringNotEquals", "aws:SourceArn", &pets()), true),
        (when("StringEquals", "aws:SourceAccount", "222222222222"), false),
        (when("StringEqualsIfExists", "aws:SourceAccount", "222222222222"), true),
        (when("StringNotEquals", "aws:SourceAccount", "111111111111"), true),
        (when("Bool", "aws:SecureTransport", "false"), true),
        (when("ForAllValues:ArnLike", "aws:SourceArn", &beta), true),
    ];
    for (changes, blocks) in cases {
        let mut deny = statement(changes.clone());
        deny["Effect"] = json!("Deny");
        deny["Sid"] = json!("no");
        let found = say(&[statement(json!({})), deny], &pets());
        match found {
            Coverage::Blocked { sid, why } => {
                assert!(blocks && sid.as_deref() == Some("no") && !why.is_empty(), "{changes}: {why}")
            }
            other => assert!(!blocks && covered(&other) == Some(false), "{changes}: {other:?}"),
        }
    }
}

/// The semantics of one request, evaluated without any pattern logic of the proof.
fn request_allowed(operator: &str, value: &str, source: &str) -> bool {
    match operator {
        "StringEquals" => value == source,
        "StringLike" => glob::matches(value, source),
        _ => glob::arn_parts(value, source, glob::matches),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_request_of_a_covered_route_is_allowed_and_no_refuted_deny_applies(
        operator in prop::sample::select(vec!["ArnLike", "ArnEquals", "StringLike", "StringEquals"]),
        pattern in "(abc|a\\*|\\*)/(\\*|p\\?|prod|beta)(/(GET|\\*)){0,1}(/[ab*?]{0,3}){0,2}",
        method in prop::sample::select(vec!["GET", "ANY"]),
        path in "(/([ab]{1,2}|\\{id\\})){0,2}",
        id in "[ab]{1,3}",
        verb in prop::sample::select(vec!["GET", "POST"]),
    ) {
        let value = format!("arn:aws:execute-api:eu-west-1:1:{pattern}");
        let route = source_arn("aws", "eu-west-1", "1", "abc", "prod", method, &path);
        let verb = if method == "ANY" { verb } else { method };
        let request = source_arn("aws", "eu-west-1", "1", "abc", "prod", verb, &path.replace("{id}", &id));
        let allowed = request_allowed(operator, &value, &request);
        let need = Need { alias_arn: ALIAS, source: &route, account: "1" };
        let with = |effect: &str| {
            let statement = statement(json!({"Effect": effect, "Condition": {operator: {"aws:SourceArn": value}}}));
            Document::parse(&json!({"Statement": statement}).to_string()).unwrap()
        };
        if covered(&coverage(&with("Allow"), &need)).is_some() {
            prop_assert!(allowed, "{value} is said to cover {route} but refuses {request}");
        }
        if blocked(&with("Deny"), &need).is_none() {
            prop_assert!(!allowed, "{value} is said not to deny {route} but denies {request}");
        }
    }
}
