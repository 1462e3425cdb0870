use super::*;
use crate::definition::{diff::differences, sample};

fn lines(export: &Value) -> Vec<String> {
    let live = Canonical::of(&sample::live());
    differences(&read(export).unwrap(), &live).iter().map(ToString::to_string).collect()
}

#[test]
fn an_export_of_the_live_definition_shows_no_difference() {
    assert_eq!(lines(&sample::export()), Vec::<String>::new());
}

#[test]
fn a_method_exported_without_its_integration_differs() {
    let mut export = sample::export();
    let method = export["paths"]["/legacy"]["get"].as_object_mut().unwrap();
    method.remove("x-amazon-apigateway-integration");
    assert_eq!(lines(&export), ["~ GET /legacy  integration none → legacy"]);
}

#[test]
fn every_property_that_both_sides_show_is_compared() {
    let order = "/paths/~1orders/post";
    let integration = format!("{order}/x-amazon-apigateway-integration");
    let by_id = "/paths/~1orders~1{id}/get/x-amazon-apigateway-integration";
    let scheme = "/components/securitySchemes/jwt-main/x-amazon-apigateway-authorizer";
    let cases: Vec<(String, Value)> = vec![
        (format!("{order}/security"), json!([{"sigv4": []}, {"api_key": []}])),
        (format!("{order}/security"), json!([{"jwt-main": []}])),
        (format!("{order}/security"), json!([{"api_key": []}])),
        (format!("{order}/x-amazon-apigateway-request-validator"), json!("all")),
        (format!("{order}/requestBody/content/application~1json/schema/$ref"), json!("#/components/schemas/Item")),
        (format!("{order}/parameters/0/required"), json!(false)),
        (format!("{integration}/type"), json!("aws")),
        (format!("{integration}/httpMethod"), json!("GET")),
        (format!("{integration}/uri"), json!("https://example.com")),
        (format!("{integration}/credentials"), json!("arn:aws:iam::111111111111:role/other")),
        (format!("{integration}/contentHandling"), json!("CONVERT_TO_BINARY")),
        (format!("{integration}/requestTemplates/application~1json"), json!("{}")),
        (format!("{integration}/passthroughBehavior"), json!("never")),
        (format!("{by_id}/timeoutInMillis"), json!(5000)),
        (format!("{by_id}/responseTransferMode"), json!("STREAM")),
        (format!("{by_id}/cacheKeyParameters"), json!(["method.request.path.id"])),
        (format!("{by_id}/requestParameters"), json!({})),
        (format!("{by_id}/responses/default/statusCode"), json!("201")),
        (format!("{by_id}/responses/5\\d{{2}}/contentHandling"), json!("CONVERT_TO_BINARY")),
        (format!("{scheme}/authorizerUri"), json!("arn:aws:lambda:eu-west-1:111111111111:function:auth")),
        (format!("{scheme}/authorizerResultTtlInSeconds"), json!(0)),
        ("/x-amazon-apigateway-gateway-responses/ACCESS_DENIED/statusCode".into(), json!(404)),
        ("/x-amazon-apigateway-request-validators/body-only/validateRequestParameters".into(), json!(true)),
        ("/x-amazon-apigateway-policy/Statement/0/Effect".into(), json!("Deny")),
        ("/x-amazon-apigateway-binary-media-types".into(), json!(["image/png"])),
        ("/x-amazon-apigateway-minimum-compression-size".into(), json!(0)),
    ];
    for (pointer, value) in cases {
        let mut export = sample::export();
        let place = export.pointer_mut(&pointer).unwrap_or_else(|| panic!("{pointer} is in the sample"));
        *place = value;
        assert_eq!(lines(&export).len(), 1, "{pointer}: {:?}", lines(&export));
    }
}

#[test]
fn what_an_export_spells_otherwise_is_no_difference() {
    let mut export = sample::export();
    export["info"]["version"] = json!("another date");
    export["x-amazon-apigateway-api-key-source"] = json!("HEADER");
    export["paths"]["/legacy"]["get"]["x-amazon-apigateway-integration"]["connectionType"] = json!("INTERNET");
    export["paths"]["/legacy"]["get"]["x-amazon-apigateway-integration"]["cacheNamespace"] = json!("q1");
    export["paths"]["/orders"]["post"]["security"] = json!([{"jwt-main": [], "api_key": []}]);
    export["x-amazon-apigateway-gateway-responses"]["ACCESS_DENIED"]["responseTemplates"] = json!({});
    assert_eq!(lines(&export), Vec::<String>::new());
}

#[test]
fn something_else_is_refused() {
    assert_eq!(read(&json!({"swagger": "2.0"})).unwrap_err(), NotAnExport("paths"));
}

#[test]
fn an_authorizer_or_validator_that_no_method_uses_may_be_missing_from_the_export() {
    let mut live = sample::live();
    let mut spare = live.validators[0].clone();
    spare.id = "spare".into();
    spare.name = "spare".into();
    live.validators.push(spare);
    let deployed = read(&sample::export()).unwrap();
    assert_eq!(differences(&deployed, &Canonical::of(&live)), []);
    let full = Canonical::of(&sample::live());
    assert_eq!(differences(&full, &Canonical::of(&live)).len(), 1, "two full definitions hide nothing");
}
