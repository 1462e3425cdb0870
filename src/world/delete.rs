//! What can be deleted, and what refuses to be: versions that aliases refer to, deployments that stages serve
//! (aws-semantics §3.7, §6.1).

use std::num::NonZeroU64;

use super::account::Account;
use super::alias::AliasEntry;
use super::apigateway::{bad_request, not_found};
use crate::aws::AwsError;
use crate::aws::noun::{Alias, Page, Policy, Stage};
use crate::model::{AliasName, ApiId, FunctionName, Version};

/// `ListAliases` gives at most this many.
const ALIASES_PER_PAGE: usize = 50;
const SERVED: &str = "Active stages pointing to this deployment must be moved or deleted";
const TRIED: &str = "Active stages with canary settings pointing to this deployment must be moved or deleted";

impl Account {
    /// DeleteFunction of one version.
    ///
    /// # Errors
    /// 404; 409 while an alias refers to it, also by a weight.
    pub fn delete_version(&mut self, name: &FunctionName, version: u64) -> Result<(), AwsError> {
        self.build(name, Version::Number(version))?;
        let function = self.function_mut(name)?;
        let refers =
            |entry: &AliasEntry| entry.version == Version::Number(version) || entry.weights.contains_key(&version);
        let aliases: Vec<&str> =
            function.aliases.iter().filter(|(_, entry)| refers(entry)).map(|(alias, _)| alias.as_str()).collect();
        if aliases.is_empty() {
            function.versions.remove(&version);
            function.policies.remove(&version.to_string());
            return Ok(());
        }
        let aliases = aliases.join(", ");
        let text = format!("Unable to delete version because the following aliases reference it: [{aliases}]");
        Err(AwsError::rejected(409, "ResourceConflictException", text))
    }

    pub(super) fn get_version_policy(&self, name: &FunctionName, version: NonZeroU64) -> Result<Policy, AwsError> {
        self.build(name, Version::Number(version.get()))?;
        self.get_policy(name, &version.to_string())
    }

    pub(super) fn list_aliases(
        &self,
        name: &FunctionName,
        marker: Option<&str>,
    ) -> Result<Page<(AliasName, Alias)>, AwsError> {
        let skip: usize = marker.map_or(Ok(0), str::parse).map_err(|_| {
            AwsError::rejected(400, "InvalidParameterValueException", "The provided Marker is not valid")
        })?;
        let names = self.function(name)?.aliases.keys();
        let all: Vec<&AliasName> = names.collect();
        let page = all.iter().skip(skip).take(ALIASES_PER_PAGE);
        let items = page.map(|alias| Ok(((*alias).clone(), self.get_alias(name, alias)?)));
        let items = items.collect::<Result<Vec<_>, AwsError>>()?;
        let end = skip + items.len();
        Ok(Page { items, next: (end < all.len()).then(|| end.to_string()) })
    }

    pub(super) fn delete_deployment(&mut self, id: &ApiId, deployment: &str) -> Result<(), AwsError> {
        self.get_deployment(id, deployment)?;
        let api = self.api_mut(id)?;
        refuse_served(api.stages.values(), deployment)?;
        api.deployments.remove(deployment);
        Ok(())
    }

    /// That a served deployment is refused with the words of REST APIs is inferred: the model names a
    /// `BadRequestException` and no text.
    pub(super) fn delete_http_deployment(&mut self, id: &ApiId, deployment: &str) -> Result<(), AwsError> {
        let api = self.http_api_mut(id)?;
        if !api.deployments.contains_key(deployment) {
            return Err(not_found("Invalid deployment identifier specified"));
        }
        refuse_served(api.stages.values(), deployment)?;
        api.deployments.remove(deployment);
        Ok(())
    }
}

fn refuse_served<'s>(stages: impl Iterator<Item = &'s Stage> + Clone, deployment: &str) -> Result<(), AwsError> {
    let tries = |stage: &Stage| stage.canary.as_ref().is_some_and(|c| c.deployment.as_deref() == Some(deployment));
    if stages.clone().any(|stage| stage.deployment == deployment) {
        return Err(bad_request(SERVED));
    }
    if stages.into_iter().any(tries) { Err(bad_request(TRIED)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, live, pets, refusal, world};
    use super::super::{Account, World};
    use super::*;
    use crate::aws::noun::StageCanary;
    use crate::aws::operation as op;
    use crate::model::StageName;

    fn delete(world: &World, version: u64) -> Result<(), AwsError> {
        ask(world, op::DeleteVersion { function: pets(), version: NonZeroU64::new(version).unwrap() })
    }

    #[test]
    fn a_version_goes_once_and_one_that_any_alias_refers_to_does_not() {
        let world = world();
        assert_eq!(refusal(delete(&world, 1)).0, 409, "live is on it");
        world.edit(|account| account.put_alias(&pets(), &live(), 1, &[(2, 0.0)])).unwrap();
        assert_eq!(refusal(delete(&world, 2)).0, 409, "a weight of nothing refers to it, too");
        world.edit(|account| account.put_alias(&pets(), &live(), 1, &[])).unwrap();
        delete(&world, 2).unwrap();
        assert_eq!(refusal(delete(&world, 2)).0, 404);
        let left = ask(&world, op::ListVersionsByFunction { function: pets(), marker: None }).unwrap().items;
        assert_eq!(left.iter().map(|f| f.version).collect::<Vec<_>>(), [Version::Latest, Version::Number(1)]);
    }

    #[test]
    fn aliases_come_in_pages_with_routing_and_revision() {
        let world = world();
        world.edit(|account| {
            for n in 0..60 {
                account.put_alias(&pets(), &format!("a{n:02}").parse().unwrap(), 1, &[]).unwrap();
            }
        });
        let first = ask(&world, op::ListAliases { function: pets(), marker: None }).unwrap();
        let second = ask(&world, op::ListAliases { function: pets(), marker: first.next }).unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next), (50, 11, None));
        let (name, alias) = second.items.last().unwrap();
        let read = ask(&world, op::GetAlias { function: pets(), alias: live() }).unwrap();
        assert_eq!((name, alias), (&live(), &read));
    }

    #[test]
    fn a_deployment_that_a_stage_or_its_canary_serves_is_refused() {
        let world = world();
        let (api, stage): (ApiId, StageName) = ("a1b2c3".parse().unwrap(), "prod".parse().unwrap());
        let made = world.edit(|account: &mut Account| {
            account.create_rest_api(&api, "p");
            account.put_route(&api, "GET", "/p", &pets(), "live").unwrap();
            let made = [account.deploy(&api, "one").unwrap(), account.deploy(&api, "two").unwrap()];
            account.create_stage(&api, &stage, &made[0], &[]).unwrap();
            let canary = StageCanary {
                deployment: Some(made[1].clone()),
                percent: 0.0,
                overrides: Default::default(),
                use_stage_cache: false,
            };
            account.put_canary(&api, &stage, Some(canary)).unwrap();
            made
        });
        let delete = |id: &String| ask(&world, op::DeleteDeployment { api: api.clone(), deployment: id.clone() });
        for (id, text) in made.iter().zip([SERVED, TRIED]) {
            assert_eq!(refusal(delete(id)), (400, "BadRequestException".into(), text.into()));
        }
        world.edit(|account| account.put_canary(&api, &stage, None)).unwrap();
        delete(&made[1]).unwrap();
        assert_eq!(refusal(delete(&made[1])).0, 404);
    }
}
