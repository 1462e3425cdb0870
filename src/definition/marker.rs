//! What stagegate writes into the description of a deployment.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::api::LiveApi;
use super::canonical::{Canonical, Fingerprint};
use super::shown::{self, Unseen};
use crate::model::RunId;

/// Hex digits of the digest of one kind.
pub(super) const PART_DIGITS: usize = 8;
const PARTS: &str = "parts=";

/// Digests of what an export does not show, by kind; a kind of which there is nothing has none.
pub type Parts = BTreeMap<Unseen, String>;

/// The release that made a deployment, the fingerprint of the definition, and digests by which an edit that an export
/// does not show is named later. At most some 250 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The release that made it.
    pub run: RunId,
    /// What it snapshots.
    pub fingerprint: Fingerprint,
    /// None when an older stagegate made it, and of an HTTP API, whose exports hide nothing.
    pub parts: Option<Parts>,
}

impl Marker {
    /// Of a deployment that a release makes of the live definition now.
    pub fn of(run: &RunId, live: &LiveApi) -> Self {
        let parts = match live {
            LiveApi::Rest(live) => Some(shown::split(&Canonical::of(live)).digests()),
            LiveApi::Http(_) => None,
        };
        Self { run: run.clone(), fingerprint: live.fingerprint(), parts }
    }
}

impl fmt::Display for Marker {
    /// `stagegate r-… fp=… parts=mo:1a2b3c4d,op:5e6f7a8b`; `parts=-` when nothing is hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stagegate {} {}", self.run, self.fingerprint)?;
        let Some(parts) = &self.parts else { return Ok(()) };
        let parts: Vec<String> = parts.iter().map(|(kind, digest)| format!("{}:{digest}", kind.key())).collect();
        write!(f, " {PARTS}{}", if parts.is_empty() { "-".to_owned() } else { parts.join(",") })
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
            (Some("stagegate"), Some(run), Some(fingerprint)) => Ok(Self {
                run: run.parse().map_err(|_| NotAMarker)?,
                fingerprint: fingerprint.parse().map_err(|_| NotAMarker)?,
                parts: words.find_map(|word| word.strip_prefix(PARTS)).and_then(parts),
            }),
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
    fn parts_that_are_cut_or_of_a_newer_stagegate_say_nothing() {
        let text = Marker::of(&RunId::new(1, 2), &live()).to_string();
        let cut: Marker = text[..text.len() - 1].parse().unwrap();
        assert_eq!(cut.parts, None);
        assert_eq!(text.replace("mo:", "zz:").parse::<Marker>().unwrap().parts, None);
        assert_eq!("deployed by hand".parse::<Marker>(), Err(NotAMarker));
    }
}
