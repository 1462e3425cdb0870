//! The protocol as a state machine: a line in, an answer out.

use serde_json::{Map, Value, json};

use super::fields::{BadLine, Wrong};
use super::line::{Header, Line, News, Row};
use crate::gate::judge::{Case, Decision, Judgement, judge};
use crate::gate::minute::Table;
use crate::gate::settings::BadSetting;
use crate::gate::wishes::Wishes;

/// What a line is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// More lines are needed first.
    Wait,
    /// The tick is complete.
    Judged(Box<Judgement>),
}

impl Answer {
    /// The answer as one line of JSON, without its end.
    pub fn line(&self) -> String {
        match self {
            Self::Wait => json!({"verdict": "continue"}).to_string(),
            Self::Judged(judgement) => Value::Object(fields(judgement)).to_string(),
        }
    }
}

/// A judgement as the fields of an answer.
pub(super) fn fields(judgement: &Judgement) -> Map<String, Value> {
    let all = [
        ("verdict", json!(judgement.decision)),
        ("reason", json!(judgement.reason.to_string())),
        ("log_m", json!(judgement.log_m)),
        ("log_slo", json!(judgement.log_slo)),
        ("log_srm", json!(judgement.log_srm)),
        ("log_n", json!(judgement.log_n)),
        ("parts", json!(judgement.parts)),
        ("function", json!(judgement.attribution)),
        ("says", json!(judgement.sentence)),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A rollout as far as its lines have told it.
#[derive(Debug, Clone, Default)]
pub struct Session {
    wishes: Wishes,
    line: usize,
    rollout: Option<Header>,
    step: usize,
    step_start: u32,
    now: u32,
    holds: Vec<String>,
}

impl Session {
    /// A session before its first line. `wishes` win over the header's `config`.
    pub fn new(wishes: Wishes) -> Self {
        Self { wishes, ..Self::default() }
    }

    /// Takes a line; `None` for an empty one.
    ///
    /// # Errors
    /// A line that is not JSON, or lacks what it must have; the session is as before.
    pub fn take(&mut self, text: &str) -> Result<Option<Answer>, BadLine> {
        self.take_and(text, |_| Ok(()))
    }

    /// As [`Session::take`]; when the line completes a tick, `look` sees its case before it is judged.
    ///
    /// # Errors
    /// Also what `look` says.
    pub fn take_and(
        &mut self,
        text: &str,
        look: impl FnOnce(&Case<'_>) -> Result<(), BadSetting>,
    ) -> Result<Option<Answer>, BadLine> {
        self.line += 1;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let line = self.line;
        let answer = Line::parse(text).and_then(|parsed| match parsed {
            Line::Header(header) => self.begin(header),
            Line::Row(row) => {
                self.observe(row).and_then(|complete| if complete { self.judge(look) } else { Ok(Answer::Wait) })
            }
        });
        answer.map(Some).map_err(|wrong| wrong.at(line))
    }

    fn begin(&mut self, mut header: Header) -> Result<Answer, Wrong> {
        header.settings = self.wishes.apply(header.settings)?;
        self.rollout = Some(header);
        (self.step, self.step_start, self.now) = (0, 0, 0);
        self.holds.clear();
        Ok(Answer::Wait)
    }

    /// Whether the tick is complete.
    fn observe(&mut self, row: Row) -> Result<bool, Wrong> {
        let rollout = self.rollout.as_mut().ok_or_else(|| Wrong::line("comes before the start line"))?;
        if row.step.is_some_and(|(step, _)| step >= rollout.steps.len()) {
            let rule = format!("must be below {}, the number of steps below 100 %", rollout.steps.len());
            return Err(Wrong { field: Some("step".into()), rule });
        }
        if let Some(news) = row.news {
            table_of(&mut rollout.tables, &news)?.minutes.insert(news.minute, news.numbers);
        }
        (self.step, self.step_start) = row.step.unwrap_or((self.step, self.step_start));
        self.holds.extend(row.holds);
        self.now = row.now;
        Ok(!row.more)
    }

    /// Judges the tick that is complete, and goes on as judged.
    fn judge(&mut self, look: impl FnOnce(&Case<'_>) -> Result<(), BadSetting>) -> Result<Answer, Wrong> {
        let Some(case) = self.case() else { return Ok(Answer::Wait) };
        look(&case)?;
        let (judgement, last) = (judge(&case), case.steps.len().saturating_sub(1));
        if judgement.decision == Decision::Promote {
            (self.step, self.step_start) = ((self.step + 1).min(last), self.now);
        }
        self.holds.clear();
        Ok(Answer::Judged(Box::new(judgement)))
    }

    /// What the next verdict depends on; `None` before the header.
    pub fn case(&self) -> Option<Case<'_>> {
        self.rollout.as_ref().map(|rollout| Case {
            settings: &rollout.settings,
            steps: &rollout.steps,
            step: self.step,
            step_start: self.step_start,
            now: self.now,
            tables: &rollout.tables,
            holds: &self.holds,
            min_invocations: rollout.min_invocations,
        })
    }
}

/// The table that takes these numbers.
fn table_of<'a>(tables: &'a mut [Table], news: &News) -> Result<&'a mut Table, Wrong> {
    let News { function, numbers, slow_unknown, .. } = news;
    let table = match function {
        None if tables.len() == 1 => tables.first_mut(),
        None => None,
        Some(name) => tables.iter_mut().find(|table| table.name == *name),
    };
    let rule = "must be one of the header's `functions`";
    let table = table.ok_or_else(|| Wrong { field: Some("function".into()), rule: rule.into() })?;
    for (version, counts) in [("canary", &numbers.canary), ("baseline", &numbers.baseline)] {
        if counts.slow.len() < table.slow_thresholds_ms.len() && !slow_unknown.contains(&version) {
            let rule = format!("must have {} numbers, one for each threshold", table.slow_thresholds_ms.len());
            return Err(Wrong { field: Some(format!("{version}_slow")), rule });
        }
    }
    Ok(table)
}
