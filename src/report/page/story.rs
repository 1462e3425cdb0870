//! One release as its journal tells it. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::judged::Judged;
use crate::aws::Operation;
use crate::aws::noun::Routing;
use crate::change::{Change, StageSide};
use crate::journal::{Ending, Entry, Line, Progress, Wrote};
use crate::model::{AliasName, CanaryMode, Percent, RunId, Version};
use crate::plan::Plan;
use crate::step::StepKind;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A release.
    Release,
    /// A rollback that a person asked for.
    Rollback,
    /// A stage was redeployed by hand.
    Redeploy,
}

/// A write, or one that was announced and whose answer nobody kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WriteRow {
    pub at: Timestamp,
    /// The step; none = on the way back.
    pub step: Option<StepKind>,
    pub api: String,
    pub resource: String,
    pub attempt: u32,
    pub answer: Answer,
    pub result: String,
}

/// How a write was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Failed,
    /// The process ended between the announcement and the answer.
    Unknown,
}

/// One resource before and after.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moved {
    pub resource: String,
    pub before: String,
    /// What the release wanted, or was to want.
    pub wanted: String,
    pub after: String,
}

/// A point of the timeline: from here on the candidate has this share, 0–1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    pub at: Timestamp,
    pub share: f64,
}

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub(super) run: RunId,
    pub(super) kind: Kind,
    pub(super) plan: Option<Box<Plan>>,
    /// The candidate of every function.
    pub(super) candidates: Vec<(String, Version)>,
    pub(super) began: Timestamp,
    /// The newest line of the journal.
    pub(super) last: Timestamp,
    pub(super) ending: Option<Ending>,
    /// When it began to go back, and why.
    pub(super) back: Option<(Timestamp, String)>,
    /// Taken up on this machine from the records in AWS: what came before is not in this journal.
    pub(super) taken_up: bool,
    pub(super) shares: Vec<Share>,
    pub(super) moved: Vec<Moved>,
    pub(super) writes: Vec<WriteRow>,
    pub(super) judged: Judged,
}

impl Story {
    /// What the lines of a journal tell; `None` when there are none.
    pub fn of(run: &RunId, lines: &[Line]) -> Option<Self> {
        let (first, last) = (lines.first()?, lines.last()?);
        let progress = Progress::of(lines);
        let mut course = Course::default();
        lines.iter().for_each(|line| course.take(line));
        let kind = match (&progress.plan, &first.entry) {
            (Some(_), _) => Kind::Release,
            (None, Entry::Reverts { .. }) => Kind::Rollback,
            (None, _) => Kind::Redeploy,
        };
        let moved = moved(&progress, lines);
        course.finish(&progress, last);
        Some(Self {
            run: run.clone(),
            kind,
            began: first.at,
            last: last.at,
            ending: progress.ending,
            back: course.back,
            taken_up: lines.iter().any(|line| matches!(line.entry, Entry::TakenUp { .. })),
            shares: course.shares,
            moved,
            writes: course.writes,
            judged: Judged::of(lines),
            candidates: progress.published.iter().map(|(f, version, _)| (f.to_string(), *version)).collect(),
            plan: progress.plan.map(Box::new),
        })
    }

    /// The name that its target goes by.
    pub(super) fn label(&self) -> String {
        self.plan.as_ref().map_or_else(|| self.run.to_string(), |plan| plan.target.label())
    }

    /// Whether traffic was shifted in steps.
    pub(super) fn canary(&self) -> Option<CanaryMode> {
        self.plan.as_ref()?.canary.as_ref().map(|canary| canary.mode)
    }
}

/// What is put together line by line.
#[derive(Default)]
struct Course {
    /// The alias that is promoted: the one of a stage's canary is on the candidate from the beginning.
    alias: Option<AliasName>,
    candidates: BTreeMap<String, Version>,
    /// Announced and not answered yet.
    open: Vec<(Timestamp, StepKind, Change)>,
    /// The candidate's share by resource, 0–1.
    by_resource: BTreeMap<String, f64>,
    shares: Vec<Share>,
    writes: Vec<WriteRow>,
    back: Option<(Timestamp, String)>,
    /// The changes that were announced last, by resource.
    wanted: BTreeMap<String, Change>,
}

