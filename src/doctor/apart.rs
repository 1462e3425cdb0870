//! Whether the stages of an API have drifted apart in what belongs to the stage and not to its deployment.

use std::collections::BTreeSet;

use super::{ApiFacts, Finding, Repair, count, some};
use crate::aws::noun::Stage;
use crate::compare;
use crate::model::{StageName, StageRef};
use crate::problem::Code;

/// How many differences of one pair are shown.
const LINES: usize = 20;

/// How a stage differs from each other stage of its API. Variables that both set and set differently are what stages
/// are for; one that only one of them sets is a difference.
pub fn findings(stage_ref: &StageRef, api: &ApiFacts, declared: &BTreeSet<String>, repair: &Repair) -> Vec<Finding> {
    let Some(stage) = api.stages.get(&stage_ref.stage) else { return Vec::new() };
    let others = api.stages.iter().filter(|(name, _)| **name != stage_ref.stage);
    others.filter_map(|(name, other)| one(stage_ref, stage, (name, other), declared, repair)).collect()
}

fn one(
    stage_ref: &StageRef,
    stage: &Stage,
    (name, other): (&StageName, &Stage),
    declared: &BTreeSet<String>,
    repair: &Repair,
) -> Option<Finding> {
    let ours = &stage_ref.stage;
    let mut lines = Vec::new();
    let names: BTreeSet<&String> = stage.variables.keys().chain(other.variables.keys()).collect();
    let mut unset = Vec::new();
    for variable in names.into_iter().filter(|variable| !declared.contains(*variable)) {
        match (stage.variables.get(variable), other.variables.get(variable)) {
            (None, Some(value)) => {
                lines.push(format!("variable {variable}: {ours} (unset), {name} {value}"));
                unset.push((variable.as_str(), "VALUE"));
            }
            (Some(value), None) => lines.push(format!("variable {variable}: {ours} {value}, {name} (unset)")),
            _ => {}
        }
    }
    for difference in compare::behaviour(stage, other) {
        let none = || "none".to_owned();
        let (a, b) = (difference.before.unwrap_or_else(none), difference.after.unwrap_or_else(none));
        lines.push(format!("{}: {ours} {a}, {name} {b}", difference.place));
    }
    if lines.is_empty() {
        return None;
    }
    let what = format!("{} from {}/{name}", count(lines.len(), "difference"), stage_ref.api);
    let mut finding = Finding::new(Code::SettingsApart, stage_ref, what).details(some(lines, LINES));
    if !unset.is_empty() {
        finding = finding.fix(repair.set_variables(stage_ref, &stage.kind, &unset));
    }
    let pair = format!("diff {} {}", quoted(stage_ref.to_string()), quoted(format!("{}/{name}", stage_ref.api)));
    Some(finding.fix(format!("see both: {}", repair.stagegate(&pair))))
}

fn quoted(text: String) -> String {
    super::repair::quoted(&text)
}
