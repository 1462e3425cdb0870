//! API Gateway (HTTP APIs): each operation as the port names it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigatewayv2::Client;
use aws_sdk_apigatewayv2::types as sdk;

use super::super::AwsError;
use super::super::noun::{
    AccessLog, Cors, Deployment, DeploymentStatus, Export, HttpApi, HttpAuthorizer, HttpIntegration, HttpRoute,
    JwtConfiguration, MethodSettings, Page, Stage, StageKind, StageSettings,
};
use super::super::operation::{
    CreateHttpDeployment, DeleteHttpDeployment, ExportApi, GetApi, GetHttpAuthorizers, GetHttpDeployment,
    GetHttpDeployments, GetHttpStage, GetHttpStages, GetIntegrations, GetRoutes, UpdateHttpStage,
};
use super::classify::classify;
use super::reply::{page, required, sorted, timestamp};
use crate::model::{InvalidName, StageName};

/// The page that we ask for; a text, as the service wants it.
const PAGE: &str = "100";

/// The text of an enumeration, also of a value that this version of the SDK does not know.
macro_rules! words {
    ($value:expr) => {
        $value.map(|value| value.as_str().to_owned())
    };
}

/// A stage, from any of the answers that hold one.
macro_rules! stage {
    ($out:expr) => {
        Stage {
            deployment: $out.deployment_id.unwrap_or_default(),
            variables: variables($out.stage_variables),
            canary: None,
            cache_enabled: false,
            tags: sorted($out.tags),
            kind: StageKind::Http {
                auto_deploy: $out.auto_deploy.unwrap_or_default(),
                last_deployment: $out.last_deployment_status_message.filter(|text| !text.is_empty()),
            },
            settings: StageSettings {
                access_log: $out.access_log_settings.map(access_log),
                client_certificate: $out.client_certificate_id,
                methods: methods($out.default_route_settings, $out.route_settings),
                ..StageSettings::default()
            },
        }
    };
}

/// A deployment, from any of the answers that hold one.
macro_rules! deployment {
    ($out:expr) => {{
        let message = $out.deployment_status_message.unwrap_or_default();
        Ok(Deployment {
            id: required($out.deployment_id, "deploymentId")?,
            description: $out.description.unwrap_or_default(),
            created: $out.created_date.as_ref().and_then(timestamp),
            status: $out.deployment_status.map(|status| deployment_status(&status, message)),
        })
    }};
}

