//! How a release ends: promoted, rolled back, or a person must look. Each ending states what AWS is now, as read back.

use super::consult::Consulted;
use super::forward::Arrived;
use super::keyless::is_keyless;
use super::{Engine, OnInterrupt, Signal, Stop};
use crate::aws::Aws;
use crate::change::Change;
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::{Ending, Entry, Journal};
use crate::plan::Plan;
use crate::problem::{Code, Exit, Problem};
use crate::rollback::{Undone, WayBack};

/// The end of a release.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code.
    pub exit: Exit,
    /// The ending, as the journal has it; absent when the release goes on later.
    pub ending: Option<Ending>,
    /// What to tell, when it is not success.
    pub problem: Option<Problem>,
    /// What is true now, one line each.
    pub now: Vec<String>,
}

/// Why a release goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Something else than the candidate.
    Failed,
    /// The candidate: it is remembered as bad.
    Bad,
    /// Its process died: writes may still be on their way.
    Died,
    /// A person who takes it back from elsewhere, and may still be at it.
    Elsewhere,
}

fn again(place: &str) -> String {
    format!("start again: stagegate promote {place}")
}

/// A person at the terminal wanted it back.
fn recalled(place: &str, bad: bool) -> Problem {
    let why = if bad {
        "chosen at the terminal; the new version is remembered as bad and promoted again by its number only"
    } else {
        "chosen at the terminal after Ctrl-C; nothing is said against the new version"
    };
    Problem::new(Code::Interrupted, format!("{place} is rolled back, as you asked")).why(why)
}

/// The release goes on later, by itself or by a person.
pub(super) fn waits(problem: Problem) -> Outcome {
    let problem = problem.exit(Exit::InFlight);
    Outcome { exit: Exit::InFlight, ending: None, problem: Some(problem), now: Vec::new() }
}

/// Why a release that stopped does not go on.
enum Unprepared {
    /// AWS could not be read: it is as it was.
    Unread(Problem),
    /// Something stopped it.
    Stopped(Stop),
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Runs a plan from its beginning.
    pub async fn promote(&self, plan: &Plan) -> Outcome {
        match self.append(Entry::Opened { plan: Box::new(plan.clone()) }) {
            Ok(()) => self.go_on(plan).await,
            Err(problem) => Outcome { exit: problem.exit, ending: None, problem: Some(problem), now: Vec::new() },
        }
    }

    /// Goes on with a release whose journal is open: forward, or on with a rollback that had begun.
    pub async fn resume(&self, plan: &Plan) -> Outcome {
        let progress = self.progress();
        if progress.may_have_changed() || progress.published.iter().any(|(.., new)| *new) || progress.deploying {
            self.note_write();
        }
        // The way back waits for nothing before its first write, and looks again afterwards.
        if progress.rolling_back {
            return self.take_back(plan).await;
        }
        loop {
            let stop = match self.prepare(plan).await {
                Ok(()) => return self.go_on(plan).await,
                Err(Unprepared::Unread(problem)) => return waits(problem),
                Err(Unprepared::Stopped(stop)) => stop,
            };
            match self.consult(plan, stop).await {
                Consulted::GoOn => {}
                Consulted::Stop(stop) => return self.stopped(plan, stop).await,
                Consulted::Left(outcome) => return outcome,
            }
        }
    }

    /// What comes before a release that stopped goes on.
    async fn prepare(&self, plan: &Plan) -> Result<(), Unprepared> {
        self.wait_for_late_writes().await.map_err(Unprepared::Stopped)?;
        self.resuming.set(self.asked_about(plan).await.map_err(Unprepared::Unread)?);
        self.set_going(plan).await.map_err(Unprepared::Unread)?;
        self.renew(plan).await.map_err(Unprepared::Stopped)
    }

    /// Undoes a release whose journal is open.
    pub async fn resume_undo(&self, plan: &Plan) -> Outcome {
        self.note_write();
        let outcome = self.take_back(plan).await;
        let exit = if outcome.exit == Exit::RolledBack { Exit::Done } else { outcome.exit };
        Outcome { exit, ..outcome }
    }

