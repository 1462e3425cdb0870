//! A release whose credentials are gone: nothing can be read or written, and the message is all that is left.

use std::collections::BTreeMap;

use super::Engine;
use crate::aws::Aws;
use crate::change::Change;
use crate::clock::Clock;
use crate::journal::{Entry, Journal};
use crate::model::Percent;
use crate::problem::{Code, Problem};
use crate::step::StepKind;

/// Whether a failure is one of the credentials: whatever is sent next fails for it, too.
pub(super) fn is_keyless(code: Code) -> bool {
    matches!(code, Code::ExpiredCredentials | Code::NoCredentials)
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// A release that cannot be taken back for want of credentials: what is said, and what is true now.
    pub(super) fn without_keys(&self, problem: Problem, gone: &Problem, now: Vec<String>) -> (Problem, Vec<String>) {
        let mut problem = problem;
        if is_keyless(problem.code) {
            problem.what.push_str(&self.since_the_canary());
        } else {
            problem.why.push(format!("then the way back failed: {}", gone.what));
            problem.why.extend(gone.why.iter().take(1).cloned());
            problem.fix.extend(gone.fix.iter().cloned());
        }
        let mut all = vec!["NOT as before: nothing can be read or written any more".to_owned()];
        all.extend(now);
        all.extend(self.last_known());
        all.push("nobody watches it".to_owned());
        (problem, all)
    }

    /// `, 41 min into the canary`
    fn since_the_canary(&self) -> String {
        let begun = self.begun.borrow().get(&StepKind::Canary).map(|(since, _)| *since);
        let passed = begun.map(|since| self.clock.now().duration_since(since).as_secs());
        match passed {
            Some(s @ 0..60) => format!(", {s} s into the canary"),
            Some(s) => format!(", {} min into the canary", s / 60),
            None => String::new(),
        }
    }

    /// How the aliases were when this process last read them.
    fn last_known(&self) -> Vec<String> {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        let mut announced: Option<(String, String)> = None;
        for line in &self.lines() {
            match &line.entry {
                Entry::Intent { change: change @ Change::Alias { want, .. }, .. } => {
                    let more = want.weights.iter().map(|(v, share)| format!(", v{v} {}", Percent::of_share(*share)));
                    let routing = format!("{}{}", want.version.label(), more.collect::<String>());
                    announced = Some((change.subject(), routing));
                }
                Entry::Done { subject, .. } => {
                    let done = announced.take().filter(|(announced, _)| announced == subject);
                    let at = line.at.strftime("%H:%M:%SZ");
                    known.extend(done.map(|(subject, routing)| {
                        (subject.clone(), format!("last known ({at}): {subject} → {routing}"))
                    }));
                }
                _ => {}
            }
        }
        known.into_values().collect()
    }
}