/// A variable without a text is one that was removed.
fn variables(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    sorted(map.map(|map| map.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
}

fn access_log(log: sdk::AccessLogSettings) -> AccessLog {
    AccessLog { destination: log.destination_arn, format: log.format }
}

/// What holds for all routes, and for each by its key.
fn methods(
    all: Option<sdk::RouteSettings>,
    own: Option<HashMap<String, sdk::RouteSettings>>,
) -> BTreeMap<String, MethodSettings> {
    let read = |route: sdk::RouteSettings| MethodSettings {
        metrics: route.detailed_metrics_enabled.unwrap_or_default(),
        throttling_burst: route.throttling_burst_limit,
        throttling_rate: route.throttling_rate_limit,
        ..MethodSettings::default()
    };
    let all = all.map(|all| (MethodSettings::ALL.to_owned(), all));
    all.into_iter().chain(own.unwrap_or_default()).map(|(key, route)| (key, read(route))).collect()
}

pub(super) async fn get_api(client: &Client, call: &GetApi) -> Result<HttpApi, AwsError> {
    let out = client.get_api().api_id(call.api.as_str()).send().await.map_err(classify)?;
    Ok(HttpApi {
        name: required(out.name, "name")?,
        protocol_type: required(words!(out.protocol_type), "protocolType")?,
        disable_execute_api_endpoint: out.disable_execute_api_endpoint.unwrap_or_default(),
        cors_configuration: out.cors_configuration.map(cors),
        tags: sorted(out.tags),
    })
}

fn cors(cors: sdk::Cors) -> Cors {
    Cors {
        allow_credentials: cors.allow_credentials.unwrap_or_default(),
        allow_headers: cors.allow_headers.unwrap_or_default(),
        allow_methods: cors.allow_methods.unwrap_or_default(),
        allow_origins: cors.allow_origins.unwrap_or_default(),
        expose_headers: cors.expose_headers.unwrap_or_default(),
        max_age: cors.max_age,
    }
}

/// The lists that differ in nothing but what they list.
macro_rules! lists {
    ($($function:ident($call:ty, $operation:ident) -> $item:ty = $read:expr;)*) => {
        $(pub(super) async fn $function(client: &Client, call: &$call) -> Result<Page<$item>, AwsError> {
            let request = client.$operation().api_id(call.api.as_str());
            let out = request.max_results(PAGE).set_next_token(call.next.clone()).send().await.map_err(classify)?;
            page(out.items, out.next_token, $read)
        })*
    };
}

lists! {
    get_routes(GetRoutes, get_routes) -> HttpRoute = route;
    get_integrations(GetIntegrations, get_integrations) -> HttpIntegration = integration;
    get_authorizers(GetHttpAuthorizers, get_authorizers) -> HttpAuthorizer = authorizer;
    get_stages(GetHttpStages, get_stages) -> (StageName, Stage) = named_stage;
    get_deployments(GetHttpDeployments, get_deployments) -> Deployment = |item: sdk::Deployment| deployment!(item);
}

fn route(route: sdk::Route) -> Result<HttpRoute, AwsError> {
    Ok(HttpRoute {
        route_key: required(route.route_key, "routeKey")?,
        target: route.target,
        authorization_type: words!(route.authorization_type),
        authorizer_id: route.authorizer_id,
        authorization_scopes: route.authorization_scopes.unwrap_or_default(),
        operation_name: route.operation_name,
    })
}

fn integration(integration: sdk::Integration) -> Result<HttpIntegration, AwsError> {
    let responses = integration.response_parameters.unwrap_or_default();
    Ok(HttpIntegration {
        id: required(integration.integration_id, "integrationId")?,
        integration_type: words!(integration.integration_type),
        integration_subtype: integration.integration_subtype,
        integration_method: integration.integration_method,
        integration_uri: integration.integration_uri,
        connection_type: words!(integration.connection_type),
        connection_id: integration.connection_id,
        credentials_arn: integration.credentials_arn,
        payload_format_version: integration.payload_format_version,
        request_parameters: sorted(integration.request_parameters),
        response_parameters: responses.into_iter().map(|(status, map)| (status, sorted(Some(map)))).collect(),
        timeout_in_millis: integration.timeout_in_millis,
        server_name_to_verify: integration.tls_config.and_then(|tls| tls.server_name_to_verify),
    })
}

fn authorizer(authorizer: sdk::Authorizer) -> Result<HttpAuthorizer, AwsError> {
    let jwt = |jwt: sdk::JwtConfiguration| JwtConfiguration {
        audience: jwt.audience.unwrap_or_default(),
        issuer: jwt.issuer,
    };
    Ok(HttpAuthorizer {
        id: required(authorizer.authorizer_id, "authorizerId")?,
        name: required(authorizer.name, "name")?,
        authorizer_type: words!(authorizer.authorizer_type),
        authorizer_uri: authorizer.authorizer_uri,
        authorizer_credentials_arn: authorizer.authorizer_credentials_arn,
        authorizer_payload_format_version: authorizer.authorizer_payload_format_version,
        authorizer_result_ttl_in_seconds: authorizer.authorizer_result_ttl_in_seconds,
        enable_simple_responses: authorizer.enable_simple_responses.unwrap_or_default(),
        identity_source: authorizer.identity_source.unwrap_or_default(),
        jwt_configuration: authorizer.jwt_configuration.map(jwt),
    })
}

fn named_stage(stage: sdk::Stage) -> Result<(StageName, Stage), AwsError> {
    let name = required(stage.stage_name.clone(), "stageName")?;
    let name = name.parse().map_err(|error: InvalidName| AwsError::Ambiguous { cause: error.to_string() })?;
    Ok((name, stage!(stage)))
}

/// A status that this version of the SDK does not know may still become one that it does.
fn deployment_status(status: &sdk::DeploymentStatus, message: String) -> DeploymentStatus {
    match status {
        sdk::DeploymentStatus::Deployed => DeploymentStatus::Deployed,
        sdk::DeploymentStatus::Failed => DeploymentStatus::Failed(message),
        _ => DeploymentStatus::Pending,
    }
}

pub(super) async fn get_stage(client: &Client, call: &GetHttpStage) -> Result<Stage, AwsError> {
    let request = client.get_stage().api_id(call.api.as_str()).stage_name(call.stage.as_str());
    let out = request.send().await.map_err(classify)?;
    Ok(stage!(out))
}

pub(super) async fn get_deployment(client: &Client, call: &GetHttpDeployment) -> Result<Deployment, AwsError> {
    let request = client.get_deployment().api_id(call.api.as_str()).deployment_id(&call.deployment);
    let out = request.send().await.map_err(classify)?;
    deployment!(out)
}

pub(super) async fn export_api(client: &Client, call: &ExportApi) -> Result<Export, AwsError> {
    let request = client
        .export_api()
        .api_id(call.api.as_str())
        .specification("OAS30")
        .output_type("JSON")
        .include_extensions(true)
        .set_stage_name(call.stage.as_ref().map(ToString::to_string));
    let out = request.send().await.map_err(classify)?;
    serde_json::from_slice(required(out.body, "body")?.as_ref())
        .map_err(|error| AwsError::Ambiguous { cause: format!("the export is not JSON: {error}") })
}

pub(super) async fn create_deployment(client: &Client, call: &CreateHttpDeployment) -> Result<Deployment, AwsError> {
    let request = client.create_deployment().api_id(call.api.as_str()).description(&call.description);
    let out = request.send().await.map_err(classify)?;
    deployment!(out)
}

pub(super) async fn delete_deployment(client: &Client, call: &DeleteHttpDeployment) -> Result<(), AwsError> {
    let request = client.delete_deployment().api_id(call.api.as_str()).deployment_id(&call.deployment);
    request.send().await.map_err(classify).map(drop)
}

pub(super) async fn update_stage(client: &Client, call: &UpdateHttpStage) -> Result<Stage, AwsError> {
    let request = client.update_stage().api_id(call.api.as_str()).stage_name(call.stage.as_str());
    let request = request.set_deployment_id(call.deployment.clone());
    let variables = call.variables.iter();
    let request = variables
        .fold(request, |request, (name, value)| request.stage_variables(name, value.clone().unwrap_or_default()));
    let out = request.send().await.map_err(classify)?;
    Ok(stage!(out))
}
