//! The load at work: follows the routing through every change and draws each minute when it is over.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;

use super::super::account::Account;
use super::super::metrics::durations::Durations;
use super::super::metrics::store::{Hung, Invocations, Invoked, Requests, minute_of, start_of};
use super::super::traffic::{Failure, Reached};
use super::draw::{self, Dice};
use super::minute::{Chances, Drawn, Fleet, Weather};
use super::{Entry, Load, LoadReport, Profile};
use crate::model::{ApiId, FunctionName, StageName, Version};

/// Integration time-out of REST APIs, and how long API Gateway takes to say no by itself, milliseconds.
pub(in super::super) const GATEWAY_LIMIT_MS: f64 = 29_000.0;
pub(in super::super) const GATEWAY_REFUSAL_MS: f64 = 5.0;

/// Who gets a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Receiver {
    stage: Option<(ApiId, StageName)>,
    end: End,
}

/// Where a request ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// A version runs.
    Code(Invoked),
    /// Nothing runs; the status says why.
    Refused(u16),
    /// An integration without Lambda.
    Elsewhere,
}

/// Receivers with the requests per second that are meant for them.
type Routing = BTreeMap<Receiver, f64>;

/// A load in progress.
#[derive(Debug, Clone)]
pub(in super::super) struct Flow {
    load: Rc<Load>,
    /// The minute in which it was set.
    start: i64,
    until: Timestamp,
    /// The routings of the running minute and how many nanoseconds each was in force.
    spans: Vec<(Rc<Routing>, u64)>,
    /// How often the load was edited: what is drawn after an edit must not repeat what was drawn before.
    edits: u64,
    weather: Weather,
    fleets: BTreeMap<Receiver, Fleet>,
    /// The minute of the first request to a version.
    first: BTreeMap<(FunctionName, Version), i64>,
    /// The version with most of the traffic when the load was set.
    stable: BTreeMap<FunctionName, Version>,
    report: LoadReport,
}

impl Flow {
    /// Begins a load at the account's time, its past made up.
    pub(in super::super) fn begin(account: &mut Account, load: Load) -> Self {
        let start = minute_of(account.now());
        let past = start - i64::from(load.history_minutes);
        let mut flow = Self {
            weather: Weather::new(load.seed),
            load: Rc::new(load),
            start,
            until: if past < start { start_of(past) } else { account.now() },
            spans: Vec::new(),
            edits: 0,
            fleets: BTreeMap::new(),
            first: BTreeMap::new(),
            stable: BTreeMap::new(),
            report: LoadReport::default(),
        };
        flow.stable = strongest(&flow.routing(account));
        account.metrics.forget(past, start);
        flow.run(account, account.now());
        flow
    }

    pub(in super::super) fn load(&self) -> &Load {
        &self.load
    }

    pub(in super::super) fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Changes the load from now on; what the running minute has brought so far is drawn as it was.
    pub(in super::super) fn edit(&mut self, account: &mut Account, edit: impl FnOnce(&mut Load)) {
        self.draw(account, minute_of(self.until));
        self.edits += 1;
        edit(Rc::make_mut(&mut self.load));
    }

    /// Lets requests come until a time up to which nothing has changed.
    pub(in super::super) fn run(&mut self, account: &mut Account, to: Timestamp) {
        if to <= self.until {
            return;
        }
        let routing = Rc::new(self.routing(account));
        while self.until < to {
            let minute = minute_of(self.until);
            let end = start_of(minute + 1);
            let stop = end.min(to);
            let nanos = stop.as_nanosecond() - self.until.as_nanosecond();
            self.extend(&routing, u64::try_from(nanos).unwrap_or_default());
            self.until = stop;
            if stop == end {
                self.draw(account, minute);
            }
        }
    }

    fn extend(&mut self, routing: &Rc<Routing>, nanos: u64) {
        match self.spans.last_mut() {
            Some((last, total)) if last == routing => *total += nanos,
            _ => self.spans.push((Rc::clone(routing), nanos)),
        }
    }

    /// Where all requests go now.
    fn routing(&self, account: &Account) -> Routing {
        let mut routing = Routing::new();
        for source in &self.load.sources {
            for (share, receiver) in account.receivers(&source.entry) {
                *routing.entry(receiver).or_default() += share * source.rps;
            }
        }
        routing
    }

