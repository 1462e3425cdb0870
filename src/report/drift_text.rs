//! What `drift` found, as people read it. Pure.

use super::text::{ascii, field};
use crate::doctor::Finding;
use crate::doctor::drift::{Cell, Column, Report, Row};
use crate::problem::{Level, Problem};

/// The mark of a level; none is fine.
pub fn mark(level: Option<Level>) -> &'static str {
    match level {
        Some(Level::Error) => "✖",
        Some(Level::Warning) => "!",
        Some(Level::Note) => "·",
        None => "✔",
    }
}

/// `1 error, 2 warnings`, or `nothing found`.
pub fn tally(errors: usize, warnings: usize) -> String {
    let count = |n: usize, noun: &str| match n {
        0 => None,
        1 => Some(format!("1 {noun}")),
        n => Some(format!("{n} {noun}s")),
    };
    let all: Vec<String> = [count(errors, "error"), count(warnings, "warning")].into_iter().flatten().collect();
    if all.is_empty() { "nothing found".into() } else { all.join(", ") }
}

/// A finding: its code, what it is about, evidence, and what mends it.
pub fn finding(found: &Finding, name: &str, width: usize) -> String {
    let label = format!("{} {} ", mark(Some(found.level)), found.code.short());
    let mut out = field(&label, &format!("{name}{}", found.what), width);
    // A note is no fault: `explain` and the document say more.
    if !found.matters() {
        return out;
    }
    for line in &found.details {
        out.push_str(&field("    ", line, width));
    }
    out + &fixes(found, 4, width)
}

/// The commands that mend a finding, indented; an alternative says so.
pub fn fixes(found: &Finding, indent: usize, width: usize) -> String {
    let labelled = found.fixes.iter().map(|fix| match fix.strip_prefix("or ") {
        Some(other) => ("or    ", other),
        None => ("fix   ", fix.as_str()),
    });
    labelled.map(|(label, text)| command(&format!("{}{label}", " ".repeat(indent)), text, width)).collect()
}

/// A command, broken before its options where it would be too long: what is pasted is still one command.
pub fn command(label: &str, text: &str, width: usize) -> String {
    let indent = label.chars().count();
    let mut lines = vec![label.to_owned()];
    for (at, part) in text.split(" --").enumerate() {
        let part = if at == 0 { part.to_owned() } else { format!("--{part}") };
        let last = lines.len() - 1;
        let line = &mut lines[last];
        // A blank and the backslash that follows when the next part begins another line.
        if at > 0 && line.chars().count() + 1 + part.chars().count() + 2 > width {
            line.push_str(" \\");
            lines.push(format!("{}{part}", " ".repeat(indent + 2)));
        } else {
            line.push_str(if at == 0 { "" } else { " " });
            line.push_str(&part);
        }
    }
    lines.join("\n") + "\n"
}

/// The screen, at most `width` columns wide but for commands. Where symbols will be spelled out in ASCII, columns make
/// room for that.
pub fn screen(report: &Report, width: usize, unicode: bool) -> String {
    let mut out = table(&report.targets, width, unicode).unwrap_or_else(|| blocks(&report.targets, width));
    for row in &report.targets {
        for (cell, found) in row.cells.iter().flat_map(|cell| cell.findings.iter().map(move |found| (cell, found))) {
            out.push('\n');
            out.push_str(&finding(found, &about(row, cell, found), width));
        }
        for (columns, problem) in unknown(row) {
            out.push('\n');
            let all = columns.len() == row.cells.len();
            let what = if all { String::new() } else { format!(" {}", columns.join(", ")) };
            out.push_str(&field("? ", &format!("{}{what}: {}", row.target, problem.what), width));
            problem.why.iter().for_each(|why| out.push_str(&field("    ", why, width)));
            for (at, fix) in problem.fix.iter().enumerate() {
                out.push_str(&command(if at == 0 { "    fix   " } else { "          " }, fix, width));
            }
        }
    }
    let targets = report.targets.len();
    let unknown = match report.unknown {
        0 => String::new(),
        n => format!(", {n} not looked at"),
    };
    let noun = if targets == 1 { "target" } else { "targets" };
    out.push('\n');
    out + &field("", &format!("{}{unknown} in {targets} {noun}", tally(report.errors, report.warnings)), width)
}

/// What could not be looked at: each reason once, with the columns that it keeps from being seen.
fn unknown(row: &Row) -> Vec<(Vec<&'static str>, &Problem)> {
    let mut found: Vec<(Vec<&'static str>, &Problem)> = Vec::new();
    for (column, problem) in row.cells.iter().filter_map(|cell| Some((cell.column.name(), cell.unknown.as_ref()?))) {
        match found.iter_mut().find(|(_, known)| known.what == problem.what) {
            Some((columns, _)) => columns.push(column),
            None => found.push((vec![column], problem)),
        }
    }
    found
}

/// The target, and the place when that is another one.
fn about(row: &Row, _: &Cell, found: &Finding) -> String {
    match found.subject == row.target {
        true => format!("{}: ", row.target),
        false => format!("{} ({}): ", row.target, found.subject),
    }
}

fn shown(cell: &Cell) -> String {
    if cell.unknown.is_some() {
        return "? unknown".into();
    }
    if cell.summary == "–" {
        return "–".into();
    }
    format!("{} {}", mark(cell.findings.iter().map(|found| found.level).max()), cell.summary)
}

/// One line for each target; none when it would not fit.
fn table(rows: &[Row], width: usize, unicode: bool) -> Option<String> {
    let shown = |cell: &Cell| if unicode { shown(cell) } else { ascii(&shown(cell)) };
    let mut lines: Vec<Vec<String>> =
        vec![std::iter::once("target".to_owned()).chain(Column::ALL.map(|column| column.name().to_owned())).collect()];
    for row in rows {
        lines.push(std::iter::once(row.target.clone()).chain(row.cells.iter().map(shown)).collect());
    }
    let columns = Column::ALL.len() + 1;
    let widest =
        |n: usize| lines.iter().filter_map(|line| line.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    if widths.iter().sum::<usize>() + 2 * (columns - 1) > width {
        return None;
    }
    let line = |cells: &Vec<String>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    Some(lines.iter().map(line).collect())
}

/// A block for each target, where the table would not fit.
fn blocks(rows: &[Row], width: usize) -> String {
    let mut out = String::new();
    for row in rows {
        out.push_str(&field("", &row.target, width));
        for cell in &row.cells {
            out.push_str(&field(&format!("  {:<12}", cell.column.name()), &shown(cell), width));
        }
    }
    out
}
