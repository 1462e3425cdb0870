//! The one function that undoes. First what stops the harm, the aliases; then the stage; then statements; an alias that
//! the release created goes last, when nothing can need it. Nothing that somebody else changed since is touched.

use futures_util::future::{join, join_all};
use jiff::Timestamp;

use super::alias::{Next, alias_call, foreign, is_of, record};
use super::undone::{Left, Undone};
use super::{AliasBack, Goal, GrantBack, Phase, StageBack, WayBack};
use crate::aws::noun::{Alias, Function, Stage, StageCanary, State};
use crate::aws::operation::{GetAlias, GetFunction, GetPolicy};
use crate::aws::{Aws, AwsError, Call, Remedy, explain, gateway};
use crate::change::{self, StageSide, is_moving_capacity};
use crate::clock::Clock;
use crate::definition::Marker;
use crate::engine::{Engine, SETTLE, WRITE_ATTEMPTS_MAX};
use crate::journal::Journal;
use crate::model::{AliasName, FunctionName, Percent, RunId, Version};
use crate::policy;
use crate::problem::{Code, Exit, Level, Problem};
use crate::seeded::{Bug, seeded};

/// Where one alias ended.
enum AliasEnd {
    /// As it shall be.
    Back(Option<Alias>),
    /// Created by the release: to be deleted when nothing needs it any more.
    ToDelete,
    /// Not the release's any more; left as it is.
    Foreign {
        /// What to tell.
        problem: Problem,
        /// Another release has it: stage and statements are that release's now, whoever put them there.
        succeeded: bool,
    },
}