    /// Draws what happened in the spans of a minute.
    fn draw(&mut self, account: &mut Account, minute: i64) {
        self.weather.advance(&self.load, minute, minute - self.start);
        let mut expected = Routing::new();
        for (routing, nanos) in std::mem::take(&mut self.spans) {
            for (receiver, rps) in routing.iter() {
                *expected.entry(receiver.clone()).or_default() += rps * nanos as f64 / 1e9;
            }
        }
        let mut by_function: BTreeMap<FunctionName, f64> = BTreeMap::new();
        for (function, _, count) in code(&expected) {
            *by_function.entry(function.clone()).or_default() += count;
        }
        let mut by_version: BTreeMap<(FunctionName, Version), f64> = BTreeMap::new();
        for (function, version, count) in code(&expected) {
            *by_version.entry((function.clone(), version)).or_default() += count / by_function[function];
        }
        for (receiver, count) in expected {
            let mut dice = self.dice(minute, &receiver);
            let asked = draw::poisson(&mut dice, count * self.weather.traffic);
            if asked == 0 {
                continue;
            }
            match &receiver.end {
                End::Code(what) => {
                    let share = by_version.get(&(what.function.clone(), what.version)).copied().unwrap_or_default();
                    self.answer(account, minute, &receiver, what, (asked, share), &mut dice);
                }
                End::Refused(status) => self.refuse(account, minute, &receiver, *status, asked),
                End::Elsewhere => {
                    let took = Durations::of_ms(GATEWAY_REFUSAL_MS, asked);
                    let requests = Requests { count: asked, latency: took, ..Requests::default() };
                    count_requests(account, minute, &receiver, &requests);
                }
            }
        }
    }

    fn dice(&self, minute: i64, receiver: &Receiver) -> Dice {
        let stage = receiver.stage.as_ref().map(|(api, stage)| format!("{api}/{stage}")).unwrap_or_default();
        let end = match &receiver.end {
            End::Code(what) => {
                let Invoked { function, qualifier, version, weighted } = what;
                format!("{function}:{} {version} {weighted}", qualifier.as_deref().unwrap_or_default())
            }
            End::Refused(status) => status.to_string(),
            End::Elsewhere => String::new(),
        };
        draw::dice(self.load.seed, minute, &["requests", &self.edits.to_string(), &stage, &end])
    }

    /// Requests that nothing answered.
    fn refuse(&mut self, account: &mut Account, minute: i64, receiver: &Receiver, status: u16, count: u64) {
        let is = |range: std::ops::Range<u16>| if range.contains(&status) { count } else { 0 };
        let requests = Requests {
            count,
            client_errors: is(400..500),
            server_errors: is(500..600),
            latency: Durations::of_ms(GATEWAY_REFUSAL_MS, count),
        };
        count_requests(account, minute, receiver, &requests);
        if minute >= self.start {
            self.report.unserved += count;
            self.report.excess_failed += count as f64;
        }
    }

    /// Requests that a version answered.
    fn answer(
        &mut self,
        account: &mut Account,
        minute: i64,
        receiver: &Receiver,
        what: &Invoked,
        (asked, share): (u64, f64),
        dice: &mut Dice,
    ) {
        let profile = self.profile(account, what);
        let first = *self.first.entry((what.function.clone(), what.version)).or_insert(minute);
        let chances = Chances::of(&profile, &self.weather, minute - first, share);
        let fleet = self.fleets.entry(receiver.clone()).or_default();
        let drawn = Drawn::of(&profile, &chances, fleet, asked, minute, dice);
        if minute >= self.start {
            self.note(account, what, &profile, &chances, &drawn);
        }
        count_requests(account, minute, receiver, &drawn.requests());
        let cell = account.metrics.row(minute).invocations.entry(what.clone()).or_default();
        cell.add(&drawn, minute + 1 + chances.hang_minutes);
    }

    fn note(&mut self, account: &Account, what: &Invoked, profile: &Profile, chances: &Chances, drawn: &Drawn) {
        let key = (what.function.clone(), what.version);
        let stable = self.stable.get(&what.function).copied().unwrap_or(what.version);
        let excess = if stable == what.version {
            (0.0, 0.0)
        } else {
            let stable = self.profile(account, &Invoked { version: stable, ..what.clone() });
            drawn.excess(profile, chances, &stable, &self.weather)
        };
        let report = &mut self.report;
        *report.requests.entry(key.clone()).or_default() += drawn.ran();
        *report.failed.entry(key).or_default() += drawn.failed + drawn.hung;
        report.throttled += drawn.throttled;
        report.excess_failed += excess.0;
        report.excess_slow += excess.1;
    }

