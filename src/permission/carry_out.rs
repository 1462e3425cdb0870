//! The writes of the permission commands: guarded by the revision just read, repeated after a look, read back. What was
//! added is effective everywhere before anything goes that it takes the place of.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::prune::lost;
use super::subject::{Removal, Step, Subject, Useless, parsed};
use crate::aws::noun::Policy;
use crate::aws::operation::GetPolicy;
use crate::aws::{Aws, Remedy, explain, gateway};
use crate::change::{self, Change};
use crate::clock::Clock;
use crate::engine::{Engine, READ_BACK_MAX, WRITE_ATTEMPTS_MAX};
use crate::event::Event;
use crate::journal::Journal;
use crate::model::StageRef;
use crate::policy::{self, Document, edit};
use crate::problem::{Code, Exit, Problem};
use crate::split::stage::is_same;
use crate::step::StepKind;

/// What is known of time.
#[derive(Debug, Clone, Copy)]
pub struct Settling {
    /// When the policies were read: what stood there then may have been added right before.
    pub looked: Timestamp,
    /// How long a statement takes until it is effective everywhere.
    pub settle: Duration,
}

/// Carries out the steps of each alias, in their order. `done` gets a line for each that was read back, whatever comes
/// after it.
///
/// # Errors
/// A write is refused, or somebody else changed what the steps were made from.
pub async fn carry_out<A: Aws, C: Clock, J: Journal>(
    engine: &Engine<'_, A, C, J>,
    settling: Settling,
    work: &[(&Subject, Vec<Step>)],
    done: &mut Vec<String>,
) -> Result<(), Problem> {
    let mut since = settling.looked;
    let mut rest: Vec<(&Subject, VecDeque<Step>)> =
        work.iter().map(|(subject, steps)| (*subject, steps.iter().cloned().collect())).collect();
    while rest.iter().any(|(_, steps)| !steps.is_empty()) {
        if rest.iter().any(|(_, steps)| matches!(steps.front(), Some(Step::Remove(_)))) {
            settled(engine, since + settling.settle).await?;
        }
        // One wait is enough for all aliases: what goes first, then what comes, for each of them.
        for (subject, steps) in &mut rest {
            while let Some(Step::Remove(removal)) = steps.front() {
                remove(engine, subject, &work_of(work, subject), removal).await?;
                done.push(line(subject, steps.front()));
                steps.pop_front();
            }
            while let Some(Step::Add(statement)) = steps.front() {
                let (function, alias) = (subject.function.clone(), subject.alias.clone());
                let change = Change::Grant { function, alias, statement: statement.clone() };
                engine.carry_out(StepKind::Permission, &change).await?;
                done.push(line(subject, steps.front()));
                steps.pop_front();
                since = engine.clock.now();
            }
        }
    }
    for (subject, steps) in work {
        prove(engine, subject, steps).await?;
    }
    Ok(())
}

fn line(subject: &Subject, step: Option<&Step>) -> String {
    format!("{}  {}", subject.label(), step.map(Step::line).unwrap_or_default())
}

fn work_of(work: &[(&Subject, Vec<Step>)], of: &Subject) -> Vec<Step> {
    let own = work.iter().filter(|(subject, _)| subject.label() == of.label());
    own.flat_map(|(_, steps)| steps.iter().cloned()).collect()
}

async fn settled<A: Aws, C: Clock, J: Journal>(engine: &Engine<'_, A, C, J>, until: Timestamp) -> Result<(), Problem> {
    let left = Duration::try_from(until.duration_since(engine.clock.now())).unwrap_or_default();
    if left.is_zero() {
        return Ok(());
    }
    let what = "every statement that stays to be effective everywhere".to_owned();
    engine.emit(&Event::Waiting { what, max_s: left.as_secs().max(1) });
    engine.wait(left).await.map_err(|_| Problem::new(Code::Interrupted, "stopped between two changes of a policy"))
}

/// Removes a statement, as long as it is the one that was shown and what is left still allows every call.
async fn remove<A: Aws, C: Clock, J: Journal>(
    engine: &Engine<'_, A, C, J>,
    subject: &Subject,
    steps: &[Step],
    removal: &Removal,
) -> Result<(), Problem> {
    let (function, alias) = (&subject.function, &subject.alias);
    let mut acknowledged = false;
    for attempt in 1..=WRITE_ATTEMPTS_MAX + READ_BACK_MAX {
        let found = engine.find(GetPolicy { function: function.clone(), alias: alias.clone() }).await?;
        let Some(found) = found.filter(|policy| edit::statement(&policy.document, &removal.sid).is_some()) else {
            return Ok(());
        };
        if acknowledged {
            engine.clock.sleep(Duration::from_secs(1)).await;
            continue;
        }
        still_useless(engine, subject, steps, removal, &found).await?;
        let call = change::revoke(function, alias, &removal.sid, &found);
        let Err(error) = engine.write(Some(StepKind::Permission), &call, attempt).await else {
            acknowledged = true;
            continue;
        };
        match error.remedy() {
            Remedy::SlowDown | Remedy::WaitForOther | Remedy::Look | Remedy::Missing
                if attempt < WRITE_ATTEMPTS_MAX =>
            {
                engine.pause_before_retry(attempt, &error).await;
            }
            // Its revision fences it: it lands on what was read, or not at all.
            Remedy::Unknown if attempt < WRITE_ATTEMPTS_MAX => {}
            _ => return Err(explain::problem(call.operation(), &call.subject(), &error)),
        }
    }
    let what =
        format!("AWS accepted that statement {} of {} is removed, and it is there", removal.sid, subject.label());
    Err(Problem::new(Code::ServiceError, what))
}

