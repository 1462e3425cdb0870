//! Which release of a target is in flight: what its records in AWS say, and which journal on this machine is about it.

mod left;

use jiff::Timestamp;

pub use self::left::left;
use super::App;
use super::members::{self, Pair};
use super::session::Session;
use super::target::{Located, configured};
use crate::aws::Aws;
use crate::aws::noun::Alias;
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::journal::{Ending, Entry, StateDir, Summary};
use crate::model::{Description, Record, RecordState, RunId, Shift, Target, Version};
use crate::problem::{Code, Problem};
use crate::rollback::Seen;
use crate::step::StepKind;

/// The aliases of a target, and what is in flight there.
#[derive(Debug)]
pub struct Flight {
    /// The target with all that the file says about it, where it says anything.
    pub target: Option<Target>,
    /// Its aliases that exist.
    pub seen: Vec<Seen>,
}

/// Reads the records of a target.
pub async fn look<A: Aws, C: Clock>(app: &App, located: &Located, session: &Session<A, C>) -> Result<Flight, Problem> {
    let target = configured(app, located);
    let pairs: Vec<Pair> = match (target.as_ref().or(located.target.as_ref()), &located.place) {
        (Some(target), _) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (None, TargetRef::Stage { stage, .. }) => members::called(app, session, stage).await?.0,
        (None, _) => Vec::new(),
    };
    let seen = members::read(session, pairs, false).await?;
    Ok(Flight { target, seen })
}

impl Flight {
    fn records(&self) -> impl Iterator<Item = &Record> {
        self.seen.iter().filter_map(|one| one.description.record.as_ref())
    }

    /// The newest release that holds any of the aliases.
    pub fn run(&self) -> Option<&RunId> {
        self.records().filter(|record| record.state.holds_lock()).map(|record| &record.run).max()
    }

    /// The aliases that carry the record of a release.
    pub fn members(&self, run: &RunId) -> Vec<&Seen> {
        let is_of = |one: &&Seen| one.description.record.as_ref().is_some_and(|record| record.run == *run);
        self.seen.iter().filter(is_of).collect()
    }

    /// One of the records of a release: the furthest.
    pub fn record(&self, run: &RunId) -> Option<&Record> {
        let step = |record: &&Record| record.shift.as_ref().map(Shift::step);
        self.records().filter(|record| record.run == *run).max_by_key(step)
    }

    /// Why one look leaves a release alone. What it watches is a share; before there is one, and where everything has
    /// moved at once, whoever began the release is at work on it until it has expired, and goes as far as they were told.
    pub fn rest(&self, run: &RunId, now: Timestamp) -> Option<Rest> {
        let members = self.members(run);
        let mut records = members.iter().filter_map(|one| Some((one, one.description.record.as_ref()?)));
        // Between the functions of a stage's canary that is ended there is no share, and no time to lose.
        let is_ended = |one: &Seen, record: &Record| record.stage_canary && is_moved(one, record);
        let goes_on = |(one, record): (&&Seen, &Record)| {
            record.shift.is_some() || record.state == RecordState::Undoing || is_ended(one, record)
        };
        if records.clone().any(goes_on) {
            return None;
        }
        if records.clone().any(|(_, record)| record.state == RecordState::Paused) {
            return Some(Rest::Held);
        }
        let is_due = |record: &Record| record.expires.is_some_and(|expires| expires <= now);
        let (_, busy) = records.find(|(_, record)| record.state == RecordState::Running && !is_due(record))?;
        Some(Rest::Busy(busy.expires))
    }

    /// The share that the candidate of a release has, 0–100 %, as far as its alias says so.
    pub fn weight(&self, run: &RunId) -> Option<f64> {
        self.members(run).iter().filter_map(|one| share(one)).reduce(f64::max)
    }
}

/// Why one look leaves a release alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Its records say that it is held.
    Held,
    /// A process may be at work on it, until this time where the records say one.
    Busy(Option<Timestamp>),
}

