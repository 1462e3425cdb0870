//! One property of one part is edited: it is drift, and the line names the place and the change.
//!
//! Of a deployment that stagegate made nothing stays unseen: what an export does not show is named by its kind. Of one
//! that others made, an edit is either found or among what the answer says it cannot see.

use stagegate::definition::Unseen;
use stagegate::world::apigateway::Definition;

use super::shop::{self, By, after, lines};

const ORDER: &str = "/orders/{id}";

/// What must be said of an edit.
enum Said {
    /// These lines.
    Lines(&'static [&'static str]),
    /// Only that something of a kind differs, because no export shows it.
    Kind(Unseen),
}

fn found(by: By, edit: impl Fn(&mut Definition), said: &Said) {
    let drift = after(by, edit);
    let lines = lines(&drift);
    match (by, said) {
        (_, Said::Lines(expected)) => assert_eq!(lines, *expected),
        (By::Stagegate, Said::Kind(kind)) => {
            assert_eq!(lines, [format!("~ {kind}  differ, and no export shows where")]);
        }
        (By::Others, Said::Kind(kind)) => {
            assert_eq!(lines, Vec::<String>::new());
            assert!(drift.unseen.contains(kind), "{kind} is neither found nor among what cannot be seen");
        }
    }
    assert_eq!(drift.unseen.is_empty(), by == By::Stagegate, "{:?}", drift.unseen);
    assert_eq!(drift.blind_spots().is_none(), by == By::Stagegate);
}

