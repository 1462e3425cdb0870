//! What a rollback will do, before it is done, and what it did. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::text::{age, field, tenths, when};
use crate::aws::noun::Function;
use crate::model::{Record, RecordState, StageRef, Version};
use crate::plan::short_sha;
use crate::rollback::{Chosen, Emergency, Known, Part, Rule, Seen, Stays};
use crate::split::alias::shares;

/// Routes that are named; the rest is counted.
const ROUTES: usize = 3;

/// What is known beyond the records, for a person who is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The time.
    pub now: Timestamp,
    /// In the order of the moves.
    pub members: Vec<MemberFacts>,
    /// The stage as it is.
    pub stage: Option<StageFacts>,
}

/// What is known of one alias; what is not known is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemberFacts {
    /// Since when it serves what it does, and who put it there.
    pub since: Option<(Timestamp, Option<String>)>,
    /// What it serves.
    pub serving: Option<Function>,
    /// What it goes back to.
    pub back: Option<Function>,
    /// When that had all of its calls.
    pub known: Option<Known>,
}

/// The stage as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageFacts {
    /// The deployment that it serves.
    pub deployment: String,
    /// Routes that the deployment it goes back to does not have.
    pub drops: Vec<String>,
}

/// The screen: what serves, where it goes back to and which rule says so, and what goes with it.
pub fn screen(emergency: &Emergency, seen: &[Seen], part: Part, facts: Option<&Facts>, width: usize) -> String {
    let mut out = String::new();
    let unknown = MemberFacts::default();
    let several = emergency.moves.len() > 1;
    let moves = emergency.moves.iter().zip(seen).enumerate().filter(|_| part != Part::Stage);
    for (at, ((label, from, chosen), one)) in moves {
        let to = chosen.version.map_or_else(|| "nothing: the release created the alias".to_owned(), |v| v.label());
        if several {
            let text = format!("{label}  {} → {to}   {}", shares(*from, &one.alias.weights), chosen.rule.reason());
            out.push_str(&field("  back     ", &text, width));
            continue;
        }
        let known = facts.and_then(|facts| facts.members.get(at)).unwrap_or(&unknown);
        let now = facts.map(|facts| facts.now);
        let serving = format!("{label} → {}", shares(*from, &one.alias.weights));
        out.push_str(&field("  now      ", &joined(serving, serves(one, known, now)), width));
        let share = if chosen.version.is_some() { " 100%" } else { "" };
        out.push_str(&field("  back to  ", &joined(format!("{to}{share}"), goes(*chosen, known, now)), width));
    }
    out.push_str(&stage(emergency, facts, width));
    for grant in &emergency.way.grants {
        let text = format!("statement {} of {}:{} is removed", grant.sid, grant.function, grant.alias);
        out.push_str(&field("  also     ", &text, width));
    }
    for text in warnings(emergency, seen, part) {
        out.push_str(&field("  ! ", &text, width));
    }
    if let Some(text) = alone(emergency, seen) {
        out.push_str(&field("  ! ", &text, width));
    }
    out
}

/// What speaks against a version that a person named.
fn warnings(emergency: &Emergency, seen: &[Seen], part: Part) -> Vec<String> {
    let mut out = Vec::new();
    for ((label, _, chosen), one) in emergency.moves.iter().zip(seen).filter(|_| part != Part::Stage) {
        let Some(version) = chosen.version.filter(|_| chosen.rule == Rule::Named) else { continue };
        let shown = version.label();
        if one.is_on_trial(version) {
            out.push(format!(
                "{shown} is the version on trial: its gate has not passed it. {label} gives it everything"
            ));
        }
        if version.number().is_some_and(|number| one.bad().contains(&number)) {
            out.push(format!("{shown} is marked bad: it failed, or was rolled back from"));
        }
        if let Some((stage, Stays::Ungranted)) = &emergency.stays {
            out.push(format!(
                "{stage} stays as it is: the statement that the release had added went back with it. To have both, promote \
                 {shown} again (--function-version)"
            ));
        }
    }
    out
}

fn joined(head: String, parts: Vec<String>) -> String {
    if parts.is_empty() { head } else { format!("{head}   {}", parts.join("; ")) }
}

/// Since when, and what it is. Whether AWS's date is that of the version or of its code it does not say.
fn serves(one: &Seen, known: &MemberFacts, now: Option<Timestamp>) -> Vec<String> {
    let Some(now) = now else { return Vec::new() };
    let mut parts = Vec::new();
    let record = one.believed();
    match (&known.since, record.map(|record| (record, record.run.began()))) {
        (Some((since, who)), _) => {
            let by = who.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
            parts.push(format!("since {}{by}", ago(*since, now)));
        }
        (None, Some((record, Some(began)))) => parts.push(format!("{} began {}", by(record), ago(began, now))),
        (None, _) => {}
    }
    parts.extend(known.serving.as_ref().map(|function| version(function, now)));
    parts
}

