//! IAM: what the policies of a caller say. Its answers come from one place for all regions of a partition.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};

use super::super::AwsError;
use super::super::noun::{Page, Simulated};
use super::super::operation::SimulatePrincipalPolicy;
use super::classify::classify;

pub(super) async fn simulate_principal_policy(
    client: &Client,
    call: &SimulatePrincipalPolicy,
) -> Result<Page<Simulated>, AwsError> {
    let context = call.context.iter().map(|(key, value)| {
        ContextEntry::builder()
            .context_key_name(key)
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values(value)
            .build()
    });
    let out = client
        .simulate_principal_policy()
        .policy_source_arn(&call.principal)
        .set_action_names(Some(call.actions.clone()))
        .set_resource_arns((!call.resources.is_empty()).then(|| call.resources.clone()))
        .set_context_entries((!call.context.is_empty()).then(|| context.collect()))
        .set_marker(call.next.clone())
        .send()
        .await
        .map_err(classify)?;
    let items = out.evaluation_results.unwrap_or_default().into_iter().flat_map(results).collect();
    Ok(Page { items, next: out.marker.filter(|_| out.is_truncated) })
}

/// Where resources were named, each of them has its own decision below that of the action (SDK documentation of
/// `EvalResourceName`).
fn results(result: EvaluationResult) -> Vec<Simulated> {
    let action = result.eval_action_name;
    let allowed = |decision: &PolicyEvaluationDecisionType| *decision == PolicyEvaluationDecisionType::Allowed;
    match result.resource_specific_results.filter(|each| !each.is_empty()) {
        Some(each) => each
            .into_iter()
            .map(|one| Simulated {
                action: action.clone(),
                allowed: allowed(&one.eval_resource_decision),
                resource: one.eval_resource_name,
            })
            .collect(),
        None => vec![Simulated {
            action,
            allowed: allowed(&result.eval_decision),
            resource: result.eval_resource_name.unwrap_or_else(|| "*".into()),
        }],
    }
}
