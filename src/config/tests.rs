//! The file as people write it, right and wrong.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::model::{RedeployWhen, Source};

const PROD: &str = r#"
schema = 1

[project]
name = "checkout"

[defaults]
region = "us-east-1"
api = "a1b2c3d4e5"

[target.staging]
functions = ["checkout-api"]
alias     = "staging"
stage     = "staging"

[target.prod]
functions         = ["checkout-api"]
alias             = "live"
stage             = "prod"
alias_variable    = "lambdaAlias"
account           = "123456789012"
source            = "target.staging"
protected         = true
permission_settle = "1m 30s"

[target.prod.publish]
description = "{git_sha} {git_tag}"

[[target.prod.smoke]]
invoke = "smoke/health.json"
expect = { status = 200, json = { ok = true, tags = ["a"], rate = 0.5 }, max_ms = 800 }

[target.prod.canary]
mode = "none"

[target.prod.redeploy]
when = "always"
"#;

/// A disk with these files below `/shop`.
fn disk<'a>(files: &'a [(&'a str, &'a str)]) -> impl Fn(&Path) -> io::Result<String> + 'a {
    move |path| match files.iter().find(|(name, _)| Path::new("/shop").join(name) == path) {
        Some((_, "\u{0}")) => Err(io::ErrorKind::InvalidData.into()),
        Some((_, text)) => Ok((*text).to_owned()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    }
}

pub(super) fn target(text: &str, name: &str) -> Result<Target, Problem> {
    let event = [
        ("stagegate.toml", text),
        ("ok.json", "{}"),
        ("smoke/health.json", "{ \"path\": \"/health\" }"),
        ("bad.json", "{\n  \"path\": /health\n}\n"),
    ];
    let read = disk(&event);
    let config = load(None, Path::new("/shop"), &read)?;
    named(config.as_ref(), name, SmokeFiles::Read(&read))
}

#[test]
fn the_example_is_read_as_it_says() {
    let prod = target(PROD, "prod").unwrap();
    assert_eq!(prod.label(), "prod");
    assert_eq!(prod.project.as_deref(), Some("checkout"));
    assert_eq!(prod.functions.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["checkout-api"]);
    assert_eq!(prod.stage.unwrap().to_string(), "a1b2c3d4e5/prod", "the API comes from [defaults]");
    assert_eq!(prod.region.as_deref(), Some("us-east-1"));
    assert_eq!(prod.account.as_deref(), Some("123456789012"));
    assert_eq!(prod.alias_variable.as_deref(), Some("lambdaAlias"));
    assert_eq!(prod.source, Source::Alias("staging".parse().unwrap()));
    assert!(prod.protected);
    assert_eq!(prod.permission_settle, Duration::from_secs(90));
    assert_eq!(prod.publish_description.as_deref(), Some("{git_sha} {git_tag}"));
    assert_eq!(prod.redeploy, RedeployWhen::Always);
    let check = &prod.smoke[0];
    assert_eq!((check.file.as_str(), check.payload.as_str()), ("smoke/health.json", "{ \"path\": \"/health\" }"));
    assert_eq!((check.expect.status, check.expect.max_ms), (Some(200), Some(800)));
    assert_eq!(check.expect.json, Some(json!({ "ok": true, "tags": ["a"], "rate": 0.5 })));
}

#[test]
fn what_is_not_said_has_its_default() {
    let least = "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\nalias = \"live\"\n";
    let mut wanted = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
    wanted.name = Some("prod".into());
    assert_eq!(target(least, "prod").unwrap(), wanted);
    assert_eq!(wanted.permission_settle, Duration::from_secs(20));
}

