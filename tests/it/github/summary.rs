//! The summary of a job, as GitHub would draw it: whole tables, a picture that can be drawn, and below its limit, however
//! many functions a release has and whatever others called them.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;
use stagegate::event::{Event, Listener as _, Outcome, Summary};
use stagegate::gate::{Decision, Verdict};
use stagegate::metrics::{FunctionLook, GateLook, VersionLook};
use stagegate::plan::Plan;
use stagegate::problem::{Code, Level, Problem};
use stagegate::report::github::{Job, Wishes};
use stagegate::report::{Loudness, Progress, Reporter, Shape, Term};
use stagegate::step::StepKind;

use super::markdown::{diagrams, gfm, mermaid};
use crate::faults::lab::{Lab, Scenario};

/// GitHub drops a summary that is larger (runner source, `FileCommandManager`). Bytes.
const LIMIT: usize = 1024 * 1024;

/// The plan of so many functions.
fn plan(functions: usize) -> Plan {
    let mut plan = Lab::new(Scenario::Second).plan().unwrap();
    let one = plan.members[0].clone();
    plan.members = (0..functions)
        .map(|at| {
            let mut member = one.clone();
            member.function = format!("{}-{at:03}", "f".repeat(60)).parse().unwrap();
            member
        })
        .collect();
    plan
}

fn version(errors: u64) -> VersionLook {
    VersionLook { invocations: 6_310, errors, p99_ms: Some(441.3), errors_per_minute: vec![errors; 30] }
}

/// What a release of so many functions says that fails its gate; `words` is what others wrote.
fn events(plan: &Plan, words: &str) -> Vec<Event> {
    let release = plan.run.clone();
    let functions = || plan.members.iter().map(|member| member.function.to_string());
    let finished = |step| Event::StepFinished {
        release: plan.run.clone(),
        step,
        outcome: Outcome::Ok,
        detail: words.into(),
        ms: 3_000,
    };
    let look = GateLook {
        release: release.clone(),
        step: 1,
        steps: 3,
        percent: 5.0,
        elapsed_s: 422,
        bake_s: 600,
        up_to: plan.at,
        verdict: Verdict::Fail,
        decision: Decision::Rollback,
        reason: "worse".into(),
        sentence: words.into(),
        evidence_worse: 9.0,
        evidence_no_worse: 0.0,
        functions: functions()
            .map(|function| FunctionLook { function, stable: version(2), canary: version(216) })
            .collect(),
        alarms_raised: functions().map(|function| format!("{function} {words}")).collect(),
        alarms_red_before: Vec::new(),
    };
    let mut all = vec![Event::Plan {
        release: release.clone(),
        target: "prod".into(),
        digest: plan.digest(),
        plan: serde_json::to_value(plan).unwrap(),
    }];
    all.extend([StepKind::Publish, StepKind::Smoke, StepKind::Alias].map(finished));
    all.push(Event::StepStarted { release: release.clone(), step: StepKind::Canary });
    all.extend(functions().map(|function| Event::Routing {
        release: release.clone(),
        function,
        alias: plan.target.alias.to_string(),
        weights: json!({"1": 95.0, "2": 5.0}),
    }));
    all.push(Event::Gate(Box::new(look)));
    all.push(Event::RollingBack { release: release.clone(), why: words.into(), asked: false });
    all.push(Event::RolledBack {
        release,
        verified: true,
        now: functions().map(|function| format!("{function}:live → v1 (100%) {words}")).collect(),
        ms: 1_312,
        took_ms: Default::default(),
    });
    all
}

/// The summary that a job of it leaves.
fn summary(folder: &Path, functions: usize, words: &str) -> String {
    let plan = plan(functions);
    let file = folder.join(format!("summary-{functions}"));
    let term = Term { width: 88, color: true, unicode: true, silence: None, progress: Progress::Plain, runner: true };
    let sink = || Box::new(std::io::sink());
    let wishes = Wishes { title: "promote prod".into(), summary_file: Some(file.clone()), ..Wishes::default() };
    let reporter = Reporter::to(term, Shape::Human, Loudness::Normal, sink(), sink()).for_job(Job::new(wishes));
    let at: Timestamp = plan.at;
    events(&plan, words).iter().for_each(|event| reporter.on(at, event));
    for number in 0..functions.min(200) {
        let warning = Problem::new(Code::DeploymentThrottled, format!("{number} {words}")).level(Level::Warning);
        reporter.problem(at, &warning);
    }
    reporter.data(&format!("{words}\n").repeat(functions * 40));
    let problem =
        (0..functions).fold(Problem::new(Code::GateFailed, words), |problem, _| problem.why(words).fix(words));
    let end: Summary = serde_json::from_value(json!({
        "release": plan.run, "result": "rolled-back", "exit_code": 5, "version": "1", "previous_version": "1",
        "candidate": "2", "weight": 0.0, "deployment": null, "resume": null, "rollback": "stagegate rollback prod",
    }))
    .unwrap();
    assert_eq!(reporter.close_job(at, &end, Some(&problem), true), Vec::<String>::new());
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn a_summary_is_drawn_whole_at_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let words = "errors: canary 216 of 6310 (3.42 %), stable 2 of 6310";
    let texts = [1, 20, 500].map(|functions| {
        let text = summary(folder.path(), functions, words);
        assert!(text.len() < LIMIT, "{functions}: {} bytes", text.len());
        let shown = functions.min(100);
        assert_eq!(text.matches(":live` |").count(), shown, "{functions} functions");
        assert_eq!(text.contains("| … and "), functions > shown, "{functions} functions");
        text
    });
    assert_drawn(&texts);
}

#[test]
fn what_others_wrote_is_drawn_as_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        "::set-output name=x::y",
        "</details><details open>",
        "a | b ` c `` d ``` e",
        "%0A::error::x",
        "\n\n# head\n\n| a | b |\n|---|---|\n| c | d |\n",
        "<script>alert(1)</script> [x](javascript:1) ![y](z)",
        "stagegate-delimiter\nresult=promoted",
        "a\"] --> b[\"c",
    ];
    let drawn = texts.map(|words| {
        let text = summary(folder.path(), 1, words);
        std::fs::remove_file(folder.path().join("summary-1")).unwrap();
        text
    });
    assert_drawn(&drawn);
}

/// Two tables, one heading, one part that is folded, a picture that can be drawn, and nothing that could act.
#[track_caller]
fn assert_drawn(texts: &[String]) {
    let Some(pages) = gfm(&texts.iter().map(String::as_str).collect::<Vec<_>>()) else { return };
    for (html, text) in pages.iter().zip(texts) {
        let count = |tag: &str| html.matches(tag).count();
        assert_eq!((count("<table>"), count("<h2>"), count("<h1>"), count("<details>")), (2, 1, 0, 1), "{text}");
        assert_eq!((count("<script"), count("href=\"javascript:"), count("<img")), (0, 0, 0), "{html}");
    }
    let pictures: Vec<String> = texts.iter().flat_map(|text| diagrams(text)).collect();
    assert_eq!(pictures.len(), texts.len());
    let answers = mermaid(&pictures.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}
