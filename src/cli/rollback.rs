//! `rollback`: put back what served before, from any machine, with the records in AWS alone.

use std::cell::LazyCell;

use futures_util::future::join_all;

use super::args::RollbackArgs;
use super::end::End;
use super::log::{self, Log};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{App, consent, members, new_run, prompt};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::aws::noun::Function;
use crate::aws::operation::GetFunction;
use crate::clock::Clock;
use crate::engine::{Engine, Settings};
use crate::event::Event;
use crate::journal::{Ending, Entry, Journal as _};
use crate::model::{RunId, Version};
use crate::plan::short_sha;
use crate::problem::{Code, Exit, Level, Problem};
use crate::report::plan_text::Caller;
use crate::report::rollback_text;
use crate::rollback::{Emergency, Part, Seen, Undone, dead};

const GOES_ON: &str = "the rollback goes on: the records in AWS are enough";
/// How many versions are offered to choose from.
const OFFERED: usize = 10;

/// Rolls back.
pub async fn run(app: &App, args: RollbackArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    if !args.yes && !app.can_prompt() {
        let fix = located.command(&format!("rollback{} --yes", to_flag(args.to)));
        return Err(consent::missing("rollback", app.silence()).fix(fix));
    }
    let session = connect(app, &located, Pace::Full).await?;
    located.follow(app, &session).await?;
    rollback(app, &located, &session, &args).await
}

/// Rolls back over a connection.
pub async fn rollback<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &RollbackArgs,
) -> Result<End, Problem> {
    let person = !args.yes;
    // On the shortest way nobody asks STS: the account stands in the alias's own ARN.
    let caller = if person || session.account.is_some() { Some(session.identify(app).await?) } else { None };
    let seen = members::find(app, session, located, args.to.is_some()).await?;
    if let (Some(number), true) = (args.to, seen.len() > 1) {
        return Err(one_by_one(located, &seen, number));
    }
    let part = match (args.alias_only, args.stage_only) {
        (true, _) => Part::Aliases,
        (_, true) => Part::Stage,
        _ => Part::All,
    };
    let fresh = new_run();
    let mut emergency = choose(app, session, &seen, args.to, part, person, &fresh).await?;
    if let Some(note) = already_there(&emergency, &seen) {
        let serves = seen.first().map(|one| one.alias.version);
        return Ok(End::new(Exit::Done, "unchanged").versions(serves, None).with(note));
    }
    let screen = screen(app, &emergency, &seen, part, session, caller.as_ref());
    if person {
        app.reporter.say(&screen);
        check_targets(app, session, &seen, &mut emergency).await?;
        if !prompt::confirm(app, "Roll back now? (Enter = yes, Esc = leave)", true).await? {
            return Err(prompt::left());
        }
    } else {
        app.reporter.aside(&screen);
    }
    Ok(carry_out(app, located, session, emergency, &seen, fresh).await)
}

/// The arguments of a rollback that asks nobody.
pub fn at_once(target: &str) -> RollbackArgs {
    RollbackArgs { target: target.to_owned(), to: None, alias_only: false, stage_only: false, yes: true }
}

fn to_flag(to: Option<u64>) -> String {
    to.map_or_else(String::new, |n| format!(" --to {n}"))
}

fn one_by_one(located: &Located, seen: &[Seen], number: u64) -> Problem {
    let problem = Problem::new(
        Code::AmbiguousTarget,
        format!("--to {number} names a version of one function, {} has {}", located.text, seen.len()),
    )
    .why("the same number means different code in every function");
    seen.iter()
        .take(OFFERED)
        .fold(problem, |problem, one| problem.fix(located.command_for("rollback", &format!("{} --to N", one.label()))))
}

/// Chooses the way back. Where nothing is recorded a person chooses from the newest versions, or is told them.
async fn choose<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    seen: &[Seen],
    to: Option<u64>,
    part: Part,
    person: bool,
    fresh: &RunId,
) -> Result<Emergency, Problem> {
    let history = histories(app);
    let prepare = |to| {
        let known = |one: &Seen| history(one);
        Emergency::prepare(seen, to, part, &known, person, fresh, session.clock.now())
    };
    let problem = match prepare(to) {
        Ok(emergency) => return Ok(emergency),
        Err(problem) => problem,
    };
    let unrecorded = matches!(problem.code, Code::NothingRecorded | Code::FirstRelease | Code::RecordStale);
    let ([one], true) = (seen, unrecorded) else { return Err(problem) };
    let versions = offered(app, session, one).await?;
    if !person {
        return Err(list(problem, one, &versions));
    }
    app.warn(&problem);
    let items: Vec<String> = versions.iter().map(|version| line(version, one)).collect();
    if items.is_empty() {
        return Err(prompt::left().why("no other version exists"));
    }
    match prompt::select(app, "Back to which version?", items).await? {
        Some(at) => prepare(versions[at].version.number()),
        None => Err(prompt::left()),
    }
}

