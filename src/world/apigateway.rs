//! REST APIs: the live definition, deployments as snapshots of it, stages with their canary (aws-semantics §6).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::account::Account;
use super::export;
use crate::aws::AwsError;
use crate::aws::noun::{
    ApiModel, Authorizer, Deployment, Export, GatewayResponse, Page, Patch, RequestValidator, Resource, RestApi, Stage,
    StageCanary,
};
use crate::model::{ApiId, StageName, variable};

/// Items of a page, the most API Gateway gives.
const PAGE: usize = 500;
const OVERRIDES: &str = "/canarySettings/stageVariableOverrides";

/// A REST API.
#[derive(Debug, Clone)]
pub struct Api {
    /// What the next deployment takes a snapshot of.
    pub live: Rc<Definition>,
    /// Snapshots by id.
    pub deployments: BTreeMap<String, Snapshot>,
    /// Stages.
    pub stages: BTreeMap<StageName, Stage>,
}

/// Everything a deployment takes a snapshot of.
#[derive(Debug, Clone, Default)]
pub struct Definition {
    /// Name and API-wide settings.
    pub api: RestApi,
    /// Resources with methods and integrations.
    pub resources: Vec<Resource>,
    /// Models.
    pub models: Vec<ApiModel>,
    /// Authorizers.
    pub authorizers: Vec<Authorizer>,
    /// Request validators.
    pub validators: Vec<RequestValidator>,
    /// Gateway responses.
    pub gateway_responses: Vec<GatewayResponse>,
}

/// A deployment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Id, description and date.
    pub deployment: Deployment,
    /// What it serves.
    pub definition: Rc<Definition>,
}

