use futures_util::FutureExt;

use super::*;
use crate::event::Silent;
use crate::journal::Ending;

fn play(options: DemoOptions) -> DemoReport {
    run(&options, &Silent).now_or_never().expect("virtual time never waits").unwrap()
}

fn regress(regress: Regression) -> DemoReport {
    play(DemoOptions { regress: Some(regress), ..DemoOptions::default() })
}

/// The part of this name.
fn phase<'a>(report: &'a DemoReport, name: &str) -> &'a Phase {
    report.traffic.iter().find(|phase| phase.name == name).unwrap()
}

/// After a release that was rolled back: nobody noticed, and everything is as before.
fn assert_nobody_noticed(report: &DemoReport) {
    assert_eq!((report.exit(), report.outcome.ending), (Exit::RolledBack, Some(Ending::RolledBack)));
    let (requests, failed, without_permission) = report.totals();
    assert!(requests > 500 && failed == 0 && without_permission == 0, "{:#?}", report.traffic);
    assert_eq!(report.violations, Vec::<String>::new());
    let after = phase(report, "after");
    assert_eq!(after.by(Version::Number(STABLE)) + after.no_such_route(), after.requests());
    assert!(report.status[0].contains("→ v41"), "{:?}", report.status);
    assert!(report.back.is_empty());
}

#[test]
fn a_release_succeeds_and_is_rolled_back_and_put_back_without_a_failed_request() {
    let report = play(DemoOptions::default());
    assert_eq!((report.exit(), report.outcome.ending), (Exit::Done, Some(Ending::Promoted)));
    let (stable, candidate) = (Version::Number(STABLE), Version::Number(CANDIDATE));
    let (_, failed, without_permission) = report.totals();
    assert_eq!((failed, without_permission), (0, 0));
    assert_eq!(report.violations, Vec::<String>::new());
    let before = phase(&report, "before");
    assert_eq!(before.by(stable) + before.no_such_route(), before.requests());
    assert!(before.no_such_route() > 0, "the new route is asked for before it exists");
    let after = phase(&report, "after");
    assert_eq!(after.by(candidate), after.requests(), "the new route too");
    assert!(after.requests() > 200);
    let moves: Vec<_> = report.back.iter().map(|back| (back.moved.0, back.moved.1, back.clean)).collect();
    assert_eq!(moves, [(candidate, stable, true), (stable, candidate, true)]);
    assert!(phase(&report, "rollback").no_such_route() > 0, "the stage went back too");
    assert_eq!(report.back[1].now, report.status, "the same deployment, not a new one");
}

#[test]
fn a_version_that_fails_its_smoke_check_gets_no_traffic() {
    for kind in [Regression::Errors, Regression::Latency] {
        let report = regress(kind);
        assert_nobody_noticed(&report);
        assert_eq!(report.outcome.problem.as_ref().unwrap().code, Code::SmokeFailed);
        assert!(report.traffic.iter().all(|phase| phase.by(Version::Number(CANDIDATE)) == 0));
        assert!(report.record.contains("bad=42"), "{}", report.record);
    }
}

#[test]
fn a_permission_that_is_refused_takes_the_alias_back() {
    let report = regress(Regression::Permission);
    assert_nobody_noticed(&report);
    assert_eq!(report.outcome.problem.as_ref().unwrap().code, Code::AccessDenied);
    assert!(phase(&report, "permission").by(Version::Number(CANDIDATE)) > 0, "the alias had moved");
    assert!(!report.record.contains("bad="), "a denied call says nothing about the version: {}", report.record);
}

#[test]
fn the_same_options_give_the_same_demo() {
    let once = text::report(&play(DemoOptions::default()));
    assert_eq!(once, text::report(&play(DemoOptions::default())));
    let other = DemoOptions { seed: 7, ..DemoOptions::default() };
    assert_ne!(once, text::report(&play(other)), "the seed decides who asks for what");
}

#[test]
fn every_demo_tells_what_happened() {
    for (name, kind) in [
        ("success", None),
        ("errors", Some(Regression::Errors)),
        ("latency", Some(Regression::Latency)),
        ("permission", Some(Regression::Permission)),
    ] {
        let text = text::report(&play(DemoOptions { regress: kind, ..DemoOptions::default() }));
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn something_that_must_not_happen_is_not_hidden_by_a_success() {
    let mut report = play(DemoOptions::default());
    report.violations.push("GET /orders/17 failed".into());
    assert_eq!(report.exit(), Exit::InBetween);
    assert!(text::verdict(&report).contains("BUG: GET /orders/17 failed"));
}
