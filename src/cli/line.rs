//! A line that a person types at a question. Esc and Ctrl-C leave.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::{Key, Term};

/// A question stands on the line of the cursor.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Shows a question and reads what is typed behind it; none when a person leaves. Ctrl-C is a key here, so that it is not
/// also a signal.
pub fn read(question: &str) -> io::Result<Option<String>> {
    let term = Term::stderr();
    if !term.is_term() {
        return Ok(None);
    }
    let question = format!("{} ", asking(question));
    OPEN.store(true, Ordering::SeqCst);
    term.write_str(&question)?;
    let line = edit(&term, &question);
    end();
    line
}

/// A question as it stands before an answer.
pub fn asking(question: &str) -> String {
    if question.ends_with('?') { question.to_owned() } else { format!("{question}:") }
}

/// Ends the line of a question that still stands.
pub fn end() {
    if OPEN.swap(false, Ordering::SeqCst) {
        let _ = Term::stderr().write_str("\n");
    }
}

fn edit(term: &Term, question: &str) -> io::Result<Option<String>> {
    let mut line = String::new();
    loop {
        match term.read_key_raw()? {
            Key::Enter => return Ok(Some(line)),
            Key::Escape | Key::CtrlC => return Ok(None),
            Key::Backspace => {
                let erased = erase(&format!("{question}{line}"), term.size().1.into());
                line.pop();
                term.write_str(&format!("{erased}{question}{line}"))?;
            }
            Key::Char(char) if !char.is_control() => {
                line.push(char);
                term.write_str(char.encode_utf8(&mut [0; 4]))?;
            }
            _ => {}
        }
    }
}

/// The sequence that takes a text off the screen at whose end the cursor stands, on however many rows it is.
fn erase(text: &str, columns: usize) -> String {
    let above = console::measure_text_width(text).div_ceil(columns.max(1)).saturating_sub(1);
    let up = if above == 0 { String::new() } else { format!("\u{1b}[{above}A") };
    format!("\r{up}\u{1b}[J")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colon_follows_a_question_mark() {
        assert_eq!(asking("Back to which version?"), "Back to which version?");
        assert_eq!(asking("Start? [y/N]"), "Start? [y/N]:");
    }

    #[test]
    fn a_line_on_several_rows_is_taken_away_whole() {
        assert_eq!(erase("? ab", 80), "\r\u{1b}[J");
        assert_eq!(erase("? ab", 4), "\r\u{1b}[J", "a full row is one row");
        assert_eq!(erase("? abcdef", 3), "\r\u{1b}[2A\u{1b}[J");
    }
}
