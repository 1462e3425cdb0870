//! stagegate promotes AWS Lambda versions through aliases behind API Gateway stages.
//!
//! The map of the crate, from the inside out:
//!
//! * [`model`] – names and small facts: function, alias, version, run id, target, the record in the alias description.
//! * [`config`] – the configuration file, strict and versioned, with environment and flags above it; what TARGET means.
//! * [`problem`] – the one shape of every message that is not success, its code and its exit code.
//! * [`model`] – names and small facts: function, alias, version, run id, the record in the alias description.
//! * [`definition`] – a REST API's definition: what it calls, its fingerprint, deployed against live.
//! * [`policy`] – resource policies: whether one already allows a call, and the statement that would.
//! * [`aws`] – the port: every AWS operation as a value, one method to send it. `aws::live` is the adapter to real AWS.

pub mod aws;
pub mod clock;
pub mod config;
pub mod model;
pub mod problem;
pub mod definition;
pub mod model;
pub mod policy;
