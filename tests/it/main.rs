//! Integration tests: one binary, a module per theme.

#[cfg(feature = "live")]
mod cli;
#[cfg(feature = "live")]
mod cli_release;
#[cfg(feature = "live")]
mod conformance;
#[cfg(feature = "live")]
mod connect;
mod decisions;
#[cfg(feature = "live")]
mod emulator;
mod emulator_smoke;
mod faults;
mod readme;
mod support;
#[cfg(feature = "live")]
mod terminal;
mod tidy;
#[cfg(feature = "live")]
mod wire;
