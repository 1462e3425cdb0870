//! Deleting what goes: looked at again batch by batch, sent once at a time, looked at afterwards.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::observe::{self, PARALLEL};
use super::sweep::{candidate_reasons, deployment_reasons, in_flight, version_reasons};
use super::{Item, Observed, ObservedApi, ObservedFunction, Reason, Rules, Sweep, Thing, Want};
use crate::aws::noun::StageKind;
use crate::aws::operation::{DeleteVersion, GetAlias, GetFunction, GetVersionPolicy};
use crate::aws::{Aws, AwsError, Call, Remedy, explain, gateway};
use crate::change::unroute;
use crate::clock::Clock;
use crate::engine::{Engine, LINGER, READ_BACK_MAX, Signal, Stop as EngineStop, WRITE_ATTEMPTS_MAX};
use crate::event::Event;
use crate::journal::Journal;
use crate::model::{Description, FunctionName};
use crate::plan::Observer;
use crate::policy;
use crate::problem::{Code, Problem};

/// Versions of a function that go on one look at its aliases.
const VERSIONS_PER_LOOK: usize = 10;
/// Deployments that go on one look at the stages, and at the aliases of every function behind the API.
const DEPLOYMENTS_PER_LOOK: usize = 25;

/// Why it ended early.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// A person or a runner wants it to stop.
    Interrupted(Signal),
    /// AWS or access failed, or a release of the target has begun.
    Failed(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// How it ended. What is in neither list was not come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// What was deleted, and read back as gone.
    pub gone: Vec<Item>,
    /// What stays after all, with the reason.
    pub kept: Vec<Item>,
    /// Why it ended early.
    pub stop: Option<Stop>,
}

/// Deletes what goes. Nothing that was ever written down as a way back is touched, whatever happens in between: a crash,
/// a lost reply or a refusal leaves a smaller account and nothing to repair.
pub async fn delete<A: Aws, C: Clock, J: Journal>(
    engine: &Engine<'_, A, C, J>,
    observed: &Observed,
    want: &Want,
    rules: &Rules,
    sweep: &Sweep,
) -> Swept {
    let this = Deletion { engine, observed, want, rules, gone: RefCell::default(), kept: RefCell::default() };
    let stop = this.run(sweep).await.err();
    Swept { gone: this.gone.into_inner(), kept: this.kept.into_inner(), stop }
}

/// What became of one deletion.
enum End {
    Gone,
    Refused(String),
}

struct Deletion<'a, 'e, A, C, J> {
    engine: &'a Engine<'e, A, C, J>,
    observed: &'a Observed,
    want: &'a Want,
    rules: &'a Rules,
    gone: RefCell<Vec<Item>>,
    kept: RefCell<Vec<Item>>,
}

impl<A: Aws, C: Clock, J: Journal> Deletion<'_, '_, A, C, J> {
    async fn run(&self, sweep: &Sweep) -> Result<(), Stop> {
        let mut versions: BTreeMap<&FunctionName, Vec<&Item>> = BTreeMap::new();
        let (mut deployments, mut aliases) = (Vec::new(), Vec::new());
        for item in sweep.goes() {
            match &item.thing {
                Thing::Version { function, .. } => versions.entry(function).or_default().push(item),
                Thing::Deployment { .. } => deployments.push(item),
                Thing::Alias { .. } => aliases.push(item),
            }
        }
        // One that stops stops the others before their next deletion.
        let stopped: RefCell<Option<Stop>> = RefCell::default();
        let work = stream::iter(versions).for_each_concurrent(PARALLEL, async |(function, items)| {
            if let Err(stop) = self.versions(function, &items, &stopped).await {
                stopped.borrow_mut().get_or_insert(stop);
            }
        });
        work.await;
        if let Some(stop) = stopped.into_inner() {
            return Err(stop);
        }
        self.deployments(&deployments).await?;
        self.aliases(&aliases).await
    }

    fn check_interrupt(&self) -> Result<(), Stop> {
        self.engine.interrupt.raised().map_or(Ok(()), |signal| Err(Stop::Interrupted(signal)))
    }

    async fn versions(
        &self,
        name: &FunctionName,
        items: &[&Item],
        stopped: &RefCell<Option<Stop>>,
    ) -> Result<(), Stop> {
        let Some(observed) = self.observed.functions.iter().find(|one| one.function == *name) else { return Ok(()) };
        for batch in items.chunks(VERSIONS_PER_LOOK) {
            if stopped.borrow().is_some() {
                return Ok(());
            }
            self.check_interrupt()?;
            let fresh = self.refreshed(observed).await?;
            for item in batch {
                if stopped.borrow().is_some() {
                    return Ok(());
                }
                self.check_interrupt()?;
                let Thing::Version { function, version } = &item.thing else { continue };
                let (function, version) = (function.clone(), *version);
                let mut reasons = version_reasons(&fresh, version.get(), item.by.as_ref(), self.observed);
                let request = GetVersionPolicy { function: function.clone(), version };
                if reasons.is_empty()
                    && self.engine.find(request).await?.is_some_and(|policy| is_open(&policy.document))
                {
                    reasons.push(Reason::Permitted);
                }
                self.dispatch(item, reasons, Call::DeleteVersion(DeleteVersion { function, version })).await?;
            }
        }
        Ok(())
    }

