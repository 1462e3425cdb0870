//! The summary of a step: what happened and what can be done, as GitHub shows it below the run. Pure.

use crate::event::Summary as End;
use crate::github::WorkflowRun;
use crate::metrics::GateLook;
use crate::problem::Problem;
use crate::report::board::{number, rate, sum};
use crate::report::panel::sparkline;
use crate::report::text::{clock, seconds, thousands};

use super::flow;
use super::markdown::{block, code, table, text};
use super::tale::Tale;

/// More than this is cut: above 1 MiB GitHub drops all of it (runner source, `FileCommandManager`). Bytes.
const SUMMARY_MAX: usize = 900_000;
/// Rows of a table.
const ROWS_MAX: usize = 100;
/// Lines of a list.
const LINES_MAX: usize = 20;
/// A screen, bytes.
const SCREEN_MAX: usize = 200_000;
/// Minutes of a sparkline.
const SPARK: usize = 10;

/// What a summary is made of.
#[derive(Debug)]
pub struct Page<'a> {
    /// The command and its target, such as `promote prod`.
    pub title: &'a str,
    /// What happened.
    pub tale: &'a Tale,
    /// How it ended.
    pub end: &'a End,
    /// Why, when that is not plain success.
    pub problem: Option<&'a Problem>,
    /// The run that it is part of.
    pub run: Option<&'a WorkflowRun>,
    /// How long it took, seconds.
    pub lasted_s: u64,
}

/// The whole summary.
pub fn render(page: &Page<'_>) -> String {
    let sections = [heading(page), outcome(page), before_and_now(page), flow::chart(page.tale), gate(page)];
    let rest = [screen(page), warnings(page), commands(page), details(page)];
    cut(&[sections.concat(), rest.concat()].concat())
}

/// Nothing above should be that long: a last resort that leaves no block open.
fn cut(all: &str) -> String {
    if all.len() <= SUMMARY_MAX {
        return all.to_owned();
    }
    let kept = &all[..all.floor_char_boundary(SUMMARY_MAX)];
    let kept = &kept[..kept.rfind("\n\n").unwrap_or(0)];
    format!("{kept}\n\n… the rest is in the log\n")
}

/// What each result looks like.
const ICONS: [(&str, &str); 10] = [
    ("promoted", "✅"),
    ("rolled-back", "⏪"),
    ("paused", "⏸️"),
    ("held", "⏸️"),
    ("baking", "⏳"),
    ("failed", "❌"),
    ("in-between", "🚨"),
    ("findings", "🔍"),
    ("planned", "📋"),
    ("unchanged", "➖"),
];

fn heading(page: &Page<'_>) -> String {
    let result = page.end.result.as_str();
    let icon = ICONS.iter().find(|(name, _)| *name == result).map_or("✔️", |(_, icon)| icon);
    let says = match (result, &page.end.version) {
        ("promoted", Some(version)) => format!("promoted to v{version}"),
        ("rolled-back", Some(version)) => format!("rolled back to v{version}"),
        _ => result.replace('-', " "),
    };
    format!("## {icon} {} — {}\n\n", text(page.title), text(&says))
}

fn outcome(page: &Page<'_>) -> String {
    let mut out = String::new();
    if let Some(problem) = page.problem {
        out += &format!("**{}** ({})\n\n", text(&problem.what), code(&problem.code.to_string()));
        for line in problem.why.iter().take(LINES_MAX) {
            out += &format!("- {}\n", text(line));
        }
        out += &format!("- AWS now: {}\n\n", text(&problem.aws_now));
    }
    if let Some((now, verified, ms)) = &page.tale.went_back {
        let how = if *verified { "read back as before" } else { "**not everything was read back as before**" };
        let why = page.tale.back.as_deref().unwrap_or("asked for");
        out += &format!("Went back in {} s ({}): {how}.\n\n", ms.div_ceil(1000), text(why));
        out.extend(now.iter().take(LINES_MAX).map(|line| format!("- {}\n", text(line))));
        if let more @ 1.. = now.len().saturating_sub(LINES_MAX) {
            out += &format!("- … and {more} more\n");
        }
        out.push('\n');
    }
    for passed in page.tale.let_pass.iter().take(LINES_MAX) {
        out += &format!("A person let the gate pass at {}\n\n", text(passed));
    }
    let overridden = page.tale.plan.as_ref().and_then(|(plan, _)| plan.canary.as_ref()?.override_gate.clone());
    if let Some(reason) = overridden {
        out += &format!("The gate only advises in this release: {}\n\n", text(&reason));
    }
    out
}

fn before_and_now(page: &Page<'_>) -> String {
    let rows = page.tale.rows();
    if rows.is_empty() {
        return String::new();
    }
    let one = |[name, before, now]: &[String; 3]| vec![code(name), text(before), text(now)];
    table(&["", "before", "last read back"], &[false; 3], &rows.iter().map(one).collect::<Vec<_>>(), ROWS_MAX)
}

