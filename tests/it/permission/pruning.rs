//! `permission prune`: what goes, and what stays.

use stagegate::aws::noun::StageCanary;
use stagegate::model::{Description, RecordState, RecordedStage};
use stagegate::permission::{Known, prune};
use stagegate::world::Fault;

use super::lab::{Lab, api, live, ours, pets, prod, record, stage_ref};

/// Every statement that stands in the way is there: what the stage needs, what it does not, and what nobody knows.
fn lab() -> Lab {
    let mut lab = Lab::new(&["pets"], 2);
    lab.put("pets", &ours("a1b2c3d4e5", "prod"));
    lab.wanted.named = true;
    lab.world.watch_traffic();
    lab
}

fn kept(lab: &Lab) -> Vec<String> {
    let look = lab.look().unwrap().unwrap();
    prune::plan(&look.subjects[0], &look, false).unwrap().kept.into_iter().map(|(_, why)| why).collect()
}

#[test]
fn the_statement_that_lets_routes_in_stays_alone_or_beside_others() {
    let lab = lab();
    assert_eq!(lab.prune(true).unwrap().unwrap(), [""; 0]);
    lab.grant_route("pets", "r0", "a1b2c3d4e5/prod/GET/r000");
    assert_eq!(lab.prune(false).unwrap().unwrap(), [""; 0], "it is somebody else's");
    assert_eq!(lab.prune(true).unwrap().unwrap().len(), 1);
    assert_eq!(lab.sids("pets"), [ours("a1b2c3d4e5", "prod").sid]);
    assert_eq!((lab.world.violations(), lab.unserved()), (vec![], vec![]));
}

#[test]
fn of_two_that_let_in_the_same_ours_goes() {
    let lab = lab();
    lab.grant_route("pets", "terraform", "a1b2c3d4e5/*");
    lab.prune(false).unwrap().unwrap();
    assert_eq!(lab.sids("pets"), ["terraform"]);
    assert_eq!((lab.world.violations(), lab.unserved()), (vec![], vec![]));
}

#[test]
fn a_statement_for_a_stage_or_an_api_that_is_gone_goes_when_it_is_ours() {
    let lab = lab();
    lab.put("pets", &ours("a1b2c3d4e5", "gone"));
    lab.put("pets", &ours("z9z9z9z9z9", "prod"));
    lab.grant_route("pets", "theirs", "z9z9z9z9z9/prod/*");
    let done = lab.prune(false).unwrap().unwrap();
    assert!(done.iter().all(|line| line.ends_with("does not exist")), "{done:#?}");
    assert_eq!(lab.sids("pets"), [ours("a1b2c3d4e5", "prod").sid, "theirs".into()]);
}

#[test]
fn what_cannot_be_read_is_not_gone() {
    let lab = lab();
    lab.put("pets", &ours("z9z9z9z9z9", "prod"));
    let calls = {
        let probe = lab.fork();
        probe.look();
        probe.world.calls().len()
    };
    let mut denied = 0;
    for at in 0..calls {
        let lab = lab.fork();
        lab.world.inject(at, Fault::denied());
        let Some(Ok(look)) = lab.look() else { continue };
        let of = look.stage(&"z9z9z9z9z9/prod".parse().unwrap());
        if matches!(of, Some(Known::Unreadable(_))) {
            denied += 1;
            let plan = prune::plan(&look.subjects[0], &look, true).unwrap();
            assert_eq!(plan.removals, []);
            assert!(plan.kept[0].1.contains("cannot be read"), "{plan:?}");
        }
    }
    assert!(denied > 0);
}

