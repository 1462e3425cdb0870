//! What IAM asks about a concrete call before it is done, and how it answers by the caller's policy (aws-semantics §11).
//!
//! Says what AWS authorises *this* call on, by ARN. Whoever writes a policy beforehand has to name patterns instead; the
//! two are written apart on purpose, so that one can prove the other.

use serde_json::Value;

use super::account::{Account, Settings};
use crate::aws::{AwsError, Call};
use crate::policy::glob;

/// One question to IAM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// `lambda:UpdateAlias`, …
    pub action: &'static str,
    /// ARN, or `*` where the action has no resource of its own.
    pub resource: String,
    /// The condition key `lambda:Principal`, which only AddPermission carries.
    pub principal: Option<&'static str>,
}

impl Asked {
    /// Whether a policy that holds nothing but `Allow` allows it. What cannot be decided here is not allowed.
    pub fn is_allowed_by(&self, policy: &Value) -> bool {
        let statements = policy["Statement"].as_array();
        statements.into_iter().flatten().any(|statement| {
            statement["Effect"] == "Allow"
                && any(&statement["Action"], |pattern| glob::matches(pattern, self.action))
                && any(&statement["Resource"], |pattern| glob::matches(pattern, &self.resource))
                && self.meets(&statement["Condition"])
        })
    }

    fn meets(&self, condition: &Value) -> bool {
        let Some(operators) = condition.as_object() else { return condition.is_null() };
        operators.iter().all(|(operator, keys)| {
            let keys = keys.as_object();
            keys.is_some_and(|keys| {
                keys.iter().all(|(key, wanted)| match (operator.as_str(), key.as_str(), &self.principal) {
                    ("StringEqualsIfExists", "lambda:Principal", None) => true,
                    ("StringEqualsIfExists" | "StringEquals", "lambda:Principal", Some(principal)) => {
                        any(wanted, |one| one == *principal)
                    }
                    _ => false,
                })
            })
        })
    }
}

const fn tags_of(resource: String) -> Asked {
    Asked { action: "lambda:ListTags", resource, principal: None }
}

/// A text or a list of texts, of which one satisfies `test`.
fn any(value: &Value, test: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).any(test),
        _ => false,
    }
}

impl Account {
    /// What IAM asks about a call: nothing where it needs no permission.
    pub fn asked(&self, call: &Call) -> Option<Asked> {
        let (action, resource) = self.lambda(call).or_else(|| self.gateway(call)).or_else(|| self.other(call))?;
        let principal = matches!(call, Call::AddPermission(_)).then_some("apigateway.amazonaws.com");
        Some(Asked { action, resource, principal })
    }

    /// What IAM is asked besides, without which the call answers and leaves a part out: the tags of a function. Which ARN
    /// it is asked about where the call names a version is not documented; here it is that of the call.
    pub fn asked_besides(&self, call: &Call) -> Option<Asked> {
        let Call::GetFunction(get) = call else { return None };
        Some(tags_of(self.function_arn(&get.function, get.qualifier.as_deref())))
    }

    /// Refuses what the caller's policy does not allow.
    pub(super) fn authorize(&self, call: &Call) -> Result<(), AwsError> {
        let Some(policy) = &self.settings.caller_policy else { return Ok(()) };
        match self.asked(call) {
            Some(asked) if !asked.is_allowed_by(policy) => {
                let Asked { action, resource, .. } = asked;
                let message = format!(
                    "User: {} is not authorized to perform: {action} on resource: {resource} because no identity-based \
                     policy allows the {action} action",
                    self.identity().arn
                );
                Err(AwsError::rejected(403, "AccessDeniedException", message))
            }
            _ => Ok(()),
        }
    }

    /// Whether the tags of the function with this ARN may be read.
    pub(super) fn may_read_tags(&self, arn: &str) -> bool {
        let policy = self.settings.caller_policy.as_ref();
        self.settings.tags_readable && policy.is_none_or(|policy| tags_of(arn.to_owned()).is_allowed_by(policy))
    }

    /// Aliases and versions are made, moved, listed and removed by what is allowed on the function; what takes a qualifier
    /// is asked about with it.
    fn lambda(&self, call: &Call) -> Option<(&'static str, String)> {
        let arn = |function, qualifier: Option<&str>| self.function_arn(function, qualifier);
        Some(match call {
            Call::GetAlias(c) => ("lambda:GetAlias", arn(&c.function, None)),
            Call::CreateAlias(c) => ("lambda:CreateAlias", arn(&c.function, None)),
            Call::UpdateAlias(c) => ("lambda:UpdateAlias", arn(&c.function, None)),
            Call::DeleteAlias(c) => ("lambda:DeleteAlias", arn(&c.function, None)),
            Call::ListAliases(c) => ("lambda:ListAliases", arn(&c.function, None)),
            Call::ListVersionsByFunction(c) => ("lambda:ListVersionsByFunction", arn(&c.function, None)),
            Call::PublishVersion(c) => ("lambda:PublishVersion", arn(&c.function, None)),
            Call::GetFunction(c) => ("lambda:GetFunction", arn(&c.function, c.qualifier.as_deref())),
            Call::GetPolicy(c) => ("lambda:GetPolicy", arn(&c.function, Some(c.alias.as_str()))),
            Call::GetVersionPolicy(c) => ("lambda:GetPolicy", arn(&c.function, Some(&c.version.to_string()))),
            Call::GetProvisionedConcurrencyConfig(c) => {
                ("lambda:GetProvisionedConcurrencyConfig", arn(&c.function, Some(c.alias.as_str())))
            }
            Call::AddPermission(c) => ("lambda:AddPermission", arn(&c.function, Some(c.alias.as_str()))),
            Call::RemovePermission(c) => ("lambda:RemovePermission", arn(&c.function, Some(c.alias.as_str()))),
            Call::Invoke(c) => ("lambda:InvokeFunction", arn(&c.function, Some(&c.version.to_string()))),
            Call::DeleteVersion(c) => ("lambda:DeleteFunction", arn(&c.function, Some(&c.version.to_string()))),
            _ => return None,
        })
    }

