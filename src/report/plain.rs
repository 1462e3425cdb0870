//! Events as lines with the time in UTC, for logs: nothing is redrawn, nothing is said twice.

use jiff::Timestamp;

use super::Board;
use super::rollback_text;
use super::text::seconds;
use crate::event::{Event, Outcome};
use crate::gate::Verdict;

/// The lines for an event; empty when it says nothing to people.
pub(super) fn lines(at: Timestamp, event: &Event, board: &Board, verbose: bool) -> String {
    let time = at.strftime("%H:%M:%SZ");
    match event {
        Event::StepFinished { step, outcome, detail, ms, .. } => {
            format!("{time}  {:<9} {step:<11} {detail}  ({})\n", word(*outcome), seconds(ms / 1000))
        }
        Event::Waiting { what, max_s } => format!("{time}  waiting   for {what}, at most {}\n", seconds(*max_s)),
        Event::Retry { api, resource, why, .. } => format!("{time}  looking   {api} on {resource}: {why}\n"),
        Event::RollingBack { why, .. } => format!("{time}  ↩ going back: {why}\n"),
        Event::RolledBack { verified, now, ms, took_ms, .. } => {
            let lines = rollback_text::done(*verified, now, took_ms, *ms).into_iter();
            lines.map(|line| format!("{time}  {line}\n")).collect()
        }
        Event::Interrupted { signal, asks } => format!("{time}  {}\n", interrupted(signal, *asks, board)),
        Event::GatePassed { percent, reason, .. } => {
            format!("{time}  let pass  the gate at {}%: {reason}\n", super::board::number(*percent))
        }
        Event::Routing { .. } | Event::StageCanary { .. } => {
            board.traffic_line(event).map_or_else(String::new, |line| format!("{time}  traffic   {line}\n"))
        }
        Event::Gate(look) if board.is_news(look) => {
            let mut lines = format!("{time}  canary    {}\n", board.look_line(look));
            if !matches!(look.verdict, Verdict::Pending | Verdict::Pass) {
                lines += &format!("{time}            {}\n", look.sentence);
            }
            lines
        }
        Event::StepStarted { step, .. } if verbose => format!("{time}  begins    {step}\n"),
        Event::AwsWrite { api, resource, result, .. } if verbose => {
            format!("{time}  wrote     {api} {resource} {result}\n")
        }
        _ => String::new(),
    }
}

/// The line that says that it still goes on.
pub(super) fn beat(now: Timestamp, until: Timestamp, board: &Board) -> String {
    let (time, next) = (now.strftime("%H:%M:%SZ"), until.strftime("%H:%M:%SZ"));
    let traffic = board.now();
    let traffic = if traffic.is_empty() { String::new() } else { format!("  {traffic}") };
    format!("{time}  still on it, next look {next}{traffic}\n")
}

/// What a signal does, in words.
pub(super) fn interrupted(signal: &str, asks: bool, board: &Board) -> String {
    if board.goes_back {
        format!("{signal}: the way back goes on; once more stops it where it is")
    } else if asks {
        "Ctrl-C: holding after the present call; once more leaves everything as it is".to_owned()
    } else {
        format!("{signal}: stopping after the present call")
    }
}

/// How a step ended, with its symbol.
pub(super) const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "✔ done",
        Outcome::Unchanged => "= as is",
        Outcome::Skipped => "· skipped",
        Outcome::Failed => "✖ FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Decision;
    use crate::metrics::{FunctionLook, GateLook, VersionLook};
    use crate::model::RunId;
    use crate::step::StepKind;

    #[test]
    fn a_finished_step_is_one_line_with_symbol_word_and_time() {
        let event = Event::StepFinished {
            release: RunId::new(1, 1),
            step: StepKind::Alias,
            outcome: Outcome::Ok,
            detail: "checkout-api:live → v42 (100%)".into(),
            ms: 1_200,
        };
        let line = lines("2026-11-21T14:00:09Z".parse().unwrap(), &event, &Board::default(), false);
        assert_eq!(line, "14:00:09Z  ✔ done    alias       checkout-api:live → v42 (100%)  (1 s)\n");
    }

    #[test]
    fn traffic_and_looks_are_one_line_each_and_none_is_said_twice() {
        let told = |events: &[(&str, Event)]| {
            let mut board = Board::default();
            let mut text = String::new();
            for (at, event) in events {
                text += &lines(at.parse().unwrap(), event, &board, false);
                board.hear("2026-11-21T14:00:00Z".parse().unwrap(), event);
            }
            text
        };
        let routing = |weights| Event::Routing {
            release: RunId::new(1, 1),
            function: "checkout-api".into(),
            alias: "live".into(),
            weights,
        };
        let side =
            |invocations, errors| VersionLook { invocations, errors, p99_ms: Some(441.3), ..VersionLook::default() };
        let look = |minute: &str, elapsed_s, invocations, verdict| {
            Event::Gate(Box::new(GateLook {
                release: RunId::new(1, 1),
                step: 1,
                steps: 3,
                percent: 5.0,
                elapsed_s,
                bake_s: 600,
                up_to: minute.parse().unwrap(),
                verdict,
                decision: Decision::Continue,
                reason: "going-on".into(),
                sentence: "errors: canary 81 of 2710 (2.99 %), stable 11 of 51000 (0.02 %); evidence 1:900".into(),
                evidence_worse: 0.0,
                evidence_no_worse: 0.0,
                functions: vec![FunctionLook {
                    function: "checkout-api".into(),
                    stable: side(51_000, 110),
                    canary: side(invocations, 6),
                }],
                alarms_raised: Vec::new(),
                alarms_red_before: Vec::new(),
            }))
        };
        let text = told(&[
            ("2026-11-21T14:14:11Z", routing(serde_json::json!({"41": 100.0}))),
            ("2026-11-21T14:14:12Z", routing(serde_json::json!({"41": 95.0, "42": 5.0}))),
            ("2026-11-21T14:14:13Z", routing(serde_json::json!({"41": 95.0, "42": 5.0}))),
            ("2026-11-21T14:16:05Z", look("2026-11-21T14:16:00Z", 113, 1_402, Verdict::Pending)),
            ("2026-11-21T14:16:20Z", look("2026-11-21T14:16:00Z", 128, 1_410, Verdict::Pending)),
            ("2026-11-21T14:17:12Z", look("2026-11-21T14:17:00Z", 180, 2_710, Verdict::Pass)),
            ("2026-11-21T14:18:05Z", look("2026-11-21T14:18:00Z", 233, 3_110, Verdict::Fail)),
            ("2026-11-21T14:18:06Z", routing(serde_json::json!({"41": 100.0}))),
        ]);
        insta::assert_snapshot!("canary_lines", text);
    }
}
