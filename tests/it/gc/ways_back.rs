//! After a clean-up a rollback ends where it would have ended without it.

use proptest::prelude::*;
use stagegate::aws::operation::GetAlias;

use super::*;

/// What happened to the target before.
#[derive(Debug, Clone)]
enum Act {
    /// New code and a new route are released.
    Release,
    /// A person goes back, or undoes their going back.
    Back,
    /// A person goes to one of the versions, the nth of those that there are.
    To(usize),
    /// Somebody moves the alias without stagegate.
    ByHand(usize),
    /// Only the API is edited and released.
    Edit,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => Just(Act::Release),
        2 => Just(Act::Back),
        1 => (0..9_usize).prop_map(Act::To),
        1 => (0..9_usize).prop_map(Act::ByHand),
        1 => Just(Act::Edit),
    ];
    proptest::collection::vec(act, 1..9)
}

fn perform(lab: &Lab, number: u64, act: &Act) {
    let nth = |n: &usize| {
        let all = versions(lab, &orders());
        all[n % all.len()]
    };
    lab.world.clock().advance(2 * DAY);
    match act {
        Act::Release => release(lab, number),
        Act::Back => drop(lab.rollback_elsewhere(None)),
        Act::To(n) => drop(lab.rollback_elsewhere(Some(nth(n)))),
        Act::ByHand(n) => {
            let number = nth(n);
            lab.world.edit(|account| account.put_alias(&orders(), &alias(), number, &[])).unwrap();
        }
        Act::Edit => {
            let path = format!("/edit/{number}");
            lab.world.edit(|account| account.put_route(&api(), "GET", &path, &orders(), ALIAS)).unwrap();
            lab.kept.borrow_mut().clear();
            if let Ok(plan) = lab.plan_named(Some(serving(lab))) {
                lab.promote(&plan).unwrap();
            }
        }
    }
    lab.world.run_until_quiet();
}

fn serving(lab: &Lab) -> stagegate::model::Version {
    lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap().version
}

/// Where a rollback, and the rollback of that rollback, end.
fn ends(lab: &Lab) -> Vec<String> {
    let before = serving(lab).number();
    let mut ends = Vec::new();
    for to in [None, before, None] {
        lab.world.clock().advance(DAY);
        let end = match lab.rollback_elsewhere(to).expect("nobody kills it") {
            Ok(undone) => format!("{:?}", undone.left.iter().map(|left| left.problem.code).collect::<Vec<_>>()),
            Err(problem) => problem.code.to_string(),
        };
        ends.push(format!("{end} {:?}", lab.state()));
    }
    ends
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rollback_ends_where_it_would_have_ended_without_the_clean_up(acts in acts(), others in any::<bool>()) {
        let lab = Lab::new(Scenario::Second);
        for (number, act) in acts.iter().enumerate() {
            perform(&lab, number as u64, act);
        }
        lab.world.clock().advance(2 * DAY);
        let cleaned = lab.fork();
        let rules = Rules { others, ..rules(&cleaned, 1) };
        let seen = look(&cleaned, &rules).unwrap();
        let swept = delete(&cleaned, &rules, &seen).unwrap();
        prop_assert_eq!(&swept.stop, &None);
        prop_assert_eq!(cleaned.violations(), Vec::<String>::new());
        prop_assert_eq!(lab.state(), cleaned.state());
        prop_assert_eq!(ends(&lab), ends(&cleaned));
    }
}

#[test]
fn a_clean_up_takes_much_and_leaves_the_deployment_that_a_rollback_of_the_rollback_needs() {
    let lab = after_releases(Scenario::Second, 5);
    let (served, before) = (lab.stage().deployment, serving(&lab));
    lab.rollback_elsewhere(None).unwrap().unwrap();
    lab.world.clock().advance(3 * DAY);
    // Another stage gets deployments of its own: those of the target are not among the newest any more.
    lab.world.edit(|account| {
        for n in 0..5 {
            account.deploy(&api(), &format!("by hand {n}")).unwrap();
        }
    });
    lab.world.clock().advance(3 * DAY);
    let (_, swept) = clean(&lab, 1);
    assert_eq!(names(&swept.gone).iter().filter(|name| name.starts_with("orders:")).count(), 3, "v2, v3, v4");
    assert!(deployments(&lab).contains(&served));
    lab.rollback_elsewhere(before.number()).unwrap().unwrap();
    assert_eq!((serving(&lab), lab.stage().deployment), (before, served));
}
