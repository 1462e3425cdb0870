//! Kinds of releases that are drawn a thousand times each: what the clients do, and how the new version behaves.

use stagegate::model::CanaryMode;
use stagegate::world::{Lag, Load, Noise, Outage, Profile, Regression, Sickness};

/// A kind of release. What it does not name is as in the benchmark of judge §7: 10 requests a second, one error in a
/// thousand, metrics as late as they usually are.
#[derive(Clone)]
pub struct Kind {
    pub name: &'static str,
    pub rps: f64,
    /// How every version behaves.
    pub usual: Profile,
    /// How the new one does instead, if it is bad.
    pub bad: Option<Profile>,
    pub noise: Noise,
    /// An outage of all versions: level, times as slow, minutes, and the first and last minute in which it may begin.
    pub outage: Option<(f64, f64, u32, (u32, u32))>,
    pub lag: Lag,
    /// Whether `Errors` has a sample for invocations that did not fail.
    pub zeros: bool,
    /// How it is shifted.
    pub modes: &'static [CanaryMode],
    pub must: Must,
}

/// What a kind of release must come to.
#[derive(Clone, Copy)]
pub enum Must {
    /// A good one: at most this many percent are rolled back.
    Pass { false_rollbacks: f64 },
    /// A bad one: at least this many percent are rolled back, and half of them within so many minutes, 95 % within so
    /// many.
    Fail { caught: f64, median: f64, p95: f64 },
    /// A bad one that the gate does not promise to see (judge §6.3): at most this many percent get everything.
    Spare { promoted: f64 },
}

const ALIAS: &[CanaryMode] = &[CanaryMode::Alias];
pub const BOTH: &[CanaryMode] = &[CanaryMode::Alias, CanaryMode::Stage];

/// judge §8.1.
const GOOD: Must = Must::Pass { false_rollbacks: 0.5 };

impl Kind {
    fn good(name: &'static str, rps: f64, error_rate: f64) -> Self {
        Self {
            name,
            rps,
            usual: Profile::failing(error_rate),
            bad: None,
            noise: Noise { latency_sd: 0.05, ..Noise::default() },
            outage: None,
            lag: Lag::normal(),
            zeros: true,
            modes: ALIAS,
            must: GOOD,
        }
    }

    fn bad(name: &'static str, rps: f64, bad: Profile, must: Must) -> Self {
        Self { bad: Some(bad), must, ..Self::good(name, rps, 0.001) }
    }

    fn both(self) -> Self {
        Self { modes: BOTH, ..self }
    }

    /// From everything fine to an error rate, on top of the usual one.
    fn error(name: &'static str, rps: f64, from: f64, to: f64, must: Must) -> Self {
        Self { usual: Profile::failing(from), ..Self::bad(name, rps, worse(from, to, |_| {}), must) }
    }
}

/// A version whose error rate rises, with the rest of how it gets worse.
fn worse(from: f64, to: f64, how: impl FnOnce(&mut Regression)) -> Profile {
    let mut worse = Regression { error_rate: (to - from) / (1.0 - from), ..Regression::default() };
    how(&mut worse);
    Profile { worse: Some(worse), ..Profile::failing(from) }
}

fn slower(factor: f64) -> Profile {
    Profile { worse: Some(Regression { slower: factor, ..Regression::default() }), ..Profile::default() }
}

/// Within so many minutes, half of them and 95 % of them; all are caught. The minutes are those of judge §6.2 and 1.5 for
/// half, 2.5 for the rest: a canary begins in the middle of a minute, whose rest tells little.
const fn within(median: f64, p95: f64) -> Must {
    Must::Fail { caught: 99.9, median, p95 }
}

