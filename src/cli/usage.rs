//! A command line that cannot be read: as text for people, and in the shape that a program asked for.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use jiff::Timestamp;

use super::args::{self, command};
use super::end::End;
use crate::problem::{Code, Exit, Problem};
use crate::report::{Loudness, Probe, Reporter, Shape, Term, Wishes};

/// Characters of a name above which two slips are still the same name.
const LONG: usize = 12;

/// Help, version, or a mistake: says it, and answers with the exit code.
pub fn report(error: &clap::Error, arguments: &[OsString], env: &dyn Fn(&str) -> Option<String>) -> Exit {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let json = wants_json(&words, env);
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json;
    if !error.use_stderr() || is_help {
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
    let stderr = console::Term::stderr();
    let columns = stderr.size_checked().map(|(_, columns)| columns);
    let probe = Probe { stdin: false, stderr: stderr.is_term(), columns, env };
    let shape = match (json, acts(&words)) {
        (false, _) => Shape::Human,
        (true, true) => Shape::Events,
        (true, false) => Shape::Document,
    };
    let reporter = Reporter::to_process(Term::decide(&probe, Wishes::default()), shape, Loudness::Normal);
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

/// What clap says, without the usage that it repeats, and with its guess only where that is a slip of the finger.
fn problem(error: &clap::Error, words: &[String]) -> Problem {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("tip:") && !line.starts_with("For more"));
    let what = lines.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let names = named(words);
    let help =
        if names.is_empty() { "stagegate help".to_owned() } else { format!("stagegate help {}", names.join(" ")) };
    let problem = match what.ends_with(':') {
        true => Problem::new(Code::BadArguments, format!("{what} {}", lines.collect::<Vec<_>>().join(", "))),
        false => lines.fold(Problem::new(Code::BadArguments, what), Problem::why),
    };
    let problem = match meant(error) {
        Some(name) => problem.why(format!("did you mean `{name}`?")),
        None => problem,
    };
    problem.fix(format!("see what there is: {help}"))
}

/// What was meant, where a name is written nearly so.
fn meant(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    const PAIRS: [(ContextKind, ContextKind); 3] = [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
        (ContextKind::InvalidValue, ContextKind::SuggestedValue),
    ];
    let near = |typed: &str, known: &str| strsim::osa_distance(typed, known) <= 1 + usize::from(known.len() > LONG);
    PAIRS.into_iter().find_map(|(typed, known)| {
        let (typed, known) = (text(typed)?, text(known)?);
        near(&typed, &known).then_some(known)
    })
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
    fn a_name_is_guessed_only_where_it_is_nearly_written() {
        let said = |line: &str| {
            let error = args::parse(line.split_whitespace().map(OsString::from)).unwrap_err();
            problem(&error, &words(line.strip_prefix("stagegate").unwrap())).why
        };
        for (line, meant) in [
            ("stagegate promote prod --confg x", "--config"),
            ("stagegate promot prod", "promote"),
            ("stagegate status prod --progress plan", "plain"),
            ("stagegate promote prod --functoin-verson 3", "--function-version"),
        ] {
            assert_eq!(said(line).last().unwrap(), &format!("did you mean `{meant}`?"), "{line}");
        }
        for line in ["stagegate status prod --confirm prod", "stagegate logs a --vers", "stagegate status --nonsense"] {
            assert!(said(line).is_empty(), "{line}: {:?}", said(line));
        }
    }

    #[test]
    fn what_is_missing_is_part_of_the_headline() {
        let error = args::parse(["stagegate", "logs"].map(OsString::from)).unwrap_err();
        let problem = problem(&error, &words("logs"));
        assert!(problem.what.ends_with("were not provided: <TARGET>"), "{}", problem.what);
        assert_eq!(problem.fix, ["see what there is: stagegate help logs"]);
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
