//! HTTP APIs: the live definition, deployments as snapshots of it, stages that may deploy by themselves (aws-semantics
//! §7).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::account::Account;
use super::apigateway::{bad_request, check_count, check_variable, deployment_id, not_found, paginate};
use super::http_export;
use crate::aws::AwsError;
use crate::aws::noun::{
    Deployment, DeploymentStatus, Export, HttpApi as Own, HttpIntegration, HttpRoute, Page, Stage, StageKind,
};
use crate::aws::operation::UpdateHttpStage;
use crate::definition::HttpLive;
use crate::model::{ApiId, FunctionName, StageName};

/// Items of a page that we ask for.
const PAGE: usize = 100;

/// An HTTP API.
#[derive(Debug, Clone)]
pub struct HttpApi {
    /// What the next deployment takes a snapshot of.
    pub live: Rc<HttpLive>,
    /// Snapshots by id.
    pub deployments: BTreeMap<String, HttpSnapshot>,
    /// Stages.
    pub stages: BTreeMap<StageName, Stage>,
}

/// A deployment.
#[derive(Debug, Clone)]
pub struct HttpSnapshot {
    /// Id, description and date.
    pub deployment: Deployment,
    /// What it serves.
    pub live: Rc<HttpLive>,
    /// When it leaves PENDING.
    pub ready: Timestamp,
    /// Why it then is FAILED, if it is.
    pub fails: Option<String>,
}

impl HttpSnapshot {
    fn at(&self, now: Timestamp) -> Deployment {
        let status = match &self.fails {
            _ if now < self.ready => DeploymentStatus::Pending,
            Some(why) => DeploymentStatus::Failed(why.clone()),
            None => DeploymentStatus::Deployed,
        };
        Deployment { status: Some(status), ..self.deployment.clone() }
    }
}

fn no_api(id: &ApiId) -> AwsError {
    not_found(format!("Invalid API identifier specified {id}"))
}

/// What the port asks.
impl Account {
    pub(super) fn http_api(&self, id: &ApiId) -> Result<&HttpApi, AwsError> {
        self.http_apis.get(id).map(Rc::as_ref).ok_or_else(|| no_api(id))
    }

