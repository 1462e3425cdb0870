//! `resume`: go on with the release that is in flight, from its journal on this machine or from AWS's records alone, or
//! undo it.

use jiff::Timestamp;

use super::args::{Canary, ResumeArgs};
use super::end::End;
use super::flight::{self, Flight, Rest, Way};
use super::looking::Looking;
use super::person::AtTerminal;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{App, consent, credentials, new_run, protect, release};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::config::{Origin, Sourced, TargetRef};
use crate::engine::{Settings, still_paused};
use crate::event::Event;
use crate::journal::{Ending, Entry, FileJournal, Journal as _, Summary};
use crate::model::{Percent, Record, RunId, Shift, Target};
use crate::plan::{Choice, Plan, Underway, example_steps, underway};
use crate::problem::{Code, Exit, Problem};
use crate::report::plan_text::Caller;
use crate::report::text::when;

/// Goes on.
pub async fn run(app: &App, args: ResumeArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    if let Some(summary) = open_releases(app, &located).first()
        && let Some(plan) = &summary.progress.plan
    {
        stay_there(&mut located, plan)?;
    }
    let session = connect(app, &located, if args.undo { Pace::Full } else { Pace::Share }).await?;
    located.follow(app, &session).await?;
    resume(app, &located, &session, &args).await
}

/// A release that this machine began goes on where it began.
fn stay_there(located: &mut Located, plan: &Plan) -> Result<(), Problem> {
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
    Ok(())
}

/// Goes on over a connection.
pub async fn resume<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &ResumeArgs,
) -> Result<End, Problem> {
    resume_only(app, located, session, args, None).await
}

/// As [`resume`], with `only` this release: another one that is in flight meanwhile is left alone.
pub async fn resume_only<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &ResumeArgs,
    only: Option<&RunId>,
) -> Result<End, Problem> {
    let caller = session.identify(app).await?;
    app.reporter.busy("reading AWS");
    let flight = flight::look(app, located, session).await?;
    let journals = flight::journals(app, located, &caller.identity.account, &session.region);
    let way = flight::way(&flight, journals);
    let found = match &way {
        Way::Journal(summary) | Way::Ended(summary, _) => Some(&summary.run),
        Way::Records(run) => Some(run),
        Way::Nothing => None,
    };
    let way = if only.is_some_and(|only| found.is_some_and(|found| found != only)) { Way::Nothing } else { way };
    let now = session.clock.now();
    if let Some((run, rest)) = ahead(&way).filter(|_| args.once).and_then(|run| Some((run, flight.rest(run, now)?))) {
        return Ok(left_alone(located, args, run, rest, now));
    }
    if args.finish && ahead(&way).is_some() {
        let planned = match &way {
            Way::Journal(summary) => summary.progress.plan.as_ref().map(|plan| &plan.target),
            _ => flight.target.as_ref(),
        };
        agree(app, located, planned, args).await?;
    }
    match way {
        Way::Journal(summary) => by_journal(app, located, session, &flight, &summary, args).await,
        Way::Records(run) => by_records(app, located, session, &flight, &run, caller, args).await,
        Way::Ended(summary, Ending::RolledBack) => rolled_back(app, located, session, &summary, args).await,
        Way::Ended(summary, ending) => close(app, session, &summary, ending),
        Way::Nothing if args.if_in_flight => {
            app.reporter.say(&format!("nothing of {} is in flight\n", located.text));
            Ok(End::new(Exit::Done, "unchanged"))
        }
        Way::Nothing => Err(flight::nothing(app, located)),
    }
}

/// All traffic at once is confirmed as a promotion is, where the target is protected: by what the file says of TARGET, or
/// by what the release began with.
async fn agree(app: &App, located: &Located, planned: Option<&Target>, args: &ResumeArgs) -> Result<(), Problem> {
    let guard = protect::guard(app, located)?;
    let protected = guard.is_some() || planned.is_some_and(|target| target.protected);
    let own = located.target.as_ref().or(planned).map(Target::label);
    let (Some(label), true) = (own.or(guard.clone()), protected || args.confirm.is_some()) else { return Ok(()) };
    let command = located.command(&format!("resume{}", args.repeated_with(&args.canary, args.until)));
    let confirm = args.confirm.as_deref();
    let consent = consent::named(&label, protected, false, confirm, app.silence(), ("resume --finish", &command));
    let reason = || protect::reason(located, guard.as_deref()?);
    let consent = consent.map_err(|problem| reason().into_iter().fold(problem, Problem::why))?;
    consent.obtain(app).await
}

