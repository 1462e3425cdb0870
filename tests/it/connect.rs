//! How the connection is configured: each case runs in a process of its own, with an environment of its own.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use stagegate::aws::live::{Live, LiveSettings};

const CONFIG: &str = "[profile team]\nregion = eu-west-1\naws_access_key_id = AKIATEAM\naws_secret_access_key = s\n\
    [profile broken]\nregion = eu-west-1\ncredential_process = /bin/sh -c 'echo no ticket >&2; exit 3'\n\
    [profile brief]\nregion = eu-west-1\ncredential_process = /bin/sh -c 'cat $KEYS'\n\
    [profile local]\nservices = local\n[services local]\nlambda =\n  endpoint_url = http://localhost:9001\n";

/// The other side of [`probe`].
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn probed() {
    let Ok(out) = std::env::var("PROBE_OUT") else { return };
    let setting = |name: &str| std::env::var(name).ok();
    let settings = LiveSettings {
        profile: setting("PROBE_PROFILE"),
        region: setting("PROBE_REGION"),
        endpoint_url: setting("PROBE_ENDPOINT"),
        ..LiveSettings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = runtime.block_on(async {
        let live = match Live::connect(&settings).await {
            Ok(live) => live,
            Err(error) => return error.to_string(),
        };
        let keys = match live.credentials().await {
            Ok(keys) => keys.map_or_else(
                || "none".into(),
                |keys| {
                    let end = keys
                        .expires
                        .map_or_else(String::new, |end| format!(" until {end}, renewable {}", keys.renewable));
                    format!("{}{end}", keys.access_key_hint)
                },
            ),
            Err(error) => error.to_string(),
        };
        format!("{:?} {:?} {:?} {keys}", live.profile(), live.region(), live.endpoint())
    });
    fs::write(out, text).unwrap();
}

/// Profile, region, endpoint and key of a connection made in the given environment, or the error.
fn probe(env: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("config"), CONFIG).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "connect::probed", "--ignored", "--quiet"])
        .env_clear()
        .env("HOME", folder.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", file("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", file("credentials"))
        .env("PROBE_OUT", file("out"))
        .envs(env.iter().copied())
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    read(&file("out"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAENVI"), ("AWS_SECRET_ACCESS_KEY", "s")];

#[test]
fn a_profile_asked_for_beats_keys_in_the_environment() {
    let [id, secret] = KEYS;
    let asked = probe(&[id, secret, ("PROBE_PROFILE", "team")]);
    assert_eq!(asked, r#"Some("team") Some("eu-west-1") None …TEAM"#);
    let ambient = probe(&[id, secret, ("AWS_PROFILE", "team"), ("AWS_REGION", "us-east-1")]);
    assert_eq!(ambient, r#"Some("team") Some("us-east-1") None …ENVI"#);
}

#[test]
fn a_profile_that_is_not_defined_is_an_error_and_not_the_machines_own_role() {
    let expected = "AWS configuration: profile `typo` is not defined (defined: brief, broken, local, team)";
    assert_eq!(probe(&[("PROBE_PROFILE", "typo")]), expected);
    assert_eq!(probe(&[("AWS_PROFILE", "typo")]), expected);
}

#[test]
fn a_missing_region_and_a_senseless_endpoint_are_named() {
    let [id, secret] = KEYS;
    assert!(probe(&[id, secret]).starts_with("AWS configuration: no region"));
    let region = ("PROBE_REGION", "eu-west-1");
    let bare = probe(&[id, secret, region, ("PROBE_ENDPOINT", "localhost:4566")]);
    assert!(bare.contains("`localhost:4566` for lambda must begin with http"), "{bare}");
    let from_env = probe(&[id, secret, region, ("AWS_ENDPOINT_URL_STS", "localhost:4566")]);
    assert!(from_env.contains("`localhost:4566` for sts must begin with http"), "{from_env}");
}

#[test]
fn endpoint_overrides_are_reported_wherever_they_come_from() {
    let region = ("AWS_REGION", "eu-west-1");
    let all = probe(&[region, ("AWS_ENDPOINT_URL", "http://localhost:4566")]);
    assert_eq!(all, r#"None Some("eu-west-1") Some("http://localhost:4566") none"#);
    let asked = probe(&[region, ("AWS_ENDPOINT_URL", "http://a:1"), ("PROBE_ENDPOINT", "http://b:2")]);
    assert!(asked.contains(r#"Some("http://b:2")"#), "{asked}");
    let one = probe(&[region, ("PROBE_PROFILE", "local")]);
    assert!(one.contains(r#"Some("lambda=http://localhost:9001")"#), "{one}");
    let cloudwatch = probe(&[region, ("AWS_ENDPOINT_URL_CLOUDWATCH", "http://localhost:9002")]);
    assert!(cloudwatch.contains(r#"Some("cloudwatch=http://localhost:9002")"#), "{cloudwatch}");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert!(probe(&[region, ("AWS_ENDPOINT_URL", "http://localhost:4566"), ignored]).contains("None none"));
}

#[test]
fn the_end_of_credentials_is_known_where_their_source_or_the_environment_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let end = "2099-01-01T00:00:00Z";
    let text = format!(
        "{{\"Version\":1,\"AccessKeyId\":\"AKIABRIEF\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\",\"Expiration\":\"{end}\"}}"
    );
    fs::write(&keys, text).unwrap();
    let process = [("PROBE_PROFILE", "brief"), ("KEYS", keys.to_str().unwrap())];
    let said = probe(&process);
    assert!(said.ends_with(&format!("…RIEF until {end}, renewable false")), "{said}");
    let env = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKIAENVI"), ("AWS_SECRET_ACCESS_KEY", "s")];
    assert!(probe(&env).ends_with("…ENVI"), "{}", probe(&env));
    let ending: Vec<_> = env.iter().copied().chain([("AWS_CREDENTIAL_EXPIRATION", end)]).collect();
    let said = probe(&ending);
    assert!(said.ends_with(&format!("…ENVI until {end}, renewable false")), "{said}");
}

#[test]
fn a_failing_credential_process_is_quoted() {
    let text = probe(&[("PROBE_PROFILE", "broken")]);
    assert!(text.contains("no credentials: ") && text.contains("exit status: 3"), "{text}");
}
