//! Traffic that is split and not by a release of stagegate: weights of an alias or the canary of a stage that a person,
//! another tool or a stopped CodeDeploy deployment left there. What they are, and the write that ends or changes them.
//! Pure.

pub mod alias;
pub mod stage;

use crate::model::{Percent, Record};
use crate::problem::{Code, Problem};

/// What is done with a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// What most calls get keeps all of them.
    Clear,
    /// What is on trial gets all calls.
    Promote,
    /// What is on trial gets another share; a trial that does not exist begins.
    Set {
        /// The share, above 0 % and below 100 %.
        percent: Percent,
        /// The version on trial, for an alias.
        version: Option<u64>,
        /// The deployment on trial, for a stage.
        deployment: Option<String>,
    },
}

impl Wish {
    /// The word on the command line.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Promote => "promote",
            Self::Set { .. } => "set",
        }
    }

    /// Refuses a share that is another command's business.
    ///
    /// # Errors
    /// [`Code::BadOption`].
    pub fn check(&self, place: &str) -> Result<(), Problem> {
        let Self::Set { percent, .. } = self else { return Ok(()) };
        let (what, instead) = match *percent {
            Percent::ZERO => ("0% ends a trial", "clear"),
            Percent::ALL => ("100% is the end of a trial", "promote"),
            _ => return Ok(()),
        };
        Err(Problem::new(Code::BadOption, format!("canary set: {what}"))
            .fix(format!("stagegate canary {instead} {place}")))
    }
}

/// A release holds this place: its split is its own.
pub fn of_release(place: &str, record: &Record) -> Problem {
    let from = record.from.map_or_else(|| "nothing".to_owned(), crate::model::Version::label);
    Problem::new(Code::ReleaseRuns, format!("{place} is held by a release: {}", record.run))
        .why(format!("it moves it from {from} to {}", record.to.label()))
        .why("canary clear, promote and set are for what no release runs")
        .aws_now("unchanged by this command; the release is in flight")
        .fix(format!("go on:   stagegate resume {place}"))
        .fix(format!("go back: stagegate rollback {place}"))
        .fix(format!("or, if its traffic is settled: stagegate unlock {place} {}", record.run))
}
