//! The evidence about one function.

use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::{Mixture, Pair, exposure, log_lr, log_lr_slo, log_lr_srm, logaddexp, ni_block};
use super::judge::Case;
use super::minute::{Row, Table};
use super::settings::Settings;

/// The newest minutes that the absolute limit is held against (judge §3.2).
const BREACH_MINUTES: u32 = 5;
/// The fewest failures in them that count.
const BREACH_ERRORS: f64 = 5.0;
/// A weight grows by more than this.
const WEIGHT_STEP: f64 = 1e-12;
/// The largest share of requests that an alternative of the absolute guard says fails (judge §3.2).
const THETA_MAX: f64 = 0.95;

/// Requests of one version, over the minutes in use.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Seen {
    /// Invocations.
    pub invocations: f64,
    /// Those that failed.
    pub errors: f64,
    /// For each threshold: those slower than it, in minutes that have reported it.
    pub slow: Vec<f64>,
}

impl Seen {
    fn add(&mut self, invocations: f64, errors: f64) {
        self.invocations += invocations;
        self.errors += errors;
    }
}

/// The evidence about one function. Logs are natural and of e-values: evidence of 1:20 is ln 20.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FunctionEvidence {
    /// The function.
    pub name: String,
    /// The canary fails more, or is slower.
    pub log_m: f64,
    /// The canary breaks the absolute limit where there is nothing to compare with.
    pub log_slo: f64,
    /// The canary's traffic does not report.
    pub log_srm: f64,
    /// The canary is not worse than the margin, from this step alone.
    pub log_n: f64,
    /// Each metric: its share of the comparison (0–1) and its log.
    pub parts: BTreeMap<String, (f64, f64)>,
    /// The absolute limit in force (0–0.9), if any.
    pub limit: Option<f64>,
    /// Either version broke it just now.
    pub breach: bool,
    /// The canary over the whole rollout.
    pub canary: Seen,
    /// The baseline over the whole rollout.
    pub baseline: Seen,
    /// Both over the last five minutes in use.
    pub lately: (Seen, Seen),
    /// Requests of the canary in this step.
    pub in_step: f64,
    /// Requests of the canary that the weights let expect from the baseline's, in minutes that are fully reported.
    pub expected: f64,
    /// Those of them that reported.
    pub reported: f64,
}

/// Looks at one table at one moment.
pub(super) struct View<'a> {
    case: &'a Case<'a>,
    table: &'a Table,
    horizon: u32,
    step_horizon: u32,
    /// Minutes 0 to `used` − 1 are used.
    used: u32,
    /// Those that are walked: the rest neither has data nor moves wealth.
    span: u32,
    limit: Option<f64>,
}

impl<'a> View<'a> {
    pub fn new(case: &'a Case<'a>, table: &'a Table) -> Self {
        let settings = case.settings;
        let used = case.used(table);
        let total: f64 = case.steps.iter().map(|step| dwell(step.dwell)).sum();
        let horizon = minutes(total * settings.horizon_factor);
        let step_horizon = minutes(case.dwell() * settings.horizon_factor);
        let last = table.minutes.last_key_value().map_or(0, |(minute, _)| minute.saturating_add(1));
        let moving = horizon.max(case.step_start.saturating_add(step_horizon)).max(last);
        let limit = settings.slo.map(|slo| table.history.limit(slo));
        Self { case, table, horizon, step_horizon, used, span: used.min(moving), limit }
    }

