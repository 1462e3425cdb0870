//! Releases through an HTTP API that another program made. The emulator has no `UpdateStage` and no `ExportApi` for HTTP
//! APIs and routes no requests to them (the table of deviations says so), so the stage deploys by itself.

use serde_json::{Value, json};

use super::machine::Machine;
use super::proxy::Proxy;
use super::shop::{ALIAS, FUNCTION, TARGET, routed};
use crate::support::account::Account;
use crate::support::account_setup::{ALIAS_VARIABLE, marker_handler};
use crate::support::announce;
use crate::support::emulator::{Emulator, REGION};

/// A function behind the `$default` stage of an HTTP API, which deploys by itself; no alias, no permission.
struct HttpShop {
    account: Account,
    api: String,
}

impl HttpShop {
    #[track_caller]
    fn new(emulator: &'static Emulator, name: &str) -> Self {
        let account = emulator.account(name);
        account.create_function(FUNCTION, &marker_handler("one"));
        let api = account.create_http_api("shop", FUNCTION, &["GET /pets/{id}", "$default"]);
        account.must(
            "apigatewayv2",
            "create_stage",
            json!({"ApiId": api, "StageName": "$default", "AutoDeploy": true, "StageVariables": {ALIAS_VARIABLE: ALIAS}}),
        );
        Self { account, api }
    }

    fn machine(&self) -> Machine {
        Machine::new(&self.account).config(&format!(
            "schema = 1\n[target.prod]\nfunctions = [\"{FUNCTION}\"]\nalias = \"{ALIAS}\"\napi = \"{}\"\n\
             stage = \"$default\"\npermission_settle = \"0s\"\nalias_variable = \"{ALIAS_VARIABLE}\"\n",
            self.api
        ))
    }

    #[track_caller]
    fn alias(&self) -> Value {
        self.account.must("lambda", "get_alias", json!({"FunctionName": FUNCTION, "Name": ALIAS}))
    }

    #[track_caller]
    fn stage(&self) -> Value {
        self.account.must("apigatewayv2", "get_stage", json!({"ApiId": self.api, "StageName": "$default"}))
    }
}

#[test]
fn a_stage_that_deploys_by_itself_is_promoted_and_rolled_back() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = HttpShop::new(emulator, "e2e http api");
    let planned = shop.machine().run(&["plan", "prod"]).exits(0);
    assert!(planned.all().contains("deploys every edit of its API by itself"), "{}", planned.all());
    let stage = shop.stage();

    let proxy = Proxy::watching(&emulator.endpoint());
    shop.machine().through(&proxy).run(&["promote", "prod", "--yes"]).exits(0);
    assert_eq!(proxy.writes(), ["PublishVersion", "CreateAlias", "AddPermission", "UpdateAlias"]);
    announce(&format!("first release through an HTTP API: {} requests", proxy.requests().len()));
    assert_eq!(routed(&shop.alias()).0, "1");
    let policy = shop.account.must("lambda", "get_policy", json!({"FunctionName": FUNCTION, "Qualifier": ALIAS}));
    let source = format!("arn:aws:execute-api:{REGION}:{}:{}/$default/*", shop.account.id, shop.api);
    assert!(policy["Policy"].as_str().unwrap().contains(&source), "{policy}");

    shop.account.update_code(FUNCTION, &marker_handler("two"));
    let proxy = Proxy::watching(&emulator.endpoint());
    shop.machine().through(&proxy).run(&["promote", "prod", "--yes"]).exits(0);
    assert_eq!(proxy.writes(), ["PublishVersion", "UpdateAlias", "UpdateAlias"]);
    assert_eq!(routed(&shop.alias()).0, "2");

    let status = shop.machine().run(&["status", "prod"]).exits(0);
    assert!(status.all().contains(&format!("{}/$default", shop.api)), "{}", status.all());
    let elsewhere = Machine::new(&shop.account);
    elsewhere.run(&["rollback", TARGET, "--yes"]).exits(0);
    assert_eq!(routed(&shop.alias()).0, "1");
    assert_eq!(shop.stage(), stage, "nobody wrote to the stage");
}

#[test]
fn a_rollback_finds_the_alias_behind_a_stage_of_an_http_api_and_a_canary_of_it_is_refused() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = HttpShop::new(emulator, "e2e http api, by stage");
    let machine = shop.machine();
    machine.run(&["promote", "prod", "--yes"]).exits(0);
    shop.account.update_code(FUNCTION, &marker_handler("two"));
    machine.run(&["promote", "prod", "--yes"]).exits(0);
    let stage = format!("{}/$default", shop.api);
    let elsewhere = Machine::new(&shop.account);
    let refused = elsewhere.run(&["canary", "clear", &stage, "--yes"]).exits(2);
    assert!(refused.stderr.contains("is an HTTP API: its stages have no canary"), "{}", refused.all());
    elsewhere.run(&["rollback", &stage, "--yes"]).exits(0);
    assert_eq!(routed(&shop.alias()).0, "1");
}
