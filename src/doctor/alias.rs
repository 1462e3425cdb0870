//! Whether an alias is where its last release left it.

use jiff::Timestamp;

use super::{Finding, ObservedAlias, Repair};
use crate::model::{Description, RecordState, Version};
use crate::problem::{Code, Level};

/// What the aliases serve, in few words: `v42`, `3 aliases`.
pub fn summary(aliases: &[&ObservedAlias]) -> String {
    let label = |alias: &ObservedAlias| {
        alias.found.as_ref().map_or_else(|| "none yet".into(), |existing| existing.version.label())
    };
    match aliases {
        [one] => label(one),
        several => {
            let missing = several.iter().filter(|alias| alias.found.is_none()).count();
            let all = format!("{} aliases", several.len());
            if missing == 0 { all } else { format!("{all}, {missing} not there yet") }
        }
    }
}

fn missing(alias: &ObservedAlias, name: &str, repair: &Repair) -> Finding {
    if !alias.has_function {
        let what = format!("function {} does not exist in this account and region", alias.function);
        return Finding::new(Code::FunctionMissing, &alias.function, what);
    }
    Finding::new(Code::AliasMissing, name, "the alias does not exist: nothing was released here yet")
        .level(Level::Warning)
        .fix(repair.stagegate(&format!("promote {name}")))
}

/// The release that puts its record where the alias is, so that nothing moves.
fn keep(version: Version, name: &str, repair: &Repair) -> String {
    match version.number() {
        Some(n) => format!("or {}", repair.stagegate(&format!("promote {name} --function-version {n}"))),
        None => "or leave it: no release keeps $LATEST".into(),
    }
}

/// What is odd about an alias by itself.
pub fn findings(alias: &ObservedAlias, now: Timestamp, repair: &Repair) -> Vec<Finding> {
    let name = alias.name();
    let Some(existing) = &alias.found else { return vec![missing(alias, &name, repair)] };
    let description = match Description::parse(&existing.description) {
        Ok(description) => description,
        Err(error) => {
            let what = "its record cannot be read: no release can begin";
            let finding = Finding::new(Code::RecordDamaged, &name, what).details([error.to_string()]);
            return vec![finding.fix(repair.stagegate(&format!("history {name}")))];
        }
    };
    let mut found = Vec::new();
    if let Some(record) = &description.record
        && !record.agrees_with(existing.version, &existing.weights)
        && alias.split().is_none()
    {
        let what = format!("it serves {} and was moved outside stagegate", existing.version.label());
        let was = format!("release {} left it on {}", record.run, record.to.label());
        found.push(
            Finding::new(Code::AliasMoved, &name, what)
                .details([was])
                .fix(repair.stagegate(&format!("rollback {name} --to {}", record.to)))
                .fix(keep(existing.version, &name, repair)),
        );
    }
    if let Some(record) = description.record.as_ref().filter(|record| record.state == RecordState::Undoing) {
        found.push(match record.expires.is_some_and(|end| end < now) {
            false => Finding::new(Code::StillInFlight, &name, format!("release {} is being rolled back", record.run)),
            true => Finding::new(Code::LockExpired, &name, format!("the rollback of {} was not finished", record.run))
                .level(Level::Error)
                .fix(repair.stagegate(&format!("rollback {name}"))),
        });
    }
    found
}
