//! The journal of a command that goes on where none can be written.

use super::App;
use crate::engine::journal_problem;
use crate::journal::{Entry, FileJournal, Journal, JournalError, Line, MemoryJournal};
use crate::model::RunId;
use crate::problem::Level;

/// A file, or the memory of this process.
pub enum Log {
    /// In the folder of journals.
    File(FileJournal),
    /// There is no such folder, or it cannot be written.
    Memory(MemoryJournal),
}

/// Says that there is no journal, and why that is no reason to stop.
pub fn warn(app: &App, error: &JournalError, goes_on: &str) {
    app.warn(&journal_problem(error).level(Level::Warning).why(goes_on));
}

impl Log {
    /// Starts one.
    pub fn begin(app: &App, run: &RunId, goes_on: &str) -> Self {
        match app.state.as_ref().map(|state| state.create(run)) {
            Some(Ok(journal)) => Self::File(journal),
            Some(Err(error)) => {
                warn(app, &error, goes_on);
                Self::Memory(MemoryJournal::default())
            }
            None => Self::Memory(MemoryJournal::default()),
        }
    }
}

impl Journal for Log {
    fn append(&mut self, at: jiff::Timestamp, entry: Entry) -> Result<(), JournalError> {
        match self {
            Self::File(journal) => journal.append(at, entry),
            Self::Memory(journal) => journal.append(at, entry),
        }
    }

    fn lines(&self) -> &[Line] {
        match self {
            Self::File(journal) => journal.lines(),
            Self::Memory(journal) => journal.lines(),
        }
    }
}
