//! `gc`: what nothing needs any more is shown, and deleted when a person says so.

use super::args::GcArgs;
use super::consent::{self, Consent};
use super::end::End;
use super::flight::{self, Flight, Way};
use super::members;
use super::protect::guarded;
use super::session::{Session, connect};
use super::target::{Located, Need, configured, locate};
use super::{App, new_run, prompt, signals};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::config::{self, SmokeFiles};
use crate::engine::{Engine, Settings, Signal};
use crate::event::Event;
use crate::gc::{self, Observed, Past, Reason, Rules, Stop, Sweep, Swept, Want};
use crate::journal::{MemoryJournal, StateDir};
use crate::model::{FunctionName, StageRef, Target};
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;
use crate::report::gc_text::{GcDocument, counts, ending, screen};
use crate::rollback::Seen;

/// How many names a message holds.
const NAMES_MAX: usize = 20;

/// Cleans up.
pub async fn run(app: &App, args: GcArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    // Where nobody can be asked and no flag is enough, AWS is not even read.
    agreed(app, &located, &args)?;
    let session = connect(app, &located, Pace::Share).await?;
    located.follow(app, &session).await?;
    clean_up(app, &located, &session, &args).await
}

/// Cleans up over a connection.
pub async fn clean_up<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &GcArgs,
) -> Result<End, Problem> {
    let caller = session.identify(app).await?;
    app.reporter.busy("reading AWS");
    let target = configured(app, located).or_else(|| located.target.clone());
    let rules = args.rules(target.as_ref().and_then(|target| target.keep), session.clock.now());
    let (observed, want) = look(app, located, session, target.as_ref(), &rules).await?;
    if let Some(problem) = gc::in_flight(&observed.functions, &want, rules.now) {
        return Err(problem);
    }
    refuse_open(app, located, &observed, &want, (&caller.identity.account, &session.region))?;
    let sweep = gc::sweep(&observed, &want, &rules);
    let document =
        GcDocument::new(&located.text, &session.region, &sweep, &rules, command(located, args, target.as_ref()));
    show(app, &sweep, &document);
    let consent = agreed(app, located, args)?;
    let Some(consent) = consent.filter(|_| sweep.goes().next().is_some()) else {
        dry(app, &document);
        return Ok(End::new(Exit::Done, "unchanged"));
    };
    if !obtain(app, consent).await? {
        dry(app, &document);
        return Ok(End::new(Exit::Done, "stopped"));
    }
    app.acting.set(true);
    let (journal, settings) = (MemoryJournal::default(), Settings::default());
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, journal, new_run(&app.env), settings);
    app.reporter.busy("deleting");
    let swept = gc::delete(&engine, &observed, &want, &rules, &sweep).await;
    Ok(told(app, &document, swept))
}

async fn look<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    target: Option<&Target>,
    rules: &Rules,
) -> Result<(Observed, Want), Problem> {
    let stage = located.stage().or_else(|| target.and_then(|target| target.stage.as_ref())).cloned();
    let aliases = match (target, &stage) {
        (Some(target), _) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (None, Some(stage)) => members::called(app, session, stage).await?.0,
        (None, None) => Vec::new(),
    };
    let neighbours = stage.as_ref().map(|stage| neighbours(app, stage)).unwrap_or_default();
    let want = Want { aliases, stage, neighbours, region: session.region.clone() };
    let (journals, broken) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    for error in &broken {
        app.warn(&crate::engine::journal_problem(error).level(crate::problem::Level::Warning));
    }
    let past = Past::of(journals, rules.keep);
    let observed = gc::observe(&session.observer(app), &want, past).await?;
    Ok((observed, want))
}

/// The functions of all targets of the file that have a stage of this API.
fn neighbours(app: &App, stage: &StageRef) -> Vec<FunctionName> {
    let loaded = config::load(app.args.config.as_deref(), &app.directory, &config::read_file);
    let Ok(Some(config)) = loaded else { return Vec::new() };
    let targets = config.names().filter_map(|name| config.target(name, SmokeFiles::Leave).ok());
    let behind = |target: &Target| target.stage.as_ref().is_some_and(|other| other.api == stage.api);
    targets.filter(behind).flat_map(|target| target.functions).collect()
}

