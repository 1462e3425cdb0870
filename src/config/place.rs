//! What TARGET on the command line means.

use super::value::{Account, Region, TargetName};
use crate::address::{Address, NotAnAddress};
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
    /// A URL that does not say itself which stage answers: by a custom domain name, or by the default endpoint where the
    /// path may leave it to an HTTP API's `$default`. AWS knows.
    Url(Address),
}

impl TargetRef {
    /// Reads a name, `function:alias`, the ARN of an alias, `api/stage`, or a URL that API Gateway may answer.
    ///
    /// # Errors
    /// The text is none of these, or a part of it breaks a rule of AWS.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        match text.split_once("://") {
            Some(_) => from_url(text),
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
            Self::Url(address) => address.region(),
            Self::Named(_) => None,
        }
    }

    /// The account that the text itself names.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Alias { account, .. } => account.as_deref(),
            Self::Stage { .. } | Self::Url(_) | Self::Named(_) => None,
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

/// The default endpoint of an API names the stage first in its path; every other URL is left to be followed.
fn from_url(url: &str) -> Result<TargetRef, Problem> {
    let address: Address = url.parse().map_err(|error| match error {
        NotAnAddress::Api(error) => unreadable(url, &error),
        error => unresolved(url, &error.to_string()).fix(NAME_IT),
    })?;
    if let Address::DefaultEndpoint { api, region, path, .. } = &address {
        let region = region.parse::<Region>().map_err(|error| unreadable(url, &error))?.0;
        if let Some(Ok(stage)) = path.split('/').nth(1).map(str::parse) {
            return Ok(TargetRef::Stage { stage: StageRef { api: api.clone(), stage }, region: Some(region) });
        }
    }
    Ok(TargetRef::Url(address))
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
            ("https://api.example.com/checkout", TargetRef::Url("https://api.example.com/checkout".parse().unwrap())),
        ] {
            assert_eq!(TargetRef::parse(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn a_default_endpoint_whose_path_names_no_stage_may_be_that_of_an_http_api() {
        for path in ["", "/", "/index.html", "//prod", "/$default/x?y"] {
            let url = format!("https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com{path}");
            let read = TargetRef::parse(&url).unwrap();
            let is_default = path.starts_with("/$default");
            assert_eq!(matches!(read, TargetRef::Url(_)), !is_default, "{read:?}");
            assert_eq!(read.region(), Some("eu-west-1"));
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
            "https://a_b.execute-api.us-east-1.amazonaws.com/prod",
            "https://d-a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
            "https://vpce-0f1e-ab12.execute-api.us-east-1.vpce.amazonaws.com/prod",
            "wss://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
            "https://api.example.com:8443/checkout",
            "http://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
            "prod!",
            "",
        ];
        let shown = refused.map(|text| TargetRef::parse(text).unwrap_err().render(88));
        insta::assert_snapshot!(shown.join("\n"));
    }
}
