//! What an export shows of a definition and what it does not: one declaration, from which the comparison is narrowed,
//! the statement of what it cannot see is made, and the digests are taken that a deployment's description carries for
//! the rest (aws-semantics §6.6).

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::canonical::{Canonical, Scope, fields, hex};
use super::embedded;

macro_rules! unseen {
    ($($name:ident $key:literal $text:literal)*) => {
        /// A kind of edits that an export does not show, or not in a way that can be compared.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Unseen {
            $(#[doc = $text] $name),*
        }

        impl Unseen {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Two letters that stand for it in a deployment's description; they never change their meaning.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            /// What people call it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

unseen! {
    Name "nm" "the API's name"
    Endpoint "ep" "endpoint types"
    ExecuteApi "xe" "the switch of the execute-api endpoint"
    EmptyResource "er" "resources without methods"
    OperationName "op" "operation names"
    Scopes "sc" "OAuth scopes"
    PathParameter "pp" "declared path parameters"
    MethodResponse "mr" "method responses"
    Tls "tl" "TLS settings of integrations"
    MockAddress "ma" "addresses that mocks keep"
    SharedPattern "sp" "integration responses of one pattern"
    Model "mo" "models"
    IdentitySource "is" "identity sources"
    AuthType "at" "auth types of authorizers"
    Guards "gu" "authorizers and validators added or removed"
    DefaultTemplate "dt" "gateway responses' default templates"
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl serde::Serialize for Unseen {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.text())
    }
}

/// The properties of a noun, each with the kind it is hidden as; none = an export shows it.
type Properties = &'static [(&'static str, Option<Unseen>)];

const API: Properties = &[
    ("apiKeySource", None),
    ("binaryMediaTypes", None),
    ("disableExecuteApiEndpoint", Some(Unseen::ExecuteApi)),
    ("endpointTypes", Some(Unseen::Endpoint)),
    ("minimumCompressionSize", None),
    ("name", Some(Unseen::Name)),
    ("policy", None),
];
const METHOD: Properties = &[
    ("apiKeyRequired", None),
    ("authorizationScopes", Some(Unseen::Scopes)),
    ("authorizationType", None),
    ("authorizer", None),
    ("integration", None),
    ("methodResponses", Some(Unseen::MethodResponse)),
    ("operationName", Some(Unseen::OperationName)),
    ("requestModels", None),
    ("requestParameters", None),
    ("requestValidator", None),
];
const INTEGRATION: Properties = &[
    ("cacheKeyParameters", None),
    ("connectionId", None),
    ("connectionType", None),
    ("contentHandling", None),
    ("credentials", None),
    ("httpMethod", None),
    ("insecureSkipVerification", Some(Unseen::Tls)),
    ("integrationResponses", None),
    ("passthroughBehavior", None),
    ("requestParameters", None),
    ("requestTemplates", None),
    ("responseTransferMode", None),
    ("timeoutInMillis", None),
    ("type", None),
    ("uri", None),
];
/// Where an export keeps the identity source depends on the authorizer's type.
const AUTHORIZER: Properties = &[
    ("authType", Some(Unseen::AuthType)),
    ("authorizerCredentials", None),
    ("authorizerResultTtlInSeconds", None),
    ("authorizerUri", None),
    ("identitySource", Some(Unseen::IdentitySource)),
    ("identityValidationExpression", None),
    ("providerArns", None),
    ("type", None),
];

/// The template that API Gateway uses where a gateway response has none of its own; an export may leave it out.
const DEFAULT_TEMPLATE: &str = r#"{"message":$context.error.messageString}"#;

/// The properties of an exported integration that the live definition has under the same name.
pub(super) fn of_integration(exported: &Map<String, Value>) -> Map<String, Value> {
    only(exported, INTEGRATION)
}

/// As [`of_integration`], of an authorizer.
pub(super) fn of_authorizer(exported: &Map<String, Value>) -> Map<String, Value> {
    only(exported, AUTHORIZER)
}

