//! What a rollback will do, before it is done. Pure.

use super::text::field;
use crate::rollback::{Emergency, Part, Seen};

/// The screen: what serves, where it goes back to and which rule says so, and what goes with it.
pub fn screen(emergency: &Emergency, seen: &[Seen], part: Part, width: usize) -> String {
    let mut out = String::new();
    let several = emergency.moves.len() > 1;
    for (label, from, chosen) in emergency.moves.iter().filter(|_| part != Part::Stage) {
        let to = chosen.version.map_or_else(|| "nothing: the release created the alias".to_owned(), |v| v.label());
        if several {
            let text = format!("{label}  {} → {to}   {}", from.label(), chosen.rule.reason());
            out.push_str(&field("  back     ", &text, width));
        } else {
            out.push_str(&field("  now      ", &format!("{label} → {}", from.label()), width));
            out.push_str(&field("  back to  ", &format!("{to}   {}", chosen.rule.reason()), width));
        }
    }
    if let Some(stage) = &emergency.way.stage {
        let mut text = stage.stage.to_string();
        if let Some(deployment) = &stage.before.deployment {
            text.push_str(&format!(" → deployment {deployment}"));
        }
        for (name, value) in &stage.before.variables {
            text.push_str(&format!(", {name} → {}", value.as_deref().unwrap_or("(unset)")));
        }
        if stage.recall.is_some() {
            text.push_str(", and the other variables as its deployment's description says");
        }
        out.push_str(&field("  stage    ", &text, width));
    }
    for grant in &emergency.way.grants {
        let text = format!("statement {} of {}:{} is removed", grant.sid, grant.function, grant.alias);
        out.push_str(&field("  also     ", &text, width));
    }
    if let Some(text) = alone(emergency, seen) {
        out.push_str(&field("  ! ", &text, width));
    }
    out
}

/// What to know when only some of a release's aliases go back.
pub fn alone(emergency: &Emergency, seen: &[Seen]) -> Option<String> {
    (emergency.members > seen.len()).then(|| {
        format!(
            "{} moved {} functions and only {} of them goes back here; its stage stays. A rollback of the target, or of API/STAGE, takes all of them back",
            emergency.way.run,
            emergency.members,
            seen.len()
        )
    })
}
