//! The journal of a release that this machine knows nothing of, written from what AWS says: going on and going back are
//! then the same as where it began.

use std::collections::BTreeMap;

use super::canary::routing_of;
use super::{Engine, Outcome};
use crate::aws::Aws;
use crate::aws::noun::{Alias, Routing};
use crate::change::{Change, StageSide};
use crate::clock::Clock;
use crate::journal::{Entry, Journal};
use crate::model::{CanaryMode, Percent, Record, RecordState};
use crate::plan::{MemberPlan, Place, Plan, Underway};
use crate::step::StepKind;

/// What the journal of the process that began the release would say, as far as AWS shows it.
pub fn entries(plan: &Plan, underway: &Underway) -> Vec<Entry> {
    let mut entries = vec![Entry::Opened { plan: Box::new(plan.clone()) }];
    let members = plan.members.iter().zip(&underway.aliases);
    for (member, (_, record)) in members.clone() {
        entries.push(Entry::Published { function: member.function.clone(), version: record.to, new: false });
    }
    entries.extend(underway.deployment.clone().map(|deployment| Entry::Deployed { deployment }));
    for (member, (alias, record)) in members.clone() {
        // An alias that moved has its canary behind it: what is left is to finish.
        let canary = record.shift.is_some()
            || plan.canary.is_some() && record.from.is_some_and(|from| from != record.to) && alias.version == record.to;
        for change in alias_changes(plan, member, alias, record) {
            done(&mut entries, if canary { StepKind::Canary } else { StepKind::Alias }, change);
        }
    }
    for (member, (_, record)) in members {
        if let Some(change) = grant(plan, member, record) {
            done(&mut entries, StepKind::Permission, change);
        }
        if let Some(change) = candidate_change(member, record) {
            done(&mut entries, StepKind::Alias, change);
        }
    }
    entries.extend(stage_change(plan, underway).map(|change| Entry::Intent { step: StepKind::Redeploy, change }));
    entries.push(Entry::TakenUp { newest_write: underway.newest_write() });
    entries
}

fn done(entries: &mut Vec<Entry>, step: StepKind, change: Change) {
    let subject = change.subject();
    entries.push(Entry::Intent { step, change });
    entries.push(Entry::Done { step, subject });
}

/// From before the release to what the alias is.
fn alias_changes(plan: &Plan, member: &MemberPlan, alias: &Alias, record: &Record) -> Vec<Change> {
    let change = |before: Option<Routing>, want: Routing| Change::Alias {
        function: member.function.clone(),
        alias: plan.target.alias.clone(),
        before,
        want,
    };
    let before = member.before.as_ref().map(routing_of);
    let Some(claimed) = before.clone().filter(|_| record.from.is_some()) else {
        return vec![change(None, routing_of(alias))];
    };
    let claim =
        member.description.with(Record { shift: None, state: RecordState::Running, asks: false, ..record.clone() });
    let claimed = Routing { description: claim.to_string(), ..claimed };
    let is_claim = claimed == routing_of(alias);
    let mut changes = vec![change(before, claimed.clone())];
    if !is_claim {
        changes.push(change(Some(claimed), routing_of(alias)));
    }
    changes
}

/// The record says that the release added the statement for the stage.
fn grant(plan: &Plan, member: &MemberPlan, record: &Record) -> Option<Change> {
    let stage = record.stage.as_ref().filter(|_| record.granted)?;
    let statement = Place::of(&member.alias_arn, &plan.region, &stage.stage).stage_statement();
    Some(Change::Grant { function: member.function.clone(), alias: plan.target.alias.clone(), statement })
}

/// The alias of a canary of the stage goes when the release ends, whoever created it.
fn candidate_change(member: &MemberPlan, record: &Record) -> Option<Change> {
    let candidate = member.candidate.as_ref()?;
    let own = Record { from: None, stage: None, shift: None, asks: false, ..record.clone() };
    let want = Routing { version: record.to, weights: BTreeMap::new(), description: own.to_string() };
    Some(Change::Alias { function: member.function.clone(), alias: candidate.alias.clone(), before: None, want })
}

/// What the release does to the stage; whether it has been done, a look will tell.
fn stage_change(plan: &Plan, underway: &Underway) -> Option<Change> {
    let stage = plan.stage.as_ref()?;
    let by_stage = plan.canary.as_ref().is_some_and(|canary| canary.mode == CanaryMode::Stage);
    if !by_stage && !stage.changes() {
        return None;
    }
    let deployment = stage.deployment(underway.deployment.clone());
    let canary = plan.stage_canary(stage, deployment.clone(), Percent::ZERO).filter(|_| by_stage);
    let want = StageSide { canary, ..stage.want_side(deployment) };
    Some(Change::Stage { stage: stage.stage.clone(), before: stage.before_side(), want })
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Takes up a release from what AWS says of it, and goes on or undoes it.
    pub async fn adopt(&self, plan: &Plan, underway: &Underway, undo: bool) -> Outcome {
        for entry in entries(plan, underway) {
            if let Err(problem) = self.append(entry) {
                return Outcome { exit: problem.exit, ending: None, problem: Some(problem), now: Vec::new() };
            }
        }
        if undo { self.resume_undo(plan).await } else { self.resume(plan).await }
    }
}
