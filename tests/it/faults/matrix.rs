//! The fault matrix.

use std::cell::Cell;
use std::time::Duration;

use stagegate::aws::Call;
use stagegate::engine::Outcome;
use stagegate::journal::Entry;
use stagegate::plan::Plan;
use stagegate::problem::{Code, Exit};
use stagegate::step::StepKind;
use stagegate::world::Fault;

use super::lab::{Lab, Scenario, State};
use crate::canary::lab::adopt;

/// A release that may be hurt, and how it ends without being hurt.
pub struct Matrix {
    lab: Lab,
    plan: Plan,
    before: State,
    after: State,
    calls: usize,
    runs: Cell<usize>,
    recoveries: &'static [Recovery],
    /// A call was denied: the alias that only a canary called may have to stay. That is said, and harms nobody.
    denied: Cell<bool>,
}

/// How somebody takes up a release whose process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    Resume,
    Undo,
    /// From another machine, from the records alone.
    Elsewhere,
    /// Another machine goes on, from the records alone.
    Adopt,
    /// The same hours later, when its lock has long ended.
    AdoptLate,
    /// Another machine undoes it, from the records alone.
    AdoptUndo,
}

pub const RECOVERIES: [Recovery; 3] = [Recovery::Resume, Recovery::Undo, Recovery::Elsewhere];
/// Those of a canary, which runs for long and is taken up anywhere.
pub const CANARY_RECOVERIES: [Recovery; 6] =
    [Recovery::Resume, Recovery::Undo, Recovery::Elsewhere, Recovery::Adopt, Recovery::AdoptLate, Recovery::AdoptUndo];

/// Longer than any lock of the scenarios.
const LATE: Duration = Duration::from_secs(6 * 3600);

/// Faults placed before a process starts: call number and what happens there.
type Placed = [(usize, Fault)];

impl Matrix {
    pub fn of(scenario: Scenario) -> Self {
        Self::new(Lab::new(scenario), &RECOVERIES)
    }

    pub fn new(lab: Lab, recoveries: &'static [Recovery]) -> Self {
        let before = lab.state();
        let plan = lab.plan().expect("the scenario can be released");
        let smooth = lab.fork();
        let outcome = smooth.promote(&plan).expect("nobody crashes");
        assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
        let calls = smooth.calls();
        let mut after = smooth.state();
        assert_eq!(smooth.violations(), Vec::<String>::new());
        // Every run makes its own deployment id; which one it is does not matter, that it is not the old one does.
        assert_ne!(before, after);
        after.deployment = if after.deployment == before.deployment { after.deployment } else { "new".into() };
        Self { lab, plan, before, after, calls, runs: Cell::new(0), recoveries, denied: Cell::new(false) }
    }

    pub fn runs(&self) -> usize {
        self.runs.get()
    }

    pub fn calls(&self) -> usize {
        self.calls
    }

    fn state(&self, lab: &Lab) -> State {
        let mut state = lab.state();
        if state.deployment != self.before.deployment {
            state.deployment = "new".into();
        }
        if self.denied.get() {
            state.candidates.clear();
        }
        state
    }

    /// One release with faults; then, if the process died, a recovery with faults of its own, then one without.
    pub fn hurt(&self, faults: &Placed, recovery: Recovery, second: &Placed) -> Result<(), String> {
        self.runs.set(self.runs.get() + 1);
        self.denied.set(faults.iter().chain(second).any(|(_, fault)| matches!(fault, Fault::Rejected(_))));
        let lab = self.lab.fork();
        lab.world.restart();
        for (at, fault) in faults {
            lab.world.inject(*at, fault.clone());
        }
        let end = match lab.promote(&self.plan) {
            Some(outcome) => self.ended(&lab, &outcome, second.is_empty() && faults.len() == 1),
            None => self.recovered(&lab, recovery, second),
        };
        let violations = lab.violations();
        let tell = |what: String| {
            let calls: Vec<String> = lab
                .world
                .history()
                .iter()
                .map(|c| format!("    {} {} {:?} {:?}", c.index, c.call.operation(), c.outcome, c.landed))
                .collect();
            format!("{faults:?} then {recovery:?} {second:?}: {what}\n{}", calls.join("\n"))
        };
        end.map_err(tell)?;
        if violations.is_empty() { Ok(()) } else { Err(tell(format!("traffic was hurt: {violations:?}"))) }
    }

