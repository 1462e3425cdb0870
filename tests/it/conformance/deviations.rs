//! Where the emulator is known to answer otherwise than the World, and why the World is right: the one table.

use stagegate::aws::Call;
use stagegate::world::World;

use super::compare::{Answer, Difference};
use super::sides::Sides;

/// What is known of a step when a difference is judged.
pub struct Context<'a> {
    /// The call, in the World's words.
    pub call: &'a Call,
    /// The World before the call.
    pub before: &'a World,
    /// The World's answer.
    pub world: &'a Answer,
    /// The emulator's answer.
    pub emulator: &'a Answer,
}

/// How the two sides are made equal again.
#[derive(Clone, Copy)]
pub enum After {
    /// Nothing but the answer differs.
    Same,
    /// The emulator did nothing; the World is put back to before the call.
    UndoWorld,
    /// The emulator did what the World refused: a different program undoes it.
    Repair(fn(&mut Sides, &Call)),
    /// The rest of the sequence would compare different accounts.
    End,
}

/// A known deviation of the emulator.
pub struct Deviation {
    /// Its name in the test's report.
    pub name: &'static str,
    /// What the emulator answers.
    pub emulator: &'static str,
    /// What AWS does, with the source.
    pub aws: &'static str,
    /// Whether this is it.
    pub applies: fn(&Context<'_>, &Difference) -> bool,
    /// What then.
    pub after: After,
}

/// The table.
pub const DEVIATIONS: &[Deviation] = &[];
