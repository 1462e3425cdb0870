//! A stage of a REST API as API Gateway answers it.

use std::collections::HashMap;

use aws_sdk_apigateway::types as sdk;

use super::super::noun::{AccessLog, MethodSettings, StageCanary};
use super::reply::sorted;

/// A stage of an answer. Reading, listing and patching answer with three types of the same fields.
macro_rules! stage {
    ($answer:expr) => {{
        let answer = $answer;
        super::reply::required(answer.deployment_id, "deploymentId").map(|deployment| super::super::noun::Stage {
            deployment,
            variables: super::reply::sorted(answer.variables),
            canary: answer.canary_settings.map(super::stage::canary),
            cache_enabled: answer.cache_cluster_enabled,
            tags: super::reply::sorted(answer.tags),
            kind: super::super::noun::StageKind::Rest,
            settings: super::super::noun::StageSettings {
                cache_cluster_size: answer.cache_cluster_size.map(|size| size.as_str().to_owned()),
                access_log: answer.access_log_settings.map(super::stage::access_log),
                tracing: answer.tracing_enabled,
                client_certificate: answer.client_certificate_id,
                web_acl: answer.web_acl_arn,
                methods: super::stage::methods(answer.method_settings),
            },
        })
    }};
}

pub(super) use stage;

pub(super) fn canary(canary: sdk::CanarySettings) -> StageCanary {
    StageCanary {
        deployment: canary.deployment_id,
        percent: canary.percent_traffic,
        overrides: sorted(canary.stage_variable_overrides),
        use_stage_cache: canary.use_stage_cache,
    }
}

pub(super) fn access_log(log: sdk::AccessLogSettings) -> AccessLog {
    AccessLog { destination: log.destination_arn, format: log.format }
}

pub(super) fn methods(
    methods: Option<HashMap<String, sdk::MethodSetting>>,
) -> std::collections::BTreeMap<String, MethodSettings> {
    let read = |method: sdk::MethodSetting| MethodSettings {
        metrics: method.metrics_enabled,
        log_level: method.logging_level,
        data_trace: method.data_trace_enabled,
        throttling_burst: Some(method.throttling_burst_limit),
        throttling_rate: Some(method.throttling_rate_limit),
        caching: method.caching_enabled,
        cache_ttl_s: method.cache_ttl_in_seconds,
        cache_encrypted: method.cache_data_encrypted,
        cache_control_authorized: method.require_authorization_for_cache_control,
        cache_control_strategy: method
            .unauthorized_cache_control_header_strategy
            .map(|strategy| strategy.as_str().to_owned()),
    };
    methods.unwrap_or_default().into_iter().map(|(key, method)| (key, read(method))).collect()
}
