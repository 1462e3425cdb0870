//! What an API means, apart from how it is written: random specifications, edits of them, and spellings.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use stagegate::world::apigateway::Definition;

use super::shop::{of_live, uri};

/// The meaning of an API. Two APIs mean the same exactly when these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spec {
    /// Path and method number → what the method does.
    pub routes: BTreeMap<(u8, u8), Route>,
    /// Seconds of three authorizers; 0 = the default, of which there are more than any other number here.
    pub ttl: [u16; 3],
    /// Whether each of three validators checks the body.
    pub checks_body: [bool; 3],
    /// Model number → longest text.
    pub models: BTreeMap<u8, u8>,
    /// Gateway response number → status.
    pub responses: BTreeMap<u8, u16>,
    pub binary: BTreeSet<u8>,
    pub compression: Option<u16>,
    pub allowed: BTreeSet<u8>,
    pub disabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    pub function: u8,
    /// 0 = the default.
    pub timeout: u8,
    /// 0 nobody is asked, 1 IAM, 2–4 an authorizer.
    pub guard: u8,
    pub scopes: BTreeSet<u8>,
    pub key: bool,
    pub validator: Option<u8>,
    pub model: Option<u8>,
    pub parameters: BTreeMap<u8, bool>,
    pub operation: u8,
    pub templates: BTreeMap<u8, u8>,
    pub cache: BTreeSet<u8>,
    pub tls: bool,
    pub passthrough: u8,
    pub statuses: BTreeSet<u8>,
}

/// One edit: what, where and to which value; each number is taken modulo what there is.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Change something.
    Change(u8, u8, u8),
    /// Take the last change back that was not taken back yet.
    Inverse,
}

pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let change = any::<(u8, u8, u8)>().prop_map(|(what, place, value)| Edit::Change(what, place, value));
    prop::collection::vec(prop_oneof![3 => change, 2 => Just(Edit::Inverse)], 1..8)
}

/// A specification is what a few changes make of the empty one; it has a method, so that it can be deployed.
pub fn spec() -> impl Strategy<Value = Spec> {
    prop::collection::vec(any::<(u8, u8, u8)>(), 0..40).prop_map(|changes| {
        let mut spec = Spec::default();
        spec.routes.insert((0, 0), Route::default());
        changes.into_iter().for_each(|(what, place, value)| spec.change(what, place, value));
        spec
    })
}

fn toggle<T: Ord>(set: &mut BTreeSet<T>, item: T) {
    if !set.remove(&item) {
        set.insert(item);
    }
}

fn put<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    if map.get(&key) == Some(&value) {
        map.remove(&key);
    } else {
        map.insert(key, value);
    }
}

impl Spec {
    pub fn change(&mut self, what: u8, place: u8, value: u8) {
        let at = usize::from(place % 3);
        match what % 30 {
            0 => put(&mut self.routes, (place % 5, value % 4), Route::default()),
            1 => self.ttl[at] = u16::from(value) + 1,
            2 => self.checks_body[at] = !self.checks_body[at],
            3 => put(&mut self.models, place % 3, value % 4),
            4 => put(&mut self.responses, place % 3, 400 + u16::from(value % 5)),
            5 => toggle(&mut self.binary, value % 5),
            6 => self.compression = Some(u16::from(value % 3)).filter(|_| place.is_multiple_of(2)),
            7 => toggle(&mut self.allowed, value % 5),
            8 => self.disabled = !self.disabled,
            other => {
                let (count, at) = (self.routes.len().max(1), usize::from(place));
                if let Some(route) = self.routes.values_mut().nth(at % count) {
                    route.change(other, value);
                }
            }
        }
        if self.routes.is_empty() {
            self.routes.insert((0, 0), Route::default());
        }
    }

