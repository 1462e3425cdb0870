//! Workflow commands: lines that GitHub's runner obeys. Pure.

use crate::report::text::harmless;

/// Longest message of an annotation, characters (runner source, `ExecutionContext`).
pub const MESSAGE_MAX: usize = 4096;

/// How an annotation is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Red.
    Error,
    /// Yellow.
    Warning,
    /// Blue.
    Notice,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// A place in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From the root of the checkout.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// An annotation, as the line that makes it.
pub fn annotation(kind: Kind, title: &str, place: Option<&Place>, message: &str) -> String {
    let message = harmless(message);
    let mut properties = vec![format!("title={}", property(title))];
    if let Some(Place { file, line, column }) = place {
        properties.extend([format!("file={}", property(file)), format!("line={line}"), format!("col={column}")]);
    }
    let message: String = message.chars().take(MESSAGE_MAX).collect();
    format!("::{} {}::{}\n", kind.name(), properties.join(","), data(&message))
}

/// Begins a part of the log that can be folded.
pub fn group(title: &str) -> String {
    format!("::group::{}\n", data(title))
}

/// Ends it. Groups do not nest.
pub const END_GROUP: &str = "::endgroup::\n";

/// Hides a value in everything that the job prints from now on.
pub fn mask(value: &str) -> String {
    format!("::add-mask::{}\n", data(value))
}

/// What the runner turns back after it has found the end of the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_one_command_whatever_it_says() {
        let place = Place { file: "a,b:c.toml".into(), line: 40, column: 8 };
        let line = annotation(Kind::Error, "x::y, z", Some(&place), "50 %\n::set-output name=a::b\r%0A");
        assert_eq!(
            line,
            "::error title=x%3A%3Ay%2C z,file=a%2Cb%3Ac.toml,line=40,col=8::50 %25%0A::set-output name=a::b\u{fffd}%250A\n"
        );
        assert_eq!(group("alias\n::endgroup::"), "::group::alias%0A::endgroup::\n");
    }

    #[test]
    fn a_message_is_cut_where_the_runner_would_drop_it() {
        let line = annotation(Kind::Notice, "t", None, &"ä".repeat(5_000));
        assert_eq!(line.matches('ä').count(), MESSAGE_MAX);
    }
}
