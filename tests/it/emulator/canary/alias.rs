//! Traffic shifted by a weight on the alias.

use std::thread;

use serde_json::json;

use super::clients::Clients;
use super::scene::{Kind, Scene};
use super::split::{Caller, is_served, wait_for};
use crate::emulator::machine::finish;
use crate::emulator::proxy::Proxy;
use crate::emulator::shop::TARGET;
use crate::emulator::state::Release;
use crate::support::announce;
use crate::support::emulator::Emulator;

const PROMOTE: [&str; 4] = ["promote", "prod", "--yes", "--json"];

/// The new version gets what each step says, of invocations and of requests, and everything in the end.
pub fn good(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Alias, "good");
    let (shop, machine) = (&scene.shop, scene.machine(&["20% 3m", "50% 30s"], "", ""));
    Clients { shop, failing: None }.while_calling(|| {
        let child = machine.start(&PROMOTE);
        let ended = thread::spawn(move || finish(child));
        wait_for(shop, "2", 0.2);
        is_served(shop, Caller::Alias, "2", 0.2);
        is_served(shop, Caller::Stage, "2", 0.2);
        let done = ended.join().unwrap().exits(0);
        assert_eq!(done.event("result")["result"], "promoted", "{}", done.all());
        let shares: Vec<f64> = done.shares("2");
        assert_eq!(shares, [20.0, 50.0, 100.0], "{}", done.all());
    });
    Release::Second.is_done(shop, &scene.before);
}

/// A version of which a third of the invocations fail is found out and taken back.
pub fn bad(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Alias, "bad");
    let (shop, machine) = (&scene.shop, scene.machine(&["20% 10m"], "", ""));
    let done = Clients { shop, failing: Some(("2", 0.3)) }.while_calling(|| machine.run(&PROMOTE).exits(5));
    assert_eq!(done.event("error")["code"], "SG-Q01", "{}", done.all());
    scene.is_back(true);
    assert_eq!(scene.aliases(), ["live"]);
}

/// A process that is killed while the new version has a share: from a machine that has never heard of the release, one
/// command gives the old version everything.
pub fn killed(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Alias, "killed");
    let (shop, machine) = (&scene.shop, scene.machine(&["50% 10m"], "", ""));
    let mut child = machine.start(&PROMOTE);
    wait_for(shop, "2", 0.5);
    child.kill().unwrap();
    assert_eq!(finish(child).code, None);
    let proxy = Proxy::watching(&shop.endpoint());
    shop.elsewhere().through(&proxy).run(&["rollback", TARGET, "--yes"]).exits(0);
    announce(&format!("rollback of a canary of the alias: {:?}", proxy.requests()));
    assert!(proxy.requests()[..3].contains(&"UpdateAlias".to_owned()), "after one look: {:?}", proxy.requests());
    assert_eq!(proxy.writes(), ["UpdateAlias", "UpdateStage", "UpdateAlias"]);
    is_served(shop, Caller::Alias, "1", 1.0);
    scene.is_back(true);
}

/// A process that is killed while the new version has a share: the next one goes on to the end.
pub fn resumed(emulator: &'static Emulator) {
    Scene::new(emulator, Kind::Alias, "resumed").is_killed_and_resumed();
}

/// A release that is to stop at a share does, and goes on from elsewhere.
pub fn stopped(emulator: &'static Emulator) {
    Scene::new(emulator, Kind::Alias, "stopped").is_stopped_and_resumed();
}

/// An alarm that goes off while it bakes holds it where it is, and nothing moves until a person says so.
pub fn alarm(emulator: &'static Emulator) {
    let scene = Scene::new(emulator, Kind::Alias, "alarm");
    let shop = &scene.shop;
    shop.account.create_alarm("errors");
    let composite = json!({"AlarmName": "everything", "AlarmRule": "ALARM(errors)"});
    shop.account.must("cloudwatch", "put_composite_alarm", composite);

    let steps = ["50% 2m"];
    let misspelt = scene.machine(&steps, "", "alarms = [\"errors\", \"everythin\"]");
    let dump = shop.dump();
    let refused = misspelt.run(&["promote", "prod", "--yes"]).exits(2);
    assert!(refused.stderr.contains("everythin"), "{}", refused.all());
    assert_eq!(shop.dump(), dump);

    let alarms = "alarms = [\"errors\", \"everything\"]";
    let machine = scene.machine(&steps, "max_extend = \"1m\"", alarms);
    Clients { shop, failing: None }.while_calling(|| {
        let child = machine.start(&PROMOTE);
        let ended = thread::spawn(move || finish(child));
        wait_for(shop, "2", 0.5);
        for name in ["errors", "everything"] {
            shop.account.set_alarm(name, "ALARM", "complaints");
        }
        let held = ended.join().unwrap().exits(8);
        assert!(held.event("error").to_string().contains("alarm e"), "{}", held.all());
    });
    scene.is_paused();
    is_served(shop, Caller::Alias, "2", 0.5);
    shop.elsewhere().run(&["rollback", TARGET, "--yes"]).exits(0);
    scene.is_back(true);
}
