//! Carrying out one reversible change: announce it, send it, look, and let *before*, *want* and *now* decide.

use std::time::Duration;

use super::{Engine, READ_BACK_MAX, SETTLE, Stop, WRITE_ATTEMPTS_MAX};
use crate::aws::noun::Patch;
use crate::aws::operation::{GetAlias, GetPolicy};
use crate::aws::{Aws, AwsError, Call, Operation, Remedy, explain, gateway};
use crate::change::{Change, Now, Standing};
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::{Entry, Journal, Wrote};
use crate::model::{Description, Percent};
use crate::problem::{Code, Problem};
use crate::seeded::{Bug, seeded};
use crate::step::StepKind;

/// One sending of a write.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// The step that sends it; none during a rollback.
    pub step: Option<StepKind>,
    pub operation: Operation,
    /// What it is about.
    pub resource: String,
    /// From 1.
    pub number: u32,
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Carries out one change that is no part of a release.
    ///
    /// # Errors
    /// It is not held, and why.
    pub async fn carry_out(&self, step: StepKind, change: &Change) -> Result<Now, Problem> {
        self.apply(step, change).await.map_err(|stop| stop.problem(&change.subject()))
    }

    /// Carries a change out, or says why it is not held. Safe to repeat, from here or from another process.
    pub(super) async fn apply(&self, step: StepKind, change: &Change) -> Result<Now, Stop> {
        let mut sent = Sent { announced: self.progress().intents.contains(change), ..Sent::default() };
        sent.may_have_landed = sent.announced;
        let end = self.try_apply(step, change, &mut sent).await;
        if end.is_err() && sent.announced && !sent.may_have_landed {
            // Every answer was a certain no: there is nothing to undo, and what is there now is not ours to touch.
            self.append(Entry::Refused { step, subject: change.subject() })?;
        }
        end
    }

    async fn try_apply(&self, step: StepKind, change: &Change, sent: &mut Sent) -> Result<Now, Stop> {
        let mut acknowledged = 0;
        let mut last: Option<AwsError> = None;
        let was_created = sent.announced && self.was_created(change);
        for attempt in 1..=WRITE_ATTEMPTS_MAX + READ_BACK_MAX {
            let now = self.look(change).await?;
            match change.standing(&now) {
                Standing::Applied => {
                    self.held(step, change, sent.announced)?;
                    return Ok(now);
                }
                Standing::Drifted => return Err(self.drift(change, &now).await),
                // It was there and is gone: somebody took it back, and is not to be overruled.
                Standing::NotApplied if was_created => return Err(self.drift(change, &now).await),
                Standing::NotApplied if acknowledged > READ_BACK_MAX => break,
                Standing::NotApplied if acknowledged > 0 => {
                    acknowledged += 1;
                    self.clock.sleep(Duration::from_secs(1)).await;
                    continue;
                }
                Standing::NotApplied => {}
            }
            // Also between two attempts: what was sent was looked for, and the way back looks again.
            self.check_interrupt()?;
            if !sent.announced {
                if !seeded(Bug::IntentAfterEffect) {
                    self.append(Entry::Intent { step, change: change.clone() })?;
                }
                sent.announced = true;
            }
            let Some(call) = change.forward(&now) else { break };
            let answer = self.write(Some(step), &call, attempt).await;
            sent.may_have_landed |= answer.as_ref().err().is_none_or(|error| error.remedy() == Remedy::Unknown);
            if seeded(Bug::IntentAfterEffect) {
                self.append(Entry::Intent { step, change: change.clone() })?;
            }
            match answer {
                Ok(()) => acknowledged = 1,
                Err(error) => {
                    self.after_error(attempt, &call, &error).await?;
                    last = Some(error);
                }
            }
        }
        Err(Stop::Failed(not_held(change, last.as_ref())))
    }

    /// Whether the journal says that this change has created its alias.
    fn was_created(&self, change: &Change) -> bool {
        matches!(change, Change::Alias { before: None, .. }) && self.progress().aliases_done.contains(&change.subject())
    }

    fn held(&self, step: StepKind, change: &Change, announced: bool) -> Result<(), Problem> {
        self.unsure.set(false);
        if announced { self.append(Entry::Done { step, subject: change.subject() }) } else { Ok(()) }
    }

    /// What to do before looking again: wait when the service asked for it, or when the write may still land and
    /// nothing fences it. An error that is final ends the change; the way back looks at what is there.
    async fn after_error(&self, attempt: u32, call: &Call, error: &AwsError) -> Result<(), Stop> {
        let failed = || Stop::Failed(explain::problem(call.operation(), &call.subject(), error));
        if seeded(Bug::TrustError) {
            return Err(failed());
        }
        match error.remedy() {
            Remedy::SlowDown | Remedy::WaitForOther | Remedy::Look | Remedy::Missing
                if attempt < WRITE_ATTEMPTS_MAX =>
            {
                self.pause_before_retry(attempt, error).await;
                Ok(())
            }
            Remedy::Unknown => {
                if is_fenced(call) {
                    // Until a write of ours changes the revision, this one may still land.
                    self.unsure.set(true);
                } else {
                    // Whoever goes back in the meantime does not wait for it, and looks again afterwards.
                    let unsure = self.unsure.replace(true);
                    self.wait(SETTLE).await?;
                    self.unsure.set(unsure);
                }
                if attempt < WRITE_ATTEMPTS_MAX { Ok(()) } else { Err(failed()) }
            }
            _ => Err(failed()),
        }
    }

    /// Sends a write, once; `attempt` counts from 1, for whoever listens.
    pub(crate) async fn write(&self, step: Option<StepKind>, call: &Call, attempt: u32) -> Result<(), AwsError> {
        let answer = self.aws.call(call).await;
        let result = answer.as_ref().map(|_| describe(call));
        self.answered(Attempt { step, operation: call.operation(), resource: call.subject(), number: attempt }, result);
        answer.map(|_| ())
    }

    /// Notes and tells how a write was answered: what it did, or the error.
    pub(super) fn answered(&self, attempt: Attempt, result: Result<String, &AwsError>) {
        if result.as_ref().err().is_none_or(|error| error.remedy() == Remedy::Unknown) {
            self.note_write();
        }
        let ok = result.is_ok();
        let Wrote { step, api, resource, attempt, result, .. } = self.keep_answer(attempt, result);
        let release = self.run.clone();
        self.emit(&if ok {
            Event::AwsWrite { release, step, api, resource, result }
        } else {
            Event::Retry { api, resource, why: result, attempt }
        });
    }

    /// Notes in the journal how a write was answered. Whoever must know that the journal takes nothing more is told by
    /// the next intent, before its write is sent.
    pub(super) fn keep_answer(&self, attempt: Attempt, result: Result<String, &AwsError>) -> Wrote {
        let Attempt { step, operation, resource, number: attempt } = attempt;
        if result.as_ref().err().is_none_or(|error| error.remedy() == Remedy::Unknown) {
            self.acted.set(true);
        }
        let (api, ok) = (operation.to_string(), result.is_ok());
        let result = result.unwrap_or_else(ToString::to_string);
        let wrote = Wrote { step, api, resource, attempt, ok, result };
        let _ = self.append(Entry::Wrote(wrote.clone()));
        wrote
    }

    /// Reads the resource that a change is about.
    pub(crate) async fn look(&self, change: &Change) -> Result<Now, Problem> {
        Ok(match change {
            Change::Alias { function, alias, .. } => {
                Now::Alias(self.find(GetAlias { function: function.clone(), alias: alias.clone() }).await?)
            }
            Change::Grant { function, alias, .. } => {
                Now::Policy(self.find(GetPolicy { function: function.clone(), alias: alias.clone() }).await?)
            }
            Change::Stage { stage, .. } => Now::Stage(Box::new(gateway::existing_stage(self.aws, stage).await?)),
        })
    }
}

