//! `rollback`: put back what served before, from any machine, with the records in AWS alone.

mod choose;
mod facts;
pub(super) mod past;

use self::choose::{Choice, Choosing};
use super::args::RollbackArgs;
use super::end::End;
use super::log::{self, Log};
use super::prompt::Key;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{App, consent, members, new_run, prompt};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::engine::{Engine, Settings};
use crate::event::Event;
use crate::journal::{Ending, Entry, Journal as _};
use crate::model::{RunId, Version};
use crate::problem::{Code, Exit, Level, Problem};
use crate::report::plan_text::Caller;
use crate::report::rollback_text;
use crate::report::text::field;
use crate::rollback::{Emergency, Part, Seen, Stays, Undone};

const GOES_ON: &str = "the rollback goes on: the records in AWS are enough";
/// How many versions, or functions, are offered to choose from.
const OFFERED: usize = 10;

/// Rolls back.
pub async fn run(app: &App, args: RollbackArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    if !args.yes && !app.can_prompt() {
        let fix = located.command(&format!("rollback{} --yes", args.repeated()));
        return Err(consent::missing("rollback", app.silence()).fix(fix));
    }
    let session = connect(app, &located, Pace::Full).await?;
    located.resolve(app, &session).await?;
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
        return Err(one_by_one(located, &seen, number, args.scope()));
    }
    let fresh = new_run(&app.env);
    let choosing = Choosing::new(app, located, session, &seen, args, &fresh);
    let mut choice = choosing.choose().await?;
    if let Some(note) = already_there(&choice.emergency, &seen) {
        let serves = seen.first().map(|one| one.alias.version);
        return Ok(End::new(Exit::Done, "unchanged").versions(serves, None).with(note));
    }
    let head = head(located, session, &seen, caller.as_ref(), app.term().width);
    let width = app.term().width;
    if person {
        let facts = facts::look(&choosing, &mut choice.emergency).await?;
        let screen = rollback_text::screen(&choice.emergency, &seen, args.part(), Some(&facts), width);
        app.reporter.say(&format!("{head}\n{screen}\n"));
        choice = agree(app, &choosing, choice).await?;
    } else {
        let screen = rollback_text::screen(&choice.emergency, &seen, args.part(), None, width);
        app.reporter.aside(&format!("{head}\n{screen}\n"));
    }
    Ok(carry_out(app, located, session, choice, &seen, (&fresh, args)).await)
}

/// One key: all of it, or the aliases alone.
async fn agree<A: Aws, C: Clock>(app: &App, choosing: &Choosing<'_, A, C>, choice: Choice) -> Result<Choice, Problem> {
    let stage = choice.emergency.way.stage.as_ref().filter(|stage| stage.has_anything());
    let partial = stage.is_some() && choosing.args.part() == Part::All;
    let letters: &[(char, &str)] = if partial { &[('s', "alias only")] } else { &[] };
    match prompt::key(app, "roll back now", letters).await? {
        Key::Enter => Ok(choice),
        Key::Letter(_) => {
            let mut emergency = choosing.prepare(choice.to, Part::Aliases)?;
            emergency.way.aliases.iter_mut().for_each(|alias| alias.check_target = false);
            Ok(Choice { emergency, ..choice })
        }
        Key::Leave => Err(prompt::left()),
    }
}

fn one_by_one(located: &Located, seen: &[Seen], number: u64, scope: &str) -> Problem {
    let problem = Problem::new(
        Code::AmbiguousTarget,
        format!("--to {number} names a version of one function, {} has {}", located.text, seen.len()),
    )
    .why("the same number means different code in every function");
    let command = |one: &Seen| located.command_for("rollback", &format!("{} --to N{scope}", one.label()));
    seen.iter().take(OFFERED).fold(problem, |problem, one| problem.fix(command(one)))
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

/// Who rolls back, and where.
fn head<A, C>(
    located: &Located,
    session: &Session<A, C>,
    seen: &[Seen],
    caller: Option<&Caller>,
    width: usize,
) -> String {
    let account = seen.first().and_then(|one| one.alias.arn.split(':').nth(4)).unwrap_or_default();
    let profile = located.settings.profile.as_ref().map_or_else(String::new, |name| format!(" ({})", name.value));
    let you = caller.map_or_else(String::new, |caller| format!(" · you are {}", caller.name()));
    let mut text = field("", &format!("account {account}{profile} · {}{you}", session.region), width);
    if let Some(endpoint) = &session.endpoint {
        text.push_str(&format!("endpoint {endpoint}, not AWS's own\n"));
    }
    text
}

/// Sends it, reads back, says what is true now.
async fn carry_out<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    Choice { emergency, to }: Choice,
    seen: &[Seen],
    (fresh, args): (&RunId, &RollbackArgs),
) -> End {
    let run = emergency.way.run.clone();
    let moves = emergency.moves.clone();
    let marked = emergency.marked(seen);
    let mut log = Log::begin(app, fresh, GOES_ON);
    let reverts = Entry::Reverts {
        run: Some(run.clone()).filter(|run| run != fresh),
        aliases: moves.iter().map(|(label, ..)| label.clone()).collect(),
        moves: moves.iter().map(|(_, from, chosen)| (*from, chosen.version.unwrap_or(*from))).collect(),
        bad: emergency.takes_back(),
        arns: seen.iter().map(|one| one.alias.arn.clone()).collect(),
        reason: args.reason().map(str::to_owned),
    };
    if let Err(error) = log.append(session.clock.now(), reverts) {
        log::warn(app, &error, GOES_ON);
    }
    let engine =
        Engine::new(&session.aws, &session.clock, &app.reporter, &app.interrupt, log, run.clone(), Settings::default());
    app.acting.set(true);
    let aliases = moves.iter().map(|(label, ..)| label.as_str()).collect::<Vec<_>>().join(", ");
    let why = args.reason().map_or_else(|| aliases.clone(), |reason| format!("{aliases}: {reason}"));
    app.emit(&Event::RollingBack { release: run.clone(), why, asked: true });
    let behind = emergency.stays.clone().filter(|(_, why)| *why == Stays::Asked);
    let behind = behind.map(|(stage, _)| (stage, located.command("rollback --stage-only")));
    let undone = emergency.run(&engine).await;
    let clean = undone.is_clean();
    app.emit(&undone.event(&run));
    for left in &undone.left {
        app.emit(&Event::Warning { problem: left.problem.clone() });
    }
    let ending = if clean { Ending::RolledBack } else { Ending::NeedsPerson };
    if let Err(problem) = engine.append(Entry::Closed { ending }) {
        app.warn(&problem.level(Level::Warning));
    }
    let again = again(located, seen, &moves);
    if clean {
        app.reporter.say(&rollback_text::after(&marked, behind.as_ref(), again.as_deref(), app.term().width));
        let (serves, before) = match moves.as_slice() {
            [(_, from, chosen)] => (chosen.version, Some(*from)),
            _ => (None, None),
        };
        return End::new(Exit::Done, "rolled-back").release(run).versions(serves, before).commands(None, again);
    }
    let to = to.map_or_else(String::new, |number| format!(" --to {number}"));
    let back = located.command(&format!("rollback{to}{}", args.scope()));
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
