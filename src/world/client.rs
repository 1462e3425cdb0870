//! One request through a stage, as a client sends it.

use serde_json::{Value, json};

use super::account::Account;
use super::domain_traffic::Visit;
use super::invoke::Behaviour;
use super::load::{GATEWAY_LIMIT_MS, GATEWAY_REFUSAL_MS, draw};
use super::metrics::store::minute_of;
use super::traffic::{Answer, Failure, Reached, Request};
use crate::aws::AwsError;
use crate::aws::noun::StageAnswer;
use crate::aws::operation::{InvokeStage, RequestUrl};
use crate::model::{ApiId, StageName};

impl Account {
    /// Sends a request; which of the answers it gets is left to chance.
    pub(super) fn invoke_stage(&mut self, call: &InvokeStage) -> Result<StageAnswer, AwsError> {
        let path = call.path.split('?').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let request = Request { api: call.api.clone(), stage: call.stage.clone(), method: call.method.clone(), path };
        let answers = self.serve(&request).0;
        let chance = draw::uniform(&mut self.coin(), 0.0, 1.0);
        let answer = match pick(&answers, chance).map(|answer| &answer.result) {
            None | Some(Ok(None)) => {
                StageAnswer { status: 200, body: String::new(), duration_ms: 0, ..StageAnswer::default() }
            }
            Some(Ok(Some(reached))) => self.run_for_client(reached.clone()),
            Some(Err(failure)) => refusal(failure, self.http_apis.contains_key(&call.api)),
        };
        if self.has_stage(&call.api, &call.stage) {
            let stage = (call.api.clone(), call.stage.clone());
            let (minute, ms) = (minute_of(self.now()), (answer.duration_ms as f64).max(GATEWAY_REFUSAL_MS));
            self.metrics.requested(minute, stage, answer.status, ms);
        }
        if answer.duration_ms > u64::from(call.timeout_s) * 1000 {
            return Err(AwsError::Ambiguous { cause: format!("no answer within {} s", call.timeout_s) });
        }
        Ok(answer)
    }

    /// Sends a request to a URL: the stage that it reaches answers.
    pub(super) fn request_url(&mut self, call: &RequestUrl) -> Result<StageAnswer, AwsError> {
        let rest = call.url.split_once("://").map_or(call.url.as_str(), |(_, rest)| rest);
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
        let visit = Visit { host: host.into(), path: path.into(), method: call.method.clone(), headers: Vec::new() };
        match self.find_stage(&visit) {
            Ok(Request { api, stage, method, path }) => {
                self.invoke_stage(&InvokeStage { api, stage, method, path, timeout_s: call.timeout_s })
            }
            Err(failure) => Ok(refusal(&failure, false)),
        }
    }

    fn has_stage(&self, api: &ApiId, stage: &StageName) -> bool {
        self.stage(api, stage).is_ok() || self.http_stage(api, stage).is_ok()
    }

    /// The dice of the next request.
    fn coin(&mut self) -> draw::Dice {
        self.coins += 1;
        let seed = self.load.as_ref().map_or(0, |flow| flow.load().seed);
        draw::dice(seed, self.coins, &["coin"])
    }

    /// What a proxy integration makes of a version's answer: 502 when it fails or is no proxy answer, 504 when it takes
    /// longer than API Gateway waits.
    fn run_for_client(&mut self, reached: Reached) -> StageAnswer {
        let Ok(build) = self.build(&reached.function, reached.version) else { return internal(502, 0) };
        let Behaviour { payload, function_error, duration, log } = build.behaviour.clone();
        let limit_ms = f64::from(build.function.timeout_s) * 1000.0;
        let ran_ms = (duration.as_secs_f64() * 1000.0).min(limit_ms);
        let failed = function_error.is_some() || duration.as_secs_f64() * 1000.0 > limit_ms;
        self.write_log(&reached.function, reached.version, &log);
        let what = self.counted_as(reached);
        self.metrics.invoked(minute_of(self.now()), what, failed, ran_ms);
        if ran_ms > GATEWAY_LIMIT_MS {
            let body = json!({ "message": "Endpoint request timed out" }).to_string();
            return StageAnswer { status: 504, body, duration_ms: GATEWAY_LIMIT_MS as u64, ..StageAnswer::default() };
        }
        match proxied(&payload).filter(|_| !failed) {
            Some((status, body)) => StageAnswer { status, body, duration_ms: ran_ms as u64, ..StageAnswer::default() },
            None => internal(502, ran_ms as u64),
        }
    }
}

/// The answer at a point of the whole, 0–1.
fn pick(answers: &[Answer], chance: f64) -> Option<&Answer> {
    let mut left = chance * answers.iter().map(|answer| answer.share).sum::<f64>();
    let hit = answers.iter().find(|answer| {
        left -= answer.share;
        left < 0.0
    });
    hit.or(answers.last())
}

/// Status and body of a proxy answer. Without `statusCode` it is 502 (malformed Lambda proxy response).
fn proxied(payload: &str) -> Option<(u16, String)> {
    let answer: Value = serde_json::from_str(payload).ok()?;
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok())?;
    let body = match &answer["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Some((status, body))
}

