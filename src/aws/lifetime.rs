//! When the credentials in use end: written by whoever renews them, read by whoever waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// What is known of the credentials in use. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Lifetime(Arc<Mutex<Known>>);

#[derive(Debug, Clone, Default)]
struct Known {
    end: Option<Timestamp>,
    renewed: bool,
    assumed: bool,
    trouble: Option<String>,
}

impl Lifetime {
    /// Of credentials that end at a time and are not renewed.
    pub fn until(end: Timestamp) -> Self {
        let lifetime = Self::default();
        lifetime.note(Some(end), false);
        lifetime
    }

    /// Notes credentials: when they end, if that is known, and whether new ones come by themselves before that.
    pub fn note(&self, end: Option<Timestamp>, renewed: bool) {
        *self.known() = Known { end, renewed, ..Known::default() };
    }

    /// Notes credentials of which nobody says when they end, with the end that is assumed. Nothing renews them.
    pub fn note_assumed(&self, end: Timestamp) {
        *self.known() = Known { end: Some(end), assumed: true, ..Known::default() };
    }

    /// Notes that they could not be renewed, and why. They stay in use.
    pub fn note_trouble(&self, why: String) {
        self.known().trouble = Some(why);
    }

    /// The end that has to be reckoned with: none while they renew themselves.
    pub fn end(&self) -> Option<Timestamp> {
        let known = self.known();
        known.end.filter(|_| !known.renewed || known.trouble.is_some())
    }

    /// Whether that end is assumed.
    pub fn is_assumed(&self) -> bool {
        self.known().assumed
    }

    /// Why the last attempt to renew them failed, if it did.
    pub fn trouble(&self) -> Option<String> {
        self.known().trouble.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_counts_when_nothing_renews_them_and_when_renewing_failed() {
        let end: Timestamp = "2026-11-21T15:00:00Z".parse().unwrap();
        assert_eq!(Lifetime::default().end(), None);
        assert_eq!(Lifetime::until(end).end(), Some(end));
        let assumed = Lifetime::default();
        assumed.note_assumed(end);
        assert_eq!((assumed.end(), assumed.is_assumed()), (Some(end), true));
        assumed.note(None, false);
        assert_eq!((assumed.end(), assumed.is_assumed()), (None, false));
        let renewed = Lifetime::default();
        renewed.note(Some(end), true);
        assert_eq!(renewed.end(), None);
        renewed.note_trouble("no answer".into());
        assert_eq!((renewed.end(), renewed.trouble()), (Some(end), Some("no answer".into())));
        renewed.note(Some(end), true);
        assert_eq!((renewed.end(), renewed.trouble()), (None, None), "renewed after all");
    }
}
