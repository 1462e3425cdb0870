//! Canaries of both kinds on the World, with clients and virtual time.

mod faults;
pub mod lab;
mod people;
mod steps;
