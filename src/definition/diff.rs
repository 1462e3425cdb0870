//! What a deployment made now would change, one line each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::canonical::{Canonical, Scope};
use super::deployed::shown_by_export;
use super::integration;

/// What happened to a part of the definition, seen from the deployed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Live, not deployed.
    Added,
    /// Deployed, no longer live.
    Removed,
    /// In both, with another value.
    Changed,
}

/// Where in the definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A method of a resource.
    Route {
        /// The resource's path.
        path: String,
        /// HTTP method, or `ANY`.
        method: String,
    },
    /// Anything else, such as `authorizer jwt-main` or `api`.
    Part(String),
}

/// One difference; sorted by route, other parts after the routes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What happened there.
    pub change: Change,
    /// What an added route calls, or the property with its values before and after; may be empty.
    pub text: String,
}

impl fmt::Display for Difference {
    /// One line: `+ POST /refunds → checkout:live`, `- GET /old`, `~ GET /orders/{id}  authorizer none → jwt-main`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, separator) = match self.change {
            Change::Added => ("+", " → "),
            Change::Removed => ("-", " → "),
            Change::Changed => ("~", "  "),
        };
        let place = match &self.place {
            Place::Route { path, method } => format!("{method} {path}"),
            Place::Part(part) => part.clone(),
        };
        write!(f, "{sign} {}", one_line(&place))?;
        if !self.text.is_empty() {
            write!(f, "{separator}{}", one_line(&self.text))?;
        }
        Ok(())
    }
}

/// What differs between the deployed definition and the live one, sorted. When one side shows only what an export
/// shows, only that is compared.
pub fn differences(deployed: &Canonical, live: &Canonical) -> Vec<Difference> {
    let by_export = deployed.scope == Scope::Export || live.scope == Scope::Export;
    let narrow = |side: &Canonical| match side.scope {
        Scope::Full if by_export => shown_by_export(side),
        Scope::Full | Scope::Export => side.clone(),
    };
    let (old, new) = (narrow(deployed), narrow(live));
    let mut found = routes(&section(&old, "routes"), &section(&new, "routes"));
    for (name, label) in [
        ("models", "model"),
        ("authorizers", "authorizer"),
        ("validators", "validator"),
        ("responses", "gateway response"),
    ] {
        // An export may leave out an authorizer or validator that no method uses.
        let in_both_only = by_export && matches!(name, "authorizers" | "validators");
        parts(label, &section(&old, name), &section(&new, name), in_both_only, &mut found);
    }
    let (old_api, new_api) = (section(&old, "api"), section(&new, "api"));
    properties(&Place::Part("api".into()), &leaves(&old_api), &leaves(&new_api), &mut found);
    empty_resources(&old, &new, &mut found);
    found.sort();
    found
}

fn section(side: &Canonical, name: &str) -> Value {
    side.value.get(name).cloned().unwrap_or_default()
}

fn routes(old: &Value, new: &Value) -> Vec<Difference> {
    let (old, new) = (by_route(old), by_route(new));
    let mut found = Vec::new();
    for (path, method) in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let place = Place::Route { path: path.clone(), method: method.clone() };
        let key = (path.clone(), method.clone());
        match (old.get(&key), new.get(&key)) {
            (None, Some(route)) => {
                found.push(Difference { place, change: Change::Added, text: target(route).unwrap_or_default() });
            }
            (Some(_), None) => found.push(Difference { place, change: Change::Removed, text: String::new() }),
            (Some(old), Some(new)) => properties(&place, &route_leaves(old, new), &route_leaves(new, old), &mut found),
            (None, None) => {}
        }
    }
    found
}

fn by_route(section: &Value) -> BTreeMap<(String, String), Value> {
    let paths = section.as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, route)| ((path.clone(), method.clone()), route.clone()))
        })
        .collect()
}

/// What a route calls, as people read it.
fn target(route: &Value) -> Option<String> {
    let integration = route.get("integration")?;
    match integration.get("uri").and_then(Value::as_str) {
        Some(uri) => Some(integration::short(uri)),
        None => integration.get("type").and_then(Value::as_str).map(str::to_ascii_lowercase),
    }
}

