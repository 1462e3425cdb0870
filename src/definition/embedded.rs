//! JSON that API Gateway hands out inside strings: resource policies and model schemas.

use serde_json::{Map, Value};

/// A resource policy in one form, whatever way it was written: API Gateway returns it with escaped quotes, and IAM
/// reads a list of one and a single value alike. A text that is no JSON stays text.
pub fn policy(text: &str) -> Value {
    let parsed = serde_json::from_str(text).or_else(|_| {
        serde_json::from_str::<String>(&format!("\"{text}\"")).and_then(|unescaped| serde_json::from_str(&unescaped))
    });
    match parsed {
        Ok(Value::String(inner)) if inner != text => policy(&inner),
        Ok(value) => policy_value(value),
        Err(_) => Value::String(text.to_owned()),
    }
}

/// As [`policy`], of a document that is already parsed. Every list of an IAM policy is a set.
pub fn policy_value(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(policy_value).collect();
            items.sort_by_cached_key(text_of);
            items.dedup();
            match <[Value; 1]>::try_from(items) {
                Ok([single]) => single,
                Err(items) => Value::Array(items),
            }
        }
        Value::Object(map) => sorted(
            map.into_iter()
                .map(|(key, value)| (key, policy_value(value)))
                .filter(|(_, value)| !is_empty(value))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// A model's schema; a reference to a model of the same API is reduced to the model's name, because the full form
/// holds the API's id. A text that is no JSON stays text.
pub fn schema(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => schema_value(value),
        Err(_) => Value::String(text.to_owned()),
    }
}

fn schema_value(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(schema_value).collect()),
        Value::Object(map) => sorted(
            map.into_iter()
                .map(|(key, value)| {
                    let reference = (key == "$ref").then(|| value.as_str().and_then(model_name)).flatten();
                    let value = reference.map_or_else(|| schema_value(value.clone()), Value::String);
                    (key, value)
                })
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// `…/restapis/API/models/NAME` → `models/NAME`.
fn model_name(reference: &str) -> Option<String> {
    let (_, rest) = reference.split_once("/restapis/")?;
    let (_api, name) = rest.split_once("/models/")?;
    Some(format!("models/{name}"))
}

/// Null, `{}` and `[]`: API Gateway leaves them out or in as it pleases (aws-semantics §6.6).
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The object with its keys in order, at every depth.
pub fn sorted(map: Map<String, Value>) -> Value {
    let mut value = Value::Object(map);
    value.sort_all_objects();
    value
}

/// Compact JSON.
pub fn text_of(value: &Value) -> String {
    value.to_string()
}