/// What API Gateway says by itself (aws-semantics §4.5, §6.8).
fn refusal(failure: &Failure, http: bool) -> StageAnswer {
    if http {
        let message = if failure.status >= 500 { "Internal Server Error" } else { "Not Found" };
        return StageAnswer {
            status: failure.status,
            body: json!({ "message": message }).to_string(),
            duration_ms: 0,
            ..StageAnswer::default()
        };
    }
    if failure.status >= 500 {
        return internal(failure.status, 0);
    }
    let no_route = failure.why.starts_with("Missing Authentication Token");
    let message = if no_route { "Missing Authentication Token" } else { "Forbidden" };
    StageAnswer {
        status: failure.status,
        body: json!({ "message": message }).to_string(),
        duration_ms: 0,
        ..StageAnswer::default()
    }
}

fn internal(status: u16, duration_ms: u64) -> StageAnswer {
    StageAnswer {
        status,
        body: json!({ "message": "Internal server error" }).to_string(),
        duration_ms,
        ..StageAnswer::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::metrics::tests::{lambda, stage_query, total};
    use super::super::tests::{SECOND, api, ask, pets, prod, update, world};
    use super::super::{Behaviour, World};
    use super::*;

    fn get(world: &World, path: &str) -> Result<StageAnswer, AwsError> {
        ask(world, InvokeStage { api: api(), stage: prod(), method: "GET".into(), path: path.into(), timeout_s: 30 })
    }

    fn behave(world: &World, version: u64, behaviour: Behaviour) {
        world.edit(|account| account.version_mut(&pets(), version).unwrap().behaviour = behaviour);
    }

    fn answering(payload: &str) -> Behaviour {
        Behaviour { payload: payload.into(), ..Behaviour::default() }
    }

    #[test]
    fn a_client_gets_the_answer_of_the_version_that_serves() {
        let world = world();
        let answer = get(&world, "/pets/1?q=2").unwrap();
        assert_eq!((answer.status, answer.body.as_str(), answer.duration_ms), (200, "ok", 20));
        behave(&world, 1, answering(r#"{"statusCode":404,"body":"{\"error\":1}"}"#));
        assert_eq!(get(&world, "pets/1").unwrap().body, r#"{"error":1}"#);
        for broken in [Behaviour::failing("boom"), answering(r#"{"ok":true}"#), answering("nothing")] {
            behave(&world, 1, broken);
            let answer = get(&world, "/pets/1").unwrap();
            assert_eq!((answer.status, answer.body.as_str()), (502, r#"{"message":"Internal server error"}"#));
        }
    }

    #[test]
    fn what_api_gateway_refuses_by_itself_reads_as_recorded() {
        let world = world();
        let none = get(&world, "/cats").unwrap();
        assert_eq!((none.status, none.body.as_str()), (403, r#"{"message":"Missing Authentication Token"}"#));
        let stage = "gone".parse().unwrap();
        let call = InvokeStage { api: api(), stage, method: "GET".into(), path: "/".into(), timeout_s: 5 };
        assert_eq!(ask(&world, call).unwrap().body, r#"{"message":"Forbidden"}"#);
        world.edit(|account| account.function_mut(&pets()).unwrap().policies.clear());
        let denied = get(&world, "/").unwrap();
        assert_eq!((denied.status, denied.body.as_str()), (500, r#"{"message":"Internal server error"}"#));
        world.clock().advance(60 * SECOND);
        assert_eq!(total(&world, &lambda("Invocations", &[], "Sum")), 0.0, "no version saw it");
        assert_eq!(total(&world, &stage_query("5XXError", "Sum")), 1.0);
        assert_eq!(total(&world, &stage_query("4XXError", "Sum")), 1.0, "what is no stage has no metrics");
    }

    #[test]
    fn time_passes_while_a_client_waits_and_every_limit_on_the_way_counts() {
        let world = world();
        let spent = |seconds: u64, limit: u32| {
            behave(&world, 1, Behaviour::slow(Duration::from_secs(seconds)));
            world.edit(|account| account.version_mut(&pets(), 1).unwrap().function.timeout_s = limit);
            let started = world.look(Account::now);
            let answer = get(&world, "/");
            (answer.map(|answer| answer.status), world.look(Account::now).duration_since(started).as_secs())
        };
        assert_eq!(spent(3, 30), (Ok(200), 3));
        assert_eq!(spent(9, 5), (Ok(502), 5));
        assert_eq!(spent(60, 900), (Ok(504), 29));
        let hasty = InvokeStage { api: api(), stage: prod(), method: "GET".into(), path: "/".into(), timeout_s: 2 };
        let started = world.look(Account::now);
        assert!(matches!(ask(&world, hasty), Err(AwsError::Ambiguous { .. })));
        assert_eq!(world.look(Account::now).duration_since(started).as_secs(), 2);
    }

    #[test]
    fn requests_meet_both_versions_by_weight_and_the_same_ones_in_every_fork() {
        let world = world();
        behave(&world, 2, answering(r#"{"statusCode":201}"#));
        update(&world, 1, &[(2, 0.25)]).unwrap();
        let statuses = |world: &World| -> Vec<u16> { (0..400).map(|_| get(world, "/").unwrap().status).collect() };
        let (here, there) = (statuses(&world.fork()), statuses(&world.fork()));
        assert_eq!(here, there);
        let mut counts = BTreeMap::new();
        here.iter().for_each(|status| *counts.entry(*status).or_insert(0) += 1);
        // Five standard deviations of a binomial of 400 at a quarter.
        assert!((57..=143).contains(&counts[&201]), "{counts:?}");
    }
}
