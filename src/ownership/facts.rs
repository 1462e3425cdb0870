//! What AWS says of who else moves aliases and stages, as far as it could be read.

use serde::{Deserialize, Serialize};

use crate::aws::noun::{LambdaDeployment, StackResource, Tags};
use crate::model::FunctionName;

/// The tag that CloudFormation puts on what it makes: the stack's name (aws-semantics §9).
const STACK_NAME: &str = "aws:cloudformation:stack-name";
/// The name that the template has for it.
const LOGICAL_ID: &str = "aws:cloudformation:logical-id";
/// What SAM's transform adds to every function that it makes.
const CREATED_BY: (&str, &str) = ("lambda:createdBy", "SAM");
/// The resource that a CDK app adds to its stacks, unless version reporting is off.
const CDK_METADATA: &str = "AWS::CDK::Metadata";

/// What was read, besides the tags that come with functions, APIs and stages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Resources of stacks: the answers to every question.
    pub resources: Vec<StackResource>,
    /// CodeDeploy's deployments on the target's aliases: those in flight, and where an alias has weights also those that
    /// were stopped or failed, newest first.
    pub deployments: Vec<CodeDeployment>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// A deployment on the target's alias of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeDeployment {
    /// The function.
    pub function: FunctionName,
    /// The deployment.
    pub deployment: LambdaDeployment,
}

/// Where something could not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Which deployments are in flight.
    ActiveDeployments,
    /// Which deployments were stopped or failed.
    AbandonedDeployments,
    /// Which stack an alias belongs to.
    Stacks,
    /// The tags of a function.
    Tags,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// Where.
    pub place: Place,
    /// Why, one line without a full stop.
    pub why: String,
}

impl Facts {
    /// The deployment in flight on the target's alias of a function.
    pub fn active(&self, function: &FunctionName) -> Option<&LambdaDeployment> {
        self.on(function).find(|deployment| deployment.status.is_active())
    }

    /// The newest deployment that was stopped or failed there.
    pub fn abandoned(&self, function: &FunctionName) -> Option<&LambdaDeployment> {
        self.on(function).find(|deployment| !deployment.status.is_active())
    }

    fn on(&self, function: &FunctionName) -> impl Iterator<Item = &LambdaDeployment> {
        self.deployments.iter().filter(move |one| one.function == *function).map(|one| &one.deployment)
    }

    /// The stack's resource of this physical id.
    pub fn resource(&self, physical_id: &str) -> Option<&StackResource> {
        self.resources.iter().find(|one| one.physical_id.as_deref() == Some(physical_id))
    }

    /// Whether the stack is known to be made by a CDK app.
    pub(super) fn is_cdk(&self, stack: &str) -> bool {
        self.resources.iter().any(|one| one.stack == stack && one.kind == CDK_METADATA)
    }

    /// Why something could not be looked at, if so.
    pub fn unseen_at(&self, place: Place) -> Option<&str> {
        self.unseen.iter().find(|unseen| unseen.place == place).map(|unseen| unseen.why.as_str())
    }
}

/// Name of the stack, and its name for the thing, by the thing's tags.
pub fn stack_of(tags: &Tags) -> Option<(&str, Option<&str>)> {
    Some((tags.get(STACK_NAME)?.as_str(), tags.get(LOGICAL_ID).map(String::as_str)))
}

/// Whether SAM's transform made it.
pub(super) fn is_sam(tags: &Tags) -> bool {
    tags.get(CREATED_BY.0).is_some_and(|by| by == CREATED_BY.1)
}