/// The newest versions that the alias could go to, newest first.
async fn offered<A: Aws, C: Clock>(app: &App, session: &Session<A, C>, one: &Seen) -> Result<Vec<Function>, Problem> {
    let mut versions = session.observer(app).versions(&one.function).await?;
    versions.retain(|function| function.version != one.alias.version);
    versions.reverse();
    versions.truncate(OFFERED);
    Ok(versions)
}

fn line(function: &Function, one: &Seen) -> String {
    let bad =
        one.description.record.as_ref().is_some_and(|r| function.version.number().is_some_and(|n| r.bad.contains(&n)));
    let date = function.last_modified.get(..16).unwrap_or(&function.last_modified);
    let mut text = format!("{:<5} sha {}…  {date}", function.version.label(), short_sha(&function.code_sha256));
    if bad {
        text.push_str("  marked bad");
    }
    if !function.description.is_empty() {
        text.push_str(&format!("  {}", function.description));
    }
    text
}

fn list(problem: Problem, one: &Seen, versions: &[Function]) -> Problem {
    versions.iter().fold(problem, |problem, version| problem.fix(format!("  {}", line(version, one))))
}

/// What this machine's journals know of an alias, newest first: from and to of finished releases.
fn histories(app: &App) -> impl Fn(&Seen) -> Vec<(Version, Version)> {
    // The record decides nearly always; the journals may be many and long.
    let found = LazyCell::new(|| app.state.as_ref().map(|state| state.list().0).unwrap_or_default());
    move |seen| {
        let finished = found.iter().filter(|summary| summary.progress.ending == Some(Ending::Promoted));
        let moves = finished.filter_map(|summary| {
            let plan = summary.progress.plan.as_ref()?;
            let member = plan.members.iter().find(|m| m.alias_arn == seen.alias.arn)?;
            let (_, to, _) = summary.progress.published.iter().find(|(f, ..)| *f == member.function)?;
            Some((member.before.as_ref()?.version, *to))
        });
        moves.collect()
    }
}

/// The note when nothing would change: the version is there, alone, and no release is unfinished.
fn already_there(emergency: &Emergency, seen: &[Seen]) -> Option<Problem> {
    let settled =
        |one: &Seen| one.alias.weights.is_empty() && one.believed().is_none_or(|record| !record.state.holds_lock());
    let stays = emergency.moves.iter().all(|(_, from, chosen)| chosen.version == Some(*from));
    (stays && emergency.way.stage.is_none() && seen.iter().all(settled)).then(|| {
        let names: Vec<String> =
            emergency.moves.iter().map(|(label, version, _)| format!("{label} → {} (100%)", version.label())).collect();
        Problem::new(Code::AlreadyThere, "nothing to roll back: that version serves already")
            .aws_now(format!("unchanged; {}", names.join("; ")))
    })
}

/// Who rolls back what to where.
fn screen<A, C>(
    app: &App,
    emergency: &Emergency,
    seen: &[Seen],
    part: Part,
    session: &Session<A, C>,
    caller: Option<&Caller>,
) -> String {
    let account = seen.first().and_then(|one| one.alias.arn.split(':').nth(4)).unwrap_or_default();
    let mut text = format!("account {account} · {} · {}\n", session.region, emergency.way.run);
    if let Some(caller) = caller {
        text.push_str(&format!("you are {}\n", caller.name()));
    }
    if let Some(endpoint) = &session.endpoint {
        text.push_str(&format!("endpoint {endpoint}, not AWS's own\n"));
    }
    text.push('\n');
    text.push_str(&rollback_text::screen(emergency, seen, part, app.term().width));
    text.push('\n');
    text
}

