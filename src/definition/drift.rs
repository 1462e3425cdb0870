//! Two states of an API's definition compared by content, with what the comparison could not see (aws-semantics §6.6).

use serde_json::Value;

use super::api::LiveApi;
use super::canonical::{Canonical, Fingerprint, Scope};
use super::diff::{Change, Difference, Place, differences};
use super::http;
use super::marker::{Marker, Parts};
use super::shown::{self, Unseen};
use crate::aws::noun::StageKind;

/// A state of a definition, as far as it is known.
#[derive(Debug, Clone)]
pub struct Side {
    fingerprint: Option<Fingerprint>,
    parts: Option<Parts>,
    /// Why it is not known otherwise.
    content: Result<Content, String>,
}

/// What is compared: of an HTTP API AWS exports both sides, and so two exports are.
#[derive(Debug, Clone)]
enum Content {
    Rest(Canonical),
    Http(Value),
}

fn no_export() -> String {
    "API Gateway gives no export of it".into()
}

impl Side {
    /// The live definition, all of it; of an HTTP API with its export, if one was read.
    pub fn live(live: &LiveApi, export: Option<&Value>) -> Self {
        let (parts, content) = match live {
            LiveApi::Rest(live) => {
                let full = Canonical::of(live);
                (Some(shown::split(&full).digests()), Ok(Content::Rest(full)))
            }
            LiveApi::Http(_) => (None, export.cloned().map(Content::Http).ok_or_else(no_export)),
        };
        Self { fingerprint: Some(live.fingerprint()), parts, content }
    }

    /// A deployment: its description, which holds a fingerprint when stagegate made it, and the export of a stage that
    /// serves it, if one was read.
    pub fn deployed(kind: &StageKind, description: &str, export: Option<&Value>) -> Self {
        let marker = description.parse::<Marker>().ok();
        let content = match (kind, export) {
            (StageKind::Rest, Some(export)) => {
                super::deployed::read(export).map(Content::Rest).map_err(|error| error.to_string())
            }
            (StageKind::Http { .. }, Some(export)) => Ok(Content::Http(export.clone())),
            (_, None) => Err(no_export()),
        };
        let (fingerprint, parts) = marker.map_or((None, None), |marker| (Some(marker.fingerprint), marker.parts));
        Self { fingerprint, parts, content }
    }
}

impl Side {
    /// Fingerprints prove that both are the same, so that nothing else needs to be read.
    pub fn is_proven_equal(&self, other: &Self) -> bool {
        self.fingerprint.is_some() && self.fingerprint == other.fingerprint
    }

    /// The digests as they would be without the added routes: a kind that differs by what came with them alone needs no
    /// line of its own. Empty when not everything is known.
    fn without_added(&self, found: &[Difference]) -> Parts {
        let Ok(Content::Rest(full)) = &self.content else { return Parts::new() };
        if full.scope() != Scope::Full {
            return Parts::new();
        }
        let mut rest = full.clone();
        for one in found.iter().filter(|one| one.change == Change::Added) {
            if let (Place::Route { path, method }, Some(routes)) = (&one.place, rest.value.get_mut("routes"))
                && let Some(methods) = routes.get_mut(path).and_then(Value::as_object_mut)
            {
                methods.remove(method);
            }
        }
        shown::split(&rest).digests()
    }
}

/// What differs between two states, and what the comparison could not see.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Drift {
    /// Sorted by route, other parts after the routes.
    pub differences: Vec<Difference>,
    /// Kinds of edits that could not be seen: without differences, the two are equal but for these. Empty when
    /// fingerprints proved everything else.
    pub unseen: Vec<Unseen>,
}

impl Drift {
    /// Nothing differs, as far as could be seen.
    pub const fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// What could not be seen, to follow the name of what was compared, without a full stop; none when nothing was left
    /// out.
    pub fn blind_spots(&self) -> Option<String> {
        let kinds: Vec<&str> = self.unseen.iter().map(|kind| kind.text()).collect();
        (!kinds.is_empty()).then(|| format!("compared by export, which does not show: {}", kinds.join(", ")))
    }
}

