//! Clients of the demo's stage: seeded requests per virtual second, whatever the release does meanwhile, and what each
//! of them was answered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::shop::{self, NEW_ROUTE, Shop};
use super::{DemoOptions, Regression};
use crate::aws::layers::Jitter;
use crate::aws::{Aws, AwsError, Call, Operation, Reply};
use crate::clock::{Clock, VirtualClock};
use crate::event::{Event, Listener};
use crate::model::Version;
use crate::step::StepKind;
use crate::world::{Fault, Request, World};

/// Requests per virtual second, on average.
pub(super) const RATE: f64 = 20.0;
/// The same while a canary bakes, which takes many minutes.
pub(super) const BAKE_RATE: f64 = 2.0;
/// The shortest time that somebody who watches waits at once.
const FRAME: Duration = Duration::from_millis(50);
/// What the parts of a canary are called, followed by the share.
const CANARY: &str = "canary";
/// Virtual time that a call to AWS takes.
const CALL_TIME: Duration = Duration::from_millis(80);
/// What clients ask for: method, path, share.
const MIX: [(&str, &str, f64); 3] =
    [("GET", "/orders/17", 0.6), ("POST", "/orders", 0.3), (NEW_ROUTE.0, NEW_ROUTE.1, 0.1)];

/// Who answered a request, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// The version that ran; none when no function did.
    pub version: Option<Version>,
    /// HTTP status.
    pub status: u16,
}

/// The requests during one part of the demo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phase {
    /// `before`, the name of a step, `canary 5%`, `after`, `rollback`, `undo`.
    pub name: String,
    /// How many requests there were with each answer.
    pub answers: BTreeMap<Answer, u32>,
    /// Requests that were sent on to an alias which its policy did not let the stage invoke.
    pub without_permission: u32,
}

impl Phase {
    /// How many requests there were.
    pub fn requests(&self) -> u32 {
        self.answers.values().sum()
    }

    /// How many a version answered.
    pub fn by(&self, version: Version) -> u32 {
        self.count(|answer| answer.version == Some(version))
    }

    /// How many got no answer: an error of the server without any version having run.
    pub fn failed(&self) -> u32 {
        self.count(|answer| answer.version.is_none() && answer.status >= 500)
    }

    /// How many were answered with an error by a version itself.
    pub fn errors(&self) -> u32 {
        self.count(|answer| answer.version.is_some() && answer.status >= 500)
    }

    /// How many asked for a route that the stage did not serve at that time.
    pub fn no_such_route(&self) -> u32 {
        self.count(|answer| answer.version.is_none() && answer.status == 403)
    }

    fn count(&self, which: impl Fn(&Answer) -> bool) -> u32 {
        self.answers.iter().filter(|(answer, _)| which(answer)).map(|(_, count)| count).sum()
    }
}

/// The World with clients on it: whenever virtual time passes, whether a call takes it or a wait, requests are made.
pub(super) struct Street<'a> {
    world: &'a World,
    clock: VirtualClock,
    listener: &'a dyn Listener,
    requests: Vec<(Request, f64)>,
    jitter: Jitter,
    next: Cell<Timestamp>,
    phases: RefCell<Vec<Phase>>,
    calls: Cell<u32>,
    /// What is wrong with the release.
    regress: Option<Regression>,
    /// How long a virtual minute takes.
    pace: Duration,
    /// Time that has not been waited for yet: the machine's timers are too coarse for a virtual second.
    owed: Cell<Duration>,
}

impl<'a> Street<'a> {
    pub(super) fn new(world: &'a World, shop: &Shop, listener: &'a dyn Listener, options: &DemoOptions) -> Self {
        let request = |method: &str, path: &str| Request {
            api: shop.stage.api.clone(),
            stage: shop.stage.stage.clone(),
            method: method.into(),
            path: path.into(),
        };
        Self {
            world,
            clock: world.clock(),
            listener,
            requests: MIX.iter().map(|(method, path, share)| (request(method, path), *share)).collect(),
            jitter: Jitter::new(options.seed),
            next: Cell::new(world.clock().now()),
            phases: RefCell::new(vec![Phase { name: "before".into(), ..Phase::default() }]),
            calls: Cell::new(0),
            regress: options.regress,
            pace: options.pace,
            owed: Cell::default(),
        }
    }

    /// From now on requests count as made during this part. A part that is begun again is continued.
    pub(super) fn begin(&self, name: &str) {
        let mut phases = self.phases.borrow_mut();
        if phases.last().is_none_or(|phase| phase.name != name) {
            phases.push(Phase { name: name.to_owned(), ..Phase::default() });
        }
    }

    /// How many calls to AWS were made.
    pub(super) fn calls(&self) -> u32 {
        self.calls.get()
    }

    /// What was counted, part by part; parts without requests are left out.
    pub(super) fn phases(&self) -> Vec<Phase> {
        self.phases.borrow().iter().filter(|phase| phase.requests() > 0).cloned().collect()
    }

    /// Lets time pass, request by request.
    fn pass(&self, time: Duration) {
        let until = self.clock.now() + time;
        self.catch_up(until);
        self.clock.advance(Duration::try_from(until.duration_since(self.clock.now())).unwrap_or_default());
    }

    /// Makes the requests that are due by a time. Those that fell due while an invocation ran are made after it.
    fn catch_up(&self, until: Timestamp) {
        while self.next.get() <= until {
            let due = self.next.get();
            if due > self.clock.now() {
                self.clock.advance(Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default());
            }
            self.ask();
            self.next.set(due + Duration::from_secs_f64((0.5 + self.jitter.next()) / self.rate()));
        }
    }

