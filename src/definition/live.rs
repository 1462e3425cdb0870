//! The live definition of a REST API: what a deployment made now would snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::noun::{ApiModel, Authorizer, GatewayResponse, RequestValidator, Resource, RestApi};

/// Everything that a deployment snapshots, as the API's owner edits it (aws-semantics §6.5, §6.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// `GetRestApi`.
    pub api: RestApi,
    /// `GetResources` with methods, all pages.
    pub resources: Vec<Resource>,
    /// `GetModels`, all pages.
    pub models: Vec<ApiModel>,
    /// `GetAuthorizers`, all pages.
    pub authorizers: Vec<Authorizer>,
    /// `GetRequestValidators`, all pages.
    pub validators: Vec<RequestValidator>,
    /// `GetGatewayResponses`, including those that nobody changed.
    pub responses: Vec<GatewayResponse>,
}

impl Live {
    /// Every HTTP method (or `ANY`) as (path, method), sorted.
    pub fn methods(&self) -> BTreeMap<(&str, &str), &crate::aws::noun::Method> {
        self.resources
            .iter()
            .flat_map(|resource| {
                resource.methods.iter().map(|(verb, method)| ((resource.path.as_str(), verb.as_str()), method))
            })
            .collect()
    }
}
