//! REST APIs: what their definition consists of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tags;

/// The parts of a REST API that a deployment snapshots besides its resources (`GetRestApi`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestApi {
    /// The API's name.
    pub name: String,
    /// A set.
    pub binary_media_types: Vec<String>,
    /// Bytes; absent when compression is off.
    pub minimum_compression_size: Option<i32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: Option<String>,
    /// Resource policy, a JSON text (API Gateway escapes its quotes).
    pub policy: Option<String>,
    /// `disableExecuteApiEndpoint`.
    pub disable_execute_api_endpoint: bool,
    /// Endpoint types: `EDGE`, `REGIONAL`, `PRIVATE`; a set.
    pub endpoint_types: Vec<String>,
    /// No part of the definition: no deployment snapshots them.
    #[serde(skip)]
    pub tags: Tags,
}

/// One resource of a live REST API with its methods (`GetResources?embed=methods`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The path, such as `/pets/{id}`.
    pub path: String,
    /// HTTP method (or `ANY`) → method.
    pub methods: BTreeMap<String, Method>,
}

/// One method of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Method {
    /// `NONE`, `AWS_IAM`, `CUSTOM`, `COGNITO_USER_POOLS`.
    pub authorization_type: Option<String>,
    /// Id of the authorizer.
    pub authorizer_id: Option<String>,
    /// OAuth scopes; a set.
    pub authorization_scopes: Vec<String>,
    /// Whether an API key is asked for.
    pub api_key_required: bool,
    /// Id of the request validator.
    pub request_validator_id: Option<String>,
    /// `operationName`.
    pub operation_name: Option<String>,
    /// Parameter → required.
    pub request_parameters: BTreeMap<String, bool>,
    /// Content type → model name.
    pub request_models: BTreeMap<String, String>,
    /// Status code → response.
    pub method_responses: BTreeMap<String, MethodResponse>,
    /// What the method calls.
    pub integration: Option<Integration>,
}

/// One declared response of a method.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MethodResponse {
    /// Header → required.
    pub response_parameters: BTreeMap<String, bool>,
    /// Content type → model name.
    pub response_models: BTreeMap<String, String>,
}

/// What a method calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Integration {
    /// `AWS_PROXY`, `AWS`, `HTTP_PROXY`, `HTTP`, `MOCK`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Method used towards the backend (`POST` for Lambda).
    pub http_method: Option<String>,
    /// The integration URI, with `${stageVariables.x}` unresolved.
    pub uri: Option<String>,
    /// `INTERNET` or `VPC_LINK`.
    pub connection_type: Option<String>,
    /// VPC link id.
    pub connection_id: Option<String>,
    /// Role ARN that API Gateway assumes for the call; then the function's policy is not asked.
    pub credentials: Option<String>,
    /// Mapping of parameters.
    pub request_parameters: BTreeMap<String, String>,
    /// Content type → template.
    pub request_templates: BTreeMap<String, String>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES`, `NEVER`.
    pub passthrough_behavior: Option<String>,
    /// `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`.
    pub content_handling: Option<String>,
    /// Milliseconds.
    pub timeout_in_millis: i32,
    /// Parameters that are part of the cache key; a set.
    pub cache_key_parameters: Vec<String>,
    /// `BUFFERED` or `STREAM`.
    pub response_transfer_mode: Option<String>,
    /// `tlsConfig.insecureSkipVerification`.
    pub insecure_skip_verification: bool,
    /// Status code → response.
    pub integration_responses: BTreeMap<String, IntegrationResponse>,
}

/// How a backend's answer becomes the method's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IntegrationResponse {
    /// Regular expression over the backend's answer.
    pub selection_pattern: Option<String>,
    /// Mapping of headers.
    pub response_parameters: BTreeMap<String, String>,
    /// Content type → template.
    pub response_templates: BTreeMap<String, String>,
    /// `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`.
    pub content_handling: Option<String>,
}

/// A request or response model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiModel {
    /// The model's name.
    pub name: String,
    /// Content type.
    pub content_type: Option<String>,
    /// JSON schema as text.
    pub schema: Option<String>,
}

/// An authorizer of a REST API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authorizer {
    /// Its id, which methods refer to.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `TOKEN`, `REQUEST`, `COGNITO_USER_POOLS`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Cognito pools; a set.
    pub provider_arns: Vec<String>,
    /// `authType` (imported APIs).
    pub auth_type: Option<String>,
    /// Same shape as an integration URI.
    pub authorizer_uri: Option<String>,
    /// Role ARN.
    pub authorizer_credentials: Option<String>,
    /// Header or mapping of the token.
    pub identity_source: Option<String>,
    /// Regular expression the token must match.
    pub identity_validation_expression: Option<String>,
    /// Seconds, 0–3600.
    pub authorizer_result_ttl_in_seconds: Option<i32>,
}

/// A request validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestValidator {
    /// Its id, which methods refer to.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it checks bodies.
    pub validate_request_body: bool,
    /// Whether it checks parameters.
    pub validate_request_parameters: bool,
}

/// An answer that API Gateway gives by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayResponse {
    /// Such as `DEFAULT_5XX`.
    pub response_type: String,
    /// Status code to answer with.
    pub status_code: Option<String>,
    /// Header mapping.
    pub response_parameters: BTreeMap<String, String>,
    /// Content type → template.
    pub response_templates: BTreeMap<String, String>,
    /// AWS generated it and nobody changed it.
    pub default_response: bool,
}
