//! What happened in every minute, by what it is counted under.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;

use super::durations::Durations;
use crate::model::{ApiId, FunctionName, StageName, Version};

/// CloudWatch keeps one-minute data for 15 days (judge §2.7).
const KEPT_MINUTES: i64 = 15 * 24 * 60;

/// The minute of a time, counted from 1970.
pub(in super::super) fn minute_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(60)
}

/// When a minute begins.
pub(in super::super) fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}

/// What an invocation is counted under (aws-semantics §8.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Invoked {
    /// The function.
    pub function: FunctionName,
    /// Alias or version as called; `None` is the bare function.
    pub qualifier: Option<String>,
    /// The version that ran.
    pub version: Version,
    /// The alias had two versions.
    pub weighted: bool,
}

impl Invoked {
    /// The value of the dimension `Resource`.
    pub(super) fn is_resource(&self, resource: &str) -> bool {
        match (&self.qualifier, resource.split_once(':')) {
            (None, None) => self.function.as_str() == resource,
            (Some(own), Some((function, qualifier))) => self.function.as_str() == function && own == qualifier,
            _ => false,
        }
    }

    /// Whether it was called through an alias.
    pub(super) fn by_alias(&self) -> bool {
        self.qualifier.as_ref().is_some_and(|qualifier| qualifier.parse::<Version>().is_err())
    }
}

/// Invocations of one minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Invocations {
    /// How many ran and were reported on time.
    pub count: u64,
    /// How many of these failed.
    pub errors: u64,
    /// How many were refused and never ran.
    pub throttles: u64,
    /// How long those in `count` took.
    pub durations: Durations,
    /// Those that hung: reported as errors later.
    pub hung: Vec<Hung>,
}

/// Invocations that were reported long after their start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Hung {
    /// How many.
    pub count: u64,
    /// The minute from which they are public.
    pub public_from: i64,
    /// How long they took, milliseconds.
    pub took_ms: f64,
}

/// Requests to a stage in one minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Requests {
    /// All.
    pub count: u64,
    /// Answered with 4XX.
    pub client_errors: u64,
    /// Answered with 5XX.
    pub server_errors: u64,
    /// How long they took.
    pub latency: Durations,
}

/// One minute.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Row {
    /// Invocations.
    pub invocations: BTreeMap<Invoked, Invocations>,
    /// Requests to stages.
    pub requests: BTreeMap<(ApiId, StageName), Requests>,
}

/// All minutes that are kept. A clone shares them.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Store {
    rows: BTreeMap<i64, Rc<Row>>,
}

impl Store {
    /// A minute to add to.
    pub(in super::super) fn row(&mut self, minute: i64) -> &mut Row {
        let newest = self.rows.last_key_value().map_or(minute, |(newest, _)| minute.max(*newest));
        while self.rows.first_key_value().is_some_and(|(oldest, _)| *oldest <= newest - KEPT_MINUTES) {
            self.rows.pop_first();
        }
        Rc::make_mut(self.rows.entry(minute).or_default())
    }

    /// The minutes from `from` to before `to` in which something happened.
    pub(super) fn rows(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, &Row)> {
        self.rows.range(from..to.max(from)).map(|(minute, row)| (*minute, row.as_ref()))
    }

    /// Forgets what happened from `from` to before `to`.
    pub(in super::super) fn forget(&mut self, from: i64, to: i64) {
        self.rows.retain(|minute, _| !(from..to).contains(minute));
    }

    /// Adds one invocation.
    pub(in super::super) fn invoked(&mut self, minute: i64, what: Invoked, failed: bool, ms: f64) {
        let cell = self.row(minute).invocations.entry(what).or_default();
        cell.count += 1;
        cell.errors += u64::from(failed);
        cell.durations.add(&Durations::of_ms(ms, 1));
    }

    /// Adds one request to a stage.
    pub(in super::super) fn requested(&mut self, minute: i64, stage: (ApiId, StageName), status: u16, ms: f64) {
        let cell = self.row(minute).requests.entry(stage).or_default();
        cell.count += 1;
        cell.client_errors += u64::from((400..500).contains(&status));
        cell.server_errors += u64::from(status >= 500);
        cell.latency.add(&Durations::of_ms(ms, 1));
    }
}
