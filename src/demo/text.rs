//! The demo as plain text.

use std::fmt::Write as _;

use super::{Back, DemoOptions, DemoReport, NEW_ROUTE, Phase, ROUTES, Regression, STABLE, StepLine};
use crate::event::Outcome;
use crate::model::Version;
use crate::plan::{Action, Plan};

/// Everything, for an output that cannot show the release while it runs.
pub fn report(report: &DemoReport) -> String {
    let DemoReport { options, plan, steps, traffic, back, .. } = report;
    let mut parts = vec![intro(options), plan_lines(plan), step_lines(steps), ending(report)];
    parts.extend(back.iter().map(back_lines));
    parts.push(traffic_table(traffic));
    parts.push(verdict(report));
    parts.join("\n")
}

/// What the account looks like when the demo begins.
pub fn intro(options: &DemoOptions) -> String {
    let (method, path) = NEW_ROUTE;
    let routes: Vec<String> = ROUTES.iter().map(|(method, path)| format!("{method} {path}")).collect();
    let release = match options.regress {
        None => "in order",
        Some(Regression::Errors) => "the new version throws (--regress errors)",
        Some(Regression::Latency) => "the new version is slower than its smoke check allows (--regress latency)",
        Some(Regression::Permission) => "the role may not call lambda:AddPermission (--regress permission)",
    };
    let mut text = String::from("stagegate demo · a model of AWS in this process, virtual time, no account needed\n\n");
    for (name, line) in [
        ("serving", format!("checkout-api:live → v{STABLE} (100%), behind stage a1b2c3d4e5/prod")),
        ("uploaded", "new code for checkout-api".to_owned()),
        ("edited", format!("{method} {path} is in the API definition and not deployed")),
        ("missing", format!("permission for {method} {path} to call checkout-api:live")),
        ("clients", format!("20 requests/s: {} and, too early, {method} {path}", routes.join(", "))),
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
            let _ = writeln!(text, "  {head} {line}");
        }
    }
    for notice in &plan.notices {
        let _ = writeln!(text, "  note: {} [{}]", notice.text, notice.code);
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
            let _ = writeln!(text, "    why      {why}");
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
    let mut text = format!("{:<12}{:>10}", "clients", "requests");
    for version in &versions {
        let _ = write!(text, "{:>8}", version.label());
    }
    let _ = writeln!(text, "{:>15}{:>8}{:>15}", "no such route", "failed", "no permission");
    for phase in phases {
        let _ = write!(text, "  {:<10}{:>10}", phase.name, thousands(phase.requests()));
        for version in &versions {
            let _ = write!(text, "{:>8}", thousands(phase.by(*version)));
        }
        let (none, failed) = (thousands(phase.no_such_route()), thousands(phase.failed()));
        let _ = writeln!(text, "{none:>15}{failed:>8}{:>15}", thousands(phase.without_permission));
    }
    text
}

/// The demo in one sentence.
pub fn verdict(report: &DemoReport) -> String {
    let (requests, failed, without) = report.totals();
    let mut text = format!(
        "{} requests, {} failed, {} reached an alias without permission\n",
        thousands(requests),
        thousands(failed),
        thousands(without)
    );
    for violation in &report.violations {
        let _ = writeln!(text, "  BUG: {violation}");
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// `12 345`.
fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let mut text = digits[..head].to_owned();
    for group in digits.as_bytes()[head..].chunks(3) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(group.iter().map(|digit| char::from(*digit)));
    }
    text
}
