//! What the journals on this machine know of an alias: which versions releases gave it, and which rollbacks.

use jiff::Timestamp;

use crate::journal::{Ending, Entry, Line, Summary};
use crate::model::Version;
use crate::rollback::{Known, Rule, Seen};

/// One release or rollback of an alias that ended as it was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The version before.
    pub from: Version,
    /// The version after.
    pub to: Version,
    /// Whether it was a rollback.
    pub is_back: bool,
    /// When it ended.
    pub at: Option<Timestamp>,
}

impl Past {
    /// What one journal says.
    pub fn of(summary: &Summary, one: &Seen) -> Option<Self> {
        let ended = summary.lines.iter().rev().find(|line| matches!(line.entry, Entry::Closed { .. }));
        let at = ended.map(|line| line.at);
        match summary.progress.ending? {
            Ending::Promoted => {
                let plan = summary.progress.plan.as_ref()?;
                let member = plan.members.iter().find(|m| m.alias_arn == one.alias.arn)?;
                let (_, to, _) = summary.progress.published.iter().find(|(f, ..)| *f == member.function)?;
                let from = member.before.as_ref()?.version;
                Some(Self { from, to: *to, is_back: false, at })
            }
            Ending::RolledBack => {
                let (from, to) = summary.lines.iter().find_map(|line| reverted(line, one))?;
                Some(Self { from, to, is_back: true, at })
            }
            _ => None,
        }
    }
}

/// What a rollback of this alias moved. A journal that names no ARNs is taken at its names.
fn reverted(line: &Line, one: &Seen) -> Option<(Version, Version)> {
    let Entry::Reverts { aliases, moves, arns, .. } = &line.entry else { return None };
    let at = match arns.as_slice() {
        [] => aliases.iter().position(|alias| *alias == one.label()),
        arns => arns.iter().position(|arn| *arn == one.alias.arn),
    };
    moves.get(at?).copied()
}

/// The versions that had an alias before others, newest first. Nothing is known where the newest of these journals that
/// put the alias where it is was a rollback: what came before that is not gone back to by itself.
pub fn known(past: &[Past], one: &Seen) -> Vec<Known> {
    let put_back = past.iter().find(|past| past.to == one.alias.version).is_some_and(|past| past.is_back);
    let forward = past.iter().filter(|past| !past.is_back && !put_back);
    let known = |past: &Past| Known { from: past.from, to: past.to, rule: Rule::Journal, since: None, until: past.at };
    forward.map(known).collect()
}
