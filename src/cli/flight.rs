//! Which release of a target is in flight: what its records in AWS say, and which journal on this machine is about it.

use jiff::Timestamp;

use super::App;
use super::members::{self, Pair};
use super::session::Session;
use super::target::{Located, configured};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::journal::{Ending, StateDir, Summary};
use crate::model::{Record, RecordState, RunId, Shift, Target};
use crate::problem::{Code, Problem};
use crate::rollback::Seen;

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
    let records: Vec<Option<&Record>> = flight.seen.iter().map(|one| one.description.record.as_ref()).collect();
    match ended(&open, &records) {
        Some(ending) => Way::Ended(Box::new(open), ending),
        None => Way::Journal(Box::new(open)),
    }
}

/// How a release whose journal here is open has ended elsewhere, as far as the records of its aliases say: all of them
/// that it is promoted, or one that a later release came.
pub fn ended(open: &Summary, records: &[Option<&Record>]) -> Option<Ending> {
    // One alias that it still holds is enough: whatever came to the others, it is to be ended.
    if records.iter().flatten().any(|record| record.run == open.run && record.state.holds_lock()) {
        return None;
    }
    let is_promoted = |record: &Record| record.run == open.run && record.state == RecordState::Promoted;
    if !records.is_empty() && records.iter().all(|record| record.is_some_and(is_promoted)) {
        return Some(Ending::Promoted);
    }
    let later = records.iter().flatten().any(|record| record.run > open.run);
    (open.progress.may_have_changed() && later).then_some(Ending::Elsewhere)
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
