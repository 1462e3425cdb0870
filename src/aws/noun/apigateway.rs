//! API Gateway, whatever the kind of API: stages, deployments, exports.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tags;

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

/// A stage (`GetStage` of either kind of API).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The deployment it serves; empty when a stage of an HTTP API was never deployed.
    pub deployment: String,
    /// Stage variables.
    pub variables: BTreeMap<String, String>,
    /// Canary settings, when a canary is attached, also at 0 %.
    pub canary: Option<StageCanary>,
    /// A cache cluster is on: answers of the old deployment may outlive it by the TTL.
    pub cache_enabled: bool,
    /// No setting that a release reads or writes, so never stored or compared with a plan.
    #[serde(skip)]
    pub tags: Tags,
    /// Which kind of API it belongs to.
    #[serde(default, skip_serializing_if = "StageKind::is_rest")]
    pub kind: StageKind,
}

/// Which kind of API a stage belongs to, and what only that kind has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "api", rename_all = "kebab-case")]
pub enum StageKind {
    /// A REST API.
    #[default]
    Rest,
    /// An HTTP API.
    Http {
        /// Every edit of the API deploys itself, and the deployment cannot be chosen (aws-semantics §7).
        auto_deploy: bool,
        /// `lastDeploymentStatusMessage`: what AWS says of the last deployment that happened by itself.
        last_deployment: Option<String>,
    },
}

impl StageKind {
    /// A stage of a REST API.
    pub const fn is_rest(&self) -> bool {
        matches!(self, Self::Rest)
    }

    /// A stage that deploys every edit of its API by itself.
    pub const fn is_auto_deployed(&self) -> bool {
        matches!(self, Self::Http { auto_deploy: true, .. })
    }
}

/// A stage's canary (`canarySettings`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageCanary {
    /// The canary's deployment.
    pub deployment: Option<String>,
    /// Share of requests, 0–100 %.
    pub percent: f64,
    /// `stageVariableOverrides`.
    pub overrides: BTreeMap<String, String>,
    /// Whether production and canary share cache entries.
    pub use_stage_cache: bool,
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
