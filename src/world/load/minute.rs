//! One minute of one receiver: what disturbs everybody, what this version adds, and the numbers that come of it.

use super::super::metrics::durations::Durations;
use super::super::metrics::store::Requests;
use super::draw::{self, Dice};
use super::flow::{GATEWAY_LIMIT_MS, GATEWAY_REFUSAL_MS};
use super::{Load, Profile};

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_841;
/// Minutes without requests after which a version's environments are gone.
const IDLE_MINUTES: i64 = 6;

/// What moves all versions together, in one minute.
#[derive(Debug, Clone)]
pub(super) struct Weather {
    minute: Option<i64>,
    /// Traffic, errors, durations: AR(1) with mean 0 and variance 1.
    states: [f64; 3],
    /// Where in its day the traffic began, 0–1.
    phase: f64,
    /// Factor on the requests.
    pub(super) traffic: f64,
    errors: f64,
    floor: f64,
    /// Summand on the logarithm of durations.
    shift: f64,
}

impl Weather {
    pub(super) fn new(seed: u64) -> Self {
        let phase = draw::uniform(&mut draw::dice(seed, 0, &["phase"]), 0.0, 1.0);
        Self { minute: None, states: [0.0; 3], phase, traffic: 1.0, errors: 1.0, floor: 0.0, shift: 0.0 }
    }

    /// Goes on to a minute; `since` counts from the minute in which the load was set.
    pub(super) fn advance(&mut self, load: &Load, minute: i64, since: i64) {
        let noise = &load.noise;
        if self.minute != Some(minute) {
            let mut dice = draw::dice(load.seed, minute, &["weather"]);
            let rhos = [noise.burst_rho, noise.error_rho, noise.latency_rho];
            for (state, rho) in self.states.iter_mut().zip(rhos) {
                let rho = if self.minute.is_none() { 0.0 } else { rho };
                *state = rho * *state + (1.0 - rho * rho).max(0.0).sqrt() * draw::normal(&mut dice);
            }
            self.minute = Some(minute);
        }
        // Minus half the variance: the factor's mean is 1.
        let factor = |sd: f64, state: f64| (sd * state - sd * sd / 2.0).exp();
        let day = std::f64::consts::TAU * (since as f64 / noise.diurnal_minutes + self.phase);
        self.traffic = (1.0 + noise.diurnal * day.sin()).max(0.0) * factor(noise.burst_sd, self.states[0]);
        self.errors = factor(noise.error_sd, self.states[1]);
        self.shift = noise.latency_sd * self.states[2];
        self.floor = 0.0;
        let on = |from: u32, minutes: u32| (i64::from(from)..i64::from(from) + i64::from(minutes)).contains(&since);
        for outage in load.outages.iter().filter(|outage| on(outage.from, outage.minutes)) {
            self.floor = self.floor.max(outage.level);
            self.shift += outage.slower.ln();
        }
    }

    /// What an ordinary error rate is in this minute.
    fn failing(&self, error_rate: f64) -> f64 {
        (error_rate * self.errors).max(self.floor).clamp(0.0, 1.0)
    }
}

/// The probabilities of one version in one minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chances {
    /// That an invocation fails, the environment aside.
    fail: f64,
    /// That a good one hangs.
    hang: f64,
    /// How long one that hangs takes.
    pub(super) hang_minutes: i64,
    /// Mean of the logarithm of the durations, milliseconds.
    mu: f64,
}

impl Chances {
    /// `age` in minutes since the version's first request; `share` of its function's requests, 0–1.
    pub(super) fn of(profile: &Profile, weather: &Weather, age: i64, share: f64) -> Self {
        let ordinary = weather.failing(profile.error_rate);
        let mut chances = Self { fail: ordinary, hang: 0.0, hang_minutes: 0, mu: profile.mu() + weather.shift };
        if let Some(worse) = &profile.worse
            && let Some(progress) = worse.progress(age, share)
        {
            chances.fail = 1.0 - (1.0 - ordinary) * (1.0 - worse.error_rate * progress);
            chances.hang = worse.hang;
            chances.hang_minutes = i64::from(worse.hang_minutes);
            chances.mu += worse.slower.ln();
        }
        chances
    }
}

/// The execution environments of a receiver.
#[derive(Debug, Clone, Default)]
pub(super) struct Fleet {
    warm: f64,
    last: Option<i64>,
    sick_until: Option<i64>,
}

