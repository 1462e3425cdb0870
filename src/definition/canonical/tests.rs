use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::definition::sample;

fn as_value() -> Value {
    serde_json::to_value(sample::live()).unwrap()
}

fn print_of(value: Value) -> Fingerprint {
    fingerprint(&serde_json::from_value(value).unwrap())
}

/// The sample with what stands at a pointer replaced; null removes an element of a list.
fn with(pointer: &str, new: Value) -> Value {
    let mut value = as_value();
    match value.pointer_mut(pointer) {
        Some(place) => *place = new,
        None => {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = value.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
            parent.as_object_mut().unwrap().insert(key.replace("~1", "/"), new);
        }
    }
    value
}

const POST: &str = "/resources/1/methods/POST";
const CORS: &str = "/resources/1/methods/OPTIONS";
const GET: &str = "/resources/2/methods/GET";
const LEGACY: &str = "/resources/4/methods/GET";

fn mutations() -> Vec<(String, Value)> {
    let uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:legacy:live/invocations";
    vec![
        ("/api/name".into(), json!("shop2")),
        ("/api/binaryMediaTypes".into(), json!(["image/png"])),
        ("/api/minimumCompressionSize".into(), json!(0)),
        ("/api/minimumCompressionSize".into(), json!(null)),
        ("/api/apiKeySource".into(), json!("AUTHORIZER")),
        ("/api/disableExecuteApiEndpoint".into(), json!(true)),
        ("/api/endpointTypes".into(), json!(["PRIVATE"])),
        ("/api/policy".into(), json!(null)),
        ("/api/policy".into(), json!("{\"Version\":\"2012-10-17\",\"Statement\":[]}")),
        ("/resources/4/path".into(), json!("/old")),
        ("/resources/5/path".into(), json!("/hollow")),
        (format!("{POST}/authorizationType"), json!("AWS_IAM")),
        (format!("{POST}/authorizerId"), json!("p00l")),
        (format!("{POST}/apiKeyRequired"), json!(false)),
        (format!("{POST}/requestValidatorId"), json!(null)),
        (format!("{POST}/operationName"), json!("Create")),
        (format!("{POST}/requestModels/application~1json"), json!("Item")),
        (format!("{POST}/requestParameters/method.request.querystring.dry"), json!(true)),
        (format!("{POST}/methodResponses/200/responseModels"), json!({})),
        (format!("{POST}/methodResponses/404"), json!({"responseModels": {}, "responseParameters": {}})),
        (format!("{POST}/integration/credentials"), json!(null)),
        (format!("{POST}/integration/contentHandling"), json!("CONVERT_TO_BINARY")),
        (format!("{POST}/integration/requestTemplates/application~1json"), json!("{}")),
        (format!("{POST}/integration/requestTemplates/text~1xml"), json!("")),
        (format!("{POST}/integration"), json!(null)),
        (format!("{GET}/authorizationScopes"), json!(["orders/read"])),
        (format!("{GET}/integration/cacheKeyParameters"), json!([])),
        (format!("{GET}/integration/requestParameters"), json!({})),
        (format!("{GET}/integration/integrationResponses/500/selectionPattern"), json!("4.*")),
        (format!("{GET}/integration/integrationResponses/200/responseTemplates"), json!({})),
        (format!("{GET}/integration/integrationResponses/500/contentHandling"), json!(null)),
        (format!("{CORS}/integration/integrationResponses/200/responseParameters"), json!({})),
        (format!("{LEGACY}/integration/uri"), json!(uri)),
        (format!("{LEGACY}/integration/type"), json!("AWS")),
        (format!("{LEGACY}/integration/httpMethod"), json!("GET")),
        (format!("{LEGACY}/integration/timeoutInMillis"), json!(28999)),
        (format!("{LEGACY}/integration/passthroughBehavior"), json!("NEVER")),
        (format!("{LEGACY}/integration/responseTransferMode"), json!("STREAM")),
        (format!("{LEGACY}/integration/connectionType"), json!("VPC_LINK")),
        (format!("{LEGACY}/integration/connectionId"), json!("vl1")),
        (format!("{LEGACY}/integration/insecureSkipVerification"), json!(true)),
        ("/models/1/schema".into(), json!("{\"type\": \"number\"}")),
        ("/models/1/contentType".into(), json!("application/xml")),
        ("/models/1/name".into(), json!("Thing")),
        ("/authorizers/0/name".into(), json!("jwt")),
        ("/authorizers/0/type".into(), json!("REQUEST")),
        ("/authorizers/0/authorizerUri".into(), json!(uri)),
        ("/authorizers/0/authorizerCredentials".into(), json!("arn:aws:iam::111111111111:role/auth")),
        ("/authorizers/0/identitySource".into(), json!("method.request.header.Token")),
        ("/authorizers/0/identityValidationExpression".into(), json!(null)),
        ("/authorizers/0/authorizerResultTtlInSeconds".into(), json!(0)),
        ("/authorizers/1/providerArns".into(), json!([])),
        ("/validators/0/name".into(), json!("body")),
        ("/validators/0/validateRequestBody".into(), json!(false)),
        ("/responses/1/statusCode".into(), json!("401")),
        ("/responses/1/responseTemplates/application~1json".into(), json!("no")),
        ("/responses/1/defaultResponse".into(), json!(true)),
        ("/responses/0/defaultResponse".into(), json!(false)),
    ]
}

#[test]
fn every_property_changes_the_fingerprint_and_no_two_changes_alike() {
    let mut seen = std::collections::BTreeMap::from([(print_of(as_value()), "nothing".to_owned())]);
    for (pointer, new) in mutations() {
        let what = format!("{pointer} = {new}");
        if let Some(other) = seen.insert(print_of(with(&pointer, new)), what.clone()) {
            panic!("{what} gives the fingerprint of {other}");
        }
    }
}

