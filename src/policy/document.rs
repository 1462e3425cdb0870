//! The grammar of a resource policy: what `AddPermission` writes and what `PutResourcePolicy` accepts
//! (aws-semantics §4.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A policy document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// `default` when `AddPermission` made it; anything else means that somebody owns the whole document.
    pub id: Option<String>,
    /// The statements in order.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Statement id.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// To whom.
    pub principals: Either<Principals>,
    /// To which actions; patterns, case-insensitive.
    pub actions: Either<Vec<String>>,
    /// To which resources; patterns.
    pub resources: Either<Vec<String>>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Elements that this reader does not know; nothing can be proved about a statement with any.
    pub unknown: Vec<String>,
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Permits.
    Allow,
    /// Forbids, whatever permits.
    Deny,
}

/// An element or its `Not…` form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Either<T> {
    /// Those listed.
    Is(T),
    /// All but those listed.
    Not(T),
}

/// Whom a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    /// `"*"`.
    Anyone,
    /// Kind (`AWS`, `Service`, …) → names.
    Named(BTreeMap<String, Vec<String>>),
}

/// One condition: an operator, a key, and values of which one must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `ForAllValues` or `ForAnyValue`, if given.
    pub quantifier: Option<String>,
    /// Without quantifier and `IfExists`, such as `ArnLike`.
    pub operator: String,
    /// Holds also when the request has no such key.
    pub if_exists: bool,
    /// The key in lower case, such as `aws:sourcearn`: keys are case-insensitive.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
}

/// A text that is not a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a policy document: {0}")]
pub struct NotAPolicy(String);

impl Document {
    /// Reads a document as `GetPolicy` returns it.
    ///
    /// # Errors
    /// When it is no JSON, or an element has a type that IAM's grammar does not give it.
    pub fn parse(text: &str) -> Result<Self, NotAPolicy> {
        let value: Value = serde_json::from_str(text).map_err(|error| NotAPolicy(error.to_string()))?;
        let map = value.as_object().ok_or_else(|| NotAPolicy("it is no object".into()))?;
        let statements = match map.get("Statement") {
            Some(Value::Array(items)) => items.iter().map(statement).collect::<Result<_, _>>()?,
            Some(single) => vec![statement(single)?],
            None => Vec::new(),
        };
        Ok(Self { id: map.get("Id").and_then(Value::as_str).map(str::to_owned), statements })
    }

    /// Signs that a template or a person owns the whole document and may replace it (aws-semantics §4.2).
    pub fn owned_by_somebody(&self) -> bool {
        self.id.as_deref().is_some_and(|id| id != "default")
            || self.statements.iter().any(|s| s.sid.is_none() || s.effect == Effect::Deny)
    }
}

fn statement(value: &Value) -> Result<Statement, NotAPolicy> {
    const KNOWN: &[&str] =
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let map = value.as_object().ok_or_else(|| NotAPolicy("a statement is no object".into()))?;
    let effect = match map.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(NotAPolicy("a statement's Effect is neither Allow nor Deny".into())),
    };
    Ok(Statement {
        sid: map.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).map(str::to_owned),
        effect,
        principals: either(map, "Principal", principals)?,
        actions: either(map, "Action", texts)?,
        resources: either(map, "Resource", texts)?,
        conditions: conditions(map.get("Condition"))?,
        unknown: map.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect(),
    })
}

/// Reads `NAME` or `NotNAME`, of which a statement has exactly one.
fn either<T>(
    map: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Either<T>, NotAPolicy> {
    let wrong = |what: &str| NotAPolicy(format!("a statement's {name} is {what}"));
    match (map.get(name), map.get(&format!("Not{name}"))) {
        (Some(value), None) => Ok(Either::Is(read(value).ok_or_else(|| wrong("of another type"))?)),
        (None, Some(value)) => Ok(Either::Not(read(value).ok_or_else(|| wrong("of another type"))?)),
        (None, None) => Err(wrong("missing")),
        (Some(_), Some(_)) => Err(wrong("given together with its opposite")),
    }
}

fn principals(value: &Value) -> Option<Principals> {
    match value {
        Value::String(text) if text == "*" => Some(Principals::Anyone),
        Value::Object(map) => {
            let named = map.iter().map(|(kind, names)| Some((kind.clone(), texts(names)?)));
            Some(Principals::Named(named.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// A text or a list of texts; numbers and booleans, which conditions allow, become texts.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Bool(_) | Value::Number(_) => Some(vec![value.to_string()]),
        Value::Array(items) => items
            .iter()
            .map(|item| texts(item).filter(|_| !item.is_array()))
            .collect::<Option<Vec<_>>>()
            .map(|l| l.concat()),
        Value::Null | Value::Object(_) => None,
    }
}

fn conditions(value: Option<&Value>) -> Result<Vec<Condition>, NotAPolicy> {
    let wrong = || NotAPolicy("a statement's Condition is of another type".into());
    let Some(value) = value else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (operator, keys) in value.as_object().ok_or_else(wrong)? {
        let (quantifier, operator) = match operator.split_once(':') {
            Some((quantifier, operator)) => (Some(quantifier.to_owned()), operator),
            None => (None, operator.as_str()),
        };
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        for (key, values) in keys.as_object().ok_or_else(wrong)? {
            found.push(Condition {
                quantifier: quantifier.clone(),
                operator: operator.to_owned(),
                if_exists,
                key: key.to_ascii_lowercase(),
                values: texts(values).ok_or_else(wrong)?,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_grammar_is_read() {
        let document = Document::parse(
            r#"{"Version":"2012-10-17","Id":"mine","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["1","2"],"Service":"s"},
            "NotAction":["lambda:GetFunction","lambda:List*"],"NotResource":"arn","Condition":{
            "ForAllValues:StringLikeIfExists":{"aws:TagKeys":["a","b"]},"Bool":{"AWS:SecureTransport":false}}}}"#,
        )
        .unwrap();
        let statement = &document.statements[0];
        assert_eq!((statement.effect, statement.sid.as_deref()), (Effect::Deny, None));
        assert!(matches!(&statement.principals, Either::Not(Principals::Named(map)) if map["AWS"].len() == 2));
        assert!(matches!(&statement.actions, Either::Not(actions) if actions.len() == 2));
        assert!(matches!(&statement.resources, Either::Not(resources) if resources.len() == 1));
        let [all, bool] = &statement.conditions[..] else { panic!("two conditions") };
        assert_eq!(
            (all.quantifier.as_deref(), all.operator.as_str(), all.if_exists),
            (Some("ForAllValues"), "StringLike", true)
        );
        assert_eq!((bool.key.as_str(), bool.values[0].as_str()), ("aws:securetransport", "false"));
        assert!(document.owned_by_somebody());
    }

    #[test]
    fn what_is_no_policy_is_refused_and_says_why() {
        for (text, why) in [
            ("no", "expected"),
            ("[]", "no object"),
            (r#"{"Statement":[{"Effect":"Maybe"}]}"#, "Effect"),
            (r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#, "Principal is missing"),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":"me","Action":"*","Resource":"*"}]}"#,
                "Principal is of another type",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","NotAction":"*","Resource":"*"}]}"#,
                "opposite",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":1}}]}"#,
                "Condition",
            ),
        ] {
            let error = Document::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
