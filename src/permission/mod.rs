//! Who may invoke an alias, seen from the stages that call it: what is allowed and by which statement, what is missing, and
//! which statements can go. Planning is pure; [`look`] reads, [`carry_out`] writes.
//!
//! Never a window without permission: a statement is removed only when others that stay, and are effective everywhere,
//! allow all that it allowed, or when nothing can call through it any more (aws-semantics §4).

pub mod call;
pub mod carry_out;
pub mod grant;
pub mod look;
pub mod prune;
pub mod subject;

pub use call::StageCall;
pub use carry_out::{Settling, carry_out};
pub use look::{Known, KnownStage, Look, Wanted, look};
pub use subject::{Removal, Step, Subject, Useless, Verdict};
