//! Traffic shifted by the canary of the stage.

use std::thread;

use serde_json::{Value, json};

use super::clients::{Clients, candidate_alias};
use super::scene::{Kind, Scene};
use super::split::{Caller, is_served, wait_for};
use crate::emulator::machine::finish;
use crate::emulator::proxy::Proxy;
use crate::emulator::shop::{ALIAS, FUNCTION, TARGET, routed};
use crate::emulator::state::Release;
use crate::support::account_setup::{ALIAS_VARIABLE, marker_handler};
use crate::support::announce;
use crate::support::emulator::Emulator;

const PROMOTE: [&str; 4] = ["promote", "prod", "--yes", "--json"];

/// The stage's requests are split, callers of the alias see nothing of it, and in the end nothing is left of the canary.
pub fn good(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Stage, "good");
    let (shop, machine) = (&scene.shop, scene.machine(&["50% 3m"], "", ""));
    let served = shop.served();
    Clients { shop, failing: None }.while_calling(|| {
        let child = machine.start(&PROMOTE);
        let ended = thread::spawn(move || finish(child));
        wait_for(shop, "2", 0.5);
        let canary = scene.canary();
        assert_eq!(canary["stageVariableOverrides"], json!({ALIAS_VARIABLE: candidate_alias()}), "{canary}");
        assert_eq!(canary["useStageCache"], false, "{canary}");
        assert_ne!(canary["deploymentId"].as_str().unwrap(), served.0, "the new definition: {canary}");
        assert_eq!(shop.served(), served, "the stage's own deployment and variables stay");
        assert_eq!(statements(&scene), 1, "the API may call the candidate");
        is_served(shop, Caller::Stage, "2", 0.5);
        is_served(shop, Caller::Alias, "1", 1.0);
        assert_eq!(scene.canary(), canary, "baking still");
        ended.join().unwrap().exits(0);
        assert_eq!(shop.served().0, canary["deploymentId"].as_str().unwrap());
    });
    Release::Second.is_done(shop, &scene.before);
    assert_eq!(scene.canary(), Value::Null);
    scene.has_no_candidate_alias();
}

/// How many statements the candidate alias has.
fn statements(scene: &Scene) -> usize {
    let alias = json!({"FunctionName": FUNCTION, "Qualifier": candidate_alias()});
    let policy = scene.shop.account.must("lambda", "get_policy", alias);
    let document: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    document["Statement"].as_array().unwrap().len()
}

/// A version of which a third of the requests fail is found out and taken back.
pub fn bad(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Stage, "bad");
    let (shop, machine) = (&scene.shop, scene.machine(&["20% 10m"], "", ""));
    let done = Clients { shop, failing: Some(("2", 0.3)) }.while_calling(|| machine.run(&PROMOTE).exits(5));
    assert_eq!(done.event("error")["code"], "SG-Q01", "{}", done.all());
    scene.is_back(true);
}

/// A process that is killed while the stage has its canary: from a machine that has never heard of the release, one
/// command removes it.
pub fn killed(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Stage, "killed");
    let (shop, machine) = (&scene.shop, scene.machine(&["50% 10m"], "", ""));
    let mut child = machine.start(&PROMOTE);
    wait_for(shop, "2", 0.5);
    child.kill().unwrap();
    assert_eq!(finish(child).code, None);
    let record = shop.alias();
    assert_eq!(routed(&record).0, "1", "{ALIAS} itself is only claimed: {record}");
    let proxy = Proxy::watching(&shop.endpoint());
    let back = shop.elsewhere().through(&proxy).run(&["rollback", TARGET, "--yes"]).exits(0);
    announce(&format!("rollback of a canary of the stage: {:?}", proxy.requests()));
    assert_eq!(proxy.writes(), ["UpdateStage", "UpdateAlias", "UpdateAlias"]);
    // API Gateway may call it for a while yet, so an emergency leaves it where it is, and says so.
    assert!(scene.aliases().contains(&candidate_alias()));
    assert!(back.all().contains(&candidate_alias()), "{}", back.all());
    is_served(shop, Caller::Stage, "1", 1.0);
    scene.is_back(true);
    // The next canary takes it over.
    shop.account.update_code(FUNCTION, &marker_handler("three"));
    scene.machine(&["50% 10m"], "", "").run(&["plan", "prod"]).exits(0);
}

/// A process that is killed while the stage has its canary: the next one goes on to the end.
pub fn resumed(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Stage, "resumed");
    scene.is_killed_and_resumed();
    assert_eq!(scene.canary(), Value::Null);
    scene.has_no_candidate_alias();
}
