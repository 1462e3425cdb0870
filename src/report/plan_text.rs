//! The plan as people read it before they say yes. Pure.

use super::text::{field, seconds};
use crate::aws::noun::Identity;
use crate::model::{CanaryMode, FunctionName, Version};
use crate::plan::{Action, MemberPlan, Plan, SourcePlan, StagePlan, short_sha};
use crate::step::StepKind;

/// Functions that one line each is spent on; the rest is counted.
const SHOWN: usize = 10;

/// Who plans, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose credentials.
    pub identity: Identity,
    /// How long they last, seconds; `None` when they have no end that is known.
    pub lasts_s: Option<u64>,
    /// Where calls go instead of AWS.
    pub endpoint: Option<String>,
}

impl Caller {
    /// The caller without the ARN's fixed parts: `assumed-role/release/dana`.
    pub fn name(&self) -> &str {
        self.identity.arn.splitn(6, ':').nth(5).unwrap_or(&self.identity.arn)
    }
}

/// The whole screen, at most `width` columns wide.
pub fn screen(plan: &Plan, caller: &Caller, width: usize) -> String {
    let mut out = head(plan, caller, width);
    out.push('\n');
    out.push_str(&facts(plan, width));
    out.push('\n');
    out.push_str(&steps(plan, width));
    out.push('\n');
    out.push_str(&undo(plan, width));
    if !plan.notices.is_empty() {
        out.push('\n');
        for notice in &plan.notices {
            out.push_str(&field("! ", &format!("{} ({})", notice.text, notice.code), width));
        }
    }
    out
}

fn head(plan: &Plan, caller: &Caller, width: usize) -> String {
    let target = &plan.target;
    let mut names = vec![concat!("stagegate ", env!("CARGO_PKG_VERSION")).to_owned()];
    names.extend(target.project.clone());
    names.push(target.label());
    let place = format!("account {} · {}", plan.account, plan.region);
    let names = names.join(" · ");
    let gap = width.saturating_sub(names.chars().count() + place.chars().count());
    let mut out = match gap {
        0 | 1 => field("", &names, width) + &field("", &place, width),
        gap => format!("{names}{}{place}\n", " ".repeat(gap)),
    };
    let who = caller.name();
    let needs = format!("plan needs at most {}", seconds(plan.duration_s()));
    let lasts = caller.lasts_s.map_or(needs.clone(), |s| format!("credentials last {}, {needs}", seconds(s)));
    out.push_str(&field("you are   ", &format!("{who}; {lasts}"), width));
    if let Some(endpoint) = &caller.endpoint {
        out.push_str(&field("endpoint  ", &format!("{endpoint}, not AWS's own"), width));
    }
    out
}

fn facts(plan: &Plan, width: usize) -> String {
    let alias = &plan.target.alias;
    let mut out =
        labelled("serving", plan.members.iter().map(|m| serving(m, &m.function.to_string(), alias.as_str())), width);
    out.push_str(&labelled("promoting", plan.members.iter().map(|m| promoting(m, plan.members.len() > 1)), width));
    if let Some(stage) = &plan.stage {
        out.push_str(&labelled("clients", std::iter::once(clients(stage, plan)), width));
    }
    out
}

/// Whom a request to the stage reaches, of the target's aliases: none, when the target names a stage that is not theirs.
fn clients(stage: &StagePlan, plan: &Plan) -> String {
    let named = |functions: &[FunctionName]| {
        let more = if functions.len() > SHOWN { ", …" } else { "" };
        let names: Vec<String> =
            functions.iter().take(SHOWN).map(|name| format!("{name}:{}", plan.target.alias)).collect();
        names.join(", ") + more
    };
    match stage.reaches.is_empty() {
        true => format!("no route of {} calls {}", stage.stage, named(&plan.target.functions)),
        false => format!("{} → {}", stage.stage, named(&stage.reaches)),
    }
}

fn serving(member: &MemberPlan, function: &str, alias: &str) -> String {
    match &member.before {
        None => format!("{function}:{alias} does not exist yet"),
        Some(before) if before.weights.is_empty() => format!("{function}:{alias} → {} (100%)", before.version.label()),
        Some(before) => format!("{function}:{alias} → {} and others", before.version.label()),
    }
}

fn promoting(member: &MemberPlan, several: bool) -> String {
    let what = match &member.source {
        SourcePlan::Publish { code_sha256, looks_identical_to, .. } => {
            let same = looks_identical_to
                .map_or_else(String::new, |n| format!(", looks identical to {}", Version::Number(n).label()));
            format!("$LATEST, sha256 {}…{same}", short_sha(code_sha256))
        }
        SourcePlan::Existing { version, code_sha256 } => {
            format!("{}, sha256 {}…", version.label(), short_sha(code_sha256))
        }
    };
    if several { format!("{}: {what}", member.function) } else { what }
}

fn labelled(label: &str, lines: impl ExactSizeIterator<Item = String>, width: usize) -> String {
    let more = lines.len().saturating_sub(SHOWN);
    let mut out = String::new();
    for (at, line) in lines.take(SHOWN).enumerate() {
        let label = if at == 0 { label } else { "" };
        out.push_str(&field(&format!("  {label:<10} "), &line, width));
    }
    if more > 0 {
        out.push_str(&format!("  {:<10} and {more} more (--json lists all)\n", ""));
    }
    out
}

fn steps(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    for (number, step) in plan.steps().iter().enumerate() {
        let mark = match step.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Invoke | Action::Read => '·',
            Action::None => '=',
        };
        // What is published is cut group by group already.
        let shown = if step.step == StepKind::Redeploy { usize::MAX } else { SHOWN };
        for (at, line) in step.detail.iter().take(shown).enumerate() {
            let label =
                if at == 0 { format!("  {} {:<11} {mark} ", number + 1, step.step.name()) } else { " ".repeat(18) };
            out.push_str(&field(&label, line, width));
        }
        if let more @ 1.. = step.detail.len().saturating_sub(shown) {
            out.push_str(&format!("{}and {more} more (--json lists all)\n", " ".repeat(18)));
        }
    }
    out
}

fn undo(plan: &Plan, width: usize) -> String {
    let created = plan.members.iter().filter(|m| m.before.is_none()).count();
    let mut way = match (plan.members.len(), created) {
        (1, 0) => "one alias update, about 1 s".to_owned(),
        (1, _) => "while the release runs: the new alias is deleted again; afterwards you name a version".to_owned(),
        (n, 0) => format!("{n} alias updates, sent together"),
        (n, created) => format!("{n} aliases; {created} of them new, deleted again while the release runs"),
    };
    let by_stage = plan.canary.as_ref().is_some_and(|canary| canary.mode == CanaryMode::Stage);
    if let (true, Some(stage)) = (by_stage, &plan.stage) {
        way = format!("the canary is removed from {}, one call, about 1 s; once it is promoted: {way}", stage.stage);
    }
    if let Some((before, stage)) = plan.stage_change() {
        match before.deployment {
            Some(deployment) => {
                let variables = if stage.variables.is_empty() { "" } else { ", its variables as they were" };
                way.push_str(&format!("; then {} back to deployment {deployment}{variables}", stage.stage));
            }
            None => {
                let names: Vec<&str> = stage.all_variables().map(|change| change.name.as_str()).collect();
                way.push_str(&format!("; then {} of {}", names.join(", "), stage.stage));
            }
        }
    }
    field("  undo        ", &way, width)
        + &field(
            "  not undone  ",
            "what the new version writes to tables and queues; the configuration of $LATEST",
            width,
        )
}

#[cfg(test)]
mod tests;
