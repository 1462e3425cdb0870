use serde_json::json;

use super::*;
use crate::definition::{Canonical, Live, sample};

fn lines(deployed: &Live, live: &Live) -> Vec<String> {
    differences(&Canonical::of(deployed), &Canonical::of(live)).iter().map(ToString::to_string).collect()
}

fn edit(change: impl FnOnce(&mut serde_json::Value)) -> Live {
    let mut value = serde_json::to_value(sample::live()).unwrap();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

#[test]
fn each_difference_is_one_line_by_route() {
    let live = edit(|v| {
        let refunds = json!({"POST": v["resources"][3]["methods"]["ANY"].clone()});
        v["resources"].as_array_mut().unwrap().push(json!({"path": "/refunds", "methods": refunds}));
        v["resources"][4]["methods"] = json!({});
        v["resources"][2]["methods"]["GET"]["authorizationType"] = json!("NONE");
        v["resources"][2]["methods"]["GET"]["authorizerId"] = json!(null);
        v["resources"][2]["methods"]["GET"]["integration"]["timeoutInMillis"] = json!(5000);
        v["resources"][1]["methods"]["OPTIONS"]["integration"]["requestTemplates"]["application/json"] = json!("{\n}");
        v["validators"][0]["validateRequestParameters"] = json!(true);
        v["models"].as_array_mut().unwrap().pop();
    });
    assert_eq!(
        lines(&sample::live(), &live),
        [
            "- GET /legacy",
            "~ OPTIONS /orders  integration requestTemplates application/json {\"statusCode\": 200} → {\\n}",
            "~ GET /orders/{id}  authorizer pool → none",
            "~ GET /orders/{id}  integration timeoutInMillis 29000 → 5000",
            "+ POST /refunds → checkout:${stageVariables.lambdaAlias}",
            "- model Item",
            "+ resource /legacy",
            "~ validator body-only  validateRequestParameters false → true",
        ]
    );
}

#[test]
fn nothing_differs_from_itself() {
    assert_eq!(lines(&sample::live(), &sample::live()), Vec::<String>::new());
}

#[test]
fn functions_of_the_same_name_in_another_account_are_told_apart() {
    let live = edit(|v| {
        let uri = v["resources"][4]["methods"]["GET"]["integration"]["uri"].as_str().unwrap().to_owned();
        v["resources"][4]["methods"]["GET"]["integration"]["uri"] = json!(uri.replace("111111111111", "222222222222"));
    });
    let found = lines(&sample::live(), &live);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("111111111111") && found[0].contains("222222222222"), "{found:?}");
}

#[test]
fn text_of_the_definition_cannot_break_the_line() {
    let live = edit(|v| v["api"]["binaryMediaTypes"] = json!(["a\u{1b}[2K", "b\rc"]));
    for line in lines(&sample::live(), &live) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
