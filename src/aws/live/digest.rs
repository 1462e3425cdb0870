//! The digest by which a configuration of `$LATEST` and one of a version are compared.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::{FunctionConfiguration, ImageConfigResponse, LambdaManagedInstancesCapacityProviderConfig};
use sha2::{Digest, Sha256};

/// SHA-256, in hex, over everything that a version takes over from `$LATEST`.
///
/// Left out besides name, revision, dates, state and code:
/// * the description, which is the version's own when `PublishVersion` names one, as ours does;
/// * the runtime's patch level (`RuntimeVersionConfig`), which AWS changes by itself and lists leave out.
///
/// Absent and empty are equal. A part that AWS could not read for the caller equals nothing but itself.
pub(super) fn of(config: &FunctionConfiguration) -> String {
    let mut hash = Sha256::new();
    for (name, text) in parts(config) {
        if !text.is_empty() {
            // Lengths keep neighbouring texts apart whatever they contain.
            for field in [name.as_str(), text.as_str()] {
                hash.update((field.len() as u64).to_be_bytes());
                hash.update(field);
            }
        }
    }
    hex(&hash.finalize())
}

/// The same by name, for people. A digest stands for the value of an environment variable; the items of a list are one
/// text.
pub(super) fn settings(config: &FunctionConfiguration) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in parts(config).into_iter().filter(|(_, text)| !text.is_empty()) {
        let text = if name.starts_with(ENVIRONMENT) { hex(&Sha256::digest(text)) } else { text };
        let text = text.strip_prefix('=').unwrap_or(&text);
        let whole = settings.entry(name).or_default();
        if !whole.is_empty() {
            whole.push_str(", ");
        }
        whole.push_str(text);
    }
    settings
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How the name of an environment variable begins among the parts.
const ENVIRONMENT: &str = "environment.";

type Part = (String, String);

fn parts(config: &FunctionConfiguration) -> Vec<Part> {
    let plain = [
        ("runtime", text(config.runtime.as_ref().map(|v| v.as_str()))),
        ("role", text(config.role.as_deref())),
        ("handler", text(config.handler.as_deref())),
        ("timeout", number(config.timeout)),
        ("memory_size", number(config.memory_size)),
        ("dead_letter", text(config.dead_letter_config.as_ref().and_then(|v| v.target_arn.as_deref()))),
        ("kms_key", text(config.kms_key_arn.as_deref())),
        ("tracing", text(config.tracing_config.as_ref().and_then(|v| v.mode.as_ref()).map(|v| v.as_str()))),
        ("master", text(config.master_arn.as_deref())),
        ("signing_profile", text(config.signing_profile_version_arn.as_deref())),
        ("signing_job", text(config.signing_job_arn.as_deref())),
        ("package_type", text(config.package_type.as_ref().map(|v| v.as_str()))),
        ("ephemeral_storage", number(config.ephemeral_storage.as_ref().map(|v| v.size))),
        ("snap_start", snap_start(config)),
        ("tenancy", text(config.tenancy_config.as_ref().map(|v| v.tenant_isolation_mode.as_str()))),
    ];
    let mut parts: Vec<Part> = plain.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    let architectures = config.architectures.iter().flatten().map(|v| v.as_str());
    parts.extend(list("architecture", architectures, Order::Free));
    parts.extend(list("layer", config.layers.iter().flatten().filter_map(|v| v.arn.as_deref()), Order::Kept));
    parts.extend(environment(config));
    parts.extend(network(config));
    parts.extend(file_systems(config));
    parts.extend(config.image_config_response.iter().flat_map(|image| image_config(image, config)));
    parts.extend(logging(config));
    parts.extend(durable(config));
    let provider = config.capacity_provider_config.as_ref();
    let provider = provider.and_then(|v| v.lambda_managed_instances_capacity_provider_config.as_ref());
    parts.extend(provider.into_iter().flat_map(capacity_provider));
    parts
}

fn environment(config: &FunctionConfiguration) -> Vec<Part> {
    let Some(environment) = &config.environment else { return Vec::new() };
    let mut parts: Vec<Part> = environment
        .variables
        .iter()
        .flatten()
        .map(|(name, value)| (format!("{ENVIRONMENT}{name}"), format!("={value}")))
        .collect();
    parts.sort_unstable();
    parts.extend(environment.error.as_ref().map(|_| unreadable("environment", config)));
    parts
}

fn network(config: &FunctionConfiguration) -> Vec<Part> {
    let Some(vpc) = &config.vpc_config else { return Vec::new() };
    let mut parts = vec![("vpc".to_owned(), text(vpc.vpc_id.as_deref()))];
    parts.extend(list("subnet", vpc.subnet_ids.iter().flatten().map(String::as_str), Order::Free));
    parts.extend(list("security_group", vpc.security_group_ids.iter().flatten().map(String::as_str), Order::Free));
    parts.push((
        "ipv6".into(),
        if vpc.ipv6_allowed_for_dual_stack == Some(true) { "true".into() } else { String::new() },
    ));
    parts
}

fn file_systems(config: &FunctionConfiguration) -> Vec<Part> {
    let mounts = config.file_system_configs.iter().flatten();
    let mut parts: Vec<Part> = mounts
        .flat_map(|mount| {
            let direct = mount.s3_files_config.as_ref().and_then(|s3| s3.direct_s3_read.as_ref());
            [
                (format!("file_system.{}", mount.local_mount_path), mount.arn.clone()),
                (format!("file_system.{}.direct_s3_read", mount.local_mount_path), text(direct.map(|v| v.as_str()))),
            ]
        })
        .collect();
    parts.sort_unstable();
    parts
}

