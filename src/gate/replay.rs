//! A recorded rollout, judged again under other settings.

use serde_json::{Value, json};

use super::interchange::{Answer, BadLine, Session};
use super::judge::{Case, Judgement, judge};
use super::wishes::Wishes;

/// One tick of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Whole minutes since the canary began.
    pub now: u32,
    /// The canary's share of traffic in the step, 0–1.
    pub weight: f64,
    /// Under the recorded settings.
    pub recorded: Judgement,
    /// Under the others.
    pub judged: Judgement,
}

impl Tick {
    /// Whether the two decide differently.
    pub fn differs(&self) -> bool {
        self.recorded.decision != self.judged.decision
    }

    /// The tick as one line of JSON, without its end.
    pub fn line(&self) -> String {
        let mut line = json!({"now": self.now, "weight": self.weight, "differs": self.differs()});
        if let (Value::Object(line), Value::Object(judged)) = (&mut line, object(&self.judged)) {
            line.extend(judged);
            let Judgement { decision, reason, .. } = &self.recorded;
            line.insert("recorded".into(), json!({"verdict": decision, "reason": reason.to_string()}));
        }
        line.to_string()
    }
}

fn object(judgement: &Judgement) -> Value {
    let line = Answer::Judged(Box::new(judgement.clone())).line();
    serde_json::from_str(&line).unwrap_or(Value::Null)
}

/// Judges every tick of a recording twice: under its own settings and under `wishes`. The rollout takes the course that
/// it took: steps begin where the recording says, or else where the recorded settings' own verdicts promote, because the
/// traffic of another course was never seen.
///
/// # Errors
/// The first line that cannot be used, and wishes that cannot.
pub fn replay(recording: &str, wishes: &Wishes) -> Result<Vec<Tick>, BadLine> {
    let mut session = Session::new(Wishes::default());
    let mut ticks = Vec::new();
    for text in recording.lines() {
        let mut other = None;
        let answer = session.take_and(text, |case| {
            let settings = wishes.apply(case.settings.clone())?;
            let weight = case.steps.get(case.step).map_or(0.0, |step| step.weight);
            other = Some((case.now, weight, judge(&Case { settings: &settings, ..*case })));
            Ok(())
        })?;
        if let (Some(Answer::Judged(recorded)), Some((now, weight, judged))) = (answer, other) {
            ticks.push(Tick { now, weight, recorded: *recorded, judged });
        }
    }
    Ok(ticks)
}
