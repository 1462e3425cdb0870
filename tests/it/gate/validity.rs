//! Every one-minute e-value has a mean of at most 1 under its null, computed exactly; and no NaN ever comes out.

use proptest::prelude::*;
use stagegate::gate::evidence::{Pair, log_lr, log_lr_slo, log_lr_srm, mixture_log_e, ni_block};
use stagegate::gate::{Case, Counts, History, Minute, Settings, Step, Table, Verdict, judge};

/// Probabilities of 0 to `n` successes.
fn binomial(n: u64, p: f64) -> Vec<f64> {
    let mut logs = Vec::new();
    let mut choose = 0.0;
    for k in 0..=n {
        if k > 0 {
            choose += ((n - k + 1) as f64).ln() - (k as f64).ln();
        }
        let part = |count: u64, p: f64| if count == 0 { 0.0 } else { count as f64 * p.ln() };
        logs.push(choose + part(k, p) + part(n - k, 1.0 - p));
    }
    logs.into_iter().map(f64::exp).collect()
}

/// The mean of exp(log) over independent binomial counts.
fn mean(canary: (u64, f64), baseline: (u64, f64), log: impl Fn(f64, f64) -> f64) -> f64 {
    let (pc, pb) = (binomial(canary.0, canary.1), binomial(baseline.0, baseline.1));
    let mut sum = 0.0;
    for (xc, pc) in pc.iter().enumerate() {
        for (xb, pb) in pb.iter().enumerate() {
            sum += pc * pb * log(xc as f64, xb as f64).exp();
        }
    }
    sum
}

fn pair(nc: u64, nb: u64, xc: f64, xb: f64) -> Pair {
    Pair { x_canary: xc, e_canary: nc as f64, x_baseline: xb, e_baseline: nb as f64 }
}

#[test]
fn the_comparison_gains_nothing_when_the_canary_is_no_worse() {
    let mut worst = 0.0_f64;
    for (nc, nb) in [(1, 1), (1, 57), (3, 10), (3, 190), (10, 57), (30, 10), (30, 190)] {
        for pb in [0.001, 0.05, 0.3, 0.7, 0.99] {
            for (rho, f) in [(1.0, 1.0), (1.0, 0.5), (1.1, 1.0), (1.25, 0.9)] {
                for g in Settings::default().grid {
                    let pc = f64::min(1.0, rho * f * pb);
                    let value = mean((nc, pc), (nb, pb), |xc, xb| log_lr(&pair(nc, nb, xc, xb), rho, rho * g));
                    worst = worst.max(value);
                }
            }
        }
    }
    assert!((0.99..=1.0 + 1e-9).contains(&worst), "{worst}");
}

/// By the weight: given the errors, each falls on the canary with probability w.
#[test]
fn thin_minutes_gain_nothing_when_the_version_does_not_matter() {
    for weight in [0.01, 0.05, 0.5] {
        for errors in [1, 3, 20] {
            for g in Settings::default().grid {
                let shares = binomial(errors, weight);
                let value: f64 = (0..)
                    .zip(shares)
                    .map(|(xc, p)| {
                        let (canary, baseline) = (100.0 * weight, 100.0 * (1.0 - weight));
                        let (xc, all) = (f64::from(xc), errors as f64);
                        let pair = Pair { x_canary: xc, e_canary: canary, x_baseline: all - xc, e_baseline: baseline };
                        p * log_lr(&pair, 1.0, g).exp()
                    })
                    .sum();
                assert!((value - 1.0).abs() < 1e-9, "{weight} {errors} {g}: {value}");
            }
        }
    }
}

#[test]
fn the_proof_gains_nothing_when_the_canary_is_worse_by_the_margin() {
    let mut worst = 0.0_f64;
    for (nc, nb) in [(1, 0), (1, 20), (5, 1), (5, 200), (30, 0), (30, 20), (30, 200)] {
        for p in [0.0005, 0.01, 0.1] {
            for delta in [0.005, 0.01, 0.05] {
                for pb in [0.0, 0.001, 0.1, 0.5, 0.9] {
                    for extra in [0.0, 0.01, 0.2] {
                        let pc = pb + delta + extra;
                        if pc > 1.0 {
                            continue;
                        }
                        let block = |xc, xb| ni_block(&pair(nc, nb, xc, xb), p, delta);
                        worst = worst.max(mean((nc, pc), (nb, pb), block));
                    }
                }
            }
        }
    }
    assert!((0.9..=1.0 + 1e-9).contains(&worst), "{worst}");
}

