//! The outputs of the step, which later steps and jobs read. Pure.

use crate::event::Summary;

/// What an output says of the end of a command; empty where there is nothing to say.
type Value = fn(&Summary, events_file: Option<&str>) -> Option<String>;

/// Every output, in the order of `action.yml`.
pub const OUTPUTS: [(&str, Value); 12] = [
    ("result", |end, _| Some(end.result.clone())),
    ("exit-code", |end, _| Some(end.exit_code.to_string())),
    ("release-id", |end, _| end.release.as_ref().map(ToString::to_string)),
    ("version", |end, _| end.version.clone()),
    ("previous-version", |end, _| end.previous_version.clone()),
    ("weight", |end, _| end.weight.map(|weight| weight.to_string())),
    ("deployment-id", |end, _| end.deployment.clone()),
    ("plan-digest", |end, _| end.plan_digest.clone()),
    ("findings", |end, _| end.findings.map(|count| count.to_string())),
    ("resume-command", |end, _| end.resume.clone()),
    ("rollback-command", |end, _| end.rollback.clone()),
    ("events-file", |_, file| file.map(str::to_owned)),
];

/// The lines for the file that `GITHUB_OUTPUT` names. `delimiter` must be a text that nobody can foresee: a value that
/// held it could add outputs of its own.
pub fn lines(end: &Summary, events_file: Option<&str>, delimiter: &str) -> String {
    let one = |(name, value): &(&str, Value)| {
        let value = value(end, events_file).unwrap_or_default();
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    };
    OUTPUTS.iter().map(one).collect()
}
