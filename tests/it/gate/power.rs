//! What the gate says that it can see, it sees (judge §3.7).

use stagegate::gate::power::{Power, Traffic};
use stagegate::gate::{Case, Decision, History, Settings, Step, Table, judge};

use super::simulate::{Dice, minute_of};

const LANES: u64 = 120;

/// The share of rollouts in which a canary that fails at `rate` is rolled back by `minutes`.
fn caught(traffic: &Traffic, rate: f64, minutes: u32) -> f64 {
    let settings = Settings::default();
    let steps = [Step { weight: traffic.weight, dwell: f64::from(minutes) }];
    let found = (0..LANES).filter(|lane| {
        let mut dice = Dice::new(1 + lane);
        let history = dice.binomial((traffic.rps * 10_800.0) as u64, traffic.base_rate);
        let mut table = Table {
            name: "f".into(),
            history: History { minutes: 180.0, invocations: (traffic.rps * 10_800.0) as u64, errors: history },
            paired: true,
            slow_thresholds_ms: vec![100.0, 200.0],
            minutes: Default::default(),
        };
        (1..=minutes).any(|now| {
            table.minutes.insert(now - 1, minute_of(&mut dice, traffic, rate));
            let tables = std::slice::from_ref(&table);
            let case = Case {
                settings: &settings,
                steps: &steps,
                step: 0,
                step_start: 0,
                now,
                tables,
                holds: &[],
                min_invocations: 0,
            };
            judge(&case).decision == Decision::Rollback
        })
    });
    found.count() as f64 / LANES as f64
}

#[test]
fn eight_of_ten_regressions_at_the_printed_limit_are_caught_at_any_traffic() {
    let settings = Settings::default();
    for (rps, weight, base_rate, minutes) in [
        (0.1, 0.25, 0.005, 30),
        (1.0, 0.05, 0.005, 30),
        (1.0, 0.5, 0.02, 15),
        (10.0, 0.05, 0.001, 15),
        (10.0, 0.25, 0.005, 15),
        (100.0, 0.05, 0.005, 15),
        (1000.0, 0.25, 0.02, 15),
    ] {
        let traffic = Traffic { rps, weight, base_rate };
        let limit = Power::of(&settings).smallest_visible(&traffic, f64::from(minutes)).unwrap();
        let share = caught(&traffic, limit, minutes);
        println!("{rps} rps, {weight}, {base_rate}: limit {limit:.4}, caught {share:.3}");
        assert!((0.75..=0.995).contains(&share), "{traffic:?}: {share} at {limit}");
    }
}

#[test]
fn good_releases_stay() {
    for (rps, base_rate) in [(1.0, 0.005), (10.0, 0.02), (100.0, 0.001)] {
        let traffic = Traffic { rps, weight: 0.25, base_rate };
        assert_eq!(caught(&traffic, base_rate, 15), 0.0, "{traffic:?}");
    }
}

#[test]
fn what_is_said_before_a_step_fits_the_traffic() {
    let settings = Settings::default();
    let power = Power::of(&settings);
    let thin = power.outlook(&Traffic { rps: 0.1, weight: 0.1, base_rate: 0.005 }, 15.0);
    assert_eq!(
        thin.sentence(),
        "about 9 canary requests in 15 min: a rise of errors from 0.5 % to 85.57 % or worse is seen (80 % sure), \
         a smaller one is not; proof that it is not more than 1 point worse takes about 1387 min"
    );
    let blind = power.outlook(&Traffic { rps: 0.1, weight: 0.05, base_rate: 0.005 }, 15.0);
    assert!(blind.sees.is_none() && !blind.gives_proof());
    assert!(
        blind.sentence().contains("not even a canary that always fails is seen (80 % sure); that takes 21 min"),
        "{}",
        blind.sentence()
    );
    let busy = power.outlook(&Traffic { rps: 100.0, weight: 0.05, base_rate: 0.005 }, 10.0);
    assert!(busy.gives_proof() && busy.sees.unwrap() < 0.015);
    let none = power.outlook(&Traffic { rps: 0.0, weight: 0.05, base_rate: 0.005 }, 10.0);
    assert_eq!((none.sees, none.proof_after), (None, None));
    assert!(none.sentence().contains("nothing is seen"), "{}", none.sentence());
}

#[test]
fn more_functions_need_more_evidence() {
    let settings = Settings::default();
    let traffic = Traffic { rps: 10.0, weight: 0.05, base_rate: 0.001 };
    let limit = |functions| Power { functions, ..Power::of(&settings) }.smallest_visible(&traffic, 10.0).unwrap();
    assert!(limit(1) < limit(10) && limit(10) < limit(100));
    let late = Power { paired: false, ..Power::of(&settings) };
    assert!(late.minutes_to_see(&traffic, 0.1) > Power::of(&settings).minutes_to_see(&traffic, 0.1));
}
