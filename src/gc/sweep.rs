//! What goes and why the rest stays. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use jiff::Timestamp;

use super::{Candidate, Item, Observed, ObservedApi, ObservedFunction, Reason, Rules, Sweep, Thing, Want};
use crate::aws::noun::{Alias, Deployment, DeploymentStatus, Function, Stage};
use crate::aws::operation::published_by;
use crate::definition::Marker;
use crate::model::{AliasName, Description, Record, RecordState, RunId, StageName, StageRef, candidate_alias};
use crate::plan::clock_time;
use crate::policy;
use crate::problem::{Code, Problem};

/// Decides about everything that was read.
pub fn sweep(observed: &Observed, want: &Want, rules: &Rules) -> Sweep {
    let mut items: Vec<Item> =
        observed.functions.iter().flat_map(|function| versions(function, observed, rules)).collect();
    items.extend(observed.api.iter().flat_map(|api| deployments(api, observed, rules)));
    items.extend(observed.candidates.iter().filter_map(|one| leftover(one, observed, want)));
    Sweep { items }
}

/// The refusal while a release of the target is in flight: what it needs next is not all written down yet.
pub fn in_flight(functions: &[ObservedFunction], want: &Want, now: Timestamp) -> Option<Problem> {
    let own = |function: &ObservedFunction, name: &AliasName| {
        want.aliases.iter().any(|(f, alias)| *f == function.function && alias == name)
    };
    functions.iter().find_map(|function| {
        let mine = function.aliases.iter().filter(|(name, _)| own(function, name));
        mine.filter_map(|(name, alias)| Some((name, record(alias).ok()??)))
            .find(|(_, record)| record.state.holds_lock())
            .map(|(name, record)| held(&format!("{}:{name}", function.function), &record, now))
    })
}

fn held(place: &str, record: &Record, now: Timestamp) -> Problem {
    let overdue = record.expires.is_some_and(|expires| expires <= now);
    let (code, state) = if overdue { (Code::LockExpired, "did not finish") } else { (Code::LockHeld, "is in flight") };
    let until = record.expires.map_or_else(|| "an unknown time".into(), clock_time);
    Problem::new(code, format!("a release of {place} {state}: nothing is deleted meanwhile"))
        .why(format!("{} goes to {}, planned to end by {until}", record.run, record.to.label()))
        .fix(format!("go on:   stagegate resume {place}"))
        .fix(format!("go back: stagegate rollback {place}"))
}

/// How every record begins, of whichever format.
const RECORD_BEGINS: &str = "[sg";

/// The record of an alias; an error where there is one that cannot be read, such as one whose end was cut off.
fn record(alias: &Alias) -> Result<Option<Record>, ()> {
    match Description::parse(&alias.description) {
        Ok(Description { record: None, text }) if text.contains(RECORD_BEGINS) => Err(()),
        Ok(description) => Ok(description.record),
        Err(_) => Err(()),
    }
}

/// The record that a canary of the stage writes into its own alias: it is never closed, for the alias goes with it.
fn is_candidate(name: &AliasName, record: &Record) -> bool {
    name.as_str().ends_with("-canary")
        && record.stage_canary
        && record.from.is_none()
        && record.state == RecordState::Running
}

/// Whether the release of a candidate alias still holds the alias that it is a candidate for.
fn is_held(function: &ObservedFunction, name: &AliasName, run: &RunId) -> bool {
    let main = |other: &AliasName| candidate_alias(other).as_ref() == Some(name);
    function
        .aliases
        .iter()
        .filter(|(other, _)| main(other))
        .filter_map(|(_, alias)| record(alias).ok()?)
        .any(|record| record.run == *run && record.state.holds_lock())
}

fn versions<'o>(function: &'o ObservedFunction, observed: &'o Observed, rules: &'o Rules) -> Vec<Item> {
    let numbered = function.versions.iter().filter_map(|f| Some((NonZeroU64::new(f.version.number()?)?, f)));
    let newest = function.versions.len().saturating_sub(rules.keep as usize);
    let item = |(rank, (version, found)): (usize, (NonZeroU64, &Function))| {
        let by = published_by(&found.description);
        let since = made(&found.last_modified, by.as_ref());
        let mut kept = version_reasons(function, version.get(), by.as_ref(), observed);
        if rank >= newest {
            kept.push(Reason::Newest { keep: rules.keep });
        }
        kept.extend(common(since, by.as_ref(), rules));
        if function.versions.iter().any(|f| f.master_arn.is_some()) {
            kept.push(Reason::Edge);
        }
        kept.sort();
        kept.dedup();
        let thing = Thing::Version { function: function.function.clone(), version };
        Item { thing, since, by, bytes: Some(found.code_size), kept }
    };
    numbered.enumerate().map(item).collect()
}

