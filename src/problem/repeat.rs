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
        self.completed("stagegate ", flags, |name, _| {
            name.starts_with(|c: char| c.is_ascii_lowercase()) && !OFFLINE.contains(&name)
        })
    }

    /// As [`Problem::repeating`], with the flags that decide where a command of the AWS CLI looks, in every such command.
    pub fn reaching(&self, flags: &[String]) -> Self {
        self.completed("aws ", flags, |name, flag| {
            let wanted = if SIGN_IN.contains(&name) { &OF_AWS[..1] } else { &OF_AWS[..] };
            name.starts_with(|c: char| c.is_ascii_lowercase()) && wanted.contains(&flag)
        })
    }

    fn completed(&self, program: &str, flags: &[String], takes: impl Fn(&str, &str) -> bool) -> Self {
        let fix = self.fix.iter().map(|line| repeated(line, program, flags, &takes)).collect();
        Self { fix, ..self.clone() }
    }
}

/// Where the next command of `program` begins: at the start of a word, and not inside a path or a prose word.
fn command_at(line: &str, program: &str) -> Option<usize> {
    let opens = |at: &usize| line[..*at].chars().next_back().is_none_or(|c| " (`'\"".contains(c));
    line.match_indices(program).map(|(at, _)| at).find(opens)
}

/// How long the command is that `text` begins with. What stands in quotes is a part of it.
fn length(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if (c == '\'' || c == '"') && text[at + 1..].contains(c) => quote = Some(c),
            None if ENDS.iter().any(|end| text[at..].starts_with(end)) => return at,
            None => {}
        }
    }
    text.len()
}

fn repeated(line: &str, program: &str, flags: &[String], takes: &dyn Fn(&str, &str) -> bool) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = command_at(rest, program) {
        let (head, tail) = rest.split_at(at + length(&rest[at..]));
        out.push_str(head);
        let command = &head[at..];
        let name = command.split(' ').nth(1).unwrap_or_default();
        for flag in flags {
            let option = flag.split(' ').next().unwrap_or_default();
            if takes(name, option) && !command.split(' ').any(|word| word == option) {
                out.push_str(&format!(" {flag}"));
            }
        }
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    #[test]
    fn every_command_reaches_what_the_failed_one_had_reached() {
        let flags = ["--profile shop-prod".to_owned(), "--region eu-west-1".to_owned()];
        for (line, expected) in [
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
