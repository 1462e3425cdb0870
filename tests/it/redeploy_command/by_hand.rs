//! What a redeploy by hand shows, does and refuses.

use stagegate::aws::Operation;
use stagegate::aws::noun::{Deployment, DeploymentStatus, StageCanary, StageKind};
use stagegate::definition::Marker;
use stagegate::model::RunId;
use stagegate::plan::ByHand;
use stagegate::problem::{Code, Exit};
use stagegate::world::Fault;

use super::lab::{Lab, api, pets, prod};

#[test]
fn what_is_missing_is_shown_deployed_and_served_and_goes_back_by_one_command() {
    for http in [false, true] {
        let lab = Lab::new(http);
        let shown = lab.verdict(false).unwrap();
        assert_eq!(
            shown.lines,
            ["a1b2c3d4e5/prod lacks 1 change of the live definition", "  + POST /pets → pets:live"],
            "http {http}"
        );
        assert!(shown.notices.iter().any(|notice| notice.code == Code::ForeignEdits));
        let before = lab.serves();
        let id = lab.redeploy(None).unwrap().unwrap().unwrap();
        assert_eq!((lab.serves(), lab.posts()), (id.clone(), true), "http {http}");
        lab.world.restart();
        assert_eq!(lab.redeploy(None).unwrap().unwrap(), None, "nothing is left to do");
        assert_eq!(lab.writes(), []);
        lab.redeploy(Some(&before)).unwrap().unwrap();
        assert_eq!((lab.serves(), lab.posts()), (before, false));
        assert_eq!(lab.writes().len(), 1, "a deployment that exists is not made again");
        assert_eq!((lab.deployments(), lab.world.violations()), (1, vec![]));
    }
}

#[test]
fn the_deployment_carries_a_mark_by_which_the_stage_is_known_to_be_current() {
    let lab = Lab::new(false);
    let id = lab.redeploy(None).unwrap().unwrap().unwrap();
    let text = lab.world.look(|account| account.apis[&api()].deployments[&id].deployment.description.clone());
    assert_eq!(text.parse::<Marker>().unwrap().run, RunId::new(1, 1));
    assert!(!lab.world.calls().iter().any(|one| one.call.operation() == Operation::UpdateHttpStage));
}

#[test]
fn a_stage_that_is_current_is_deployed_only_by_force() {
    let lab = Lab::new(false);
    lab.redeploy(None).unwrap().unwrap();
    let (calm, forced) = (lab.verdict(false).unwrap(), lab.verdict(true).unwrap());
    assert_eq!(calm.lines, ["a1b2c3d4e5/prod serves the live definition"]);
    assert!(calm.plan.is_none() && forced.plan.is_some());
}

#[test]
fn a_stage_that_deploys_itself_has_nothing_to_redeploy_and_no_choice() {
    let lab = Lab::new(true);
    lab.edit(|account| {
        let stages = &mut account.http_api_mut(&api()).unwrap().stages;
        stages.get_mut(&prod()).unwrap().kind = StageKind::Http { auto_deploy: true, last_deployment: None };
    });
    let shown = lab.verdict(true).unwrap();
    assert!(shown.plan.is_none() && shown.lines[0].contains("autoDeploy"), "{shown:?}");
    assert_eq!(lab.redeploy(Some("x")).unwrap().unwrap_err().code, Code::Unsupported);
    assert_eq!(lab.writes(), []);
}

#[test]
fn a_canary_is_ended_first() {
    let lab = Lab::new(false);
    let serves = lab.serves();
    lab.edit(|account| {
        let canary =
            StageCanary { deployment: None, percent: 0.0, overrides: Default::default(), use_stage_cache: false };
        account.put_canary(&api(), &prod(), Some(canary)).unwrap();
    });
    for to in [None, Some("x")] {
        let refused = lab.redeploy(to).unwrap().unwrap_err();
        assert_eq!((refused.code, refused.exit), (Code::StaleStageCanary, Exit::Conflict));
        assert!(refused.fix[0].ends_with("stagegate canary clear a1b2c3d4e5/prod"), "{refused:?}");
    }
    assert_eq!((lab.serves(), lab.writes()), (serves, vec![]));
}

#[test]
fn a_stage_of_an_http_api_that_was_never_deployed_gets_its_first_deployment() {
    let lab = Lab::new(true);
    lab.edit(|account| {
        account.http_api_mut(&api()).unwrap().stages.get_mut(&prod()).unwrap().deployment = String::new();
    });
    assert_eq!(lab.verdict(false).unwrap().lines, ["a1b2c3d4e5/prod was never deployed: it gets the live definition"]);
    lab.redeploy(None).unwrap().unwrap();
    assert!(lab.posts());
}

#[test]
fn only_a_deployment_that_exists_and_is_ready_can_be_named() {
    let lab = Lab::new(true);
    let observed = lab.observe().unwrap().unwrap();
    let status = |status| Deployment { id: "d".into(), status: Some(status), ..Deployment::default() };
    assert_eq!(ByHand::to(&observed, "d", None).unwrap_err().code, Code::BadOption);
    for bad in [DeploymentStatus::Pending, DeploymentStatus::Failed("no".into())] {
        assert_eq!(ByHand::to(&observed, "d", Some(&status(bad))).unwrap_err().code, Code::DeploymentRefused);
    }
    assert!(ByHand::to(&observed, "d", Some(&status(DeploymentStatus::Deployed))).unwrap().plan.is_some());
    let same = observed.stage.deployment.clone();
    assert!(ByHand::to(&observed, &same, None).unwrap().plan.is_none());
}

#[test]
fn an_edit_between_the_look_and_the_deployment_is_not_published() {
    let lab = Lab::new(false);
    let (before, calls) = (lab.serves(), {
        let probe = lab.fork();
        probe.redeploy(None);
        let all = probe.world.calls();
        all.iter().position(|one| one.call.operation() == Operation::CreateDeployment).unwrap()
    });
    // Before the definition is read for the second time.
    let reads = 6;
    lab.world.inject(
        calls - reads,
        Fault::intrude(|account| account.put_route(&api(), "DELETE", "/pets", &pets(), "live").unwrap()),
    );
    let refused = lab.redeploy(None).unwrap().unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::PlanStale, Exit::Conflict));
    assert_eq!((lab.serves(), lab.deployments()), (before, 0));
}

#[test]
fn a_stage_that_somebody_moves_meanwhile_is_not_overwritten() {
    let lab = Lab::new(false);
    let calls = {
        let probe = lab.fork();
        probe.redeploy(None);
        probe.world.calls()
    };
    let update = calls.iter().position(|one| one.call.operation() == Operation::UpdateStage).unwrap();
    lab.world.inject(
        update - 1,
        Fault::intrude(|account| {
            let theirs = account.deploy(&api(), "theirs").unwrap();
            account.stage_mut(&api(), &prod()).unwrap().deployment = theirs;
        }),
    );
    let refused = lab.redeploy(None).unwrap().unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::StageChanged, Exit::Conflict));
    let theirs = lab.serves();
    assert!(
        refused.aws_now.starts_with(&format!("a1b2c3d4e5/prod → deployment {theirs}; nothing points at")),
        "{refused:?}"
    );
}

#[test]
fn a_deployment_that_never_becomes_ready_is_not_pointed_at() {
    let lab = Lab::new(true);
    let before = lab.serves();
    lab.edit(|account| account.settings.http_deployments_fail = Some("the integration is gone".into()));
    let refused = lab.redeploy(None).unwrap().unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::DeploymentRefused, Exit::RolledBack));
    assert_eq!(lab.serves(), before);
}