    /// An HTTP API to change.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn http_api_mut(&mut self, id: &ApiId) -> Result<&mut HttpApi, AwsError> {
        self.http_apis.get_mut(id).map(Rc::make_mut).ok_or_else(|| no_api(id))
    }

    pub(super) fn http_page<T: Clone>(
        &self,
        id: &ApiId,
        next: Option<&str>,
        list: fn(&HttpLive) -> &Vec<T>,
    ) -> Result<Page<T>, AwsError> {
        paginate(list(&self.http_api(id)?.live).iter(), PAGE, next)
    }

    pub(super) fn http_stage(&self, id: &ApiId, stage: &StageName) -> Result<&Stage, AwsError> {
        self.http_api(id)?.stages.get(stage).ok_or_else(|| not_found("Invalid stage identifier specified"))
    }

    pub(super) fn http_stages(&self, id: &ApiId, next: Option<&str>) -> Result<Page<(StageName, Stage)>, AwsError> {
        let all: Vec<(StageName, Stage)> =
            self.http_api(id)?.stages.iter().map(|(name, stage)| (name.clone(), stage.clone())).collect();
        paginate(all.iter(), PAGE, next)
    }

    fn http_snapshot(&self, id: &ApiId, deployment: &str) -> Result<&HttpSnapshot, AwsError> {
        let found = self.http_api(id)?.deployments.get(deployment);
        found.ok_or_else(|| not_found("Invalid deployment identifier specified"))
    }

    pub(super) fn http_deployment(&self, id: &ApiId, deployment: &str) -> Result<Deployment, AwsError> {
        Ok(self.http_snapshot(id, deployment)?.at(self.now()))
    }

    pub(super) fn http_deployments(&self, id: &ApiId, next: Option<&str>) -> Result<Page<Deployment>, AwsError> {
        let all: Vec<Deployment> = self.http_api(id)?.deployments.values().map(|found| found.at(self.now())).collect();
        paginate(all.iter(), PAGE, next)
    }

    pub(super) fn export_api(&self, id: &ApiId, stage: Option<&StageName>) -> Result<Export, AwsError> {
        match stage {
            None => Ok(http_export::openapi(&self.http_api(id)?.live, self.now())),
            Some(stage) => {
                let snapshot = self.http_snapshot(id, &self.http_stage(id, stage)?.deployment)?;
                Ok(http_export::openapi(&snapshot.live, self.now()))
            }
        }
    }

    pub(super) fn create_http_deployment(&mut self, id: &ApiId, description: &str) -> Result<Deployment, AwsError> {
        let live = Rc::clone(&self.http_api(id)?.live);
        if live.routes.is_empty() {
            return Err(bad_request("Unable to deploy API because no routes exist in this API"));
        }
        let deployment = Deployment {
            id: deployment_id(self.next_serial()),
            description: description.to_owned(),
            created: Some(self.now()),
            status: None,
        };
        let (ready, fails) = (self.now() + self.settings.http_deploy_time, self.settings.http_deployments_fail.clone());
        let snapshot = HttpSnapshot { deployment, live, ready, fails };
        let answer = snapshot.at(self.now());
        self.http_api_mut(id)?.deployments.insert(answer.id.clone(), snapshot);
        Ok(answer)
    }

    /// Sets what is given and keeps the rest; everything, or nothing.
    pub(super) fn update_http_stage(&mut self, call: &UpdateHttpStage) -> Result<Stage, AwsError> {
        let mut stage = self.http_stage(&call.api, &call.stage)?.clone();
        if let Some(deployment) = &call.deployment {
            if stage.kind.is_auto_deployed() {
                return Err(bad_request("Deployment ID cannot be set on this stage because AutoDeploy is enabled"));
            }
            let status = self.http_snapshot(&call.api, deployment)?.at(self.now()).status;
            if status != Some(DeploymentStatus::Deployed) {
                return Err(bad_request("Deployment is not in the DEPLOYED state"));
            }
            stage.deployment.clone_from(deployment);
        }
        if self.settings.http_variables_replaced && !call.variables.is_empty() {
            stage.variables.clear();
        }
        for (name, value) in &call.variables {
            match value {
                Some(value) => {
                    check_variable(name, value)?;
                    stage.variables.insert(name.clone(), value.clone());
                }
                None => drop(stage.variables.remove(name)),
            }
        }
        check_count(&stage.variables)?;
        self.http_api_mut(&call.api)?.stages.insert(call.stage.clone(), stage);
        if self.settings.http_stage_edits_deploy && !call.variables.is_empty() {
            self.auto_deploy(&call.api)?;
        }
        Ok(self.http_stage(&call.api, &call.stage)?.clone())
    }

    /// The stages that deploy by themselves get a snapshot of what is live now.
    fn auto_deploy(&mut self, id: &ApiId) -> Result<(), AwsError> {
        let api = self.http_api(id)?;
        let stages: Vec<StageName> = api
            .stages
            .iter()
            .filter(|(_, stage)| stage.kind.is_auto_deployed())
            .map(|(name, _)| name.clone())
            .collect();
        if stages.is_empty() {
            return Ok(());
        }
        let made =
            self.create_http_deployment(id, "Automatic deployment triggered by changes to the Api configuration");
        let (said, deployment) = match made {
            Ok(made) => (format!("Successfully deployed stage with deployment ID '{}'", made.id), Some(made.id)),
            Err(AwsError::Rejected { message, .. }) => (format!("Deployment attempt failed: {message}"), None),
            Err(error) => return Err(error),
        };
        let api = self.http_api_mut(id)?;
        if let Some(snapshot) = deployment.as_ref().and_then(|id| api.deployments.get_mut(id)) {
            snapshot.ready = Timestamp::MIN;
        }
        for (_, stage) in api.stages.iter_mut().filter(|(name, _)| stages.contains(name)) {
            stage.kind = StageKind::Http { auto_deploy: true, last_deployment: Some(said.clone()) };
            stage.deployment = deployment.clone().unwrap_or_else(|| stage.deployment.clone());
        }
        Ok(())
    }
}

/// What other programs do.
impl Account {
    /// Creates an HTTP API without routes.
    pub fn create_http_api(&mut self, id: &ApiId, name: &str) {
        let own = Own { name: name.to_owned(), protocol_type: "HTTP".into(), ..Own::default() };
        let live = Rc::new(HttpLive { api: own, ..HttpLive::default() });
        let api = HttpApi { live, deployments: BTreeMap::new(), stages: BTreeMap::new() };
        self.http_apis.insert(id.clone(), Rc::new(api));
    }

