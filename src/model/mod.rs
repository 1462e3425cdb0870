//! Names and small facts that every other module speaks in.

pub mod name;

pub use name::{AliasName, ApiId, FunctionName, InvalidName, RunId, StageName, StageRef, Version};
