//! `resume`: go on with the newest release of a target that stopped on this machine, or undo it.

use super::App;
use super::args::ResumeArgs;
use super::end::End;
use super::release;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::config::{Origin, Sourced};
use crate::engine::{Engine, Settings};
use crate::event::Event;
use crate::journal::Summary;
use crate::plan::Plan;
use crate::problem::{Code, Problem};

/// Goes on.
pub async fn run(app: &App, args: ResumeArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    let plan = unfinished(app, &located)?;
    // The release goes on where it began.
    if let Some(set) = &located.settings.region
        && matches!(set.from, Origin::Flag(_))
        && set.value != plan.region
    {
        return Err(Problem::new(
            Code::RegionMissing,
            format!("the release is in {}, --region says {}", plan.region, set.value),
        )
        .fix("leave --region out"));
    }
    located.settings.region = Some(Sourced { value: plan.region.clone(), from: Origin::Place });
    let mut session = connect(app, &located, if args.undo { Pace::Full } else { Pace::Share }).await?;
    session.account = Some(plan.account.clone());
    resume(app, &located, &session, &plan, &args).await
}

/// Goes on over a connection.
pub async fn resume<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    plan: &Plan,
    args: &ResumeArgs,
) -> Result<End, Problem> {
    session.identify(app).await?;
    app.emit(&Event::Plan {
        release: plan.run.clone(),
        target: plan.target.label(),
        digest: plan.digest(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
    });
    let verb = if args.undo { "undoing" } else { "going on with" };
    app.reporter.say(&format!("{verb} {} of {}\n", plan.run, plan.target.label()));
    release::ways(app, located);
    let journal = release::open_journal(app, |state| state.open(&plan.run))?;
    let settings = Settings { until: None, on_interrupt: release::on_interrupt(args.on_interrupt, &plan.target) };
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, journal, plan.run.clone(), settings);
    app.acting.set(true);
    let outcome = if args.undo { engine.resume_undo(plan).await } else { engine.resume(plan).await };
    Ok(release::conclude(app, located, plan, &engine.progress(), outcome))
}

/// The plan of the newest release of the target that this machine's journals know to be unfinished.
pub fn unfinished(app: &App, located: &Located) -> Result<Plan, Problem> {
    let (found, broken) = app.state.as_ref().map(crate::journal::StateDir::list).unwrap_or_default();
    if let Some(plan) = found.into_iter().find_map(|summary| open_plan(summary, located)) {
        return Ok(plan);
    }
    let mut problem = Problem::new(Code::NoJournal, format!("no unfinished release of {} is known here", located.text))
        .why(match &app.state {
            Some(state) => format!("no journal in {} is about it and open", state.path().display()),
            None => "there is no folder for journals: HOME is not set".into(),
        })
        .fix(format!("look:    {}", located.command("status")))
        .fix(format!("go back: {}   (needs no journal)", located.command("rollback")));
    for error in broken {
        problem = problem.why(error.to_string());
    }
    Err(problem)
}

fn open_plan(summary: Summary, located: &Located) -> Option<Plan> {
    let plan = summary.progress.plan.filter(|_| summary.progress.ending.is_none())?;
    located.is_of(&plan).then_some(plan)
}

/// The open releases of a target, newest first.
pub fn open_releases(app: &App, located: &Located) -> Vec<Summary> {
    let (found, _) = app.state.as_ref().map(crate::journal::StateDir::list).unwrap_or_default();
    let open = |summary: &Summary| {
        summary.progress.ending.is_none() && summary.progress.plan.as_ref().is_some_and(|plan| located.is_of(plan))
    };
    found.into_iter().filter(open).collect()
}
