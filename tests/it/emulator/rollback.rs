//! Rolling back a finished release from a machine with nothing on it, and putting it in place again.

use super::proxy::Proxy;
use super::shop::{Shop, TARGET, routed};
use super::state::{Before, Release};
use crate::support::account_setup::marker_handler;
use crate::support::announce;
use crate::support::emulator::Emulator;

#[test]
fn a_release_is_rolled_back_from_any_machine_and_put_in_place_again() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e rollback");
    let before = Before::of(&shop);
    shop.machine().run(&["promote", "prod", "--yes"]).exits(0);
    Release::Second.is_done(&shop, &before);

    let proxy = Proxy::watching(&emulator.endpoint());
    let done = shop.elsewhere().through(&proxy).run(&["rollback", TARGET, "--yes", "--json"]).exits(0);
    before.serves(&shop);
    let alias = shop.alias();
    assert!(routed(&alias).1.contains(&format!("[sg1 {} back 2>1 n=1 ", done.run_id())), "{alias}");
    assert!(routed(&alias).1.contains(" bad=2]"), "{alias}");
    assert_eq!((shop.answer("pets"), shop.answer("cats")), ("one".into(), "403".into()));
    let writes = proxy.writes();
    assert_eq!(writes, ["UpdateAlias", "UpdateStage", "UpdateAlias"], "the harm first, and no new deployment");
    announce(&format!("rollback of alias and stage: {} requests, {} writes", proxy.requests().len(), writes.len()));

    let settled = shop.dump();
    let refused = shop.machine().run(&["promote", "prod", "--yes"]).exits(2);
    assert!(refused.stderr.contains("SG-P07"), "{}", refused.all());
    assert_eq!(shop.dump(), settled, "a version that is marked bad is refused before anything is written");

    let proxy = Proxy::watching(&emulator.endpoint());
    shop.elsewhere().through(&proxy).run(&["rollback", TARGET, "--to", "2", "--yes"]).exits(0);
    assert!(!proxy.writes().contains(&"CreateDeployment".to_owned()), "{:?}", proxy.writes());
    let alias = shop.alias();
    assert_eq!(routed(&alias).0, "2");
    assert!(!routed(&alias).1.contains("bad=2"), "{alias}");
    assert_eq!((shop.answer("pets"), shop.answer("cats")), ("two".into(), "two".into()));
}

#[test]
fn the_emergency_costs_four_calls_of_which_three_follow_each_other() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e emergency budget");
    let machine = shop.elsewhere();
    machine.run(&["promote", TARGET, "--yes"]).exits(0);
    shop.account.update_code("pets", &marker_handler("two"));
    machine.run(&["promote", TARGET, "--yes"]).exits(0);
    assert_eq!(routed(&shop.alias()).0, "2");

    let proxy = Proxy::watching(&emulator.endpoint());
    shop.elsewhere().through(&proxy).run(&["rollback", TARGET, "--yes"]).exits(0);
    let alias = shop.alias();
    assert_eq!(routed(&alias).0, "1");
    assert!(routed(&alias).1.contains(" back 2>1 "), "{alias}");
    let mut requests = proxy.requests();
    requests[1..3].sort_unstable();
    assert_eq!(requests, ["GetAlias", "GetFunction", "UpdateAlias", "GetAlias"], "the two in the middle overlap");
    announce(&format!("emergency rollback: {} requests", requests.len()));
}
