//! An alias with its policy and everything that is known to call it.

use serde::Serialize;
use serde_json::Value;

use super::call::StageCall;
use crate::aws::noun::{Policy, Stage, Statement};
use crate::model::{AliasName, FunctionName, Record, StageRef};
use crate::policy::{self, Coverage, Document, Need};
use crate::problem::{Code, Problem};

/// An alias as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The function.
    pub function: FunctionName,
    /// The alias.
    pub alias: AliasName,
    /// Its ARN.
    pub arn: String,
    /// Whether it exists.
    pub exists: bool,
    /// Its policy, if it has one.
    pub policy: Option<Policy>,
    /// The record in its description, if that can be read.
    pub record: Option<Record>,
    /// What calls it.
    pub calls: Vec<StageCall>,
}

/// Whether a call is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A role decides, not the policy of the alias.
    ByRole,
    /// The policy of the alias decides.
    ByPolicy(Coverage),
}

/// Why a statement can go.
#[derive(Debug, Clone, PartialEq)]
pub enum Useless {
    /// Others allow all that it allows.
    Redundant {
        /// One of them.
        by: String,
    },
    /// It is for a stage that does not exist: API Gateway answers 404.
    Gone {
        /// The stage.
        stage: StageRef,
    },
    /// It is for a stage that does not call this alias any more, as it serves and as it is defined.
    NotCalled {
        /// The stage.
        stage: StageRef,
        /// As it was seen.
        seen: Box<Stage>,
    },
}

/// A statement that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Its id.
    pub sid: String,
    /// Whether its id is one that stagegate gives.
    pub ours: bool,
    /// Why it can.
    pub why: Useless,
    /// As it stood there: another one under this id is not removed.
    pub was: Value,
}

/// One write to a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A statement is added.
    Add(Statement),
    /// A statement goes.
    Remove(Removal),
}

impl Subject {
    /// `function:alias`.
    pub fn label(&self) -> String {
        format!("{}:{}", self.function, self.alias)
    }

    /// The policy as it was read, if there is one.
    pub fn text(&self) -> Option<&str> {
        self.policy.as_ref().map(|policy| policy.document.as_str())
    }

    /// Bytes of the policy, of [`policy::LIMIT`].
    pub fn bytes(&self) -> usize {
        self.text().map_or(0, str::len)
    }

    /// The policy, taken apart.
    ///
    /// # Errors
    /// It is no policy document: nothing can be said about it.
    pub fn document(&self) -> Result<Document, Problem> {
        parsed(self.text(), &self.arn)
    }

    /// Whether each call is allowed by a document, in the order of [`Subject::calls`].
    pub fn verdicts(&self, document: &Document) -> Vec<(&StageCall, Verdict)> {
        self.calls.iter().map(|call| (call, verdict(document, call))).collect()
    }

    /// The release that holds the alias, if one does.
    pub fn in_flight(&self) -> Option<&Record> {
        self.record.as_ref().filter(|record| record.state.holds_lock())
    }
}

/// Reads a policy document.
///
/// # Errors
/// It is none.
pub fn parsed(text: Option<&str>, arn: &str) -> Result<Document, Problem> {
    text.map_or_else(|| Ok(Document::default()), Document::parse).map_err(|error| {
        Problem::new(Code::InvokeBlocked, format!("the policy of {arn} cannot be evaluated")).why(error.to_string())
    })
}

/// Whether a document allows a call.
pub fn verdict(document: &Document, call: &StageCall) -> Verdict {
    if call.by_role {
        return Verdict::ByRole;
    }
    let account = call.arn.split(':').nth(4).unwrap_or_default();
    Verdict::ByPolicy(policy::coverage(document, &Need { alias_arn: &call.arn, source: &call.source, account }))
}

impl Verdict {
    /// The call is made.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::ByRole | Self::ByPolicy(Coverage::Covered { .. }))
    }
}

impl Useless {
    /// Why, in a few words.
    pub fn text(&self) -> String {
        match self {
            Self::Redundant { by } => format!("covered by {by}"),
            Self::Gone { stage } => format!("{stage} does not exist"),
            Self::NotCalled { stage, .. } => format!("{stage} does not call this alias"),
        }
    }
}

impl Serialize for Useless {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl Step {
    /// One line for people.
    pub fn line(&self) -> String {
        match self {
            Self::Add(statement) => {
                let from = statement.source_arn.splitn(6, ':').nth(5).unwrap_or(&statement.source_arn);
                format!("+ {}  lets {from} in", statement.sid)
            }
            Self::Remove(removal) => {
                let whose = if removal.ours { "" } else { ", not stagegate's" };
                format!("- {}  {}{whose}", removal.sid, removal.why.text())
            }
        }
    }
}
