//! Releases through stages of HTTP APIs: what is sent, what is refused, and what goes back.

use std::time::Duration;

use stagegate::aws::noun::{HttpAuthorizer, StageKind};
use stagegate::aws::{Kind, Operation};
use stagegate::model::target::RedeployWhen;
use stagegate::model::{AliasName, CanaryMode, StageRef, Version, schedule};
use stagegate::plan::Plan;
use stagegate::policy;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Account, Request};

use crate::decisions::{edit, nth, operations, orders, refusal};
use crate::faults::lab::{ALIAS, Lab, Scenario, alias, api, prod, stage_ref};

fn second() -> Lab {
    Lab::new(Scenario::Http)
}

fn writes(lab: &Lab) -> Vec<Operation> {
    operations(lab).into_iter().filter(|operation| operation.kind() == Kind::Write).collect()
}

fn redeploy_lines(plan: &Plan) -> Vec<String> {
    plan.steps().into_iter().find(|step| step.step.name() == "redeploy").unwrap().detail
}

/// The version behind a request.
fn served(lab: &Lab, stage: &StageRef, method: &str, path: &str) -> Vec<Version> {
    let (api, stage) = (stage.api.clone(), stage.stage.clone());
    let served = lab.world.serve(&Request { api, stage, method: method.into(), path: path.into() });
    assert_eq!(served.failure(), None, "{method} {path}");
    served.versions().into_keys().collect()
}

/// The laboratory's release through another stage of its API.
fn through(mut lab: Lab, name: &str, auto_deploy: bool, seed: impl FnOnce(&mut Account)) -> Lab {
    let stage = StageRef { api: api(), stage: name.parse().unwrap() };
    edit(&lab, |account| {
        account.create_http_stage(&api(), &stage.stage, auto_deploy, &[("lambdaAlias", "live")]).unwrap();
        account.grant(&orders(), &alias(), &api(), &stage.stage).unwrap();
        seed(account);
    });
    lab.target.stage = Some(stage);
    lab
}

#[test]
fn the_snapshot_is_made_waited_for_and_then_pointed_at() {
    let lab = second();
    let plan = lab.plan().unwrap();
    assert_eq!(
        redeploy_lines(&plan),
        [
            "a1b2c3d4e5/prod is 1 change behind the live definition",
            "  + POST /orders/refunds → orders:${stageVariables.lambdaAlias}"
        ]
    );
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert_eq!(
        writes(&lab),
        [
            Operation::PublishVersion,
            Operation::UpdateAlias,
            Operation::AddPermission,
            Operation::CreateHttpDeployment,
            Operation::UpdateHttpStage,
            Operation::UpdateAlias
        ]
    );
    let calls = operations(&lab);
    let at = |wanted: Operation| calls.iter().position(|operation| *operation == wanted).unwrap();
    let asked = calls[at(Operation::CreateHttpDeployment)..at(Operation::UpdateHttpStage)]
        .iter()
        .filter(|operation| **operation == Operation::GetHttpDeployment)
        .count();
    assert!(asked > 1, "it was pending at first: {calls:?}");
    for (method, path) in [("GET", "/orders"), ("POST", "/orders/refunds"), ("PUT", "/anything/else")] {
        assert_eq!(served(&lab, &stage_ref(), method, path), [Version::Number(2)], "{method} {path}");
    }
    let again = lab.plan().unwrap();
    assert!(again.stage_change().is_none(), "the fingerprint in the description proves what the stage serves");
    assert!(!operations(&lab)[calls.len()..].contains(&Operation::ExportApi));
}

#[test]
fn a_later_edit_is_named_although_the_deployment_is_ours() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    edit(&lab, |account| {
        account.edit_http_api(&api(), |live| live.integrations[0].timeout_in_millis = Some(5_000)).unwrap();
    });
    let lines = redeploy_lines(&lab.plan().unwrap());
    assert_eq!(lines[1], "  ~ GET /orders  integration timeoutInMillis 30000 → 5000");
}

