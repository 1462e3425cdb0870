//! The account that the demo plays in: a function, its alias behind a REST API's stage, and a release that is due.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::Regression;
use crate::aws::AwsError;
use crate::clock::VirtualClock;
use crate::model::{
    AliasName, ApiId, CanaryMode, CanaryStep, Expect, FunctionName, InvalidName, Percent, SmokeCheck, StageName,
    StageRef, Target,
};
use crate::world::{Behaviour, Lag, Load, Profile, Request, World};

/// The version that serves when the demo begins.
pub const STABLE: u64 = 41;
/// The version that the release makes.
pub const CANDIDATE: u64 = 42;
/// The stage variable that the integrations take the alias from.
pub const ALIAS_VARIABLE: &str = "lambdaAlias";
/// The route that the release brings: edited into the API, not deployed.
pub const NEW_ROUTE: (&str, &str) = ("POST", "/refunds");
/// The routes that are served and allowed from the beginning.
pub const ROUTES: [(&str, &str); 2] = [("GET", "/orders/{id}"), ("POST", "/orders")];
/// The longest that a smoke check may take.
const SMOKE_MAX_MS: u64 = 800;
/// The steps of the canary, in percent.
const STEPS: [u32; 3] = [5, 25, 50];
/// How long each of them lasts, unless proof ends it sooner.
const BAKE: Duration = Duration::from_secs(600);
/// Requests per second of the clients that are counted by the minute.
pub const CROWD_RPS: f64 = 200.0;
/// Share of requests that sound code fails.
const USUAL_ERRORS: f64 = 0.0003;

/// Names of the things in the account.
#[derive(Debug, Clone)]
pub struct Shop {
    /// The function.
    pub function: FunctionName,
    /// The alias that clients reach.
    pub alias: AliasName,
    /// The stage that calls it.
    pub stage: StageRef,
}

impl Shop {
    /// The names.
    ///
    /// # Errors
    /// Never: the names are valid.
    pub fn new() -> Result<Self, InvalidName> {
        let (api, stage): (ApiId, StageName) = ("a1b2c3d4e5".parse()?, "prod".parse()?);
        Ok(Self { function: "checkout-api".parse()?, alias: "live".parse()?, stage: StageRef { api, stage } })
    }

    /// What a configuration file would say of it.
    pub fn target(&self) -> Target {
        let mut target = Target::of_alias(self.function.clone(), self.alias.clone());
        target.name = Some("prod".into());
        target.project = Some("checkout".into());
        target.stage = Some(self.stage.clone());
        target.alias_variable = Some(ALIAS_VARIABLE.into());
        target.smoke = vec![SmokeCheck {
            file: "smoke/health.json".into(),
            payload: json!({ "httpMethod": "GET", "path": "/health" }).to_string(),
            expect: Expect { status: Some(200), json: None, max_ms: Some(SMOKE_MAX_MS) },
        }];
        target
    }

    /// The same with a canary.
    pub fn shifted(&self, mode: CanaryMode) -> Target {
        let mut target = self.target();
        target.canary.mode = mode;
        let step = |percent| CanaryStep { percent: Percent::whole(percent), bake: BAKE, requests: None };
        target.canary.steps = STEPS.map(step).to_vec();
        target
    }

    /// The clients that are counted by the minute. They have been there for hours.
    pub fn crowd(&self, regress: Option<Regression>, seed: u64) -> Load {
        let (method, path) = ("GET".to_owned(), "/orders/17".to_owned());
        let request = Request { api: self.stage.api.clone(), stage: self.stage.stage.clone(), method, path };
        let mut load = Load { history_minutes: 240, ..Load::to_stage(seed, &request, CROWD_RPS) };
        load.lag = Lag::normal();
        load.profile = usual();
        load.version(&self.function, CANDIDATE, profile(regress))
    }

