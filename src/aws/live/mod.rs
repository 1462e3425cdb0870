//! The adapter to real AWS. `aws_sdk_*` is named nowhere else.
//!
//! The SDK sends each call exactly once. Its own retries are off: they would repeat writes and invocations blindly and
//! ignore `Retry-After` (aws-semantics §1.10); our layers repeat reads, and look before they repeat a write.

mod apigateway;
mod apigatewayv2;
mod classify;
mod cloudformation;
mod cloudwatch;
mod codedeploy;
mod connect;
mod credentials;
mod definition;
mod digest;
mod domain;
mod execute_api;
mod function;
mod lambda;
mod reply;
mod stage;
mod sts;

pub use connect::LiveSettings;
pub use credentials::CredentialsInfo;

use self::credentials::Keys;
use self::execute_api::ExecuteApi;
use super::{Aws, AwsError, Call, Operation, Reply};

/// Real AWS: one account, one region.
#[derive(Debug)]
pub struct Live {
    lambda: aws_sdk_lambda::Client,
    apigateway: aws_sdk_apigateway::Client,
    apigatewayv2: aws_sdk_apigatewayv2::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    codedeploy: aws_sdk_codedeploy::Client,
    sts: aws_sdk_sts::Client,
    stages: ExecuteApi,
    keys: Keys,
    region: Option<String>,
    endpoint: Option<String>,
    profile: Option<String>,
}

impl Live {
    /// The region that calls go to, wherever it was configured.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The address that replaces AWS's own, if one is configured; `lambda=URL, …` when only some services have one or
    /// they differ. An override pointing at the wrong place is a hazard worth printing (aws-semantics §13.1).
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The profile in force: the one asked for, else `AWS_PROFILE`.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Which credentials calls are signed with; `None` when no source has any.
    ///
    /// # Errors
    /// [`AwsError::Credentials`] when a source has some but they cannot be read or refreshed.
    pub async fn credentials(&self) -> Result<Option<CredentialsInfo>, AwsError> {
        self.keys.info().await
    }
}

impl Aws for Live {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        // Before the request exists: a failed or slow login is then known to have sent nothing. Requests through a
        // stage are not signed.
        if !matches!(call.operation(), Operation::InvokeStage | Operation::RequestUrl) {
            self.keys.fresh().await.map_err(|error| classify::credentials(&error))?;
        }
        let (lambda, apigateway, cloudwatch) = (&self.lambda, &self.apigateway, &self.cloudwatch);
        Ok(match call {
            Call::GetCallerIdentity(_) => Reply::GetCallerIdentity(sts::get_caller_identity(&self.sts).await?),
            Call::GetAlias(call) => Reply::GetAlias(lambda::get_alias(lambda, call).await?),
            Call::GetFunction(call) => Reply::GetFunction(lambda::get_function(lambda, call).await?),
            Call::ListVersionsByFunction(call) => {
                Reply::ListVersionsByFunction(lambda::list_versions_by_function(lambda, call).await?)
            }
            Call::ListAliases(call) => Reply::ListAliases(lambda::list_aliases(lambda, call).await?),
            Call::GetVersionPolicy(call) => Reply::GetVersionPolicy(lambda::get_version_policy(lambda, call).await?),
            Call::DeleteVersion(call) => Reply::DeleteVersion(lambda::delete_version(lambda, call).await?),
            Call::GetPolicy(call) => Reply::GetPolicy(lambda::get_policy(lambda, call).await?),
            Call::GetProvisionedConcurrencyConfig(call) => {
                Reply::GetProvisionedConcurrencyConfig(lambda::get_provisioned_concurrency_config(lambda, call).await?)
            }
            Call::PublishVersion(call) => Reply::PublishVersion(lambda::publish_version(lambda, call).await?),
            Call::CreateAlias(call) => Reply::CreateAlias(lambda::create_alias(lambda, call).await?),
            Call::UpdateAlias(call) => Reply::UpdateAlias(lambda::update_alias(lambda, call).await?),
            Call::DeleteAlias(call) => Reply::DeleteAlias(lambda::delete_alias(lambda, call).await?),
            Call::AddPermission(call) => Reply::AddPermission(lambda::add_permission(lambda, call).await?),
            Call::RemovePermission(call) => Reply::RemovePermission(lambda::remove_permission(lambda, call).await?),
            Call::Invoke(call) => Reply::Invoke(lambda::invoke(lambda, call).await?),
            Call::InvokeStage(call) => Reply::InvokeStage(self.stages.invoke_stage(call).await?),
            Call::RequestUrl(call) => Reply::RequestUrl(self.stages.request_url(call).await?),
            Call::GetMetricData(call) => Reply::GetMetricData(cloudwatch::get_metric_data(cloudwatch, call).await?),
            Call::DescribeAlarms(call) => Reply::DescribeAlarms(cloudwatch::describe_alarms(cloudwatch, call).await?),
            Call::ListDeployments(_)
            | Call::BatchGetDeployments(_)
            | Call::ListDeploymentTargets(_)
            | Call::BatchGetDeploymentTargets(_)
            | Call::DescribeStackResources(_) => return self.call_owners(call).await,
            Call::GetRestApis(call) => Reply::GetRestApis(apigateway::get_rest_apis(apigateway, call).await?),
            Call::GetRestApi(call) => Reply::GetRestApi(apigateway::get_rest_api(apigateway, call).await?),
            Call::GetResources(call) => Reply::GetResources(apigateway::get_resources(apigateway, call).await?),
            Call::GetModels(call) => Reply::GetModels(apigateway::get_models(apigateway, call).await?),
            Call::GetAuthorizers(call) => Reply::GetAuthorizers(apigateway::get_authorizers(apigateway, call).await?),
            Call::GetRequestValidators(call) => {
                Reply::GetRequestValidators(apigateway::get_request_validators(apigateway, call).await?)
            }
            Call::GetGatewayResponses(call) => {
                Reply::GetGatewayResponses(apigateway::get_gateway_responses(apigateway, call).await?)
            }
            Call::GetStages(call) => Reply::GetStages(apigateway::get_stages(apigateway, call).await?),
            Call::GetStage(call) => Reply::GetStage(apigateway::get_stage(apigateway, call).await?),
            Call::GetDeployment(call) => Reply::GetDeployment(apigateway::get_deployment(apigateway, call).await?),
            Call::GetDeployments(call) => Reply::GetDeployments(apigateway::get_deployments(apigateway, call).await?),
            Call::GetExport(call) => Reply::GetExport(apigateway::get_export(apigateway, call).await?),
            Call::CreateDeployment(call) => {
                Reply::CreateDeployment(apigateway::create_deployment(apigateway, call).await?)
            }
            Call::DeleteDeployment(call) => {
                Reply::DeleteDeployment(apigateway::delete_deployment(apigateway, call).await?)
            }
            Call::UpdateStage(call) => Reply::UpdateStage(apigateway::update_stage(apigateway, call).await?),
            Call::GetDomainName(call) => Reply::GetDomainName(domain::get_domain_name(apigateway, call).await?),
            Call::GetBasePathMappings(call) => {
                Reply::GetBasePathMappings(domain::get_base_path_mappings(apigateway, call).await?)
            }
            Call::GetDomainNameV2(_)
            | Call::GetApiMappings(_)
            | Call::ListRoutingRules(_)
            | Call::GetApi(_)
            | Call::GetRoutes(_)
            | Call::GetIntegrations(_)
            | Call::GetHttpAuthorizers(_)
            | Call::GetHttpStage(_)
            | Call::GetHttpStages(_)
            | Call::GetHttpDeployment(_)
            | Call::GetHttpDeployments(_)
            | Call::ExportApi(_)
            | Call::CreateHttpDeployment(_)
            | Call::DeleteHttpDeployment(_)
            | Call::UpdateHttpStage(_) => return self.call_http(call).await,
        })
    }
}

