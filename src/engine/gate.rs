//! Judging a canary: what CloudWatch shows now, what the gate says of it, and what follows from that.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::canary::is_passing;
use super::{Engine, Excuse};
use crate::aws::Aws;
use crate::aws::operation::DescribeAlarms;
use crate::clock::Clock;
use crate::event::Event;
use crate::gate::{self, Case, Decision, Judgement, Step, interchange};
use crate::journal::{Entry, Journal};
use crate::metrics::{self, Alarms, Before, GateLook, Pair, Shown, StageSeries};
use crate::model::shift::floor;
use crate::model::{CanaryStep, GatePolicy, OnInconclusive, Reaction, Shift, Version};
use crate::plan::{CanaryPlan, Observer, Plan};
use crate::problem::{Code, Problem};

/// What a look at a canary leads to.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    /// It stays where it is until the next look.
    Stay,
    /// The step is over.
    Advance,
    /// The candidate is worse: everything goes back.
    Back(Problem),
    /// Nothing is proven and nobody said what then: everything goes back, and the candidate is not called bad.
    GiveUp(Problem),
    /// A person must decide.
    Hold(Problem),
}

/// Everything about a canary that does not change while it runs: what is asked of CloudWatch, and what was usual before.
pub(super) struct Sight {
    pairs: Vec<Pair>,
    stage: Option<StageSeries>,
    before: Before,
    /// The answers seen so far have been recorded.
    recorded: BTreeSet<String>,
}

/// One look.
pub(super) struct Looked {
    judgement: Judgement,
    alarms: Alarms,
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Reads what was usual before the canary began. The same whenever it is asked: a restarted gate has the same
    /// thresholds.
    pub(super) async fn sight(&self, plan: &Plan, candidates: &[Version], shift: &Shift) -> Result<Sight, Problem> {
        let (pairs, stage) = (plan.pairs(candidates), plan.stage_series());
        let past: Vec<_> = pairs.iter().map(|pair| pair.past.clone()).collect();
        let latency = plan.target.gate.max_slow_ratio.is_some();
        let queries = metrics::history_queries(&past, stage.as_ref(), latency);
        let answers = self.observer().metrics(queries, metrics::history_window(shift.began)).await?;
        let before = metrics::read_history(&answers, pairs.len(), stage.is_some(), latency);
        Ok(Sight { pairs, stage, before, recorded: BTreeSet::new() })
    }

