//! The decision (judge §3.5, several functions §3.8).

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::log_mean_exp;
use super::function::{FunctionEvidence, View, dwell};
use super::minute::{Step, Table};
use super::reason::Reason;
use super::says;
use super::settings::{BadSetting, OnInconclusive, Settings};

/// Everything that a verdict depends on.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The settings of the gate.
    pub settings: &'a Settings,
    /// The steps of the rollout; those at a weight of 1 count for the horizon, too.
    pub steps: &'a [Step],
    /// Which of them it is at.
    pub step: usize,
    /// The minute at whose beginning it began.
    pub step_start: u32,
    /// Whole minutes since the canary began.
    pub now: u32,
    /// The functions that are promoted together.
    pub tables: &'a [Table],
    /// What else forbids a promotion, in words: an alarm, failures of the stage.
    pub holds: &'a [String],
    /// Requests that the canaries must have served in this step, all functions together; 0 asks for none.
    pub min_invocations: u64,
}

impl Case<'_> {
    /// How long the step is meant to last, in minutes.
    pub(super) fn dwell(&self) -> f64 {
        self.steps.get(self.step).or(self.steps.last()).map_or(0.0, |step| dwell(step.dwell))
    }

    /// How many minutes of a table count: the newest ones are not settled.
    pub(super) fn used(&self, table: &Table) -> u32 {
        let settle = if table.paired { self.settings.settle } else { self.settings.settle_unpaired };
        self.now.saturating_sub(settle)
    }

    /// How long it has lasted.
    pub(super) fn elapsed(&self) -> f64 {
        f64::from(self.now.saturating_sub(self.step_start))
    }

    /// How long it may last.
    pub(super) fn longest(&self) -> f64 {
        let dwell = self.dwell();
        self.settings.max_extend.map_or(dwell * self.settings.max_dwell_factor, |extend| dwell + extend)
    }
}

/// What to do now, in the words of the interchange format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Stay: the step is not over.
    Continue,
    /// Stay on purpose: something forbids the promotion, or the dwell is over without proof.
    Hold,
    /// Go to the next step.
    Promote,
    /// All traffic back to the stable version.
    Rollback,
    /// The step has lasted as long as it may: stop and ask.
    Inconclusive,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Continue => "continue",
            Self::Hold => "hold",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// What is said of the canary to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is decided yet.
    Pending,
    /// Proven not to be worse than the margin.
    Pass,
    /// Worse.
    Fail,
    /// Neither is proven.
    Inconclusive,
    /// It could not be judged.
    Error,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        })
    }
}

/// What the gate says. Logs are natural, finite, and of e-values: ln 20 is evidence of 1:20.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What to do.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// Everything that forbids a promotion now, the reason first.
    pub blockers: Vec<Reason>,
    /// The canary fails more, or is slower.
    pub log_m: f64,
    /// The canary breaks the absolute limit where there is nothing to compare with.
    pub log_slo: f64,
    /// The canary's traffic does not report.
    pub log_srm: f64,
    /// The canary is not worse than the margin: of the function where the proof is weakest.
    pub log_n: f64,
    /// The logs of the metrics: `errors`, `slow0`, …
    pub parts: BTreeMap<String, f64>,
    /// Every function is proven not to be worse than the margin.
    pub proven: bool,
    /// The function that the reason is about.
    pub attribution: Option<String>,
    /// The evidence about each.
    pub functions: Vec<FunctionEvidence>,
    /// The reason in one sentence with its numbers, without a full stop.
    pub sentence: String,
}

impl Judgement {
    /// The verdict that the decision amounts to. A promotion without proof is inconclusive.
    pub fn verdict(&self) -> Verdict {
        match (self.decision, &self.reason) {
            (_, Reason::BadSettings(_)) => Verdict::Error,
            (Decision::Promote, Reason::Unproven) | (Decision::Inconclusive, _) => Verdict::Inconclusive,
            (Decision::Promote, _) => Verdict::Pass,
            (Decision::Rollback, _) => Verdict::Fail,
            (Decision::Continue | Decision::Hold, _) => Verdict::Pending,
        }
    }

