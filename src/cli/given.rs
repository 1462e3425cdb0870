//! What was asked for, in the commands that a message offers: who pastes one gets what was given, and not the defaults.

use super::args::{Command, command};
use super::target::shell_word;
use crate::config::TargetRef;
use crate::problem::Problem;

/// The flags of the command that was given which another one needs to mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// What messages call its target.
    places: Vec<String>,
    /// For a plan, or another promotion, of that target.
    anew: Vec<String>,
    /// For going on with its release.
    onward: Vec<String>,
}

impl Given {
    /// Of a command; `None` for those that no other one takes up.
    pub fn by(command: &Command) -> Option<Self> {
        let (target, anew, onward) = match command {
            Command::Plan(args) => (&args.source.target, args.given(), Vec::new()),
            Command::Promote(args) => (&args.source.target, args.given(), args.onward().given()),
            Command::Resume(args) => (&args.target, Vec::new(), args.onward().given()),
            _ => return None,
        };
        let alias = match TargetRef::parse(target) {
            Ok(TargetRef::Alias { function, alias, .. }) => Some(format!("{function}:{alias}")),
            _ => None,
        };
        let places = std::iter::once(shell_word(target)).chain(alias).collect();
        Some(Self { places, anew, onward })
    }

    /// The problem, with the flags in its fixes.
    pub fn complete(&self, problem: &Problem) -> Problem {
        problem.completing(&|words| self.flags_for(words))
    }

    /// What a command lacks; nothing where it is about something else.
    fn flags_for(&self, words: &[&str]) -> Vec<String> {
        let [_, name, place, rest @ ..] = words else { return Vec::new() };
        let given = match *name {
            "plan" | "promote" => &self.anew,
            "resume" => &self.onward,
            _ => return Vec::new(),
        };
        if !self.places.iter().any(|known| known == place) {
            return Vec::new();
        }
        given.iter().filter(|flag| fits(name, flag, rest)).cloned().collect()
    }
}

/// Whether a command knows a flag, and says nothing that the flag excludes.
fn fits(name: &str, given: &str, words: &[&str]) -> bool {
    let all = command();
    let Some(command) = all.find_subcommand(name) else { return false };
    let named = |text: &str| {
        let long = text.split(' ').next().unwrap_or_default().trim_start_matches("--");
        command.get_arguments().find(|arg| arg.get_long() == Some(long))
    };
    let Some(flag) = named(given) else { return false };
    let excludes = |one: &clap::Arg, two: &clap::Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == two.get_id())
    };
    let excluded = words
        .iter()
        .filter(|word| word.starts_with("--"))
        .filter_map(|word| named(word))
        .any(|other| excludes(flag, other) || excludes(other, flag));
    // Where all traffic moves at once no share is stopped at.
    let at_once = words.windows(2).any(|pair| pair == ["--canary", "none"]);
    !(excluded || at_once && given.starts_with("--until canary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::parse;
    use crate::problem::Code;

    fn fixes(line: &str, fixes: &[&str]) -> Vec<String> {
        let given = parse(line.split(' ').map(Into::into)).unwrap().command;
        let problem = fixes.iter().fold(Problem::new(Code::InBetween, "left"), |problem, fix| problem.fix(*fix));
        Given::by(&given).unwrap().complete(&problem).fix
    }

    #[test]
    fn a_release_is_begun_again_and_gone_on_with_as_it_was_asked_for() {
        let line = "stagegate promote prod --function-version 40 --until canary:5% --on-interrupt hold --yes";
        let said = fixes(
            line,
            &[
                "start again: stagegate promote prod",
                "stagegate plan prod",
                "go on: stagegate resume prod",
                "all the way: stagegate resume prod --finish",
                "move at once: stagegate promote prod --canary none",
                "or insist: stagegate promote prod --function-version 41",
                "release it first: stagegate promote staging",
                "go back: stagegate rollback prod",
            ],
        );
        assert_eq!(
            said,
            [
                "start again: stagegate promote prod --function-version 40 --until canary:5% --on-interrupt hold",
                "stagegate plan prod --function-version 40",
                "go on: stagegate resume prod --until canary:5% --on-interrupt hold",
                "all the way: stagegate resume prod --finish --on-interrupt hold",
                "move at once: stagegate promote prod --canary none --function-version 40 --on-interrupt hold",
                "or insist: stagegate promote prod --function-version 41 --until canary:5% --on-interrupt hold",
                "release it first: stagegate promote staging",
                "go back: stagegate rollback prod",
            ]
        );
    }

    #[test]
    fn a_flag_that_another_one_excludes_is_left_out() {
        let again = |line, fix| fixes(line, &[fix]).concat();
        let other = "stagegate promote prod --function-version 42 --canary none";
        assert_eq!(again("stagegate promote prod --plan p.json", other), other);
        let preset = "stagegate promote prod --preset AllAtOnce";
        assert_eq!(again(preset, "stagegate promote prod --canary none"), "stagegate promote prod --canary none");
        let arn = "stagegate promote arn:aws:lambda:us-east-1:123456789012:function:pets:live --until smoke";
        assert_eq!(again(arn, "stagegate promote pets:live"), "stagegate promote pets:live --until smoke");
    }
}
