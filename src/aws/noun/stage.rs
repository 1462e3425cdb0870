//! A stage of either kind of API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tags;

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
    /// What it does besides. Not part of a plan: no release touches it, and a throttle that somebody tunes makes no plan
    /// stale.
    #[serde(skip)]
    pub settings: StageSettings,
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

/// What a stage does besides serving its deployment with its variables: all of it takes effect at once, without a
/// redeploy (aws-semantics §6.5).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageSettings {
    /// Size of the cache cluster in GB, as AWS words it; absent when there is none.
    pub cache_cluster_size: Option<String>,
    /// Where requests are logged.
    pub access_log: Option<AccessLog>,
    /// X-Ray tracing is on.
    pub tracing: bool,
    /// Id of the certificate that the stage shows to backends.
    pub client_certificate: Option<String>,
    /// ARN of the web ACL (WAF).
    pub web_acl: Option<String>,
    /// `*/*`, or of a REST API a resource's path and an HTTP method as in a patch's path, of an HTTP API a route's key →
    /// what holds there.
    pub methods: BTreeMap<String, MethodSettings>,
}

/// Where and how requests are logged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessLog {
    /// ARN of a log group or delivery stream.
    pub destination: Option<String>,
    /// A line's format.
    pub format: Option<String>,
}

/// Settings of a method in a stage, or of all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MethodSettings {
    /// Detailed CloudWatch metrics.
    pub metrics: bool,
    /// `OFF`, `ERROR` or `INFO`.
    pub log_level: Option<String>,
    /// Whole requests and answers are logged.
    pub data_trace: bool,
    /// Requests at once; where absent the account's limit holds.
    pub throttling_burst: Option<i32>,
    /// Requests per second; where absent the account's limit holds.
    pub throttling_rate: Option<f64>,
    /// Answers are cached.
    pub caching: bool,
    /// For how long, seconds, 0–3600.
    pub cache_ttl_s: i32,
    /// What is cached is encrypted.
    pub cache_encrypted: bool,
    /// A request needs authorization to renew what is cached.
    pub cache_control_authorized: bool,
    /// What a request without it gets.
    pub cache_control_strategy: Option<String>,
}

impl MethodSettings {
    /// The key of what holds for every method that has no settings of its own.
    pub const ALL: &'static str = "*/*";
}