#[test]
fn the_guards_gain_nothing_under_their_nulls() {
    for (n, limit) in [(1, 0.05), (60, 0.05), (200, 0.2)] {
        for g in Settings::default().slo_grid {
            let theta = f64::min(limit * g, 0.95);
            let value = mean((n, limit), (0, 0.5), |xc, _| log_lr_slo(xc, n as f64, limit, theta));
            assert!(value <= 1.0 + 1e-9, "{n} {limit} {g}: {value}");
        }
    }
    for weight in [0.05, 0.25, 0.5] {
        for reports in [0.8, 0.9, 1.0] {
            for f in Settings::default().srm_grid {
                let share = weight * reports / (weight * reports + 1.0 - weight);
                let log = |nc: f64, _| log_lr_srm(nc, 300.0 - nc, weight, 0.8, f);
                let value = mean((300, share), (0, 0.5), log);
                assert!(value <= 1.0 + 1e-9, "{weight} {reports} {f}: {value}");
            }
        }
    }
}

/// The mixture puts out no more wealth than it has, and never invests after the horizon.
#[test]
fn the_mixture_of_nothing_is_one() {
    for (minutes, horizon) in [(0, 2), (1, 2), (5, 2), (60, 60), (200, 60)] {
        let log = mixture_log_e(&vec![vec![0.0; 8]; minutes], 0.5, horizon);
        assert!(log.abs() < 1e-9, "{minutes} of {horizon}: {log}");
    }
}

fn wild_counts() -> impl Strategy<Value = Counts> {
    let number = || prop_oneof![0..20_u64, 0..2_000_000_000_u64, Just(u64::MAX)];
    (number(), number(), prop::collection::vec(number(), 0..3)).prop_map(|(invocations, errors, slow)| Counts {
        invocations,
        errors,
        slow,
    })
}

fn wild_number() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1.0, -1e3..1e9, Just(0.0), Just(1.0), Just(f64::NAN), Just(f64::INFINITY), Just(1.0 - 1e-16)]
}

fn wild_table() -> impl Strategy<Value = Table> {
    let minute = (wild_number(), wild_counts(), wild_counts());
    let minutes = prop::collection::btree_map(0..60_u32, minute, 0..20);
    let history = (wild_number(), 0..=u64::MAX, 0..=u64::MAX);
    (minutes, history, any::<bool>(), prop::collection::vec(wild_number(), 0..3)).prop_map(
        |(minutes, (length, invocations, errors), paired, slow_thresholds_ms)| Table {
            name: "f".into(),
            history: History { minutes: length, invocations, errors },
            paired,
            slow_thresholds_ms,
            minutes: minutes
                .into_iter()
                .map(|(at, (weight, canary, baseline))| (at, Minute { weight, canary, baseline }))
                .collect(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_numbers_come_out(
        tables in prop::collection::vec(wild_table(), 0..3),
        steps in prop::collection::vec((wild_number(), wild_number()), 0..3),
        (step, step_start, now) in (0..4_usize, 0..70_u32, 0..70_u32),
        setting in prop_oneof![Just(None), wild_number().prop_map(Some)],
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|(weight, dwell)| Step { weight, dwell }).collect();
        let mut settings = Settings::default();
        if let Some(value) = setting {
            (settings.delta, settings.slo) = (value, Some(value));
        }
        let case = Case { settings: &settings, steps: &steps, step, step_start, now, tables: &tables, holds: &[], min_invocations: 5 };
        let judgement = judge(&case);
        let logs = [judgement.log_m, judgement.log_slo, judgement.log_srm, judgement.log_n];
        prop_assert!(logs.iter().chain(judgement.parts.values()).all(|log| log.is_finite()), "{judgement:?}");
        let words = ["NaN", "inf"].iter().any(|word| judgement.sentence.contains(word));
        prop_assert!(judgement.verdict() == Verdict::Error || !words, "{}", judgement.sentence);
        prop_assert_eq!(judge(&case), judgement, "the same question has the same answer");
    }
}
