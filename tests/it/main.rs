//! Integration tests: one binary, a module per theme.

#[cfg(feature = "live")]
mod connect;
#[cfg(feature = "live")]
mod wire;
