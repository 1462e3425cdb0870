//! Values that no log may show, for whoever can mask them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Listener = Box<dyn Fn(&str) + Send + Sync>;

/// The secrets that our own exchanges obtained. Clones share them; `Debug` shows how many there are.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    values: Vec<String>,
    listener: Option<Listener>,
}

impl Secrets {
    /// One more: told at once.
    pub(super) fn add(&self, value: &str) {
        let mut kept = self.kept();
        if value.is_empty() || kept.values.iter().any(|known| known == value) {
            return;
        }
        kept.values.push(value.to_owned());
        if let Some(listener) = &kept.listener {
            listener(value);
        }
    }

    /// A text of somebody else without any of them.
    pub(super) fn hidden(&self, text: &str) -> String {
        self.kept().values.iter().fold(text.to_owned(), |text, value| text.replace(value, "***"))
    }

    /// Tells all that there are, and every further one.
    pub(super) fn listen(&self, listener: Listener) {
        let mut kept = self.kept();
        kept.values.iter().for_each(|value| listener(value));
        kept.listener = Some(listener);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.kept().values.len())
    }
}
