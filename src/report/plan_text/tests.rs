use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::*;
use crate::clock::Clock as _;
use crate::demo::Shop;
use crate::event::Silent;
use crate::model::{FunctionName, RedeployFrom, RunId, StageRef, Target, TriggerFile};
use crate::plan::{Choice, Observer, plan};
use crate::world::{Behaviour, Entry, Source, World};

/// The demo's account with its clients, and a second function behind an alias of the same name.
fn world(shop: &Shop) -> World {
    let world = shop.open(Timestamp::UNIX_EPOCH + Duration::from_secs(1_795_010_400), None).unwrap();
    let mail: FunctionName = "mail-sender".parse().unwrap();
    world.edit(|account| {
        account.create_function(&mail, "one", Behaviour::default());
        account.publish(&mail, "").unwrap();
        account.put_alias(&mail, &shop.alias, 1, &[]).unwrap();
        account.update_code(&mail, "two", Behaviour::default(), Duration::ZERO).unwrap();
    });
    let mut crowd = shop.crowd(None, 1);
    crowd.sources.push(Source { rps: 0.5, entry: Entry::Alias(mail, shop.alias.clone()) });
    world.set_load(crowd);
    world
}

fn planned(shop: &Shop, target: &Target, override_gate: Option<&str>) -> Plan {
    planned_in(&world(shop), target, override_gate)
}

fn planned_in(world: &World, target: &Target, override_gate: Option<&str>) -> Plan {
    let clock = world.clock();
    let observer = Observer { aws: world, clock: &clock, listener: &Silent };
    let observed = observer.observe(target, None).now_or_never().unwrap().unwrap();
    let choice = Choice {
        override_gate: override_gate.map(str::to_owned),
        ..Choice::new(RunId::new(1, 1), clock.now(), "123456789012".into(), "us-east-1".into())
    };
    plan(target, &observed, &choice).unwrap()
}

fn snapshots(name: &str, plan: &Plan) {
    let arn = "arn:aws:sts::123456789012:assumed-role/release/dana";
    let identity = Identity { account: "123456789012".into(), arn: arn.into() };
    let caller = Caller { identity, lasts_s: Some(25_920), endpoint: None };
    for width in [60, 88] {
        let text = screen(plan, &caller, width);
        insta::assert_snapshot!(format!("{name}_{width}"), text);
        let fits = |line: &str| line.chars().count() <= width || !line.trim().contains(' ');
        assert!(text.lines().all(fits), "only a word that is too long itself may stand out: {text}");
    }
}

#[test]
fn all_at_once_says_nothing_of_a_canary() {
    let shop = Shop::new().unwrap();
    let plan = planned(&shop, &shop.target(), None);
    assert!(plan.sight.is_empty() && plan.steps().iter().all(|step| step.step != crate::step::StepKind::Canary));
    snapshots("none", &plan);
}

#[test]
fn a_canary_by_the_alias_and_by_the_stage() {
    let shop = Shop::new().unwrap();
    for (name, mode) in [("alias", CanaryMode::Alias), ("stage", CanaryMode::Stage)] {
        let mut target = shop.shifted(mode);
        target.canary.approve = target.canary.steps.iter().skip(2).map(|step| step.percent).collect();
        snapshots(name, &planned(&shop, &target, None));
    }
}

#[test]
fn several_functions_and_an_overridden_gate() {
    let shop = Shop::new().unwrap();
    let mut target = shop.shifted(CanaryMode::Alias);
    target.functions.push("mail-sender".parse().unwrap());
    (target.stage, target.alias_variable) = (None, None);
    snapshots("several", &planned(&shop, &target, None));
    snapshots(
        "override",
        &planned(&shop, &shop.shifted(CanaryMode::Alias), Some("incident 4711, the fix must go out")),
    );
}

#[test]
fn a_proved_deployment_with_variables_and_a_file_that_changed() {
    let shop = Shop::new().unwrap();
    let api = &shop.stage.api;
    let world = world(&shop);
    let mail: FunctionName = "mail-sender".parse().unwrap();
    world.edit(|account| {
        for n in 0..12 {
            account.put_route(api, "GET", &format!("/mails/{n:02}"), &mail, "live").unwrap();
        }
        let deployment = account.deploy(api, "nightly 4711").unwrap();
        account.create_stage(api, &"staging".parse().unwrap(), &deployment, &[("lambdaAlias", "live")]).unwrap();
        account.put_route(api, "GET", "/later", &shop.function, "live").unwrap();
    });
    let mut target = shop.target();
    target.variables = [("table".to_owned(), "orders-v2".to_owned())].into();
    let files = ["openapi.yaml", "orders.vtl"].map(|name| TriggerFile::new(name, "{}"));
    snapshots("files", &planned_in(&world, &Target { redeploy_files: files.to_vec(), ..target.clone() }, None));
    let stage = StageRef { api: api.clone(), stage: "staging".parse().unwrap() };
    let (functions, alias) = (target.functions.clone(), "staging".parse().unwrap());
    target.redeploy_from = Some(RedeployFrom { target: "staging".into(), stage, functions, alias });
    snapshots("proved", &planned_in(&world, &target, None));
}

#[test]
fn what_the_gate_sees_is_no_part_of_what_was_approved() {
    let shop = Shop::new().unwrap();
    let plan = planned(&shop, &shop.shifted(CanaryMode::Alias), None);
    assert_eq!(plan.sight.len(), 3);
    assert_eq!(Plan { sight: Vec::new(), ..plan.clone() }.digest(), plan.digest());
    let stored: Plan = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
    assert_eq!(stored.sight.len(), 3);
}
