//! What only a person can decide: before a release stops, whoever is at the terminal is asked. Going on is entering the
//! way forward again, which recognises by looking what is done.

use std::time::Duration;

use super::pause::Wish;
use super::person::{Answer, Choice, Demand, Occasion, Question};
use super::{Engine, OnInterrupt, Outcome, Signal, Stop};
use crate::aws::Aws;
use crate::aws::noun::Routing;
use crate::change::Change;
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::{Entry, Journal, Progress};
use crate::model::Percent;
use crate::plan::Plan;
use crate::problem::{Code, Exit, Problem};

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
        if matches!(stop, Stop::Interrupted(_)) {
            if self.interrupt.insisted() {
                return Consulted::Left(self.left_running(plan));
            }
            self.interrupt.clear();
        }
        if occasion == Occasion::Paused {
            self.hold_records(plan).await;
        }
        let answer = self.person.ask(&self.question(occasion, &stop)).await;
        match self.interrupt.raised() {
            Some(Signal::Terminate) => return Consulted::Stop(Stop::Interrupted(Signal::Terminate)),
            Some(Signal::Interrupt) => return Consulted::Left(self.left_running(plan)),
            None => {}
        }
        let unanswered = self.unanswered(occasion).map(|choice| Answer { choice, reason: None });
        match answer.or(unanswered) {
            Some(answer) => self.take_answer(plan, occasion, stop, answer).await,
            None => Consulted::Stop(stop),
        }
    }

    fn occasion(&self, stop: &Stop) -> Option<Occasion> {
        let occasion = match stop {
            Stop::Interrupted(Signal::Interrupt) if self.has_written() => Occasion::Interrupted,
            Stop::Asked(Demand::Pause) => Occasion::Paused,
            Stop::Asked(Demand::RollBack) => Occasion::RollBack,
            Stop::Asked(Demand::Finish) => Occasion::Finish,
            Stop::Bad(problem) if problem.code == Code::GateFailed => Occasion::GateFailed,
            Stop::Held(_) if !self.settings.once => Occasion::Held,
            Stop::Approval(_) => Occasion::Approval,
            _ => return None,
        };
        self.person.is_there(occasion).then_some(occasion)
    }

    fn question(&self, occasion: Occasion, stop: &Stop) -> Question {
        let problem = match stop {
            Stop::Bad(problem) | Stop::Held(problem) => Some(problem.clone()),
            _ => None,
        };
        let share = match stop {
            Stop::Approval(percent) => Some(*percent),
            _ => self.share.get(),
        };
        let (choices, unanswered) = (occasion.choices(), self.unanswered(occasion));
        Question { occasion, share, problem, choices, unanswered }
    }

    /// What is done when nobody answers: what would be done if nobody were there. A hold is never ended by time.
    fn unanswered(&self, occasion: Occasion) -> Option<Choice> {
        match (occasion, self.settings.on_interrupt) {
            (Occasion::Interrupted, OnInterrupt::Rollback) | (Occasion::GateFailed, _) => Some(Choice::RollBack),
            (Occasion::Interrupted, OnInterrupt::Hold) | (Occasion::Held | Occasion::Approval, _) => {
                Some(Choice::Leave)
            }
            (Occasion::RollBack | Occasion::Finish, _) => Some(Choice::GoOn),
            (Occasion::Paused, _) => None,
        }
    }

    async fn take_answer(&self, plan: &Plan, occasion: Occasion, stop: Stop, answer: Answer) -> Consulted {
        match answer.choice {
            // The gate has its own words for it.
            Choice::RollBack if occasion == Occasion::GateFailed => Consulted::Stop(stop),
            Choice::RollBack => Consulted::Stop(Stop::Recalled { bad: occasion != Occasion::Interrupted }),
            Choice::Leave => self.leave(plan, occasion, stop).await,
            Choice::GoOn => self.go_on_from(plan, occasion).await,
            Choice::Finish => {
                self.finishing.set(true);
                self.go_on_from(plan, occasion).await
            }
            Choice::Watch => {
                let steps = plan.canary.as_ref().map(|canary| canary.steps.as_slice()).unwrap_or_default();
                let usual = steps.get(self.step.get()).map(|step| plan.target.canary.extension(step));
                self.patience.set(Some(self.clock.now() + usual.unwrap_or_default().max(PATIENCE_MIN)));
                self.go_on_from(plan, occasion).await
            }
            Choice::PassOnce => {
                let reason = answer.reason.unwrap_or_default();
                match self.pass_once(reason) {
                    Ok(()) => self.go_on_from(plan, occasion).await,
                    Err(problem) => Consulted::Stop(Stop::Failed(problem)),
                }
            }
        }
    }

    /// Where the records say that the release is held, it is set going again first.
    async fn go_on_from(&self, plan: &Plan, occasion: Occasion) -> Consulted {
        if matches!(occasion, Occasion::Paused | Occasion::Held | Occasion::Approval) {
            self.resuming.set(true);
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
        self.passed.borrow_mut().insert(self.step.get());
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
            _ => {
                let held = self.hold_records(plan).await;
                let exit = if held { Exit::InFlight } else { Exit::InBetween };
                Consulted::Left(self.left(plan, exit, "a person left it so"))
            }
        }
    }

    /// The second Ctrl-C: nothing more is sent, not even the word that it is held.
    fn left_running(&self, plan: &Plan) -> Outcome {
        self.left(plan, Exit::InBetween, "Ctrl-C came twice: nothing more was sent")
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

    /// Writes into every record that it is held; answers whether all of them say so now.
    async fn hold_records(&self, plan: &Plan) -> bool {
        let mut held = true;
        for member in &plan.members {
            match self.mark(&member.function, &plan.target.alias, Wish::Hold).await {
                Ok(marked) => held &= !matches!(marked, super::pause::Marked::Left(_)),
                Err(problem) => {
                    held = false;
                    self.emit(&Event::Warning { problem: problem.level(crate::problem::Level::Warning) });
                }
            }
        }
        held
    }
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
