//! Aliases and their provisioned concurrency (aws-semantics §3.4–§3.6).

use std::collections::BTreeMap;
use std::time::Duration;

use super::account::{Account, Due};
use super::lambda::{check_description, function_not_found, invalid, stale_revision};
use crate::aws::AwsError;
use crate::aws::noun::{Alias, Provisioned, ProvisionedStatus, Routing};
use crate::aws::operation::{CreateAlias, UpdateAlias};
use crate::model::{AliasName, FunctionName, Version};

/// An alias.
#[derive(Debug, Clone)]
pub struct AliasEntry {
    /// The primary version.
    pub version: Version,
    /// Additional version → share.
    pub weights: BTreeMap<u64, f64>,
    /// Free text.
    pub description: String,
    /// Changes with every update.
    pub revision: String,
    /// Provisioned concurrency, if it has any.
    pub provisioned: Option<Provisioning>,
}

/// Provisioned concurrency of an alias.
#[derive(Debug, Clone)]
pub struct Provisioning {
    /// The version that the concurrency is allocated on.
    pub allocated: u64,
    /// How far it is.
    pub status: ProvisionedStatus,
    /// Why it failed.
    pub reason: Option<String>,
    /// How long an allocation takes.
    pub takes: Duration,
    /// Allocations fail, for this reason.
    pub fails: Option<String>,
    /// Which allocation this is: a newer move makes the older one void.
    pub(super) generation: u64,
}

pub(super) fn alias_not_found(arn: &str) -> AwsError {
    AwsError::rejected(404, "ResourceNotFoundException", format!("Cannot find alias arn: {arn}"))
}

fn refused(message: impl Into<String>) -> AwsError {
    AwsError::rejected(400, "InvalidParameterValueException", message)
}

impl AliasEntry {
    /// Version → share of calls, shares of 0 left out.
    pub fn shares(&self) -> BTreeMap<Version, f64> {
        let extra: f64 = self.weights.values().sum();
        let weighted = self.weights.iter().map(|(version, share)| (Version::Number(*version), *share));
        weighted.chain([(self.version, 1.0 - extra)]).filter(|(_, share)| *share > 1e-9).collect()
    }
}

impl Account {
    pub(super) fn alias(&self, function: &FunctionName, alias: &AliasName) -> Result<&AliasEntry, AwsError> {
        let arn = self.function_arn(function, Some(alias.as_str()));
        self.function(function)?.aliases.get(alias).ok_or_else(|| alias_not_found(&arn))
    }

