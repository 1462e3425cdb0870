//! The way back. One function undoes ([`Engine::undo`]), whoever calls: the failing run, the restarted process, the
//! person on another machine. What it needs is a [`WayBack`], made from the journal or from the records in AWS.

mod choose;
mod emergency;
mod undo;

use jiff::Timestamp;

pub use choose::{Chosen, Rule, choose};
pub use emergency::{Emergency, Part, Seen};
pub use undo::{Left, Undone, dead};

use crate::aws::noun::{Alias, Routing};
use crate::change::{Change, StageSide};
use crate::engine::SETTLE;
use crate::journal::Progress;
use crate::model::{AliasName, FunctionName, RunId, StageRef, Version};
use crate::plan::Plan;

/// Where one alias goes back to.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// Exactly what the journal holds; `None` = it did not exist.
    Exact(Option<Routing>),
    /// A version, with a record that says so; whoever wrote last is overwritten, because a person asked for it.
    To {
        /// The version.
        version: Version,
        /// The user's text and the record of the rollback.
        description: String,
    },
}

/// One alias on the way back.
#[derive(Debug, Clone, PartialEq)]
pub struct AliasBack {
    /// Function.
    pub function: FunctionName,
    /// Alias.
    pub alias: AliasName,
    /// Where to.
    pub goal: Goal,
    /// The alias as it was just read, so that it need not be read again.
    pub seen: Option<Alias>,
    /// Whether the version it goes to must be looked at, because nobody has yet.
    pub check_target: bool,
    /// The revision at the beginning of the release: never a guard for the way back.
    pub first_revision: Option<String>,
}

/// The stage on the way back.
#[derive(Debug, Clone, PartialEq)]
pub struct StageBack {
    /// The stage.
    pub stage: StageRef,
    /// How it was.
    pub before: StageSide,
    /// What the release put there. A deployment that is not known is recognised by the release's id in its description.
    pub ours: StageSide,
}

/// A statement that an unfinished release added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantBack {
    /// Function.
    pub function: FunctionName,
    /// Alias.
    pub alias: AliasName,
    /// Statement id.
    pub sid: String,
}

/// Everything that a rollback puts back.
#[derive(Debug, Clone, PartialEq)]
pub struct WayBack {
    /// The release that is undone.
    pub run: RunId,
    /// Its aliases; the writes that stop the harm.
    pub aliases: Vec<AliasBack>,
    /// Its stage.
    pub stage: Option<StageBack>,
    /// Its statements.
    pub grants: Vec<GrantBack>,
    /// Until when a write of the release may still land.
    pub unsettled_until: Option<Timestamp>,
}

impl WayBack {
    /// From the journal: every intent counts, whether its reply came or not.
    pub fn from_journal(plan: &Plan, progress: &Progress) -> Self {
        let mut back = Self {
            run: plan.run.clone(),
            aliases: Vec::new(),
            stage: None,
            grants: Vec::new(),
            unsettled_until: progress.newest_intent.map(|at| at + SETTLE),
        };
        for change in &progress.intents {
            back.take(plan, change);
        }
        back
    }

    fn take(&mut self, plan: &Plan, change: &Change) {
        match change {
            // The first intent of an alias holds what was there before the release; later ones start from our own.
            Change::Alias { function, alias, before, .. } => {
                if !self.aliases.iter().any(|a| a.function == *function && a.alias == *alias) {
                    let member = plan.members.iter().find(|m| m.function == *function);
                    self.aliases.push(AliasBack {
                        function: function.clone(),
                        alias: alias.clone(),
                        goal: Goal::Exact(before.clone()),
                        seen: None,
                        check_target: false,
                        first_revision: member.and_then(|m| m.before.as_ref()).map(|a| a.revision.clone()),
                    });
                }
            }
            Change::Grant { function, alias, statement } => self.grants.push(GrantBack {
                function: function.clone(),
                alias: alias.clone(),
                sid: statement.sid.clone(),
            }),
            Change::Stage { stage, before, want } => {
                self.stage = Some(StageBack { stage: stage.clone(), before: before.clone(), ours: want.clone() });
            }
        }
    }
}
