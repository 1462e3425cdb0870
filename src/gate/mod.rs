//! The canary gate: is the candidate worse than the stable version in the same minutes? An anytime-valid test (judge §3):
//! looking often costs nothing, and a verdict is a pure function of the settings, the step and the table of minutes, so a
//! gate that was killed says the same when it is asked again.
//!
//! * [`settings`] – every number, once; [`Wishes`] – the settings as people say them.
//! * [`evidence`] – the formulas; `function` – the evidence about one function.
//! * [`judge`] – the decision; [`Reason`] – its word and its sentence.
//! * [`policy`] – the gate as a configuration sets it up.
//! * [`power`] – what this gate can see at this traffic, said beforehand.
//! * [`interchange`] – rollouts as lines of JSON, for other programs and for recordings; [`replay`] judges one again.

pub mod evidence;
mod function;
pub mod interchange;
mod judge;
mod minute;
pub mod policy;
pub mod power;
mod reason;
pub mod replay;
mod says;
pub mod settings;
mod wishes;

pub use function::{FunctionEvidence, Seen};
pub use judge::{Case, Decision, Judgement, Verdict, judge};
pub use minute::{Counts, History, Minute, Step, Table};
pub use reason::Reason;
pub(crate) use says::percent as rate;
pub(crate) use says::{number, percent, points};
pub use settings::{BadSetting, OnInconclusive, Settings};
pub use wishes::Wishes;
