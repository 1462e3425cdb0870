//! A function's configuration as Lambda answers it.

use aws_sdk_lambda::operation::publish_version::PublishVersionOutput;
use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, SnapStartApplyOn, State as SdkState};

use super::super::AwsError;
use super::super::noun::{Function, State, UpdateStatus};
use super::digest;
use super::reply::{required, version};

/// A function or version; `by_reference` comes from elsewhere in `GetFunction`'s answer.
pub(super) fn read(config: FunctionConfiguration, by_reference: bool) -> Result<Function, AwsError> {
    let snap_start = config.snap_start.as_ref().and_then(|snap| snap.apply_on.as_ref());
    Ok(Function {
        version: version(config.version.as_deref())?,
        config_digest: digest::of(&config),
        settings: digest::settings(&config),
        log_group: config.logging_config.as_ref().and_then(|logging| logging.log_group.clone()),
        snap_start: snap_start == Some(&SnapStartApplyOn::PublishedVersions),
        state: config.state.as_ref().map(state),
        last_update: config.last_update_status.as_ref().map(update_status),
        arn: required(config.function_arn, "FunctionArn")?,
        code_sha256: required(config.code_sha256, "CodeSha256")?,
        revision: required(config.revision_id, "RevisionId")?,
        state_reason: config.state_reason,
        last_update_reason: config.last_update_status_reason,
        role: required(config.role, "Role")?,
        dead_letter: config.dead_letter_config.and_then(|queue| queue.target_arn).filter(|arn| !arn.is_empty()),
        description: config.description.unwrap_or_default(),
        master_arn: config.master_arn,
        timeout_s: config.timeout.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or_default(),
        last_modified: config.last_modified.unwrap_or_default(),
        code_size: u64::try_from(config.code_size).unwrap_or_default(),
        code_by_reference: by_reference,
        tags: None,
    })
}

fn state(state: &SdkState) -> State {
    match state {
        SdkState::Pending => State::Pending,
        SdkState::Active => State::Active,
        SdkState::Inactive => State::Inactive,
        SdkState::Failed => State::Failed,
        _ => State::Other,
    }
}

/// A status we do not know counts as unfinished: waiting is safe, publishing is not.
fn update_status(status: &LastUpdateStatus) -> UpdateStatus {
    match status {
        LastUpdateStatus::Successful => UpdateStatus::Successful,
        LastUpdateStatus::Failed => UpdateStatus::Failed,
        _ => UpdateStatus::InProgress,
    }
}

/// `PublishVersion` answers with a configuration of a type of its own.
pub(super) fn published(out: PublishVersionOutput) -> FunctionConfiguration {
    FunctionConfiguration::builder()
        .set_function_arn(out.function_arn)
        .set_runtime(out.runtime)
        .set_role(out.role)
        .set_handler(out.handler)
        .set_description(out.description)
        .set_timeout(out.timeout)
        .set_memory_size(out.memory_size)
        .set_last_modified(out.last_modified)
        .code_size(out.code_size)
        .set_code_sha256(out.code_sha256)
        .set_version(out.version)
        .set_vpc_config(out.vpc_config)
        .set_dead_letter_config(out.dead_letter_config)
        .set_environment(out.environment)
        .set_kms_key_arn(out.kms_key_arn)
        .set_tracing_config(out.tracing_config)
        .set_master_arn(out.master_arn)
        .set_revision_id(out.revision_id)
        .set_layers(out.layers)
        .set_state(out.state)
        .set_state_reason(out.state_reason)
        .set_last_update_status(out.last_update_status)
        .set_last_update_status_reason(out.last_update_status_reason)
        .set_file_system_configs(out.file_system_configs)
        .set_signing_profile_version_arn(out.signing_profile_version_arn)
        .set_signing_job_arn(out.signing_job_arn)
        .set_package_type(out.package_type)
        .set_image_config_response(out.image_config_response)
        .set_architectures(out.architectures)
        .set_ephemeral_storage(out.ephemeral_storage)
        .set_snap_start(out.snap_start)
        .set_logging_config(out.logging_config)
        .set_tenancy_config(out.tenancy_config)
        .set_capacity_provider_config(out.capacity_provider_config)
        .set_durable_config(out.durable_config)
        .build()
}