    fn rate(&self) -> f64 {
        let bakes = self.phases.borrow().last().is_some_and(|phase| phase.name.starts_with(CANARY));
        if bakes { BAKE_RATE } else { RATE }
    }

    fn ask(&self) {
        let request = pick(&self.requests, self.jitter.next());
        let Some(request) = request else { return };
        let served = self.world.serve(request);
        let shares: Vec<_> = served.0.iter().map(|answer| (&answer.result, answer.share)).collect();
        let Some(result) = pick(&shares, self.jitter.next()) else { return };
        let (answer, unpermitted) = match result {
            Ok(reached) => {
                let version = reached.as_ref().map(|reached| reached.version);
                let status = reached.as_ref().map_or(200, |r| self.status(r.version, &r.function));
                (Answer { version, status }, false)
            }
            Err(failure) => {
                (Answer { version: None, status: failure.status }, failure.why.contains("Invalid permissions"))
            }
        };
        if let Some(phase) = self.phases.borrow_mut().last_mut() {
            *phase.answers.entry(answer).or_insert(0) += 1;
            phase.without_permission += u32::from(unpermitted);
        }
    }

    /// What a proxy integration makes of the answer of a version: 502 when the function fails.
    fn status(&self, version: Version, function: &crate::model::FunctionName) -> u16 {
        let behaviour = self.world.look(|account| {
            let function = account.functions.get(function)?;
            let build = version.number().map_or(Some(&function.latest), |number| function.versions.get(&number))?;
            Some(build.behaviour.clone())
        });
        let Some(behaviour) = behaviour.filter(|b| b.function_error.is_none()) else { return 502 };
        let body: Value = serde_json::from_str(&behaviour.payload).unwrap_or_default();
        if self.jitter.next() < shop::error_rate(version, self.regress) {
            return 502;
        }
        body["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(502)
    }
}

/// Picks by share; `at` is 0–1.
fn pick<T>(choices: &[(T, f64)], at: f64) -> Option<&T> {
    let mut left = at * choices.iter().map(|(_, share)| share).sum::<f64>();
    for (choice, share) in choices {
        left -= share;
        if left < 0.0 {
            return Some(choice);
        }
    }
    choices.last().map(|(choice, _)| choice)
}

impl Aws for Street<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        self.pass(CALL_TIME);
        self.calls.set(self.calls.get() + 1);
        if self.regress == Some(Regression::Permission) && call.operation() == Operation::AddPermission {
            self.world.inject(self.world.calls().len(), Fault::denied());
        }
        let reply = self.world.call(call).await;
        self.catch_up(self.clock.now());
        reply
    }
}

impl Clock for Street<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, time: Duration) {
        self.pass(time);
        let owed = self.owed.get() + self.pace.mul_f64(time.as_secs_f64() / 60.0);
        self.owed.set(owed);
        if owed >= FRAME {
            self.owed.set(Duration::ZERO);
            tokio::time::sleep(owed).await;
        }
    }
}

impl Listener for Street<'_> {
    fn on(&self, at: Timestamp, event: &Event) {
        match event {
            Event::StepStarted { step: StepKind::Canary, .. } => {}
            Event::StepStarted { step, .. } => self.begin(step.name()),
            Event::Gate(look) => self.begin(&format!("{CANARY} {}%", look.percent)),
            Event::StepFinished { step: StepKind::Canary, .. } => self.begin(StepKind::Promote.name()),
            Event::RollingBack { .. } => self.begin("rollback"),
            _ => {}
        }
        self.listener.on(at, event);
    }

    fn tick(&self, now: Timestamp, until: Timestamp) {
        self.listener.tick(now, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_picked_by_their_shares() {
        let choices = [("a", 0.5), ("b", 0.25), ("c", 0.25)];
        let picked: Vec<_> = [0.0, 0.49, 0.5, 0.74, 0.76, 1.0].iter().map(|at| *pick(&choices, *at).unwrap()).collect();
        assert_eq!(picked, ["a", "a", "b", "b", "c", "c"]);
        assert_eq!(pick::<&str>(&[], 0.5), None);
    }

    #[test]
    fn requests_are_told_apart_by_version_status_and_permission() {
        let shop = Shop::new().unwrap();
        let options = DemoOptions { seed: 1, ..DemoOptions::default() };
        let world = shop.open(options.start, None).unwrap();
        let street = Street::new(&world, &shop, &crate::event::Silent, &options);
        street.pass(Duration::from_secs(60));
        world.edit(|account| account.put_alias(&shop.function, &shop.alias, 40, &[(41, 0.5)]).unwrap());
        street.begin("split");
        street.pass(Duration::from_secs(60));
        world.edit(|account| {
            account.version_mut(&shop.function, 40).unwrap().behaviour = crate::world::Behaviour::failing("boom");
            let deployment = account.deploy(&shop.stage.api, "").unwrap();
            account.stage_mut(&shop.stage.api, &shop.stage.stage).unwrap().deployment = deployment;
        });
        street.begin("broken");
        street.pass(Duration::from_secs(60));
        let [before, split, broken] = &street.phases()[..] else { panic!("three parts") };
        let (v40, v41) = (Version::Number(40), Version::Number(41));
        assert!(before.requests() > 1_000 && before.by(v41) + before.no_such_route() == before.requests());
        assert!(split.by(v40) > 400 && split.by(v41) > 400 && split.failed() == 0);
        assert!(split.errors() < 10, "code that is in order fails now and then");
        assert!(broken.without_permission > 60, "the new route is deployed and may not call the alias");
        assert_eq!(broken.failed(), broken.without_permission);
        assert!(broken.errors() >= broken.by(v40) && broken.by(v40) > 400);
        assert_eq!(broken.no_such_route(), 0);
    }
}
