//! What somebody else left behind is recognised, explained and not touched.

use serde_json::{Value, json};

use super::split::Split;
use crate::emulator::machine::Machine;
use crate::emulator::shop::{ALIAS, FUNCTION, STAGE, Shop, TARGET};
use crate::support::account_setup::routing;
use crate::support::emulator::Emulator;

/// A machine whose gate does not look at latency: the emulator answers 500 to percentiles.
fn machine(shop: &Shop) -> Machine {
    shop.elsewhere().config(&format!("{}[target.prod.gate]\nmax_slow_ratio = \"off\"\n", shop.config()))
}

#[test]
fn weights_that_somebody_left_are_explained_and_kept_until_a_person_ends_them() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e canary left weights");
    shop.account.publish_version(FUNCTION);
    let split = || {
        let weights = json!({"FunctionName": FUNCTION, "Name": ALIAS, "RoutingConfig": routing(&[("2", 0.25)])});
        shop.account.must("lambda", "update_alias", weights);
    };
    split();
    let left = shop.dump();
    for canary in ["none", "20% 10m"] {
        let refused = machine(&shop).run(&["promote", "prod", "--canary", canary, "--yes"]).exits(7);
        assert!(refused.stderr.contains("SG-A03") && refused.stderr.contains("v2 25.0000 %"), "{}", refused.all());
        assert!(refused.stderr.contains("stagegate canary clear pets:live"), "{}", refused.all());
        assert!(refused.stderr.contains("stagegate canary promote pets:live"), "{}", refused.all());
    }
    let seen = shop.elsewhere().run(&["status", TARGET]).exits(0);
    assert!(seen.stdout.contains("25%") && seen.stdout.contains("canary clear"), "{}", seen.all());
    assert_eq!(shop.dump(), left);

    shop.elsewhere().run(&["canary", "clear", TARGET, "--yes"]).exits(0);
    let way = |version: &str| Split::of(&shop).share(version);
    assert_eq!((way("1"), way("2")), (1.0, 0.0));
    split();
    shop.elsewhere().run(&["canary", "promote", TARGET, "--yes"]).exits(0);
    assert_eq!((way("1"), way("2")), (0.0, 1.0));
    shop.elsewhere().run(&["rollback", TARGET, "--yes"]).exits(0);
    assert_eq!((way("1"), way("2")), (1.0, 0.0));
}

#[test]
fn a_canary_of_the_stage_that_somebody_left_is_explained_and_kept_until_a_person_ends_it() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e canary left on the stage");
    let deployment = shop.account.create_deployment(&shop.api, "theirs");
    let attach = || {
        let patch = |path: &str, value: &str| json!({"op": "replace", "path": path, "value": value});
        let canary = json!({"restApiId": shop.api, "stageName": STAGE, "patchOperations": [
            patch("/canarySettings/deploymentId", &deployment), patch("/canarySettings/percentTraffic", "0.0")]});
        shop.account.must("apigateway", "update_stage", canary);
    };
    attach();
    let left = shop.dump();
    let place = format!("{}/{STAGE}", shop.api);
    for flags in [vec!["--canary", "none"], vec!["--canary", "20% 10m", "--canary-mode", "stage"]] {
        let refused = machine(&shop).run(&[&["promote", "prod", "--yes"], flags.as_slice()].concat()).exits(7);
        assert!(refused.stderr.contains("SG-G07") && refused.stderr.contains(&deployment), "{}", refused.all());
        assert!(refused.stderr.contains(&format!("stagegate canary clear {place}")), "{}", refused.all());
    }
    let seen = shop.elsewhere().run(&["status", &place]).exits(0);
    assert!(seen.stdout.contains("canary clear"), "{}", seen.all());
    assert_eq!(shop.dump(), left);

    let served = shop.served();
    shop.elsewhere().run(&["canary", "clear", &place, "--yes"]).exits(0);
    assert_eq!((shop.served(), shop.stage()["canarySettings"].clone()), (served.clone(), Value::Null));
    attach();
    shop.elsewhere().run(&["canary", "promote", &place, "--yes"]).exits(0);
    assert_eq!((shop.served(), shop.stage()["canarySettings"].clone()), ((deployment.clone(), served.1), Value::Null));
}
