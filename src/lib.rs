//! stagegate promotes AWS Lambda versions through aliases behind API Gateway stages.
//!
//! The map of the crate, from the inside out:
//!
//! * [`model`] – names and small facts: function, alias, version, run id, the record in the alias description.
//! * [`definition`] – a REST API's definition: what it calls, its fingerprint, deployed against live.
//! * [`policy`] – resource policies: whether one already allows a call, and the statement that would.
//! * [`aws`] – the port: every AWS operation as a value, one method to send it. `aws::live` is the adapter to real AWS.

pub mod aws;
pub mod clock;
pub mod definition;
pub mod model;
pub mod policy;
