//! A first release, a second one, and a third with nothing to do.

use serde_json::{Value, json};

use super::proxy::Proxy;
use super::shop::{ALIAS, FUNCTION, STAGE, Shop, routed};
use super::state::{FIRST, SECOND};
use crate::support::account_setup::ALIAS_VARIABLE;
use crate::support::announce;
use crate::support::emulator::{Emulator, REGION};

#[test]
fn a_first_release_makes_alias_permission_variable_and_deployment() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e first release");
    let by_hand = shop.served();
    assert_eq!(by_hand.1, json!({}));
    assert_eq!(shop.answer("pets"), "5xx", "the stage reaches no alias yet");

    let before = shop.dump();
    let planned = shop.machine().run(&["plan", "prod", "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!((&plan["target"], &plan["nothing_to_do"]), (&json!("prod"), &json!(false)), "{}", planned.all());
    assert_eq!(shop.dump(), before, "a plan changes nothing");

    let proxy = Proxy::watching(&emulator.endpoint());
    let done = shop.machine().through(&proxy).run(&["promote", "prod", "--yes", "--json"]).exits(0);
    assert_eq!(proxy.writes(), FIRST);
    announce(&format!("first release: {} requests, {} writes", proxy.requests().len(), FIRST.len()));
    let result = done.event("result");
    assert_eq!((&result["result"], &result["version"]), (&json!("promoted"), &json!("1")), "{}", done.all());

    let run = done.run_id();
    let alias = shop.alias();
    let (version, description) = routed(&alias);
    assert_eq!(version, "1");
    assert!(
        description.starts_with(&format!("[sg1 {run} done 0>1 n=1 {}/{STAGE} d={}", shop.api, by_hand.0)),
        "{alias}"
    );
    assert!(description.contains(&format!("v!{ALIAS_VARIABLE}")), "{alias}");
    let statements = shop.statements();
    let source = format!("arn:aws:execute-api:{REGION}:{}:{}/{STAGE}/*", shop.account.id, shop.api);
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert_eq!(statements[0]["Condition"]["ArnLike"]["AWS:SourceArn"], source, "{statements:?}");
    assert_eq!(statements[0]["Resource"], format!("{}:{ALIAS}", shop.account.function_arn(FUNCTION)));

    let (deployment, variables) = shop.served();
    assert_ne!(deployment, by_hand.0);
    assert_eq!(variables, json!({ALIAS_VARIABLE: ALIAS}));
    let deployments = shop.deployments();
    let ours = deployments.iter().find(|each| each["id"] == deployment.as_str()).unwrap();
    assert!(ours["description"].as_str().unwrap().contains(&run), "{ours}");
    assert_eq!(result["deployment"], deployment);
    assert_eq!(shop.answer("pets"), "one");
}

#[test]
fn a_second_release_moves_the_alias_and_deploys_the_new_route_and_a_third_has_nothing_to_do() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e second release");
    let first = shop.served();
    assert_eq!((shop.answer("pets"), shop.answer("cats")), ("one".into(), "403".into()), "edited, not released");

    let proxy = Proxy::watching(&emulator.endpoint());
    let machine = shop.machine().through(&proxy);
    let done = machine.run(&["promote", "prod", "--yes", "--json"]).exits(0);
    assert_eq!(proxy.writes(), SECOND);
    announce(&format!("second release: {} requests, {} writes", proxy.requests().len(), SECOND.len()));
    let alias = shop.alias();
    let (version, description) = routed(&alias);
    assert_eq!(version, "2");
    assert!(description.starts_with(&format!("[sg1 {} done 1>2 n=1 ", done.run_id())), "{alias}");
    assert!(description.contains(&format!("{}/{STAGE} d={}", shop.api, first.0)), "{alias}");
    let (deployment, variables) = shop.served();
    assert_ne!(deployment, first.0);
    assert_eq!(variables, first.1);
    assert_eq!(shop.statements().len(), 1);
    assert_eq!((shop.answer("pets"), shop.answer("cats")), ("two".into(), "two".into()));

    let before = shop.dump();
    let again = machine.run(&["promote", "prod", "--yes", "--json"]).exits(0);
    assert_eq!(again.event("result")["result"], "unchanged", "{}", again.all());
    assert_eq!(shop.dump(), before, "every revision is as before");
    assert_eq!(proxy.writes().len(), SECOND.len(), "and nothing was sent that could have changed one");
}
