//! Lines at the bottom of a terminal that are drawn again in place. They are taken away as the terminal shows them now:
//! one that was made narrower has wrapped them.

use std::cell::RefCell;
use std::io::Write as _;

use console::Term;

/// What is drawn now.
#[derive(Default)]
pub(super) struct InPlace(RefCell<Option<String>>);

impl InPlace {
    /// Draws lines, in place of those before. The foot always stays; lines above it for which the terminal is too low are
    /// left out: what has scrolled away could not be taken back.
    pub(super) fn draw(&self, text: &str, foot: &str) {
        let term = Term::stderr();
        let (rows, columns) = size(&term);
        let text = fitted(text, foot, rows.saturating_sub(1).max(1), columns);
        let before = self.0.replace(Some(text.clone()));
        write(&term, &format!("{}{text}", before.map_or_else(String::new, |before| erase(&before, columns))));
    }

    /// Takes them off the screen.
    pub(super) fn clear(&self) {
        if let Some(before) = self.0.take() {
            let term = Term::stderr();
            write(&term, &erase(&before, size(&term).1));
        }
    }
}

/// Rows and columns.
fn size(term: &Term) -> (usize, usize) {
    let (rows, columns) = term.size_checked().unwrap_or((24, 80));
    (rows.max(2).into(), columns.max(1).into())
}

/// At once, so that nothing is seen half drawn.
fn write(mut term: &Term, text: &str) {
    let _ = term.write_all(text.as_bytes()).and_then(|()| term.flush());
}

/// The sequence that takes lines off the screen, the cursor being below them.
fn erase(text: &str, columns: usize) -> String {
    let rows: usize = text.lines().map(|line| rows(line, columns)).sum();
    if rows == 0 { String::new() } else { format!("\r\u{1b}[{rows}A\u{1b}[J") }
}

/// How many rows a line takes.
fn rows(line: &str, columns: usize) -> usize {
    console::measure_text_width(line).div_ceil(columns).max(1)
}

/// The lines and the foot, or as many of the first lines as there is room for, and how many are not shown; every line
/// ends. Of a foot that has no room itself, the last lines.
fn fitted(text: &str, foot: &str, room: usize, columns: usize) -> String {
    let height = |text: &str| text.lines().map(|line| rows(line, columns)).sum::<usize>();
    let ended = |text: &str| text.lines().map(|line| format!("{line}\n")).collect::<String>();
    let below = height(foot);
    if height(text) + below <= room {
        return ended(text) + &ended(foot);
    }
    let hidden =
        |shown: &str| format!("  ({} lines hidden, too few rows)\n", text.lines().count() - shown.lines().count());
    let left = room.saturating_sub(below + height(&hidden("")));
    if below < room && text.lines().next().is_some() {
        let shown = head(text, left, columns);
        let hidden = hidden(&shown);
        return if below + height(&hidden) > room { ended(foot) } else { format!("{shown}{hidden}{}", ended(foot)) };
    }
    let mut lines: Vec<&str> = foot.lines().collect();
    while lines.len() > 1 && height(&lines.join("\n")) > room {
        lines.remove(0);
    }
    ended(&lines.join("\n"))
}

/// The first lines, as many as there are rows for; every line ends.
fn head(text: &str, room: usize, columns: usize) -> String {
    let mut left = room;
    let fits = |line: &&str| {
        let rows = rows(line, columns);
        let fits = rows <= left;
        left = left.saturating_sub(if fits { rows } else { left });
        fits
    };
    text.lines().take_while(fits).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_terminal_has_wrapped_the_lines_that_are_taken_away() {
        let text = "▶ canary    step 1 of 3\n\n  seen\n";
        assert_eq!(erase(text, 80), "\r\u{1b}[3A\u{1b}[J");
        assert_eq!(erase(text, 12), "\r\u{1b}[4A\u{1b}[J", "23 columns take two rows");
        assert_eq!(erase("", 80), "");
    }

    #[test]
    fn the_foot_stays_on_a_low_terminal_and_what_is_hidden_is_counted() {
        let panel = "one\ntwo\nthree\nfour\n";
        assert_eq!(fitted(panel, "\nkeys\n", 6, 80), "one\ntwo\nthree\nfour\n\nkeys\n");
        assert_eq!(fitted(panel, "\nkeys\n", 5, 80), "one\ntwo\n  (2 lines hidden, too few rows)\n\nkeys\n");
        assert_eq!(fitted(panel, "\nkeys\n", 3, 80), "  (4 lines hidden, too few rows)\n\nkeys\n");
        assert_eq!(fitted(panel, "\nkeys\n", 2, 80), "\nkeys\n");
        assert_eq!(fitted(panel, "keys and keys\n", 5, 8), "keys and keys\n", "what wraps takes more");
        assert_eq!(fitted("", "? What now?\n  > a\n    b\n", 2, 80), "  > a\n    b\n");
    }

    #[test]
    fn a_low_terminal_shows_the_first_lines() {
        assert_eq!(head("a\nb\nc\n", 2, 80), "a\nb\n");
        assert_eq!(head("aaaa\nb\n", 2, 2), "aaaa\n");
        assert_eq!(head("a\nbbbb\nc", 2, 2), "a\n", "nothing below a line that is left out");
        assert_eq!(head("a\n\nc", 9, 80), "a\n\nc\n");
    }
}
