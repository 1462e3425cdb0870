//! From what was read to who owns what.

use jiff::Timestamp;
use serde::Serialize;

use super::facts::{Facts, Place, Unseen, is_sam, stack_of};
use super::{Attribute, Ownership};
use crate::aws::noun::{LambdaDeployment, StackResource, StageKind, Tags};
use crate::model::{AliasName, ApiId, FunctionName, ManagedBy, StageRef};

/// Something that can have an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Thing {
    /// An alias of a function.
    Alias(FunctionName, AliasName),
    /// A function: its code and configuration.
    Function(FunctionName),
    /// An API: its definition.
    Api(ApiId),
    /// A stage.
    Stage(StageRef),
}

/// Where something stands in a stack; absent where only the configuration says that a stack has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StackPlace {
    /// The stack's name.
    pub stack: Option<String>,
    /// The name that the template has for it.
    pub logical_id: Option<String>,
}

/// Somebody who says what a thing shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Owner {
    /// A stack that neither SAM nor CDK is known to have made.
    CloudFormation(StackPlace),
    /// A stack of a SAM template.
    Sam(StackPlace),
    /// A stack of a CDK app.
    Cdk(StackPlace),
    /// Terraform, because the configuration says so.
    Terraform,
    /// A deployment of CodeDeploy.
    CodeDeploy {
        /// Its id.
        id: String,
        /// Whether it will still write to the alias; otherwise it was stopped or failed.
        active: bool,
        /// Since when it is in flight, or over.
        since: Option<Timestamp>,
    },
}

impl Owner {
    /// The tool, if it is one whose configuration can be told to leave a thing alone.
    pub const fn tool(&self) -> Option<ManagedBy> {
        match self {
            Self::CloudFormation(_) => Some(ManagedBy::CloudFormation),
            Self::Sam(_) => Some(ManagedBy::Sam),
            Self::Cdk(_) => Some(ManagedBy::Cdk),
            Self::Terraform => Some(ManagedBy::Terraform),
            Self::CodeDeploy { .. } => None,
        }
    }

    /// The owner that a tool is.
    fn of_tool(tool: ManagedBy, place: StackPlace) -> Option<Self> {
        match tool {
            ManagedBy::CloudFormation => Some(Self::CloudFormation(place)),
            ManagedBy::Sam => Some(Self::Sam(place)),
            ManagedBy::Cdk => Some(Self::Cdk(place)),
            ManagedBy::Terraform => Some(Self::Terraform),
            ManagedBy::None => None,
        }
    }

    fn of_deployment(deployment: &LambdaDeployment) -> Self {
        let active = deployment.status.is_active();
        let since = if active { deployment.created } else { deployment.completed.or(deployment.created) };
        Self::CodeDeploy { id: deployment.id.clone(), active, since }
    }
}

/// A thing with its owners.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Owned {
    /// The thing.
    pub thing: Thing,
    /// At least one.
    pub owners: Vec<Owner>,
    /// What the next update of the owning tool puts back of what a release changes.
    pub reverts: Vec<Attribute>,
}

/// A function of the target as it was read.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The function.
    pub function: &'a FunctionName,
    /// ARN of its alias, existing or not.
    pub alias_arn: String,
    /// The function's tags, if they could be read.
    pub tags: Option<&'a Tags>,
}

/// The target's stage as it was read.
#[derive(Debug, Clone)]
pub struct SeenStage<'a> {
    /// The stage.
    pub stage: &'a StageRef,
    /// Its kind.
    pub kind: &'a StageKind,
    /// Its tags.
    pub tags: &'a Tags,
    /// The tags of its API.
    pub api_tags: &'a Tags,
    /// The variable that integrations take the alias from.
    pub variable: Option<&'a str>,
}

/// Everything that ownership follows from.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// The alias of every function.
    pub alias: &'a AliasName,
    /// The functions.
    pub subjects: Vec<Subject<'a>>,
    /// The stage, if the target has one.
    pub stage: Option<SeenStage<'a>>,
    /// What `managed_by` says.
    pub declared: Option<ManagedBy>,
    /// What was read besides.
    pub facts: &'a Facts,
}

