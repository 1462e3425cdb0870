//! The adapter to real AWS. `aws_sdk_*` is named nowhere else.
//!
//! The SDK sends each call exactly once. Its own retries are off: they would repeat writes and invocations blindly and
//! ignore `Retry-After` (aws-semantics §1.10); our layers repeat reads, and look before they repeat a write.

mod apigateway;
mod apigatewayv2;
mod classify;
mod cloudformation;
mod cloudtrail;
mod cloudwatch;
mod codedeploy;
mod connect;
mod credentials;
mod definition;
mod digest;
mod domain;
mod execute_api;
mod function;
mod github_oidc;
mod iam;
mod lambda;
mod logs;
mod reply;
mod roles;
mod secrets;
mod stage;
mod sts;

pub use connect::LiveSettings;
pub use credentials::CredentialsInfo;
pub use github_oidc::IdTokenRequest;

use self::credentials::Keys;
use self::execute_api::ExecuteApi;
use self::secrets::Secrets;
use super::{Aws, AwsError, Call, Lifetime, Operation, Reply};

/// Real AWS: one account, one region.
#[derive(Debug)]
pub struct Live {
    lambda: aws_sdk_lambda::Client,
    apigateway: aws_sdk_apigateway::Client,
    apigatewayv2: aws_sdk_apigatewayv2::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    cloudtrail: aws_sdk_cloudtrail::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    codedeploy: aws_sdk_codedeploy::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    sts: aws_sdk_sts::Client,
    stages: ExecuteApi,
    keys: Keys,
    secrets: Secrets,
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

    /// When the credentials in use end, as renewing them changes it.
    pub fn lifetime(&self) -> Lifetime {
        self.keys.lifetime()
    }

    /// Tells every secret that assuming a role brings (OIDC token, secret access key, session token), those of renewals
    /// too, as soon as it is there: for logs that can mask them. They are told nowhere else.
    pub fn on_secret(&self, tell: impl Fn(&str) + Send + Sync + 'static) {
        self.secrets.listen(Box::new(tell));
    }
}

/// The calls by module and client: an operation, and the function that sends it. The compiler demands every operation.
macro_rules! dispatch {
    ($self:ident, $call:ident; $($module:ident($client:ident): $($operation:ident => $send:ident),*;)*) => {
        match $call {
            $($(Call::$operation(call) => Reply::$operation($module::$send(&$self.$client, call).await?),)*)*
            Call::GetCallerIdentity(_) => Reply::GetCallerIdentity(sts::get_caller_identity(&$self.sts).await?),
            Call::InvokeStage(call) => Reply::InvokeStage($self.stages.invoke_stage(call).await?),
            Call::RequestUrl(call) => Reply::RequestUrl($self.stages.request_url(call).await?),
        }
    };
}

impl Aws for Live {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        self.send_once(call).await.map_err(|error| self.at_endpoint(error))
    }
}

impl Live {
    /// The error with the address that was called, where it is not AWS's own and could not be reached.
    fn at_endpoint(&self, mut error: AwsError) -> AwsError {
        if let (AwsError::Rejected { code, message, .. }, Some(endpoint)) = (&mut error, &self.endpoint)
            && code == AwsError::CONNECT_FAILED
        {
            message.push_str(&format!(" (endpoint {endpoint})"));
        }
        error
    }

    async fn send_once(&self, call: &Call) -> Result<Reply, AwsError> {
        // Before the request exists: a failed or slow login is then known to have sent nothing. Requests through a
        // stage are not signed.
        if !matches!(call.operation(), Operation::InvokeStage | Operation::RequestUrl) {
            self.keys.fresh().await?;
        }
        Ok(dispatch! { self, call;
            lambda(lambda):
                GetAlias => get_alias, GetFunction => get_function,
                ListVersionsByFunction => list_versions_by_function, ListAliases => list_aliases,
                GetVersionPolicy => get_version_policy, DeleteVersion => delete_version, GetPolicy => get_policy,
                GetProvisionedConcurrencyConfig => get_provisioned_concurrency_config,
                PublishVersion => publish_version, CreateAlias => create_alias, UpdateAlias => update_alias,
                DeleteAlias => delete_alias, AddPermission => add_permission, RemovePermission => remove_permission,
                Invoke => invoke;
            cloudwatch(cloudwatch):
                GetMetricData => get_metric_data, DescribeAlarms => describe_alarms;
            apigateway(apigateway):
                GetRestApis => get_rest_apis, GetRestApi => get_rest_api, GetResources => get_resources,
                GetModels => get_models, GetAuthorizers => get_authorizers,
                GetRequestValidators => get_request_validators, GetGatewayResponses => get_gateway_responses,
                GetStages => get_stages, GetStage => get_stage, GetDeployment => get_deployment,
                GetDeploymentRoutes => get_deployment_routes,
                GetDeployments => get_deployments, GetExport => get_export, CreateDeployment => create_deployment,
                DeleteDeployment => delete_deployment, UpdateStage => update_stage;
            domain(apigateway):
                GetDomainName => get_domain_name, GetBasePathMappings => get_base_path_mappings;
            codedeploy(codedeploy):
                ListDeployments => list_deployments, BatchGetDeployments => batch_get_deployments,
                ListDeploymentTargets => list_deployment_targets,
                BatchGetDeploymentTargets => batch_get_deployment_targets;
            cloudformation(cloudformation):
                DescribeStackResources => describe_stack_resources;
            iam(iam):
                SimulatePrincipalPolicy => simulate_principal_policy;
            cloudtrail(cloudtrail):
                LookupEvents => lookup_events;
            logs(logs):
                FilterLogEvents => filter_log_events;
            apigatewayv2(apigatewayv2):
                GetApi => get_api, GetRoutes => get_routes, GetIntegrations => get_integrations,
                GetHttpAuthorizers => get_authorizers, GetHttpStage => get_stage, GetHttpStages => get_stages,
                GetHttpDeployment => get_deployment, GetHttpDeployments => get_deployments, ExportApi => export_api,
                CreateHttpDeployment => create_deployment, DeleteHttpDeployment => delete_deployment,
                UpdateHttpStage => update_stage;
            domain(apigatewayv2):
                GetDomainNameV2 => get_domain_name_v2, GetApiMappings => get_api_mappings,
                ListRoutingRules => list_routing_rules;
        })
    }
}
