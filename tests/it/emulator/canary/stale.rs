//! What somebody else left behind is recognised, explained and not touched.

use serde_json::json;

use crate::emulator::machine::Machine;
use crate::emulator::shop::{ALIAS, FUNCTION, STAGE, Shop, TARGET};
use crate::support::account_setup::routing;
use crate::support::emulator::Emulator;

/// A machine whose gate does not look at latency: the emulator answers 500 to percentiles.
fn machine(shop: &Shop) -> Machine {
    shop.elsewhere().config(&format!("{}[target.prod.gate]\nmax_slow_ratio = \"off\"\n", shop.config()))
}

#[test]
fn weights_that_somebody_left_are_explained_and_kept() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e canary left weights");
    shop.account.publish_version(FUNCTION);
    let weights = json!({"FunctionName": FUNCTION, "Name": ALIAS, "RoutingConfig": routing(&[("2", 0.25)])});
    shop.account.must("lambda", "update_alias", weights);
    let left = shop.dump();
    for canary in ["none", "20% 10m"] {
        let refused = machine(&shop).run(&["promote", "prod", "--canary", canary, "--yes"]).exits(7);
        assert!(refused.stderr.contains("SG-A03") && refused.stderr.contains("v2 25.0000 %"), "{}", refused.all());
        assert!(refused.stderr.contains("--routing-config AdditionalVersionWeights={}"), "{}", refused.all());
    }
    let seen = shop.elsewhere().run(&["status", TARGET]).exits(0);
    assert!(seen.stdout.contains("25"), "{}", seen.all());
    assert_eq!(shop.dump(), left);
}

#[test]
fn a_canary_of_the_stage_that_somebody_left_is_explained_and_kept() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e canary left on the stage");
    let deployment = shop.account.create_deployment(&shop.api, "theirs");
    let patch = |path: &str, value: &str| json!({"op": "replace", "path": path, "value": value});
    let canary = json!({"restApiId": shop.api, "stageName": STAGE, "patchOperations": [
        patch("/canarySettings/deploymentId", &deployment), patch("/canarySettings/percentTraffic", "0.0")]});
    shop.account.must("apigateway", "update_stage", canary);
    let left = shop.dump();
    for flags in [vec!["--canary", "none"], vec!["--canary", "20% 10m", "--canary-mode", "stage"]] {
        let refused = machine(&shop).run(&[&["promote", "prod", "--yes"], flags.as_slice()].concat()).exits(7);
        assert!(refused.stderr.contains("SG-G07") && refused.stderr.contains(&deployment), "{}", refused.all());
    }
    let seen = shop.elsewhere().run(&["status", &format!("{}/{STAGE}", shop.api)]).exits(0);
    assert!(seen.stdout.contains("canary"), "{}", seen.all());
    assert_eq!(shop.dump(), left);
}
