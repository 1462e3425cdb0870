//! What only a person can decide: before a release stops, whoever is at the terminal is asked. Going on is entering the
//! way forward again, which recognises by looking what is done.

use std::time::Duration;

use jiff::Timestamp;

use super::pause::{Marked, Wish};
use super::person::{Answer, Choice, Demand, Occasion, Question};
use super::{Engine, Excuse, OnInterrupt, Outcome, Resuming, Signal, Stop};
use crate::aws::Aws;
use crate::aws::noun::Routing;
use crate::change::Change;
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::{Entry, Journal, Progress};
use crate::model::Percent;
use crate::plan::Plan;
use crate::problem::{Code, Exit, Level, Problem};

/// How long a share is watched at least that a person lets stand although the gate says no.
const PATIENCE_MIN: Duration = Duration::from_secs(300);

/// What comes of it.
#[derive(Debug)]
pub(super) enum Consulted {
    /// The way forward goes on.
    GoOn,
    /// It stops, for this.
    Stop(Stop),
    /// The process ends and leaves everything where it is.
    Left(Outcome),
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Asks, if there is anything to ask and anybody to answer.
    pub(super) async fn consult(&self, plan: &Plan, stop: Stop) -> Consulted {
        let Some(occasion) = self.occasion(&stop) else { return Consulted::Stop(stop) };
        let stop = match self.heard_before(plan, stop).await {
            Ok(stop) => stop,
            Err(consulted) => return consulted,
        };
        let recorded = match occasion {
            Occasion::Paused => match self.hold_records(plan).await {
                // Somebody else has the release by now: the next look says who.
                Held::Left => return Consulted::GoOn,
                held => held == Held::All,
            },
            Occasion::Held | Occasion::Approval => true,
            _ => false,
        };
        let stop = match self.heard_before(plan, stop).await {
            Ok(stop) => stop,
            Err(consulted) => return consulted,
        };
        let answer = self.person.ask(&self.question(occasion, &stop, recorded)).await;
        match self.interrupt.raised() {
            Some(Signal::Terminate) => return Consulted::Stop(told_to_go(stop)),
            Some(Signal::Interrupt) => return self.interrupted_answer(plan, occasion, stop).await,
            None => {}
        }
        let answer = answer.unwrap_or_else(|| Answer { choice: self.unanswered(occasion), reason: None });
        self.take_answer(plan, occasion, stop, answer).await
    }

    /// A signal that came while the release did what leads to the question: one Ctrl-C is answered by the question.
    async fn heard_before(&self, plan: &Plan, stop: Stop) -> Result<Stop, Consulted> {
        match self.interrupt.raised() {
            Some(Signal::Interrupt) if self.interrupt.insisted() => Err(self.left_running(plan, TWICE)),
            Some(Signal::Interrupt) => {
                self.interrupt.clear();
                Ok(stop)
            }
            Some(Signal::Terminate) => Err(Consulted::Stop(told_to_go(stop))),
            None => Ok(stop),
        }
    }

    /// Ctrl-C at a question leaves things where they are; at one that a key asked it is a question of its own.
    async fn interrupted_answer(&self, plan: &Plan, occasion: Occasion, stop: Stop) -> Consulted {
        match occasion {
            Occasion::Interrupted => self.left_running(plan, TWICE),
            Occasion::RollBack | Occasion::Finish => Consulted::GoOn,
            Occasion::Paused | Occasion::GateFailed | Occasion::Held | Occasion::Approval => {
                self.interrupt.clear();
                self.leave(plan, occasion, stop).await
            }
        }
    }

    fn occasion(&self, stop: &Stop) -> Option<Occasion> {
        let occasion = match stop {
            Stop::Interrupted(Signal::Interrupt) if self.has_written() && !self.has_only_looked() => {
                Occasion::Interrupted
            }
            Stop::Asked(Demand::Pause) => Occasion::Paused,
            Stop::Asked(Demand::RollBack) => Occasion::RollBack,
            Stop::Asked(Demand::Finish) => Occasion::Finish,
            Stop::Bad(problem) if problem.code == Code::GateFailed => Occasion::GateFailed,
            Stop::Held(_) => Occasion::Held,
            Stop::Approval(_) => Occasion::Approval,
            _ => return None,
        };
        // One look acts once, and never goes past a pause.
        let asks = !self.settings.once || occasion == Occasion::Interrupted;
        (asks && self.person.is_there(occasion)).then_some(occasion)
    }

