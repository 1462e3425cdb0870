//! Names and small facts that every other module speaks in.

pub mod name;
pub mod target;

pub use name::{AliasName, ApiId, FunctionName, InvalidName, RunId, StageName, StageRef, Version};
pub use target::{Expect, RedeployWhen, SmokeCheck, Source, Target};