#[test]
fn what_was_deployed_by_others_and_not_edited_since_is_current() {
    let lab = through(second(), "beta", false, |_| {});
    let plan = lab.plan().unwrap();
    assert_eq!(redeploy_lines(&plan), ["a1b2c3d4e5/beta serves the live definition"]);
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert!(!writes(&lab).contains(&Operation::CreateHttpDeployment));
}

#[test]
fn rolling_back_needs_the_records_alone_and_points_at_the_previous_deployment() {
    let lab = second();
    let before = lab.state();
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    assert_ne!(lab.state().deployment, before.deployment);
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert!(undone.is_clean(), "{:?}", undone.left);
    assert_eq!(writes(&lab), [Operation::UpdateAlias, Operation::UpdateHttpStage, Operation::UpdateAlias]);
    let after = lab.state();
    assert_eq!((&after.deployment, &after.aliases), (&before.deployment, &before.aliases));
    // And forward again, to the deployment that the release had made.
    let undone = lab.rollback_elsewhere(Some(2)).unwrap().unwrap();
    assert!(undone.is_clean(), "{:?}", undone.left);
    assert_eq!(served(&lab, &stage_ref(), "POST", "/orders/refunds"), [Version::Number(2)]);
    assert!(!writes(&lab).contains(&Operation::CreateHttpDeployment));
}

#[test]
fn a_rollback_leaves_what_somebody_redeployed() {
    let lab = second();
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    edit(&lab, |account| {
        let other: stagegate::model::StageName = "theirs".parse().unwrap();
        account.create_http_stage(&api(), &other, false, &[]).unwrap();
        let theirs = account.http_apis[&api()].stages[&other].deployment.clone();
        account.http_api_mut(&api()).unwrap().stages.get_mut(&prod()).unwrap().deployment = theirs;
    });
    let before = lab.state();
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(undone.left[0].problem.code, Code::StageChanged);
    assert_eq!(lab.state().deployment, before.deployment);
    assert_eq!(lab.state().aliases["orders:live"].0, Version::Number(1), "the alias goes back");
}

#[test]
fn a_deployment_that_fails_or_stays_pending_is_never_pointed_at() {
    let fails = |account: &mut Account| account.settings.http_deployments_fail = Some("the integration is gone".into());
    let hangs = |account: &mut Account| account.settings.http_deploy_time = Duration::from_secs(3_600);
    for (hurt, why) in
        [(&fails as &dyn Fn(&mut Account), "the integration is gone"), (&hangs, "it is PENDING for 120 s")]
    {
        let lab = second();
        let (before, plan) = (lab.state(), lab.plan().unwrap());
        lab.world.edit(hurt);
        let outcome = lab.promote(&plan).unwrap();
        let problem = outcome.problem.unwrap();
        assert_eq!((outcome.exit, problem.code), (Exit::RolledBack, Code::DeploymentRefused));
        assert!(problem.why.contains(&why.to_owned()), "{problem:?}");
        assert!(!writes(&lab).contains(&Operation::UpdateHttpStage));
        assert_eq!(lab.state(), before);
    }
}

#[test]
fn a_stage_that_deploys_by_itself_is_recognised_and_its_variable_is_set_and_put_back() {
    let lab = Lab::new(Scenario::FirstHttp);
    let plan = lab.plan().unwrap();
    assert_eq!(
        redeploy_lines(&plan),
        [
            "a1b2c3d4e5/prod deploys every edit of its API by itself (autoDeploy): nothing to redeploy",
            "  ~ variable lambdaAlias (unset) → live"
        ]
    );
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert!(!writes(&lab).contains(&Operation::CreateHttpDeployment));
    assert_eq!(lab.stage().variables["lambdaAlias"], "live");
    assert_eq!(lab.stage().variables["owner"], "shop", "what was there stays");
    assert_eq!(served(&lab, &stage_ref(), "GET", "/orders"), [Version::Number(1)]);
}

