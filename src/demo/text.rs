//! The demo as plain text.

use std::fmt::Write as _;

use super::traffic::{BAKE_RATE, RATE};
use super::{Back, CROWD_RPS, DemoOptions, DemoReport, NEW_ROUTE, Phase, ROUTES, Regression, STABLE, StepLine};
use crate::event::Outcome;
use crate::model::Version;
use crate::plan::{Action, Plan};
use crate::report::text::{field, thousands as counted};

/// Everything, for an output that cannot show the release while it runs.
pub fn report(report: &DemoReport) -> String {
    let DemoReport { options, plan, steps, .. } = report;
    let width = options.width;
    [intro(options), plan_lines(plan, width), step_lines(steps, width), canary_lines(report), after(report)].join("\n")
}

/// What follows the release, for an output that has shown it while it ran.
pub fn after(report: &DemoReport) -> String {
    let width = report.options.width;
    let mut parts = vec![ending(report)];
    parts.extend(report.back.iter().map(|back| back_lines(back, width)));
    parts.push(traffic_table(&report.traffic, width));
    parts.push(verdict(report));
    parts.join("\n")
}

/// The canary as it looked at the end of each step.
pub fn canary_lines(report: &DemoReport) -> String {
    if report.canary.is_empty() {
        return "  no canary: the release ended before it\n".to_owned();
    }
    report.canary.join("\n")
}

/// What the account looks like when the demo begins.
pub fn intro(options: &DemoOptions) -> String {
    let (method, path) = NEW_ROUTE;
    let routes: Vec<String> = ROUTES.iter().map(|(method, path)| format!("{method} {path}")).collect();
    let release = match options.regress {
        None => "in order",
        Some(Regression::Errors) => "the new version fails 3 % of its requests (--regress errors)",
        Some(Regression::Latency) => "the new version takes twice as long as the old one (--regress latency)",
        Some(Regression::ColdStart) => {
            "each new environment of the new version fails its first request (--regress cold-start)"
        }
        Some(Regression::Permission) => "the role may not call lambda:AddPermission (--regress permission)",
    };
    let head = "stagegate demo · a model of AWS in this process, virtual time, no account needed";
    let mut text = field("", head, options.width) + "\n";
    for (name, line) in [
        ("serving", format!("checkout-api:live → v{STABLE} (100%), behind stage a1b2c3d4e5/prod")),
        ("uploaded", "new code for checkout-api".to_owned()),
        ("edited", format!("{method} {path} is in the API definition and not deployed")),
        ("missing", format!("permission for {method} {path} to call checkout-api:live")),
        ("clients", format!("{RATE}/s are followed one by one ({BAKE_RATE}/s while the canary bakes):")),
        ("", format!("{} and, too early, {method} {path}", routes.join(", "))),
        ("", format!("{CROWD_RPS}/s more are counted by the minute, as CloudWatch does")),
        ("release", release.to_owned()),
    ] {
        text += &field(&format!("  {name:<10} "), &line, options.width);
    }
    text
}

/// What the release will do.
pub fn plan_lines(plan: &Plan, width: usize) -> String {
    let mut text = format!("$ stagegate plan {}\n\n", plan.target.label());
    for (number, step) in plan.steps().iter().enumerate() {
        let sign = match step.action {
            Action::Create => "+",
            Action::Update => "~",
            Action::Invoke | Action::Read => "·",
            Action::None => "=",
        };
        for (at, line) in step.detail.iter().enumerate() {
            let head = if at == 0 { format!("{} {:<11} {sign}", number + 1, step.step) } else { " ".repeat(15) };
            text += &field(&format!("  {head} "), line, width);
        }
    }
    for notice in &plan.notices {
        text += &field("  note: ", &format!("{} [{}]", notice.text, notice.code), width);
    }
    text
}

/// How the steps of the release went.
pub fn step_lines(steps: &[StepLine], width: usize) -> String {
    let mut text = String::from("$ stagegate promote prod\n\n");
    for StepLine { step, outcome, detail, ms } in steps {
        let word = match outcome {
            Outcome::Ok => "done",
            Outcome::Unchanged => "unchanged",
            Outcome::Skipped => "skipped",
            Outcome::Failed => "failed",
        };
        text += &field(&format!("  {word:<10} {step:<11} "), &format!("{detail} ({})", seconds(*ms)), width);
    }
    text
}

