//! What a deployment made now would change, one line each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::{Canonical, Scope};
use super::{excerpt, integration, shown};

/// What happened to a part of the definition, seen from the deployed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Live, not deployed.
    Added,
    /// Deployed, no longer live.
    Removed,
    /// In both, with another value.
    Changed,
}

/// Where in the definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What happened there.
    pub change: Change,
    /// Which property, when one changed; else empty.
    pub property: String,
    /// Its value in the deployed definition, or what a removed route called.
    pub before: Option<String>,
    /// Its value in the live one, or what an added route calls.
    pub after: Option<String>,
}

impl Difference {
    /// Of a part that an export does not show: that it differs is known, and not how.
    pub(super) fn somewhere(part: impl Into<String>) -> Self {
        let property = "differ, and no export shows where".to_owned();
        Self { place: Place::Part(part.into()), change: Change::Changed, property, before: None, after: None }
    }

    /// `+`, `-` or `~` and the place: `~ GET /orders/{id}`. One line.
    pub fn headline(&self) -> String {
        let sign = match self.change {
            Change::Added => "+",
            Change::Removed => "-",
            Change::Changed => "~",
        };
        one_line(&format!("{sign} {}", self.place))
    }

    /// What is to say about the place, if anything: `authorizer none → jwt-main`, or what an added route calls. One line;
    /// of long values the part that differs.
    pub fn detail(&self) -> String {
        let detail = match (self.change, &self.before, &self.after) {
            (Change::Changed, None, None) => self.property.clone(),
            (Change::Changed, before, after) => {
                let (before, after) = excerpt::pair(before.as_deref(), after.as_deref());
                format!("{} {before} → {after}", self.property).trim_start().to_owned()
            }
            (_, _, called) => called.clone().unwrap_or_default(),
        };
        one_line(&detail)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route { path, method } => write!(f, "{method} {path}"),
            Self::Part(part) => f.write_str(part),
        }
    }
}

impl fmt::Display for Difference {
    /// One line: `+ POST /refunds → checkout:live`, `- GET /old`, `~ GET /orders/{id}  authorizer none → jwt-main`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.detail();
        let separator = match self.change {
            _ if detail.is_empty() => "",
            Change::Added | Change::Removed => " → ",
            Change::Changed => "  ",
        };
        write!(f, "{}{separator}{detail}", self.headline())
    }
}

/// The differences place by place, each place once: its headline, then its details indented, or behind the headline when
/// there is only one.
pub fn by_place(differences: &[Difference]) -> Vec<String> {
    let same = |a: &Difference, b: &Difference| a.headline() == b.headline();
    let mut lines = Vec::new();
    for group in differences.chunk_by(same) {
        match group {
            [one] => lines.push(one.to_string()),
            several => {
                lines.extend(several.first().map(Difference::headline));
                lines.extend(several.iter().map(|difference| format!("    {}", difference.detail())));
            }
        }
    }
    lines
}

/// What differs between the deployed definition and the live one, sorted. When one side shows only what an export
/// shows, only that is compared.
pub fn differences(deployed: &Canonical, live: &Canonical) -> Vec<Difference> {
    let by_export = deployed.scope == Scope::Export || live.scope == Scope::Export;
    let narrow = |side: &Canonical| match side.scope {
        Scope::Full if by_export => shown::split(side).shown,
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
            (None, Some(route)) => found.push(Difference { after: target(route), ..whole(place, Change::Added) }),
            (Some(route), None) => found.push(Difference { before: target(route), ..whole(place, Change::Removed) }),
            (Some(old), Some(new)) => properties(&place, &route_leaves(old, new), &route_leaves(new, old), &mut found),
            (None, None) => {}
        }
    }
    found
}

/// A place that one side lacks.
pub(super) fn whole(place: Place, change: Change) -> Difference {
    Difference { place, change, property: String::new(), before: None, after: None }
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
        if let (Some(Value::String(uri)), Some(Value::String(other_uri))) = (&uri, other_uri) {
            found.insert("integration".into(), readable(uri, other_uri));
        }
    }
    found.extend(leaves(&rest));
    found
}

/// A URI as people read it, unless it then looks like another one: they can differ in account or region alone.
fn readable(uri: &str, other: &str) -> String {
    let alike = uri != other && integration::short(uri) == integration::short(other);
    if alike { uri.to_owned() } else { integration::short(uri) }
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
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => properties(&place, &leaves(old), &leaves(new), found),
            (None, Some(_)) if !in_both_only => found.push(whole(place, Change::Added)),
            (Some(_), None) if !in_both_only => found.push(whole(place, Change::Removed)),
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
    let difference = |path: &String, change| whole(Place::Part(format!("resource {path}")), change);
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
            // A name of the user's, in a map, has no default.
            let own = Some(name.strip_prefix("integration ").unwrap_or(name)).filter(|name| !name.contains(' '));
            let or_default = |value: Option<&String>, other: Option<&String>| {
                value.cloned().or_else(|| super::canonical::default_of(own?, other?))
            };
            let (before, after) = match (before, after) {
                (Some(old), Some(new)) if name == "authorizerUri" => {
                    (Some(&readable(old, new)), Some(&readable(new, old)))
                }
                both => both,
            };
            found.push(Difference {
                place: place.clone(),
                change: Change::Changed,
                property: name.clone(),
                before: or_default(before, after),
                after: or_default(after, before),
            });
        }
    }
}

/// Control characters spelled out, so that a difference is one line whatever the definition holds.
fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests;
