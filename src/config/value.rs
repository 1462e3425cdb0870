//! The kinds of values that configuration keys hold, each with its rule.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};
use toml::de::DeValue;

use super::document::{FromToml, Node};
use super::suggest::did_you_mean;
use crate::model::{
    AliasName, ApiId, FunctionName, InvalidName, ManagedBy, Percent, RedeployWhen, StageName, StageRef,
};
use crate::model::{schedule, variable};
use crate::problem::{Code, Problem};

/// A checked text: which type, what it is called, its rule, and the rule as a function.
macro_rules! checked {
    ($($(#[$doc:meta])* $name:ident $what:literal $rule:literal $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(super) struct $name(pub String);

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(invalid($what, text, $rule)) }
            }
        }
    )*};
}

checked! {
    /// Any text for people.
    Text "text" "must not be empty or hold control characters"
        |t| !t.trim().is_empty() && !t.chars().any(char::is_control);
    /// An AWS region.
    Region "region" "must look like us-east-1"
        |t| t.contains('-') && t.len() <= 32 && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    /// A profile of the AWS configuration files.
    Profile "profile" "must not be empty or hold control characters"
        |t| !t.trim().is_empty() && !t.chars().any(char::is_control);
    /// An AWS account.
    Account "account" "must be 12 digits"
        |t| t.len() == 12 && t.bytes().all(|b| b.is_ascii_digit());
    /// A stage variable (aws-semantics §5: 1–64 letters, digits, `_`).
    VariableName "stage variable name" "must be 1–64 letters, digits or `_`"
        |t| variable::is_name(t);
    /// The value of a stage variable.
    VariableValue "stage variable value" "must be 1–512 letters, digits or any of - . _ ~ : / ? # & = ,"
        |t| variable::is_value(t);
    /// The name of a target. A word without `:`, `/` and `.`, so that it cannot be taken for another kind of TARGET.
    TargetName "target name" "must be 1–64 letters, digits, `-` or `_`"
        |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
}

fn invalid(what: &'static str, value: &str, rule: &'static str) -> InvalidName {
    InvalidName { what, value: value.to_owned(), rule }
}

/// Roles that are assumed one after the other: ARNs, each on a line or after a comma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoleChain(pub Vec<String>);

impl FromStr for RoleChain {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let mut roles = Vec::new();
        for line in text.lines() {
            let mut rest = line.trim().trim_end_matches([',', ' ']);
            // The name of a role may hold a comma: one that separates stands before the next ARN.
            while let Some((role, next)) = rest.match_indices(',').find_map(|(at, _)| {
                let next = rest[at + 1..].trim_start();
                next.starts_with("arn:").then_some((&rest[..at], next))
            }) {
                roles.push(role.trim_end());
                rest = next;
            }
            roles.extend(Some(rest).filter(|rest| !rest.is_empty()));
        }
        if roles.is_empty() {
            return Err(invalid("role", text, ROLE_RULE));
        }
        roles.into_iter().map(role).collect::<Result<_, _>>().map(Self)
    }
}

const ROLE_RULE: &str = "must be the ARN of a role, such as arn:aws:iam::123456789012:role/stagegate-promote";

/// The ARN of a role (IAM's rules: a path of printable characters, then a name of 1–64).
fn role(text: &str) -> Result<String, InvalidName> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = parts.as_slice() else {
        return Err(invalid("role", text, ROLE_RULE));
    };
    if *service == "sts" && resource.starts_with("assumed-role/") {
        let rule = "is the ARN of a session; name its role: arn:aws:iam::123456789012:role/NAME";
        return Err(invalid("role", text, rule));
    }
    let name = resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let fits = *service == "iam"
        && (*partition == "aws" || partition.starts_with("aws-"))
        && account.parse::<Account>().is_ok()
        && (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
        && resource.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(invalid("role", text, ROLE_RULE)) }
}

/// How long a new permission is left alone, 0 s to 10 min.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settle(pub Duration);

impl FromStr for Settle {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
        match parsed {
            Some(time) if time <= Duration::from_secs(600) => Ok(Self(time)),
            _ => Err(invalid("time", text, "must be 0s to 10m, with its unit, such as \"20s\"")),
        }
    }
}

/// How long a step may be extended, 0 s to 48 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extension(pub Duration);

impl FromStr for Extension {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match schedule::duration(text) {
            Some(time) if time <= schedule::BAKE_MAX => Ok(Self(time)),
            _ => Err(invalid("time", text, "must be 0s to 48h, in h, m or s, such as \"15m\" or \"1h30m\"")),
        }
    }
}

/// The methods that a request can have.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The request of a check through the stage: `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpCheck {
    pub method: String,
    pub path: String,
}

