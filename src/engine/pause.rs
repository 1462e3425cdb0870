//! Holding a release where it is, and letting it go on: only the word for its state in the records changes, and never the
//! routing. Whoever runs the release reads the records at every look.

use super::canary::routing_of;
use super::forward::candidate_alias;
use super::{Engine, Resuming, Stop, WRITE_ATTEMPTS_MAX};
use crate::aws::noun::{Alias, Routing};
use crate::aws::operation::GetAlias;
use crate::aws::{Aws, Remedy, explain};
use crate::change::{Change, is_moving_capacity, route};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::model::{AliasName, Description, FunctionName, Record, RecordState, RunId, Shift};
use crate::plan::paused::{Paused, paused};
use crate::plan::{Plan, read_description};
use crate::problem::{Code, Problem};
use crate::step::StepKind;

/// What a release in flight is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To hold where it is.
    Hold,
    /// To go on.
    GoOn,
}

/// What became of it for one alias.
#[derive(Debug, Clone, PartialEq)]
pub enum Marked {
    /// The record says so now.
    Written(Alias),
    /// It said so before.
    Already(Alias),
    /// The release is over, on its way back, or somebody else has the alias: nothing was written.
    Left(Option<Record>),
}

/// What is to be written into a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This one, in its place.
    Write(Box<Record>),
    /// Nothing: it says so.
    Already,
    /// Nothing: it is not in a state to hold or to go on.
    Leave,
}

