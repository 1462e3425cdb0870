//! From a URL to the API, stage and route that answer it.
//!
//! [`Address`] is what the URL alone says; [`find`] asks AWS the rest; [`resolve`] and [`default_endpoint`] choose the
//! stage from what AWS said; [`RouteTable`] finds the route in what a stage serves or in what is live.

mod domain;
mod find;
mod path;
mod route;
mod rule;
mod url;

pub use domain::{ClientRequest, CustomDomain, How, Mapped, Nothing, Resolution, default_endpoint, resolve};
pub use find::{Found, READS, custom_domain, find};
pub use route::{ApiKind, RouteMatch, RouteTable};
pub use rule::{Passed, PassedRule};
pub use url::{Address, NotAnAddress};
