//! A command that a message offers reaches what the command that failed had reached: it repeats the flags that decide
//! where that is.

use super::Problem;

/// What ends a command inside a line: a remark, or another command.
const ENDS: [&str; 8] = ["  ", " ·", " | ", " > ", " && ", ". ", ", ", ")"];
/// Commands that ask no AWS account anything.
const OFFLINE: [&str; 7] = ["completion", "demo", "explain", "gate", "help", "man", "schema"];

/// Flags that the AWS CLI has, too.
const OF_AWS: [&str; 3] = ["--profile", "--region", "--endpoint-url"];
/// Commands of the AWS CLI that sign in: they call no service of the region, and work on a profile.
const SIGN_IN: [&str; 3] = ["configure", "login", "sso"];

impl Problem {
    /// With these flags, such as `--profile shop`, in every stagegate command of its fixes that lacks them. A command
    /// that names a flag of the same name has its own.
    pub fn repeating(&self, flags: &[String]) -> Self {
        self.completing(&|words| {
            let name = named(words);
            let is_online = name.starts_with(|c: char| c.is_ascii_lowercase()) && !OFFLINE.contains(&name);
            flags.iter().filter(|_| is_online).cloned().collect()
        })
    }

    /// As [`Problem::repeating`], with the flags that decide where a command of the AWS CLI looks, in every such command.
    pub fn reaching(&self, flags: &[String]) -> Self {
        self.completed("aws ", &|words| {
            let name = named(words);
            let wanted = if SIGN_IN.contains(&name) { &OF_AWS[..1] } else { &OF_AWS[..] };
            let is_command = name.starts_with(|c: char| c.is_ascii_lowercase());
            flags.iter().filter(|flag| is_command && wanted.contains(&option(flag))).cloned().collect()
        })
    }

    /// With the flags that `adds` names for the words of a command, in every stagegate command of its fixes that lacks
    /// them.
    pub fn completing(&self, adds: &dyn Fn(&[&str]) -> Vec<String>) -> Self {
        self.completed("stagegate ", adds)
    }

    fn completed(&self, program: &str, adds: &dyn Fn(&[&str]) -> Vec<String>) -> Self {
        let fix = self.fix.iter().map(|line| completed(line, program, adds)).collect();
        Self { fix, ..self.clone() }
    }
}

/// What the words of a command ask of its program.
fn named<'w>(words: &[&'w str]) -> &'w str {
    words.get(1).copied().unwrap_or_default()
}

/// A flag without its value.
fn option(flag: &str) -> &str {
    flag.split(' ').next().unwrap_or_default()
}

/// Where the next command of `program` begins: at the start of a word, and not inside a path or a prose word.
fn command_at(line: &str, program: &str) -> Option<usize> {
    let opens = |at: &usize| line[..*at].chars().next_back().is_none_or(|c| " (`'\"".contains(c));
    line.match_indices(program).map(|(at, _)| at).find(opens)
}

fn completed(line: &str, program: &str, adds: &dyn Fn(&[&str]) -> Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = command_at(rest, program) {
        let (head, tail) = rest.split_at(at + length(&rest[at..]));
        out.push_str(head);
        let words: Vec<&str> = head[at..].split(' ').collect();
        for flag in adds(&words).into_iter().filter(|flag| lacks(&words, option(flag))) {
            out.push_str(&format!(" {flag}"));
        }
        rest = tail;
    }
    out + rest
}

fn lacks(words: &[&str], option: &str) -> bool {
    let has = |word: &str| word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    // What was typed may have it in short.
    !words.iter().any(|word| has(word) || option == "--config" && word.starts_with("-c"))
}

