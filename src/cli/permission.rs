//! `permission list|grant|prune`: who may call an alias.

use std::time::Duration;

use jiff::Timestamp;

use super::args::{Agreed, PermissionArgs, PermissionCommand};
use super::consent::{self, Consent};
use super::end::{End, partly};
use super::protect::guard;
use super::session::{Session, connect};
use super::target::{Located, Need, configured, locate, shell_word};
use super::{App, new_run};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::engine::{Engine, Settings};
use crate::journal::MemoryJournal;
use crate::permission::{self, Look, Settling, Step, Subject, Wanted, carry_out, grant, prune};
use crate::policy::LIMIT;
use crate::problem::{Code, Exit, Problem};
use crate::report::{Shape, permission_text};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Missing statements are added.
    Grant,
    /// Superfluous ones are removed.
    Prune {
        /// Those of others, too.
        foreign: bool,
    },
}

impl Act {
    const fn word(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Prune { .. } => "prune",
        }
    }
}

/// Does it.
pub async fn run(app: &App, args: PermissionArgs) -> Result<End, Problem> {
    let (act, target, given) = match args.command {
        PermissionCommand::List(args) => {
            let mut located = locate(app, &args.target, Need::Place, None)?;
            let session = connect(app, &located, Pace::Share).await?;
            located.follow(app, &session).await?;
            return list(app, &located, &session).await;
        }
        PermissionCommand::Grant { target, agreed } => (Act::Grant, target, agreed),
        PermissionCommand::Prune { target, foreign, agreed } => (Act::Prune { foreign }, target, agreed),
    };
    let mut located = locate(app, &target, Need::Place, None)?;
    // Where nobody can be asked and no flag says yes, AWS is not even read.
    agreed(app, &located, act, &given)?;
    let session = connect(app, &located, Pace::Share).await?;
    located.follow(app, &session).await?;
    change(app, &located, &session, act, &given).await
}

/// Looks over a connection.
pub async fn list<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<End, Problem> {
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading AWS");
    let look = look(app, located, session, true).await?;
    let found = permission_text::document(&located.text, &session.region, &look)?;
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => permission_text::screen(&found, app.term().width),
        Shape::Document | Shape::Events => format!("{:#}\n", serde_json::to_value(&found).unwrap_or_default()),
    });
    app.reporter.aside(&next(&found, located));
    Ok(End::done())
}

/// What could be done next.
fn next(found: &permission_text::Permissions, located: &Located) -> String {
    let mut text = String::new();
    let (refused, of) = found.refused();
    let absent: Vec<&str> = found.aliases.iter().filter(|one| !one.exists).map(|one| one.alias.as_str()).collect();
    for alias in &absent {
        let promote = located.command_for("promote", alias);
        text.push_str(&format!("{alias} does not exist, so nothing can be granted to it: {promote}\n"));
    }
    if refused > 0 {
        let grant = located.command_in("permission grant");
        text.push_str(&format!("{refused} of {of} calls are not let in: {grant}\n"));
    }
    let prune = located.command_in("permission prune");
    match found.useless() {
        (0, 0) => {}
        (0, others) => text.push_str(&format!("{others} statements of others can go: {prune} --foreign\n")),
        (ours, _) => text.push_str(&format!("{ours} statements of stagegate can go: {prune}\n")),
    }
    text
}

/// Grants or prunes over a connection.
pub async fn change<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    act: Act,
    given: &Agreed,
) -> Result<End, Problem> {
    session.identify(app).await?;
    app.reporter.busy("reading AWS");
    let looked = session.clock.now();
    let look = look(app, located, session, act != Act::Grant).await?;
    for note in &look.notes {
        app.reporter.aside(&format!("! {note}\n"));
    }
    let work = work(&look, act, located)?;
    if work.is_empty() {
        app.reporter.say(&format!("{}\n", nothing(&look, act)));
        return Ok(End::new(Exit::Done, "unchanged"));
    }
    app.reporter.say(&shown(&work));
    agreed(app, located, act, given)?.obtain_for_repair(app).await?;
    app.acting.set(true);
    let settle = located.settings.permission_settle.value;
    let (journal, settings) = (MemoryJournal::default(), Settings::default());
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, journal, new_run(&app.env), settings);
    let mut done = Vec::new();
    let end = carry_out(&engine, Settling { looked, settle }, &work, &mut done).await;
    end.map_err(|problem| partly(problem, &done, located))?;
    let added = work.iter().flat_map(|(_, steps)| steps).any(|step| matches!(step, Step::Add(_)));
    let settled = if added { effective(session.clock.now(), settle) } else { String::new() };
    app.reporter.say(&format!("✔ done, read back\n  {}\n{settled}", done.join("\n  ")));
    Ok(End::new(Exit::Done, "done"))
}

