//! The settings that flags, environment, file and defaults can all give, and which of them decides.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::place::TargetRef;
use super::value::{Account, Profile, Region, RoleChain, Settle};
use crate::model::{InvalidName, Target};
use crate::problem::{Code, Problem};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// TARGET itself: an ARN or a URL that names it.
    Place,
    /// This flag.
    Flag(&'static str),
    /// This environment variable.
    Env(&'static str),
    /// This line of the configuration file, counted from 1.
    File {
        /// The line.
        line: usize,
    },
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// Whether it is one of AWS's own variables, over which the file counts.
    pub fn is_of_aws(self) -> bool {
        matches!(self, Self::Env(name) if name.starts_with("AWS_"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place => f.write_str("the target itself"),
            Self::Flag(name) | Self::Env(name) => f.write_str(name),
            Self::File { line } => write!(f, "the configuration file, line {line}"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub from: Origin,
}

/// The flags, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--region`
    pub region: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--account`
    pub account: Option<String>,
    /// `--assume-role`, each on a line.
    pub assume_role: Option<String>,
    /// `--permission-settle`
    pub permission_settle: Option<String>,
}

/// What the configuration file says ([`super::Config::layer`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// `region`
    pub region: Option<Sourced<String>>,
    /// `profile`
    pub profile: Option<Sourced<String>>,
    /// `account`
    pub account: Option<Sourced<String>>,
    /// `permission_settle`
    pub permission_settle: Option<Sourced<Duration>>,
}

impl Layer {
    /// What several targets say together: a place that all that name one agree about, and the longest wait.
    pub fn agreed(layers: &[Self]) -> Self {
        let agreed = |setting: fn(&Self) -> Option<&Sourced<String>>| {
            let mut said = layers.iter().filter_map(setting);
            let first = said.next()?;
            said.all(|other| other.value == first.value).then(|| first.clone())
        };
        Self {
            region: agreed(|layer| layer.region.as_ref()),
            profile: agreed(|layer| layer.profile.as_ref()),
            account: agreed(|layer| layer.account.as_ref()),
            permission_settle: layers.iter().filter_map(|layer| layer.permission_settle).max_by_key(|one| one.value),
        }
    }
}

/// The settings that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The region; none leaves it to the AWS profile.
    pub region: Option<Sourced<String>>,
    /// The AWS profile; none leaves it to the SDK's own order.
    pub profile: Option<Sourced<String>>,
    /// The only account that is allowed; none allows any.
    pub account: Option<Sourced<String>>,
    /// The roles to assume one after the other, as ARNs; none works with the credentials as they are found.
    pub assume_role: Option<Sourced<Vec<String>>>,
    /// How long a new permission is left alone, 0 s to 10 min.
    pub permission_settle: Sourced<Duration>,
}

/// The names of one setting, in the order in which they decide: flag, our variable, (the file,) AWS's variables.
struct Names {
    flag: &'static str,
    ours: &'static str,
    theirs: &'static [&'static str],
}

const REGION: Names =
    Names { flag: "--region", ours: "STAGEGATE_REGION", theirs: &["AWS_REGION", "AWS_DEFAULT_REGION"] };
const PROFILE: Names = Names { flag: "--profile", ours: "STAGEGATE_PROFILE", theirs: &["AWS_PROFILE"] };
const ACCOUNT: Names = Names { flag: "--account", ours: "STAGEGATE_ACCOUNT", theirs: &[] };
const ASSUME_ROLE: Names = Names { flag: "--assume-role", ours: "STAGEGATE_ASSUME_ROLE", theirs: &[] };
const PERMISSION_SETTLE: Names =
    Names { flag: "--permission-settle", ours: "STAGEGATE_PERMISSION_SETTLE", theirs: &[] };

/// Flag, our variable, and AWS's variables of every setting that has them.
pub fn setting_variables() -> [(&'static str, &'static str, &'static [&'static str]); 5] {
    [REGION, PROFILE, ACCOUNT, ASSUME_ROLE, PERMISSION_SETTLE].map(|names| (names.flag, names.ours, names.theirs))
}

/// The environment: a variable's value, none if it is not set.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Lays the flags over the `STAGEGATE_` variables over the file over the `AWS_` variables. An empty variable is
    /// unset. Region and account that TARGET itself names decide alone.
    ///
    /// # Errors
    /// A flag or variable that decides has a value that cannot be used, or a flag (for the account also a variable or
    /// the file) contradicts the target.
    pub fn layered(flags: &Flags, env: Env<'_>, file: Layer, place: Option<&TargetRef>) -> Result<Self, Problem> {
        let region = decide(&REGION, flags.region.as_deref(), env, file.region, |text: Region| text.0)?;
        let account = decide(&ACCOUNT, flags.account.as_deref(), env, file.account, |text: Account| text.0)?;
        let settle = &PERMISSION_SETTLE;
        let permission_settle =
            decide(settle, flags.permission_settle.as_deref(), env, file.permission_settle, |text: Settle| text.0)?;
        Ok(Self {
            region: of_place(place.and_then(TargetRef::region), region, Code::RegionMissing)?,
            profile: decide(&PROFILE, flags.profile.as_deref(), env, file.profile, |text: Profile| text.0)?,
            account: of_place(place.and_then(TargetRef::account), account, Code::WrongAccount)?,
            assume_role: decide(&ASSUME_ROLE, flags.assume_role.as_deref(), env, None, |text: RoleChain| text.0)?,
            permission_settle: permission_settle
                .unwrap_or(Sourced { value: Target::PERMISSION_SETTLE, from: Origin::Default }),
        })
    }

    /// The target with these settings.
    #[must_use]
    pub fn apply(&self, target: Target) -> Target {
        let text = |value: &Option<Sourced<String>>| value.as_ref().map(|sourced| sourced.value.clone());
        Target {
            region: text(&self.region),
            profile: text(&self.profile),
            account: text(&self.account),
            permission_settle: self.permission_settle.value,
            ..target
        }
    }
}

fn decide<P: FromStr<Err = InvalidName>, T>(
    names: &Names,
    flag: Option<&str>,
    env: Env<'_>,
    file: Option<Sourced<T>>,
    inner: impl Fn(P) -> T,
) -> Result<Option<Sourced<T>>, Problem> {
    let read = |text: &str, from: Origin| match text.parse() {
        Ok(value) => Ok(Some(Sourced { value: inner(value), from })),
        Err(error) => Err(unusable(names, &error, from)),
    };
    let variable = |name: &'static str| env(name).filter(|text| !text.is_empty());
    if let Some(text) = flag {
        return read(text, Origin::Flag(names.flag));
    }
    if let Some(text) = variable(names.ours) {
        return read(&text, Origin::Env(names.ours));
    }
    if file.is_some() {
        return Ok(file);
    }
    match names.theirs.iter().find_map(|name| Some((*name, variable(name)?))) {
        Some((name, text)) => read(&text, Origin::Env(name)),
        None => Ok(None),
    }
}

fn unusable(names: &Names, error: &InvalidName, from: Origin) -> Problem {
    Problem::new(Code::BadOption, format!("{from} is not a valid {}: `{}`", error.what, error.value))
        .why(format!("it {}", error.rule))
        .fix(match from {
            Origin::Env(name) => format!("correct or unset {name}, or overrule it with {}", names.flag),
            _ => format!("correct {from}"),
        })
}

/// What TARGET itself names decides. It may differ from a region that is merely set somewhere, not from one typed
/// beside it, and never from the account that is expected.
fn of_place(place: Option<&str>, set: Option<Sourced<String>>, code: Code) -> Result<Option<Sourced<String>>, Problem> {
    let Some(place) = place else { return Ok(set) };
    match set {
        Some(Sourced { value, from })
            if value != place && (code == Code::WrongAccount || matches!(from, Origin::Flag(_))) =>
        {
            let what = format!("the target lies in {place}, and {from} says {value}");
            Err(Problem::new(code, what).why("an ARN or URL names its place itself").fix("correct one of the two"))
        }
        _ => Ok(Some(Sourced { value: place.to_owned(), from: Origin::Place })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layered(flags: &Flags, env: &[(&str, &str)], file: Layer, place: Option<&str>) -> Result<Settings, Problem> {
        let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let place = place.map(|text| TargetRef::parse(text).unwrap());
        Settings::layered(flags, &lookup, file, place.as_ref())
    }

    fn region(value: &str, from: Origin) -> Option<Sourced<String>> {
        Some(Sourced { value: value.into(), from })
    }

    fn file() -> Layer {
        Layer { region: region("eu-west-1", Origin::File { line: 7 }), ..Layer::default() }
    }

    #[test]
    fn flag_beats_our_variable_beats_file_beats_their_variable() {
        let flags = Flags { region: Some("eu-north-1".into()), ..Flags::default() };
        let env = [("STAGEGATE_REGION", "us-west-2"), ("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-2")];
        let none = Flags::default();
        for (flags, env, file, wanted) in [
            (&flags, &env[..], file(), region("eu-north-1", Origin::Flag("--region"))),
            (&none, &env[..], file(), region("us-west-2", Origin::Env("STAGEGATE_REGION"))),
            (&none, &env[1..], file(), region("eu-west-1", Origin::File { line: 7 })),
            (&none, &env[1..], Layer::default(), region("us-east-1", Origin::Env("AWS_REGION"))),
            (&none, &env[2..], Layer::default(), region("us-east-2", Origin::Env("AWS_DEFAULT_REGION"))),
            (&none, &[], Layer::default(), None),
        ] {
            assert_eq!(layered(flags, env, file, None).unwrap().region, wanted);
        }
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let env = [("STAGEGATE_REGION", ""), ("STAGEGATE_PERMISSION_SETTLE", ""), ("AWS_REGION", "")];
        let settings = layered(&Flags::default(), &env, Layer::default(), None).unwrap();
        assert_eq!(settings.region, None);
        assert_eq!(settings.permission_settle, Sourced { value: Duration::from_secs(20), from: Origin::Default });
    }

    #[test]
    fn the_target_decides_its_own_region_and_account() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout-api:live";
        let settings = layered(&Flags::default(), &[("STAGEGATE_REGION", "us-west-2")], file(), Some(arn)).unwrap();
        assert_eq!(settings.region, region("us-east-1", Origin::Place));
        assert_eq!(settings.account, region("123456789012", Origin::Place));
        let target = settings.apply(Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap()));
        assert_eq!(target.region.as_deref(), Some("us-east-1"));

        let flags = Flags { region: Some("us-west-2".into()), ..Flags::default() };
        assert_eq!(layered(&flags, &[], file(), Some(arn)).unwrap_err().code, Code::RegionMissing);
        let expected = [("STAGEGATE_ACCOUNT", "999988887777")];
        let refused = layered(&Flags::default(), &expected, file(), Some(arn)).unwrap_err();
        assert_eq!(refused.code, Code::WrongAccount);
    }

    #[test]
    fn a_bad_value_names_where_it_comes_from_and_one_that_is_overruled_does_not_matter() {
        let env = [("STAGEGATE_PERMISSION_SETTLE", "20"), ("AWS_REGION", "nowhere")];
        let refused = layered(&Flags::default(), &env, file(), None).unwrap_err();
        insta::assert_snapshot!(refused.render(88));
        let flags = Flags { permission_settle: Some("1m 30s".into()), ..Flags::default() };
        let settings = layered(&flags, &env, file(), None).unwrap();
        assert_eq!(settings.permission_settle.value, Duration::from_secs(90));
        let flags = Flags { account: Some("1234".into()), ..Flags::default() };
        assert_eq!(layered(&flags, &[], file(), None).unwrap_err().code, Code::BadOption);
    }
}
