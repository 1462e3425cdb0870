//! The built command against the emulator: a release and its way back, as a person runs them.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::account::Account;
use crate::support::account_setup::marker_handler;
use crate::support::emulator::Emulator;

const FUNCTION: &str = "pets";

struct Desk {
    account: Account,
    home: tempfile::TempDir,
}

impl Desk {
    fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_stagegate"))
            .args(line.split_whitespace())
            .current_dir(self.home.path())
            .env_clear()
            .envs(self.account.env())
            .envs([("HOME", self.home.path().to_str().unwrap()), ("LANG", "C.UTF-8"), ("COLUMNS", "88")])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn must(&self, line: &str) -> String {
        let output = self.run(line);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}: {}\n{shown}", output.status);
        shown
    }

    fn serving(&self) -> String {
        self.account.invoke(FUNCTION, "live").0
    }
}

/// `pets` with version 1 and newer code; `live` on version 1; an API whose stage `prod` calls the alias in a variable.
fn desk(name: &str) -> Option<(Desk, String)> {
    let account = Emulator::shared()?.account(name);
    account.create_function(FUNCTION, &marker_handler("one"));
    assert_eq!(account.publish_version(FUNCTION), "1");
    account.create_alias(FUNCTION, "live", "1", &[]);
    let api = account.create_rest_api("pets", FUNCTION);
    let deployment = account.create_deployment(&api, "first");
    account.create_stage(&api, "prod", &deployment, Some("live"));
    account.update_code(FUNCTION, &marker_handler("two"));
    let home = tempfile::tempdir().unwrap();
    let config = format!(
        "schema = 1\n[target.prod]\nfunctions = [\"{FUNCTION}\"]\nalias = \"live\"\napi = \"{api}\"\nstage = \"prod\"\npermission_settle = \"0s\"\n"
    );
    std::fs::write(home.path().join("stagegate.toml"), config).unwrap();
    Some((Desk { account, home }, api))
}

#[test]
fn promote_status_rollback_from_another_machine() {
    let Some((desk, api)) = desk("cli promote and rollback") else { return };
    let shown = desk.must("verify prod");
    assert!(shown.contains("✔ ok") && shown.contains("plan"), "{shown}");
    let planned = desk.run("plan prod --detailed-exitcode --out plan.json");
    assert_eq!(planned.status.code(), Some(3), "{planned:?}");
    let shown = desk.must("promote prod --yes --plan plan.json");
    assert!(shown.contains("✔ promoted prod"), "{shown}");
    assert_eq!(desk.serving(), "2");
    let (code, body) = desk.account.http_get(&api, "prod", "pets");
    assert!(code == 200 && body.contains("two"), "{body}");

    let status: Value = serde_json::from_slice(&desk.run("status prod --json").stdout).unwrap();
    assert_eq!(status["aliases"][0]["version"], "2");
    assert_eq!(status["aliases"][0]["record"]["state"], "promoted");

    // Another machine: no journal, no configuration file.
    let elsewhere = Desk { account: desk.account, home: tempfile::tempdir().unwrap() };
    elsewhere.must("rollback pets:live --yes");
    assert_eq!(elsewhere.serving(), "1");
    let history = elsewhere.must("history pets:live");
    assert!(history.contains("rolled back"), "{history}");
}

#[test]
fn the_event_stream_of_a_release_ends_with_its_result() {
    let Some((desk, api)) = desk("cli event stream") else { return };
    let output = desk.run("promote prod --yes --json");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["result"], &last["version"]), (&"result".into(), &"promoted".into(), &"2".into()));
    assert_eq!(last["rollback"], "stagegate rollback prod");
    let back = desk.must(&format!("rollback {api}/prod --yes"));
    assert!(back.contains("✔ ROLLED BACK in "), "{back}");
    assert_eq!(desk.serving(), "1");
}