/// What the writes that stop the harm came to.
struct Stopped<'w> {
    undone: Undone,
    /// Nothing but the release itself can need its statements and created aliases any more.
    stage_is_back: bool,
    /// Aliases that the release created and still has.
    to_delete: Vec<&'w AliasBack>,
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Puts back what the release changed, as far as it is still the release's own. Safe to repeat, from anywhere.
    pub async fn undo(&self, way: &WayBack) -> Undone {
        let began = self.clock.now();
        if seeded(Bug::WrongOrder) {
            self.grants_back(way, true, &mut Undone::default()).await;
        }
        let phase = if way.has_rest() { Phase::Meanwhile } else { Phase::Last };
        let unsure = self.unsure.replace(false);
        let (mut stopped, dead) = join(self.harm_stopped(way, phase, true, unsure), self.dead_targets(way)).await;
        if self.wait_for_late_writes_of(way, unsure).await {
            let first = stopped.undone.took_ms;
            stopped = self.harm_stopped(way, phase, false, false).await;
            // What was there at the first look was not put there by the second.
            stopped.undone.took_ms.extend(first);
        }
        let Stopped { mut undone, stage_is_back, to_delete } = stopped;
        dead.into_iter().for_each(|problem| undone.leave(problem));
        let granted_is_gone = self.grants_back(way, stage_is_back, &mut undone).await;
        self.candidates_back(way, stage_is_back, &mut undone).await;
        for alias in to_delete {
            self.delete_created(way, alias, stage_is_back && granted_is_gone, &mut undone).await;
        }
        // A record that says "undo" stays until nothing is left to do: it is how the next person knows.
        if phase == Phase::Meanwhile && undone.is_clean() {
            self.close_records(way, &mut undone).await;
        }
        undone.ms = self.ms_since(began);
        undone
    }

    /// The aliases, all at once; then the stage. While requests reach the candidate through the stage's canary, the other
    /// way round.
    async fn harm_stopped<'w>(&self, way: &'w WayBack, phase: Phase, first: bool, fence: bool) -> Stopped<'w> {
        let (mut undone, mut to_delete, mut has_successor) = (Undone::default(), Vec::new(), false);
        let mut stage_went_first = None;
        if let Some(stage) = way.stage.as_ref().filter(|_| way.stage_first)
            && !self.is_succeeded(way, first).await
        {
            stage_went_first = Some(self.stage_back(way, stage, &mut undone).await);
        }
        let began = self.clock.now();
        let backs = way.aliases.iter().map(async |alias| {
            let end = self.alias_back(&way.run, alias, phase, first, fence).await;
            (end, self.ms_since(began))
        });
        for (alias, (end, ms)) in way.aliases.iter().zip(join_all(backs).await) {
            match end {
                Ok(AliasEnd::Back(now)) => undone.is_back(alias_line(alias, now.as_ref()), ms),
                Ok(AliasEnd::ToDelete) => to_delete.push(alias),
                Ok(AliasEnd::Foreign { problem, succeeded }) => {
                    has_successor |= succeeded;
                    undone.leave(problem);
                }
                Err(problem) => undone.leave(problem),
            }
        }
        let stage_is_back = match &way.stage {
            _ if stage_went_first.is_some() => stage_went_first.unwrap_or_default(),
            _ if has_successor => false,
            Some(stage) => self.stage_back(way, stage, &mut undone).await,
            None => true,
        };
        if let (true, None, Some(stage)) = (has_successor, stage_went_first, &way.stage) {
            undone.now.push(format!("{} stays as it is: another release has the alias", stage.stage));
        }
        Stopped { undone, stage_is_back, to_delete }
    }

    /// A write of the release may still land: waits it out. Nothing that the stage could need goes before that.
    async fn wait_for_late_writes_of(&self, way: &WayBack, unsure: bool) -> bool {
        let now = self.clock.now();
        let until = if unsure { Some(now + SETTLE) } else { way.unsettled_until.filter(|until| *until > now) };
        let Some(until) = until.filter(|_| !self.interrupt.insisted()) else { return false };
        self.clock.sleep(std::time::Duration::try_from(until.duration_since(now)).unwrap_or(SETTLE)).await;
        true
    }

    fn ms_since(&self, began: Timestamp) -> u64 {
        u64::try_from(self.clock.now().duration_since(began).as_millis()).unwrap_or_default()
    }

    async fn close_records(&self, way: &WayBack, undone: &mut Undone) {
        let backs = way.aliases.iter().filter(|a| !matches!(a.goal, Goal::Absent { .. }));
        let ends = join_all(backs.map(|alias| self.alias_back(&way.run, alias, Phase::Last, false, false))).await;
        for end in ends {
            match end {
                Ok(AliasEnd::Back(_) | AliasEnd::ToDelete) => {}
                Ok(AliasEnd::Foreign { problem, .. }) | Err(problem) => undone.leave(problem),
            }
        }
    }

    async fn alias_back(
        &self,
        run: &RunId,
        back: &AliasBack,
        phase: Phase,
        first: bool,
        fence: bool,
    ) -> Result<AliasEnd, Problem> {
        let name = format!("{}:{}", back.function, back.alias);
        let mut seen = back.seen.clone().filter(|_| first).map(Some);
        let mut fenced = !fence;
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let request = GetAlias { function: back.function.clone(), alias: back.alias.clone() };
            let now = match seen.take() {
                Some(seen) => seen,
                None => self.find(request).await?,
            };
            let mut call = match alias_call(run, back, phase, &name, now.as_ref(), &mut fenced)? {
                Next::Send(call) => call,
                Next::Nothing => {
                    return Ok(match (&back.goal, &now) {
                        (Goal::Absent { .. }, Some(_)) => AliasEnd::ToDelete,
                        _ => AliasEnd::Back(now),
                    });
                }
                Next::Foreign(now) => {
                    let succeeded = record(&now).is_some_and(|record| record.run != *run);
                    return Ok(AliasEnd::Foreign { problem: foreign(run, &name, &now), succeeded });
                }
            };
            if let (true, Call::UpdateAlias(update), Some(first)) =
                (seeded(Bug::StaleRevision), &mut call, &back.first_revision)
            {
                update.revision.clone_from(first);
            }
            if let Err(error) = self.write(None, &call, attempt).await {
                self.retry_back(attempt, &call, &error).await?;
                last = Some(error);
            }
        }
        let error = last.map_or_else(|| "it does not stay where it is put".into(), |e| e.to_string());
        Err(Problem::new(Code::InBetween, format!("{name} could not be moved back")).why(error))
    }

    /// The versions that aliases go back to and that cannot serve, where nobody has looked yet. Beside the writes: what
    /// stops the harm does not wait for it.
    async fn dead_targets(&self, way: &WayBack) -> Vec<Problem> {
        let unchecked = way.aliases.iter().filter(|alias| alias.check_target);
        join_all(unchecked.map(|alias| self.target(alias))).await.into_iter().filter_map(Result::err).collect()
    }

    /// The version that an alias goes back to must still be able to run.
    async fn target(&self, back: &AliasBack) -> Result<(), Problem> {
        let (Goal::At(at) | Goal::Beside(at)) = &back.goal else { return Ok(()) };
        let version = at.version;
        let qualifier = version.number().map(|n| n.to_string());
        let found = self.find(GetFunction { function: back.function.clone(), qualifier }).await?;
        dead(&back.function, &back.alias, version, found.as_ref()).map_or(Ok(()), Err)
    }

    async fn stage_back(&self, way: &WayBack, back: &StageBack, undone: &mut Undone) -> bool {
        let began = self.clock.now();
        match self.try_stage_back(way, back).await {
            Ok((stage, back, left)) => {
                undone.is_back(stage_line(&back, &stage), self.ms_since(began));
                let is_back = left.is_empty();
                left.into_iter().for_each(|problem| undone.leave(problem));
                is_back
            }
            Err(problem) => {
                undone.leave(problem);
                false
            }
        }
    }

    /// The stage as read back, with the way that it went and what could not be put back.
    async fn try_stage_back(
        &self,
        way: &WayBack,
        back: &StageBack,
    ) -> Result<(Stage, StageBack, Vec<Problem>), Problem> {
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let (back, forgotten) = self.recalled(way, back).await;
            let now = gateway::existing_stage(self.aws, &back.stage).await?;
            let ours = self.ours(way, &back, &now).await?;
            let (side, others) = back.before.back_from(&ours, &now);
            let Some(call) = side.write(&back.stage, &now) else {
                let others = others.iter().map(|field| changed_since(&back, &now, field));
                let left = others.chain(forgotten).collect();
                return Ok((now, back, left));
            };
            if let Err(error) = self.write(None, &call, attempt).await {
                if error.remedy() == Remedy::Unknown {
                    // Nothing fences a stage: what was sent may land until the client's time-out has passed.
                    self.clock.sleep(SETTLE).await;
                }
                self.retry_back(attempt, &call, &error).await?;
                last = Some(error);
            }
        }
        let error = last.map_or_else(|| "it does not stay as it is put".into(), |e| e.to_string());
        Err(Problem::new(Code::InBetween, format!("stage {} could not be put back", back.stage)).why(error))
    }

    /// What of the stage is the release's own. Its deployment is known, or carries its id.
    async fn ours(&self, way: &WayBack, back: &StageBack, now: &Stage) -> Result<StageSide, Problem> {
        let side = self.own_deployment(way, back, now).await?;
        let calls = |canary: &&StageCanary| {
            back.candidate.as_ref().is_some_and(|alias| canary.overrides.values().any(|value| value == alias.as_str()))
        };
        Ok(match (now.canary.as_ref().filter(calls), &back.candidate) {
            (Some(own), _) => StageSide { canary: Some(own.clone()), ..side },
            (None, _) => side,
        })
    }

    async fn own_deployment(&self, way: &WayBack, back: &StageBack, now: &Stage) -> Result<StageSide, Problem> {
        let known = back.ours.deployment.is_some() || back.before.deployment.is_none();
        if known || back.before.deployment.as_ref() == Some(&now.deployment) {
            let deployment = back.ours.deployment.clone().or_else(|| back.before.deployment.clone());
            return Ok(StageSide { deployment, ..back.ours.clone() });
        }
        let deployment = gateway::deployment(self.aws, &now.kind, &back.stage.api, &now.deployment).await?;
        let deployment = deployment.filter(|d| d.description.parse::<Marker>().is_ok_and(|m| m.run == way.run));
        let deployment = Some(deployment.map_or_else(|| "of somebody else".to_owned(), |d| d.id));
        Ok(StageSide { deployment, ..back.ours.clone() })
    }

    /// Whether none of the release's statements is left.
    async fn grants_back(&self, way: &WayBack, stage_is_back: bool, undone: &mut Undone) -> bool {
        let mut gone = true;
        for grant in &way.grants {
            if !stage_is_back {
                undone.now.push(format!(
                    "statement {} of {}:{} stays: the stage may need it",
                    grant.sid, grant.function, grant.alias
                ));
                gone = false;
                continue;
            }
            match self.grant_back(grant).await {
                Ok(false) => {}
                Ok(true) => {
                    undone.now.push(format!("statement {} of {}:{} removed", grant.sid, grant.function, grant.alias))
                }
                Err(problem) => {
                    gone = false;
                    undone.leave(problem);
                }
            }
        }
        gone
    }

    /// Whether the statement had to be removed; it may never have been added.
    pub(crate) async fn grant_back(&self, grant: &GrantBack) -> Result<bool, Problem> {
        let (mut last, mut sent) = (None, false);
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let request = GetPolicy { function: grant.function.clone(), alias: grant.alias.clone() };
            let Some(found) =
                self.find(request).await?.filter(|p| policy::statement_ids(&p.document).contains(&grant.sid))
            else {
                return Ok(sent);
            };
            let call = change::revoke(&grant.function, &grant.alias, &grant.sid, &found);
            sent = true;
            if let Err(error) = self.write(None, &call, attempt).await {
                self.retry_back(attempt, &call, &error).await?;
                last = Some(error);
            }
        }
        let error = last.map_or_else(|| "it is still there".into(), |e: AwsError| e.to_string());
        Err(Problem::new(
            Code::InBetween,
            format!("statement {} of {}:{} could not be removed", grant.sid, grant.function, grant.alias),
        )
        .why(error))
    }

    /// An alias that the release created goes when everything else is back and nobody else refers to it.
    async fn delete_created(&self, way: &WayBack, back: &AliasBack, rest_is_back: bool, undone: &mut Undone) {
        let name = format!("{}:{}", back.function, back.alias);
        let kept = |why: String| Left {
            problem: Problem::new(Code::AliasKept, format!("{name}, which this release created, is kept"))
                .level(Level::Warning)
                .why(why),
            needs_person: !rest_is_back,
        };
        if !rest_is_back {
            undone.left.push(kept("stage and statements are not all back, and may need it".into()));
            return;
        }
        match self.users_of(way, back).await {
            Ok(Some(user)) => {
                undone.now.push(format!("{name} is kept: {user}"));
                undone.left.push(kept(user));
            }
            Ok(None) => match self.delete_own(&way.run, &back.function, &back.alias).await {
                Ok(()) => undone.now.push(format!("{name} is deleted, as before")),
                Err(problem) => undone.leave(problem),
            },
            Err(problem) => undone.leave(problem),
        }
    }

    /// Who else refers to an alias: somebody's statement in its policy, or another stage of the API.
    async fn users_of(&self, way: &WayBack, back: &AliasBack) -> Result<Option<String>, Problem> {
        let request = GetPolicy { function: back.function.clone(), alias: back.alias.clone() };
        if let Some(found) = self.find(request).await?
            && let Some(sid) = policy::statement_ids(&found.document).first()
        {
            return Ok(Some(format!(
                "its policy still holds statement {sid}, which this release's record does not name"
            )));
        }
        let Some(stage) = &way.stage else { return Ok(None) };
        let set = &stage.before.variables;
        if set.is_empty() {
            return Ok(None);
        }
        let stages = gateway::stages(self.aws, &stage.stage.api).await?;
        let calls = |(name, value): (&String, &String)| set.contains_key(name) && value == back.alias.as_str();
        let other =
            stages.into_iter().find(|(name, other)| *name != stage.stage.stage && other.variables.iter().any(calls));
        Ok(other.map(|(name, _)| format!("stage {}/{name} calls it too", stage.stage.api)))
    }

    /// DeleteAlias has no guard (aws-semantics §2): looked at right before, and waited for when no answer came.
    pub(crate) async fn delete_own(
        &self,
        run: &RunId,
        function: &FunctionName,
        alias: &AliasName,
    ) -> Result<(), Problem> {
        let name = format!("{function}:{alias}");
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let request = GetAlias { function: function.clone(), alias: alias.clone() };
            match self.find(request).await? {
                None => return Ok(()),
                Some(now) if !is_of(run, &now) => return Err(foreign(run, &name, &now)),
                Some(_) => {}
            }
            let call = change::unroute(function, alias);
            if let Err(error) = self.write(None, &call, attempt).await {
                if error.remedy() == Remedy::Unknown {
                    self.clock.sleep(SETTLE).await;
                }
                self.retry_back(attempt, &call, &error).await?;
                last = Some(error);
            }
        }
        let error = last.map_or_else(|| "it is still there".into(), |e: AwsError| e.to_string());
        Err(Problem::new(Code::InBetween, format!("{name} could not be deleted")).why(error))
    }

    /// Waits before another attempt, or gives up on an error that is final.
    async fn retry_back(&self, attempt: u32, call: &Call, error: &AwsError) -> Result<(), Problem> {
        let passing = matches!(
            error.remedy(),
            Remedy::SlowDown | Remedy::WaitForOther | Remedy::Look | Remedy::Unknown | Remedy::Missing
        );
        if passing && attempt < WRITE_ATTEMPTS_MAX && !self.interrupt.insisted() {
            if matches!(error.remedy(), Remedy::SlowDown | Remedy::WaitForOther) {
                self.pause_before_retry(attempt, error).await;
            }
            return Ok(());
        }
        Err(explain::problem(call.operation(), &call.subject(), error).exit(Exit::InBetween))
    }
}

