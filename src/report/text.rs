//! Small pieces of text that several screens share. Pure.

use jiff::Timestamp;

use super::Term;
use crate::problem::{Level, Problem};

/// Every symbol that we print, in ASCII.
const ASCII: [(&str, &str); 28] = [
    ("✔", "[ok]"),
    ("✖", "[!!]"),
    ("→", "->"),
    ("…", "..."),
    ("·", "-"),
    ("–", "-"),
    ("│", "|"),
    ("┌", "+"),
    ("├", "|"),
    ("└", "`"),
    ("॥", "||"),
    ("▶", ">"),
    ("↩", "<-"),
    ("×", "x"),
    ("≥", ">="),
    ("≤", "<="),
    ("\u{a0}", " "),
    ("━", "="),
    ("─", "-"),
    ("░", "."),
    ("▁", "_"),
    ("▂", "."),
    ("▃", ":"),
    ("▄", "-"),
    ("▅", "="),
    ("▆", "+"),
    ("▇", "*"),
    ("█", "#"),
];

/// The text with our symbols replaced; what users wrote themselves stays as it is.
pub fn ascii(text: &str) -> String {
    ASCII.iter().fold(text.to_owned(), |text, (symbol, plain)| text.replace(symbol, plain))
}

/// What makes the headline of a problem bold, by its level.
const COLORS: [(Level, &str); 3] =
    [(Level::Error, "\u{1b}[1;31m"), (Level::Warning, "\u{1b}[1;33m"), (Level::Note, "\u{1b}[1;36m")];

/// What ends it.
const PLAIN: &str = "\u{1b}[0m";

