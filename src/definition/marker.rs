//! What stagegate writes into the description of a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::api::LiveApi;
use super::canonical::{Canonical, Fingerprint};
use super::shown::{self, Unseen};
use crate::model::{RunId, VariableChange, redeploy};

/// Hex digits of the digest of one kind.
pub(super) const PART_DIGITS: usize = 8;
const PARTS: &str = "parts=";
const FILES: &str = "files=";
const VARIABLES: &str = "vars=";
/// The longest description of a deployment, characters (aws-semantics §6.1, §7).
pub const MARKER_CHARS_MAX: usize = 1_024;

/// Digests of what an export does not show, by kind; a kind of which there is nothing has none.
pub type Parts = BTreeMap<Unseen, String>;

/// The release that made a deployment, the fingerprint of the definition, and digests by which an edit that an export
/// does not show is named later: some 250 characters. Behind them what else must be found from any machine: digests of
/// the files that triggered it, and what stage variables were before the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The release that made it.
    pub run: RunId,
    /// What it snapshots.
    pub fingerprint: Fingerprint,
    /// None when an older stagegate made it, and of an HTTP API, whose exports hide nothing.
    pub parts: Option<Parts>,
    /// Digests of the files that would trigger a new deployment; empty when there were none, or an older stagegate made it.
    pub files: BTreeSet<String>,
    /// The stage variables that the release sets beside the alias variable; none when they cannot be read.
    pub variables: Option<Vec<VariableChange>>,
}

impl Marker {
    /// Of a deployment that a release makes of the live definition now.
    pub fn of(run: &RunId, live: &LiveApi) -> Self {
        let parts = match live {
            LiveApi::Rest(live) => Some(shown::split(&Canonical::of(live)).digests()),
            LiveApi::Http(_) => None,
        };
        let (files, variables) = (BTreeSet::new(), Some(Vec::new()));
        Self { run: run.clone(), fingerprint: live.fingerprint(), parts, files, variables }
    }
}

impl fmt::Display for Marker {
    /// `stagegate r-… fp=… parts=mo:1a2b3c4d,op:5e6f7a8b files=0a1b2c3d4e5f vars=table:orders-v1>orders-v2;flag!>on`;
    /// `parts=-` when nothing is hidden, `files` and `vars` only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stagegate {} {}", self.run, self.fingerprint)?;
        if let Some(parts) = &self.parts {
            let parts: Vec<String> = parts.iter().map(|(kind, digest)| format!("{}:{digest}", kind.key())).collect();
            write!(f, " {PARTS}{}", if parts.is_empty() { "-".to_owned() } else { parts.join(",") })?;
        }
        let files: Vec<&str> = self.files.iter().map(String::as_str).collect();
        if !files.is_empty() {
            write!(f, " {FILES}{}", files.join(","))?;
        }
        let variables: Vec<String> = self.variables.iter().flatten().map(ToString::to_string).collect();
        if !variables.is_empty() {
            write!(f, " {VARIABLES}{}", variables.join(";"))?;
        }
        Ok(())
    }
}

/// A description that stagegate did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the description of this deployment was not written by stagegate")]
pub struct NotAMarker;

impl FromStr for Marker {
    type Err = NotAMarker;
    fn from_str(text: &str) -> Result<Self, NotAMarker> {
        let mut words = text.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("stagegate"), Some(run), Some(fingerprint)) => {
                let rest = |prefix: &str| words.clone().find_map(|word| word.strip_prefix(prefix));
                Ok(Self {
                    run: run.parse().map_err(|_| NotAMarker)?,
                    fingerprint: fingerprint.parse().map_err(|_| NotAMarker)?,
                    parts: rest(PARTS).and_then(parts),
                    files: rest(FILES).map(files).unwrap_or_default(),
                    variables: rest(VARIABLES).map_or_else(|| Some(Vec::new()), variables),
                })
            }
            _ => Err(NotAMarker),
        }
    }
}

/// None when a kind is unknown or a digest is cut: then nothing can be said by them.
fn parts(text: &str) -> Option<Parts> {
    if text == "-" {
        return Some(Parts::new());
    }
    text.split(',')
        .map(|part| {
            let (key, digest) = part.split_once(':')?;
            let kind = Unseen::ALL.iter().find(|kind| kind.key() == key)?;
            (digest.len() == PART_DIGITS).then(|| (*kind, digest.to_owned()))
        })
        .collect()
}

/// What is no digest says nothing: the file then counts as changed.
fn files(text: &str) -> BTreeSet<String> {
    text.split(',').filter(|digest| digest.len() == redeploy::FILE_DIGITS).map(str::to_owned).collect()
}

/// None when any of them cannot be read: a part of a way back is none.
fn variables(text: &str) -> Option<Vec<VariableChange>> {
    text.split(';').map(|change| change.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::sample;

    fn live() -> LiveApi {
        LiveApi::Rest(Box::new(sample::live()))
    }

    #[test]
    fn a_marker_is_read_as_it_was_written_and_so_is_one_of_an_older_stagegate() {
        let marker = Marker::of(&RunId::new(1, 2), &live());
        let text = marker.to_string();
        assert!(text.len() <= 300, "{} characters", text.len());
        assert_eq!(text.parse(), Ok(marker.clone()));
        let old = format!("stagegate {} {}", marker.run, marker.fingerprint);
        assert_eq!(old.parse(), Ok(Marker { parts: None, ..marker.clone() }));
        let none = Marker { parts: Some(Parts::new()), ..marker };
        assert_eq!(none.to_string().parse(), Ok(none));
    }

    #[test]
    fn files_and_variables_are_found_behind_it() {
        let change = |text: &str| text.parse::<VariableChange>().unwrap();
        let files = BTreeSet::from(["0a1b2c3d4e5f".to_owned(), "f0f1f2f3f4f5".to_owned()]);
        let variables = vec![change("table:orders-v1>orders-v2"), change("flag!>on")];
        let marker = Marker { files, variables: Some(variables), ..Marker::of(&RunId::new(1, 2), &live()) };
        let text = marker.to_string();
        assert!(text.ends_with(" files=0a1b2c3d4e5f,f0f1f2f3f4f5 vars=table:orders-v1>orders-v2;flag!>on"), "{text}");
        assert_eq!(text.parse(), Ok(marker));
        let cut: Marker = text.split("flag").next().unwrap().parse().unwrap();
        assert_eq!(cut.variables, None, "a part of a way back is none");
    }

    #[test]
    fn parts_that_are_cut_or_of_a_newer_stagegate_say_nothing() {
        let text = Marker::of(&RunId::new(1, 2), &live()).to_string();
        let cut: Marker = text[..text.len() - 1].parse().unwrap();
        assert_eq!(cut.parts, None);
        assert_eq!(text.replace("mo:", "zz:").parse::<Marker>().unwrap().parts, None);
        assert_eq!("deployed by hand".parse::<Marker>(), Err(NotAMarker));
    }
}