/// What is known of the writes for one change.
#[derive(Default)]
struct Sent {
    /// The journal holds the intent.
    announced: bool,
    /// Any of them succeeded, or was not answered; or another process sent some.
    may_have_landed: bool,
}

/// Whether a late arrival of this write is refused by AWS once anything else has changed the resource.
fn is_fenced(call: &Call) -> bool {
    match call {
        Call::UpdateAlias(_) => true,
        Call::AddPermission(add) => add.revision.is_some(),
        Call::RemovePermission(remove) => remove.revision.is_some(),
        _ => false,
    }
}

fn not_held(change: &Change, last: Option<&AwsError>) -> Problem {
    let subject = change.subject();
    if let Some(cause) = last.and_then(AwsError::unreached) {
        return explain::unreachable(&format!("{subject} could not be changed: AWS cannot be reached"), cause);
    }
    match last {
        Some(error) if error.remedy() == Remedy::SlowDown => Problem::new(
            Code::Throttled,
            format!("{subject} could not be changed: AWS still throttles after {WRITE_ATTEMPTS_MAX} attempts"),
        )
        .why(error.to_string()),
        Some(error) => {
            Problem::new(Code::ServiceError, format!("{subject} could not be changed")).why(error.to_string())
        }
        None => Problem::new(Code::ServiceError, format!("AWS accepted a change of {subject} that does not show"))
            .why(format!("it was looked for {READ_BACK_MAX} times")),
    }
}

