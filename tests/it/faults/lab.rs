//! A laboratory: a World with a release to run in it, processes that die, and people on other machines.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use stagegate::aws::layers::Steady;
use stagegate::aws::noun::Stage;
use stagegate::aws::operation::{GetAlias, GetHttpStage, GetPolicy, GetStage};
use stagegate::aws::{Aws, AwsError, Call, Kind, Lifetime, Reply, Request};
use stagegate::clock::{Clock, VirtualClock};
use stagegate::engine::person::{Nobody, Person};
use stagegate::engine::{Engine, Interrupt, Outcome, Settings};
use stagegate::event::{Listener, Silent};
use stagegate::journal::{Line, MemoryJournal};
use stagegate::model::{AliasName, ApiId, Description, FunctionName, RunId, StageName, StageRef, Target, Version};
use stagegate::plan::{self, Choice, Observer, Plan};
use stagegate::problem::Problem;
use stagegate::rollback::{Emergency, Part, Seen, Undone};
use stagegate::world::{Behaviour, World};

/// Which release is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The alias serves v1, the stage is one edit behind, one route has no permission yet.
    Second,
    /// No alias, no permission, the stage variable unset.
    First,
    /// Three functions behind one stage, each as in `Second`.
    Three,
    /// As in `Second`, but only the API's definition was edited: there is no new version.
    Definition,
    /// As in `Second`, through an HTTP API, one of whose routes is `$default`.
    Http,
    /// As in `First`, through an HTTP API's stage that deploys by itself.
    FirstHttp,
}

impl Scenario {
    fn functions(self) -> Vec<FunctionName> {
        let names: &[&str] = if self == Self::Three { &["carts", "orders", "prices"] } else { &["orders"] };
        names.iter().map(|n| n.parse().unwrap()).collect()
    }

    pub fn is_first(self) -> bool {
        matches!(self, Self::First | Self::FirstHttp)
    }

    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::FirstHttp)
    }
}

pub fn alias() -> AliasName {
    "live".parse().unwrap()
}

pub fn api() -> ApiId {
    "a1b2c3d4e5".parse().unwrap()
}

pub fn prod() -> StageName {
    "prod".parse().unwrap()
}

pub fn stage_ref() -> StageRef {
    StageRef { api: api(), stage: prod() }
}

/// A world and what is to be released in it.
pub struct Lab {
    pub world: World,
    pub target: Target,
    pub scenario: Scenario,
    pub kept: Rc<RefCell<Vec<Line>>>,
    pub interrupt: Interrupt,
    pub settings: Settings,
    /// Who hears of what happens.
    pub listener: Rc<dyn Listener>,
    /// Who is at the terminal.
    pub person: Rc<dyn Person>,
    /// When the credentials end.
    pub lifetime: Lifetime,
    /// Routes that a call found without permission although their alias exists.
    pub refused: Rc<RefCell<Vec<String>>>,
    runs: Cell<u128>,
}

/// What matters of AWS: how it was before, and how it is after.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Alias → version, weights, the user's text.
    pub aliases: BTreeMap<String, (Version, BTreeMap<u64, u64>, String)>,
    /// Alias → statement ids.
    pub statements: BTreeMap<String, Vec<String>>,
    pub deployment: String,
    pub variables: BTreeMap<String, String>,
    /// The stage's canary: its share and where it sends requests.
    pub canary: Option<String>,
    /// Candidate aliases that exist.
    pub candidates: Vec<String>,
}

