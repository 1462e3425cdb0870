//! `canary clear|promote|set`: end or change a split of the traffic that no release of stagegate runs.

mod look;
mod write;

use self::look::{Found, look};
use self::write::carry_out;
use super::args::{CanaryArgs, CanaryCommand, SplitArgs};
use super::consent::{self, Consent};
use super::end::End;
use super::protect::guard;
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use super::{App, new_run};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::clock::Clock;
use crate::model::RunId;
use crate::problem::{Code, Exit, Problem};
use crate::split::{Wish, alias, stage};

/// What is done to one place.
#[derive(Debug)]
pub(super) enum Act<'f> {
    /// One write to an alias.
    Alias(&'f look::Alias, alias::Step),
    /// Writes to a stage, in their order.
    Stage(&'f stage::Trial, Vec<stage::Step>),
}

impl Act<'_> {
    fn says(&self) -> Vec<String> {
        match self {
            Self::Alias(_, step) => vec![step.says.clone()],
            Self::Stage(_, steps) => steps.iter().map(|step| step.says.clone()).collect(),
        }
    }
}

/// Does it.
pub async fn run(app: &App, args: CanaryArgs) -> Result<End, Problem> {
    let (wish, split) = wish(args.command);
    let mut located = locate(app, &split.target, Need::Place, None)?;
    wish.check(&split.target)?;
    // Where nobody can be asked and no flag says yes, AWS is not even read.
    agreed(app, &located, &wish, &split)?;
    let session = connect(app, &located, Pace::Share).await?;
    located.follow(app, &session).await?;
    canary(app, &located, &session, &wish, &split).await
}

pub(super) fn wish(command: CanaryCommand) -> (Wish, SplitArgs) {
    match command {
        CanaryCommand::Clear(split) => (Wish::Clear, split),
        CanaryCommand::Promote(split) => (Wish::Promote, split),
        CanaryCommand::Set { split, percent, function_version, deployment } => {
            (Wish::Set { percent, version: function_version, deployment }, split)
        }
    }
}

/// Does it over a connection.
pub async fn canary<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    wish: &Wish,
    args: &SplitArgs,
) -> Result<End, Problem> {
    session.identify(app).await?;
    app.reporter.busy("reading AWS");
    let found = look(app, located, session).await?;
    app.reporter.say(&screen(&found));
    let acts = acts(located, &found, wish, &new_run(&app.env))?;
    if acts.is_empty() {
        let note = Problem::new(Code::NoSplit, format!("nothing to {}: {} is not split", wish.word(), located.text));
        return Ok(
            End::new(Exit::Done, "unchanged").with(note.aws_now(format!("unchanged; {}", found.now().join("; "))))
        );
    }
    look::check_version(app, session, &acts, wish).await?;
    let lines: Vec<String> = acts.iter().flat_map(Act::says).map(|line| format!("  {line}\n")).collect();
    app.reporter.say(&format!("\nwhat will be done\n{}\n", lines.concat()));
    agreed(app, located, wish, args)?.obtain_for_repair(app).await?;
    app.acting.set(true);
    let done = carry_out(app, session, located, &acts).await?;
    app.reporter.say(&format!("✔ done, read back\n  {}\n", done.join("\n  ")));
    Ok(End::new(Exit::Done, "done"))
}

/// Giving everything to what is on trial, or more of it, is a promotion; taking a trial away is not.
fn agreed(app: &App, located: &Located, wish: &Wish, args: &SplitArgs) -> Result<Consent, Problem> {
    let command = format!("{}{}", located.command_in(&format!("canary {}", wish.word())), flags(wish));
    let what = format!("canary {}", wish.word());
    // A trial is taken away without the name.
    let guard = if *wish == Wish::Clear { None } else { guard(app, located)? };
    consent::repair(guard.as_deref(), (args.yes, args.confirm.as_deref()), app.silence(), (&what, &command))
}

/// The rest of `canary set`, as its command line repeats it.
fn flags(wish: &Wish) -> String {
    let Wish::Set { percent, version, deployment } = wish else { return String::new() };
    let version = version.map_or_else(String::new, |n| format!(" --function-version {n}"));
    let deployment = deployment.as_ref().map_or_else(String::new, |id| format!(" --deployment {id}"));
    format!(" {percent}{version}{deployment}")
}

fn screen(found: &Found) -> String {
    let indent = |lines: Vec<String>| {
        let rest = lines.iter().skip(1).map(|line| format!("    {line}\n"));
        format!("  {}\n{}", lines.first().cloned().unwrap_or_default(), rest.collect::<String>())
    };
    let mut text: String = found.aliases.iter().map(|one| indent(one.weighted.lines())).collect();
    text.extend(found.stage.iter().map(|trial| indent(trial.lines())));
    text
}

/// What is done where. A name has two places: where both are split, both end; a share is that of one of them.
fn acts<'f>(located: &Located, found: &'f Found, wish: &Wish, fresh: &RunId) -> Result<Vec<Act<'f>>, Problem> {
    let (by_alias, by_stage) = match wish {
        Wish::Clear | Wish::Promote => (true, true),
        Wish::Set { .. } => which(located, found, wish)?,
    };
    let mut acts = Vec::new();
    if let (true, Some(trial)) = (by_stage, &found.stage) {
        // A stage without a canary is left alone by whoever runs a release through it.
        let steps = trial.steps(wish)?;
        if let (Some(record), false) = (&found.holder, steps.is_empty()) {
            return Err(crate::split::of_release(&trial.place.to_string(), record));
        }
        if !steps.is_empty() {
            acts.push(Act::Stage(trial, steps));
        }
    }
    for one in found.aliases.iter().filter(|_| by_alias) {
        if let Some(step) = one.weighted.step(wish, fresh)? {
            acts.push(Act::Alias(one, step));
        }
    }
    // Before a stage gives everything to what its variables name, the alias must be there: aliases come first.
    acts.sort_by_key(|act| matches!(act, Act::Stage(..)));
    Ok(acts)
}

/// Whether a share is that of the alias or of the stage.
fn which(located: &Located, found: &Found, wish: &Wish) -> Result<(bool, bool), Problem> {
    let Wish::Set { version, deployment, .. } = wish else { return Ok((true, true)) };
    let aliases = found.aliases.len();
    let split = found.aliases.iter().filter(|one| one.weighted.is_split()).count();
    let tried = found.stage.as_ref().is_some_and(|trial| trial.stage.canary.is_some());
    match (version, deployment) {
        (Some(_), _) if aliases == 1 => Ok((true, false)),
        (_, Some(_)) if found.stage.is_some() => Ok((false, true)),
        (None, None) if aliases == 1 && (found.stage.is_none() || split == 1 && !tried) => Ok((true, false)),
        (None, None) if found.stage.is_some() && (aliases == 0 || tried && split == 0) => Ok((false, true)),
        _ => {
            let problem =
                Problem::new(Code::AmbiguousTarget, format!("{} has more than one place for a share", located.text));
            let places = found.aliases.iter().map(|one| one.weighted.place.clone());
            let places = places.chain(found.stage.iter().map(|trial| trial.place.to_string()));
            Err(places.take(10).fold(problem, |problem, place| {
                problem.fix(format!("{}{}", located.command_for("canary set", &place), flags(wish)))
            }))
        }
    }
}
