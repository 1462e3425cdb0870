//! The screens of a status.

use super::*;
use crate::model::{RecordError, RunId};

const RUN: &str = "r-01JD3K7Q4T0000000000000000";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn version(number: u64, percent: f64, calls: Option<(u64, u64)>) -> ServingVersion {
    ServingVersion {
        version: Version::Number(number),
        percent,
        sha256: Some(format!("{number}RWl8F3yQmGKXq8mVZ0d6s1bI2gqN3hYtq0=")),
        modified: Some(at(if number == 42 { "2026-11-21T13:50:00Z" } else { "2026-11-18T14:02:00Z" })),
        calls: calls.map(|(invocations, errors)| Calls { invocations, errors }),
    }
}

fn alias(name: &str, versions: Vec<ServingVersion>, record: Option<&str>) -> AliasStatus {
    let extra = versions.iter().skip(1);
    AliasStatus {
        alias: name.into(),
        arn: Some(format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")),
        version: versions.first().map(|one| one.version),
        weights: extra.filter_map(|one| Some((one.version.number()?, one.percent / 100.0))).collect(),
        versions,
        description: "Checkout".into(),
        record: record.map(|text| text.parse().unwrap()),
        record_holds: record.is_some(),
        record_error: None,
        moving_capacity: false,
    }
}

fn stage() -> StageStatus {
    StageStatus {
        stage: "a1b2c3d4e5/prod".into(),
        deployment: "k7x2pq".into(),
        deployed_by: format!("stagegate {RUN} fp=0123 parts=abc"),
        release: Some(RUN.parse().unwrap()),
        pending_edits: Some(0),
        variables: [("lambdaAlias".to_owned(), "live".to_owned())].into(),
        canary_percent: None,
        canary_deployment: None,
        canary_release: None,
    }
}

/// Paused in its first step, until a person agrees.
fn paused() -> Status {
    let record = "[sg1 01JD3K7Q4T0000000000000000 paused x=20261121T1510Z 41>42 n=1 a1b2c3d4e5/prod d=k5m8ra t=20261121T135207Z]";
    let versions = vec![version(41, 95.0, Some((18_204, 38))), version(42, 5.0, Some((958, 2)))];
    Status {
        schema: STATUS_SCHEMA,
        at: at("2026-11-21T14:43:00Z"),
        project: Some("checkout".into()),
        target: "prod".into(),
        region: "us-east-1".into(),
        aliases: vec![alias("checkout-api:live", versions, Some(record))],
        stage: Some(stage()),
        canary: Some(CanaryStatus {
            release: RUN.parse().unwrap(),
            percent: 5.0,
            step: 1,
            steps: Some(3),
            since: Some(at("2026-11-21T13:52:07Z")),
            paused: true,
            why: Some("a person has to agree to 25%: resume agrees, rollback goes back".into()),
            paused_since: Some(at("2026-11-21T14:02:00Z")),
        }),
        unfinished: Vec::new(),
        next: vec!["go on:   stagegate resume prod".into(), "go back: stagegate rollback prod".into()],
        ended: None,
    }
}

/// Everything that can be wrong at once.
fn wrong() -> Status {
    let mut status = paused();
    status.at = at("2026-11-21T16:00:00Z");
    (status.canary, status.stage.as_mut().unwrap().pending_edits) = (None, Some(2));
    let held = "[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1510Z 41>42 n=2 bad=40]";
    let split = alias("checkout-api:live", vec![version(40, 90.0, None), version(41, 10.0, None)], Some(held));
    let missing = alias("payments:live", Vec::new(), None);
    let mut unreadable = alias("stock:live", vec![version(7, 100.0, None)], None);
    unreadable.record_error = Some(RecordError::Newer("[sg2 x]".into()));
    status.aliases = vec![AliasStatus { record_holds: false, ..split }, missing, unreadable];
    let stage = status.stage.as_mut().unwrap();
    (stage.canary_percent, stage.canary_deployment) = (Some(10.0), Some("k2h0aa".into()));
    status.unfinished = vec![Unfinished {
        release: RUN.into(),
        since: "2026-11-21T14:00:00Z".into(),
        resume: "stagegate resume prod".into(),
        undo: "stagegate resume prod --undo".into(),
        left: Vec::new(),
    }];
    status
}

fn fits(status: &Status, width: usize) -> String {
    let text = screen(status, width);
    let long = text.lines().find(|line| line.chars().count() > width && !line.contains("stagegate "));
    assert_eq!(long, None, "{text}");
    assert!(!text.contains("fp="), "never the raw description: {text}");
    text
}

#[test]
fn a_paused_canary_at_two_widths() {
    insta::assert_snapshot!("paused_88", fits(&paused(), 88));
    insta::assert_snapshot!("paused_60", fits(&paused(), 60));
}

#[test]
fn what_is_wrong_at_two_widths() {
    insta::assert_snapshot!("wrong_88", fits(&wrong(), 88));
    insta::assert_snapshot!("wrong_60", fits(&wrong(), 60));
}

#[test]
fn values_of_variables_are_shown_where_they_are_known_to_be_no_secrets() {
    let mut status = paused();
    let record = "[sg1 01JD3K7Q4T0000000000000000 run 41>42 n=1 a1b2c3d4e5/prod d=k5m8ra v=pointer:old]";
    status.aliases[0].record = Some(record.parse().unwrap());
    let set = [("lambdaAlias", "live"), ("pointer", "new"), ("token", "s3cret"), ("url", "https://u:s3cret@db")];
    status.stage.as_mut().unwrap().variables = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (text, document) = (fits(&status, 88), serde_json::to_value(&status).unwrap());
    assert!(!text.contains("s3cret") && !document.to_string().contains("s3cret"), "{text}{document:#}");
    assert!(text.contains("lambdaAlias live · pointer new · values\n  not shown: token, url"), "{text}");
    let expected = serde_json::json!({ "lambdaAlias": "live", "pointer": "new", "token": null, "url": null });
    assert_eq!(document["stage"]["variables"], expected);
}

#[test]
fn all_quiet_and_many_functions() {
    let done = "[sg1 01JD3K7Q4T0000000000000000 done 40>41 n=60]";
    let mut status = paused();
    status.canary = None;
    status.next = Vec::new();
    status.aliases =
        (0..60).map(|n| alias(&format!("function-{n}:live"), vec![version(41, 100.0, None)], Some(done))).collect();
    status.aliases[50].record_holds = false;
    let text = fits(&status, 88);
    assert!(text.contains("function-19:live") && !text.contains("function-20:live"), "{text}");
    assert!(text.contains("function-50:live") && text.contains("and 39 more"), "{text}");
    status.aliases.truncate(1);
    insta::assert_snapshot!("quiet_88", fits(&status, 88));
    insta::assert_snapshot!("line", format!("{}\n{}\n{}", line(&status), line(&paused()), line(&wrong())));
}

#[test]
fn the_document_names_versions_as_aws_does() {
    let document = serde_json::to_value(paused()).unwrap();
    assert_eq!(
        (&document["schema"], &document["aliases"][0]["version"]),
        (&"stagegate.status/1.0".into(), &"41".into())
    );
    assert_eq!(document["aliases"][0]["record"]["run"], RUN);
    assert_eq!(document["aliases"][0]["versions"][1]["calls"]["errors"], 2);
    let _: RunId = serde_json::from_value(document["canary"]["release"].clone()).unwrap();
}
