//! What the journals on this machine remember of the last releases. Pure.

use std::collections::BTreeMap;

use crate::change::Change;
use crate::journal::{Entry, Summary};
use crate::model::{ApiId, FunctionName, RunId};

/// What the last releases of every target had before and after, with the newest release that had it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Versions.
    pub versions: BTreeMap<(FunctionName, u64), RunId>,
    /// Deployments.
    pub deployments: BTreeMap<(ApiId, String), RunId>,
}

impl Past {
    /// Of the newest `keep` releases of each target, and as many rollbacks of each alias. Journals of other accounts keep
    /// more than they must, which harms nobody.
    pub fn of(mut journals: Vec<Summary>, keep: u32) -> Self {
        journals.sort_by(|a, b| b.run.cmp(&a.run));
        let mut past = Self::default();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for journal in &journals {
            let count = counts.entry(subject(journal)).or_default();
            *count += 1;
            if *count <= keep {
                past.take(journal);
            }
        }
        past
    }

    fn take(&mut self, journal: &Summary) {
        let run = &journal.run;
        if let Some(plan) = &journal.progress.plan {
            for member in &plan.members {
                let before = member.before.as_ref().and_then(|alias| alias.version.number());
                let published = journal.progress.published.iter().filter(|(f, ..)| *f == member.function);
                let after = published.filter_map(|(_, version, _)| version.number());
                for number in before.into_iter().chain(after) {
                    self.version(&member.function, number, run);
                }
            }
            if let Some(stage) = &plan.stage {
                let before = Some(stage.before.deployment.clone());
                for deployment in before.into_iter().chain(journal.progress.deployment.clone()) {
                    self.deployments.entry((stage.stage.api.clone(), deployment)).or_insert_with(|| run.clone());
                }
            }
        }
        // A redeploy by hand has no plan: what the stage served before is in what it meant to write.
        for line in &journal.lines {
            let Entry::Intent { change: Change::Stage { stage, before, .. }, .. } = &line.entry else { continue };
            if let Some(deployment) = &before.deployment {
                self.deployments.entry((stage.api.clone(), deployment.clone())).or_insert_with(|| run.clone());
            }
        }
        for line in &journal.lines {
            let Entry::Reverts { aliases, moves, .. } = &line.entry else { continue };
            for (alias, (from, to)) in aliases.iter().zip(moves) {
                let Some(function) = alias.split(':').next().and_then(|name| name.parse().ok()) else { continue };
                for number in [from, to].into_iter().filter_map(|version| version.number()) {
                    self.version(&function, number, run);
                }
            }
        }
    }

    fn version(&mut self, function: &FunctionName, number: u64, run: &RunId) {
        self.versions.entry((function.clone(), number)).or_insert_with(|| run.clone());
    }
}

/// Whose releases are counted together.
fn subject(journal: &Summary) -> String {
    let reverted = journal.lines.iter().find_map(|line| match &line.entry {
        Entry::Reverts { aliases, .. } => Some(aliases.join(" ")),
        _ => None,
    });
    match &journal.progress.plan {
        Some(plan) => format!("{} {} {}", plan.account, plan.region, plan.target.label()),
        None => reverted.unwrap_or_default(),
    }
}
