//! AWS's rate limits as token buckets over virtual time, one per quota that calls draw on.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::aws::operation::Pool;
use crate::aws::{AwsError, Operation};

/// The buckets: for each pool the time at which it would be full again. Full buckets are not remembered.
#[derive(Debug, Clone, Default)]
pub(super) struct Quota(BTreeMap<Pool, Timestamp>);

impl Quota {
    /// Takes a token from every pool of the operation, or from none.
    pub(super) fn take(&mut self, operation: Operation, now: Timestamp) -> Result<(), AwsError> {
        let mut wait = SignedDuration::ZERO;
        let mut taken = Vec::new();
        for &pool in operation.pools() {
            let Some(rate) = pool.rate() else { continue };
            let interval = SignedDuration::from_secs_f64(1.0 / rate.full_rps);
            let full = self.0.get(&pool).copied().unwrap_or(now).max(now);
            let room = interval * i32::try_from(rate.burst).unwrap_or(i32::MAX);
            wait = wait.max(full.duration_since(now) + interval - room);
            taken.push((pool, full + interval));
        }
        if wait > SignedDuration::ZERO {
            return Err(throttled(operation, wait.try_into().ok()));
        }
        self.0.extend(taken);
        Ok(())
    }
}

/// The 429 of the operation's service (aws-semantics §2.1); API Gateway names a time, in whole seconds.
pub(super) fn throttled(operation: Operation, wait: Option<Duration>) -> AwsError {
    let (code, message, status) = match operation.service() {
        "sts" | "cloudformation" | "iam" => ("Throttling", "Rate exceeded", 400),
        "codedeploy" | "cloudtrail" | "logs" => ("ThrottlingException", "Rate exceeded", 400),
        "apigateway" => ("TooManyRequestsException", "Too Many Requests", 429),
        _ => ("TooManyRequestsException", "Rate exceeded", 429),
    };
    let seconds = |wait: Duration| Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    AwsError::Rejected {
        code: code.into(),
        message: message.into(),
        status,
        retry_after: wait.filter(|_| operation.service() == "apigateway").map(seconds),
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_deployment_within_five_seconds_is_refused_and_the_sixth_second_is_fine() {
        let (mut quota, start) = (Quota::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(quota.take(Operation::CreateDeployment, start), Ok(()));
        let second = Duration::from_secs(1);
        let refused = quota.take(Operation::CreateDeployment, start + second).unwrap_err();
        let AwsError::Rejected { status, retry_after, .. } = refused else { panic!("{refused}") };
        assert_eq!((status, retry_after), (429, Some(Duration::from_secs(4))));
        assert_eq!(quota.take(Operation::CreateDeployment, start + 5 * second), Ok(()));
    }

    #[test]
    fn a_burst_of_fifteen_control_plane_calls_passes_and_getfunction_has_its_own_bucket() {
        let (mut quota, start) = (Quota::default(), Timestamp::UNIX_EPOCH);
        let passed = (0..40).filter(|_| quota.take(Operation::GetAlias, start).is_ok()).count();
        assert_eq!(passed, 15);
        assert!(quota.take(Operation::UpdateAlias, start).is_err(), "one bucket for all of them");
        assert!(quota.take(Operation::GetFunction, start).is_ok());
        assert!(quota.take(Operation::UpdateAlias, start + Duration::from_millis(67)).is_ok());
    }

    #[test]
    fn a_refused_call_costs_nothing() {
        let (mut quota, start) = (Quota::default(), Timestamp::UNIX_EPOCH);
        for _ in 0..100 {
            let _ = quota.take(Operation::CreateDeployment, start);
        }
        let passed = (0..60).filter(|_| quota.take(Operation::GetStage, start).is_ok()).count();
        assert_eq!(passed, 39, "the burst of 40 less the one deployment that passed");
    }
}
