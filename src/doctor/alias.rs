//! Whether an alias is where its last release left it.

use super::{Finding, ObservedAlias, Repair};
use crate::model::{Description, RecordState};
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

/// What is odd about an alias by itself.
pub fn findings(alias: &ObservedAlias, repair: &Repair) -> Vec<Finding> {
    let Some(existing) = &alias.found else { return Vec::new() };
    let name = alias.name();
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
                .fix(repair.stagegate(&format!("rollback {name}")))
                .fix(format!("or keep it: {}", repair.stagegate(&format!("promote {name}")))),
        );
    }
    if let Some(record) = description.record.as_ref().filter(|record| record.state == RecordState::Undoing) {
        let what = format!("the rollback of {} is not finished", record.run);
        let finding = Finding::new(Code::LockExpired, &name, what).level(Level::Error);
        found.push(finding.fix(repair.stagegate(&format!("rollback {name}"))));
    }
    found
}