    /// An alias to change.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn alias_mut(&mut self, function: &FunctionName, alias: &AliasName) -> Result<&mut AliasEntry, AwsError> {
        let arn = self.function_arn(function, Some(alias.as_str()));
        self.function_mut(function)?.aliases.get_mut(alias).ok_or_else(|| alias_not_found(&arn))
    }

    pub(super) fn get_alias(&self, function: &FunctionName, alias: &AliasName) -> Result<Alias, AwsError> {
        let entry = self.alias(function, alias)?;
        Ok(Alias {
            arn: self.function_arn(function, Some(alias.as_str())),
            version: entry.version,
            weights: entry.weights.clone(),
            description: entry.description.clone(),
            revision: entry.revision.clone(),
        })
    }

    pub(super) fn create_alias(&mut self, call: &CreateAlias) -> Result<Alias, AwsError> {
        let CreateAlias { function, alias, routing } = call;
        check_values(routing)?;
        let arn = self.function_arn(function, Some(alias.as_str()));
        if self.function(function)?.aliases.contains_key(alias) {
            let text = format!("Alias already exists: {arn}");
            return Err(AwsError::rejected(409, "ResourceConflictException", text));
        }
        self.check_routing(function, routing)?;
        let entry = AliasEntry {
            version: routing.version,
            weights: routing.weights.clone(),
            description: routing.description.clone(),
            revision: self.next_revision(),
            provisioned: None,
        };
        self.function_mut(function)?.aliases.insert(alias.clone(), entry);
        self.note_alias("CreateAlias20150331", function, alias);
        self.get_alias(function, alias)
    }

    pub(super) fn update_alias(&mut self, call: &UpdateAlias) -> Result<Alias, AwsError> {
        let UpdateAlias { function, alias, routing, revision } = call;
        check_values(routing)?;
        let arn = self.function_arn(function, Some(alias.as_str()));
        let current =
            self.function(function)?.aliases.get(alias).ok_or_else(|| {
                AwsError::rejected(404, "ResourceNotFoundException", format!("Alias not found: {arn}"))
            })?;
        if current.revision != *revision {
            return Err(stale_revision());
        }
        self.check_routing(function, routing)?;
        self.route(function, alias, routing)?;
        self.note_alias("UpdateAlias20150331", function, alias);
        self.get_alias(function, alias)
    }

    /// Sets a checked routing; moves provisioned concurrency along.
    pub(super) fn route(
        &mut self,
        function: &FunctionName,
        alias: &AliasName,
        routing: &Routing,
    ) -> Result<(), AwsError> {
        let revision = self.next_revision();
        let entry = self.alias_mut(function, alias)?;
        let moved = entry.version != routing.version;
        entry.version = routing.version;
        entry.weights.clone_from(&routing.weights);
        entry.description.clone_from(&routing.description);
        entry.revision = revision;
        let Some(provisioned) = &mut entry.provisioned else { return Ok(()) };
        if Version::Number(provisioned.allocated) == routing.version {
            provisioned.generation += 1;
            (provisioned.status, provisioned.reason) = (ProvisionedStatus::Ready, None);
            return Ok(());
        }
        if entry.weights.is_empty() {
            entry.weights.insert(provisioned.allocated, 1.0);
        }
        if moved {
            provisioned.generation += 1;
            (provisioned.status, provisioned.reason) = (ProvisionedStatus::InProgress, None);
            let (takes, generation) = (provisioned.takes, provisioned.generation);
            let (function, alias) = (function.clone(), alias.clone());
            self.schedule(takes, Due::Provisioned { function, alias, generation });
        }
        Ok(())
    }

    pub(super) fn finish_provisioning(&mut self, function: &FunctionName, alias: &AliasName, generation: u64) {
        let revision = self.next_revision();
        let Ok(entry) = self.alias_mut(function, alias) else { return };
        let (Some(provisioned), Version::Number(version)) = (&mut entry.provisioned, entry.version) else { return };
        if provisioned.generation != generation {
            return;
        }
        if let Some(reason) = &provisioned.fails {
            provisioned.reason = Some(reason.clone());
            provisioned.status = ProvisionedStatus::Failed;
            return;
        }
        let old = std::mem::replace(&mut provisioned.allocated, version);
        provisioned.status = ProvisionedStatus::Ready;
        if entry.weights == BTreeMap::from([(old, 1.0)]) {
            entry.weights.clear();
            entry.revision = revision;
        }
    }

    pub(super) fn delete_alias(&mut self, function: &FunctionName, alias: &AliasName) -> Result<(), AwsError> {
        let function = self.function_mut(function)?;
        function.aliases.remove(alias);
        function.policies.remove(alias.as_str());
        Ok(())
    }

    pub(super) fn get_provisioned(&self, function: &FunctionName, alias: &AliasName) -> Result<Provisioned, AwsError> {
        let Some(provisioned) = &self.alias(function, alias)?.provisioned else {
            return Err(AwsError::rejected(
                404,
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            ));
        };
        Ok(Provisioned { status: provisioned.status, reason: provisioned.reason.clone() })
    }

    /// The rules of aws-semantics §3.4 that need the function's versions.
    pub(super) fn check_routing(&self, function: &FunctionName, routing: &Routing) -> Result<(), AwsError> {
        let primary = self.build(function, routing.version)?;
        if routing.weights.len() > 1 {
            return Err(refused("Number of items in AdditionalVersionWeights cannot be greater than 1"));
        }
        let Some(extra) = routing.weights.keys().next() else { return Ok(()) };
        if routing.version == Version::Latest {
            return Err(refused("$LATEST is not supported for an alias pointing to more than 1 version"));
        }
        if routing.version == Version::Number(*extra) {
            return Err(refused(format!(
                "Invalid function version {extra}. Function version {extra} is already included in routing \
                 configuration."
            )));
        }
        let arn = self.function_arn(function, Some(&extra.to_string()));
        let second = self.function(function)?.versions.get(extra).ok_or_else(|| function_not_found(&arn))?;
        if primary.function.role != second.function.role {
            return Err(refused("Specified versions must be associated with the same execution role"));
        }
        if primary.function.dead_letter != second.function.dead_letter {
            return Err(refused("Specified versions must have the same dead-letter queue configuration"));
        }
        Ok(())
    }
}

