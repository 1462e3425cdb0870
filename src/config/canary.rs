//! `[target.NAME.canary]`: what its values look like, and whether they fit the target.

use std::ops::Range;

use serde_json::{Value, json};
use toml::Spanned;

use super::document::{FromToml, Node};
use super::file::CanaryKeys;
use super::resolve::Merged;
use super::suggest::nearest;
use super::value::from_words;
use crate::model::{
    Canary, CanaryMode, CanaryStep, InvalidName, PRESETS, Percent, Target, candidate_alias, preset, schedule,
};
use crate::problem::{Code, Problem};

from_words! {
    CanaryMode => "\"alias\", \"stage\" or \"none\""
        [("alias", Self::Alias), ("stage", Self::Stage), ("none", Self::None)];
}

/// The steps as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps(pub Vec<CanaryStep>);

impl FromToml for Steps {
    const WANTED: &'static str = "a list in [ ], such as [\"5% 10m\", \"25% 10m\"]";

    fn schema() -> Value {
        json!({ "type": "array", "items": OneStep::schema(), "minItems": 1 })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        let items = node.value.as_array().ok_or_else(|| node.wrong_type::<Self>())?;
        let children: Vec<Node<'_>> =
            items.iter().enumerate().map(|(at, item)| node.child(format!("{}[{at}]", node.path), item)).collect();
        let texts: Vec<&str> = children.iter().map(Node::text::<OneStep>).collect::<Result<_, _>>()?;
        schedule::steps(&texts).map(Self).map_err(|error| {
            let (at, what) = match children.get(error.step) {
                Some(child) => {
                    (inside(child, error.at), format!("step {} of `{}`: {}", error.step + 1, node.path, error.what))
                }
                None => (node.range.clone(), format!("`{}`: {}", node.path, error.what)),
            };
            node.document.problem(Code::BadValue, what, &node.path, at, error.write)
        })
    }
}

/// Where a part of a text stands in the document; all of the text where it is written with escapes.
fn inside(node: &Node<'_>, part: Range<usize>) -> Range<usize> {
    let raw = node.document.text().get(node.range.clone()).unwrap_or_default();
    match node.value.as_str() {
        Some(text) if raw.get(1..raw.len().saturating_sub(1)) == Some(text) && !part.is_empty() => {
            node.range.start + 1 + part.start..node.range.start + 1 + part.end
        }
        _ => node.range.clone(),
    }
}

/// What one step in the list is.
struct OneStep;

impl FromToml for OneStep {
    const WANTED: &'static str = "a step in quotes, such as \"5% 10m\"";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "[0-9]%", "examples": ["5% 10m", "25% 10m until 300 req"] })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        node.text::<Self>().map(|_| Self)
    }
}

/// The steps by name; none for `AllAtOnce`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Preset(pub Vec<CanaryStep>);

impl FromToml for Preset {
    const WANTED: &'static str = "a name in quotes, such as \"Canary10Percent5Minutes\"";

    fn schema() -> Value {
        json!({ "type": "string", "examples": PRESETS })
    }

    fn from_toml(node: &Node<'_>) -> Result<Self, Problem> {
        preset(node.text::<Self>()?).map(Self).map_err(|error| {
            let what = format!("`{}` is not a valid preset", node.path);
            node.problem(Code::BadValue, what, instead(&error))
        })
    }
}

/// What to write instead of a bad name of a preset.
pub(super) fn instead(error: &InvalidName) -> String {
    let bare = error.value.rsplit('.').next().unwrap_or_default();
    let bare = bare.strip_prefix("Lambda").unwrap_or(bare);
    // Another rule than that of the form says more than a similar name.
    let near = nearest(bare, PRESETS.iter().copied()).filter(|_| error.rule.starts_with("must be"));
    near.map_or_else(|| error.rule.to_owned(), |near| format!("did you mean `{near}`?"))
}

/// Why a canary does not fit its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// There is a mode and no step.
    NoSteps,
    /// The stage's canary is wanted and there is no stage.
    NoStage,
    /// The stage's canary is wanted and nothing tells the candidate's share of requests another alias.
    NoVariable,
    /// The name of the candidate's alias would be too long.
    LongAlias,
    /// A person shall agree before a percentage that no step has.
    NoSuchStep(Percent),
}

impl Misfit {
    /// The first of a target, if any.
    pub fn of(target: &Target) -> Option<Self> {
        let canary = &target.canary;
        if canary.mode == CanaryMode::None {
            return None;
        }
        if canary.steps.is_empty() {
            return Some(Self::NoSteps);
        }
        if canary.mode == CanaryMode::Stage {
            if target.stage.is_none() {
                return Some(Self::NoStage);
            }
            if target.alias_variable.is_none() {
                return Some(Self::NoVariable);
            }
            if candidate_alias(&target.alias).is_none() {
                return Some(Self::LongAlias);
            }
        }
        let is_step = |percent: &Percent| canary.steps.iter().any(|step| step.percent == *percent);
        canary.approve.iter().find(|percent| !is_step(percent)).copied().map(Self::NoSuchStep)
    }

    /// What is wrong, to follow the name of the target.
    pub fn what(self) -> String {
        match self {
            Self::NoSteps => "shifts traffic in steps and has none".into(),
            Self::NoStage => "shifts the requests of a stage and has no stage".into(),
            Self::NoVariable => "shifts the requests of a stage and has no `alias_variable`".into(),
            Self::LongAlias => "has an alias whose name leaves no room for the candidate's".into(),
            Self::NoSuchStep(percent) => format!("asks a person before {percent}, and no step has that percentage"),
        }
    }