/// The text without what would move a cursor, change colours or turn the direction of writing; our own colours stay.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let ours = COLORS.iter().map(|(_, color)| *color).chain([PLAIN]).find(|color| rest.starts_with(color));
        let length = ours.map_or(first.len_utf8(), str::len);
        match (ours, first) {
            (Some(color), _) => out.push_str(color),
            (None, '\n' | '\t') => out.push(first),
            (None, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => out.push('\u{fffd}'),
            (None, _) => out.push(if first.is_control() { '\u{fffd}' } else { first }),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// The text without anything that GitHub's runner takes for a command: `::` at the start of a line, `##[` anywhere.
pub fn no_commands(text: &str) -> String {
    let broken = |line: &str| {
        let (lead, rest) = line.split_at(line.len() - line.trim_start().len());
        let rest = rest.strip_prefix("::").map_or_else(|| rest.to_owned(), |rest| format!(": :{rest}"));
        format!("{lead}{rest}").replace("##[", "## [")
    };
    text.split_inclusive('\n').map(broken).collect()
}

/// The text on one line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A problem, with colour on the first word of its headline only.
pub fn problem(problem: &Problem, term: &Term) -> String {
    let text = problem.render(term.width);
    let Some((headline, rest)) = text.split_once(':').filter(|_| term.color) else { return text };
    let color = COLORS.iter().find(|(level, _)| *level == problem.level).map_or("", |(_, color)| color);
    format!("{color}{headline}{PLAIN}:{rest}")
}

/// Seconds for people: `3 s`, `2 min 05 s`, `7 h 12 min`.
pub fn seconds(total: u64) -> String {
    match (total / 3600, total / 60 % 60, total % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// Seconds as a clock shows them: `6:41`, `1:06:41`.
pub fn clock(total: u64) -> String {
    match (total / 3600, total / 60 % 60, total % 60) {
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// An age for people: `40 s`, `7 min`, `5 h`, `3 days`.
pub fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..5_400 => format!("{} min", seconds / 60),
        5_400..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A time as people say it, in UTC: `14:02Z` of the last twelve hours, else with its day, and with its year when that is long ago.
pub fn when(at: Timestamp, now: Timestamp) -> String {
    let format = match now.duration_since(at).as_hours().abs() {
        0..12 => "%H:%MZ",
        12..4_000 => "%-d %b %H:%MZ",
        _ => "%-d %b %Y",
    };
    at.strftime(format).to_string()
}

/// Milliseconds as seconds with one digit, `0.4 s`; less than that as they are, from a minute on as [`seconds`].
pub fn tenths(ms: u64) -> String {
    match ms {
        0..100 => format!("{ms} ms"),
        100..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => seconds(ms / 1000),
    }
}

/// `12 345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let mut text = digits[..head].to_owned();
    for group in digits.as_bytes()[head..].chunks(3) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(group.iter().map(|digit| char::from(*digit)));
    }
    text
}

/// The first `room` characters on one line; what is cut off leaves a `~`.
pub fn cut(text: &str, room: usize) -> String {
    let text = one_line(text);
    if text.chars().count() <= room {
        return text;
    }
    text.chars().take(room.saturating_sub(1)).chain(['~']).collect()
}

/// The least room that a text has beside its label.
const ROOM_MIN: usize = 20;
/// Where a text starts that has no room beside its label.
const BELOW: usize = 6;

/// `text` behind `label`, wrapped at spaces to `width`; further lines start below the text. Where the label leaves no
/// room, the text is below it.
pub fn field(label: &str, text: &str, width: usize) -> String {
    let indent = label.chars().count();
    let mut out = String::new();
    if indent + ROOM_MIN > width && indent + text.chars().count() > width && !label.trim().is_empty() {
        out.push_str(label.trim_end());
        out.push('\n');
        return out + &field(&" ".repeat(BELOW), text, width.max(BELOW + ROOM_MIN));
    }
    let room = width.saturating_sub(indent).max(ROOM_MIN);
    for (at, line) in wrap(text, room).into_iter().enumerate() {
        let start = if at == 0 { label.to_owned() } else { " ".repeat(indent) };
        out.push_str(format!("{start}{line}").trim_end());
        out.push('\n');
    }
    out
}

/// Lines of at most `room` characters; a longer word stays whole, and so does a number with its `%`. Leading spaces of
/// the text are kept.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let text = &text.replace(" %", "\u{a0}%");
    let lead = text.len() - text.trim_start_matches(' ').len();
    let mut lines = vec![text[..lead].to_owned()];
    for word in text[lead..].split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        let is_first = line.trim().is_empty();
        if is_first || line.chars().count() + 1 + word.chars().count() <= room {
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(format!("{}{word}", " ".repeat(lead)));
        }
    }
    lines.iter().map(|line| line.replace("\u{a0}%", " %")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_continues_below_its_start() {
        let text = field("  undo  ", "one alias update per function, then the stage", 30);
        assert_eq!(text, "  undo  one alias update per\n        function, then the\n        stage\n");
        assert_eq!(wrap("seen at 0.25 % now", 12), ["seen at", "0.25 % now"]);
        assert_eq!(wrap("a-word-that-is-too-long b", 5), ["a-word-that-is-too-long", "b"]);
        assert_eq!(field("x ", "", 30), "x\n");
        let narrow = field("  done       publish     ", "checkout-api v42, as planned (0.1 s)", 40);
        assert_eq!(narrow, "  done       publish\n      checkout-api v42, as planned (0.1\n      s)\n");
        assert_eq!([cut("a\nb", 5), cut("a\r\nbcd", 5)], ["a b", "a  b~"]);
    }

    #[test]
    fn times_read_as_people_say_them() {
        let text: Vec<String> = [3, 60, 125, 25_920].map(seconds).into();
        assert_eq!(text, ["3 s", "1 min", "2 min 05 s", "7 h 12 min"]);
        assert_eq!([40, 447, 7_300, 400_000].map(age), ["40 s", "7 min", "2 h", "4 days"]);
        assert_eq!([47, 449, 61_000].map(tenths), ["47 ms", "0.4 s", "1 min 01 s"]);
        let now = "2026-11-21T14:00:00Z".parse().unwrap();
        let said = ["2026-11-21T03:04:00Z", "2026-11-18T14:02:00Z", "2026-01-02T14:02:00Z"]
            .map(|at| when(at.parse().unwrap(), now));
        assert_eq!(said, ["03:04Z", "18 Nov 14:02Z", "2 Jan 2026"]);
    }

    #[test]
    fn colour_marks_the_level_and_the_code_and_nothing_else() {
        let term = Term {
            width: 88,
            color: true,
            unicode: true,
            silence: None,
            progress: super::super::Progress::Plain,
            runner: false,
        };
        let one = Problem::new(crate::problem::Code::NoAnswer, "AWS: silent");
        let text = problem(&one, &term);
        assert!(text.starts_with("\u{1b}[1;31merror[SG-N03]\u{1b}[0m: AWS: silent\n"), "{text:?}");
        assert_eq!(problem(&one, &Term { color: false, ..term }), one.render(88));
    }
}
