//! Publication: which of a minute's samples can be seen yet.

use super::super::load::draw::{self, Dice};
use super::super::load::{Lag, Pace};
use super::Samples;

/// Minutes after its end at which everything of a minute is public.
const SETTLED: i64 = 3;

impl Pace {
    /// The least and the greatest share of a minute that is public this many minutes after its end.
    const fn window(self, age: i64) -> (f64, f64) {
        match (self, age) {
            (Self::Normal, 0) => (0.5, 0.9),
            (Self::Normal, 1) => (0.93, 1.0),
            (Self::Slow, 0) => (0.0, 0.0),
            (Self::Slow, 1) => (0.3, 0.9),
            (Self::Slow, 2) => (0.9, 1.0),
            _ => (1.0, 1.0),
        }
    }
}

/// What is public of a minute's samples `age` whole minutes after its end. `dice` are those of the series and the
/// minute: a later look repeats what an earlier one drew and goes on from there, so nothing public is ever taken back.
pub(super) fn reveal(samples: &Samples, lag: &Lag, is_errors: bool, age: i64, mut dice: Dice) -> Samples {
    if age < 0 {
        return Samples::default();
    }
    if age >= SETTLED || *lag == Lag::none() {
        return samples.clone();
    }
    if draw::happens(&mut dice, lag.late_errors) && is_errors && age < 2 {
        return Samples::default();
    }
    let (mut shown, mut hidden) = (Samples::default(), samples.clone());
    let (mut reached, mut reached_failures) = (0.0, 0.0);
    for step in 0..=age {
        let (low, high) = lag.pace.window(step);
        let target = draw::uniform(&mut dice, low, high).max(reached);
        let delayed = draw::uniform(&mut dice, 0.0, 0.5);
        if draw::happens(&mut dice, lag.missing) {
            continue;
        }
        let failures = if lag.late_failures && step == 0 { delayed.min(target) } else { target };
        let failures = if is_errors { failures.max(reached_failures) } else { target };
        let part = portion(reached, target);
        let coins = (
            draw::binomial(&mut dice, hidden.ones, portion(reached_failures, failures)),
            draw::binomial(&mut dice, hidden.zeros, part),
        );
        let (times, rest) = hidden.times.split(|count| draw::binomial(&mut dice, count, part));
        hidden = Samples { ones: hidden.ones - coins.0, zeros: hidden.zeros - coins.1, times: rest };
        shown.add(&Samples { ones: coins.0, zeros: coins.1, times });
        (reached, reached_failures) = (target, failures);
    }
    shown
}

/// Which part of what is still hidden must be shown to get from one share to a greater one.
fn portion(from: f64, to: f64) -> f64 {
    if from >= 1.0 { 1.0 } else { ((to - from) / (1.0 - from)).clamp(0.0, 1.0) }
}