    /// A write of the process before this one may still be on its way (SPEC §2 rule 2).
    async fn wait_for_late_writes(&self) -> Result<(), Stop> {
        let Some(newest) = self.progress().newest_intent else { return Ok(()) };
        let late = newest + super::SETTLE;
        let now = self.clock.now();
        if late > now {
            let wait = std::time::Duration::try_from(late.duration_since(now)).unwrap_or(super::SETTLE);
            self.emit(&Event::Waiting {
                what: "the last writes of the process before this one to have landed".into(),
                max_s: wait.as_secs(),
            });
            // Whoever goes back in the meantime looks again afterwards.
            let unsure = self.unsure.replace(true);
            self.wait(wait).await?;
            self.unsure.set(unsure);
        }
        Ok(())
    }

    async fn go_on(&self, plan: &Plan) -> Outcome {
        let mut arrived = self.forward(plan).await;
        loop {
            let stop = match arrived {
                Ok(Arrived::Promoted) => {
                    let ending = Some(Ending::Promoted);
                    return Outcome { exit: Exit::Done, ending, problem: None, now: Vec::new() };
                }
                Ok(Arrived::Unchanged) => return self.unchanged(plan),
                Err(stop) => stop,
            };
            arrived = match self.consult(plan, stop).await {
                Consulted::GoOn => self.forward_again(plan).await,
                Consulted::Stop(stop) => return self.stopped(plan, stop).await,
                Consulted::Left(outcome) => return outcome,
            };
        }
    }

    /// A write of this process that was not answered may still land: it is given its time, and a signal ends the wait.
    async fn forward_again(&self, plan: &Plan) -> Result<Arrived, Stop> {
        if self.unsure.get() {
            self.wait(super::SETTLE).await?;
        }
        self.forward(plan).await
    }

    fn unchanged(&self, plan: &Plan) -> Outcome {
        let ending = Some(Ending::Unchanged);
        let _ = self.append(Entry::Closed { ending: Ending::Unchanged });
        Outcome { exit: Exit::Done, ending, problem: Some(nothing_to_publish(plan)), now: Vec::new() }
    }

    async fn stopped(&self, plan: &Plan, stop: Stop) -> Outcome {
        let place = plan.target.label();
        match stop {
            Stop::Until(step) => Outcome {
                exit: Exit::Done,
                ending: None,
                problem: None,
                now: vec![format!("stopped after {step}, as asked")],
            },
            Stop::DrivenElsewhere => self.driven_elsewhere(plan).await,
            Stop::Paused => waits(still_paused(&place, self.settings.once)),
            Stop::Held(problem) => waits(problem),
            Stop::Baking(percent) => waits(
                Problem::new(Code::StillBaking, format!("the canary of {place} goes on at {percent}"))
                    .why("one look was asked for; nothing speaks for the next step yet")
                    .aws_now(format!("the new version has {percent} of the traffic"))
                    .fix(format!("look again: stagegate resume {place} --once"))
                    .fix(format!("go back: stagegate rollback {place}")),
            ),
            Stop::Approval(percent) => Outcome {
                exit: Exit::Done,
                ending: None,
                problem: Some(
                    Problem::new(Code::ApprovalNeeded, format!("{place} waits before {percent}"))
                        .why("the steps before it have passed, and a person is asked before this one")
                        .aws_now("paused; nothing moves by itself")
                        .fix(format!("go on: stagegate resume {place}"))
                        .fix(format!("go back: stagegate rollback {place}")),
                ),
                now: vec![format!("paused before {percent}, as configured")],
            },
            Stop::Interrupted(signal) => self.interrupted(plan, signal).await,
            Stop::Expiring(problem) => {
                self.as_configured(plan, problem.fix("credentials that last longer: stagegate help long-bakes")).await
            }
            Stop::RolledBackElsewhere => {
                let problem =
                    Problem::new(Code::Interrupted, format!("{place} was rolled back by somebody else while this ran"))
                        .why("the record of the alias says so")
                        .exit(Exit::RolledBack);
                self.back_from(plan, problem, Exit::RolledBack, Cause::Elsewhere).await
            }
            Stop::Conflict(problem) => {
                let exit = if self.moved_traffic() { Exit::RolledBack } else { Exit::Conflict };
                self.back(plan, problem, exit).await
            }
            Stop::Recalled { bad } => {
                let cause = if bad { Cause::Bad } else { Cause::Failed };
                self.back_from(plan, recalled(&place, bad), Exit::RolledBack, cause).await
            }
            // Whoever asks is at the terminal, and was asked before anything ends.
            Stop::Asked(_) => self.interrupted(plan, Signal::Interrupt).await,
            Stop::Bad(problem) => self.back_from(plan, problem, Exit::RolledBack, Cause::Bad).await,
            Stop::Failed(problem) => {
                let exit = if self.has_written() { Exit::RolledBack } else { problem.exit };
                self.back(plan, problem, exit).await
            }
        }
    }

