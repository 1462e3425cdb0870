//! Canaries of both kinds on the World, with clients and virtual time.

mod choices;
mod during;
mod faults;
mod held;
mod kinds;
pub mod lab;
mod many;
mod never_a_pass;
mod people;
mod person;
mod races;
mod reserve;
mod restart;
mod rows;
mod signals;
mod steps;
mod tick;
