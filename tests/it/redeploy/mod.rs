//! Which deployment and which variables a release gives its stage, and how both go back.

mod faults;
mod files;
mod foreign;
mod from;
mod variables;

use std::collections::BTreeMap;

use stagegate::aws::noun::{Deployment, Stage};
use stagegate::aws::operation::{GetDeployment, GetHttpDeployment};
use stagegate::aws::{Kind, Operation};
use stagegate::model::{CanaryMode, RedeployFrom, StageName, StageRef, schedule};
use stagegate::plan::Plan;

use crate::canary::lab::clients;
use crate::decisions::{edit, operations, orders};
use crate::faults::lab::{ALIAS, Lab, Scenario, api};

pub fn staging() -> StageName {
    "staging".parse().unwrap()
}

pub fn staging_ref() -> StageRef {
    StageRef { api: api(), stage: staging() }
}

/// The laboratory's release, with a stage `staging` of the same API that serves the pending edit and not the one after it.
pub fn proved(scenario: Scenario) -> Lab {
    let mut lab = Lab::new(scenario);
    edit(&lab, |account| {
        let variables = [("lambdaAlias", "staging")];
        if scenario.is_http() {
            account.create_http_stage(&api(), &staging(), false, &variables).unwrap();
            account.put_http_route(&api(), "GET /later", &orders(), ALIAS).unwrap();
        } else {
            let deployment = account.deploy(&api(), "proved by hand").unwrap();
            account.create_stage(&api(), &staging(), &deployment, &variables).unwrap();
            account.put_route(&api(), "GET", "/later", &orders(), ALIAS).unwrap();
        }
    });
    lab.target.redeploy_from = Some(RedeployFrom {
        target: "staging".into(),
        stage: staging_ref(),
        functions: vec![orders()],
        alias: "staging".parse().unwrap(),
    });
    lab
}

/// The laboratory's release sets two variables: one that the stage has already, and a new one.
pub fn with_variables(mut lab: Lab) -> Lab {
    let before = BTreeMap::from([("table", "orders-v1"), ("owner", "shop")]);
    edit(&lab, |account| {
        let prod = crate::faults::lab::prod();
        let variables = match account.http_apis.contains_key(&api()) {
            true => &mut account.http_api_mut(&api()).unwrap().stages.get_mut(&prod).unwrap().variables,
            false => &mut account.stage_mut(&api(), &prod).unwrap().variables,
        };
        variables.extend(before.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    });
    let wanted = [("table", "orders-v2"), ("flag", "on"), ("owner", "shop")];
    lab.target.variables = wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    lab
}

/// The same, shifted by the stage's canary, in two short steps with much traffic.
pub fn by_stage(mut lab: Lab) -> Lab {
    lab.target.canary.mode = CanaryMode::Stage;
    lab.target.canary.steps = schedule::parse("20% 2m, 50% 2m").unwrap();
    lab.target.gate.max_slow_ratio = None;
    let load = clients(&lab, 3, 1000.0, &stagegate::world::Profile::default());
    lab.world.set_load(stagegate::world::Load { history_minutes: 15, ..load });
    lab
}

pub fn writes(lab: &Lab) -> Vec<Operation> {
    operations(lab).into_iter().filter(|operation| operation.kind() == Kind::Write).collect()
}

pub fn redeploy_lines(plan: &Plan) -> Vec<String> {
    plan.steps().into_iter().find(|step| step.step.name() == "redeploy").unwrap().detail
}

/// Another stage of the API, as it is.
pub fn stage(lab: &Lab, name: &StageName) -> Stage {
    lab.world.look(|account| match account.http_apis.get(&api()) {
        Some(http) => http.stages[name].clone(),
        None => account.apis[&api()].stages[name].clone(),
    })
}

/// A deployment of the API.
pub fn deployment(lab: &Lab, id: &str) -> Deployment {
    let (api, deployment) = (api(), id.to_owned());
    match lab.scenario.is_http() {
        true => lab.peek(GetHttpDeployment { api, deployment }),
        false => lab.peek(GetDeployment { api, deployment }),
    }
    .unwrap()
}
