//! What the integration tests share: an AWS emulator, an AWS client that is not stagegate's, and ready-made accounts.

pub mod account;
pub mod account_setup;
pub mod client;
pub mod emulator;
pub mod environment;
mod install;
mod launch;
pub mod person;
#[cfg(feature = "live")]
pub mod pty;
pub mod python;
#[cfg(feature = "live")]
pub mod socket;

#[cfg(feature = "live")]
pub use environment::announce;
