//! The one shape of every message that is not success: what, why, what AWS is now, and the command that fixes it.

mod code;
mod exit;
mod render;
mod repeat;
#[cfg(all(test, feature = "live"))]
pub(crate) mod runs;

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

pub use code::{Code, UnknownCode};
pub use exit::Exit;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; the command goes on.
    Note,
    /// May hurt; the command goes on.
    Warning,
    /// The command does not do what was asked.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in a file that a problem points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The file as people find it: relative to the working directory where possible.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The whole line, without its end.
    pub text: String,
    /// How many characters of the line are meant, at least 1.
    pub width: usize,
    /// What to write there instead; may be empty.
    pub note: String,
}

impl Span {
    /// The place of the bytes `range` of `source`. A range over several lines is cut at the end of its first line; a
    /// range outside `source` or inside a character moves to the nearest character before it.
    pub fn of(file: &str, source: &str, range: std::ops::Range<usize>, note: impl Into<String>) -> Self {
        let start = source.floor_char_boundary(range.start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let end = source.floor_char_boundary(range.end).clamp(start, line_end);
        Self {
            file: file.to_owned(),
            line: source[..start].matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            text: source[line_start..line_end].trim_end_matches('\r').to_owned(),
            width: source[start..end].chars().count().max(1),
            note: note.into(),
        }
    }
}

/// Said of AWS unless the caller knows more, for problems that come before the first write.
const UNCHANGED: &str = "unchanged, nothing was written";
/// Said of AWS unless the caller knows more, for problems that come after it: never "unchanged" by default.
const NOT_READ: &str = "not read; status shows it";

/// A message that is not success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which problem it is.
    pub code: Code,
    /// How much it matters.
    pub level: Level,
    /// The headline: what happened, in one sentence without a full stop.
    pub what: String,
    /// Why, one line each.
    pub why: Vec<String>,
    /// What AWS is now.
    pub aws_now: String,
    /// Commands or edits that fix it, one line each.
    pub fix: Vec<String>,
    /// What the process exits with if this ends it.
    pub exit: Exit,
    /// Where in a file the cause is.
    pub span: Option<Box<Span>>,
}

impl Problem {
    /// A problem with the level and exit code of its code. `aws now` says "unchanged" if that exit code says so too.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self {
            code,
            level: code.level(),
            what: what.into(),
            why: Vec::new(),
            aws_now: UNCHANGED.into(),
            fix: Vec::new(),
            exit: Exit::Done,
            span: None,
        }
        .exit(code.exit())
    }

    /// Adds a line to why.
    #[must_use]
    pub fn why(mut self, line: impl Into<String>) -> Self {
        self.why.push(line.into());
        self
    }

    /// Adds a line to the fix. A command stands at the start of the line or after `: `, so that it is never broken.
    #[must_use]
    pub fn fix(mut self, line: impl Into<String>) -> Self {
        let line = line.into();
        #[cfg(all(test, feature = "live"))]
        Self::must_run(&line);
        self.fix.push(line);
        self
    }

    /// A command that is offered, at the beginning of the line or behind a colon, is one that the program takes.
    #[cfg(all(test, feature = "live"))]
    fn must_run(line: &str) {
        let opens = |at: &usize| {
            let before = line[..*at].trim_end_matches(' ');
            before.is_empty() || before.ends_with(':')
        };
        for at in line.match_indices("stagegate ").map(|(at, _)| at).filter(opens) {
            let command = line[at..].split("  ").next().unwrap_or_default().trim_end();
            if let Err(why) = runs::parses(crate::cli::command(), command) {
                panic!("a fix that does not run: {line}\n{why}");
            }
        }
    }

    /// Says what AWS is now.
    #[must_use]
    pub fn aws_now(mut self, now: impl Into<String>) -> Self {
        self.aws_now = now.into();
        self
    }

    /// Ends the process with another code than the usual one, as the same cause does after a write. A default
    /// `aws now` that this code would contradict is taken back.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        if matches!(exit, Exit::RolledBack | Exit::InBetween) && self.aws_now == UNCHANGED {
            self.aws_now = NOT_READ.into();
        }
        self.exit = exit;
        self
    }

    /// Matters more or less than usual.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Points at a place in a file.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(Box::new(span));
        self
    }

    /// The fields of an `error` event, without `type`, `ts` and `seq`. `span` is null when no file is to blame.
    pub fn to_json(&self) -> Value {
        let span = self.span.as_ref().map(|span| {
            json!({
                "file": span.file, "line": span.line, "column": span.column,
                "text": span.text, "width": span.width, "note": span.note,
            })
        });
        json!({
            "code": self.code.to_string(), "level": self.level.to_string(), "msg": self.what, "why": self.why,
            "aws_now": self.aws_now, "fix": self.fix, "exit_code": self.exit.code(), "span": span,
        })
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl JsonSchema for Problem {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Problem".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
        let exits: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        let levels = [Level::Note, Level::Warning, Level::Error].map(|level| level.to_string());
        let lines = json!({ "type": "array", "items": { "type": "string" } });
        let text = json!({ "type": "string" });
        let count = json!({ "type": "integer", "minimum": 1 });
        json_schema!({
            "type": "object",
            "properties": {
                "code": { "description": "Explained by `stagegate explain CODE`.", "examples": codes, "type": "string" },
                "level": { "enum": levels },
                "msg": { "description": "What happened, in one sentence.", "type": "string" },
                "why": lines,
                "aws_now": { "description": "What AWS is now.", "type": "string" },
                "fix": lines,
                "exit_code": { "description": "Of the process, if this ends it.", "enum": exits },
                "span": {
                    "description": "Where in a file the cause is.",
                    "type": ["object", "null"],
                    "properties": {
                        "file": text, "line": count, "column": count, "text": text, "width": count, "note": text
                    },
                    "required": ["file", "line", "column", "text", "width", "note"]
                }
            },
            "required": ["code", "level", "msg", "why", "aws_now", "fix", "exit_code", "span"]
        })
    }
}

impl fmt::Display for Problem {
    /// The headline alone, for logs; people get [`Problem::render`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.level, self.code, self.what)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_characters_and_survives_odd_ranges() {
        let source = "a = 1\r\nnämé = \"ü\"\r\n";
        let start = source.find('"').unwrap();
        let span = Span::of("f.toml", source, start..start + 4, "");
        assert_eq!((span.line, span.column, span.width), (2, 8, 3));
        assert_eq!(span.text, "nämé = \"ü\"");
        let beyond = Span::of("f.toml", source, 90..99, "");
        assert_eq!((beyond.line, beyond.column, beyond.width), (3, 1, 1));
        assert_eq!(Span::of("f.toml", "", 0..0, "").text, "");
    }

    #[test]
    fn a_problem_after_a_write_does_not_claim_that_aws_is_unchanged() {
        assert_eq!(Problem::new(Code::UnknownKey, "x").aws_now, UNCHANGED);
        assert_eq!(Problem::new(Code::AliasChanged, "x").aws_now, NOT_READ);
        assert_eq!(Problem::new(Code::ServiceError, "x").exit(Exit::RolledBack).aws_now, NOT_READ);
        let known = Problem::new(Code::ServiceError, "x").aws_now("live → v41 (100%)").exit(Exit::RolledBack);
        assert_eq!(known.aws_now, "live → v41 (100%)");
    }

    #[test]
    fn json_has_the_fields_of_an_error_event() {
        let problem = Problem::new(Code::WrongAccount, "these credentials belong to 999988887777")
            .why("profile \"default\" was used")
            .fix("stagegate promote prod --profile shop-prod");
        insta::assert_json_snapshot!(problem.to_json());
    }
}
