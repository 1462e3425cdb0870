//! Who serves what, and what is unfinished: the document of `status --json` and its text. Pure.

mod document;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use document::{AliasStatus, Calls, CanaryStatus, STATUS_SCHEMA, ServingVersion, StageStatus, Status, Unfinished};

use super::text::{age, field, thousands, when};
use crate::gate::rate;
use crate::model::{Percent, Record, RecordState, Version};
use crate::plan::short_sha;
use crate::split::alias::shares;

/// Aliases that are spent a line each; of the others only those that are not as they should be.
const SHOWN: usize = 20;
/// The most stage variables that are named without their values.
const NAMED: usize = 5;

/// The screen.
pub fn screen(status: &Status, width: usize) -> String {
    let mut out = head(status, width);
    out.push('\n');
    let (shown, quiet): (Vec<_>, Vec<_>) =
        status.aliases.iter().enumerate().partition(|(at, alias)| *at < SHOWN || is_news(alias));
    for (_, alias) in &shown {
        out.push_str(&serving(status, alias, width));
    }
    if !quiet.is_empty() {
        out.push_str(&format!("  and {} more, each with one version and no release in flight\n", quiet.len()));
    }
    if let Some(stage) = &status.stage {
        out.push_str(&staged(stage, &status.variables(), width));
    }
    out.push_str(&records(status, width));
    for one in &status.unfinished {
        let mut text = format!("{} since {}, journal on this machine", one.release, one.since);
        if !one.left.is_empty() {
            text.push_str(&format!("; its aliases were rolled back, still there: {}", one.left.join(", ")));
        }
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

/// One line for a log: what is going on, and who gets the calls.
pub fn line(status: &Status) -> String {
    let split = |alias: &&AliasStatus| !alias.weights.is_empty() || alias.held().is_some();
    let aliases = status
        .aliases
        .iter()
        .filter(split)
        .filter_map(|alias| Some(format!("{} {}", alias.alias, shares(alias.version?, &alias.weights))));
    let stage = status.stage.as_ref().and_then(|stage| {
        let percent = stage.canary_percent?;
        Some(format!("{} canary {}", stage.stage, Percent::of_share(percent / 100.0)))
    });
    let parts: Vec<String> = std::iter::once(status.state()).chain(aliases.take(3)).chain(stage).collect();
    parts.join("; ")
}

fn head(status: &Status, width: usize) -> String {
    let project = status.project.as_ref().map_or_else(String::new, |project| format!("{project} · "));
    let place = format!("{project}{} · {}", status.target, status.region);
    let mut state = status.state();
    let since =
        status.canary.as_ref().and_then(|canary| if canary.paused { canary.paused_since } else { canary.since });
    if let Some(since) = since {
        state.push_str(&format!(" for {}", lasted(since, status.at)));
    }
    let mut out = if place.chars().count() + state.chars().count() + 5 <= width {
        format!("{place}     {state}\n")
    } else {
        format!("{place}\n{}", field("  ", &state, width))
    };
    if let Some(why) = status.canary.as_ref().and_then(|canary| canary.why.as_ref()) {
        out.push_str(&field("  ", why, width));
    }
    if let Some(since) = status.overdue() {
        let text = format!(
            "overdue since {}: whoever ran it may be gone. Nothing moves by itself, and nobody else can promote",
            when(since, status.at)
        );
        out.push_str(&field("  ! ", &text, width));
    }
    out
}

fn lasted(since: Timestamp, now: Timestamp) -> String {
    age(u64::try_from(now.duration_since(since).as_secs()).unwrap_or_default())
}

/// Something about it is not as it is when all is quiet.
fn is_news(alias: &AliasStatus) -> bool {
    let moved = alias.record.is_some() && !alias.record_holds;
    alias.version.is_none()
        || alias.held().is_some()
        || !alias.weights.is_empty()
        || alias.record_error.is_some()
        || moved
}

/// One line for an alias with one version; a tree where its calls are split.
fn serving(status: &Status, alias: &AliasStatus, width: usize) -> String {
    let mut out = match alias.versions.as_slice() {
        [] => field("  ", &format!("{} does not exist", alias.alias), width),
        [one] => {
            let text = format!("{} → {}   {}", alias.alias, one.version.label(), details(one, status.at));
            field("  ", text.trim_end(), width)
        }
        many => tree(status, alias, many, width),
    };
    let mut warn = |text: &str| out.push_str(&field("    ! ", text, width));
    if alias.moving_capacity {
        warn("AWS moves provisioned concurrency: that is no canary, and ends by itself");
    } else if alias.is_foreign_split() {
        warn("it splits its traffic, and no release of stagegate runs that");
    }
    if let Some(error) = &alias.record_error {
        warn(&error.to_string());
    } else if alias.record.is_some() && !alias.record_holds {
        warn("it was moved outside stagegate since; its record is not believed");
    }
    out
}

fn tree(status: &Status, alias: &AliasStatus, versions: &[ServingVersion], width: usize) -> String {
    let mut out = format!("  {}\n", alias.alias);
    let numbers = versions.iter().map(|one| one.version.label().len()).max().unwrap_or_default();
    let share = |one: &ServingVersion| Percent::of_share(one.percent / 100.0).to_string();
    let wide = versions.iter().map(|one| share(one).len()).max().unwrap_or_default();
    let candidate = alias.held().filter(|_| alias.record_holds).map(|record| record.to);
    for (at, one) in versions.iter().enumerate() {
        let branch = if at + 1 == versions.len() { "└─" } else { "├─" };
        let role = match candidate {
            Some(candidate) if candidate == one.version => "canary  ",
            Some(_) => "stable  ",
            None => "",
        };
        let label = format!("  {branch} {:<numbers$} {:>wide$}  {role}", one.version.label(), share(one));
        out.push_str(&field(&label, &details(one, status.at), width));
    }
    out
}

/// `sha 77ab… of 18 Nov 14:02Z   0.21 % errors in 18 204 calls`
fn details(one: &ServingVersion, now: Timestamp) -> String {
    let mut parts = Vec::new();
    if let Some(sha) = &one.sha256 {
        let dated = one.modified.map_or_else(String::new, |at| format!(" of {}", when(at, now)));
        parts.push(format!("sha {}…{dated}", short_sha(sha)));
    }
    parts.extend(one.calls.map(|calls| match calls.invocations {
        0 => "no calls yet".to_owned(),
        all => format!("{} errors in {} calls", rate(calls.errors as f64 / all as f64), thousands(all)),
    }));
    parts.join("   ")
}

fn staged(stage: &StageStatus, variables: &BTreeMap<&str, Option<&str>>, width: usize) -> String {
    let mut text = match stage.deployment.as_str() {
        "" => format!("{}   never deployed", stage.stage),
        deployment => format!("{}   deployment {deployment}", stage.stage),
    };
    match stage.pending_edits {
        Some(0) => text.push_str(", current"),
        Some(1) => text.push_str(", 1 edit of the API is not deployed"),
        Some(n) => text.push_str(&format!(", {n} edits of the API are not deployed")),
        None => {}
    }
    for (name, value) in variables.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        text.push_str(&format!(" · {name} {value}"));
    }
    let hidden: Vec<&str> = variables.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if !hidden.is_empty() {
        let more = if hidden.len() > NAMED { ", …" } else { "" };
        text.push_str(&format!(" · values not shown: {}{more}", hidden[..hidden.len().min(NAMED)].join(", ")));
    }
    let mut out = field("  ", &text, width);
    if let Some(percent) = stage.canary_percent {
        let to = stage.canary_deployment.as_deref().unwrap_or(&stage.deployment);
        let percent = Percent::of_share(percent / 100.0);
        out.push_str(&match &stage.canary_release {
            Some(run) => field("    ", &format!("canary of {run}: {percent} → deployment {to}"), width),
            None => field("    ! ", &format!("a canary that no release runs: {percent} → deployment {to}"), width),
        });
    }
    out
}

/// What the records say of releases, each release once.
fn records(status: &Status, width: usize) -> String {
    let mut told: Vec<(&Record, usize)> = Vec::new();
    for record in status.aliases.iter().filter_map(|alias| alias.record.as_ref()) {
        match told.iter_mut().find(|(known, _)| known.run == record.run) {
            Some((_, count)) => *count += 1,
            None => told.push((record, 1)),
        }
    }
    let mut out = String::new();
    for (record, aliases) in told {
        out.push_str(&field("  release   ", &recorded(record, aliases, status.at), width));
    }
    let unmoved =
        status.aliases.iter().filter(|one| one.version.is_some() && one.record.is_none() && one.record_error.is_none());
    match unmoved.count() {
        0 => {}
        all if all == status.aliases.len() => {
            out.push_str("  release   none is recorded: stagegate has not moved it\n")
        }
        some => out.push_str(&format!("  release   none is recorded in {some} of the aliases\n")),
    }
    out
}

fn recorded(record: &Record, aliases: usize, now: Timestamp) -> String {
    let from = record.from.map_or_else(|| "nothing".to_owned(), Version::label);
    let how = match record.state {
        RecordState::Running => "in flight",
        RecordState::Paused => "paused",
        RecordState::Promoted => "promoted",
        RecordState::Undoing => "being rolled back",
        RecordState::RolledBack => "rolled back",
        RecordState::ByHand => "not promoted: given all traffic by hand before its gate had passed it",
    };
    let mut text = format!("{} {how}", record.run);
    if aliases == 1 {
        text.push_str(&format!(", {from} → {}", record.to.label()));
    }
    text.extend(record.run.began().map(|began| format!(", began {}", when(began, now))));
    text.extend(record.expires.map(|expires| format!(", due by {}", when(expires, now))));
    if record.members > 1 {
        text.push_str(&format!(", {} functions together", record.members));
    }
    text.extend(record.stage.as_ref().map(|stage| format!(", with {}", stage.stage)));
    if record.gate_overridden {
        text.push_str("; its gate was overridden");
    }
    if !record.bad.is_empty() {
        let bad: Vec<String> = record.bad.iter().map(|n| format!("v{n}")).collect();
        text.push_str(&format!("; bad: {}", bad.join(", ")));
    }
    text
}
