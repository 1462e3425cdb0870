//! Every reason to stay, and that the rest goes.

use serde_json::json;
use stagegate::gc::{Reason, Thing};
use stagegate::model::{AliasName, StageName, StageRef};
use stagegate::problem::Code;
use stagegate::world::{Account, Behaviour};

use super::*;
use crate::faults::lab::{prod, stage_ref};

fn beta() -> AliasName {
    "beta".parse().unwrap()
}

fn deployment(id: &str) -> Thing {
    Thing::Deployment { api: api(), deployment: id.to_owned() }
}

/// Puts an alias of its own with a record into the account.
fn recorded(account: &mut Account, name: &AliasName, record: &str) {
    account.put_alias(&orders(), name, 1, &[]).unwrap();
    account.describe_alias(&orders(), name, record).unwrap();
}

/// The record of somebody's promoted release.
fn record(way: &str) -> String {
    format!("[sg1 01JD3K7Q4T0000000000000000 done {way}]")
}

#[test]
fn the_newest_what_serves_its_way_back_and_what_others_made_stay_and_the_rest_goes() {
    for scenario in [Scenario::Second, Scenario::Http] {
        let lab = after_releases(scenario, 6);
        let all = deployments(&lab);
        assert_eq!((versions(&lab, &orders()).len(), all.len()), (7, 7));
        let (sweep, swept) = clean(&lab, 1);
        assert_eq!(swept.stop, None);
        assert_eq!(names(&swept.gone), names(sweep.goes()));
        assert_eq!(versions(&lab, &orders()), [1, 6, 7], "by hand, the way back, what serves");
        assert_eq!(deployments(&lab), [&all[0], &all[5], &all[6]].map(Clone::clone), "{scenario:?}");
        assert_eq!(reasons(&sweep, &version(1)), [Reason::Foreign]);
        assert_eq!(reasons(&sweep, &version(6)), [Reason::WayBack { alias: live() }]);
        assert_eq!(reasons(&sweep, &version(7))[0], Reason::Aliased { alias: live() });
        assert_eq!(reasons(&sweep, &deployment(&all[5])), [Reason::WayBack { alias: live() }]);
        assert_eq!(reasons(&sweep, &deployment(&all[6]))[0], Reason::Served { stage: stage_ref() });
        assert_eq!(lab.violations(), Vec::<String>::new());
        let again = clean(&lab, 1);
        assert_eq!((again.0.goes().count(), again.1.gone.len()), (0, 0), "there is nothing left to do");
    }
}

#[test]
fn whoever_says_so_takes_what_others_made_and_never_what_is_young() {
    let lab = after_releases(Scenario::Second, 3);
    let everybodys = Rules { others: true, ..rules(&lab, 1) };
    let (_, sweep) = look(&lab, &everybodys).unwrap();
    assert!(names(sweep.goes()).contains(&"orders:1".into()));
    let strict = Rules { older_than: 10 * DAY, ..everybodys };
    let (_, sweep) = look(&lab, &strict).unwrap();
    assert_eq!(names(sweep.goes()).first().map(String::as_str), Some("orders:1"));
    assert_eq!(reasons(&sweep, &version(2)), [Reason::Young], "nine days old");
    let more = Rules { keep: 4, ..everybodys };
    let (_, sweep) = look(&lab, &more).unwrap();
    assert_eq!(sweep.goes().count(), 0);
    assert_eq!(reasons(&sweep, &version(1)), [Reason::Newest { keep: 4 }]);
}

type Edit = Box<dyn Fn(&mut Account)>;

