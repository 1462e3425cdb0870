//! The way back. One function undoes ([`Engine::undo`]), whoever calls: the failing run, the restarted process, the
//! person on another machine. What it needs is a [`WayBack`], made from the journal or from the records in AWS.

mod alias;
mod candidates;
mod choose;
mod emergency;
mod recall;
pub mod trail;
mod undo;
mod undone;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use choose::{Chosen, Known, Rule, choose, versions_of};
pub use emergency::{Emergency, Part, Seen, Stays};
pub use undo::dead;
pub use undone::{Left, Undone};

use crate::aws::noun::{Alias, Routing};
use crate::change::{Change, StageSide};
use crate::engine::{Cause, SETTLE};
use crate::journal::Progress;
use crate::model::record::remember_bad;
use crate::model::{AliasName, Description, FunctionName, Percent, Record, RunId, StageRef, Version};
use crate::plan::{CanaryPlan, LOCK_MARGIN, Place, Plan};

/// Where one alias goes back to.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// It did not exist before the release: it goes last.
    Absent {
        /// The description that says so on the way. Writing it also fences what the release itself may still have sent.
        undoing: String,
    },
    /// A version that it was on.
    At(Box<At>),
    /// The same while a person takes it back too. The record of the release stays, so that they find it: another one
    /// would tell them that the alias is somebody else's, and what is bad is theirs to say.
    Beside(Box<At>),
}

/// A version that an alias goes back to, and what its description says on the way and in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct At {
    /// The version, without weights.
    pub version: Version,
    /// The description while stage and permissions are still to be put back.
    pub meanwhile: String,
    /// The description in the end.
    pub last: String,
    /// Whether an alias that is not the release's any more is left alone. A person who names an alias overwrites.
    pub only_ours: bool,
    /// The shares that the release may have given its candidate: another weight is somebody else's.
    pub shares: Vec<Percent>,
}

impl At {
    /// The routing of a phase.
    fn routing(&self, phase: Phase) -> Routing {
        let description = if phase == Phase::Meanwhile { &self.meanwhile } else { &self.last };
        Routing { version: self.version, weights: BTreeMap::new(), description: description.clone() }
    }
}

/// How far a rollback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Traffic is back; stage and permissions are still to be put back.
    Meanwhile,
    /// Everything is back.
    Last,
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

impl AliasBack {
    /// A person is at it too.
    fn put_beside(&mut self) {
        if let Goal::At(at) = &self.goal {
            self.goal = Goal::Beside(at.clone());
        }
    }
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
    /// A canary that calls this alias is the release's own.
    pub candidate: Option<AliasName>,
    /// More variables go with it, which only the release's deployment knows.
    pub recall: Option<Recall>,
}

impl StageBack {
    /// Whether anything of the stage is put back: a release that found it as it should be only names it.
    pub fn has_anything(&self) -> bool {
        let Self { before, candidate, recall, .. } = self;
        before.deployment.is_some() || !before.variables.is_empty() || candidate.is_some() || recall.is_some()
    }
}

/// Variables whose values stand in the description of the deployment that the release made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recall {
    /// They get the release's values again, and not those from before it.
    pub again: bool,
    /// The release had finished, so that there must be such a deployment.
    pub finished: bool,
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
    /// What a canary of the stage leaves behind when it is gone.
    pub candidates: Vec<CandidateBack>,
    /// Requests reach the candidate through the stage's canary and not through the aliases: the stage goes first.
    pub stage_first: bool,
}

/// The alias of a canary of the stage: its statement and itself go when the stage has not used it for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateBack {
    /// Function.
    pub function: FunctionName,
    /// The candidate alias.
    pub alias: AliasName,
    /// The statement that lets the stage call it.
    pub grant: Option<GrantBack>,
    /// Whether there is time to wait and remove it; somebody in an emergency leaves it.
    pub removes: bool,
}

impl WayBack {
    /// Whether anything but aliases is to be put back.
    fn has_rest(&self) -> bool {
        self.stage.is_some() || !self.grants.is_empty() || !self.candidates.is_empty()
    }

    /// From the journal: every intent counts, whether its reply came or not. A process that died may have left a write
    /// on its way; the one that still runs has waited for its own.
    pub fn from_journal(plan: &Plan, progress: &Progress, cause: Cause) -> Self {
        let newest = progress.newest_intent.unwrap_or(plan.at);
        let mut back = Self {
            run: plan.run.clone(),
            aliases: Vec::new(),
            stage: None,
            grants: Vec::new(),
            unsettled_until: (cause == Cause::Died).then(|| newest + SETTLE),
            candidates: Vec::new(),
            stage_first: false,
        };
        for change in &progress.intents {
            back.take(plan, change, newest + LOCK_MARGIN);
        }
        let attached = back.stage.as_ref().is_some_and(|stage| stage.ours.canary.is_some());
        back.stage_first = attached && !progress.closing;
        match cause {
            Cause::Bad => back.mark_bad(plan, progress),
            Cause::Elsewhere => back.aliases.iter_mut().for_each(AliasBack::put_beside),
            Cause::Failed | Cause::Died => {}
        }
        back
    }