    /// Edits the live definition. Stages go on serving their snapshots, unless they deploy by themselves.
    ///
    /// # Errors
    /// 404.
    pub fn edit_http_api(&mut self, id: &ApiId, edit: impl FnOnce(&mut HttpLive)) -> Result<(), AwsError> {
        edit(Rc::make_mut(&mut self.http_api_mut(id)?.live));
        self.auto_deploy(id)
    }

    /// Puts a route to a function into the live definition, with an integration of its own. `qualifier` is an alias, a
    /// version, a `${stageVariables.x}`, or empty for `$LATEST`.
    ///
    /// # Errors
    /// 404.
    pub fn put_http_route(
        &mut self,
        id: &ApiId,
        key: &str,
        function: &FunctionName,
        qualifier: &str,
    ) -> Result<(), AwsError> {
        let arn = self.function_arn(function, Some(qualifier).filter(|text| !text.is_empty()));
        let integration_id = deployment_id(self.next_serial());
        let integration = HttpIntegration {
            id: integration_id.clone(),
            integration_type: Some("AWS_PROXY".into()),
            integration_method: Some("POST".into()),
            integration_uri: Some(self.integration_uri(&arn)),
            connection_type: Some("INTERNET".into()),
            payload_format_version: Some("2.0".into()),
            timeout_in_millis: Some(30_000),
            ..HttpIntegration::default()
        };
        let route = HttpRoute {
            route_key: key.to_owned(),
            target: Some(format!("integrations/{integration_id}")),
            authorization_type: Some("NONE".into()),
            ..HttpRoute::default()
        };
        self.edit_http_api(id, |live| {
            live.routes.retain(|other| other.route_key != route.route_key);
            live.integrations.push(integration);
            live.routes.push(route);
        })
    }

    /// CreateStage: with a deployment of what is live now, or deploying by itself.
    ///
    /// # Errors
    /// 404; 400 without routes.
    pub fn create_http_stage(
        &mut self,
        id: &ApiId,
        stage: &StageName,
        auto_deploy: bool,
        variables: &[(&str, &str)],
    ) -> Result<(), AwsError> {
        let deployment = if auto_deploy { String::new() } else { self.create_http_deployment(id, "by hand")?.id };
        let created = Stage {
            deployment: deployment.clone(),
            variables: variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            kind: StageKind::Http { auto_deploy, last_deployment: None },
            ..Stage::default()
        };
        let api = self.http_api_mut(id)?;
        if let Some(snapshot) = api.deployments.get_mut(&deployment) {
            snapshot.ready = Timestamp::MIN;
        }
        api.stages.insert(stage.clone(), created);
        if auto_deploy { self.auto_deploy(id) } else { Ok(()) }
    }
}

