//! Lambda: each operation as the port names it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Config;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, InvocationType, LogType, ProvisionedConcurrencyStatusEnum};
use aws_smithy_types::base64;

use super::super::AwsError;
use super::super::noun::{Alias, Function, Invoked, Page, Policy, Provisioned, ProvisionedStatus};
use super::super::operation::{
    AddPermission, CreateAlias, DeleteAlias, DeleteVersion, GetAlias, GetFunction, GetPolicy,
    GetProvisionedConcurrencyConfig, GetVersionPolicy, Invoke, ListAliases, ListVersionsByFunction, PublishVersion,
    RemovePermission, UpdateAlias,
};
use super::classify::classify;
use super::connect::timeouts;
use super::function;
use super::reply::{page, required, sorted, version};
use crate::model::{AliasName, InvalidName};

pub(super) async fn get_alias(client: &Client, call: &GetAlias) -> Result<Alias, AwsError> {
    let request = client.get_alias().function_name(call.function.as_str()).name(call.alias.as_str());
    let out = request.send().await.map_err(classify)?;
    alias(out.alias_arn, out.function_version, out.routing_config, out.description, out.revision_id)
}

pub(super) async fn get_function(client: &Client, call: &GetFunction) -> Result<Function, AwsError> {
    let request = client.get_function().function_name(call.function.as_str()).set_qualifier(call.qualifier.clone());
    let out = request.send().await.map_err(classify)?;
    let by_reference = out.code.is_some_and(|code| code.resolved_s3_object.is_some());
    // Whoever may not list tags is told so; a function without any has none in the answer either.
    let tags = out.tags_error.is_none().then(|| sorted(out.tags));
    Ok(Function { tags, ..function::read(required(out.configuration, "Configuration")?, by_reference)? })
}

pub(super) async fn list_versions_by_function(
    client: &Client,
    call: &ListVersionsByFunction,
) -> Result<Page<Function>, AwsError> {
    let request =
        client.list_versions_by_function().function_name(call.function.as_str()).set_marker(call.marker.clone());
    let out = request.send().await.map_err(classify)?;
    // `$LATEST.PUBLISHED` of Lambda Managed Instances is a pointer and not a version that could be promoted.
    let versions = out.versions.unwrap_or_default().into_iter();
    let versions = versions.filter(|v| !v.version.as_deref().is_some_and(|name| name.starts_with("$LATEST.")));
    page(Some(versions.collect()), out.next_marker, |version| function::read(version, false))
}

pub(super) async fn list_aliases(client: &Client, call: &ListAliases) -> Result<Page<(AliasName, Alias)>, AwsError> {
    let request = client.list_aliases().function_name(call.function.as_str()).set_marker(call.marker.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.aliases, out.next_marker, |one| {
        let name = required(one.name, "Name")?;
        let name = name.parse().map_err(|error: InvalidName| AwsError::Ambiguous { cause: error.to_string() })?;
        Ok((name, alias(one.alias_arn, one.function_version, one.routing_config, one.description, one.revision_id)?))
    })
}

pub(super) async fn get_version_policy(client: &Client, call: &GetVersionPolicy) -> Result<Policy, AwsError> {
    let request = client.get_policy().function_name(call.function.as_str()).qualifier(call.version.to_string());
    let out = request.send().await.map_err(classify)?;
    Ok(Policy { document: required(out.policy, "Policy")?, revision: required(out.revision_id, "RevisionId")? })
}

/// The one place that sends `DeleteFunction`: always with a number as its qualifier.
pub(super) async fn delete_version(client: &Client, call: &DeleteVersion) -> Result<(), AwsError> {
    let request = client.delete_function().qualifier(call.version.to_string()).function_name(call.function.as_str());
    request.send().await.map_err(classify).map(drop)
}

pub(super) async fn get_policy(client: &Client, call: &GetPolicy) -> Result<Policy, AwsError> {
    let request = client.get_policy().function_name(call.function.as_str()).qualifier(call.alias.as_str());
    let out = request.send().await.map_err(classify)?;
    Ok(Policy { document: required(out.policy, "Policy")?, revision: required(out.revision_id, "RevisionId")? })
}

pub(super) async fn get_provisioned_concurrency_config(
    client: &Client,
    call: &GetProvisionedConcurrencyConfig,
) -> Result<Provisioned, AwsError> {
    let request = client
        .get_provisioned_concurrency_config()
        .function_name(call.function.as_str())
        .qualifier(call.alias.as_str());
    let out = request.send().await.map_err(classify)?;
    let status = match required(out.status, "Status")? {
        ProvisionedConcurrencyStatusEnum::Ready => ProvisionedStatus::Ready,
        ProvisionedConcurrencyStatusEnum::Failed => ProvisionedStatus::Failed,
        _ => ProvisionedStatus::InProgress,
    };
    Ok(Provisioned { status, reason: out.status_reason })
}

