//! Canaries of both kinds on the World, with clients and virtual time.

pub mod lab;
mod steps;