/// The release that would go forward.
fn ahead(way: &Way) -> Option<&RunId> {
    match way {
        Way::Journal(summary) if !summary.progress.rolling_back => Some(&summary.run),
        Way::Records(run) => Some(run),
        Way::Journal(_) | Way::Ended(..) | Way::Nothing => None,
    }
}

/// One look that writes nothing.
fn left_alone(located: &Located, args: &ResumeArgs, run: &RunId, rest: Rest, now: Timestamp) -> End {
    let (result, problem) = match rest {
        Rest::Held => ("paused", still_paused(&located.text, true)),
        Rest::Busy(until) => {
            let due = until.map_or("until it is unlocked".to_owned(), |until| format!("until {}", when(until, now)));
            let onward = located.command(&format!("resume{}", args.going_on()));
            let problem = Problem::new(Code::StillInFlight, format!("a process may be at work on {run}"))
                .why(format!("none of its traffic is split, and its record keeps others away {due}"))
                .why("one look watches a share; it begins no release, and ends none that somebody is at work on")
                .aws_now("the release is in flight; unchanged by this command")
                .fix(format!("look: {}", located.command("status")))
                .fix(format!("where its process is gone, go on: {onward}"))
                .fix(format!("go back: {}", located.command("rollback")));
            ("baking", problem)
        }
    };
    End::new(Exit::InFlight, result).release(run.clone()).with(problem.exit(Exit::InFlight))
}

/// Goes on with the journal of this machine.
async fn by_journal<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    flight: &Flight,
    summary: &Summary,
    args: &ResumeArgs,
) -> Result<End, Problem> {
    let Some(mut plan) = summary.progress.plan.clone() else { return Err(flight::nothing(app, located)) };
    if matches!(located.place, TargetRef::Alias { .. }) {
        // What is told must work where the command was given, which may be far from the file that names the target.
        plan.target.name = None;
    }
    let plan = &plan;
    let given = args.canary.given();
    if !given.is_empty() {
        let steps = plan.canary.iter().flat_map(|canary| &canary.steps).map(ToString::to_string);
        let steps = steps.collect::<Vec<_>>().join(", ");
        let without = args.repeated_with(&Canary::default(), args.until);
        return Err(Problem::new(Code::BadOption, format!("{} has its steps already: {steps}", summary.run))
            .why(format!("its journal on this machine holds the plan that was approved; given was {}", given.join(" ")))
            .fix(format!("leave the steps out: {}", located.command(&format!("resume{without}")))));
    }
    let shift = flight.record(&plan.run).and_then(|record| record.shift.clone());
    let settings = ready(app, located, session, plan, shift.as_ref(), args)?;
    announce(app, located, plan, args, "");
    let journal = release::open_journal(app, |state| state.open(&plan.run))?;
    let person = AtTerminal::of(app, plan, false, args.prompt_timeout);
    let aws = Looking::new(app, &session.aws, &plan.run, args.once);
    let engine = release::engine_over(app, session, &aws, journal, plan, settings, &person);
    app.acting.set(true);
    let outcome = if args.undo { engine.resume_undo(plan).await } else { engine.resume(plan).await };
    Ok(release::conclude(app, (located, args.onward()), plan, &engine.progress(), outcome))
}

/// Takes a release up that this machine knows nothing of.
async fn by_records<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    flight: &Flight,
    run: &RunId,
    caller: Caller,
    args: &ResumeArgs,
) -> Result<End, Problem> {
    let target = adopted_target(located, flight, run, args)?;
    let choice =
        Choice::new(new_run(&app.env), session.clock.now(), caller.identity.account.clone(), session.region.clone());
    let target = session.placed(target, &caller);
    let (plan, underway) = underway(&session.observer(app), &target, choice).await?;
    let settings = ready(app, located, session, &plan, underway.shift(), args)?;
    announce(app, located, &plan, args, ", from its records in AWS");
    refuse_damaged(app, located, &plan.run)?;
    let journal = release::open_journal(app, |state| state.create(&plan.run))?;
    Ok(take_up(app, located, session, journal, (&plan, &underway), settings, args).await)
}

/// This machine has a journal of the release and could not read it: it is kept as it is, and nothing is written over it.
fn refuse_damaged(app: &App, located: &Located, run: &RunId) -> Result<(), Problem> {
    let path = app.state.as_ref().map(|state| state.path().join(format!("{run}.jsonl")));
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(()) };
    let path = path.display();
    Err(Problem::new(Code::NoJournal, format!("the journal of {run} on this machine cannot be read"))
        .why(format!("{path} is damaged"))
        .aws_now("unchanged by this command")
        .fix(format!("put it aside, then go on from the records in AWS: mv {path} {path}.damaged"))
        .fix(format!("or go back: {}   (needs no journal)", located.command("rollback"))))
}

