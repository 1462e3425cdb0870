//! What a canary is judged by: the metrics of both versions in the same minutes, the stage's own, alarms. What is asked
//! of CloudWatch and what the answers say is declared here and pure; the engine fetches.

mod look;
mod series;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use look::{FunctionLook, GateLook, VersionLook};
pub use series::{Arm, Count, Past};

use crate::aws::noun::{AlarmState, AlarmValue, MetricQuery, MetricSeries};
use crate::gate::{Counts, History, Minute, Table};
use crate::model::shift::floor;
use crate::model::{FunctionName, Percent, Shift, StageName};
use series::{Answers, HISTORY_PERIOD_S};

/// How far back the live version is looked at, minutes (judge §2.5: 3–24 h).
pub const HISTORY_MINUTES: u32 = 180;
/// What is younger may change yet: a function runs for up to 15 minutes and is counted where it began, and metrics are
/// published minutes late (judge §2.3). Minutes.
const HISTORY_SETTLED_MINUTES: i64 = 20;
/// Queries that one call takes (quotas.toml).
pub const QUERIES_MAX: usize = 500;
/// Alarm names that one call takes (quotas.toml).
pub const ALARM_NAMES_MAX: usize = 100;
/// How many of the newest minutes that are looked at show whether something is too high now.
const RECENT_MINUTES: u32 = 5;
/// Durations and invocations of a minute may differ by one part of so many: far less than the slowness that is tolerated.
const TIMED_PARTS: u64 = 50;
/// Minutes after which durations and calls of a minute are published nearly always (judge §2.3).
const TIMED_AFTER_MINUTES: u32 = 2;
/// So many settled minutes of a canary without usable durations are no accident.
const UNTIMED_MIN: usize = 3;
/// Fewer failures than this are no rate.
const FAILURES_MIN: u64 = 5;

/// One function of a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The candidate's invocations.
    pub candidate: Arm,
    /// The stable version's, in the same minutes.
    pub stable: Arm,
    /// The alias before the release.
    pub past: Arm,
}

/// What CloudWatch names an API by (aws-semantics §8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiMetrics {
    /// A REST API, by its name.
    Rest {
        /// The name; it need not be unique.
        name: String,
    },
    /// An HTTP API, by its id.
    Http {
        /// The id.
        id: String,
    },
}

/// The stage whose answers are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSeries {
    /// The API.
    pub api: ApiMetrics,
    /// The stage.
    pub stage: StageName,
}

/// The whole minutes from which the history is read. They end so long before `began` that nothing of them changes any
/// more: a gate that is restarted reads the same.
pub fn history_window(began: Timestamp) -> (Timestamp, Timestamp) {
    let settled = began.saturating_sub(SignedDuration::from_mins(HISTORY_SETTLED_MINUTES)).unwrap_or(began);
    let end = floor(settled, i64::from(HISTORY_PERIOD_S));
    (end.saturating_sub(SignedDuration::from_mins(i64::from(HISTORY_MINUTES))).unwrap_or(end), end)
}

/// What the history of the functions, and of the stage, is read from.
pub fn history_queries(arms: &[Arm], stage: Option<&StageSeries>, latency: bool) -> Vec<MetricQuery> {
    let mut queries: Vec<MetricQuery> = arms.iter().flat_map(|arm| series::history_queries(arm, latency)).collect();
    queries.extend(stage.iter().flat_map(|s| series::stage_queries(s, HISTORY_PERIOD_S)));
    queries
}

/// The functions and the stage before the release.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    /// In the order of the arms.
    pub functions: Vec<Past>,
    /// The stage's requests and 5XX answers.
    pub stage: (u64, u64),
}

/// Reads the answers to [`history_queries`].
pub fn read_history(answers: &[MetricSeries], functions: usize, stage: bool, latency: bool) -> Before {
    let mut answers = Answers(answers.iter());
    let functions = (0..functions).map(|_| series::read_history(&mut answers, latency)).collect();
    let by_period = if stage { series::read_stage(&mut answers) } else { BTreeMap::new() };
    let stage = by_period.values().fold((0, 0), |(n, x), (requests, failed)| (n + requests, x + failed));
    Before { functions, stage }
}

impl Past {
    /// For the gate.
    pub fn history(&self) -> History {
        let invocations = if self.is_paired() { self.count.samples } else { self.count.invocations };
        History { minutes: f64::from(HISTORY_MINUTES), invocations, errors: self.count.errors }
    }