    fn unusable(bad: &BadSetting) -> Self {
        Self {
            decision: Decision::Inconclusive,
            reason: Reason::BadSettings(bad.to_string()),
            blockers: Vec::new(),
            log_m: 0.0,
            log_slo: 0.0,
            log_srm: 0.0,
            log_n: 0.0,
            parts: BTreeMap::new(),
            proven: false,
            attribution: None,
            functions: Vec::new(),
            sentence: format!("the settings of the gate cannot be used: {bad}"),
        }
    }
}

/// What the evidence must reach, as logs (judge §3.5).
#[derive(Debug, Clone, Copy)]
pub(super) struct Bars {
    pub comparison: f64,
    pub slo: f64,
    pub srm: f64,
    pub proof: f64,
}

impl Bars {
    pub fn of(settings: &Settings) -> Self {
        let slo = if settings.slo.is_some() { settings.alpha * settings.alpha_slo_share } else { 0.0 };
        let srm = settings.alpha * settings.alpha_srm_share;
        Self {
            comparison: -(settings.alpha - slo - srm).ln(),
            slo: -slo.ln(),
            srm: -srm.ln(),
            proof: -settings.beta.ln(),
        }
    }
}

/// The evidence about all functions together.
pub(super) struct Whole<'a> {
    pub case: &'a Case<'a>,
    pub bars: Bars,
    pub functions: &'a [FunctionEvidence],
    pub log_m: f64,
    pub log_slo: f64,
    pub log_srm: f64,
    pub log_n: f64,
}

impl<'a> Whole<'a> {
    fn of(case: &'a Case<'a>, functions: &'a [FunctionEvidence]) -> Self {
        let mean = |log: fn(&FunctionEvidence) -> f64| log_mean_exp(functions.iter().map(log));
        Self {
            case,
            bars: Bars::of(case.settings),
            functions,
            log_m: mean(|f| f.log_m),
            log_slo: mean(|f| f.log_slo),
            log_srm: mean(|f| f.log_srm),
            log_n: functions.iter().map(|f| f.log_n).reduce(f64::min).unwrap_or(0.0),
        }
    }

    /// Evidence against the canary that comes gradually.
    fn against(&self) -> f64 {
        self.log_m.max(self.log_srm)
    }

    fn proven(&self) -> bool {
        !self.functions.is_empty() && self.log_n >= self.bars.proof
    }

    /// Why all traffic must go back, if so.
    fn guilt(&self) -> Option<Reason> {
        if self.log_m >= self.bars.comparison {
            return Some(self.worst_metric());
        }
        if self.log_slo >= self.bars.slo {
            return Some(Reason::Slo);
        }
        (self.log_srm >= self.bars.srm).then_some(Reason::TrafficMissing)
    }

    /// The metric with the largest weighted share.
    fn worst_metric(&self) -> Reason {
        let all = self.functions.iter().flat_map(|f| &f.parts).filter(|(_, (weight, _))| *weight > 0.0);
        let share = |weight: &f64, log: &f64| weight.ln() + log;
        let mut worst: Option<(&str, f64)> = None;
        for (name, (weight, log)) in all {
            if worst.is_none_or(|(_, most)| share(weight, log) > most) {
                worst = Some((name, share(weight, log)));
            }
        }
        Reason::of_metric(worst.map_or("errors", |(name, _)| name))
    }

    /// Everything that forbids a promotion.
    fn blockers(&self) -> Vec<Reason> {
        let settings = self.case.settings;
        let least = f64::from(settings.min_canary);
        let served: f64 = self.functions.iter().map(|f| f.in_step).sum();
        let guilty_alone = |f: &FunctionEvidence| f.log_m >= self.bars.comparison || f.log_srm >= self.bars.srm;
        let all = [
            (Reason::Held, !self.case.holds.is_empty()),
            (Reason::SloBreach, self.functions.iter().any(|f| f.breach)),
            (
                Reason::TooLittleTraffic,
                self.functions.is_empty() || self.functions.iter().any(|f| f.canary.invocations < least),
            ),
            (Reason::TooFewRequests, served < self.case.min_invocations as f64),
            // A function that would be rolled back alone is not promoted among many that are fine.
            (Reason::Suspicious, self.against() >= settings.suspicion.ln() || self.functions.iter().any(guilty_alone)),
        ];
        all.into_iter().filter(|(_, blocks)| *blocks).map(|(reason, _)| reason).collect()
    }

