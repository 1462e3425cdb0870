//! The person at the terminal, as the engine knows them: what they want of a release that runs, and what they answer when
//! only a person can decide. Where nobody is, the configuration decides alone.

use futures_util::future::LocalBoxFuture;

use crate::model::Percent;
use crate::problem::Problem;

/// What a person wants of a canary, unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// To hold it at its share.
    Pause,
    /// To have the old version back.
    RollBack,
    /// Not to wait for the rest of its steps.
    Finish,
}

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Ctrl-C after the first write.
    Interrupted,
    /// They paused it.
    Paused,
    /// They want it back: is it meant?
    RollBack,
    /// They want the rest of the steps left out: is it meant?
    Finish,
    /// The candidate is proven worse.
    GateFailed,
    /// Nothing is proven, or the way back is a person's to choose.
    Held,
    /// The next step needs their word.
    Approval,
}

/// What a person can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Everything as it was before the release.
    RollBack,
    /// On as planned.
    GoOn,
    /// The share stays, and is watched on.
    Watch,
    /// This step counts as passed, with a reason that is recorded.
    PassOnce,
    /// The rest of the steps is left out.
    Finish,
    /// The process ends, the share stays.
    Leave,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// Why.
    pub occasion: Occasion,
    /// The share that the candidate has, if it has one.
    pub share: Option<Percent>,
    /// What led to it.
    pub problem: Option<Problem>,
    /// What can be chosen; the first is what Enter takes.
    pub choices: &'static [Choice],
    /// What is done when nobody answers.
    pub unanswered: Choice,
    /// The records of all aliases say that the release is held.
    pub recorded: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was chosen.
    pub choice: Choice,
    /// Why; only with [`Choice::PassOnce`].
    pub reason: Option<String>,
}

/// Whoever can be asked.
pub trait Person {
    /// Whether anybody can be asked about this at all.
    fn is_there(&self, occasion: Occasion) -> bool;

    /// What was asked for since the last time.
    fn demand(&self) -> Option<Demand>;

    /// Asks. Nothing comes back when nobody answered in time, nobody is there any more, or a signal ended the wait. Only
    /// a pause may be asked about without a bound.
    fn ask<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Option<Answer>>;
}

/// No terminal, no person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Person for Nobody {
    fn is_there(&self, _: Occasion) -> bool {
        false
    }

    fn demand(&self) -> Option<Demand> {
        None
    }

    fn ask<'a>(&'a self, _: &'a Question) -> LocalBoxFuture<'a, Option<Answer>> {
        Box::pin(std::future::ready(None))
    }
}

impl Occasion {
    /// What can be chosen; the first is what Enter takes.
    pub const fn choices(self) -> &'static [Choice] {
        use Choice::{Finish, GoOn, Leave, PassOnce, RollBack, Watch};
        match self {
            Self::Interrupted => &[RollBack, GoOn, Leave],
            Self::Paused | Self::Approval => &[GoOn, RollBack, Leave],
            Self::RollBack => &[RollBack, GoOn],
            Self::Finish => &[Finish, GoOn],
            Self::GateFailed => &[RollBack, Watch, PassOnce, Leave],
            Self::Held => &[Watch, RollBack, PassOnce, Finish, Leave],
        }
    }
}
