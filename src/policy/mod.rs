//! Resource policies of Lambda aliases: whether one already lets an API in, and the statement that would.

pub mod cover;
pub mod document;
pub mod edit;
pub mod glob;
pub mod grant;
pub mod origin;
pub mod source;

pub use cover::{Coverage, Need, blocked, coverage};
pub use document::Document;
pub use grant::{
    LIMIT, authorizer_statement, covered_by, gateway_sources, is_ours, named, redundant, route_statement, size_after,
};
pub use origin::{Origin, origin, says};
pub use source::{authorizer_arn, http_route_arn, source_arn, stage_arn};

/// The ids of a policy's statements, in order; a statement without an id is counted by its place (`#2`).
pub fn statement_ids(document: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let name =
        |(at, s): (usize, &serde_json::Value)| s["Sid"].as_str().map_or_else(|| format!("#{}", at + 1), str::to_owned);
    match &document["Statement"] {
        serde_json::Value::Array(all) => all.iter().enumerate().map(name).collect(),
        serde_json::Value::Null => Vec::new(),
        one => vec![name((0, one))],
    }
}
