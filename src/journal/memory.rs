//! A journal that lives as long as the process: for the demo, and for runs against the World.

use std::cell::RefCell;
use std::rc::Rc;

use jiff::Timestamp;

use super::{Entry, JOURNAL_FORMAT, Journal, JournalError, Line};

/// Lines in memory. With [`MemoryJournal::full_after`] it behaves like a file on a full disk.
#[derive(Debug, Default, Clone)]
pub struct MemoryJournal {
    lines: Vec<Line>,
    kept: Rc<RefCell<Vec<Line>>>,
    room: Option<usize>,
}

impl MemoryJournal {
    /// A journal that goes on from what another one kept, as a restarted process reads a file.
    pub fn reopened(kept: &Rc<RefCell<Vec<Line>>>) -> Self {
        Self { lines: kept.borrow().clone(), kept: Rc::clone(kept), room: None }
    }

    /// A journal on which the disk is full after so many lines.
    pub fn full_after(lines: usize) -> Self {
        Self { room: Some(lines), ..Self::default() }
    }

    /// The lines as they outlive this value.
    pub fn kept(&self) -> Rc<RefCell<Vec<Line>>> {
        Rc::clone(&self.kept)
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, at: Timestamp, entry: Entry) -> Result<(), JournalError> {
        if self.room.is_some_and(|room| self.lines.len() >= room) {
            let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(JournalError::Write { path: "memory".into(), cause });
        }
        let line = Line { v: JOURNAL_FORMAT, seq: self.lines.len() as u64, at, entry };
        self.kept.borrow_mut().push(line.clone());
        self.lines.push(line);
        Ok(())
    }

    fn lines(&self) -> &[Line] {
        &self.lines
    }
}
