//! `redeploy.files`: a file's content decides, found again from any machine.

use stagegate::aws::Operation;
use stagegate::model::TriggerFile;
use stagegate::problem::{Code, Exit};

use super::{deployment, redeploy_lines, writes};
use crate::faults::lab::{Lab, Scenario};

fn lab(scenario: Scenario, files: &[(&str, &str)]) -> Lab {
    let mut lab = Lab::new(scenario);
    name(&mut lab, files);
    lab
}

fn name(lab: &mut Lab, files: &[(&str, &str)]) {
    lab.target.redeploy_files = files.iter().map(|(name, content)| TriggerFile::new(*name, content)).collect();
}

const API: (&str, &str) = ("openapi.yaml", "paths: {}");
const TEMPLATE: (&str, &str) = ("orders.vtl", "$input.json('$')");

#[test]
fn a_changed_file_redeploys_although_nothing_else_differs() {
    for scenario in [Scenario::Second, Scenario::Http] {
        let mut lab = lab(scenario, &[API, TEMPLATE]);
        let first = lab.plan().unwrap();
        assert_eq!(lab.promote(&first).unwrap().exit, Exit::Done);
        let served = lab.state().deployment;
        assert!(deployment(&lab, &served).description.contains(" files="));
        // Another machine, nothing changed: the description proves it.
        lab.kept.borrow_mut().clear();
        assert!(lab.plan().unwrap().stage_change().is_none());
        name(&mut lab, &[("openapi.yaml", "paths: {/x: {}}"), TEMPLATE]);
        let plan = lab.plan().unwrap();
        assert_eq!(
            redeploy_lines(&plan),
            [
                "a1b2c3d4e5/prod gets a new deployment (redeploy.files)".to_owned(),
                format!("  openapi.yaml changed since {}, or was not named then", first.run)
            ]
        );
        assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
        assert_ne!(lab.state().deployment, served);
        assert!(lab.plan().unwrap().stage_change().is_none(), "once is enough");
        // Fewer files are no reason.
        name(&mut lab, &[TEMPLATE]);
        assert!(lab.plan().unwrap().stage_change().is_none());
        lab.kept.borrow_mut().clear();
        assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        assert_eq!(lab.state().deployment, served, "the way back is that of every redeployment");
    }
}

#[test]
fn what_nobody_noted_counts_as_changed_once() {
    let mut lab = Lab::new(Scenario::Second);
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    let served = lab.state().deployment;
    assert!(lab.plan().unwrap().stage_change().is_none());
    name(&mut lab, &[API]);
    let lines = redeploy_lines(&lab.plan().unwrap());
    let noted = format!("  what openapi.yaml was is not noted in deployment {served}: it counts as changed");
    assert_eq!(lines[1], noted);
    lab.kept.borrow_mut().clear();
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    assert!(lab.plan().unwrap().stage_change().is_none());
}

#[test]
fn a_file_that_is_edited_after_the_plan_makes_it_another_plan() {
    let mut lab = lab(Scenario::Second, &[API]);
    let digest = lab.plan().unwrap().digest();
    assert_eq!(lab.plan().unwrap().digest(), digest);
    name(&mut lab, &[("openapi.yaml", "paths: []")]);
    assert_ne!(lab.plan().unwrap().digest(), digest);
}

#[test]
fn a_stage_that_deploys_by_itself_is_not_redeployed_for_a_file() {
    let lab = lab(Scenario::FirstHttp, &[API]);
    assert_eq!(lab.promote(&lab.plan().unwrap()).unwrap().exit, Exit::Done);
    assert!(!writes(&lab).contains(&Operation::CreateHttpDeployment));
}

#[test]
fn pending_edits_go_out_with_it_and_are_listed_all_the_same() {
    let lab = lab(Scenario::Second, &[API]);
    let plan = lab.plan().unwrap();
    let lines = redeploy_lines(&plan);
    assert!(lines[0].ends_with("is 1 change behind the live definition"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("+ POST /orders/refunds")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("counts as changed")), "{lines:?}");
    assert!(plan.notices.iter().all(|notice| notice.code != Code::ForeignEdits));
}