fn only(exported: &Map<String, Value>, properties: Properties) -> Map<String, Value> {
    let shown = |name: &str| properties.iter().any(|(known, hidden)| *known == name && hidden.is_none());
    exported.iter().filter(|(name, _)| shown(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A mock calls nothing: the method and address it may carry mean nothing, and are not always exported.
const MOCK_ADDRESS: [&str; 2] = ["httpMethod", "uri"];

/// Takes the address off a mock; what was taken.
pub(super) fn take_mock_address(integration: &mut Map<String, Value>) -> Vec<(&'static str, Value)> {
    if integration.get("type").is_none_or(|kind| kind != "MOCK") {
        return Vec::new();
    }
    MOCK_ADDRESS.into_iter().filter_map(|name| Some((name, integration.remove(name)?))).collect()
}

/// Takes API Gateway's own templates off a gateway response; for which content types.
pub(super) fn take_default_templates(response: &mut Map<String, Value>) -> Vec<String> {
    let Some(Value::Object(templates)) = response.get_mut("responseTemplates") else { return Vec::new() };
    let taken = templates.iter().filter(|(_, template)| *template == DEFAULT_TEMPLATE).map(|(kind, _)| kind.clone());
    let taken: Vec<String> = taken.collect();
    templates.retain(|_, template| template != DEFAULT_TEMPLATE);
    *response = fields(std::mem::take(response));
    taken
}

/// A full canonical form in two: every property is in exactly one of them.
#[derive(Debug)]
pub(super) struct Split {
    /// What an export shows too, in the form of [`Scope::Export`].
    pub shown: Canonical,
    hidden: BTreeMap<Unseen, Map<String, Value>>,
}

/// Divides a full canonical form.
pub(super) fn split(full: &Canonical) -> Split {
    let mut hidden = Hidden::default();
    let section = |name: &str| full.value.get(name).cloned().unwrap_or_default();
    let api = hidden.divide("api", &section("api"), API);
    let routes = each(&section("routes"), |path, methods| {
        each(methods, |verb, method| hidden.route(&format!("{verb} {path}"), method))
    });
    let authorizers = each(&section("authorizers"), |name, authorizer| {
        hidden.hide(Unseen::Guards, &format!("authorizer {name}"), Value::Null);
        Value::Object(hidden.divide(name, authorizer, AUTHORIZER))
    });
    let validators = each(&section("validators"), |name, validator| {
        hidden.hide(Unseen::Guards, &format!("validator {name}"), Value::Null);
        validator.clone()
    });
    let responses = each(&section("responses"), |kind, response| hidden.response(kind, response));
    for (section, kind) in [("models", Unseen::Model), ("emptyResources", Unseen::EmptyResource)] {
        if let Some(value) = full.value.get(section).filter(|value| !embedded::is_empty(value)) {
            hidden.hide(kind, section, value.clone());
        }
    }
    let shown = json!({
        "api": api, "routes": routes, "authorizers": authorizers, "validators": validators, "responses": responses,
    });
    Split { shown: Canonical::sorted(Scope::Export, shown), hidden: hidden.0 }
}

impl Split {
    /// A digest of everything hidden as a kind, eight hex digits; kinds without anything are left out.
    pub fn digests(&self) -> BTreeMap<Unseen, String> {
        let digest = |values: &Map<String, Value>| {
            hex(&Sha256::digest(embedded::sorted(values.clone()).to_string()), super::marker::PART_DIGITS)
        };
        self.hidden.iter().map(|(kind, values)| (*kind, digest(values))).collect()
    }
}

/// What an export does not show, by kind and place.
#[derive(Debug, Default)]
struct Hidden(BTreeMap<Unseen, Map<String, Value>>);

impl Hidden {
    fn hide(&mut self, kind: Unseen, place: &str, value: Value) {
        self.0.entry(kind).or_default().insert(place.to_owned(), value);
    }

    /// The properties of a noun that are shown; the others are hidden.
    fn divide(&mut self, place: &str, noun: &Value, properties: Properties) -> Map<String, Value> {
        let mut shown = Map::new();
        for (name, value) in noun.as_object().into_iter().flatten() {
            match properties.iter().find(|(known, _)| known == name).and_then(|(_, kind)| *kind) {
                Some(kind) => self.hide(kind, &format!("{place} {name}"), value.clone()),
                None => drop(shown.insert(name.clone(), value.clone())),
            }
        }
        shown
    }

    fn route(&mut self, place: &str, method: &Value) -> Value {
        let mut shown = self.divide(place, method, METHOD);
        if let Some(Value::Object(parameters)) = shown.remove("requestParameters") {
            // A path parameter is in every export of its path, declared or not.
            let by_path = |name: &str| name.starts_with("method.request.path.");
            let (hidden, kept): (Map<_, _>, Map<_, _>) = parameters.into_iter().partition(|(name, _)| by_path(name));
            if !hidden.is_empty() {
                self.hide(Unseen::PathParameter, place, Value::Object(hidden));
            }
            if !kept.is_empty() {
                shown.insert("requestParameters".into(), Value::Object(kept));
            }
        }
        if let Some(integration) = shown.get_mut("integration") {
            *integration = self.integration(place, integration);
        }
        Value::Object(shown)
    }

    fn integration(&mut self, place: &str, integration: &Value) -> Value {
        let mut shown = self.divide(place, integration, INTEGRATION);
        let responses = shown.remove("integrationResponses").unwrap_or_default();
        let mut by_pattern = Map::new();
        for (status, response) in responses.as_object().into_iter().flatten() {
            let mut response = response.as_object().cloned().unwrap_or_default();
            // An export knows a response by its selection pattern.
            let pattern = response.remove("selectionPattern");
            let pattern = pattern.as_ref().and_then(Value::as_str).unwrap_or("default").to_owned();
            response.insert("statusCode".into(), Value::String(status.clone()));
            if by_pattern.contains_key(&pattern) {
                self.hide(Unseen::SharedPattern, &format!("{place} {status} {pattern}"), Value::Object(response));
            } else {
                by_pattern.insert(pattern, Value::Object(response));
            }
        }
        if !by_pattern.is_empty() {
            shown.insert("responses".into(), Value::Object(by_pattern));
        }
        for (name, value) in take_mock_address(&mut shown) {
            self.hide(Unseen::MockAddress, &format!("{place} {name}"), value);
        }
        Value::Object(shown)
    }

    fn response(&mut self, kind: &str, response: &Value) -> Value {
        let mut shown = response.as_object().cloned().unwrap_or_default();
        for media in take_default_templates(&mut shown) {
            self.hide(Unseen::DefaultTemplate, &format!("{kind} {media}"), Value::Null);
        }
        Value::Object(shown)
    }
}

/// Every value of an object changed.
pub(super) fn each(map: &Value, mut change: impl FnMut(&str, &Value) -> Value) -> Value {
    Value::Object(map.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), change(key, value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::sample;

    #[test]
    fn every_property_of_the_nouns_is_declared() {
        let declared = |noun: Value, properties: Properties, derived: &[&str]| {
            let mut names: Vec<String> = noun.as_object().unwrap().keys().cloned().collect();
            // Ids are compared as the names of what they stand for.
            names.retain(|name| !["authorizerId", "requestValidatorId", "id"].contains(&name.as_str()));
            names.extend(derived.iter().map(|name| (*name).to_owned()));
            names.sort();
            let mut known: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
            known.sort_unstable();
            assert_eq!(names, known);
        };
        let live = sample::live();
        let method = &live.resources[1].methods["POST"];
        declared(serde_json::to_value(&live.api).unwrap(), API, &[]);
        declared(serde_json::to_value(method).unwrap(), METHOD, &["authorizer", "requestValidator"]);
        declared(serde_json::to_value(method.integration.as_ref().unwrap()).unwrap(), INTEGRATION, &[]);
        let mut authorizer = serde_json::to_value(&live.authorizers[0]).unwrap();
        authorizer.as_object_mut().unwrap().remove("name");
        declared(authorizer, AUTHORIZER, &[]);
    }

    #[test]
    fn keys_are_two_letters_and_unique() {
        let keys: std::collections::BTreeSet<&str> = Unseen::ALL.iter().map(|kind| kind.key()).collect();
        assert_eq!(keys.len(), Unseen::ALL.len());
        assert!(keys.iter().all(|key| key.len() == 2 && key.bytes().all(|b| b.is_ascii_lowercase())));
    }
}
