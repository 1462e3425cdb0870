//! Who else says what alias and stage shall be (aws-semantics §9): stacks of CloudFormation by their tags and resources,
//! CodeDeploy by its deployments, Terraform by `managed_by`. Pure: what was read comes in as [`Facts`].

mod facts;
mod owner;
mod revert;
mod says;
mod snippet;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use facts::{CodeDeployment, Facts, Place, Unseen, stack_of};
pub use owner::{Owned, Owner, Seen, SeenStage, StackPlace, Subject, Thing, ownership};
pub use revert::Attribute;
pub(crate) use says::ago;
pub use snippet::snippet;

use crate::model::ManagedBy;

/// Who owns alias, function, API and stage of a target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ownership {
    /// What `managed_by` says.
    pub declared: Option<ManagedBy>,
    /// Everything that somebody owns; what is missing carries no mark of anybody.
    pub things: Vec<Owned>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

impl Ownership {
    /// The tools that would take a release back, each once; none where the configuration says so.
    pub fn tools(&self) -> Vec<ManagedBy> {
        if self.declared == Some(ManagedBy::None) {
            return Vec::new();
        }
        let reverting = self.things.iter().filter(|owned| !owned.reverts.is_empty());
        let mut tools: Vec<ManagedBy> =
            reverting.flat_map(|owned| owned.owners.iter().filter_map(Owner::tool)).collect();
        tools.sort_unstable();
        tools.dedup();
        tools
    }
}
