//! The demo as plain text.

use std::fmt::Write as _;

use super::traffic::{BAKE_RATE, RATE};
use super::{Back, CROWD_RPS, DemoOptions, DemoReport, NEW_ROUTE, Phase, ROUTES, Regression, STABLE, StepLine};
use crate::event::Outcome;
use crate::model::Version;
use crate::plan::{Action, Plan};
use crate::report::text::{field, thousands as counted};

/// Columns of the text.
const WIDTH: usize = 100;

/// Everything, for an output that cannot show the release while it runs.
pub fn report(report: &DemoReport) -> String {
    let DemoReport { options, plan, steps, .. } = report;
    [intro(options), plan_lines(plan), step_lines(steps), canary_lines(report), after(report)].join("\n")
}

/// What follows the release, for an output that has shown it while it ran.
pub fn after(report: &DemoReport) -> String {
    let mut parts = vec![ending(report)];
    parts.extend(report.back.iter().map(back_lines));
    parts.push(traffic_table(&report.traffic));
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
    let mut text = String::from("stagegate demo · a model of AWS in this process, virtual time, no account needed\n\n");
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
        let _ = writeln!(text, "  {name:<10} {line}");
    }
    text
}

/// What the release will do.
pub fn plan_lines(plan: &Plan) -> String {
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
            text += &field(&format!("  {head} "), line, WIDTH);
        }
    }
    for notice in &plan.notices {
        text += &field("  note: ", &format!("{} [{}]", notice.text, notice.code), WIDTH);
    }
    text
}

/// How the steps of the release went.
pub fn step_lines(steps: &[StepLine]) -> String {
    let mut text = String::from("$ stagegate promote prod\n\n");
    for StepLine { step, outcome, detail, ms } in steps {
        let word = match outcome {
            Outcome::Ok => "done",
            Outcome::Unchanged => "unchanged",
            Outcome::Skipped => "skipped",
            Outcome::Failed => "failed",
        };
        let _ = writeln!(text, "  {word:<10} {step:<11} {detail} ({})", seconds(*ms));
    }
    text
}

/// How the release ended and what is true then.
pub fn ending(report: &DemoReport) -> String {
    let DemoReport { outcome, status, record, .. } = report;
    let mut text = String::new();
    if let Some(problem) = &outcome.problem {
        let _ = writeln!(text, "  {}[{}]: {}", problem.level, problem.code, problem.what);
        for why in &problem.why {
            text += &field("    why      ", why, WIDTH);
        }
        for now in &outcome.now {
            let _ = writeln!(text, "    aws now  {now}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "  exit code {}: {}\n", outcome.exit.code(), outcome.exit.meaning());
    text.push_str("$ stagegate status prod\n\n");
    for line in status {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "  description of the alias: {record}");
    text
}

/// A rollback that a person made.
pub fn back_lines(back: &Back) -> String {
    let Back { command, moved: (from, to, reason), now, clean, calls, ms } = back;
    let mut text = format!("$ {command}\n\n  {} → {}, {reason}\n", from.label(), to.label());
    for line in now {
        let _ = writeln!(text, "  {line}");
    }
    let read_back = if *clean { "read back" } else { "NOT as before" };
    let _ = writeln!(text, "  {read_back}; {calls} calls to AWS, {} s", seconds(*ms).trim_end_matches(" s"));
    text
}

/// Who answered the clients, part by part.
pub fn traffic_table(phases: &[Phase]) -> String {
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
    let mut text = format!(
        "{} requests, {} failed, {} reached an alias without permission\n",
        thousands(requests),
        thousands(failed),
        thousands(without)
    );
    let crowd = &report.crowd;
    let by_version = crowd.requests.iter().map(|(key, requests)| {
        let failed = crowd.failed.get(key).copied().unwrap_or_default();
        format!("{} failed {} of {}", key.1.label(), counted(failed), counted(*requests))
    });
    let by_version: Vec<String> = by_version.collect();
    if !by_version.is_empty() {
        let whole = format!("{}, {} reached no version", by_version.join(", "), counted(crowd.unserved));
        text += &field("counted by the minute: ", &whole, WIDTH);
    }
    for violation in &report.violations {
        let _ = writeln!(text, "  BUG: {violation}");
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

fn thousands(number: u32) -> String {
    counted(u64::from(number))
}