async fn take_up<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    journal: FileJournal,
    (plan, underway): (&Plan, &Underway),
    settings: Settings,
    args: &ResumeArgs,
) -> End {
    let person = AtTerminal::of(app, plan, false, args.prompt_timeout);
    let aws = Looking::new(app, &session.aws, &plan.run, args.once);
    let engine = release::engine_over(app, session, &aws, journal, plan, settings, &person);
    app.acting.set(true);
    let outcome = engine.adopt(plan, underway, args.undo).await;
    release::conclude(app, (located, args.onward()), plan, &engine.progress(), outcome)
}

/// The target of a release that only AWS knows: what the records do not hold must be in the file, or in the flags.
fn adopted_target(located: &Located, flight: &Flight, run: &RunId, args: &ResumeArgs) -> Result<Target, Problem> {
    let known = flight.target.as_ref();
    let Some(target) = known.or(located.target.as_ref()) else {
        return Err(unknown(located, run, "a stage does not say which functions the release moves"));
    };
    let Some(record) = flight.record(run) else { return Ok(target.clone()) };
    if record.members > target.functions.len() {
        let (all, named) = (record.members, target.functions.len());
        return Err(unknown(located, run, &format!("it moves {all} functions together, and {named} of them is named")));
    }
    if let (Some(stage), None) = (&record.stage, &target.stage) {
        let why = format!("it also moves stage {}, whose settings stand in the configuration", stage.stage);
        return Err(unknown(located, run, &why));
    }
    let target = args.canary.flags().apply(target.clone())?;
    // The way back, too, tells its own shares from somebody else's by the steps.
    if !target.canary.is_gradual() && (known.is_none() || record.shift.is_some()) && !is_moved(flight, record) {
        return Err(unscheduled(located, flight, (run, record), known.is_some(), args));
    }
    Ok(target)
}

/// All at once: the alias is on the candidate.
fn is_moved(flight: &Flight, record: &Record) -> bool {
    record.shift.is_none() && flight.members(&record.run).iter().any(|one| one.alias.version == record.to)
}

fn unknown(located: &Located, run: &RunId, why: &str) -> Problem {
    let place = if matches!(located.place, TargetRef::Named(_)) { "the target's table" } else { "its [target.NAME]" };
    Problem::new(Code::NoJournal, format!("{run} cannot go on from {} alone", located.text))
        .why(why)
        .why("no journal on this machine is about it")
        .aws_now("the release is in flight; unchanged by this command")
        .fix(format!("go on where stagegate.toml has {place}: stagegate resume NAME"))
        .fix(format!("go back: {}   (needs no file)", located.command("rollback")))
}

/// The record says how far a canary is, and not how far it shall go.
fn unscheduled(
    located: &Located,
    flight: &Flight,
    (run, record): (&RunId, &Record),
    configured: bool,
    args: &ResumeArgs,
) -> Problem {
    let share = flight
        .weight(run)
        .filter(|share| *share > 0.0)
        .map_or(Percent::whole(5), |share| Percent::of_share(share / 100.0));
    let at = record.shift.as_ref().map_or_else(
        || "its canary has not begun".to_owned(),
        |shift| format!("its canary is in step {}", shift.step() + 1),
    );
    let why = if configured { "the configuration has no steps for it" } else { "no configuration says its steps" };
    let undo = located.command("rollback");
    let named = args.repeated_with(&args.canary.with_steps(example_steps(share)), args.until);
    Problem::new(Code::ScheduleChanged, format!("{run} has a schedule that is not known here"))
        .why(format!("{at}; {why}"))
        .why("the record in AWS holds when each step began, and not which steps follow")
        .aws_now("the release is in flight; unchanged by this command")
        .fix(format!("name the steps that it has: {}", located.command(&format!("resume{named}"))))
        .fix("or the file that has them: --config FILE")
        .fix(format!("go back: {undo}   (needs neither)"))
}