#[test]
fn the_other_variables_stay_whether_aws_merges_or_replaces_them() {
    for replaced in [true, false] {
        let mut lab = through(second(), "beta", false, |account| {
            account.settings.http_variables_replaced = replaced;
            let stages = &mut account.http_api_mut(&api()).unwrap().stages;
            let variables = &mut stages.get_mut(&"beta".parse().unwrap()).unwrap().variables;
            variables.insert("owner".into(), "shop".into());
        });
        // A route of its own for the variable that the release sets for the first time.
        lab.target.alias_variable = Some("ordersAlias".into());
        let variables = |lab: &Lab| {
            let stage = lab.target.stage.clone().unwrap().stage;
            lab.world.look(|account| account.http_apis[&api()].stages[&stage].variables.clone())
        };
        let before = variables(&lab);
        assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
        let mut after = before.clone();
        after.insert("ordersAlias".into(), "live".into());
        assert_eq!(variables(&lab), after, "replaced: {replaced}");
        assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        assert_eq!(variables(&lab), before, "replaced: {replaced}");
    }
}

#[test]
fn asking_for_a_deployment_of_a_stage_that_deploys_by_itself_makes_none() {
    let mut lab = through(second(), "beta", true, |_| {});
    lab.target.redeploy = RedeployWhen::Always;
    let plan = lab.plan().unwrap();
    assert!(plan.stage.as_ref().unwrap().redeploy.is_none());
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert!(!writes(&lab).contains(&Operation::CreateHttpDeployment));
}

#[test]
fn an_automatic_deployment_that_failed_is_told() {
    let lab = through(second(), "beta", true, |account| {
        let stages = &mut account.http_api_mut(&api()).unwrap().stages;
        let said = Some("Deployment attempt failed: no integration".into());
        let stage = stages.get_mut(&"beta".parse().unwrap()).unwrap();
        stage.kind = StageKind::Http { auto_deploy: true, last_deployment: said };
    });
    let notices = lab.plan().unwrap().notices;
    let told = notices.iter().find(|notice| notice.code == Code::DeploymentRefused).unwrap();
    assert!(told.text.contains("Deployment attempt failed: no integration"), "{told:?}");
    let fine = through(second(), "beta", true, |_| {}).plan().unwrap();
    assert!(fine.notices.iter().all(|notice| notice.code != Code::DeploymentRefused), "{:?}", fine.notices);
}

#[test]
fn the_default_stage_is_released_and_rolled_back_like_any_other() {
    let lab = through(second(), "$default", true, |_| {});
    let stage = lab.target.stage.clone().unwrap();
    assert_eq!(served(&lab, &stage, "GET", "/orders"), [Version::Number(1)]);
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    for path in ["/orders", "/no/such/route"] {
        assert_eq!(served(&lab, &stage, "GET", path), [Version::Number(2)], "{path}");
    }
    assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
    assert_eq!(served(&lab, &stage, "GET", "/orders"), [Version::Number(1)]);
    assert_eq!(lab.violations(), Vec::<String>::new());
}

#[test]
fn permission_is_proved_for_the_template_of_each_route_and_for_its_authorizer() {
    let grants = |source: &str| -> usize {
        let lab = second();
        edit(&lab, |account| {
            let mut statement = crate::faults::lab::statement(&orders(), source);
            statement["Sid"] = "theirs".into();
            account.put_http_route(&api(), "GET /orders/{id}", &orders(), ALIAS).unwrap();
            account.put_statement(&orders(), "live", statement).unwrap();
        });
        lab.plan().unwrap().grants().count()
    };
    let source = |path: &str| format!("arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/{path}");
    assert_eq!(grants(&source("prod/*")), 0, "a whole stage");
    assert_eq!(grants(&source("*/*/orders/*")), 0, "both new routes, as CDK grants them");
    assert_eq!(grants(&source("prod/GET/orders/17")), 1, "the template is matched, not a path");
    let lab = second();
    edit(&lab, |account| {
        let uri = account.function_arn(&orders(), Some("live"));
        account
            .edit_http_api(&api(), |live| {
                let authorizer = HttpAuthorizer {
                    id: "au1".into(),
                    name: "session".into(),
                    authorizer_type: Some("REQUEST".into()),
                    authorizer_uri: Some(uri),
                    ..HttpAuthorizer::default()
                };
                live.authorizers.push(authorizer);
                live.routes[0].authorizer_id = Some("au1".into());
                live.routes[0].authorization_type = Some("CUSTOM".into());
            })
            .unwrap();
    });
    let plan = lab.plan().unwrap();
    let sources: Vec<&str> = plan.grants().map(|(_, grant)| grant.source_arn.as_str()).collect();
    assert!(sources.iter().any(|arn| arn.ends_with("a1b2c3d4e5/authorizers/au1")), "{sources:?}");
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert_eq!(served(&lab, &stage_ref(), "GET", "/orders"), [Version::Number(2)]);
}

