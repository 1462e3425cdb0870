//! Lambda: functions, versions, aliases, policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tags;
use crate::model::Version;

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
    /// Size of the deployment package, bytes.
    #[serde(default)]
    pub code_size: u64,
    /// SHA-256 over the whole configuration without what differs between `$LATEST` and a version of it
    /// (ARN, version, revision, dates, state). Equal digests and equal `code_sha256`: publishing would make no new version.
    pub config_digest: String,
    /// Where it logs (`LoggingConfig.LogGroup`), where AWS says so. Looked at, never kept.
    #[serde(skip)]
    pub log_group: Option<String>,
    /// `S3ObjectStorageMode = REFERENCE`: the version lives only as long as its S3 object (aws-semantics §3.7).
    pub code_by_reference: bool,
    /// What `config_digest` is taken over, by name, for people; of an environment variable a digest stands for the value.
    /// Not part of a plan: it is compared, never kept.
    #[serde(skip)]
    pub settings: BTreeMap<String, String>,
    /// The function's tags, whichever version was asked for. Absent in lists, and where the caller may not read them
    /// (`lambda:ListTags`). Never stored or compared with a plan.
    #[serde(skip)]
    pub tags: Option<Tags>,
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

/// A statement to add to an alias's policy: API Gateway may invoke it for `source_arn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Statement id, 1–100 of `[A-Za-z0-9-_]`.
    pub sid: String,
    /// The `execute-api` ARN pattern that may invoke.
    pub source_arn: String,
}
