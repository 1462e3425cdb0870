//! AWS in memory, behind the same port as the real one, with virtual time and faults.
//!
//! The engine is proved here (every fault at every call, invariants after every effect), and `demo` and `rehearse` run
//! here. Each semantic names the section of the fact sheet it follows; where real AWS is unknown, [`Settings`] holds a
//! switch, so that both answers can be tried.
//!
//! # What it models
//!
//! * **Lambda**: publishing with its guards and its no-op, states over time (SnapStart, waking, a running update),
//!   aliases with revisions and weights, provisioned concurrency that moves an alias late, a policy per qualifier with
//!   its own revision and size limit, invocations whose answer, failure and duration each version chooses.
//! * **REST APIs**: a live definition, deployments as snapshots of it, stages patched atomically with variables and
//!   canary, exports, pages of 500.
//! * **HTTP APIs**: routes, integrations and authorizers, `$default` route and stage, deployments that are pending for a
//!   while and may fail, stages that deploy every edit by themselves, exports of what is deployed and what is live.
//! * **Custom domain names**: routing modes, mappings of one and of several levels, routing rules, and which stage a
//!   request to a URL reaches ([`Account::find_stage`]).
//! * **What a request gets** ([`Account::serve`]): snapshot → route → stage variables → permission in effect → alias →
//!   versions by share. Alias and stage moves act at once; a new statement acts after `permission_delay`.
//! * **Clients** ([`Load`]): requests by routing, minute by minute, with each version's failures and durations; what they
//!   got ([`LoadReport`]); CloudWatch's metrics and alarms about it, as late and as partial as they come.
//! * **What is kept**: CloudTrail's events of moved aliases, and what functions write to their logs.
//! * **Who else writes**: stacks and the tags they leave, CodeDeploy's deployments, as a reader sees them.
//! * **What the caller may do**: every call is asked about as IAM is, where [`Settings::caller_policy`] holds a policy.
//! * **Quotas** as token buckets over virtual time, on unless switched off.
//! * **Failure**: rejections, throttling, lost requests and replies, late effects, the death of the process, and other
//!   people's changes ([`Fault`], [`Account`]'s methods).
//!
//! # What it does not model
//!
//! WebSocket APIs; private domain names; other accounts and regions behind an API; stage caches,
//! logging and throttling settings; code storage and alias limits (inject their errors); eventual consistency of reads;
//! the delay with which a *removed* statement stops acting (it stops at once, the stricter assumption). Removing a stage
//! variable or canary that is not there is an error here; real AWS is not known to be that strict.
//!
//! # Use
//!
//! Everything is ready at once: a future driven over a `World` finishes at its first poll, or the process in it has
//! died ([`Fault::CrashBefore`] and its kin) and it never will. [`World::restart`] begins the next process.

pub mod account;
pub mod alarm;
pub mod alias;
pub mod apigateway;
mod authorize;
mod caller;
mod client;
mod cloudformation;
mod codedeploy;
mod definition;
mod delete;
pub mod domain;
mod domain_traffic;
mod export;
pub mod fault;
pub mod http;
mod http_export;
mod http_traffic;
mod iam;
pub mod invoke;
pub mod lambda;
pub mod load;
mod logs;
mod metrics;
pub mod permissions;
mod quota;
pub mod setup;
#[cfg(test)]
mod tests;
pub mod traffic;
mod trail;
mod watch;

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;

pub use account::{Account, Settings};
pub use alarm::{Breach, Missing, Threshold};
pub use caller::Asked;
pub use domain_traffic::Visit;
pub use fault::Fault;
pub use invoke::Behaviour;
pub use load::{Entry, Lag, Load, LoadReport, Noise, Outage, Pace, Profile, Regression, Sickness, Source};
pub use traffic::{Request, Served};

use crate::aws::operation;
use crate::aws::operation::Kind;
use crate::aws::{Aws, AwsError, Call, Reply};
use crate::clock::{Clock, VirtualClock};
use account::Due;
use fault::Faults;
use quota::Quota;
use watch::Watch;

/// AWS, modelled.
#[derive(Debug)]
pub struct World {
    clock: VirtualClock,
    inner: RefCell<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    account: Account,
    quota: Option<Quota>,
    faults: Faults,
    log: Vec<Logged>,
    /// Where the present process's calls begin in the log.
    since: usize,
    crashed: bool,
    watch: Watch,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Its number since the process began, from 0.
    pub index: usize,
    /// What was sent.
    pub call: Call,
    /// When.
    pub at: Timestamp,
    /// What the caller heard.
    pub outcome: Outcome,
    /// A late effect: when it landed, and how AWS judged it then.
    pub landed: Option<(Timestamp, Result<(), AwsError>)>,
}