    /// Why that cannot be.
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::NoVariable => Some(
                "the canary of a stage calls the candidate by giving this variable another value; integrations that \
                 do not take their alias from it would go on calling the old version",
            ),
            Self::LongAlias => Some("a stage canary calls the candidate as ALIAS-canary, at most 128 characters"),
            Self::NoSteps | Self::NoStage | Self::NoSuchStep(_) => None,
        }
    }

    /// What to write into the file.
    pub fn write(self, canary: &Canary) -> String {
        match self {
            Self::NoSteps => "add: steps = [\"5% 10m\", \"25% 10m\"], or write \"none\"".into(),
            Self::NoStage => "add `api` and `stage`, or write \"alias\"".into(),
            Self::NoVariable => "add: alias_variable = \"VARIABLE\", or write \"alias\"".into(),
            Self::LongAlias => "must have at most 121 characters, or write mode = \"alias\"".into(),
            Self::NoSuchStep(_) => {
                let shares: Vec<String> = canary.steps.iter().map(|step| step.percent.to_string()).collect();
                format!("one of: {}", shares.join(", "))
            }
        }
    }
}

impl<'c> Merged<'c> {
    /// A key of the target's table, or else of the defaults'.
    fn canary_key<T>(&self, key: fn(&'c CanaryKeys) -> Option<&'c Spanned<T>>) -> Option<&'c Spanned<T>> {
        self.get(|keys| key(keys.canary.as_ref()?.get_ref()))
    }

    /// The canary that the keys say. The target's own way of naming the steps, `steps` or `preset`, hides the
    /// defaults' way, and a `mode = "none"` there.
    pub(super) fn canary(&self) -> Result<Canary, Problem> {
        let own = self.own.get_ref().canary.as_ref().map(Spanned::get_ref);
        let defaults = self.defaults.canary.as_ref().map(Spanned::get_ref);
        let names_steps = |keys: &&CanaryKeys| keys.steps.is_some() || keys.preset.is_some();
        let layer = own.filter(names_steps).or_else(|| defaults.filter(names_steps));
        if let Some(CanaryKeys { steps: Some(_), preset: Some(preset), .. }) = layer {
            let what = format!("target {} names its steps twice, as `steps` and as `preset`", self.name);
            return Err(self.problem(Code::Contradiction, what, preset, "keep one of the two"));
        }
        let steps = layer.map(|keys| match (&keys.steps, &keys.preset) {
            (Some(steps), _) => steps.get_ref().0.clone(),
            (None, preset) => preset.as_ref().map(|preset| preset.get_ref().0.clone()).unwrap_or_default(),
        });
        let mode = |keys: Option<&CanaryKeys>| keys.and_then(|keys| keys.mode.as_ref()).map(|mode| *mode.get_ref());
        let mode = match (mode(own), mode(defaults), &steps) {
            (Some(own), _, _) => own,
            (None, Some(said), Some(steps)) if own.as_ref().is_some_and(names_steps) => gradual(Some(said), steps),
            (None, Some(defaults), _) => defaults,
            (None, None, Some(steps)) => gradual(None, steps),
            (None, None, None) => CanaryMode::None,
        };
        let approve = self.canary_key(|keys| keys.approve.as_ref());
        Ok(Canary {
            mode,
            steps: steps.unwrap_or_default(),
            min_invocations: self.canary_key(|keys| keys.min_invocations.as_ref()).map_or(0, |least| least.get_ref().0),
            max_extend: self.canary_key(|keys| keys.max_extend.as_ref()).map(|time| time.get_ref().0),
            approve: approve
                .map(|list| list.get_ref().iter().map(|percent| *percent.get_ref()).collect())
                .unwrap_or_default(),
        })
    }

    /// A problem with `canary.mode`, at its place.
    pub(super) fn at_mode(&self, problem: Problem, note: &str) -> Problem {
        let mode = self.canary_key(|keys| keys.mode.as_ref());
        mode.map_or(problem.clone(), |mode| self.at(problem, mode, note))
    }

    /// Whether the canary fits the rest of the target.
    pub(super) fn check_canary(&self, target: &Target) -> Result<(), Problem> {
        let Some(misfit) = Misfit::of(target) else { return Ok(()) };
        let (code, what) = (Code::Contradiction, format!("target {} {}", self.name, misfit.what()));
        let note = misfit.write(&target.canary);
        let mode = self.canary_key(|keys| keys.mode.as_ref());
        let approve = self.canary_key(|keys| keys.approve.as_ref()).map(Spanned::get_ref);
        let asked = |percent| approve.and_then(|list| list.iter().find(|one| *one.get_ref() == percent));
        let alias = self.get(|keys| keys.alias.as_ref());
        let at = match misfit {
            Misfit::NoSuchStep(percent) => asked(percent).map(Spanned::span),
            Misfit::LongAlias => alias.map(Spanned::span),
            Misfit::NoSteps | Misfit::NoStage | Misfit::NoVariable => mode.map(Spanned::span),
        };
        let at = Spanned::new(at.unwrap_or_else(|| self.own.span()), ());
        let problem = self.problem(code, what, &at, note);
        Err(misfit.why().into_iter().fold(problem, Problem::why))
    }
}

/// How steps are taken that say so by being there: as was said, if that was gradual, or else by alias weights.
pub(super) fn gradual(said: Option<CanaryMode>, steps: &[CanaryStep]) -> CanaryMode {
    match said {
        _ if steps.is_empty() => CanaryMode::None,
        Some(CanaryMode::Stage) => CanaryMode::Stage,
        _ => CanaryMode::Alias,
    }
}

#[cfg(test)]
mod tests;