    /// Whether errors and invocations are one series here: AWS writes one `Errors` sample for each invocation, other
    /// implementations may leave out the zeros (judge §2.4). Without traffic nothing is known, and that is not assumed.
    pub const fn is_paired(&self) -> bool {
        self.count.samples > 0 && self.count.samples == self.count.invocations
    }
}

/// What the minutes of the canary are read from.
pub fn minute_queries(pairs: &[Pair], before: &Before, stage: Option<&StageSeries>) -> Vec<MetricQuery> {
    let each = |(pair, past): (&Pair, &Past)| {
        [&pair.candidate, &pair.stable].map(|arm| series::minute_queries(arm, &past.thresholds_ms)).concat()
    };
    let mut queries: Vec<MetricQuery> = pairs.iter().zip(&before.functions).flat_map(each).collect();
    queries.extend(stage.iter().flat_map(|s| series::stage_queries(s, 60)));
    queries
}

/// p99 of the durations of one function in one minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowestMinute {
    /// The function.
    pub function: String,
    /// The minute, counted from the one in which the canary began.
    pub minute: u32,
    /// Of the candidate, ms; none = not published.
    pub canary_ms: Option<f64>,
    /// Of the stable version, ms; none = not published.
    pub stable_ms: Option<f64>,
}

/// What the calls of arms are counted from, minute by minute.
pub fn count_queries(arms: &[Arm]) -> Vec<MetricQuery> {
    arms.iter().flat_map(|arm| series::minute_queries(arm, &[])).collect()
}

/// Reads the answers to [`count_queries`]: sums, in the order of the arms.
pub fn read_counts(answers: &[MetricSeries], arms: usize) -> Vec<Count> {
    let mut answers = Answers(answers.iter());
    let sum = |counts: BTreeMap<Timestamp, Count>| {
        let all = |of: fn(&Count) -> u64| counts.values().map(of).sum();
        Count { errors: all(|c| c.errors), samples: all(|c| c.samples), invocations: all(|c| c.invocations) }
    };
    (0..arms).map(|_| sum(series::read_minutes(&mut answers, 0).counts)).collect()
}

/// The canary as CloudWatch shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    /// For the gate, in the order of the pairs.
    pub tables: Vec<Table>,
    /// Newest p99 of candidate and stable, ms, in the order of the pairs.
    pub p99: Vec<(Option<f64>, Option<f64>)>,
    /// p99 minute by minute.
    pub slowest: Vec<SlowestMinute>,
    /// Minute → requests and 5XX answers of the stage.
    pub stage: BTreeMap<u32, (u64, u64)>,
}

/// Reads the answers to [`minute_queries`].
pub fn read_minutes(
    answers: &[MetricSeries],
    pairs: &[Pair],
    before: &Before,
    stage: bool,
    shift: &Shift,
    weights: &[Percent],
) -> Shown {
    let mut answers = Answers(answers.iter());
    let mut shown = Shown::default();
    for (pair, past) in pairs.iter().zip(&before.functions) {
        let [candidate, stable] = [0, 1].map(|_| series::read_minutes(&mut answers, past.thresholds_ms.len()));
        shown.p99.push((newest(&candidate.p99), newest(&stable.p99)));
        shown.slowest.extend(slowest(&pair.candidate.function, shift, &candidate.p99, &stable.p99));
        let mut minutes: BTreeMap<u32, Minute> = BTreeMap::new();
        for at in candidate.counts.keys().chain(stable.counts.keys()) {
            let minute = shift.minute(*at);
            minutes.entry(minute).or_insert_with(|| Minute {
                weight: weight_of(minute, shift, weights),
                canary: counts(&candidate, at, past),
                baseline: counts(&stable, at, past),
            });
        }
        shown.tables.push(Table {
            name: pair.candidate.function.to_string(),
            history: past.history(),
            paired: past.is_paired(),
            slow_thresholds_ms: past.thresholds_ms.clone(),
            minutes,
        });
    }
    if stage {
        shown.stage = series::read_stage(&mut answers).into_iter().map(|(at, n)| (shift.minute(at), n)).collect();
    }
    shown
}

fn slowest(
    function: &FunctionName,
    shift: &Shift,
    candidate: &BTreeMap<Timestamp, f64>,
    stable: &BTreeMap<Timestamp, f64>,
) -> Vec<SlowestMinute> {
    let times: BTreeSet<&Timestamp> = candidate.keys().chain(stable.keys()).collect();
    let each = |at: &Timestamp| SlowestMinute {
        function: function.to_string(),
        minute: shift.minute(*at),
        canary_ms: candidate.get(at).copied(),
        stable_ms: stable.get(at).copied(),
    };
    times.into_iter().map(each).collect()
}

