//! Requests to the URL as clients send them: what they get now.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aws::noun::StageAnswer;

/// How many requests are sent: a canary of 10 % shows in 20 requests with 88 %.
pub const REQUESTS: usize = 20;
/// How much of an answer's text tells it from another, characters.
const TEXT: usize = 80;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Retest {
    /// How many requests were sent.
    pub requests: usize,
    /// Status → how often.
    pub statuses: BTreeMap<u16, usize>,
    /// Version that ran → how often, as far as answers carry `x-amz-executed-version`; most APIs do not pass it on.
    pub versions: BTreeMap<String, usize>,
    /// What error answers say → how often.
    pub errors: BTreeMap<String, usize>,
    /// Requests without an answer → how often.
    pub unanswered: BTreeMap<String, usize>,
}

impl Retest {
    /// Counts an answer, or why there was none.
    pub fn take(&mut self, answer: Result<StageAnswer, String>) {
        self.requests += 1;
        match answer {
            Ok(answer) => {
                *self.statuses.entry(answer.status).or_default() += 1;
                if let Some(version) = answer.executed_version {
                    *self.versions.entry(version).or_default() += 1;
                }
                if answer.status >= 400 {
                    *self.errors.entry(answer.body.chars().take(TEXT).collect()).or_default() += 1;
                }
            }
            Err(why) => *self.unanswered.entry(why).or_default() += 1,
        }
    }

    /// Whether a request failed: an answer of 500 or more, or none. What 4xx means only the API knows, but for 403 and
    /// 404 of API Gateway itself.
    pub fn failed(&self) -> bool {
        let gateways = ["Missing Authentication Token", "\"Forbidden\"", "\"Not Found\""];
        let own = self.errors.keys().any(|text| gateways.iter().any(|known| text.contains(known)));
        own || !self.unanswered.is_empty() || self.statuses.keys().any(|status| *status >= 500)
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let listed = |counts: &BTreeMap<String, usize>| {
            counts.iter().map(|(what, n)| format!("{n} × {what}")).collect::<Vec<_>>().join(", ")
        };
        let statuses: Vec<String> = self.statuses.iter().map(|(status, n)| format!("{n} × {status}")).collect();
        let mut lines = vec![format!("{} requests: {}", self.requests, statuses.join(", "))];
        if self.versions.is_empty() {
            lines.push("which version ran, the answers do not say".into());
        } else {
            lines.push(format!("versions: {}", listed(&self.versions)));
        }
        lines.extend(self.errors.iter().map(|(text, n)| format!("{n} × said {text}")));
        lines.extend(self.unanswered.iter().map(|(text, n)| format!("{n} × no answer: {text}")));
        lines
    }
}