impl Lab {
    pub fn new(scenario: Scenario) -> Self {
        let clock = VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap());
        let world = World::new(clock);
        world.set_quotas(false);
        world.edit(|account| seed(account, scenario));
        world.run_until_quiet();
        let mut target = Target::of_alias(scenario.functions()[0].clone(), alias());
        target.functions = scenario.functions();
        target.name = Some("prod".into());
        target.stage = Some(stage_ref());
        target.alias_variable = Some("lambdaAlias".into());
        world.watch_traffic();
        Self {
            world,
            target,
            scenario,
            kept: Rc::default(),
            interrupt: Interrupt::default(),
            settings: Settings::default(),
            listener: Rc::new(Silent),
            person: Rc::new(Nobody),
            lifetime: Lifetime::default(),
            refused: Rc::default(),
            runs: Cell::new(1),
        }
    }

    /// The same laboratory, to try something in.
    pub fn fork(&self) -> Self {
        Self {
            world: self.world.fork(),
            target: self.target.clone(),
            scenario: self.scenario,
            kept: Rc::new(RefCell::new(self.kept.borrow().clone())),
            interrupt: Interrupt::default(),
            settings: self.settings,
            listener: Rc::clone(&self.listener),
            person: Rc::clone(&self.person),
            lifetime: self.lifetime.clone(),
            refused: Rc::new(RefCell::new(self.refused.borrow().clone())),
            runs: self.runs.clone(),
        }
    }

    pub fn aws(&self) -> Steady<Guard<'_>, VirtualClock> {
        Steady::new(Guard { world: &self.world, refused: Rc::clone(&self.refused) }, self.world.clock(), 7)
    }

    pub fn run_id(&self) -> RunId {
        self.runs.set(self.runs.get() + 1);
        RunId::new(u64::try_from(self.world.clock().now().as_millisecond()).unwrap(), self.runs.get())
    }

    pub fn plan_named(&self, named: Option<Version>) -> Result<Plan, Problem> {
        let (aws, clock) = (self.aws(), self.world.clock());
        let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
        let observed = observer.observe(&self.target, named).now_or_never().expect("planning does not wait")?;
        let choice = Choice {
            named,
            description: "3e9a1f7 v2.8.0".into(),
            ..Choice::new(self.run_id(), clock.now(), "123456789012".into(), "us-east-1".into())
        };
        plan::plan(&self.target, &observed, &choice)
    }

    pub fn plan(&self) -> Result<Plan, Problem> {
        self.plan_named(None)
    }

    /// Runs a plan in a new process; `None` when the process dies.
    pub fn promote(&self, plan: &Plan) -> Option<Outcome> {
        self.process(plan, async |engine: Process<'_>| engine.promote(plan).await)
    }

    /// Another process on the same machine goes on, forward or back.
    pub fn resume(&self, plan: &Plan, undo: bool) -> Option<Outcome> {
        self.process(
            plan,
            async |engine: Process<'_>| {
                if undo { engine.resume_undo(plan).await } else { engine.resume(plan).await }
            },
        )
    }

    fn process(&self, plan: &Plan, work: impl AsyncFnOnce(Process<'_>) -> Outcome) -> Option<Outcome> {
        self.world.reset_count();
        let journal = MemoryJournal::reopened(&self.kept);
        let (aws, clock) = (self.aws(), self.world.clock());
        let (listener, interrupt) = (self.listener.as_ref(), &self.interrupt);
        let engine = Engine::new(&aws, &clock, listener, interrupt, journal, plan.run.clone(), self.settings);
        work(engine.with_person(self.person.as_ref()).with_lifetime(self.lifetime.clone())).now_or_never()
    }

    /// Somebody on another machine, with nothing but AWS, rolls the whole target back.
    pub fn rollback_elsewhere(&self, to: Option<u64>) -> Option<Result<Undone, Problem>> {
        self.world.reset_count();
        let (aws, clock, fresh) = (self.aws(), self.world.clock(), self.run_id());
        let interrupt = Interrupt::default();
        let seen: Vec<Seen> = match self.seen(&aws).now_or_never()? {
            Ok(seen) => seen,
            Err(problem) => return Some(Err(problem)),
        };
        let lead = seen.iter().find_map(|s| s.believed().map(|r| r.run.clone()));
        let seen: Vec<Seen> = seen.into_iter().filter(|s| s.believed().map(|r| &r.run) == lead.as_ref()).collect();
        let none = |_: &Seen| Vec::new();
        let emergency = match Emergency::prepare(&seen, to, Part::All, &none, false, &fresh, clock.now()) {
            Ok(emergency) => emergency,
            Err(problem) => return Some(Err(problem)),
        };
        let engine = Engine::new(&aws, &clock, &Silent, &interrupt, MemoryJournal::default(), fresh, self.settings);
        emergency.run(&engine).now_or_never().map(Ok)
    }

    async fn seen(&self, aws: &impl Aws) -> Result<Vec<Seen>, Problem> {
        use stagegate::aws::{AwsExt, Operation, explain};
        let mut all = Vec::new();
        for function in &self.target.functions {
            let request = GetAlias { function: function.clone(), alias: alias() };
            let found = aws.find(request).await;
            let found = found.map_err(|e| explain::problem(Operation::GetAlias, function.as_str(), &e))?;
            if let Some(found) = found {
                all.push(Seen::new(function.clone(), alias(), found, false)?);
            }
        }
        Ok(all)
    }

    /// Reads as a different program would: not counted as a call.
    pub fn peek<R: Request>(&self, request: R) -> Result<R::Reply, AwsError> {
        let call = request.call();
        self.world.edit(|account| account.perform(&call)).map(|reply| R::reply(reply).expect("its own reply"))
    }

    pub fn state(&self) -> State {
        self.world.run_until_quiet();
        let (mut aliases, mut statements) = (BTreeMap::new(), BTreeMap::new());
        for function in &self.target.functions {
            let name = format!("{function}:live");
            if let Ok(found) = self.peek(GetAlias { function: function.clone(), alias: alias() }) {
                let text = Description::parse(&found.description).unwrap().text;
                let weights = found.weights.iter().map(|(v, w)| (*v, (w * 1000.0) as u64)).collect();
                aliases.insert(name.clone(), (found.version, weights, text));
            }
            let policy = self.peek(GetPolicy { function: function.clone(), alias: alias() });
            statements.insert(name, policy.map(|p| stagegate::policy::statement_ids(&p.document)).unwrap_or_default());
        }
        let stage = self.stage();
        // Which deployment a stage that deploys by itself has is not the release's doing.
        let deployment = if stage.kind.is_auto_deployed() { "its own".into() } else { stage.deployment };
        let canary = stage.canary.as_ref().map(|canary| format!("{} % {:?}", canary.percent, canary.overrides));
        let there = |function: &&FunctionName| {
            let alias = "live-canary".parse().unwrap();
            self.peek(GetAlias { function: (*function).clone(), alias }).is_ok()
        };
        let candidates = self.target.functions.iter().filter(there).map(ToString::to_string).collect();
        State { aliases, statements, deployment, variables: stage.variables, canary, candidates }
    }

    /// The stage as it is now.
    pub fn stage(&self) -> Stage {
        let stage = match self.scenario.is_http() {
            true => self.peek(GetHttpStage { api: api(), stage: prod() }),
            false => self.peek(GetStage { api: api(), stage: prod() }),
        };
        stage.expect("the stage is never deleted")
    }

    /// Everything that was ever wrong with traffic.
    pub fn violations(&self) -> Vec<String> {
        let mut all = self.world.violations();
        all.extend(self.refused.borrow().iter().cloned());
        all
    }

    pub fn calls(&self) -> usize {
        self.world.calls().len()
    }
}