fn is_moved(one: &Seen, record: &Record) -> bool {
    one.alias.version == record.to && record.from.is_some_and(|from| from != record.to)
}

fn share(one: &Seen) -> Option<f64> {
    let record = one.description.record.as_ref().filter(|record| !record.stage_canary)?;
    let to = record.to.number()?;
    if one.alias.version == record.to {
        return Some(100.0);
    }
    let weight = one.alias.weights.get(&to).copied().unwrap_or_default();
    Some(crate::model::Percent::of_share(weight).percent())
}

/// Where a release is gone on from.
#[derive(Debug)]
pub enum Way {
    /// The journal on this machine is about it.
    Journal(Box<Summary>),
    /// Only AWS knows it.
    Records(RunId),
    /// The journal on this machine is open, and its release has ended elsewhere.
    Ended(Box<Summary>, Ending),
    /// Nothing is in flight.
    Nothing,
}

/// Decides which journal is right, if any: the one of the release that the records name. Where they name none, one that
/// is open counts only if nobody else had the aliases since.
pub fn way(flight: &Flight, journals: Vec<Summary>) -> Way {
    if let Some(run) = flight.run() {
        let own = journals.into_iter().find(|summary| summary.run == *run);
        return own.map_or_else(|| Way::Records(run.clone()), |summary| Way::Journal(Box::new(summary)));
    }
    let Some(open) = journals.into_iter().find(|summary| summary.progress.ending.is_none()) else {
        return Way::Nothing;
    };
    let stands: Vec<Stand> = flight.seen.iter().map(Stand::of).collect();
    match over(&open, &stands) {
        Some(ending) => Way::Ended(Box::new(open), ending),
        None => Way::Journal(Box::new(open)),
    }
}

/// An alias as it is now.
#[derive(Debug)]
pub struct Stand<'a> {
    /// `function:alias`
    pub label: String,
    /// Its version; none where it does not exist.
    pub version: Option<Version>,
    /// No other version gets a share.
    pub is_whole: bool,
    /// The user's text in its description.
    pub text: &'a str,
    /// Its record, whether it is believed or not.
    pub record: Option<&'a Record>,
}

impl<'a> Stand<'a> {
    /// Of an alias that was seen.
    pub fn of(seen: &'a Seen) -> Self {
        Self {
            label: seen.label(),
            version: Some(seen.alias.version),
            is_whole: seen.alias.weights.is_empty(),
            text: &seen.description.text,
            record: seen.description.record.as_ref(),
        }
    }

    /// Exactly as it was then, its description included.
    fn is_as(&self, before: &Alias) -> bool {
        let then = Description::parse(&before.description);
        let is_described = then.is_ok_and(|then| then.text == self.text && then.record.as_ref() == self.record);
        self.version == Some(before.version) && self.is_whole && is_described
    }
}

