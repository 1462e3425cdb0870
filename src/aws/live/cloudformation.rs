//! CloudFormation: which stack something belongs to.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::StackResource as SdkStackResource;

use super::super::AwsError;
use super::super::noun::StackResource;
use super::super::operation::DescribeStackResources;
use super::classify::classify;
use super::reply::required;

pub(super) async fn describe_stack_resources(
    client: &Client,
    call: &DescribeStackResources,
) -> Result<Vec<StackResource>, AwsError> {
    let request = client.describe_stack_resources().physical_resource_id(&call.physical_id);
    match request.send().await.map_err(classify) {
        Ok(out) => out.stack_resources.unwrap_or_default().into_iter().map(resource).collect(),
        Err(error) if belongs_to_none(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// That something is in no stack is no error of its own: 400 `ValidationError`, `Stack for ID does not exist`.
fn belongs_to_none(error: &AwsError) -> bool {
    let AwsError::Rejected { code, message, .. } = error else { return false };
    code == "ValidationError" && message.starts_with("Stack for ") && message.ends_with(" does not exist")
}

fn resource(resource: SdkStackResource) -> Result<StackResource, AwsError> {
    Ok(StackResource {
        stack: required(resource.stack_name, "StackName")?,
        stack_id: required(resource.stack_id, "StackId")?,
        logical_id: required(resource.logical_resource_id, "LogicalResourceId")?,
        physical_id: resource.physical_resource_id,
        kind: required(resource.resource_type, "ResourceType")?,
    })
}
