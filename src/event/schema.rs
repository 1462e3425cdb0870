//! The JSON Schema of the event stream, made from the events themselves.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{EVENT_SCHEMA, Event};
use crate::config::DIALECT;

/// The schema of one line. Fields may be added within a major version of the stream, so that unknown ones are allowed.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut lines = settings.into_generator().into_root_schema_for::<Event>().to_value();
    for event in lines.pointer_mut("/oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        wrap(event);
    }
    let mut whole = json!({
        "$schema": DIALECT,
        "title": EVENT_SCHEMA,
        "description": "One line of what an acting command prints with --json. The first is `hello`, the last is `result` \
                        unless the process was killed; `seq` counts from 0 without gaps.",
    });
    if let (Some(whole), Value::Object(lines)) = (whole.as_object_mut(), lines) {
        let rest = lines.into_iter().filter(|(key, _)| key == "oneOf" || key == "$defs");
        whole.extend(rest);
    }
    whole
}

/// What every line carries besides.
fn wrap(event: &mut Value) {
    let added = json!({
        "ts": { "description": "When, UTC.", "type": "string", "format": "date-time" },
        "seq": { "description": "Its number.", "type": "integer", "minimum": 0 },
    });
    let Value::Object(added) = added else { return };
    let names: Vec<Value> = added.keys().map(|key| json!(key)).collect();
    if let Some(event) = event.as_object_mut() {
        entry(event, "properties", || Value::Object(Map::new())).as_object_mut().into_iter().for_each(|properties| {
            properties.extend(added.clone());
        });
        entry(event, "required", || json!([])).as_array_mut().into_iter().for_each(|all| all.extend(names.clone()));
    }
}

fn entry<'a>(map: &'a mut Map<String, Value>, key: &str, new: impl FnOnce() -> Value) -> &'a mut Value {
    map.entry(key).or_insert_with(new)
}