pub(super) fn bad_request(message: impl Into<String>) -> AwsError {
    AwsError::rejected(400, "BadRequestException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::rejected(404, "NotFoundException", message)
}

impl Account {
    pub(super) fn api(&self, id: &ApiId) -> Result<&Api, AwsError> {
        let missing = || not_found(format!("Invalid API identifier specified {}:{id}", self.settings.account));
        self.apis.get(id).map(Rc::as_ref).ok_or_else(missing)
    }

    /// An API to change.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn api_mut(&mut self, id: &ApiId) -> Result<&mut Api, AwsError> {
        self.api(id)?;
        self.apis.get_mut(id).map(Rc::make_mut).ok_or_else(|| not_found("Invalid API identifier specified"))
    }

    pub(super) fn live(&self, id: &ApiId) -> Result<&Definition, AwsError> {
        Ok(&self.api(id)?.live)
    }

    pub(super) fn stage(&self, id: &ApiId, stage: &StageName) -> Result<&Stage, AwsError> {
        self.api(id)?.stages.get(stage).ok_or_else(|| not_found("Invalid stage identifier specified"))
    }

    pub(super) fn stages(&self, id: &ApiId) -> Result<Vec<(StageName, Stage)>, AwsError> {
        Ok(self.api(id)?.stages.iter().map(|(name, stage)| (name.clone(), stage.clone())).collect())
    }

    pub(super) fn rest_apis(&self, position: Option<&str>) -> Result<Page<(ApiId, String)>, AwsError> {
        let all: Vec<(ApiId, String)> =
            self.apis.iter().map(|(id, api)| (id.clone(), api.live.api.name.clone())).collect();
        paginate(all.iter(), PAGE, position)
    }

    /// One page of a list of the live definition.
    pub(super) fn page<T: Clone>(
        &self,
        id: &ApiId,
        position: &Option<String>,
        list: fn(&Definition) -> &Vec<T>,
    ) -> Result<Page<T>, AwsError> {
        paginate(list(self.live(id)?).iter(), PAGE, position.as_deref())
    }

    pub(super) fn get_deployment(&self, id: &ApiId, deployment: &str) -> Result<Deployment, AwsError> {
        let snapshot = self.api(id)?.deployments.get(deployment);
        snapshot.map(|s| s.deployment.clone()).ok_or_else(|| not_found("Invalid Deployment identifier specified"))
    }

    pub(super) fn deployment_routes(&self, id: &ApiId, deployment: &str) -> Result<Option<BTreeSet<String>>, AwsError> {
        let snapshot = self.api(id)?.deployments.get(deployment);
        let snapshot = snapshot.ok_or_else(|| not_found("Invalid Deployment identifier specified"))?;
        let of = |one: &Resource| one.methods.keys().map(|m| format!("{m} {}", one.path)).collect::<Vec<_>>();
        Ok(Some(snapshot.definition.resources.iter().flat_map(of).collect()))
    }

    pub(super) fn get_deployments(&self, id: &ApiId, position: Option<&str>) -> Result<Page<Deployment>, AwsError> {
        paginate(self.api(id)?.deployments.values().map(|snapshot| &snapshot.deployment), PAGE, position)
    }

    pub(super) fn get_export(&self, id: &ApiId, stage: &StageName) -> Result<Export, AwsError> {
        let deployment = &self.stage(id, stage)?.deployment;
        let snapshot = self.api(id)?.deployments.get(deployment);
        let snapshot = snapshot.ok_or_else(|| not_found("Invalid Deployment identifier specified"))?;
        // Recorded by others (aws-semantics §6.6): a model that is no JSON makes the export fail.
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let schemas = snapshot.definition.models.iter().filter_map(|model| model.schema.as_deref());
        match schemas.into_iter().all(is_json) {
            true => Ok(export::openapi(&snapshot.definition, &snapshot.deployment)),
            false => Err(bad_request("Unable to build exported definition: a model's schema is not JSON")),
        }
    }

    pub(super) fn create_deployment(&mut self, id: &ApiId, description: &str) -> Result<Deployment, AwsError> {
        let definition = Rc::clone(&self.api(id)?.live);
        let mut methods = definition.resources.iter().flat_map(|resource| resource.methods.values()).peekable();
        if methods.peek().is_none() {
            return Err(bad_request("The REST API doesn't contain any methods"));
        }
        if methods.any(|method| method.integration.is_none()) {
            return Err(bad_request("No integration defined for method"));
        }
        let deployment = Deployment {
            id: deployment_id(self.next_serial()),
            description: description.to_owned(),
            created: Some(self.now()),
            status: None,
        };
        let snapshot = Snapshot { deployment: deployment.clone(), definition };
        self.api_mut(id)?.deployments.insert(deployment.id.clone(), snapshot);
        Ok(deployment)
    }

    /// Applies all patches, or none.
    pub(super) fn update_stage(&mut self, id: &ApiId, name: &StageName, patches: &[Patch]) -> Result<Stage, AwsError> {
        let mut stage = self.stage(id, name)?.clone();
        let api = self.api(id)?;
        for patch in patches {
            match patch {
                Patch::Replace { path, value } => self.replace(api, &mut stage, path, value)?,
                Patch::Copy { from, path } => copy(&mut stage, from, path)?,
                Patch::Remove { path } => remove(&mut stage, path)?,
            }
        }
        self.api_mut(id)?.stages.insert(name.clone(), stage.clone());
        Ok(stage)
    }

    fn replace(&self, api: &Api, stage: &mut Stage, path: &str, value: &str) -> Result<(), AwsError> {
        let deployment = || match api.deployments.contains_key(value) {
            true => Ok(value.to_owned()),
            false => Err(bad_request("Deployment id does not exist")),
        };
        match path {
            "/deploymentId" => {
                if stage.canary.is_some() && !self.settings.deployment_moves_under_canary {
                    return Err(bad_request("Stage cannot be moved to another deployment while a canary is enabled"));
                }
                stage.deployment = deployment()?;
            }
            "/variables" => stage.variables = variables(value)?,
            "/canarySettings/deploymentId" => canary(stage).deployment = Some(deployment()?),
            "/canarySettings/percentTraffic" => canary(stage).percent = percent(value)?,
            "/canarySettings/useStageCache" => canary(stage).use_stage_cache = value == "true",
            OVERRIDES => canary(stage).overrides = variables(value)?,
            _ if below(path, "/variables").is_some() || below(path, OVERRIDES).is_some() => {
                let (map, key) = match below(path, "/variables") {
                    Some(key) => (&mut stage.variables, key),
                    None => (&mut canary(stage).overrides, below(path, OVERRIDES).unwrap_or_default()),
                };
                check_variable(key, value)?;
                map.insert(key.to_owned(), value.to_owned());
                check_count(map)?;
            }
            _ => return Err(invalid_path(path)),
        }
        Ok(())
    }
}

