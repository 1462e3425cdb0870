//! The parts of a REST API's live definition as API Gateway answers them.

use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::types as sdk;

use super::super::AwsError;
use super::super::noun::{
    ApiModel, Authorizer, GatewayResponse, Integration, IntegrationResponse, Method, MethodResponse, RequestValidator,
    Resource, RestApi,
};
use super::reply::{required, sorted};

/// The text of an enumeration, also of a value that this version of the SDK does not know.
macro_rules! words {
    ($value:expr) => {
        $value.map(|value| value.as_str().to_owned())
    };
}

pub(super) fn rest_api(api: GetRestApiOutput) -> Result<RestApi, AwsError> {
    let endpoint_types = api.endpoint_configuration.and_then(|endpoint| endpoint.types).unwrap_or_default();
    Ok(RestApi {
        name: required(api.name, "name")?,
        binary_media_types: api.binary_media_types.unwrap_or_default(),
        minimum_compression_size: api.minimum_compression_size,
        api_key_source: words!(api.api_key_source),
        policy: api.policy.filter(|policy| !policy.is_empty()),
        disable_execute_api_endpoint: api.disable_execute_api_endpoint,
        endpoint_types: endpoint_types.iter().map(|kind| kind.as_str().to_owned()).collect(),
        tags: sorted(api.tags),
    })
}

pub(super) fn resource(resource: sdk::Resource) -> Result<Resource, AwsError> {
    let methods = resource.resource_methods.unwrap_or_default();
    Ok(Resource {
        path: required(resource.path, "path")?,
        methods: methods.into_iter().map(|(verb, value)| (verb, method(value))).collect(),
    })
}

fn method(method: sdk::Method) -> Method {
    let responses = method.method_responses.unwrap_or_default();
    Method {
        authorization_type: method.authorization_type,
        authorizer_id: method.authorizer_id,
        authorization_scopes: method.authorization_scopes.unwrap_or_default(),
        api_key_required: method.api_key_required.unwrap_or_default(),
        request_validator_id: method.request_validator_id,
        operation_name: method.operation_name,
        request_parameters: sorted(method.request_parameters),
        request_models: sorted(method.request_models),
        method_responses: responses.into_iter().map(|(status, value)| (status, method_response(value))).collect(),
        integration: method.method_integration.map(integration),
    }
}

fn method_response(response: sdk::MethodResponse) -> MethodResponse {
    MethodResponse {
        response_parameters: sorted(response.response_parameters),
        response_models: sorted(response.response_models),
    }
}

fn integration(integration: sdk::Integration) -> Integration {
    let responses = integration.integration_responses.unwrap_or_default();
    Integration {
        kind: words!(integration.r#type),
        http_method: integration.http_method,
        uri: integration.uri,
        connection_type: words!(integration.connection_type),
        connection_id: integration.connection_id,
        credentials: integration.credentials,
        request_parameters: sorted(integration.request_parameters),
        request_templates: sorted(integration.request_templates),
        passthrough_behavior: integration.passthrough_behavior,
        content_handling: words!(integration.content_handling),
        timeout_in_millis: integration.timeout_in_millis,
        cache_key_parameters: integration.cache_key_parameters.unwrap_or_default(),
        response_transfer_mode: words!(integration.response_transfer_mode),
        insecure_skip_verification: integration.tls_config.is_some_and(|tls| tls.insecure_skip_verification),
        integration_responses: responses
            .into_iter()
            .map(|(status, value)| (status, integration_response(value)))
            .collect(),
    }
}

fn integration_response(response: sdk::IntegrationResponse) -> IntegrationResponse {
    IntegrationResponse {
        selection_pattern: response.selection_pattern,
        response_parameters: sorted(response.response_parameters),
        response_templates: sorted(response.response_templates),
        content_handling: words!(response.content_handling),
    }
}

pub(super) fn model(model: sdk::Model) -> Result<ApiModel, AwsError> {
    Ok(ApiModel { name: required(model.name, "name")?, content_type: model.content_type, schema: model.schema })
}

pub(super) fn authorizer(authorizer: sdk::Authorizer) -> Result<Authorizer, AwsError> {
    Ok(Authorizer {
        id: required(authorizer.id, "id")?,
        name: required(authorizer.name, "name")?,
        kind: words!(authorizer.r#type),
        provider_arns: authorizer.provider_arns.unwrap_or_default(),
        auth_type: authorizer.auth_type,
        authorizer_uri: authorizer.authorizer_uri,
        authorizer_credentials: authorizer.authorizer_credentials,
        identity_source: authorizer.identity_source,
        identity_validation_expression: authorizer.identity_validation_expression,
        authorizer_result_ttl_in_seconds: authorizer.authorizer_result_ttl_in_seconds,
    })
}

pub(super) fn request_validator(validator: sdk::RequestValidator) -> Result<RequestValidator, AwsError> {
    Ok(RequestValidator {
        id: required(validator.id, "id")?,
        name: validator.name.unwrap_or_default(),
        validate_request_body: validator.validate_request_body,
        validate_request_parameters: validator.validate_request_parameters,
    })
}

pub(super) fn gateway_response(response: sdk::GatewayResponse) -> Result<GatewayResponse, AwsError> {
    Ok(GatewayResponse {
        response_type: required(words!(response.response_type), "responseType")?,
        status_code: response.status_code,
        response_parameters: sorted(response.response_parameters),
        response_templates: sorted(response.response_templates),
        default_response: response.default_response,
    })
}