    /// The candidate failed: the description that each alias gets in the end remembers it, and the one on the way, too:
    /// somebody else may have to finish.
    fn mark_bad(&mut self, plan: &Plan, progress: &Progress) {
        for back in &mut self.aliases {
            let member = plan.members.iter().find(|m| m.function == back.function);
            let to = progress.published.iter().find(|(function, ..)| *function == back.function).map(|(_, to, _)| *to);
            if let (Goal::At(at), Some(member), Some(to)) = (&mut back.goal, member, to)
                && at.version != to
            {
                at.last = plan.description_with_bad(member, to).fitting().to_string();
                at.meanwhile = with_bad(&at.meanwhile, to);
            }
        }
    }

    fn take(&mut self, plan: &Plan, change: &Change, expires: Timestamp) {
        match change {
            // The first intent of an alias holds what was there before the release; later ones start from our own.
            Change::Alias { function, alias, .. } if is_candidate(plan, alias) => {
                if !self.candidates.iter().any(|c| c.function == *function) {
                    self.candidates.push(CandidateBack {
                        function: function.clone(),
                        alias: alias.clone(),
                        grant: candidate_grant(plan, function, alias),
                        removes: true,
                    });
                }
            }
            Change::Alias { function, alias, before, want } => {
                if !self.aliases.iter().any(|a| a.function == *function && a.alias == *alias) {
                    let member = plan.members.iter().find(|m| m.function == *function);
                    self.aliases.push(AliasBack {
                        function: function.clone(),
                        alias: alias.clone(),
                        goal: exactly(before.as_ref(), want, expires, plan),
                        seen: None,
                        check_target: false,
                        first_revision: member.and_then(|m| m.before.as_ref()).map(|a| a.revision.clone()),
                    });
                }
            }
            // It goes with its alias.
            Change::Grant { alias, .. } if is_candidate(plan, alias) => {}
            Change::Grant { function, alias, statement } => self.grants.push(GrantBack {
                function: function.clone(),
                alias: alias.clone(),
                sid: statement.sid.clone(),
            }),
            Change::Stage { stage, before, want } => {
                let earlier = self.stage.take().unwrap_or_else(|| StageBack {
                    stage: stage.clone(),
                    before: before.clone(),
                    ours: want.clone(),
                    candidate: plan.members.iter().find_map(|m| m.candidate.as_ref()).map(|c| c.alias.clone()),
                    recall: None,
                });
                // The first change holds how the stage was, the last one what the release put there.
                let ours = StageSide::over(want, &earlier.ours);
                let before =
                    StageSide { canary: earlier.before.canary.clone(), ..StageSide::over(&earlier.before, before) };
                self.stage = Some(StageBack { before, ours, ..earlier });
            }
        }
    }
}

/// The description with a version more that its record remembers as bad.
fn with_bad(text: &str, version: Version) -> String {
    match (Description::parse(text), version) {
        (Ok(Description { text, record: Some(record) }), Version::Number(number)) => {
            let bad = remember_bad(&record.bad, number);
            Description { text, record: Some(Record { bad, ..record }) }.fitting().to_string()
        }
        _ => text.to_owned(),
    }
}

fn is_candidate(plan: &Plan, alias: &AliasName) -> bool {
    plan.members.iter().any(|member| member.candidate.as_ref().is_some_and(|candidate| candidate.alias == *alias))
}

/// The statement for the stage on a candidate alias; its id follows from the stage.
fn candidate_grant(plan: &Plan, function: &FunctionName, alias: &AliasName) -> Option<GrantBack> {
    let member = plan.members.iter().find(|member| member.function == *function)?;
    let place = Place::of(&member.candidate.as_ref()?.arn, &plan.region, &plan.stage.as_ref()?.stage);
    Some(GrantBack { function: function.clone(), alias: alias.clone(), sid: place.stage_statement().sid })
}

/// Exactly as it was; on the way, the record says that a rollback is under way.
fn exactly(before: Option<&Routing>, want: &Routing, expires: Timestamp, plan: &Plan) -> Goal {
    let ours = Description::parse(&want.description).ok();
    let ours = ours.and_then(|d| d.record.clone().map(|record| (d, record)));
    let Some(before) = before else {
        let undoing = ours.map(|(description, record)| {
            description.with(record.undoing(record.granted, expires)).fitting().to_string()
        });
        return Goal::Absent { undoing: undoing.unwrap_or_default() };
    };
    let meanwhile = ours.map(|(description, record)| {
        let undoing = record.rolled_back(before.version, record.to, false).undoing(record.granted, expires);
        description.with(undoing).fitting().to_string()
    });
    Goal::At(Box::new(At {
        version: before.version,
        meanwhile: meanwhile.unwrap_or_else(|| before.description.clone()),
        last: before.description.clone(),
        only_ours: true,
        shares: plan.canary.as_ref().map(CanaryPlan::weights).unwrap_or_default(),
    }))
}
