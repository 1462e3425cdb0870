//! Smoke tests: the version answers the user's events as the user expects, before it has traffic.

use std::time::Duration;

use serde_json::Value;

use super::{Engine, Stop};
use crate::aws::noun::{Invoked, StageAnswer};
use crate::aws::operation::{Invoke, InvokeStage};
use crate::aws::{Aws, AwsExt, Operation, explain};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::model::target::{Expect, SmokeCheck, StageCheck};
use crate::model::{AliasName, FunctionName, StageRef, Version};
use crate::plan::Plan;
use crate::problem::{Code, Problem};

/// Lambda's own limit for one invocation, seconds.
const INVOKE_SECONDS_MAX: u32 = 900;

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Runs every check against a version; the slowest answer in milliseconds.
    pub(super) async fn smoke(
        &self,
        (function, alias): (&FunctionName, &AliasName),
        version: Version,
        checks: &[SmokeCheck],
    ) -> Result<u64, Stop> {
        let mut slowest = 0;
        for check in checks {
            self.check_interrupt()?;
            let request = Invoke {
                function: function.clone(),
                version,
                payload: check.payload.clone(),
                timeout_s: INVOKE_SECONDS_MAX,
            };
            let answer = self.aws.send(request).await;
            let subject = format!("{function}:{version}");
            let answer = answer.map_err(|error| Stop::Failed(explain::problem(Operation::Invoke, &subject, &error)))?;
            slowest = slowest.max(answer.duration_ms);
            judge(&answer, &check.expect)
                .map_err(|why| Stop::Bad(failed(function, alias, version, check, &answer, why)))?;
        }
        Ok(slowest)
    }
}

/// How long a stage may take to answer well after it was written to, and how often in a row it must (aws-semantics §6.8).
const STAGE_WAIT_MAX: Duration = Duration::from_secs(60);
const GOOD_IN_A_ROW: u32 = 3;
/// Between two requests through the stage.
const STAGE_PAUSE: Duration = Duration::from_secs(2);
/// API Gateway's own limit for one request with some room, seconds.
const STAGE_SECONDS_MAX: u32 = 35;

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Sends every check through the stage, as a client would, until each was answered well three times in a row.
    pub(super) async fn smoke_stage(&self, plan: &Plan) -> Result<(), Stop> {
        let Some(stage) = plan.target.stage.as_ref() else { return Ok(()) };
        for check in &plan.target.stage_smoke {
            let started = self.clock.now();
            let mut good = 0;
            while good < GOOD_IN_A_ROW {
                self.check_interrupt()?;
                let why = match self.stage_answer(stage, check).await {
                    Ok(()) => {
                        good += 1;
                        continue;
                    }
                    Err(why) => why,
                };
                good = 0;
                if Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default() >= STAGE_WAIT_MAX {
                    let problem = stage_failed(stage, check, why);
                    // A canary has no traffic yet: what the stage answers is the old version's.
                    return Err(if plan.canary.is_some() { Stop::Failed(problem) } else { Stop::Bad(problem) });
                }
                self.wait(STAGE_PAUSE).await?;
            }
        }
        Ok(())
    }

    async fn stage_answer(&self, stage: &StageRef, check: &StageCheck) -> Result<(), String> {
        let request = InvokeStage {
            api: stage.api.clone(),
            stage: stage.stage.clone(),
            method: check.method.clone(),
            path: check.path.clone(),
            timeout_s: STAGE_SECONDS_MAX,
        };
        let answer = self.aws.send(request).await.map_err(|error| error.to_string())?;
        judge_stage(&answer, &check.expect)
    }
}

fn judge_stage(answer: &StageAnswer, expect: &Expect) -> Result<(), String> {
    let body: String = answer.body.chars().take(200).collect();
    let as_expected = expect.status.map_or((200..300).contains(&answer.status), |status| status == answer.status);
    if !as_expected {
        let wanted = expect.status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
        return Err(format!("expected status {wanted}, got {}: {body}", answer.status));
    }
    if let Some(wanted) = &expect.json {
        let value: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        if !contains(&value, wanted) {
            return Err(format!("the answer does not contain {wanted}: {body}"));
        }
    }
    match expect.max_ms {
        Some(max) if answer.duration_ms > max => {
            Err(format!("it took {} ms, at most {max} ms are allowed", answer.duration_ms))
        }
        _ => Ok(()),
    }
}

fn stage_failed(stage: &StageRef, check: &StageCheck, why: String) -> Problem {
    let StageCheck { method, path, .. } = check;
    Problem::new(Code::SmokeFailed, format!("{method} {path} through {stage} failed its check"))
        .why(why)
        .why(format!(
            "it was tried for {} s; a new permission or deployment needs that long at times",
            STAGE_WAIT_MAX.as_secs()
        ))
        .fix(format!("look: stagegate status {stage}"))
}