#[test]
fn what_cannot_be_released_is_refused_by_name_before_anything_is_written() {
    let refused = |lab: Lab, code: Code, says: &str| {
        let before = lab.state();
        let problem = lab.plan().unwrap_err();
        assert_eq!((problem.code, problem.exit), (code, Exit::Usage));
        assert!(problem.what.contains(says) && !problem.fix.is_empty(), "{problem:?}");
        assert_eq!(lab.state(), before);
    };
    let mut canary = second();
    canary.target.canary.mode = CanaryMode::Stage;
    canary.target.canary.steps = schedule::parse("50% 5m").unwrap();
    refused(canary, Code::Unsupported, "canary.mode = \"stage\" needs a REST API, a1b2c3d4e5 is an HTTP API");
    let socket = second();
    edit(&socket, |account| {
        account.edit_http_api(&api(), |live| live.api.protocol_type = "WEBSOCKET".into()).unwrap();
    });
    refused(socket, Code::ApiKindUnsupported, "API a1b2c3d4e5 is a WEBSOCKET API");
    let undeployed = second();
    edit(&undeployed, |account| {
        account.http_api_mut(&api()).unwrap().stages.get_mut(&prod()).unwrap().deployment.clear();
    });
    refused(undeployed, Code::Unsupported, "stage a1b2c3d4e5/prod was never deployed");
}

#[test]
fn a_stage_of_neither_kind_is_missing_and_both_kinds_are_named() {
    let mut lab = second();
    lab.target.stage = Some(StageRef { api: api(), stage: "gone".parse().unwrap() });
    assert_eq!(refusal(&lab), (Code::StageMissing, Exit::Usage));
    let problem = lab.plan().unwrap_err();
    assert!(problem.why[0].contains("REST API") && problem.why[0].contains("HTTP API"), "{problem:?}");
}

#[test]
fn a_definition_that_is_edited_meanwhile_is_not_deployed_unseen() {
    let lab = second();
    let plan = lab.plan().unwrap();
    let at = nth(&lab, Operation::CreateHttpDeployment, 0);
    lab.world.restart();
    let edit = |account: &mut Account| account.put_http_route(&api(), "GET /unseen", &orders(), ALIAS).unwrap();
    // Before the definition is read again: API, routes, integrations.
    lab.world.inject(at - 3, stagegate::world::Fault::intrude(edit));
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.problem.unwrap().code, Code::PlanStale);
    assert!(!writes(&lab).contains(&Operation::CreateHttpDeployment));
}

#[test]
fn the_alias_variable_is_needed_and_the_command_that_sets_it_is_the_one_for_http_apis() {
    let mut lab = Lab::new(Scenario::FirstHttp);
    lab.target.alias_variable = None;
    let problem = lab.plan().unwrap_err();
    assert_eq!(problem.code, Code::StageVariableUnset);
    assert!(problem.fix.iter().any(|fix| fix.contains("aws apigatewayv2 update-stage")), "{problem:?}");
}

#[test]
fn one_statement_for_the_stage_covers_every_route_and_default() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    let live: AliasName = alias();
    let request = stagegate::aws::operation::GetPolicy { function: orders(), alias: live };
    let ids = policy::statement_ids(&lab.peek(request).unwrap().document);
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(lab.plan().unwrap().grants().next().is_none());
}
