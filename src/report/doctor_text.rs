//! What `doctor` found, as people read it. Pure.

use super::drift_text::{command, fixes, mark, tally};
use super::text::field;
use crate::doctor::Finding;
use crate::doctor::retest::Retest;
use crate::doctor::visit::{Checkup, RETEST, Section};
use crate::problem::Level;

/// The screen, at most `width` columns wide but for commands.
pub fn screen(checkup: &Checkup, retest: Option<&Retest>, width: usize) -> String {
    let mut out = String::new();
    for section in &checkup.sections {
        out.push_str(&one(section, width));
        out.push('\n');
    }
    if let Some(retest) = retest {
        out.push_str("RETEST\n");
        for line in retest.lines() {
            out.push_str(&field("    ", &line, width));
        }
        out.push('\n');
    }
    let count = |level: Level| checkup.findings().filter(|finding| finding.level == level).count();
    let unknown = checkup.sections.iter().filter(|section| section.unknown.is_some()).count();
    let unknown = if unknown == 0 { String::new() } else { format!(", {unknown} not looked at") };
    out + &field("", &format!("{}{unknown}", tally(count(Level::Error), count(Level::Warning))), width)
}

/// A question: its verdict at the right edge of its line, what is so, and what is wrong.
fn one(section: &Section, width: usize) -> String {
    if section.number == 0 {
        let mut out = String::new();
        for line in &section.facts {
            out.push_str(&field("also: ", line, width));
        }
        return out + &body(section, &[], width);
    }
    let title = format!("{} {}", section.number, section.title.to_uppercase());
    let verdict = verdict(section);
    let gap = width.saturating_sub(title.chars().count() + verdict.chars().count());
    let heading = match gap {
        0 | 1 => format!("{}    {verdict}\n", field("", &title, width)),
        gap => format!("{title}{}{verdict}\n", " ".repeat(gap)),
    };
    heading + &body(section, &section.facts, width)
}

fn verdict(section: &Section) -> String {
    if section.unknown.is_some() {
        return "? unknown".into();
    }
    let worst = section.findings.iter().max_by_key(|finding| finding.level);
    match worst {
        Some(finding) if finding.level > Level::Note => {
            let word = if finding.level == Level::Error { "error" } else { "warn" };
            format!("{} {word} {}", mark(Some(finding.level)), finding.code)
        }
        _ if matches!(section.number, 3 | 6) => "· info".into(),
        _ => "✔ ok".into(),
    }
}

fn body(section: &Section, facts: &[String], width: usize) -> String {
    let mut out = String::new();
    for line in facts {
        match line.strip_prefix(RETEST) {
            Some(text) => out.push_str(&command(&format!("    {RETEST}"), text, width)),
            None => out.push_str(&field("    ", line, width)),
        }
    }
    for finding in &section.findings {
        out.push_str(&found(finding, width));
    }
    if let Some(problem) = &section.unknown {
        out.push_str(&field("    ? ", &problem.what, width));
        for why in &problem.why {
            out.push_str(&field("      ", why, width));
        }
    }
    out
}

fn found(finding: &Finding, width: usize) -> String {
    let mut out = field(&format!("    {} ", mark(Some(finding.level))), &finding.what, width);
    for line in &finding.details {
        out.push_str(&field("      ", line, width));
    }
    out + &fixes(finding, 6, width)
}
