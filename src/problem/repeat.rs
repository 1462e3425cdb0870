//! A command that a message offers reaches what the command that failed had reached: it repeats the flags that decide
//! where that is.

use super::Problem;

/// What ends a command inside a line: a remark, or another command.
const ENDS: [&str; 8] = ["  ", " ·", " | ", " > ", " && ", ". ", ", ", ")"];
/// Commands that ask no AWS account anything.
const OFFLINE: [&str; 7] = ["completion", "demo", "explain", "gate", "help", "man", "schema"];

impl Problem {
    /// With these flags, such as `--profile shop`, in every stagegate command of its fixes that lacks them. A command
    /// that names a flag of the same name has its own.
    pub fn repeating(&self, flags: &[String]) -> Self {
        let fix = self.fix.iter().map(|line| repeated(line, flags)).collect();
        Self { fix, ..self.clone() }
    }
}

fn repeated(line: &str, flags: &[String]) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("stagegate ") {
        let length = ENDS.iter().filter_map(|end| rest[at..].find(end)).min().unwrap_or(rest.len() - at);
        let (head, tail) = rest.split_at(at + length);
        out.push_str(head);
        let command = &head[at..];
        let name = command.split(' ').nth(1).unwrap_or_default();
        let is_online = name.starts_with(|c: char| c.is_ascii_lowercase()) && !OFFLINE.contains(&name);
        let lacks = |flag: &&String| {
            let name = flag.split(' ').next().unwrap_or_default();
            let has = |word: &str| word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
            // What was typed may have it in short.
            !command.split(' ').any(|word| has(word) || name == "--config" && word.starts_with("-c"))
        };
        for flag in flags.iter().filter(|_| is_online).filter(lacks) {
            out.push_str(&format!(" {flag}"));
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
                "again: stagegate rollback prod --region=x --profile y",
                "again: stagegate rollback prod --region=x --profile y",
            ),
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
            assert_eq!(repeated(line, &flags), expected);
            assert_eq!(repeated(expected, &flags), expected, "and not twice");
        }
        let problem = Problem::new(Code::InBetween, "left at 25%").fix("look: stagegate status prod");
        assert_eq!(problem.repeating(&flags[..1]).fix, ["look: stagegate status prod --profile shop-prod"]);
        assert_eq!(problem.repeating(&[]), problem);
    }
}
