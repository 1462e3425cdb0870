//! Something that is not as it should be, with the commands that mend it.

use serde::{Serialize, Serializer};

use crate::problem::{Code, Level};

/// One finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind; `explain` knows more.
    pub code: Code,
    /// How much it matters. A note is worth knowing and no finding that a scheduled check fails for.
    #[serde(serialize_with = "level")]
    pub level: Level,
    /// `API/STAGE`, `FUNCTION:ALIAS` or a domain.
    pub subject: String,
    /// One line.
    pub what: String,
    /// Evidence, line by line.
    pub details: Vec<String>,
    /// Commands that mend it, ready to be pasted; an alternative begins with `or`.
    pub fixes: Vec<String>,
}

fn level<S: Serializer>(level: &Level, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(level)
}

impl Finding {
    /// Of the level that its code usually has.
    pub fn new(code: Code, subject: impl ToString, what: impl Into<String>) -> Self {
        Self {
            code,
            level: code.level(),
            subject: subject.to_string(),
            what: what.into(),
            details: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// With another level.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// With evidence.
    #[must_use]
    pub fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    /// With a command that mends it.
    #[must_use]
    pub fn fix(mut self, command: impl Into<String>) -> Self {
        self.fixes.push(command.into());
        self
    }

    /// Counts for the exit code.
    pub fn matters(&self) -> bool {
        self.level > Level::Note
    }
}

/// The worst level among findings; none when there is nothing but notes.
pub fn worst<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<Level> {
    findings.into_iter().filter(|finding| finding.matters()).map(|finding| finding.level).max()
}
