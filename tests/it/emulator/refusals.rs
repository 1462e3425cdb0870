//! Input that cannot be acted on: the documented exit code, a message with all its parts, and nothing changed.

use std::fs;
use std::io::Write as _;

use serde_json::json;

use super::machine::{Finished, Machine};
use super::proxy::{Fate, Proxy};
use super::shop::{ALIAS, FUNCTION, Shop, TARGET};
use super::state::{Before, Release};
use crate::support::emulator::{Emulator, REGION};

/// Headline, cause, state and remedy on standard error, under this code.
#[track_caller]
fn says_everything(ended: &Finished, code: &str) {
    let headline = format!("error[{code}]: ");
    for part in [headline.as_str(), "\n  why ", "\n  aws now ", "\n  fix "] {
        assert!(ended.stderr.contains(part), "no {part:?}: {}", ended.all());
    }
}

/// Runs what must be refused; answers with the requests that were sent.
#[track_caller]
fn refused(shop: &Shop, machine: Machine, arguments: &[&str], exit: i32, code: &str) -> Vec<String> {
    let proxy = Proxy::watching(&shop.endpoint());
    let before = shop.dump();
    let ended = machine.through(&proxy).run(arguments);
    assert_eq!(ended.code, Some(exit), "{arguments:?}: {}", ended.all());
    says_everything(&ended, code);
    assert_eq!(shop.dump(), before, "{arguments:?}");
    assert_eq!(proxy.writes(), Vec::<String>::new(), "{arguments:?}");
    proxy.requests()
}

#[test]
fn a_target_that_cannot_be_meant_is_refused() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e refusals, target");
    refused(&shop, shop.elsewhere(), &["promote", "no-such:live", "--yes"], 2, "SG-P05");
    refused(&shop, shop.elsewhere(), &["rollback", "no-such:live", "--yes"], 2, "SG-A06");
    let none = refused(&shop, shop.elsewhere(), &["promote", "pets:12", "--yes"], 2, "SG-U03");
    assert_eq!(none, Vec::<String>::new());

    let arn = format!("{}:{ALIAS}", shop.account.function_arn(FUNCTION)).replace(REGION, "us-east-1");
    let none = refused(&shop, shop.elsewhere(), &["rollback", &arn, "--region", REGION, "--yes"], 2, "SG-C06");
    assert_eq!(none, Vec::<String>::new());
}

#[test]
fn credentials_that_are_missing_or_of_another_account_are_refused() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e refusals, credentials");
    for command in ["promote", "rollback"] {
        let arguments = [command, TARGET, "--yes", "--account", "999999999999"];
        let asked = refused(&shop, shop.elsewhere(), &arguments, 4, "SG-C03");
        assert_eq!(asked, ["GetCallerIdentity"], "{command}");
        let nobody = shop.elsewhere().unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY");
        let none = refused(&shop, nobody, &[command, TARGET, "--yes"], 4, "SG-C04");
        assert_eq!(none, Vec::<String>::new(), "{command}");
    }
}

#[test]
fn a_stage_that_a_release_would_not_reach_is_refused() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e refusals, stage");
    let machine = Machine::new(&shop.account).config(&shop.config_with(""));
    refused(&shop, machine, &["promote", "prod", "--yes"], 1, "SG-G04");

    // All routes of the function without an alias.
    let resources = shop.account.must("apigateway", "get_resources", json!({"restApiId": shop.api}));
    let pets = resources["items"].as_array().unwrap().iter().find(|each| each["path"] == "/pets").unwrap();
    shop.account.must("apigateway", "delete_resource", json!({"restApiId": shop.api, "resourceId": pets["id"]}));
    shop.add_route("dogs", &shop.account.function_arn(FUNCTION));
    refused(&shop, shop.machine(), &["promote", "prod", "--yes"], 1, "SG-G03");
}

#[test]
fn a_record_of_a_newer_program_is_not_touched() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e refusals, record");
    let description = "Orders [sg2 01JD3K7Q4T0000000000000000 flying 1>2]";
    shop.account.must(
        "lambda",
        "update_alias",
        json!({"FunctionName": FUNCTION, "Name": ALIAS, "Description": description}),
    );
    refused(&shop, shop.machine(), &["promote", "prod", "--yes"], 7, "SG-L04");
    refused(&shop, shop.elsewhere(), &["rollback", TARGET, "--yes"], 7, "SG-L04");
}

#[test]
fn a_release_without_a_place_for_its_journal_is_not_begun() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e refusals, state directory");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in the way");
    fs::write(&file, "").unwrap();
    let machine = shop.machine().set("STAGEGATE_STATE_DIR", &file.display().to_string());
    refused(&shop, machine, &["promote", "prod", "--yes"], 1, "SG-J01");
}

#[test]
fn a_line_torn_by_a_crash_is_left_out_and_the_release_goes_on() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e torn journal");
    let before = Before::of(&shop);
    let proxy = Proxy::at_write(&emulator.endpoint(), 2, Fate::HoldAfter);
    let machine = shop.machine().through(&proxy);
    assert_eq!(machine.killed(&proxy, &["promote", "prod", "--yes"]), "UpdateAlias");
    let journals = machine.journals();
    assert_eq!(journals.len(), 1, "{journals:?}");
    let mut journal = fs::OpenOptions::new().append(true).open(&journals[0]).unwrap();
    journal.write_all(br#"{"v":1,"seq":9,"at":"2026-"#).unwrap();
    drop(journal);

    let machine = machine.set("AWS_ENDPOINT_URL", &emulator.endpoint());
    let done = machine.run(&["resume", "prod"]).exits(0);
    assert!(done.stderr.contains("warning[SG-J02]") && done.stderr.contains("aws now"), "{}", done.all());
    Release::Second.is_done(&shop, &before);
}

#[test]
fn a_journal_damaged_in_its_middle_is_refused_and_the_record_is_enough_to_go_back() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::released(emulator, "e2e damaged journal");
    let before = Before::of(&shop);
    let proxy = Proxy::at_write(&emulator.endpoint(), 2, Fate::HoldAfter);
    let machine = shop.machine().through(&proxy);
    machine.killed(&proxy, &["promote", "prod", "--yes"]);
    let journal = &machine.journals()[0];
    let text = fs::read_to_string(journal).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    fs::write(journal, format!("{}\n{rest}", &first[..first.len() / 2])).unwrap();

    let machine = machine.set("AWS_ENDPOINT_URL", &emulator.endpoint());
    let dump = shop.dump();
    let ended = machine.run(&["resume", "prod"]).exits(2);
    says_everything(&ended, "SG-J03");
    assert_eq!(shop.dump(), dump);
    machine.run(&["rollback", "prod", "--yes"]).exits(0);
    before.serves(&shop);
}
