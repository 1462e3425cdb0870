//! Integration tests: one binary, a module per theme.

#[cfg(feature = "live")]
mod conformance;
#[cfg(feature = "live")]
mod connect;
#[cfg(feature = "live")]
mod emulator;
mod emulator_smoke;
mod faults;
mod readme;
mod support;
mod tidy;
#[cfg(feature = "live")]
mod wire;