/// Decides for one record of a release. The expiry stays: a release that is held keeps its lock as long as planned, and
/// one that is overdue frees nothing.
pub fn next(record: &Record, run: &RunId, wish: Wish) -> Next {
    let want = match wish {
        Wish::Hold => RecordState::Paused,
        Wish::GoOn => RecordState::Running,
    };
    match record.state {
        _ if record.run != *run => Next::Leave,
        state if state == want => Next::Already,
        RecordState::Running | RecordState::Paused => {
            Next::Write(Box::new(Record { state: want, asks: false, ..record.clone() }))
        }
        RecordState::Undoing | RecordState::Promoted | RecordState::RolledBack | RecordState::ByHand => Next::Leave,
    }
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Writes the wish into the record of one alias, guarded by the revision that was read, and reads it back. A write
    /// that lost a race is decided again by what is there then.
    ///
    /// # Errors
    /// The alias cannot be read or written, or others write faster than this.
    pub async fn mark(&self, function: &FunctionName, alias: &AliasName, wish: Wish) -> Result<Marked, Problem> {
        let name = format!("{function}:{alias}");
        let mut wrote = false;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let found = self.find(GetAlias { function: function.clone(), alias: alias.clone() }).await?;
            let description = read_description(&name, found.as_ref())?;
            let (Some(found), Some(record)) = (found, &description.record) else {
                return Ok(Marked::Left(description.record));
            };
            let record = match next(record, &self.run, wish) {
                Next::Already if wrote => return Ok(Marked::Written(found)),
                Next::Already => return Ok(Marked::Already(found)),
                Next::Leave => return Ok(Marked::Left(Some(record.clone()))),
                Next::Write(record) => *record,
            };
            let call = route(function, alias, Some(&found), same_routing(&found, &description, record));
            match self.write(None, &call, attempt).await {
                Ok(()) => wrote = true,
                Err(error) => match error.remedy() {
                    Remedy::Unknown => wrote = true,
                    Remedy::SlowDown | Remedy::WaitForOther | Remedy::Look => {
                        self.pause_before_retry(attempt, &error).await;
                    }
                    _ => return Err(explain::problem(call.operation(), &call.subject(), &error)),
                },
            }
        }
        Err(Problem::new(Code::AliasChanged, format!("the record of {name} could not be written"))
            .why(format!("somebody else wrote it first, {WRITE_ATTEMPTS_MAX} times in a row"))
            .aws_now("the routing was not touched by this command"))
    }

    /// Before the release stops where it was asked to: every record of it says that it is held, and its routing stays.
    pub(super) async fn hold(&self, plan: &Plan, step: StepKind) -> Result<(), Stop> {
        // Only what the canary writes belongs to it: its way on is found by that.
        let step = if step == StepKind::Canary { step } else { StepKind::Alias };
        for member in &plan.members {
            let (function, alias) = (member.function.clone(), plan.target.alias.clone());
            let found = self.find(GetAlias { function: function.clone(), alias: alias.clone() }).await?;
            let description = read_description(&format!("{function}:{alias}"), found.as_ref())?;
            let (Some(found), Some(record)) = (found, description.record.clone()) else { continue };
            match next(&record, &self.run, Wish::Hold) {
                Next::Write(record) => {
                    let (before, want) = (Some(routing_of(&found)), same_routing(&found, &description, *record));
                    self.apply(step, &Change::Alias { function, alias, before, want }).await?;
                }
                Next::Leave if record.run == self.run && record.state != RecordState::Promoted => {
                    return Err(Stop::RolledBackElsewhere);
                }
                Next::Already | Next::Leave => {}
            }
        }
        Ok(())
    }

    /// Before a release that was taken up after its lock had ended goes on: what is written from here on is written under
    /// a lock again, so that whoever takes it back knows to wait for it.
    pub(super) async fn renew(&self, plan: &Plan) -> Result<(), Stop> {
        for member in &plan.members {
            let alias = &plan.target.alias;
            let Some((_, claim)) = self.recorded(&member.function, alias).await? else { continue };
            if !claim.is_claim() {
                continue;
            }
            self.renew_one(&member.function, alias, plan.record(member, claim.to, RecordState::Running)).await?;
            if let Some(Change::Alias { function, alias, want, .. }) = candidate_alias(plan, member, claim.to)
                && let Some(fresh) =
                    Description::parse(&want.description).ok().and_then(|description| description.record)
            {
                self.renew_one(&function, &alias, fresh).await?;
            }
        }
        Ok(())
    }

    /// Writes a record anew of which only the end of its lock has changed, if that lock has ended.
    async fn renew_one(&self, function: &FunctionName, alias: &AliasName, fresh: Record) -> Result<(), Stop> {
        let Some((found, record)) = self.recorded(function, alias).await? else { return Ok(()) };
        let now = Some(self.clock.now());
        let is_same = Record { expires: record.expires, ..fresh.clone() } == record;
        if !is_same || record.expires > now || fresh.expires <= now {
            return Ok(());
        }
        let description = read_description(&format!("{function}:{alias}"), Some(&found))?;
        let (before, want) = (Some(routing_of(&found)), same_routing(&found, &description, fresh));
        let (function, alias) = (function.clone(), alias.clone());
        self.apply(StepKind::Alias, &Change::Alias { function, alias, before, want }).await?;
        Ok(())
    }

    /// An alias with its record, where it has one.
    pub(super) async fn recorded(
        &self,
        function: &FunctionName,
        alias: &AliasName,
    ) -> Result<Option<(Alias, Record)>, Problem> {
        let found = self.find(GetAlias { function: function.clone(), alias: alias.clone() }).await?;
        let description = read_description(&format!("{function}:{alias}"), found.as_ref())?;
        Ok(found.zip(description.record))
    }

    /// What whoever resumes a release has agreed to: the step that waits for their word, if it is that which holds it,
    /// as `status` says. A person who paused it, or a stop at a share, has asked nobody about the next one.
    pub(super) async fn asked_about(&self, plan: &Plan) -> Result<Resuming, Problem> {
        let canary = &plan.target.canary;
        let asks = !self.settings.once && !canary.approve.is_empty();
        let mut furthest: Option<Record> = None;
        for member in plan.members.iter().filter(|_| asks) {
            let found = self.recorded(&member.function, &plan.target.alias).await?;
            // Not every record keeps the times: how far it is, the furthest says.
            let found = found.map(|(_, record)| record).filter(|record| record.run == self.run && record.asks);
            furthest = furthest.into_iter().chain(found).max_by_key(|record| record.shift.as_ref().map(Shift::step));
        }
        let waits_for = furthest.and_then(|record| paused(&record, canary));
        Ok(match waits_for {
            _ if self.settings.once => Resuming::No,
            Some((Paused::Approval(percent), _)) => Resuming::Agreed(percent),
            _ => Resuming::Going,
        })
    }

    /// Before a release that stopped goes on: records that somebody paused outside the steps of the canary. Those within
    /// are set going by the canary itself, which must know that somebody agreed.
    pub(super) async fn set_going(&self, plan: &Plan) -> Result<(), Problem> {
        let progress = self.progress();
        if self.settings.once || !progress.may_have_changed() || progress.shifting && !progress.closing {
            return Ok(());
        }
        for member in &plan.members {
            self.mark(&member.function, &plan.target.alias, Wish::GoOn).await?;
        }
        Ok(())
    }
}

/// The routing as it is, with another record. The weight with which AWS moves provisioned concurrency is not ours to
/// write.
fn same_routing(alias: &Alias, description: &Description, record: Record) -> Routing {
    let weights = if is_moving_capacity(alias) { Default::default() } else { alias.weights.clone() };
    Routing { version: alias.version, weights, description: description.with(record).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(word: &str) -> Record {
        format!("[sg1 01JD3K7Q4T0000000000000000 {word} x=20261121T1422Z 41>42 n=2 t=20261121T135207Z+600 bad=40]")
            .parse()
            .unwrap()
    }

    #[test]
    fn only_a_release_that_is_under_way_can_be_held_and_nothing_else_of_its_record_changes() {
        let run = record("run").run;
        let written = |word: &str, wish| match next(&record(word), &run, wish) {
            Next::Write(record) => Some(*record),
            Next::Already | Next::Leave => None,
        };
        assert_eq!(written("run", Wish::Hold), Some(record("paused")));
        assert_eq!(written("paused", Wish::GoOn), Some(record("run")));
        assert_eq!(next(&record("paused"), &run, Wish::Hold), Next::Already);
        for over in ["undo", "done", "back"] {
            assert_eq!(next(&record(over), &run, Wish::Hold), Next::Leave, "{over}");
        }
        assert_eq!(next(&record("run"), &RunId::new(1, 1), Wish::Hold), Next::Leave, "another release");
    }
}