/// The message when a version cannot serve any more; `None` when it can.
pub fn dead(function: &FunctionName, alias: &AliasName, version: Version, found: Option<&Function>) -> Option<Problem> {
    let (why, reason) = match found.map(|f| (f.state, f.state_reason.clone())) {
        None => ("it no longer exists".to_owned(), None),
        Some((Some(State::Failed | State::Inactive | State::Other), reason)) => {
            (format!("its state is {:?}", found.and_then(|f| f.state).unwrap_or(State::Other)), reason)
        }
        Some(_) => return None,
    };
    let mut problem =
        Problem::new(Code::RollbackTargetGone, format!("{} of {function} cannot serve", version.label())).why(why);
    if let Some(reason) = reason {
        problem = problem.why(reason);
    }
    Some(
        problem
            .fix(format!("pick one that exists: aws lambda list-versions-by-function --function-name {function}"))
            .fix(format!("then: stagegate rollback {function}:{alias} --to N")),
    )
}

fn alias_line(back: &AliasBack, now: Option<&Alias>) -> String {
    let name = format!("{}:{}", back.function, back.alias);
    match now {
        None => format!("{name} does not exist, as before"),
        Some(alias) if is_moving_capacity(alias) => {
            format!("{name} → {} (AWS is still moving provisioned concurrency)", alias.version.label())
        }
        Some(alias) => format!("{name} → {} (100%)", alias.version.label()),
    }
}

fn changed_since(back: &StageBack, now: &Stage, field: &str) -> Problem {
    let what = format!("somebody changed the {field} of {} after this release", back.stage);
    Problem::new(Code::StageChanged, what)
        .why(format!("it serves deployment {}; that was left as it is", now.deployment))
        .fix(format!("look: stagegate status {}", back.stage))
}

fn stage_line(back: &StageBack, now: &Stage) -> String {
    let value = |name: &String| now.variables.get(name).map_or("(unset)", String::as_str);
    let variables: String = back.before.variables.keys().map(|name| format!(", {name} {}", value(name))).collect();
    let canary = now
        .canary
        .as_ref()
        .map_or_else(String::new, |canary| format!(", with a canary of {}", Percent::of_share(canary.percent / 100.0)));
    format!("{} → deployment {}{variables}{canary}", back.stage, now.deployment)
}