/// The rules that hold for any function.
pub(super) fn check_values(routing: &Routing) -> Result<(), AwsError> {
    check_description(&routing.description)?;
    let Some((version, weight)) = routing.weights.iter().find(|(_, w)| !(0.0..=1.0).contains(*w)) else {
        return Ok(());
    };
    Err(invalid(
        &format!("{{{version}={weight}}}"),
        "routingConfig.additionalVersionWeights",
        "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value \
         greater than or equal to 0.0, Member must not be null]",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECOND, alias, ask, live, pets, refusal, routing, update, world};
    use super::super::{Request, World};
    use super::*;
    use crate::aws::operation as op;

    fn refused_weights(world: &World, version: u64, weights: &[(u64, f64)]) -> (u16, String, String) {
        refusal(update(world, version, weights))
    }

    #[test]
    fn every_update_changes_the_revision_and_an_old_one_is_refused() {
        let world = world();
        let first = alias(&world);
        let unchanged = update(&world, 1, &[]).unwrap();
        assert_ne!(unchanged.revision, first.revision);
        let stale = UpdateAlias { function: pets(), alias: live(), routing: routing(2, &[]), revision: first.revision };
        let (status, code, text) = refusal(ask(&world, stale));
        assert_eq!((status, code.as_str()), (412, "PreconditionFailedException"));
        assert!(text.ends_with("Call the GetFunction/GetAlias API to retrieve the latest Revision Id"), "{text}");
        assert_eq!(alias(&world).version, Version::Number(1));
    }

    #[test]
    fn weights_follow_the_recorded_rules() {
        let world = world();
        assert_eq!(update(&world, 1, &[(2, 0.1)]).unwrap().weights, BTreeMap::from([(2, 0.1)]));
        let two = refused_weights(&world, 1, &[(2, 0.1), (3, 0.1)]);
        assert_eq!(two.2, "Number of items in AdditionalVersionWeights cannot be greater than 1");
        let same = refused_weights(&world, 2, &[(2, 0.1)]);
        assert_eq!(
            (same.0, same.2.as_str()),
            (400, "Invalid function version 2. Function version 2 is already included in routing configuration.")
        );
        assert_eq!(refused_weights(&world, 1, &[(2, 1.5)]).1, "ValidationException");
        let missing = refused_weights(&world, 1, &[(10, 0.5)]);
        assert_eq!(missing.2, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:pets:10");
        let revision = alias(&world).revision;
        let routing = Routing { version: Version::Latest, ..routing(1, &[(2, 0.5)]) };
        let latest = refusal(ask(&world, UpdateAlias { function: pets(), alias: live(), routing, revision }));
        assert_eq!(latest.2, "$LATEST is not supported for an alias pointing to more than 1 version");
        assert_eq!(alias(&world).weights, BTreeMap::from([(2, 0.1)]), "a refused update changes nothing");
    }

    #[test]
    fn versions_of_different_roles_or_dead_letters_cannot_share_an_alias() {
        let world = world();
        world.edit(|account| account.version_mut(&pets(), 2).unwrap().function.role = "another".into());
        let (status, _, text) = refused_weights(&world, 1, &[(2, 0.1)]);
        assert_eq!(
            (status, text.as_str()),
            (400, "Specified versions must be associated with the same execution role")
        );
        assert!(update(&world, 2, &[]).is_ok(), "all at once is allowed");
    }

    #[test]
    fn an_alias_is_created_once_deleted_always_and_told_missing_in_two_ways() {
        let world = world();
        let create = || ask(&world, CreateAlias { function: pets(), alias: live(), routing: routing(1, &[]) });
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:pets:live";
        assert_eq!(
            refusal(create()),
            (409, "ResourceConflictException".into(), format!("Alias already exists: {arn}"))
        );
        let delete = || ask(&world, op::DeleteAlias { function: pets(), alias: live() });
        assert_eq!((delete(), delete()), (Ok(()), Ok(())));
        let get = ask(&world, op::GetAlias { function: pets(), alias: live() });
        assert_eq!(refusal(get).2, format!("Cannot find alias arn: {arn}"));
        let gone = UpdateAlias { function: pets(), alias: live(), routing: routing(1, &[]), revision: "r".into() };
        assert_eq!(refusal(ask(&world, gone)).2, format!("Alias not found: {arn}"));
        assert!(create().is_ok());
        let policy = ask(&world, op::GetPolicy { function: pets(), alias: live() });
        assert_eq!(refusal(policy).0, 404, "the policy went with the alias");
        let other = CreateAlias { function: pets(), alias: "beta".parse().unwrap(), routing: routing(9, &[]) };
        assert_eq!(refusal(ask(&world, other)).0, 404);
        let long = Routing { description: "x".repeat(257), ..routing(1, &[]) };
        let long = CreateAlias { function: pets(), alias: "beta".parse().unwrap(), routing: long };
        assert_eq!(refusal(ask(&world, long)).1, "ValidationException");
    }

    #[test]
    fn with_provisioned_concurrency_traffic_moves_when_the_new_version_is_ready() {
        let world = world();
        world.edit(|account| account.provision(&pets(), &live(), 60 * SECOND, None)).unwrap();
        let root = Request {
            api: super::super::tests::api(),
            stage: super::super::tests::prod(),
            method: "GET".into(),
            path: "/".into(),
        };
        let status = || ask(&world, op::GetProvisionedConcurrencyConfig { function: pets(), alias: live() }).unwrap();
        let moved = update(&world, 2, &[]).unwrap();
        assert_eq!((moved.version, moved.weights), (Version::Number(2), BTreeMap::from([(1, 1.0)])));
        assert_eq!(status().status, ProvisionedStatus::InProgress);
        assert_eq!(world.serve(&root).versions(), BTreeMap::from([(Version::Number(1), 1.0)]));
        world.clock().advance(60 * SECOND);
        let done = alias(&world);
        assert!(done.weights.is_empty() && done.revision != moved.revision);
        assert_eq!(status().status, ProvisionedStatus::Ready);
        assert_eq!(world.serve(&root).versions(), BTreeMap::from([(Version::Number(2), 1.0)]));
    }

    #[test]
    fn going_back_makes_the_older_allocation_void() {
        let world = world();
        world.edit(|account| account.provision(&pets(), &live(), 60 * SECOND, None)).unwrap();
        update(&world, 2, &[]).unwrap();
        world.clock().advance(30 * SECOND);
        update(&world, 1, &[]).unwrap();
        let again = update(&world, 2, &[]).unwrap();
        world.clock().advance(30 * SECOND);
        assert_eq!(alias(&world), again, "the first move's allocation would have ended now");
        world.clock().advance(30 * SECOND);
        assert!(alias(&world).weights.is_empty());
    }

    #[test]
    fn an_allocation_that_fails_stays_on_the_old_version_and_going_back_is_ready_at_once() {
        let world = world();
        world.edit(|account| account.provision(&pets(), &live(), 60 * SECOND, Some("init failed"))).unwrap();
        update(&world, 2, &[]).unwrap();
        world.run_until_quiet();
        let get = || ask(&world, op::GetProvisionedConcurrencyConfig { function: pets(), alias: live() }).unwrap();
        assert_eq!((get().status, get().reason.as_deref()), (ProvisionedStatus::Failed, Some("init failed")));
        assert_eq!(alias(&world).weights, BTreeMap::from([(1, 1.0)]));
        assert!(update(&world, 1, &[]).unwrap().weights.is_empty());
        assert_eq!(get().status, ProvisionedStatus::Ready);
        world.edit(|account| account.alias_mut(&pets(), &live()).unwrap().provisioned = None);
        let none = ask(&world, op::GetProvisionedConcurrencyConfig { function: pets(), alias: live() });
        assert_eq!(refusal(none).1, "ProvisionedConcurrencyConfigNotFoundException");
    }
}