/// Releases that are as good as what serves (judge §6.1).
pub fn good() -> Vec<Kind> {
    let outage = |level, slower| Some((level, slower, 5, (1, 28)));
    let noise = |burst_sd, error_sd| Noise { burst_sd, error_sd, latency_sd: 0.05, ..Noise::default() };
    vec![
        Kind {
            // So few requests that most of the candidate's find a new environment: they are slow, and count as that.
            must: Must::Pass { false_rollbacks: 1.0 },
            ..Kind::good("0.1 rps 0.5 %", 0.1, 0.005)
        },
        Kind::good("1 rps 0.5 %", 1.0, 0.005).both(),
        Kind::good("10 rps 0.1 %", 10.0, 0.001),
        Kind::good("10 rps 2 %", 10.0, 0.02),
        Kind::good("100 rps 0.1 %", 100.0, 0.001).both(),
        Kind::good("1000 rps 0.1 %", 1000.0, 0.001),
        Kind { noise: noise(0.0, 0.5), ..Kind::good("20 rps 8 % noisy", 20.0, 0.08) },
        Kind { noise: noise(0.5, 1.0), ..Kind::good("overdispersed 100 rps", 100.0, 0.005) },
        Kind::good("zero errors 50 rps", 50.0, 0.0),
        Kind {
            noise: Noise { diurnal: 0.8, diurnal_minutes: 240.0, ..noise(0.0, 0.0) },
            ..Kind::good("diurnal 50 rps", 50.0, 0.002)
        },
        Kind { noise: noise(1.2, 0.0), ..Kind::good("bursty 10 rps", 10.0, 0.005) },
        Kind { outage: outage(0.3, 1.0), ..Kind::good("outage 10 rps", 10.0, 0.001) }.both(),
        Kind { outage: outage(0.3, 1.0), ..Kind::good("outage 500 rps", 500.0, 0.001) },
        Kind {
            outage: outage(0.3, 1.0),
            lag: Lag { late_failures: true, ..Lag::normal() },
            ..Kind::good("outage by time-outs 100 rps", 100.0, 0.001)
        }
        .both(),
        Kind {
            noise: Noise { latency_sd: 0.15, ..Noise::default() },
            outage: Some((0.0, 3.0, 4, (1, 28))),
            ..Kind::good("latency spikes 50 rps", 50.0, 0.001)
        },
        Kind { lag: Lag { missing: 0.03, ..Lag::slow() }, ..Kind::good("slow metrics 50 rps", 50.0, 0.005) }.both(),
        Kind {
            outage: outage(0.2, 1.0),
            lag: Lag { late_errors: 0.2, ..Lag::normal() },
            ..Kind::good("error series late 50 rps", 50.0, 0.005)
        }
        .both(),
        Kind {
            outage: outage(0.2, 1.0),
            lag: Lag { late_errors: 0.2, ..Lag::normal() },
            zeros: false,
            ..Kind::good("error series late, unpaired", 50.0, 0.005)
        },
        Kind {
            usual: Profile { median_ms: 1000.0, ..Profile::default() },
            ..Kind::good("heavy cold starts 200 rps", 200.0, 0.001)
        },
        Kind {
            usual: Profile { sick: Some(Sickness { rate: 0.004, minutes: 2, level: 0.5 }), ..Profile::default() },
            // judge §6.3: per-version metrics cannot tell a sick environment from bad code; 7 % there.
            must: Must::Pass { false_rollbacks: 7.3 },
            ..Kind::good("sick sandboxes 20 rps", 20.0, 0.001)
        },
    ]
}

