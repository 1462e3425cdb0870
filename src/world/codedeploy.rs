//! CodeDeploy's deployments, as a reader sees them (aws-semantics §9). They stay as they are set: none of them moves an
//! alias by itself; whoever tests that moves it with [`Account::put_alias`].

use std::collections::BTreeMap;

use super::account::Account;
use super::apigateway::paginate;
use crate::aws::AwsError;
use crate::aws::noun::{LambdaDeployment, Page, ShiftStatus, ShiftedAlias};
use crate::aws::operation::{BatchGetDeploymentTargets, BatchGetDeployments, ListDeploymentTargets, ListDeployments};
use crate::model::{AliasName, FunctionName};

/// Ids of a page; AWS names no number.
const PAGE: usize = 100;
/// Ids in one question (aws-semantics §9).
const BATCH: usize = 25;

/// A deployment with what it moves; nothing of Lambda's when it is for another platform.
#[derive(Debug, Clone)]
pub(super) struct CodeDeployment {
    info: LambdaDeployment,
    shifted: Option<ShiftedAlias>,
}

impl Account {
    /// Creates a deployment on an alias, or changes it.
    pub fn put_code_deployment(&mut self, info: LambdaDeployment, function: &FunctionName, alias: &AliasName) {
        let (function, alias) = (function.to_string(), alias.to_string());
        let shifted = Some(ShiftedAlias { function, alias, from: None, to: None });
        self.code_deployments.insert(info.id.clone(), CodeDeployment { info, shifted });
    }

    /// Creates a deployment to servers or containers.
    pub fn put_other_deployment(&mut self, info: LambdaDeployment) {
        self.code_deployments.insert(info.id.clone(), CodeDeployment { info, shifted: None });
    }

    /// A deployment on an alias that began now.
    pub fn begin_code_deployment(&mut self, id: &str, function: &FunctionName, alias: &AliasName) {
        let info = LambdaDeployment {
            id: id.to_owned(),
            status: ShiftStatus::InProgress,
            application: Some(format!("{function}-app")),
            group: Some(format!("{function}-group")),
            created: Some(self.now()),
            completed: None,
        };
        self.put_code_deployment(info, function, alias);
    }

    /// StopDeployment without a rollback: the alias keeps its weights.
    pub fn stop_code_deployment(&mut self, id: &str) {
        let now = self.now();
        if let Some(found) = self.code_deployments.get_mut(id) {
            found.info.status = ShiftStatus::Stopped;
            found.info.completed = Some(now);
        }
    }

    pub(super) fn list_code_deployments(&self, call: &ListDeployments) -> Result<Page<String>, AwsError> {
        let wanted = |info: &LambdaDeployment| {
            call.statuses.contains(&info.status)
                && call.since.is_none_or(|since| info.created.is_none_or(|created| created >= since))
        };
        let all = self.code_deployments.values().map(|one| &one.info);
        let ids: Vec<String> = all.filter(|info| wanted(info)).map(|info| info.id.clone()).collect();
        paginate(ids.iter(), PAGE, call.next.as_deref())
    }

    pub(super) fn code_deployments(&self, call: &BatchGetDeployments) -> Result<Vec<LambdaDeployment>, AwsError> {
        at_most(call.deployments.len())?;
        let found = call.deployments.iter().filter_map(|id| self.code_deployments.get(id));
        Ok(found.filter(|one| one.shifted.is_some()).map(|one| one.info.clone()).collect())
    }

    pub(super) fn code_deployment_targets(&self, call: &ListDeploymentTargets) -> Result<Page<String>, AwsError> {
        let targets: Vec<String> = self.targets(&call.deployment)?.into_keys().collect();
        paginate(targets.iter(), PAGE, call.next.as_deref())
    }

    pub(super) fn shifted_aliases(&self, call: &BatchGetDeploymentTargets) -> Result<Vec<ShiftedAlias>, AwsError> {
        at_most(call.targets.len())?;
        let mut targets = self.targets(&call.deployment)?;
        Ok(call.targets.iter().filter_map(|target| targets.remove(target)).collect())
    }

    fn targets(&self, id: &str) -> Result<BTreeMap<String, ShiftedAlias>, AwsError> {
        let Some(found) = self.code_deployments.get(id) else {
            let text = format!("The deployment {id} could not be found");
            return Err(AwsError::rejected(400, "DeploymentDoesNotExistException", text));
        };
        let named = |shifted: &ShiftedAlias| (format!("{}:{}", shifted.function, shifted.alias), shifted.clone());
        Ok(found.shifted.iter().map(named).collect())
    }
}

fn at_most(count: usize) -> Result<(), AwsError> {
    if count <= BATCH {
        return Ok(());
    }
    Err(AwsError::rejected(400, "BatchLimitExceededException", format!("at most {BATCH} ids")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECOND, ask, live, pets, refusal, world};
    use super::*;
    use crate::aws::operation as op;

    #[test]
    fn deployments_are_listed_by_state_and_age_and_those_of_other_platforms_are_no_lambda_deployments() {
        let world = world();
        world.edit(|account| account.begin_code_deployment("d-OLD", &pets(), &live()));
        world.edit(|account| account.stop_code_deployment("d-OLD"));
        world.clock().advance(60 * SECOND);
        let since = world.look(Account::now);
        world.edit(|account| {
            account.begin_code_deployment("d-NEW", &pets(), &live());
            let status = ShiftStatus::InProgress;
            let (application, group, created, completed) = (None, None, None, None);
            let id = "d-EC2".to_owned();
            account.put_other_deployment(LambdaDeployment { id, status, application, group, created, completed });
        });
        let list = |statuses: &[ShiftStatus], since| {
            ask(&world, op::ListDeployments { statuses: statuses.to_vec(), since, next: None }).unwrap().items
        };
        assert_eq!(list(&ShiftStatus::ACTIVE, None), ["d-EC2", "d-NEW"]);
        assert_eq!(list(&ShiftStatus::ABANDONED, None), ["d-OLD"]);
        assert!(list(&ShiftStatus::ABANDONED, Some(since)).is_empty());
        let both = vec!["d-EC2".to_owned(), "d-NEW".to_owned()];
        let found = ask(&world, op::BatchGetDeployments { deployments: both }).unwrap();
        assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["d-NEW"]);
        let many = (0..26).map(|n| n.to_string()).collect();
        assert_eq!(refusal(ask(&world, op::BatchGetDeployments { deployments: many })).0, 400);
        let deployment = "d-NEW".to_owned();
        let targets = ask(&world, op::ListDeploymentTargets { deployment: deployment.clone(), next: None }).unwrap();
        let moved = ask(&world, op::BatchGetDeploymentTargets { deployment, targets: targets.items }).unwrap();
        assert_eq!((moved[0].function.as_str(), moved[0].alias.as_str()), ("pets", "live"));
    }
}
