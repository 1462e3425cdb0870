//! Every fault at every call, alone and in pairs, forward and back; traffic is looked at after every call.

mod intruders;
pub mod lab;
pub mod matrix;
#[cfg(feature = "seeded-bugs")]
mod seeded;
mod way_back;
