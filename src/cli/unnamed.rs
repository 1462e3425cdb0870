//! Which target a command is about that names none: the only one of stagegate.toml, or the one that a person chooses
//! there.

use super::args::{Command, UNNAMED};
use super::{App, prompt};
use crate::config::{self, Config, SmokeFiles};
use crate::model::Target;
use crate::problem::{Code, Problem};

/// How many targets a message names.
const OFFERED: usize = 10;

/// A command that may leave its target out.
struct Asking<'c> {
    name: &'static str,
    target: &'c mut String,
    /// What was given beside it, as a command line repeats it.
    flags: String,
    /// Whether it changes something.
    acts: bool,
    /// Whether it was told not to ask.
    silenced: bool,
}

impl<'c> Asking<'c> {
    /// Of a command; `None` for one that has its target, or needs none.
    fn of(command: &'c mut Command) -> Option<Self> {
        let acts = command.acts();
        let (name, flags, silenced, target) = match command {
            Command::Plan(args) => ("plan", args.repeated(), false, &mut args.source.target),
            Command::Promote(args) => {
                ("promote", args.repeated(), args.yes || args.confirm.is_some(), &mut args.source.target)
            }
            Command::Resume(args) => ("resume", args.repeated_with(&args.canary, args.until), false, &mut args.target),
            Command::Pause(args) => ("pause", String::new(), false, &mut args.target),
            Command::Rollback(args) => ("rollback", args.repeated(), args.yes, &mut args.target),
            Command::Status(args) => ("status", String::new(), false, &mut args.target),
            Command::History(args) => ("history", String::new(), false, &mut args.target),
            _ => return None,
        };
        (target == UNNAMED).then_some(Self { name, target, flags, acts, silenced })
    }
}

/// Fills in the target where none is named.
///
/// # Errors
/// [`Code::BadArguments`] where nobody can be asked, and nothing else says which one is meant. A command that acts without
/// a question must be told.
pub async fn fill_in(app: &App, command: &mut Command) -> Result<(), Problem> {
    let Some(asking) = Asking::of(command) else { return Ok(()) };
    let config = config::load(app.args.config.as_deref(), &app.directory, &config::read_file)?;
    let names: Vec<&str> = config.iter().flat_map(Config::names).collect();
    let is_asked = app.can_prompt() && !asking.silenced;
    *asking.target = match (&config, names.as_slice()) {
        (Some(config), [only]) if is_asked || !asking.acts => {
            app.reporter.aside(&format!("target {only}, the only one of {}\n", config.file_name()));
            (*only).to_owned()
        }
        (Some(config), [_, _, ..]) if is_asked => choose(app, config, &names).await?,
        _ => return Err(unnamed(app, &asking, &names)),
    };
    Ok(())
}

async fn choose(app: &App, config: &Config, names: &[&str]) -> Result<String, Problem> {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let item = |name: &&str| {
        let target = config.target(name, SmokeFiles::Leave).map_or_else(|_| String::new(), |target| places(&target));
        format!("{name:longest$}  {target}").trim_end().to_owned()
    };
    let items = names.iter().map(item).collect();
    match prompt::select(app, "Which target?", items).await?.and_then(|at| names.get(at)) {
        Some(name) => Ok((*name).to_owned()),
        None => Err(prompt::left()),
    }
}

/// What a target is, in one line.
fn places(target: &Target) -> String {
    let functions = match target.functions.as_slice() {
        [one] => format!("{one}:{}", target.alias),
        many => format!("{} functions:{}", many.len(), target.alias),
    };
    let stage = target.stage.as_ref().map_or_else(String::new, |stage| format!(" · {stage}"));
    format!("{functions}{stage}{}", if target.protected { " · protected" } else { "" })
}

fn unnamed(app: &App, asking: &Asking<'_>, names: &[&str]) -> Problem {
    let (name, flags) = (asking.name, &asking.flags);
    let problem = Problem::new(Code::BadArguments, format!("{name} does not say what it is about"));
    let flag = if name == "rollback" { "--yes" } else { "--yes or --confirm" };
    let problem = match app.silence() {
        Some(silence) => problem.why(format!("{silence}, so nobody can be asked")),
        None if asking.silenced => problem.why(format!("what {flag} does without a question must be named")),
        None => problem,
    };
    let problem = problem.aws_now("not read, nothing was changed");
    if names.is_empty() {
        return problem
            .why(format!("there is no {} with targets to choose from, here or above", config::FILE_NAME))
            .fix(format!("name the place: stagegate {name} FUNCTION:ALIAS"))
            .fix("or write the file from what is live, where names are: stagegate init URL");
    }
    let many = (names.len() > OFFERED).then(|| format!("{} has {} targets", config::FILE_NAME, names.len()));
    let problem = many.into_iter().fold(problem, Problem::why);
    let command = |target: &&str| format!("stagegate {name} {target}{flags}");
    names.iter().take(OFFERED).map(command).fold(problem, Problem::fix)
}
