//! What TARGET on the command line means.

use super::value::{Account, Region, TargetName};
use crate::model::{AliasName, FunctionName, InvalidName, StageRef};
use crate::problem::{Code, Problem};

/// How a target is written.
const FORMS: &str = "write a name of stagegate.toml, FUNCTION:ALIAS, an alias ARN, API_ID/STAGE, or its URL";

/// What to write instead of a URL.
const NAME_IT: &str = "name the stage or the alias: API_ID/STAGE or FUNCTION:ALIAS";

/// TARGET, read but not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetRef {
    /// A `[target.NAME]` of the configuration file.
    Named(String),
    /// One alias of one function. Region and account are known when it was given as an ARN.
    Alias {
        /// The function.
        function: FunctionName,
        /// The alias.
        alias: AliasName,
        /// The ARN's region.
        region: Option<String>,
        /// The ARN's account.
        account: Option<String>,
    },
    /// One stage of one API. The region is known when it was given as a URL.
    Stage {
        /// API and stage.
        stage: StageRef,
        /// The URL's region.
        region: Option<String>,
    },
}

impl TargetRef {
    /// Reads a name, `function:alias`, the ARN of an alias, `api/stage`, or the URL of an API Gateway stage.
    ///
    /// # Errors
    /// The text is none of these, or a part of it breaks a rule of AWS.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => from_url(text, rest),
            Some(_) => Err(unresolved(text, "API Gateway answers on https:// only").fix(NAME_IT)),
            None if text.starts_with("arn:") => from_arn(text),
            None if text.contains('/') => {
                let stage = text.parse().map_err(|error| unreadable(text, &error))?;
                Ok(Self::Stage { stage, region: None })
            }
            None if text.contains(':') => from_pair(text),
            None => match text.parse::<TargetName>() {
                Ok(name) => Ok(Self::Named(name.0)),
                Err(error) => Err(unreadable(text, &error)),
            },
        }
    }

    /// The region that the text itself names.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Alias { region, .. } | Self::Stage { region, .. } => region.as_deref(),
            Self::Named(_) => None,
        }
    }

    /// The account that the text itself names.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Alias { account, .. } => account.as_deref(),
            Self::Stage { .. } | Self::Named(_) => None,
        }
    }
}

fn from_pair(text: &str) -> Result<TargetRef, Problem> {
    let parts: Vec<&str> = text.split(':').collect();
    let [function, alias] = parts.as_slice() else {
        return Err(shape(text).why("it has more than one `:` and is no full ARN").fix(FORMS));
    };
    Ok(TargetRef::Alias {
        function: function.parse().map_err(|error| unreadable(text, &error))?,
        alias: alias_of(text, function, alias)?,
        region: None,
        account: None,
    })
}

/// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME:ALIAS`, in any partition.
fn from_arn(text: &str) -> Result<TargetRef, Problem> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "lambda", region, account, "function", function, alias] => Ok(TargetRef::Alias {
            function: function.parse().map_err(|error| unreadable(text, &error))?,
            alias: alias_of(text, function, alias)?,
            region: Some(region.parse::<Region>().map_err(|error| unreadable(text, &error))?.0),
            account: Some(account.parse::<Account>().map_err(|error| unreadable(text, &error))?.0),
        }),
        ["arn", _, "lambda", _, _, "function", function] => Err(shape(text)
            .why("the ARN names a function without an alias")
            .fix(format!("add the alias at its end, or write {function}:ALIAS"))),
        _ => Err(shape(text).why("it is not the ARN of a Lambda alias").fix(FORMS)),
    }
}

fn alias_of(text: &str, function: &str, alias: &str) -> Result<AliasName, Problem> {
    let is_version = alias == "$LATEST" || (!alias.is_empty() && alias.bytes().all(|b| b.is_ascii_digit()));
    if is_version {
        return Err(shape(text)
            .why(format!("`{alias}` is a version, and only an alias can be promoted or rolled back"))
            .fix(format!("name the alias: {function}:ALIAS; a version goes to --function-version or --to")));
    }
    alias.parse().map_err(|error| unreadable(text, &error))
}

