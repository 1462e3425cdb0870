//! What a canary looks like, put together from the events that were heard. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::text::{clock, thousands};
use crate::event::Event;
use crate::metrics::{GateLook, VersionLook};
use crate::model::{CanaryStep, GatePolicy};
use crate::step::StepKind;

/// Which version has which share, in percent.
pub(super) type Shares = Vec<(String, f64)>;

/// What is known of the canary under way.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// What the gate asks, if the plan was heard.
    pub(super) gate: Option<GatePolicy>,
    /// The steps, if the plan was heard.
    pub(super) steps: Vec<CanaryStep>,
    /// `function:alias` → how its calls are split.
    pub(super) aliases: BTreeMap<String, Shares>,
    /// `API/STAGE` and the share of its canary, in percent.
    pub(super) stage: Option<(String, f64)>,
    /// The last look.
    pub(super) look: Option<GateLook>,
    /// When that was.
    pub(super) looked: Option<Timestamp>,
    /// The way back has begun.
    pub(super) goes_back: bool,
    /// The steps of a canary are under way.
    pub(super) shifts: bool,
}

/// Between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// The next look.
    pub next: Timestamp,
}

impl Board {
    /// Takes in what an event says that happened at a time.
    pub fn hear(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Plan { plan, .. } => {
                self.gate = serde_json::from_value(plan["target"]["gate"].clone()).ok();
                self.steps = serde_json::from_value(plan["canary"]["steps"].clone()).unwrap_or_default();
            }
            Event::Routing { function, alias, weights, .. } => {
                let name = format!("{function}:{alias}");
                let shares = shares(weights, self.aliases.get(&name));
                self.aliases.insert(name, shares);
            }
            Event::StageCanary { stage, percent, .. } => self.stage = Some((stage.clone(), *percent)),
            Event::Gate(look) => (self.look, self.looked) = (Some((**look).clone()), Some(at)),
            Event::RollingBack { .. } => (self.goes_back, self.shifts) = (true, false),
            Event::StepStarted { step: StepKind::Canary, .. } => self.shifts = true,
            Event::StepFinished { step: StepKind::Canary, .. } => self.shifts = false,
            _ => {}
        }
    }

    /// A line for a change of traffic: none as long as one version has all of it, as before and after every release.
    pub fn traffic_line(&self, event: &Event) -> Option<String> {
        match event {
            Event::Routing { function, alias, weights, .. } => {
                let name = format!("{function}:{alias}");
                let before = self.aliases.get(&name);
                let now = shares(weights, before);
                let is_split = now.len() > 1 || before.is_some_and(|before| before.len() > 1);
                (is_split && before != Some(&now)).then(|| format!("{name}  {}", split(&now)))
            }
            Event::StageCanary { stage, percent, .. } => {
                let before = self.stage.as_ref().filter(|(other, _)| other == stage).map_or(0.0, |(_, before)| *before);
                let is_new = (before - percent).abs() > 1e-6;
                is_new.then(|| format!("{stage}  canary {}%", number(*percent)))
            }
            _ => None,
        }
    }

    /// Who gets the traffic, as far as it was read back: one line.
    pub fn now(&self) -> String {
        let alias = |(name, shares): (&String, &Shares)| format!("{name}: {}", split(shares));
        let stage = self.stage.as_ref().map(|(stage, percent)| format!("{stage}: canary {}%", number(*percent)));
        self.aliases.iter().map(alias).chain(stage).collect::<Vec<_>>().join("; ")
    }

    /// `function:alias` and how its calls are split, as far as it was read back.
    pub(super) fn routed(&self) -> impl Iterator<Item = (String, String)> {
        self.aliases.iter().map(|(name, shares)| (name.clone(), split(shares)))
    }

    /// The same of one of them.
    pub(super) fn split_of(&self, alias: &str) -> Option<String> {
        self.aliases.get(alias).map(split)
    }

    /// The share of a stage's canary, in percent.
    pub(super) fn stage_share(&self, stage: &str) -> Option<f64> {
        self.stage.as_ref().filter(|(name, _)| name == stage).map(|(_, percent)| *percent)
    }

    /// Names of the stable version and the candidate: their numbers where there is one function.
    pub(super) fn names(&self) -> (String, String) {
        let one = self.aliases.values().next().filter(|_| self.aliases.len() == 1);
        match one.map(Vec::as_slice) {
            Some([stable, canary]) => (stable.0.clone(), canary.0.clone()),
            _ => ("stable".into(), "canary".into()),
        }
    }

    /// Whether a look says something that the last one did not: other numbers of the same minute are not worth a line.
    pub(super) fn is_news(&self, look: &GateLook) -> bool {
        let said = |look: &GateLook| {
            (look.step, look.up_to, look.verdict, look.decision, look.alarms_raised.clone(), look.reason.clone())
        };
        self.look.as_ref().is_none_or(|last| said(last) != said(look))
    }

    /// A look in one line, without the time.
    pub(super) fn look_line(&self, look: &GateLook) -> String {
        let (stable, canary) = (sum(look, |f| &f.stable), sum(look, |f| &f.canary));
        let (stable_name, name) = self.names();
        let p99 = canary.p99_ms.map_or_else(String::new, |ms| format!(", p99 {ms:.0} ms"));
        let mut line = format!(
            "{}%  {}/{}  {name} {} calls, {} errors ({stable_name} {}){p99}: {}",
            number(look.percent),
            clock(look.elapsed_s),
            clock(look.bake_s),
            thousands(canary.invocations),
            rate(&canary),
            rate(&stable),
            look.verdict,
        );
        if !look.alarms_raised.is_empty() {
            line += &format!(", ALARM {}", look.alarms_raised.join(", "));
        }
        line
    }

    /// The line for the step that a look ends by being of another one.
    pub(super) fn passed_line(&self, look: &GateLook) -> Option<String> {
        let last = self.look.as_ref().filter(|last| last.release == look.release && last.step < look.step)?;
        Some(self.look_line(last))
    }
}

