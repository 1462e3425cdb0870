//! The end of a canary: the candidate gets everything, and what only the canary needed goes.

use std::time::Duration;

use super::canary::{Place, routing_of};
use super::forward::{Candidates, routing};
use super::{Engine, Stop};
use crate::aws::Aws;
use crate::aws::operation::GetStage;
use crate::change::{Change, StageSide};
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::Journal;
use crate::model::{AliasName, CanaryMode, FunctionName, Percent, RecordState, RunId, Version};
use crate::plan::{CanaryPlan, Place as PlanPlace, Plan, StagePlan};
use crate::problem::{Code, Level, Problem};
use crate::rollback::GrantBack;
use crate::step::StepKind;

/// How long the candidate alias stays after the stage no longer uses it: API Gateway may still call it for a while
/// (SPEC §2 rule 11).
pub(crate) const LINGER: Duration = Duration::from_secs(60);

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Gives the candidate everything and closes the records. Repeatable: what is done is recognised by looking.
    pub(super) async fn finish(&self, plan: &Plan, canary: &CanaryPlan, candidates: &Candidates) -> Result<(), Stop> {
        let since = self.started(StepKind::Promote);
        // From here on no share is held.
        self.share.set(None);
        let versions: Vec<Version> = candidates.iter().map(|(version, _)| *version).collect();
        let position = self.position(plan, canary, &versions).await?;
        for place in &position.places {
            self.give_all(plan, place).await?;
        }
        if canary.mode == CanaryMode::Stage {
            if let Some(stage) = &plan.stage {
                self.promote_stage(plan, canary, stage).await?;
            }
            self.remove_candidates(plan).await?;
        }
        self.close(plan, candidates, since).await
    }

    async fn give_all(&self, plan: &Plan, place: &Place<'_>) -> Result<(), Stop> {
        match place.record.state {
            RecordState::Promoted => return Ok(()),
            RecordState::Paused => return Err(Stop::Paused),
            RecordState::Running | RecordState::Undoing | RecordState::RolledBack | RecordState::ByHand => {}
        }
        let (function, alias) = (place.member.function.clone(), plan.target.alias.clone());
        let want = routing(plan, place.member, place.to, RecordState::Running);
        let change = Change::Alias { function, alias, before: Some(routing_of(&place.alias)), want };
        let now = self.apply(StepKind::Promote, &change).await?;
        self.routed(&change, &now);
        self.capacity(place.member, &change).await
    }

    /// What the stage serves in the end: the canary's deployment and variables, without the canary.
    pub(super) fn final_side(&self, stage: &StagePlan) -> StageSide {
        stage.want_side(stage.deployment(self.progress().deployment))
    }

    /// The stage as the release leaves it, if it writes to it.
    pub(super) async fn promoted_stage(&self, plan: &Plan) -> Result<Option<Change>, Stop> {
        match (&plan.stage, plan.canary.as_ref().map(|canary| canary.mode)) {
            (Some(stage), Some(CanaryMode::Stage)) => Ok(Some(Change::Stage {
                stage: stage.stage.clone(),
                before: stage.before_side(),
                want: self.final_side(stage),
            })),
            _ => self.stage_change(plan).await,
        }
    }

    /// Makes the canary's deployment the stage's own, merges the variable, and removes the canary: its overrides name the
    /// candidate alias and are never copied (SPEC §2 rule 11).
    async fn promote_stage(&self, plan: &Plan, canary: &CanaryPlan, stage: &StagePlan) -> Result<(), Stop> {
        let (api, name) = (stage.stage.api.clone(), stage.stage.stage.clone());
        let now = self.read(GetStage { api, stage: name }).await?;
        let last = self.final_side(stage);
        if last.holds(&now) {
            return Ok(());
        }
        let known: Vec<Percent> = canary.weights().into_iter().rev().chain([Percent::ZERO]).collect();
        let (attached, empty) = self.stage_sides(plan, stage, &now, Percent::ZERO, &known);
        let change = |before: StageSide, want: StageSide| Change::Stage { stage: stage.stage.clone(), before, want };
        let merged = StageSide { canary: empty.canary, ..last.clone() };
        if !merged.holds(&now) {
            let before = StageSide { canary: attached.canary, ..stage.before_side() };
            self.apply(StepKind::Promote, &change(before, merged.clone())).await?;
        }
        self.apply(StepKind::Promote, &change(merged, last.clone())).await?;
        self.emit(&Event::StageCanary { release: self.run.clone(), stage: stage.stage.to_string(), percent: 0.0 });
        if let Some(deployment) = last.deployment {
            let (release, stage) = (self.run.clone(), stage.stage.to_string());
            self.emit(&Event::Deployment { release, stage, deployment });
        }
        Ok(())
    }

    /// Takes the candidate aliases and their statements away, a while after the stage was read back without them. What
    /// cannot be removed harms nobody and stops nothing: the next canary uses it again.
    async fn remove_candidates(&self, plan: &Plan) -> Result<(), Stop> {
        self.emit(&Event::Waiting {
            what: "API Gateway to have forgotten the candidate alias".into(),
            max_s: LINGER.as_secs(),
        });
        self.wait(LINGER).await?;
        for member in &plan.members {
            let Some(candidate) = &member.candidate else { continue };
            let grant = plan.stage.as_ref().map(|stage| GrantBack {
                function: member.function.clone(),
                alias: candidate.alias.clone(),
                sid: PlanPlace::of(&candidate.arn, &plan.region, &stage.stage).stage_statement().sid,
            });
            if let Err(problem) =
                self.remove_candidate(&self.run, &member.function, &candidate.alias, grant.as_ref()).await
            {
                self.emit(&Event::Warning { problem });
            }
        }
        Ok(())
    }

    /// The same after another process has ended the release: this one may have created a candidate alias again.
    pub(super) async fn remove_left_candidates(&self, plan: &Plan) -> Result<(), Stop> {
        for member in &plan.members {
            let Some(candidate) = &member.candidate else { continue };
            if self.recorded(&member.function, &candidate.alias).await?.is_some_and(|(_, own)| own.run == self.run) {
                return self.remove_candidates(plan).await;
            }
        }
        Ok(())
    }

    /// Removes one candidate alias, if it is this release's.
    pub(crate) async fn remove_candidate(
        &self,
        run: &RunId,
        function: &FunctionName,
        alias: &AliasName,
        grant: Option<&GrantBack>,
    ) -> Result<(), Problem> {
        let left = |problem: Problem| {
            problem
                .why(format!("{function}:{alias} served only the canary; it harms nobody"))
                .fix(format!("remove it: aws lambda delete-alias --function-name {function} --name {alias}"))
                .level(Level::Warning)
        };
        if let Some(grant) = grant {
            self.grant_back(grant).await.map_err(left)?;
        }
        match self.delete_own(run, function, alias).await {
            Ok(()) => Ok(()),
            Err(problem) if problem.code == Code::AliasChanged => Err(problem.level(Level::Warning)),
            Err(problem) => Err(left(problem)),
        }
    }
}
