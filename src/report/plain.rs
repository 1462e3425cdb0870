//! Events as lines with the time in UTC, for logs: nothing is redrawn, nothing is said twice.

use jiff::Timestamp;

use super::text::seconds;
use crate::event::{Event, Outcome};

/// The lines for an event; empty when it says nothing to people.
pub(super) fn lines(at: Timestamp, event: &Event, verbose: bool) -> String {
    let time = at.strftime("%H:%M:%SZ");
    match event {
        Event::StepFinished { step, outcome, detail, ms, .. } => {
            format!("{time}  {:<9} {step:<11} {detail}  ({})\n", word(*outcome), seconds(ms / 1000))
        }
        Event::Waiting { what, max_s } => format!("{time}  waiting   for {what}, at most {}\n", seconds(*max_s)),
        Event::Retry { api, resource, why, .. } => format!("{time}  looking   {api} on {resource}: {why}\n"),
        Event::RollingBack { why, .. } => format!("{time}  ↩ going back: {why}\n"),
        Event::RolledBack { verified, now, .. } => {
            let head = if *verified { "✔ back as before, read back" } else { "✖ NOT everything is as before" };
            let mut lines = format!("{time}  {head}\n");
            lines.extend(now.iter().map(|line| format!("{time}    {line}\n")));
            lines
        }
        Event::Interrupted { signal } => format!("{time}  {signal}: stopping after the present call\n"),
        Event::StepStarted { step, .. } if verbose => format!("{time}  begins    {step}\n"),
        Event::AwsWrite { api, resource, result, .. } if verbose => {
            format!("{time}  wrote     {api} {resource} {result}\n")
        }
        _ => String::new(),
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
        let line = lines("2026-11-21T14:00:09Z".parse().unwrap(), &event, false);
        assert_eq!(line, "14:00:09Z  ✔ done    alias       checkout-api:live → v42 (100%)  (1 s)\n");
    }
}
