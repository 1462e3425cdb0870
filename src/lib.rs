//! stagegate promotes AWS Lambda versions through aliases behind API Gateway stages.
//!
//! The map of the crate, from the inside out:
//!
//! * [`model`] – names and small facts: function, alias, version, run id, the record in the alias description.
//! * [`aws`] – the port: every AWS operation as a value, one method to send it. `aws::live` is the adapter to real AWS.
//! * [`world`] – AWS in memory behind the same port, with virtual time and faults: proves the logic, runs the demo.

pub mod aws;
pub mod clock;
pub mod model;
pub mod world;
