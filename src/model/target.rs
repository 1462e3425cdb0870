//! What is promoted: the functions, their alias and the stage that calls it. Everything in it is validated.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AliasName, Canary, FunctionName, GatePolicy, ManagedBy, Reaction, RedeployFrom, StageRef, TriggerFile, WantedStage,
};

/// A target with all its settings. Plans and journals store it, so that a release goes on with what was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The name of its `[target.NAME]` table; none when it was given as `function:alias`.
    pub name: Option<String>,
    /// The project that plans, journals and summaries show.
    pub project: Option<String>,
    /// At least one, each once, in the order of the file.
    pub functions: Vec<FunctionName>,
    /// The alias of every function.
    pub alias: AliasName,
    /// The stage that calls the alias; none when only the alias is promoted.
    pub stage: Option<StageRef>,
    /// The stage variable that integrations take the alias from. Only with a stage.
    pub alias_variable: Option<String>,
    /// The region; none leaves it to the AWS profile.
    pub region: Option<String>,
    /// The AWS profile; none leaves it to the SDK's own order.
    pub profile: Option<String>,
    /// The twelve digits of the only account that is allowed.
    pub account: Option<String>,
    /// The tool that would put back what a release changes, where a person says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<ManagedBy>,
    /// What is promoted.
    pub source: Source,
    /// The confirmation is the target's name; `--yes` is refused.
    pub protected: bool,
    /// How long a new permission is left alone before anything depends on it, 0 s to 10 min.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub permission_settle: Duration,
    /// The description of published versions: text with `{git_sha}` and `{git_tag}`, at most 200 characters.
    pub publish_description: Option<String>,
    /// How many of the newest versions and deployments a clean-up leaves, from 1; none = its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// The checks that a version passes before it gets traffic.
    pub smoke: Vec<SmokeCheck>,
    /// The checks through the stage, after it was redeployed.
    #[serde(default)]
    pub stage_smoke: Vec<StageCheck>,
    /// When the stage gets a new deployment.
    pub redeploy: RedeployWhen,
    /// Where clients find the stage: `api.example.com` or `api.example.com/base/path`. Looked at, never changed, so it is
    /// no part of a release.
    #[serde(skip)]
    pub domains: Vec<String>,
    /// What the stage should be set to. Looked at, never changed.
    #[serde(skip)]
    pub stage_settings: WantedStage,
    /// Files that trigger a new deployment when their content has changed.
    #[serde(default)]
    pub redeploy_files: Vec<TriggerFile>,
    /// The target whose deployment the stage gets, instead of one of the live definition.
    #[serde(default)]
    pub redeploy_from: Option<RedeployFrom>,
    /// Stage variables that are set with the release, beside the alias variable. Only with a stage.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How traffic is shifted.
    #[serde(default)]
    pub canary: Canary,
    /// What judges the canary.
    #[serde(default)]
    pub gate: GatePolicy,
    /// What a signal does after the first write, unless a flag says otherwise.
    #[serde(default = "Target::interrupted")]
    pub on_interrupt: Reaction,
}

impl Target {
    /// How long a new permission is left alone unless the configuration says otherwise.
    pub const PERMISSION_SETTLE: Duration = Duration::from_secs(20);
    /// What a signal does unless the configuration says otherwise.
    pub const ON_INTERRUPT: Reaction = Reaction::Rollback;

    /// Targets that were stored before the setting existed went back.
    const fn interrupted() -> Reaction {
        Self::ON_INTERRUPT
    }

    /// One alias of one function, with every setting at its default.
    pub fn of_alias(function: FunctionName, alias: AliasName) -> Self {
        Self {
            name: None,
            project: None,
            functions: vec![function],
            alias,
            stage: None,
            alias_variable: None,
            region: None,
            profile: None,
            account: None,
            managed_by: None,
            source: Source::Latest,
            protected: false,
            permission_settle: Self::PERMISSION_SETTLE,
            publish_description: None,
            keep: None,
            smoke: Vec::new(),
            stage_smoke: Vec::new(),
            redeploy: RedeployWhen::IfChanged,
            domains: Vec::new(),
            stage_settings: WantedStage::default(),
            redeploy_files: Vec::new(),
            redeploy_from: None,
            variables: BTreeMap::new(),
            canary: Canary::default(),
            gate: GatePolicy::default(),
            on_interrupt: Self::ON_INTERRUPT,
        }
    }

    /// What a person types to mean this target: its name, or `function:alias` of its first function.
    pub fn label(&self) -> String {
        match (&self.name, self.functions.first()) {
            (Some(name), _) => name.clone(),
            (None, Some(function)) => format!("{function}:{}", self.alias),
            (None, None) => self.alias.to_string(),
        }
    }
}

/// What is promoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `$LATEST`, published first.
    Latest,
    /// This version of every function.
    Version(u64),
    /// What this other alias of the same function serves.
    Alias(AliasName),
}

/// A check that invokes a version by number before it gets traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeCheck {
    /// The event's file as the configuration names it.
    pub file: String,
    /// The event: one JSON document, at most 6 MB.
    pub payload: String,
    /// What the answer must look like.
    pub expect: Expect,
}

/// A check that sends a request through the stage, as a client would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCheck {
    /// HTTP method.
    pub method: String,
    /// The path below the stage, with its query, beginning with `/`.
    pub path: String,
    /// What the answer must look like; `status` is the HTTP status, 2xx when it is not named.
    pub expect: Expect,
}

/// What the answer of a smoke check must look like. A function error always fails the check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// `statusCode` of the answer, 100–599.
    pub status: Option<u16>,
    /// A part that the answer's JSON must contain.
    pub json: Option<Value>,
    /// The longest time the answer may take, milliseconds, from 1.
    pub max_ms: Option<u64>,
}

/// When the stage gets a new deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedeployWhen {
    /// When the live definition differs from what the stage serves.
    #[default]
    IfChanged,
    /// With every release.
    Always,
    /// Not by stagegate.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_target_reads_back_and_shows_times_as_people_write_them() {
        let mut target = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
        target.source = Source::Alias("staging".parse().unwrap());
        target.permission_settle = Duration::from_millis(90_500);
        let text = serde_json::to_string(&target).unwrap();
        assert!(text.contains("\"permission_settle\":\"1m 30s 500ms\""), "{text}");
        assert!(text.contains("\"redeploy\":\"if-changed\""), "{text}");
        assert_eq!(serde_json::from_str::<Target>(&text).unwrap(), target);
    }

    #[test]
    fn a_stored_target_with_an_alias_of_digits_is_refused() {
        let target = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
        let text = serde_json::to_string(&target).unwrap().replace("\"live\"", "\"42\"");
        assert!(serde_json::from_str::<Target>(&text).unwrap_err().to_string().contains("not digits only"));
    }
}