/// Checks what can be checked before the first write, and says how the engine shall run.
fn ready<A, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    plan: &Plan,
    shift: Option<&Shift>,
    args: &ResumeArgs,
) -> Result<Settings, Problem> {
    if let Some(until) = args.until {
        until.check_plan(plan)?;
        check_ahead(plan, shift, until)?;
    }
    if !args.undo && !args.once {
        let needs = credentials::needs(plan, args.until, shift, args.finish, session.clock.now());
        let stop_at = |stop| located.command(&format!("resume{}", args.repeated_with(&args.canary, Some(stop))));
        credentials::check(app, session, &needs, stop_at, (located, args.onward()))?;
    }
    Ok(Settings {
        until: args.until.filter(|until| until.percent.is_none()).map(|until| until.step),
        until_percent: args.until.and_then(|until| until.percent),
        once: args.once,
        finish: args.finish,
        on_interrupt: release::on_interrupt(args.on_interrupt, &plan.target),
    })
}

/// A share that lies behind is never reached again.
fn check_ahead(plan: &Plan, shift: Option<&Shift>, until: super::until::Until) -> Result<(), Problem> {
    let (Some(canary), Some(shift), Some(percent)) = (&plan.canary, shift, until.percent) else { return Ok(()) };
    let at = canary.percent(Some(shift));
    if percent > at {
        return Ok(());
    }
    let ahead = canary.steps.iter().skip(shift.step() + 1).map(|step| format!("--until canary:{}", step.percent));
    let problem = Problem::new(Code::BadOption, format!("--until {until}: the canary is at {at} already"))
        .aws_now("the release is in flight; unchanged by this command");
    Err(ahead.chain(["--until canary".to_owned()]).fold(problem, Problem::fix))
}

fn announce(app: &App, located: &Located, plan: &Plan, args: &ResumeArgs, how: &str) {
    app.emit(&Event::Plan {
        release: plan.run.clone(),
        target: plan.target.label(),
        digest: plan.digest(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
    });
    let verb = if args.undo { "undoing" } else { "going on with" };
    app.reporter.say(&format!("{verb} {} of {}{how}\n", plan.run, plan.target.label()));
    release::ways(app, located, args.onward());
}

/// Its aliases went back, and not by this journal: what is left of it goes as well, and it never goes forward again.
async fn rolled_back<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    summary: &Summary,
    args: &ResumeArgs,
) -> Result<End, Problem> {
    let Some(plan) = &summary.progress.plan else { return Err(flight::nothing(app, located)) };
    let left = flight::left(session, summary).await?;
    // Whoever wanted it to go on must not take this for a promotion.
    let exit = if args.undo { Exit::Done } else { Exit::RolledBack };
    if left.is_empty() {
        let end = close(app, session, summary, Ending::RolledBack)?;
        return Ok(if args.undo { end } else { End::new(exit, "rolled-back").release(summary.run.clone()) });
    }
    app.reporter.say(&format!("{} was rolled back; still there: {}\n", summary.run, left.join(", ")));
    let journal = release::open_journal(app, |state| state.open(&plan.run))?;
    let person = AtTerminal::of(app, plan, false, args.prompt_timeout);
    let engine = release::engine(app, session, journal, plan, Settings::default(), &person);
    app.acting.set(true);
    let mut outcome = engine.resume_undo(plan).await;
    if outcome.exit == Exit::Done {
        outcome.exit = exit;
    }
    Ok(release::conclude(app, (located, args.onward()), plan, &engine.progress(), outcome))
}

/// Somebody elsewhere has finished the release: the journal here is closed as well.
fn close<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    summary: &Summary,
    ending: Ending,
) -> Result<End, Problem> {
    let mut journal = release::open_journal(app, |state| state.open(&summary.run))?;
    let closed = journal.append(session.clock.now(), Entry::Closed { ending });
    closed.map_err(|error| crate::engine::journal_problem(&error))?;
    let how = match ending {
        Ending::Promoted => "was promoted from elsewhere",
        Ending::RolledBack if flight::reverted_here(app, &summary.run) => "was rolled back",
        Ending::RolledBack => "was rolled back from elsewhere",
        Ending::ByHand => "was given all traffic by hand before its gate had passed it",
        _ => "has ended elsewhere, a later release came",
    };
    app.reporter.say(&format!("{} {how}; nothing is left to do\n", summary.run));
    Ok(End::new(Exit::Done, "unchanged").release(summary.run.clone()))
}

/// The open releases of a target, newest first.
pub fn open_releases(app: &App, located: &Located) -> Vec<Summary> {
    let (found, _) = app.state.as_ref().map(crate::journal::StateDir::list).unwrap_or_default();
    let open = |summary: &Summary| {
        summary.progress.ending.is_none() && summary.progress.plan.as_ref().is_some_and(|plan| located.is_of(plan))
    };
    found.into_iter().filter(open).collect()
}