/// All functions together: calls and errors are added, p99 is the largest.
pub(super) fn sum(look: &GateLook, of: impl Fn(&crate::metrics::FunctionLook) -> &VersionLook) -> VersionLook {
    let mut all = VersionLook::default();
    for one in look.functions.iter().map(of) {
        all.invocations += one.invocations;
        all.errors += one.errors;
        all.p99_ms = [all.p99_ms, one.p99_ms].into_iter().flatten().reduce(f64::max);
    }
    all
}

/// `0.22 %`, or a dash where there was no request.
pub(super) fn rate(look: &VersionLook) -> String {
    if look.invocations == 0 {
        return "–".into();
    }
    format!("{:.2} %", look.errors as f64 / look.invocations as f64 * 100.0)
}

/// A percentage without zeros at its end.
pub(super) fn number(percent: f64) -> String {
    let text = format!("{percent:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `v41 95%, v42 5%`
pub(super) fn split(shares: &Shares) -> String {
    let one = |(version, percent): &(String, f64)| format!("{version} {}%", number(*percent));
    shares.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Shares in the order in which the versions appeared: stable first. The first that is seen split has the larger share
/// first.
fn shares(weights: &Value, before: Option<&Shares>) -> Shares {
    let mut shares: Shares = weights
        .as_object()
        .into_iter()
        .flatten()
        .map(|(version, share)| (format!("v{version}"), share.as_f64().unwrap_or_default()))
        .collect();
    let known = |name: &str| before.and_then(|before| before.iter().position(|(other, _)| other == name));
    shares.sort_by(|a, b| {
        let order = |name: &str| known(name).unwrap_or(usize::MAX);
        order(&a.0).cmp(&order(&b.0)).then(b.1.total_cmp(&a.1))
    });
    shares
}
