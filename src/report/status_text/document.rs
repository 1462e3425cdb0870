//! The document of `status --json`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use crate::model::{Record, RecordError, RecordState, RunId, Version};

/// [`Status::schema`]
pub const STATUS_SCHEMA: &str = "stagegate.status/1.0";

/// Calls that CloudWatch counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// All of them.
    pub invocations: u64,
    /// Those that failed.
    pub errors: u64,
}

/// A version that an alias sends calls to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServingVersion {
    /// The version.
    pub version: Version,
    /// Its share of the calls, 0–100 %.
    pub percent: f64,
    /// Base64 SHA-256 of its code, where it was looked at.
    pub sha256: Option<String>,
    /// AWS's date of it.
    pub modified: Option<Timestamp>,
    /// Its calls since the canary began, where one is in flight and metrics can be read.
    pub calls: Option<Calls>,
}

/// One alias.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasStatus {
    /// `function:alias`.
    pub alias: String,
    /// Its ARN; absent when it does not exist.
    pub arn: Option<String>,
    /// The version it serves.
    pub version: Option<Version>,
    /// Additional version → share, 0–1.
    pub weights: BTreeMap<u64, f64>,
    /// What gets its calls, the primary version first.
    pub versions: Vec<ServingVersion>,
    /// The user's part of the description.
    pub description: String,
    /// stagegate's record.
    pub record: Option<Record>,
    /// Whether the alias is where the record says.
    pub record_holds: bool,
    /// Why the record cannot be read.
    pub record_error: Option<RecordError>,
    /// AWS moves provisioned concurrency: its weight is no canary.
    pub moving_capacity: bool,
}

impl AliasStatus {
    /// Weights that no release of stagegate and not AWS itself put there.
    pub fn is_foreign_split(&self) -> bool {
        let ours = self.held().is_some() && self.record_holds;
        !self.weights.is_empty() && !self.moving_capacity && !ours
    }

    /// The record of a release that is unfinished.
    pub fn held(&self) -> Option<&Record> {
        self.record.as_ref().filter(|record| record.state.holds_lock())
    }
}

/// Where a canary in flight is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryStatus {
    /// The release.
    pub release: RunId,
    /// Its share of the traffic, 0–100 %.
    pub percent: f64,
    /// The step under way, from 1; 0 before the first one.
    pub step: usize,
    /// How many there are, when the configuration is known.
    pub steps: Option<usize>,
    /// When the step began.
    pub since: Option<Timestamp>,
    /// Somebody, or its gate, holds it.
    pub paused: bool,
    /// Why it is held, as far as record and schedule tell.
    pub why: Option<String>,
    /// Since when it is held, where that is known.
    pub paused_since: Option<Timestamp>,
}

/// The stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageStatus {
    /// `API/STAGE`.
    pub stage: String,
    /// The deployment it serves.
    pub deployment: String,
    /// The deployment's description: ours names the release.
    pub deployed_by: String,
    /// The release that made the deployment.
    pub release: Option<RunId>,
    /// Edits of the API that it does not serve yet; absent where that cannot be told.
    pub pending_edits: Option<usize>,
    /// Stage variables as they are; what is shown of them says [`Status::variables`].
    pub variables: BTreeMap<String, String>,
    /// Share of a canary, percent, if one is attached.
    pub canary_percent: Option<f64>,
    /// The deployment that the canary serves.
    pub canary_deployment: Option<String>,
    /// The release that runs the canary; none = nobody does.
    pub canary_release: Option<RunId>,
}

/// A release that this machine's journal knows to be unfinished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// The release.
    pub release: String,
    /// When it began.
    pub since: String,
    /// The command that goes on.
    pub resume: String,
    /// The command that undoes.
    pub undo: String,
    /// Its aliases were rolled back from elsewhere: what of it is still there. Empty where that is not so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(remote = "Self")]
pub struct Status {
    /// Schema of this document.
    pub schema: &'static str,
    /// When it was looked at.
    pub at: Timestamp,
    /// The project that the configuration names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// As the user named it.
    pub target: String,
    /// The region that was read.
    pub region: String,
    /// The aliases.
    pub aliases: Vec<AliasStatus>,
    /// The stage, when the target names one.
    pub stage: Option<StageStatus>,
    /// The canary that is in flight.
    pub canary: Option<CanaryStatus>,
    /// Releases that this machine could resume.
    pub unfinished: Vec<Unfinished>,
    /// What could be done next.
    pub next: Vec<String>,
    /// How the release that was waited for ended: `promoted`, `rolled-back`, `in-between` or `in-flight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<&'static str>,
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = Self::serialize(self, serde_json::value::Serializer).map_err(S::Error::custom)?;
        if let Some(variables) = document.pointer_mut("/stage/variables") {
            *variables = serde_json::to_value(self.variables()).map_err(S::Error::custom)?;
        }
        document.serialize(serializer)
    }
}

impl Status {
    /// The variables of the stage, with the values of those that name an alias or that a release's record names. All
    /// others may be secrets.
    pub fn variables(&self) -> BTreeMap<&str, Option<&str>> {
        let recorded = |name: &str| {
            let of =
                |alias: &AliasStatus| alias.record.as_ref()?.stage.as_ref()?.variable.as_ref().map(|(n, _)| n == name);
            self.aliases.iter().filter_map(of).any(|is| is)
        };
        let is_alias = |value: &str| self.aliases.iter().any(|one| one.alias.rsplit(':').next() == Some(value));
        let all = self.stage.iter().flat_map(|stage| &stage.variables);
        all.map(|(name, value)| (name.as_str(), Some(value.as_str()).filter(|value| is_alias(value) || recorded(name))))
            .collect()
    }

    /// The newest release that holds any of the aliases, with the record that is furthest.
    pub fn in_flight(&self) -> Option<&Record> {
        let step = |record: &Record| record.shift.as_ref().map(crate::model::Shift::step);
        let held = self.aliases.iter().filter_map(AliasStatus::held);
        held.max_by_key(|record| (record.run.clone(), step(record)))
    }

    /// Since when an unfinished release is overdue, if it is.
    pub fn overdue(&self) -> Option<Timestamp> {
        self.in_flight()?.expires.filter(|expires| *expires < self.at)
    }

    /// What is going on, without times that pass by themselves: a change of it is worth a line.
    pub fn state(&self) -> String {
        let Some(record) = self.in_flight() else {
            return match self.aliases.iter().any(AliasStatus::is_foreign_split) {
                true => "! traffic is split, and no release of stagegate runs that".into(),
                false => "✔ nothing in flight".into(),
            };
        };
        let at = self.canary.as_ref().map(|canary| {
            let step = match (canary.step, canary.steps) {
                (0, _) => "before its first step".to_owned(),
                (step, Some(steps)) => format!("step {step} of {steps}"),
                (step, None) => format!("step {step}"),
            };
            format!(" at {}, {step}", crate::model::Percent::of_share(canary.percent / 100.0))
        });
        let from = record.from.map_or_else(|| "nothing".to_owned(), Version::label);
        match record.state {
            RecordState::Paused => format!("॥ paused{}", at.unwrap_or_default()),
            RecordState::Undoing => format!("↩ being rolled back to {}", record.to.label()),
            _ => match at {
                Some(at) => format!("▶ baking{at}"),
                None => format!("▶ releasing {from} → {}", record.to.label()),
            },
        }
    }
}
