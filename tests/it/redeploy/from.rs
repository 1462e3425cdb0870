//! `redeploy.from`: the very deployment that another stage proved.

use stagegate::aws::Operation;
use stagegate::aws::noun::{StageCanary, StageKind};
use stagegate::model::{Description, Percent};
use stagegate::problem::{Code, Exit};
use stagegate::world::{Account, Fault, Request};

use super::{by_stage, proved, redeploy_lines, stage, staging, writes};
use crate::canary::lab::adopt;
use crate::decisions::{edit, nth, orders, refusal};
use crate::faults::lab::{Lab, Scenario, api, prod};

/// What serves in staging.
fn theirs(lab: &Lab) -> String {
    stage(lab, &staging()).deployment
}

#[test]
fn the_stage_gets_the_very_deployment_and_none_is_made() {
    for scenario in [Scenario::Second, Scenario::Http] {
        let lab = proved(scenario);
        let before = lab.state();
        let plan = lab.plan().unwrap();
        let lines = redeploy_lines(&plan);
        let head = format!(
            "a1b2c3d4e5/prod gets deployment {}, which target.staging serves (made on 2026-11-21",
            theirs(&lab)
        );
        assert!(lines[0].starts_with(&head), "{lines:?}");
        assert_eq!(
            lines[1..],
            [
                "  + POST /orders/refunds → orders:${stageVariables.lambdaAlias}",
                "  not in it: 1 change behind the live definition",
                "    + GET /later → orders:${stageVariables.lambdaAlias}"
            ]
        );
        assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
        assert_eq!(lab.state().deployment, theirs(&lab));
        let made = |operation: &Operation| operation.to_string().contains("CreateDeployment");
        assert!(!writes(&lab).iter().any(made), "{:?}", writes(&lab));
        let request = |path: &str| {
            let request = Request { api: api(), stage: prod(), method: "GET".into(), path: path.into() };
            lab.world.serve(&request).failure().map(|failure| failure.to_string())
        };
        assert_eq!(request("/orders"), None);
        if scenario == Scenario::Second {
            assert!(request("/later").is_some(), "what staging does not serve stays unpublished");
        }
        assert!(lab.plan().unwrap().stage_change().is_none(), "the same deployment is not given twice");
        // Any machine: the record alone.
        lab.kept.borrow_mut().clear();
        assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        assert_eq!((lab.state().deployment, lab.state().aliases), (before.deployment, before.aliases));
        // And once more forward: to the same deployment, although this release made none.
        assert!(lab.rollback_elsewhere(Some(2)).unwrap().unwrap().is_clean());
        assert_eq!(lab.state().deployment, theirs(&lab));
    }
}

#[test]
fn a_deployment_of_a_release_is_named_with_it() {
    let mut lab = Lab::new(Scenario::Second);
    let from = proved(Scenario::Second).target.redeploy_from;
    // The release of staging, here simply through the other stage.
    edit(&lab, |account| {
        let deployment = account.deploy(&api(), "first").unwrap();
        account.create_stage(&api(), &staging(), &deployment, &[("lambdaAlias", "live")]).unwrap();
        account.put_route(&api(), "GET", "/later", &orders(), crate::faults::lab::ALIAS).unwrap();
    });
    let home = lab.target.stage.replace(super::staging_ref());
    let run = lab.plan().unwrap();
    assert_eq!(lab.promote(&run).unwrap().exit, Exit::Done);
    lab.kept.borrow_mut().clear();
    lab.target.stage = home;
    lab.target.redeploy_from = from;
    let lines = redeploy_lines(&lab.plan().unwrap());
    assert!(
        lines[0].contains(&format!("which target.staging serves (made by {} on 2026-11-21)", run.run)),
        "{lines:?}"
    );
    assert!(lines.iter().all(|line| !line.contains("not in it")), "staging is current: {lines:?}");
}

