//! stagegate promotes AWS Lambda versions through aliases behind API Gateway stages.
//!
//! The map of the crate, from the inside out:
//!
//! * [`model`] – names and small facts: function, alias, version, run id, target, the record in the alias description.
//! * [`aws`] – the port: every AWS operation as a value, one method to send it. `aws::live` is the adapter to real AWS.
//! * [`world`] – our own model of AWS behind the same port, with virtual time and faults.
//! * [`definition`] – a REST API's definition: what it calls, its fingerprint, deployed against live.
//! * [`policy`] – resource policies: whether one already allows a call, and the statement that would.
//! * [`step`] – the pipeline, declared once; [`change`] – one reversible change, *before*, *want* and *now*.
//! * [`ownership`] – who else says what alias and stage shall be: stacks, CodeDeploy, Terraform.
//! * [`plan`] – what a release will do, as a pure function of what was observed.
//! * [`journal`] – the write-ahead log of a release.
//! * [`engine`] – runs a plan; [`rollback`] – the one way back. They emit [`event`]s and never print.
//! * [`config`] – the configuration file, strict and versioned, with environment and flags above it; what TARGET means.
//! * [`discover`] – what is live behind a place, for a first configuration file.
//! * [`demo`] – a whole promotion on the world, with clients that watch it.
//! * [`gate`] – whether a canary is worse than what it replaces, as a pure function of the minutes seen.
//! * [`gc`] – what nothing needs any more, and deleting it.
//! * [`github`] – what GitHub's runner tells a job about itself.
//! * [`logs`] – what one version of a function wrote.
//! * [`iam_policy`] – the least that a role needs, from the steps' declarations.
//! * [`compare`] – two stages or two versions of a function, side by side.
//! * [`report`] – the only module that prints: events and results for people and for programs.
//! * `cli` – the command line: flags, prompts, one file per command.
//! * [`problem`] – the one shape of every message that is not success, its code and its exit code.

pub mod address;
pub mod aws;
pub mod change;
#[cfg(feature = "live")]
pub mod cli;
pub mod clock;
pub mod compare;
pub mod config;
pub mod definition;
pub mod demo;
pub mod discover;
pub mod doctor;
pub mod engine;
pub mod event;
pub mod gate;
pub mod gc;
pub mod github;
pub mod iam_policy;
pub mod journal;
pub mod logs;
pub mod metrics;
pub mod model;
pub mod ownership;
pub mod permission;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod report;
pub mod rollback;
pub mod seeded;
pub mod split;
pub mod step;
pub mod world;