impl Course {
    fn take(&mut self, line: &Line) {
        match &line.entry {
            Entry::Opened { plan } => self.alias = Some(plan.target.alias.clone()),
            Entry::Published { function, version, .. } => {
                self.candidates.insert(function.to_string(), *version);
            }
            Entry::Intent { step, change } => {
                self.wanted.insert(change.subject(), change.clone());
                self.open.push((line.at, *step, change.clone()));
            }
            Entry::Done { subject, .. } => {
                self.close(subject);
                if let Some(change) = self.wanted.get(subject).cloned() {
                    self.reached(line.at, subject, &change);
                }
            }
            Entry::Refused { subject, .. } => self.close(subject),
            Entry::Wrote(wrote) => self.wrote(line.at, wrote),
            Entry::Reverts { reason: Some(why), .. } => self.back = Some((line.at, why.clone())),
            Entry::RollingBack { why } => {
                self.unanswered();
                self.back = Some((line.at, why.clone()));
            }
            // What is put together from records was sent, and answered, somewhere else.
            Entry::TakenUp { .. } => self.open.clear(),
            _ => {}
        }
    }

    fn close(&mut self, subject: &str) {
        self.open.retain(|(.., change)| change.subject() != subject);
    }

    fn unanswered(&mut self) {
        for (at, step, change) in std::mem::take(&mut self.open) {
            self.writes.push(WriteRow {
                at,
                step: Some(step),
                api: operation(&change).to_string(),
                resource: change.subject(),
                attempt: 1,
                answer: Answer::Unknown,
                result: "announced; no answer was kept".into(),
            });
        }
    }

    fn wrote(&mut self, at: Timestamp, wrote: &Wrote) {
        let Wrote { step, api, resource, attempt, ok, result } = wrote.clone();
        self.close(&resource);
        // The first write of a way back is the one that takes the traffic away.
        if step.is_none() && ok && self.by_resource.contains_key(&resource) {
            self.share(at, &resource, 0.0);
        }
        let answer = if ok { Answer::Done } else { Answer::Failed };
        self.writes.push(WriteRow { at, step, api, resource, attempt, answer, result });
    }

    fn reached(&mut self, at: Timestamp, subject: &str, change: &Change) {
        match change {
            Change::Alias { alias, .. } if self.alias.as_ref() != Some(alias) => {}
            Change::Alias { function, want, .. } => {
                let Some(candidate) = self.candidates.get(function.as_str()) else { return };
                let weight = candidate.number().and_then(|number| want.weights.get(&number)).copied();
                let share = if want.version == *candidate { 1.0 } else { weight.unwrap_or(0.0) };
                self.share(at, subject, share);
            }
            Change::Stage { want, .. } => {
                let share = want.canary.as_ref().map_or(0.0, |canary| canary.percent / 100.0);
                self.share(at, subject, share);
            }
            Change::Grant { .. } => {}
        }
    }

    fn share(&mut self, at: Timestamp, resource: &str, share: f64) {
        self.by_resource.insert(resource.to_owned(), share);
        let most = self.by_resource.values().copied().fold(0.0, f64::max);
        if self.shares.last().is_none_or(|last| (last.share - most).abs() > f64::EPSILON) {
            self.shares.push(Share { at, share: most });
        }
    }

    fn finish(&mut self, progress: &Progress, last: &Line) {
        self.unanswered();
        self.writes.sort_by_key(|row| row.at);
        if progress.ending == Some(Ending::RolledBack) && self.shares.last().is_some_and(|last| last.share > 0.0) {
            self.shares.push(Share { at: last.at, share: 0.0 });
        }
    }
}

