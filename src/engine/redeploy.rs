//! Redeploying: a snapshot that nobody points at, then the pointer.

use std::time::Duration;

use jiff::Timestamp;

use super::apply::Attempt;
use super::forward::Candidates;
use super::{Engine, SETTLE, Stop, WRITE_ATTEMPTS_MAX};
use crate::aws::noun::{Deployment, DeploymentStatus};
use crate::aws::{Aws, AwsError, Operation, Remedy, explain, gateway};
use crate::change::{Change, Now, StageSide};
use crate::clock::Clock;
use crate::event::{Event, Outcome};
use crate::journal::{Entry, Journal};
use crate::model::{ApiId, CanaryMode, Percent, RunId};
use crate::plan::{Observer, Plan, Redeploy, StagePlan};
use crate::problem::{Code, Level, Problem};
use crate::step::StepKind;

/// How long a deployment of an HTTP API may be pending; AWS names no time.
const DEPLOY_WAIT_MAX: Duration = Duration::from_secs(120);

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// The step: the stage moves, or gets its canary, once what it depends on has settled; then it is checked.
    pub(super) async fn redeploy(
        &self,
        plan: &Plan,
        candidates: &Candidates,
        granted: Option<Timestamp>,
    ) -> Result<(), Stop> {
        let since = self.started(StepKind::Redeploy);
        let mut checked = self.stage_checks(plan);
        let Some(change) = self.stage_change(plan).await? else {
            let (outcome, mut detail) = match &plan.stage {
                Some(stage) => (Outcome::Unchanged, format!("{} is current", stage.stage)),
                None => (Outcome::Skipped, "no stage configured".into()),
            };
            if let (Some(granted), false) = (granted, plan.target.stage_smoke.is_empty()) {
                self.settle_permission(plan, granted).await?;
            }
            self.smoke_stage(plan).await?;
            detail.push_str(&std::mem::take(&mut checked));
            self.finished(StepKind::Redeploy, since, outcome, detail);
            return Ok(());
        };
        if let Some(granted) = granted {
            self.settle_permission(plan, granted).await?;
        }
        self.still_ours(plan, candidates).await?;
        let now = self.apply(StepKind::Redeploy, &change).await?;
        self.smoke_stage(plan).await?;
        if let (Change::Stage { stage, .. }, Now::Stage(now)) = (&change, &now) {
            let canary = now.canary.as_ref().and_then(|canary| canary.deployment.clone());
            let how = if canary.is_some() { " as its canary, at 0 %" } else { "" };
            let deployment = canary.unwrap_or_else(|| now.deployment.clone());
            let detail = format!("{stage} → deployment {deployment}{how}{checked}");
            self.emit(&Event::Deployment { release: self.run.clone(), stage: stage.to_string(), deployment });
            self.finished(StepKind::Redeploy, since, Outcome::Ok, detail);
        }
        Ok(())
    }

    fn stage_checks(&self, plan: &Plan) -> String {
        match plan.target.stage_smoke.len() {
            0 => String::new(),
            1 => "; 1 check through it".into(),
            n => format!("; {n} checks through it"),
        }
    }

    /// The change that makes the stage serve the live definition through the alias; `None` if there is nothing to do.
    pub(super) async fn stage_change(&self, plan: &Plan) -> Result<Option<Change>, Stop> {
        let by_canary = plan.canary.as_ref().is_some_and(|canary| canary.mode == CanaryMode::Stage);
        if let Some(stage) = plan.stage.as_ref().filter(|_| by_canary) {
            return self.canary_change(plan, stage).await.map(Some);
        }
        let Some((before, stage)) = plan.stage_change() else { return Ok(None) };
        let deployment = self.deployment(stage).await?;
        Ok(Some(Change::Stage { stage: stage.stage.clone(), before, want: stage.want_side(deployment) }))
    }

    /// The canary attached to the stage, without requests yet.
    async fn canary_change(&self, plan: &Plan, stage: &StagePlan) -> Result<Change, Stop> {
        let deployment = self.deployment(stage).await?;
        let canary = plan.stage_canary(stage, deployment, Percent::ZERO);
        let before = StageSide::default();
        Ok(Change::Stage { stage: stage.stage.clone(), before, want: StageSide { canary, ..StageSide::default() } })
    }

    /// The deployment that the stage gets, ready to be served; none when it keeps its own. Whatever must be remembered in
    /// the description of a deployment is there before the stage is written.
    pub(super) async fn deployment(&self, stage: &StagePlan) -> Result<Option<String>, Stop> {
        let made = match stage.makes_deployment() {
            true => Some(self.made_deployment(stage).await?),
            false => None,
        };
        match (&stage.redeploy, &made) {
            (Some(Redeploy::Live(_)), Some(id)) if !stage.before.kind.is_rest() => self.deployed(stage, id).await?,
            (Some(Redeploy::Existing { .. }), _) => self.still_proved(stage).await?,
            _ => {}
        }
        Ok(stage.deployment(made))
    }

    async fn made_deployment(&self, stage: &StagePlan) -> Result<String, Stop> {
        let progress = self.progress();
        if let Some(id) = progress.deployment {
            return Ok(id);
        }
        let api = &stage.stage.api;
        let found = if progress.deploying { self.deployed_by(api, &self.run).await? } else { None };
        let id = match found {
            Some(found) => found.id,
            None => self.create_deployment(stage).await?,
        };
        self.append(Entry::Deployed { deployment: id.clone() })?;
        Ok(id)
    }

    /// Waits until a deployment of an HTTP API can be served: it may be pending for a while, and it may fail. Nothing
    /// points at it before (aws-semantics §7).
    async fn deployed(&self, stage: &StagePlan, id: &str) -> Result<(), Stop> {
        let api = &stage.stage.api;
        let started = self.clock.now();
        let mut told = false;
        loop {
            let found = gateway::deployment(self.aws, &stage.before.kind, api, id).await?;
            let passed = Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default();
            match found.map(|deployment| deployment.status) {
                Some(None | Some(DeploymentStatus::Deployed)) => return Ok(()),
                Some(Some(DeploymentStatus::Failed(why))) => return Err(not_deployed(api, id, &why).into()),
                // It is not visible everywhere at once, either.
                None | Some(Some(DeploymentStatus::Pending)) if passed < DEPLOY_WAIT_MAX => {}
                None => return Err(not_deployed(api, id, "it does not exist").into()),
                Some(Some(DeploymentStatus::Pending)) => {
                    let why = format!("it is PENDING for {} s", DEPLOY_WAIT_MAX.as_secs());
                    return Err(not_deployed(api, id, &why).into());
                }
            }
            if !std::mem::replace(&mut told, true) {
                let what = format!("deployment {id} of {api} to be DEPLOYED");
                self.emit(&Event::Waiting { what, max_s: DEPLOY_WAIT_MAX.as_secs() });
            }
            self.wait(Duration::from_secs(2)).await?;
        }
    }

    async fn create_deployment(&self, stage: &StagePlan) -> Result<String, Stop> {
        let (api, kind) = (&stage.stage.api, &stage.before.kind);
        let operation = gateway::creating(kind);
        let observer = Observer { aws: self.aws, clock: self.clock, listener: self.listener };
        let live = observer.live(api, kind).await?;
        // One that nothing will point at publishes nothing.
        if matches!(stage.redeploy, Some(Redeploy::Live(_))) && live.fingerprint() != stage.live {
            return Err(Stop::Conflict(
                Problem::new(Code::PlanStale, format!("the definition of {api} was edited after the plan was made"))
                    .why("a deployment now would publish what nobody has seen in the plan")
                    .fix(self.plan_again()),
            ));
        }
        self.check_interrupt()?;
        self.append(Entry::Begun { step: StepKind::Redeploy, subject: api.to_string() })?;
        let description = stage.marker(&self.run, &live).to_string();
        let mut last = AwsError::Ambiguous { cause: "never sent".into() };
        let step = Some(StepKind::Redeploy);
        let deploying = |number| Attempt { step, operation, resource: api.to_string(), number };
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            match gateway::create_deployment(self.aws, kind, api, description.clone()).await {
                Ok(deployment) => {
                    let result = Ok(format!("deployment {} created, nothing points at it yet", deployment.id));
                    self.answered(deploying(attempt), result);
                    return Ok(deployment.id);
                }
                Err(error) => last = error,
            }
            self.keep_answer(deploying(attempt), Err(&last));
            match last.remedy() {
                Remedy::SlowDown => self.throttled(operation, attempt, api, &last).await,
                Remedy::WaitForOther | Remedy::Look => self.pause_before_retry(attempt, &last).await,
                Remedy::Unknown => {
                    self.note_write();
                    // A deployment that lands later hurts nobody: nothing points at it. One is enough, so look first.
                    self.wait(SETTLE).await?;
                    if let Some(found) = self.deployed_by(api, &self.run).await? {
                        return Ok(found.id);
                    }
                }
                _ => return Err(refused(operation, api, &last).into()),
            }
        }
        Err(match last.remedy() {
            Remedy::SlowDown => throttled_out(api, &last),
            _ => explain::problem(operation, api.as_str(), &last),
        }
        .into())
    }

    /// One deployment per 5 s for the whole account (aws-semantics §1.9): wait at least that, and say so.
    async fn throttled(&self, operation: Operation, attempt: u32, api: &ApiId, error: &AwsError) {
        if attempt == 1 {
            let problem = Problem::new(Code::DeploymentThrottled, format!("a deployment of {api} has to wait"))
                .why("API Gateway allows one CreateDeployment per 5 s for the whole account: others deploy now")
                .why(error.to_string())
                .aws_now("what the stage serves is unchanged")
                .fix(format!("nothing to do: the next of {WRITE_ATTEMPTS_MAX} attempts is in 5 s"));
            self.emit(&Event::Warning { problem });
        }
        self.emit(&Event::Retry {
            api: operation.to_string(),
            resource: api.to_string(),
            why: error.to_string(),
            attempt,
        });
        self.clock.sleep(Duration::from_secs(5)).await;
        self.pause_before_retry(attempt, error).await;
    }

    /// The deployment that a release made, found by its description.
    pub(crate) async fn deployed_by(&self, api: &ApiId, run: &RunId) -> Result<Option<Deployment>, Problem> {
        Observer { aws: self.aws, clock: self.clock, listener: self.listener }.deployed_by(api, run).await
    }
}

fn throttled_out(api: &ApiId, error: &AwsError) -> Problem {
    let what = format!("API Gateway throttles deployments of {api} after {WRITE_ATTEMPTS_MAX} attempts, too");
    Problem::new(Code::DeploymentThrottled, what)
        .level(Level::Error)
        .why("it allows one CreateDeployment per 5 s for the whole account, and other pipelines deploy now")
        .why(error.to_string())
        .fix("try again when they are done")
}

fn not_deployed(api: &ApiId, id: &str, why: &str) -> Problem {
    Problem::new(Code::DeploymentRefused, format!("deployment {id} of {api} cannot be served"))
        .why(why.to_owned())
        .fix(format!("look at it: aws apigatewayv2 get-deployment --api-id {api} --deployment-id {id}"))
        .fix("correct the definition, then repeat the command")
}

fn refused(operation: Operation, api: &ApiId, error: &AwsError) -> Problem {
    match error.remedy() {
        Remedy::Denied | Remedy::Credentials => explain::problem(operation, api.as_str(), error),
        _ => Problem::new(Code::DeploymentRefused, format!("API Gateway refuses to deploy {api}"))
            .why(error.to_string())
            .fix("correct the definition (every method needs an integration), then repeat the command"),
    }
}
