//! The writes of the canary commands: guarded by what was read, repeated after a look, read back.

use std::time::Duration;

use super::Act;
use crate::aws::operation::GetStage;
use crate::aws::{Aws, Remedy, explain};
use crate::change::Change;
use crate::cli::end::partly;
use crate::cli::session::Session;
use crate::cli::target::Located;
use crate::cli::{App, new_run};
use crate::clock::Clock;
use crate::engine::{Engine, READ_BACK_MAX, SETTLE, Settings, WRITE_ATTEMPTS_MAX};
use crate::journal::MemoryJournal;
use crate::model::StageRef;
use crate::problem::{Code, Exit, Problem};
use crate::split::stage::{Step, Trial, is_same};
use crate::step::StepKind;

/// No release: no journal that anybody could go on from. Every write is whole on its own.
type Hand<'a, A, C> = Engine<'a, A, C, MemoryJournal>;

/// Carries everything out; says what is true then.
pub async fn carry_out<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    located: &Located,
    acts: &[Act<'_>],
) -> Result<Vec<String>, Problem> {
    let (journal, settings) = (MemoryJournal::default(), Settings::default());
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, journal, new_run(&app.env), settings);
    let mut done = Vec::new();
    for act in acts {
        match act {
            Act::Alias(one, step) => {
                let before = &one.weighted.alias;
                let before = crate::aws::noun::Routing {
                    version: before.version,
                    weights: before.weights.clone(),
                    description: before.description.clone(),
                };
                let (function, alias) = (one.function.clone(), one.name.clone());
                let change = Change::Alias { function, alias, before: Some(before), want: step.routing.clone() };
                engine.carry_out(StepKind::Canary, &change).await.map_err(|problem| partly(problem, &done, located))?;
                done.push(step.says.clone());
            }
            Act::Stage(trial, steps) => {
                stage(&engine, trial, steps, &mut done).await.map_err(|problem| partly(problem, &done, located))?
            }
        }
    }
    Ok(done)
}

async fn stage<A: Aws, C: Clock>(
    engine: &Hand<'_, A, C>,
    trial: &Trial,
    steps: &[Step],
    done: &mut Vec<String>,
) -> Result<(), Problem> {
    let mut before = &trial.stage;
    for step in steps {
        patch(engine, &trial.place, before, step).await?;
        done.push(step.says.clone());
        before = &step.after;
    }
    Ok(())
}

/// One write to a stage. Stages have no revision: what is there is compared right before the write, and a write without
/// an answer is waited out (SPEC §2 rule 2).
async fn patch<A: Aws, C: Clock>(
    engine: &Hand<'_, A, C>,
    place: &StageRef,
    before: &crate::aws::noun::Stage,
    step: &Step,
) -> Result<(), Problem> {
    let call = step.call(place);
    let mut acknowledged = false;
    for attempt in 1..=WRITE_ATTEMPTS_MAX + READ_BACK_MAX {
        let now = engine.read(GetStage { api: place.api.clone(), stage: place.stage.clone() }).await?;
        if is_same(&now, &step.after) {
            return Ok(());
        }
        if !is_same(&now, before) {
            return Err(Problem::new(
                Code::StageChanged,
                format!("somebody else changed stage {place} at the same time"),
            )
            .why(format!("it serves deployment {} now", now.deployment))
            .exit(Exit::Conflict));
        }
        if acknowledged {
            engine.clock.sleep(Duration::from_secs(1)).await;
            continue;
        }
        let Err(error) = engine.write(Some(StepKind::Canary), &call, attempt).await else {
            acknowledged = true;
            continue;
        };
        match error.remedy() {
            Remedy::SlowDown | Remedy::WaitForOther | Remedy::Look if attempt < WRITE_ATTEMPTS_MAX => {
                engine.pause_before_retry(attempt, &error).await;
            }
            Remedy::Unknown if attempt < WRITE_ATTEMPTS_MAX => engine.clock.sleep(SETTLE).await,
            _ => return Err(explain::problem(call.operation(), &call.subject(), &error)),
        }
    }
    Err(Problem::new(Code::ServiceError, format!("AWS accepted a change of {place} that does not show")))
}
