//! A live definition of either kind of API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::canonical::{self, Fingerprint};
use super::http::{self, HttpLive};
use super::live::Live;
use super::reach::{self, Route};

/// What a deployment made now would snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiveApi {
    /// Of a REST API.
    Rest(Box<Live>),
    /// Of an HTTP API.
    Http(Box<HttpLive>),
}

impl LiveApi {
    /// The API's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Rest(live) => &live.api.name,
            Self::Http(live) => &live.api.name,
        }
    }

    /// The same for another order or other ids, another for any other property.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Rest(live) => canonical::fingerprint(live),
            Self::Http(live) => http::fingerprint(live),
        }
    }

    /// The id of an authorizer, which is part of the source under which it calls.
    pub fn authorizer_id(&self, name: &str) -> Option<&str> {
        match self {
            Self::Rest(live) => live.authorizers.iter().find(|one| one.name == name).map(|one| one.id.as_str()),
            Self::Http(live) => live.authorizers.iter().find(|one| one.name == name).map(|one| one.id.as_str()),
        }
    }

    /// What its routes and authorizers call, with a stage's variables.
    pub fn routes(&self, variables: &BTreeMap<String, String>) -> Vec<Route> {
        match self {
            Self::Rest(live) => reach::routes(live, variables),
            Self::Http(live) => http::routes(live, variables),
        }
    }
}
