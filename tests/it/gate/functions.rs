//! Several functions promoted together: one decision.

use stagegate::gate::{Case, Decision, Judgement, Minute, OnInconclusive, Reason, Settings, Table, Verdict, judge};

use super::{STEPS, judged, minute, table};

fn named(name: &str, minutes: impl IntoIterator<Item = Minute>) -> Table {
    Table { name: name.into(), ..table(minutes) }
}

fn good(name: &str) -> Table {
    named(name, (0..9).map(|_| minute(0.05, [3000, 3, 57_000, 57])))
}

fn quiet(name: &str) -> Table {
    named(name, (0..9).map(|_| minute(0.05, [300, 0, 5700, 6])))
}

fn now(tables: &[Table], minute: u32) -> Judgement {
    judged(&Settings::default(), tables, minute)
}

#[test]
fn the_evidence_is_the_mean_over_the_functions() {
    let crash = named("crash", (0..9).map(|_| minute(0.05, [30, 3, 570, 1])));
    let one = now(std::slice::from_ref(&crash), 3);
    let other = now(&[quiet("a")], 3);
    let both = now(&[quiet("a"), crash], 3);
    let mean = f64::midpoint(one.log_m.exp(), other.log_m.exp()).ln();
    assert!((both.log_m - mean).abs() < 1e-12 * mean.abs().max(1.0), "{} is not {mean}", both.log_m);
    assert_eq!((both.decision, both.attribution.as_deref()), (Decision::Rollback, Some("crash")));
    assert!(both.sentence.starts_with("crash: errors: canary 6 of 60 (10 %)"), "{}", both.sentence);
}