pub(super) async fn publish_version(client: &Client, call: &PublishVersion) -> Result<Function, AwsError> {
    let request = client
        .publish_version()
        .function_name(call.function.as_str())
        .code_sha256(&call.code_sha256)
        .revision_id(&call.revision)
        .description(&call.description);
    function::read(function::published(request.send().await.map_err(classify)?), false)
}

pub(super) async fn create_alias(client: &Client, call: &CreateAlias) -> Result<Alias, AwsError> {
    let routing = (!call.routing.weights.is_empty()).then(|| routing(&call.routing.weights));
    let request = client
        .create_alias()
        .function_name(call.function.as_str())
        .name(call.alias.as_str())
        .function_version(call.routing.version.to_string())
        .description(&call.routing.description)
        .set_routing_config(routing);
    let out = request.send().await.map_err(classify)?;
    alias(out.alias_arn, out.function_version, out.routing_config, out.description, out.revision_id)
}

pub(super) async fn update_alias(client: &Client, call: &UpdateAlias) -> Result<Alias, AwsError> {
    let request = client
        .update_alias()
        .function_name(call.function.as_str())
        .name(call.alias.as_str())
        .function_version(call.routing.version.to_string())
        .description(&call.routing.description)
        .routing_config(routing(&call.routing.weights))
        .revision_id(&call.revision);
    let out = request.send().await.map_err(classify)?;
    alias(out.alias_arn, out.function_version, out.routing_config, out.description, out.revision_id)
}

pub(super) async fn delete_alias(client: &Client, call: &DeleteAlias) -> Result<(), AwsError> {
    let request = client.delete_alias().function_name(call.function.as_str()).name(call.alias.as_str());
    request.send().await.map_err(classify).map(drop)
}

pub(super) async fn add_permission(client: &Client, call: &AddPermission) -> Result<(), AwsError> {
    let request = client
        .add_permission()
        .function_name(call.function.as_str())
        .qualifier(call.alias.as_str())
        .statement_id(&call.statement.sid)
        .action("lambda:InvokeFunction")
        .principal("apigateway.amazonaws.com")
        .source_arn(&call.statement.source_arn)
        .set_revision_id(call.revision.clone());
    request.send().await.map_err(classify).map(drop)
}

pub(super) async fn remove_permission(client: &Client, call: &RemovePermission) -> Result<(), AwsError> {
    let request = client
        .remove_permission()
        .function_name(call.function.as_str())
        .qualifier(call.alias.as_str())
        .statement_id(&call.sid)
        .set_revision_id(call.revision.clone());
    request.send().await.map_err(classify).map(drop)
}

pub(super) async fn invoke(client: &Client, call: &Invoke) -> Result<Invoked, AwsError> {
    let limit = timeouts(Duration::from_secs(u64::from(call.timeout_s.max(1))));
    let request = client
        .invoke()
        .function_name(call.function.as_str())
        .qualifier(call.version.to_string())
        .invocation_type(InvocationType::RequestResponse)
        .log_type(LogType::Tail)
        .payload(Blob::new(call.payload.as_bytes()))
        .customize()
        .config_override(Config::builder().timeout_config(limit));
    let started = Instant::now();
    let out = request.send().await.map_err(classify)?;
    Ok(Invoked {
        status: u16::try_from(out.status_code).unwrap_or_default(),
        function_error: out.function_error,
        executed_version: out.executed_version,
        payload: out.payload.map_or_else(String::new, |body| String::from_utf8_lossy(body.as_ref()).into_owned()),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        log_tail: out.log_result.as_deref().and_then(log_tail),
    })
}

/// The end of the log as text; none when it cannot be read. It explains a failure and decides nothing.
fn log_tail(encoded: &str) -> Option<String> {
    let bytes = base64::decode(encoded).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Weights as sent: rounded to four decimals, and the map always there, for leaving it out keeps the old weights and
/// an object without it clears them by accident (aws-semantics §3.4).
fn routing(weights: &BTreeMap<u64, f64>) -> AliasRoutingConfiguration {
    let weights: HashMap<_, _> =
        weights.iter().map(|(version, share)| (version.to_string(), (share * 1e4).round() / 1e4)).collect();
    AliasRoutingConfiguration::builder().set_additional_version_weights(Some(weights)).build()
}

fn alias(
    arn: Option<String>,
    primary: Option<String>,
    routing: Option<AliasRoutingConfiguration>,
    description: Option<String>,
    revision: Option<String>,
) -> Result<Alias, AwsError> {
    let weights = routing.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
    let weights = weights
        .into_iter()
        .map(|(additional, share)| {
            let number = version(Some(&additional))?.number();
            Ok((required(number, "AdditionalVersionWeights")?, share))
        })
        .collect::<Result<_, AwsError>>()?;
    Ok(Alias {
        arn: required(arn, "AliasArn")?,
        version: version(primary.as_deref())?,
        weights,
        description: description.unwrap_or_default(),
        revision: required(revision, "RevisionId")?,
    })
}