type Process<'a> = Engine<'a, Steady<Guard<'a>, VirtualClock>, VirtualClock, MemoryJournal>;

/// Looks, after every call, for routes that reach an existing alias without permission.
pub struct Guard<'a> {
    world: &'a World,
    refused: Rc<RefCell<Vec<String>>>,
}

impl Aws for Guard<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, AwsError> {
        let answer = self.world.call(call).await;
        if call.operation().kind() == Kind::Write {
            let unserved = self.world.look(|account| account.unserved());
            let refused = unserved.into_iter().filter(|line| line.contains("Invalid permissions"));
            self.refused
                .borrow_mut()
                .extend(refused.map(|line| format!("after {} {}: {line}", call.operation(), call.subject())));
        }
        answer
    }
}

fn seed(account: &mut stagegate::world::Account, scenario: Scenario) {
    match scenario.is_http() {
        true => account.create_http_api(&api(), "shop"),
        false => account.create_rest_api(&api(), "shop"),
    }
    for function in scenario.functions() {
        account.create_function(&function, "code 1", Behaviour::default());
        account.publish(&function, "first").unwrap();
        route(account, scenario, "GET", &format!("/{function}"), &function);
        if !scenario.is_first() {
            account.put_alias(&function, &alias(), 1, &[]).unwrap();
            account.describe_alias(&function, &alias(), "Orders API").unwrap();
            let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{}/prod/GET/{function}", api());
            account.put_statement(&function, "live", statement(&function, &arn)).unwrap();
        }
        if scenario == Scenario::Http {
            account.put_http_route(&api(), "$default", &function, ALIAS).unwrap();
            let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{}/prod/$default", api());
            let mut default = statement(&function, &arn);
            default["Sid"] = "by-hand-default".into();
            account.put_statement(&function, "live", default).unwrap();
        }
    }
    let variables: &[(&str, &str)] =
        if scenario.is_first() { &[("owner", "shop")] } else { &[("lambdaAlias", "live")] };
    if scenario.is_http() {
        account.create_http_stage(&api(), &prod(), scenario.is_first(), variables).unwrap();
    } else {
        let deployed = account.deploy(&api(), "by hand").unwrap();
        account.create_stage(&api(), &prod(), &deployed, variables).unwrap();
    }
    for function in scenario.functions() {
        if scenario.is_first() {
            continue;
        }
        if scenario != Scenario::Definition {
            account.update_code(&function, "code 2", Behaviour::default(), Duration::ZERO).unwrap();
        }
        route(account, scenario, "POST", &format!("/{function}/refunds"), &function);
    }
}

/// The alias as routes name it.
pub const ALIAS: &str = "${stageVariables.lambdaAlias}";

fn route(
    account: &mut stagegate::world::Account,
    scenario: Scenario,
    method: &str,
    path: &str,
    function: &FunctionName,
) {
    match scenario.is_http() {
        true => account.put_http_route(&api(), &format!("{method} {path}"), function, ALIAS).unwrap(),
        false => account.put_route(&api(), method, path, function, ALIAS).unwrap(),
    }
}

pub fn statement(function: &FunctionName, source_arn: &str) -> serde_json::Value {
    serde_json::json!({
        "Sid": "by-hand", "Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": format!("arn:aws:lambda:us-east-1:123456789012:function:{function}:live"),
        "Condition": {"ArnLike": {"AWS:SourceArn": source_arn}}
    })
}
