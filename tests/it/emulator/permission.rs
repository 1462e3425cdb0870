//! The policies that `iam-policy` prints, against what the program sends: told from the requests on the wire alone.

use std::collections::BTreeSet;

use serde_json::Value;

use super::machine::Machine;
use super::proxy::Proxy;
use super::shop::{Shop, TARGET};
use crate::support::announce;
use crate::support::emulator::{Emulator, REGION};
use crate::support::iam::{Place, allows};

/// The policy for the target `prod`; nothing is asked of AWS for it.
fn policy(shop: &Shop, purpose: &str) -> Value {
    let account = ["--account", &shop.account.id, "--region", REGION];
    let nowhere = shop.machine().set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let printed = nowhere.run(&[&["iam-policy", purpose, "--target", "prod"], &account[..]].concat()).exits(0);
    serde_json::from_str(&printed.stdout).unwrap()
}

/// Runs a command and says what IAM would be asked; everything must be allowed to `purpose`.
#[track_caller]
fn allowed(shop: &Shop, machine: Machine, purpose: &str, command: &[&str]) -> BTreeSet<(String, String)> {
    let proxy = Proxy::watching(&shop.endpoint());
    machine.through(&proxy).run(command).exits(0);
    let (policy, place) = (policy(shop, purpose), Place { region: REGION, account: &shop.account.id });
    let asked: BTreeSet<_> = proxy.wires().iter().filter_map(|wire| wire.asked(&place)).collect();
    let denied: Vec<_> = asked.iter().filter(|asked| !allows(&policy, asked)).collect();
    assert!(denied.is_empty(), "{purpose} does not allow what {command:?} asks: {denied:#?}");
    announce(&format!("{}: {} requests, {} permissions, all allowed", command[0], proxy.wires().len(), asked.len()));
    asked
}

#[test]
fn every_request_of_a_release_and_of_its_rollback_is_allowed_by_the_printed_policy() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e iam policy");
    let promote = ["promote", "prod", "--yes"];
    let first = allowed(&shop, shop.machine(), "promote", &promote);
    for action in ["lambda:PublishVersion", "lambda:CreateAlias", "lambda:AddPermission", "apigateway:POST"] {
        assert!(first.iter().any(|(asked, _)| asked == action), "{action} is not among {first:#?}");
    }
    shop.edit("two");
    allowed(&shop, shop.machine(), "read", &["plan", "prod"]);
    let second = allowed(&shop, shop.machine(), "promote", &promote);
    assert!(second.iter().any(|(asked, _)| asked == "lambda:UpdateAlias"), "{second:#?}");
    allowed(&shop, shop.machine(), "read", &["status", "prod"]);

    let back = allowed(&shop, shop.elsewhere(), "rollback", &["rollback", TARGET, "--yes"]);
    let writes: Vec<&str> = back.iter().map(|(action, _)| action.as_str()).filter(|action| !is_read(action)).collect();
    assert_eq!(writes, ["apigateway:PATCH", "lambda:UpdateAlias"]);

    // The proof sees what is missing: nobody who may only look may do what a release does.
    let (reads, other) = (policy(&shop, "read"), policy(&shop, "rollback"));
    assert!(first.iter().filter(|(action, _)| !is_read(action)).all(|asked| !allows(&reads, asked)));
    assert!(!first.iter().all(|asked| allows(&other, asked)));
}

fn is_read(action: &str) -> bool {
    action.split_once(':').is_some_and(|(_, name)| ["Get", "List", "GET"].iter().any(|start| name.starts_with(start)))
}