/// How the release ended and what is true then.
pub fn ending(report: &DemoReport) -> String {
    let DemoReport { outcome, status, record, options, .. } = report;
    let width = options.width;
    let mut text = String::new();
    if let Some(problem) = &outcome.problem {
        text += &field("  ", &format!("{}[{}]: {}", problem.level, problem.code, problem.what), width);
        for why in &problem.why {
            text += &field("    why      ", why, width);
        }
        for now in &outcome.now {
            text += &field("    aws now  ", now, width);
        }
        text.push('\n');
    }
    text += &field("  ", &format!("exit code {}: {}", outcome.exit.code(), outcome.exit.meaning()), width);
    text.push('\n');
    text.push_str("$ stagegate status prod\n\n");
    for line in status {
        text += &field("  ", line, width);
    }
    text + &field("  description of the alias: ", record, width)
}

/// A rollback that a person made.
pub fn back_lines(back: &Back, width: usize) -> String {
    let Back { command, moved: (from, to, reason), now, clean, calls, ms } = back;
    let mut text = format!("$ {command}\n\n");
    text += &field("  ", &format!("{} → {}, {reason}", from.label(), to.label()), width);
    for line in now {
        text += &field("  ", line, width);
    }
    let read_back = if *clean { "read back" } else { "NOT as before" };
    text + &field("  ", &format!("{read_back}; {calls} calls to AWS, {}", seconds(*ms)), width)
}

/// Who answered the clients, part by part; in sentences where a table is too wide.
pub fn traffic_table(phases: &[Phase], width: usize) -> String {
    let table = as_table(phases);
    if table.lines().all(|line| line.chars().count() <= width) { table } else { as_lines(phases, width) }
}

fn as_lines(phases: &[Phase], width: usize) -> String {
    let mut text = String::from("clients\n");
    for phase in phases {
        let mut by: Vec<(Version, u32)> = Vec::new();
        for version in phase.answers.keys().filter_map(|answer| answer.version) {
            if !by.iter().any(|(known, _)| *known == version) {
                by.push((version, phase.by(version)));
            }
        }
        let by: Vec<String> = by.iter().map(|(version, n)| format!("{} {}", version.label(), thousands(*n))).collect();
        let all = thousands(phase.requests());
        let [none, errors, failed, without] =
            [phase.no_such_route(), phase.errors(), phase.failed(), phase.without_permission].map(thousands);
        let line = format!(
            "{all} requests: {}; no such route {none}, errors {errors}, failed {failed}, no permission {without}",
            by.join(", ")
        );
        text += &field(&format!("  {:<12}", phase.name), &line, width);
    }
    text
}

fn as_table(phases: &[Phase]) -> String {
    let versions: Vec<Version> = {
        let mut all: Vec<_> = phases.iter().flat_map(|p| p.answers.keys().filter_map(|a| a.version)).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut text = format!("{:<14}{:>8}", "clients", "requests");
    for version in &versions {
        let _ = write!(text, "{:>8}", version.label());
    }
    let _ = writeln!(text, "{:>15}{:>8}{:>8}{:>15}", "no such route", "errors", "failed", "no permission");
    for phase in phases {
        let _ = write!(text, "  {:<12}{:>8}", phase.name, thousands(phase.requests()));
        for version in &versions {
            let _ = write!(text, "{:>8}", thousands(phase.by(*version)));
        }
        let [none, errors, failed, without] =
            [phase.no_such_route(), phase.errors(), phase.failed(), phase.without_permission].map(thousands);
        let _ = writeln!(text, "{none:>15}{errors:>8}{failed:>8}{without:>15}");
    }
    text
}

/// The demo in two sentences: what became of each client that was followed, and of those that were counted.
pub fn verdict(report: &DemoReport) -> String {
    let (requests, failed, without) = report.totals();
    let width = report.options.width;
    let whole = format!(
        "{} requests, {} failed, {} reached an alias without permission",
        thousands(requests),
        thousands(failed),
        thousands(without)
    );
    let mut text = field("", &whole, width);
    let crowd = &report.crowd;
    let by_version = crowd.requests.iter().map(|(key, requests)| {
        let failed = crowd.failed.get(key).copied().unwrap_or_default();
        format!("{} failed {} of {}", key.1.label(), counted(failed), counted(*requests))
    });
    let by_version: Vec<String> = by_version.collect();
    if !by_version.is_empty() {
        let whole = format!("{}, {} reached no version", by_version.join(", "), counted(crowd.unserved));
        text += &field("counted by the minute: ", &whole, width);
    }
    for violation in &report.violations {
        text += &field("  BUG: ", violation, width);
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

fn thousands(number: u32) -> String {
    counted(u64::from(number))
}
