//! The mistakes that were made on the way to the gate (judge §6.4), each as the rollout in which it showed. Every one of
//! these tests goes red when its mistake is made again.

use stagegate::gate::{Decision, Minute, Reason, Settings, Table};

use super::{counts, judged, minute, table};

const WORDS: [Decision; 2] = [Decision::Continue, Decision::Hold];

/// Both versions fail, with and without a baseline that fails: only the canary's own guilt rolls back.
#[test]
fn an_outage_of_both_versions_holds_and_never_rolls_back() {
    let outage = (0..9).map(|at| {
        let bad = (2..7).contains(&at);
        minute(0.05, if bad { [300, 90, 5700, 1710] } else { [300, 0, 5700, 6] })
    });
    let tables = [table(outage)];
    for now in 1..9 {
        let judgement = judged(&Settings::default(), &tables, now);
        assert!(WORDS.contains(&judgement.decision), "minute {now}: {}", judgement.sentence);
        if (4..9).contains(&now) {
            assert_eq!((judgement.decision, &judgement.reason), (Decision::Hold, &Reason::SloBreach), "minute {now}");
            assert!(judgement.log_slo.abs() < 1e-9, "there is a baseline: the absolute guard is silent");
        }
    }
}

#[test]
fn without_a_baseline_the_absolute_limit_does_roll_back() {
    let alone = (0..6).map(|_| minute(1.0, [600, 120, 0, 0]));
    let judgement = judged(&Settings::default(), &[table(alone)], 4);
    assert_eq!((judgement.decision, judgement.reason), (Decision::Rollback, Reason::Slo));
}

/// In an outage by time-outs the newest minute shows the failures of one version before those of the other.
#[test]
fn the_newest_minute_is_not_used() {
    let quiet = || minute(0.05, [300, 0, 5700, 6]);
    let half_told = minute(0.05, [300, 60, 3000, 30]);
    let tables = [table([quiet(), quiet(), quiet(), half_told])];
    assert_eq!(judged(&Settings::default(), &tables, 4).decision, Decision::Continue);
    let hasty = Settings { settle: 0, ..Settings::default() };
    assert_eq!(judged(&hasty, &tables, 4).decision, Decision::Rollback, "this is what would be wrong");
    let told = minute(0.05, [300, 90, 5700, 1710]);
    let tables = [table([quiet(), quiet(), quiet(), told])];
    let judgement = judged(&Settings::default(), &tables, 5);
    assert!(WORDS.contains(&judgement.decision), "{}", judgement.sentence);
}

/// Two separately published series: the baseline's errors are a minute late.
#[test]
fn series_out_of_step_wait_a_minute_longer() {
    let outage = |late: bool| minute(0.05, [150, 45, 2850, if late { 0 } else { 855 }]);
    let unpaired = |newest: Minute| Table {
        paired: false,
        ..table([minute(0.05, [150, 0, 2850, 3]), minute(0.05, [150, 0, 2850, 3]), newest])
    };
    let tables = [unpaired(outage(true))];
    assert_eq!(judged(&Settings::default(), &tables, 4).decision, Decision::Continue);
    let hasty = Settings { settle_unpaired: 1, ..Settings::default() };
    assert_eq!(judged(&hasty, &tables, 4).decision, Decision::Rollback, "this is what would be wrong");
    let judgement = judged(&Settings::default(), &[unpaired(outage(false))], 5);
    assert!(WORDS.contains(&judgement.decision), "{}", judgement.sentence);
}

/// A thin minute of which only the canary has reported: by the weight its errors look like 5 % of the traffic.
#[test]
fn the_weight_is_no_exposure_while_a_row_may_be_missing() {
    let thin = |minutes: Vec<Minute>| {
        let mut table = table(minutes);
        (table.history.invocations, table.history.errors) = (18_000, 18);
        table
    };
    let outage_begins = minute(0.05, [5, 5, 0, 0]);
    let quiet = || minute(0.05, [5, 0, 95, 0]);
    let tables = [thin(vec![quiet(), quiet(), outage_begins])];
    // Without the absolute limit, which is not what this is about.
    let settings = Settings { slo: None, ..Settings::default() };
    for now in [4, 5] {
        let judgement = judged(&settings, &tables, now);
        assert!(WORDS.contains(&judgement.decision), "minute {now}: {}", judgement.sentence);
    }
    let hasty = Settings { full_settle: 1, ..settings.clone() };
    assert_eq!(judged(&hasty, &tables, 4).decision, Decision::Rollback, "this is what would be wrong");
    let reported = [thin(vec![quiet(), quiet(), minute(0.05, [5, 5, 95, 95])])];
    let judgement = judged(&settings, &reported, 7);
    assert!(WORDS.contains(&judgement.decision), "{}", judgement.sentence);
}

