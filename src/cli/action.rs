//! `action`: the command that the inputs of the GitHub Action describe. The inputs come as variables, so that no shell
//! reads them.

use std::ffi::OsString;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::args::command;
use super::end::HELD;
use crate::problem::{Code, Exit, Problem};

/// What the Action runs, how it is called there, and what it may leave to a person.
#[derive(Debug)]
struct Offered {
    name: &'static str,
    /// Whether it must be told what it is about.
    needs_target: bool,
    /// Whether it stops where `until` says.
    stops: bool,
    /// Flags that asking for it by name in a workflow stands for.
    implies: &'static [&'static str],
    /// Exit codes that are an outcome and not a failure of the step: GitHub fails a step on any but 0.
    outcomes: &'static [Exit],
}

const fn offered(name: &'static str) -> Offered {
    Offered { name, needs_target: true, stops: false, implies: &[], outcomes: &[] }
}

/// Every `command:` of the Action but `install`.
const COMMANDS: [Offered; 13] = [
    Offered { needs_target: false, ..offered("verify") },
    Offered { outcomes: &[Exit::Findings], ..offered("plan") },
    Offered { stops: true, ..offered("promote") },
    Offered { stops: true, outcomes: &[Exit::InFlight], ..offered("resume") },
    offered("pause"),
    // Nobody types the name of an emergency by accident.
    Offered { implies: &["--yes"], ..offered("rollback") },
    Offered { outcomes: &[Exit::InFlight], ..offered("status") },
    Offered { needs_target: false, ..offered("drift") },
    offered("doctor"),
    offered("history"),
    offered("versions"),
    offered("logs"),
    offered("gc"),
];

/// The names of what the Action runs.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|one| one.name)
}

/// What the step that settles must know, too: by the names of the arguments, with the flag and how it is said to both.
const FOR_BOTH_STEPS: [(&str, &str, &str); 7] = [
    ("region", "--region", "with: aws-region"),
    ("config", "--config", "with: config"),
    ("on_interrupt", "--on-interrupt", "with: on-interrupt"),
    ("assume_role", "--assume-role", "with: role-to-assume"),
    ("profile", "--profile", "env: STAGEGATE_PROFILE"),
    ("account", "--account", "env: STAGEGATE_ACCOUNT"),
    ("endpoint_url", "--endpoint-url", "env: STAGEGATE_ENDPOINT_URL"),
];

/// A command line that inputs describe.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// With the program's name.
    pub words: Vec<OsString>,
    /// The command and its target, for people.
    pub title: String,
    /// Exit codes that become 0.
    outcomes: &'static [Exit],
}

impl Line {
    /// Puts the inputs together: `command`, `target`, `until` and `args`; the rest are variables of the flags.
    ///
    /// # Errors
    /// [`Code::BadArguments`] names the input. GitHub does not enforce `required: true`, so that is done here.
    pub fn of(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let input = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let name = input("STAGEGATE_COMMAND").ok_or_else(|| unusable("command", "is missing", &known()))?;
        let Some(command) = COMMANDS.iter().find(|one| one.name == name) else {
            return Err(unusable("command", &format!("`{name}` is not what the Action runs"), &known()));
        };
        let target = input("STAGEGATE_TARGET");
        if target.is_none() && command.needs_target {
            let fix = "with: target: a name of stagegate.toml, FUNCTION:ALIAS, API_ID/STAGE or a URL";
            return Err(unusable("target", &format!("is missing: {name} must know what it is about"), fix));
        }
        let title = target.as_ref().map_or_else(|| name.clone(), |target| format!("{name} {target}"));
        let mut words = vec!["stagegate".to_owned(), name];
        words.extend(command.implies.iter().map(|flag| (*flag).to_owned()));
        words.extend(input("STAGEGATE_UNTIL").filter(|_| command.stops).map(|until| format!("--until={until}")));
        let args = input("STAGEGATE_ARGS").unwrap_or_default();
        // Only a tick that was asked for is expected to leave things as they are: a hold wants a person.
        let waits = command.name != "resume" || args.lines().any(|line| line.trim() == "--once");
        let outcomes = if waits { command.outcomes } else { &[] };
        words.extend(
            args.lines().map(str::trim).filter(|line| !line.is_empty()).map(argument).collect::<Result<Vec<_>, _>>()?,
        );
        // A target that begins with a dash is no flag.
        words.extend(target.into_iter().flat_map(|target| ["--".to_owned(), target]));
        if command.stops {
            for_this_step(&words)?;
        }
        Ok(Self { words: words.into_iter().map(Into::into).collect(), title, outcomes })
    }

    /// The exit code of the step for a command that ended so.
    pub fn exit(&self, (exit, result): (Exit, &str)) -> Exit {
        // A hold wants a person, whoever looked.
        if self.outcomes.contains(&exit) && result != HELD { Exit::Done } else { exit }
    }
}

/// Refuses what only this step would hear: after a cancel, the next one would look for the release somewhere else, or do
/// something else with it. However it is written: the words are read as the program reads them.
fn for_this_step(words: &[String]) -> Result<(), Problem> {
    // Words that are no command line are refused where they are run.
    let Ok(matches) = command().try_get_matches_from(words) else { return Ok(()) };
    let Some((_, matches)) = matches.subcommand() else { return Ok(()) };
    let typed = |name: &str| matches!(matches.try_contains_id(name), Ok(true)) && is_typed(matches, name);
    match FOR_BOTH_STEPS.iter().find(|(name, ..)| typed(name)) {
        None => Ok(()),
        Some((_, flag, place)) => {
            let what = format!("has {flag}, which the step that settles a cancelled run must know, too");
            Err(unusable("args", &what, &format!("say it to both steps: {place}")))
        }
    }
}