/// Where a person is asked, a version that cannot serve is found before and not beside the write.
async fn check_targets<A: Aws, C: Clock>(
    app: &App,
    session: &Session<A, C>,
    seen: &[Seen],
    emergency: &mut Emergency,
) -> Result<(), Problem> {
    let checks = emergency.way.aliases.iter().zip(&emergency.moves).filter_map(|(alias, (.., chosen))| {
        let version = chosen.version?;
        Some(async move {
            let qualifier = version.number().map(|n| n.to_string());
            let found = members::ask(&session.aws, GetFunction { function: alias.function.clone(), qualifier }).await?;
            Ok(dead(&alias.function, &alias.alias, version, found.as_ref()).map(|problem| (alias, problem)))
        })
    });
    let found: Result<Vec<_>, Problem> = join_all(checks).await.into_iter().collect();
    if let Some((alias, problem)) = found?.into_iter().flatten().next() {
        let problem = Problem { exit: Exit::Usage, ..problem }.aws_now("unchanged, nothing was written");
        let one = seen.iter().find(|one| one.function == alias.function && one.name == alias.alias);
        return Err(match one {
            Some(one) => list(problem, one, &offered(app, session, one).await?),
            None => problem,
        });
    }
    for alias in &mut emergency.way.aliases {
        alias.check_target = false;
    }
    Ok(())
}

/// Sends it, reads back, says what is true now.
async fn carry_out<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    emergency: Emergency,
    seen: &[Seen],
    fresh: RunId,
) -> End {
    let run = emergency.way.run.clone();
    let moves = emergency.moves.clone();
    let mut log = Log::begin(app, &fresh, GOES_ON);
    let reverts = Entry::Reverts {
        run: Some(run.clone()).filter(|run| *run != fresh),
        aliases: moves.iter().map(|(label, ..)| label.clone()).collect(),
        moves: moves.iter().map(|(_, from, chosen)| (*from, chosen.version.unwrap_or(*from))).collect(),
    };
    if let Err(error) = log.append(session.clock.now(), reverts) {
        log::warn(app, &error, GOES_ON);
    }
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, log, run.clone(), Settings::default());
    app.acting.set(true);
    let why = moves.iter().map(|(label, ..)| label.as_str()).collect::<Vec<_>>().join(", ");
    app.emit(&Event::RollingBack { release: run.clone(), why, asked: true });
    let undone = emergency.run(&engine).await;
    let clean = undone.is_clean();
    app.emit(&Event::RolledBack { release: run.clone(), verified: clean, now: undone.now.clone() });
    for left in &undone.left {
        app.emit(&Event::Warning { problem: left.problem.clone() });
    }
    let ending = if clean { Ending::RolledBack } else { Ending::NeedsPerson };
    if let Err(problem) = engine.append(Entry::Closed { ending }) {
        app.warn(&problem.level(Level::Warning));
    }
    let again = again(located, seen, &moves);
    if clean {
        if let Some(again) = &again {
            app.reporter.say(&format!("undo this: {again}\n"));
        }
        let (serves, before) = match moves.as_slice() {
            [(_, from, chosen)] => (chosen.version, Some(*from)),
            _ => (None, None),
        };
        return End::new(Exit::Done, "rolled-back").release(run).versions(serves, before).commands(None, again);
    }
    let back = located.command("rollback");
    End::new(Exit::InBetween, "in-between")
        .release(run)
        .commands(None, Some(back.clone()))
        .with(not_clean(located, &undone).fix(format!("try again: {back}")))
}

fn not_clean(located: &Located, undone: &Undone) -> Problem {
    let left: Vec<&Problem> = undone.left.iter().filter(|l| l.needs_person).map(|l| &l.problem).collect();
    let mut problem = Problem::new(Code::InBetween, format!("{} is not back in every part", located.text));
    for one in &left {
        problem = problem.why(one.what.clone());
    }
    let now = if undone.now.is_empty() { "not read back".to_owned() } else { undone.now.join("; ") };
    problem = problem.aws_now(now);
    let fixes: Vec<String> = left.iter().flat_map(|one| one.fix.clone()).collect();
    fixes.into_iter().fold(problem, Problem::fix).fix(format!("look: {}", located.command("status")))
}

/// The command that undoes this rollback: with several functions, their own numbers differ.
fn again(located: &Located, seen: &[Seen], moves: &[(String, Version, crate::rollback::Chosen)]) -> Option<String> {
    match (seen, moves) {
        // Where only the split ended there is nothing to undo it with.
        ([_], [(_, from, chosen)]) if chosen.version == Some(*from) => None,
        ([_], [(label, from, _)]) => {
            from.number().map(|n| located.command_for("rollback", &format!("{label} --to {n}")))
        }
        _ => None,
    }
}
