//! Looking who else moves the aliases. Nothing depends on it, so nothing here fails: what cannot be looked at is said, and
//! the number of calls has a bound.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

use super::{ObservedMember, Observer};
use crate::aws::Aws;
use crate::aws::noun::{LambdaDeployment, ShiftStatus, ShiftedAlias};
use crate::aws::operation::{
    BatchGetDeploymentTargets, BatchGetDeployments, DescribeStackResources, ListDeploymentTargets, ListDeployments,
};
use crate::change::is_moving_capacity;
use crate::clock::Clock;
use crate::model::target::Target;
use crate::model::{AliasName, FunctionName, ManagedBy};
use crate::ownership::{CodeDeployment, Facts, Place, Unseen, stack_of};
use crate::problem::Problem;

/// Pages of deployments that are read.
const PAGES: usize = 5;
/// Deployments of any platform that are read.
const DEPLOYMENTS: usize = 200;
/// Deployments whose targets are read: two calls each.
const LOOKS: usize = 20;
/// How many CodeDeploy and its targets are asked for at once (aws-semantics §9).
const BATCH: usize = 25;
/// How long ago a deployment may have begun that is held responsible for weights.
const MEMORY: Duration = Duration::from_secs(30 * 86_400);
/// Aliases whose stack is asked for; an answer may hold many more of them.
const QUESTIONS: usize = 10;

impl<A: Aws, C: Clock> Observer<'_, A, C> {
    /// What says who else moves the target's aliases: one call where CodeDeploy does nothing and no stack is known.
    pub(super) async fn owners(&self, target: &Target, members: &[ObservedMember]) -> Facts {
        let mut facts = Facts::default();
        let all: Vec<&FunctionName> = members.iter().map(|member| &member.function).collect();
        self.deployments(&mut facts, Place::ActiveDeployments, &target.alias, &all).await;
        let split: Vec<&FunctionName> =
            members.iter().filter(|member| has_weights(member)).map(|member| &member.function).collect();
        if split.iter().any(|function| facts.active(function).is_none()) {
            self.deployments(&mut facts, Place::AbandonedDeployments, &target.alias, &split).await;
        }
        if target.managed_by != Some(ManagedBy::None) {
            self.stacks(&mut facts, target, members).await;
        }
        facts
    }

    /// The deployments on the aliases, in the states that the place stands for.
    async fn deployments(&self, facts: &mut Facts, place: Place, alias: &AliasName, functions: &[&FunctionName]) {
        let unseen = |why: String| Unseen { place, why };
        let (found, more) = match self.lambda_deployments(place).await {
            Ok(found) => found,
            Err(problem) => return facts.unseen.push(unseen(problem.what)),
        };
        if more {
            facts.unseen.push(unseen(format!("more than {DEPLOYMENTS} deployments; the others were not looked at")));
        }
        let mut missing: Vec<&FunctionName> = functions.to_vec();
        for (looks, deployment) in found.into_iter().enumerate() {
            if missing.is_empty() {
                return;
            }
            if looks == LOOKS {
                let why = format!("more than {LOOKS} deployments of functions; the others were not looked at");
                return facts.unseen.push(unseen(why));
            }
            match self.shifted(&deployment).await {
                Ok(shifted) => {
                    let moved = |function: &FunctionName| shifted.iter().any(|one| is_alias(one, function, alias));
                    let (hit, rest) = missing.into_iter().partition(|function| moved(function));
                    missing = rest;
                    let hit: Vec<&FunctionName> = hit;
                    facts.deployments.extend(
                        hit.into_iter().map(|function| CodeDeployment {
                            function: function.clone(),
                            deployment: deployment.clone(),
                        }),
                    );
                }
                Err(problem) => facts.unseen.push(unseen(format!("{}: {}", deployment.id, problem.what))),
            }
        }
    }

    /// Deployments of functions, newest first, and whether there are more than were read.
    async fn lambda_deployments(&self, place: Place) -> Result<(Vec<LambdaDeployment>, bool), Problem> {
        let (statuses, since) = match place {
            Place::AbandonedDeployments => {
                (ShiftStatus::ABANDONED.to_vec(), Some(self.clock.now() - MEMORY).filter(|at| *at > Timestamp::MIN))
            }
            _ => (ShiftStatus::ACTIVE.to_vec(), None),
        };
        let (mut ids, mut next, mut more) = (Vec::new(), None, true);
        for _ in 0..PAGES {
            let page = self.send(ListDeployments { statuses: statuses.clone(), since, next: next.clone() }).await?;
            ids.extend(page.items);
            more = page.next.is_some() && page.next != next;
            next = page.next;
            if !more || ids.len() >= DEPLOYMENTS {
                break;
            }
        }
        more |= ids.len() > DEPLOYMENTS;
        ids.truncate(DEPLOYMENTS);
        let mut found = Vec::new();
        for ids in ids.chunks(BATCH) {
            found.extend(self.send(BatchGetDeployments { deployments: ids.to_vec() }).await?);
        }
        found.sort_by_key(|deployment: &LambdaDeployment| Reverse(deployment.completed.or(deployment.created)));
        Ok((found, more))
    }

    /// The aliases that a deployment moves: CodeDeploy's deployments of functions move one.
    async fn shifted(&self, deployment: &LambdaDeployment) -> Result<Vec<ShiftedAlias>, Problem> {
        let id = &deployment.id;
        let page = self.send(ListDeploymentTargets { deployment: id.clone(), next: None }).await?;
        if page.items.is_empty() {
            return Ok(Vec::new());
        }
        let targets = page.items.into_iter().take(BATCH).collect();
        self.send(BatchGetDeploymentTargets { deployment: id.clone(), targets }).await
    }

    /// The stacks of the aliases whose function is in one, or may be.
    async fn stacks(&self, facts: &mut Facts, target: &Target, members: &[ObservedMember]) {
        let declared = target.managed_by.is_some_and(ManagedBy::uses_stacks);
        let may_be = |member: &&ObservedMember| {
            let tags = member.latest.tags.as_ref();
            member.alias.is_some() && (declared || tags.is_none_or(|tags| stack_of(tags).is_some()))
        };
        let mut questions = 0;
        for arn in members.iter().filter(may_be).filter_map(|member| Some(&member.alias.as_ref()?.arn)) {
            if facts.resource(arn).is_some() {
                continue;
            }
            let why = match questions {
                QUESTIONS => Some(format!("{QUESTIONS} were asked for; the others were not")),
                _ => match self.send(DescribeStackResources { physical_id: arn.clone() }).await {
                    Ok(found) => {
                        facts.resources.extend(found);
                        None
                    }
                    Err(problem) => Some(problem.what),
                },
            };
            questions += 1;
            if let Some(why) = why {
                return facts.unseen.push(Unseen { place: Place::Stacks, why });
            }
        }
    }
}

/// Whether an alias has weights that AWS did not put there itself.
fn has_weights(member: &ObservedMember) -> bool {
    member.alias.as_ref().is_some_and(|alias| !alias.weights.is_empty() && !is_moving_capacity(alias))
}

/// CodeDeploy was told the function's name, or its ARN.
fn is_alias(shifted: &ShiftedAlias, function: &FunctionName, alias: &AliasName) -> bool {
    let name = shifted.function.rsplit_once(":function:").map_or(shifted.function.as_str(), |(_, name)| name);
    name.split(':').next() == Some(function.as_str()) && shifted.alias == alias.as_str()
}