/// Whether it stands among the words, and not in a variable.
fn is_typed(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// One line is one argument; a flag and its value on one line would be one word to the program.
fn argument(line: &str) -> Result<String, Problem> {
    let flag = line.split(['=', ' ']).next().unwrap_or_default();
    match line.strip_prefix(flag).and_then(|rest| rest.strip_prefix(' ')) {
        Some(value) if line.starts_with('-') => Err(unusable(
            "args",
            &format!("`{line}` is one argument: each line is one, and no shell takes it apart"),
            &format!("write {flag}={}, or two lines", value.trim()),
        )),
        _ => Ok(line.to_owned()),
    }
}

fn known() -> String {
    format!("with: command: one of {}", names().collect::<Vec<_>>().join(", "))
}

fn unusable(input: &str, what: &str, fix: &str) -> Problem {
    Problem::new(Code::BadArguments, format!("the Action's input `{input}` {what}")).fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(inputs: &[(&str, &str)]) -> Result<Line, Problem> {
        let inputs: Vec<(String, String)> =
            inputs.iter().map(|(name, value)| (format!("STAGEGATE_{name}"), (*value).to_owned())).collect();
        Line::of(&|name| inputs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
    }

    fn words(inputs: &[(&str, &str)]) -> Vec<String> {
        line(inputs).unwrap().words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn inputs_become_words_that_no_shell_reads() {
        let promote = [("COMMAND", "promote"), ("TARGET", "prod"), ("UNTIL", "canary:5%"), ("ARGS", "")];
        assert_eq!(words(&promote), ["stagegate", "promote", "--until=canary:5%", "--", "prod"]);
        let args = "\n--canary=5% 10m, $(x)\n\n  --yes\n";
        let several = [("COMMAND", "promote"), ("TARGET", "-x"), ("ARGS", args)];
        assert_eq!(words(&several), ["stagegate", "promote", "--canary=5% 10m, $(x)", "--yes", "--", "-x"]);
        assert_eq!(
            words(&[("COMMAND", "rollback"), ("TARGET", "a:b")]),
            ["stagegate", "rollback", "--yes", "--", "a:b"]
        );
        assert_eq!(words(&[("COMMAND", "drift"), ("UNTIL", "x")]), ["stagegate", "drift"]);
    }

    #[test]
    fn what_is_missing_is_named_with_its_input() {
        let what = |inputs: &[(&str, &str)]| line(inputs).unwrap_err().what;
        assert!(what(&[("COMMAND", " ")]).contains("input `command` is missing"));
        assert!(what(&[("COMMAND", "rm")]).contains("`rm` is not what the Action runs"));
        assert!(what(&[("COMMAND", "promote"), ("TARGET", "")]).contains("input `target` is missing"));
        let split = line(&[("COMMAND", "promote"), ("TARGET", "p"), ("ARGS", "--until canary:5%")]).unwrap_err();
        assert_eq!(split.fix, ["write --until=canary:5%, or two lines"]);
    }

    #[test]
    fn what_the_step_that_settles_must_know_is_said_to_both() {
        let args = |command, args| line(&[("COMMAND", command), ("TARGET", "p"), ("ARGS", args)]);
        let refused = args("promote", "--yes\n--region=eu-west-1").unwrap_err();
        assert!(refused.what.contains("--region"), "{refused:?}");
        assert_eq!(refused.fix, ["say it to both steps: with: aws-region"]);
        assert!(args("resume", "--on-interrupt\nhold").is_err() && args("promote", "--account=1").is_err());
        assert!(args("plan", "--region=eu-west-1").is_ok(), "nothing is settled after it");
        for hidden in ["-cother.toml", "-qcother.toml", "-c=other.toml", "-vc\nother.toml", "-qvcother.toml"] {
            let refused = args("resume", hidden).expect_err(hidden);
            assert_eq!(refused.fix, ["say it to both steps: with: config"], "{hidden}");
        }
        assert!(args("promote", "--canary=5% 10m\n-q\n--override-gate=-c x").is_ok(), "a value is no flag");
    }

    #[test]
    fn an_outcome_is_no_failure_of_the_step() {
        let read = |command, args| line(&[("COMMAND", command), ("TARGET", "p"), ("ARGS", args)]).unwrap();
        let with = |command, args, exit| read(command, args).exit((exit, "baking"));
        let exit = |command, exit| with(command, "", exit);
        assert_eq!(exit("plan", Exit::Findings), Exit::Done);
        assert_eq!(with("resume", "--if-in-flight\n--once", Exit::InFlight), Exit::Done);
        assert_eq!(with("resume", "--finish", Exit::InFlight), Exit::InFlight, "a hold wants a person");
        assert_eq!(exit("promote", Exit::InFlight), Exit::InFlight, "a hold wants a person");
        let tick = read("resume", "--once");
        assert_eq!(tick.exit((Exit::InFlight, HELD)), Exit::InFlight, "also when a tick finds it");
        assert_eq!(exit("drift", Exit::Findings), Exit::Findings);
        assert_eq!(exit("resume", Exit::RolledBack), Exit::RolledBack);
    }
}
