//! What runs on GitHub: the Action, the workflows that people copy, and this project's own.

mod files;
mod lint;
pub mod markdown;
mod summary;
mod tools;