impl FromStr for HttpCheck {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (method, path) = text.split_once(' ').unwrap_or((text, ""));
        let path = path.trim_start_matches(' ');
        let rule = if !METHODS.contains(&method) {
            "must begin with GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, then the path: \"GET /health\""
        } else if !path.starts_with('/') {
            "must name a path below the stage that begins with /, such as \"GET /health\""
        } else if !path.bytes().all(|b| b.is_ascii_graphic()) || path.contains('#') {
            "must have a path without blanks and `#`, other characters written as %XX"
        } else {
            return Ok(Self { method: method.to_owned(), path: path.to_owned() });
        };
        Err(invalid("request", text, rule))
    }
}

/// What `source` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceText {
    Latest,
    Version(u64),
    Target(String),
}

impl FromStr for SourceText {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let number = text.parse().ok().filter(|number| *number > 0);
        match (text.strip_prefix("target."), number) {
            (Some(name), _) => Ok(Self::Target(name.to_owned())),
            (None, Some(number)) => Ok(Self::Version(number)),
            (None, None) if text == "$LATEST" => Ok(Self::Latest),
            (None, None) => Err(invalid("source", text, "must be \"$LATEST\", \"target.NAME\" or a version number")),
        }
    }
}

/// The target that `redeploy.from` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FromTarget(pub String);

impl FromStr for FromTarget {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = text.strip_prefix("target.").filter(|name| name.parse::<TargetName>().is_ok());
        let rule = "must be \"target.NAME\", a target whose stage belongs to the same API";
        name.map(|name| Self(name.to_owned())).ok_or_else(|| invalid("source of a deployment", text, rule))
    }
}

/// The description of published versions: a template of at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(pub String);

impl FromStr for Template {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let plain = text.replace("{git_sha}", "").replace("{git_tag}", "");
        let rule = if plain.contains(['{', '}']) {
            "may hold {git_sha} and {git_tag} and no other braces"
        } else if text.chars().count() > 200 || plain.chars().any(char::is_control) {
            "must be at most 200 characters on one line"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(invalid("description", text, rule))
    }
}

/// A key holds text with a rule: what is told to people, and a pattern that every text matches that keeps the rule.
macro_rules! from_text {
    ($($kind:ty => $wanted:literal $pattern:literal,)*) => {$(
        impl FromToml for $kind {
            const WANTED: &'static str = $wanted;

            fn schema() -> Value {
                json!({ "type": "string", "pattern": $pattern })
            }

            fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
                node.text::<Self>()?.parse().map_err(|error: InvalidName| {
                    let what = format!("`{}` is not a valid {}", node.path, error.what);
                    node.problem(Code::BadValue, what, error.rule)
                })
            }
        }
    )*};
}

from_text! {
    Text => "text in quotes"
        "\\S",
    Region => "a region in quotes"
        "^[a-z0-9-]*-[a-z0-9-]*$",
    Profile => "a profile name in quotes"
        "\\S",
    Account => "12 digits in quotes"
        "^[0-9]{12}$",
    VariableName => "a variable name in quotes"
        "^[A-Za-z0-9_]{1,64}$",
    TargetName => "a target name in quotes"
        "^[A-Za-z0-9_-]{1,64}$",
    VariableValue => "a value in quotes"
        "^[A-Za-z0-9._~:/?#&=,-]{1,512}$",
    FromTarget => "\"target.NAME\" in quotes"
        "^target\\.[A-Za-z0-9_-]{1,64}$",
    Settle => "a time in quotes, such as \"20s\""
        "^[+]?[0-9P]",
    SourceText => "\"$LATEST\", \"target.NAME\" or a version number in quotes"
        "^(\\$LATEST|target\\..*|[+]?[0-9]*[1-9][0-9]*)$",
    Template => "text in quotes"
        "^([^{}]|\\{git_sha\\}|\\{git_tag\\})*$",
    FunctionName => "a function name in quotes"
        "^[A-Za-z0-9_-]{1,64}$",
    AliasName => "an alias name in quotes"
        "^[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*$",
    ApiId => "an API id in quotes"
        "^[a-z0-9]{1,64}$",
    StageName => "a stage name in quotes"
        "^(\\$default|[A-Za-z0-9_-]{1,128})$",
    StageRef => "\"API/STAGE\" in quotes"
        "^[a-z0-9]{1,64}/(\\$default|[A-Za-z0-9_-]{1,128})$",
    Percent => "a percentage in quotes, such as \"5%\""
        "^[0-9]+([.][0-9]{1,2})?%$",
    Extension => "a time in quotes, such as \"15m\""
        "^[0-9]",
    HttpCheck => "a method and a path in quotes, such as \"GET /health\""
        "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) +/[!\"$-~]*$",
}