/// What somebody does to v3, and why it then stays.
fn version_cases() -> Vec<(&'static str, Edit, Reason)> {
    let alias = || "orders:beta".to_owned();
    let prod = || StageRef { api: api(), stage: prod() };
    vec![
        (
            "another alias is on it",
            Box::new(|a| a.put_alias(&orders(), &beta(), 3, &[]).unwrap()),
            Reason::Aliased { alias: alias() },
        ),
        (
            "another alias gives it a share",
            Box::new(|a| a.put_alias(&orders(), &beta(), 1, &[(3, 0.01)]).unwrap()),
            Reason::Weighted { alias: alias() },
        ),
        (
            "another alias would go back to it",
            Box::new(|a| recorded(a, &beta(), &record("3>1 n=1"))),
            Reason::WayBack { alias: alias() },
        ),
        (
            "another alias was moved away from it by hand",
            Box::new(|a| recorded(a, &beta(), &record("2>3 n=1"))),
            Reason::Recorded { alias: alias() },
        ),
        (
            "it is remembered as bad",
            Box::new(|a| recorded(a, &beta(), &record("5>1 n=1 bad=4,3"))),
            Reason::Bad { alias: alias() },
        ),
        (
            "a record cannot be read",
            Box::new(|a| recorded(a, &beta(), "[sg1 01JD3K7Q4T00000")),
            Reason::RecordUnread { alias: alias() },
        ),
        (
            "somebody wrote behind a record",
            Box::new(|a| recorded(a, &beta(), &format!("{} ask Dana", record("3>1 n=1")))),
            Reason::RecordUnread { alias: alias() },
        ),
        (
            "a newer stagegate wrote a record",
            Box::new(|a| recorded(a, &beta(), "[sg2 whatever it may be]")),
            Reason::RecordUnread { alias: alias() },
        ),
        (
            "a route calls it by its number",
            Box::new(|a| a.put_route(&api(), "GET", "/pinned", &orders(), "3").unwrap()),
            Reason::Called { stage: prod() },
        ),
        (
            "Lambda@Edge runs the function",
            Box::new(|a| a.version_mut(&orders(), 5).unwrap().function.master_arn = Some("arn".into())),
            Reason::Edge,
        ),
        (
            "AWS does not say when it was made",
            Box::new(|a| {
                let found = &mut a.version_mut(&orders(), 3).unwrap().function;
                found.last_modified = String::new();
                found.description = "theirs".into();
            }),
            Reason::AgeUnknown,
        ),
    ]
}

#[test]
fn a_version_stays_for_every_reason_there_is() {
    let past = after_releases(Scenario::Second, 5);
    for (what, edit, reason) in version_cases() {
        let lab = past.fork();
        let free = Rules { others: true, ..rules(&lab, 1) };
        assert_eq!(reasons(&look(&lab, &free).unwrap().1, &version(3)), [], "{what}");
        lab.world.edit(|account| edit(account));
        let seen = look(&lab, &free).unwrap();
        assert!(reasons(&seen.1, &version(3)).contains(&reason), "{what}: {:?}", reasons(&seen.1, &version(3)));
        delete(&lab, &free, &seen).unwrap();
        assert!(versions(&lab, &orders()).contains(&3), "{what}");
    }
}