impl Live {
    /// What tells who else moves aliases and stages.
    async fn call_owners(&self, call: &Call) -> Result<Reply, AwsError> {
        let client = &self.codedeploy;
        Ok(match call {
            Call::ListDeployments(call) => Reply::ListDeployments(codedeploy::list_deployments(client, call).await?),
            Call::BatchGetDeployments(call) => {
                Reply::BatchGetDeployments(codedeploy::batch_get_deployments(client, call).await?)
            }
            Call::ListDeploymentTargets(call) => {
                Reply::ListDeploymentTargets(codedeploy::list_deployment_targets(client, call).await?)
            }
            Call::BatchGetDeploymentTargets(call) => {
                Reply::BatchGetDeploymentTargets(codedeploy::batch_get_deployment_targets(client, call).await?)
            }
            Call::DescribeStackResources(call) => Reply::DescribeStackResources(
                cloudformation::describe_stack_resources(&self.cloudformation, call).await?,
            ),
            other => {
                return Err(AwsError::Configuration { cause: format!("{} says nothing of owners", other.operation()) });
            }
        })
    }

    /// The operations of HTTP APIs and of regional custom domain names.
    async fn call_http(&self, call: &Call) -> Result<Reply, AwsError> {
        let client = &self.apigatewayv2;
        Ok(match call {
            Call::GetApi(call) => Reply::GetApi(apigatewayv2::get_api(client, call).await?),
            Call::GetRoutes(call) => Reply::GetRoutes(apigatewayv2::get_routes(client, call).await?),
            Call::GetIntegrations(call) => Reply::GetIntegrations(apigatewayv2::get_integrations(client, call).await?),
            Call::GetHttpAuthorizers(call) => {
                Reply::GetHttpAuthorizers(apigatewayv2::get_authorizers(client, call).await?)
            }
            Call::GetHttpStage(call) => Reply::GetHttpStage(apigatewayv2::get_stage(client, call).await?),
            Call::GetHttpStages(call) => Reply::GetHttpStages(apigatewayv2::get_stages(client, call).await?),
            Call::GetHttpDeployment(call) => {
                Reply::GetHttpDeployment(apigatewayv2::get_deployment(client, call).await?)
            }
            Call::GetHttpDeployments(call) => {
                Reply::GetHttpDeployments(apigatewayv2::get_deployments(client, call).await?)
            }
            Call::ExportApi(call) => Reply::ExportApi(apigatewayv2::export_api(client, call).await?),
            Call::CreateHttpDeployment(call) => {
                Reply::CreateHttpDeployment(apigatewayv2::create_deployment(client, call).await?)
            }
            Call::DeleteHttpDeployment(call) => {
                Reply::DeleteHttpDeployment(apigatewayv2::delete_deployment(client, call).await?)
            }
            Call::UpdateHttpStage(call) => Reply::UpdateHttpStage(apigatewayv2::update_stage(client, call).await?),
            Call::GetDomainNameV2(call) => Reply::GetDomainNameV2(domain::get_domain_name_v2(client, call).await?),
            Call::GetApiMappings(call) => Reply::GetApiMappings(domain::get_api_mappings(client, call).await?),
            Call::ListRoutingRules(call) => Reply::ListRoutingRules(domain::list_routing_rules(client, call).await?),
            other => {
                return Err(AwsError::Configuration {
                    cause: format!("{} is no HTTP API operation", other.operation()),
                });
            }
        })
    }
}
