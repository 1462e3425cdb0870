//! What the gate was given and what it said, as the journal kept it: minutes for pictures, looks for a table.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::gate::interchange::Session;
use crate::gate::{Decision, Judgement, Verdict, Wishes, judge};
use crate::journal::{Entry, Line};
use crate::metrics::SlowestMinute;
use crate::model::shift::floor;

/// One version in one minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cell {
    /// Invocations.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
    /// p99 of the durations, ms.
    pub p99_ms: Option<f64>,
}

impl Cell {
    /// The share that failed, 0–1; none where nothing was called.
    pub fn error_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.errors.min(self.calls) as f64 / self.calls as f64)
    }
}

/// One minute of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Minute {
    /// When it began.
    pub at: Timestamp,
    /// The candidate's share of the traffic, 0–1.
    pub weight: f64,
    /// The version that served before.
    pub stable: Cell,
    /// The candidate.
    pub canary: Cell,
}

/// One function of the canary.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FunctionCourse {
    /// The function.
    pub name: String,
    /// Oldest first.
    pub minutes: Vec<Minute>,
    /// The absolute limit of the error rate, 0–1.
    pub limit: Option<f64>,
    /// The durations above which a request counts as slow, ms.
    pub slow_above_ms: Vec<f64>,
}

impl FunctionCourse {
    /// Sums over all minutes: stable and candidate.
    pub fn totals(&self) -> [Cell; 2] {
        let sum = |of: fn(&Minute) -> &Cell| {
            let add = |(calls, errors): (u64, u64), cell: &Cell| (calls + cell.calls, errors + cell.errors);
            let (calls, errors) = self.minutes.iter().map(of).fold((0, 0), add);
            let p99_ms = self.minutes.iter().filter_map(|minute| of(minute).p99_ms).reduce(f64::max);
            Cell { calls, errors, p99_ms }
        };
        [sum(|minute| &minute.stable), sum(|minute| &minute.canary)]
    }
}

/// Looks in a row that said the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Looks {
    /// The first one.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
    /// How many.
    pub count: u32,
    /// The step, from 1.
    pub step: usize,
    /// The candidate's share in it, 0–1.
    pub weight: f64,
    /// What was said.
    pub verdict: Verdict,
    /// What was to be done.
    pub decision: Decision,
    /// The function that it was about.
    pub about: Option<String>,
    /// Why, in one word.
    pub reason: String,
    /// Why, with the numbers of the last look.
    pub sentence: String,
}

/// The canary as its gate saw it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Judged {
    /// In the order of the target.
    pub functions: Vec<FunctionCourse>,
    /// Oldest first.
    pub looks: Vec<Looks>,
    /// How much worse the candidate's error rate may be for the proof that it is not worse, 0–1.
    pub gap: f64,
    /// Why a recording cannot be read to its end.
    pub broken: Option<String>,
}

impl Judged {
    /// Judges again what was recorded, under its own settings: the answers are those that the release acted on.
    pub fn of(lines: &[Line]) -> Self {
        let mut judged = Self::default();
        let mut session = Session::new(Wishes::default());
        let mut limits: BTreeMap<String, Option<f64>> = BTreeMap::new();
        let mut zero: Option<Timestamp> = None;
        let mut slowest: BTreeMap<(&str, u32), &SlowestMinute> = BTreeMap::new();
        for line in lines {
            let Entry::Evidence { lines: texts, p99 } = &line.entry else { continue };
            slowest.extend(p99.iter().map(|minute| ((minute.function.as_str(), minute.minute), minute)));
            for text in texts {
                let mut seen = None;
                let answer = session.take_and(text, |case| {
                    let weight = case.steps.get(case.step).map_or(0.0, |step| step.weight);
                    seen = Some((case.now, case.step + 1, weight, case.settings.delta, judge(case)));
                    Ok(())
                });
                if let Err(error) = answer {
                    judged.broken = Some(error.to_string());
                }
                let Some((now, step, weight, gap, judgement)) = seen else { continue };
                judged.gap = gap;
                let began = floor(line.at, 60).saturating_sub(SignedDuration::from_mins(now.into()));
                zero = zero.into_iter().chain(began.ok()).min();
                limits.extend(judgement.functions.iter().map(|f| (f.name.clone(), f.limit)));
                judged.look(line.at, step, weight, judgement);
            }
        }
        if let (Some(case), Some(zero)) = (session.case(), zero) {
            let course = |table: &crate::gate::Table| {
                let limit = limits.get(&table.name).copied().flatten();
                course(table, limit, zero, &slowest)
            };
            judged.functions = case.tables.iter().map(course).collect();
        }
        judged
    }

    fn look(&mut self, at: Timestamp, step: usize, weight: f64, judgement: Judgement) {
        let verdict = judgement.verdict();
        let Judgement { decision, reason, sentence, attribution: about, .. } = judgement;
        let reason = reason.to_string();
        match self.looks.last_mut() {
            Some(last)
                if (last.step, last.verdict, last.decision, &last.reason) == (step, verdict, decision, &reason) =>
            {
                (last.to, last.sentence, last.about) = (at, sentence, about);
                last.count += 1;
            }
            _ => self.looks.push(Looks {
                from: at,
                to: at,
                count: 1,
                step,
                weight,
                verdict,
                decision,
                about,
                reason,
                sentence,
            }),
        }
    }
}

fn course(
    table: &crate::gate::Table,
    limit: Option<f64>,
    zero: Timestamp,
    slowest: &BTreeMap<(&str, u32), &SlowestMinute>,
) -> FunctionCourse {
    let minute = |(number, minute): (&u32, &crate::gate::Minute)| {
        let p99 = slowest.get(&(table.name.as_str(), *number));
        let cell =
            |counts: &crate::gate::Counts, p99_ms| Cell { calls: counts.invocations, errors: counts.errors, p99_ms };
        Minute {
            at: zero.saturating_add(SignedDuration::from_mins(i64::from(*number))).unwrap_or(zero),
            weight: minute.weight,
            stable: cell(&minute.baseline, p99.and_then(|p99| p99.stable_ms)),
            canary: cell(&minute.canary, p99.and_then(|p99| p99.canary_ms)),
        }
    };
    FunctionCourse {
        name: table.name.clone(),
        minutes: table.minutes.iter().map(minute).collect(),
        limit,
        slow_above_ms: table.slow_thresholds_ms.iter().copied().filter(|ms| ms.is_finite()).collect(),
    }
}