/// Which release put it there.
fn by(record: &Record) -> String {
    match record.state {
        RecordState::RolledBack | RecordState::Undoing => format!("put back from {}, which", record.run),
        RecordState::Running | RecordState::Paused | RecordState::Promoted | RecordState::ByHand => {
            format!("release {}", record.run)
        }
    }
}

/// Which rule says so, and what it is.
fn goes(chosen: Chosen, known: &MemberFacts, now: Option<Timestamp>) -> Vec<String> {
    let reason = chosen.rule.reason().to_owned();
    let Some(now) = now else { return vec![reason] };
    let stretch = known.known.filter(|known| known.rule == Rule::Searched || chosen.rule == Rule::Journal);
    let mut parts = vec![match stretch.map(|known| (known.since, known.until)) {
        Some((Some(since), Some(until))) => format!("{reason}, {} to {}", when(since, now), when(until, now)),
        Some((None, Some(until))) => format!("{reason}, until {}", when(until, now)),
        _ => reason,
    }];
    parts.extend(known.back.as_ref().map(|function| version(function, now)));
    parts
}

fn version(function: &Function, now: Timestamp) -> String {
    let sha = short_sha(&function.code_sha256);
    match function.last_modified.parse::<Timestamp>() {
        Ok(at) if function.version != Version::Latest => format!("sha {sha}…, dated {}", when(at, now)),
        _ => format!("sha {sha}…"),
    }
}

/// `03:04Z, 7 min ago`
fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = u64::try_from(now.duration_since(at).as_secs()).unwrap_or_default();
    format!("{}, {} ago", when(at, now), age(seconds))
}

fn stage(emergency: &Emergency, facts: Option<&Facts>, width: usize) -> String {
    let Some(stage) = emergency.way.stage.as_ref().filter(|stage| stage.has_anything()) else { return String::new() };
    let now = facts.and_then(|facts| facts.stage.as_ref());
    let mut text = stage.stage.to_string();
    match (now, &stage.before.deployment) {
        (Some(now), Some(before)) if *before != now.deployment => {
            text.push_str(&format!(" deployment {} → {before}", now.deployment));
        }
        (_, Some(before)) => text.push_str(&format!(" → deployment {before}")),
        (_, None) => {}
    }
    for (name, value) in &stage.before.variables {
        text.push_str(&format!(", {name} → {}", value.as_deref().unwrap_or("(unset)")));
    }
    if stage.recall.is_some() {
        text.push_str(", and the other variables as its deployment's description says");
    }
    if stage.candidate.is_some() {
        text.push_str(", its canary is removed");
    }
    let drops = now.map(|now| now.drops.as_slice()).unwrap_or_default();
    if !drops.is_empty() {
        let more = drops.len().saturating_sub(ROUTES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("   (drops {}{more})", drops[..drops.len().min(ROUTES)].join(", ")));
    }
    field("  stage    ", &text, width)
}

/// What to know when only some of a release's aliases go back.
pub fn alone(emergency: &Emergency, seen: &[Seen]) -> Option<String> {
    (emergency.members > seen.len()).then(|| {
        format!(
            "{} moved {} functions and only {} of them goes back here; its stage stays. A rollback of the target, or of API/STAGE, takes all of them back",
            emergency.way.run,
            emergency.members,
            seen.len()
        )
    })
}

/// How it ended: the headline and a line for everything that is as before, with the time until it was read back.
pub fn done(verified: bool, now: &[String], took_ms: &BTreeMap<String, u64>, ms: u64) -> Vec<String> {
    let head = match verified {
        true => format!("✔ ROLLED BACK in {}", tenths(ms)),
        false => "✖ NOT everything is as before".to_owned(),
    };
    let line = |line: &String| match took_ms.get(line) {
        Some(ms) => format!("  {line}   {}, read back", tenths(*ms)),
        None => format!("  {line}"),
    };
    std::iter::once(head).chain(now.iter().map(line)).collect()
}

/// What is remembered, what stays behind with the command that takes it back too, and how to undo it.
pub fn after(marked: &[String], behind: Option<&(StageRef, String)>, undo: Option<&str>, width: usize) -> String {
    let mut out = String::new();
    match marked {
        [] => {}
        [one] => out.push_str(&format!("  {one} is marked bad\n")),
        many => out.push_str(&field("  marked bad: ", &many.join(", "), width)),
    }
    out.extend(behind.map(|(stage, command)| format!("  {stage} stays; its way back: {command}\n")));
    out.extend(undo.map(|command| format!("  undo this: {command}\n")));
    out
}