    /// The function with its aliases as they are now, unless a release of the target has begun.
    async fn refreshed(&self, observed: &ObservedFunction) -> Result<ObservedFunction, Stop> {
        let aliases = observe::aliases(self.engine.aws, &observed.function).await?;
        let fresh = ObservedFunction { aliases, ..observed.clone() };
        match in_flight(std::slice::from_ref(&fresh), self.want, self.engine.clock.now()) {
            Some(problem) => Err(problem.into()),
            None => Ok(fresh),
        }
    }

    /// Everything whose record may name a deployment, as it is now.
    async fn looked_at_again(&self, api: &ObservedApi) -> Result<(Observed, ObservedApi), Stop> {
        let mut functions = Vec::new();
        for one in &self.observed.functions {
            functions.push(self.refreshed(one).await?);
        }
        let mut neighbours = Vec::new();
        for (function, _) in &api.neighbours {
            neighbours.push((function.clone(), observe::aliases(self.engine.aws, function).await?));
        }
        let stages = gateway::stages(self.engine.aws, &api.api).await?;
        let past = self.observed.past.clone();
        let observed = Observed { functions, api: None, candidates: Vec::new(), past };
        Ok((observed, ObservedApi { stages, neighbours, ..api.clone() }))
    }

    async fn deployments(&self, items: &[&Item]) -> Result<(), Stop> {
        let Some(api) = &self.observed.api else { return Ok(()) };
        let Some((_, first)) = api.stages.first() else { return Ok(()) };
        for batch in items.chunks(DEPLOYMENTS_PER_LOOK) {
            self.check_interrupt()?;
            let (observed, fresh) = self.looked_at_again(api).await?;
            for item in batch {
                self.check_interrupt()?;
                let Thing::Deployment { deployment, .. } = &item.thing else { continue };
                let Some(found) = api.deployments.iter().find(|one| one.id == *deployment) else { continue };
                let reasons = deployment_reasons(&fresh, found, item.by.as_ref(), &observed);
                self.dispatch(item, reasons, gateway::delete_deployment(&first.kind, &api.api, deployment)).await?;
            }
        }
        Ok(())
    }

    /// Aliases go a while after the stage was read without them: API Gateway may still call them (SPEC §2 rule 11).
    async fn aliases(&self, items: &[&Item]) -> Result<(), Stop> {
        let (engine, Some(api)) = (self.engine, &self.observed.api) else { return Ok(()) };
        let Some((stage, _)) = api.stages.first().filter(|_| !items.is_empty()) else { return Ok(()) };
        let waited = Duration::try_from(engine.clock.now().duration_since(self.rules.now)).unwrap_or_default();
        if waited < LINGER {
            let what = "API Gateway to have forgotten the candidate alias".into();
            engine.emit(&Event::Waiting { what, max_s: LINGER.as_secs() });
            engine.wait(LINGER - waited).await.map_err(stopped)?;
        }
        let observer = Observer { aws: engine.aws, clock: engine.clock, listener: engine.listener };
        let stage = crate::model::StageRef { api: api.api.clone(), stage: stage.clone() };
        for item in items {
            self.check_interrupt()?;
            let Thing::Alias { function: name, alias } = &item.thing else { continue };
            let Some(one) = self.observed.functions.iter().find(|one| one.function == *name) else { continue };
            let functions = vec![self.refreshed(one).await?];
            let candidates = observe::candidates(engine.aws, self.want, &functions).await?;
            let now = Some(observe::api(&observer, self.want, &stage, false).await?);
            let fresh = Observed { functions, api: now, candidates, past: self.observed.past.clone() };
            let candidate = fresh.candidates.iter().find(|one| one.function == *name && one.alias == *alias);
            let record = fresh.functions[0].aliases.iter().find(|(other, _)| other == alias);
            let record = record.and_then(|(_, found)| Description::parse(&found.description).ok()?.record);
            let (Some(candidate), Some(record)) = (candidate, record) else { continue };
            let reasons = candidate_reasons(candidate, &fresh.functions[0], &fresh, &record);
            self.dispatch(item, reasons, unroute(name, alias)).await?;
        }
        Ok(())
    }