#[test]
fn the_targets_own_value_wins_over_the_defaults() {
    let text = r#"
schema = 1
[defaults]
functions = ["checkout-api"]
alias = "live"
protected = true
stages = ["a1b2c3d4e5/prod"]
alias_variable = "lambdaAlias"
redeploy = { when = "never" }
smoke = [{ invoke = "missing.json" }]
[target.own]
protected = false
api = "f6g7h8i9j0"
stage = "blue"
redeploy = { when = "if-changed" }
smoke = []
[target.bare]
stages = []
[target.same]
smoke = [{ invoke = "ok.json" }]
"#;
    let own = target(text, "own").unwrap();
    assert!(!own.protected);
    assert_eq!(own.stage.unwrap().to_string(), "f6g7h8i9j0/blue");
    assert_eq!((own.redeploy, own.smoke.len()), (RedeployWhen::IfChanged, 0));
    let same = target(text, "same").unwrap();
    assert_eq!((same.stage.unwrap().to_string().as_str(), same.protected), ("a1b2c3d4e5/prod", true));
    assert_eq!((same.redeploy, same.smoke.len()), (RedeployWhen::Never, 1));
    let read = disk(&[]);
    let config = Config::parse(Document::new("stagegate.toml", text), "/shop".into()).unwrap();
    assert_eq!(config.target("bare", SmokeFiles::Read(&read)).unwrap_err().code, Code::SmokePayload);
    let bare = config.target("bare", SmokeFiles::Leave).unwrap();
    assert_eq!((bare.stage, bare.alias_variable, bare.smoke.len()), (None, None, 0), "a rollback needs no event");
}

#[test]
fn deployment_and_variables_are_put_together_from_target_and_defaults() {
    let text = r#"
schema = 1
[defaults]
functions = ["checkout-api"]
api = "a1b2c3d4e5"
redeploy = { when = "always" }
variables = { table = "orders", region = "eu" }
[target.staging]
alias = "staging"
stage = "staging"
redeploy = { when = "if-changed", files = ["ok.json", "smoke/health.json"] }
[target.prod]
alias = "live"
stage = "prod"
redeploy = { from = "target.staging" }
variables = { table = "orders-v2" }
[target.alone]
alias = "alone"
stages = []
"#;
    let staging = target(text, "staging").unwrap();
    assert_eq!(staging.redeploy, RedeployWhen::IfChanged);
    let ok = crate::model::TriggerFile::new("ok.json", "{}");
    assert_eq!((staging.redeploy_files.len(), &staging.redeploy_files[0]), (2, &ok));
    assert_eq!(staging.variables["table"], "orders");
    let prod = target(text, "prod").unwrap();
    let from = prod.redeploy_from.unwrap();
    assert_eq!((from.target.as_str(), from.stage.to_string().as_str()), ("staging", "a1b2c3d4e5/staging"));
    assert_eq!((from.functions.len(), from.alias.as_str()), (1, "staging"));
    let set: Vec<String> = prod.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(set, ["region=eu", "table=orders-v2"]);
    assert!(target(text, "alone").unwrap().variables.is_empty(), "defaults are for those that have a stage");
    let config = Config::parse(Document::new("stagegate.toml", text), "/shop".into()).unwrap();
    assert!(config.target("staging", SmokeFiles::Leave).unwrap().redeploy_files.is_empty(), "a rollback reads none");
}

#[test]
fn the_layer_says_which_line_decided() {
    let config = Config::parse(Document::new("stagegate.toml", PROD), "/shop".into()).unwrap();
    let prod = config.layer(Some("prod")).unwrap();
    let line = |text: &str| PROD.lines().position(|line| line.starts_with(text)).unwrap() + 1;
    assert_eq!(prod.region.unwrap().from, Origin::File { line: line("region") });
    assert_eq!(prod.account.unwrap().from, Origin::File { line: line("account") });
    assert_eq!(prod.permission_settle.unwrap().value, Duration::from_secs(90));
    let without = config.layer(None).unwrap();
    assert_eq!((without.region.unwrap().value.as_str(), without.account), ("us-east-1", None));
}

