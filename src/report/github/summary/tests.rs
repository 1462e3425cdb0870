use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::event::{Event, Outcome};
use crate::gate::{Decision, Verdict};
use crate::metrics::{FunctionLook, VersionLook};
use crate::model::RunId;
use crate::problem::Code;
use crate::step::StepKind;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_010_400 + minute * 60).unwrap()
}

fn run() -> RunId {
    RunId::new(1_795_010_400_000, 1)
}

fn look(step: usize, percent: f64, errors: u64, verdict: Verdict, sentence: &str) -> Event {
    let version = |invocations, errors| VersionLook {
        invocations,
        errors,
        p99_ms: Some(441.3),
        errors_per_minute: vec![0, 1, errors / 40, errors / 10],
    };
    Event::Gate(Box::new(GateLook {
        release: run(),
        step,
        steps: 2,
        percent,
        elapsed_s: 422,
        bake_s: 600,
        up_to: at(7),
        verdict,
        decision: Decision::Continue,
        reason: "going-on".into(),
        sentence: sentence.into(),
        evidence_worse: 0.0,
        evidence_no_worse: 0.0,
        functions: vec![FunctionLook {
            function: "checkout-api".into(),
            stable: version(51_000, 110),
            canary: version(6_310, errors),
        }],
        alarms_raised: Vec::new(),
        alarms_red_before: Vec::new(),
    }))
}

fn finished(step: StepKind, detail: &str) -> Event {
    Event::StepFinished { release: run(), step, outcome: Outcome::Ok, detail: detail.into(), ms: 3_000 }
}

fn routing(weights: serde_json::Value) -> Event {
    Event::Routing { release: run(), function: "checkout-api".into(), alias: "live".into(), weights }
}

/// A canary that is found worse at its second step, of which others wrote `words`.
fn failed(words: &str) -> Tale {
    let mut tale = Tale::default();
    let (arn, account) = ("arn:aws:sts::123456789012:assumed-role/promote/gha-9912", "123456789012");
    let events = [
        Event::Identity {
            account: account.into(),
            region: "us-east-1".into(),
            arn: Some(arn.into()),
            endpoint: None,
            credentials_expire: None,
            renewable: true,
        },
        finished(StepKind::Publish, &format!("checkout-api v42 {words}")),
        finished(StepKind::Alias, "claimed"),
        Event::StepStarted { release: run(), step: StepKind::Canary },
        routing(json!({"41": 95.0, "42": 5.0})),
        look(1, 5.0, 15, Verdict::Pass, "not more than 1 point worse"),
        routing(json!({"41": 75.0, "42": 25.0})),
        look(2, 25.0, 216, Verdict::Fail, words),
        Event::RollingBack { release: run(), why: format!("the gate failed at 25%: {words}"), asked: false },
        routing(json!({"41": 100.0})),
        Event::RolledBack {
            release: run(),
            verified: true,
            now: vec![format!("checkout-api:live → v41 (100%) {words}")],
            ms: 1_312,
            took_ms: Default::default(),
        },
    ];
    for (minute, event) in events.iter().enumerate() {
        tale.hear(at(minute as i64), event);
    }
    tale.warn(&Problem::new(Code::DeploymentThrottled, format!("slow {words}")).level(crate::problem::Level::Warning));
    tale
}

fn ended(result: &str, exit_code: u8) -> End {
    End {
        release: Some(run()),
        result: result.into(),
        exit_code,
        version: Some("41".into()),
        previous_version: Some("41".into()),
        candidate: Some("42".into()),
        weight: Some(0.0),
        deployment: None,
        resume: None,
        rollback: Some("stagegate rollback prod".into()),
        plan_digest: None,
        findings: None,
    }
}

fn page(words: &str) -> String {
    let (tale, end) = (failed(words), ended("rolled-back", 5));
    let problem = Problem::new(Code::GateFailed, format!("prod failed its gate at 25% {words}"))
        .why(words)
        .aws_now(format!("checkout-api:live → v41 (100%) {words}"))
        .fix("stagegate logs prod --version 42 --since 10m")
        .fix("back: stagegate rollback prod");
    let workflow = WorkflowRun {
        server: "https://github.com".into(),
        repository: "example/shop".into(),
        id: "9912".into(),
        actor: Some("dana".into()),
        commit: Some("3e9a1f7c0ffee".into()),
        reference: Some("v2.8.0".into()),
    };
    let (title, problem, run) = ("checkout · promote prod", Some(&problem), Some(&workflow));
    render(&Page { title, tale: &tale, end: &end, problem, run, lasted_s: 1_690 })
}

#[test]
fn a_failed_canary_tells_what_happened_and_what_can_be_done() {
    insta::assert_snapshot!("rolled_back", page(""));
}

#[test]
fn what_others_wrote_changes_nothing_of_the_page_but_its_words() {
    let shape = |text: &str| {
        let is_shape = |line: &&str| line.starts_with(['#', '|', '`']) || line.starts_with("</") || line.is_empty();
        text.lines().filter(is_shape).map(|line| line.chars().take(2).collect::<String>()).collect::<Vec<_>>()
    };
    let plain = page("x");
    for words in
        ["a\n## b\n```\n</details>", "| a | b |\n|---|---|", "<img src=x>`[a](b)", "::error::x%0Ay", "\u{1b}[2J"]
    {
        let text = page(words);
        assert_eq!(shape(&text), shape(&plain), "{words:?}: {text}");
        assert!(!text.contains("<img") && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_summary_that_grew_too_long_is_cut_between_its_parts() {
    let long = format!("{}\n\nlast", "word ".repeat(SUMMARY_MAX / 4));
    let text = cut(&format!("first\n\n{long}"));
    assert_eq!(text, "first\n\n… the rest is in the log\n");
}

#[test]
fn what_a_looking_command_printed_is_kept_whole_and_apart() {
    let mut tale = Tale::default();
    tale.screen("pets:live → v1\n```\n");
    let end = ended("planned", 0);
    let text = render(&Page { title: "plan prod", tale: &tale, end: &end, problem: None, run: None, lasted_s: 2 });
    assert!(text.starts_with("## 📋 plan prod — planned\n\n````text\npets:live → v1\n```\n````\n"), "{text}");
}
