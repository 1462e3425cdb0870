//! Others are at work between the look and the deletions.

use stagegate::aws::Operation;
use stagegate::gc::{Reason, Stop};
use stagegate::problem::Code;
use stagegate::world::Fault;

use super::*;
use crate::faults::lab::prod;

/// A clean-up during which somebody changes something right before a call.
fn disturbed(past: &Lab, at: usize, change: impl Fn(&mut Account) + 'static) -> (Lab, Swept) {
    let (lab, rules) = (past.fork(), rules(past, 1));
    let seen = look(&lab, &rules).unwrap();
    lab.world.restart();
    lab.world.inject(at, Fault::intrude(change));
    let swept = delete(&lab, &rules, &seen).unwrap();
    (lab, swept)
}

fn length(past: &Lab) -> usize {
    let smooth = past.fork();
    clean(&smooth, 1);
    smooth.calls()
}

#[test]
fn a_version_that_an_alias_is_moved_to_survives_whenever_that_happens() {
    let past = after_releases(Scenario::Second, 5);
    let deletes_it = |lab: &Lab| {
        let calls = lab.world.calls();
        let at =
            calls.iter().position(|c| c.call.operation() == Operation::DeleteVersion && c.call.subject() == "orders:3");
        at.unwrap()
    };
    let smooth = past.fork();
    clean(&smooth, 1);
    let (last, mut refused) = (deletes_it(&smooth), 0);
    for weighted in [false, true] {
        for at in 0..=last {
            let (lab, swept) = disturbed(&past, at, move |account| {
                let beta = "beta".parse().unwrap();
                match weighted {
                    false => account.put_alias(&orders(), &beta, 3, &[]).unwrap(),
                    true => account.put_alias(&orders(), &beta, 6, &[(3, 0.1)]).unwrap(),
                }
            });
            assert!(versions(&lab, &orders()).contains(&3), "moved before call {at}");
            assert_eq!(names(&swept.kept), ["orders:3"]);
            refused += usize::from(matches!(swept.kept[0].kept[0], Reason::Refused { .. }));
            assert_eq!(swept.stop, None);
            assert!(!versions(&lab, &orders()).contains(&4), "the others go");
        }
    }
    assert!(refused > 0, "AWS had to refuse at least once");
}

#[test]
fn a_deployment_that_a_stage_is_pointed_at_survives_whenever_that_happens() {
    for scenario in [Scenario::Second, Scenario::Http] {
        let past = after_releases(scenario, 5);
        let doomed = deployments(&past)[2].clone();
        let smooth = past.fork();
        clean(&smooth, 1);
        let calls = smooth.world.calls();
        let last = calls.iter().position(|c| c.call.subject().ends_with(&format!("/{doomed}"))).unwrap();
        for at in 0..=last {
            let id = doomed.clone();
            let (lab, swept) = disturbed(&past, at, move |account| match account.apis.contains_key(&api()) {
                true => account.stage_mut(&api(), &prod()).unwrap().deployment.clone_from(&id),
                false => {
                    let stage = account.http_api_mut(&api()).unwrap().stages.get_mut(&prod()).unwrap();
                    stage.deployment.clone_from(&id);
                }
            });
            assert!(deployments(&lab).contains(&doomed), "{scenario:?}: moved before call {at}");
            assert!(names(&swept.kept).contains(&format!("{}/{doomed}", api())), "{:?}", swept.kept);
        }
    }
}

#[test]
fn a_version_and_a_deployment_that_a_record_begins_to_name_survive_until_the_look_of_their_batch() {
    let past = after_releases(Scenario::Second, 5);
    let doomed = deployments(&past)[2].clone();
    let text = format!("[sg1 01JD3K7Q4T0000000000000000 done 3>6 n=1 {}/prod d={doomed}]", api());
    // Call 0 is the look at the aliases that the first batch of versions goes by.
    let (lab, swept) = disturbed(&past, 0, move |account| {
        let beta = "beta".parse().unwrap();
        account.put_alias(&orders(), &beta, 6, &[]).unwrap();
        account.describe_alias(&orders(), &beta, &text).unwrap();
    });
    assert!(versions(&lab, &orders()).contains(&3) && deployments(&lab).contains(&doomed));
    let why: Vec<&Reason> = swept.kept.iter().flat_map(|item| &item.kept).collect();
    assert_eq!(why, [&Reason::WayBack { alias: "orders:beta".into() }; 2]);
}

#[test]
fn a_release_that_begins_meanwhile_ends_the_clean_up_at_its_next_look() {
    let past = after_releases(Scenario::Second, 5);
    let (mut stopped, length) = (0, length(&past));
    for at in 0..length {
        let (lab, swept) = disturbed(&past, at, |account| {
            let text = "[sg1 01JD3K7Q4T0000000000000000 run x=20991121T1422Z 6>7 n=1]";
            account.describe_alias(&orders(), &alias(), text).unwrap();
        });
        if let Some(Stop::Failed(problem)) = &swept.stop {
            assert_eq!((problem.code, problem.exit), (Code::LockHeld, Exit::Conflict));
            stopped += 1;
        }
        assert!(versions(&lab, &orders()).ends_with(&[6]), "what serves is there");
    }
    assert!(stopped > 1, "both looks are such a place: {stopped}");
}

#[test]
fn what_somebody_else_deletes_meanwhile_is_simply_gone() {
    let past = after_releases(Scenario::Second, 5);
    for at in 0..length(&past) {
        let (lab, swept) = disturbed(&past, at, |account| drop(account.delete_version(&orders(), 3)));
        assert_eq!((swept.stop, swept.kept.len()), (None, 0), "before call {at}");
        assert_eq!(versions(&lab, &orders()), [1, 5, 6]);
    }
}