#[test]
fn another_spelling_of_the_same_definition_keeps_the_fingerprint() {
    let policy = r#"{"Statement":{"Resource":"arn:aws:execute-api:eu-west-1:111111111111:a1b2c3d4e5/*","Principal":"*","Effect":"Allow","Action":["execute-api:Invoke"],"Condition":{}},"Version":"2012-10-17"}"#;
    let schema = r#"{"properties":{"item":{"$ref":"https://apigateway.amazonaws.com/restapis/zzzzzzzzzz/models/Item"}},
        "type":"object"}"#;
    let rewrites: Vec<(String, Value)> = vec![
        ("/api/policy".into(), json!(policy)),
        ("/api/policy".into(), json!(policy.replace('"', "\\\""))),
        ("/api/binaryMediaTypes".into(), json!(["application/pdf", "image/png", "image/png"])),
        ("/api/apiKeySource".into(), json!(null)),
        ("/api/endpointTypes".into(), json!(["regional"])),
        ("/models/0/schema".into(), json!(schema)),
        (format!("{POST}/authorizationType"), json!("custom")),
        (format!("{POST}/methodResponses/200/responseParameters"), json!({})),
        (format!("{POST}/integration/passthroughBehavior"), json!("when_no_match")),
        (format!("{POST}/integration/contentHandling"), json!("convert_to_text")),
        (format!("{POST}/integration/timeoutInMillis"), json!(0)),
        (format!("{POST}/integration/responseTransferMode"), json!(null)),
        (format!("{POST}/integration/connectionType"), json!("INTERNET")),
        (format!("{POST}/integration/connectionId"), json!("")),
        (format!("{GET}/authorizationScopes"), json!(["orders/all", "orders/read"])),
        (
            format!("{GET}/integration/cacheKeyParameters"),
            json!(["method.request.querystring.lang", "method.request.path.id"]),
        ),
        (format!("{GET}/integration/integrationResponses/200/selectionPattern"), json!("")),
        (format!("{LEGACY}/authorizationType"), json!(null)),
        ("/authorizers/0/authorizerResultTtlInSeconds".into(), json!(null)),
        ("/responses/0/responseTemplates".into(), json!({"text/plain": "AWS changed its own default"})),
        ("/responses/1/responseType".into(), json!("access_denied")),
    ];
    for (pointer, new) in rewrites {
        let what = format!("{pointer} = {new}");
        assert_eq!(print_of(with(&pointer, new)), print_of(as_value()), "{what}");
    }
}

#[test]
fn ids_do_not_count_but_what_they_name_does() {
    let renamed =
        as_value().to_string().replace("jw1t23", "other1").replace("v1d2", "other2").replace("p00l", "other3");
    assert_eq!(print_of(serde_json::from_str(&renamed).unwrap()), print_of(as_value()));

    let mut twins = as_value();
    let mut twin = twins["validators"][0].clone();
    twin["id"] = json!("twin");
    twin["validateRequestParameters"] = json!(true);
    twins["validators"].as_array_mut().unwrap().push(twin);
    let before = print_of(twins.clone());
    *twins.pointer_mut(&format!("{POST}/requestValidatorId")).unwrap() = json!("twin");
    assert_ne!(before, print_of(twins), "two validators of one name are told apart");
}

#[test]
fn a_fingerprint_is_found_in_a_description() {
    let print = fingerprint(&sample::live());
    assert_eq!(print.to_string().len(), 35);
    assert_eq!(print.to_string().parse(), Ok(print.clone()));
    assert_eq!(Fingerprint::find(&format!("stagegate r-01 {print} by ci")), Some(print));
    assert_eq!(Fingerprint::find("fp=short deployed by hand"), None);
    assert!("fp=ABCDEFABCDEFABCDEFABCDEFABCDEFAB".parse::<Fingerprint>().is_err());
}

/// The value with the members of every object and the items of the lists that are sets in another order.
fn shuffled(value: &Value, key: &str, order: &mut dyn FnMut(usize) -> usize) -> Value {
    const LISTS: &[&str] = &[
        "resources",
        "models",
        "authorizers",
        "validators",
        "responses",
        "binaryMediaTypes",
        "authorizationScopes",
        "cacheKeyParameters",
        "endpointTypes",
        "providerArns",
    ];
    match value {
        Value::Object(map) => {
            let mut rest: Vec<(String, Value)> = map.iter().map(|(k, v)| (k.clone(), shuffled(v, k, order))).collect();
            let mut out = Map::new();
            while !rest.is_empty() {
                let (k, v) = rest.swap_remove(order(rest.len()));
                out.insert(k, v);
            }
            Value::Object(out)
        }
        Value::Array(items) => {
            let mut rest: Vec<Value> = items.iter().map(|v| shuffled(v, "", order)).collect();
            if !LISTS.contains(&key) {
                return Value::Array(rest);
            }
            let mut out = Vec::new();
            while !rest.is_empty() {
                out.push(rest.swap_remove(order(rest.len())));
            }
            Value::Array(out)
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn order_does_not_count(numbers in prop::collection::vec(any::<prop::sample::Index>(), 400)) {
        let mut next = 0;
        let mut order = |length: usize| {
            next += 1;
            numbers[next % numbers.len()].index(length)
        };
        let mixed = shuffled(&as_value(), "", &mut order);
        prop_assert_eq!(print_of(mixed), print_of(as_value()));
    }
}