    /// How a version behaves; code that always fails does so for everybody.
    fn profile(&self, account: &Account, what: &Invoked) -> Profile {
        if let Some(profile) = self.load.versions.get(&(what.function.clone(), what.version)) {
            return profile.clone();
        }
        let build = account.build(&what.function, what.version);
        let fails = build.is_ok_and(|build| build.behaviour.function_error.is_some());
        let error_rate = if fails { 1.0 } else { self.load.profile.error_rate };
        Profile { error_rate, ..self.load.profile.clone() }
    }
}

/// Function, version and expected requests of every receiver that is code.
fn code(expected: &Routing) -> impl Iterator<Item = (&FunctionName, Version, f64)> {
    expected.iter().filter_map(|(receiver, count)| match &receiver.end {
        End::Code(what) => Some((&what.function, what.version, *count)),
        _ => None,
    })
}

/// The version of each function that gets most.
fn strongest(routing: &Routing) -> BTreeMap<FunctionName, Version> {
    let mut rates: BTreeMap<&FunctionName, BTreeMap<Version, f64>> = BTreeMap::new();
    for (function, version, rps) in code(routing) {
        *rates.entry(function).or_default().entry(version).or_default() += rps;
    }
    let most = |versions: BTreeMap<Version, f64>| versions.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    rates.into_iter().filter_map(|(function, versions)| Some((function.clone(), most(versions)?.0))).collect()
}

fn count_requests(account: &mut Account, minute: i64, receiver: &Receiver, requests: &Requests) {
    let Some(stage) = &receiver.stage else { return };
    let cell = account.metrics.row(minute).requests.entry(stage.clone()).or_default();
    cell.count += requests.count;
    cell.client_errors += requests.client_errors;
    cell.server_errors += requests.server_errors;
    cell.latency.add(&requests.latency);
}

impl Invocations {
    fn add(&mut self, drawn: &Drawn, public_from: i64) {
        self.count += drawn.ran() - drawn.hung;
        self.errors += drawn.failed;
        self.throttles += drawn.throttled;
        self.durations.add(&drawn.durations);
        if drawn.hung > 0 {
            self.hung.push(Hung { count: drawn.hung, public_from, took_ms: drawn.hung_ms });
        }
    }
}

impl Account {
    /// Who gets a request that goes in there, with shares.
    fn receivers(&self, entry: &Entry) -> Vec<(f64, Receiver)> {
        match entry {
            Entry::Stage(request) => {
                let stage = Some((request.api.clone(), request.stage.clone()));
                let answers = self.serve(request).0.into_iter();
                answers.map(|a| (a.share, Receiver { stage: stage.clone(), end: self.end(a.result) })).collect()
            }
            Entry::Alias(function, alias) => {
                let shares = self.alias(function, alias).map(|entry| entry.shares()).unwrap_or_default();
                if shares.is_empty() {
                    return vec![(1.0, Receiver { stage: None, end: End::Refused(404) })];
                }
                let qualifier = Some(alias.to_string());
                let reached = |version| Reached { function: function.clone(), qualifier: qualifier.clone(), version };
                let end = |version| self.end(self.runnable(function, version).map(|()| Some(reached(version))));
                shares.into_iter().map(|(v, share)| (share, Receiver { stage: None, end: end(v) })).collect()
            }
        }
    }

    fn end(&self, result: Result<Option<Reached>, Failure>) -> End {
        match result {
            Ok(Some(reached)) => End::Code(self.counted_as(reached)),
            Ok(None) => End::Elsewhere,
            Err(failure) => End::Refused(failure.status),
        }
    }

    /// What an invocation is counted under.
    pub(in super::super) fn counted_as(&self, reached: Reached) -> Invoked {
        let Reached { function, qualifier, version } = reached;
        let alias = qualifier.as_ref().and_then(|qualifier| qualifier.parse().ok());
        let entry = alias.and_then(|alias| self.alias(&function, &alias).ok());
        let weighted = entry.is_some_and(|entry| entry.shares().len() > 1);
        Invoked { function, qualifier, version, weighted }
    }
}
