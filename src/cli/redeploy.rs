//! `redeploy`: a stage serves the live definition of its API, or a deployment that exists.

use super::args::RedeployArgs;
use super::consent::{self, Consent};
use super::end::End;
use super::log::Log;
use super::members;
use super::protect::guard;
use super::session::{Session, connect};
use super::target::{Located, Need, configured_with_files, locate};
use super::{App, new_run};
use crate::aws::layers::Pace;
use crate::aws::{Aws, gateway};
use crate::clock::Clock;
use crate::engine::{Engine, Settings};
use crate::journal::{Ending, Entry};
use crate::model::{Record, StageRef, Target};
use crate::permission::{self, Look, Wanted};
use crate::plan::{ByHand, ObservedStage, StagePlan};
use crate::problem::{Code, Exit, Level, Problem};

const GOES_ON: &str = "the command goes on: it says how to go back";
/// Routes that are named when they would not be let in.
const NAMED: usize = 5;

/// Redeploys.
pub async fn run(app: &App, args: RedeployArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    // Where nobody can be asked and no flag says yes, AWS is not even read.
    agreed(app, &located, &args)?;
    let session = connect(app, &located, Pace::Share).await?;
    located.follow(app, &session).await?;
    redeploy(app, &located, &session, &args).await
}

/// Redeploys over a connection.
pub async fn redeploy<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &RedeployArgs,
) -> Result<End, Problem> {
    let stage = located.stage().ok_or_else(|| no_stage(located))?;
    session.identify(app).await?;
    app.reporter.busy("reading AWS");
    let look = look(app, session, stage).await?;
    let observed = look.read().next().ok_or_else(|| gateway::missing(stage))?;
    let wanted = match &args.to {
        Some(id) => {
            let found = gateway::deployment(&session.aws, &observed.stage.kind, &stage.api, id).await?;
            ByHand::to(observed, id, found.as_ref())?
        }
        None => {
            let target = configured_with_files(app, located);
            not_from_elsewhere(target.as_ref(), located, args.force)?;
            ByHand::of(observed, target.as_ref(), args.force)?
        }
    };
    app.reporter.say(&format!("{}\n", wanted.lines.join("\n")));
    for notice in &wanted.notices {
        app.warn(&Problem::new(notice.code, notice.text.clone()));
    }
    let Some(plan) = &wanted.plan else {
        let deployment = Some(observed.stage.deployment.clone());
        return Ok(End::new(Exit::Done, "unchanged").deployment(deployment));
    };
    not_held(&look, located)?;
    if args.to.is_none() {
        not_let_in(app, &look)?;
    }
    agreed(app, located, args)?.obtain_for_repair(app).await?;
    still_free(session, &look, located).await?;
    carry_out(app, located, session, observed, plan, args).await
}

async fn look<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, stage: &StageRef) -> Result<Look, Problem> {
    let wanted = Wanted { stages: vec![stage.clone()], called: true, ..Wanted::default() };
    permission::look(&session.observer(app), &session.region, &wanted).await
}

/// The command as it was given, but for the confirmation.
fn repeated(located: &Located, args: &RedeployArgs) -> String {
    let flag = match &args.to {
        Some(id) => format!(" --to {}", super::target::shell_word(id)),
        None if args.force => " --force".to_owned(),
        None => String::new(),
    };
    located.command(&format!("redeploy{flag}"))
}

fn agreed(app: &App, located: &Located, args: &RedeployArgs) -> Result<Consent, Problem> {
    let command = repeated(located, args);
    let given = (args.agreed.yes, args.agreed.confirm.as_deref());
    consent::repair(guard(app, located)?.as_deref(), given, app.silence(), ("redeploy", &command))
}

/// A target that takes the deployment that another one proved gets no other by accident.
fn not_from_elsewhere(target: Option<&Target>, located: &Located, force: bool) -> Result<(), Problem> {
    let target = target.filter(|_| !force);
    let Some((target, from)) = target.and_then(|target| Some((target, target.redeploy_from.as_ref()?))) else {
        return Ok(());
    };
    let what =
        format!("target {} gets the deployment of target {}, not the live definition", target.label(), from.target);
    Err(Problem::new(Code::Contradiction, what)
        .why("the configuration says so: redeploy.from")
        .fix(format!("release it: {}", located.command("promote")))
        .fix(format!("or choose a deployment: {}", located.command("redeploy --to DEPLOYMENT")))
        .fix(format!("or deploy what is live all the same: {}", located.command("redeploy --force"))))
}