    /// The account at a time: v41 serves, new code is uploaded, a route is edited into the API but not deployed, and
    /// the alias's policy names its two old routes only.
    ///
    /// # Errors
    /// Never: the account is consistent.
    pub fn open(&self, start: Timestamp, regress: Option<Regression>) -> Result<World, AwsError> {
        let world = World::new(VirtualClock::at(start));
        self.make_versions(&world)?;
        self.make_api(&world)?;
        world.edit(|account| {
            account.update_code(&self.function, "v2.8.0", candidate(regress), Duration::ZERO)?;
            let qualifier = format!("${{stageVariables.{ALIAS_VARIABLE}}}");
            account.put_route(&self.stage.api, NEW_ROUTE.0, NEW_ROUTE.1, &self.function, &qualifier)
        })?;
        world.watch_traffic();
        Ok(world)
    }

    fn make_versions(&self, world: &World) -> Result<(), AwsError> {
        world.edit(|account| {
            account.create_function(&self.function, "build 1", Behaviour::default());
            for build in 1..=STABLE {
                let code = format!("build {build}");
                account.update_code(&self.function, &code, Behaviour::default(), Duration::ZERO)?;
                account.publish(&self.function, "")?;
            }
            account.put_alias(&self.function, &self.alias, STABLE, &[])?;
            account.describe_alias(&self.function, &self.alias, "Checkout, production")
        })
    }

    fn make_api(&self, world: &World) -> Result<(), AwsError> {
        let StageRef { api, stage } = &self.stage;
        world.edit(|account| {
            account.create_rest_api(api, "checkout");
            let qualifier = format!("${{stageVariables.{ALIAS_VARIABLE}}}");
            for (method, path) in ROUTES {
                account.put_route(api, method, path, &self.function, &qualifier)?;
            }
            let deployment = account.deploy(api, "by hand")?;
            account.create_stage(api, stage, &deployment, &[(ALIAS_VARIABLE, self.alias.as_str())])?;
            let settings = account.settings.clone();
            let place = format!("{}:{}", settings.region, settings.account);
            for (number, (method, path)) in ROUTES.iter().enumerate() {
                let path = path.replace("{id}", "*");
                let statement = json!({
                    "Sid": format!("route-{number}"),
                    "Effect": "Allow",
                    "Principal": { "Service": "apigateway.amazonaws.com" },
                    "Action": "lambda:InvokeFunction",
                    "Resource": format!("arn:{}:lambda:{place}:function:{}:{}", settings.partition, self.function, self.alias),
                    "Condition": { "ArnLike": {
                        "AWS:SourceArn": format!("arn:{}:execute-api:{place}:{api}/{stage}/{method}{path}", settings.partition),
                    }},
                });
                account.put_statement(&self.function, self.alias.as_str(), statement)?;
            }
            Ok(())
        })
    }
}

/// What the uploaded code does when it is asked about its health: nothing that a smoke check could see.
fn candidate(regress: Option<Regression>) -> Behaviour {
    let millis = if regress == Some(Regression::Latency) { 640 } else { 340 };
    Behaviour { duration: Duration::from_millis(millis), ..Behaviour::default() }
}

/// How a version answers that is in order.
fn usual() -> Profile {
    Profile::failing(USUAL_ERRORS)
}

/// How the new version answers its clients.
pub(super) fn profile(regress: Option<Regression>) -> Profile {
    match regress {
        Some(Regression::Errors) => Profile::failing(0.03),
        Some(Regression::Latency) => Profile { median_ms: 2.0 * usual().median_ms, ..usual() },
        Some(Regression::ColdStart) => Profile { cold_error: 1.0, cold_factor: 6.0, ..usual() },
        Some(Regression::Permission) | None => usual(),
    }
}

/// The share of its requests that a version fails, new environments aside.
pub(super) fn error_rate(version: crate::model::Version, regress: Option<Regression>) -> f64 {
    if version.number() == Some(CANDIDATE) { profile(regress).error_rate } else { USUAL_ERRORS }
}