/// `API.execute-api.REGION.SUFFIX/STAGE/…`, in any partition. A private API may be called by
/// `API-VPCE.execute-api.…`.
fn from_url(url: &str, rest: &str) -> Result<TargetRef, Problem> {
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or(authority).split(':').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let [api, "execute-api", region, _, ..] = labels.as_slice() else {
        return Err(unresolved(url, "custom domains are not resolved yet")
            .fix(NAME_IT)
            .fix("which stage it is: aws apigateway get-base-path-mappings --domain-name DOMAIN"));
    };
    let api = api.split('-').next().unwrap_or_default();
    let stage = path.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or_default();
    if stage.is_empty() {
        return Err(unresolved(url, "the URL names no stage: it stands first in the path")
            .fix(format!("name the stage: {api}/STAGE, or '{api}/$default' for an HTTP API's default stage")));
    }
    Ok(TargetRef::Stage {
        stage: format!("{api}/{stage}").parse().map_err(|error| unreadable(url, &error))?,
        region: Some(region.parse::<Region>().map_err(|error| unreadable(url, &error))?.0),
    })
}

fn unresolved(url: &str, why: &str) -> Problem {
    Problem::new(Code::UnresolvedUrl, format!("cannot tell which stage answers {url}")).why(why)
}

fn shape(text: &str) -> Problem {
    Problem::new(Code::UnknownPlace, format!("`{text}` is not a target"))
}

fn unreadable(text: &str, error: &InvalidName) -> Problem {
    let why = match error.value.is_empty() {
        true => format!("the {} is missing", error.what),
        false => error.to_string(),
    };
    shape(text).why(why).fix(FORMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(region: Option<&str>, account: Option<&str>) -> TargetRef {
        TargetRef::Alias {
            function: "checkout-api".parse().unwrap(),
            alias: "live".parse().unwrap(),
            region: region.map(str::to_owned),
            account: account.map(str::to_owned),
        }
    }

    fn stage(region: Option<&str>) -> TargetRef {
        TargetRef::Stage { stage: "a1b2c3d4e5/prod".parse().unwrap(), region: region.map(str::to_owned) }
    }

    #[test]
    fn every_form_is_recognised_in_every_partition() {
        let arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:checkout-api:live";
        for (text, wanted) in [
            ("prod", TargetRef::Named("prod".into())),
            ("checkout-api:live", alias(None, None)),
            (arn, alias(Some("cn-north-1"), Some("123456789012"))),
            ("a1b2c3d4e5/prod", stage(None)),
            ("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod", stage(Some("us-east-1"))),
            ("HTTPS://A1B2C3D4E5.Execute-API.cn-north-1.amazonaws.com.cn:443/prod/v1?x=/y", stage(Some("cn-north-1"))),
            ("https://a1b2c3d4e5-vpce-0f1e.execute-api.us-east-1.amazonaws.com/prod#top", stage(Some("us-east-1"))),
        ] {
            assert_eq!(TargetRef::parse(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_target_is_refused_with_the_way_to_write_it() {
        let refused = [
            "checkout-api:42",
            "checkout-api:$LATEST",
            "checkout-api:",
            ":live",
            "123456789012:checkout-api:live",
            "arn:aws:lambda:us-east-1:123456789012:function:checkout-api",
            "arn:aws:lambda:us-east-1:123456789012:function:checkout-api:7",
            "arn:aws:lambda:us-east-1:12345:function:checkout-api:live",
            "arn:aws:sns:us-east-1:123456789012:topic",
            "A1B2/prod",
            "a1b2c3d4e5/",
            "https://api.example.com/checkout",
            "https://execute-api.example.com/checkout",
            "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/",
            "http://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
            "prod!",
            "",
        ];
        let shown = refused.map(|text| TargetRef::parse(text).unwrap_err().render(88));
        insta::assert_snapshot!(shown.join("\n"));
    }
}
