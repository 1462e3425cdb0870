//! Integration tests: one binary, a module per theme.

mod emulator_smoke;
mod support;
