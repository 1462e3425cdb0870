//! Integration tests: one binary, a module per theme.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, reason = "tests print how much they have done")]

#[cfg(feature = "live")]
mod adapter;
mod address;
#[cfg(feature = "live")]
mod assume;
mod attacks;
mod canary;
#[cfg(feature = "live")]
mod cli;
#[cfg(feature = "live")]
mod cli_release;
#[cfg(feature = "live")]
mod cli_streams;
mod codes;
#[cfg(feature = "live")]
mod commands;
#[cfg(feature = "live")]
mod conformance;
#[cfg(feature = "live")]
mod connect;
mod decisions;
mod doctor;
mod drift;
#[cfg(feature = "live")]
mod emulator;
mod emulator_smoke;
mod faults;
mod gate;
mod gc;
mod github;
mod http;
mod ownership;
#[cfg(feature = "live")]
mod page;
mod permission;
mod readme;
mod redeploy;
mod redeploy_command;
mod schema;
#[cfg(feature = "live")]
mod setup_terminal;
mod support;
#[cfg(feature = "live")]
mod terminal;
mod tidy;
#[cfg(feature = "live")]
mod wire;
