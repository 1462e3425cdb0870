//! The alias that the canary of a stage leaves when somebody rolls back in an emergency.

use stagegate::aws::Operation;
use stagegate::gc::{Reason, Stop};
use stagegate::model::{AliasName, CanaryMode, Percent};
use stagegate::problem::Code;
use stagegate::world::Fault;

use super::*;
use crate::canary::lab;
use crate::faults::lab::{prod, stage_ref, statement};

fn candidate() -> AliasName {
    "live-canary".parse().unwrap()
}

/// A canary of the stage at 5 % that somebody rolled back from another machine.
fn left() -> Lab {
    let mut lab = lab::lab(Scenario::Second, CanaryMode::Stage);
    lab.settings.until_percent = Some(Percent::whole(5));
    let plan = lab.plan().unwrap();
    lab.promote(&plan).unwrap();
    assert!(lab.stage().canary.is_some());
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert!(undone.now.iter().any(|line| line.contains("live-canary stays")), "{:?}", undone.now);
    lab.settings.until_percent = None;
    assert!(is_there(&lab));
    lab
}

fn is_there(lab: &Lab) -> bool {
    lab.world.look(|account| account.functions[&orders()].aliases.contains_key(&candidate()))
}

fn thing() -> Thing {
    Thing::Alias { function: orders(), alias: candidate() }
}

#[test]
fn it_goes_with_its_permission_a_minute_after_the_stage_was_read_without_it_and_its_version_with_the_next_clean_up() {
    let lab = left();
    let started = lab.world.clock().now();
    let (sweep, swept) = clean(&lab, 1);
    assert_eq!(swept.stop, None);
    assert_eq!(reasons(&sweep, &thing()), []);
    assert!(!is_there(&lab));
    assert!(!lab.world.look(|account| account.functions[&orders()].policies.contains_key("live-canary")));
    let calls = lab.world.calls();
    let deleted = calls.iter().find(|c| c.call.operation() == Operation::DeleteAlias).unwrap();
    assert!(deleted.at.duration_since(started).as_secs() >= 60);
    let mut looked = calls.iter().filter(|c| c.call.operation() == Operation::GetStages && c.index < deleted.index);
    assert!(looked.next_back().unwrap().at >= started + Duration::from_secs(60), "the stage is read again before");
    assert_eq!(lab.violations(), Vec::<String>::new());
    // The version stays as evidence: the record remembers it as bad.
    assert!(matches!(reasons(&sweep, &version(2))[0], Reason::Aliased { .. }));
    let (sweep, _) = clean(&lab, 1);
    assert!(reasons(&sweep, &version(2)).contains(&Reason::Bad { alias: live() }));
}

#[test]
fn it_stays_where_anything_may_still_call_it() {
    type Edit = fn(&mut Account);
    let cases: [(&str, Edit, Reason); 4] = [
        (
            "a stage's variable names it",
            |account| drop(stage(account).variables.insert("lambdaAlias".into(), "live-canary".into())),
            Reason::Called { stage: stage_ref() },
        ),
        (
            "the overrides of a stage's canary name it",
            |account| {
                let overrides = [("lambdaAlias".to_owned(), "live-canary".to_owned())].into();
                let canary = stagegate::aws::noun::StageCanary {
                    deployment: None,
                    percent: 0.0,
                    overrides,
                    use_stage_cache: false,
                };
                stage(account).canary = Some(canary);
            },
            Reason::Called { stage: stage_ref() },
        ),
        (
            "a route names it",
            |account| account.put_route(&api(), "GET", "/beta", &orders(), "live-canary").unwrap(),
            Reason::Called { stage: stage_ref() },
        ),
        (
            "somebody else may call it",
            |account| {
                let arn = "arn:aws:execute-api:us-east-1:123456789012:other/prod/*";
                account.put_statement(&orders(), "live-canary", statement(&orders(), arn)).unwrap();
            },
            Reason::Permitted,
        ),
    ];
    let past = left();
    for (what, edit, reason) in cases {
        let lab = past.fork();
        lab.world.edit(edit);
        let (sweep, _) = clean(&lab, 1);
        assert_eq!(reasons(&sweep, &thing()), std::slice::from_ref(&reason), "{what}");
        assert!(is_there(&lab), "{what}");
        // The same while the clean-up waits.
        let (lab, rules) = (past.fork(), rules(&past, 1));
        let seen = look(&lab, &rules).unwrap();
        lab.world.restart();
        lab.world.inject(0, Fault::intrude(edit));
        let swept = delete(&lab, &rules, &seen).unwrap();
        assert!(is_there(&lab), "{what}, meanwhile");
        assert_eq!(swept.kept[0].kept, [reason], "{what}, meanwhile");
    }
}

fn stage(account: &mut Account) -> &mut stagegate::aws::noun::Stage {
    account.stage_mut(&api(), &prod()).unwrap()
}

#[test]
fn one_that_somebody_made_by_hand_is_not_looked_at_and_the_next_canary_takes_its_own_back() {
    let lab = after_releases(Scenario::Second, 2);
    lab.world.edit(|account| account.put_alias(&orders(), &candidate(), 1, &[])).unwrap();
    let (sweep, _) = clean(&lab, 1);
    assert!(!sweep.items.iter().any(|item| item.thing == thing()) && is_there(&lab));

    let (lab, rules) = (left(), |lab: &Lab| rules(lab, 1));
    let seen = look(&lab, &rules(&lab)).unwrap();
    lab.world.restart();
    lab.world.inject(
        0,
        Fault::intrude(|account| {
            let text = "[sg1 01JD3K7Q4T0000000000000000 run x=20991121T1422Z 1>2 n=1 c]";
            account.describe_alias(&orders(), &alias(), text).unwrap();
        }),
    );
    let Some(Stop::Failed(problem)) = delete(&lab, &rules(&lab), &seen).unwrap().stop else { panic!("it went on") };
    assert_eq!((problem.code, is_there(&lab)), (Code::LockHeld, true));
}

#[test]
fn without_a_stage_that_is_known_it_stays() {
    let mut lab = left();
    lab.target.stage = None;
    let (sweep, _) = clean(&lab, 1);
    assert_eq!(reasons(&sweep, &thing()), [], "the record of the alias names the stage");
    let mut lab = left();
    lab.target.stage = None;
    lab.world.edit(|account| account.describe_alias(&orders(), &alias(), "by hand")).unwrap();
    let (sweep, _) = clean(&lab, 1);
    assert_eq!(reasons(&sweep, &thing()), [Reason::StageUnknown]);
    assert!(is_there(&lab));
}
