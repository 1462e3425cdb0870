//! Random numbers that follow from a seed and from what they are for.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Binomial, Distribution, Poisson, StandardNormal};

use super::super::metrics::durations::{self, Durations};

/// A generator whose numbers are the same on every machine and in every later version of the crate.
pub(in super::super) type Dice = Xoshiro256PlusPlus;

/// The dice of one stream in one minute (FNV-1a over all parts).
pub(in super::super) fn dice(seed: u64, minute: i64, stream: &[&str]) -> Dice {
    let numbers = seed.to_le_bytes().into_iter().chain(minute.to_le_bytes());
    let texts = stream.iter().flat_map(|text| text.bytes().chain([0xff]));
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Dice::seed_from_u64(numbers.chain(texts).fold(0xcbf2_9ce4_8422_2325, mix))
}

/// A number of events of which `mean` are expected.
pub(in super::super) fn poisson(dice: &mut Dice, mean: f64) -> u64 {
    Poisson::new(mean).map_or(0, |distribution| distribution.sample(dice) as u64)
}

/// How many of `n` come out, each with probability `p`.
pub(in super::super) fn binomial(dice: &mut Dice, n: u64, p: f64) -> u64 {
    if p >= 1.0 {
        return n;
    }
    if n == 0 || p <= 0.0 {
        return 0;
    }
    Binomial::new(n, p).map_or(0, |distribution| distribution.sample(dice))
}

/// A standard normal number.
pub(in super::super) fn normal(dice: &mut Dice) -> f64 {
    StandardNormal.sample(dice)
}

/// A number from `low` to `high`.
pub(in super::super) fn uniform(dice: &mut Dice, low: f64, high: f64) -> f64 {
    low + (high - low) * dice.random::<f64>()
}

/// Whether an event of probability `p` happens.
pub(in super::super) fn happens(dice: &mut Dice, p: f64) -> bool {
    dice.random::<f64>() < p
}

/// The probability that a standard normal number is greater than `z`.
pub(super) fn tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// Up to this many durations are drawn one by one; above it the counts of all places are.
const ONE_BY_ONE: u64 = 1000;
/// Where a normal distribution is taken to end, standard deviations: one in a billion is beyond.
const REACH: f64 = 6.0;

/// `n` log-normal durations whose logarithm (of milliseconds) has this mean and standard deviation.
pub(super) fn log_normal(dice: &mut Dice, n: u64, mu: f64, sigma: f64) -> Durations {
    if n == 0 || sigma <= 0.0 {
        return Durations::same(durations::place(mu), n);
    }
    let (first, last) = (durations::place(mu - REACH * sigma), durations::place(mu + REACH * sigma));
    let mut counts = vec![0; usize::from(last - first) + 1];
    if n <= ONE_BY_ONE {
        for _ in 0..n {
            let place = durations::place(mu + sigma * normal(dice)).clamp(first, last);
            counts[usize::from(place - first)] += 1;
        }
        return Durations::from_counts(first, &counts);
    }
    let (mut left, mut above) = (n, 1.0);
    for (count, place) in counts.iter_mut().zip(first..=last) {
        let beyond = if place == last { 0.0 } else { tail((durations::upper_edge(place) - mu) / sigma) };
        *count = binomial(dice, left, (above - beyond) / above);
        left -= *count;
        above = beyond;
        if left == 0 {
            break;
        }
    }
    Durations::from_counts(first, &counts)
}
