//! A stage that is behind the live definition of its API, and somebody who redeploys it.

use futures_util::FutureExt;
use stagegate::aws::layers::Steady;
use stagegate::aws::{Kind, Operation};
use stagegate::clock::VirtualClock;
use stagegate::definition::Marker;
use stagegate::engine::{Engine, Interrupt, Settings};
use stagegate::event::Silent;
use stagegate::journal::MemoryJournal;
use stagegate::model::{ApiId, FunctionName, RunId, StageName, StageRef};
use stagegate::plan::{ByHand, ObservedStage, Observer};
use stagegate::problem::Problem;
use stagegate::world::{Account, Behaviour, Request, World};

pub fn api() -> ApiId {
    "a1b2c3d4e5".parse().unwrap()
}

pub fn prod() -> StageName {
    "prod".parse().unwrap()
}

pub fn stage_ref() -> StageRef {
    StageRef { api: api(), stage: prod() }
}

pub fn pets() -> FunctionName {
    "pets".parse().unwrap()
}

pub struct Lab {
    pub world: World,
    http: bool,
}

impl Lab {
    /// The stage serves `GET /pets`; `POST /pets` is defined and not deployed.
    pub fn new(http: bool) -> Self {
        let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap()));
        world.set_quotas(false);
        world.edit(|account| {
            let live = "live".parse().unwrap();
            account.create_function(&pets(), "one", Behaviour::default());
            account.publish(&pets(), "first").unwrap();
            account.put_alias(&pets(), &live, 1, &[]).unwrap();
            if http {
                account.create_http_api(&api(), "pets");
                account.put_http_route(&api(), "GET /pets", &pets(), "live").unwrap();
                account.create_http_stage(&api(), &prod(), false, &[]).unwrap();
                account.put_http_route(&api(), "POST /pets", &pets(), "live").unwrap();
            } else {
                account.create_rest_api(&api(), "pets");
                account.put_route(&api(), "GET", "/pets", &pets(), "live").unwrap();
                let deployment = account.deploy(&api(), "by hand").unwrap();
                account.create_stage(&api(), &prod(), &deployment, &[]).unwrap();
                account.put_route(&api(), "POST", "/pets", &pets(), "live").unwrap();
            }
            account.grant(&pets(), &live, &api(), &prod()).unwrap();
        });
        world.watch_traffic();
        Self { world, http }
    }

    pub fn fork(&self) -> Self {
        Self { world: self.world.fork(), http: self.http }
    }

    pub fn edit(&self, edit: impl FnOnce(&mut Account)) {
        self.world.edit(edit);
    }

    pub fn observe(&self) -> Option<Result<ObservedStage, Problem>> {
        let (aws, clock) = (Steady::new(&self.world, self.world.clock(), 7), self.world.clock());
        Observer { aws: &aws, clock: &clock, listener: &Silent }.stage(&stage_ref()).now_or_never()
    }

    pub fn verdict(&self, force: bool) -> Result<ByHand, Problem> {
        ByHand::of(&self.observe().unwrap().unwrap(), None, force)
    }

    /// Looks and redeploys, as one process; `None` when it died. The second answer says whether there was anything to do.
    pub fn redeploy(&self, to: Option<&str>) -> Option<Result<Option<String>, Problem>> {
        let observed = match self.observe()? {
            Ok(observed) => observed,
            Err(problem) => return Some(Err(problem)),
        };
        let wanted = match to {
            Some(id) => ByHand::to(&observed, id, Some(&Default::default())),
            None => ByHand::of(&observed, None, false),
        };
        match wanted {
            Err(problem) => Some(Err(problem)),
            Ok(ByHand { plan: None, .. }) => Some(Ok(None)),
            Ok(ByHand { plan: Some(plan), .. }) => {
                let (aws, clock) = (Steady::new(&self.world, self.world.clock(), 7), self.world.clock());
                let (journal, interrupt) = (MemoryJournal::default(), Interrupt::default());
                let engine =
                    Engine::new(&aws, &clock, &Silent, &interrupt, journal, RunId::new(1, 1), Settings::default());
                Some(engine.redeploy_by_hand(&plan, to).now_or_never()?.map(Some))
            }
        }
    }

    pub fn serves(&self) -> String {
        self.world.run_until_quiet();
        self.world.look(|account| match self.http {
            true => account.http_apis[&api()].stages[&prod()].deployment.clone(),
            false => account.apis[&api()].stages[&prod()].deployment.clone(),
        })
    }

    /// How many deployments stagegate made.
    pub fn deployments(&self) -> usize {
        let is_ours = |text: &str| text.parse::<Marker>().is_ok();
        self.world.look(|account| match self.http {
            true => {
                account.http_apis[&api()].deployments.values().filter(|d| is_ours(&d.deployment.description)).count()
            }
            false => account.apis[&api()].deployments.values().filter(|d| is_ours(&d.deployment.description)).count(),
        })
    }

    /// Whether the new route answers.
    pub fn posts(&self) -> bool {
        let request = Request { api: api(), stage: prod(), method: "POST".into(), path: "/pets".into() };
        self.world.serve(&request).failure().is_none()
    }

    pub fn writes(&self) -> Vec<Operation> {
        let all = self.world.calls().into_iter().map(|logged| logged.call.operation());
        all.filter(|operation| operation.kind() == Kind::Write).collect()
    }
}
