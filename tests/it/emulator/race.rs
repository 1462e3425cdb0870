//! Two promotions of one alias at the same time: one wins, the other has changed nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::machine::finish;
use super::proxy::{Fate, Proxy};
use super::shop::routed;
use super::state::{Before, Release};
use crate::support::announce;
use crate::support::emulator::Emulator;

/// Holds both at their first write of an alias, when both have read everything, lets one go to its end and then the
/// other, and looks. Going together they would test the emulator, which compares a revision and writes in two steps.
fn race(release: Release) {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = release.shop(emulator, &format!("e2e race {release:?}"));
    let before = Before::of(&shop);
    let proxies = [(); 2].map(|()| {
        let reached = AtomicBool::new(false);
        Proxy::ruled(&emulator.endpoint(), move |operation, _| {
            let is_alias = ["CreateAlias", "UpdateAlias"].contains(&operation);
            if is_alias && !reached.swap(true, Ordering::Relaxed) { Fate::HoldBefore } else { Fate::Pass }
        })
    });
    let machines = [0, 1].map(|at| shop.machine().through(&proxies[at]));
    let children = [0, 1].map(|at| machines[at].start(&["promote", "prod", "--yes", "--json"]));
    let [first, second] = [0, 1].map(|at| proxies[at].held());
    let [one, other] = children;
    drop(first);
    let winner = finish(one);
    drop(second);
    let loser = finish(other);
    assert_eq!((winner.code, loser.code), (Some(0), Some(7)), "{}\n{}", winner.all(), loser.all());

    release.is_done(&shop, &before);
    assert!(routed(&shop.alias()).1.contains(&winner.run_id()));
    let mut dump = shop.dump();
    dump.as_object_mut().unwrap().remove("versions");
    assert!(!dump.to_string().contains(&loser.run_id()), "the loser {} left a trace: {dump:#}", loser.run_id());
    let (problem, end) = (loser.event("error"), loser.event("result"));
    assert_eq!((&problem["code"], &problem["exit_code"], &end["exit_code"]), (&json!("SG-A02"), &json!(7), &json!(7)));
    for part in ["why", "fix"] {
        assert!(!problem[part].as_array().unwrap().is_empty(), "{part}: {problem}");
    }
    assert!(problem["aws_now"].as_str().unwrap().starts_with("no routing, policy or stage was changed"), "{problem}");
    assert!(!problem["fix"].to_string().contains("rollback"), "the winner's release is not to be undone: {problem}");
    let sent: Vec<usize> = proxies.iter().map(|proxy| proxy.requests().len()).collect();
    announce(&format!("race of two, {release:?} release: {sent:?} requests"));
}

#[test]
fn of_two_second_releases_at_once_one_wins_and_the_other_changes_nothing() {
    race(Release::Second);
}

#[test]
fn of_two_first_releases_at_once_one_wins_and_the_other_changes_nothing() {
    race(Release::First);
}
