//! Stage variables that are set with a release, and go back with it from anywhere.

use std::collections::BTreeMap;

use stagegate::aws::noun::Patch;
use stagegate::aws::{Call, Operation};
use stagegate::model::Percent;
use stagegate::problem::{Code, Exit};

use super::{by_stage, deployment, proved, redeploy_lines, with_variables, writes};
use crate::canary::lab::adopt;
use crate::decisions::{edit, refusal, second};
use crate::faults::lab::{Lab, Scenario, api, prod};

fn after() -> BTreeMap<String, String> {
    let all = [("flag", "on"), ("lambdaAlias", "live"), ("owner", "shop"), ("table", "orders-v2")];
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The deployments of the API.
fn deployments(lab: &Lab) -> usize {
    lab.world.look(|account| account.apis[&api()].deployments.len())
}

#[test]
fn they_are_set_in_the_same_write_as_the_deployment() {
    let lab = with_variables(second());
    let plan = lab.plan().unwrap();
    let lines = redeploy_lines(&plan);
    assert_eq!(lines[2..], ["  ~ variable flag (unset) → on", "  ~ variable table orders-v1 → orders-v2"]);
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    let updates: Vec<usize> = lab
        .world
        .calls()
        .iter()
        .filter_map(|call| match &call.call {
            Call::UpdateStage(update) => Some(update.patches.len()),
            _ => None,
        })
        .collect();
    assert_eq!(updates, [3], "deployment and both variables");
    assert_eq!(lab.state().variables, after());
    assert!(lab.plan().unwrap().stage_change().is_none());
}

#[test]
fn any_machine_puts_them_back_and_in_place_again() {
    for scenario in [Scenario::Second, Scenario::Http] {
        let lab = with_variables(Lab::new(scenario));
        let before = lab.state();
        assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
        lab.kept.borrow_mut().clear();
        let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
        assert!(undone.is_clean(), "{:?}", undone.left);
        assert_eq!((lab.state().variables, lab.state().deployment), (before.variables, before.deployment));
        assert!(lab.rollback_elsewhere(Some(2)).unwrap().unwrap().is_clean());
        assert_eq!(lab.state().variables, after());
    }
}

#[test]
fn where_no_deployment_is_served_one_is_made_that_keeps_what_they_were() {
    let lab = with_variables(proved(Scenario::Second));
    let (before, made) = (lab.state(), deployments(&lab));
    let plan = lab.plan().unwrap();
    assert!(redeploy_lines(&plan).last().unwrap().contains("a deployment that nothing points at"));
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert_eq!(deployments(&lab), made + 1);
    assert_eq!(lab.state().deployment, super::stage(&lab, &super::staging()).deployment);
    assert_eq!(lab.state().variables, after());
    lab.kept.borrow_mut().clear();
    assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
    assert_eq!((lab.state().variables, lab.state().deployment), (before.variables, before.deployment));
    // In place again: the proved deployment, never the one that only keeps.
    assert!(lab.rollback_elsewhere(Some(2)).unwrap().unwrap().is_clean());
    assert_eq!(lab.state().deployment, super::stage(&lab, &super::staging()).deployment);
    assert_eq!(lab.state().variables, after());
}

#[test]
fn a_release_of_variables_alone_never_points_at_what_it_made() {
    let mut lab = with_variables(Lab::new(Scenario::Definition));
    lab.target.redeploy = stagegate::model::RedeployWhen::Never;
    let before = lab.state();
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    assert_eq!((lab.state().deployment, lab.state().variables), (before.deployment.clone(), after()));
    lab.kept.borrow_mut().clear();
    assert!(lab.rollback_elsewhere(Some(1)).is_some());
    assert_eq!(lab.state().deployment, before.deployment);
}

#[test]
fn an_edit_that_lands_meanwhile_does_not_stop_what_publishes_nothing() {
    let lab = with_variables(proved(Scenario::Second));
    let plan = lab.plan().unwrap();
    edit(&lab, |account| {
        let function = crate::decisions::orders();
        account.put_route(&api(), "GET", "/unseen", &function, crate::faults::lab::ALIAS).unwrap();
    });
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
}

#[test]
fn each_goes_back_only_where_it_still_holds_what_the_release_set() {
    let lab = with_variables(second());
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    lab.kept.borrow_mut().clear();
    edit(&lab, |account| {
        account.stage_mut(&api(), &prod()).unwrap().variables.insert("table".into(), "orders-v3".into());
    });
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(undone.left.len(), 1);
    assert!(undone.left[0].problem.what.contains("the variable table of a1b2c3d4e5/prod"), "{:?}", undone.left);
    let variables = lab.state().variables;
    assert_eq!((variables.get("flag"), variables["table"].as_str()), (None, "orders-v3"));
    assert_eq!(lab.state().aliases["orders:live"].0.number(), Some(1));
}

#[test]
fn when_the_deployment_that_knows_them_is_gone_the_rest_goes_back_and_they_are_named() {
    let lab = with_variables(proved(Scenario::Second));
    let before = lab.state();
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    lab.kept.borrow_mut().clear();
    edit(&lab, |account| {
        let api = account.api_mut(&api()).unwrap();
        api.deployments.retain(|_, snapshot| !snapshot.deployment.description.contains(" vars="));
    });
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert_eq!(undone.left[0].problem.code, Code::VariablesForgotten);
    assert!(!undone.is_clean() && !undone.left[0].problem.fix.is_empty());
    assert_eq!((lab.state().deployment, lab.state().variables), (before.deployment, after()));
}

#[test]
fn a_canary_sees_them_first_and_they_are_merged_when_it_is_promoted() {
    let mut lab = by_stage(with_variables(second()));
    let before = lab.state();
    lab.settings.until_percent = Some(Percent::whole(20));
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    let overrides = lab.stage().canary.unwrap().overrides;
    let seen: Vec<String> = overrides.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(seen, ["flag=on", "lambdaAlias=live-canary", "table=orders-v2"]);
    assert_eq!(lab.state().variables, before.variables, "everybody else sees what was before");
    lab.kept.borrow_mut().clear();
    lab.settings.until_percent = None;
    let back = lab.fork();
    assert!(back.rollback_elsewhere(None).unwrap().unwrap().is_clean());
    assert_eq!((back.state().variables, back.state().canary), (before.variables, None));
    let outcome = adopt(&lab, false).unwrap().unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
    assert_eq!((lab.state().variables, lab.state().canary), (after(), None));
    let copied = |call: &Call| matches!(call, Call::UpdateStage(u) if u.patches.iter().any(|p| matches!(p, Patch::Copy { path, .. } if path == "/variables")));
    assert!(!lab.world.calls().iter().any(|call| copied(&call.call)), "overrides are never copied");
}

#[test]
fn what_could_not_be_put_back_is_refused_before_anything_is_written() {
    let mut lab = second();
    lab.target.variables = (0..3).map(|n| (format!("long_{n}"), "v".repeat(300))).collect();
    assert_eq!(refusal(&lab), (Code::VariablesTooLong, Exit::Usage));
    let mut lab = second();
    lab.target.variables = (0..100).map(|n| (format!("v{n}"), "1".to_owned())).collect();
    assert_eq!(refusal(&lab), (Code::VariablesTooLong, Exit::Usage));
    assert!(lab.plan().unwrap_err().what.contains("101 stage variables"));
    let lab = with_variables(second());
    edit(&lab, |account| {
        account.stage_mut(&api(), &prod()).unwrap().variables.insert("table".into(), "a;b c".into());
    });
    // `;` parts the variables in the description.
    assert_eq!(refusal(&lab), (Code::VariablesTooLong, Exit::Usage));
}

#[test]
fn the_description_says_it_all() {
    let lab = with_variables(second());
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    let description = deployment(&lab, &lab.state().deployment).description;
    assert!(description.ends_with(" vars=flag!>on;table:orders-v1>orders-v2"), "{description}");
    assert_eq!(writes(&lab).iter().filter(|operation| **operation == Operation::CreateDeployment).count(), 1);
}