/// Who owns what.
pub fn ownership(seen: &Seen<'_>) -> Ownership {
    let mut things = Vec::new();
    for subject in &seen.subjects {
        let alias = Thing::Alias(subject.function.clone(), seen.alias.clone());
        things.push(owned(alias, seen.of_alias(subject), Attribute::ALIAS.to_vec()));
        let function = Thing::Function(subject.function.clone());
        things.push(owned(function, seen.of_function(subject).into_iter().collect(), Vec::new()));
    }
    if let Some(stage) = &seen.stage {
        let api = Thing::Api(stage.stage.api.clone());
        things.push(owned(api, seen.of_tags(stage.api_tags).into_iter().collect(), Vec::new()));
        let reverts = Attribute::of_stage(stage.kind, stage.variable);
        let owners = merged(seen.of_tags(stage.tags), seen.declared_owner());
        things.push(owned(Thing::Stage(stage.stage.clone()), owners, reverts));
    }
    things.retain(|owned| !owned.owners.is_empty());
    Ownership { declared: seen.declared, things, unseen: seen.unseen() }
}

/// CodeDeploy moves an alias once and puts nothing back later.
fn owned(thing: Thing, owners: Vec<Owner>, reverts: Vec<Attribute>) -> Owned {
    let reverts = if owners.iter().any(|owner| owner.tool().is_some()) { reverts } else { Vec::new() };
    Owned { thing, owners, reverts }
}

/// What AWS shows and what the configuration says; one of them where both mean stacks.
fn merged(shown: Option<Owner>, declared: Option<Owner>) -> Vec<Owner> {
    let by_stack = |owner: &Owner| owner.tool().is_some_and(ManagedBy::uses_stacks);
    let doubled = shown.as_ref().is_some_and(by_stack) && declared.as_ref().is_some_and(by_stack);
    shown.into_iter().chain(declared.filter(|_| !doubled)).collect()
}

impl Seen<'_> {
    fn of_alias(&self, subject: &Subject<'_>) -> Vec<Owner> {
        let shown = self.facts.resource(&subject.alias_arn).and_then(|found| {
            let StackResource { stack, logical_id, .. } = found;
            let tags = subject.tags.filter(|tags| stack_of(tags).is_some_and(|(own, _)| own == stack));
            self.of_stack(stack, Some(logical_id), tags)
        });
        let mut owners = merged(shown, self.declared_owner());
        let deployments = self.facts.deployments.iter().filter(|one| one.function == *subject.function);
        owners.extend(deployments.map(|one| Owner::of_deployment(&one.deployment)));
        owners
    }

    fn of_function(&self, subject: &Subject<'_>) -> Option<Owner> {
        self.of_tags(subject.tags?)
    }

    fn of_tags(&self, tags: &Tags) -> Option<Owner> {
        let (stack, logical_id) = stack_of(tags)?;
        self.of_stack(stack, logical_id, Some(tags))
    }

    /// SAM and CDK are told apart from a template of one's own only by what they leave; then by what the configuration
    /// says.
    fn of_stack(&self, stack: &str, logical_id: Option<&str>, tags: Option<&Tags>) -> Option<Owner> {
        let by_sam = |tags: &Tags| is_sam(tags) && stack_of(tags).is_some_and(|(own, _)| own == stack);
        // SAM marks functions; what it makes beside them stands in the same stack.
        let sam = tags.is_some_and(by_sam) || self.subjects.iter().filter_map(|one| one.tags).any(by_sam);
        let tool = match (sam, self.facts.is_cdk(stack)) {
            (true, _) => ManagedBy::Sam,
            (false, true) => ManagedBy::Cdk,
            (false, false) => self.declared.filter(|tool| tool.uses_stacks()).unwrap_or(ManagedBy::CloudFormation),
        };
        let place = StackPlace { stack: Some(stack.to_owned()), logical_id: logical_id.map(ToOwned::to_owned) };
        Owner::of_tool(tool, place)
    }

    fn declared_owner(&self) -> Option<Owner> {
        Owner::of_tool(self.declared?, StackPlace::default())
    }

    /// Functions whose tags could not be read are one more thing that was not seen, unless the configuration says who
    /// owns the alias.
    fn unseen(&self) -> Vec<Unseen> {
        let mut all = self.facts.unseen.clone();
        let hidden = self.subjects.iter().filter(|subject| subject.tags.is_none()).count();
        if hidden > 0 && self.declared.is_none() {
            let why = format!("no tags of {hidden} of {} functions: not allowed: lambda:ListTags", self.subjects.len());
            all.push(Unseen { place: Place::Tags, why });
        }
        all
    }
}
