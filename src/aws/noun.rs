//! What AWS answers with, in our own nouns: only the fields the engine uses, named as AWS names them.

mod stage;

use std::collections::BTreeMap;

pub use stage::{AccessLog, MethodSettings, Stage, StageCanary, StageSettings};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Version;

/// Who the credentials belong to (`sts:GetCallerIdentity`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The twelve digits of the account.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// A Lambda alias (`AliasConfiguration`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// `arn:…:function:NAME:ALIAS`; holds partition, region and account.
    pub arn: String,
    /// The primary version.
    pub version: Version,
    /// Additional version → share of calls, 0–1. AWS allows one entry (aws-semantics §3.4).
    pub weights: BTreeMap<u64, f64>,
    /// Free text, at most 256 characters; stagegate keeps its record at the end of it.
    pub description: String,
    /// Changes with every successful `UpdateAlias`, also one that changes nothing (aws-semantics §3.5).
    pub revision: String,
}

/// Whether a function or version can run (`State`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Being created; invocations fail.
    Pending,
    /// Ready.
    Active,
    /// Idle so long that AWS reclaimed it; the first invocation wakes it and may fail.
    Inactive,
    /// Cannot run.
    Failed,
    /// One of the newer states in which it cannot be invoked (`Deactivating`, `Deleting`, …).
    Other,
}

/// Whether the last update of a function has finished (`LastUpdateStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateStatus {
    /// Finished.
    Successful,
    /// Still running: publishing now answers 409.
    InProgress,
    /// The update failed.
    Failed,
}

/// A function, or one version of it (`GetFunction`, `PublishVersion`).
/// Asked for through an alias, this is the configuration of the alias's version (aws-semantics §3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// The ARN as answered, qualified when the question was.
    pub arn: String,
    /// `$LATEST` or a number.
    pub version: Version,
    /// Base64 SHA-256 of the deployment package.
    pub code_sha256: String,
    /// The revision of `$LATEST` or of the version; not of an alias.
    pub revision: String,
    /// Absent in lists.
    pub state: Option<State>,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// Absent in lists, and for versions of some functions.
    pub last_update: Option<UpdateStatus>,
    /// Why the last update failed.
    pub last_update_reason: Option<String>,
    /// The execution role's ARN.
    pub role: String,
    /// The dead-letter queue's or topic's ARN.
    pub dead_letter: Option<String>,
    /// `SnapStart.ApplyOn = PublishedVersions`: a published version is Pending for minutes.
    pub snap_start: bool,
    /// The version's own description; ours carries the run id.
    pub description: String,
    /// Set on a Lambda@Edge replica.
    pub master_arn: Option<String>,
    /// Function time-out, seconds.
    pub timeout_s: u32,
    /// When it was last modified, as AWS prints it.
    pub last_modified: String,
    /// SHA-256 over the whole configuration without what differs between `$LATEST` and a version of it
    /// (ARN, version, revision, dates, state). Equal digests and equal `code_sha256`: publishing would make no new version.
    pub config_digest: String,
    /// `S3ObjectStorageMode = REFERENCE`: the version lives only as long as its S3 object (aws-semantics §3.7).
    pub code_by_reference: bool,
    /// What `config_digest` is taken over, by name, for people; of an environment variable a digest stands for the value.
    /// Not part of a plan: it is compared, never kept.
    #[serde(skip)]
    pub settings: BTreeMap<String, String>,
}

/// The resource policy of one qualifier (`GetPolicy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The IAM document as AWS returns it: a JSON text.
    pub document: String,
    /// The policy's own revision, not the alias's (aws-semantics §3.5).
    pub revision: String,
}

/// Provisioned concurrency of an alias (`GetProvisionedConcurrencyConfig`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    /// How far the allocation is.
    pub status: ProvisionedStatus,
    /// Why it failed.
    pub reason: Option<String>,
}

/// How far an allocation of provisioned concurrency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProvisionedStatus {
    /// Still allocating; AWS keeps all traffic on the old version by a weight of 1.
    InProgress,
    /// Allocated.
    Ready,
    /// Could not be allocated; the alias can stay on the old version.
    Failed,
}

