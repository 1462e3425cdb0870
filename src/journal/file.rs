//! The journal as a local file of JSON lines: one file per release, flushed to the disk line by line, locked while a
//! process works on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::{Entry, JOURNAL_FORMAT, Journal, JournalError, Line, Progress};
use crate::model::RunId;

/// The folder that holds the journals: `$STAGEGATE_STATE_DIR`, `$XDG_STATE_HOME/stagegate` or
/// `~/.local/state/stagegate`.
#[derive(Debug, Clone)]
pub struct StateDir(PathBuf);

/// A journal found in the folder.
#[derive(Debug)]
pub struct Summary {
    /// The release.
    pub run: RunId,
    /// When it began.
    pub at: Timestamp,
    /// What its lines say.
    pub progress: Progress,
    /// The lines.
    pub lines: Vec<Line>,
}

impl StateDir {
    /// The folder that the environment asks for; `None` when not even a home directory is known.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        set("STAGEGATE_STATE_DIR")
            .or_else(|| set("XDG_STATE_HOME").map(|d| d.join("stagegate")))
            .or_else(|| set("HOME").map(|d| d.join(".local/state/stagegate")))
            .map(Self)
    }

    /// A folder of the caller's choice.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, run: &RunId) -> PathBuf {
        self.0.join(format!("{run}.jsonl"))
    }

    /// Starts the journal of a new release.
    pub fn create(&self, run: &RunId) -> Result<FileJournal, JournalError> {
        let path = self.file(run);
        let open = || {
            std::fs::create_dir_all(&self.0)?;
            let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
            // The name must survive a power cut as the lines do. Not every system can flush a folder.
            let _ = File::open(&self.0).and_then(|folder| folder.sync_all());
            Ok(file)
        };
        let file = open().map_err(|cause| JournalError::Write { path: path.display().to_string(), cause })?;
        FileJournal::over(file, path)
    }

    /// Opens the journal of a release to go on with it.
    pub fn open(&self, run: &RunId) -> Result<FileJournal, JournalError> {
        let path = self.file(run);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|cause| JournalError::Read { path: path.display().to_string(), cause })?;
        FileJournal::over(file, path)
    }

    /// Whether a process is at work on a release.
    pub fn is_in_use(&self, run: &RunId) -> bool {
        File::open(self.file(run)).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Reads every journal of the folder, newest first, without locking. Files that cannot be read are answered beside.
    pub fn list(&self) -> (Vec<Summary>, Vec<JournalError>) {
        let mut runs: Vec<RunId> = std::fs::read_dir(&self.0)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok())
            .collect();
        runs.sort_by(|a, b| b.cmp(a));
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for run in runs {
            match self.read(&run) {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => {
                    let (at, progress) = (lines[0].at, Progress::of(&lines));
                    found.push(Summary { run, at, progress, lines });
                }
                Err(error) => broken.push(error),
            }
        }
        (found, broken)
    }

    fn read(&self, run: &RunId) -> Result<Vec<Line>, JournalError> {
        let path = self.file(run);
        let text =
            std::fs::read(&path).map_err(|cause| JournalError::Read { path: path.display().to_string(), cause })?;
        Ok(parse(&text, &path.display().to_string())?.0)
    }
}

/// An open, locked journal file.
#[derive(Debug)]
pub struct FileJournal {
    file: File,
    path: PathBuf,
    lines: Vec<Line>,
    bytes: u64,
    torn: bool,
}

