//! What an API's definition is, what it calls, and how the deployed one differs from the live one.

mod api;
pub mod canonical;
pub mod deployed;
pub mod diff;
pub mod drift;
mod embedded;
mod excerpt;
mod exported;
pub mod http;
pub mod integration;
pub mod live;
pub mod marker;
pub mod reach;
pub mod shown;

#[cfg(test)]
mod sample;

pub use api::LiveApi;
pub use canonical::{Canonical, Fingerprint, fingerprint};
pub use deployed::read as read_export;
pub use diff::{Difference, differences};
pub use drift::{Drift, Side, drift};
pub use exported::routes as exported_routes;
pub use http::HttpLive;
pub use integration::{LambdaCall, Resolved, resolve, variables_used};
pub use live::Live;
pub use marker::Marker;
pub use reach::{Caller, Route, routes};
pub use shown::Unseen;
