//! A stage with routes, aliases with policies, and somebody who repairs them.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use stagegate::aws::layers::Steady;
use stagegate::aws::noun::Statement;
use stagegate::aws::{Kind, Operation};
use stagegate::clock::{Clock, VirtualClock};
use stagegate::engine::{Engine, Interrupt, Settings};
use stagegate::event::Silent;
use stagegate::journal::MemoryJournal;
use stagegate::model::{
    AliasName, ApiId, Description, FunctionName, Record, RecordState, RecordedStage, RunId, StageName, StageRef,
    Version,
};
use stagegate::permission::{self, Look, Settling, Step, Wanted, grant, prune};
use stagegate::plan::Observer;
use stagegate::policy::{LIMIT, route_statement};
use stagegate::problem::Problem;
use stagegate::world::{Account, Behaviour, World};

pub const REGION: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";
/// How long a statement is waited for; longer than the World needs.
pub const SETTLE: Duration = Duration::from_secs(20);

pub fn api() -> ApiId {
    "a1b2c3d4e5".parse().unwrap()
}

pub fn prod() -> StageName {
    "prod".parse().unwrap()
}

pub fn stage_ref() -> StageRef {
    StageRef { api: api(), stage: prod() }
}

pub fn live() -> AliasName {
    "live".parse().unwrap()
}

pub fn function(name: &str) -> FunctionName {
    name.parse().unwrap()
}

pub fn pets() -> FunctionName {
    function("pets")
}

/// Where a route's calls come from.
pub fn source(tail: &str) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{tail}")
}

/// What stagegate adds for a whole stage.
pub fn ours(api: &str, stage: &str) -> Statement {
    route_statement(api, stage, &source(&format!("{api}/{stage}/*")))
}

/// A record on v1.
pub fn record(stage: Option<RecordedStage>, state: RecordState) -> Record {
    Record {
        run: RunId::new(7, 7),
        state,
        expires: None,
        from: Some(Version::Number(1)),
        to: Version::Number(1),
        members: 1,
        stage,
        stage_canary: false,
        shift: None,
        granted: false,
        bad: Vec::new(),
        gate_overridden: false,
        asks: false,
    }
}

pub struct Lab {
    pub world: World,
    /// A stage, or the alias of one function.
    pub wanted: Wanted,
}