#[test]
fn a_version_with_a_policy_of_its_own_is_left_when_its_turn_comes() {
    let lab = after_releases(Scenario::Second, 5);
    let statement = json!({"Sid": "rule", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:orders:3"});
    lab.world.edit(|account| account.put_statement(&orders(), "3", statement.clone())).unwrap();
    let (_, swept) = clean(&lab, 1);
    assert_eq!(versions(&lab, &orders()), [1, 3, 5, 6]);
    assert_eq!((names(&swept.kept), &swept.kept[0].kept), (vec!["orders:3".into()], &vec![Reason::Permitted]));
}

#[test]
fn a_deployment_stays_for_every_reason_there_is() {
    let past = after_releases(Scenario::Second, 5);
    let doomed = deployments(&past)[2].clone();
    let stage: StageName = "beta".parse().unwrap();
    let place = || StageRef { api: api(), stage: "beta".parse().unwrap() };
    let way = format!("1>2 n=1 {}/beta d={doomed}", api());
    let (id, other) = (doomed.clone(), doomed.clone());
    let cases: Vec<(&str, Edit, Reason)> = vec![
        (
            "another stage serves it",
            Box::new(move |a| a.create_stage(&api(), &stage, &id, &[]).unwrap()),
            Reason::Served { stage: place() },
        ),
        (
            "the canary of a stage serves it",
            Box::new(move |a| {
                let canary = stagegate::aws::noun::StageCanary {
                    deployment: Some(other.clone()),
                    percent: 0.0,
                    overrides: Default::default(),
                    use_stage_cache: false,
                };
                a.put_canary(&api(), &prod(), Some(canary)).unwrap();
            }),
            Reason::Tried { stage: stage_ref() },
        ),
        (
            "another function behind the API would go back to it",
            Box::new(move |a| {
                let carts: FunctionName = "carts".parse().unwrap();
                a.create_function(&carts, "one", Behaviour::default());
                a.publish(&carts, "").unwrap();
                a.put_alias(&carts, &beta(), 1, &[]).unwrap();
                a.describe_alias(&carts, &beta(), &record(&way)).unwrap();
                a.put_route(&api(), "GET", "/carts", &carts, "beta").unwrap();
            }),
            Reason::WayBack { alias: "carts:beta".into() },
        ),
    ];
    for (what, edit, reason) in cases {
        let lab = past.fork();
        let thing = deployment(&doomed);
        assert_eq!(reasons(&look(&lab, &rules(&lab, 1)).unwrap().1, &thing), [], "{what}");
        lab.world.edit(|account| edit(account));
        let (sweep, _) = clean(&lab, 1);
        assert_eq!(reasons(&sweep, &thing), [reason], "{what}");
        assert!(deployments(&lab).contains(&doomed), "{what}");
    }
}

#[test]
fn whoever_may_not_see_all_records_deletes_no_deployment() {
    let lab = after_releases(Scenario::Second, 5);
    let carts: FunctionName = "carts".parse().unwrap();
    lab.world.edit(|account| {
        account.create_function(&carts, "one", Behaviour::default());
        account.put_route(&api(), "GET", "/carts", &carts, "live").unwrap();
    });
    let seen = look(&lab, &rules(&lab, 1)).unwrap();
    let at = lab.world.calls().iter().filter(|c| c.call.subject() == "carts").map(|c| c.index).next().unwrap();
    assert!(names(seen.1.goes()).iter().any(|name| name.contains('/')));
    lab.world.restart();
    lab.world.inject(at, stagegate::world::Fault::denied());
    let (_, sweep) = look(&lab, &rules(&lab, 1)).unwrap();
    assert!(!names(sweep.goes()).iter().any(|name| name.contains('/')), "{:?}", names(sweep.goes()));
    assert!(names(sweep.goes()).contains(&"orders:3".into()), "versions do not depend on it");
}

#[test]
fn while_a_release_is_in_flight_or_overdue_nothing_is_deleted() {
    let lab = after_releases(Scenario::Second, 4);
    let running = "[sg1 01JD3K7Q4T0000000000000000 run x=20991121T1422Z 4>5 n=1]";
    for (text, code) in [(running.to_owned(), Code::LockHeld), (running.replace("2099", "2020"), Code::LockExpired)] {
        lab.world.edit(|account| account.describe_alias(&orders(), &alias(), &text)).unwrap();
        let refused = look(&lab, &rules(&lab, 1)).unwrap_err();
        assert_eq!((refused.code, refused.exit), (code, Exit::Conflict));
    }
    // A release of another alias holds its own versions only.
    lab.world.edit(|account| account.describe_alias(&orders(), &alias(), "")).unwrap();
    lab.world.edit(|account| recorded(account, &beta(), &running.replace("4>5", "1>3")));
    let (_, sweep) = look(&lab, &rules(&lab, 1)).unwrap();
    assert!(matches!(reasons(&sweep, &version(3))[0], Reason::InFlight { .. }));
    assert_eq!(reasons(&sweep, &version(2)), []);
}