    /// What the process said must be true.
    fn ended(&self, lab: &Lab, outcome: &Outcome, single: bool) -> Result<(), String> {
        let state = self.state(lab);
        let said = format!("exit {:?}, {:?}", outcome.exit, outcome.problem);
        let four_parts =
            |p: &stagegate::problem::Problem| !p.why.is_empty() && !p.aws_now.is_empty() && !p.fix.is_empty();
        if outcome.exit != Exit::Done && !outcome.problem.as_ref().is_some_and(four_parts) {
            return Err(format!("a part of the message is missing: {said}"));
        }
        match outcome.exit {
            Exit::Done if self.is_after(&state) => Ok(()),
            Exit::Done => Err(format!("{said}, but AWS is {state:#?}")),
            Exit::InBetween if single => Err(format!("one passing fault must not need a person: {said}")),
            Exit::InBetween => {
                let problem = outcome.problem.as_ref().ok_or("exit 6 without a word")?;
                let true_words =
                    outcome.now.iter().any(|line| line.starts_with("NOT as before")) && !problem.fix.is_empty();
                if true_words { Ok(()) } else { Err(format!("exit 6 without a statement or a fix: {said}")) }
            }
            _ if self.is_before(&state) => Ok(()),
            _ => Err(format!("{said}, but AWS is {state:#?}")),
        }
    }

    fn recovered(&self, lab: &Lab, recovery: Recovery, second: &Placed) -> Result<(), String> {
        lab.world.restart();
        for (at, fault) in second {
            lab.world.inject(*at, fault.clone());
        }
        if let Some(end) = self.recover_once(lab, recovery, !second.is_empty()) {
            // A recovery that needs a person is tried again by that person.
            if end.as_ref().is_ok_and(|clean| *clean) || second.is_empty() {
                return end.map(drop);
            }
        }
        // Whoever comes next: the same person again, or somebody on another machine.
        for next in [recovery, Recovery::Elsewhere] {
            let lab = lab.fork();
            lab.world.restart();
            self.recover_once(&lab, next, false).ok_or("died without a fault")??;
            let violations = lab.violations();
            if !violations.is_empty() {
                return Err(format!("then {next:?}: traffic was hurt: {violations:?}"));
            }
        }
        Ok(())
    }