    /// Without what no export shows.
    pub fn visible(&self) -> Self {
        let mut seen = Self { models: BTreeMap::new(), disabled: false, ..self.clone() };
        let used: BTreeSet<u8> = self.routes.values().filter_map(|route| route.validator).collect();
        for (number, checks) in (0..).zip(&mut seen.checks_body) {
            *checks &= used.contains(&number);
        }
        for route in seen.routes.values_mut() {
            *route = Route {
                scopes: BTreeSet::new(),
                operation: 0,
                tls: false,
                statuses: BTreeSet::new(),
                ..std::mem::take(route)
            };
        }
        seen
    }
}

impl Route {
    fn change(&mut self, what: u8, value: u8) {
        match what {
            9 | 10 => self.function = value % 3,
            11 => self.timeout = value % 4,
            12 | 13 => self.guard = value % 5,
            14 => toggle(&mut self.scopes, value % 3),
            15 => self.key = !self.key,
            16 | 17 => self.validator = (value < 192).then_some(value % 3),
            18 => self.model = (value < 192).then_some(value % 3),
            19 | 20 => put(&mut self.parameters, value % 3, value >= 128),
            21 => self.operation = value % 3,
            22 | 23 => put(&mut self.templates, value % 2, value % 7),
            24 => toggle(&mut self.cache, value % 3),
            25 => self.tls = !self.tls,
            26 | 27 => self.passthrough = value % 3,
            _ => toggle(&mut self.statuses, value % 3),
        }
    }
}

/// The free choices of whoever writes an API down.
pub struct Spelling(u64);

impl Spelling {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    /// In any order.
    fn shuffled<T>(&mut self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut rest: Vec<T> = items.into_iter().collect();
        let mut out = Vec::new();
        while !rest.is_empty() {
            let next = self.below(rest.len());
            out.push(rest.swap_remove(next));
        }
        out
    }

    /// Upper or lower case.
    fn word(&mut self, word: &str) -> Value {
        json!(if self.flip() { word.to_lowercase() } else { word.to_owned() })
    }

    /// Written out, or left to its default.
    fn default(&mut self, value: Value) -> Value {
        if self.flip() { value } else { Value::Null }
    }

    /// JSON in a text, with or without whitespace.
    fn document(&mut self, value: &Value) -> String {
        if self.flip() { value.to_string() } else { format!("{value:#}") }
    }

    /// The definition, with these ids for authorizers and validators.
    pub fn write(&mut self, spec: &Spec) -> Definition {
        let salt = self.below(1000);
        let id = |kind: &str, number: u8| format!("{kind}{number}x{salt}");
        let mut paths: BTreeMap<u8, serde_json::Map<String, Value>> = BTreeMap::new();
        for ((path, verb), route) in &spec.routes {
            let verb = ["GET", "POST", "DELETE", "ANY"][usize::from(*verb)];
            paths.entry(*path).or_default().insert(verb.into(), self.method(route, &id));
        }
        let resources =
            paths.into_iter().map(|(path, methods)| json!({"path": format!("/p{path}"), "methods": methods}));
        let resources = self.shuffled(resources.collect::<Vec<_>>());
        let authorizers = (0..3).map(|number| {
            let ttl = match spec.ttl[usize::from(number)] {
                0 => self.default(json!(300)),
                ttl => json!(ttl),
            };
            json!({"id": id("a", number), "name": format!("auth{number}"), "type": self.word("TOKEN"),
                "authorizerUri": uri(&format!("auth:{number}")), "authorizerResultTtlInSeconds": ttl})
        });
        let authorizers: Vec<Value> = authorizers.collect();
        let validators = (0..3).map(|number| {
            json!({"id": id("v", number), "name": format!("val{number}"),
                "validateRequestBody": spec.checks_body[usize::from(number)], "validateRequestParameters": true})
        });
        let models = spec.models.iter().map(|(number, longest)| {
            let schema = self.document(&json!({"type": "string", "maxLength": longest}));
            json!({"name": format!("M{number}"), "contentType": "application/json", "schema": schema})
        });
        let models: Vec<Value> = models.collect();
        let responses = spec.responses.iter().map(|(number, status)| {
            let kind = ["THROTTLED", "ACCESS_DENIED", "DEFAULT_5XX"][usize::from(*number)];
            json!({"responseType": kind, "statusCode": status.to_string(), "responseParameters": {}, "responseTemplates": {}, "defaultResponse": false})
        });
        let api = self.api(spec);
        let definition = json!({
            "api": api, "resources": resources, "models": self.shuffled(models),
            "authorizers": self.shuffled(authorizers), "validators": self.shuffled(validators.collect::<Vec<_>>()),
            "responses": self.shuffled(responses.collect::<Vec<_>>()),
        });
        of_live(serde_json::from_value(definition).unwrap())
    }