fn image_config(image: &ImageConfigResponse, config: &FunctionConfiguration) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(image) = &image.image_config {
        parts.extend(list("image.entry_point", image.entry_point.iter().flatten().map(String::as_str), Order::Kept));
        parts.extend(list("image.command", image.command.iter().flatten().map(String::as_str), Order::Kept));
        parts.push(("image.working_directory".into(), text(image.working_directory.as_deref())));
    }
    parts.extend(image.error.as_ref().map(|_| unreadable("image", config)));
    parts
}

fn logging(config: &FunctionConfiguration) -> Vec<Part> {
    let Some(logging) = &config.logging_config else { return Vec::new() };
    vec![
        ("log.format".into(), text(logging.log_format.as_ref().map(|v| v.as_str()))),
        ("log.application_level".into(), text(logging.application_log_level.as_ref().map(|v| v.as_str()))),
        ("log.system_level".into(), text(logging.system_log_level.as_ref().map(|v| v.as_str()))),
        ("log.group".into(), text(logging.log_group.as_deref())),
    ]
}

fn durable(config: &FunctionConfiguration) -> Vec<Part> {
    let Some(durable) = &config.durable_config else { return Vec::new() };
    vec![
        ("durable.kms_key".into(), text(durable.kms_key_arn.as_deref())),
        ("durable.retention_days".into(), number(durable.retention_period_in_days)),
        ("durable.timeout".into(), number(durable.execution_timeout)),
    ]
}

fn capacity_provider(provider: &LambdaManagedInstancesCapacityProviderConfig) -> Vec<Part> {
    vec![
        ("capacity.provider".into(), provider.capacity_provider_arn.clone()),
        ("capacity.concurrency".into(), number(provider.per_execution_environment_max_concurrency)),
        ("capacity.memory_per_cpu".into(), number(provider.execution_environment_memory_gib_per_v_cpu)),
    ]
}

/// `None` is how AWS spells "off".
fn snap_start(config: &FunctionConfiguration) -> String {
    let apply_on = config.snap_start.as_ref().and_then(|v| v.apply_on.as_ref()).map(|v| v.as_str());
    text(apply_on.filter(|value| *value != "None"))
}

/// Something AWS left out because the caller may not read it: never to be taken for equal elsewhere.
fn unreadable(part: &str, config: &FunctionConfiguration) -> Part {
    let (arn, revision) = (text(config.function_arn.as_deref()), text(config.revision_id.as_deref()));
    (format!("{part}.unreadable"), format!("{arn} {} {revision}", text(config.version.as_deref())))
}

enum Order {
    Kept,
    Free,
}

fn list<'a>(name: &str, items: impl Iterator<Item = &'a str>, order: Order) -> Vec<Part> {
    let mut items: Vec<&str> = items.collect();
    if matches!(order, Order::Free) {
        items.sort_unstable();
    }
    items.into_iter().map(|item| (name.to_owned(), format!("={item}"))).collect()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::types::builders::FunctionConfigurationBuilder;
    use aws_sdk_lambda::types::{EnvironmentError, EnvironmentResponse, Layer, SnapStartApplyOn, SnapStartResponse};

    use super::*;

    fn base() -> FunctionConfigurationBuilder {
        let environment = EnvironmentResponse::builder().variables("A", "1").variables("B", "2").build();
        FunctionConfiguration::builder().handler("main").memory_size(128).environment(environment)
    }

    #[test]
    fn a_version_has_the_digest_of_the_latest_it_was_made_from() {
        let latest = base().version("$LATEST").function_arn("arn:f").revision_id("r1").description("mine").build();
        let version = base().version("7").function_arn("arn:f:7").revision_id("r2").description("stagegate r").build();
        assert_eq!(of(&latest), of(&version));
    }

    #[test]
    fn values_of_the_environment_and_the_order_of_layers_count() {
        let changed = EnvironmentResponse::builder().variables("A", "1").variables("B", "3").build();
        assert_ne!(of(&base().build()), of(&base().environment(changed).build()));
        let layers = |arns: [&str; 2]| {
            let layers = arns.map(|arn| Layer::builder().arn(arn).build());
            of(&base().set_layers(Some(layers.to_vec())).build())
        };
        assert_ne!(layers(["x", "y"]), layers(["y", "x"]));
    }

    #[test]
    fn settings_are_named_and_no_value_of_the_environment_is_kept() {
        let layers = ["x", "y"].map(|arn| Layer::builder().arn(arn).build());
        let secret = EnvironmentResponse::builder().variables("TOKEN", "hunter2").build();
        let settings = settings(&base().set_layers(Some(layers.to_vec())).environment(secret).build());
        let named: Vec<&str> = settings.keys().map(String::as_str).collect();
        assert_eq!(named, ["environment.TOKEN", "handler", "layer", "memory_size"]);
        assert_eq!((settings["layer"].as_str(), settings["memory_size"].as_str()), ("x, y", "128"));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn absent_and_empty_are_equal() {
        let off = SnapStartResponse::builder().apply_on(SnapStartApplyOn::None).build();
        let empty = base().set_layers(Some(Vec::new())).kms_key_arn("").snap_start(off).build();
        assert_eq!(of(&base().build()), of(&empty));
    }

    #[test]
    fn an_environment_that_could_not_be_decrypted_equals_no_other() {
        let hidden = || {
            let error = EnvironmentError::builder().error_code("AccessDeniedException").build();
            base().environment(EnvironmentResponse::builder().error(error).build())
        };
        assert_ne!(of(&hidden().version("$LATEST").build()), of(&hidden().version("7").build()));
    }
}