    /// `None` when this process died too. `Ok(false)` when it says that a person must look.
    fn recover_once(&self, lab: &Lab, recovery: Recovery, hurt: bool) -> Option<Result<bool, String>> {
        match recovery {
            Recovery::Resume | Recovery::Undo => {
                let outcome = lab.resume(&self.plan, recovery == Recovery::Undo)?;
                let state = self.state(lab);
                let right = match outcome.exit {
                    Exit::Done if recovery == Recovery::Resume => self.is_after(&state),
                    Exit::InBetween => {
                        return Some(if hurt {
                            Ok(false)
                        } else {
                            Err(format!("needs a person: {:?}", outcome.problem))
                        });
                    }
                    _ => self.is_before(&state),
                };
                let said =
                    format!("{recovery:?} ended {:?} {:?}, but AWS is {state:#?}", outcome.exit, outcome.problem);
                Some(if right { Ok(true) } else { Err(said) })
            }
            Recovery::Adopt | Recovery::AdoptLate | Recovery::AdoptUndo => {
                if recovery == Recovery::AdoptLate {
                    lab.world.clock().advance(LATE);
                }
                let outcome = match adopt(lab, recovery == Recovery::AdoptUndo)? {
                    Ok(outcome) => outcome,
                    Err(_) if hurt => return Some(Ok(false)),
                    Err(problem) => return Some(self.nothing_to_adopt(lab, &problem)),
                };
                let state = self.state(lab);
                // A write of the dead process that lands this late is one of another process at work: the next look, or the
                // person who looks, finds the release where that has left it.
                let is_left = outcome.problem.as_ref().is_some_and(|problem| problem.code == Code::StillBaking);
                if outcome.exit == Exit::InFlight && is_left {
                    return self.recover_once(lab, recovery, hurt);
                }
                let right = match outcome.exit {
                    Exit::Done if recovery != Recovery::AdoptUndo => self.is_after(&state),
                    Exit::InBetween if hurt => return Some(Ok(false)),
                    Exit::InBetween => false,
                    _ => self.is_before(&state),
                };
                let said =
                    format!("{recovery:?} ended {:?} {:?}, but AWS is {state:#?}", outcome.exit, outcome.problem);
                Some(if right { Ok(true) } else { Err(said) })
            }
            Recovery::Elsewhere => {
                let mut undone = lab.rollback_elsewhere(None)?;
                let mut state = self.state(lab);
                let nothing_seen = !matches!(&undone, Ok(undone) if !undone.now.is_empty());
                if !hurt && nothing_seen && !self.is_before(&state) {
                    // The claim of the dead process landed after this person had looked: the next look sees it.
                    undone = lab.rollback_elsewhere(None)?;
                    state = self.state(lab);
                }
                let clean = match &undone {
                    Ok(undone) => undone.is_clean(),
                    // Nothing of the release has reached AWS, or reading it was refused.
                    Err(_) if hurt => return Some(Ok(false)),
                    Err(_) => true,
                };
                let right = match &undone {
                    // The release had closed its record before its process died: it is finished.
                    Err(problem) if problem.code == Code::FirstRelease => self.is_after(&state),
                    _ => self.is_back(lab, &state),
                };
                Some(match (clean, right) {
                    (true, true) => Ok(true),
                    (false, _) if hurt => Ok(false),
                    _ => Err(format!("rollback elsewhere ended {undone:?}, but AWS is {state:#?}")),
                })
            }
        }
    }

    /// As before; the statements of a release that had finished stay (SPEC §3).
    fn is_back(&self, lab: &Lab, state: &State) -> bool {
        let promoting = |l: &stagegate::journal::Line| matches!(l.entry, Entry::Intent { step: StepKind::Promote, .. });
        // A machine that took the release up has a journal of its own; that it closed the record shows in the calls.
        let closing = |c: &stagegate::world::Logged| matches!(&c.call, Call::UpdateAlias(u) if u.routing.description.contains(" done "));
        let finished = lab.kept.borrow().iter().any(promoting) || lab.world.history().iter().any(closing);
        let mut state = state.clone();
        if finished {
            state.statements.clone_from(&self.before.statements);
        }
        // Nobody waits a minute in an emergency: the alias that only the canary called stays.
        state.candidates.clear();
        self.is_before(&state)
    }

    fn is_before(&self, state: &State) -> bool {
        *state == self.before
    }

    fn is_after(&self, state: &State) -> bool {
        *state == self.after
    }

    /// The release had not begun as far as the records say, or had ended: then everything is as before or as after.
    fn nothing_to_adopt(&self, lab: &Lab, problem: &stagegate::problem::Problem) -> Result<bool, String> {
        if problem.what.contains("is being rolled back") {
            // Whoever went back died on the way: the message says which command finishes it, and it does.
            return self.recover_once(lab, Recovery::Elsewhere, false).unwrap_or_else(|| Err("died".into()));
        }
        let state = self.state(lab);
        if problem.code == Code::NoJournal && (self.is_before(&state) || self.is_after(&state)) {
            return Ok(true);
        }
        Err(format!("cannot be taken up: {problem:?}, but AWS is {state:#?}"))
    }

    /// Every kind of fault at every call, and every recovery after a crash.
    pub fn singles(&self) -> Vec<String> {
        self.singles_every(1)
    }

    /// The same, thinned out: every call number of `stride`, beginning with another one for each kind of fault.
    pub fn singles_every(&self, stride: usize) -> Vec<String> {
        let mut failures = Vec::new();
        for at in 0..self.calls {
            let kinds = Fault::every_kind().into_iter().enumerate();
            for fault in kinds.filter(|(kind, _)| (at + kind) % stride == 0).map(|(_, fault)| fault) {
                let crash = format!("{fault:?}").starts_with("Crash");
                for recovery in if crash { self.recoveries } else { &self.recoveries[..1] } {
                    failures.extend(self.hurt(&[(at, fault.clone())], *recovery, &[]).err());
                }
            }
        }
        failures
    }