/// When a version was made: AWS's date, or the beginning of its release where that is later. AWS does not say whether its
/// date is that of the version or of the code it was made from.
fn made(last_modified: &str, by: Option<&RunId>) -> Option<Timestamp> {
    let modified: Option<Timestamp> = last_modified.parse().ok();
    modified.max(by.and_then(RunId::began))
}

fn common(since: Option<Timestamp>, by: Option<&RunId>, rules: &Rules) -> Vec<Reason> {
    let age = match since {
        None => Some(Reason::AgeUnknown),
        Some(since) if since + rules.older_than > rules.now => Some(Reason::Young),
        Some(_) => None,
    };
    let foreign = (by.is_none() && !rules.others).then_some(Reason::Foreign);
    age.into_iter().chain(foreign).collect()
}

/// What refers to a version, or may.
pub(super) fn version_reasons(
    function: &ObservedFunction,
    number: u64,
    by: Option<&RunId>,
    observed: &Observed,
) -> Vec<Reason> {
    let mut kept = Vec::new();
    for (name, found) in &function.aliases {
        let alias = format!("{}:{name}", function.function);
        if found.version.number() == Some(number) {
            kept.push(Reason::Aliased { alias: alias.clone() });
        }
        if found.weights.contains_key(&number) {
            kept.push(Reason::Weighted { alias: alias.clone() });
        }
        kept.extend(match record(found) {
            Err(()) => vec![Reason::RecordUnread { alias }],
            Ok(None) => Vec::new(),
            Ok(Some(record)) => named(function, name, &record, number, by),
        });
    }
    let called = observed.api.iter().flat_map(|api| &api.called);
    let called = called.filter(|call| call.function == function.function && call.qualifier == number.to_string());
    kept.extend(called.map(|call| Reason::Called { stage: call.stage.clone() }));
    let journaled = observed.past.versions.get(&(function.function.clone(), number));
    kept.extend(journaled.map(|release| Reason::Journaled { release: release.clone() }));
    kept
}

/// What the record of an alias names of a version.
fn named(
    function: &ObservedFunction,
    name: &AliasName,
    record: &Record,
    number: u64,
    by: Option<&RunId>,
) -> Vec<Reason> {
    let alias = format!("{}:{name}", function.function);
    let is = |version: Option<crate::model::Version>| version.and_then(|v| v.number()) == Some(number);
    let runs = match is_candidate(name, record) {
        true => is_held(function, name, &record.run),
        false => record.state.holds_lock(),
    };
    let mut kept = Vec::new();
    if runs && (is(record.from) || is(Some(record.to)) || by == Some(&record.run)) {
        kept.push(Reason::InFlight { alias: alias.clone(), release: record.run.clone() });
    }
    if is(record.from) {
        kept.push(Reason::WayBack { alias: alias.clone() });
    }
    if is(Some(record.to)) {
        kept.push(Reason::Recorded { alias: alias.clone() });
    }
    if record.bad.contains(&number) {
        kept.push(Reason::Bad { alias });
    }
    kept
}

fn deployments(api: &ObservedApi, observed: &Observed, rules: &Rules) -> Vec<Item> {
    let mut all: Vec<&Deployment> = api.deployments.iter().collect();
    all.sort_by_key(|d| (d.created, d.id.clone()));
    let newest = all.len().saturating_sub(rules.keep as usize);
    let item = |(rank, found): (usize, &Deployment)| {
        let by = found.description.parse::<Marker>().ok().map(|marker| marker.run);
        let mut kept = deployment_reasons(api, found, by.as_ref(), observed);
        if rank >= newest {
            kept.push(Reason::Newest { keep: rules.keep });
        }
        kept.extend(common(found.created, by.as_ref(), rules));
        if found.status == Some(DeploymentStatus::Pending) {
            kept.push(Reason::Pending);
        }
        kept.sort();
        kept.dedup();
        let thing = Thing::Deployment { api: api.api.clone(), deployment: found.id.clone() };
        Item { thing, since: found.created, by, bytes: None, kept }
    };
    all.into_iter().enumerate().map(item).collect()
}

/// What refers to a deployment, or may.
pub(super) fn deployment_reasons(
    api: &ObservedApi,
    found: &Deployment,
    by: Option<&RunId>,
    observed: &Observed,
) -> Vec<Reason> {
    let mut kept = Vec::new();
    for (name, stage) in &api.stages {
        let place = StageRef { api: api.api.clone(), stage: name.clone() };
        if stage.deployment == found.id {
            kept.push(Reason::Served { stage: place.clone() });
        }
        if stage.canary.as_ref().is_some_and(|canary| canary.deployment.as_ref() == Some(&found.id)) {
            kept.push(Reason::Tried { stage: place });
        }
    }
    let own = observed.functions.iter().map(|one| (&one.function, &one.aliases));
    let others = api.neighbours.iter().map(|(function, aliases)| (function, aliases));
    for (function, aliases) in own.chain(others) {
        for (name, alias) in aliases {
            let alias_name = format!("{function}:{name}");
            kept.extend(match record(alias) {
                Err(()) => Some(Reason::RecordUnread { alias: alias_name }),
                Ok(record) => record.and_then(|record| deployed(&record, alias_name, api, found, by)),
            });
        }
    }
    kept.extend(api.unseen.iter().map(|function| Reason::Unseen { function: function.clone() }));
    let journaled = observed.past.deployments.get(&(api.api.clone(), found.id.clone()));
    kept.extend(journaled.map(|release| Reason::Journaled { release: release.clone() }));
    kept
}

