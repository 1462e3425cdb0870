//! Five known mistakes, each of which the fault matrix must catch. Without the feature `seeded-bugs` they do not exist:
//! [`seeded`] is then a constant `false`.

/// A mistake that tools of this kind have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The intent is journaled after the write was sent.
    IntentAfterEffect,
    /// Only changes that are known to be done are undone; a write whose reply was lost stays.
    UndoOnlyDone,
    /// The way back is guarded by the revision of the beginning, not by the one just read.
    StaleRevision,
    /// An error reply is taken to mean that nothing happened.
    TrustError,
    /// Permissions are taken back before the stage that needs them.
    WrongOrder,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::IntentAfterEffect, Self::UndoOnlyDone, Self::StaleRevision, Self::TrustError, Self::WrongOrder];
}

#[cfg(feature = "seeded-bugs")]
thread_local! {
    static SEEDED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Makes this thread's engine have a bug, or none.
#[cfg(feature = "seeded-bugs")]
pub fn seed(bug: Option<Bug>) {
    SEEDED.set(bug);
}

/// Whether this thread's engine has the bug.
#[cfg(feature = "seeded-bugs")]
pub fn seeded(bug: Bug) -> bool {
    SEEDED.get() == Some(bug)
}

/// Never.
#[cfg(not(feature = "seeded-bugs"))]
pub const fn seeded(_: Bug) -> bool {
    false
}