    /// Two faults: both in the release, or one in it and one in the recovery. `stride` thins out the second.
    pub fn pairs(&self, stride: usize) -> Vec<String> {
        self.pairs_every(1, stride)
    }

    /// The same, with the first fault thinned out, too: another set of calls for each kind.
    pub fn pairs_every(&self, first: usize, stride: usize) -> Vec<String> {
        let mut failures = Vec::new();
        for at in 0..self.calls {
            let kinds = Fault::every_kind().into_iter().enumerate();
            for fault in kinds.filter(|(kind, _)| (at + kind) % first == 0).map(|(_, fault)| fault) {
                let crash = format!("{fault:?}").starts_with("Crash");
                for (number, second) in Fault::every_kind().into_iter().enumerate() {
                    if crash {
                        for recovery in self.recoveries.iter().copied() {
                            for later in ((at + number) % stride..self.calls).step_by(stride) {
                                let placed = [(later, second.clone())];
                                failures.extend(self.hurt(&[(at, fault.clone())], recovery, &placed).err());
                            }
                        }
                    } else {
                        for later in (at + 1 + (at + number) % stride..self.calls + 20).step_by(stride) {
                            let placed = [(at, fault.clone()), (later, second.clone())];
                            failures.extend(self.hurt(&placed, Recovery::Resume, &[]).err());
                        }
                    }
                }
            }
        }
        failures
    }
}

pub fn report(name: &str, matrix: &Matrix, failures: &[String]) {
    println!("{name}: {} calls, {} runs, {} failures", matrix.calls(), matrix.runs(), failures.len());
    for failure in failures.iter().skip(1).take(40) {
        println!("{}", failure.lines().next().unwrap_or_default().chars().take(260).collect::<String>());
    }
    assert!(failures.is_empty(), "{} of {} runs failed, the first:\n{}", failures.len(), matrix.runs(), failures[0]);
}

#[test]
fn every_fault_at_every_call_of_a_second_release() {
    let matrix = Matrix::of(Scenario::Second);
    report("second release, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_a_first_release() {
    let matrix = Matrix::of(Scenario::First);
    report("first release, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_a_release_through_an_http_api() {
    let matrix = Matrix::of(Scenario::Http);
    report("HTTP API, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_fault_at_every_call_of_a_first_release_through_a_stage_that_deploys_by_itself() {
    let matrix = Matrix::of(Scenario::FirstHttp);
    report("first release, HTTP API that deploys by itself, single faults", &matrix, &matrix.singles());
}

/// Every kind of fault meets every call, in pairs with a fault at every 29th call, another set of them each time.
#[test]
fn pairs_of_faults_of_a_release_through_an_http_api() {
    let matrix = Matrix::of(Scenario::Http);
    let failures = matrix.pairs(29);
    report("HTTP API, pairs of faults", &matrix, &failures);
}

#[test]
fn every_fault_at_every_call_of_three_functions() {
    let matrix = Matrix::of(Scenario::Three);
    report("three functions, single faults", &matrix, &matrix.singles());
}

#[test]
fn every_pair_of_faults_of_a_first_release() {
    let matrix = Matrix::of(Scenario::First);
    let failures = matrix.pairs(1);
    report("first release, pairs of faults", &matrix, &failures);
}

#[test]
fn every_pair_of_faults_of_a_second_release() {
    let matrix = Matrix::of(Scenario::Second);
    let failures = matrix.pairs(1);
    report("second release, pairs of faults", &matrix, &failures);
}

/// Every kind of fault meets every call, in pairs with a fault at every 29th call, another set of them each time.
#[test]
fn pairs_of_faults_of_three_functions() {
    let matrix = Matrix::of(Scenario::Three);
    let failures = matrix.pairs(29);
    report("three functions, pairs of faults", &matrix, &failures);
}