impl FileJournal {
    /// Locks a file and reads what it holds. A last line without its line end was never durable, so the write it
    /// announced was never sent: it is cut off.
    pub fn over(mut file: File, path: PathBuf) -> Result<Self, JournalError> {
        let name = path.display().to_string();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path: name }),
            Err(TryLockError::Error(cause)) => return Err(JournalError::Write { path: name, cause }),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|cause| JournalError::Read { path: name.clone(), cause })?;
        let (lines, whole) = parse(&text, &name)?;
        let torn = whole < text.len();
        if torn {
            let cut = |file: &mut File| {
                file.set_len(whole as u64)?;
                file.seek(SeekFrom::End(0))?;
                file.sync_all()
            };
            cut(&mut file).map_err(|cause| JournalError::Write { path: name, cause })?;
        }
        Ok(Self { file, path, lines, bytes: whole as u64, torn })
    }

    /// Whether the last line had been torn by a crash and was cut off.
    pub const fn was_torn(&self) -> bool {
        self.torn
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Journal for FileJournal {
    fn append(&mut self, at: Timestamp, entry: Entry) -> Result<(), JournalError> {
        let line = Line { v: JOURNAL_FORMAT, seq: self.lines.len() as u64, at, entry };
        let write = |file: &mut File| {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_data()?;
            Ok(text.len() as u64)
        };
        match write(&mut self.file) {
            Ok(bytes) => {
                self.bytes += bytes;
                self.lines.push(line);
                Ok(())
            }
            Err(cause) => {
                // Half a line must not run into the next one; if even this fails, the reader cuts it off.
                let _ = self.file.set_len(self.bytes);
                Err(JournalError::Write { path: self.path.display().to_string(), cause })
            }
        }
    }

    fn lines(&self) -> &[Line] {
        &self.lines
    }
}

/// The whole lines of a journal, and how many bytes they are. What follows the last line end may be anything, half a
/// character too.
fn parse(text: &[u8], path: &str) -> Result<(Vec<Line>, usize), JournalError> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut lines = Vec::new();
    for (index, line) in text[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damaged = |cause: String| JournalError::Damaged { path: path.to_owned(), line: index + 1, cause };
        let newer = |format| JournalError::Newer { path: path.to_owned(), format };
        let line: Line = match serde_json::from_slice(line) {
            Ok(line) => line,
            Err(error) => return Err(format_of(line).map_or_else(|| damaged(error.to_string()), newer)),
        };
        if line.v > JOURNAL_FORMAT {
            return Err(newer(line.v));
        }
        if line.seq != index as u64 {
            return Err(damaged(format!("entry {} where {index} was expected", line.seq)));
        }
        lines.push(line);
    }
    Ok((lines, whole))
}

/// The format of a line that cannot be read, if it is a later one.
fn format_of(line: &[u8]) -> Option<u32> {
    let value: Value = serde_json::from_slice(line).ok()?;
    value["v"].as_u64().and_then(|v| u32::try_from(v).ok()).filter(|format| *format > JOURNAL_FORMAT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Ending;

    fn now() -> Timestamp {
        "2026-11-21T14:00:00Z".parse().unwrap()
    }

    fn closed() -> Entry {
        Entry::Closed { ending: Ending::Promoted }
    }

    fn begun() -> Entry {
        Entry::RollingBack { why: "a test".into() }
    }

    fn written() -> (tempfile::TempDir, StateDir, RunId) {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path().join("new/folder"));
        let run = RunId::new(1, 1);
        let mut journal = state.create(&run).unwrap();
        journal.append(now(), begun()).unwrap();
        journal.append(now(), closed()).unwrap();
        (dir, state, run)
    }

    #[test]
    fn what_was_appended_is_there_for_the_next_process() {
        let (_dir, state, run) = written();
        let journal = state.open(&run).unwrap();
        assert_eq!(journal.lines().len(), 2);
        assert_eq!(Progress::of(journal.lines()).ending, Some(Ending::Promoted));
        assert_eq!(state.list().0[0].run, run);
    }

    #[test]
    fn two_processes_cannot_work_on_one_release() {
        let (_dir, state, run) = written();
        let _first = state.open(&run).unwrap();
        assert!(matches!(state.open(&run), Err(JournalError::InUse { .. })));
    }

    #[test]
    fn a_line_torn_by_a_crash_was_never_sent_and_is_cut_off() {
        let (_dir, state, run) = written();
        let path = state.file(&run);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 9]).unwrap();
        let mut journal = state.open(&run).unwrap();
        assert!(journal.was_torn());
        journal.append(now(), closed()).unwrap();
        drop(journal);
        assert_eq!(state.open(&run).unwrap().lines().len(), 2);
    }

    #[test]
    fn a_line_torn_inside_a_character_is_cut_off_too() {
        let (_dir, state, run) = written();
        let path = state.file(&run);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(&"größe".as_bytes()[..3]);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(state.list().0[0].lines.len(), 2);
        let journal = state.open(&run).unwrap();
        assert!(journal.was_torn());
        assert_eq!(journal.lines().len(), 2);
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_named() {
        let (_dir, state, run) = written();
        let path = state.file(&run);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("entry", "entr", 1)).unwrap();
        assert!(matches!(state.open(&run), Err(JournalError::Damaged { line: 1, .. })));
        assert_eq!(state.list().1.len(), 1);
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let (_dir, state, run) = written();
        let path = state.file(&run);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"v\":1", "\"v\":2", 1)).unwrap();
        assert!(matches!(state.open(&run), Err(JournalError::Newer { format: 2, .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_and_not_a_lost_line() {
        let file = OpenOptions::new().write(true).read(true).open("/dev/full").unwrap();
        let mut journal = FileJournal { file, path: "/dev/full".into(), lines: Vec::new(), bytes: 0, torn: false };
        let error = journal.append(now(), begun()).unwrap_err();
        assert!(matches!(&error, JournalError::Write { cause, .. } if cause.raw_os_error() == Some(28)), "{error}");
        assert!(journal.lines().is_empty());
    }
}
