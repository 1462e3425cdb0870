//! `--canary`, `--preset` and `--canary-mode`: another canary for this release.

use super::canary::{Misfit, gradual, instead};
use crate::model::{Canary, CanaryMode, CanaryStep, Target, preset, schedule};
use crate::problem::{Code, Problem, Span};

/// The flags, as typed. One that is blank counts as not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CanaryFlags {
    /// `--canary`: steps separated by commas, `none`, or a preset.
    pub steps: Option<String>,
    /// `--preset`: a name that CodeDeploy knows.
    pub preset: Option<String>,
    /// `--canary-mode`: how traffic is shifted.
    pub mode: Option<CanaryMode>,
}

impl CanaryFlags {
    /// The target with the canary that the flags ask for; the rest of its canary (`min_invocations`, `max_extend`,
    /// `approve`) stays as the file says.
    ///
    /// # Errors
    /// The steps cannot be read, or the canary does not fit the target: [`Code::BadOption`].
    pub fn apply(&self, target: Target) -> Result<Target, Problem> {
        let Some((mode, steps)) = self.wanted(&target.canary)? else { return Ok(target) };
        let target = Target { canary: Canary { mode, steps, ..target.canary }, ..target };
        match Misfit::of(&target) {
            None => Ok(target),
            Some(misfit) => Err(self.refuse(misfit, &target)),
        }
    }

    /// Mode and steps, if the flags say anything about them.
    fn wanted(&self, file: &Canary) -> Result<Option<(CanaryMode, Vec<CanaryStep>)>, Problem> {
        let steps = match (given(self.steps.as_ref()), given(self.preset.as_ref())) {
            (Some(_), Some(_)) => {
                let what = "--canary and --preset both name the steps";
                return Err(Problem::new(Code::BadOption, what).fix("keep one of the two"));
            }
            (Some(text), None) => Some(read(text)?),
            (None, Some(name)) => Some(named("--preset", name)?),
            (None, None) => None,
        };
        Ok(match (self.mode, steps) {
            (None, None) => None,
            (None, Some(steps)) => Some((gradual(Some(file.mode), &steps), steps)),
            (Some(mode), None) => Some((mode, file.steps.clone())),
            (Some(CanaryMode::None), Some(steps)) => Some((CanaryMode::None, steps)),
            (Some(mode), Some(steps)) if !steps.is_empty() => Some((mode, steps)),
            (Some(_), Some(_)) => {
                let what = "--canary-mode says how traffic is shifted in steps, and there are none";
                return Err(examples(
                    Problem::new(Code::BadOption, what).fix("leave --canary-mode out, or name steps"),
                ));
            }
        })
    }

    fn refuse(&self, misfit: Misfit, target: &Target) -> Problem {
        let problem = Problem::new(Code::BadOption, format!("target {} {}", target.label(), misfit.what()));
        let problem = misfit.why().into_iter().fold(problem, Problem::why);
        let asked = if self.mode.is_some() { "--canary-mode asks for it" } else { "the configuration asks for it" };
        match misfit {
            Misfit::NoSteps => examples(problem),
            Misfit::NoSuchStep(percent) => problem
                .why(format!("the steps of this release: {}", target.canary))
                .fix(format!("give it a step of {percent}, or remove {percent} from `approve` in the file")),
            Misfit::NoStage | Misfit::NoVariable => problem
                .why(asked)
                .fix("name them in the file: `api`, `stage` and `alias_variable`")
                .fix("or shift by the alias instead: --canary-mode alias"),
            Misfit::LongAlias => problem.why(asked).fix("shift by the alias instead: --canary-mode alias"),
        }
    }
}

/// Says how the flags are written.
fn examples(problem: Problem) -> Problem {
    problem
        .fix("steps: --canary \"5% 10m, 25% until 300 req\"")
        .fix("a preset: --preset Canary10Percent5Minutes")
        .fix("all at once: --canary none")
}

/// A flag that is not blank.
fn given(flag: Option<&String>) -> Option<&str> {
    flag.map(String::as_str).filter(|text| !text.trim().is_empty())
}

/// Steps, `none`, or a preset.
fn read(text: &str) -> Result<Vec<CanaryStep>, Problem> {
    match text.trim() {
        "none" => Ok(Vec::new()),
        // A step begins with a digit: this is meant as a name.
        name if name.starts_with(|c: char| c.is_ascii_alphabetic()) => named("--canary", name),
        _ => schedule::parse(text).map_err(|error| {
            let what = format!("--canary, step {}: {}", error.step + 1, error.what);
            examples(Problem::new(Code::BadOption, what).at(Span::of("--canary", text, error.at, error.write)))
        }),
    }
}

fn named(flag: &str, name: &str) -> Result<Vec<CanaryStep>, Problem> {
    preset(name.trim()).map_err(|error| {
        let what = format!("{flag}: `{name}` is not a valid preset");
        examples(Problem::new(Code::BadOption, what).why(instead(&error)))
    })
}

#[cfg(test)]
mod tests;