#[test]
fn the_file_is_found_above_and_a_given_one_must_be_there() {
    let read = disk(&[("stagegate.toml", PROD), ("other.toml", "schema = 1")]);
    let from = |given: Option<&str>, directory: &str| load(given.map(Path::new), Path::new(directory), &read);
    let found = from(None, "/shop/services/api").unwrap().unwrap();
    assert_eq!((found.names().count(), found.file_name()), (2, "/shop/stagegate.toml"));
    assert_eq!(from(None, "/shop").unwrap().unwrap().file_name(), "stagegate.toml");
    assert_eq!(from(Some("other.toml"), "/shop").unwrap().unwrap().names().count(), 0);
    assert!(from(None, "/elsewhere").unwrap().is_none());
    let missing = from(Some("gone.toml"), "/shop").unwrap_err();
    assert_eq!((missing.code, missing.what.as_str()), (Code::FileUnreadable, "cannot read gone.toml"));
    let binary = disk(&[("services/stagegate.toml", "\u{0}"), ("stagegate.toml", PROD)]);
    let stopped = load(None, Path::new("/shop/services"), &binary).unwrap_err();
    assert!(stopped.why[0].contains("UTF-8"), "an unreadable file is not skipped for one above it");
    let nowhere = named(None, "prod", SmokeFiles::Leave).unwrap_err();
    assert_eq!(nowhere.code, Code::NoConfigFile);
}

#[test]
fn the_file_on_disk_is_read() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(FILE_NAME), PROD).unwrap();
    let config = load(None, directory.path(), &read_file).unwrap().unwrap();
    assert_eq!(config.names().collect::<Vec<_>>(), ["prod", "staging"]);
}

/// Each line is put behind `[target.prod]` of a file that is fine without it.
const BAD_LINES: &[&str] = &[
    "functoins = [\"checkout-api\"]",
    "journal = \"s3://bucket/prefix\"",
    "functions = \"checkout-api\"",
    "functions = [\"checkout-api\", \"checkout-api\"]",
    "functions = []",
    "functions = [\"checkout-api\", \"not a name\"]",
    "alias = \"42\"",
    "alias = \"\"",
    "account = \"1234\"",
    "account = 123456789012",
    "region = \"US East\"",
    "protected = \"yes\"",
    "source = \"latest\"",
    "source = 42",
    "source = \"target.stagign\"",
    "source = \"target.prod\"",
    "source = \"target.other\"",
    "source = \"target.abroad\"",
    "permission_settle = \"20\"",
    "permission_settle = \"11m\"",
    "permission_settle = \"-1s\"",
    "api = \"a1b2c3d4e5\"",
    "stage = \"prod\"",
    "alias_variable = \"lambdaAlias\"",
    "alias_variable = \"lambda-alias\"",
    "stages = [\"a1b2c3d4e5/prod\", \"a1b2c3d4e5/blue\"]",
    "stages = [\"a1b2c3d4e5\"]",
    "stages = [\"a1b2c3d4e5/prod\"]\nstage = \"prod\"",
    "canary = { mode = \"alias\" }",
    "canary = { mode = \"stage\", steps = [\"5% 10m\"] }",
    "canary = { mode = \"non\" }",
    "canary = { steps = [\"5% 10m\", \"4% 10m\"] }",
    "canary = { preset = \"Canary10Percent5Minuets\" }",
    "gate = { alarms = [\"arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout-5xx\"] }",
    "gate = { no_data = \"hold\" }",
    "redeploy = { when = \"if-change\" }",
    "redeploy = { file = [\"ok.json\"] }",
    "redeploy = { files = [\"ok.json\"] }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { files = [\"ok.json\", \"gone.yaml\"] }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { files = [\"ok.json\", \"ok.json\"] }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { when = \"never\", files = [\"ok.json\"] }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { from = \"staging\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { from = \"target.stagign\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { from = \"target.other\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { from = \"target.prod\" }",
    "stages = [\"f6g7h8i9j0/prod\"]\nredeploy = { from = \"target.staging\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nredeploy = { from = \"target.staging\", when = \"always\" }",
    "variables = { table = \"orders-v2\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nvariables = { \"table-name\" = \"orders-v2\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nvariables = { table = \"$LATEST\" }",
    "stages = [\"a1b2c3d4e5/prod\"]\nvariables = { table = 2 }",
    "stages = [\"a1b2c3d4e5/prod\"]\nalias_variable = \"lambdaAlias\"\nvariables = { lambdaAlias = \"live\" }",
    "publish = { description = \"{git_branch}\" }",
    "smoke = [{ expect = { status = 200 } }]",
    "smoke = [{ invoke = \"gone.json\" }]",
    "smoke = [{ invoke = \"bad.json\" }]",
    "smoke = [{ invoke = \"ok.json\", expect = { status = 2000 } }]",
    "smoke = [{ invoke = \"ok.json\", expect = { json = { at = 2026-01-01 } } }]",
    "smoke = [{ http = \"GET /health\" }]",
    "region = \"us-east-1",
];

