//! API Gateway (custom domain names), of both services: each operation as the port names it.

use aws_sdk_apigateway::Client as Rest;
use aws_sdk_apigateway::types::BasePathMapping;
use aws_sdk_apigatewayv2::Client as Http;
use aws_sdk_apigatewayv2::types as sdk;

use super::super::AwsError;
use super::super::noun::{
    ApiMapping, DomainName, EndpointType, HeaderGlob, InvokeApi, Page, RoutingMode, RoutingRule, RuleCondition,
};
use super::super::operation::{GetApiMappings, GetBasePathMappings, GetDomainName, GetDomainNameV2, ListRoutingRules};
use super::classify::classify;
use super::reply::{page, required};
use crate::model::{ApiId, InvalidName, StageName};

/// The largest page of base path mappings; 25 is the default (API model).
const REST_PAGE: i32 = 500;
/// The page of mappings and of routing rules that we ask for.
const HTTP_PAGE: i32 = 100;

pub(super) async fn get_domain_name(client: &Rest, call: &GetDomainName) -> Result<DomainName, AwsError> {
    let out = client.get_domain_name().domain_name(&call.domain).send().await.map_err(classify)?;
    let types = out.endpoint_configuration.and_then(|configuration| configuration.types).unwrap_or_default();
    Ok(DomainName {
        name: required(out.domain_name, "domainName")?,
        routing_mode: out.routing_mode.map_or_else(RoutingMode::default, |mode| mode.as_str().into()),
        endpoint_type: types.first().map(|kind| EndpointType::from(kind.as_str())),
    })
}

pub(super) async fn get_base_path_mappings(
    client: &Rest,
    call: &GetBasePathMappings,
) -> Result<Page<ApiMapping>, AwsError> {
    let request = client.get_base_path_mappings().domain_name(&call.domain).limit(REST_PAGE);
    let out = request.set_position(call.position.clone()).send().await.map_err(classify)?;
    page(out.items, out.position, |item: BasePathMapping| {
        mapping(None, item.base_path, item.rest_api_id, item.stage, "restApiId")
    })
}

pub(super) async fn get_domain_name_v2(client: &Http, call: &GetDomainNameV2) -> Result<DomainName, AwsError> {
    let out = client.get_domain_name().domain_name(&call.domain).send().await.map_err(classify)?;
    let types = out.domain_name_configurations.unwrap_or_default();
    let endpoint_type = types.into_iter().find_map(|configuration| configuration.endpoint_type);
    Ok(DomainName {
        name: required(out.domain_name, "domainName")?,
        routing_mode: out.routing_mode.map_or_else(RoutingMode::default, |mode| mode.as_str().into()),
        endpoint_type: endpoint_type.map(|kind| EndpointType::from(kind.as_str())),
    })
}

pub(super) async fn get_api_mappings(client: &Http, call: &GetApiMappings) -> Result<Page<ApiMapping>, AwsError> {
    let request = client.get_api_mappings().domain_name(&call.domain).max_results(HTTP_PAGE.to_string());
    let out = request.set_next_token(call.next.clone()).send().await.map_err(classify)?;
    page(out.items, out.next_token, |item: sdk::ApiMapping| {
        mapping(item.api_mapping_id, item.api_mapping_key, item.api_id, item.stage, "apiId")
    })
}

fn mapping(
    id: Option<String>,
    base_path: Option<String>,
    api: Option<String>,
    stage: Option<String>,
    api_field: &str,
) -> Result<ApiMapping, AwsError> {
    let stage = stage.filter(|stage| !stage.is_empty() && stage != ApiMapping::NONE);
    Ok(ApiMapping {
        id,
        base_path: ApiMapping::base_path_of(base_path),
        api: api_id(api, api_field)?,
        stage: stage.map(stage_name).transpose()?,
    })
}

pub(super) async fn list_routing_rules(client: &Http, call: &ListRoutingRules) -> Result<Page<RoutingRule>, AwsError> {
    let request = client.list_routing_rules().domain_name(&call.domain).max_results(HTTP_PAGE);
    let out = request.set_next_token(call.next.clone()).send().await.map_err(classify)?;
    page(out.routing_rules, out.next_token, rule)
}

fn rule(rule: sdk::RoutingRule) -> Result<RoutingRule, AwsError> {
    // Of an action that it does not know, the SDK makes one that names no API.
    let known = |action: &sdk::RoutingRuleActionInvokeApi| action.api_id.as_ref().is_some_and(|id| !id.is_empty());
    let invoked = rule.actions.unwrap_or_default().into_iter().filter_map(|action| action.invoke_api).find(known);
    Ok(RoutingRule {
        id: required(rule.routing_rule_id, "routingRuleId")?,
        priority: required(rule.priority, "priority")?,
        conditions: rule.conditions.unwrap_or_default().into_iter().map(condition).collect::<Result<_, _>>()?,
        action: invoked.map(action).transpose()?,
    })
}

fn condition(condition: sdk::RoutingRuleCondition) -> Result<RuleCondition, AwsError> {
    let header = |any: sdk::RoutingRuleMatchHeaderValue| {
        Ok(HeaderGlob { header: required(any.header, "header")?, value_glob: required(any.value_glob, "valueGlob")? })
    };
    let headers = condition.match_headers.map(|headers| headers.any_of.unwrap_or_default());
    Ok(RuleCondition {
        base_paths: condition.match_base_paths.map(|paths| paths.any_of.unwrap_or_default()),
        headers: headers.map(|any| any.into_iter().map(header).collect::<Result<_, AwsError>>()).transpose()?,
    })
}

fn action(action: sdk::RoutingRuleActionInvokeApi) -> Result<InvokeApi, AwsError> {
    Ok(InvokeApi {
        api: api_id(action.api_id, "apiId")?,
        stage: stage_name(required(action.stage, "stage")?)?,
        strip_base_path: action.strip_base_path.unwrap_or_default(),
    })
}

fn api_id(text: Option<String>, field: &str) -> Result<ApiId, AwsError> {
    required(text, field)?.parse().map_err(unreadable)
}

fn stage_name(text: String) -> Result<StageName, AwsError> {
    text.parse().map_err(unreadable)
}

fn unreadable(error: InvalidName) -> AwsError {
    AwsError::Ambiguous { cause: format!("in the answer, {error}") }
}
