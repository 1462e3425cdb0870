//! Is what a stage serves what its API defines? Mutations that must be found, rewrites that must not, and random edits.

mod mutations;
mod random;
mod rewrites;
mod shop;
mod spec;
