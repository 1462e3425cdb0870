//! What a stage really serves, and why: faults that people meet, made in the World and found by the checks.

mod lab;
mod rows;
mod screens;
mod symptoms;
