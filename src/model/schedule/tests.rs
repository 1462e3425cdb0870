//! Schedules as people write them, right and wrong.

use proptest::prelude::*;

use super::*;
use crate::model::CanaryMode;

fn shown(text: &str) -> String {
    Canary { mode: CanaryMode::Alias, steps: parse(text).unwrap(), ..Canary::default() }.to_string()
}

#[test]
fn steps_read_as_people_write_them() {
    for (written, read) in [
        ("5% 10m", "5% 10m"),
        (" 5%  10m ,25% 90s", "5% 10m, 25% 1m30s"),
        ("0.5% 30s", "0.5% 30s"),
        ("0.01% 1h 30m", "0.01% 1h30m"),
        ("10% until 300 req", "10% until 300 req"),
        ("10% 0s until 1 req", "10% until 1 req"),
        ("10% 5m until 300 req, 99.99% 48h", "10% 5m until 300 req, 99.99% 48h"),
        ("5% 10m, 100%", "5% 10m"),
        ("5% 10m, 100.00%", "5% 10m"),
    ] {
        assert_eq!(shown(written), read, "{written}");
    }
}

/// The text, the step (counted from 1), the part of it that is wrong, and a word of what to write.
const BAD: &[(&str, usize, &str, &str)] = &[
    ("", 1, "", "\"5% 10m\""),
    ("5% 10m,", 2, "", "remove the comma"),
    ("5% 10m,, 6% 10m", 2, "", "remove the comma"),
    ("5 10m", 1, "5", "number and %"),
    ("five% 10m", 1, "five%", "number and %"),
    ("-5% 10m", 1, "-5%", "number and %"),
    ("5.% 10m", 1, "5.%", "number and %"),
    ("NaN% 10m", 1, "NaN%", "number and %"),
    ("5.001% 10m", 1, "5.001%", "two decimals"),
    ("0% 10m", 1, "0%", "more than 0%"),
    ("101% 10m", 1, "101%", "at most 100%"),
    ("99999999999% 10m", 1, "99999999999%", "at most 100%"),
    ("5%", 1, "5%", "when it ends"),
    ("5% 0s", 1, "5% 0s", "when it ends"),
    ("5% 10", 1, "10", "10m or 1h30m"),
    ("5% 10min", 1, "10min", "10m or 1h30m"),
    ("5% 2d", 1, "2d", "10m or 1h30m"),
    ("5% 1.5h", 1, "1.5h", "10m or 1h30m"),
    ("5% inf", 1, "inf", "10m or 1h30m"),
    ("5% -5m", 1, "-5m", "10m or 1h30m"),
    ("5% 99999999999999999999h", 1, "99999999999999999999h", "10m or 1h30m"),
    ("5% 9999999999999999h 1m", 1, "9999999999999999h", "10m or 1h30m"),
    ("5% 30m 1h", 1, "30m 1h", "10m or 1h30m"),
    ("5% 10m 10m", 1, "10m 10m", "10m or 1h30m"),
    ("5% 48h 1s", 1, "48h 1s", "48h or less"),
    ("5% 10m 300 req", 1, "300", "until 300 req"),
    ("5% until 300", 1, "until 300", "until 300 req"),
    ("5% until req", 1, "until req", "until 300 req"),
    ("5% until 300 requests", 1, "until 300 requests", "until 300 req"),
    ("5% until 0 req", 1, "until 0 req", "from 1"),
    ("5% until +3 req", 1, "until +3 req", "until 300 req"),
    ("5% until 300 req 10m", 1, "until 300 req 10m", "until 300 req"),
    ("5% 10m, 5% 10m", 2, "5%", "rise"),
    ("5% 10m, 25% 10m, 10% 10m", 3, "10%", "rise"),
    ("5% 10m, 100% 10m", 2, "10m", "leave it out"),
    ("5% 10m, 100%, 100%", 2, "100%", "last step"),
    ("100%", 1, "100%", "none"),
];

#[test]
fn a_bad_step_is_named_with_its_place_and_what_to_write() {
    for (text, step, part, write) in BAD {
        let error = parse(text).unwrap_err();
        assert_eq!((error.step + 1, &text[error.at.clone()]), (*step, *part), "{text:?}: {error}");
        assert!(error.write.contains(write), "{text:?}: {error}");
        let alone: Vec<&str> = text.split(',').collect();
        let within = steps(&alone).unwrap_err();
        assert_eq!(&alone[within.step][within.at], *part, "{text:?}");
    }
}

#[test]
fn twenty_steps_are_enough() {
    let many = |n: usize| (1..=n).map(|percent| format!("{percent}% 1m")).collect::<Vec<_>>().join(",");
    assert_eq!(parse(&format!("{},100%", many(STEPS_MAX))).unwrap().len(), STEPS_MAX);
    let error = parse(&many(STEPS_MAX + 1)).unwrap_err();
    assert_eq!(error.step, STEPS_MAX);
    assert!(error.what.contains("20 steps"), "{error}");
}

prop_compose! {
    fn schedule()(
        shares in prop::collection::btree_set(1..10_000_u32, 1..=STEPS_MAX),
        ends in prop::collection::vec((1..=48 * 3600_u64, prop::option::of(1..=REQUESTS_MAX), any::<bool>()), STEPS_MAX),
    ) -> Vec<CanaryStep> {
        shares.iter().zip(ends).map(|(share, (seconds, requests, by_requests))| CanaryStep {
            percent: Percent::from_hundredths(*share).unwrap(),
            bake: Duration::from_secs(if by_requests && requests.is_some() { 0 } else { seconds }),
            requests,
        }).collect()
    }
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(steps in schedule()) {
        let canary = Canary { mode: CanaryMode::Alias, steps, ..Canary::default() };
        prop_assert_eq!(parse(&canary.to_string()).unwrap(), canary.steps);
    }

    #[test]
    fn any_text_is_a_schedule_that_keeps_the_rules_or_an_error_at_a_place_in_it(text in "[0-9%hms,. \u{2003}until req€]{0,40}") {
        match parse(&text) {
            Ok(steps) => {
                prop_assert!((1..=STEPS_MAX).contains(&steps.len()));
                prop_assert!(steps.windows(2).all(|pair| pair[0].percent < pair[1].percent));
                prop_assert!(steps.iter().all(|s| s.percent > Percent::ZERO && s.percent < Percent::ALL));
                prop_assert!(steps.iter().all(|s| s.bake <= BAKE_MAX && (!s.bake.is_zero() || s.requests.is_some())));
            }
            Err(error) => prop_assert!(text.get(error.at.clone()).is_some(), "{error}"),
        }
    }

    #[test]
    fn every_percentage_reads_back(hundredths in 0..=10_000_u32) {
        let percent = Percent::from_hundredths(hundredths).unwrap();
        prop_assert_eq!(percent.to_string().parse(), Ok(percent));
    }
}
