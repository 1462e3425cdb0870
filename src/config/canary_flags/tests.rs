//! What the flags make of a target's canary.

use super::*;
use crate::model::Percent;
use crate::problem::Exit;

/// The words that the flags were given; blank is not given.
fn flags(steps: &str, preset: &str, mode: Option<CanaryMode>) -> CanaryFlags {
    let some = |text: &str| Some(text.to_owned());
    CanaryFlags { steps: some(steps), preset: some(preset), mode }
}

fn target(mode: CanaryMode, steps: &str) -> Target {
    let mut target = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
    target.stage = Some("a1b2c3d4e5/prod".parse().unwrap());
    target.alias_variable = Some("lambdaAlias".into());
    target.canary.mode = mode;
    target.canary.min_invocations = 200;
    target.canary.steps = if steps.is_empty() { Vec::new() } else { schedule::parse(steps).unwrap() };
    target
}

#[test]
fn the_flags_decide_over_the_file_for_this_release() {
    use CanaryMode::{Alias, None as AtOnce, Stage};
    for (file, steps, preset, mode, wanted) in [
        (target(AtOnce, ""), "", " ", None, (AtOnce, "none")),
        (target(Stage, "5% 10m"), "", "", None, (Stage, "5% 10m")),
        (target(AtOnce, ""), "5% 10m, 25% until 300 req", "", None, (Alias, "5% 10m, 25% until 300 req")),
        (target(Stage, "5% 10m"), "10% 5m", "", None, (Stage, "10% 5m")),
        (target(Stage, "5% 10m"), "10% 5m", "", Some(Alias), (Alias, "10% 5m")),
        (target(Stage, "5% 10m"), " none ", "", None, (AtOnce, "none")),
        (target(Alias, "5% 10m"), "AllAtOnce", "", None, (AtOnce, "none")),
        (target(Alias, "5% 10m"), "Canary10Percent5Minutes", "", None, (Alias, "10% 5m")),
        (target(AtOnce, ""), "", "CodeDeployDefault.LambdaCanary10Percent30Minutes", Some(Stage), (Stage, "10% 30m")),
        (target(Alias, "5% 10m"), "", "LambdaAllAtOnce", None, (AtOnce, "none")),
        (target(AtOnce, "5% 10m"), "", "", Some(Stage), (Stage, "5% 10m")),
    ] {
        let canary = flags(steps, preset, mode).apply(file).unwrap().canary;
        assert_eq!(
            (canary.mode, canary.to_string().as_str()),
            wanted,
            "--canary {steps:?} --preset {preset:?} {mode:?}"
        );
        assert_eq!(canary.min_invocations, 200, "the rest stays as the file says");
    }
    let untouched = target(Stage, "5% 10m");
    assert_eq!(CanaryFlags::default().apply(untouched.clone()).unwrap(), untouched);
}

#[test]
fn a_bad_flag_is_named_with_what_to_write() {
    use CanaryMode::{Alias, Stage};
    let bare = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
    let no_variable = Target { alias_variable: None, ..target(CanaryMode::None, "") };
    let long = Target { alias: "a".repeat(122).parse().unwrap(), ..target(CanaryMode::None, "") };
    let mut asks = target(Alias, "50% 10m");
    asks.canary.approve = vec![Percent::whole(50)];
    for (file, steps, preset, mode, what, help) in [
        (&bare, "10%", "", None, "--canary, step 1: 10% has neither", "when it ends"),
        (&bare, "5% 10m, 4% 10m", "", None, "--canary, step 2: 4% is not more", "percentages rise"),
        (
            &bare,
            "Canary10Percent5Minute5",
            "",
            None,
            "--canary: `Canary10Percent5Minute5`",
            "did you mean `Canary10Percent5Minutes`?",
        ),
        (&bare, "slowly", "", None, "--canary: `slowly`", "must be AllAtOnce"),
        (&bare, "", "Linear1PercentEvery1Minute", None, "--preset: `Linear1PercentEvery1Minute`", "20 steps"),
        (&bare, "5% 10m", "AllAtOnce", None, "--canary and --preset", "keep one"),
        (&bare, "none", "", Some(Alias), "--canary-mode says", "leave --canary-mode out"),
        (&bare, "", "", Some(Alias), "has none", "--canary \"5% 10m, 25% until 300 req\""),
        (&bare, "5% 10m", "", Some(Stage), "has no stage", "--canary-mode alias"),
        (&no_variable, "5% 10m", "", Some(Stage), "no `alias_variable`", "--canary-mode alias"),
        (&long, "5% 10m", "", Some(Stage), "no room for the candidate's", "--canary-mode alias"),
        (&asks, "5% 10m", "", None, "asks a person before 50%", "give it a step of 50%"),
    ] {
        let problem = flags(steps, preset, mode).apply(file.clone()).expect_err(what);
        assert_eq!((problem.code, problem.exit), (Code::BadOption, Exit::Usage));
        let shown = problem.render(200);
        assert!(problem.what.contains(what) && shown.contains(help), "{shown}");
    }
    let asked = flags("none", "", None).apply(asks).unwrap();
    assert!(!asked.canary.is_gradual(), "who says none means none");
}

#[test]
fn the_bad_part_of_the_flag_is_pointed_at() {
    let problem = flags("5% 10m, 25% 10x, 50% 10m", "", None).apply(target(CanaryMode::None, "")).unwrap_err();
    insta::assert_snapshot!(problem.render(88));
}