impl Fleet {
    /// How many of a minute's invocations start a new environment: concurrency that rises, and one environment in
    /// 90 a minute that Lambda replaces (as in the benchmark of judge §7).
    fn cold_starts(&mut self, count: u64, mean_s: f64, minute: i64, dice: &mut Dice) -> u64 {
        let gap = self.last.map_or(i64::MAX, |last| minute - last);
        if gap > IDLE_MINUTES {
            self.warm = 0.0;
        }
        self.last = Some(minute);
        let concurrency = count as f64 / 60.0 * mean_s;
        let extra = f64::from(u8::from(draw::happens(dice, 0.3)));
        let need = ((concurrency + 3.0 * concurrency.sqrt()).ceil() + extra).min(count as f64);
        let replaced = draw::binomial(dice, self.warm as u64, 1.0 / 90.0);
        let cold = (need - self.warm).max(0.0) as u64 + replaced;
        self.warm = (self.warm.max(need) * (1.0 - 1.0 / 60.0)).max(need).round();
        cold.min(count)
    }

    /// The share of invocations that a sick environment fails.
    fn sickness(&mut self, profile: &Profile, minute: i64, dice: &mut Dice) -> f64 {
        let Some(sick) = &profile.sick else { return 0.0 };
        let falls_ill = draw::happens(dice, sick.rate);
        if falls_ill && self.sick_until.is_none_or(|until| until < minute) {
            self.sick_until = Some(minute + i64::from(sick.minutes) - 1);
        }
        let ill = self.sick_until.is_some_and(|until| until >= minute);
        if ill { (sick.level / self.warm.max(1.0)).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// What came of the requests of one minute.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    asked: u64,
    pub(super) throttled: u64,
    cold: u64,
    /// Failed at once.
    pub(super) failed: u64,
    pub(super) hung: u64,
    pub(super) hung_ms: f64,
    client_errors: u64,
    server_errors: u64,
    /// Of those that did not hang.
    pub(super) durations: Durations,
}

impl Drawn {
    pub(super) fn of(
        profile: &Profile,
        chances: &Chances,
        fleet: &mut Fleet,
        asked: u64,
        minute: i64,
        dice: &mut Dice,
    ) -> Self {
        let throttled = draw::binomial(dice, asked, profile.throttled);
        let ran = asked - throttled;
        let cold = fleet.cold_starts(ran, profile.mean_s(), minute, dice);
        let fail = either(chances.fail, fleet.sickness(profile, minute, dice));
        let failed =
            draw::binomial(dice, ran - cold, fail) + draw::binomial(dice, cold, either(fail, profile.cold_error));
        let hung = draw::binomial(dice, ran - failed, chances.hang);
        let good = ran - failed - hung;
        let server_errors = draw::binomial(dice, good, profile.answers_5xx);
        let client_errors = draw::binomial(dice, good - server_errors, profile.answers_4xx);
        let slow = cold.min(ran - hung);
        let mut durations = draw::log_normal(dice, ran - hung - slow, chances.mu, profile.sigma);
        durations.add(&draw::log_normal(dice, slow, chances.mu + profile.cold_factor.ln(), profile.sigma));
        let hung_ms = chances.hang_minutes as f64 * 60_000.0;
        Self { asked, throttled, cold, failed, hung, hung_ms, client_errors, server_errors, durations }
    }

    /// Invocations that ran.
    pub(super) fn ran(&self) -> u64 {
        self.asked - self.throttled
    }

    /// How API Gateway counts it: a throttled or failed function is a 5XX, one that hangs a time-out at its own limit.
    pub(super) fn requests(&self) -> Requests {
        let mut latency = self.durations.clone();
        latency.add(&Durations::of_ms(GATEWAY_REFUSAL_MS, self.throttled));
        latency.add(&Durations::of_ms(self.hung_ms.min(GATEWAY_LIMIT_MS), self.hung));
        Requests {
            count: self.asked,
            client_errors: self.client_errors,
            server_errors: self.throttled + self.failed + self.hung + self.server_errors,
            latency,
        }
    }

    /// How many requests more are expected to have failed, and to have been slower than the p99 of `stable`, than would
    /// have on `stable`.
    pub(super) fn excess(
        &self,
        profile: &Profile,
        chances: &Chances,
        stable: &Profile,
        weather: &Weather,
    ) -> (f64, f64) {
        let ran = self.ran() as f64;
        let failing = ran * (chances.fail - weather.failing(stable.error_rate)).max(0.0);
        let cold = self.cold as f64 * (1.0 - chances.fail) * profile.cold_error;
        let throttled = self.asked as f64 * (profile.throttled - stable.throttled).max(0.0);
        let limit = stable.mu() + Z99 * stable.sigma;
        let beyond = |mu: f64, sigma: f64| draw::tail((limit - mu) / sigma.max(1e-9));
        let slow = beyond(chances.mu, profile.sigma) - beyond(stable.mu() + weather.shift, stable.sigma);
        (failing + cold + throttled + self.hung as f64, ran * slow.max(0.0))
    }
}

/// The probability of one of two independent events.
fn either(a: f64, b: f64) -> f64 {
    1.0 - (1.0 - a) * (1.0 - b)
}