const fn operation(change: &Change) -> Operation {
    match change {
        Change::Alias { before: None, .. } => Operation::CreateAlias,
        Change::Alias { .. } => Operation::UpdateAlias,
        Change::Grant { .. } => Operation::AddPermission,
        Change::Stage { .. } => Operation::UpdateStage,
    }
}

/// Aliases and stages before the release, as it wanted them, and as it left them.
fn moved(progress: &Progress, lines: &[Line]) -> Vec<Moved> {
    if let Some(Entry::Reverts { aliases, moves, .. }) = lines.first().map(|line| &line.entry) {
        let each = |(alias, (from, to)): (&String, &(Version, Version))| Moved {
            resource: alias.clone(),
            before: format!("{} 100%", from.label()),
            wanted: format!("{} 100%", to.label()),
            after: after(progress.ending, &from.label(), &to.label()),
        };
        return aliases.iter().zip(moves).map(each).collect();
    }
    let mut rows: Vec<Moved> = Vec::new();
    if let Some(plan) = &progress.plan {
        for member in &plan.members {
            let candidate = progress.published.iter().find(|(function, ..)| *function == member.function);
            let before = member.before.as_ref().map_or_else(
                || "did not exist".to_owned(),
                |alias| {
                    routed(&Routing {
                        version: alias.version,
                        weights: alias.weights.clone(),
                        description: String::new(),
                    })
                },
            );
            let wanted =
                candidate.map_or_else(|| "a new version".to_owned(), |(_, to, _)| format!("{} 100%", to.label()));
            let after = after(progress.ending, &before, &wanted);
            rows.push(Moved { resource: format!("{}:{}", member.function, plan.target.alias), before, wanted, after });
        }
    }
    for (stage, before, wanted) in stages(&progress.intents) {
        let (before, wanted) = (sided(&before), sided(&wanted));
        let after = after(progress.ending, &before, &wanted);
        rows.push(Moved { resource: stage, before, wanted, after });
    }
    rows
}

/// Every stage that was changed: as it was before the first change, and as the last one wanted it.
fn stages(intents: &[Change]) -> Vec<(String, StageSide, StageSide)> {
    let mut found: Vec<(String, StageSide, StageSide)> = Vec::new();
    for change in intents {
        let Change::Stage { stage, before, want } = change else { continue };
        match found.iter_mut().find(|(name, ..)| *name == stage.to_string()) {
            Some((_, first, last)) => {
                *first = StageSide { canary: first.canary.clone(), ..StageSide::over(first, before) };
                *last = StageSide { canary: want.canary.clone(), ..StageSide::over(want, last) };
            }
            None => found.push((stage.to_string(), before.clone(), want.clone())),
        }
    }
    found
}

fn after(ending: Option<Ending>, before: &str, wanted: &str) -> String {
    match ending {
        Some(Ending::Promoted) => wanted.to_owned(),
        Some(Ending::RolledBack) if wanted == before => before.to_owned(),
        Some(Ending::RolledBack | Ending::Unchanged | Ending::Stopped) => before.to_owned(),
        Some(Ending::NeedsPerson) => "not certain: look at what AWS is now".into(),
        Some(Ending::Elsewhere) => "ended on another machine".into(),
        Some(Ending::ByHand) => "moved by hand".into(),
        None => "still under way".into(),
    }
}

fn routed(routing: &Routing) -> String {
    let extra: f64 = routing.weights.values().sum();
    let mut text = format!("{} {}", routing.version.label(), Percent::of_share(1.0 - extra));
    for (version, share) in &routing.weights {
        text += &format!(" / v{version} {}", Percent::of_share(*share));
    }
    text
}

fn sided(side: &StageSide) -> String {
    let mut parts: Vec<String> = side.deployment.iter().map(|id| format!("deployment {id}")).collect();
    for (name, value) in &side.variables {
        parts.push(format!("{name} {}", value.as_deref().unwrap_or("(unset)")));
    }
    if let Some(canary) = &side.canary {
        parts.push(format!("a canary of {}%", canary.percent));
    }
    if parts.is_empty() { "no canary".into() } else { parts.join(", ") }
}
