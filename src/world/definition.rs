//! A live definition as its owners edit it, part by part. What is missing is made.

use serde_json::Value;

use super::apigateway::Definition;
use crate::aws::noun::{
    ApiModel, Authorizer, GatewayResponse, Integration, IntegrationResponse, Method, RequestValidator, Resource,
};

/// The item of a list that `is_it`, pushed there if missing.
fn found<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &mut T {
    let position = list.iter().position(is_it).unwrap_or_else(|| {
        list.push(make());
        list.len() - 1
    });
    &mut list[position]
}

impl Definition {
    /// The method of a resource, both made if missing, and the resources above it.
    pub fn method_mut(&mut self, path: &str, http_method: &str) -> &mut Method {
        self.resource_mut(path).methods.entry(http_method.to_owned()).or_default()
    }

    /// A resource, and those above it.
    pub fn resource_mut(&mut self, path: &str) -> &mut Resource {
        let is_new = !self.resources.iter().any(|resource| resource.path == path);
        if let Some((parent, _)) = path.rsplit_once('/').filter(|_| is_new && path != "/") {
            self.resource_mut(if parent.is_empty() { "/" } else { parent });
        }
        let make = || Resource { path: path.to_owned(), methods: Default::default() };
        found(&mut self.resources, |resource| resource.path == path, make)
    }

    /// What a method calls.
    pub fn integration_mut(&mut self, path: &str, http_method: &str) -> &mut Integration {
        self.method_mut(path, http_method).integration.get_or_insert_default()
    }

    /// One response of what a method calls.
    pub fn integration_response_mut(
        &mut self,
        path: &str,
        http_method: &str,
        status: &str,
    ) -> &mut IntegrationResponse {
        self.integration_mut(path, http_method).integration_responses.entry(status.to_owned()).or_default()
    }

    /// A model by name.
    pub fn model_mut(&mut self, name: &str) -> &mut ApiModel {
        let make = || ApiModel { name: name.to_owned(), content_type: None, schema: None };
        found(&mut self.models, |model| model.name == name, make)
    }

    /// An authorizer by name; its id is made of it.
    pub fn authorizer_mut(&mut self, name: &str) -> &mut Authorizer {
        let make = || Authorizer { id: format!("id-{name}"), name: name.to_owned(), ..Authorizer::default() };
        found(&mut self.authorizers, |authorizer| authorizer.name == name, make)
    }

    /// A request validator by name; its id is made of it.
    pub fn validator_mut(&mut self, name: &str) -> &mut RequestValidator {
        let make = || RequestValidator {
            id: format!("id-{name}"),
            name: name.to_owned(),
            validate_request_body: false,
            validate_request_parameters: false,
        };
        found(&mut self.validators, |validator| validator.name == name, make)
    }

    /// A gateway response that is nobody's default any more.
    pub fn gateway_response_mut(&mut self, response_type: &str) -> &mut GatewayResponse {
        let make = || GatewayResponse {
            response_type: response_type.to_owned(),
            status_code: None,
            response_parameters: Default::default(),
            response_templates: Default::default(),
            default_response: false,
        };
        let response = found(&mut self.gateway_responses, |response| response.response_type == response_type, make);
        response.default_response = false;
        response
    }

    /// A resource policy as the JSON it holds, its quotes escaped or not; `Null` when there is none.
    pub(super) fn policy(&self) -> Value {
        let text = self.api.policy.as_deref().unwrap_or_default();
        let unescaped = text.replace("\\\"", "\"").replace("\\/", "/");
        serde_json::from_str(text).or_else(|_| serde_json::from_str(&unescaped)).unwrap_or(Value::Null)
    }
}