/// What the caller of a call heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Success.
    Answered,
    /// An error.
    Failed(AwsError),
    /// Nothing: the process was dead.
    Crashed,
}

impl World {
    /// An empty account at the clock's time.
    pub fn new(clock: VirtualClock) -> Self {
        let account = Account::new(clock.now());
        let inner = Inner {
            account,
            quota: Some(Quota::default()),
            faults: Faults::default(),
            log: Vec::new(),
            since: 0,
            crashed: false,
            watch: Watch::default(),
        };
        Self { clock, inner: RefCell::new(inner) }
    }

    /// The same world on a clock of its own, to try something in.
    pub fn fork(&self) -> Self {
        Self { clock: VirtualClock::at(self.clock.now()), inner: self.inner.clone() }
    }

    /// The clock that this world follows.
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// Switches rate limits on (full buckets) or off.
    pub fn set_quotas(&self, on: bool) {
        self.inner.borrow_mut().quota = on.then(Quota::default);
    }

    /// Looks at the account as it is now.
    pub fn look<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        look(&self.settled().account)
    }

    /// Changes the account as a different program would: not counted as a call, no quota.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut Account) -> T) -> T {
        let mut inner = self.settled();
        let result = edit(&mut inner.account);
        inner.check("a change by somebody else");
        result
    }

    /// Lets clients send requests from now on ([`Account::set_load`]).
    pub fn set_load(&self, load: Load) {
        self.edit(|account| account.set_load(load));
    }

    /// What the clients got so far ([`LoadReport`] says what counts).
    pub fn load_report(&self) -> LoadReport {
        self.look(Account::load_report)
    }

    /// What a request would get now.
    pub fn serve(&self, request: &Request) -> Served {
        self.look(|account| account.serve(request))
    }

    /// Places a fault at the call with this number since [`World::restart`] or [`World::reset_count`]. Several
    /// intrusions at one call all happen; of several other faults the first does.
    pub fn inject(&self, call_index: usize, fault: Fault) {
        self.inner.borrow_mut().faults.add(call_index, fault);
    }

    /// A new process: calls count from 0, a crash is over, and faults that were not reached are forgotten. Requests on
    /// their way still land.
    pub fn restart(&self) {
        self.inner.borrow_mut().faults.clear();
        self.reset_count();
    }

    /// As [`World::restart`], with faults still in place.
    pub fn reset_count(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.since = inner.log.len();
        inner.crashed = false;
    }

    /// The calls of the present process, in order.
    pub fn calls(&self) -> Vec<Logged> {
        let inner = self.settled();
        inner.log[inner.since..].to_vec()
    }

    /// The calls of all processes, in order.
    pub fn history(&self) -> Vec<Logged> {
        self.settled().log.clone()
    }

    /// Whether the present process has died.
    pub fn crashed(&self) -> bool {
        self.inner.borrow().crashed
    }

    /// From now on, every route that is served at this moment must stay served. Forgets earlier violations.
    pub fn watch_traffic(&self) {
        let mut inner = self.settled();
        inner.watch = Watch::start(&inner.account);
    }

    /// Stops watching the routes for which `which` says so: what a release means to take away.
    pub fn unwatch(&self, which: impl Fn(&Request) -> bool) {
        self.inner.borrow_mut().watch.forget(which);
    }

    /// Everything that was ever wrong since [`World::watch_traffic`], in order, with time and cause.
    pub fn violations(&self) -> Vec<String> {
        self.settled().watch.violations.clone()
    }

    /// Lets time pass until nothing is pending: late effects, states, statements.
    pub fn run_until_quiet(&self) {
        loop {
            let Some(last) = self.settled().account.last_due() else { return };
            let wait = last.duration_since(self.clock.now());
            self.clock.advance(Duration::try_from(wait).unwrap_or_default());
        }
    }

    fn settled(&self) -> std::cell::RefMut<'_, Inner> {
        let mut inner = self.inner.borrow_mut();
        inner.settle(self.clock.now());
        inner
    }

    /// Makes one call; `None` when the process dies of it, or is dead.
    fn step(&self, call: &Call) -> Option<Result<Reply, AwsError>> {
        if self.crashed() {
            return None;
        }
        let latency = self.look(|account| account.settings.latency);
        self.clock.advance(latency);
        let mut inner = self.settled();
        let (index, position) = (inner.log.len() - inner.since, inner.log.len());
        let (intrusions, fault) = inner.faults.take(index);
        for intrusion in intrusions {
            intrusion(&mut inner.account);
            inner.check("a change by somebody else");
        }
        let at = inner.account.now();
        inner.log.push(Logged { index, call: call.clone(), at, outcome: Outcome::Crashed, landed: None });
        let answer = self.answer(&mut inner, call, fault, position);
        inner.crashed = answer.is_none();
        inner.log[position].outcome = match &answer {
            None => Outcome::Crashed,
            Some(Ok(_)) => Outcome::Answered,
            Some(Err(error)) => Outcome::Failed(error.clone()),
        };
        answer
    }

    fn answer(
        &self,
        inner: &mut Inner,
        call: &Call,
        fault: Option<Fault>,
        position: usize,
    ) -> Option<Result<Reply, AwsError>> {
        let lost = |cause: &str| Some(Err(AwsError::Ambiguous { cause: cause.into() }));
        match fault {
            None | Some(Fault::Intrude(_)) => {
                let now = inner.account.now();
                if let Some(Err(throttled)) = inner.quota.as_mut().map(|quota| quota.take(call.operation(), now)) {
                    return Some(Err(throttled));
                }
                Some(self.perform(inner, call))
            }
            Some(Fault::Rejected(error)) => Some(Err(error)),
            Some(Fault::Throttled) => Some(Err(quota::throttled(call.operation(), None))),
            Some(Fault::LostRequest) => lost("503 Service Unavailable"),
            Some(Fault::LostReply) => {
                let _ = self.perform(inner, call);
                lost("connection reset by peer")
            }
            Some(Fault::Late { after }) => {
                inner.send_late(call, after, position);
                let wait = inner.patience(call);
                self.clock.advance(wait);
                inner.settle(self.clock.now());
                lost(&format!("no answer within {} s", wait.as_secs()))
            }
            Some(Fault::CrashBefore) => None,
            Some(Fault::CrashAfter) => {
                let _ = self.perform(inner, call);
                None
            }
            Some(Fault::CrashLate { after }) => {
                inner.send_late(call, after, position);
                None
            }
        }
    }

    fn perform(&self, inner: &mut Inner, call: &Call) -> Result<Reply, AwsError> {
        let spent = if let Call::Invoke(invoke) = call { inner.account.invoke_time(invoke) } else { Duration::ZERO };
        let result = inner.account.perform(call);
        if call.operation().kind() != Kind::Read {
            inner.check(&format!("{} {}", call.operation(), call.subject()));
        }
        self.clock.advance(spent + waited(call, &result));
        result
    }
}