fn no_stage(located: &Located) -> Problem {
    Problem::new(Code::UnknownPlace, format!("{} names no stage", located.text))
        .why("a redeploy is of one stage of one API")
        .fix("name it: stagegate redeploy API/STAGE")
}

/// A release that is in flight on an alias that the stage calls is not disturbed.
fn not_held(look: &Look, located: &Located) -> Result<(), Problem> {
    match (look.in_flight(), &look.unread) {
        (Some((label, record)), _) => Err(held(label, record, located)),
        (None, Some(problem)) => Err((**problem).clone()),
        (None, None) => Ok(()),
    }
}

/// A person may have taken their time, and a release have begun meanwhile.
async fn still_free<A: Aws, C>(session: &Session<A, C>, look: &Look, located: &Located) -> Result<(), Problem> {
    let there = look.subjects.iter().filter(|subject| subject.exists);
    let pairs = there.map(|subject| (subject.function.clone(), subject.alias.clone())).collect();
    for seen in members::read(session, pairs, false).await? {
        if let Some(record) = seen.description.record.as_ref().filter(|record| record.state.holds_lock()) {
            return Err(held(&seen.label(), record, located));
        }
    }
    Ok(())
}

fn held(label: &str, record: &Record, located: &Located) -> Problem {
    Problem::new(Code::LockHeld, format!("{label}, which the stage calls, is held by {}", record.run))
        .why("redeploying would change what that release is judged by, and what it goes back to")
        .fix(format!("go on:   stagegate resume {label}"))
        .fix(format!("go back: stagegate rollback {label}"))
        .fix(format!("then:    {}", located.command("redeploy")))
}

/// Routes that will be served and that their alias does not let in.
fn not_let_in(app: &App, look: &Look) -> Result<(), Problem> {
    let mut refused: Vec<String> = Vec::new();
    for subject in &look.subjects {
        for (call, verdict) in subject.verdicts(&subject.document()?) {
            if call.when.live && !verdict.is_allowed() {
                refused.push(format!("{} is not let in to {}", call.caller, call.label()));
            }
        }
    }
    let Some(stage) = look.stages.first().filter(|_| !refused.is_empty()) else { return Ok(()) };
    let n = refused.len();
    let what = format!("{n} route{} of {} would answer 500", if n == 1 { "" } else { "s" }, stage.stage_ref);
    let problem = Problem::new(Code::InvokeBlocked, what).level(Level::Warning).exit(Exit::Done);
    let problem = refused.into_iter().take(NAMED).fold(problem, Problem::why);
    let place = super::target::shell_word(&stage.stage_ref.to_string());
    app.warn(&problem.fix(format!("let them in first: stagegate permission grant {place}")));
    Ok(())
}

async fn carry_out<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    observed: &ObservedStage,
    plan: &StagePlan,
    args: &RedeployArgs,
) -> Result<End, Problem> {
    let run = new_run(&app.env);
    let log = Log::begin(app, &run, GOES_ON);
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, log, run.clone(), Settings::default());
    app.acting.set(true);
    let done = engine.redeploy_by_hand(plan, args.to.as_deref()).await;
    let ending = match &done {
        Ok(_) => Ending::Promoted,
        Err(problem) if problem.exit == Exit::InBetween => Ending::NeedsPerson,
        Err(_) if engine.has_written() => Ending::RolledBack,
        Err(_) => Ending::Stopped,
    };
    if let Err(problem) = engine.append(Entry::Closed { ending }) {
        app.warn(&problem.level(Level::Warning));
    }
    let before = &observed.stage.deployment;
    let back = (!before.is_empty()).then(|| located.command(&format!("redeploy --to {before}")));
    match done {
        Ok(id) => {
            let way = back.as_ref().map_or_else(
                || "there is no way back: API Gateway cannot take a deployment off a stage".to_owned(),
                |back| format!("go back: {back}"),
            );
            app.reporter.say(&format!("✔ {} → deployment {id}, read back\n  {way}\n", observed.stage_ref));
            Ok(End::new(Exit::Done, "done").release(run).deployment(Some(id)).commands(None, back))
        }
        Err(problem) => {
            let problem = problem.level(Level::Error);
            let problem = match (problem.exit, back) {
                (Exit::InBetween, Some(back)) => problem.fix(format!("go back: {back}")),
                _ => problem,
            };
            Err(problem.fix(format!("look, and try again: {}", repeated(located, args))))
        }
    }
}