    /// Whether a release that another process has begun was only looked at so far: whoever stops the look stops nothing
    /// else.
    pub(super) fn has_only_looked(&self) -> bool {
        self.settings.once && self.has_written() && !self.acted.get()
    }

    async fn interrupted(&self, plan: &Plan, signal: Signal) -> Outcome {
        let place = plan.target.label();
        let name = match signal {
            Signal::Interrupt => "SIGINT (Ctrl-C)",
            Signal::Terminate => "SIGTERM or SIGHUP",
        };
        let exit = match signal {
            Signal::Interrupt => Exit::Interrupted,
            Signal::Terminate => Exit::Terminated,
        };
        if self.has_only_looked() {
            let problem = Problem::new(Code::Interrupted, "the look was interrupted")
                .why(format!("{name} came before it had written anything"))
                .aws_now("the release is as the look found it")
                .fix(format!("look again: stagegate resume {place} --once"))
                .fix(format!("go back: stagegate rollback {place}"))
                .exit(exit);
            return Outcome { exit, ending: None, problem: Some(problem), now: Vec::new() };
        }
        let problem = Problem::new(Code::Interrupted, "interrupted").why(format!("{name} asked the release to stop"));
        if !self.has_written() {
            return self.back(plan, problem.why("stopped before the first write").fix(again(&place)), exit).await;
        }
        self.as_configured(plan, problem).await
    }

    /// What an interrupt does after the first write.
    async fn as_configured(&self, plan: &Plan, problem: Problem) -> Outcome {
        let place = plan.target.label();
        if self.settings.on_interrupt == OnInterrupt::Hold && self.progress().may_have_changed() {
            let problem = problem
                .why("--on-interrupt hold: it stays as it is")
                .aws_now("as this release left it; nothing further is written")
                .fix(format!("go on: stagegate resume {place}"))
                .fix(format!("go back: stagegate rollback {place}"))
                .exit(Exit::InFlight);
            return Outcome { exit: Exit::InFlight, ending: None, problem: Some(problem), now: Vec::new() };
        }
        self.back(plan, problem.fix(again(&place)), Exit::RolledBack).await
    }

    /// Whether an announced change may have changed what callers get: an alias that moved, or the stage.
    fn moved_traffic(&self) -> bool {
        self.progress().intents.iter().any(|change| match change {
            Change::Alias { before, want, .. } => {
                before.as_ref().is_some_and(|b| b.version != want.version || b.weights != want.weights)
            }
            Change::Grant { .. } => false,
            // A canary without requests changes nothing for callers.
            Change::Stage { want, .. } => {
                let split = want.canary.as_ref().is_some_and(|canary| canary.percent > 0.0);
                split || want.deployment.is_some() || !want.variables.is_empty()
            }
        })
    }

    /// Undoes what was announced, if anything, and says what is true then.
    async fn back(&self, plan: &Plan, problem: Problem, exit: Exit) -> Outcome {
        self.back_from(plan, problem, exit, Cause::Failed).await
    }

    async fn back_from(&self, plan: &Plan, problem: Problem, exit: Exit, cause: Cause) -> Outcome {
        if !self.progress().may_have_changed() {
            let _ = self.append(Entry::Closed {
                ending: if self.has_written() { Ending::RolledBack } else { Ending::Stopped },
            });
            let now = self.untouched(plan);
            let ending = Some(if exit == Exit::RolledBack { Ending::RolledBack } else { Ending::Stopped });
            let mut problem = problem.aws_now(now.join("; ")).exit(exit);
            if problem.fix.is_empty() {
                problem = problem.fix(format!("look, then plan again: stagegate status {}", plan.target.label()));
            }
            return Outcome { exit, ending, problem: Some(problem), now };
        }
        let asked = problem.code == Code::Interrupted;
        self.emit(&Event::RollingBack { release: self.run.clone(), why: problem.what.clone(), asked });
        // A journal that cannot be written must not stop the way back.
        let _ = self.append(Entry::RollingBack { why: problem.what.clone() });
        let undone = self.undo(&WayBack::from_journal(plan, &self.progress(), cause)).await;
        self.ended(plan, problem, exit, &undone)
    }

    /// Goes back without a new cause: after a crash, or on request.
    async fn take_back(&self, plan: &Plan) -> Outcome {
        let problem = Problem::new(Code::Interrupted, format!("{} was stopped and is rolled back", plan.run))
            .why("its process ended before the release did");
        self.back_from(plan, problem, Exit::RolledBack, Cause::Died).await
    }

