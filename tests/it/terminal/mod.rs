//! The built command at a terminal.

mod practice;
mod real;
mod signals;
mod unnamed;
