//! How two exports of one HTTP API differ: what a stage serves, and what is live. AWS renders both, so that what differs
//! is the definition (aws-semantics §1.19).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::aws::noun::Export;
use crate::definition::diff::{Change, Difference, Place, leaves, properties, whole};
use crate::definition::{embedded, integration};

/// What every export may say differently, and what is not part of the definition.
const LEFT_OUT: &[&str] = &["info", "servers", "openapi", "tags", "x-amazon-apigateway-importexport-version"];
/// What a route calls, in an operation.
const INTEGRATION: &str = "x-amazon-apigateway-integration";
const ANY: &str = "x-amazon-apigateway-any-method";
/// The path under which an export shows the `$default` route.
const DEFAULT: &str = "/$default";

/// What differs between the export of a stage and that of the live definition, sorted.
pub fn differences(deployed: &Export, live: &Export) -> Vec<Difference> {
    let (old, new) = (operations(deployed), operations(live));
    let mut found = Vec::new();
    for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let place = place(key);
        match (old.get(key), new.get(key)) {
            (None, Some(operation)) => {
                found.push(Difference { after: target(operation), ..whole(place, Change::Added) });
            }
            (Some(operation), None) => {
                found.push(Difference { before: target(operation), ..whole(place, Change::Removed) });
            }
            (Some(old), Some(new)) => properties(&place, &named(old), &named(new), &mut found),
            (None, None) => {}
        }
    }
    let (old, new) = (authorizers(deployed), authorizers(live));
    for name in old.keys().filter(|name| new.contains_key(*name)) {
        let place = Place::Part(format!("authorizer {name}"));
        properties(&place, &leaves(&old[name]), &leaves(&new[name]), &mut found);
    }
    properties(&Place::Part("api".into()), &leaves(&rest(deployed)), &leaves(&rest(live)), &mut found);
    found.sort();
    found
}

/// (path, method) → the operation, what it refers to put in its place.
fn operations(export: &Value) -> BTreeMap<(String, String), Value> {
    let paths = export.get("paths").and_then(Value::as_object).into_iter().flatten();
    let methods = |(path, item): (&String, &Value)| -> Vec<((String, String), Value)> {
        let verb = |key: &str| if key == ANY { "ANY".to_owned() } else { key.to_ascii_uppercase() };
        let of = |(key, operation): (&String, &Value)| ((path.clone(), verb(key)), resolved(export, operation));
        item.as_object().into_iter().flatten().filter(|(_, operation)| operation.is_object()).map(of).collect()
    };
    paths.flat_map(methods).collect()
}

fn place((path, method): &(String, String)) -> Place {
    match path.as_str() {
        DEFAULT => Place::Part("$default".into()),
        _ => Place::Route { path: path.clone(), method: method.clone() },
    }
}

/// An operation with its integration in full: it may be a reference to one that several routes share, whose name means
/// nothing. Answers that an export makes up are left out.
fn resolved(export: &Value, operation: &Value) -> Value {
    let mut map = operation.as_object().cloned().unwrap_or_default();
    if let Some(reference) = map.get(INTEGRATION).and_then(|found| found.get("$ref")).and_then(Value::as_str)
        && let Some(integration) = reference.strip_prefix('#').and_then(|pointer| export.pointer(pointer))
    {
        map.insert(INTEGRATION.into(), integration.clone());
    }
    map.remove("responses");
    embedded::sorted(map)
}

/// What an operation calls, as people read it.
fn target(operation: &Value) -> Option<String> {
    let uri = operation.get(INTEGRATION).and_then(|found| found.get("uri")).and_then(Value::as_str);
    uri.map(integration::short)
}

/// An operation's properties by short names.
fn named(operation: &Value) -> BTreeMap<String, String> {
    let short = |name: String| match name.strip_prefix(INTEGRATION).map(str::trim_start) {
        Some("") => "integration".to_owned(),
        Some(rest) => format!("integration {rest}"),
        None => name,
    };
    leaves(operation).into_iter().map(|(name, value)| (short(name), value)).collect()
}

fn schemes(export: &Value) -> impl Iterator<Item = (&String, &Value)> {
    export.pointer("/components/securitySchemes").and_then(Value::as_object).into_iter().flatten()
}

/// Authorizers by name. One that only one side shows is used by no route of the other: its route says so.
fn authorizers(export: &Value) -> BTreeMap<String, Value> {
    schemes(export).map(|(name, scheme)| (name.clone(), scheme.clone())).collect()
}

/// What is neither route nor authorizer: CORS and other settings.
fn rest(export: &Value) -> Value {
    let mut rest: Map<String, Value> = export.as_object().cloned().unwrap_or_default();
    rest.retain(|key, _| key != "paths" && key != "components" && !LEFT_OUT.contains(&key.as_str()));
    embedded::sorted(rest)
}