    fn settings(&self) -> &'a Settings {
        self.case.settings
    }

    fn row(&self, minute: u32) -> Option<Row<'a>> {
        self.table.minutes.get(&minute).and_then(Row::of)
    }

    fn rows(&self) -> impl Iterator<Item = (u32, Option<Row<'a>>)> {
        (0..self.span).map(|minute| (minute, self.row(minute)))
    }

    fn mixture(&self, alternatives: usize) -> Mixture {
        Mixture::new(alternatives, self.settings().start_now, self.horizon)
    }

    /// All evidence.
    pub fn evidence(&self) -> FunctionEvidence {
        let mut parts = BTreeMap::new();
        let slow = self.table.slow_thresholds_ms.len();
        let w_err = if slow == 0 { 1.0 } else { self.settings().w_err };
        parts.insert("errors".to_owned(), (w_err, self.log_errors()));
        for threshold in 0..slow {
            parts.insert(format!("slow{threshold}"), ((1.0 - w_err) / slow as f64, self.log_slow(threshold)));
        }
        let share = |(weight, log): &(f64, f64)| if *weight > 0.0 { weight.ln() + log } else { f64::NEG_INFINITY };
        let mut evidence = FunctionEvidence {
            name: self.table.name.clone(),
            log_m: parts.values().map(share).fold(f64::NEG_INFINITY, logaddexp),
            log_slo: self.log_slo(),
            log_srm: self.log_srm(),
            log_n: self.log_n(),
            parts,
            limit: self.limit,
            ..FunctionEvidence::default()
        };
        self.count(&mut evidence);
        evidence
    }

    /// Whether the weight is the minute's exposure (judge §3.1).
    fn is_thin(&self, minute: u32, row: &Row<'_>) -> bool {
        let settings = self.settings();
        row.canary + row.baseline < settings.low_volume
            && self.table.history.per_minute() < settings.low_volume
            && u64::from(self.case.now) > u64::from(minute) + u64::from(settings.full_settle)
    }

    fn add_pair(&self, mixture: &mut Mixture, minute: u32, row: &Row<'_>, events: (f64, f64), rho: f64) {
        let thin = self.is_thin(minute, row);
        let (e_canary, e_baseline) = exposure(row.canary, row.baseline, row.weight, thin);
        let pair = Pair { x_canary: events.0, e_canary, x_baseline: events.1, e_baseline };
        mixture.add(|at| log_lr(&pair, rho, rho * self.settings().grid[at]));
    }

    fn log_errors(&self) -> f64 {
        let mut mixture = self.mixture(self.settings().grid.len());
        for (minute, row) in self.rows() {
            match row {
                Some(row) => {
                    let events = (row.canary_errors, row.baseline_errors);
                    self.add_pair(&mut mixture, minute, &row, events, self.settings().rho_err);
                }
                None => mixture.add(|_| 0.0),
            }
        }
        mixture.log_e()
    }

    /// Slow requests; the minutes after a rise of the weight are warm-up.
    fn log_slow(&self, threshold: usize) -> f64 {
        let mut mixture = self.mixture(self.settings().grid.len());
        let (mut weight, mut warm) = (0.0, 0);
        for (minute, row) in self.rows() {
            if let Some(row) = row.filter(|row| row.weight > weight + WEIGHT_STEP) {
                weight = row.weight;
                warm = minute.saturating_add(self.settings().warmup_slow);
            }
            match row.filter(|_| minute >= warm).and_then(|row| row.slow(threshold).map(|slow| (row, slow))) {
                Some((row, slow)) => self.add_pair(&mut mixture, minute, &row, slow, self.settings().rho_slow),
                None => mixture.add(|_| 0.0),
            }
        }
        mixture.log_e()
    }

    /// Whether there is nothing to compare with, and nothing to come.
    fn is_alone(&self, minute: u32, row: &Row<'_>) -> bool {
        let old = u64::from(self.case.now) > u64::from(minute) + u64::from(self.settings().settle_alone);
        row.baseline == 0.0 && (old || row.weight >= 1.0)
    }

    /// The absolute limit, in minutes with nothing to compare with.
    fn log_slo(&self) -> f64 {
        let Some(limit) = self.limit else { return 0.0 };
        let grid = &self.settings().slo_grid;
        let mut mixture = self.mixture(grid.len());
        for (minute, row) in self.rows() {
            let alone = row.filter(|row| self.is_alone(minute, row));
            mixture.add(|at| {
                let theta = (limit * grid[at]).min(THETA_MAX);
                alone.map_or(0.0, |row| log_lr_slo(row.canary_errors, row.canary, limit, theta))
            });
        }
        mixture.log_e()
    }

    /// Rows of fully reported minutes; `None` where nothing is known or the weight has just changed.
    fn steady(&self) -> impl Iterator<Item = Option<Row<'a>>> {
        let last = self.case.now.saturating_sub(self.settings().full_settle);
        let mut before = None;
        self.rows().take_while(move |(minute, _)| *minute < last).map(move |(_, row)| {
            let steady = row.filter(|row| before == Some(row.weight) && row.weight < 1.0);
            before = row.map(|row| row.weight).or(before);
            steady
        })
    }

    /// Missing traffic of the canary.
    fn log_srm(&self) -> f64 {
        let settings = self.settings();
        let mut mixture = self.mixture(settings.srm_grid.len());
        for row in self.steady() {
            mixture.add(|at| {
                let f = settings.srm_grid[at];
                row.map_or(0.0, |row| log_lr_srm(row.canary, row.baseline, row.weight, settings.srm_null, f))
            });
        }
        mixture.log_e()
    }

    /// Non-inferiority, from the minutes of this step; earlier ones predict the rate.
    fn log_n(&self) -> f64 {
        let settings = self.settings();
        let mut mixture = Mixture::new(1, settings.start_now, self.step_horizon);
        let usual = settings.hist_weight * self.table.history.error_rate();
        let (mut errors, mut all) = (0.0, 0.0);
        for (minute, row) in self.rows() {
            let p = (errors + usual) / (all + settings.hist_weight);
            let pair =
                row.map_or(Pair { x_canary: 0.0, e_canary: 0.0, x_baseline: 0.0, e_baseline: 0.0 }, |row| Pair {
                    x_canary: row.canary_errors,
                    e_canary: row.canary,
                    x_baseline: row.baseline_errors,
                    e_baseline: row.baseline,
                });
            if minute >= self.case.step_start {
                mixture.add(|_| ni_block(&pair, p, settings.delta));
            }
            errors += pair.x_canary + pair.x_baseline;
            all += pair.e_canary + pair.e_baseline;
        }
        mixture.log_e()
    }

    /// Fills in what was counted.
    fn count(&self, evidence: &mut FunctionEvidence) {
        let slow = self.table.slow_thresholds_ms.len();
        (evidence.canary.slow, evidence.baseline.slow) = (vec![0.0; slow], vec![0.0; slow]);
        for (minute, row) in self.rows() {
            let Some(row) = row else { continue };
            evidence.canary.add(row.canary, row.canary_errors);
            evidence.baseline.add(row.baseline, row.baseline_errors);
            for at in 0..slow {
                let (canary, baseline) = row.slow(at).unwrap_or_default();
                evidence.canary.slow[at] += canary;
                evidence.baseline.slow[at] += baseline;
            }
            if minute >= self.case.step_start {
                evidence.in_step += row.canary;
            }
            if minute.saturating_add(BREACH_MINUTES) >= self.used {
                evidence.lately.0.add(row.canary, row.canary_errors);
                evidence.lately.1.add(row.baseline, row.baseline_errors);
            }
        }
        for row in self.steady().flatten() {
            evidence.expected += row.baseline * row.weight / (1.0 - row.weight);
            evidence.reported += row.canary;
        }
        let broken = |seen: &Seen, limit: f64| seen.errors >= BREACH_ERRORS && seen.errors > limit * seen.invocations;
        evidence.breach =
            self.limit.is_some_and(|limit| broken(&evidence.lately.0, limit) || broken(&evidence.lately.1, limit));
    }
}

/// A dwell that can be counted with.
pub(super) fn dwell(minutes: f64) -> f64 {
    if minutes.is_finite() { minutes.max(0.0) } else { 0.0 }
}

/// Whole minutes of a horizon, at least 2, rounded as the reference does. Out of range saturates.
fn minutes(value: f64) -> u32 {
    value.round_ties_even().max(2.0) as u32
}
