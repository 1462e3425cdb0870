//! A stage variable that a release sets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest value, characters (aws-semantics §5).
pub const VALUE_CHARS_MAX: usize = 512;
/// The most variables of one stage (aws-semantics §5).
pub const VARIABLES_MAX: usize = 100;

/// Whether API Gateway takes this as the name of a variable (aws-semantics §5).
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether API Gateway takes this as a value (aws-semantics §5): `$LATEST` is none, and neither is the empty text.
pub fn is_value(text: &str) -> bool {
    (1..=VALUE_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&b))
}

/// A stage variable before and after a release. As text `table:orders-v1>orders-v2`, or `flag!>on` when it was unset:
/// no name or value holds `>`, `!` or a blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableChange {
    /// Its name.
    pub name: String,
    /// Its value; `None` = unset.
    pub before: Option<String>,
    /// What the release sets.
    pub want: String,
}

impl fmt::Display for VariableChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.before {
            Some(before) => write!(f, "{}:{before}>{}", self.name, self.want),
            None => write!(f, "{}!>{}", self.name, self.want),
        }
    }
}

/// A text that is no change of a variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say what a variable was")]
pub struct InvalidChange(pub String);

impl FromStr for VariableChange {
    type Err = InvalidChange;
    fn from_str(text: &str) -> Result<Self, InvalidChange> {
        let invalid = || InvalidChange(text.to_owned());
        let (left, want) = text.split_once('>').ok_or_else(invalid)?;
        let (name, before) = match (left.strip_suffix('!'), left.split_once(':')) {
            (Some(name), _) => (name, None),
            (None, Some((name, before))) => (name, Some(before.to_owned())),
            (None, None) => return Err(invalid()),
        };
        if !is_name(name) || want.is_empty() {
            return Err(invalid());
        }
        Ok(Self { name: name.to_owned(), before, want: want.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_was_written() {
        for (before, want) in [(Some("a:b/c?d=e,f&g#h"), "x.y~z"), (None, "on"), (Some(""), "on")] {
            let change = VariableChange { name: "table".into(), before: before.map(Into::into), want: want.into() };
            assert_eq!(change.to_string().parse(), Ok(change));
        }
        for text in ["", "table", "table:a", "table:a>", "ta-ble:a>b", ">b"] {
            assert!(text.parse::<VariableChange>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_values_are_those_of_api_gateway() {
        assert!(is_name("lambdaAlias_2") && !is_name("lambda-alias") && !is_name("") && !is_name(&"n".repeat(65)));
        assert!(is_value("https://x.example/?a=b#c,d~e") && !is_value("$LATEST") && !is_value("a b") && !is_value(""));
        assert!(is_value(&"v".repeat(512)) && !is_value(&"v".repeat(513)));
    }
}
