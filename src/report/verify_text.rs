//! The answer of `verify`, for people. Pure.

use super::text::{cut, field};

/// One line.
pub struct Row<'a> {
    /// `✔ ok`, `! note` or `✖ FAILED`.
    pub mark: &'static str,
    /// What was checked.
    pub what: &'a str,
    /// What was found.
    pub found: &'a str,
}

/// The widest column of what was checked.
const WHAT_MAX: usize = 30;
/// Narrower than this, what was found stands below what was checked.
const NARROW: usize = 72;

/// The lines of one target.
pub fn rows(rows: &[Row<'_>], width: usize) -> String {
    let widest = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or_default().min(WHAT_MAX);
    let mut text = String::new();
    for Row { mark, what, found } in rows {
        match width < NARROW {
            true => {
                text.push_str(&field(&format!("{mark:<9} "), what, width));
                text.push_str(&field("          ", found, width));
            }
            false => {
                let label = format!("{mark:<9} {:<widest$}  ", cut(what, WHAT_MAX));
                text.push_str(&field(&label, found, width));
            }
        }
    }
    text
}
