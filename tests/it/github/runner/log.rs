//! What a job shows while it runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a test waits for a line.
const LIMIT: Duration = Duration::from_secs(120);

/// The lines of a job so far. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    text: Mutex<Text>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Text {
    /// As people see it.
    shown: String,
    /// As it was written, commands and secrets included.
    raw: String,
    over: bool,
}

impl Log {
    /// A line as it was written, and as people see it, unless it is not for them.
    pub fn push(&self, raw: &str, shown: Option<&str>) {
        let mut text = self.lock();
        text.raw.push_str(raw);
        text.raw.push('\n');
        if let Some(shown) = shown {
            text.shown.push_str(shown);
            text.shown.push('\n');
        }
        self.0.grown.notify_all();
    }

    /// No line follows once this value is dropped, also by a panic.
    pub fn ends_with_this(&self) -> impl Drop + use<> {
        End(self.clone())
    }

    /// What people see so far.
    pub fn shown(&self) -> String {
        self.lock().shown.clone()
    }

    /// What was written so far.
    pub fn raw(&self) -> String {
        self.lock().raw.clone()
    }

    /// Waits until it shows a text.
    #[track_caller]
    pub fn wait(&self, part: &str) {
        let until = Instant::now() + LIMIT;
        let mut text = self.lock();
        while !text.shown.contains(part) {
            assert!(!text.over && Instant::now() < until, "the log does not say {part:?}:\n{}", text.raw);
            let left = until.saturating_duration_since(Instant::now());
            text = self.0.grown.wait_timeout(text, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Text> {
        self.0.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct End(Log);

impl Drop for End {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.0.grown.notify_all();
    }
}