#[test]
fn one_function_twice_is_judged_like_once() {
    let (one, two) = (now(&[quiet("a")], 8), now(&[quiet("a"), quiet("b")], 8));
    for (a, b) in [(one.log_m, two.log_m), (one.log_srm, two.log_srm), (one.log_n, two.log_n)] {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn all_must_be_proven_and_all_must_have_traffic() {
    assert_eq!(now(&[good("a"), good("b")], 6).reason, Reason::NonInferior);
    let unproven = named("b", (0..9).map(|_| minute(0.05, [10, 0, 190, 0])));
    let judgement = now(&[good("a"), unproven], 6);
    assert!(!judgement.proven && judgement.decision == Decision::Continue);
    let silent = now(&[good("a"), named("idle", [])], 6);
    assert_eq!((silent.decision, &silent.reason), (Decision::Hold, &Reason::TooLittleTraffic));
    assert_eq!(silent.attribution.as_deref(), Some("idle"));
}

#[test]
fn the_absolute_limit_holds_if_any_function_breaks_it() {
    let failing = named("b", (0..9).map(|_| minute(0.05, [300, 60, 5700, 1140])));
    let judgement = now(&[good("a"), failing], 6);
    assert_eq!((&judgement.reason, judgement.attribution.as_deref()), (&Reason::SloBreach, Some("b")));
}

/// 1:125 for one of sixty functions is a mean of 1:3 at most: too little to roll all back, enough to promote none.
#[test]
fn a_function_that_alone_would_go_back_is_not_promoted_among_many() {
    let bad = named("bad", (0..9).map(|_| minute(0.05, [300, 2, 5700, 6])));
    let alone = now(std::slice::from_ref(&bad), 8);
    assert_eq!(alone.decision, Decision::Rollback);
    let many: Vec<Table> = (0..400).map(|n| good(&format!("f{n}"))).chain([bad]).collect();
    let judgement = now(&many, 8);
    assert_eq!((judgement.decision, &judgement.reason), (Decision::Hold, &Reason::Suspicious), "{}", judgement.log_m);
    assert_eq!(judgement.attribution.as_deref(), Some("bad"));
}

#[test]
fn fewer_requests_than_asked_for_hold_and_are_counted_in_the_step() {
    let settings = Settings::default();
    let tables = [good("a"), good("b")];
    let case = Case {
        settings: &settings,
        steps: &STEPS,
        step: 0,
        step_start: 2,
        now: 9,
        tables: &tables,
        holds: &[],
        min_invocations: 36_000,
    };
    assert_eq!(judge(&case).decision, Decision::Promote);
    let judgement = judge(&Case { min_invocations: 36_001, ..case });
    assert_eq!((judgement.decision, &judgement.reason), (Decision::Hold, &Reason::TooFewRequests));
    assert_eq!(
        judgement.sentence,
        "36000 of 36001 requests of the canary in this step count so far: 6000 are in the newest minutes, which are not \
         settled yet"
    );
}

#[test]
fn a_step_lasts_as_long_as_it_may_and_no_longer() {
    let settings = Settings { on_inconclusive: OnInconclusive::Hold, ..Settings::default() };
    let thin = [named("a", (0..60).map(|_| minute(0.05, [1, 0, 19, 0])))];
    assert_eq!(judged(&settings, &thin, 9).decision, Decision::Continue);
    assert_eq!(judged(&settings, &thin, 39).decision, Decision::Hold);
    assert_eq!(judged(&settings, &thin, 40).decision, Decision::Inconclusive);
    let extended = Settings { max_extend: Some(2.5), ..settings };
    assert_eq!(judged(&extended, &thin, 12).decision, Decision::Hold);
    let over = judged(&extended, &thin, 13);
    assert_eq!((over.decision, over.verdict()), (Decision::Inconclusive, Verdict::Inconclusive));
}

#[test]
fn the_verdict_for_people_follows_the_decision() {
    let of = |tables: &[Table], minute: u32| now(tables, minute).verdict();
    assert_eq!(of(&[good("a")], 3), Verdict::Pending);
    assert_eq!(of(&[good("a")], 6), Verdict::Pass);
    assert_eq!(of(&[named("a", [minute(0.05, [30, 30, 570, 1])])], 2), Verdict::Fail);
    assert_eq!(of(&[named("a", [minute(0.05, [30, 0, 570, 0])])], 10), Verdict::Inconclusive, "promoted, not proven");
    assert_eq!(of(&[], 40), Verdict::Inconclusive);
    let broken = judged(&Settings { alpha: f64::NAN, ..Settings::default() }, &[good("a")], 6);
    assert_eq!((broken.decision, broken.verdict()), (Decision::Inconclusive, Verdict::Error));
}

#[test]
fn no_step_no_table_and_no_time_are_no_reason_to_promote() {
    let settings = Settings::default();
    let tables = [good("a")];
    let case = Case {
        settings: &settings,
        steps: &[],
        step: 7,
        step_start: 50,
        now: 0,
        tables: &[],
        holds: &[],
        min_invocations: 0,
    };
    assert_eq!(judge(&case).decision, Decision::Inconclusive);
    assert_ne!(judge(&Case { tables: &tables, now: 4, ..case }).decision, Decision::Promote);
    let far = judge(&Case { tables: &tables, steps: &STEPS, now: u32::MAX, step_start: 0, ..case });
    assert_ne!(far.decision, Decision::Continue);
}

#[test]
fn every_reason_has_a_sentence_with_its_numbers() {
    let thin = || named("a", (0..60).map(|_| minute(0.05, [1, 0, 19, 0])));
    let hold = Settings { on_inconclusive: OnInconclusive::Hold, ..Settings::default() };
    for (said, words) in [
        (
            now(&[good("a")], 6),
            "not more than 1 point worse, 95 % sure: canary 15 of 15000 (0.1 %), stable 285 of 285000 (0.1 %)",
        ),
        (
            now(&[thin()], 10),
            "nothing against it and no proof that it is not more than 1 point worse: canary 0 of 9 (0 %), stable 0 of 171 (0 %); evidence 1:1",
        ),
        (judged(&hold, &[thin()], 10), "no proof yet that it is not more than 1 point worse: canary 0 of 9"),
        (
            now(&[named("a", [minute(0.05, [30, 30, 570, 1])])], 2),
            "errors: canary 30 of 30 (100 %), stable 1 of 570 (0.18 %); evidence ",
        ),
        (now(&[named("a", [])], 3), "CloudWatch shows 0 of the 3 requests of the canary that are needed at least"),
        (
            now(&[named("a", (0..3).map(|_| minute(0.05, [90, 2, 2000, 4])))], 1),
            "0 of the 3 requests of the canary that are needed at least count so far: 270 are in the newest minutes, which \
             are not settled yet",
        ),
        (
            now(&[named("a", (0..9).map(|_| minute(1.0, [600, 120, 0, 0])))], 3),
            "errors with nothing to compare with: canary 240 of 1200 (20 %), limit 5 %; evidence ",
        ),
        (
            now(&[named("a", (0..9).map(|_| minute(0.05, [0, 0, 285, 0])))], 5),
            "requests of the canary are missing: about 15 were expected at this weight, 0 have reported; evidence 1:17954",
        ),
        (now(&[], 3), "there is no function to judge"),
    ] {
        assert!(said.sentence.starts_with(words), "{}", said.sentence);
    }
}