    fn observer(&self) -> Observer<'_, A, C> {
        Observer { aws: self.aws, clock: self.clock, listener: self.listener }
    }

    /// Looks at metrics and alarms, and judges.
    pub(super) async fn look_at(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        sight: &mut Sight,
        shift: &Shift,
    ) -> Result<Looked, Problem> {
        let now = self.clock.now();
        let window = (shift.minute_zero(), floor(now, 60));
        let queries = metrics::minute_queries(&sight.pairs, &sight.before, sight.stage.as_ref());
        // In its first minute a canary has no whole minute to be looked at.
        let answers = if window.0 < window.1 { self.observer().metrics(queries, window).await? } else { Vec::new() };
        let with_stage = sight.stage.is_some();
        let shown = metrics::read_minutes(&answers, &sight.pairs, &sight.before, with_stage, shift, &canary.weights());
        let alarms = self.alarms(&plan.target.gate.alarms, shift.began).await?;
        let holds = holds(&plan.target.gate, sight, &shown, &alarms, shift.minute(now));
        let Some(step) = canary.steps.get(shift.step()) else {
            return Err(schedule_changed(plan, "the record says more steps than the schedule has"));
        };
        let settings = gate::policy::settings(&plan.target.gate, Some(self.extension(plan, step, shift)))?;
        let steps: Vec<Step> = canary.steps.iter().map(gate_step).collect();
        let case = Case {
            settings: &settings,
            steps: &steps,
            step: shift.step(),
            step_start: shift.minute(shift.step_began()),
            now: shift.minute(now),
            tables: &shown.tables,
            holds: &holds,
            min_invocations: step.requests.unwrap_or(0).max(plan.target.canary.min_invocations),
        };
        let judgement = gate::judge(&case);
        self.record(&case, &shown, sight)?;
        self.emit(&Event::Gate(Box::new(GateLook::of(&self.run, canary, shift, now, &judgement, &shown, &alarms))));
        Ok(Looked { judgement, alarms })
    }

    async fn alarms(&self, names: &[String], began: Timestamp) -> Result<Alarms, Problem> {
        let mut states = Vec::new();
        for names in names.chunks(metrics::ALARM_NAMES_MAX) {
            states.extend(self.read(DescribeAlarms { names: names.to_vec() }).await?);
        }
        Ok(metrics::read_alarms(names, &states, began))
    }

    /// Keeps what was seen and is new, so that it can be judged again under other settings.
    fn record(&self, case: &Case<'_>, shown: &Shown, sight: &mut Sight) -> Result<(), Problem> {
        let mut lines = Vec::new();
        if sight.recorded.is_empty() {
            lines.push(interchange::header_line(case));
        }
        let all = case.tables.iter().flat_map(|table| table.minutes.iter().map(move |(m, what)| (table, *m, what)));
        let unseen = |(table, minute, what): (&gate::Table, u32, &gate::Minute)| {
            sight.recorded.insert(format!("{} {minute} {what:?}", table.name)).then(|| (table.name.clone(), minute))
        };
        let new: Vec<(String, u32)> = all.filter_map(unseen).collect();
        sight.recorded.insert("header".into());
        lines.extend(interchange::tick_lines(case, new.iter().map(|(name, minute)| (name.as_str(), *minute))));
        let fresh = shown.slowest.iter().filter(|minute| sight.recorded.insert(format!("{minute:?}")));
        let p99 = fresh.cloned().collect();
        if lines.is_empty() { Ok(()) } else { self.append(Entry::Evidence { lines, p99 }) }
    }

    /// What follows from a look, for a step that began at a time, after what a person at the terminal has said of it.
    pub(super) fn turn(&self, plan: &Plan, step: &CanaryStep, shift: &Shift, looked: &Looked) -> Turn {
        self.alarms.borrow_mut().clone_from(&looked.alarms.raised);
        let turn = self.verdict_turn(plan, step, shift, looked);
        match (self.excused(shift), turn) {
            (Some(Excused::Passed), _) if self.elapsed(shift) >= step.bake => Turn::Advance,
            (Some(Excused::Passed), Turn::Hold(_)) | (Some(_), Turn::Back(_)) => Turn::Stay,
            (_, turn) => turn,
        }
    }

    /// What a person has said of the step under way, unless an alarm has come since.
    fn excused(&self, shift: &Shift) -> Option<Excused> {
        let alarms = self.alarms.borrow();
        let is_known = |excuse: &Excuse| alarms.iter().all(|alarm| excuse.alarms.contains(alarm));
        let excuses = self.excuses.borrow();
        let mut own = excuses.iter().rev().filter(|excuse| excuse.step == shift.step() && is_known(excuse));
        own.find_map(|excuse| match excuse.until {
            None => Some(Excused::Passed),
            Some(until) => (self.clock.now() < until).then_some(Excused::Watched),
        })
    }

    fn elapsed(&self, shift: &Shift) -> Duration {
        Duration::try_from(self.clock.now().duration_since(shift.step_began())).unwrap_or_default()
    }

    fn verdict_turn(&self, plan: &Plan, step: &CanaryStep, shift: &Shift, looked: &Looked) -> Turn {
        let gate = &plan.target.gate;
        let elapsed = self.elapsed(shift);
        if plan.canary.as_ref().is_some_and(|canary| canary.override_gate.is_some()) {
            return if elapsed >= step.bake { Turn::Advance } else { Turn::Stay };
        }
        if let Some(alarm) = looked.alarms.raised.first().filter(|_| gate.on_alarm == Reaction::Rollback) {
            return Turn::Back(self.failed(plan, step, format!("alarm {alarm} went to ALARM")));
        }
        let Judgement { sentence, proven, .. } = &looked.judgement;
        // Without proof a step lasts as long as it was meant to, to the second.
        let early = gate.early && *proven && elapsed >= EARLIEST;
        match (looked.judgement.decision, gate.on_inconclusive) {
            (Decision::Rollback, _) if gate.on_failure == Reaction::Rollback => {
                Turn::Back(self.failed(plan, step, sentence.clone()))
            }
            (Decision::Rollback, _) => Turn::Hold(held_worse(plan, step, sentence.clone())),
            (_, _) if self.finishing.get() => Turn::Advance,
            (Decision::Promote, _) if elapsed >= step.bake || early => Turn::Advance,
            (Decision::Continue | Decision::Hold | Decision::Promote, _) => Turn::Stay,
            (Decision::Inconclusive, OnInconclusive::Rollback) => Turn::GiveUp(held(plan, step, sentence.clone())),
            (Decision::Inconclusive, OnInconclusive::Hold | OnInconclusive::Promote) => {
                Turn::Hold(held(plan, step, sentence.clone()))
            }
        }
    }

    /// What follows when a look was not possible: the weight stays, until the step has lasted as long as it may.
    pub(super) fn unread_turn(&self, plan: &Plan, step: &CanaryStep, shift: &Shift, why: &Problem) -> Turn {
        let elapsed = self.elapsed(shift);
        let overridden = plan.canary.as_ref().is_some_and(|canary| canary.override_gate.is_some());
        let over = elapsed >= step.bake + self.extension(plan, step, shift);
        let passed = self.excused(shift) == Some(Excused::Passed);
        match elapsed {
            _ if (overridden || passed) && elapsed >= step.bake => Turn::Advance,
            // Whoever asked for everything at once knows that the gate may see nothing; the warning says that it does not.
            _ if self.finishing.get() && (over || !is_passing(why)) => Turn::Advance,
            _ if over => {
                let problem = held(plan, step, why.what.clone());
                Turn::Hold(why.why.iter().fold(problem, |problem, line| problem.why(line.clone())))
            }
            _ => Turn::Stay,
        }
    }

    /// The candidate is worse.
    fn failed(&self, plan: &Plan, step: &CanaryStep, why: String) -> Problem {
        let place = plan.target.label();
        let version = match self.progress().published.as_slice() {
            [(_, Version::Number(number), _)] => format!(" --version {number}"),
            _ => String::new(),
        };
        Problem::new(Code::GateFailed, format!("{place} failed its gate at {}", step.percent))
            .why(why)
            .fix(format!("what it wrote: stagegate logs {place}{version} --since 10m"))
            .fix("fix the function, upload it, and promote again")
    }

    /// How long a step may last beyond its bake. One that was held and that a person lets go on is watched as long again
    /// from then: otherwise it would be held again at once.
    fn extension(&self, plan: &Plan, step: &CanaryStep, shift: &Shift) -> Duration {
        let usual = plan.target.canary.extension(step);
        let due = shift.step_began() + step.bake;
        let late = self.watched_since.get().map(|since| since.duration_since(due));
        usual + late.and_then(|late| Duration::try_from(late).ok()).unwrap_or_default()
    }
}

