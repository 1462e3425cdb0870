//! Names and small facts that every other module speaks in.

pub mod name;
pub mod record;
pub mod target;

pub use name::{AliasName, ApiId, FunctionName, InvalidName, RunId, StageName, StageRef, Version};
pub use record::{Description, Record, RecordError, RecordState, RecordedStage};
pub use target::{Expect, RedeployWhen, SmokeCheck, Source, Target};