/// Releases that are worse than what serves (judge §6.2).
pub fn bad() -> Vec<Kind> {
    let spare = |promoted| Must::Spare { promoted };
    let fail = |caught, median, p95| Must::Fail { caught, median, p95 };
    let crash = |_: f64| Profile::failing(1.0);
    let hang = |share, minutes| Profile::hanging(share, minutes);
    let cold = Profile { cold_error: 0.3, ..Profile::default() };
    vec![
        Kind::bad("crash 100 % 0.1 rps", 0.1, crash(1.0), fail(99.0, 14.0, 27.0)),
        Kind::bad("crash 100 % 1 rps", 1.0, crash(1.0), within(3.5, 5.0)).both(),
        Kind::bad("crash 100 % 10 rps", 10.0, crash(1.0), within(3.0, 3.0)),
        Kind::bad("crash 100 % 1000 rps", 1000.0, crash(1.0), within(3.0, 3.0)),
        Kind::error("0.1 → 1 % 1 rps", 1.0, 0.001, 0.01, spare(0.0)),
        Kind::error("0.1 → 1 % 10 rps", 10.0, 0.001, 0.01, fail(97.0, 16.5, 28.5)),
        Kind::error("0.1 → 1 % 100 rps", 100.0, 0.001, 0.01, within(5.5, 8.5)).both(),
        Kind::error("0.1 → 5 % 1 rps", 1.0, 0.001, 0.05, fail(95.0, 20.5, 33.5)),
        Kind::error("0.1 → 5 % 10 rps", 10.0, 0.001, 0.05, within(5.5, 9.5)),
        Kind::error("1 → 2 % 10 rps", 10.0, 0.01, 0.02, fail(93.0, 28.5, 42.5)),
        Kind::error("1 → 2 % 100 rps", 100.0, 0.01, 0.02, within(9.5, 16.5)),
        Kind::bad("late onset 0.1 → 5 % 10 rps", 10.0, worse(0.001, 0.05, |w| w.onset = 12), within(4.5, 6.5)),
        Kind::bad("load bug from 25 % 50 rps", 50.0, worse(0.001, 0.03, |w| w.min_share = 0.2), within(4.0, 6.0))
            .both(),
        Kind::bad("ramp 0.1 → 5 % over 30 min 50 rps", 50.0, worse(0.001, 0.05, |w| w.ramp = 30), within(10.5, 14.5)),
        Kind::bad("hang 10 % time-out 5 min 20 rps", 20.0, hang(0.1, 5), within(7.5, 9.5)),
        Kind::bad("hang 100 % time-out 15 min 5 rps", 5.0, hang(1.0, 15), within(6.0, 7.0)).both(),
        Kind::bad("p99 +20 % 10 rps", 10.0, slower(1.2), fail(98.0, 17.5, 24.5)),
        Kind::bad("p99 +20 % 100 rps", 100.0, slower(1.2), within(6.5, 9.5)),
        Kind::bad("p99 +100 % 1 rps", 1.0, slower(2.0), within(11.5, 17.5)),
        Kind::bad("p99 +100 % 10 rps", 10.0, slower(2.0), within(5.5, 7.5)),
        Kind::bad("cold-start errors 30 % 10 rps", 10.0, cold.clone(), spare(100.0)),
        Kind {
            usual: Profile { median_ms: 500.0, ..Profile::default() },
            ..Kind::bad("cold-start errors 30 % 100 rps", 100.0, Profile { median_ms: 500.0, ..cold }, spare(100.0))
        },
        Kind {
            outage: Some((0.3, 1.0, 5, (0, 1))),
            ..Kind::error("outage and 0.1 → 5 % 10 rps", 10.0, 0.001, 0.05, within(11.5, 16.5))
        },
    ]
}

impl Kind {
    /// The load of all releases of this kind.
    pub fn dress(&self, load: Load) -> Load {
        Load { profile: self.usual.clone(), noise: self.noise.clone(), lag: self.lag, history_minutes: 205, ..load }
    }

    /// The outages of one release; `chance`, 0–1, says when they begin.
    pub fn outages(&self, chance: f64) -> Vec<Outage> {
        let begin = |(first, last): (u32, u32)| first + (f64::from(last - first) * chance) as u32;
        let outage = |(level, slower, minutes, when)| Outage { slower, ..Outage::new(begin(when), minutes, level) };
        self.outage.map(outage).into_iter().collect()
    }

    /// The minute of the release, and the share, from which the new version is worse.
    pub fn onset(&self) -> (u32, f64) {
        let worse = self.bad.as_ref().and_then(|bad| bad.worse.as_ref());
        worse.map_or((0, 0.0), |worse| (worse.onset, worse.min_share))
    }

    /// Whether what it does worse is to be slow.
    pub fn is_slow(&self) -> bool {
        self.bad.as_ref().and_then(|bad| bad.worse.as_ref()).is_some_and(|worse| worse.slower > 1.0)
    }
}