/// A route's properties by name. Its authorization is one property, and so is an integration that `other` lacks.
fn route_leaves(route: &Value, other: &Value) -> BTreeMap<String, String> {
    let mut rest = route.clone();
    let mut found = BTreeMap::new();
    if let Some(map) = rest.as_object_mut() {
        let kind = map.remove("authorizationType");
        let name = map.remove("authorizer");
        found.insert("authorizer".into(), authorization(kind.as_ref(), name.as_ref()));
        if other.get("integration").is_none() {
            map.remove("integration");
        }
    }
    if let Some(called) = target(route) {
        found.insert("integration".into(), called);
    }
    if let Some(Value::Object(integration)) = rest.get_mut("integration") {
        let uri = integration.remove("uri");
        let other_uri = other.pointer("/integration/uri");
        // Two URIs can look alike when shortened, and differ in account or region.
        let alike = |a: &str, b: &str| a != b && integration::short(a) == integration::short(b);
        if let (Some(Value::String(uri)), Some(Value::String(other_uri))) = (&uri, other_uri)
            && alike(uri, other_uri)
        {
            found.insert("integration".into(), uri.clone());
        }
    }
    found.extend(leaves(&rest));
    found
}

fn authorization(kind: Option<&Value>, name: Option<&Value>) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match (text(kind).as_deref(), text(name)) {
        (None, None) => "none".into(),
        (Some("AWS_IAM"), None) => "iam".into(),
        (Some("CUSTOM" | "COGNITO_USER_POOLS"), Some(name)) => name,
        (Some(kind), None) => kind.to_ascii_lowercase(),
        (kind, Some(name)) => format!("{} {name}", kind.unwrap_or("none").to_ascii_lowercase()),
    }
}

fn parts(label: &str, old: &Value, new: &Value, in_both_only: bool, found: &mut Vec<Difference>) {
    let names = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
    let (old_names, new_names): (BTreeSet<String>, BTreeSet<String>) = (names(old), names(new));
    for name in old_names.union(&new_names) {
        let place = Place::Part(format!("{label} {name}"));
        let push = |change| Difference { place: place.clone(), change, text: String::new() };
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => properties(&place, &leaves(old), &leaves(new), found),
            (None, Some(_)) if !in_both_only => found.push(push(Change::Added)),
            (Some(_), None) if !in_both_only => found.push(push(Change::Removed)),
            _ => {}
        }
    }
}

fn empty_resources(old: &Canonical, new: &Canonical, found: &mut Vec<Difference>) {
    let paths = |side: &Canonical| -> BTreeSet<String> {
        let paths = section(side, "emptyResources");
        paths.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (paths(old), paths(new));
    let difference = |path: &String, change| Difference {
        place: Place::Part(format!("resource {path}")),
        change,
        text: String::new(),
    };
    found.extend(new.difference(&old).map(|path| difference(path, Change::Added)));
    found.extend(old.difference(&new).map(|path| difference(path, Change::Removed)));
}

/// The values by path of names. Documents inside the definition (policy, schema) count as one value.
pub(super) fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect("", value, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let document = matches!(path, "policy" | "schema");
    match value {
        Value::Object(map) if !document && !map.is_empty() => {
            for (key, value) in map {
                collect(&if path.is_empty() { key.clone() } else { format!("{path} {key}") }, value, found);
            }
        }
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            found.insert(path.to_owned(), items.join(", "));
        }
        other if !path.is_empty() => {
            found.insert(path.to_owned(), other.to_string());
        }
        _ => {}
    }
}

pub(super) fn properties(
    place: &Place,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    found: &mut Vec<Difference>,
) {
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (before, after) = (old.get(name), new.get(name));
        if before != after {
            let text = format!("{name} {}", move_text(before.map(String::as_str), after.map(String::as_str)));
            found.push(Difference { place: place.clone(), change: Change::Changed, text });
        }
    }
}

/// `before → after`, or only what happened when a value is a text of its own (template, policy, schema).
fn move_text(before: Option<&str>, after: Option<&str>) -> String {
    const LONGEST: usize = 160;
    let long = |text: Option<&str>| text.is_some_and(|t| t.contains('\n') || t.starts_with('{') || t.len() > LONGEST);
    match (before, after) {
        _ if !long(before) && !long(after) => {
            format!("{} → {}", before.unwrap_or("none"), after.unwrap_or("none"))
        }
        (None, _) => "added".into(),
        (_, None) => "removed".into(),
        _ => "changed".into(),
    }
}

/// Control characters spelled out, so that a difference is one line whatever the definition holds.
fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests;