    /// Deletes an item, or notes why it stays.
    async fn dispatch(&self, item: &Item, mut reasons: Vec<Reason>, call: Call) -> Result<(), Stop> {
        reasons.sort();
        reasons.dedup();
        let kept = match reasons.is_empty() {
            false => reasons,
            true => match self.remove(&item.thing, &call).await? {
                End::Gone => {
                    self.gone.borrow_mut().push(item.clone());
                    return Ok(());
                }
                End::Refused(why) => vec![Reason::Refused { why }],
            },
        };
        let problem = kept
            .iter()
            .fold(Problem::new(Code::KeptAfterAll, format!("{} stays after all", item.thing)), |problem, reason| {
                problem.why(reason.to_string())
            });
        self.engine.emit(&Event::Warning { problem: problem.aws_now("it is as it was") });
        self.kept.borrow_mut().push(Item { kept, ..item.clone() });
        Ok(())
    }

    /// Sends one deletion until it is read back as gone, refused for good, or cannot be settled. A deletion whose reply
    /// is missing is looked at; should it land later still, AWS judges it by what refers to the thing then.
    async fn remove(&self, thing: &Thing, call: &Call) -> Result<End, Stop> {
        let engine = self.engine;
        let (mut acknowledged, mut last): (u32, Option<AwsError>) = (0, None);
        for attempt in 1..=WRITE_ATTEMPTS_MAX + READ_BACK_MAX {
            if (acknowledged > 0 || last.is_some()) && !self.is_there(thing).await? {
                return Ok(End::Gone);
            }
            if acknowledged > 0 {
                acknowledged += 1;
                engine.clock.sleep(Duration::from_secs(1)).await;
                continue;
            }
            if last.as_ref().is_some_and(|error| error.remedy() == Remedy::SlowDown) {
                self.check_interrupt()?;
            }
            let Err(error) = engine.write(None, call, attempt).await else {
                acknowledged = 1;
                continue;
            };
            match error.remedy() {
                Remedy::SlowDown | Remedy::WaitForOther | Remedy::Unknown | Remedy::Missing
                    if attempt < WRITE_ATTEMPTS_MAX =>
                {
                    // What is missing is gone already, as far as it is read so.
                    if error.remedy() != Remedy::Missing {
                        engine.pause_before_retry(attempt, &error).await;
                    }
                    last = Some(error);
                }
                Remedy::Unknown if !self.is_there(thing).await? => return Ok(End::Gone),
                Remedy::Look | Remedy::Final => return Ok(End::Refused(error.to_string())),
                _ => return Err(failed(thing, call, &error).into()),
            }
        }
        Err(Problem::new(Code::ServiceError, format!("AWS accepted the deletion of {thing}, which still shows"))
            .why(format!("it was looked for {READ_BACK_MAX} times"))
            .into())
    }

    async fn is_there(&self, thing: &Thing) -> Result<bool, Problem> {
        self.find(thing).await.map_err(|problem| problem.why(format!("{thing} may be gone: that could not be read")))
    }

    async fn find(&self, thing: &Thing) -> Result<bool, Problem> {
        Ok(match thing {
            Thing::Version { function, version } => {
                let request = GetFunction { function: function.clone(), qualifier: Some(version.to_string()) };
                self.engine.find(request).await?.is_some()
            }
            Thing::Deployment { api, deployment } => {
                let stages = self.observed.api.iter().flat_map(|api| &api.stages);
                let kind = stages.map(|(_, stage)| stage.kind.clone()).next().unwrap_or(StageKind::Rest);
                gateway::deployment(self.engine.aws, &kind, api, deployment).await?.is_some()
            }
            Thing::Alias { function, alias } => {
                let request = GetAlias { function: function.clone(), alias: alias.clone() };
                self.engine.find(request).await?.is_some()
            }
        })
    }
}

fn failed(thing: &Thing, call: &Call, error: &AwsError) -> Problem {
    let problem = explain::problem(call.operation(), &call.subject(), error);
    match error.remedy() {
        Remedy::Unknown => problem.why(format!("{thing} may still go: the last request may be on its way")),
        _ => problem,
    }
}

/// Whether a policy lets anybody in: one without statements does not.
fn is_open(document: &str) -> bool {
    !policy::statement_ids(document).is_empty()
}

/// The waits of an engine end by a signal only.
fn stopped(stop: EngineStop) -> Stop {
    match stop {
        EngineStop::Interrupted(signal) => Stop::Interrupted(signal),
        EngineStop::Failed(problem)
        | EngineStop::Conflict(problem)
        | EngineStop::Bad(problem)
        | EngineStop::Held(problem)
        | EngineStop::Expiring(problem) => Stop::Failed(problem),
        EngineStop::RolledBackElsewhere
        | EngineStop::DrivenElsewhere
        | EngineStop::Paused
        | EngineStop::Asked(_)
        | EngineStop::Recalled { .. }
        | EngineStop::Approval(_)
        | EngineStop::Baking(_)
        | EngineStop::Until(_) => Stop::Failed(Problem::new(Code::Internal, "a wait ended without a signal")),
    }
}