/// How long a command at the beginning of a text is. What ends one ends none inside quotes.
fn length(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            None if escaped => escaped = false,
            None if c == '\\' => escaped = true,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if ENDS.iter().any(|end| text[at..].starts_with(end)) => return at,
            Some(open) if open == c => quote = None,
            None | Some(_) => {}
        }
    }
    // An apostrophe opens nothing.
    let plain = || ENDS.iter().filter_map(|end| text.find(end)).min();
    quote.and_then(|_| plain()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    #[test]
    fn every_command_reaches_what_the_failed_one_had_reached() {
        let flags = ["--profile shop-prod".to_owned(), "--region eu-west-1".to_owned()];
        for (line, expected) in [
            ("again: stagegate rollback prod --region=x --profile y", ""),
            (
                "go back: stagegate rollback prod",
                "go back: stagegate rollback prod --profile shop-prod --region eu-west-1",
            ),
            (
                "back now: stagegate rollback prod   (needs no lock)",
                "back now: stagegate rollback prod --profile shop-prod --region eu-west-1   (needs no lock)",
            ),
            ("stagegate plan prod --region us-east-1", "stagegate plan prod --region us-east-1 --profile shop-prod"),
            ("stagegate status a --profile shop-prod --region eu-west-1", ""),
            (
                "name them: stagegate resume prod --canary \"5% 10m, 50% 10m\"   (or others)",
                "name them: stagegate resume prod --canary \"5% 10m, 50% 10m\" --profile shop-prod --region eu-west-1   (or others)",
            ),
            (
                "stagegate rollback prod --reason 'it'\\''s bad. Go on'",
                "stagegate rollback prod --reason 'it'\\''s bad. Go on' --profile shop-prod --region eu-west-1",
            ),
            ("list them: stagegate explain", ""),
            ("install the newest stagegate", ""),
            ("fix the function, upload it, and promote again", ""),
            (
                "stagegate unlock prod r-1, or stagegate help runbook",
                "stagegate unlock prod r-1 --profile shop-prod --region eu-west-1, or stagegate help runbook",
            ),
        ] {
            let expected = if expected.is_empty() { line } else { expected };
            let repeated = |line: &str| {
                let problem = Problem { fix: vec![line.to_owned()], ..Problem::new(Code::InBetween, "x") };
                problem.repeating(&flags).fix.concat()
            };
            assert_eq!(repeated(line), expected);
            assert_eq!(repeated(expected), expected, "and not twice");
        }
        for (line, expected) in [
            (
                "check it: aws lambda get-function --function-name pay",
                "check it: aws lambda get-function --function-name pay --profile shop --region eu-west-1",
            ),
            (
                "aws lambda list-functions --query 'sort_by(Functions, &Name)', then the name",
                "aws lambda list-functions --query 'sort_by(Functions, &Name)' --profile shop --region eu-west-1, then the name",
            ),
            ("sign in again: aws sso login", "sign in again: aws sso login --profile shop"),
            ("aws sts get-caller-identity --profile a --region b", ""),
            ("what AWS knows of it; see the docs.aws site, laws and all", ""),
            (
                "stagegate status prod, or aws lambda get-alias --name live  (who: aws sts get-caller-identity)",
                "stagegate status prod, or aws lambda get-alias --name live --profile shop --region eu-west-1  (who: aws sts \
                 get-caller-identity --profile shop --region eu-west-1)",
            ),
        ] {
            let expected = if expected.is_empty() { line } else { expected };
            let flags = ["--profile shop".to_owned(), "--region eu-west-1".to_owned()];
            let reached = |line: &str| {
                Problem { fix: vec![line.to_owned()], ..Problem::new(Code::InBetween, "x") }
                    .reaching(&flags)
                    .fix
                    .concat()
            };
            assert_eq!(reached(line), expected);
            assert_eq!(reached(expected), expected, "and not twice");
        }
        let problem = Problem::new(Code::InBetween, "left at 25%").fix("look: stagegate status prod");
        assert_eq!(problem.repeating(&flags[..1]).fix, ["look: stagegate status prod --profile shop-prod"]);
        assert_eq!(problem.repeating(&[]), problem);
    }
}