/// What a step is excused from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excused {
    /// It counts as passed once its time is over.
    Passed,
    /// It stands, and is watched on.
    Watched,
}

/// Before this nothing is promoted early (judge §4).
const EARLIEST: Duration = Duration::from_secs(300);

fn gate_step(step: &CanaryStep) -> Step {
    Step { weight: step.percent.share(), dwell: step.bake.as_secs_f64() / 60.0 }
}

/// What else forbids going on.
fn holds(gate: &GatePolicy, sight: &Sight, shown: &Shown, alarms: &Alarms, now: u32) -> Vec<String> {
    let mut holds: Vec<String> = alarms.raised.iter().map(|name| format!("alarm {name} is in ALARM")).collect();
    holds.extend(alarms.missing.iter().map(|name| format!("alarm {name} does not exist any more")));
    holds.extend(gate.max_slow_ratio.and_then(|_| metrics::latency_hold(shown, now)));
    holds.extend(gate.max_stage_errors.and_then(|limit| metrics::stage_hold(shown, sight.before.stage, limit, now)));
    holds
}

/// Nobody can tell.
fn held(plan: &Plan, step: &CanaryStep, why: String) -> Problem {
    let place = plan.target.label();
    Problem::new(Code::CanaryHeld, format!("the canary of {place} is held at {}", step.percent))
        .why(why)
        .aws_now(format!("{place} splits its traffic, the new version has {}; nothing moves by itself", step.percent))
        .fix(format!("watch on: stagegate resume {place}"))
        .fix(format!("all the way: stagegate resume {place} --finish"))
        .fix(format!("go back: stagegate rollback {place}"))
}

/// The candidate is worse, and the configuration leaves the way back to a person.
fn held_worse(plan: &Plan, step: &CanaryStep, why: String) -> Problem {
    let place = plan.target.label();
    Problem::new(Code::CanaryHeld, format!("the new version of {place} is worse; it is held at {}", step.percent))
        .why(why)
        .why("on.gate_failure is \"hold\": the way back is a person's to choose")
        .aws_now(format!("{place} splits its traffic, the new version has {}; nothing moves by itself", step.percent))
        .fix(format!("go back: stagegate rollback {place}"))
        .fix(format!("watch on: stagegate resume {place}"))
}

/// The weight in AWS is not one of the schedule.
pub(super) fn schedule_changed(plan: &Plan, why: &str) -> Problem {
    let place = plan.target.label();
    Problem::new(Code::ScheduleChanged, format!("the canary of {place} does not fit its schedule"))
        .why(why)
        .fix(format!("go back: stagegate rollback {place}"))
        .fix("or put the steps of the configuration back as they were, then resume")
}
