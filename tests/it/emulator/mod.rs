//! The built program, through the real AWS SDK, against the emulator. What is true afterwards is asked of a client that
//! shares no code with it.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

pub mod canary;
mod http_api;
mod killed;
mod lost;
pub mod machine;
mod newcomer;
mod operation;
pub mod proxy;
mod race;
mod refusals;
mod release;
mod rollback;
pub mod shop;
mod stage;
pub mod state;
