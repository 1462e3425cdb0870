//! CloudTrail: who called what, when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One management event (`LookupEvents`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEvent {
    /// When it happened.
    pub at: Timestamp,
    /// Who called: the user's, the role session's or the service's name, where CloudTrail gives one.
    pub who: Option<String>,
    /// The whole event as CloudTrail keeps it, with `requestParameters`, `responseElements` and `errorCode`.
    pub event: Value,
}
