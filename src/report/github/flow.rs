//! The steps of a release as a picture that GitHub draws from text. Pure.

use crate::event::Outcome;
use crate::report::text::tenths;

use super::tale::{Step, Tale};

/// Longest line in a box, characters.
const LABEL_MAX: usize = 40;

/// A mermaid flow chart; empty where there is nothing to see.
pub fn chart(tale: &Tale) -> String {
    let mut boxes: Vec<String> = tale.steps.iter().map(step).collect();
    if let Some(under_way) = tale.under_way {
        boxes.push(label(under_way.name(), "unfinished"));
    }
    if let Some((_, verified, ms)) = &tale.went_back {
        boxes.push(label("rollback", &format!("{} {}", if *verified { "✔" } else { "✖" }, tenths(*ms))));
    }
    if boxes.len() < 2 {
        return String::new();
    }
    let boxes: Vec<String> = boxes.iter().enumerate().map(|(at, text)| format!("s{at}[\"{text}\"]")).collect();
    format!("```mermaid\nflowchart LR\n  {}\n```\n\n", boxes.join(" --> "))
}

fn step(step: &Step) -> String {
    let how = match step.outcome {
        Outcome::Ok => format!("✔ {}", tenths(step.ms)),
        Outcome::Unchanged => "as is".to_owned(),
        Outcome::Skipped => "skipped".to_owned(),
        Outcome::Failed => "✖ failed".to_owned(),
    };
    label(&step.name, &how)
}

/// Two lines of letters, digits and what means nothing to mermaid.
fn label(name: &str, below: &str) -> String {
    let plain = |text: &str| -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-%✔✖".contains(c);
        text.chars().take(LABEL_MAX).map(|c| if is_plain(c) { c } else { ' ' }).collect()
    };
    format!("{}<br/>{}", plain(name), plain(below))
}