/// Compares: equal fingerprints prove equality; else by content, as far as both sides show it, and by digests for what
/// an export does not show.
pub fn drift(old: &Side, new: &Side) -> Drift {
    let by_print = match (&old.fingerprint, &new.fingerprint) {
        (Some(old), Some(new)) => Some(old == new),
        _ => None,
    };
    if by_print == Some(true) {
        return Drift::default();
    }
    let mut found = match (&old.content, &new.content) {
        (Ok(Content::Rest(old)), Ok(Content::Rest(new))) => differences(old, new),
        (Ok(Content::Http(old)), Ok(Content::Http(new))) => http::differences(old, new),
        (Ok(_), Ok(_)) => return unreadable("one is of a REST API, the other of an HTTP API"),
        // That they differ is proven all the same.
        (Err(_), _) | (_, Err(_)) if by_print == Some(false) => Vec::new(),
        (Err(why), _) | (_, Err(why)) => return unreadable(why),
    };
    let kept = new.without_added(&found);
    let unseen = match (&old.parts, &new.parts) {
        (Some(old), Some(new)) => {
            let differ = Unseen::ALL.iter().filter(|kind| old.get(kind) != new.get(kind));
            let differ: Vec<&Unseen> = differ.filter(|kind| old.get(kind) != kept.get(kind)).collect();
            found.extend(differ.into_iter().map(|kind| Difference::somewhere(kind.text())));
            Vec::new()
        }
        // AWS exports both sides of an HTTP API in one way, so that an export hides nothing that it compares.
        _ if matches!(new.content, Ok(Content::Http(_)) | Err(_)) => Vec::new(),
        _ => Unseen::ALL.to_vec(),
    };
    if found.is_empty() && by_print == Some(false) {
        found.push(Difference::somewhere("the definitions"));
    }
    Drift { differences: found, unseen }
}

fn unreadable(why: &str) -> Drift {
    let property = format!("cannot be compared: {why}");
    let differences = vec![Difference { property, ..Difference::somewhere("the definition") }];
    Drift { differences, unseen: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Live, sample};
    use crate::model::RunId;

    fn live_side(live: Live) -> Side {
        Side::live(&LiveApi::Rest(Box::new(live)), None)
    }

    fn deployed_side(description: &str, export: Option<&Value>) -> Side {
        Side::deployed(&StageKind::Rest, description, export)
    }

    fn lines(drift: &Drift) -> Vec<String> {
        drift.differences.iter().map(ToString::to_string).collect()
    }

    fn described(live: &Live) -> String {
        Marker::of(&RunId::new(1, 2), &LiveApi::Rest(Box::new(live.clone()))).to_string()
    }

    /// The sample with an edit that no export shows.
    fn renamed() -> Live {
        let mut live = sample::live();
        for method in live.resources[1].methods.values_mut() {
            method.operation_name = Some("Renamed".into());
        }
        live
    }

    #[test]
    fn equal_fingerprints_need_no_export_and_leave_nothing_unseen() {
        let live = sample::live();
        assert_eq!(drift(&deployed_side(&described(&live), None), &live_side(live)), Drift::default());
    }

    #[test]
    fn an_edit_that_no_export_shows_is_named_by_its_kind() {
        let (old, export) = (described(&sample::live()), sample::export());
        let found = drift(&deployed_side(&old, Some(&export)), &live_side(renamed()));
        assert_eq!(lines(&found), ["~ operation names  differ, and no export shows where"]);
        assert_eq!(found.blind_spots(), None);
    }

    #[test]
    fn a_marker_without_parts_still_proves_that_something_differs() {
        let old = described(&sample::live());
        let (old, _) = old.split_once(" parts=").unwrap();
        let found = drift(&deployed_side(old, Some(&sample::export())), &live_side(renamed()));
        assert_eq!(lines(&found), ["~ the definitions  differ, and no export shows where"]);
    }

    #[test]
    fn without_a_fingerprint_equality_is_said_with_what_was_not_seen() {
        let found = drift(&deployed_side("by hand", Some(&sample::export())), &live_side(renamed()));
        assert!(found.is_empty());
        let said = found.blind_spots().unwrap();
        assert!(Unseen::ALL.iter().all(|kind| said.contains(kind.text())), "{said}");
    }

    #[test]
    fn what_cannot_be_read_is_never_equal() {
        let live = live_side(sample::live());
        for export in [None, Some(serde_json::json!({"swagger": "2.0"}))] {
            let found = drift(&deployed_side("by hand", export.as_ref()), &live);
            assert!(lines(&found)[0].starts_with("~ the definition  cannot be compared: "), "{found:?}");
        }
    }
}
