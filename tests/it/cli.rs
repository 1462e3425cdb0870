//! The built command, without AWS: help, mistakes, refusals, what goes to which stream and the exit code.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod offline;
mod role;
mod unnamed;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONFIG: &str = "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\nalias = \"live\"\nprotected = true\n\
    [target.staging]\nfunctions = [\"checkout-api\"]\nalias = \"staging\"\n";

/// A home of its own, empty but for a configuration file in its working directory.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        std::fs::write(folder.path().join("work/stagegate.toml"), CONFIG).unwrap();
        Self(folder)
    }

    fn work(&self) -> PathBuf {
        self.0.path().join("work")
    }

    fn command(&self, line: &str, env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stagegate"));
        command
            .args(line.split_whitespace())
            .current_dir(self.work())
            .env_clear()
            .envs([("HOME", self.0.path().to_str().unwrap()), ("COLUMNS", "88"), ("LANG", "C.UTF-8")])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// What the command did, as one text.
    fn run(&self, line: &str, env: &[(&str, &str)]) -> String {
        let output = self.command(line, env).output().unwrap();
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(self.0.path().to_str().unwrap(), "[HOME]");
        let mut shown = format!("$ stagegate {line}\nexit {}\n", output.status.code().unwrap_or(-1));
        for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            if !bytes.is_empty() {
                shown.push_str(&format!("--- {name}\n{}", text(bytes)));
            }
        }
        shown
    }
}

const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAENVI"), ("AWS_SECRET_ACCESS_KEY", "s")];

#[test]
fn the_help_of_the_whole_and_of_every_command() {
    let desk = Desk::new();
    insta::assert_snapshot!("help", desk.run("--help", &[]));
    let help = desk.run("--help", &[]);
    for command in [
        "plan",
        "promote",
        "resume",
        "pause",
        "rollback",
        "status",
        "history",
        "versions",
        "diff",
        "doctor",
        "drift",
        "logs",
        "redeploy",
        "canary",
        "permission",
        "unlock",
        "gc",
        "init",
        "verify",
        "iam-policy",
        "demo",
        "gate",
        "help",
        "explain",
        "completion",
        "man",
        "schema",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is in no group");
        insta::assert_snapshot!(format!("help_{command}"), desk.run(&format!("{command} -h"), &[]));
    }
}

#[test]
fn mistakes_in_the_arguments_are_usage() {
    let desk = Desk::new();
    for (line, word) in [
        ("promot prod", "did you mean `promote`?"),
        ("promote", "SG-U07"),
        ("logs", "<TARGET>"),
        ("promote prod --function-version 0", "--function-version"),
        ("promote prod --until nowhere", "--until"),
        ("rollback prod --alias-only --stage-only", "cannot be used with"),
        ("promote prod --canary 10%", "--canary, step 1: 10% has neither"),
        ("plan prod --canary 10%", "--canary, step 1: 10% has neither"),
        ("promote prod --preset Fast", "SG-U05"),
        ("promote prod --canary-mode both", "--canary-mode"),
        ("promote prod --canary-mode alias", "shifts traffic in steps and has none"),
        ("promote prod --override-gate why", "has no gate"),
        ("promote prod --until canary:5%", "this release has no canary"),
        ("promote staging --preset Canary10Percent5Minutes --until canary:5%", "--until canary:10%"),
        ("resume prod --once --finish", "cannot be used with"),
        ("canary set prod 0%", "stagegate canary clear prod"),
        ("redeploy a1b2c3d4e5/prod --force --to k5m8ra", "cannot be used with"),
        ("help nowhere", "there is no command and no topic `nowhere`"),
        ("help exitcodes", "did you mean `exit-codes`?"),
        ("man exit-codes", "there is no command"),
        ("schema nothing", "config, events"),
        ("verify staging prod", "unexpected argument"),
        ("init prod", "names nothing that is live"),
        ("init", "<PLACE>"),
        ("init pets:live --print --force", "cannot be used with"),
        ("permission", "list"),
        ("permission revoke prod", "unrecognized"),
        ("canary set prod half", "percentage"),
        ("settle prod --run yesterday", "--run"),
        ("gc staging --keep 0", "--keep"),
        ("gc staging --older-than 10m", "at least 1h"),
        ("gc staging --confirm prod", "--confirm says prod, the target is staging"),
        ("promote prod --plan plan.json --canary none", "cannot be used with"),
        ("status prod:live:more", "SG-U03"),
        ("status prod --wait --watch", "cannot be used with"),
        ("status prod --release r-01JD3K7Q4T0000000000000000", "--wait"),
        ("status prod --wait --timeout soon", "in h, m or s"),
        ("versions checkout-api:live:more", "SG-U03"),
        ("logs prod --since 8000h", "at most 168h"),
        ("logs prod --limit 0", "1 to 10000"),
        ("status --region nowhere checkout-api:live", "SG-U05"),
    ] {
        let shown = desk.run(line, &[]);
        assert!(shown.contains("exit 2\n") && shown.contains(word), "{shown}");
        assert!(!shown.contains("--- stdout"), "{shown}");
    }
}

