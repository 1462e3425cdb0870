//! The one function that undoes. First what stops the harm, the aliases; then the stage; then statements; an alias that
//! the release created goes last, when nothing can need it. Nothing that somebody else changed since is touched.

use futures_util::future::{join, join_all};

use super::{AliasBack, Goal, GrantBack, Phase, StageBack, WayBack};
use crate::aws::noun::{Alias, Function, Routing, Stage, State};
use crate::aws::operation::{GetAlias, GetDeployment, GetFunction, GetPolicy, GetStage, GetStages};
use crate::aws::{Aws, AwsError, Call, Remedy, explain};
use crate::change::{self, StageSide, is_moving_capacity, is_routed};
use crate::clock::Clock;
use crate::engine::{Engine, SETTLE, WRITE_ATTEMPTS_MAX};
use crate::journal::Journal;
use crate::model::{Description, RecordState, RunId, Version};
use crate::plan::Marker;
use crate::policy;
use crate::problem::{Code, Exit, Level, Problem};
use crate::seeded::{Bug, seeded};

/// Something that is not as it was before.
#[derive(Debug, Clone)]
pub struct Left {
    /// Why.
    pub problem: Problem,
    /// Whether a person must look. An alias that is kept because others use it harms nobody.
    pub needs_person: bool,
}

/// What a rollback came to.
#[derive(Debug, Clone, Default)]
pub struct Undone {
    /// What is true now, one line each, as read back.
    pub now: Vec<String>,
    /// What could not be put back.
    pub left: Vec<Left>,
}

impl Undone {
    /// Everything is read back as before.
    pub fn is_clean(&self) -> bool {
        !self.left.iter().any(|left| left.needs_person)
    }

    fn leave(&mut self, problem: Problem) {
        self.left.push(Left { problem, needs_person: true });
    }
}

/// Where one alias ended.
enum AliasEnd {
    /// As it shall be.
    Back(Option<Alias>),
    /// Created by the release: to be deleted when nothing needs it any more.
    ToDelete,
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Puts back what the release changed, as far as it is still the release's own. Safe to repeat, from anywhere.
    pub async fn undo(&self, way: &WayBack) -> Undone {
        if seeded(Bug::WrongOrder) {
            self.grants_back(way, true, &mut Undone::default()).await;
        }
        let phase = if way.has_rest() { Phase::Meanwhile } else { Phase::Last };
        let unsure = self.unsure.replace(false);
        let (mut undone, mut stage_is_back) = self.harm_stopped(way, phase, true, unsure).await;
        if self.wait_for_late_writes_of(way, unsure).await {
            (undone, stage_is_back) = self.harm_stopped(way, phase, false, false).await;
        }
        self.grants_back(way, stage_is_back, &mut undone).await;
        for alias in way.aliases.iter().filter(|a| matches!(a.goal, Goal::Absent { .. })) {
            self.delete_created(way, alias, stage_is_back, &mut undone).await;
        }
        // A record that says "undo" stays until nothing is left to do: it is how the next person knows.
        if phase == Phase::Meanwhile && undone.is_clean() {
            self.close_records(way, &mut undone).await;
        }
        undone
    }

    /// The aliases, all at once; then the stage. What they are now, and whether the stage is back.
    async fn harm_stopped(&self, way: &WayBack, phase: Phase, first: bool, fence: bool) -> (Undone, bool) {
        let mut undone = Undone::default();
        let backs = way.aliases.iter().map(|alias| self.alias_back(&way.run, alias, phase, first, fence));
        for (alias, end) in way.aliases.iter().zip(join_all(backs).await) {
            match end {
                Ok(AliasEnd::Back(now)) => undone.now.push(alias_line(alias, now.as_ref())),
                Ok(AliasEnd::ToDelete) => {}
                Err(problem) => undone.leave(problem),
            }
        }
        let stage_is_back = match &way.stage {
            Some(stage) => self.stage_back(way, stage, &mut undone).await,
            None => true,
        };
        (undone, stage_is_back)
    }

    /// A write of the release may still land: waits it out. Nothing that the stage could need goes before that.
    async fn wait_for_late_writes_of(&self, way: &WayBack, unsure: bool) -> bool {
        let now = self.clock.now();
        let until = if unsure { Some(now + SETTLE) } else { way.unsettled_until.filter(|until| *until > now) };
        let Some(until) = until.filter(|_| !self.interrupt.insisted()) else { return false };
        self.clock.sleep(std::time::Duration::try_from(until.duration_since(now)).unwrap_or(SETTLE)).await;
        true
    }

