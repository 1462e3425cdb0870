//! What a tool's next update puts back, and what each tool calls it.

use serde::{Serialize, Serializer};

use crate::aws::noun::StageKind;

/// Something that a release changes and a tool would put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// The alias's version.
    Version,
    /// The alias's weights.
    Weights,
    /// The alias's description, which holds the record.
    Description,
    /// The stage's deployment.
    Deployment,
    /// A stage variable.
    Variable(String),
    /// The stage's canary.
    Canary,
}

impl Attribute {
    /// What a release changes of an alias.
    pub const ALIAS: [Self; 3] = [Self::Version, Self::Weights, Self::Description];

    /// What a release changes of a stage that takes the alias from this variable, if from any.
    pub fn of_stage(kind: &StageKind, variable: Option<&str>) -> Vec<Self> {
        let mut all = Vec::new();
        if !kind.is_auto_deployed() {
            all.push(Self::Deployment);
        }
        all.extend(variable.map(|name| Self::Variable(name.to_owned())));
        if kind.is_rest() {
            all.push(Self::Canary);
        }
        all
    }

    /// The argument of Terraform's resource for an alias, or for a stage of either kind of API.
    pub(super) fn terraform(&self, rest: bool) -> String {
        match self {
            Self::Version => "function_version".into(),
            Self::Weights => "routing_config".into(),
            Self::Description => "description".into(),
            Self::Deployment => "deployment_id".into(),
            // One element of the map: the other variables stay Terraform's.
            Self::Variable(name) if rest => format!("variables[\"{name}\"]"),
            Self::Variable(name) => format!("stage_variables[\"{name}\"]"),
            Self::Canary => "canary_settings".into(),
        }
    }

    /// The property of the resource type in CloudFormation.
    pub(super) fn cloudformation(&self, rest: bool) -> &'static str {
        match self {
            Self::Version => "FunctionVersion",
            Self::Weights => "RoutingConfig",
            Self::Description => "Description",
            Self::Deployment => "DeploymentId",
            Self::Variable(_) if rest => "Variables",
            Self::Variable(_) => "StageVariables",
            Self::Canary => "CanarySetting",
        }
    }

    /// The word for people.
    pub fn word(&self) -> String {
        match self {
            Self::Version => "version".into(),
            Self::Weights => "weights".into(),
            Self::Description => "description".into(),
            Self::Deployment => "deployment".into(),
            Self::Variable(name) => format!("variable {name}"),
            Self::Canary => "canary".into(),
        }
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.word().serialize(serializer)
    }
}
