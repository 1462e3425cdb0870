//! What the journals on this machine know of an alias: which versions releases gave it, and which rollbacks.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::cli::App;
use crate::journal::{Ending, Entry, Line, StateDir, Summary};
use crate::model::Version;
use crate::rollback::{Known, Rule, Seen};

/// One release or rollback of an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The version before.
    pub from: Version,
    /// The version after.
    pub to: Version,
    /// Whether it was a rollback.
    pub is_back: bool,
    /// The version that a rollback marked bad.
    pub bad: Option<u64>,
    /// When it ended.
    pub at: Option<Timestamp>,
}

impl Past {
    /// What one journal says of an alias, by its ARN and as `function:alias`: a finished release, or a rollback.
    pub fn of(summary: &Summary, arn: &str, label: &str) -> Option<Self> {
        let ended = summary.lines.iter().rev().find(|line| matches!(line.entry, Entry::Closed { .. }));
        let at = ended.map(|line| line.at);
        let Some(plan) = &summary.progress.plan else {
            let past = summary.lines.iter().find_map(|line| reverted(line, arn, label))?;
            return summary.progress.ending.map(|_| Self { at, ..past });
        };
        if summary.progress.ending != Some(Ending::Promoted) {
            return None;
        }
        let member = plan.members.iter().find(|m| m.alias_arn == arn)?;
        let (_, to, _) = summary.progress.published.iter().find(|(f, ..)| *f == member.function)?;
        let from = member.before.as_ref()?.version;
        Some(Self { from, to: *to, is_back: false, bad: None, at })
    }
}

/// What a rollback did with this alias. A journal that names no ARNs is taken at its names.
fn reverted(line: &Line, arn: &str, label: &str) -> Option<Past> {
    let Entry::Reverts { aliases, moves, arns, bad, .. } = &line.entry else { return None };
    let at = match arns.as_slice() {
        [] => aliases.iter().position(|alias| alias == label),
        arns => arns.iter().position(|one| one == arn),
    }?;
    let (from, to) = *moves.get(at)?;
    let guessed = || from.number().filter(|_| arns.is_empty() && from != to);
    let bad = bad.get(at).copied().flatten().or_else(guessed);
    Some(Past { from, to, is_back: true, bad, at: None })
}

/// The versions that a rollback has taken traffic back from, and that have not had all of it since, as far as these
/// journals say, newest first.
pub fn bad(past: &[Past]) -> Vec<u64> {
    let (mut bad, mut told) = (Vec::new(), BTreeSet::new());
    for one in past {
        told.extend(one.to.number());
        bad.extend(one.bad.filter(|number| told.insert(*number)));
    }
    bad
}

/// As [`bad`], of an alias, by all journals on this machine.
pub fn bad_here(app: &App, arn: &str, label: &str) -> Vec<u64> {
    let (found, _) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    bad(&found.iter().filter_map(|summary| Past::of(summary, arn, label)).collect::<Vec<_>>())
}

/// The versions that had an alias before others, newest first. Nothing is known where the newest of these journals that
/// put the alias where it is was a rollback: what came before that is not gone back to by itself.
pub fn known(past: &[Past], one: &Seen) -> Vec<Known> {
    let put_back = past.iter().find(|past| past.to == one.alias.version).is_some_and(|past| past.is_back);
    let forward = past.iter().filter(|past| !past.is_back && !put_back);
    let known = |past: &Past| Known { from: past.from, to: past.to, rule: Rule::Journal, since: None, until: past.at };
    forward.map(known).collect()
}