fn effective(now: Timestamp, settle: Duration) -> String {
    let at = now + settle;
    format!("  effective everywhere after {}, {} s from now\n", at.strftime("%H:%M:%SZ"), settle.as_secs())
}

fn agreed(app: &App, located: &Located, act: Act, given: &Agreed) -> Result<Consent, Problem> {
    let foreign = if act == (Act::Prune { foreign: true }) { " --foreign" } else { "" };
    let command = format!("{}{foreign}", located.command_in(&format!("permission {}", act.word())));
    let what = format!("permission {}", act.word());
    let guard = guard(app, located)?;
    consent::repair(guard.as_deref(), (given.yes, given.confirm.as_deref()), app.silence(), (&what, &command))
}

/// Reads what TARGET means. `wide`: also the other stages that the policies name.
async fn look<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    wide: bool,
) -> Result<Look, Problem> {
    let target = match &located.place {
        TargetRef::Alias { .. } => configured(app, located).filter(|_| located.target.is_some()),
        TargetRef::Named(_) | TargetRef::Stage { .. } | TargetRef::Url(_) => located.target.clone(),
    };
    let stage = located.stage().cloned().or_else(|| target.as_ref()?.stage.clone());
    let aliases = located.target.iter().flat_map(|t| t.functions.iter().map(|f| (f.clone(), t.alias.clone())));
    let wanted = Wanted {
        aliases: aliases.collect(),
        called: !matches!(located.place, TargetRef::Alias { .. }),
        // An alias alone does not say who calls it.
        named: wide || stage.is_none() || matches!(located.place, TargetRef::Alias { .. }),
        stages: stage.into_iter().collect(),
    };
    permission::look(&session.observer(app), &session.region, &wanted).await
}

/// There is nothing that could be let in.
fn uncalled(look: &Look, located: &Located) -> Problem {
    let problem = Problem::new(Code::UnknownPlace, format!("no stage that is known calls {}", located.text));
    match located.stage() {
        // The stage is known, and so is what it calls.
        Some(stage) => {
            let why = look.notes.iter().fold(problem, |problem, note| problem.why(note.clone()));
            why.fix(located.command_for("drift", &shell_word(&stage.to_string())))
        }
        None => problem
            .why("neither the configuration nor the policy nor the record of the alias names a stage that does")
            .fix("name the stage: stagegate permission grant API/STAGE"),
    }
}

/// The writes for each alias that needs any.
fn work<'l>(look: &'l Look, act: Act, located: &Located) -> Result<Vec<(&'l Subject, Vec<Step>)>, Problem> {
    if act == Act::Grant && look.subjects.iter().all(|subject| subject.calls.is_empty()) {
        return Err(uncalled(look, located));
    }
    let mut work = Vec::new();
    for subject in &look.subjects {
        let steps = match act {
            Act::Grant => grant::plan(subject)?,
            Act::Prune { foreign } => {
                prune::plan(subject, look, foreign)?.removals.into_iter().map(Step::Remove).collect()
            }
        };
        if !steps.is_empty() {
            work.push((subject, steps));
        }
    }
    let removes = work.iter().flat_map(|(_, steps)| steps).any(|step| matches!(step, Step::Remove(_)));
    if removes {
        not_held(look, act, located)?;
    }
    Ok(work)
}

/// A release may rely on any statement until it has ended.
fn not_held(look: &Look, act: Act, located: &Located) -> Result<(), Problem> {
    if let Some((label, record)) = look.in_flight() {
        return Err(Problem::new(Code::LockHeld, format!("{label} is held by {}", record.run))
            .why("while a release is in flight no statement is removed: its way back may need it")
            .fix(format!("go on:   stagegate resume {label}"))
            .fix(format!("go back: stagegate rollback {label}"))
            .fix(format!("then:    {}", located.command_in(&format!("permission {}", act.word())))));
    }
    match &look.unread {
        Some(problem) => Err((**problem).clone()),
        None => Ok(()),
    }
}

fn nothing(look: &Look, act: Act) -> String {
    let calls = look.subjects.iter().map(|subject| subject.calls.len()).sum::<usize>();
    match act {
        Act::Grant => format!("nothing to grant: all {calls} calls are let in"),
        Act::Prune { foreign: true } => "nothing to prune: every statement is needed, or may be".to_owned(),
        Act::Prune { foreign: false } => {
            "nothing to prune: every statement of stagegate is needed, or may be".to_owned()
        }
    }
}

fn shown(work: &[(&Subject, Vec<Step>)]) -> String {
    let mut text = String::from("what will be done\n");
    for (subject, steps) in work {
        text.push_str(&format!("  {}  {} of {LIMIT} bytes of policy\n", subject.label(), subject.bytes()));
        text.extend(steps.iter().map(|step| format!("    {}\n", step.line())));
    }
    text.push('\n');
    text
}
