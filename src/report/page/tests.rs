use std::collections::BTreeMap;

use futures_util::FutureExt;

use super::*;
use crate::demo::{self, DemoOptions, DemoReport, Regression};
use crate::event::Silent;
use crate::journal::{Entry, Line, Wrote};
use crate::model::{CanaryMode, Version};
use crate::plan::Notice;
use crate::problem::Code;
use crate::report::status_text::{AliasStatus, STATUS_SCHEMA, ServingVersion};
use crate::step::StepKind;

fn play(regress: Option<Regression>, canary: CanaryMode) -> DemoReport {
    let options = DemoOptions { regress, canary, ..DemoOptions::default() };
    demo::run(&options, &Silent).now_or_never().expect("virtual time never waits").unwrap()
}

fn live(description: &str) -> Status {
    Status {
        schema: STATUS_SCHEMA,
        at: "2026-11-18T15:00:00Z".parse().unwrap(),
        project: None,
        ended: None,
        target: "prod".into(),
        region: "us-east-1".into(),
        aliases: vec![AliasStatus {
            alias: "checkout-api:live".into(),
            arn: None,
            version: Some(Version::Number(41)),
            weights: BTreeMap::from([(42, 0.05)]),
            description: description.into(),
            record: None,
            record_holds: false,
            record_error: None,
            moving_capacity: false,
            versions: [(41, 95.0), (42, 5.0)]
                .map(|(number, percent)| ServingVersion {
                    version: Version::Number(number),
                    percent,
                    sha256: None,
                    modified: None,
                    calls: None,
                })
                .into(),
        }],
        stage: None,
        canary: None,
        unfinished: Vec::new(),
        next: Vec::new(),
    }
}

fn page_of(report: &DemoReport, lines: &[Line], live: Option<&Status>) -> String {
    let story = Story::of(&report.plan.run, lines).unwrap();
    let page = Page {
        target: "prod".into(),
        at: "2026-11-18T15:00:00Z".parse().unwrap(),
        story: Some(&story),
        remarks: Vec::new(),
        live,
        commands: vec![("go back".into(), "stagegate rollback prod".into())],
    };
    page.render().replace(STYLE, "[style]\n")
}

/// Until the second step of the canary has begun, and a write is on its way.
fn in_flight(report: &DemoReport) -> Vec<Line> {
    let steps = |line: &Line| matches!(line.entry, Entry::Intent { step: StepKind::Canary, .. });
    let second = report.journal.iter().enumerate().filter(|(_, line)| steps(line)).nth(1).unwrap().0;
    report.journal[..=second].to_vec()
}

#[test]
fn the_pages_of_releases_that_were_promoted_rolled_back_and_are_under_way() {
    let good = play(None, CanaryMode::Alias);
    insta::assert_snapshot!("promoted", page_of(&good, &good.journal, None));
    let bad = play(Some(Regression::Errors), CanaryMode::Alias);
    insta::assert_snapshot!("rolled_back", page_of(&bad, &bad.journal, None));
    insta::assert_snapshot!("under_way", page_of(&good, &in_flight(&good), Some(&live("Checkout"))));
}

#[test]
fn a_release_by_the_stage_shows_its_steps_and_its_deployment() {
    let report = play(None, CanaryMode::Stage);
    let story = Story::of(&report.plan.run, &report.journal).unwrap();
    let shares: Vec<f64> = story.shares.iter().map(|share| share.share).collect();
    assert_eq!(shares, [0.0, 0.05, 0.25, 0.5, 1.0]);
    let stage = &story.moved[1];
    assert_eq!((stage.resource.as_str(), stage.before == stage.after), ("a1b2c3d4e5/prod", false), "{stage:?}");
    assert!(stage.after.starts_with("deployment ") && !stage.after.contains("canary of"), "{stage:?}");
}

#[test]
fn every_write_stands_on_the_page_and_one_whose_answer_nobody_kept_is_said() {
    let report = play(Some(Regression::Latency), CanaryMode::Alias);
    let story = Story::of(&report.plan.run, &report.journal).unwrap();
    assert_eq!(story.shares.last().unwrap().share, 0.0, "the way back ends at nothing");
    let back: Vec<&str> = story.writes.iter().filter(|w| w.step.is_none()).map(|w| w.api.as_str()).collect();
    assert_eq!(back.first(), Some(&"lambda:UpdateAlias"), "what stops the harm comes first");
    assert!(back.contains(&"apigateway:UpdateStage") && back.contains(&"lambda:RemovePermission"), "{back:?}");
    let open = Story::of(&report.plan.run, &in_flight(&play(None, CanaryMode::Alias))).unwrap();
    let last = open.writes.last().unwrap();
    assert_eq!((last.answer, last.api.as_str()), (story::Answer::Unknown, "lambda:UpdateAlias"));
}

#[test]
fn the_judgement_on_the_page_is_the_one_that_was_acted_on() {
    let report = play(Some(Regression::Errors), CanaryMode::Alias);
    let story = Story::of(&report.plan.run, &report.journal).unwrap();
    assert_eq!(story.judged.broken, None);
    let last = story.judged.looks.last().unwrap();
    assert_eq!(last.verdict, crate::gate::Verdict::Fail);
    assert_eq!(report.outcome.problem.as_ref().unwrap().why, std::slice::from_ref(&last.sentence));
    let minutes = &story.judged.functions[0].minutes;
    assert!(minutes.iter().all(|minute| minute.stable.p99_ms.is_some()), "{minutes:?}");
}

#[test]
fn whatever_a_text_holds_it_stays_a_text() {
    const EVIL: &str = "</td><script>alert('1')</script>\"&<img src=x onerror=y>";
    let mut report = play(Some(Regression::Errors), CanaryMode::Alias);
    for line in &mut report.journal {
        match &mut line.entry {
            Entry::Opened { plan } => {
                plan.target.name = Some(EVIL.into());
                plan.account = EVIL.into();
                plan.notices = vec![Notice { code: Code::UnseenEdits, text: EVIL.into() }];
                plan.canary.as_mut().unwrap().override_gate = Some(EVIL.into());
            }
            Entry::Wrote(Wrote { api, resource, result, .. }) => {
                (*api, *resource, *result) = (EVIL.into(), EVIL.into(), EVIL.into());
            }
            Entry::RollingBack { why } => *why = EVIL.into(),
            Entry::Evidence { lines, p99 } => {
                lines.iter_mut().for_each(|line| *line = line.replace("checkout-api", "<script>&"));
                p99.iter_mut().for_each(|minute| minute.function = "<script>&".into());
            }
            _ => {}
        }
    }
    let page = page_of(&report, &report.journal, Some(&live(EVIL)));
    assert!(page.matches("&lt;script&gt;").count() > 10);
    for markup in ["<script", "<img", "onerror=y>\"", "&<", "alert('"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn tags_are_closed_and_every_picture_has_words_and_a_table() {
    for regress in [None, Some(Regression::Errors), Some(Regression::Permission)] {
        let report = play(regress, CanaryMode::Alias);
        let page = page_of(&report, &report.journal, Some(&live("")));
        for tag in ["section", "table", "tr", "td", "svg", "figure", "details", "p", "ul", "li", "g", "span", "dl"] {
            let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        let pictures = page.matches("role=\"img\"").count();
        assert_eq!(pictures, page.matches("<desc id=").count());
        assert!(page.matches("<details>").count() * 2 >= pictures, "a table for the pictures");
        for outside in ["http:", "https:", "url(", "@import", "<link rel=\"style", "src="] {
            assert!(!page.contains(outside) && !STYLE.contains(outside), "{outside}");
        }
    }
}
