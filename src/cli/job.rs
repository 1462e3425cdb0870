//! The GitHub job that a command is part of: what it gets beside the log, as its variables say.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::action::Line;
use crate::github::{WorkflowRun, is_run_id, is_runner};
use crate::model::RunId;
use crate::problem::{Code, Exit, Level, Problem};
use crate::report::Reporter;
use crate::report::github::{Job, When, Wishes};

/// Reads a variable of the environment.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How often a summary is written, as the Action's input says it.
const SUMMARY: &str = "STAGEGATE_GITHUB_SUMMARY";
/// Whether annotations are made, as the Action's input says it.
const ANNOTATIONS: &str = "STAGEGATE_GITHUB_ANNOTATIONS";

/// What the job wants; nothing where no runner is. With `bare` that is nothing either, but for the steps of the Action:
/// one without outputs would be taken for one that was killed, and secrets are hidden all the same.
///
/// # Errors
/// [`Code::BadOption`] names the variable that is none of its values.
pub fn wishes(env: Env<'_>, bare: bool, caller: &Caller<'_>, acts: bool) -> Result<Option<Wishes>, Problem> {
    if !is_runner(env) || (bare && !caller.has_the_runners_streams(env)) {
        return Ok(None);
    }
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let file = |name: &str| set(name).map(PathBuf::from);
    let delimiter = format!("stagegate-{}", ulid::Ulid::generate());
    let events = |folder: PathBuf| folder.join(format!("{delimiter}.events.jsonl"));
    Ok(Some(Wishes {
        title: caller.title(),
        summary: if bare { When::Never } else { when(set(SUMMARY).as_deref())? },
        annotations: !bare && on(set(ANNOTATIONS).as_deref())?,
        unfolded: bare,
        output: file("GITHUB_OUTPUT"),
        summary_file: file("GITHUB_STEP_SUMMARY"),
        events_file: file("RUNNER_TEMP").filter(|_| acts).map(events),
        run: WorkflowRun::of(env),
        below: below(file("GITHUB_WORKSPACE").as_deref(), std::env::current_dir().ok().as_deref()),
        delimiter,
        masks: caller.has_the_runners_streams(env),
    }))
}

fn when(value: Option<&str>) -> Result<When, Problem> {
    match value {
        None | Some("always") => Ok(When::Always),
        Some("on-failure") => Ok(When::OnFailure),
        Some("never") => Ok(When::Never),
        Some(other) => Err(unusable(SUMMARY, "job-summary", other, "always, on-failure or never")),
    }
}

fn on(value: Option<&str>) -> Result<bool, Problem> {
    match value {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(unusable(ANNOTATIONS, "annotations", other, "true or false")),
    }
}

fn unusable(variable: &str, input: &str, value: &str, known: &str) -> Problem {
    Problem::new(Code::BadOption, format!("{variable}, the Action's input `{input}`, is `{value}`"))
        .fix(format!("write {known}"))
}

/// From the root of the checkout to where the command runs.
fn below(root: Option<&Path>, here: Option<&Path>) -> PathBuf {
    root.zip(here).and_then(|(root, here)| here.strip_prefix(root).ok()).map(Path::to_owned).unwrap_or_default()
}

/// The reporter, with the job and its file of events. A file that cannot be made is left out: the log has all of it.
pub fn attach(reporter: Reporter, wishes: Option<Wishes>) -> Reporter {
    let Some(mut wishes) = wishes else { return reporter };
    let file = wishes.events_file.take().and_then(|path| Some((File::create_new(&path).ok()?, path)));
    let reporter = match file {
        Some((file, path)) => {
            wishes.events_file = Some(path);
            reporter.copying_to(Box::new(file))
        }
        None => reporter,
    };
    reporter.for_job(Job::new(wishes))
}

/// Who asks for a command.
pub enum Caller<'a> {
    /// Somebody who typed these words.
    Words(&'a [OsString]),
    /// The Action, if its inputs are a command; it starts the program in place of its shell, and so with the runner's own
    /// streams.
    Action(Option<&'a Line>),
}

impl Caller<'_> {
    /// The command and its target, for people.
    fn title(&self) -> String {
        match self {
            Self::Words(words) => typed(words),
            Self::Action(line) => line.map_or_else(|| "action".to_owned(), |line| line.title.clone()),
        }
    }

    /// Whether the runner itself started the program: for the Action, and for `settle` in a step of a composite, where its
    /// variable is. Elsewhere a shell may have sent standard error into a file.
    fn has_the_runners_streams(&self, env: Env<'_>) -> bool {
        match self {
            Self::Action(_) => true,
            Self::Words(words) => {
                typed(words).split(' ').next() == Some("settle")
                    && env("GITHUB_ACTION_PATH").is_some_and(|path| !path.is_empty())
            }
        }
    }
}

