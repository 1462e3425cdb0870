//! One form for one definition: equal definitions give equal text, whatever order, ids and spelling they arrive in
//! (aws-semantics §6.6).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::embedded;
use super::live::Live;
use crate::aws::noun::{Integration, Method};

/// Default integration time-out, milliseconds; 0 and absent mean it.
const DEFAULT_TIMEOUT_MS: i64 = 29_000;

/// How much of a definition a [`Canonical`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything a deployment snapshots.
    Full,
    /// What both an export and the live definition show.
    Export,
}

/// A definition in canonical form: an object of sections (`api`, `routes`, `models`, `authorizers`, `validators`,
/// `responses`, `emptyResources`), keys sorted at every depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical {
    pub(super) scope: Scope,
    pub(super) value: Value,
}

impl Canonical {
    /// The full canonical form of a live definition.
    pub fn of(live: &Live) -> Self {
        let names = Names::of(live);
        let mut value = Map::new();
        value.insert("api".into(), api(live));
        value.insert("routes".into(), routes(live, &names));
        value.insert("emptyResources".into(), empty_resources(live));
        value.insert("models".into(), models(live));
        value.insert("authorizers".into(), Value::Object(labelled(&names.authorizers, &names.authorizer_bodies)));
        value.insert("validators".into(), Value::Object(labelled(&names.validators, &names.validator_bodies)));
        value.insert("responses".into(), responses(live));
        Self::sorted(Scope::Full, Value::Object(value))
    }

    pub(super) fn sorted(scope: Scope, mut value: Value) -> Self {
        value.sort_all_objects();
        Self { scope, value }
    }

    /// How much it shows.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// The sections.
    pub const fn value(&self) -> &Value {
        &self.value
    }
}

impl fmt::Display for Canonical {
    /// Compact JSON, UTF-8, keys sorted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)
    }
}

/// The first 32 hex digits of the SHA-256 of a definition's canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;
    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl Fingerprint {
    /// Of a canonical form's text.
    pub(super) fn of(canonical: &str) -> Self {
        Self(hex(&Sha256::digest(canonical), 32))
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fingerprint in a deployment's description, if it carries one.
    pub fn find(description: &str) -> Option<Self> {
        description.split_whitespace().find_map(|word| word.parse().ok())
    }
}

impl fmt::Display for Fingerprint {
    /// `fp=` and the digits, as a deployment's description carries it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fp={}", self.0)
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is written fp= and 32 lower-case hex digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits = text.strip_prefix("fp=").ok_or(NotAFingerprint)?;
        let valid = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(digits.to_owned())).ok_or(NotAFingerprint)
    }
}

/// The fingerprint of what a deployment made now would snapshot: the same for another order or other ids, another for
/// any other property.
pub fn fingerprint(live: &Live) -> Fingerprint {
    Fingerprint::of(&Canonical::of(live).to_string())
}

/// The first `digits` hex digits.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    text
}