#[test]
fn what_is_not_proved_is_refused_by_name_before_anything_is_written() {
    let canary = |account: &mut Account| {
        let attached = StageCanary {
            deployment: None,
            percent: Percent::whole(10).percent(),
            overrides: Default::default(),
            use_stage_cache: false,
        };
        account.put_canary(&api(), &staging(), Some(attached)).unwrap();
    };
    let lab = proved(Scenario::Second);
    edit(&lab, canary);
    assert_eq!(refusal(&lab), (Code::DeploymentUnproven, Exit::Usage));
    assert!(lab.plan().unwrap_err().what.contains("a1b2c3d4e5/staging of target staging has a canary"));

    let lab = proved(Scenario::Second);
    edit(&lab, |account| {
        let alias = "staging".parse().unwrap();
        account.put_alias(&orders(), &alias, 1, &[]).unwrap();
        let record = "[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1422Z 1>2 n=1]";
        account.describe_alias(&orders(), &alias, record).unwrap();
        assert!(Description::parse(record).unwrap().record.is_some());
    });
    assert_eq!(refusal(&lab), (Code::DeploymentUnproven, Exit::Usage));
    assert!(lab.plan().unwrap_err().why[0].contains("orders:staging is held by r-01JD3K7Q4T0000000000000000"));

    for (name, says) in [("staging", "nothing in it was proved"), ("prod", "cannot be given a deployment")] {
        let lab = proved(Scenario::Http);
        edit(&lab, |account| {
            let stages = &mut account.http_api_mut(&api()).unwrap().stages;
            let kind = StageKind::Http { auto_deploy: true, last_deployment: None };
            stages.get_mut(&name.parse().unwrap()).unwrap().kind = kind;
        });
        assert_eq!(refusal(&lab), (Code::DeploymentUnproven, Exit::Usage));
        assert!(lab.plan().unwrap_err().what.contains(says), "{name}");
    }
    let mut lab = proved(Scenario::Second);
    lab.target.redeploy_from.as_mut().unwrap().stage.stage = "gone".parse().unwrap();
    assert_eq!(refusal(&lab), (Code::StageMissing, Exit::Usage));
}

/// Staging goes back to another deployment, as it would when what it served was bad.
fn move_staging(account: &mut Account) {
    let other = account.apis[&api()].stages[&prod()].deployment.clone();
    account.stage_mut(&api(), &staging()).unwrap().deployment = other;
}

#[test]
fn a_stage_that_moved_on_makes_the_plan_stale() {
    let lab = proved(Scenario::Second);
    let (plan, before) = (lab.plan().unwrap(), lab.state());
    edit(&lab, move_staging);
    assert_ne!(lab.plan().unwrap().digest(), plan.digest());
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::Conflict, Code::PlanStale));
    assert!(writes(&lab).is_empty());
    assert_eq!(lab.state(), before);
}

#[test]
fn one_that_moves_during_the_release_is_seen_before_the_stage_is_written() {
    let lab = proved(Scenario::Second);
    let (plan, before) = (lab.plan().unwrap(), lab.state());
    let at = nth(&lab, Operation::UpdateStage, 0);
    lab.world.restart();
    lab.world.inject(nth(&lab, Operation::PublishVersion, 0), Fault::intrude(move_staging));
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::RolledBack, Code::PlanStale), "call {at}");
    assert!(!writes(&lab).contains(&Operation::UpdateStage));
    assert_eq!(lab.state(), before);
}

#[test]
fn a_canary_tries_that_deployment_and_goes_on_wherever_staging_is_by_then() {
    let mut lab = by_stage(proved(Scenario::Second));
    let (before, wanted) = (lab.state(), theirs(&lab));
    lab.settings.until_percent = Some(Percent::whole(20));
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert_eq!(lab.stage().canary.unwrap().deployment, Some(wanted.clone()));
    assert_eq!(lab.state().deployment, before.deployment);
    // Staging gets its next release meanwhile, and another machine takes this one up.
    edit(&lab, move_staging);
    lab.kept.borrow_mut().clear();
    lab.settings.until_percent = None;
    let back = lab.fork();
    assert!(back.rollback_elsewhere(None).unwrap().unwrap().is_clean());
    assert_eq!((back.state().deployment, back.state().canary), (before.deployment, None));
    let outcome = adopt(&lab, false).unwrap().unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
    assert_eq!((lab.state().deployment, lab.state().canary), (wanted, None));
    assert_eq!(lab.violations(), Vec::<String>::new());
}

#[test]
fn a_route_that_only_the_proved_deployment_has_gets_its_permission_too() {
    let lab = proved(Scenario::Second);
    // Every live route is allowed one by one; the route that staging serves was taken out of the live definition since.
    edit(&lab, |account| {
        for (number, path) in ["GET/later", "GET/orders"].iter().enumerate() {
            let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{}/prod/{path}", api());
            let mut statement = crate::faults::lab::statement(&orders(), &arn);
            statement["Sid"] = format!("live-{number}").into();
            account.put_statement(&orders(), "live", statement).unwrap();
        }
        account.edit_api(&api(), |live| live.resources.retain(|resource| resource.path != "/orders/refunds")).unwrap();
    });
    let plan = lab.plan().unwrap();
    assert_eq!(plan.grants().count(), 1, "{:?}", redeploy_lines(&plan));
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    let request = Request { api: api(), stage: prod(), method: "POST".into(), path: "/orders/refunds".into() };
    assert_eq!(lab.world.serve(&request).failure(), None);
}
