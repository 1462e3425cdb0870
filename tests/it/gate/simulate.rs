//! Traffic with a seed: requests that come by chance, each routed and failing by its own coin.

use stagegate::gate::power::Traffic;
use stagegate::gate::{Counts, Minute};

/// Random numbers with a seed (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// From 0 to below 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            return self.normal().mul_add(mean.sqrt(), mean).round().max(0.0) as u64;
        }
        let (mut k, mut p, mut left) = (0, (-mean).exp(), self.uniform());
        while left > p && k < 1000 {
            left -= p;
            k += 1;
            p *= mean / k as f64;
        }
        k
    }

    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        let mean = n as f64 * p;
        if mean > 50.0 {
            let sd = (mean * (1.0 - p)).sqrt();
            return (self.normal().mul_add(sd, mean).round().max(0.0) as u64).min(n);
        }
        let (mut k, mut chance, mut left) = (0, (n as f64 * (1.0 - p).ln()).exp(), self.uniform());
        while left > chance && k < n {
            left -= chance;
            k += 1;
            chance *= (n - k + 1) as f64 / k as f64 * p / (1.0 - p);
        }
        k
    }
}

/// A minute of this traffic in which the canary fails at `rate`.
pub fn minute_of(dice: &mut Dice, traffic: &Traffic, rate: f64) -> Minute {
    let all = dice.poisson(60.0 * traffic.rps);
    let canary = dice.binomial(all, traffic.weight);
    let counts = |dice: &mut Dice, invocations, rate| {
        let errors = dice.binomial(invocations, rate);
        Counts { invocations, errors, slow: vec![0, 0] }
    };
    Minute {
        weight: traffic.weight,
        canary: counts(dice, canary, rate),
        baseline: counts(dice, all - canary, traffic.base_rate),
    }
}