    fn ended(&self, plan: &Plan, problem: Problem, exit: Exit, undone: &Undone) -> Outcome {
        let clean = undone.is_clean();
        self.emit(&undone.event(&self.run));
        for left in &undone.left {
            self.emit(&Event::Warning { problem: left.problem.clone() });
        }
        let (exit, ending) = if clean { (exit, Ending::RolledBack) } else { (Exit::InBetween, Ending::NeedsPerson) };
        let _ = self.append(Entry::Closed { ending });
        let mut problem = problem.exit(exit);
        let mut now = undone.now.clone();
        let (keyless, left): (Vec<_>, Vec<_>) =
            undone.left.iter().filter(|left| left.needs_person).partition(|left| is_keyless(left.problem.code));
        for left in left {
            now.push(format!("NOT as before: {}", left.problem.what));
            for fix in &left.problem.fix {
                problem = problem.fix(fix.clone());
            }
        }
        if let Some(gone) = keyless.first() {
            (problem, now) = self.without_keys(problem, &gone.problem, now);
        }
        if !clean {
            // What is somebody else's now must not be rolled back by a command that this message offers.
            let taken = undone.left.iter().any(|left| left.problem.code == Code::AliasChanged);
            let place = plan.target.label();
            problem = match (keyless.is_empty(), taken) {
                (_, true) => problem,
                (true, false) => problem.fix(format!("try the way back again: stagegate rollback {place}")),
                (false, false) => problem
                    .fix(format!("go back, from any signed-in machine: stagegate rollback {place}"))
                    .fix(format!("or go on, from another machine: stagegate resume {place}")),
            };
            problem = problem.fix(format!("look: stagegate status {}", plan.target.label()));
        }
        if problem.fix.is_empty() {
            problem = problem.fix(format!("look, then promote again: stagegate status {}", plan.target.label()));
        }
        problem = problem.aws_now(now.join("; "));
        Outcome { exit, ending: Some(ending), problem: Some(problem), now }
    }

    /// What is true when no alias, policy or stage was touched.
    fn untouched(&self, plan: &Plan) -> Vec<String> {
        let published: Vec<String> = self
            .progress()
            .published
            .iter()
            .filter(|(.., new)| *new)
            .map(|(function, version, _)| format!("{} of {function} is published and has no traffic", version.label()))
            .collect();
        let mut now = vec![match &plan.stage {
            Some(stage) => format!("no routing, policy or stage was changed ({}, {})", plan.target.alias, stage.stage),
            None => format!("no routing or policy was changed ({})", plan.target.alias),
        }];
        now.extend(published);
        now
    }

    /// Stops between calls when a signal came.
    pub(super) fn check_interrupt(&self) -> Result<(), Stop> {
        match self.interrupt.raised() {
            Some(signal) if !self.progress().rolling_back => return Err(Stop::Interrupted(signal)),
            _ => {}
        }
        match self.person.demand() {
            Some(demand) if self.has_written() && !self.progress().rolling_back => Err(Stop::Asked(demand)),
            _ => Ok(()),
        }
    }
}

/// The message about a release that a record holds; whether one look was asked for, or it was to go on.
pub fn still_paused(place: &str, once: bool) -> Problem {
    let why = if once {
        "a person paused it or has to agree to its next step, it was to stop there, or nothing was proven in time"
    } else {
        "somebody paused this release"
    };
    Problem::new(Code::StillInFlight, format!("{place} is paused"))
        .why(why)
        .aws_now("as this release left it; nothing further is written")
        .fix(format!("go on: stagegate resume {place}"))
        .fix(format!("go back: stagegate rollback {place}"))
        .exit(Exit::InFlight)
}

/// The note for a release that found nothing new.
pub fn nothing_to_publish(plan: &Plan) -> Problem {
    let serving: Vec<String> = plan
        .members
        .iter()
        .filter_map(|m| {
            m.before.as_ref().map(|a| format!("{}:{} → {} (100%)", m.function, plan.target.alias, a.version.label()))
        })
        .collect();
    Problem::new(Code::NothingToPublish, "nothing to do: the alias already serves this version")
        .why("Lambda makes no version while code and configuration are unchanged; permission and stage are current")
        .aws_now(format!("unchanged; {}", serving.join("; ")))
        .fix(format!("upload first, or name a version: stagegate promote {} --function-version N", plan.target.label()))
}