fn newest(points: &BTreeMap<Timestamp, f64>) -> Option<f64> {
    points.values().next_back().copied()
}

/// What one version did in a minute. One without requests had no slow ones: left out, minutes in which the candidate
/// happened to have none would not speak for it (judge §3.1). Where durations and invocations are not published equally
/// far, how many were slow of how many is unknown.
fn counts(minutes: &series::Minutes, at: &Timestamp, past: &Past) -> Counts {
    let count = minutes.counts.get(at).copied().unwrap_or_default();
    let invocations = if past.is_paired() { count.samples } else { count.invocations };
    let slow = match (minutes.timed.get(at), minutes.slow.get(at)) {
        (Some(timed), Some(slow)) if timed.abs_diff(invocations) * TIMED_PARTS <= invocations => slow.clone(),
        (None, _) if invocations == 0 => vec![0; past.thresholds_ms.len()],
        _ => Vec::new(),
    };
    Counts { invocations, errors: count.errors, slow }
}

/// The candidate's share in a minute; of a minute in which it rose, the larger one (judge §3.6).
fn weight_of(minute: u32, shift: &Shift, weights: &[Percent]) -> f64 {
    let begun = (0..=shift.step()).filter(|step| shift.minute(shift.began_step(*step)) <= minute).max().unwrap_or(0);
    weights.get(begun).copied().unwrap_or_default().share()
}

/// Why the stage's own answers forbid going on, if they do: more 5XX in the newest five minutes than the limit, and
/// than twice what was usual before the release.
pub fn stage_hold(shown: &Shown, before: (u64, u64), limit: Percent, now: u32) -> Option<String> {
    let used = now.saturating_sub(1);
    let recent = shown.stage.range(used.saturating_sub(RECENT_MINUTES)..used);
    let (requests, failed) = recent.fold((0, 0), |(n, x), (_, (requests, bad))| (n + requests, x + bad));
    let usual = if before.0 > 0 { 2.0 * before.1 as f64 / before.0 as f64 } else { 0.0 };
    let limit = limit.share().max(usual);
    let rate = failed as f64 / (requests.max(1)) as f64;
    (failed >= FAILURES_MIN && rate > limit).then(|| {
        format!(
            "the stage answered {failed} of {requests} requests with 5XX ({:.2} %, limit {:.2} %)",
            rate * 100.0,
            limit * 100.0
        )
    })
}

/// Why latency that is to be judged cannot be, if that is so: durations of the candidate or of the stable version never
/// fit the calls of the same minute.
pub fn latency_hold(shown: &Shown, now: u32) -> Option<String> {
    let untimed = |table: &&Table| {
        let settled = table.minutes.range(..now.saturating_sub(TIMED_AFTER_MINUTES)).map(|(_, minute)| minute);
        let mut called = settled.filter(|minute| minute.canary.invocations > 0 && minute.baseline.invocations > 0);
        let is_timed = |minute: &Minute| !minute.canary.slow.is_empty() && !minute.baseline.slow.is_empty();
        !table.slow_thresholds_ms.is_empty() && called.clone().count() >= UNTIMED_MIN && !called.any(is_timed)
    };
    let name = &shown.tables.iter().find(untimed)?.name;
    Some(format!("latency of {name} cannot be judged: in no minute do its durations fit its calls"))
}

/// What the alarms say about a canary that began at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Went to ALARM during the canary.
    pub raised: Vec<String>,
    /// Were in ALARM before it: not blamed on it.
    pub red_before: Vec<String>,
    /// Cannot tell.
    pub silent: Vec<String>,
    /// Named, and not there.
    pub missing: Vec<String>,
}

/// Sorts alarms by what they say. One in ALARM that does not say since when counts as raised.
pub fn read_alarms(names: &[String], states: &[AlarmState], began: Timestamp) -> Alarms {
    let mut alarms = Alarms::default();
    for name in names {
        let Some(state) = states.iter().find(|state| state.name == *name) else {
            alarms.missing.push(name.clone());
            continue;
        };
        match state.value {
            AlarmValue::Ok => {}
            AlarmValue::InsufficientData => alarms.silent.push(name.clone()),
            AlarmValue::Alarm if state.since.is_some_and(|since| since < began) => alarms.red_before.push(name.clone()),
            AlarmValue::Alarm => alarms.raised.push(name.clone()),
        }
    }
    alarms
}
