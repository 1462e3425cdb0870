//! A policy document as it will be after a statement was added or removed.

use serde_json::{Value, json};

use super::grant::stored;
use crate::aws::noun::Statement;

/// The document with a statement more, as `AddPermission` leaves it; a statement whose id is there changes nothing.
pub fn with(document: Option<&str>, alias_arn: &str, statement: &Statement) -> String {
    let (whole, mut all) = read(document);
    if !all.iter().any(|one| one["Sid"] == statement.sid.as_str()) {
        all.push(serde_json::from_str(&stored(alias_arn, statement)).unwrap_or_default());
    }
    written(whole, all)
}

/// The document without the statement of this id; `None` when none is left, as `RemovePermission` then removes the whole
/// policy (aws-semantics §4.1).
pub fn without(document: &str, sid: &str) -> Option<String> {
    let (whole, mut all) = read(Some(document));
    all.retain(|one| one["Sid"] != sid);
    (!all.is_empty()).then(|| written(whole, all))
}

/// The statement of this id as it stands there.
pub fn statement(document: &str, sid: &str) -> Option<Value> {
    read(Some(document)).1.into_iter().find(|one| one["Sid"] == sid)
}

/// The document and its statements; a single one may stand without a list.
fn read(document: Option<&str>) -> (Value, Vec<Value>) {
    let read: Option<Value> = document.and_then(|text| serde_json::from_str(text).ok()).filter(Value::is_object);
    let mut whole = read.unwrap_or_else(|| json!({ "Version": "2012-10-17", "Id": "default" }));
    let all = match whole["Statement"].take() {
        Value::Array(all) => all,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    (whole, all)
}

fn written(mut whole: Value, all: Vec<Value>) -> String {
    whole["Statement"] = Value::Array(all);
    whole.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{route_statement, size_after};

    const ALIAS: &str = "arn:aws:lambda:us-east-1:111111111111:function:fn:live";

    #[test]
    fn a_document_grows_to_the_size_that_was_foretold_and_shrinks_to_what_it_was() {
        let of =
            |n: u32| route_statement("abc123", "prod", &format!("arn:aws:execute-api:us-east-1:1:abc123/prod/GET/{n}"));
        let one = with(None, ALIAS, &of(1));
        let two = with(Some(&one), ALIAS, &of(2));
        assert_eq!(
            (one.len(), two.len()),
            (size_after(None, ALIAS, &[of(1)]), size_after(Some(&one), ALIAS, &[of(2)]))
        );
        assert_eq!(with(Some(&two), ALIAS, &of(2)), two);
        assert_eq!(without(&two, &of(2).sid), Some(one.clone()));
        assert_eq!(without(&one, &of(1).sid), None);
        assert_eq!(statement(&two, &of(1).sid).map(|found| found["Resource"].clone()), Some(json!(ALIAS)));
    }

    #[test]
    fn a_statement_that_stands_alone_is_read_like_a_list_of_one() {
        let alone = r#"{"Id":"mine","Statement":{"Sid":"a","Effect":"Deny"}}"#;
        assert_eq!(without(alone, "b").as_deref(), Some(r#"{"Id":"mine","Statement":[{"Sid":"a","Effect":"Deny"}]}"#));
        assert_eq!(without(alone, "a"), None);
    }
}
