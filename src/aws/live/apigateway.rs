//! API Gateway (REST APIs): each operation as the port names it.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::{MethodSnapshot, Op, PatchOperation};
use aws_smithy_types::DateTime;

use super::super::AwsError;
use super::super::noun::{
    ApiModel, Authorizer, Deployment, Export, GatewayResponse, Page, Patch, RequestValidator, Resource, RestApi, Stage,
};
use super::super::operation::{
    CreateDeployment, DeleteDeployment, GetAuthorizers, GetDeployment, GetDeploymentRoutes, GetDeployments, GetExport,
    GetGatewayResponses, GetModels, GetRequestValidators, GetResources, GetRestApi, GetRestApis, GetStage, GetStages,
    UpdateStage,
};
use super::classify::classify;
use super::definition;
use super::reply::{page, required, timestamp};
use super::stage::stage;
use crate::model::{ApiId, InvalidName, StageName};

/// The largest page that API Gateway gives; 25 is its default.
const PAGE: i32 = 500;

pub(super) async fn get_rest_apis(client: &Client, call: &GetRestApis) -> Result<Page<(ApiId, String)>, AwsError> {
    let request = client.get_rest_apis().limit(PAGE).set_position(call.position.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.items, out.position, |api| {
        let id = required(api.id, "id")?;
        let id = id.parse().map_err(|error: InvalidName| AwsError::Ambiguous { cause: error.to_string() })?;
        Ok((id, required(api.name, "name")?))
    })
}

pub(super) async fn get_rest_api(client: &Client, call: &GetRestApi) -> Result<RestApi, AwsError> {
    let out = client.get_rest_api().rest_api_id(call.api.as_str()).send().await.map_err(classify)?;
    definition::rest_api(out)
}

pub(super) async fn get_resources(client: &Client, call: &GetResources) -> Result<Page<Resource>, AwsError> {
    let request = client
        .get_resources()
        .rest_api_id(call.api.as_str())
        .embed("methods")
        .limit(PAGE)
        .set_position(call.position.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.items, out.position, definition::resource)
}

/// The lists that differ in nothing but what they list.
macro_rules! lists {
    ($($operation:ident($call:ty) -> $item:ty = $read:expr;)*) => {
        $(pub(super) async fn $operation(client: &Client, call: &$call) -> Result<Page<$item>, AwsError> {
            let request = client.$operation().rest_api_id(call.api.as_str());
            let out = request.limit(PAGE).set_position(call.position.clone()).send().await.map_err(classify)?;
            page(out.items, out.position, $read)
        })*
    };
}

lists! {
    get_models(GetModels) -> ApiModel = definition::model;
    get_authorizers(GetAuthorizers) -> Authorizer = definition::authorizer;
    get_request_validators(GetRequestValidators) -> RequestValidator = definition::request_validator;
    get_gateway_responses(GetGatewayResponses) -> GatewayResponse = definition::gateway_response;
    get_deployments(GetDeployments) -> Deployment = |item| deployment(item.id, item.description, item.created_date);
}

pub(super) async fn get_stage(client: &Client, call: &GetStage) -> Result<Stage, AwsError> {
    let request = client.get_stage().rest_api_id(call.api.as_str()).stage_name(call.stage.as_str());
    stage!(request.send().await.map_err(classify)?)
}

pub(super) async fn get_stages(client: &Client, call: &GetStages) -> Result<Vec<(StageName, Stage)>, AwsError> {
    let out = client.get_stages().rest_api_id(call.api.as_str()).send().await.map_err(classify)?;
    let mut stages = Vec::new();
    for item in out.item.unwrap_or_default() {
        let name = required(item.stage_name.clone(), "stageName")?;
        let name = name.parse().map_err(|error: InvalidName| AwsError::Ambiguous { cause: error.to_string() })?;
        stages.push((name, stage!(item)?));
    }
    Ok(stages)
}

pub(super) async fn get_deployment(client: &Client, call: &GetDeployment) -> Result<Deployment, AwsError> {
    let request = client.get_deployment().rest_api_id(call.api.as_str()).deployment_id(&call.deployment);
    let out = request.send().await.map_err(classify)?;
    deployment(out.id, out.description, out.created_date)
}

/// The summary of a deployment: paths with their methods as they were when it was made (aws-semantics §6.6).
pub(super) async fn get_deployment_routes(
    client: &Client,
    call: &GetDeploymentRoutes,
) -> Result<Option<BTreeSet<String>>, AwsError> {
    let request = client.get_deployment().rest_api_id(call.api.as_str()).deployment_id(&call.deployment);
    let out = request.embed("apisummary").send().await.map_err(classify)?;
    let Some(paths) = out.api_summary else { return Ok(None) };
    let each = |(path, methods): (&String, &HashMap<String, MethodSnapshot>)| {
        methods.keys().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    Ok(Some(paths.iter().flat_map(each).collect()))
}

pub(super) async fn get_export(client: &Client, call: &GetExport) -> Result<Export, AwsError> {
    let request = client
        .get_export()
        .rest_api_id(call.api.as_str())
        .stage_name(call.stage.as_str())
        .export_type("oas30")
        .parameters("extensions", "apigateway")
        .accepts("application/json");
    let out = request.send().await.map_err(classify)?;
    serde_json::from_slice(required(out.body, "body")?.as_ref())
        .map_err(|error| AwsError::Ambiguous { cause: format!("the export is not JSON: {error}") })
}

pub(super) async fn create_deployment(client: &Client, call: &CreateDeployment) -> Result<Deployment, AwsError> {
    let request = client.create_deployment().rest_api_id(call.api.as_str()).description(&call.description);
    let out = request.send().await.map_err(classify)?;
    deployment(out.id, out.description, out.created_date)
}

pub(super) async fn delete_deployment(client: &Client, call: &DeleteDeployment) -> Result<(), AwsError> {
    let request = client.delete_deployment().rest_api_id(call.api.as_str()).deployment_id(&call.deployment);
    request.send().await.map_err(classify).map(drop)
}

pub(super) async fn update_stage(client: &Client, call: &UpdateStage) -> Result<Stage, AwsError> {
    let request = client
        .update_stage()
        .rest_api_id(call.api.as_str())
        .stage_name(call.stage.as_str())
        .set_patch_operations(Some(call.patches.iter().map(patch).collect()));
    stage!(request.send().await.map_err(classify)?)
}

fn patch(patch: &Patch) -> PatchOperation {
    match patch {
        Patch::Replace { path, value } => PatchOperation::builder().op(Op::Replace).path(path).value(value),
        Patch::Copy { from, path } => PatchOperation::builder().op(Op::Copy).from(from).path(path),
        Patch::Remove { path } => PatchOperation::builder().op(Op::Remove).path(path),
    }
    .build()
}

fn deployment(
    id: Option<String>,
    description: Option<String>,
    created: Option<DateTime>,
) -> Result<Deployment, AwsError> {
    Ok(Deployment {
        id: required(id, "id")?,
        description: description.unwrap_or_default(),
        created: created.as_ref().and_then(timestamp),
        status: None,
    })
}