#[test]
fn problems_before_any_call_name_their_fix() {
    let desk = Desk::new();
    let journal = r#"{"v":1,"seq":0,"at":"2026-11-21T14:00:00Z","entry":{"closed":{"ending":"promoted"}}}"#;
    std::fs::write(desk.work().join("journal.jsonl"), format!("{journal}\n")).unwrap();
    let mut shown = String::new();
    for (line, env) in [
        ("status prod", &[][..]),
        ("status prod", &[REGION]),
        ("plan prdo", &[REGION]),
        ("promote staging", &[REGION]),
        ("promote staging --canary Canary10Percent5Minutes", &[REGION]),
        ("promote prod --yes", &[REGION, ("STAGEGATE_YES", "1")]),
        ("promote prod --confirm staging", &[REGION]),
        ("rollback checkout-api:live --to 4", &[REGION]),
        ("promote a1b2c3d4e5/prod --yes", &[REGION]),
        ("resume prod", &[REGION]),
        ("pause prod", &[REGION]),
        ("canary clear staging", &[REGION]),
        ("redeploy a1b2c3d4e5/prod --force", &[REGION]),
        ("permission grant staging", &[REGION]),
        ("permission prune prod --foreign --yes", &[REGION]),
        ("canary promote prod --yes", &[REGION]),
        ("gc prod --yes", &[REGION]),
        ("gate replay journal.jsonl", &[]),
        ("rollback https://api.example.com:8443/checkout --yes", &[REGION]),
    ] {
        shown.push_str(&desk.run(line, env));
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_place_that_the_file_names_once_is_found_where_the_file_says() {
    let desk = Desk::new();
    let asks_for_keys = |line: &str| desk.run(line, &[]).contains("SG-C04");
    assert!(!asks_for_keys("status checkout-api:live"), "no region is known");
    let with_region = CONFIG.replacen("protected", "region = \"eu-west-1\"\nprotected", 1);
    std::fs::write(desk.work().join("stagegate.toml"), &with_region).unwrap();
    assert!(asks_for_keys("status checkout-api:live"), "the target's region counts");
    let twice =
        with_region + "[target.other]\nfunctions = [\"checkout-api\"]\nalias = \"live\"\nregion = \"us-east-1\"\n";
    std::fs::write(desk.work().join("stagegate.toml"), twice).unwrap();
    assert!(!asks_for_keys("status checkout-api:live"), "two targets: nobody guesses which");
}

#[test]
fn a_broken_configuration_is_shown_at_its_place() {
    let desk = Desk::new();
    std::fs::write(desk.work().join("stagegate.toml"), CONFIG.replace("protected", "protcted")).unwrap();
    insta::assert_snapshot!(desk.run("plan prod", &[REGION]));
}

#[test]
fn explain_is_offline_and_data() {
    let desk = Desk::new();
    insta::assert_snapshot!("explain_code", desk.run("explain sg-a02", &[]));
    insta::assert_snapshot!("explain_step", desk.run("explain redeploy", &[]));
    assert!(desk.run("explain nonsense", &[]).contains("exit 2"));
    let document = |line: &str| -> serde_json::Value {
        serde_json::from_slice(&desk.command(line, &[]).output().unwrap().stdout).unwrap()
    };
    let code = document("explain sg-a02 --json");
    assert_eq!(
        (&code["schema"], &code["code"], &code["exit_code"]),
        (&"stagegate.explain/1.0".into(), &"SG-A02".into(), &6.into())
    );
    assert_eq!(document("explain redeploy --json")["step"], "redeploy");
    assert!(document("explain --json")["codes"].as_array().unwrap().len() > 90);
    let all = desk.run("explain", &[]);
    assert!(all.contains("SG-X02") && all.contains("  130  ") && !all.contains("--- stderr"), "{all}");
}

#[test]
fn the_demo_and_the_policy_need_no_aws() {
    let desk = Desk::new();
    assert!(desk.run("demo", &[]).contains("exit 0\n--- stdout\nstagegate demo"));
    assert!(desk.run("demo --regress errors", &[]).contains("exit 5\n"));
    let events = desk.run("demo --json", &[]);
    assert!(events.contains("\"type\":\"routing\"") && events.contains("\"result\":\"promoted\""), "{events}");
    let line = "iam-policy rollback --target prod --account 123456789012";
    let policy = desk.command(line, &[REGION]).output().unwrap();
    let policy: serde_json::Value = serde_json::from_slice(&policy.stdout).unwrap();
    assert!(policy["Statement"].to_string().contains("function:checkout-api"), "{policy}");
}

#[test]
fn the_machine_shapes_hold_errors_too() {
    let desk = Desk::new();
    let acting = desk.command("promote staging --json", &[REGION]).output().unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(acting.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["hello", "error", "result"]);
    assert_eq!((&lines[1]["code"], &lines[2]["exit_code"]), (&"SG-U01".into(), &2.into()));
    assert!(acting.stderr.is_empty());

    let looking = desk.command("status prod --output json", &[]).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&looking.stdout).unwrap();
    assert_eq!((&document["error"]["code"], looking.status.code()), (&"SG-C06".into(), Some(2)));
}

#[test]
fn an_empty_variable_is_unset_and_a_set_one_counts() {
    let desk = Desk::new();
    let empty: Vec<(&str, &str)> =
        ["COLOR", "PROGRESS", "JSON", "YES", "PACE", "CONFIG", "ENDPOINT_URL", "ON_INTERRUPT", "NO_INPUT"]
            .iter()
            .map(|name| (&*format!("STAGEGATE_{name}").leak(), ""))
            .collect();
    let shown = desk.run("promote staging", &empty);
    assert!(shown.contains("--- stderr") && shown.contains("SG-U01"), "{shown}");
    let set = desk.run("promote staging", &[("STAGEGATE_JSON", "1")]);
    assert!(set.contains("--- stdout\n{\"type\":\"hello\""), "{set}");
    let wrong = desk.run("promote staging", &[("STAGEGATE_COLOR", "sometimes")]);
    assert!(wrong.contains("exit 2") && wrong.contains("sometimes"), "{wrong}");
}

#[test]
fn only_the_headline_is_coloured_and_only_when_asked() {
    let desk = Desk::new();
    let plain = desk.run("status prod", &[]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let colored = desk.run("status prod --color always", &[]);
    assert!(colored.contains("\u{1b}[1;31merror[SG-C06]\u{1b}[0m"), "{colored}");
    assert_eq!(colored.matches('\u{1b}').count(), 2);
    assert!(!desk.run("status prod", &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
}

#[test]
fn without_a_utf8_locale_everything_is_ascii() {
    let desk = Desk::new();
    for line in ["explain", "plan prdo", "promote prod --yes"] {
        let shown = desk.run(line, &[("LANG", "C"), REGION]);
        assert!(shown.is_ascii(), "{shown}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let mut child = desk.command("explain", &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_signal_before_the_first_write_ends_with_its_own_code() {
    let desk = Desk::new();
    // Somebody listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for (signal, code, name) in [("-INT", 130, "SIGINT"), ("-TERM", 143, "SIGTERM")] {
        let line = format!("promote staging --yes --endpoint-url {url}");
        let mut child = desk.command(&line, &[REGION, KEYS[0], KEYS[1]]).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = silent.accept().unwrap();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let status = child.wait().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains(name) && said.contains("nothing was changed"), "{said}");
    }
    assert!(!Path::new(&desk.0.path().join(".local/state/stagegate")).exists());
}
