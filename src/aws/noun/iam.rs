//! IAM: what the policies of a caller say.

use serde::{Deserialize, Serialize};

/// Whether an action on a resource is allowed (`SimulatePrincipalPolicy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// The action.
    pub action: String,
    /// The resource; `*` where none was named.
    pub resource: String,
    /// Whether it is.
    pub allowed: bool,
}
