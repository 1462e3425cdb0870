//! Log lines, for people and for programs. Pure.

use jiff::Timestamp;
use serde::Serialize;

use super::text::field;
use crate::aws::noun::LogLine;

/// [`Logs::schema`]
pub const LOGS_SCHEMA: &str = "stagegate.logs/1.0";

/// What one function wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionLog {
    /// The function.
    pub function: String,
    /// The version that wrote it.
    pub version: String,
    /// Why that one.
    #[serde(skip)]
    pub why: &'static str,
    /// The log group.
    pub log_group: String,
    /// Whether that is all there is between the two times.
    pub complete: bool,
    /// Oldest first.
    pub lines: Vec<LogLine>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logs {
    /// Schema of this document.
    pub schema: &'static str,
    /// As the user named it.
    pub target: String,
    /// The region that was read.
    pub region: String,
    /// From.
    pub start: Timestamp,
    /// To.
    pub end: Timestamp,
    /// In the order of the target.
    pub functions: Vec<FunctionLog>,
}

/// Which version of which log, and whether it is all.
pub fn head(logs: &Logs, width: usize) -> String {
    let mut out = String::new();
    for one in &logs.functions {
        let since = logs.start.strftime("%Y-%m-%d %H:%M:%SZ");
        let text = format!("{} v{}: {} · {} since {since}", one.function, one.version, one.why, one.log_group);
        out.push_str(&field("", &text, width));
        out.push_str(match (one.lines.is_empty(), one.complete) {
            (true, true) => "  nothing was written; a line can take some seconds until it is shown\n",
            (true, false) => "  no line found in what was read, which is not all: narrow it with --since\n",
            (false, false) => "  older lines are left out: ask for more with --limit N, or for less with --since\n",
            (false, true) => "",
        });
    }
    out
}

/// The lines of all functions by time, each with its function where there are several.
pub fn lines(logs: &Logs) -> String {
    let several = logs.functions.len() > 1;
    let named = |one: &FunctionLog| if several { format!("{}:{}  ", one.function, one.version) } else { String::new() };
    let mut all: Vec<(String, &LogLine)> =
        logs.functions.iter().flat_map(|one| one.lines.iter().map(move |line| (named(one), line))).collect();
    all.sort_by_key(|(_, line)| line.at);
    all.iter().map(|(name, line)| format!("{}  {name}{}\n", time(line.at), shown(&line.message))).collect()
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A message as a terminal may see it: what a function writes must not move the cursor or change colours. Further lines
/// of it are marked as such, so that none can pass for a line of its own.
fn shown(message: &str) -> String {
    let clean = |line: &str| -> String {
        line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
    };
    let lines: Vec<String> = message.trim_end().lines().map(clean).collect();
    lines.join("\n    | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(function: &str, lines: &[(&str, &str)]) -> FunctionLog {
        let line = |(at, message): &(&str, &str)| LogLine {
            at: at.parse().unwrap(),
            stream: "2026/11/21/[42]0".into(),
            message: (*message).to_owned(),
        };
        FunctionLog {
            function: function.into(),
            version: "42".into(),
            why: "it serves",
            log_group: format!("/aws/lambda/{function}"),
            complete: false,
            lines: lines.iter().map(line).collect(),
        }
    }

    #[test]
    fn lines_of_several_functions_are_in_order_and_cannot_move_the_cursor() {
        let first =
            log("orders", &[("2026-11-21T14:00:00Z", "START\n"), ("2026-11-21T14:00:02.5Z", "a\u{1b}[2Jb\n  at x\n")]);
        let second = log("stock", &[("2026-11-21T14:00:01Z", "one\ttwo")]);
        let logs = Logs {
            schema: LOGS_SCHEMA,
            target: "prod".into(),
            region: "us-east-1".into(),
            start: "2026-11-21T13:50:00Z".parse().unwrap(),
            end: "2026-11-21T14:00:00Z".parse().unwrap(),
            functions: vec![first, second],
        };
        insta::assert_snapshot!(format!("{}{}", head(&logs, 60), lines(&logs)));
        let empty = |complete| {
            let functions = vec![FunctionLog { complete, ..log("orders", &[]) }];
            head(&Logs { functions, ..logs.clone() }, 88)
        };
        assert!(empty(true).contains("nothing was written"), "{}", empty(true));
        let unread = empty(false);
        assert!(unread.contains("--since") && !unread.contains("nothing was written"), "{unread}");
        assert!(!unread.contains("--limit"), "{unread}");
        assert_eq!(serde_json::to_value(&logs).unwrap()["functions"][0]["lines"][0]["at"], "2026-11-21T14:00:00Z");
    }
}
