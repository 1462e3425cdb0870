//! Redeploying a stage that no release is about: the same writes, and an end that says what the stage serves.

use super::Engine;
use crate::aws::{Aws, gateway};
use crate::change::Change;
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::Journal;
use crate::plan::StagePlan;
use crate::problem::{Code, Exit, Problem};
use crate::step::StepKind;

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Points a stage at a new deployment of the live definition, or at one that exists; answers which.
    ///
    /// # Errors
    /// The stage does not serve it. The problem says what it serves, as it was read after everything that was sent; where
    /// that cannot be read, a person must look.
    pub async fn redeploy_by_hand(&self, stage: &StagePlan, to: Option<&str>) -> Result<String, Problem> {
        let mut id = to.map(str::to_owned);
        match self.point(stage, &mut id).await {
            Ok(id) => Ok(id),
            Err(problem) => self.after_failure(stage, id, reworded(problem, stage)).await,
        }
    }

    async fn point(&self, stage: &StagePlan, id: &mut Option<String>) -> Result<String, Problem> {
        let subject = stage.stage.to_string();
        let deployment = match id.clone() {
            Some(id) => id,
            None => {
                let made = self.deployment(stage).await.map_err(|stop| stop.problem(&subject))?;
                made.ok_or_else(|| Problem::new(Code::Internal, format!("no deployment was made for {subject}")))?
            }
        };
        *id = Some(deployment.clone());
        let (before, want) = (stage.before_side(), stage.want_side(id.clone()));
        self.carry_out(StepKind::Redeploy, &Change::Stage { stage: stage.stage.clone(), before, want }).await?;
        self.emit(&Event::Deployment { release: self.run.clone(), stage: subject, deployment: deployment.clone() });
        Ok(deployment)
    }

    /// Looks at what the stage serves, unless nothing can have changed it.
    async fn after_failure(&self, stage: &StagePlan, id: Option<String>, problem: Problem) -> Result<String, Problem> {
        let before = &stage.before.deployment;
        let (sent, moved) = (self.progress().may_have_changed(), problem.code == Code::StageChanged);
        let serves = if sent || moved {
            match gateway::existing_stage(self.aws, &stage.stage).await {
                Ok(now) => now.deployment,
                Err(unread) if sent => {
                    let id = id.as_deref().unwrap_or("the new one");
                    let now = format!("{} serves deployment {before} or {id}: it could not be read back", stage.stage);
                    return Err(problem.why(unread.what).exit(Exit::InBetween).aws_now(now));
                }
                Err(_) => return Err(problem.aws_now("not changed by this command")),
            }
        } else {
            before.clone()
        };
        if Some(&serves) == id.as_ref() {
            return Ok(serves);
        }
        let unused = id
            .filter(|_| self.has_written())
            .map_or_else(String::new, |id| format!("; nothing points at deployment {id}"));
        let now = format!("{} → deployment {serves}{unused}", stage.stage);
        let exit = match problem.exit {
            _ if serves != *before => Exit::Conflict,
            Exit::Conflict => Exit::Conflict,
            _ if self.has_written() => Exit::RolledBack,
            other => other,
        };
        Err(problem.exit(exit).aws_now(now))
    }
}

/// The words of a release do not fit.
fn reworded(mut problem: Problem, stage: &StagePlan) -> Problem {
    match problem.code {
        Code::StageChanged => {
            problem.what = format!("somebody else changed stage {} at the same time", stage.stage);
            problem.exit(Exit::Conflict)
        }
        Code::PlanStale => {
            problem.what = format!("the definition of {} was edited after it was shown", stage.stage.api);
            problem.fix.clear();
            problem
        }
        _ => problem,
    }
}
