//! CodeDeploy: deployments that shift the traffic of an alias (aws-semantics §9).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a deployment is (`DeploymentStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShiftStatus {
    /// Not begun.
    Created,
    /// Waits for another one.
    Queued,
    /// Moves traffic, or runs its hooks.
    InProgress,
    /// Waits for the time before its next move.
    Baking,
    /// Waits for a person.
    Ready,
    /// All traffic is on the new version.
    Succeeded,
    /// It failed; without a rollback the weights stay.
    Failed,
    /// A person or an alarm stopped it; without a rollback the weights stay.
    Stopped,
}

impl ShiftStatus {
    /// Those in which it will still write to the alias.
    pub const ACTIVE: [Self; 5] = [Self::Created, Self::Queued, Self::InProgress, Self::Baking, Self::Ready];
    /// Those in which it may have left weights behind.
    pub const ABANDONED: [Self; 2] = [Self::Stopped, Self::Failed];

    /// Whether it will still write to the alias.
    pub fn is_active(self) -> bool {
        Self::ACTIVE.contains(&self)
    }
}

/// A deployment that shifts traffic between versions of functions (`DeploymentInfo`, compute platform Lambda).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LambdaDeployment {
    /// `d-` and nine characters.
    pub id: String,
    /// How far it is.
    pub status: ShiftStatus,
    /// The application.
    pub application: Option<String>,
    /// The deployment group.
    pub group: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it ended; absent while it is active.
    pub completed: Option<Timestamp>,
}

/// An alias that a deployment moves (`LambdaFunctionInfo`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftedAlias {
    /// The function as CodeDeploy was told: its name, or its ARN.
    pub function: String,
    /// The alias.
    pub alias: String,
    /// The version that had the traffic.
    pub from: Option<String>,
    /// The version that gets it.
    pub to: Option<String>,
}