/// Names what was changed, and by what it was found.
pub(crate) fn changed_by_others(change: &Change, now: &Now) -> Problem {
    let subject = change.subject();
    let (code, what) = match change {
        Change::Alias { .. } => (Code::AliasChanged, format!("somebody else changed {subject} during this release")),
        Change::Grant { .. } => {
            (Code::AliasChanged, format!("somebody else changed the policy of {subject} during this release"))
        }
        Change::Stage { .. } => {
            (Code::StageChanged, format!("somebody else changed stage {subject} during this release"))
        }
    };
    let mut problem = Problem::new(code, what);
    match (change, now) {
        (Change::Alias { before, want, .. }, Now::Alias(now)) => {
            let was = before.as_ref().map_or_else(|| "absent".into(), |r| r.version.label());
            let is = now.as_ref().map_or_else(
                || "absent".into(),
                |a| {
                    if a.weights.is_empty() {
                        a.version.label()
                    } else {
                        format!("{} with weights {:?}", a.version.label(), a.weights)
                    }
                },
            );
            problem = problem.why(format!("before {was}, wanted {}, now {is}", want.version.label()));
            if let Some(now) = now {
                problem = problem.why(format!("its description is now `{}`", now.description));
            }
        }
        (Change::Stage { before, want, .. }, Now::Stage(now)) => {
            if let (Some(before), Some(want)) = (&before.deployment, &want.deployment) {
                problem = problem.why(format!("deployment before {before}, wanted {want}, now {}", now.deployment));
            }
            for (name, want) in &want.variables {
                let text = |v: Option<&String>| v.map_or("(unset)".to_owned(), Clone::clone);
                problem = problem.why(format!(
                    "variable {name} before {}, wanted {}, now {}",
                    text(before.variables.get(name).and_then(Option::as_ref)),
                    text(want.as_ref()),
                    text(now.variables.get(name))
                ));
            }
            if let Some(canary) = &now.canary {
                problem = problem.why(format!("a canary of {} % is attached", canary.percent));
            }
        }
        _ => {}
    }
    problem
}

/// What a write does, one line.
fn describe(call: &Call) -> String {
    match call {
        Call::PublishVersion(_) => "published".into(),
        Call::CreateAlias(c) => format!("created on {}", c.routing.version.label()),
        Call::UpdateAlias(u) => {
            let more = u.routing.weights.iter().map(|(v, share)| format!(", v{v} {}", Percent::of_share(*share)));
            let record = Description::parse(&u.routing.description).ok().and_then(|description| description.record);
            let state = record.map_or_else(String::new, |record| format!(", record {}", record.state));
            format!("→ {}{}{state}", u.routing.version.label(), more.collect::<String>())
        }
        Call::DeleteAlias(_) | Call::DeleteVersion(_) | Call::DeleteDeployment(_) | Call::DeleteHttpDeployment(_) => {
            "deleted".into()
        }
        Call::AddPermission(a) => format!("statement {} added", a.statement.sid),
        Call::RemovePermission(r) => format!("statement {} removed", r.sid),
        Call::CreateDeployment(_) | Call::CreateHttpDeployment(_) => {
            "deployment created, nothing points at it yet".into()
        }
        Call::UpdateStage(update) => update.patches.iter().map(patched).collect::<Vec<_>>().join(", "),
        Call::UpdateHttpStage(update) => {
            let deployment = update.deployment.iter().map(|id| format!("→ deployment {id}"));
            let variables = (!update.variables.is_empty()).then(|| "variables set".to_owned());
            deployment.chain(variables).collect::<Vec<_>>().join(", ")
        }
        other => other.operation().name().to_owned(),
    }
}

/// What a patch does; values of variables are nobody's business here.
fn patched(patch: &Patch) -> String {
    let name = |path: &str| path.trim_start_matches('/').replace("canarySettings/", "canary ").replace('/', " ");
    match patch {
        Patch::Replace { path, value } if path == "/deploymentId" => format!("→ deployment {value}"),
        Patch::Replace { path, value } if path.starts_with("/canarySettings/") && !path.contains("Overrides") => {
            format!("{} {value}", name(path))
        }
        Patch::Replace { path, .. } => format!("{} set", name(path)),
        Patch::Remove { path } => format!("{} removed", name(path)),
        Patch::Copy { from, path } => format!("{} copied from {}", name(path), name(from)),
    }
}
