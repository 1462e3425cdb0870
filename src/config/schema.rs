//! The JSON Schema of the configuration file, made from the same declarations that it is read by.

use serde_json::{Map, Value, json};

use super::document::FromToml as _;
use super::file::{File, Keys};

/// The dialect of the schemas that `stagegate schema` prints.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where the schema of a target's keys stands.
const TARGET: &str = "#/$defs/target";

/// The schema of `stagegate.toml`, for editors and other programs. What a schema cannot say, such as that two keys
/// contradict each other, it leaves out: it refuses nothing that is accepted here.
pub fn schema() -> Value {
    let mut file = File::schema();
    let (defaults, target) = (json!({ "$ref": TARGET }), json!({ "$ref": TARGET }));
    if let Some(old) = file.pointer_mut("/properties/defaults") {
        *old = described(defaults, old["description"].clone());
    }
    if let Some(old) = file.pointer_mut("/properties/target/additionalProperties") {
        *old = target;
    }
    let mut whole = json!({
        "$schema": DIALECT,
        "title": super::FILE_NAME,
        "description": "What stagegate promotes, and where.",
        "required": ["schema"],
    });
    if let (Some(whole), Value::Object(file)) = (whole.as_object_mut(), file) {
        whole.extend(file);
        whole.insert("$defs".into(), json!({ "target": Keys::schema() }));
    }
    whole
}

fn described(mut schema: Value, description: Value) -> Value {
    schema["description"] = description;
    schema
}

/// What a key of a target does, and its default: `about(&["canary", "steps"])`.
pub(super) fn about(path: &[&str]) -> String {
    let mut at = Keys::schema();
    for key in path {
        // The entries of a list of tables are described where the list is.
        let inside = at.get("items").unwrap_or(&at);
        at = inside.get("properties").and_then(|keys| keys.get(key)).cloned().unwrap_or_default();
    }
    at.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A table with these keys and no others: their names, what is said of them, what they hold.
pub(super) fn table<const N: usize>(keys: [(&str, &str, Value); N]) -> Value {
    let properties: Map<String, Value> = keys
        .into_iter()
        .map(|(key, about, kind)| {
            let mut described = json!({ "description": about.trim() });
            // The other kind of schema is `true`: anything.
            if let (Some(described), Value::Object(kind)) = (described.as_object_mut(), kind) {
                described.extend(kind);
            }
            (key.to_owned(), described)
        })
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// A table whose keys are names that people choose.
pub(super) fn map(name: &Value, value: &Value) -> Value {
    json!({ "type": "object", "propertyNames": name, "additionalProperties": value })
}
