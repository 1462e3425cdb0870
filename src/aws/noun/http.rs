//! HTTP APIs: what their definition consists of (aws-semantics §7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tags;

/// An HTTP API's own settings (`GetApi`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpApi {
    /// The API's name.
    pub name: String,
    /// `HTTP`, or `WEBSOCKET`: the same operations answer for both.
    pub protocol_type: String,
    /// `disableExecuteApiEndpoint`.
    pub disable_execute_api_endpoint: bool,
    /// How API Gateway answers browsers by itself.
    pub cors_configuration: Option<Cors>,
    /// No part of the definition: no deployment snapshots them.
    #[serde(skip)]
    pub tags: Tags,
}

/// Cross-origin settings (`corsConfiguration`); every list is a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cors {
    /// Whether credentials may be sent.
    pub allow_credentials: bool,
    /// Request headers.
    pub allow_headers: Vec<String>,
    /// HTTP methods.
    pub allow_methods: Vec<String>,
    /// Origins.
    pub allow_origins: Vec<String>,
    /// Response headers.
    pub expose_headers: Vec<String>,
    /// Seconds.
    pub max_age: Option<i32>,
}

/// A route (`GetRoutes`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRoute {
    /// `GET /pets/{id}`, `ANY /{proxy+}` or `$default`.
    pub route_key: String,
    /// `integrations/ID`.
    pub target: Option<String>,
    /// `NONE`, `AWS_IAM`, `CUSTOM`, `JWT`.
    pub authorization_type: Option<String>,
    /// Id of the authorizer.
    pub authorizer_id: Option<String>,
    /// OAuth scopes; a set.
    pub authorization_scopes: Vec<String>,
    /// `operationName`.
    pub operation_name: Option<String>,
}

impl HttpRoute {
    /// The id of the integration it calls.
    pub fn integration_id(&self) -> Option<&str> {
        self.target.as_deref()?.strip_prefix("integrations/")
    }
}

/// What a route calls (`GetIntegrations`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpIntegration {
    /// Its id, which routes refer to.
    pub id: String,
    /// `AWS_PROXY` or `HTTP_PROXY`.
    pub integration_type: Option<String>,
    /// The AWS service action, such as `SQS-SendMessage`; absent for Lambda and HTTP.
    pub integration_subtype: Option<String>,
    /// Method used towards the backend.
    pub integration_method: Option<String>,
    /// A Lambda ARN, bare or in an `apigateway` ARN, or a URL; with `${stageVariables.x}` unresolved.
    pub integration_uri: Option<String>,
    /// `INTERNET` or `VPC_LINK`.
    pub connection_type: Option<String>,
    /// VPC link id.
    pub connection_id: Option<String>,
    /// Role ARN that API Gateway assumes for the call; then the function's policy is not asked.
    pub credentials_arn: Option<String>,
    /// `1.0` or `2.0`.
    pub payload_format_version: Option<String>,
    /// Mapping of parameters.
    pub request_parameters: BTreeMap<String, String>,
    /// Status code → mapping of headers and status.
    pub response_parameters: BTreeMap<String, BTreeMap<String, String>>,
    /// Milliseconds.
    pub timeout_in_millis: Option<i32>,
    /// `tlsConfig.serverNameToVerify`.
    pub server_name_to_verify: Option<String>,
}

/// An authorizer (`GetAuthorizers` of an HTTP API).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpAuthorizer {
    /// Its id, which routes refer to.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `JWT` or `REQUEST`.
    pub authorizer_type: Option<String>,
    /// A Lambda URI, for `REQUEST`.
    pub authorizer_uri: Option<String>,
    /// Role ARN.
    pub authorizer_credentials_arn: Option<String>,
    /// `1.0` or `2.0`.
    pub authorizer_payload_format_version: Option<String>,
    /// Seconds, 0–3600.
    pub authorizer_result_ttl_in_seconds: Option<i32>,
    /// Whether the function answers yes or no only.
    pub enable_simple_responses: bool,
    /// Where the token or identity is; a set.
    pub identity_source: Vec<String>,
    /// For `JWT`.
    pub jwt_configuration: Option<JwtConfiguration>,
}

/// Which tokens a JWT authorizer accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JwtConfiguration {
    /// A set.
    pub audience: Vec<String>,
    /// The issuer's URL.
    pub issuer: Option<String>,
}
