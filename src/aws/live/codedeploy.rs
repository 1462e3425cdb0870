//! CodeDeploy: which deployments move aliases.

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::types::{ComputePlatform, DeploymentInfo, DeploymentStatus, DeploymentTarget, TimeRange};
use aws_smithy_types::DateTime;

use super::super::AwsError;
use super::super::noun::{LambdaDeployment, Page, ShiftStatus, ShiftedAlias};
use super::super::operation::{BatchGetDeploymentTargets, BatchGetDeployments, ListDeploymentTargets, ListDeployments};
use super::classify::classify;
use super::reply::{page, required, timestamp};

pub(super) async fn list_deployments(client: &Client, call: &ListDeployments) -> Result<Page<String>, AwsError> {
    let since = call.since.map(|since| TimeRange::builder().start(DateTime::from_secs(since.as_second())).build());
    let request = client
        .list_deployments()
        .set_include_only_statuses(Some(call.statuses.iter().map(|status| sdk_status(*status)).collect()))
        .set_create_time_range(since)
        .set_next_token(call.next.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.deployments, out.next_token, Ok)
}

pub(super) async fn batch_get_deployments(
    client: &Client,
    call: &BatchGetDeployments,
) -> Result<Vec<LambdaDeployment>, AwsError> {
    let request = client.batch_get_deployments().set_deployment_ids(Some(call.deployments.clone()));
    let out = request.send().await.map_err(classify)?;
    let infos = out.deployments_info.unwrap_or_default().into_iter();
    infos.filter(|info| info.compute_platform == Some(ComputePlatform::Lambda)).map(deployment).collect()
}

pub(super) async fn list_deployment_targets(
    client: &Client,
    call: &ListDeploymentTargets,
) -> Result<Page<String>, AwsError> {
    let request = client.list_deployment_targets().deployment_id(&call.deployment).set_next_token(call.next.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.target_ids, out.next_token, Ok)
}

pub(super) async fn batch_get_deployment_targets(
    client: &Client,
    call: &BatchGetDeploymentTargets,
) -> Result<Vec<ShiftedAlias>, AwsError> {
    let request = client
        .batch_get_deployment_targets()
        .deployment_id(&call.deployment)
        .set_target_ids(Some(call.targets.clone()));
    let out = request.send().await.map_err(classify)?;
    out.deployment_targets.unwrap_or_default().into_iter().filter_map(shifted).collect()
}

fn deployment(info: DeploymentInfo) -> Result<LambdaDeployment, AwsError> {
    Ok(LambdaDeployment {
        id: required(info.deployment_id, "deploymentId")?,
        status: status(&required(info.status, "status")?),
        application: info.application_name,
        group: info.deployment_group_name,
        created: info.create_time.as_ref().and_then(timestamp),
        completed: info.complete_time.as_ref().and_then(timestamp),
    })
}

/// The alias of a target; none when it is no alias.
fn shifted(target: DeploymentTarget) -> Option<Result<ShiftedAlias, AwsError>> {
    let info = target.lambda_target?.lambda_function_info?;
    let read = || {
        Ok(ShiftedAlias {
            function: required(info.function_name, "functionName")?,
            alias: required(info.function_alias, "functionAlias")?,
            from: info.current_version,
            to: info.target_version,
        })
    };
    Some(read())
}

fn sdk_status(status: ShiftStatus) -> DeploymentStatus {
    match status {
        ShiftStatus::Created => DeploymentStatus::Created,
        ShiftStatus::Queued => DeploymentStatus::Queued,
        ShiftStatus::InProgress => DeploymentStatus::InProgress,
        ShiftStatus::Baking => DeploymentStatus::Baking,
        ShiftStatus::Ready => DeploymentStatus::Ready,
        ShiftStatus::Succeeded => DeploymentStatus::Succeeded,
        ShiftStatus::Failed => DeploymentStatus::Failed,
        ShiftStatus::Stopped => DeploymentStatus::Stopped,
    }
}

/// A status that we do not know may be one in which it still writes.
fn status(status: &DeploymentStatus) -> ShiftStatus {
    match status {
        DeploymentStatus::Created => ShiftStatus::Created,
        DeploymentStatus::Queued => ShiftStatus::Queued,
        DeploymentStatus::Baking => ShiftStatus::Baking,
        DeploymentStatus::Ready => ShiftStatus::Ready,
        DeploymentStatus::Succeeded => ShiftStatus::Succeeded,
        DeploymentStatus::Failed => ShiftStatus::Failed,
        DeploymentStatus::Stopped => ShiftStatus::Stopped,
        _ => ShiftStatus::InProgress,
    }
}