    fn question(&self, occasion: Occasion, stop: &Stop, recorded: bool) -> Question {
        let problem = match stop {
            Stop::Bad(problem) | Stop::Held(problem) => Some(problem.clone()),
            _ => None,
        };
        let share = match stop {
            Stop::Approval(percent) => Some(*percent),
            _ => self.share.get(),
        };
        let (choices, unanswered) = (occasion.choices(), self.unanswered(occasion));
        Question { occasion, share, problem, choices, unanswered, recorded }
    }

    /// What is done when nobody answers: what would be done if nobody were there. A hold is never ended by time.
    fn unanswered(&self, occasion: Occasion) -> Choice {
        match (occasion, self.settings.on_interrupt) {
            (Occasion::Interrupted, OnInterrupt::Rollback) | (Occasion::GateFailed, _) => Choice::RollBack,
            (Occasion::Interrupted, OnInterrupt::Hold) => Choice::Leave,
            (Occasion::Paused | Occasion::Held | Occasion::Approval, _) => Choice::Leave,
            (Occasion::RollBack | Occasion::Finish, _) => Choice::GoOn,
        }
    }

    async fn take_answer(&self, plan: &Plan, occasion: Occasion, stop: Stop, answer: Answer) -> Consulted {
        // Only whoever was asked about the next step has agreed to it.
        let agreed = match &stop {
            Stop::Approval(percent) => Resuming::Agreed(*percent),
            _ => Resuming::Going,
        };
        // Whatever is chosen now is not what was chosen before.
        self.finishing.set(self.settings.finish || answer.choice == Choice::Finish);
        match answer.choice {
            // The gate has its own words for it.
            Choice::RollBack if occasion == Occasion::GateFailed => Consulted::Stop(stop),
            Choice::RollBack => Consulted::Stop(Stop::Recalled { bad: occasion != Occasion::Interrupted }),
            Choice::Leave => self.leave(plan, occasion, stop).await,
            Choice::GoOn | Choice::Finish => self.go_on_from(plan, occasion, agreed).await,
            Choice::Watch => {
                // A step that was held is given its extension anew by going on with it.
                if occasion == Occasion::GateFailed {
                    self.excuse(Some(self.clock.now() + self.patience(plan)));
                }
                self.go_on_from(plan, occasion, agreed).await
            }
            Choice::PassOnce => match self.pass_once(answer.reason.unwrap_or_default()) {
                Ok(()) => self.go_on_from(plan, occasion, agreed).await,
                Err(_) if matches!(stop, Stop::Bad(_)) => Consulted::Stop(stop),
                Err(problem) => Consulted::Stop(Stop::Failed(problem)),
            },
        }
    }

    fn patience(&self, plan: &Plan) -> Duration {
        let steps = plan.canary.as_ref().map(|canary| canary.steps.as_slice()).unwrap_or_default();
        let usual = steps.get(self.step.get()).map(|step| plan.target.canary.extension(step));
        usual.unwrap_or_default().max(PATIENCE_MIN)
    }

    /// The step under way is excused for what speaks against it now, until a time or altogether.
    fn excuse(&self, until: Option<Timestamp>) {
        let alarms = self.alarms.borrow().clone();
        self.excuses.borrow_mut().push(Excuse { step: self.step.get(), until, alarms });
    }

    /// Where the records say that the release is held, it is set going again first.
    async fn go_on_from(&self, plan: &Plan, occasion: Occasion, resuming: Resuming) -> Consulted {
        if matches!(occasion, Occasion::Paused | Occasion::Held | Occasion::Approval) {
            self.resuming.set(resuming);
            if let Err(problem) = self.set_going(plan).await {
                return Consulted::Stop(Stop::Failed(problem));
            }
        }
        Consulted::GoOn
    }

    /// This step counts as passed: who says so must say why.
    fn pass_once(&self, reason: String) -> Result<(), Problem> {
        let percent = self.share.get().unwrap_or_default();
        self.append(Entry::GatePassed { percent, reason: reason.clone() })?;
        self.emit(&Event::GatePassed { release: self.run.clone(), percent: percent.percent(), reason });
        self.excuse(None);
        Ok(())
    }

