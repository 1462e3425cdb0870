//! `--until`: where a release stops although nothing is wrong.

use std::str::FromStr;

use crate::model::{Percent, Target};
use crate::plan::Plan;
use crate::problem::{Code, Problem};
use crate::step::{PIPELINE, StepKind};

/// After which step, or at which share of the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// The step that is done last.
    pub step: StepKind,
    /// The share that the canary gets last; only with the canary.
    pub percent: Option<Percent>,
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, percent) = match text.split_once(':') {
            Some((name, percent)) => (name, Some(percent)),
            None => (text, None),
        };
        let step = StepKind::named(name).filter(|step| *step != StepKind::Promote).ok_or_else(|| {
            let names = PIPELINE.iter().filter(|d| d.kind != StepKind::Promote).map(|d| d.name);
            format!("no step to stop after is called `{name}`; there are {}", names.collect::<Vec<_>>().join(", "))
        })?;
        let Some(percent) = percent else { return Ok(Self { step, percent: None }) };
        if step != StepKind::Canary {
            return Err(format!("{name} has no share of the traffic; write canary:{percent}"));
        }
        let percent: Percent = percent.parse().map_err(|error: crate::model::InvalidName| error.to_string())?;
        if percent == Percent::ZERO || percent == Percent::ALL {
            return Err("name a share of one of the steps, such as canary:25%".into());
        }
        Ok(Self { step, percent: Some(percent) })
    }
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.percent {
            Some(percent) => write!(f, "{}:{percent}", self.step),
            None => write!(f, "{}", self.step),
        }
    }
}

impl Until {
    /// Refuses a share that is none of the steps: the release would never stop there.
    ///
    /// # Errors
    /// [`Code::BadOption`], with the steps.
    pub fn check(self, target: &Target) -> Result<(), Problem> {
        if self.step != StepKind::Canary {
            return Ok(());
        }
        if !target.canary.is_gradual() {
            return Err(Problem::new(Code::BadOption, format!("--until {self}: this release has no canary"))
                .why(format!("target {} moves all traffic at once", target.label()))
                .fix("name steps: --canary \"5% 10m, 25% 10m\"")
                .fix("or stop before any traffic moves: --until smoke"));
        }
        let Some(percent) = self.percent else { return Ok(()) };
        if target.canary.steps.iter().any(|step| step.percent == percent) {
            return Ok(());
        }
        let steps: Vec<String> = target.canary.steps.iter().map(|step| step.percent.to_string()).collect();
        let problem = Problem::new(Code::BadOption, format!("--until {self}: no step of this release has {percent}"))
            .why(format!("its steps: {}", steps.join(", ")));
        Err(steps.iter().fold(problem, |problem, step| problem.fix(format!("--until canary:{step}"))))
    }

    /// A plan may turn out to have no canary, for want of a stable version: it must not run past the place where it was
    /// to stop.
    ///
    /// # Errors
    /// [`Code::BadOption`].
    pub fn check_plan(self, plan: &Plan) -> Result<(), Problem> {
        if self.step != StepKind::Canary || plan.canary.is_some() {
            return self.check(&plan.target);
        }
        Err(Problem::new(Code::BadOption, format!("--until {self}: this release would not stop there"))
            .why("without a stable version there is no canary: all traffic moves at once, after the smoke checks")
            .fix("stop before that: --until smoke"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CanaryMode, schedule};

    fn target() -> Target {
        let mut target = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
        target.canary.mode = CanaryMode::Alias;
        target.canary.steps = schedule::parse("5% 10m, 25% 10m").unwrap();
        target
    }

    fn until(text: &str) -> Until {
        text.parse().unwrap()
    }

    #[test]
    fn a_stop_reads_as_a_step_with_or_without_a_share() {
        for text in ["publish", "redeploy", "canary", "canary:25%", "canary:0.5%"] {
            assert_eq!(until(text).to_string(), text);
        }
        for (text, says) in [
            ("promote", "no step to stop after"),
            ("nowhere", "publish, smoke"),
            ("alias:5%", "canary:5%"),
            ("canary:", "%"),
            ("canary:100%", "one of the steps"),
        ] {
            let said = text.parse::<Until>().unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    #[test]
    fn a_share_that_no_step_has_is_refused_with_the_shares_that_there_are() {
        assert_eq!(until("canary:25%").check(&target()), Ok(()));
        assert_eq!(until("canary").check(&target()), Ok(()));
        let refused = until("canary:10%").check(&target()).unwrap_err();
        assert_eq!(refused.fix, ["--until canary:5%", "--until canary:25%"]);
        let none = Target::of_alias("checkout-api".parse().unwrap(), "live".parse().unwrap());
        assert!(until("canary").check(&none).unwrap_err().what.contains("no canary"));
        assert_eq!(until("smoke").check(&none), Ok(()));
    }
}
