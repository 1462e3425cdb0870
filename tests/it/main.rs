//! Integration tests: one binary, a module per theme.

mod attacks;
#[cfg(feature = "live")]
mod conformance;
#[cfg(feature = "live")]
mod connect;
mod decisions;
mod emulator_smoke;
mod faults;
mod readme;
mod support;
mod tidy;
#[cfg(feature = "live")]
mod wire;