/// What an invocation answered (`Invoke`, synchronous).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoked {
    /// HTTP status of the call itself; 200 also when the function failed.
    pub status: u16,
    /// `X-Amz-Function-Error`: `Handled` or `Unhandled`; the payload then describes the error.
    pub function_error: Option<String>,
    /// `X-Amz-Executed-Version`.
    pub executed_version: Option<String>,
    /// The function's answer.
    pub payload: String,
    /// How long the call took as seen from here, milliseconds.
    pub duration_ms: u64,
    /// The last 4 KB of its log, as the function wrote them: to be redacted before anybody sees them.
    pub log_tail: Option<String>,
}

/// What a request through a stage was answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
    /// How long it took as seen from here, milliseconds.
    pub duration_ms: u64,
}

/// One series of `GetMetricData`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricQuery {
    /// `AWS/Lambda` or `AWS/ApiGateway`.
    pub namespace: String,
    /// Such as `Errors`.
    pub metric: String,
    /// Dimension → value; all of them, a subset names another series (aws-semantics §8.1).
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`, `SampleCount`, `p99`, `TC(:384.9)`, …
    pub stat: String,
    /// Seconds, a multiple of 60.
    pub period_s: u32,
}

/// The points of one series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricSeries {
    /// Start of the period → value. No activity is no point, not zero.
    pub points: BTreeMap<Timestamp, f64>,
    /// Why CloudWatch did not answer for this series (`InternalError`, `Forbidden`), if it did not.
    pub failure: Option<String>,
}

/// One page of the answer of `GetMetricData`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricPage {
    /// In the order of the queries; the points of one series may continue on the next page.
    pub series: Vec<MetricSeries>,
    /// Token of the next page.
    pub next: Option<String>,
}

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmValue {
    /// Within its limits.
    Ok,
    /// Outside.
    Alarm,
    /// It cannot tell.
    InsufficientData,
}

/// A CloudWatch alarm, metric or composite (`DescribeAlarms`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmState {
    /// Its name.
    pub name: String,
    /// What it says.
    pub value: AlarmValue,
    /// Its reason in CloudWatch's words.
    pub reason: Option<String>,
    /// Since when it says so (`StateTransitionedTimestamp`, else `StateUpdatedTimestamp`).
    pub since: Option<Timestamp>,
    /// `EVALUATION_FAILURE`, `EVALUATION_ERROR` or `PARTIAL_DATA`, when it is not evaluated as it should be.
    pub evaluation: Option<String>,
}

/// A snapshot of a REST API's definition (`Deployment`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Free text; ours carries run id and fingerprint.
    pub description: String,
    /// When it was created.
    pub created: Option<Timestamp>,
}

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

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Token of the next page; absent on the last.
    pub next: Option<String>,
}

/// One absolute operation of `UpdateStage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Patch {
    /// Sets the value at a path, creating it where AWS allows that.
    Replace {
        /// JSON pointer, such as `/deploymentId`.
        path: String,
        /// The value, always text.
        value: String,
    },
    /// Copies what is at one path to another: from the canary to the stage, nothing else is allowed (aws-semantics §6.3).
    Copy {
        /// JSON pointer, such as `/canarySettings/deploymentId`.
        from: String,
        /// JSON pointer, such as `/deploymentId`.
        path: String,
    },
    /// Removes what is at a path.
    Remove {
        /// JSON pointer, such as `/variables/lambdaAlias`.
        path: String,
    },
}

/// The fields of `CreateAlias` and `UpdateAlias` that stagegate always sends together: leaving one out keeps what
/// was there, stale weights included (aws-semantics §1.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Routing {
    /// The primary version.
    pub version: Version,
    /// Additional version → share of calls, 0–1; empty = none.
    pub weights: BTreeMap<u64, f64>,
    /// The whole description, user's text and record.
    pub description: String,
}

/// A deployed definition as `GetExport` gives it: an OpenAPI 3 document with `x-amazon-apigateway-*` extensions.
pub type Export = Value;

/// A statement to add to an alias's policy: API Gateway may invoke it for `source_arn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Statement id, 1–100 of `[A-Za-z0-9-_]`.
    pub sid: String,
    /// The `execute-api` ARN pattern that may invoke.
    pub source_arn: String,
}