/// Promotes a canary's part to the stage: its deployment, or its overrides merged into the variables (recorded).
fn copy(stage: &mut Stage, from: &str, path: &str) -> Result<(), AwsError> {
    let Some(canary) = &stage.canary else {
        return Err(bad_request("Promotion not available. Canary does not exist."));
    };
    match (from, path) {
        ("/canarySettings/deploymentId", "/deploymentId") => {
            if let Some(deployment) = &canary.deployment {
                stage.deployment.clone_from(deployment);
            }
        }
        (OVERRIDES, "/variables") => {
            stage.variables.extend(canary.overrides.clone());
            check_count(&stage.variables)?;
        }
        _ => {
            return Err(bad_request(format!(
                "Invalid copy operation with path: {path} and from {from}. Valid copy:path are [/deploymentId, \
                 /variables] and valid copy:from are [/canarySettings/deploymentId, {OVERRIDES}]"
            )));
        }
    }
    Ok(())
}

fn invalid_path(path: &str) -> AwsError {
    bad_request(format!(
        "Invalid method setting path: {path}. Must be one of: [/deploymentId, /description, /variables/{{name}}, \
         /canarySettings/deploymentId, /canarySettings/percentTraffic, \
         /canarySettings/stageVariableOverrides/{{name}}, /canarySettings/useStageCache]"
    ))
}

fn remove(stage: &mut Stage, path: &str) -> Result<(), AwsError> {
    let nothing = || bad_request(format!("Cannot remove {path}: it does not exist"));
    match path {
        "/canarySettings" => stage.canary.take().map(|_| ()).ok_or_else(nothing),
        "/variables" => {
            stage.variables.clear();
            Ok(())
        }
        OVERRIDES => Err(bad_request(
            "Cannot remove method setting canarySettings/stageVariableOverrides because there is no method setting for \
             this method",
        )),
        _ => {
            let removed = match (below(path, "/variables"), below(path, OVERRIDES)) {
                (Some(name), _) => stage.variables.remove(name),
                (_, Some(name)) => stage.canary.as_mut().and_then(|canary| canary.overrides.remove(name)),
                (None, None) => return Err(invalid_path(path)),
            };
            removed.map(|_| ()).ok_or_else(nothing)
        }
    }
}

/// The stage's canary; the first patch of one makes it, at 0 % on the stage's own deployment (recorded).
fn canary(stage: &mut Stage) -> &mut StageCanary {
    stage.canary.get_or_insert_with(|| StageCanary {
        deployment: Some(stage.deployment.clone()),
        percent: 0.0,
        overrides: BTreeMap::new(),
        use_stage_cache: false,
    })
}

/// The last segment of `path`, when that is directly below `parent`.
fn below<'a>(path: &'a str, parent: &str) -> Option<&'a str> {
    path.strip_prefix(parent)?.strip_prefix('/').filter(|key| !key.is_empty() && !key.contains('/'))
}

fn percent(value: &str) -> Result<f64, AwsError> {
    let percent = value.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| bad_request(format!("Invalid canary percentTraffic: {value}. Must be between 0.0 and 100.0")))
}

pub(super) fn check_count(variables: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if variables.len() <= variable::VARIABLES_MAX {
        return Ok(());
    }
    Err(bad_request("Stage variables are limited to 100"))
}

fn variables(json: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let map: BTreeMap<String, String> =
        serde_json::from_str(json).map_err(|_| bad_request("Invalid value: not a map of text to text"))?;
    map.iter().try_for_each(|(key, value)| check_variable(key, value))?;
    check_count(&map)?;
    Ok(map)
}

/// Names and values that API Gateway accepts (aws-semantics §5): `$LATEST` cannot be a value.
pub(super) fn check_variable(key: &str, value: &str) -> Result<(), AwsError> {
    if variable::is_name(key) && variable::is_value(value) {
        return Ok(());
    }
    Err(bad_request(format!("Invalid stage variable {key} or value {value}")))
}

pub(super) fn paginate<'a, T: Clone + 'a>(
    items: impl ExactSizeIterator<Item = &'a T>,
    size: usize,
    position: Option<&str>,
) -> Result<Page<T>, AwsError> {
    let skip: usize = position.map_or(Ok(0), str::parse).map_err(|_| bad_request("Invalid position parameter"))?;
    let end = (skip + size).min(items.len());
    let next = (end < items.len()).then(|| end.to_string());
    Ok(Page { items: items.skip(skip).take(size).cloned().collect(), next })
}

