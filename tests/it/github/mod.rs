//! What runs on GitHub: the Action, the workflows that people copy, and this project's own.

mod lint;
#[cfg(feature = "live")]
mod runner;