#[test]
fn a_stage_in_another_region_or_account_proves_nothing() {
    let lab = lab();
    for (sid, arn) in [
        ("stagegate-z9-prod-0123abcd", "arn:aws:execute-api:eu-west-1:123456789012:z9z9z9z9z9/prod/*"),
        ("stagegate-z9-prod-0123abce", "arn:aws:execute-api:us-east-1:210987654321:z9z9z9z9z9/prod/*"),
    ] {
        lab.put("pets", &stagegate::aws::noun::Statement { sid: sid.into(), source_arn: arn.into() });
    }
    assert_eq!(lab.prune(true).unwrap().unwrap(), [""; 0]);
}

/// The stage calls the function through an alias that is not `live` any more.
fn moved_on(lab: &Lab) {
    lab.edit(|account| {
        let beta = "beta".parse().unwrap();
        account.put_alias(&pets(), &beta, 1, &[]).unwrap();
        account.grant(&pets(), &beta, &api(), &prod()).unwrap();
        for path in ["/r000", "/r001"] {
            account.put_route(&api(), "GET", path, &pets(), "beta").unwrap();
        }
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &prod()).unwrap().deployment = deployment;
    });
}

fn of_live() -> Lab {
    let mut lab = lab();
    lab.wanted.aliases = vec![(pets(), live())];
    (lab.wanted.stages, lab.wanted.called) = (Vec::new(), false);
    moved_on(&lab);
    lab
}

#[test]
fn a_statement_for_a_stage_that_calls_another_alias_goes() {
    let lab = of_live();
    let done = lab.prune(false).unwrap().unwrap();
    assert!(done[0].ends_with("a1b2c3d4e5/prod does not call this alias"), "{done:#?}");
    assert_eq!((lab.sids("pets"), lab.unserved()), (vec![], vec![]));
}

#[test]
fn it_stays_while_the_stage_serves_is_defined_to_or_may_go_back_to_call_it() {
    let undeployed = of_live();
    undeployed.edit(|account| account.put_route(&api(), "GET", "/new", &pets(), "live").unwrap());
    let defined = of_live();
    defined.edit(|account| {
        account.put_route(&api(), "GET", "/r000", &pets(), "live").unwrap();
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &prod()).unwrap().deployment = deployment;
        account.put_route(&api(), "GET", "/r000", &pets(), "beta").unwrap();
    });
    let canary = of_live();
    canary.edit(|account| {
        let deployment = Some(account.deploy(&api(), "on trial").unwrap());
        let canary = StageCanary { deployment, percent: 0.0, overrides: Default::default(), use_stage_cache: false };
        account.put_canary(&api(), &prod(), Some(canary)).unwrap();
    });
    let way_back = of_live();
    let stage = RecordedStage {
        stage: stage_ref(),
        deployment: Some("k5m8ra".into()),
        to: None,
        variable: None,
        more_variables: false,
    };
    way_back.describe("pets", record(Some(stage), RecordState::Promoted));
    for (lab, why) in [
        (undeployed, None),
        (defined, None),
        (canary, Some("not all that a1b2c3d4e5/prod calls is known")),
        (way_back, Some("may need it")),
    ] {
        assert_eq!(lab.prune(true).unwrap().unwrap(), [""; 0], "{why:?}");
        let said = kept(&lab);
        assert!(why.is_none_or(|why| said.iter().any(|line| line.contains(why))), "{why:?}: {said:?}");
    }
}

#[test]
fn a_release_in_flight_is_seen_in_every_record_that_matters() {
    let lab = lab();
    lab.describe("pets", record(None, RecordState::Running));
    let look = lab.look().unwrap().unwrap();
    assert_eq!(look.in_flight().map(|(label, _)| label), Some("pets:live"));
    let lab = of_live();
    lab.edit(|account| {
        let text = Description { text: String::new(), record: Some(record(None, RecordState::Paused)) }.to_string();
        account.describe_alias(&pets(), &"beta".parse().unwrap(), &text).unwrap();
    });
    let look = lab.look().unwrap().unwrap();
    assert_eq!(look.in_flight().map(|(label, _)| label), Some("pets:beta"), "the other alias that the stage calls");
}
