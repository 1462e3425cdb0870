//! SIGKILL right after each write of a release: the effect is there, the answer never arrived. `resume` on that machine
//! ends it exactly after, `rollback` on any other exactly before.

use std::thread;

use super::proxy::{Fate, Proxy};
use super::shop::{Shop, TARGET, routed};
use super::state::{Before, Release};
use crate::support::announce;
use crate::support::emulator::Emulator;

/// Kills a release at each of its writes, each in an account of its own, all at the same time.
fn at_every_write(release: Release, name: &str, then: fn(Release, usize, &Killed)) {
    let Some(emulator) = Emulator::shared() else { return };
    let writes = release.writes();
    thread::scope(|scope| {
        for (nth, write) in (1..).zip(writes) {
            thread::Builder::new()
                .name(format!("{name} killed at {nth}, {write}"))
                .spawn_scoped(scope, move || then(release, nth, &kill(emulator, release, name, nth)))
                .unwrap();
        }
    });
    announce(&format!("{name} of the {release:?} release: {} kill points", writes.len()));
}

/// A release that was killed.
struct Killed {
    shop: Shop,
    machine: super::machine::Machine,
    before: Before,
}

fn kill(emulator: &'static Emulator, release: Release, name: &str, nth: usize) -> Killed {
    let shop = release.shop(emulator, &format!("e2e {name} {release:?} {nth}"));
    let before = Before::of(&shop);
    let proxy = Proxy::at_write(&emulator.endpoint(), nth, Fate::HoldAfter);
    let machine = shop.machine().through(&proxy);
    let write = machine.killed(&proxy, &["promote", "prod", "--yes"]);
    assert_eq!(write, release.writes()[nth - 1]);
    assert_eq!(proxy.writes().len(), nth);
    let machine = machine.set("AWS_ENDPOINT_URL", &emulator.endpoint());
    Killed { shop, machine, before }
}

fn resumed(release: Release, nth: usize, killed: &Killed) {
    let done = killed.machine.run(&["resume", "prod"]);
    assert_eq!(done.code, Some(0), "{nth}: {}", done.all());
    release.is_done(&killed.shop, &killed.before);
    let again = killed.machine.run(&["resume", "prod"]);
    assert_eq!(again.code, Some(2), "nothing is unfinished: {}", again.all());
}

fn rolled_back_elsewhere(release: Release, nth: usize, killed: &Killed) {
    let Killed { shop, machine, before } = killed;
    let (last, dump) = (release.writes().len(), shop.dump());
    let proxy =
        Proxy::watching(&shop.account.env().into_iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap().1);
    let back = shop.elsewhere().through(&proxy).run(&["rollback", TARGET, "--yes"]);
    assert!(!proxy.writes().contains(&"CreateDeployment".to_owned()), "{:?}", proxy.writes());
    let refusal = match (release, nth) {
        (Release::First, 1) => Some("SG-A06"),
        (Release::Second, 1) => Some("SG-R"),
        (Release::First, nth) if nth == last => Some("SG-R"),
        _ => None,
    };
    if let Some(code) = refusal {
        // No release is to be seen there: only a version without traffic, or a first release that had finished.
        assert_eq!(back.code, Some(2), "{nth}: {}", back.all());
        assert!(back.stderr.contains(code), "{nth}: {}", back.all());
        assert_eq!(shop.dump(), dump);
        return;
    }
    assert_eq!(back.code, Some(0), "{nth}: {}", back.all());
    before.serves(shop);
    if release == Release::First {
        // Its alias is gone and its record with it.
        return;
    }
    let alias = shop.alias();
    assert!(routed(&alias).1.contains(" back 2>1 ") && routed(&alias).1.contains(" bad=2]"), "{alias}");
    // The machine that was killed learns of it and leaves everything as it is.
    let settled = shop.dump();
    let late = machine.run(&["resume", "prod"]);
    assert_eq!(late.code, Some(5), "{nth}: {}", late.all());
    assert_eq!(shop.dump(), settled, "{nth}: {}", late.all());
}

#[test]
fn a_first_release_killed_at_any_write_is_resumed_to_its_end() {
    at_every_write(Release::First, "resume", resumed);
}

#[test]
fn a_second_release_killed_at_any_write_is_resumed_to_its_end() {
    at_every_write(Release::Second, "resume", resumed);
}

#[test]
fn a_first_release_killed_at_any_write_is_rolled_back_from_another_machine() {
    at_every_write(Release::First, "rollback", rolled_back_elsewhere);
}

#[test]
fn a_second_release_killed_at_any_write_is_rolled_back_from_another_machine() {
    at_every_write(Release::Second, "rollback", rolled_back_elsewhere);
}