/// How a release whose journal here is open has ended elsewhere, as far as its aliases say: by their records, or because
/// all of them are again as they were before it, which only a way back does.
pub fn over(open: &Summary, stands: &[Stand<'_>]) -> Option<Ending> {
    let records: Vec<Option<&Record>> =
        stands.iter().filter(|one| one.version.is_some()).map(|one| one.record).collect();
    ended(open, &records).or_else(|| is_as_before(open, stands).then_some(Ending::RolledBack))
}

/// As [`over`], by the records alone: all of them that it is promoted, one that a later release came, or those that still
/// are its own that it was rolled back.
pub fn ended(open: &Summary, records: &[Option<&Record>]) -> Option<Ending> {
    let own = || records.iter().flatten().filter(|record| record.run == open.run);
    // One alias that it still holds is enough: whatever came to the others, it is to be ended.
    if own().any(|record| record.state.holds_lock()) {
        return None;
    }
    let is_promoted = |record: &Record| record.run == open.run && record.state == RecordState::Promoted;
    if !records.is_empty() && records.iter().all(|record| record.is_some_and(is_promoted)) {
        return Some(Ending::Promoted);
    }
    let later = records.iter().flatten().any(|record| record.run > open.run);
    if open.progress.may_have_changed() && later {
        return Some(Ending::Elsewhere);
    }
    let of = |state: RecordState| match state {
        RecordState::RolledBack => Some(Ending::RolledBack),
        RecordState::ByHand => Some(Ending::ByHand),
        _ => None,
    };
    let (first, mut others) = (own().next()?.state, own().skip(1));
    of(first).filter(|_| others.all(|record| record.state == first))
}

/// Every alias of a release was read back as the release wanted it, and is now as before. A way back that this journal
/// has begun itself is its own to finish.
fn is_as_before(open: &Summary, stands: &[Stand<'_>]) -> bool {
    let moves = |step: StepKind| matches!(step, StepKind::Alias | StepKind::Canary | StepKind::Promote);
    let Some(plan) = open.progress.plan.as_ref().filter(|_| !open.progress.rolling_back) else { return false };
    plan.members.iter().all(|member| {
        let label = format!("{}:{}", member.function, plan.target.alias);
        let is_done =
            |entry: &Entry| matches!(entry, Entry::Done { step, subject } if moves(*step) && *subject == label);
        let now = stands.iter().find(|one| one.label == label && one.version.is_some());
        let is_back = match (&member.before, now) {
            (None, None) => true,
            (Some(before), Some(now)) => now.is_as(before),
            _ => false,
        };
        is_back && open.lines.iter().any(|line| is_done(&line.entry))
    })
}

/// The journals on this machine that are about a target in one account and region, newest first.
pub fn journals(app: &App, located: &Located, account: &str, region: &str) -> Vec<Summary> {
    let (found, _) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    let is_about = |summary: &Summary| {
        summary
            .progress
            .plan
            .as_ref()
            .is_some_and(|plan| plan.account == account && plan.region == region && located.is_of(plan))
            && !matches!(summary.progress.ending, Some(Ending::Promoted | Ending::Unchanged))
    };
    found.into_iter().filter(is_about).collect()
}

/// How a release ended, as far as a journal on this machine says.
pub fn ending(app: &App, run: &RunId) -> Option<Ending> {
    let (found, _) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    found.into_iter().find(|summary| summary.run == *run)?.progress.ending
}

/// Whether a rollback of a release was begun on this machine.
pub fn reverted_here(app: &App, run: &RunId) -> bool {
    let (found, _) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    let reverts = |entry: &Entry| matches!(entry, Entry::Reverts { run: Some(of), .. } if of == run);
    found.iter().flat_map(|summary| &summary.lines).any(|line| reverts(&line.entry))
}

/// Whether `resume` can go on with a release by its record: what that does not hold, the file must say, which are the
/// functions, the stage's settings and the steps of a canary.
pub fn goes_on(app: &App, located: &Located, record: &Record, serves: Option<Version>) -> bool {
    let is_moved = record.shift.is_none() && serves == Some(record.to);
    match configured(app, located) {
        Some(target) => target.canary.is_gradual() || record.shift.is_none() || is_moved,
        None => located.target.is_some() && record.stage.is_none() && record.members == 1 && is_moved,
    }
}

/// Nothing is in flight.
pub fn nothing(app: &App, located: &Located) -> Problem {
    let mut problem = Problem::new(Code::NothingInFlight, format!("no release of {} is in flight", located.text))
        .why("no record of its aliases says so")
        .why(match &app.state {
            Some(state) => format!("no journal in {} is about it and open", state.path().display()),
            None => "there is no folder for journals: HOME is not set".into(),
        })
        .fix(format!("look:    {}", located.command("status")))
        .fix(format!("go back: {}", located.command("rollback")));
    let (_, broken) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    for error in broken {
        problem = problem.why(error.to_string());
    }
    problem
}
