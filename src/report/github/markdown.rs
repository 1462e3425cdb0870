//! GitHub-flavoured Markdown whose shape no text from outside can change. Pure.

use crate::report::text::{harmless, one_line};

/// Longest text in one cell or sentence, characters.
const TEXT_MAX: usize = 400;

/// Text that is shown as it is.
pub fn text(text: &str) -> String {
    let mut out = String::new();
    for c in short(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            // Nobody is called.
            '@' => out += "&#64;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '|' | '~' | '$' | ':' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Code inside a line or a cell.
pub fn code(text: &str) -> String {
    let text = short(text);
    if text.trim().is_empty() {
        return "–".into();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{}{space}{ticks}", text.replace('|', "\\|"))
}

/// Lines as they are, in a block of at most so many bytes.
pub fn block(language: &str, text: &str, max: usize) -> String {
    let text = harmless(text);
    let kept = &text[..text.floor_char_boundary(max)];
    let more = if kept.len() < text.len() { "\n… the rest is in the log\n" } else { "" };
    let ticks = "`".repeat(longest_run(kept).max(2) + 1);
    format!("{ticks}{language}\n{}{more}\n{ticks}\n", kept.trim_end_matches('\n'))
}

/// A table; `right` says which columns are numbers. Rows beyond `max` are counted.
pub fn table(head: &[&str], right: &[bool], rows: &[Vec<String>], max: usize) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head_cells: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<&str> = right.iter().map(|right| if *right { "--:" } else { ":--" }).collect();
    let mut out = line(&head_cells) + &format!("|{}|\n", rule.join("|"));
    out.extend(rows.iter().take(max).map(|row| line(row)));
    if let more @ 1.. = rows.len().saturating_sub(max) {
        let mut cells = vec![String::new(); head.len()];
        cells[0] = format!("… and {more} more");
        out += &line(&cells);
    }
    out + "\n"
}

fn short(text: &str) -> String {
    let text = one_line(&harmless(text));
    match text.char_indices().nth(TEXT_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(text("<b>a|b</b> `x` *y* @dana"), "&lt;b&gt;a\\|b&lt;/b&gt; \\`x\\` \\*y\\* &#64;dana");
        assert_eq!(text("a\n\n## b"), "a  \\#\\# b");
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(block("text", "a\n```\n</details>\n", 100), "````text\na\n```\n</details>\n````\n");
    }

    #[test]
    fn long_things_are_cut_and_counted() {
        assert_eq!(text(&"x".repeat(1_000)).chars().count(), TEXT_MAX + 1);
        assert_eq!(block("text", &"ä".repeat(10), 5), "```text\nää\n… the rest is in the log\n\n```\n");
        let rows: Vec<Vec<String>> = (0..4).map(|n| vec![n.to_string(), "x".into()]).collect();
        let text = table(&["a", "b"], &[true, false], &rows, 2);
        assert_eq!(text, "| a | b |\n|--:|:--|\n| 0 | x |\n| 1 | x |\n| … and 2 more |  |\n\n");
    }
}
