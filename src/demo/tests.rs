use futures_util::FutureExt;

use super::*;
use crate::event::Silent;
use crate::journal::Ending;

fn play(options: DemoOptions) -> DemoReport {
    run(&options, &Silent).now_or_never().expect("virtual time never waits").unwrap()
}

/// The part of this name.
fn phase<'a>(report: &'a DemoReport, name: &str) -> &'a Phase {
    report.traffic.iter().find(|phase| phase.name == name).unwrap()
}

/// After a release that was rolled back: nobody was left without an answer, and everything is as before.
fn assert_back_as_before(report: &DemoReport) {
    assert_eq!((report.exit(), report.outcome.ending), (Exit::RolledBack, Some(Ending::RolledBack)));
    let (requests, failed, without_permission) = report.totals();
    assert!(requests > 500 && failed == 0 && without_permission == 0, "{:#?}", report.traffic);
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(report.crowd.unserved, 0);
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
fn a_worse_version_is_seen_at_its_first_step_and_goes_back() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        for kind in [Regression::Errors, Regression::Latency, Regression::ColdStart] {
            let report = play(DemoOptions { regress: Some(kind), canary: mode, ..DemoOptions::default() });
            assert_back_as_before(&report);
            assert_eq!(report.outcome.problem.as_ref().unwrap().code, Code::GateFailed, "{mode:?} {kind:?}");
            assert_eq!(report.canary.len(), 1, "{mode:?} {kind:?}: the later steps never came");
            let share = |of: &Phase| f64::from(of.by(Version::Number(CANDIDATE))) / f64::from(of.requests());
            assert!(share(phase(&report, "canary 5%")) < 0.1, "{:#?}", report.traffic);
            assert!(report.record.contains("bad=42"), "{}", report.record);
        }
    }
}

#[test]
fn a_good_version_gets_more_and_more_with_proof_at_every_step() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        let report = play(DemoOptions { canary: mode, ..DemoOptions::default() });
        assert_eq!((report.exit(), report.canary.len()), (Exit::Done, 3), "{mode:?} {:?}", report.outcome.problem);
        for (name, percent) in [("canary 5%", 0.05), ("canary 25%", 0.25), ("canary 50%", 0.5)] {
            let part = phase(&report, name);
            let share = f64::from(part.by(Version::Number(CANDIDATE))) / f64::from(part.requests());
            assert!((share - percent).abs() < 0.05, "{name}: {share}");
        }
        assert!(report.canary.iter().all(|panel| panel.contains("pass: not more than 1 point worse")));
        assert_eq!(report.violations, Vec::<String>::new());
        assert_eq!(report.crowd.unserved, 0);
    }
}

#[test]
fn a_permission_that_is_refused_takes_the_claim_back_before_any_traffic() {
    for mode in [CanaryMode::Alias, CanaryMode::Stage] {
        let report =
            play(DemoOptions { regress: Some(Regression::Permission), canary: mode, ..DemoOptions::default() });
        assert_back_as_before(&report);
        assert_eq!(report.outcome.problem.as_ref().unwrap().code, Code::AccessDenied);
        assert!(report.traffic.iter().all(|phase| phase.by(Version::Number(CANDIDATE)) == 0));
        assert!(report.canary.is_empty());
        assert!(!report.record.contains("bad="), "a denied call says nothing about the version: {}", report.record);
    }
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
    for (name, regress, canary) in [
        ("success", None, CanaryMode::Alias),
        ("success_stage", None, CanaryMode::Stage),
        ("errors", Some(Regression::Errors), CanaryMode::Alias),
        ("latency", Some(Regression::Latency), CanaryMode::Alias),
        ("permission", Some(Regression::Permission), CanaryMode::Alias),
        ("cold_start", Some(Regression::ColdStart), CanaryMode::Alias),
    ] {
        let text = text::report(&play(DemoOptions { regress, canary, ..DemoOptions::default() }));
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
