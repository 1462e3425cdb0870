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

    /// With the flags that `adds` names for the words of a command, in every stagegate command of its fixes that lacks
    /// them.
    pub fn completing(&self, adds: &dyn Fn(&[&str]) -> Vec<String>) -> Self {
        let fix = self.fix.iter().map(|line| completed(line, adds)).collect();
        Self { fix, ..self.clone() }
    }
}

fn repeated(line: &str, flags: &[String]) -> String {
    completed(line, &|words| {
        let name = words.get(1).copied().unwrap_or_default();
        let is_online = name.starts_with(|c: char| c.is_ascii_lowercase()) && !OFFLINE.contains(&name);
        flags.iter().filter(|_| is_online).cloned().collect()
    })
}

fn completed(line: &str, adds: &dyn Fn(&[&str]) -> Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("stagegate ") {
        let (head, tail) = rest.split_at(at + length(&rest[at..]));
        out.push_str(head);
        let words: Vec<&str> = head[at..].split(' ').collect();
        let lacks = |flag: &String| !words.contains(&flag.split(' ').next().unwrap_or_default());
        for flag in adds(&words).into_iter().filter(lacks) {
            out.push_str(&format!(" {flag}"));
        }
        rest = tail;
    }
    out + rest
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
            assert_eq!(repeated(line, &flags), expected);
            assert_eq!(repeated(expected, &flags), expected, "and not twice");
        }
        let problem = Problem::new(Code::InBetween, "left at 25%").fix("look: stagegate status prod");
        assert_eq!(problem.repeating(&flags[..1]).fix, ["look: stagegate status prod --profile shop-prod"]);
        assert_eq!(problem.repeating(&[]), problem);
    }
}