    /// API Gateway's actions are HTTP methods, and its resources are paths without an account. Only routing rules have
    /// actions of their own.
    fn gateway(&self, call: &Call) -> Option<(&'static str, String)> {
        let Settings { partition, region, account, .. } = &self.settings;
        let (action, path) = match call {
            Call::CreateDeployment(c) => ("apigateway:POST", format!("restapis/{}/deployments", c.api)),
            Call::DeleteDeployment(c) => {
                ("apigateway:DELETE", format!("restapis/{}/deployments/{}", c.api, c.deployment))
            }
            Call::UpdateStage(c) => ("apigateway:PATCH", format!("restapis/{}/stages/{}", c.api, c.stage)),
            Call::CreateHttpDeployment(c) => ("apigateway:POST", format!("apis/{}/deployments", c.api)),
            Call::DeleteHttpDeployment(c) => {
                ("apigateway:DELETE", format!("apis/{}/deployments/{}", c.api, c.deployment))
            }
            Call::UpdateHttpStage(c) => ("apigateway:PATCH", format!("apis/{}/stages/{}", c.api, c.stage)),
            Call::ListRoutingRules(c) => {
                let arn =
                    format!("arn:{partition}:apigateway:{region}:{account}:/domainnames/{}/routingrules", c.domain);
                return Some(("apigateway:ListRoutingRules", arn));
            }
            read => ("apigateway:GET", gateway_path(read)?),
        };
        Some((action, format!("arn:{partition}:apigateway:{region}::/{path}")))
    }

    fn other(&self, call: &Call) -> Option<(&'static str, String)> {
        let Settings { partition, region, account, .. } = &self.settings;
        let any = |action| Some((action, "*".to_owned()));
        match call {
            Call::GetMetricData(_) => any("cloudwatch:GetMetricData"),
            Call::DescribeAlarms(_) => any("cloudwatch:DescribeAlarms"),
            Call::LookupEvents(_) => any("cloudtrail:LookupEvents"),
            Call::ListDeployments(_) => any("codedeploy:ListDeployments"),
            Call::BatchGetDeployments(_) => any("codedeploy:BatchGetDeployments"),
            Call::ListDeploymentTargets(_) => any("codedeploy:ListDeploymentTargets"),
            Call::BatchGetDeploymentTargets(_) => any("codedeploy:BatchGetDeploymentTargets"),
            Call::DescribeStackResources(_) => any("cloudformation:DescribeStackResources"),
            Call::SimulatePrincipalPolicy(c) => Some(("iam:SimulatePrincipalPolicy", c.principal.clone())),
            Call::FilterLogEvents(c) => {
                let group = format!("arn:{partition}:logs:{region}:{account}:log-group:{}:log-stream:", c.group);
                Some(("logs:FilterLogEvents", group))
            }
            _ => None,
        }
    }
}

/// The path of a `GET`.
fn gateway_path(call: &Call) -> Option<String> {
    Some(match call {
        Call::GetRestApis(_) => "restapis".into(),
        Call::GetRestApi(c) => format!("restapis/{}", c.api),
        Call::GetResources(c) => format!("restapis/{}/resources", c.api),
        Call::GetModels(c) => format!("restapis/{}/models", c.api),
        Call::GetAuthorizers(c) => format!("restapis/{}/authorizers", c.api),
        Call::GetRequestValidators(c) => format!("restapis/{}/requestvalidators", c.api),
        Call::GetGatewayResponses(c) => format!("restapis/{}/gatewayresponses", c.api),
        Call::GetStages(c) => format!("restapis/{}/stages", c.api),
        Call::GetStage(c) => format!("restapis/{}/stages/{}", c.api, c.stage),
        Call::GetExport(c) => format!("restapis/{}/stages/{}/exports/oas30", c.api, c.stage),
        Call::GetDeployments(c) => format!("restapis/{}/deployments", c.api),
        Call::GetDeployment(c) => format!("restapis/{}/deployments/{}", c.api, c.deployment),
        Call::GetDeploymentRoutes(c) => format!("restapis/{}/deployments/{}", c.api, c.deployment),
        Call::GetDomainName(c) => format!("domainnames/{}", c.domain),
        Call::GetBasePathMappings(c) => format!("domainnames/{}/basepathmappings", c.domain),
        Call::GetApi(c) => format!("apis/{}", c.api),
        Call::GetRoutes(c) => format!("apis/{}/routes", c.api),
        Call::GetIntegrations(c) => format!("apis/{}/integrations", c.api),
        Call::GetHttpAuthorizers(c) => format!("apis/{}/authorizers", c.api),
        Call::GetHttpStages(c) => format!("apis/{}/stages", c.api),
        Call::GetHttpStage(c) => format!("apis/{}/stages/{}", c.api, c.stage),
        Call::GetHttpDeployments(c) => format!("apis/{}/deployments", c.api),
        Call::GetHttpDeployment(c) => format!("apis/{}/deployments/{}", c.api, c.deployment),
        Call::ExportApi(c) => format!("apis/{}/exports/OAS30", c.api),
        Call::GetDomainNameV2(c) => format!("domainnames/{}", c.domain),
        Call::GetApiMappings(c) => format!("domainnames/{}/apimappings", c.domain),
        _ => return None,
    })
}
