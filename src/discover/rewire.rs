//! The edits that let a stage find an alias where its integrations name a function alone: as commands of the AWS CLI.

use serde_json::json;

use super::LiveStage;
use crate::definition::integration::with_qualifier;
use crate::definition::{LiveApi, Resolved};
use crate::model::FunctionName;

/// One integration that names the function itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The routes that call it.
    pub routes: Vec<String>,
    /// What it calls now.
    pub uri: String,
    /// The command that points it at the variable; none where its address cannot be taken apart.
    pub command: Option<String>,
}

/// What to edit so that every route to these functions takes its alias from a variable. Editing changes the live
/// definition, which a stage serves with its next deployment; a stage that deploys by itself serves it at once.
pub fn edits(stage: &LiveStage, functions: &[FunctionName], variable: &str, region: &str) -> Vec<Edit> {
    let concerns = |call: &Resolved| {
        let pinned = |qualifier: &str| qualifier == "$LATEST" || qualifier.bytes().all(|b| b.is_ascii_digit());
        call.lambda().is_some_and(|call| {
            call.qualifier.as_deref().is_none_or(pinned)
                && functions.iter().any(|function| function.as_str() == call.function)
        })
    };
    let wanted = |uri: &str| with_qualifier(uri, &format!("${{stageVariables.{variable}}}"));
    let resolve = |uri: &str| crate::definition::resolve(uri, &stage.stage.variables);
    let api = &stage.stage_ref.api;
    match &stage.live {
        LiveApi::Rest(live) => live
            .methods()
            .into_iter()
            .filter_map(|((path, method), what)| {
                let uri = what.integration.as_ref()?.uri.clone().filter(|uri| concerns(&resolve(uri)))?;
                let command = wanted(&uri).map(|uri| {
                    let patch = json!([{ "op": "replace", "path": "/uri", "value": uri }]);
                    format!(
                        "aws apigateway update-integration --region {region} --rest-api-id {api} --resource-id \"$(aws \
                         apigateway get-resources --region {region} --rest-api-id {api} --query \
                         \"items[?path=='{path}'].id\" --output text)\" --http-method {method} --patch-operations '{patch}'"
                    )
                });
                Some(Edit { routes: vec![format!("{method} {path}")], uri, command })
            })
            .collect(),
        LiveApi::Http(live) => live
            .integrations
            .iter()
            .filter_map(|integration| {
                let uri = integration.integration_uri.clone().filter(|uri| concerns(&resolve(uri)))?;
                let calls = |route: &&crate::aws::noun::HttpRoute| route.integration_id() == Some(&integration.id);
                let routes: Vec<String> =
                    live.routes.iter().filter(calls).map(|route| route.route_key.clone()).collect();
                let command = wanted(&uri).map(|uri| {
                    format!(
                        "aws apigatewayv2 update-integration --region {region} --api-id {api} --integration-id {} \
                         --integration-uri '{uri}'",
                        integration.id
                    )
                });
                (!routes.is_empty()).then_some(Edit { routes, uri, command })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::noun::{HttpIntegration, HttpRoute, Stage};
    use crate::definition::{HttpLive, sample};

    fn stage(live: LiveApi) -> LiveStage {
        LiveStage { stage_ref: "a1b2c3d4e5/prod".parse().unwrap(), stage: Stage::default(), live, domain: None }
    }

    #[test]
    fn only_what_names_the_function_itself_is_edited() {
        let rest = stage(LiveApi::Rest(Box::new(sample::live())));
        let found = edits(&rest, &["legacy".parse().unwrap()], "lambdaAlias", "eu-west-1");
        assert_eq!(found.iter().map(|edit| edit.routes.join(",")).collect::<Vec<_>>(), ["GET /legacy"]);
        assert!(
            found[0].command.as_ref().unwrap().contains("function:legacy:${stageVariables.lambdaAlias}/invocations")
        );
        assert!(edits(&rest, &["checkout".parse().unwrap()], "lambdaAlias", "eu-west-1").is_empty());
    }

    #[test]
    fn an_integration_of_an_http_api_is_edited_once_for_all_its_routes() {
        let arn = "arn:aws:lambda:eu-west-1:111111111111:function:pets";
        let integration = |id: &str, uri: String| HttpIntegration {
            id: id.into(),
            integration_uri: Some(uri),
            ..HttpIntegration::default()
        };
        let route = |key: &str, id: &str| HttpRoute {
            route_key: key.into(),
            target: Some(format!("integrations/{id}")),
            ..HttpRoute::default()
        };
        let live = HttpLive {
            routes: vec![route("GET /pets", "i1"), route("$default", "i1"), route("GET /old", "i2")],
            integrations: vec![
                integration("i1", arn.into()),
                integration("i2", format!("{arn}:7")),
                integration("i3", arn.into()),
                integration("i4", format!("{arn}:live")),
            ],
            ..HttpLive::default()
        };
        let found = edits(&stage(LiveApi::Http(Box::new(live))), &["pets".parse().unwrap()], "a", "eu-west-1");
        let shown: Vec<String> = found
            .iter()
            .map(|edit| format!("{}: {}", edit.routes.join(", "), edit.command.as_ref().unwrap()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
