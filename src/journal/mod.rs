//! The journal: the write-ahead log of one release. Every intent is durable, with all that its undo needs, before the
//! write it announces is sent. An entry that cannot be written stops the run.

mod evidence;
mod file;
mod memory;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use evidence::evidence;
pub use file::{FileJournal, StateDir, Summary};
pub use memory::MemoryJournal;

use crate::change::Change;
use crate::metrics::SlowestMinute;
use crate::model::{FunctionName, Percent, RunId, Version};
use crate::plan::Plan;
use crate::seeded::{Bug, seeded};
use crate::step::StepKind;

/// The version of the format of an entry; a reader refuses a higher one.
pub const JOURNAL_FORMAT: u32 = 1;

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The new version serves.
    Promoted,
    /// There was nothing to do.
    Unchanged,
    /// What served before serves again.
    RolledBack,
    /// Neither is certain: a person must look.
    NeedsPerson,
    /// Stopped before anything was written.
    Stopped,
    /// It ended on another machine, and a later release has had its aliases since: how, nothing here says.
    Elsewhere,
    /// A person gave the version on trial everything, which its gate had not.
    ByHand,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// The release begins, with its whole plan.
    Opened {
        /// The plan.
        plan: Box<Plan>,
    },
    /// A step without undo begins.
    Begun {
        /// Which.
        step: StepKind,
        /// The function or API it is about.
        subject: String,
    },
    /// A version was published, or taken.
    Published {
        /// The function.
        function: FunctionName,
        /// The candidate.
        version: Version,
        /// Whether this release made it.
        new: bool,
    },
    /// A deployment was created; nothing points at it yet.
    Deployed {
        /// Its id.
        deployment: String,
    },
    /// A reversible change is about to be sent.
    Intent {
        /// Which step sends it.
        step: StepKind,
        /// Both of its sides.
        change: Change,
    },
    /// A reversible change was read back.
    Done {
        /// Which step sent it.
        step: StepKind,
        /// What it was about.
        subject: String,
    },
    /// Every write for the newest change was refused for certain: it has no effect.
    Refused {
        /// Which step sent it.
        step: StepKind,
        /// What it was about.
        subject: String,
    },
    /// The entries before this one were put together from the records in AWS, by a machine that had no journal.
    TakenUp {
        /// When the newest write of the release was sent, if that is known.
        newest_write: Option<Timestamp>,
    },
    /// A write was answered, or its answer did not come. For people: nothing is decided by it, so one that cannot be kept
    /// stops nothing.
    Wrote(Wrote),
    /// A look at the canary: what was new in what the gate was given, as `gate replay` reads it.
    Evidence {
        /// Lines of JSON.
        lines: Vec<String>,
        /// What was new of the p99 of durations: shown to people, and not judged.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        p99: Vec<SlowestMinute>,
    },
    /// A person let a step of the canary pass whatever the gate said.
    GatePassed {
        /// The candidate's share at that step.
        percent: Percent,
        /// Their reason.
        reason: String,
    },
    /// The release is being rolled back.
    RollingBack {
        /// Why, one line.
        why: String,
    },
    /// A rollback of another release, or of itself, begins: it is a release of its own.
    Reverts {
        /// The release that is rolled back, if known.
        run: Option<RunId>,
        /// `function:alias` it moves.
        aliases: Vec<String>,
        /// Version before → version after, in the order of `aliases`.
        moves: Vec<(Version, Version)>,
        /// Their ARNs, in the order of `aliases`: the same names may stand in another account or region.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arns: Vec<String>,
        /// The version of each that it marks bad, in the order of `aliases`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bad: Vec<Option<u64>>,
        /// What the person gave as the reason, one line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The end.
    Closed {
        /// How.
        ending: Ending,
    },
}

/// One write and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Which step sent it; none during a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepKind>,
    /// `lambda:UpdateAlias`.
    pub api: String,
    /// What it was about, as [`Change::subject`] names it.
    pub resource: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Whether AWS answered with success.
    pub ok: bool,
    /// What it did, or what AWS said instead; one line.
    pub result: String,
}