/// How a field of a noun is made canonical.
enum Rule {
    /// A word in any case; left out when it is the default.
    Word(&'static str),
    /// A list in any order.
    Set,
    /// A list of words in any order and case.
    WordSet,
    /// A number whose absence and zero mean the default, which is written out.
    Filled(i64),
    /// A number that is left out when it is the default.
    Default(i64),
}

/// The fields that need more than sorting; defaults as documented in the API reference of each operation.
const RULES: &[(&str, Rule)] = &[
    ("apiKeySource", Rule::Word("HEADER")),
    ("authorizationScopes", Rule::Set),
    ("authorizationType", Rule::Word("NONE")),
    ("authorizerResultTtlInSeconds", Rule::Default(300)),
    ("binaryMediaTypes", Rule::Set),
    ("cacheKeyParameters", Rule::Set),
    ("connectionType", Rule::Word("INTERNET")),
    ("contentHandling", Rule::Word("")),
    ("endpointTypes", Rule::WordSet),
    ("httpMethod", Rule::Word("")),
    ("passthroughBehavior", Rule::Word("WHEN_NO_MATCH")),
    ("providerArns", Rule::Set),
    ("responseTransferMode", Rule::Word("BUFFERED")),
    ("timeoutInMillis", Rule::Filled(DEFAULT_TIMEOUT_MS)),
    ("type", Rule::Word("")),
];

/// What a property means where it is absent: of a name in [`RULES`] its default, of a flag `false`.
pub(super) fn default_of(name: &str, other: &str) -> Option<String> {
    let rule = RULES.iter().find(|(known, _)| *known == name).map(|(_, rule)| rule);
    match rule {
        Some(Rule::Word(default)) if !default.is_empty() => Some((*default).to_owned()),
        Some(Rule::Default(default)) => Some(default.to_string()),
        None if other == "true" => Some("false".into()),
        _ => None,
    }
}

/// A noun's own fields made canonical; what its maps hold is the user's and stays as it is.
pub(super) fn fields(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter()
        .map(|(key, value)| {
            let rule = RULES.iter().find(|(name, _)| *name == key).map(|(_, rule)| rule);
            let value = match rule {
                Some(rule) => by_rule(rule, value),
                None => value,
            };
            (key, value)
        })
        .filter(|(_, value)| !says_nothing(value))
        .collect()
}

fn by_rule(rule: &Rule, value: Value) -> Value {
    match (rule, value) {
        (Rule::Word(default), Value::String(word)) => match word.to_ascii_uppercase() {
            word if word == *default => Value::Null,
            word => Value::String(word),
        },
        (Rule::Set, Value::Array(items)) => set(items),
        (Rule::WordSet, Value::Array(items)) => set(items
            .into_iter()
            .map(|item| item.as_str().map(str::to_ascii_uppercase).map_or(item.clone(), Value::String))
            .collect()),
        (Rule::Filled(default), value) if value.is_null() || value == 0 => Value::from(*default),
        (Rule::Default(default), value) if value == *default => Value::Null,
        (_, value) => value,
    }
}

pub(super) fn set(mut items: Vec<Value>) -> Value {
    items.sort_by_cached_key(embedded::text_of);
    items.dedup();
    Value::Array(items)
}

fn says_nothing(value: &Value) -> bool {
    embedded::is_empty(value) || value == false || value == ""
}

/// A noun as a JSON object. The nouns serialise to objects with text keys, which cannot fail.
fn object<T: Serialize>(noun: &T) -> Map<String, Value> {
    match serde_json::to_value(noun) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

fn api(live: &Live) -> Value {
    let mut map = object(&live.api);
    if let Some(text) = live.api.policy.as_deref() {
        map.insert("policy".into(), if text.is_empty() { Value::Null } else { embedded::policy(text) });
    }
    Value::Object(fields(map))
}

fn routes(live: &Live, names: &Names) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for ((path, verb), method) in live.methods() {
        let route = route(method, names);
        paths.entry(path.to_owned()).or_default().insert(verb.to_ascii_uppercase(), route);
    }
    Value::Object(paths.into_iter().map(|(path, methods)| (path, Value::Object(methods))).collect())
}

fn route(method: &Method, names: &Names) -> Value {
    let mut map = object(method);
    for (id, name, table) in [
        ("authorizerId", "authorizer", &names.authorizers),
        ("requestValidatorId", "requestValidator", &names.validators),
    ] {
        if let Some(Value::String(id)) = map.remove(id) {
            let label = table.get(&id).cloned().unwrap_or(id);
            map.insert(name.into(), Value::String(label));
        }
    }
    if let Some(integration) = &method.integration {
        map.insert("integration".into(), integration_of(integration));
    }
    each_entry(&mut map, "methodResponses");
    Value::Object(fields(map))
}

fn integration_of(integration: &Integration) -> Value {
    let mut map = object(integration);
    each_entry(&mut map, "integrationResponses");
    Value::Object(fields(map))
}

/// Makes the nouns in a map from status code to noun canonical.
fn each_entry(map: &mut Map<String, Value>, key: &str) {
    if let Some(Value::Object(entries)) = map.get_mut(key) {
        for entry in entries.values_mut() {
            if let Value::Object(noun) = entry.take() {
                *entry = Value::Object(fields(noun));
            }
        }
    }
}

/// Resources without methods: they take part in matching paths, so adding one is an edit. The root always exists.
fn empty_resources(live: &Live) -> Value {
    let paths = live.resources.iter().filter(|resource| resource.methods.is_empty() && resource.path != "/");
    set(paths.map(|resource| Value::String(resource.path.clone())).collect())
}

fn models(live: &Live) -> Value {
    let models = live.models.iter().map(|model| {
        let mut map = object(model);
        map.remove("name");
        if let Some(text) = model.schema.as_deref() {
            map.insert("schema".into(), embedded::schema(text));
        }
        (model.name.clone(), Value::Object(fields(map)))
    });
    Value::Object(models.collect())
}

fn responses(live: &Live) -> Value {
    let changed = live.responses.iter().filter(|response| !response.default_response).map(|response| {
        let mut map = object(response);
        map.remove("responseType");
        map.remove("defaultResponse");
        (response.response_type.to_ascii_uppercase(), Value::Object(fields(map)))
    });
    Value::Object(changed.collect())
}

/// What methods call their authorizers and validators: by id in the API, by name here.
struct Names {
    /// Id → label.
    authorizers: BTreeMap<String, String>,
    /// Id → the rest.
    authorizer_bodies: BTreeMap<String, Value>,
    validators: BTreeMap<String, String>,
    validator_bodies: BTreeMap<String, Value>,
}

impl Names {
    fn of(live: &Live) -> Self {
        let authorizers = live.authorizers.iter().map(|a| (a.id.as_str(), a.name.as_str(), object(a)));
        let validators = live.validators.iter().map(|v| (v.id.as_str(), v.name.as_str(), object(v)));
        let (authorizers, authorizer_bodies) = labels(authorizers);
        let (validators, validator_bodies) = labels(validators);
        Self { authorizers, authorizer_bodies, validators, validator_bodies }
    }
}

/// A label for each id: its name, or, where several share a name, the name and a digest of the rest, so that a method
/// that moves from one to the other is seen to change.
fn labels<'a>(
    items: impl Iterator<Item = (&'a str, &'a str, Map<String, Value>)>,
) -> (BTreeMap<String, String>, BTreeMap<String, Value>) {
    let items: Vec<(&str, &str, Value)> = items
        .map(|(id, name, mut map)| {
            map.remove("id");
            map.remove("name");
            (id, name, embedded::sorted(fields(map)))
        })
        .collect();
    let label = |name: &str, body: &Value| {
        if items.iter().filter(|(_, other, _)| *other == name).count() == 1 {
            name.to_owned()
        } else {
            format!("{name} ({})", hex(&Sha256::digest(body.to_string()), 8))
        }
    };
    let labels = items.iter().map(|(id, name, body)| ((*id).to_owned(), label(name, body))).collect();
    (labels, items.iter().map(|(id, _, body)| ((*id).to_owned(), body.clone())).collect())
}

fn labelled(labels: &BTreeMap<String, String>, bodies: &BTreeMap<String, Value>) -> Map<String, Value> {
    bodies.iter().filter_map(|(id, body)| Some((labels.get(id)?.clone(), body.clone()))).collect()
}

#[cfg(test)]
mod tests;
