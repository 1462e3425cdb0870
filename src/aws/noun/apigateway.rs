//! API Gateway, whatever the kind of API: deployments, exports, answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a request through a stage was answered with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
    /// How long it took as seen from here, milliseconds.
    pub duration_ms: u64,
    /// `X-Amz-Executed-Version`, where the API passes it on to its clients.
    #[serde(default)]
    pub executed_version: Option<String>,
}

/// A snapshot of an API's definition (`Deployment` of either kind of API).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Free text; ours carries run id and fingerprint.
    pub description: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// How far it is; only HTTP APIs say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeploymentStatus>,
}

/// How far a deployment of an HTTP API is (`deploymentStatus`, aws-semantics §7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentStatus {
    /// Being made.
    Pending,
    /// A stage can serve it.
    Deployed,
    /// Could not be made; `deploymentStatusMessage`.
    Failed(String),
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

/// A definition as `GetExport` and `ExportApi` give it: an OpenAPI 3 document with `x-amazon-apigateway-*` extensions.
pub type Export = Value;
