//! A stage redeployed by hand: what is shown is what is deployed, and every end says what the stage serves.

mod by_hand;
mod faults;
mod lab;
