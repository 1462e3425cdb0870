//! CodeDeploy on the same alias.

use std::time::Duration;

use stagegate::aws::Kind;
use stagegate::aws::noun::{LambdaDeployment, ShiftStatus};
use stagegate::ownership::{Owner, Thing};
use stagegate::problem::{Code, Exit};

use super::{edit, lab, optional, orders, ownership};
use crate::faults::lab::{Lab, alias};

const DAY: Duration = Duration::from_secs(86_400);

fn begin(lab: &Lab, id: &str, on: &str) {
    edit(lab, |account| account.begin_code_deployment(id, &orders(), &on.parse().unwrap()));
}

#[test]
fn a_deployment_in_flight_is_refused_before_the_first_write() {
    for weights in [&[][..], &[(1, 0.1)][..]] {
        let lab = lab();
        begin(&lab, "d-ABC123", "live");
        if !weights.is_empty() {
            edit(&lab, |account| {
                let to = account.publish(&orders(), "theirs").unwrap();
                account.put_alias(&orders(), &alias(), 1, &[(to, 0.1)]).unwrap();
            });
        }
        lab.world.clock().advance(Duration::from_secs(600));
        lab.world.restart();
        let problem = lab.plan().unwrap_err();
        assert_eq!((problem.code, problem.exit), (Code::CodeDeployActive, Exit::Conflict));
        assert_eq!(problem.what, "CodeDeploy is moving orders:live");
        assert_eq!(problem.why[0], "deployment d-ABC123 of orders-app/orders-group is in flight, begun 10 minutes ago");
        assert!(problem.fix.iter().any(|fix| fix.contains("aws deploy stop-deployment --deployment-id d-ABC123")));
        assert!(lab.world.calls().iter().all(|logged| logged.call.operation().kind() == Kind::Read));
    }
}

#[test]
fn every_state_in_which_it_will_write_counts() {
    for status in ShiftStatus::ACTIVE {
        let lab = lab();
        edit(&lab, |account| {
            let (application, group, created, completed) = (None, None, None, None);
            let info = LambdaDeployment { id: "d-1".into(), status, application, group, created, completed };
            account.put_code_deployment(info, &orders(), &alias());
        });
        assert_eq!(lab.plan().unwrap_err().code, Code::CodeDeployActive, "{status:?}");
    }
}

#[test]
fn deployments_elsewhere_and_those_that_are_over_are_nobodys_business() {
    let lab = lab();
    begin(&lab, "d-BETA", "beta");
    begin(&lab, "d-OVER", "live");
    edit(&lab, |account| account.stop_code_deployment("d-OVER"));
    edit(&lab, |account| {
        account.create_function(&"other".parse().unwrap(), "x", stagegate::world::Behaviour::default());
        account.begin_code_deployment("d-OTHER", &"other".parse().unwrap(), &alias());
        let (application, group, created, completed) = (None, None, None, None);
        let (id, status) = ("d-EC2".into(), ShiftStatus::InProgress);
        account.put_other_deployment(LambdaDeployment { id, status, application, group, created, completed });
    });
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
}

/// A deployment that was stopped and left its weights.
fn abandoned(lab: &Lab) {
    begin(lab, "d-OLDER", "live");
    edit(lab, |account| account.stop_code_deployment("d-OLDER"));
    lab.world.clock().advance(DAY);
    begin(lab, "d-ABC123", "live");
    edit(lab, |account| {
        account.stop_code_deployment("d-ABC123");
        let to = account.publish(&orders(), "theirs").unwrap();
        account.put_alias(&orders(), &alias(), 1, &[(to, 0.1)]).unwrap();
    });
    lab.world.clock().advance(6 * DAY);
}

#[test]
fn weights_that_a_stopped_deployment_left_are_refused_by_its_name() {
    let lab = lab();
    abandoned(&lab);
    let problem = lab.plan().unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::ForeignWeights, Exit::Conflict));
    assert_eq!(problem.why[1], "no record of stagegate; CodeDeploy d-ABC123 was stopped 6 days ago and left them");
    assert!(problem.fix.iter().any(|fix| fix.contains("stagegate canary clear orders:live")));
    let found = ownership(&lab);
    let owned = found.things.iter().find(|owned| owned.thing == Thing::Alias(orders(), alias())).unwrap();
    assert!(matches!(&owned.owners[..], [Owner::CodeDeploy { id, active: false, since: Some(_) }] if id == "d-ABC123"));
    assert!(owned.reverts.is_empty(), "what is over takes nothing back");
}

#[test]
fn one_that_is_too_long_ago_is_not_blamed() {
    let lab = lab();
    abandoned(&lab);
    lab.world.clock().advance(31 * DAY);
    let problem = lab.plan().unwrap_err();
    assert_eq!(problem.code, Code::ForeignWeights);
    assert_eq!(problem.why[1], "a canary, a person or a stopped CodeDeploy deployment left these weights");
}

#[test]
fn a_rollback_asks_nobody() {
    let lab = lab();
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    begin(&lab, "d-ABC123", "live");
    lab.world.restart();
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert!(undone.is_clean());
    assert!(optional(&lab).is_empty());
}
