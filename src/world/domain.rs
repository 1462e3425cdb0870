//! Custom domain names: which exist, what is mapped to them, and what the two services say of them.

use std::collections::BTreeMap;

use super::account::Account;
use super::apigateway::{bad_request, not_found, paginate};
use crate::aws::AwsError;
use crate::aws::noun::{ApiMapping, DomainName, EndpointType, Page, RoutingMode, RoutingRule};
use crate::model::{ApiId, StageName};

/// Items of a page that we ask for: base path mappings, and what the newer service lists.
const PAGES: (usize, usize) = (500, 100);

/// A custom domain name.
#[derive(Debug, Clone, Default)]
pub struct Domain {
    /// What is asked for the stage of a request.
    pub routing_mode: RoutingMode,
    /// At the edge, and so managed by the older service only.
    pub edge: bool,
    /// Base path → what is mapped to it.
    pub mappings: BTreeMap<String, ApiMapping>,
    /// Priority → rule.
    pub rules: BTreeMap<i32, RoutingRule>,
}

/// What its owner does.
impl Account {
    /// CreateDomainName, regional unless `edge`; replaces one of the same name. A wildcard one begins with `*.`.
    pub fn create_domain_name(&mut self, name: &str, routing_mode: RoutingMode, edge: bool) {
        let domain = Domain { routing_mode, edge, ..Domain::default() };
        self.domains.insert(name.to_ascii_lowercase(), domain);
    }

    /// CreateApiMapping, or, where no stage is named, CreateBasePathMapping; gives the id.
    ///
    /// # Errors
    /// 404 without the name, the API or the stage; 400 for several segments at the edge; 409 when the base path is taken.
    pub fn map_base_path(
        &mut self,
        name: &str,
        base_path: &str,
        api: &ApiId,
        stage: Option<&StageName>,
    ) -> Result<String, AwsError> {
        if let Some(stage) = stage {
            self.stage(api, stage).map(|_| ()).or_else(|_| self.http_stage(api, stage).map(|_| ()))?;
        } else {
            self.api(api)?;
        }
        let id = format!("m{}", self.next_serial());
        let domain = self.domain_mut(name)?;
        if domain.edge && base_path.contains('/') {
            return Err(bad_request("API Gateway V1 doesn't support the slash character (/) in base path mappings."));
        }
        if domain.mappings.contains_key(base_path) {
            return Err(AwsError::rejected(409, "ConflictException", "Base path already exists for this domain name"));
        }
        let mapping =
            ApiMapping { id: Some(id.clone()), base_path: base_path.into(), api: api.clone(), stage: stage.cloned() };
        domain.mappings.insert(base_path.to_owned(), mapping);
        Ok(id)
    }

    /// CreateRoutingRule.
    ///
    /// # Errors
    /// 404 without the name; 400 when the priority is out of 1–1,000,000; 409 when it is taken.
    pub fn create_routing_rule(&mut self, name: &str, rule: RoutingRule) -> Result<(), AwsError> {
        if !(1..=1_000_000).contains(&rule.priority) {
            return Err(bad_request("Priority must be between 1 and 1000000"));
        }
        let domain = self.domain_mut(name)?;
        if domain.rules.contains_key(&rule.priority) {
            return Err(AwsError::rejected(409, "ConflictException", "Priority already exists for this domain name"));
        }
        domain.rules.insert(rule.priority, rule);
        Ok(())
    }

    /// A custom domain name to change.
    ///
    /// # Errors
    /// 404.
    pub fn domain_mut(&mut self, name: &str) -> Result<&mut Domain, AwsError> {
        self.domains.get_mut(name).ok_or_else(no_domain)
    }
}

fn no_domain() -> AwsError {
    not_found("Invalid domain name identifier specified")
}

/// What the port asks.
impl Account {
    fn domain(&self, name: &str) -> Result<&Domain, AwsError> {
        self.domains.get(name).ok_or_else(no_domain)
    }

    pub(super) fn domain_name(&self, name: &str) -> Result<DomainName, AwsError> {
        let domain = self.domain(name)?;
        let kind = if domain.edge { EndpointType::Edge } else { EndpointType::Regional };
        let routing_mode = domain.routing_mode.clone();
        Ok(DomainName { name: name.to_owned(), routing_mode, endpoint_type: Some(kind) })
    }

    /// The newer service knows regional names; what it says of others is a setting.
    pub(super) fn domain_name_v2(&self, name: &str) -> Result<DomainName, AwsError> {
        match self.domain_name(name)? {
            found if found.endpoint_type == Some(EndpointType::Edge) && !self.settings.edge_domains_in_v2 => {
                Err(no_domain())
            }
            found => Ok(found),
        }
    }

    /// What is mapped to REST APIs by one segment or none.
    pub(super) fn base_path_mappings(&self, name: &str, position: Option<&str>) -> Result<Page<ApiMapping>, AwsError> {
        let shown = |mapping: &&ApiMapping| !mapping.base_path.contains('/') && self.apis.contains_key(&mapping.api);
        let without_id = |mapping: &ApiMapping| ApiMapping { id: None, ..mapping.clone() };
        let all: Vec<ApiMapping> = self.domain(name)?.mappings.values().filter(shown).map(without_id).collect();
        paginate(all.iter(), PAGES.0, position)
    }

    pub(super) fn api_mappings(&self, name: &str, next: Option<&str>) -> Result<Page<ApiMapping>, AwsError> {
        let domain = self.domain(name)?;
        if domain.edge {
            return Err(bad_request(
                "Only REGIONAL domain names can be managed through the API Gateway V2 API. For EDGE domain names, please \
                 use the API Gateway V1 API.",
            ));
        }
        paginate(domain.mappings.values(), PAGES.1, next)
    }

    pub(super) fn routing_rules(&self, name: &str, next: Option<&str>) -> Result<Page<RoutingRule>, AwsError> {
        paginate(self.domain(name)?.rules.values(), PAGES.1, next)
    }
}
