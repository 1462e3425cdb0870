//! Whether requests that a stage takes reach the aliases of a release.

use std::collections::BTreeSet;

use super::Notice;
use super::observe::ObservedStage;
use super::stage::variables;
use crate::aws::noun::StageKind;
use crate::definition::{self, Resolved, Route, reach};
use crate::model::target::Target;
use crate::model::{FunctionName, StageRef};
use crate::problem::{Code, Problem};

/// Routes of the target's functions must reach the alias, through variables that are set.
/// Says which of the functions are reached.
pub(super) fn check(
    target: &Target,
    observed: &ObservedStage,
    region: &str,
    notices: &mut Vec<Notice>,
) -> Result<Vec<FunctionName>, Problem> {
    let mut reached = Vec::new();
    let variables = variables(target, &observed.stage);
    let routes = observed.routes(&variables);
    let names: Vec<&str> = target.functions.iter().map(FunctionName::as_str).collect();
    if let Some(route) = reach::unset(&routes, &names).first() {
        return Err(unset_variable(route, observed, target, region));
    }
    for function in &target.functions {
        let through = reach::reaching(&routes, function.as_str(), target.alias.as_str());
        let latest = reach::unqualified(&routes, function.as_str());
        if !through.is_empty() {
            reached.push(function.clone());
        }
        match (through.is_empty(), latest.first()) {
            (true, Some(route)) => return Err(unqualified(route, function, target, observed)),
            (false, Some(route)) => notices.push(Notice {
                code: Code::UnqualifiedIntegration,
                text: format!("{} calls {function} without an alias: no release changes what it runs", route.caller),
            }),
            (true, None) => notices.push(Notice {
                code: Code::UnqualifiedIntegration,
                text: format!("no route of {} calls {function}:{}", observed.stage_ref, target.alias),
            }),
            (false, None) => {}
        }
    }
    notices.extend(unused_variable(target, observed, &routes));
    Ok(reached)
}

/// A variable that no integration takes the alias from is written without any effect: a slip of the pen, where others are
/// used in its place.
fn unused_variable(target: &Target, observed: &ObservedStage, routes: &[Route]) -> Option<Notice> {
    let variable = target.alias_variable.as_deref()?;
    let is_ours = |route: &&Route| {
        let called = route.call.lambda();
        called.is_some_and(|call| target.functions.iter().any(|function| function.as_str() == call.function))
    };
    let ours: Vec<&Route> = routes.iter().filter(is_ours).collect();
    let takes =
        |route: &&Route| definition::integration::variables_used(&route.uri).iter().any(|name| name == variable);
    let used: BTreeSet<String> =
        ours.iter().filter_map(|route| definition::integration::qualifier_variable(&route.uri)).collect();
    if used.is_empty() || ours.iter().any(takes) {
        return None;
    }
    let used: Vec<String> = used.into_iter().collect();
    let text = format!(
        "no integration of {} takes the alias from {variable}, the alias_variable of {}; they use {}",
        observed.stage_ref,
        target.label(),
        used.join(", ")
    );
    Some(Notice { code: Code::CanaryWiring, text })
}

fn unset_variable(route: &Route, observed: &ObservedStage, target: &Target, region: &str) -> Problem {
    let Resolved::UnsetVariable { names, .. } = &route.call else {
        return Problem::new(Code::StageVariableUnset, format!("{} hangs on an unset stage variable", route.caller));
    };
    let StageRef { api, stage } = &observed.stage_ref;
    let name = names.first().map_or("NAME", String::as_str);
    Problem::new(Code::StageVariableUnset, format!("{} needs stage variable {name}, which {} does not set", route.caller, observed.stage_ref))
        .why(format!("the integration calls {}", definition::integration::short(&route.uri)))
        .why("API Gateway puts the empty string in its place and every request fails")
        .fix(format!("let the release set it: alias_variable = \"{name}\" in target {}", target.label()))
        .fix(match observed.stage.kind {
            StageKind::Rest => format!("or set it: aws apigateway update-stage --region {region} --rest-api-id {api} --stage-name {stage} --patch-operations op=replace,path=/variables/{name},value=VALUE"),
            StageKind::Http { .. } => format!("or set it: aws apigatewayv2 update-stage --region {region} --api-id {api} --stage-name '{stage}' --stage-variables {name}=VALUE"),
        })
}

fn unqualified(route: &Route, function: &FunctionName, target: &Target, observed: &ObservedStage) -> Problem {
    let name = target.alias_variable.as_deref().unwrap_or("lambdaAlias");
    Problem::new(
        Code::UnqualifiedIntegration,
        format!("{} calls {function} itself, not the alias {}", route.caller, target.alias),
    )
    .why(format!(
        "no route of {} goes through {function}:{}, so moving the alias would change nothing",
        observed.stage_ref, target.alias
    ))
    .fix(format!("point the integration at {function}:${{stageVariables.{name}}} and set alias_variable = \"{name}\""))
}