/// What a record names of a deployment: the one that its release came from, and the one that its release made, which a
/// rollback of the rollback puts in place again (SPEC §3).
fn deployed(
    record: &Record,
    alias: String,
    api: &ObservedApi,
    found: &Deployment,
    by: Option<&RunId>,
) -> Option<Reason> {
    let recorded = record.stage.as_ref().filter(|stage| stage.stage.api == api.api);
    if recorded.is_some_and(|stage| stage.deployment.as_ref() == Some(&found.id)) {
        return Some(Reason::WayBack { alias });
    }
    // One that another stage proved was not made by this release, and is what it goes to all the same.
    let went_to = recorded.is_some_and(|stage| stage.to.as_ref() == Some(&found.id));
    (by == Some(&record.run) || went_to).then(|| match record.state.holds_lock() {
        true => Reason::InFlight { alias, release: record.run.clone() },
        false => Reason::Recorded { alias },
    })
}

/// The alias that a canary of the stage used; none where it is no such alias.
fn leftover(candidate: &Candidate, observed: &Observed, want: &Want) -> Option<Item> {
    let function = observed.functions.iter().find(|one| one.function == candidate.function)?;
    let (_, alias) = function.aliases.iter().find(|(name, _)| *name == candidate.alias)?;
    let record = record(alias).ok()?.filter(|record| is_candidate(&candidate.alias, record))?;
    // Somebody may have a target of their own on an alias that is called like this.
    if want.aliases.contains(&(candidate.function.clone(), candidate.alias.clone())) {
        return None;
    }
    let mut kept = candidate_reasons(candidate, function, observed, &record);
    kept.sort();
    kept.dedup();
    let thing = Thing::Alias { function: candidate.function.clone(), alias: candidate.alias.clone() };
    Some(Item { thing, since: record.run.began(), by: Some(record.run), bytes: None, kept })
}

/// What refers to a candidate alias, or may: a release, a stage's variables, its canary or its routes, or a statement
/// that lets somebody else call it.
pub(super) fn candidate_reasons(
    candidate: &Candidate,
    function: &ObservedFunction,
    observed: &Observed,
    record: &Record,
) -> Vec<Reason> {
    let Candidate { alias, policy, .. } = candidate;
    let mut kept = Vec::new();
    if is_held(function, alias, &record.run) {
        let alias = format!("{}:{alias}", candidate.function);
        kept.push(Reason::InFlight { alias, release: record.run.clone() });
    }
    let Some(api) = &observed.api else {
        kept.push(Reason::StageUnknown);
        return kept;
    };
    let places = api.stages.iter().filter(|(_, stage)| mentions(stage, alias)).map(|(name, _)| name);
    kept.extend(places.map(|name| Reason::Called { stage: place(api, name) }));
    let called =
        api.called.iter().filter(|call| call.function == candidate.function && call.qualifier == alias.as_str());
    kept.extend(called.map(|call| Reason::Called { stage: call.stage.clone() }));
    let ours = format!("stagegate-{}-", api.api);
    let foreign = |sid: &String| !(policy::is_ours(sid) && sid.starts_with(&ours));
    if policy.iter().flat_map(|policy| policy::statement_ids(&policy.document)).any(|sid| foreign(&sid)) {
        kept.push(Reason::Permitted);
    }
    kept
}

fn place(api: &ObservedApi, stage: &StageName) -> StageRef {
    StageRef { api: api.api.clone(), stage: stage.clone() }
}

/// Whether a stage's variables, or those of its canary, name an alias.
fn mentions(stage: &Stage, alias: &AliasName) -> bool {
    let none = BTreeMap::new();
    let overrides = stage.canary.as_ref().map_or(&none, |canary| &canary.overrides);
    stage.variables.values().chain(overrides.values()).any(|value| value == alias.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_version_is_counted_from_the_later_of_its_date_and_its_release() {
        let release = RunId::new(1_795_000_000_000, 1);
        let began = "2026-11-18T11:06:40Z".parse().ok();
        assert_eq!(made("2026-11-21T14:00:00.123+0000", None), "2026-11-21T14:00:00.123Z".parse().ok());
        assert_eq!(made("2026-11-21T14:00:00.000+0000", Some(&release)), "2026-11-21T14:00:00Z".parse().ok());
        assert_eq!(made("2024-01-01T00:00:00.000+0000", Some(&release)), began, "code that lay there for years");
        assert_eq!((made("", Some(&release)), made("yesterday", None)), (began, None));
    }
}