/// An entry with its place and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Format version.
    pub v: u32,
    /// Counting from 0, without gaps.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub entry: Entry,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be written: nothing further may be sent to AWS.
    #[error("cannot write the journal {path}: {cause}")]
    Write {
        /// The file.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It cannot be read.
    #[error("cannot read the journal {path}: {cause}")]
    Read {
        /// The file.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A line in it is not an entry.
    #[error("line {line} of the journal {path} is damaged: {cause}")]
    Damaged {
        /// The file.
        path: String,
        /// Counting from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A later stagegate wrote it.
    #[error("the journal {path} was written by a newer stagegate (format {format})")]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        format: u32,
    },
    /// Another process has it open.
    #[error("the journal {path} is in use by another stagegate on this machine")]
    InUse {
        /// The file.
        path: String,
    },
}

/// Where entries go.
pub trait Journal {
    /// Durable on return. An error means: stop, nothing further may be sent.
    fn append(&mut self, at: Timestamp, entry: Entry) -> Result<(), JournalError>;
    /// All entries so far, oldest first.
    fn lines(&self) -> &[Line];
}

/// What the lines say, put together.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The plan, once opened.
    pub plan: Option<Plan>,
    /// Candidate by function, and whether this release published it.
    pub published: Vec<(FunctionName, Version, bool)>,
    /// Functions for which publishing has begun: a version of ours may exist.
    pub publishing: Vec<String>,
    /// The deployment that this release created.
    pub deployment: Option<String>,
    /// Creating a deployment has begun: one of ours may exist.
    pub deploying: bool,
    /// Reversible changes announced, oldest first.
    pub intents: Vec<Change>,
    /// When the newest of them was announced: its write may still be on its way for a while.
    pub newest_intent: Option<Timestamp>,
    /// Aliases (`function:alias`) that were read back as their change wanted them.
    pub aliases_done: Vec<String>,
    /// The canary has begun: everything before it is behind.
    pub shifting: bool,
    /// The records are being closed: every step before is behind.
    pub closing: bool,
    /// A rollback has begun: going forward is over.
    pub rolling_back: bool,
    /// The end, when there was one.
    pub ending: Option<Ending>,
    /// Intents that only a seeded bug keeps from counting.
    unconfirmed: Vec<Change>,
}

impl Progress {
    /// Reads the lines in order; a later line about the same thing wins.
    pub fn of(lines: &[Line]) -> Self {
        let mut progress = Self::default();
        for line in lines {
            progress.take(line);
        }
        progress
    }

    fn take(&mut self, line: &Line) {
        match &line.entry {
            Entry::Opened { plan } => self.plan = Some((**plan).clone()),
            Entry::Begun { step: StepKind::Redeploy, .. } => self.deploying = true,
            Entry::Begun { step: StepKind::Publish, subject } => self.publishing.push(subject.clone()),
            Entry::Published { function, version, new } => {
                self.published.retain(|(f, ..)| f != function);
                self.published.push((function.clone(), *version, *new));
            }
            Entry::Deployed { deployment } => self.deployment = Some(deployment.clone()),
            Entry::Intent { step, change } => {
                self.closing |= *step == StepKind::Promote;
                self.shifting |= *step == StepKind::Canary;
                if seeded(Bug::UndoOnlyDone) {
                    self.unconfirmed.push(change.clone());
                } else {
                    self.intents.push(change.clone());
                }
                self.newest_intent = Some(line.at);
            }
            Entry::RollingBack { .. } => {
                self.rolling_back = true;
                self.newest_intent = Some(line.at);
            }
            Entry::TakenUp { newest_write } => self.newest_intent = newest_write.or(self.newest_intent),
            Entry::Closed { ending } => self.ending = Some(*ending),
            Entry::Refused { .. } => {
                self.intents.pop();
            }
            Entry::Done { step, subject } => {
                if *step == StepKind::Alias {
                    self.aliases_done.push(subject.clone());
                }
                self.intents.append(&mut self.unconfirmed);
            }
            Entry::Begun { .. }
            | Entry::Wrote(_)
            | Entry::Evidence { .. }
            | Entry::GatePassed { .. }
            | Entry::Reverts { .. } => {}
        }
    }

    /// Whether AWS may hold anything of this release that must be undone.
    pub fn may_have_changed(&self) -> bool {
        !self.intents.is_empty()
    }
}
