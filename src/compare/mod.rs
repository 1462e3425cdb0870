//! Two stages, or two versions of a function, side by side: what `diff` says. Pure.

mod stages;
mod versions;

use serde::Serialize;

pub use stages::{ServedStage, behaviour, method_name, stages};
pub use versions::versions;

use crate::definition::Unseen;
use crate::definition::diff::{Change, Difference, Place};

/// [`Comparison::schema`]
pub const DIFF_SCHEMA: &str = "stagegate.diff/1.0";

/// What differs between A and B; every value is A's first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Schema of this document.
    pub schema: &'static str,
    /// The region that was read.
    pub region: String,
    /// What A is.
    pub a: String,
    /// What B is.
    pub b: String,
    /// By subject.
    pub sections: Vec<Section>,
    /// Kinds of edits of the definition that could not be looked for.
    pub unseen: Vec<Unseen>,
}

impl Comparison {
    /// How many differences there are.
    pub fn count(&self) -> usize {
        self.sections.iter().map(|section| section.differences.len()).sum()
    }
}

/// What differs in one subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// `definition`, `settings`, `code` or `configuration`.
    pub name: &'static str,
    /// Sorted.
    pub differences: Vec<Difference>,
}

/// Values by name, compared: what only A has is removed, what only B has is added.
fn values(old: &[(String, String)], new: &[(String, String)]) -> Vec<Difference> {
    let find = |side: &[(String, String)], name: &str| {
        side.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let mut names: Vec<&String> = old.iter().chain(new).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let compared = names.into_iter().map(|name| (name, find(old, name), find(new, name)));
    compared
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| value(name, before, after))
        .collect()
}

fn value(name: &str, before: Option<String>, after: Option<String>) -> Difference {
    Difference { place: Place::Part(name.to_owned()), change: Change::Changed, property: String::new(), before, after }
}
