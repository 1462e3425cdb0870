//! What this release finds where it left something else: another process of the same release has gone further, a person
//! has taken it back or paused it, or somebody else was here.

use super::apply::changed_by_others;
use super::canary::is_split;
use super::outcome::{Outcome, waits};
use super::{Engine, Stop};
use crate::aws::Aws;
use crate::aws::noun::{Alias, Stage};
use crate::change::{Change, Now, StageSide, is_moving_capacity, is_routed};
use crate::clock::Clock;
use crate::journal::{Ending, Entry, Journal};
use crate::model::{CanaryMode, Description, Percent, Record, RecordState};
use crate::plan::{CanaryPlan, Plan, StagePlan};
use crate::problem::{Code, Exit, Problem};

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Somebody was here: another process or a person with our own release, or somebody else.
    pub(super) async fn drift(&self, change: &Change, now: &Now) -> Stop {
        let own = match (change, now) {
            (Change::Alias { .. }, Now::Alias(Some(alias))) => self.own_alias(change, alias),
            // What cannot be read explains nothing.
            (Change::Stage { .. }, Now::Stage(stage)) => self.own_stage(stage).await.unwrap_or_default(),
            _ => None,
        };
        own.unwrap_or_else(|| Stop::Conflict(changed_by_others(change, now)))
    }

    /// What the record of an alias says, where it is our own release's.
    fn own_alias(&self, change: &Change, alias: &Alias) -> Option<Stop> {
        let record = record_of(&alias.description).filter(|record| record.run == self.run)?;
        if !matches!(record.state, RecordState::Running | RecordState::Promoted) {
            return Some(taken_over(record.state));
        }
        let progress = self.progress();
        let Change::Alias { before, .. } = change else { return None };
        // The same record over another text or other weights is nobody's step of the release.
        let is_news = before.as_ref().and_then(|before| record_of(&before.description)).as_ref() != Some(&record);
        // What this journal has announced itself and finds again so late is its own write and not another's.
        let is_announced = |intent: &Change| matches!(intent, Change::Alias { want, .. } if is_routed(alias, want));
        let mut own = progress.intents.iter().filter(|intent| intent.subject() == change.subject());
        let canary = progress.plan.as_ref().and_then(|plan| plan.canary.as_ref());
        (is_news && explains(&record, alias, canary) && !own.any(is_announced)).then_some(Stop::DrivenElsewhere)
    }

    /// What the records say of a stage that a canary is on: another process of the release may have moved it on.
    async fn own_stage(&self, now: &Stage) -> Result<Option<Stop>, Problem> {
        let progress = self.progress();
        let Some(plan) = &progress.plan else { return Ok(None) };
        let by_stage = plan.canary.as_ref().filter(|canary| canary.mode == CanaryMode::Stage);
        let (Some(canary), Some(stage)) = (by_stage, &plan.stage) else { return Ok(None) };
        let mut records = Vec::new();
        for member in &plan.members {
            let found = self.recorded(&member.function, &plan.target.alias).await?;
            let Some((alias, record)) = found.filter(|(_, record)| record.run == self.run) else { return Ok(None) };
            if !matches!(record.state, RecordState::Running | RecordState::Promoted) {
                return Ok(Some(taken_over(record.state)));
            }
            if !explains(&record, &alias, Some(canary)) {
                return Ok(None);
            }
            records.push((alias, record));
        }
        let sides = self.sides_of(plan, canary, stage, &records);
        Ok(sides.iter().any(|side| side.holds(now)).then_some(Stop::DrivenElsewhere))
    }

    /// How the stage may be while the records are like this. A record is written before the stage follows.
    fn sides_of(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        stage: &StagePlan,
        records: &[(Alias, Record)],
    ) -> Vec<StageSide> {
        let deployment = stage.deployment(self.progress().deployment);
        let attached = |percent: Percent| plan.stage_canary(stage, deployment.clone(), percent);
        let at = |percent: Percent| StageSide { canary: attached(percent), ..stage.before_side() };
        let shift = records.iter().filter_map(|(_, record)| record.shift.as_ref()).max_by_key(|shift| shift.step());
        let is_moved = |(alias, record): &(Alias, Record)| record.from != Some(record.to) && alias.version == record.to;
        match shift.filter(|_| !records.iter().any(is_moved)) {
            Some(shift) => {
                let earlier = shift.step().checked_sub(1).and_then(|step| canary.steps.get(step));
                [earlier.map_or(Percent::ZERO, |step| step.percent), canary.percent(Some(shift))].map(at).into()
            }
            // It is being ended, or was.
            None => {
                let last = self.final_side(stage);
                let merged = StageSide { canary: attached(Percent::ZERO), ..last.clone() };
                let steps = canary.weights().into_iter().map(at);
                steps.chain([at(Percent::ZERO), merged, last]).collect()
            }
        }
    }

    /// Another process of this release has gone further: nothing is written over that, and nothing is undone.
    pub(super) async fn driven_elsewhere(&self, plan: &Plan) -> Outcome {
        if self.is_promoted(plan).await.unwrap_or_default() {
            let ending = Ending::Promoted;
            // What stays of it harms nobody.
            let _ = self.remove_left_candidates(plan).await;
            let _ = self.append(Entry::Closed { ending });
            let now = vec!["another process of this release has ended it".to_owned()];
            return Outcome { exit: Exit::Done, ending: Some(ending), problem: None, now };
        }
        let place = plan.target.label();
        waits(
            Problem::new(Code::StillBaking, format!("another process goes on with the release of {place}"))
                .why(format!("the record of {} says more than this process has done", plan.run))
                .why("two that write the same release would undo each other's steps: this one stops")
                .aws_now("as the other process leaves it; this one writes nothing further")
                .fix(format!("look: stagegate status {place}"))
                .fix(format!("go on, where no other process is at work: stagegate resume {place}"))
                .fix(format!("go back: stagegate rollback {place}")),
        )
    }

    /// Every record says that the release is over and was promoted.
    async fn is_promoted(&self, plan: &Plan) -> Result<bool, Problem> {
        for member in &plan.members {
            let found = self.recorded(&member.function, &plan.target.alias).await?;
            let is_own = |record: &Record| record.run == self.run && record.state == RecordState::Promoted;
            if !found.is_some_and(|(alias, record)| is_own(&record) && explains(&record, &alias, plan.canary.as_ref()))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A person has the release, or has ended it.
fn taken_over(state: RecordState) -> Stop {
    if state == RecordState::Paused { Stop::Paused } else { Stop::RolledBackElsewhere }
}

fn record_of(description: &str) -> Option<Record> {
    Description::parse(description).ok()?.record
}

/// Whether an alias is exactly where the record of a release says: on the share of its step, not only on some share.
fn explains(record: &Record, alias: &Alias, canary: Option<&CanaryPlan>) -> bool {
    if !record.agrees_with(alias.version, &alias.weights) {
        return false;
    }
    let stays = record.from == Some(record.to);
    if alias.version == record.to {
        return (stays || record.shift.is_none()) && (alias.weights.is_empty() || is_moving_capacity(alias));
    }
    let by_alias = canary.filter(|canary| canary.mode == CanaryMode::Alias);
    let share = by_alias.zip(record.shift.as_ref()).map(|(canary, shift)| canary.percent(Some(shift)).share());
    is_split(alias, &record.to.number().zip(share).into_iter().collect())
}
