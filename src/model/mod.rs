//! Names and small facts that every other module speaks in.

pub mod canary;
pub mod managed_by;
pub mod name;
pub mod preset;
pub mod record;
pub mod redeploy;
pub mod schedule;
pub mod shift;
pub mod target;
pub mod variable;
pub mod wanted_stage;

pub use canary::{
    Canary, CanaryMode, CanaryStep, GatePolicy, OnInconclusive, Percent, Ratio, Reaction, candidate_alias,
};
pub use managed_by::ManagedBy;
pub use name::{AliasName, ApiId, FunctionName, InvalidName, RunId, StageName, StageRef, Version};
pub use preset::{PRESETS, preset};
pub use record::{Description, Record, RecordError, RecordState, RecordedStage};
pub use redeploy::{RedeployFrom, TriggerFile};
pub use schedule::ScheduleError;
pub use shift::Shift;
pub use target::{Expect, RedeployWhen, SmokeCheck, Source, StageCheck, Target};
pub use variable::VariableChange;
pub use wanted_stage::{LogLevel, Throttle, WantedStage};