    async fn close_records(&self, way: &WayBack, undone: &mut Undone) {
        let backs = way.aliases.iter().filter(|a| matches!(a.goal, Goal::At(_)));
        let ends = join_all(backs.map(|alias| self.alias_back(&way.run, alias, Phase::Last, false, false))).await;
        for problem in ends.into_iter().filter_map(Result::err) {
            undone.leave(problem);
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
        let mut target_checked = !(first && back.check_target);
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let request = GetAlias { function: back.function.clone(), alias: back.alias.clone() };
            let now = match seen.take() {
                Some(seen) => seen,
                None => self.find(request).await?,
            };
            let Some(mut call) = alias_call(run, back, phase, &name, now.as_ref(), &mut fenced)? else {
                return Ok(match (&back.goal, &now) {
                    (Goal::Absent { .. }, Some(_)) => AliasEnd::ToDelete,
                    _ => AliasEnd::Back(now),
                });
            };
            if let (true, Call::UpdateAlias(update), Some(first)) =
                (seeded(Bug::StaleRevision), &mut call, &back.first_revision)
            {
                update.revision.clone_from(first);
            }
            let sent = if target_checked {
                self.write(None, &call).await
            } else {
                target_checked = true;
                let (sent, target) = join(self.write(None, &call), self.target(back)).await;
                if sent.is_ok() {
                    target?;
                }
                sent
            };
            if let Err(error) = sent {
                self.retry_back(attempt, &call, &error).await?;
                last = Some(error);
            }
        }
        let error = last.map_or_else(|| "it does not stay where it is put".into(), |e| e.to_string());
        Err(Problem::new(Code::InBetween, format!("{name} could not be moved back")).why(error))
    }

    /// The version that an alias goes back to must still be able to run.
    async fn target(&self, back: &AliasBack) -> Result<(), Problem> {
        let Goal::At(at) = &back.goal else { return Ok(()) };
        let version = at.version;
        let qualifier = version.number().map(|n| n.to_string());
        let found = self.find(GetFunction { function: back.function.clone(), qualifier }).await?;
        dead(&back.function, &back.alias, version, found.as_ref()).map_or(Ok(()), Err)
    }

    async fn stage_back(&self, way: &WayBack, back: &StageBack, undone: &mut Undone) -> bool {
        match self.try_stage_back(way, back).await {
            Ok((stage, others)) => {
                undone.now.push(stage_line(back, &stage));
                for field in &others {
                    undone.leave(
                        Problem::new(
                            Code::StageChanged,
                            format!("somebody changed the {field} of {} after this release", back.stage),
                        )
                        .why(format!("it serves deployment {}; that was left as it is", stage.deployment))
                        .fix(format!("look: stagegate status {}", back.stage)),
                    );
                }
                others.is_empty()
            }
            Err(problem) => {
                undone.leave(problem);
                false
            }
        }
    }