    fn api(&mut self, spec: &Spec) -> Value {
        let sources: Vec<String> = self.shuffled(spec.allowed.iter().map(|number| format!("192.0.2.{number}")));
        let sources = match sources.as_slice() {
            [one] if self.flip() => json!(one),
            several => json!(several),
        };
        let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
            "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": sources}}}});
        let policy = (!spec.allowed.is_empty()).then(|| self.document(&policy));
        let policy = policy.map(|text| if self.flip() { text.replace('\n', "").replace('"', "\\\"") } else { text });
        json!({
            "name": "random", "binaryMediaTypes": self.shuffled(spec.binary.iter().map(|number| format!("image/{number}"))),
            "minimumCompressionSize": spec.compression, "apiKeySource": self.default(json!("HEADER")), "policy": policy,
            "disableExecuteApiEndpoint": spec.disabled, "endpointTypes": [self.word("REGIONAL")],
        })
    }

    fn method(&mut self, route: &Route, id: &dyn Fn(&str, u8) -> String) -> Value {
        let (kind, authorizer) = match route.guard {
            0 => (self.default(json!("NONE")), None),
            1 => (self.word("AWS_IAM"), None),
            number => (self.word("CUSTOM"), Some(id("a", number - 2))),
        };
        let parameters = route.parameters.iter();
        let parameters: BTreeMap<String, bool> =
            parameters.map(|(number, required)| (format!("method.request.querystring.q{number}"), *required)).collect();
        let models = route.model.map(|number| json!({"application/json": format!("M{number}")}));
        let operation = (route.operation > 0).then(|| format!("Op{}", route.operation));
        let statuses: BTreeMap<String, Value> =
            route.statuses.iter().map(|number| (format!("20{number}"), json!({}))).collect();
        json!({
            "authorizationType": kind, "authorizerId": authorizer, "apiKeyRequired": route.key,
            "authorizationScopes": self.shuffled(route.scopes.iter().map(|number| format!("scope/{number}"))),
            "requestValidatorId": route.validator.map(|number| id("v", number)), "requestParameters": parameters,
            "requestModels": models.unwrap_or_else(|| json!({})), "methodResponses": statuses,
            "operationName": operation.map_or_else(|| self.default(json!("")), Value::from),
            "integration": self.integration(route),
        })
    }

    fn integration(&mut self, route: &Route) -> Value {
        let templates: BTreeMap<String, String> = route
            .templates
            .iter()
            .map(|(kind, text)| (format!("text/{kind}"), "x".repeat(usize::from(*text))))
            .collect();
        let passthrough = match route.passthrough {
            0 => self.default(json!("WHEN_NO_MATCH")),
            1 => self.word("WHEN_NO_TEMPLATES"),
            _ => self.word("NEVER"),
        };
        let timeout = match route.timeout {
            0 if self.flip() => 0,
            0 => 29_000,
            seconds => i32::from(seconds) * 1000,
        };
        json!({
            "type": self.word("AWS"), "httpMethod": self.word("POST"), "uri": uri(&format!("f{}:live", route.function)),
            "timeoutInMillis": timeout, "passthroughBehavior": passthrough, "requestTemplates": templates,
            "insecureSkipVerification": route.tls, "connectionType": self.default(json!("INTERNET")),
            "cacheKeyParameters": self.shuffled(route.cache.iter().map(|number| format!("method.request.querystring.q{number}"))),
            "integrationResponses": {"200": {"selectionPattern": self.default(json!(""))}},
        })
    }
}