impl FromToml for bool {
    const WANTED: &'static str = "true or false";

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        node.value.as_bool().ok_or_else(|| node.wrong_type::<Self>())
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole<const MIN: u64, const MAX: u64>(pub u64);

impl<const MIN: u64, const MAX: u64> FromToml for Whole<MIN, MAX> {
    const WANTED: &'static str = "a whole number without quotes";

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let number = node.value.as_integer().ok_or_else(|| node.wrong_type::<Self>())?;
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) if (MIN..=MAX).contains(&value) => Ok(Self(value)),
            _ => Err(node.problem(
                Code::BadValue,
                format!("`{}` is out of range", node.path),
                format!("must be {MIN} to {MAX}"),
            )),
        }
    }
}

impl FromToml for Value {
    const WANTED: &'static str = "a value that JSON has";

    fn schema() -> Self {
        json!(true)
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let refused = || node.wrong_type::<Self>();
        Ok(match node.value {
            DeValue::String(text) => Self::from(text.as_ref()),
            DeValue::Boolean(yes) => Self::from(*yes),
            DeValue::Integer(number) => {
                Self::from(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| refused())?)
            }
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map(Self::Number)
                .ok_or_else(refused)?,
            DeValue::Datetime(_) => return Err(refused()),
            DeValue::Array(items) => {
                let item = |(index, item)| Self::from_toml(&node.child(format!("{}[{index}]", node.path), item));
                Self::Array(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => {
                let mut map = serde_json::Map::new();
                for (key, value) in table {
                    let child = node.child(node.inside(key.get_ref()), value);
                    map.insert(key.get_ref().to_string(), Self::from_toml(&child)?);
                }
                Self::Object(map)
            }
        })
    }
}

/// The value as one of a few words.
pub(super) fn choice<T: FromToml + Copy>(node: &Node<'_>, words: &[(&str, T)]) -> Result<T, Problem> {
    let text = node.text::<T>()?;
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let note = did_you_mean(text, words.iter().map(|(word, _)| *word));
        node.problem(Code::BadValue, format!("`{}` cannot be \"{text}\"", node.path), note)
    })
}

/// A key holds one of a few words.
macro_rules! from_words {
    ($($kind:ty => $wanted:literal $words:expr;)*) => {$(
        impl $crate::config::document::FromToml for $kind {
            const WANTED: &'static str = $wanted;

            fn schema() -> serde_json::Value {
                let words: Vec<&str> = $words.iter().map(|(word, _)| *word).collect();
                serde_json::json!({ "enum": words })
            }

            fn from_toml(node: &$crate::config::document::Node<'_>) -> Result<Self, $crate::problem::Problem> {
                $crate::config::value::choice(node, &$words)
            }
        }
    )*};
}
pub(super) use from_words;

from_words! {
    ManagedBy => "\"terraform\", \"cloudformation\", \"sam\", \"cdk\" or \"none\"" Self::WORDS;
    RedeployWhen => "\"if-changed\", \"always\" or \"never\""
        [("if-changed", Self::IfChanged), ("always", Self::Always), ("never", Self::Never)];
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "arn:aws:iam::111122223333:role/hub";
    const SECOND: &str = "arn:aws-cn:iam::444455556666:role/team/a/promote,live";

    #[test]
    fn roles_stand_on_lines_or_after_commas_and_may_have_a_comma_in_their_names() {
        for text in [
            format!("{FIRST},{SECOND}"),
            format!("{FIRST}, {SECOND}"),
            format!("  {FIRST}\n\n{SECOND}\n"),
            format!("{FIRST} ,{SECOND},\r\n"),
        ] {
            assert_eq!(text.parse::<RoleChain>().unwrap().0, [FIRST, SECOND], "{text:?}");
        }
    }

    #[test]
    fn what_is_no_role_is_refused_with_what_it_is() {
        for (text, says) in [
            ("", "must be the ARN of a role"),
            (" \n ", "must be the ARN of a role"),
            ("stagegate-promote", "must be the ARN of a role"),
            ("arn:aws:iam::1234:role/a", "must be the ARN of a role"),
            ("arn:aws:iam::111122223333:user/a", "must be the ARN of a role"),
            ("arn:aws:iam::111122223333:role/", "must be the ARN of a role"),
            ("arn:aws:iam::111122223333:role/a b", "must be the ARN of a role"),
            ("arn:evil:iam::111122223333:role/a", "must be the ARN of a role"),
            ("arn:aws:sts::111122223333:assumed-role/a/session", "is the ARN of a session"),
        ] {
            let error = text.parse::<RoleChain>().unwrap_err();
            assert!(error.rule.starts_with(says), "{text:?}: {}", error.rule);
        }
        let second = format!("{FIRST}\nnope").parse::<RoleChain>().unwrap_err();
        assert_eq!(second.value, "nope", "the one that is wrong is named");
    }
}
