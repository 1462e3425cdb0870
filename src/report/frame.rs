//! A text that is shown in place of the one before: as many rows as the terminal has, each taken away again.

use std::cell::{Cell, RefCell};

use console::{Term, measure_text_width};

/// What stands on the screen.
#[derive(Debug, Default)]
pub(super) struct Frame {
    rows: Cell<usize>,
    text: RefCell<String>,
}

impl Frame {
    /// Shows a text, if it is not there already. What does not fit into the terminal is left out below.
    pub(super) fn show(&self, text: &str) {
        if *self.text.borrow() == text {
            return;
        }
        self.clear();
        let term = Term::stderr();
        let (height, width) = term.size();
        let (shown, rows) = fitting(text, usize::from(height), usize::from(width));
        let _ = term.write_str(&shown).and_then(|()| term.flush());
        self.rows.set(rows);
        text.clone_into(&mut self.text.borrow_mut());
    }

    /// Takes it off the screen.
    pub(super) fn clear(&self) {
        let rows = self.rows.replace(0);
        self.text.borrow_mut().clear();
        if rows > 0 {
            let _ = Term::stderr().clear_last_lines(rows);
        }
    }
}

/// The lines that fit, one row being left for the cursor, and how many rows they take: a line that is too long takes
/// more than one.
fn fitting(text: &str, height: usize, width: usize) -> (String, usize) {
    let (mut shown, mut rows) = (String::new(), 0);
    for line in text.lines() {
        let more = measure_text_width(line).div_ceil(width.max(1)).max(1);
        if rows + more >= height {
            break;
        }
        rows += more;
        shown.push_str(line);
        shown.push('\n');
    }
    (shown, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_count_as_the_rows_they_take_and_nothing_scrolls() {
        assert_eq!(fitting("one\n\nthree\n", 24, 80), ("one\n\nthree\n".into(), 3));
        assert_eq!(fitting("123456789\nab", 24, 4), ("123456789\nab\n".into(), 4));
        assert_eq!(fitting("a\nb\nc\nd", 3, 80), ("a\nb\n".into(), 2));
        assert_eq!(fitting("", 24, 80), (String::new(), 0));
    }
}