impl Lab {
    /// Functions with an alias `live`, and a stage that serves `routes` routes, which call them in turn; no stage when there
    /// are none.
    pub fn new(functions: &[&str], routes: usize) -> Self {
        let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap()));
        world.set_quotas(false);
        world.edit(|account| {
            for name in functions {
                let function = function(name);
                account.create_function(&function, "one", Behaviour::default());
                account.publish(&function, "first").unwrap();
                account.put_alias(&function, &live(), 1, &[]).unwrap();
            }
            account.create_rest_api(&api(), "pets");
            for (at, name) in (0..routes).zip(functions.iter().cycle()) {
                account.put_route(&api(), "GET", &format!("/r{at:03}"), &function(name), "live").unwrap();
            }
            if routes > 0 {
                let deployment = account.deploy(&api(), "by hand").unwrap();
                account.create_stage(&api(), &prod(), &deployment, &[]).unwrap();
            }
        });
        let wanted = Wanted { stages: vec![stage_ref()], called: true, ..Wanted::default() };
        Self { world, wanted }
    }

    pub fn fork(&self) -> Self {
        Self { world: self.world.fork(), wanted: self.wanted.clone() }
    }

    pub fn edit(&self, edit: impl FnOnce(&mut Account)) {
        self.world.edit(edit);
    }

    /// As somebody else's program grants: one statement for one route.
    pub fn grant_route(&self, name: &str, sid: &str, tail: &str) {
        self.put(name, &Statement { sid: sid.into(), source_arn: source(tail) });
    }

    pub fn put(&self, name: &str, statement: &Statement) {
        self.edit(|account| {
            let value = account.statement(&function(name), "live", statement);
            account.put_statement(&function(name), "live", value).unwrap();
        });
    }

    pub fn put_value(&self, name: &str, statement: Value) {
        self.edit(|account| account.put_statement(&function(name), "live", statement).unwrap());
    }

    /// Fills the policy of an alias to exactly so many bytes with a statement about something else.
    pub fn fill(&self, name: &str, bytes: usize) {
        let with = |text: &str| {
            json!({ "Sid": "filler", "Effect": "Allow", "Principal": { "Service": "s3.amazonaws.com" }, "Action": "lambda:InvokeFunction",
                "Resource": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:live"),
                "Condition": { "StringEquals": { "aws:PrincipalTag/team": text } } })
        };
        self.put_value(name, with(""));
        let short = bytes - self.bytes(name);
        self.put_value(name, with(&"x".repeat(short)));
        assert_eq!(self.bytes(name), bytes);
    }

    pub fn bytes(&self, name: &str) -> usize {
        self.document(name).len()
    }

    pub fn document(&self, name: &str) -> String {
        self.world.look(|account| {
            account.functions[&function(name)].policies.get("live").map(|policy| policy.document()).unwrap_or_default()
        })
    }

    pub fn sids(&self, name: &str) -> Vec<String> {
        stagegate::policy::statement_ids(&self.document(name))
    }

    pub fn describe(&self, name: &str, record: Record) {
        let text = Description { text: String::new(), record: Some(record) }.to_string();
        self.edit(|account| account.describe_alias(&function(name), &live(), &text).unwrap());
    }

    /// Routes that are not served, for whatever reason.
    pub fn unserved(&self) -> Vec<String> {
        self.world.run_until_quiet();
        self.world.look(Account::unserved)
    }

    pub fn look(&self) -> Option<Result<Look, Problem>> {
        let (aws, clock) = (Steady::new(&self.world, self.world.clock(), 7), self.world.clock());
        let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
        permission::look(&observer, REGION, &self.wanted).now_or_never()
    }

    /// Looks and grants; `None` when the process died.
    pub fn grant(&self) -> Option<Result<Vec<String>, Problem>> {
        self.work(|subject, _| grant::plan(subject))
    }

    /// Looks and prunes; `None` when the process died.
    pub fn prune(&self, foreign: bool) -> Option<Result<Vec<String>, Problem>> {
        self.work(|subject, look| {
            let removals = prune::plan(subject, look, foreign)?.removals;
            Ok(removals.into_iter().map(Step::Remove).collect())
        })
    }

    fn work(
        &self,
        plan: impl Fn(&permission::Subject, &Look) -> Result<Vec<Step>, Problem>,
    ) -> Option<Result<Vec<String>, Problem>> {
        let clock = self.world.clock();
        let looked = clock.now();
        let look = match self.look()? {
            Ok(look) => look,
            Err(problem) => return Some(Err(problem)),
        };
        let planned: Result<Vec<_>, Problem> =
            look.subjects.iter().map(|subject| Ok((subject, plan(subject, &look)?))).collect();
        let work = match planned {
            Ok(work) => work.into_iter().filter(|(_, steps)| !steps.is_empty()).collect::<Vec<_>>(),
            Err(problem) => return Some(Err(problem)),
        };
        let aws = Steady::new(&self.world, clock.clone(), 7);
        let (journal, interrupt) = (MemoryJournal::default(), Interrupt::default());
        let engine = Engine::new(&aws, &clock, &Silent, &interrupt, journal, RunId::new(1, 1), Settings::default());
        let mut done = Vec::new();
        let settling = Settling { looked, settle: SETTLE };
        let end = permission::carry_out(&engine, settling, &work, &mut done).now_or_never()?;
        Some(end.map(|()| done))
    }

    pub fn writes(&self) -> Vec<Operation> {
        let all = self.world.calls().into_iter().map(|logged| logged.call.operation());
        all.filter(|operation| operation.kind() == Kind::Write).collect()
    }
}

/// Two routes of three are let in one by one, and so full a policy that they are merged.
pub fn nearly_full() -> Lab {
    let lab = Lab::new(&["pets"], 3);
    lab.grant_route("pets", "apigw-0", "a1b2c3d4e5/prod/GET/r000");
    lab.grant_route("pets", "apigw-1", "a1b2c3d4e5/prod/GET/r001");
    lab.fill("pets", LIMIT - 800);
    lab.world.watch_traffic();
    lab
}
