//! A deployment that another stage proved is taken over only while that stage serves it.

use super::{Engine, Stop};
use crate::aws::{Aws, gateway};
use crate::change::Change;
use crate::clock::Clock;
use crate::journal::Journal;
use crate::plan::{Proof, Redeploy, StagePlan};
use crate::problem::{Code, Problem};

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Refuses to go on when the other stage has moved since the plan was made: it may have gone back because of that very
    /// deployment. Once the stage's own change is announced this is behind; what happens there later is another release.
    pub(super) async fn still_proved(&self, stage: &StagePlan) -> Result<(), Stop> {
        let Some(Redeploy::Existing { deployment, proof: Some(proof) }) = &stage.redeploy else { return Ok(()) };
        if self.progress().intents.iter().any(|change| matches!(change, Change::Stage { .. })) {
            return Ok(());
        }
        let now = gateway::existing_stage(self.aws, &proof.stage).await?;
        if now.deployment == *deployment && now.canary.is_none() {
            return Ok(());
        }
        let Proof { target, stage: there, .. } = proof;
        let serves = match &now.canary {
            Some(canary) => format!("{there} has a canary of {} %", canary.percent),
            None => format!("{there} serves deployment {} now", now.deployment),
        };
        Err(Stop::Conflict(
            Problem::new(Code::PlanStale, format!("target {target} has moved on from deployment {deployment}"))
                .why(serves)
                .why("what was planned is no longer what that stage proves")
                .fix(self.plan_again()),
        ))
    }
}
