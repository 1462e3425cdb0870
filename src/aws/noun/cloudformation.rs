//! CloudFormation: which stack a resource belongs to (aws-semantics §9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tags of a resource, key → value.
pub type Tags = BTreeMap<String, String>;

/// A resource of a stack (`StackResource`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackResource {
    /// The stack's name.
    pub stack: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// The name that the template has for it.
    pub logical_id: String,
    /// What it is in its service; for an alias its ARN. Absent while it is being made.
    pub physical_id: Option<String>,
    /// Such as `AWS::Lambda::Alias`.
    pub kind: String,
}