async fn still_useless<A: Aws, C: Clock, J: Journal>(
    engine: &Engine<'_, A, C, J>,
    subject: &Subject,
    steps: &[Step],
    removal: &Removal,
    found: &Policy,
) -> Result<(), Problem> {
    let changed = |why: String| {
        let what = format!("somebody else changed the policy of {} at the same time", subject.label());
        Problem::new(Code::AliasChanged, what).why(why).exit(Exit::Conflict)
    };
    if edit::statement(&found.document, &removal.sid).as_ref() != Some(&removal.was) {
        return Err(changed(format!("statement {} is not the one that was shown", removal.sid)));
    }
    let now = parsed(Some(&found.document), &subject.arn)?;
    let then = parsed(edit::without(&found.document, &removal.sid).as_deref(), &subject.arn)?;
    if let Some(call) = lost(subject, &now, &then) {
        return Err(changed(format!("{call} would not be let in without {}", removal.sid)));
    }
    match &removal.why {
        Useless::Redundant { .. } => {
            let settled = settled_part(subject, steps, now)?;
            match policy::covered_by(&settled, &removal.sid, &subject.arn) {
                Some(_) => Ok(()),
                None => Err(changed(format!("what covered {} is gone", removal.sid))),
            }
        }
        Useless::Gone { stage } => match gateway::stage(engine.aws, stage).await? {
            None => Ok(()),
            Some(_) => Err(changed_stage(stage, "it exists now")),
        },
        Useless::NotCalled { stage, seen } => match gateway::stage(engine.aws, stage).await? {
            Some(now) if !is_same(&now, seen) => Err(changed_stage(stage, "it may call the alias now")),
            _ => Ok(()),
        },
    }
}

/// Of a document, the statements that stood there when it was shown and those that were added since by us: one that
/// somebody adds meanwhile may not be effective yet.
fn settled_part(subject: &Subject, steps: &[Step], mut now: Document) -> Result<Document, Problem> {
    let added = |text: Option<String>, step: &Step| match step {
        Step::Add(statement) => Some(edit::with(text.as_deref(), &subject.arn, statement)),
        Step::Remove(_) => text,
    };
    let known = parsed(steps.iter().fold(subject.text().map(str::to_owned), added).as_deref(), &subject.arn)?;
    now.statements.retain(|statement| known.statements.contains(statement));
    Ok(now)
}

fn changed_stage(stage: &StageRef, why: &str) -> Problem {
    Problem::new(Code::StageChanged, format!("somebody else changed stage {stage} at the same time"))
        .why(why.to_owned())
        .exit(Exit::Conflict)
}

/// Reads back: every call that was let in still is, and after a grant all of them are.
async fn prove<A: Aws, C: Clock, J: Journal>(
    engine: &Engine<'_, A, C, J>,
    subject: &Subject,
    steps: &[Step],
) -> Result<(), Problem> {
    let found = engine.find(GetPolicy { function: subject.function.clone(), alias: subject.alias.clone() }).await?;
    let now = parsed(found.as_ref().map(|policy| policy.document.as_str()), &subject.arn)?;
    let before = subject.document()?;
    let grants = steps.iter().any(|step| matches!(step, Step::Add(_)));
    let was: Vec<bool> = subject.verdicts(&before).iter().map(|(_, verdict)| verdict.is_allowed()).collect();
    let refused = subject.verdicts(&now).into_iter().zip(was).find(|((_, v), was)| !v.is_allowed() && (grants || *was));
    match refused {
        None => Ok(()),
        Some(((call, _), _)) => {
            let (label, stage) = (subject.label(), &call.stage);
            Err(Problem::new(Code::InvokeBlocked, format!("{} of {stage} is not let in to {label}", call.caller))
                .why("somebody else changed the policy at the same time")
                .exit(Exit::InBetween)
                .fix(format!("let it in: stagegate permission grant '{stage}'")))
        }
    }
}
