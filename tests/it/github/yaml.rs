//! YAML as values.

use serde_json::{Value, json};

use super::tools::Tools;

/// What YAML texts say. `None` for want of Python.
#[track_caller]
pub fn yaml(texts: &[&str]) -> Option<Vec<Value>> {
    let answer = Tools::shared()?.ask("yaml.py", &json!(texts));
    Some(serde_json::from_value(answer).unwrap())
}
