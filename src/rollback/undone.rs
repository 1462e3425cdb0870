//! What a rollback came to.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::model::RunId;
use crate::problem::Problem;

/// Something that is not as it was before.
#[derive(Debug, Clone)]
pub struct Left {
    /// Why.
    pub problem: Problem,
    /// Whether a person must look. An alias that is kept because others use it harms nobody.
    pub needs_person: bool,
}

/// What a rollback came to.
#[derive(Debug, Clone, Default)]
pub struct Undone {
    /// What is true now, one line each, as read back.
    pub now: Vec<String>,
    /// What could not be put back.
    pub left: Vec<Left>,
    /// Of the lines of `now`: how long it took until that was read back, milliseconds.
    pub took_ms: BTreeMap<String, u64>,
    /// How long all of it took, milliseconds.
    pub ms: u64,
}

impl Undone {
    /// Everything is read back as before.
    pub fn is_clean(&self) -> bool {
        !self.left.iter().any(|left| left.needs_person)
    }

    /// What is told of it.
    pub fn event(&self, run: &RunId) -> Event {
        let Self { now, took_ms, ms, .. } = self;
        let (release, verified) = (run.clone(), self.is_clean());
        Event::RolledBack { release, verified, now: now.clone(), ms: *ms, took_ms: took_ms.clone() }
    }

    /// Says what is true now, and how long it took.
    pub(super) fn is_back(&mut self, line: String, took_ms: u64) {
        self.took_ms.insert(line.clone(), took_ms);
        self.now.push(line);
    }

    pub(super) fn leave(&mut self, problem: Problem) {
        self.left.push(Left { problem, needs_person: true });
    }
}
