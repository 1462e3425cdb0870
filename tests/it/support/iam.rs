//! What IAM is asked about a request, told from the request as it is on the wire (Service Authorization Reference of each
//! service): written apart from the program, which knows it by its own names.

use serde_json::{Value, json};
use stagegate::policy::glob;

/// A request, as far as it tells its action and resource.
#[derive(Debug, Clone)]
pub struct Wire {
    /// `GET`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Of the headers only what names an operation: `x-amz-target`.
    pub operation: Option<String>,
    /// As text; empty where it is none.
    pub body: String,
}

/// Where the account is.
pub struct Place<'a> {
    /// `us-east-1`, …; the partition is `aws`.
    pub region: &'a str,
    /// Twelve digits.
    pub account: &'a str,
}

/// Whether a policy of nothing but `Allow` allows an action on a resource. Of conditions it knows the one that such a
/// policy has, which a request either meets or does not carry.
pub fn allows(policy: &Value, (action, resource): &(String, String)) -> bool {
    let any = |value: &Value, text: &str| match value {
        Value::String(pattern) => glob::matches(pattern, text),
        many => many.as_array().unwrap().iter().any(|one| glob::matches(one.as_str().unwrap(), text)),
    };
    let service = json!({ "StringEqualsIfExists": { "lambda:Principal": "apigateway.amazonaws.com" } });
    policy["Statement"].as_array().unwrap().iter().any(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        assert!(statement.get("Condition").is_none_or(|condition| *condition == service), "{statement}");
        any(&statement["Action"], action) && any(&statement["Resource"], resource)
    })
}

impl Wire {
    /// Action and resource; none for what needs no permission.
    pub fn asked(&self, place: &Place<'_>) -> Option<(String, String)> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let qualifier = query.split('&').find_map(|pair| pair.strip_prefix("Qualifier="));
        match parts.as_slice() {
            [_, "functions", function, rest @ ..] => Some(self.lambda(place, function, rest, qualifier)),
            ["restapis" | "domainnames", ..] => Some(self.gateway(place, &parts)),
            ["v2", rest @ ..] => Some(self.gateway(place, rest)),
            ["service", _, "operation", name] => Some((format!("cloudwatch:{name}"), "*".into())),
            [] => self.by_name(place),
            other => panic!("nobody said what IAM asks of {} {other:?}", self.method),
        }
    }

    fn lambda(&self, place: &Place<'_>, function: &str, rest: &[&str], qualifier: Option<&str>) -> (String, String) {
        let (name, qualified) = match (self.method.as_str(), rest) {
            ("GET", []) => ("GetFunction", true),
            ("DELETE", []) => ("DeleteFunction", true),
            ("GET", ["versions"]) => ("ListVersionsByFunction", false),
            ("POST", ["versions"]) => ("PublishVersion", false),
            ("GET", ["aliases"]) => ("ListAliases", false),
            ("POST", ["aliases"]) => ("CreateAlias", false),
            ("GET", ["aliases", _]) => ("GetAlias", false),
            ("PUT", ["aliases", _]) => ("UpdateAlias", false),
            ("DELETE", ["aliases", _]) => ("DeleteAlias", false),
            ("GET", ["policy"]) => ("GetPolicy", true),
            ("POST", ["policy"]) => ("AddPermission", true),
            ("DELETE", ["policy", _]) => ("RemovePermission", true),
            ("GET", ["provisioned-concurrency"]) => ("GetProvisionedConcurrencyConfig", true),
            ("POST", ["invocations"]) => ("InvokeFunction", true),
            other => panic!("nobody said what IAM asks of {other:?}"),
        };
        assert!(qualified || qualifier.is_none(), "{name} takes no qualifier");
        let below = qualifier.map(|name| format!(":{name}")).unwrap_or_default();
        let Place { region, account } = place;
        (format!("lambda:{name}"), format!("arn:aws:lambda:{region}:{account}:function:{function}{below}"))
    }

    /// The action is the method and the resource the path, as both services share them; routing rules have actions and
    /// ARNs of their own.
    fn gateway(&self, place: &Place<'_>, parts: &[&str]) -> (String, String) {
        let Place { region, account } = place;
        let path = parts.join("/").replace("%24", "$");
        match (self.method.as_str(), parts) {
            ("GET", ["domainnames", _, "routingrules"]) => {
                ("apigateway:ListRoutingRules".into(), format!("arn:aws:apigateway:{region}:{account}:/{path}"))
            }
            (method, _) => (format!("apigateway:{method}"), format!("arn:aws:apigateway:{region}::/{path}")),
        }
    }

    /// Services with one path name their operations in a header or in the body.
    fn by_name(&self, place: &Place<'_>) -> Option<(String, String)> {
        let form = |key: &str| {
            let pair = self.body.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            pair.map(|value| value.replace("%3A", ":").replace("%2F", "/"))
        };
        let name = match &self.operation {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => form("Action").unwrap_or_else(|| panic!("which operation is it? {self:?}")),
        };
        let service = match name.as_str() {
            "GetCallerIdentity" => return None,
            "LookupEvents" => "cloudtrail",
            "DescribeStackResources" => "cloudformation",
            "SimulatePrincipalPolicy" => return form("PolicySourceArn").map(|arn| (format!("iam:{name}"), arn)),
            "FilterLogEvents" => {
                let body: Value = serde_json::from_str(&self.body).unwrap();
                let group = body["logGroupName"].as_str().unwrap().to_owned();
                let Place { region, account } = place;
                let arn = format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:");
                return Some((format!("logs:{name}"), arn));
            }
            _ if self.operation.as_ref().is_some_and(|target| target.starts_with("CodeDeploy_")) => "codedeploy",
            other => panic!("nobody said what IAM asks of {other}"),
        };
        Some((format!("{service}:{name}"), "*".into()))
    }
}
