//! What runs on GitHub: the Action, the workflows that people copy, and this project's own.

mod files;
#[cfg(feature = "live")]
mod identity;
mod lint;
pub mod markdown;
#[cfg(feature = "live")]
mod runner;
#[cfg(feature = "live")]
mod scenario;
mod summary;
mod tools;
