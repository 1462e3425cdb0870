//! A command line that cannot be read: as text for people, and in the shape that a program asked for.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use jiff::Timestamp;

use super::args::{self, command};
use super::end::End;
use crate::github::is_runner;
use crate::problem::{Code, Exit, Problem};
use crate::report::{Loudness, Probe, Reporter, Shape, Term, Wishes};

/// Help, version, or a mistake: says it, and answers with the exit code.
pub fn report(error: &clap::Error, arguments: &[OsString], env: &dyn Fn(&str) -> Option<String>) -> Exit {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if error.use_stderr() && is_runner(env) && !wants_json(&words, env) {
        // What somebody typed is repeated there, and a runner would obey it.
        let term = Term::decide(&Probe { stdin: false, stderr: false, columns: None, env }, Wishes::default());
        Reporter::to_process(term, Shape::Human, Loudness::Normal).say(&error.render().to_string());
        return Exit::Usage;
    }
    if !error.use_stderr() || !wants_json(&words, env) {
        return match error.print() {
            _ if error.use_stderr() => Exit::Usage,
            Err(lost) if lost.kind() != std::io::ErrorKind::BrokenPipe => {
                crate::report::unprinted(&lost);
                Exit::Failed
            }
            // The reader may have gone away.
            _ => Exit::Done,
        };
    }
    let stderr = std::io::stderr().is_terminal();
    let term = Term::decide(&Probe { stdin: false, stderr, columns: None, env }, Wishes::default());
    let shape = if acts(&words) { Shape::Events } else { Shape::Document };
    let reporter = Reporter::to_process(term, shape, Loudness::Normal);
    say(&reporter, Timestamp::now(), &problem(error, &words))
}

fn say(reporter: &Reporter, now: Timestamp, problem: &Problem) -> Exit {
    let end = End::from(problem.clone());
    if reporter.shape() == Shape::Events {
        reporter.hello(now);
    }
    reporter.problem(now, problem);
    if reporter.shape() == Shape::Events {
        reporter.end(now, &end.event());
    }
    end.exit()
}

/// A mistake in the command line that the inputs of the Action make.
pub fn of_action(error: &clap::Error, arguments: &[OsString]) -> Problem {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    problem(error, &words).why(format!("the Action's inputs make this command: stagegate {}", words.join(" ")))
}

/// What clap says, without the usage that it repeats.
fn problem(error: &clap::Error, words: &[String]) -> Problem {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let what = lines.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let names = named(words);
    let help =
        if names.is_empty() { "stagegate help".to_owned() } else { format!("stagegate help {}", names.join(" ")) };
    let problem = Problem::new(Code::BadArguments, what);
    let problem = lines.filter(|line| !line.is_empty()).fold(problem, Problem::why);
    problem.fix(format!("see what there is: {help}"))
}

/// Whether a program reads standard output, as far as that can be told.
fn wants_json(words: &[String], env: &dyn Fn(&str) -> Option<String>) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let is_on = |value: String| !["", "0", "n", "no", "f", "false", "off"].contains(&value.to_lowercase().as_str());
    words.contains(&"--json")
        || words.contains(&"--output=json")
        || words.windows(2).any(|pair| pair == ["--output", "json"])
        || env("STAGEGATE_JSON").is_some_and(is_on)
        || env("STAGEGATE_OUTPUT").is_some_and(|value| value == "json")
}

/// Whether the command that these words name may change something.
fn acts(words: &[String]) -> bool {
    let names = named(words);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    args::acts_by_name(&names, |flag| words.iter().any(|word| word == flag || word.starts_with(&format!("{flag}="))))
}

/// The command that is meant, and what is meant below it.
pub fn named(words: &[String]) -> Vec<String> {
    let mut at = command();
    at.build();
    let (mut names, mut skip) = (Vec::new(), false);
    for word in words {
        if std::mem::take(&mut skip) {
            continue;
        }
        if let Some(flag) = word.strip_prefix('-') {
            skip = takes_value(&at, flag);
        } else if let Some(below) = at.find_subcommand(word) {
            names.push(word.clone());
            at = below.clone();
        } else {
            break;
        }
    }
    names
}

/// Whether the next word belongs to this flag.
fn takes_value(command: &clap::Command, flag: &str) -> bool {
    let long = flag.strip_prefix('-');
    let is_it = |arg: &&clap::Arg| match long {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| flag == short.to_string()),
    };
    command.get_arguments().find(is_it).is_some_and(|arg| arg.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_command_is_found_behind_flags_with_values() {
        assert_eq!(named(&words("--profile plan -c x.toml promote prod --nonsense")), ["promote"]);
        assert_eq!(named(&words("--region=eu-west-1 canary set prod")), ["canary", "set"]);
        assert!(named(&words("promot prod")).is_empty());
    }

    #[test]
    fn a_program_is_heard_wherever_it_says_so() {
        let no = |_: &str| None;
        assert!(wants_json(&words("promot --json"), &no) && wants_json(&words("status --output json"), &no));
        assert!(!wants_json(&words("status -- --json"), &no) && !wants_json(&words("status"), &no));
        let said = |value: &'static str| move |name: &str| (name == "STAGEGATE_JSON").then(|| value.to_owned());
        assert!(wants_json(&[], &said("1")) && !wants_json(&[], &said("")) && !wants_json(&[], &said("false")));
    }
}