/// Six characters that do not sort by time, as the real ones.
pub(super) fn deployment_id(serial: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = serial.wrapping_mul(1_000_000_007) % 36_u64.pow(6);
    let mut id = String::new();
    for _ in 0..6 {
        id.push(char::from(DIGITS[usize::try_from(rest % 36).unwrap_or(0)]));
        rest /= 36;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::super::World;
    use super::super::tests::{api, ask, pets, prod, refusal, world};
    use super::*;
    use crate::aws::operation as op;

    fn set(path: &str, value: &str) -> Patch {
        Patch::Replace { path: path.into(), value: value.into() }
    }

    fn drop(path: &str) -> Patch {
        Patch::Remove { path: path.into() }
    }

    fn patch(world: &World, patches: Vec<Patch>) -> Result<Stage, AwsError> {
        ask(world, op::UpdateStage { api: api(), stage: prod(), patches })
    }

    fn stage(world: &World) -> Stage {
        ask(world, op::GetStage { api: api(), stage: prod() }).unwrap()
    }

    fn deploy(world: &World) -> Deployment {
        ask(world, op::CreateDeployment { api: api(), description: "ours".into() }).unwrap()
    }

    #[test]
    fn a_deployment_is_a_snapshot_that_nothing_points_at_until_the_stage_is_moved() {
        let world = world();
        let before = stage(&world);
        world.edit(|account| account.put_route(&api(), "POST", "/pets", &pets(), "1")).unwrap();
        let paths = || {
            let export = ask(&world, op::GetExport { api: api(), stage: prod() }).unwrap();
            export["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        let deployment = deploy(&world);
        assert_eq!(stage(&world), before);
        assert_eq!(paths(), ["/", "/pets/{id}"]);
        patch(&world, vec![set("/deploymentId", &deployment.id)]).unwrap();
        assert_eq!(paths(), ["/", "/pets", "/pets/{id}"]);
        let read = ask(&world, op::GetDeployment { api: api(), deployment: deployment.id.clone() }).unwrap();
        assert_eq!(read, deployment);
        assert!(read.created.is_some());
    }

    #[test]
    fn patches_apply_in_order_and_all_or_none() {
        let world = world();
        let before = stage(&world);
        let (status, code, text) =
            refusal(patch(&world, vec![set("/variables/x", "1"), set("/deploymentId", "nope00")]));
        assert_eq!(
            (status, code.as_str(), text.as_str()),
            (400, "BadRequestException", "Deployment id does not exist")
        );
        assert_eq!(stage(&world), before);
        let twice = patch(&world, vec![set("/variables/x", "1"), set("/variables/x", "2")]).unwrap();
        assert_eq!(twice.variables["x"], "2");
        assert!(!patch(&world, vec![drop("/variables/x")]).unwrap().variables.contains_key("x"));
        assert_eq!(refusal(patch(&world, vec![set("/variables/lambdaAlias", "$LATEST")])).0, 400);
        assert_eq!(refusal(patch(&world, vec![set("/tags/a", "b")])).0, 400);
    }

    #[test]
    fn the_first_patch_of_a_canary_makes_it_at_nothing() {
        let world = world();
        let deployment = deploy(&world);
        let made = patch(&world, vec![set("/canarySettings/deploymentId", &deployment.id)]).unwrap().canary.unwrap();
        assert_eq!(made.deployment, Some(deployment.id));
        assert_eq!((made.percent, made.use_stage_cache), (0.0, false));
        patch(&world, vec![drop("/canarySettings")]).unwrap();
        let own = patch(&world, vec![set("/canarySettings/percentTraffic", "12.5")]).unwrap();
        let canary = own.canary.unwrap();
        assert_eq!((canary.deployment, canary.percent), (Some(own.deployment), 12.5));
    }

    #[test]
    fn canary_patches_are_refused_as_recorded() {
        let world = world();
        assert_eq!(
            refusal(patch(&world, vec![set("/canarySettings/deploymentId", "x")])).2,
            "Deployment id does not exist"
        );
        assert_eq!(refusal(patch(&world, vec![set("/canarySettings/percentTraffic", "101")])).0, 400);
        let whole = refusal(patch(&world, vec![set("/canarySettings", "{}")])).2;
        assert!(whole.starts_with("Invalid method setting path: /canarySettings. Must be one of: ["), "{whole}");
        let overridden =
            patch(&world, vec![set("/canarySettings/stageVariableOverrides/lambdaAlias", "beta")]).unwrap();
        assert_eq!(overridden.canary.unwrap().overrides["lambdaAlias"], "beta");
        let all = refusal(patch(&world, vec![drop("/canarySettings/stageVariableOverrides")])).2;
        assert!(all.starts_with("Cannot remove method setting canarySettings/stageVariableOverrides"), "{all}");
        let one = patch(&world, vec![drop("/canarySettings/stageVariableOverrides/lambdaAlias")]).unwrap();
        assert!(one.canary.unwrap().overrides.is_empty());
    }

    #[test]
    fn promoting_copies_the_deployment_and_merges_the_variables_and_leaves_the_canary() {
        let world = world();
        let copy = |from: &str, path: &str| Patch::Copy { from: from.into(), path: path.into() };
        let (deployment, variables) =
            (copy("/canarySettings/deploymentId", "/deploymentId"), copy(OVERRIDES, "/variables"));
        let none = refusal(patch(&world, vec![deployment.clone()])).2;
        assert_eq!(none, "Promotion not available. Canary does not exist.");
        let canary = deploy(&world).id;
        let overridden = set(&format!("{OVERRIDES}/lambdaAlias"), "beta");
        patch(&world, vec![set("/variables/x", "1"), set("/canarySettings/deploymentId", &canary), overridden])
            .unwrap();
        let other = refusal(patch(&world, vec![copy("/canarySettings/percentTraffic", "/deploymentId")])).2;
        assert!(other.starts_with("Invalid copy operation with path: /deploymentId and from /canary"), "{other}");
        let percent = set("/canarySettings/percentTraffic", "0.0");
        let promoted = patch(&world, vec![percent, deployment, variables]).unwrap();
        assert_eq!((promoted.deployment, promoted.variables["lambdaAlias"].as_str()), (canary, "beta"));
        assert_eq!((promoted.variables["x"].as_str(), promoted.canary.is_some()), ("1", true));
    }

    #[test]
    fn a_stage_with_a_canary_can_be_told_to_refuse_another_deployment() {
        let world = world();
        let deployment = deploy(&world);
        patch(&world, vec![set("/canarySettings/percentTraffic", "1")]).unwrap();
        assert!(patch(&world, vec![set("/deploymentId", &deployment.id)]).is_ok());
        world.edit(|account| account.settings.deployment_moves_under_canary = false);
        assert_eq!(refusal(patch(&world, vec![set("/deploymentId", &deployment.id)])).0, 400);
    }

    #[test]
    fn lists_come_in_pages_of_500_and_miss_nothing() {
        let world = world();
        for _ in 0..600 {
            deploy(&world);
        }
        let list = |position| ask(&world, op::GetDeployments { api: api(), position }).unwrap();
        let first = list(None);
        let second = list(first.next.clone());
        assert_eq!((first.items.len(), second.items.len(), second.next), (500, 101, None));
        let ids: std::collections::BTreeSet<_> = first.items.iter().chain(&second.items).map(|d| &d.id).collect();
        assert_eq!(ids.len(), 601);
    }

    #[test]
    fn what_is_missing_is_404_and_an_api_without_methods_cannot_be_deployed() {
        let world = world();
        let gone: ApiId = "gone".parse().unwrap();
        assert_eq!(refusal(ask(&world, op::GetRestApi { api: gone })).1, "NotFoundException");
        let stage = op::GetStage { api: api(), stage: "beta".parse().unwrap() };
        assert_eq!(refusal(ask(&world, stage)).1, "NotFoundException");
        let deployment = op::GetDeployment { api: api(), deployment: "x".into() };
        assert_eq!(refusal(ask(&world, deployment)).1, "NotFoundException");
        world.edit(|account| account.create_rest_api(&"empty".parse().unwrap(), "empty"));
        let create = op::CreateDeployment { api: "empty".parse().unwrap(), description: String::new() };
        assert_eq!(refusal(ask(&world, create)).1, "BadRequestException");
    }
}
