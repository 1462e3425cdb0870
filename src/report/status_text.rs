//! Who serves what, and what is unfinished: the document of `status --json` and its text. Pure.

use jiff::Timestamp;
use serde::Serialize;

use super::text::field;
use crate::model::{Record, RecordState, RunId, Version};

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
    pub weights: std::collections::BTreeMap<u64, f64>,
    /// The user's part of the description.
    pub description: String,
    /// stagegate's record.
    pub record: Option<Record>,
    /// Whether the alias is where the record says.
    pub record_holds: bool,
    /// Why the record cannot be read.
    pub record_error: Option<String>,
    /// AWS moves provisioned concurrency: its weight is no canary.
    pub moving_capacity: bool,
}

impl AliasStatus {
    /// Weights that no release of stagegate and not AWS itself put there.
    pub fn is_foreign_split(&self) -> bool {
        let held = self.record.as_ref().is_some_and(|record| record.state.holds_lock());
        let ours = held && self.record_holds;
        !self.weights.is_empty() && !self.moving_capacity && !ours
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
    /// Stage variables.
    pub variables: std::collections::BTreeMap<String, String>,
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
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Schema of this document.
    pub schema: &'static str,
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
}

/// [`Status::schema`]
pub const STATUS_SCHEMA: &str = "stagegate.status/1.0";

/// The screen.
pub fn screen(status: &Status, width: usize) -> String {
    let mut out = format!("{} · {}\n\n", status.target, status.region);
    for alias in &status.aliases {
        out.push_str(&field("  serving   ", &serving(alias), width));
        match (&alias.record, &alias.record_error) {
            (_, Some(error)) => out.push_str(&field("  record    ! ", error, width)),
            (None, None) if alias.version.is_some() => out.push_str("  record    none: stagegate has not moved it\n"),
            (None, None) => {}
            (Some(record), None) => {
                out.push_str(&field("  record    ", &recorded(record), width));
                if !alias.record_holds {
                    out.push_str(&field("            ! ", "the alias was moved outside stagegate since", width));
                }
            }
        }
    }
    if let Some(canary) = &status.canary {
        out.push_str(&field("  canary    ", &shifting(canary), width));
    }
    for alias in &status.aliases {
        if alias.moving_capacity {
            let text = format!("{}: AWS moves provisioned concurrency; that is no canary", alias.alias);
            out.push_str(&field("            ", &text, width));
        } else if alias.is_foreign_split() {
            let text = format!("{} splits its traffic, and no release of stagegate runs that", alias.alias);
            out.push_str(&field("            ! ", &text, width));
        }
    }
    if let Some(stage) = &status.stage {
        out.push_str(&field("  stage     ", &staged(stage), width));
    }
    for one in &status.unfinished {
        let text = format!("{} since {}, journal on this machine", one.release, one.since);
        out.push_str(&field("  unfinished  ", &text, width));
    }
    if !status.next.is_empty() {
        out.push('\n');
    }
    for (at, next) in status.next.iter().enumerate() {
        out.push_str(&format!("  {:<9} {next}\n", if at == 0 { "next" } else { "" }));
    }
    out
}

pub(super) fn serving(alias: &AliasStatus) -> String {
    let Some(version) = alias.version else { return format!("{} does not exist", alias.alias) };
    if alias.weights.is_empty() {
        return format!("{} → {} (100%)", alias.alias, version.label());
    }
    let extra: f64 = alias.weights.values().sum();
    let mut split = format!("{} → {} {}%", alias.alias, version.label(), percent(1.0 - extra));
    for (version, share) in &alias.weights {
        split.push_str(&format!(" / v{version} {}%", percent(*share)));
    }
    split
}

fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn recorded(record: &Record) -> String {
    let from = record.from.map_or_else(|| "nothing".to_owned(), Version::label);
    let way = format!("{from} → {}", record.to.label());
    let mut text = match record.state {
        RecordState::Running => format!("{} in flight, {way}", record.run),
        RecordState::Paused => format!("{} paused, {way}", record.run),
        RecordState::Promoted => format!("{} promoted, {way}", record.run),
        RecordState::Undoing => format!("{} being rolled back, {way}", record.run),
        RecordState::RolledBack => format!("{} rolled back, {way}", record.run),
    };
    if let Some(expires) = record.expires {
        text.push_str(&format!(", due by {}", expires.strftime("%Y-%m-%d %H:%MZ")));
    }
    if record.members > 1 {
        text.push_str(&format!(", {} functions together", record.members));
    }
    if let Some(stage) = &record.stage {
        text.push_str(&format!(", with {}", stage.stage));
    }
    if !record.bad.is_empty() {
        let bad: Vec<String> = record.bad.iter().map(|n| format!("v{n}")).collect();
        text.push_str(&format!("; bad: {}", bad.join(", ")));
    }
    text
}

pub(super) fn shifting(canary: &CanaryStatus) -> String {
    let how = if canary.paused { "paused" } else { "baking" };
    let step = match (canary.step, canary.steps) {
        (0, _) => "before its first step".to_owned(),
        (step, Some(steps)) => format!("step {step} of {steps}"),
        (step, None) => format!("step {step}"),
    };
    let mut text = format!("{how} at {}%, {step}", percent(canary.percent / 100.0));
    if let Some(since) = canary.since {
        text.push_str(&format!(" since {}", since.strftime("%Y-%m-%d %H:%MZ")));
    }
    text
}

pub(super) fn staged(stage: &StageStatus) -> String {
    let mut text = match stage.deployment.as_str() {
        "" => format!("{} was never deployed", stage.stage),
        deployment => format!("{} → deployment {deployment}", stage.stage),
    };
    if !stage.deployed_by.is_empty() {
        text.push_str(&format!(" ({})", stage.deployed_by));
    }
    for (name, value) in &stage.variables {
        text.push_str(&format!(", {name} {value}"));
    }
    if let Some(percent) = stage.canary_percent {
        let to = stage.canary_deployment.as_deref().unwrap_or(&stage.deployment);
        text.push_str(&match &stage.canary_release {
            Some(run) => format!("; canary of {run}: {percent}% → deployment {to}"),
            None => format!("; ! a canary that no release runs: {percent}% → deployment {to}"),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let text = "[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1422Z 41>42 n=2 a1b2c3d4e5/prod d=k5m8ra bad=40]";
        Status {
            schema: STATUS_SCHEMA,
            target: "prod".into(),
            region: "us-east-1".into(),
            aliases: vec![
                AliasStatus {
                    alias: "checkout-api:live".into(),
                    arn: Some("arn:aws:lambda:us-east-1:123456789012:function:checkout-api:live".into()),
                    version: Some(Version::Number(41)),
                    weights: [(42, 0.05)].into(),
                    description: "Checkout".into(),
                    record: Some(text.parse().unwrap()),
                    record_holds: false,
                    record_error: None,
                    moving_capacity: false,
                },
                AliasStatus {
                    alias: "payments:live".into(),
                    arn: None,
                    version: None,
                    weights: [].into(),
                    description: String::new(),
                    record: None,
                    record_holds: false,
                    record_error: None,
                    moving_capacity: false,
                },
            ],
            stage: Some(StageStatus {
                stage: "a1b2c3d4e5/prod".into(),
                deployment: "k7x2pq".into(),
                deployed_by: "stagegate r-01JD3K7Q4T0000000000000000 0123".into(),
                variables: [("lambdaAlias".to_owned(), "live".to_owned())].into(),
                canary_percent: None,
                canary_deployment: None,
                canary_release: None,
            }),
            canary: None,
            unfinished: vec![Unfinished {
                release: "r-01JD3K7Q4T0000000000000000".into(),
                since: "2026-11-21T14:00:00Z".into(),
                resume: "stagegate resume prod".into(),
                undo: "stagegate resume prod --undo".into(),
            }],
            next: vec!["stagegate resume prod".into(), "stagegate rollback prod".into()],
        }
    }

    #[test]
    fn the_screen_at_two_widths() {
        insta::assert_snapshot!("status_88", screen(&status(), 88));
        insta::assert_snapshot!("status_60", screen(&status(), 60));
    }

    #[test]
    fn a_canary_in_flight_says_how_far_it_is_and_one_that_nobody_runs_is_pointed_at() {
        let run: RunId = "r-01JD3K7Q4T0000000000000000".parse().unwrap();
        let mut status = status();
        status.aliases.pop();
        let text = "[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1422Z 41>42 n=1 c t=20261121T135207Z+600]";
        status.aliases[0].record = Some(text.parse().unwrap());
        status.aliases[0].record_holds = true;
        let since = Some("2026-11-21T14:02:07Z".parse().unwrap());
        status.canary =
            Some(CanaryStatus { release: run.clone(), percent: 25.0, step: 2, steps: Some(3), since, paused: false });
        let stage = status.stage.as_mut().unwrap();
        (stage.canary_percent, stage.canary_deployment) = (Some(25.0), Some("k2h0aa".into()));
        stage.canary_release = Some(run);
        let flying = screen(&status, 88);
        status.aliases[0].record = None;
        (status.canary, status.unfinished) = (None, Vec::new());
        status.stage.as_mut().unwrap().canary_release = None;
        status.next = vec!["stagegate canary clear checkout-api:live".into()];
        insta::assert_snapshot!(format!("{flying}\n{}", screen(&status, 88)));
    }

    #[test]
    fn the_document_names_versions_as_aws_does() {
        let document = serde_json::to_value(status()).unwrap();
        assert_eq!(document["aliases"][0]["version"], "41");
        assert_eq!(document["aliases"][0]["record"]["run"], "r-01JD3K7Q4T0000000000000000");
    }
}
