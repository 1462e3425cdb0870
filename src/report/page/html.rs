//! The few pieces of HTML that a page is made of. Every text that comes from outside goes through [`esc`].

use std::fmt::{Display, Write as _};

/// A text as it stands between tags and in quoted attributes.
pub(super) fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML has no place for control characters, and some of them turn a line around.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A text as code.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", esc(text))
}

/// A table. Cells are HTML already; a column whose head begins with `#` holds numbers.
pub(super) fn table(caption: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("<div class=\"scroll\"><table><caption>{}</caption><thead><tr>", esc(caption));
    let class = |at: usize| if head.get(at).is_some_and(|h| h.starts_with('#')) { " class=\"n\"" } else { "" };
    for (at, name) in head.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(at), esc(name.trim_start_matches('#')));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{cell}</td>", class(at));
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody></table></div>\n"
}

/// A section with its headline.
pub(super) fn section(id: &str, title: &str, body: impl Display) -> String {
    format!("<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{}</h2>\n{body}</section>\n", esc(title))
}

/// Something long that is opened on demand.
pub(super) fn folded(summary: &str, body: impl Display) -> String {
    format!("<details><summary>{}</summary>\n{body}</details>\n", esc(summary))
}

/// A word with a symbol before it: the colour repeats what both say.
pub(super) fn badge(tone: &str, symbol: &str, word: &str) -> String {
    format!("<span class=\"badge {tone}\"><span aria-hidden=\"true\">{symbol}</span> {}</span>", esc(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup_or_turns_a_line_around() {
        assert_eq!(
            esc("<script>alert(\"1\")</script> & 'x'\u{202e}\u{7}\n"),
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;\u{fffd}\n"
        );
        let table = table("a<b", &["#n<"], &[vec![code("<i>")]]);
        assert!(table.contains("<caption>a&lt;b</caption>") && table.contains("class=\"n\">n&lt;</th>"), "{table}");
        assert!(table.contains("<code>&lt;i&gt;</code>"));
    }
}