/// What is wrong with an answer, if anything.
fn judge(answer: &Invoked, expect: &Expect) -> Result<(), String> {
    if let Some(kind) = &answer.function_error {
        return Err(format!("the function failed ({kind})"));
    }
    let body: Value = serde_json::from_str(&answer.payload).unwrap_or(Value::Null);
    if let Some(status) = expect.status {
        let got = body["statusCode"].as_u64();
        if got != Some(u64::from(status)) {
            let got = got.map_or_else(|| "no statusCode".into(), |s| s.to_string());
            return Err(format!("expected statusCode {status}, got {got}"));
        }
    }
    if let Some(wanted) = &expect.json
        && !contains(&body, wanted)
        && !inner_body(&body).is_some_and(|inner| contains(&inner, wanted))
    {
        return Err(format!("the answer does not contain {wanted}"));
    }
    match expect.max_ms {
        Some(max) if answer.duration_ms > max => {
            Err(format!("it took {} ms, at most {max} ms are allowed", answer.duration_ms))
        }
        _ => Ok(()),
    }
}

/// A proxy response carries its JSON as text in `body`.
fn inner_body(answer: &Value) -> Option<Value> {
    serde_json::from_str(answer["body"].as_str()?).ok()
}

/// Whether every part of `wanted` is in `value`; lists must be equal.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            wanted.iter().all(|(key, part)| value.get(key).is_some_and(|v| contains(v, part)))
        }
        _ => value == wanted,
    }
}

fn failed(
    function: &FunctionName,
    alias: &AliasName,
    version: Version,
    check: &SmokeCheck,
    answer: &Invoked,
    why: String,
) -> Problem {
    let log = version
        .number()
        .map(|number| format!("what it wrote: stagegate logs {function}:{alias} --version {number} --since 10m"));
    let payload: String = answer.payload.chars().take(300).collect();
    let what = format!("{} of {function} failed its smoke test {}", version.label(), check.file);
    let problem = Problem::new(Code::SmokeFailed, what).why(why).why(format!("it answered {payload}"));
    let tail = answer.log_tail.as_deref().unwrap_or_default();
    let request = tail.split("RequestId: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let problem = request.iter().fold(problem, |problem, id| problem.why(format!("request id {id}")));
    let lines: Vec<&str> = tail.lines().map(str::trim_end).filter(|line| is_told(line)).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LOG_LINES_MAX));
    let problem = last.fold(problem, |problem, line| {
        problem.why(format!("log: {}", line.chars().take(LOG_CHARS_MAX).collect::<String>()))
    });
    let problem = log.into_iter().fold(problem, Problem::fix);
    problem.fix("fix the function, upload it, and promote again")
}

/// How much of a log is shown: its last lines.
const LOG_LINES_MAX: usize = 5;
/// How much of each.
const LOG_CHARS_MAX: usize = 200;

/// What the function wrote, not what Lambda writes about every invocation.
fn is_told(line: &str) -> bool {
    let frame = ["START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START"];
    !line.trim().is_empty() && !frame.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(payload: &Value) -> Invoked {
        let payload = payload.to_string();
        Invoked { status: 200, function_error: None, executed_version: None, payload, duration_ms: 640, log_tail: None }
    }

    fn expect(status: Option<u16>, json: Option<Value>, max_ms: Option<u64>) -> Expect {
        Expect { status, json, max_ms }
    }

    #[test]
    fn status_subset_and_time_are_all_held_to() {
        let good = answer(&json!({"statusCode": 200, "body": "{\"ok\": true, \"n\": [1, 2]}"}));
        assert_eq!(judge(&good, &expect(Some(200), Some(json!({"ok": true})), Some(800))), Ok(()));
        assert!(judge(&good, &expect(Some(201), None, None)).unwrap_err().contains("got 200"));
        assert!(judge(&good, &expect(None, Some(json!({"n": [1]})), None)).is_err());
        assert!(judge(&good, &expect(None, None, Some(600))).unwrap_err().contains("640 ms"));
    }

    #[test]
    fn a_failed_check_shows_the_request_and_what_the_function_wrote_last() {
        let own: String = (1..=7).map(|n| format!("line {n}\n")).collect();
        let log =
            format!("START RequestId: 8c1f-22 Version: 42\n{own}END RequestId: 8c1f-22\nREPORT RequestId: 8c1f-22\n");
        let check = SmokeCheck { file: "health.json".into(), payload: String::new(), expect: Expect::default() };
        let failed = |log_tail| {
            let answer = Invoked { log_tail, ..answer(&json!({"errorMessage": "boom"})) };
            let (function, alias) = ("checkout-api".parse().unwrap(), "live".parse().unwrap());
            failed(&function, &alias, Version::Number(42), &check, &answer, "the function failed".into())
        };
        let problem = failed(Some(log));
        assert_eq!(problem.why[2], "request id 8c1f-22");
        assert_eq!(problem.why[3..], [3, 4, 5, 6, 7].map(|n| format!("log: line {n}")));
        assert_eq!(failed(None).why.len(), 2);
    }

    #[test]
    fn a_function_error_fails_whatever_was_expected() {
        let mut broken = answer(&json!({"errorMessage": "boom"}));
        broken.function_error = Some("Unhandled".into());
        assert!(judge(&broken, &Expect::default()).is_err());
    }
}
