//! What runs on GitHub: the Action, the workflows that people copy, and this project's own.

#[cfg(feature = "live")]
mod identity;
mod lint;
#[cfg(feature = "live")]
mod runner;
#[cfg(feature = "live")]
mod scenario;
