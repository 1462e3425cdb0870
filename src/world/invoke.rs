//! Invocations: what each version does when it runs (aws-semantics §3.3, §3.7, §3.9).

use std::time::Duration;

use serde_json::json;

use super::account::{Account, Due};
use super::lambda::not_now;
use super::metrics::store::minute_of;
use super::traffic::Reached;
use crate::aws::AwsError;
use crate::aws::noun::{Invoked, State};
use crate::aws::operation::Invoke;
use crate::model::Version;

/// Bytes of a log that an invocation's answer carries.
const LOG_TAIL: usize = 4096;

/// What code does when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// The answer.
    pub payload: String,
    /// `Handled` or `Unhandled`: the function fails, `payload` describes the error.
    pub function_error: Option<String>,
    /// How long it runs.
    pub duration: Duration,
    /// What it writes to its log.
    pub log: String,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            payload: r#"{"statusCode":200,"body":"ok"}"#.into(),
            function_error: None,
            duration: Duration::from_millis(20),
            log: String::new(),
        }
    }
}

impl Behaviour {
    /// Code that throws.
    pub fn failing(message: &str) -> Self {
        Self {
            payload: json!({ "errorMessage": message, "errorType": "Error" }).to_string(),
            function_error: Some("Unhandled".into()),
            ..Self::default()
        }
    }

    /// Code that takes its time.
    pub fn slow(duration: Duration) -> Self {
        Self { duration, ..Self::default() }
    }
}

impl Account {
    /// How long the caller of an invocation waits for its answer.
    pub(super) fn invoke_time(&self, call: &Invoke) -> Duration {
        let Ok(build) = self.build(&call.function, call.version) else { return Duration::ZERO };
        if build.function.state != Some(State::Active) {
            return Duration::ZERO;
        }
        let limit = Duration::from_secs(build.function.timeout_s.min(call.timeout_s).into());
        build.behaviour.duration.min(limit)
    }

    pub(super) fn invoke(&mut self, call: &Invoke) -> Result<Invoked, AwsError> {
        let spent = self.invoke_time(call);
        let build = self.build(&call.function, call.version)?;
        match build.function.state {
            Some(State::Active) | None => {}
            Some(State::Inactive) => return Err(self.wake(call)),
            Some(State::Pending) => return Err(not_now("Pending")),
            Some(state) => return Err(not_now(&format!("{state:?}"))),
        }
        let Behaviour { payload, function_error, duration, log } = build.behaviour.clone();
        let timeout_s = build.function.timeout_s;
        let limit = Duration::from_secs(timeout_s.into());
        let qualifier = Some(call.version.to_string());
        let reached = Reached { function: call.function.clone(), qualifier, version: call.version };
        let (failed, ran_ms) = (function_error.is_some() || duration > limit, duration.min(limit).as_secs_f64() * 1e3);
        let what = self.counted_as(reached);
        self.metrics.invoked(minute_of(self.now()), what, failed, ran_ms);
        self.write_log(&call.function, call.version, &log);
        if duration > spent && timeout_s >= call.timeout_s {
            return Err(AwsError::Ambiguous { cause: format!("no answer within {} s", call.timeout_s) });
        }
        let timed_out = duration > spent;
        let timeout_text = json!({
            "errorType": "Sandbox.Timedout",
            "errorMessage": format!("RequestId: 00000000 Error: Task timed out after {timeout_s}.00 seconds"),
        });
        Ok(Invoked {
            status: 200,
            function_error: if timed_out { Some("Unhandled".into()) } else { function_error },
            executed_version: Some(call.version.to_string()),
            payload: if timed_out { timeout_text.to_string() } else { payload },
            duration_ms: u64::try_from(spent.as_millis()).unwrap_or(u64::MAX),
            log_tail: Some(tail(&log)).filter(|tail| !tail.is_empty()),
        })
    }

    /// The first invocation of an Inactive version starts it and fails meanwhile.
    fn wake(&mut self, call: &Invoke) -> AwsError {
        let Version::Number(version) = call.version else { return not_now("Inactive") };
        let wake_time = self.settings.wake_time;
        let mut snap_start = false;
        if let Ok(function) = self.function_mut(&call.function)
            && let Some(build) = function.versions.get_mut(&version)
        {
            build.function.state = Some(State::Pending);
            snap_start = build.function.snap_start;
        }
        self.schedule(wake_time, Due::VersionReady { function: call.function.clone(), version, failed: None });
        if snap_start {
            return AwsError::rejected(409, "SnapStartNotReadyException", "Lambda is initializing your function.");
        }
        not_now("Pending")
    }
}

/// The last 4 KB of a log (aws-semantics §3.9).
fn tail(log: &str) -> String {
    let from = (log.len().saturating_sub(LOG_TAIL)..=log.len()).find(|at| log.is_char_boundary(*at));
    log[from.unwrap_or_default()..].to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::World;
    use super::super::tests::{SECOND, ask, pets, refusal, world};
    use super::*;
    use crate::clock::Clock;

    pub(in super::super) fn invoke(world: &World, version: u64, timeout_s: u32) -> Result<Invoked, AwsError> {
        let version = Version::Number(version);
        ask(world, Invoke { function: pets(), version, payload: "{}".into(), timeout_s })
    }

    #[test]
    fn an_answer_carries_the_end_of_the_log() {
        let world = world();
        assert_eq!(invoke(&world, 1, 60).unwrap().log_tail, None);
        let log = format!("START {}é END", "x".repeat(LOG_TAIL - 6));
        world.edit(|account| account.version_mut(&pets(), 1).unwrap().behaviour.log = log);
        let tail = invoke(&world, 1, 60).unwrap().log_tail.unwrap();
        assert!(tail.len() <= LOG_TAIL && tail.starts_with("xx") && tail.ends_with("é END"), "{}", tail.len());
    }

    #[test]
    fn an_invocation_answers_fails_times_out_or_wakes_the_version() {
        let world = world();
        let behave = |behaviour| world.edit(|account| account.version_mut(&pets(), 1).unwrap().behaviour = behaviour);
        behave(Behaviour::failing("boom"));
        let failed = invoke(&world, 1, 60).unwrap();
        assert_eq!((failed.status, failed.function_error.as_deref()), (200, Some("Unhandled")));
        behave(Behaviour::slow(40 * SECOND));
        let started = world.clock().now();
        assert!(invoke(&world, 1, 60).unwrap().payload.contains("timed out after 30"));
        assert_eq!(world.clock().now(), started + 30 * SECOND, "the function's own limit");
        assert!(matches!(invoke(&world, 1, 10), Err(AwsError::Ambiguous { .. })), "the caller's limit");

        world.edit(|account| account.version_mut(&pets(), 2).unwrap().function.state = Some(State::Inactive));
        assert_eq!(refusal(invoke(&world, 2, 60)).0, 409);
        world.clock().advance(30 * SECOND);
        assert_eq!(invoke(&world, 2, 60).unwrap().executed_version.as_deref(), Some("2"));
    }
}