/// How long the caller of a request through a stage waited.
fn waited(call: &Call, result: &Result<Reply, AwsError>) -> Duration {
    match (call, result) {
        (_, Ok(Reply::InvokeStage(answer) | Reply::RequestUrl(answer))) => Duration::from_millis(answer.duration_ms),
        (
            Call::InvokeStage(operation::InvokeStage { timeout_s, .. })
            | Call::RequestUrl(operation::RequestUrl { timeout_s, .. }),
            Err(AwsError::Ambiguous { .. }),
        ) => Duration::from_secs((*timeout_s).into()),
        _ => Duration::ZERO,
    }
}

impl Inner {
    /// Lets everything happen that is due by `now`, in order, and looks at the traffic after each.
    fn settle(&mut self, now: Timestamp) {
        while let Some(happened) = self.account.advance_towards(now) {
            if let Some((position, result)) = happened.landed {
                self.log[position].landed = Some((happened.at, result));
            }
            self.check(&happened.what);
        }
    }

    fn check(&mut self, cause: &str) {
        self.watch.check(&self.account, cause);
    }

    /// Puts a call on its way. A read has no effect to land.
    fn send_late(&mut self, call: &Call, after: Duration, position: usize) {
        if call.operation().kind() != Kind::Read {
            self.account.schedule(after, Due::Land { call: Box::new(call.clone()), position });
        }
    }

    /// How long the caller waits for an answer.
    fn patience(&self, call: &Call) -> Duration {
        match call {
            Call::Invoke(invoke) => Duration::from_secs(invoke.timeout_s.into()),
            Call::InvokeStage(ask) => Duration::from_secs(ask.timeout_s.into()),
            Call::RequestUrl(ask) => Duration::from_secs(ask.timeout_s.into()),
            _ => self.account.settings.client_timeout,
        }
    }
}

impl Aws for World {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        match self.step(call) {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}
