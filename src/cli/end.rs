//! How a command ended: what the exit code and the last event say.

use super::target::Located;
use crate::engine::Outcome;
use crate::event::{Event, Summary};
use crate::journal::Ending;
use crate::model::{RunId, Version};
use crate::plan::Plan;
use crate::problem::{Code, Exit, Level, Problem};

/// `result` of a release that goes on only when a person says so.
pub const HELD: &str = "held";

/// The end of a command.
#[derive(Debug)]
pub struct End {
    exit: Exit,
    /// What to tell, when it is not plain success.
    pub problem: Option<Problem>,
    summary: Summary,
}

impl From<Problem> for End {
    fn from(problem: Problem) -> Self {
        let exit = if problem.level == Level::Error { problem.exit } else { Exit::Done };
        let exit = if matches!(problem.exit, Exit::InFlight | Exit::Findings) { problem.exit } else { exit };
        Self::new(exit, word(exit, None)).with(problem)
    }
}

/// `result` of the last event.
fn word(exit: Exit, ending: Option<Ending>) -> &'static str {
    match (exit, ending) {
        (Exit::InBetween, _) => "in-between",
        (_, Some(Ending::Promoted)) => "promoted",
        (_, Some(Ending::Unchanged)) => "unchanged",
        (Exit::RolledBack, _) | (Exit::Done, Some(Ending::RolledBack)) => "rolled-back",
        (Exit::InFlight, _) => "paused",
        (Exit::Done, _) | (Exit::Interrupted | Exit::Terminated, _) => "stopped",
        _ => "failed",
    }
}

/// `result` of a release that goes on later: whether by itself, by a person who decides, or by one who goes on.
fn waits(outcome: &Outcome) -> Option<&'static str> {
    if outcome.ending.is_some() || !matches!(outcome.exit, Exit::Done | Exit::InFlight) {
        return None;
    }
    Some(match outcome.problem.as_ref().map(|problem| problem.code) {
        Some(Code::StillBaking) => "baking",
        Some(Code::CanaryHeld) => HELD,
        _ => "paused",
    })
}

impl End {
    /// An end with this `result`.
    pub fn new(exit: Exit, result: &str) -> Self {
        let summary = Summary {
            release: None,
            result: result.to_owned(),
            exit_code: exit.code(),
            version: None,
            previous_version: None,
            candidate: None,
            weight: None,
            deployment: None,
            resume: None,
            rollback: None,
            plan_digest: None,
            findings: None,
        };
        Self { exit, problem: None, summary }
    }

    /// Done, with nothing more to say.
    pub fn done() -> Self {
        Self::new(Exit::Done, "done")
    }

    /// Of a release that was run or gone on with.
    pub fn of_release(plan: &Plan, outcome: Outcome, candidate: Option<Version>, deployment: Option<String>) -> Self {
        let end = Self::new(outcome.exit, waits(&outcome).unwrap_or_else(|| word(outcome.exit, outcome.ending)));
        let stable = plan.members.first().and_then(|m| m.before.as_ref()).map(|a| a.version.to_string());
        let only = plan.members.len() == 1;
        let serves = match outcome.ending {
            Some(Ending::Promoted) => candidate.map(|v| v.to_string()),
            // Somebody else moved it.
            Some(Ending::Stopped) if outcome.exit == Exit::Conflict => None,
            Some(Ending::Unchanged | Ending::RolledBack | Ending::Stopped) => stable.clone(),
            // The version that served before stays in front until the last step.
            None if plan.canary.is_some() && matches!(outcome.exit, Exit::Done | Exit::InFlight) => stable.clone(),
            Some(Ending::NeedsPerson | Ending::Elsewhere | Ending::ByHand) | None => None,
        };
        let summary = Summary {
            release: Some(plan.run.clone()),
            version: serves.filter(|_| only),
            previous_version: stable.filter(|_| only),
            candidate: candidate.map(|v| v.to_string()).filter(|_| only),
            deployment,
            ..end.summary
        };
        Self { exit: outcome.exit, problem: outcome.problem, summary }
    }

    /// With something to tell.
    pub fn with(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    /// With more said of the problem, if there is one.
    pub fn explained(mut self, explain: impl FnOnce(Problem) -> Problem) -> Self {
        self.problem = self.problem.map(explain);
        self
    }

    /// Names the release.
    pub fn release(mut self, run: RunId) -> Self {
        self.summary.release = Some(run);
        self
    }

    /// Names the version that serves now and the one before it.
    pub fn versions(mut self, serves: Option<Version>, previous: Option<Version>) -> Self {
        self.summary.version = serves.map(|v| v.to_string());
        self.summary.previous_version = previous.map(|v| v.to_string());
        self
    }

    /// Says which share of the traffic the candidate has, 0–100 %.
    pub fn weight(mut self, weight: Option<f64>) -> Self {
        self.summary.weight = weight;
        self
    }

    /// Names the commands that go on and go back.
    pub fn commands(mut self, resume: Option<String>, rollback: Option<String>) -> Self {
        self.summary.resume = resume;
        self.summary.rollback = rollback;
        self
    }

    /// Names the digest of the plan.
    pub fn plan_digest(mut self, digest: String) -> Self {
        self.summary.plan_digest = Some(digest);
        self
    }

    /// Says how many findings there are.
    pub fn findings(mut self, count: usize) -> Self {
        self.summary.findings = Some(count);
        self
    }

    /// Names the deployment that the stage serves now.
    pub fn deployment(mut self, deployment: Option<String>) -> Self {
        self.summary.deployment = deployment;
        self
    }

    /// The exit code.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// What the last event says.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The last event.
    pub fn event(&self) -> Event {
        Event::Result(Box::new(self.summary.clone()))
    }
}

/// What was done before something failed stays: each place is whole on its own.
pub fn partly(problem: Problem, done: &[String], located: &Located) -> Problem {
    let problem = problem.level(Level::Error).fix(format!("look: {}", located.command("status")));
    if done.is_empty() {
        let exit = if problem.exit == Exit::InBetween { Exit::Conflict } else { problem.exit };
        return problem.exit(exit).aws_now("not changed by this command, as far as it was read back");
    }
    let now = done.join("; ");
    problem.aws_now(format!("{now}; the rest as it was")).exit(Exit::InBetween)
}
