//! What happens during a command, as values. The engine emits them and never prints; reporters print them.

mod schema;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metrics::GateLook;
use crate::model::RunId;
use crate::problem::Problem;
use crate::step::StepKind;

pub use schema::schema;

/// The schema of the event stream; minor numbers only add.
pub const EVENT_SCHEMA: &str = "stagegate.events/1.0";

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Done and read back.
    Ok,
    /// Nothing had to be done.
    Unchanged,
    /// Not asked for.
    Skipped,
    /// Failed.
    Failed,
}

/// One event. Serialised with `type`, and wrapped with `ts` and `seq` by the JSON reporter.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The first line.
    Hello {
        /// [`EVENT_SCHEMA`].
        schema: &'static str,
        /// Version of the tool.
        tool: &'static str,
    },
    /// Whose credentials, where.
    Identity {
        /// Account, twelve digits.
        account: String,
        /// Region.
        region: String,
        /// Caller's ARN, when it was asked for.
        arn: Option<String>,
        /// Where calls go instead of AWS, when overridden.
        endpoint: Option<String>,
        /// When the credentials end, if that is known.
        credentials_expire: Option<Timestamp>,
        /// Whether they are renewed without a person before that.
        renewable: bool,
    },
    /// What will be done.
    Plan {
        /// The release.
        release: RunId,
        /// The target as named.
        target: String,
        /// Digest for `--expect-plan`.
        digest: String,
        /// The plan's document.
        plan: Value,
    },
    /// What a clean-up deletes and what it leaves.
    Sweep {
        /// The target as named.
        target: String,
        /// What goes, and what stays with its reasons.
        sweep: Value,
    },
    /// Waiting for something that is not ours to hurry.
    Waiting {
        /// What for.
        what: String,
        /// Bound, seconds.
        max_s: u64,
    },
    /// A step begins.
    StepStarted {
        /// The release.
        release: RunId,
        /// Which step.
        step: StepKind,
    },
    /// A write was answered with success.
    AwsWrite {
        /// The release.
        release: RunId,
        /// Which step; absent during a rollback.
        step: Option<StepKind>,
        /// `lambda:UpdateAlias`.
        api: String,
        /// What it was about.
        resource: String,
        /// What it did, one line.
        result: String,
    },
    /// A write was not answered with success; it will be looked at.
    Retry {
        /// `lambda:UpdateAlias`.
        api: String,
        /// What it was about.
        resource: String,
        /// The error.
        why: String,
        /// Attempt number, from 1.
        attempt: u32,
    },
    /// A step ended.
    StepFinished {
        /// The release.
        release: RunId,
        /// Which step.
        step: StepKind,
        /// How.
        outcome: Outcome,
        /// One line for people.
        detail: String,
        /// Duration, milliseconds.
        ms: u64,
    },
    /// An alias's routing as read back.
    Routing {
        /// The release.
        release: RunId,
        /// Function.
        function: String,
        /// Alias.
        alias: String,
        /// Version → percent.
        weights: Value,
    },
    /// A stage as read back.
    Deployment {
        /// The release.
        release: RunId,
        /// `API/STAGE`.
        stage: String,
        /// Deployment it serves.
        deployment: String,
    },
    /// A stage's canary as read back.
    StageCanary {
        /// The release.
        release: RunId,
        /// `API/STAGE`.
        stage: String,
        /// Share of the requests, 0–100 %.
        percent: f64,
    },
    /// One look at a canary.
    Gate(Box<GateLook>),
    /// A person lets a step pass whatever the gate says.
    GatePassed {
        /// The release.
        release: RunId,
        /// The candidate's share at that step, 0–100 %.
        percent: f64,
        /// Their reason.
        reason: String,
    },
    /// The way back begins.
    RollingBack {
        /// The release.
        release: RunId,
        /// Why, one line.
        why: String,
        /// Whether a person or a runner asked for it, and nothing failed.
        asked: bool,
    },
    /// The way back ended.
    RolledBack {
        /// The release.
        release: RunId,
        /// Whether everything was read back as before.
        verified: bool,
        /// One line each: what is true now.
        now: Vec<String>,
        /// How long all of it took, milliseconds.
        ms: u64,
        /// Of these lines: how long it took until that was read back, milliseconds.
        #[serde(skip)]
        took_ms: BTreeMap<String, u64>,
    },
    /// Ctrl-C, SIGTERM.
    Interrupted {
        /// Which signal.
        signal: String,
        /// Whether the person at the terminal is asked what now.
        asks: bool,
    },
    /// Something worth knowing; the command goes on.
    Warning {
        /// The message.
        #[serde(flatten)]
        problem: Problem,
    },
    /// The command does not do what was asked.
    Error {
        /// The message.
        #[serde(flatten)]
        problem: Problem,
    },
    /// The last line.
    Result(Box<Summary>),
}

/// The last line: how it ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The release.
    pub release: Option<RunId>,
    /// `promoted`, `rolled-back`, `unchanged`, `deleted`, `paused`, `baking`, `held`, `stopped`, `failed`, `in-between`.
    pub result: String,
    /// The exit code.
    pub exit_code: u8,
    /// The version that serves now, if there is one answer.
    pub version: Option<String>,
    /// The version a rollback would go back to.
    pub previous_version: Option<String>,
    /// The version that was to be promoted.
    pub candidate: Option<String>,
    /// The share of the traffic that it has, 0–100 %, if that is certain.
    pub weight: Option<f64>,
    /// Deployment that the stage serves now.
    pub deployment: Option<String>,
    /// The command that continues.
    pub resume: Option<String>,
    /// The command that undoes.
    pub rollback: Option<String>,
    /// Digest of the plan, for `--expect-plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<String>,
    /// How many findings there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<usize>,
}

/// Whoever listens. Implemented by reporters; a test collects.
pub trait Listener {
    /// Takes an event that happened at a time.
    fn on(&self, at: Timestamp, event: &Event);

    /// Hears, several times a second, that a wait goes on, and until when: for what is redrawn in place.
    fn tick(&self, _now: Timestamp, _until: Timestamp) {}
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Listener for Silent {
    fn on(&self, _: Timestamp, _: &Event) {}
}