fn gate(page: &Page<'_>) -> String {
    let looks: Vec<&GateLook> = page.tale.looks.values().collect();
    if looks.is_empty() {
        return String::new();
    }
    let head = ["share", "time", "calls new", "errors new", "errors old", "p99 new / old", "gate"];
    let right = [true, true, true, true, true, true, false];
    let rows: Vec<Vec<String>> = looks.iter().map(|look| row(look)).collect();
    let mut out = table(&head, &right, &rows, ROWS_MAX);
    if let Some(last) = looks.last() {
        out += &format!("{}\n\n", text(&last.sentence));
        if !last.alarms_raised.is_empty() {
            out += &format!("Alarms that went off meanwhile: {}\n\n", text(&last.alarms_raised.join(", ")));
        }
    }
    out
}

fn row(look: &GateLook) -> Vec<String> {
    let (old, new) = (sum(look, |one| &one.stable), sum(look, |one| &one.canary));
    let mut minutes: Vec<u64> = Vec::new();
    for one in &look.functions {
        minutes.resize(minutes.len().max(one.canary.errors_per_minute.len()), 0);
        minutes.iter_mut().zip(&one.canary.errors_per_minute).for_each(|(all, errors)| *all += errors);
    }
    let spark = sparkline(&minutes, SPARK);
    let p99 = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0}"));
    vec![
        format!("{} %", number(look.percent)),
        format!("{} of {}", clock(look.elapsed_s), clock(look.bake_s)),
        thousands(new.invocations),
        if spark.is_empty() { rate(&new) } else { format!("{} {}", rate(&new), code(&spark)) },
        rate(&old),
        format!("{} / {} ms", p99(new.p99_ms), p99(old.p99_ms)),
        text(&look.verdict.to_string()),
    ]
}

fn screen(page: &Page<'_>) -> String {
    let screen = page.tale.screen.trim();
    if screen.is_empty() { String::new() } else { block("text", &page.tale.screen, SCREEN_MAX) + "\n" }
}

fn warnings(page: &Page<'_>) -> String {
    let warnings = &page.tale.warnings;
    if warnings.is_empty() {
        return String::new();
    }
    let one = |warning: &Problem| format!("- {} {}\n", code(&warning.code.to_string()), text(&warning.what));
    let mut out: String = warnings.iter().take(LINES_MAX).map(one).collect();
    if let more @ 1.. = warnings.len().saturating_sub(LINES_MAX) {
        out += &format!("- … and {more} more\n");
    }
    format!("**Warnings**\n\n{out}\n")
}

fn commands(page: &Page<'_>) -> String {
    let fixes = page.problem.map(|problem| problem.fix.as_slice()).unwrap_or_default();
    let ways = [&page.end.resume, &page.end.rollback];
    let mut lines: Vec<&str> = Vec::new();
    for line in fixes.iter().map(String::as_str).chain(ways.into_iter().flatten().map(String::as_str)) {
        // A fix often holds one of the ways, with a word before it.
        if !lines.iter().any(|known| known.ends_with(line)) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    format!("**What can be done**\n\n{}\n", block("text", &lines.join("\n"), SCREEN_MAX))
}

fn details(page: &Page<'_>) -> String {
    let mut facts: Vec<String> = Vec::new();
    facts.extend(page.end.release.as_ref().map(|run| format!("release {}", code(run.as_str()))));
    facts.extend(page.tale.plan.as_ref().map(|(_, digest)| format!("plan {}", code(digest))));
    if let Some(run) = page.run {
        let by = run.actor.as_ref().map_or_else(String::new, |actor| format!(" by {}", code(actor)));
        facts.push(format!("[run {}]({}){by}", run.id, target(&run.url())));
        let short = |sha: &String| sha.chars().take(7).collect::<String>();
        let on = run.reference.as_ref().map_or_else(String::new, |name| format!(" ({})", code(name)));
        facts.extend(run.commit.as_ref().map(|sha| format!("commit {}{on}", code(&short(sha)))));
    }
    if let Some(who) = &page.tale.who {
        facts.push(format!("account {} · {}", text(&who.account), text(&who.region)));
        facts.extend(who.arn.as_ref().map(|arn| format!("as {}", code(arn))));
    }
    if page.tale.writes > 0 {
        facts.push(format!("{} writes", page.tale.writes));
    }
    facts.push(format!("{} · exit code {}", seconds(page.lasted_s), page.end.exit_code));
    facts.push(concat!("stagegate ", env!("CARGO_PKG_VERSION")).to_owned());
    format!("<details><summary>Who, what, where</summary>\n\n{}\n\n</details>\n\n", facts.join(" · "))
}

/// An address between the brackets of a link.
fn target(url: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || ":/.-_".contains(*c);
    url.chars().filter(is_plain).collect()
}

#[cfg(test)]
mod tests;