impl Caller<'_> {
    /// The command as it can be started once more; an Action is started by its workflow.
    pub fn again(&self) -> Option<String> {
        let Self::Words(words) = self else { return None };
        let words = words.iter().skip(1).map(|word| super::target::shell_word(&word.to_string_lossy()));
        Some(std::iter::once("stagegate".to_owned()).chain(words).collect::<Vec<_>>().join(" "))
    }

    /// The exit code of the process for a command that ended so.
    pub fn exit(&self, exit: Exit, result: &str) -> Exit {
        match self {
            Self::Action(Some(line)) => line.exit((exit, result)),
            Self::Action(None) | Self::Words(_) => exit,
        }
    }
}

impl Caller<'_> {
    /// The message with what is said in a workflow in place of a flag.
    pub fn explain(&self, problem: Problem) -> Problem {
        match self {
            Self::Action(_) if problem.code == Code::ConfirmationMissing => {
                problem.fix("in the workflow, with: confirm: the target's name")
            }
            _ => problem,
        }
    }
}

/// The file that names the releases which the steps of a job took up: the step that settles knows by it whose they are,
/// whoever began them.
fn releases(env: Env<'_>) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let run = set("GITHUB_RUN_ID").filter(|run| is_run_id(run) && is_runner(env))?;
    Some(PathBuf::from(set("RUNNER_TEMP")?).join(format!("stagegate-{run}.releases")))
}

/// A step begins that may take releases up.
pub fn begins(env: Env<'_>) {
    append(env, "");
}

/// A step takes a release up: from here on it may write.
pub fn takes_up(env: Env<'_>, run: &RunId) {
    append(env, &format!("{run}\n"));
}

/// What cannot be written is not there for the step that settles: it goes by the release's id then.
fn append(env: Env<'_>, text: &str) {
    let file = releases(env).and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok());
    if let Some(mut file) = file {
        let _ = file.write_all(text.as_bytes());
    }
}

/// The releases that this job took up, if that was kept.
pub fn taken_up(env: Env<'_>) -> Option<Vec<RunId>> {
    let text = std::fs::read_to_string(releases(env)?).ok()?;
    Some(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// The command and its target as they were typed.
fn typed(arguments: &[OsString]) -> String {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut named = super::usage::named(&words);
    let after = named.last().and_then(|last| words.iter().position(|word| word == last));
    named.extend(after.and_then(|at| words.get(at + 1)).filter(|word| !word.starts_with('-')).cloned());
    named.join(" ")
}

/// A file of the job that could not be written changes nothing of what was done.
pub fn unwritten(lost: &str) -> Problem {
    Problem::new(Code::FileUnwritable, "the job's summary or outputs could not be written")
        .level(Level::Warning)
        .why(lost)
        .aws_now("as the lines above say")
        .fix("later steps find no outputs: read the log, or: stagegate status TARGET")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Option<Wishes>, Problem> {
        let set: Vec<(String, String)> = set.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        wishes(
            &|name| set.iter().find(|(key, _)| key == name).map(|(_, v)| v.clone()),
            false,
            &Caller::Action(None),
            true,
        )
    }

    #[test]
    fn without_a_runner_there_is_no_job() {
        assert!(read(&[("CI", "true"), ("GITHUB_OUTPUT", "/tmp/x")]).unwrap().is_none());
        assert!(read(&[("GITHUB_ACTIONS", "true")]).unwrap().is_some());
    }

    #[test]
    fn the_step_that_runs_the_action_always_has_its_outputs() {
        let env = |name: &str| match name {
            "GITHUB_ACTIONS" => Some("true".to_owned()),
            "GITHUB_OUTPUT" | "GITHUB_STEP_SUMMARY" => Some(format!("/tmp/{name}")),
            _ => None,
        };
        let wishes = wishes(&env, true, &Caller::Action(None), true).unwrap().unwrap();
        assert_eq!(wishes.output, Some("/tmp/GITHUB_OUTPUT".into()));
        assert!(!wishes.annotations && wishes.summary == When::Never);
    }

    #[test]
    fn a_value_that_is_none_is_named_with_its_input() {
        let runner = ("GITHUB_ACTIONS", "true");
        let what = |set| read(&[runner, set]).unwrap_err().what;
        assert!(what((SUMMARY, "sometimes")).contains("`job-summary`, is `sometimes`"));
        assert!(what((ANNOTATIONS, "yes")).contains("`annotations`, is `yes`"));
        let empty = read(&[runner, (SUMMARY, ""), (ANNOTATIONS, "")]).unwrap().unwrap();
        assert!(empty.annotations && empty.summary == When::Always);
    }

    #[test]
    fn the_title_is_the_command_and_what_it_is_about() {
        let title = |line: &str| typed(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(title("stagegate --region x promote prod --yes"), "promote prod");
        assert_eq!(title("stagegate canary set a:b 5%"), "canary set a:b");
        assert_eq!(title("stagegate demo --regress errors"), "demo");
    }

    #[test]
    fn files_are_named_from_the_root_of_the_checkout() {
        let of = |root, here| below(Some(Path::new(root)), Some(Path::new(here)));
        assert_eq!(of("/w/repo", "/w/repo/services/shop"), Path::new("services/shop"));
        assert_eq!(of("/w/repo", "/elsewhere"), Path::new(""));
    }
}