/// How long a deployment is PENDING unless told otherwise.
pub(super) const DEPLOY_TIME: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::super::World;
    use super::super::tests::{SECOND, api, ask, live, pets, prod, refusal, world};
    use super::super::traffic::Request;
    use super::*;
    use crate::aws::operation as op;
    use crate::model::Version;

    const ALIAS: &str = "${stageVariables.lambdaAlias}";

    /// The shared world's function behind an HTTP API with a stage of either sort.
    fn http(auto_deploy: bool) -> World {
        let world = world();
        world.edit(|account| {
            account.apis.remove(&api());
            account.create_http_api(&api(), "pets");
            for key in ["GET /pets/{id}", "GET /pets/new", "ANY /{proxy+}"] {
                account.put_http_route(&api(), key, &pets(), ALIAS).unwrap();
            }
            account.create_http_stage(&api(), &prod(), auto_deploy, &[("lambdaAlias", "live")]).unwrap();
        });
        world
    }

    fn update(world: &World, deployment: Option<&str>) -> Result<Stage, AwsError> {
        let deployment = deployment.map(str::to_owned);
        ask(world, UpdateHttpStage { api: api(), stage: prod(), deployment, variables: BTreeMap::new() })
    }

    fn deploy(world: &World) -> Deployment {
        ask(world, op::CreateHttpDeployment { api: api(), description: "ours".into() }).unwrap()
    }

    fn answer(world: &World, method: &str, path: &str) -> Result<Vec<Version>, (u16, String)> {
        let request = Request { api: api(), stage: prod(), method: method.into(), path: path.into() };
        let served = world.serve(&request);
        match served.failure() {
            Some(failure) => Err((failure.status, failure.why.clone())),
            None => Ok(served.versions().into_keys().collect()),
        }
    }

    #[test]
    fn a_deployment_is_pending_before_a_stage_can_serve_it() {
        let world = http(false);
        let made = deploy(&world);
        assert_eq!(made.status, Some(DeploymentStatus::Pending));
        assert_eq!(refusal(update(&world, Some(&made.id))).0, 400);
        world.clock().advance(DEPLOY_TIME + SECOND);
        assert_eq!(update(&world, Some(&made.id)).unwrap().deployment, made.id);
        assert_eq!(refusal(update(&world, Some("gone"))).1, "NotFoundException");
    }

    #[test]
    fn a_stage_that_deploys_by_itself_follows_every_edit_and_takes_no_deployment() {
        let world = http(true);
        let before = world.look(|account| account.http_stage(&api(), &prod()).unwrap().deployment.clone());
        world.edit(|account| account.put_http_route(&api(), "POST /pets", &pets(), ALIAS).unwrap());
        let after = world.look(|account| account.http_stage(&api(), &prod()).unwrap().deployment.clone());
        assert_ne!(before, after);
        let (_, _, text) = refusal(update(&world, Some(&before)));
        assert_eq!(text, "Deployment ID cannot be set on this stage because AutoDeploy is enabled");
    }

    #[test]
    fn an_export_with_a_stage_is_the_snapshot_and_one_without_is_live() {
        let world = http(false);
        world.edit(|account| account.put_http_route(&api(), "$default", &pets(), ALIAS).unwrap());
        let paths = |stage: Option<StageName>| {
            let export = ask(&world, op::ExportApi { api: api(), stage }).unwrap();
            export["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(paths(Some(prod())), ["/pets/new", "/pets/{id}", "/{proxy+}"]);
        assert_eq!(paths(None), ["/$default", "/pets/new", "/pets/{id}", "/{proxy+}"]);
    }

    #[test]
    fn the_template_of_the_best_route_decides_what_may_be_called() {
        let world = http(false);
        let grant = |path: &str| {
            world.edit(|account| {
                let source = format!("arn:aws:execute-api:us-east-1:123456789012:{}/prod/{path}", api());
                let statement = serde_json::json!({
                    "Sid": "only", "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
                    "Action": "lambda:InvokeFunction", "Resource": account.function_arn(&pets(), Some("live")),
                    "Condition": { "ArnLike": { "aws:SourceArn": source } },
                });
                account.function_mut(&pets()).unwrap().policies.clear();
                account.put_statement(&pets(), live().as_str(), statement).unwrap();
            });
        };
        let one = Ok(vec![Version::Number(1)]);
        grant("GET/pets/{id}");
        assert_eq!(answer(&world, "GET", "/pets/17"), one);
        assert!(answer(&world, "GET", "/pets/new").unwrap_err().1.contains("Invalid permissions"));
        grant("GET/pets/17");
        assert!(answer(&world, "GET", "/pets/17").is_err(), "a path is not a template");
        grant("*/{proxy+}");
        assert_eq!(answer(&world, "DELETE", "/cats/1/2"), one);
        assert_eq!(answer(&world, "GET", "/").unwrap_err().0, 404);
        world.edit(|account| {
            account.put_http_route(&api(), "$default", &pets(), ALIAS).unwrap();
            account.create_http_stage(&api(), &prod(), true, &[("lambdaAlias", "live")]).unwrap();
        });
        grant("$default");
        assert_eq!(answer(&world, "GET", "/"), one);
    }

    #[test]
    fn an_api_without_routes_cannot_be_deployed_and_lists_have_pages_of_100() {
        let world = http(false);
        world.edit(|account| account.create_http_api(&"empty".parse().unwrap(), "empty"));
        let create = op::CreateHttpDeployment { api: "empty".parse().unwrap(), description: String::new() };
        let (_, _, text) = refusal(ask(&world, create));
        assert_eq!(text, "Unable to deploy API because no routes exist in this API");
        world.edit(|account| {
            for number in 0..200 {
                account.put_http_route(&api(), &format!("GET /more/{number}"), &pets(), ALIAS).unwrap();
            }
        });
        let list = |next| ask(&world, op::GetRoutes { api: api(), next }).unwrap();
        let (first, second) = (list(None), list(Some("100".into())));
        assert_eq!((first.items.len(), first.next.as_deref(), second.items.len()), (100, Some("100"), 100));
        assert_eq!(list(second.next).items.len(), 3);
    }
}
