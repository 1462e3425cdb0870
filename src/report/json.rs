//! The event stream: one JSON object per line, each with the time and a number without gaps.

use std::cell::Cell;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::event::Event;

/// Numbers the lines.
#[derive(Debug, Default)]
pub(super) struct Stream(Cell<u64>);

impl Stream {
    /// The line for an event: `type` first, then what it holds, then `ts` (UTC) and `seq`.
    pub(super) fn line(&self, at: Timestamp, event: &Event) -> String {
        let seq = self.0.replace(self.0.get() + 1);
        let mut value = serde_json::to_value(event).unwrap_or_else(
            |error| json!({ "type": "warning", "msg": format!("an event could not be written: {error}") }),
        );
        if let Value::Object(fields) = &mut value {
            fields.insert("ts".into(), format!("{at:.3}").into());
            fields.insert("seq".into(), seq.into());
        }
        format!("{value}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EVENT_SCHEMA;
    use crate::problem::{Code, Problem};

    #[test]
    fn lines_count_without_gaps_and_carry_type_and_time() {
        let stream = Stream::default();
        let at = "2026-11-21T14:00:02.1142Z".parse().unwrap();
        let hello = stream.line(at, &Event::Hello { schema: EVENT_SCHEMA, tool: "0.1.0" });
        assert_eq!(
            hello,
            "{\"type\":\"hello\",\"schema\":\"stagegate.events/1.0\",\"tool\":\"0.1.0\",\"ts\":\"2026-11-21T14:00:02.114Z\",\"seq\":0}\n"
        );
        let error = stream.line(at, &Event::Error { problem: Problem::new(Code::NoAnswer, "silence") });
        let error: Value = serde_json::from_str(&error).unwrap();
        assert_eq!((&error["type"], &error["code"], &error["seq"]), (&json!("error"), &json!("SG-N03"), &json!(1)));
    }

    #[test]
    fn the_events_of_a_canary_as_programs_read_them() {
        let stream = Stream::default();
        let at = "2026-11-21T14:17:12Z".parse().unwrap();
        let run = || crate::model::RunId::new(1, 1);
        let version = |invocations, errors| crate::metrics::VersionLook {
            invocations,
            errors,
            p99_ms: Some(441.3),
            errors_per_minute: vec![0, 2, 4],
        };
        let look = crate::metrics::GateLook {
            release: run(),
            step: 1,
            steps: 3,
            percent: 5.0,
            elapsed_s: 180,
            bake_s: 600,
            up_to: "2026-11-21T14:17:00Z".parse().unwrap(),
            verdict: crate::gate::Verdict::Pass,
            decision: crate::gate::Decision::Promote,
            reason: "non-inferior".into(),
            sentence: "not more than 1 point worse, 95 % sure".into(),
            evidence_worse: -0.25,
            evidence_no_worse: 3.75,
            functions: vec![crate::metrics::FunctionLook {
                function: "checkout-api".into(),
                stable: version(51_000, 110),
                canary: version(2_710, 6),
            }],
            alarms_raised: vec!["checkout-5xx".into()],
            alarms_red_before: Vec::new(),
        };
        let lines = [
            Event::Routing {
                release: run(),
                function: "checkout-api".into(),
                alias: "live".into(),
                weights: json!({"41": 95.0, "42": 5.0}),
            },
            Event::StageCanary { release: run(), stage: "a1b2c3d4e5/prod".into(), percent: 5.0 },
            Event::Gate(Box::new(look)),
        ]
        .map(|event| stream.line(at, &event));
        insta::assert_snapshot!("canary_events", lines.concat());
    }
}
