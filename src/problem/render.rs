//! A problem as plain text. Colour is added by whoever prints it.

use super::{Level, Problem, Span, UNCHANGED};

/// Where the text of `why`, `aws now` and `fix` starts.
const VALUE_COLUMN: usize = 11;
/// Narrower than this, lines are left to the terminal to wrap.
const NARROWEST: usize = 40;
/// Words that begin a command line which people copy.
const COMMANDS: [&str; 4] = ["stagegate ", "aws ", "gh ", "terraform "];

impl Problem {
    /// The problem as people read it: lines of at most `width` characters, except where a command would be broken.
    /// Ends with a newline.
    pub fn render(&self, width: usize) -> String {
        let width = width.max(NARROWEST);
        let mut out = String::new();
        let headline = format!("{}[{}]: {}", self.level, self.code, self.what);
        push_wrapped(&mut out, "", &headline, width);
        if let Some(span) = &self.span {
            push_span(&mut out, span, width);
        }
        // That nothing was written is no news where nothing went wrong.
        let is_news = self.level != Level::Note || self.aws_now != UNCHANGED;
        let now = if is_news { std::slice::from_ref(&self.aws_now) } else { &[] };
        for (label, lines) in [("why", self.why.as_slice()), ("aws now", now), ("fix", self.fix.as_slice())] {
            for (index, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
                let label = if index == 0 { label } else { "" };
                push_wrapped(&mut out, &format!("  {label:<9}"), line, width);
            }
        }
        out
    }
}

/// Appends `text` behind `prefix`; continuation lines start at the value column.
fn push_wrapped(out: &mut String, prefix: &str, text: &str, width: usize) {
    let room = width.saturating_sub(prefix.chars().count());
    out.push_str(prefix);
    for (index, line) in wrap(text, room, width - VALUE_COLUMN).into_iter().enumerate() {
        if index > 0 {
            out.push_str(&" ".repeat(VALUE_COLUMN));
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// Breaks `text` at spaces into lines: the first of at most `first` characters, the others of `rest`. Runs of spaces
/// inside a line are kept; a word or command longer than a line stays whole.
fn wrap(text: &str, first: usize, rest: usize) -> Vec<&str> {
    let mut room = first;
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut start, mut end) = (0, 0);
        for piece in pieces(paragraph) {
            let fits = paragraph[start..piece.end].chars().count() <= room;
            if !fits && end > start {
                lines.push(&paragraph[start..end]);
                start = piece.start;
                room = rest;
            }
            end = piece.end;
        }
        lines.push(&paragraph[start..end]);
        room = rest;
    }
    lines
}

/// The parts of a line that stay whole: words, and commands up to a double space or the end.
fn pieces(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let word = rest.trim_start_matches(' ');
        if word.is_empty() {
            break;
        }
        let start = at + rest.len() - word.len();
        let opens = found.last().is_none_or(|before| text[before.clone()].ends_with(':'));
        let command = opens && COMMANDS.iter().any(|name| word.starts_with(name));
        let length = if command { word.find("  ") } else { word.find(' ') }.unwrap_or(word.len());
        found.push(start..start + length);
        at = start + length;
    }
    found
}

/// Appends the box that shows the line and what is wrong with it.
fn push_span(out: &mut String, span: &Span, width: usize) {
    let number = span.line.to_string();
    let margin = " ".repeat(number.len());
    let room = width - number.len() - 3;
    let (text, column) = clipped(span, room);
    let length = text.chars().count();
    let marks = "^".repeat(span.width.min((length + 1).saturating_sub(column)).max(1));
    let pad = " ".repeat(column - 1);
    out.push_str(&format!("{margin} ┌ {}:{}\n", span.file, span.line));
    out.push_str(format!("{number} │ {text}").trim_end());
    let fits = column + marks.len() + span.note.chars().count() <= room;
    let beside = if fits { span.note.as_str() } else { "" };
    out.push_str(format!("\n{margin} │ {pad}{marks} {beside}").trim_end());
    out.push('\n');
    if !fits {
        for line in wrap(&span.note, room, room) {
            out.push_str(&format!("{margin} │ {line}\n"));
        }
    }
}

/// The line, cut around the place when it is longer than `room`, with the column of the place in it. Control
/// characters are shown as spaces so that the marks stand below what they mean.
fn clipped(span: &Span, room: usize) -> (String, usize) {
    let plain: Vec<char> = span.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let column = span.column.clamp(1, plain.len() + 1);
    if plain.len() <= room {
        return (plain.into_iter().collect(), column);
    }
    let wanted = span.width.min(room / 2);
    let start = (column - 1 + wanted).saturating_sub(room * 2 / 3).min(column - 1);
    let end = (start + room).min(plain.len());
    let mut shown: Vec<char> = plain[start..end].to_vec();
    if start > 0 {
        shown[0] = '…';
    }
    if end < plain.len() {
        let last = shown.len() - 1;
        shown[last] = '…';
    }
    (shown.into_iter().collect(), column - start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Code, Exit};

    #[test]
    fn the_four_parts_are_aligned() {
        let problem =
            Problem::new(Code::ExpiredCredentials, "AWS credentials expired at 15:00:00Z, 41 min into the release")
                .why("ExpiredToken from lambda:GetAlias; the session was 1 h")
                .aws_now("(last known 14:59:12Z) live: v41 90% / v42 10%; nobody is watching it")
                .fix("back:   stagegate rollback checkout-api:live      (any signed-in laptop)")
                .fix("go on:  stagegate resume prod");
        assert_eq!(problem.exit, Exit::InBetween);
        insta::assert_snapshot!(problem.render(88));
    }

    #[test]
    fn prose_is_wrapped_and_commands_stay_whole() {
        let problem = Problem::new(Code::AccessDenied, "not allowed: lambda:UpdateAlias on function:checkout-api:live")
            .why("role stagegate-read has no statement for it, and without one every call is denied (implicit deny)")
            .aws_now("v42 published and smoke-tested, without traffic; live → v41 (100%)")
            .fix(
                "attach what this prints, then go on: stagegate iam-policy promote --target prod --region eu-central-1",
            );
        insta::assert_snapshot!(problem.render(60));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let names: Vec<String> = (0..40).map(|n| format!("\"function-{n}\"")).collect();
        let source = format!("functions = [{}]", names.join(", "));
        let start = source.find("\"function-20\"").unwrap();
        let problem = Problem::new(Code::Contradiction, "function-20 is named twice").at(Span::of(
            "stagegate.toml",
            &source,
            start..start + 13,
            "remove it",
        ));
        let text = problem.render(60);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_width_renders_and_loses_no_word() {
        let note = "write \"if-changed\", \"always\" or \"never\" here, and nothing else";
        let source = "when = \"sometimes\"";
        for column in [0, 7, 17, 18] {
            let problem =
                Problem::new(Code::BadValue, "a headline of some words that needs more than one line to be said")
                    .at(Span::of("stagegate.toml", source, column..18, note));
            for width in 0..120 {
                let text = problem.render(width).replace(['│', '\n'], " ");
                let words: Vec<&str> = text.split_whitespace().collect();
                for word in problem.what.split(' ').chain(note.split(' ')) {
                    assert!(words.contains(&word), "{word} at width {width}:\n{}", problem.render(width));
                }
            }
        }
    }
}