#[test]
fn a_bad_line_is_shown_with_what_to_write_instead() {
    let mut shown = String::new();
    for line in BAD_LINES {
        let text = format!(
            r#"schema = 1
[target.staging]
functions = ["checkout-api"]
alias = "staging"
stages = ["a1b2c3d4e5/staging"]
[target.other]
functions = ["refunds-api"]
alias = "staging"
[target.abroad]
functions = ["checkout-api"]
alias = "staging"
region = "ap-south-1"
[target.prod]
{}{}{}{line}
"#,
            if line.starts_with("functions") { "" } else { "functions = [\"checkout-api\"]\n" },
            if line.starts_with("alias =") { "" } else { "alias = \"live\"\n" },
            if line.starts_with("region") { "" } else { "region = \"us-east-1\"\n" },
        );
        let problem = target(&text, "prod").expect_err(line);
        assert_eq!(problem.exit, crate::problem::Exit::Usage);
        writeln!(shown, "# {}\n{}", line.replace('\n', "; "), problem.render(88)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_bad_file_is_shown_with_what_to_write_instead() {
    let mut shown = String::new();
    for (about, text) in [
        ("empty", ""),
        ("no schema", "[target.prod]\nfunctions = [\"checkout-api\"]\n"),
        ("a newer schema with keys of its own", "waves = 3\nschema = 2\n"),
        ("a schema in quotes", "schema = \"1\"\n"),
        ("a misspelt table", "schema = 1\n[targets.prod]\nalias = \"live\"\n"),
        ("a target without a name", "schema = 1\n[target]\nalias = \"live\"\n"),
        ("a target name with a blank", "schema = 1\n[target.\"pro d\"]\nalias = \"live\"\n"),
        ("no functions", "schema = 1\n[target.prod]\nalias = \"live\"\n"),
        ("no alias", "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\n"),
        ("no targets", "schema = 1\n"),
        ("another target", "schema = 1\n[target.prof]\n[target.staging]\n"),
        ("a function of that name", "schema = 1\n[target.live]\nfunctions = [\"prod\"]\n"),
        ("a bad default", "schema = 1\n[defaults]\nalias = \"42\"\n[target.prod]\nfunctions = [\"f\"]\n"),
        (
            "a default in another target's way",
            "schema = 1\n[defaults]\nsource = \"target.prod\"\nalias = \"live\"\n[target.prod]\nfunctions = [\"f\"]\n",
        ),
        ("a key named twice", "schema = 1\n[target.prod]\nalias = \"live\"\nalias = \"live\"\n"),
    ] {
        let problem = target(text, "prod").expect_err(about);
        writeln!(shown, "# {about}\n{}", problem.render(88)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

proptest::proptest! {
    #[test]
    fn no_damage_to_the_file_or_the_target_text_is_more_than_a_problem(
        at in 0..PROD.len(), length in 0..60_usize, put in "[\\PC\n\t\r]{0,12}", width in 0..200_usize,
    ) {
        let mut text = PROD.to_owned();
        text.replace_range(at..(at + length).min(PROD.len()), &put);
        if let Err(problem) = target(&text, "prod") {
            proptest::prop_assert!(problem.render(width).contains("fix"), "{}", problem.render(width));
        }
        if let Err(problem) = TargetRef::parse(&put) {
            proptest::prop_assert!(!problem.fix.is_empty());
        }
    }
}
