//! CloudWatch Logs: what functions write.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of a log (`FilterLogEvents`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// The stream that it stands in; those of Lambda name the version in brackets.
    pub stream: String,
    /// What was written; it may have several lines.
    pub message: String,
}