/// A release that died between publishing and its first record is known to nobody but a journal here.
fn refuse_open(
    app: &App,
    located: &Located,
    observed: &Observed,
    want: &Want,
    (account, region): (&str, &str),
) -> Result<(), Problem> {
    let own = observed.functions.iter().flat_map(|one| {
        let named = one.aliases.iter().filter(|(name, _)| want.aliases.contains(&(one.function.clone(), name.clone())));
        named.filter_map(|(name, alias)| Seen::new(one.function.clone(), name.clone(), alias.clone(), true).ok())
    });
    let flight = Flight { target: None, seen: own.collect() };
    match flight::way(&flight, flight::journals(app, located, account, region)) {
        Way::Journal(summary) => Err(Problem::new(
            Code::LockExpired,
            format!("a release of {} on this machine did not finish: nothing is deleted meanwhile", located.text),
        )
        .why(format!("the journal of {} is open", summary.run))
        .fix(format!("go on:   {}", located.command("resume")))
        .fix(format!("go back: {}", located.command("resume --undo")))),
        Way::Records(_) | Way::Ended(..) | Way::Nothing => Ok(()),
    }
}

/// Whether it may delete; nothing where it is only to show.
fn agreed(app: &App, located: &Located, args: &GcArgs) -> Result<Option<Consent>, Problem> {
    let silence = app.silence();
    if !args.acts() && silence.is_some() {
        return Ok(None);
    }
    let command = located.command(&format!("gc{}", args.repeated()));
    let Some(target) = configured(app, located).or_else(|| located.target.clone()) else {
        let named = args.confirm.as_ref() == Some(&located.text);
        return match silence {
            _ if args.yes || named => Ok(Some(Consent::Given)),
            None => Ok(Some(Consent::AskYes)),
            silence => Err(consent::missing("gc", silence).fix(format!("{command} --yes"))),
        };
    };
    let target = guarded(app, located, target)?;
    consent::promotion(&target, args.yes, args.confirm.as_deref(), silence, ("gc", &command)).map(Some)
}

/// The command that deletes without asking.
fn command(located: &Located, args: &GcArgs, target: Option<&Target>) -> String {
    let consent = match target.filter(|target| target.protected) {
        Some(target) => format!("--confirm {}", target.label()),
        None => "--yes".into(),
    };
    located.command(&format!("gc{} {consent}", args.repeated()))
}

async fn obtain(app: &App, consent: Consent) -> Result<bool, Problem> {
    match consent {
        Consent::AskYes => prompt::confirm(app, "Delete it?", false).await,
        other => other.obtain(app).await.map(|()| true),
    }
}

fn show(app: &App, sweep: &Sweep, document: &GcDocument<'_>) {
    let value = || serde_json::to_value(document).unwrap_or_default();
    match app.reporter.shape() {
        Shape::Human => app.reporter.data(&screen(document, app.term().width)),
        Shape::Document => app.reporter.data(&format!("{:#}\n", value())),
        Shape::Events => app.emit(&Event::Sweep { target: document.target.clone(), sweep: value() }),
    }
    let mut unread: Vec<String> = Vec::new();
    for reason in sweep.items.iter().flat_map(|item| &item.kept) {
        if let Reason::Unseen { .. } | Reason::RecordUnread { .. } = reason
            && !unread.contains(&reason.to_string())
        {
            unread.push(reason.to_string());
        }
    }
    if !unread.is_empty() {
        let problem = Problem::new(Code::RecordsUnseen, "what may be named by a record that cannot be read stays");
        let problem = unread.into_iter().take(NAMES_MAX).fold(problem, Problem::why);
        app.warn(
            &problem.fix("let the role list the aliases of these functions (lambda:ListAliases), or repair the record"),
        );
    }
}

fn dry(app: &App, document: &GcDocument<'_>) {
    if app.reporter.shape() == Shape::Human {
        app.reporter.data(&ending(document, app.term().width));
    }
}

fn told(app: &App, document: &GcDocument<'_>, swept: Swept) -> End {
    let (counted, again) = (counts(&swept.gone), document.command.clone());
    let names: Vec<String> = swept.gone.iter().take(NAMES_MAX).map(|item| item.thing.to_string()).collect();
    let more = swept.gone.len().saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let now = match names.is_empty() {
        true => "nothing was deleted".to_owned(),
        false => format!("deleted: {}{more}; what serves and every way back is as before", names.join(", ")),
    };
    let Some(stop) = swept.stop else {
        app.reporter.say(&format!("✔ deleted: {counted}\n"));
        if !swept.kept.is_empty() {
            app.reporter.say(&format!("  stays after all: {}\n", counts(&swept.kept)));
        }
        return End::new(Exit::Done, if swept.gone.is_empty() { "unchanged" } else { "deleted" });
    };
    let problem = match stop {
        Stop::Interrupted(signal) => {
            let exit = match signal {
                Signal::Interrupt => Exit::Interrupted,
                Signal::Terminate => Exit::Terminated,
            };
            let what = format!("stopped by {} between two deletions", signals::name(signal));
            Problem::new(Code::Interrupted, what).exit(exit)
        }
        Stop::Failed(problem) => problem,
    };
    problem.aws_now(now).fix(format!("go on: {again}")).into()
}
