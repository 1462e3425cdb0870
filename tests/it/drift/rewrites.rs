//! The same definition in another spelling, another order, with other ids: no drift.

use stagegate::world::apigateway::Definition;

use super::shop::{By, after, lines, live_of, of_live};

const ORDER: &str = "/orders/{id}";

fn nothing(by: By, edit: impl Fn(&mut Definition)) {
    let drift = after(by, edit);
    assert_eq!(lines(&drift), Vec::<String>::new());
    assert_eq!(drift.unseen.is_empty(), by == By::Stagegate);
}

macro_rules! rewrites {
    ($($name:ident: $edit:expr;)*) => {
        /// Deployments that carry stagegate's fingerprint.
        mod ours {
            use super::*;
            $(#[test] fn $name() { nothing(By::Stagegate, $edit); })*
        }

        /// Deployments that others made, compared by export.
        mod by_others {
            use super::*;
            $(#[test] fn $name() { nothing(By::Others, $edit); })*
        }

        const COUNT: usize = [$(stringify!($name)),*].len();
    };
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Replaces text in the whole definition, ids for example.
fn replace(api: &mut Definition, from: &str, to: &str) {
    let written = serde_json::to_string(&live_of(api)).unwrap();
    *api = of_live(serde_json::from_str(&written.replace(from, to)).unwrap());
}

fn policy(api: &mut Definition, change: impl FnOnce(String) -> String) {
    api.api.policy = api.api.policy.take().map(change);
}

rewrites! {
    nothing_at_all: |_| ();
    resources_in_another_order: |api| api.resources.reverse();
    models_in_another_order: |api| api.models.reverse();
    authorizers_in_another_order: |api| api.authorizers.reverse();
    validators_in_another_order: |api| api.validators.reverse();
    gateway_responses_in_another_order: |api| api.gateway_responses.reverse();
    binary_media_types_in_another_order: |api| api.api.binary_media_types.reverse();
    binary_media_type_twice: |api| api.api.binary_media_types.push("image/png".into());
    scopes_in_another_order: |api| api.method_mut(ORDER, "GET").authorization_scopes.reverse();
    cache_keys_in_another_order: |api| api.integration_mut(ORDER, "GET").cache_key_parameters.reverse();
    providers_in_another_order: |api| api.authorizer_mut("pool").provider_arns.reverse();
    endpoint_types_in_lower_case: |api| api.api.endpoint_types = vec!["regional".into()];

    ids_of_authorizers: |api| { replace(api, "jw1t23", "zz9"); replace(api, "p00l", "a1a") };
    ids_of_validators: |api| replace(api, "v1d2", "other1");
    id_of_the_api_in_a_model: |api| api.model_mut("Order").schema = api.model_mut("Order").schema.take().map(|schema| schema.replace("a1b2c3d4e5", "zzzzzzzzzz"));

    default_timeout_left_out: |api| api.integration_mut("/legacy", "ANY").timeout_in_millis = 0;
    default_passthrough_left_out: |api| api.integration_mut("/legacy", "ANY").passthrough_behavior = None;
    default_authorizer_ttl_left_out: |api| api.authorizer_mut("jwt-main").authorizer_result_ttl_in_seconds = None;
    default_authorizer_ttl_written_out: |api| api.authorizer_mut("jwt-next").authorizer_result_ttl_in_seconds = Some(300);
    default_key_source_left_out: |api| api.api.api_key_source = None;
    default_connection_written_out: |api| api.integration_mut("/legacy", "ANY").connection_type = text("INTERNET");
    default_transfer_mode_written_out: |api| api.integration_mut("/legacy", "ANY").response_transfer_mode = text("BUFFERED");
    no_authorization_left_out: |api| api.method_mut("/legacy", "ANY").authorization_type = None;
    empty_selection_pattern: |api| api.integration_response_mut(ORDER, "GET", "200").selection_pattern = text("");
    empty_identity_source: |api| api.authorizer_mut("pool").identity_source = text("");
    empty_credentials: |api| api.integration_mut("/legacy", "ANY").credentials = text("");
    empty_connection: |api| api.integration_mut("/legacy", "ANY").connection_id = text("");
    empty_validator_id: |api| api.method_mut("/legacy", "ANY").request_validator_id = text("");
    empty_operation_name: |api| api.method_mut("/legacy", "ANY").operation_name = text("");

    words_in_lower_case: |api| { let legacy = api.integration_mut("/legacy", "ANY"); (legacy.kind, legacy.passthrough_behavior, legacy.http_method) = (text("aws_proxy"), text("when_no_match"), text("post")) };
    authorization_in_lower_case: |api| api.method_mut("/orders", "POST").authorization_type = text("custom");
    response_type_in_lower_case: |api| api.gateway_response_mut("THROTTLED").response_type = "throttled".into();
    default_gateway_response_missing: |api| api.gateway_responses.retain(|response| !response.default_response);
    default_gateway_response_changed_by_aws: |api| for response in api.gateway_responses.iter_mut().filter(|response| response.default_response) { response.status_code = text("400"); response.response_templates.clear() };

    policy_with_whitespace: |api| policy(api, |text| format!("{:#}", serde_json::from_str::<serde_json::Value>(&text).unwrap()));
    policy_with_escaped_quotes: |api| policy(api, |text| text.replace('"', "\\\""));
    policy_with_escaped_slashes: |api| policy(api, |text| text.replace('"', "\\\"").replace('/', "\\/"));
    policy_with_a_single_action: |api| policy(api, |text| text.replace("[\"execute-api:Invoke\"]", "\"execute-api:Invoke\""));
    policy_with_lists_in_another_order: |api| policy(api, |text| text.replace("192.0.2.0/24\",\"198.51.100.0/24", "198.51.100.0/24\",\"192.0.2.0/24"));
    policy_with_an_empty_part: |api| policy(api, |text| text.replacen('{', "{\"Id\":null,", 1));
    model_with_whitespace: |api| api.model_mut("Item").schema = text("{\n  \"type\":   \"string\",\n  \"maxLength\": 9\n}");
    model_with_keys_in_another_order: |api| api.model_mut("Item").schema = text("{\"maxLength\":9,\"type\":\"string\"}");
}

#[test]
fn there_are_enough_of_them() {
    const { assert!(COUNT >= 20) };
}