    async fn try_stage_back(&self, way: &WayBack, back: &StageBack) -> Result<(Stage, Vec<&'static str>), Problem> {
        let (api, name) = (back.stage.api.clone(), back.stage.stage.clone());
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let now = self.read(GetStage { api: api.clone(), stage: name.clone() }).await?;
            let ours = self.ours(way, back, &now).await?;
            let (side, others) = back.before.back_from(&ours, &now);
            let Some(call) = side.patch(&back.stage, &now) else { return Ok((now, others)) };
            if let Err(error) = self.write(None, &call).await {
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
        let known = back.ours.deployment.is_some() || back.before.deployment.is_none();
        if known || back.before.deployment.as_ref() == Some(&now.deployment) {
            let deployment = back.ours.deployment.clone().or_else(|| back.before.deployment.clone());
            return Ok(StageSide { deployment, ..back.ours.clone() });
        }
        let request = GetDeployment { api: back.stage.api.clone(), deployment: now.deployment.clone() };
        let deployment =
            self.find(request).await?.filter(|d| d.description.parse::<Marker>().is_ok_and(|m| m.run == way.run));
        let deployment = Some(deployment.map_or_else(|| "of somebody else".to_owned(), |d| d.id));
        Ok(StageSide { deployment, ..back.ours.clone() })
    }

    async fn grants_back(&self, way: &WayBack, stage_is_back: bool, undone: &mut Undone) {
        for grant in &way.grants {
            if !stage_is_back {
                undone.now.push(format!(
                    "statement {} of {}:{} stays: the stage may need it",
                    grant.sid, grant.function, grant.alias
                ));
                continue;
            }
            match self.grant_back(grant).await {
                Ok(false) => {}
                Ok(true) => {
                    undone.now.push(format!("statement {} of {}:{} removed", grant.sid, grant.function, grant.alias))
                }
                Err(problem) => undone.leave(problem),
            }
        }
    }

    /// Whether the statement had to be removed; it may never have been added.
    async fn grant_back(&self, grant: &GrantBack) -> Result<bool, Problem> {
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
            if let Err(error) = self.write(None, &call).await {
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

    /// An alias that the release created goes when the stage is back and nobody else refers to it.
    async fn delete_created(&self, way: &WayBack, back: &AliasBack, stage_is_back: bool, undone: &mut Undone) {
        let name = format!("{}:{}", back.function, back.alias);
        let kept = |why: String| Left {
            problem: Problem::new(Code::AliasKept, format!("{name}, which this release created, is kept"))
                .level(Level::Warning)
                .why(why),
            needs_person: !stage_is_back,
        };
        if !stage_is_back {
            undone.left.push(kept("the stage is not back yet and may call it".into()));
            return;
        }
        match self.users_of(way, back).await {
            Ok(Some(user)) => {
                undone.now.push(format!("{name} is kept: {user}"));
                undone.left.push(kept(user));
            }
            Ok(None) => match self.delete(back).await {
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
            return Ok(Some(format!("statement {sid} in its policy is not this release's")));
        }
        let Some(stage) = &way.stage else { return Ok(None) };
        let Some((variable, _)) = &stage.before.variable else { return Ok(None) };
        let stages = self.read(GetStages { api: stage.stage.api.clone() }).await?;
        let other = stages.into_iter().find(|(name, other)| {
            *name != stage.stage.stage && other.variables.get(variable).is_some_and(|v| v == back.alias.as_str())
        });
        Ok(other.map(|(name, _)| format!("stage {}/{name} calls it too", stage.stage.api)))
    }

    async fn delete(&self, back: &AliasBack) -> Result<(), Problem> {
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let request = GetAlias { function: back.function.clone(), alias: back.alias.clone() };
            if self.find(request).await?.is_none() {
                return Ok(());
            }
            let call = change::unroute(&back.function, &back.alias);
            if let Err(error) = self.write(None, &call).await {
                self.retry_back(attempt, &call, &error).await?;
                last = Some(error);
            }
        }
        let error = last.map_or_else(|| "it is still there".into(), |e: AwsError| e.to_string());
        Err(Problem::new(Code::InBetween, format!("{}:{} could not be deleted", back.function, back.alias)).why(error))
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

/// The write that moves an alias back; `None` when it is where it shall be.
fn alias_call(
    run: &RunId,
    back: &AliasBack,
    phase: Phase,
    name: &str,
    now: Option<&Alias>,
    fenced: &mut bool,
) -> Result<Option<Call>, Problem> {
    let at = match (&back.goal, now) {
        (Goal::Absent { .. }, Some(now)) if !is_of(run, now) => return Err(foreign(name, now)),
        // Before anything else goes back, the record says so: that also fences what the release may still have sent.
        (Goal::Absent { undoing: text }, Some(now)) if record_state(run, now) != Some(RecordState::Undoing) => {
            let routing = Routing { version: now.version, weights: now.weights.clone(), description: text.clone() };
            return Ok(Some(change::route(&back.function, &back.alias, Some(now), routing)));
        }
        (Goal::Absent { .. }, _) => return Ok(None),
        (Goal::At(at), _) => at,
    };
    let Some(now) = now else {
        return Err(Problem::new(Code::AliasMissing, format!("{name} was deleted, there is nothing to move back"))
            .exit(Exit::InBetween)
            .fix(format!(
                "create it again: aws lambda create-alias --function-name {} --name {} --function-version {}",
                back.function, back.alias, at.version
            )));
    };
    let write = |routing| Ok(Some(change::route(&back.function, &back.alias, Some(now), routing)));
    let (goal, last) = (at.routing(phase), at.routing(Phase::Last));
    if is_routed(now, &goal) || (at.only_ours && is_routed(now, &last)) {
        // A request of ours may still be on its way: any write changes the revision that it is guarded by.
        let is_fenced = std::mem::replace(fenced, true);
        return if is_fenced { Ok(None) } else { write(if is_routed(now, &goal) { goal } else { last }) };
    }
    match at.only_ours {
        true if is_rolled_back(run, now, at.version) => Ok(None),
        true if !is_of(run, now) => Err(foreign(name, now)),
        _ => write(goal),
    }
}

/// The release wrote this alias, and nobody after it.
fn is_of(run: &RunId, alias: &Alias) -> bool {
    record_state(run, alias).is_some_and(|state| state != RecordState::RolledBack)
}

/// Somebody has rolled this release back already.
fn is_rolled_back(run: &RunId, alias: &Alias, to: Version) -> bool {
    record_state(run, alias) == Some(RecordState::RolledBack) && alias.version == to
}

fn record_state(run: &RunId, alias: &Alias) -> Option<RecordState> {
    Description::parse(&alias.description).ok()?.record.filter(|r| r.run == *run).map(|r| r.state)
}

fn foreign(name: &str, now: &Alias) -> Problem {
    Problem::new(Code::AliasChanged, format!("somebody else moved {name}; it was left as it is"))
        .why(format!("it is on {} and its record is not this release's", now.version.label()))
        .fix(format!("look: stagegate status {name}"))
}

/// The message when a version cannot serve any more; `None` when it can.
pub fn dead(
    function: &crate::model::FunctionName,
    alias: &crate::model::AliasName,
    version: Version,
    found: Option<&Function>,
) -> Option<Problem> {
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

fn stage_line(back: &StageBack, now: &Stage) -> String {
    let variable = back.before.variable.as_ref().map_or_else(String::new, |(name, _)| {
        format!(", {name} {}", now.variables.get(name).map_or("(unset)", String::as_str))
    });
    format!("{} → deployment {}{variable}", back.stage, now.deployment)
}