/// A busy function whose minute is thin only because it is half reported keeps its realised split.
#[test]
fn a_busy_function_is_never_thin() {
    let half = minute(0.05, [60, 12, 0, 0]);
    let tables = [table([minute(0.05, [300, 0, 5700, 6]), half])];
    let judgement = judged(&Settings::default(), &tables, 8);
    assert!(judgement.log_m < 0.0, "{}", judgement.log_m);
}

/// In an outage of both versions the baseline's row is late: the absolute limit must not take that for "no baseline".
#[test]
fn a_late_row_of_the_baseline_is_not_no_baseline() {
    let tables =
        [table([minute(0.05, [300, 0, 5700, 6]), minute(0.05, [300, 0, 5700, 6]), minute(0.05, [150, 45, 0, 0])])];
    assert_eq!(judged(&Settings::default(), &tables, 4).reason, Reason::Slo, "this is what the reference does");
    let patient = Settings { settle_alone: 3, ..Settings::default() };
    for now in [4, 5] {
        let judgement = judged(&patient, &tables, now);
        assert!(WORDS.contains(&judgement.decision), "minute {now}: {}", judgement.sentence);
    }
    assert_eq!(judged(&patient, &tables, 6).reason, Reason::Slo, "when it has not come after three minutes");
    let alone = [table((0..3).map(|_| minute(1.0, [600, 120, 0, 0])))];
    assert_eq!(judged(&patient, &alone, 2).reason, Reason::Slo, "at 100 % none is expected");
}

/// In thin minutes the realised split says little; by the weight, three failures at 5 % are proof.
#[test]
fn thin_minutes_count_by_the_weight() {
    let thin = (0..12).map(|at| minute(0.05, if at % 4 == 0 { [1, 1, 5, 0] } else { [0, 0, 6, 0] }));
    let mut tables = [table(thin)];
    tables[0].history = stagegate::gate::History { minutes: 180.0, invocations: 1_080, errors: 1 };
    let judgement = judged(&Settings::default(), &tables, 13);
    assert_eq!((judgement.decision, judgement.reason), (Decision::Rollback, Reason::Errors));
    let realised = Settings { low_volume: 0.0, ..Settings::default() };
    assert_eq!(judged(&realised, &tables, 13).decision, Decision::Hold, "the same with the realised split");
}

/// Nothing seen is no proof: neither without traffic, nor when all of the canary's invocations hang.
#[test]
fn nothing_seen_is_never_promoted() {
    let silent = judged(&Settings::default(), &[table([])], 10);
    assert_eq!((silent.decision, &silent.reason), (Decision::Hold, &Reason::TooLittleTraffic));
    assert_eq!(judged(&Settings::default(), &[table([])], 40).decision, Decision::Inconclusive);
    let hanging = [table((0..41).map(|_| minute(0.05, [0, 0, 285, 0])))];
    for now in 0..41 {
        assert_ne!(judged(&Settings::default(), &hanging, now).decision, Decision::Promote, "minute {now}");
    }
    let found = judged(&Settings::default(), &hanging, 5);
    assert_eq!((found.decision, found.reason), (Decision::Rollback, Reason::TrafficMissing));
    let two_of_two = [table([minute(0.05, [2, 0, 40, 0])])];
    assert_eq!(judged(&Settings::default(), &two_of_two, 10).reason, Reason::TooLittleTraffic);
    let three = [table([minute(0.05, [3, 0, 40, 0])])];
    assert_eq!(judged(&Settings::default(), &three, 10).decision, Decision::Promote, "and three are let through");
}

/// Cold environments after a rise of the weight are slow, and no regression.
#[test]
fn the_warm_up_after_a_rise_of_the_weight_is_no_latency() {
    let slow = |weight: f64, slow: u64| {
        let canary = (6000.0 * weight) as u64;
        let version = |n: u64, slow: u64| stagegate::gate::Counts { slow: vec![slow], ..counts(n, 0) };
        Minute { weight, canary: version(canary, slow), baseline: version(6000 - canary, (6000 - canary) / 100) }
    };
    let warming = [(0.05, 150), (0.05, 150), (0.05, 3), (0.05, 3), (0.25, 750), (0.25, 750), (0.25, 15), (0.25, 15)];
    let mut tables = [table(warming.map(|(weight, n)| slow(weight, n)))];
    tables[0].slow_thresholds_ms = vec![200.0];
    let judgement = judged(&Settings::default(), &tables, 9);
    assert_ne!(judgement.decision, Decision::Rollback, "{}", judgement.sentence);
    let cold = Settings { warmup_slow: 0, ..Settings::default() };
    let judgement = judged(&cold, &tables, 9);
    assert_eq!((judgement.decision, judgement.reason), (Decision::Rollback, Reason::Slow(0)), "without warm-up");
}