    async fn leave(&self, plan: &Plan, occasion: Occasion, stop: Stop) -> Consulted {
        match occasion {
            // The records say so already, and the stop has its own words.
            Occasion::Held | Occasion::Approval => Consulted::Stop(stop),
            Occasion::GateFailed => {
                self.hold_records(plan).await;
                Consulted::Left(self.left(plan, Exit::InBetween, "the gate says no, and going back was declined"))
            }
            _ if !self.progress().may_have_changed() => Consulted::Stop(Stop::Interrupted(Signal::Interrupt)),
            _ => {
                let held = self.hold_records(plan).await == Held::All;
                let exit = if held { Exit::InFlight } else { Exit::InBetween };
                Consulted::Left(self.left(plan, exit, "a person left it so"))
            }
        }
    }

    /// Nothing more is sent, not even the word that it is held. Where no alias, policy or stage was touched there is
    /// nothing to leave.
    fn left_running(&self, plan: &Plan, why: &str) -> Consulted {
        if !self.progress().may_have_changed() {
            return Consulted::Stop(Stop::Interrupted(Signal::Interrupt));
        }
        Consulted::Left(self.left(plan, Exit::InBetween, why))
    }

    fn left(&self, plan: &Plan, exit: Exit, why: &str) -> Outcome {
        let place = plan.target.label();
        let share = self.share.get();
        let at = share.map_or_else(|| "as it is".to_owned(), |percent| format!("at {percent}"));
        let (code, held) = match exit {
            Exit::InFlight => (Code::StillInFlight, "paused; nothing moves by itself"),
            _ => (Code::InBetween, "nobody watches it"),
        };
        let now = format!("as last written: {}; {held}", as_written(plan, &self.progress()));
        let mut problem = Problem::new(code, format!("{place} is left {at}")).why(why).aws_now(now).exit(exit);
        if self.unsure.get() {
            problem = problem.why("the last write has not been answered: whether it has landed, status tells");
        }
        let problem = problem
            .fix(format!("go back: stagegate rollback {place}"))
            .fix(format!("go on:   stagegate resume {place}"))
            .fix(format!("look:    stagegate status {place}"));
        Outcome { exit, ending: None, problem: Some(problem), now: Vec::new() }
    }

    /// Writes into every record that it is held.
    async fn hold_records(&self, plan: &Plan) -> Held {
        let mut held = Held::All;
        for member in &plan.members {
            match self.mark(&member.function, &plan.target.alias, Wish::Hold).await {
                Ok(Marked::Left(_)) => return Held::Left,
                Ok(Marked::Written(_) | Marked::Already(_)) => {}
                Err(problem) => {
                    held = Held::Some;
                    self.emit(&Event::Warning { problem: problem.level(Level::Warning) });
                }
            }
        }
        held
    }
}

/// Whether the records say that a release is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// All of them do.
    All,
    /// Not every one could be written.
    Some,
    /// One of them is no longer this release's to hold.
    Left,
}

const TWICE: &str = "Ctrl-C came twice: nothing more was sent";

/// A runner or the system wants the process gone: what is proven worse goes back as that, all else as configured.
fn told_to_go(stop: Stop) -> Stop {
    if matches!(stop, Stop::Bad(_)) { stop } else { Stop::Interrupted(Signal::Terminate) }
}

/// What the newest announced change of each alias, and of the stage, wants: without another call nobody knows more.
fn as_written(plan: &Plan, progress: &Progress) -> String {
    let mut now = Vec::new();
    for member in &plan.members {
        let last = progress.intents.iter().rev().find_map(|change| match change {
            Change::Alias { function, alias, want, .. }
                if *function == member.function && *alias == plan.target.alias =>
            {
                Some(want)
            }
            _ => None,
        });
        now.extend(last.map(|want| format!("{}:{} → {}", member.function, plan.target.alias, split(want))));
    }
    now.extend(progress.intents.iter().rev().find_map(|change| match change {
        Change::Stage { stage, want, .. } => {
            let canary = want.canary.as_ref().map(|canary| format!("canary {}%", canary.percent));
            let deployment = want.deployment.as_ref().map(|id| format!("deployment {id}"));
            let parts: Vec<String> = deployment.into_iter().chain(canary).collect();
            (!parts.is_empty()).then(|| format!("{stage} {}", parts.join(", ")))
        }
        _ => None,
    }));
    if now.is_empty() { "no routing, policy or stage was changed".to_owned() } else { now.join("; ") }
}

/// `v41 75% / v42 25%`
fn split(routing: &Routing) -> String {
    let share = |weight: f64| Percent::of_share(weight);
    let extra: f64 = routing.weights.values().sum();
    let others = routing.weights.iter().map(|(version, weight)| format!(" / v{version} {}", share(*weight)));
    std::iter::once(format!("{} {}", routing.version.label(), share(1.0 - extra))).chain(others).collect()
}
