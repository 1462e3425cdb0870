//! Resource policies of Lambda aliases: whether one already lets an API in, and the statement that would.

pub mod cover;
pub mod document;
pub mod glob;
pub mod grant;
pub mod source;

pub use cover::{Coverage, Need, blocked, coverage};
pub use document::Document;
pub use grant::{LIMIT, authorizer_statement, is_ours, redundant, route_statement, size_after};
pub use source::{authorizer_arn, http_route_arn, source_arn, stage_arn};
