//! Validated names: a value of one of these types is well-formed, so nothing downstream checks again.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A name that AWS would refuse, with the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` {rule}")]
pub struct InvalidName {
    /// What was being read: "alias name", "API id", …
    pub what: &'static str,
    /// The text as given.
    pub value: String,
    /// The rule that it breaks, phrased to follow the value.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidName { what: $what, value: text.to_owned(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

fn word(text: &str, extra: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.as_bytes().contains(&b))
}

name!(
    /// A Lambda function's name, 1–64 characters (botocore model). ARNs are taken apart before they get here.
    FunctionName, "function name", "must be 1–64 letters, digits, `-` or `_`",
    |t| (1..=64).contains(&t.len()) && word(t, "-_")
);
name!(
    /// An alias name, 1–128 characters and not all digits: AWS would read digits as a version (botocore model).
    AliasName, "alias name", "must be 1–128 letters, digits, `-` or `_`, and not digits only (that would name a version)",
    |t| (1..=128).contains(&t.len()) && word(t, "-_") && !t.bytes().all(|b| b.is_ascii_digit())
);
name!(
    /// The id of a REST or HTTP API, such as `a1b2c3d4e5`.
    ApiId, "API id", "must be 1–64 lower-case letters or digits",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
);
name!(
    /// An API Gateway stage name, 1–128 characters (botocore model), or `$default` of an HTTP API.
    StageName, "stage name", "must be 1–128 letters, digits, `-` or `_`",
    |t| t == "$default" || ((1..=128).contains(&t.len()) && word(t, "-_"))
);
name!(
    /// The id of a release: `r-` and a ULID, so that ids sort by time.
    RunId, "run id", "must be `r-` followed by 26 characters of a ULID",
    |t| t.strip_prefix("r-").is_some_and(|u| u.len() == 26 && ulid::Ulid::from_string(u).is_ok())
);

/// How many of the 80 random bits come after a mark.
const MARK_SHIFT: u32 = 40;

impl JsonSchema for RunId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RunId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^r-[0-9A-HJKMNP-TV-Z]{26}$" })
    }
}

impl RunId {
    /// A new id from a time (milliseconds since 1970) and 80 random bits; both are passed in so that tests choose them.
    pub fn new(unix_ms: u64, random: u128) -> Self {
        Self(format!("r-{}", ulid::Ulid::from_parts(unix_ms, random)))
    }

    /// A new id of a release that a workflow run begins: `mark` takes the first forty of the random bits.
    pub fn marked(unix_ms: u64, mark: u64, random: u128) -> Self {
        let low = random & ((1 << MARK_SHIFT) - 1);
        Self::new(unix_ms, (u128::from(mark) << MARK_SHIFT) | low)
    }

    /// Whether a workflow run with this mark began it.
    pub fn has_mark(&self, mark: u64) -> bool {
        ulid::Ulid::from_string(self.ulid()).is_ok_and(|ulid| ulid.random() >> MARK_SHIFT == u128::from(mark))
    }

    /// The 26 characters after `r-`, as the record stores them.
    pub fn ulid(&self) -> &str {
        &self.0[2..]
    }

    /// When the release began, to the millisecond: the id holds it.
    pub fn began(&self) -> Option<Timestamp> {
        let ms = ulid::Ulid::from_string(self.ulid()).ok()?.timestamp_ms();
        Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
    }
}

/// A version of a function: a number, or the unpublished `$LATEST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Version {
    /// The mutable code and configuration that `PublishVersion` takes its snapshot of.
    Latest,
    /// A published, immutable version; counting starts at 1.
    Number(u64),
}

impl Version {
    /// The number, if this is a published version.
    pub const fn number(self) -> Option<u64> {
        match self {
            Self::Latest => None,
            Self::Number(n) => Some(n),
        }
    }

    /// As people read it: `v42`, or `$LATEST`.
    pub fn label(self) -> String {
        match self {
            Self::Latest => "$LATEST".into(),
            Self::Number(n) => format!("v{n}"),
        }
    }
}

impl fmt::Display for Version {
    /// As AWS writes it: `42`, or `$LATEST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.pad("$LATEST"),
            Self::Number(n) => f.pad(&n.to_string()),
        }
    }
}

impl FromStr for Version {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text {
            "$LATEST" => Ok(Self::Latest),
            _ => match text.parse() {
                Ok(n) if n > 0 => Ok(Self::Number(n)),
                _ => Err(InvalidName {
                    what: "version",
                    value: text.to_owned(),
                    rule: "must be a number from 1, or $LATEST",
                }),
            },
        }
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// One stage of one API, written `API/STAGE`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StageRef {
    /// The API's id.
    pub api: ApiId,
    /// The stage's name.
    pub stage: StageName,
}

impl fmt::Display for StageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api, self.stage)
    }
}

impl FromStr for StageRef {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (api, stage) = text.split_once('/').ok_or_else(|| InvalidName {
            what: "stage",
            value: text.to_owned(),
            rule: "must be written API_ID/STAGE",
        })?;
        Ok(Self { api: api.parse()?, stage: stage.parse()? })
    }
}

impl TryFrom<String> for StageRef {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<StageRef> for String {
    fn from(stage: StageRef) -> Self {
        stage.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_of_digits_is_a_version_to_aws_and_refused_here() {
        assert!("live".parse::<AliasName>().is_ok());
        let error = "42".parse::<AliasName>().unwrap_err().to_string();
        assert!(error.contains("not digits only"), "{error}");
    }

    #[test]
    fn versions_read_and_print_as_aws_writes_them() {
        assert_eq!("42".parse(), Ok(Version::Number(42)));
        assert_eq!("$LATEST".parse(), Ok(Version::Latest));
        assert!("0".parse::<Version>().is_err());
        assert_eq!(Version::Number(42).label(), "v42");
    }

    #[test]
    fn a_run_id_says_which_workflow_run_began_it_and_stays_unique() {
        let mark = 0x00ab_cdef_0123;
        let (one, other) = (RunId::marked(1_000, mark, 7), RunId::marked(1_000, mark, 8));
        assert!(one != other && one.has_mark(mark) && other.has_mark(mark));
        assert!(!one.has_mark(mark + 1) && !RunId::new(1_000, 7).has_mark(mark));
        assert_eq!(one.began(), RunId::new(1_000, 7).began());
    }

    #[test]
    fn run_ids_sort_by_time_and_read_back() {
        let (early, late) = (RunId::new(1_000, 7), RunId::new(2_000, 3));
        assert!(early < late);
        assert_eq!(early.as_str().parse(), Ok(early));
        assert!("r-short".parse::<RunId>().is_err());
    }
}
