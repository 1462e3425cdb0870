//! The parts of the log that can be folded: one a step. Pure but for what it remembers.

use std::cell::RefCell;

use super::command::{END_GROUP, group};
use crate::event::Event;
use crate::step::StepKind;

/// Which group is open.
#[derive(Debug, Default)]
pub struct Groups(RefCell<State>);

#[derive(Debug, Default)]
enum State {
    /// None.
    #[default]
    Closed,
    /// One begins with the next line; a step that has nothing to say has no group.
    Due(String),
    /// One.
    Open,
}

impl Groups {
    /// The lines of an event, with the commands around them.
    pub fn frame(&self, event: &Event, lines: &str) -> String {
        match event {
            // What people wait for is never folded away.
            Event::StepStarted { step: StepKind::Canary, .. } => self.close() + lines,
            Event::StepStarted { step, .. } => {
                let closed = self.close();
                let declared = step.declaration();
                *self.0.borrow_mut() = State::Due(format!("{}: {}", step.name(), declared.does));
                closed + &self.inside(lines)
            }
            Event::StepFinished { .. }
            | Event::RollingBack { .. }
            | Event::RolledBack { .. }
            | Event::Interrupted { .. } => self.close() + lines,
            _ => self.inside(lines),
        }
    }

    /// Lines that may be folded away.
    fn inside(&self, lines: &str) -> String {
        if lines.is_empty() {
            return String::new();
        }
        let mut state = self.0.borrow_mut();
        let State::Due(title) = &*state else { return lines.to_owned() };
        let begins = group(title);
        *state = State::Open;
        begins + lines
    }

    /// What ends the group, if one is open.
    pub fn close(&self) -> String {
        match self.0.take() {
            State::Open => END_GROUP.to_owned(),
            State::Closed | State::Due(_) => String::new(),
        }
    }
}
