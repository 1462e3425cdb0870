//! Decorators of the port: repeat reads, keep to the quotas.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::operation::Pool;
use super::{Aws, AwsError, Call, Kind, Remedy, Reply};
use crate::clock::Clock;

/// How often a read is tried in all.
pub const READ_ATTEMPTS_MAX: u32 = 6;
/// How often a read is tried in all when nothing depends on its answer: a service that cannot be reached from here must
/// not hold a release up.
pub const OPTIONAL_ATTEMPTS_MAX: u32 = 2;
/// The longest pause between two attempts.
pub const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// The pause before attempt number `attempt` (from 1): what the service asked for, else 0.4 s doubling up to
/// [`BACKOFF_MAX`], of which `jitter` (0–1) takes up to half away so that many clients do not march in step.
pub fn backoff(attempt: u32, jitter: f64, error: &AwsError) -> Duration {
    if let AwsError::Rejected { retry_after: Some(asked), .. } = error {
        return (*asked).min(BACKOFF_MAX * 3);
    }
    let full = Duration::from_millis(400).saturating_mul(1 << attempt.saturating_sub(1).min(8)).min(BACKOFF_MAX);
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

/// A small pseudo-random sequence for jitter; its seed is passed in.
#[derive(Debug)]
pub struct Jitter(Cell<u64>);

impl Jitter {
    /// A sequence from a seed.
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed | 1))
    }

    /// The next number, 0–1 (xorshift64).
    pub fn next(&self) -> f64 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        // The top 53 bits are as many as a double holds.
        (x >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Repeats reads that were throttled or got no answer; writes pass through, once.
#[derive(Debug)]
pub struct Steady<A, C> {
    inner: A,
    clock: C,
    jitter: Jitter,
}

impl<A: Aws, C: Clock> Steady<A, C> {
    /// Around `inner`, with pauses by `clock`.
    pub fn new(inner: A, clock: C, seed: u64) -> Self {
        Self { inner, clock, jitter: Jitter::new(seed) }
    }
}

impl<A: Aws, C: Clock> Aws for Steady<A, C> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        let mut attempt = 1;
        let attempts = if call.operation().is_optional() { OPTIONAL_ATTEMPTS_MAX } else { READ_ATTEMPTS_MAX };
        loop {
            let error = match self.inner.call(call).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let passing = matches!(error.remedy(), Remedy::SlowDown | Remedy::Unknown);
            if call.operation().kind() != Kind::Read || !passing || attempt >= attempts {
                return Err(error);
            }
            self.clock.sleep(backoff(attempt, self.jitter.next(), &error)).await;
            attempt += 1;
        }
    }
}

/// How much of each quota a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// A share that leaves room for other callers in the account.
    #[default]
    Share,
    /// All of it: rollbacks, and `--pace full`.
    Full,
}

/// A client-side token bucket for each quota. A call waits until every bucket it draws on has a token.
#[derive(Debug)]
pub struct Paced<A, C> {
    inner: A,
    clock: C,
    pace: Pace,
    buckets: RefCell<BTreeMap<Pool, (f64, Timestamp)>>,
}

impl<A: Aws, C: Clock> Paced<A, C> {
    /// Around `inner`, taking `pace` of each quota.
    pub fn new(inner: A, clock: C, pace: Pace) -> Self {
        Self { inner, clock, pace, buckets: RefCell::default() }
    }

    /// Takes a token and answers how long to wait for it.
    fn take(&self, pool: Pool) -> Duration {
        let Some(rate) = pool.rate() else { return Duration::ZERO };
        let rps = if self.pace == Pace::Full { rate.full_rps } else { rate.share_rps };
        let burst = f64::from(rate.burst);
        let now = self.clock.now();
        let mut buckets = self.buckets.borrow_mut();
        let (tokens, since) = buckets.entry(pool).or_insert((burst, now));
        let passed = now.duration_since(*since).as_secs_f64().max(0.0);
        // Debt is allowed: it is the queue of the calls that already wait.
        *tokens = (*tokens + passed * rps).min(burst) - 1.0;
        *since = now;
        if *tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-*tokens / rps) }
    }
}

impl<A: Aws, C: Clock> Aws for Paced<A, C> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        let wait = call.operation().pools().iter().map(|pool| self.take(*pool)).max().unwrap_or_default();
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        self.inner.call(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsExt;
    use crate::aws::noun::{Deployment, Identity};
    use crate::aws::operation::{CreateDeployment, GetCallerIdentity};
    use crate::clock::VirtualClock;
    use futures_util::FutureExt;

    /// Answers from a list, last one first, then fine.
    struct Scripted(RefCell<Vec<AwsError>>, Cell<u32>);

    impl Aws for Scripted {
        async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
            self.1.set(self.1.get() + 1);
            match (self.0.borrow_mut().pop(), call) {
                (Some(error), _) => Err(error),
                (None, Call::CreateDeployment(_)) => Ok(Reply::CreateDeployment(Deployment {
                    id: "d".into(),
                    description: String::new(),
                    created: None,
                    status: None,
                })),
                (None, _) => Ok(Reply::GetCallerIdentity(Identity { account: "1".into(), arn: "a".into() })),
            }
        }
    }

    fn clock() -> VirtualClock {
        VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap())
    }

    fn throttled() -> AwsError {
        AwsError::rejected(429, "TooManyRequestsException", "Rate exceeded")
    }

    fn create() -> CreateDeployment {
        CreateDeployment { api: "abc".parse().unwrap(), description: String::new() }
    }

    #[test]
    fn a_throttled_read_is_repeated_and_a_write_is_not() {
        let read = Steady::new(Scripted(RefCell::new(vec![throttled(); 3]), Cell::new(0)), clock(), 1);
        assert!(read.send(GetCallerIdentity {}).now_or_never().unwrap().is_ok());
        assert_eq!(read.inner.1.get(), 4);
        let write = Steady::new(Scripted(RefCell::new(vec![throttled(); 3]), Cell::new(0)), clock(), 1);
        assert!(write.send(create()).now_or_never().unwrap().is_err());
        assert_eq!(write.inner.1.get(), 1);
    }

    #[test]
    fn a_read_that_is_never_answered_ends_with_the_last_error() {
        let read = Steady::new(Scripted(RefCell::new(vec![throttled(); 99]), Cell::new(0)), clock(), 1);
        assert_eq!(read.send(GetCallerIdentity {}).now_or_never().unwrap(), Err(throttled()));
        assert_eq!(read.inner.1.get(), READ_ATTEMPTS_MAX);
    }

    #[test]
    fn the_service_says_how_long_to_wait() {
        let error = AwsError::Rejected {
            code: "TooManyRequestsException".into(),
            message: String::new(),
            status: 429,
            retry_after: Some(Duration::from_secs(7)),
            request_id: None,
        };
        assert_eq!(backoff(1, 0.5, &error), Duration::from_secs(7));
        assert!(backoff(30, 0.0, &throttled()) <= BACKOFF_MAX);
    }

    #[test]
    fn twenty_deployments_take_their_hundred_seconds_and_never_a_429() {
        let clock = clock();
        let start = clock.now();
        let paced = Paced::new(Scripted(RefCell::default(), Cell::new(0)), clock.clone(), Pace::Full);
        for _ in 0..20 {
            paced.send(create()).now_or_never().unwrap().unwrap();
        }
        let seconds = clock.now().duration_since(start).as_secs_f64();
        assert!((94.9..96.0).contains(&seconds), "{seconds}");
    }
}
