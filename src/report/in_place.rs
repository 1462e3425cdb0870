//! Lines at the bottom of a terminal that are drawn again in place. They are taken away as the terminal shows them now:
//! one that was made narrower has wrapped them.

use std::cell::RefCell;
use std::io::Write as _;

use console::Term;

/// What is drawn now.
#[derive(Default)]
pub(super) struct InPlace(RefCell<Option<String>>);

impl InPlace {
    /// Draws lines, in place of those before. Lines for which the terminal is too low are left out: what has scrolled
    /// away could not be taken back.
    pub(super) fn draw(&self, text: &str) {
        let term = Term::stderr();
        let (rows, columns) = size(&term);
        let text = head(text, rows.saturating_sub(1).max(1), columns);
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
    fn a_low_terminal_shows_the_first_lines() {
        assert_eq!(head("a\nb\nc\n", 2, 80), "a\nb\n");
        assert_eq!(head("aaaa\nb\n", 2, 2), "aaaa\n");
        assert_eq!(head("a\nbbbb\nc", 2, 2), "a\n", "nothing below a line that is left out");
        assert_eq!(head("a\n\nc", 9, 80), "a\n\nc\n");
    }
}