    fn decide(&self, blockers: &[Reason]) -> (Decision, Reason) {
        if let Some(guilt) = self.guilt() {
            return (Decision::Rollback, guilt);
        }
        let settings = self.case.settings;
        let (elapsed, dwell) = (self.case.elapsed(), self.case.dwell());
        let quiet = self.against() < settings.suspicion_unproven.ln();
        let why = blockers.first().cloned().unwrap_or(if quiet { Reason::NotProven } else { Reason::Suspicious });
        let no_step = self.case.steps.is_empty();
        let free = blockers.is_empty() && !no_step;
        let proven = self.proven();
        if free && proven && (elapsed >= dwell || (settings.early_accept && elapsed >= settings.min_dwell)) {
            return (Decision::Promote, Reason::NonInferior);
        }
        if free && elapsed >= dwell && quiet && settings.on_inconclusive == OnInconclusive::Promote {
            return (Decision::Promote, Reason::Unproven);
        }
        if elapsed >= self.case.longest() || no_step {
            return (Decision::Inconclusive, why);
        }
        if !free || elapsed >= dwell { (Decision::Hold, why) } else { (Decision::Continue, Reason::GoingOn) }
    }

    /// The function that a reason is about.
    pub fn about(&self, reason: &Reason) -> Option<&'a FunctionEvidence> {
        let of_metric = |f: &FunctionEvidence, name: &str| f.parts.get(name).map_or(f64::MIN, |(_, log)| *log);
        let most = |log: &dyn Fn(&FunctionEvidence) -> f64| {
            self.functions.iter().reduce(|most, f| if log(f) > log(most) { f } else { most })
        };
        match reason {
            Reason::Errors | Reason::Slow(_) => most(&|f| of_metric(f, &reason.to_string())),
            Reason::Slo => most(&|f| f.log_slo),
            Reason::TrafficMissing => most(&|f| f.log_srm),
            Reason::Suspicious => most(&|f| f.log_m.max(f.log_srm)),
            Reason::SloBreach => self.functions.iter().find(|f| f.breach),
            Reason::TooLittleTraffic => most(&|f| -f.canary.invocations),
            Reason::NonInferior | Reason::Unproven | Reason::NotProven => most(&|f| -f.log_n),
            Reason::Held | Reason::TooFewRequests | Reason::BadSettings(_) => None,
            Reason::GoingOn => most(&|f| f.log_m),
        }
    }

    fn parts(&self) -> BTreeMap<String, f64> {
        let mut logs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (name, (_, log)) in self.functions.iter().flat_map(|f| &f.parts) {
            logs.entry(name.clone()).or_default().push(*log);
        }
        logs.into_iter().map(|(name, logs)| (name, log_mean_exp(logs.into_iter()))).collect()
    }
}

/// Judges a canary. Settings that cannot be used are an error for people and inconclusive for the rollout.
pub fn judge(case: &Case<'_>) -> Judgement {
    if let Err(bad) = case.settings.check() {
        return Judgement::unusable(&bad);
    }
    let functions: Vec<FunctionEvidence> = case.tables.iter().map(|table| View::new(case, table).evidence()).collect();
    let whole = Whole::of(case, &functions);
    let blockers = whole.blockers();
    let (decision, reason) = whole.decide(&blockers);
    Judgement {
        decision,
        blockers,
        log_m: whole.log_m,
        log_slo: whole.log_slo,
        log_srm: whole.log_srm,
        log_n: whole.log_n,
        parts: whole.parts(),
        proven: whole.proven(),
        attribution: whole.about(&reason).map(|f| f.name.clone()),
        sentence: says::sentence(&whole, &reason),
        reason,
        functions,
    }
}