macro_rules! mutations {
    ($($name:ident: $edit:expr => $said:expr;)*) => {
        /// Deployments that carry stagegate's fingerprint.
        mod ours {
            use super::*;
            $(#[test] fn $name() { found(By::Stagegate, $edit, &$said); })*
        }

        /// Deployments that others made, compared by export.
        mod by_others {
            use super::*;
            $(#[test] fn $name() { found(By::Others, $edit, &$said); })*
        }

        const COUNT: usize = [$(stringify!($name)),*].len();
    };
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

use Said::{Kind, Lines};

mutations! {
    method_added: |api| { *api.method_mut(ORDER, "PUT") = api.method_mut(ORDER, "DELETE").clone() }
        => Lines(&["+ PUT /orders/{id} → orders:${stageVariables.lambdaAlias}"]);
    method_removed: |api| { api.resource_mut(ORDER).methods.remove("DELETE"); } => Lines(&["- DELETE /orders/{id}"]);
    method_any_for_one: |api| { *api.method_mut(ORDER, "ANY") = api.method_mut("/legacy", "ANY").clone() }
        => Lines(&["+ ANY /orders/{id} → legacy"]);
    resource_added: |api| { *api.method_mut("/refunds", "POST") = api.method_mut("/legacy", "ANY").clone() }
        => Lines(&["+ POST /refunds → legacy"]);
    resource_removed: |api| api.resources.retain(|resource| resource.path != "/legacy") => Lines(&["- ANY /legacy"]);
    resource_renamed: |api| api.resource_mut("/legacy").path = "/old".into()
        => Lines(&["- ANY /legacy", "+ ANY /old → legacy"]);
    path_parameter_renamed: |api| api.resource_mut("/legacy").path = "/{any}".into()
        => Lines(&["- ANY /legacy", "+ ANY /{any} → legacy"]);
    method_with_everything_added: |api| { *api.method_mut(ORDER, "PUT") = api.method_mut("/orders", "POST").clone() }
        => Lines(&["+ PUT /orders/{id} → orders:${stageVariables.lambdaAlias}"]);
    resource_without_methods_added: |api| { api.resource_mut("/hollow"); } => Kind(Unseen::EmptyResource);
    resource_without_methods_removed: |api| api.resources.retain(|resource| resource.path != "/empty")
        => Kind(Unseen::EmptyResource);

    authorization_type: |api| api.method_mut("/legacy", "ANY").authorization_type = text("AWS_IAM")
        => Lines(&["~ ANY /legacy  authorizer none → iam"]);
    authorization_removed: |api| api.method_mut(ORDER, "DELETE").authorization_type = text("NONE")
        => Lines(&["~ DELETE /orders/{id}  authorizer iam → none"]);
    authorizer_of_a_method: |api| api.method_mut("/orders", "POST").authorizer_id = text("jw1t99")
        => Lines(&["~ POST /orders  authorizer jwt-main → jwt-next"]);
    authorization_scopes: |api| api.method_mut(ORDER, "GET").authorization_scopes = vec!["orders/read".into()]
        => Kind(Unseen::Scopes);
    api_key_required: |api| api.method_mut("/legacy", "ANY").api_key_required = true
        => Lines(&["~ ANY /legacy  apiKeyRequired false → true"]);
    api_key_not_required: |api| api.method_mut("/orders", "POST").api_key_required = false
        => Lines(&["~ POST /orders  apiKeyRequired true → false"]);
    request_validator: |api| api.method_mut("/orders", "POST").request_validator_id = text("v9d9")
        => Lines(&["~ POST /orders  requestValidator body → all"]);
    request_validator_removed: |api| api.method_mut("/orders", "POST").request_validator_id = None
        => Lines(&["~ POST /orders  requestValidator body → none"]);
    request_model: |api| { api.method_mut("/orders", "POST").request_models.insert("application/json".into(), "Item".into()); }
        => Lines(&["~ POST /orders  requestModels application/json Order → Item"]);
    request_model_of_another_type: |api| { api.method_mut("/orders", "POST").request_models.insert("text/xml".into(), "Item".into()); }
        => Lines(&["~ POST /orders  requestModels text/xml none → Item"]);
    request_parameter_required: |api| { api.method_mut("/orders", "POST").request_parameters.insert("method.request.querystring.dry".into(), true); }
        => Lines(&["~ POST /orders  requestParameters method.request.querystring.dry false → true"]);
    request_parameter_added: |api| { api.method_mut("/orders", "POST").request_parameters.insert("method.request.header.Accept".into(), true); }
        => Lines(&["~ POST /orders  requestParameters method.request.header.Accept none → true"]);
    request_parameter_removed: |api| { api.method_mut("/orders", "POST").request_parameters.remove("method.request.header.X-Request-Id"); }
        => Lines(&["~ POST /orders  requestParameters method.request.header.X-Request-Id true → none"]);
    path_parameter_declared: |api| api.method_mut(ORDER, "GET").request_parameters.clear() => Kind(Unseen::PathParameter);
    operation_name: |api| api.method_mut("/orders", "POST").operation_name = text("PlaceOrder") => Kind(Unseen::OperationName);
    method_response_added: |api| { api.method_mut("/orders", "POST").method_responses.insert("404".into(), Default::default()); }
        => Kind(Unseen::MethodResponse);
    method_response_model: |api| for response in api.method_mut("/orders", "POST").method_responses.values_mut() { response.response_models.clear(); }
        => Kind(Unseen::MethodResponse);
    method_response_header: |api| for response in api.method_mut("/orders", "POST").method_responses.values_mut() { response.response_parameters.clear(); }
        => Kind(Unseen::MethodResponse);

    integration_uri: |api| api.integration_mut("/legacy", "ANY").uri = Some(shop::uri("legacy:live"))
        => Lines(&["~ ANY /legacy  integration legacy → legacy:live"]);
    integration_uri_of_another_account: |api| api.integration_mut("/legacy", "ANY").uri = Some(shop::uri("legacy").replace("111111111111", "222222222222"))
        => Lines(&["~ ANY /legacy  integration …ambda:eu-west-1:111111111111:function:legacy/inv… → …ambda:eu-west-1:222222222222:function:legacy/inv…"]);
    integration_type: |api| api.integration_mut("/legacy", "ANY").kind = text("AWS")
        => Lines(&["~ ANY /legacy  integration type AWS_PROXY → AWS"]);
    integration_http_method: |api| api.integration_mut("/balance", "GET").http_method = text("POST")
        => Lines(&["~ GET /balance  integration httpMethod GET → POST"]);
    integration_timeout: |api| api.integration_mut("/legacy", "ANY").timeout_in_millis = 5000
        => Lines(&["~ ANY /legacy  integration timeoutInMillis 29000 → 5000"]);
    integration_credentials_removed: |api| api.integration_mut("/orders", "POST").credentials = None
        => Lines(&["~ POST /orders  integration credentials arn:aws:iam::111111111111:role/call → none"]);
    integration_content_handling: |api| api.integration_mut("/orders", "POST").content_handling = text("CONVERT_TO_BINARY")
        => Lines(&["~ POST /orders  integration contentHandling CONVERT_TO_TEXT → CONVERT_TO_BINARY"]);
    integration_passthrough_behavior: |api| api.integration_mut("/legacy", "ANY").passthrough_behavior = text("NEVER")
        => Lines(&["~ ANY /legacy  integration passthroughBehavior WHEN_NO_MATCH → NEVER"]);
    integration_request_template: |api| { api.integration_mut("/orders", "POST").request_templates.insert("application/json".into(), "{\n  \"body\": $input.body\n}".into()); }
        => Lines(&["~ POST /orders  integration requestTemplates application/json {\\n  \"body\": $input.json('$')\\n} → {\\n  \"body\": $input.body\\n}"]);
    integration_request_template_whitespace: |api| { api.integration_mut("/orders", "OPTIONS").request_templates.insert("application/json".into(), "{\"statusCode\":200}".into()); }
        => Lines(&["~ OPTIONS /orders  integration requestTemplates application/json {\"statusCode\": 200} → {\"statusCode\":200}"]);
    integration_request_template_removed: |api| api.integration_mut("/orders", "OPTIONS").request_templates.clear()
        => Lines(&["~ OPTIONS /orders  integration requestTemplates application/json {\"statusCode\": 200} → none"]);
    integration_request_parameter: |api| { api.integration_mut(ORDER, "GET").request_parameters.insert("integration.request.path.id".into(), "'7'".into()); }
        => Lines(&["~ GET /orders/{id}  integration requestParameters integration.request.path.id method.request.path.id → '7'"]);
    integration_cache_key_parameters: |api| { api.integration_mut(ORDER, "GET").cache_key_parameters.pop(); }
        => Lines(&["~ GET /orders/{id}  integration cacheKeyParameters method.request.path.id, method.request.querystring.lang → method.request.path.id"]);
    integration_response_transfer_mode: |api| api.integration_mut("/legacy", "ANY").response_transfer_mode = text("STREAM")
        => Lines(&["~ ANY /legacy  integration responseTransferMode BUFFERED → STREAM"]);
    integration_tls: |api| api.integration_mut("/balance", "GET").insecure_skip_verification = true => Kind(Unseen::Tls);
    integration_vpc_link: |api| api.integration_mut("/balance", "GET").connection_id = text("vl1nk2")
        => Lines(&["~ GET /balance  integration connectionId vl1nk1 → vl1nk2"]);
    integration_over_the_internet: |api| { let balance = api.integration_mut("/balance", "GET"); (balance.connection_type, balance.connection_id) = (text("INTERNET"), None) }
        => Lines(&["~ GET /balance  integration connectionId vl1nk1 → none", "~ GET /balance  integration connectionType VPC_LINK → INTERNET"]);
    integration_response_template: |api| api.integration_response_mut(ORDER, "GET", "200").response_templates.clear()
        => Lines(&["~ GET /orders/{id}  integration responses default responseTemplates application/json $input.json('$') → none"]);
    integration_response_parameter: |api| { api.integration_response_mut("/orders", "OPTIONS", "200").response_parameters.insert("method.response.header.Allow".into(), "'GET'".into()); }
        => Lines(&["~ OPTIONS /orders  integration responses default responseParameters method.response.header.Allow '*' → 'GET'"]);
    integration_response_content_handling: |api| api.integration_response_mut(ORDER, "GET", "500").content_handling = None
        => Lines(&["~ GET /orders/{id}  integration responses 5\\d{2} contentHandling CONVERT_TO_TEXT → none"]);
    integration_response_pattern: |api| api.integration_response_mut(ORDER, "GET", "500").selection_pattern = text("4\\d{2}") => Lines(&[
        "~ GET /orders/{id}  integration responses 4\\d{2} contentHandling none → CONVERT_TO_TEXT",
        "~ GET /orders/{id}  integration responses 4\\d{2} statusCode none → 500",
        "~ GET /orders/{id}  integration responses 5\\d{2} contentHandling CONVERT_TO_TEXT → none",
        "~ GET /orders/{id}  integration responses 5\\d{2} statusCode 500 → none",
    ]);
    integration_response_status: |api| { let responses = &mut api.integration_mut(ORDER, "GET").integration_responses; let moved = responses.remove("500").unwrap(); responses.insert("502".into(), moved); }
        => Lines(&["~ GET /orders/{id}  integration responses 5\\d{2} statusCode 500 → 502"]);
    integration_response_sharing_a_pattern: |api| api.integration_response_mut(ORDER, "GET", "503").selection_pattern = text("5\\d{2}")
        => Kind(Unseen::SharedPattern);
    address_of_a_mock: |api| api.integration_mut("/orders", "OPTIONS").uri = text("https://example.com")
        => Kind(Unseen::MockAddress);

    model_schema: |api| api.model_mut("Item").schema = text("{\"type\": \"string\", \"maxLength\": 10}") => Kind(Unseen::Model);
    model_content_type: |api| api.model_mut("Item").content_type = text("application/xml") => Kind(Unseen::Model);
    model_added: |api| api.model_mut("Refund").schema = text("{}") => Kind(Unseen::Model);
    model_removed: |api| api.models.retain(|model| model.name != "Item") => Kind(Unseen::Model);

    authorizer_uri: |api| api.authorizer_mut("jwt-main").authorizer_uri = Some(shop::uri("auth:beta"))
        => Lines(&["~ authorizer jwt-main  authorizerUri auth:live → auth:beta"]);
    authorizer_ttl: |api| api.authorizer_mut("jwt-main").authorizer_result_ttl_in_seconds = Some(0)
        => Lines(&["~ authorizer jwt-main  authorizerResultTtlInSeconds 300 → 0"]);
    authorizer_identity_source: |api| api.authorizer_mut("jwt-main").identity_source = text("method.request.header.Token")
        => Kind(Unseen::IdentitySource);
    authorizer_identity_validation: |api| api.authorizer_mut("jwt-main").identity_validation_expression = text("^.+$")
        => Lines(&["~ authorizer jwt-main  identityValidationExpression ^Bearer .+$ → ^.+$"]);
    authorizer_credentials: |api| api.authorizer_mut("jwt-main").authorizer_credentials = text("arn:aws:iam::111111111111:role/other")
        => Lines(&["~ authorizer jwt-main  authorizerCredentials arn:aws:iam::111111111111:role/auth → arn:aws:iam::111111111111:role/other"]);
    authorizer_type: |api| api.authorizer_mut("jwt-main").kind = text("REQUEST")
        => Lines(&["~ authorizer jwt-main  type TOKEN → REQUEST"]);
    authorizer_auth_type: |api| api.authorizer_mut("jwt-main").auth_type = text("custom") => Kind(Unseen::AuthType);
    authorizer_providers: |api| { api.authorizer_mut("pool").provider_arns.pop(); }
        => Lines(&["~ authorizer pool  providerArns …1111:userpool/p1, arn:aws:cognito-idp:eu-west-1:… → …1111:userpool/p1"]);
    authorizer_added: |api| api.authorizer_mut("spare").kind = text("TOKEN") => Kind(Unseen::Guards);

    validator_checks_parameters: |api| api.validator_mut("body").validate_request_parameters = true
        => Lines(&["~ validator body  validateRequestParameters false → true"]);
    validator_checks_no_body: |api| api.validator_mut("body").validate_request_body = false
        => Lines(&["~ validator body  validateRequestBody true → false"]);
    validator_removed: |api| api.validators.retain(|validator| validator.name != "all") => Kind(Unseen::Guards);

    gateway_response_added: |api| api.gateway_response_mut("DEFAULT_5XX").status_code = text("503")
        => Lines(&["+ gateway response DEFAULT_5XX"]);
    gateway_response_removed: |api| api.gateway_responses.retain(|response| response.response_type != "THROTTLED")
        => Lines(&["- gateway response THROTTLED"]);
    gateway_response_status: |api| api.gateway_response_mut("ACCESS_DENIED").status_code = text("401")
        => Lines(&["~ gateway response ACCESS_DENIED  statusCode 403 → 401"]);
    gateway_response_parameter: |api| api.gateway_response_mut("ACCESS_DENIED").response_parameters.clear()
        => Lines(&["~ gateway response ACCESS_DENIED  responseParameters gatewayresponse.header.Access-Control-Allow-Origin '*' → none"]);
    gateway_response_template: |api| { api.gateway_response_mut("ACCESS_DENIED").response_templates.insert("text/html".into(), "<p>denied</p>".into()); }
        => Lines(&["~ gateway response ACCESS_DENIED  responseTemplates text/html <p>no</p> → <p>denied</p>"]);
    gateway_response_default_template: |api| { api.gateway_response_mut("ACCESS_DENIED").response_templates.insert("application/json".into(), "{\"message\":$context.error.messageString}".into()); }
        => Kind(Unseen::DefaultTemplate);

    binary_media_types: |api| api.api.binary_media_types.push("*/*".into())
        => Lines(&["~ api  binaryMediaTypes application/pdf, image/png → */*, application/pdf, image/png"]);
    minimum_compression_size: |api| api.api.minimum_compression_size = Some(0)
        => Lines(&["~ api  minimumCompressionSize 1024 → 0"]);
    compression_off: |api| api.api.minimum_compression_size = None
        => Lines(&["~ api  minimumCompressionSize 1024 → none"]);
    api_key_source: |api| api.api.api_key_source = text("AUTHORIZER")
        => Lines(&["~ api  apiKeySource HEADER → AUTHORIZER"]);
    execute_api_endpoint: |api| api.api.disable_execute_api_endpoint = true => Kind(Unseen::ExecuteApi);
    endpoint_types: |api| api.api.endpoint_types = vec!["EDGE".into()] => Kind(Unseen::Endpoint);
    api_name: |api| api.api.name = "store".into() => Kind(Unseen::Name);
    policy_effect: |api| api.api.policy = Some(shop::policy("Deny"))
        => Lines(&["~ api  policy …4\"]}},\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource… → …4\"]}},\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\"…"]);
    policy_condition: |api| api.api.policy = Some(shop::policy("Allow").replace("198.51.100.0/24", "203.0.113.0/24"))
        => Lines(&["~ api  policy …\"192.0.2.0/24\",\"198.51.100.0/24\"]}},\"Effect\":\"Al… → …\"192.0.2.0/24\",\"203.0.113.0/24\"]}},\"Effect\":\"All…"]);
    policy_removed: |api| api.api.policy = None
        => Lines(&["~ api  policy {\"Statement\":{\"Action\":\"execute-api:Invoke\",\"Condition\":{\"Ip… → none"]);
}

#[test]
fn there_are_enough_of_them() {
    const { assert!(COUNT >= 40) };
}
