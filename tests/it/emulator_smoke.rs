//! The emulator is fit to test against: it runs the version that an alias chooses, and keeps accounts apart.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::account::Account;
use crate::support::account_setup::{marker_handler, routing};
use crate::support::emulator::Emulator;

const FUNCTION: &str = "pets";

/// A function with versions 1 and 2, which answer with the markers `one` and `two`.
fn two_versions(account: &Account) {
    account.create_function(FUNCTION, &marker_handler("one"));
    assert_eq!(account.publish_version(FUNCTION), "1");
    account.update_code(FUNCTION, &marker_handler("two"));
    assert_eq!(account.publish_version(FUNCTION), "2");
}

fn marker(proxy_body: &str) -> String {
    let body: Value = serde_json::from_str(proxy_body).unwrap_or_default();
    body["marker"].as_str().unwrap_or(proxy_body).to_owned()
}

#[test]
fn a_weighted_alias_splits_the_invocations_between_its_versions() {
    let Some(emulator) = Emulator::shared() else { return };
    let account = emulator.account("a weighted alias splits");
    two_versions(&account);
    account.create_alias(FUNCTION, "live", "1", &[("2", 0.5)]);

    let ran: BTreeSet<(String, String)> = (0..40)
        .map(|_| account.invoke(FUNCTION, "live"))
        .map(|(version, payload)| (version, marker(payload["body"].as_str().unwrap_or_default())))
        .collect();
    let both = [("1", "one"), ("2", "two")].map(|(version, marker)| (version.to_owned(), marker.to_owned()));
    assert_eq!(ran, BTreeSet::from(both), "each version with the code it was published with");

    let all_to_one = json!({"FunctionName": FUNCTION, "Name": "live", "RoutingConfig": routing(&[])});
    account.must("lambda", "update_alias", all_to_one);
    let versions: BTreeSet<String> = (0..10).map(|_| account.invoke(FUNCTION, "live").0).collect();
    assert_eq!(versions, BTreeSet::from(["1".to_owned()]));
}

#[test]
fn a_rest_stage_runs_the_version_of_the_alias_it_names() {
    let Some(emulator) = Emulator::shared() else { return };
    let account = emulator.account("a rest stage runs its alias");
    two_versions(&account);
    account.create_alias(FUNCTION, "live", "1", &[]);
    let api = account.create_rest_api("pets", FUNCTION);
    account.permit_api(&api, FUNCTION, "live");
    let deployment = account.create_deployment(&api, "first");
    account.create_stage(&api, "prod", &deployment, Some("live"));
    account.create_stage(&api, "bare", &deployment, None);

    let (status, body) = account.http_get(&api, "prod", "pets");
    assert_eq!((status, marker(&body).as_str()), (200, "one"), "{body}");
    let called: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(called["arn"], format!("{}:live", account.function_arn(FUNCTION)));

    account.must("lambda", "update_alias", json!({"FunctionName": FUNCTION, "Name": "live", "FunctionVersion": "2"}));
    let (status, body) = account.http("POST", &api, "prod", "/pets");
    assert_eq!((status, marker(&body).as_str()), (200, "two"), "{body}");

    let (status, body) = account.http_get(&api, "bare", "pets");
    assert!(status >= 500, "a stage without the variable reaches no alias: {body}");
}

#[test]
fn accounts_do_not_see_each_other() {
    let Some(emulator) = Emulator::shared() else { return };
    let (ours, theirs) = (emulator.account("isolation, ours"), emulator.account("isolation, theirs"));
    ours.create_function(FUNCTION, &marker_handler("ours"));

    let refusal = theirs.call("lambda", "get_function", json!({"FunctionName": FUNCTION})).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (404, "ResourceNotFoundException"));
    theirs.create_function(FUNCTION, &marker_handler("theirs"));
    let (version, payload) = ours.invoke(FUNCTION, "$LATEST");
    assert_eq!((version.as_str(), marker(payload["body"].as_str().unwrap()).as_str()), ("$LATEST", "ours"));
    assert_eq!(ours.must("sts", "get_caller_identity", json!({}))["Account"], ours.id);

    let (our_env, their_env) = (ours.env(), theirs.env());
    for name in ["AWS_ACCESS_KEY_ID", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        let value = |env: &[(String, String)]| env.iter().find(|(each, _)| each == name).unwrap().1.clone();
        assert_ne!(value(&our_env), value(&their_env), "{name}");
    }
}

#[test]
fn a_handler_that_fails_is_a_function_error_and_the_next_call_works() {
    let Some(emulator) = Emulator::shared() else { return };
    let account = emulator.account("a handler that fails");
    let source = r#"import os, time

def handle(event, context):
    print("got", event)
    if event == "exit":
        os._exit(3)
    if event == "hang":
        time.sleep(60)
    if event == "raise":
        raise ValueError("no pets")
    return event
"#;
    account.create_function(FUNCTION, source);
    account.must("lambda", "update_function_configuration", json!({"FunctionName": FUNCTION, "Timeout": 1}));
    account.must("lambda", "wait:function_updated_v2", json!({"FunctionName": FUNCTION}));

    let invoke = |event: &str| {
        let request = json!({"FunctionName": FUNCTION, "Payload": json!(event).to_string(), "LogType": "Tail"});
        let answer = account.must("lambda", "invoke", request);
        let payload: Value = serde_json::from_str(answer["Payload"].as_str().unwrap()).unwrap();
        (answer["FunctionError"].as_str().map(str::to_owned), payload)
    };
    for (event, error_type) in [
        ("raise", "ValueError"),
        ("exit", "Runtime.ExitError"),
        ("hang", "Sandbox.Timedout"),
        ("exit", "Runtime.ExitError"),
    ] {
        let (error, payload) = invoke(event);
        assert_eq!((error.as_deref(), &payload["errorType"]), (Some("Unhandled"), &json!(error_type)), "{payload}");
        assert_eq!(invoke("fine"), (None, json!("fine")), "after {event}");
    }
}
