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
fn check_values(routing: &Routing) -> Result<(), AwsError> {
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
