//! What a stage really serves, and why: the checks behind `doctor` and `drift`. Reading is in [`look`]; the checks are
//! pure.

pub mod alias;
pub mod apart;
pub mod canary;
pub mod clients;
pub mod deployment;
pub mod drift;
mod finding;
pub mod look;
mod repair;
pub mod retest;
pub mod settings;
pub mod visit;
pub mod wiring;

pub use finding::{Finding, worst};
pub use look::{ApiFacts, Facts, ObservedAlias};
pub use repair::Repair;

/// `n thing` or `n things`.
fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The first few of many, and how many there are besides.
fn some(lines: Vec<String>, most: usize) -> Vec<String> {
    let left = lines.len().saturating_sub(most);
    let mut shown: Vec<String> = lines.into_iter().take(most).collect();
    if left > 0 {
        shown.push(format!("and {left} more"));
    }
    shown
}
