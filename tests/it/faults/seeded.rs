//! The matrix can fail: each of five seeded mistakes turns it red.

use stagegate::seeded::{Bug, seed};

use super::lab::Scenario;
use super::matrix::Matrix;

fn caught(bug: Bug) -> Option<String> {
    for scenario in [Scenario::Second, Scenario::First] {
        let matrix = Matrix::of(scenario);
        seed(Some(bug));
        let mut failures = matrix.singles();
        if failures.is_empty() {
            failures = matrix.pairs(5);
        }
        seed(None);
        println!("{bug:?}: {scenario:?}, {} of {} runs failed", failures.len(), matrix.runs());
        if let Some(first) = failures.into_iter().next() {
            return Some(first);
        }
    }
    None
}

#[test]
fn seeded_mistakes_are_each_caught() {
    for bug in Bug::ALL {
        let first = caught(bug);
        let first = first.unwrap_or_else(|| panic!("{bug:?} was not noticed"));
        println!("  {}", first.lines().next().unwrap_or_default().chars().take(300).collect::<String>());
    }
}
