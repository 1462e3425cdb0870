//! The flags that were given, as a printed command repeats them: who pastes it gets what was asked for, and not the
//! defaults.

use std::time::Duration;

use clap::ValueEnum;

use super::{Canary, Override, PlanArgs, PromoteArgs, Reading, ResumeArgs, Source, mode_word};
use crate::aws::layers::Pace;
use crate::cli::target::shell_word;
use crate::cli::until::Until;
use crate::engine::OnInterrupt;

/// What was asked for that a later `resume` of the same release needs as well.
#[derive(Debug, Clone, Copy, Default)]
pub struct Onward {
    /// Where it stops.
    pub(in crate::cli) until: Option<Until>,
    /// What a signal does.
    pub(in crate::cli) on_interrupt: Option<OnInterrupt>,
    /// How long a question waits.
    pub(in crate::cli) prompt_timeout: Option<Duration>,
}

impl Onward {
    /// The flags that were given.
    pub(in crate::cli) fn given(&self) -> Vec<String> {
        let Self { until, on_interrupt, prompt_timeout } = self;
        let flags = [
            flag("--until", until.as_ref()),
            flag("--on-interrupt", on_interrupt.as_ref().map(value_word).as_ref()),
            flag("--prompt-timeout", prompt_timeout.map(|time| format!("{}s", time.as_secs())).as_ref()),
        ];
        flags.into_iter().flatten().collect()
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        line(&self.given())
    }

    /// The same for a release that has come to where it was to stop.
    pub(in crate::cli) const fn past_its_stop(self) -> Self {
        Self { until: None, ..self }
    }
}

/// A flag with its value as a command line repeats it; nothing where it was not given.
fn flag(name: &str, value: Option<&impl ToString>) -> Option<String> {
    value.map(|value| format!("{name} {}", shell_word(&value.to_string())))
}

/// Flags as a command line repeats them, each with a blank before it.
fn line(flags: &[String]) -> String {
    flags.iter().map(|flag| format!(" {flag}")).collect()
}

/// A value as its flag takes it.
fn value_word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

impl Reading {
    /// The flags that were given.
    fn given(&self) -> Vec<String> {
        let Self { function_version, permission_settle, pace } = self;
        let pace = Some(pace).filter(|pace| **pace != Pace::default());
        let flags = [
            flag("--function-version", function_version.as_ref()),
            flag("--permission-settle", permission_settle.as_ref()),
            flag("--pace", pace.map(value_word).as_ref()),
        ];
        flags.into_iter().flatten().collect()
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        line(&self.given())
    }
}

impl Canary {
    /// With these steps in place of what was given.
    pub(in crate::cli) const fn with_steps(&self, steps: String) -> Self {
        Self { canary: Some(steps), preset: None, canary_mode: self.canary_mode }
    }

    /// The flags that were given.
    pub(in crate::cli) fn given(&self) -> Vec<String> {
        let Self { canary, preset, canary_mode } = self;
        let flags = [
            flag("--canary", canary.as_ref()),
            flag("--preset", preset.as_ref()),
            flag("--canary-mode", canary_mode.map(mode_word).as_ref()),
        ];
        flags.into_iter().flatten().collect()
    }
}

impl Override {
    fn given(&self) -> Option<String> {
        flag("--override-gate", self.override_gate.as_ref())
    }
}

impl PlanArgs {
    /// The flags that a promotion of what was planned needs as well.
    pub(in crate::cli) fn given(&self) -> Vec<String> {
        let Self { source: Source { target: _, reading }, canary, gate, out: _, detailed_exitcode: _ } = self;
        [reading.given(), canary.given(), gate.given().into_iter().collect()].concat()
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        line(&self.given())
    }

    /// The flags of the promotion that does exactly what was planned, each with a blank before it. A stored plan holds what
    /// it was made with.
    pub(in crate::cli) fn exactly(&self, digest: &str) -> String {
        match &self.out {
            Some(file) => {
                let pace = Reading { pace: self.source.reading.pace, ..Reading::default() };
                line(&[flag("--plan", Some(&file.display())).into_iter().collect(), pace.given()].concat())
            }
            None => line(&[flag("--expect-plan", Some(&digest)).into_iter().collect(), self.given()].concat()),
        }
    }
}

impl PromoteArgs {
    /// All flags that were given but those that only say yes.
    pub(in crate::cli) fn given(&self) -> Vec<String> {
        self.given_until(self.until)
    }

    fn given_until(&self, stop: Option<Until>) -> Vec<String> {
        let Self {
            source: Source { target: _, reading },
            canary,
            gate,
            until: _,
            yes: _,
            confirm: _,
            on_interrupt: _,
            prompt_timeout: _,
            plan,
            expect_plan,
        } = self;
        let onward = Onward { until: stop, ..self.onward() };
        let plan = flag("--plan", plan.as_ref().map(|file| file.display()).as_ref());
        let expected = flag("--expect-plan", expect_plan.as_ref());
        let own = [gate.given(), plan, expected].into_iter().flatten().collect();
        [reading.given(), canary.given(), own, onward.given()].concat()
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        line(&self.given())
    }

    /// The same, with another place to stop at.
    pub(in crate::cli) fn repeated_until(&self, stop: Until) -> String {
        line(&self.given_until(Some(stop)))
    }

    /// What a later `resume` needs as well.
    pub(in crate::cli) const fn onward(&self) -> Onward {
        Onward { until: self.until, on_interrupt: self.on_interrupt, prompt_timeout: self.prompt_timeout }
    }
}

impl ResumeArgs {
    /// The flags as a command line repeats them, each with a blank before it, with these steps and this place to stop at.
    pub(in crate::cli) fn repeated_with(&self, steps: &Canary, stop: Option<Until>) -> String {
        let Self {
            target: _,
            once,
            finish,
            undo,
            confirm: _,
            if_in_flight,
            canary: _,
            until: _,
            on_interrupt: _,
            prompt_timeout: _,
        } = self;
        let switches = [("--once", once), ("--finish", finish), ("--undo", undo), ("--if-in-flight", if_in_flight)];
        let switches = switches.iter().filter(|(_, given)| **given).map(|(name, _)| (*name).to_owned()).collect();
        let onward = Onward { until: stop, ..self.onward() };
        line(&[switches, steps.given(), onward.given()].concat())
    }

    /// What going on with the release needs, however this command was to look at it.
    pub(in crate::cli) fn going_on(&self) -> String {
        line(&[self.canary.given(), self.onward().given()].concat())
    }

    /// What a later `resume` needs as well.
    pub(in crate::cli) const fn onward(&self) -> Onward {
        Onward { until: self.until, on_interrupt: self.on_interrupt, prompt_timeout: self.prompt_timeout }
    }
}
