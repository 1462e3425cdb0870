//! The two sides, set up alike: the World in memory, and the emulator as stagegate's own adapter sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use stagegate::aws::live::Live;
use stagegate::aws::{Aws as _, Call, Reply};
use stagegate::clock::VirtualClock;
use stagegate::model::{AliasName, ApiId, FunctionName, StageName};
use stagegate::world::{Behaviour, World};
use tokio::runtime::Runtime;

use super::compare::Answer;
use super::names::{Kind, Pairs};
use super::observed::began;
use crate::support::account::Account;
use crate::support::account_setup::ALIAS_VARIABLE;
use crate::support::emulator::{Emulator, REGION};

/// The functions of every sequence.
pub const FUNCTIONS: [&str; 2] = ["pets", "orders"];
/// The aliases that may exist.
pub const ALIASES: [&str; 2] = ["live", "beta"];
/// The aliases that exist from the beginning, with their functions.
pub const EXISTING: [(&str, &str); 3] = [("pets", "live"), ("pets", "beta"), ("orders", "live")];
/// The stages of the API.
pub const STAGES: [&str; 2] = ["prod", "test"];
/// Seconds; what both sides give a new function.
const TIMEOUT_S: u32 = 3;

/// A function's name.
pub fn function(name: &str) -> FunctionName {
    name.parse().unwrap()
}

/// An alias's name.
pub fn alias(name: &str) -> AliasName {
    name.parse().unwrap()
}

/// A stage's name.
pub fn stage(name: &str) -> StageName {
    name.parse().unwrap()
}

/// One account on each side, with the same in it.
pub struct Sides {
    /// Our model of AWS.
    pub world: World,
    /// A different program's access to the emulator.
    pub account: Account,
    /// Which of the World's names is which of the emulator's.
    pub pairs: Pairs,
    /// The API; of the same id on both sides.
    pub api: ApiId,
    /// Path → the emulator's id of the resource.
    pub resources: BTreeMap<String, String>,
    /// The alarms that exist.
    pub alarms: BTreeSet<&'static str>,
    live: Live,
    runtime: Runtime,
}

impl Sides {
    /// Two functions, one with two versions, and aliases, and an API whose two stages call one.
    pub fn new(emulator: &'static Emulator, account: &str) -> Self {
        let account = emulator.account(account);
        let live = Live::with_static(&account.id, "test", REGION, &emulator.endpoint());
        let world = World::new(VirtualClock::at(began()));
        world.set_quotas(false);
        world.edit(|world| {
            world.settings.account.clone_from(&account.id);
            world.settings.region = REGION.to_owned();
            // Deployments are told apart by time, too.
            world.settings.latency = Duration::from_secs(1);
            // Unknown of AWS (aws-semantics §15.1): what the emulator does, so that guards keep meaning the same.
            world.settings.permission_moves_alias_revision = true;
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let api = create_rest_api(&account);
        let (pairs, resources, alarms) = (Pairs::default(), BTreeMap::new(), BTreeSet::new());
        let mut sides = Self { world, account, pairs, api, resources, alarms, live, runtime };
        for (number, name) in FUNCTIONS.iter().enumerate() {
            sides.create_function(name, number);
        }
        sides.update_code(FUNCTIONS[0], Code::new(FUNCTIONS.len(), false));
        sides.settle(None);
        sides.account.publish_version(FUNCTIONS[0]);
        sides.world.edit(|world| world.publish(&function(FUNCTIONS[0]), "")).unwrap();
        for (name, of) in EXISTING {
            sides.account.create_alias(name, of, "1", &[]);
            sides.world.edit(|world| world.put_alias(&function(name), &alias(of), 1, &[])).unwrap();
        }
        sides.set_up_api();
        sides.settle(None);
        sides
    }

    /// One call on each side, the same but for names.
    pub fn ask(&self, call: &Call) -> (Answer, Answer) {
        let world = self.runtime.block_on(self.world.call(call));
        (world, self.ask_emulator(call))
    }

    /// A further question to the emulator alone.
    pub fn ask_emulator(&self, call: &Call) -> Answer {
        self.runtime.block_on(self.live.call(&self.pairs.translate(call)))
    }

    /// What an export of the World's live API would have at a place: `/paths/PATH`, a method of it, or its `uri`.
    pub fn live_at(&self, place: &str) -> Value {
        let mut places = BTreeMap::new();
        self.world.look(|world| {
            for resource in world.apis[&self.api].live.resources.iter().filter(|found| !found.methods.is_empty()) {
                let path = format!("/paths/{}", resource.path);
                let mut item = json!({});
                for (name, method) in &resource.methods {
                    let name =
                        if name == "ANY" { "x-amazon-apigateway-any-method".into() } else { name.to_lowercase() };
                    let uri = json!(method.integration.as_ref().and_then(|integration| integration.uri.clone()));
                    item[&name] = json!({ "uri": uri });
                    places.insert(format!("{path}/{name}"), item[&name].clone());
                    places.insert(format!("{path}/{name}/uri"), uri);
                }
                places.insert(path, item);
            }
        });
        places.remove(place).unwrap_or_default()
    }

    /// Whether the World's live API has such a method.
    pub fn has_live_method(&self, name: &str) -> bool {
        self.world
            .look(|world| world.apis[&self.api].live.resources.iter().any(|found| found.methods.contains_key(name)))
    }

    /// Waits on both sides until nothing is pending, after a call with this answer.
    pub fn settle(&self, emulators: Option<&Reply>) {
        self.world.run_until_quiet();
        if let Some(Reply::PublishVersion(version)) = emulators {
            let (name, version) = (version.arn.split(':').nth(6).unwrap_or_default(), version.version.to_string());
            let wait = json!({ "FunctionName": name, "Qualifier": version });
            self.account.must("lambda", "wait:published_version_active", wait);
        }
    }

    /// Deletes the emulator's functions: it would go on polling a queue for each of their versions.
    pub fn close(self) {
        for name in FUNCTIONS {
            self.account.must("lambda", "delete_function", json!({ "FunctionName": name }));
        }
    }

    fn create_function(&mut self, name: &str, number: usize) {
        let code = Code::new(number, false);
        self.account.create_function(name, &code.handler);
        self.account.publish_version(name);
        let emulators = self.account.must("lambda", "get_function_configuration", json!({ "FunctionName": name }));
        self.world.edit(|world| {
            world.create_function(&function(name), "", code.behaviour);
            let created = world.configure(&function(name), Duration::ZERO, |latest| {
                latest.function.timeout_s = TIMEOUT_S;
                emulators["CodeSha256"].as_str().unwrap().clone_into(&mut latest.function.code_sha256);
                emulators["Role"].as_str().unwrap().clone_into(&mut latest.function.role);
            });
            created.unwrap();
            world.publish(&function(name), "").unwrap();
        });
    }

    fn set_up_api(&mut self) {
        let api = self.api.clone();
        self.world.edit(|world| world.create_rest_api(&api, "api"));
        let found = self.account.must("apigateway", "get_resources", json!({ "restApiId": self.api.as_str() }));
        self.resources.insert("/".into(), found["items"][0]["id"].as_str().unwrap().to_owned());
        self.put_route("GET", "/pets", FUNCTIONS[0], &format!("${{stageVariables.{ALIAS_VARIABLE}}}"));
        let deployment = self.account.create_deployment(self.api.as_str(), "before");
        let worlds = self.world.edit(|world| world.deploy(&api, "before")).unwrap();
        self.pairs.bind(Kind::Deployment, &worlds, &deployment);
        for name in STAGES {
            self.account.create_stage(self.api.as_str(), name, &deployment, Some(ALIASES[0]));
            let variables = [(ALIAS_VARIABLE, ALIASES[0])];
            self.world.edit(|world| world.create_stage(&api, &stage(name), &worlds, &variables)).unwrap();
        }
    }

    /// Puts a proxy route into the live API of both sides.
    pub fn put_route(&mut self, method: &str, path: &str, target: &str, qualifier: &str) {
        let arn = format!("{}:{qualifier}", self.account.function_arn(target));
        let uri = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations");
        self.put_method(method, path);
        let integration = json!({ "restApiId": self.api.as_str(), "resourceId": self.resources[path],
            "httpMethod": method, "type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri });
        self.account.must("apigateway", "put_integration", integration);
        self.world.edit(|world| world.put_route(&self.api, method, path, &function(target), qualifier)).unwrap();
    }

    /// Puts a method that calls nothing into the live API of both sides, or takes from one what it calls.
    pub fn put_method(&mut self, method: &str, path: &str) {
        self.delete_method(method, path);
        let settings = json!({ "restApiId": self.api.as_str(), "resourceId": self.resource(path),
            "httpMethod": method, "authorizationType": "NONE" });
        self.account.must("apigateway", "put_method", settings);
        let put = self.world.edit(|world| {
            world.edit_api(&self.api, |definition| {
                definition.method_mut(path, method).authorization_type = Some("NONE".into());
            })
        });
        put.unwrap();
    }

    /// Takes a method out of the live API of both sides, if it is there.
    pub fn delete_method(&mut self, method: &str, path: &str) {
        let mut found = false;
        let deleted = self.world.edit(|world| {
            world.edit_api(&self.api, |definition| {
                let mut resources = definition.resources.iter_mut().filter(|resource| resource.path == path);
                found = resources.any(|resource| resource.methods.remove(method).is_some());
            })
        });
        deleted.unwrap();
        if found {
            let target =
                json!({ "restApiId": self.api.as_str(), "resourceId": self.resource(path), "httpMethod": method });
            self.account.must("apigateway", "delete_method", target);
        }
    }

    /// The emulator's id of the resource of a path, which is made if it is missing, and its parents.
    fn resource(&mut self, path: &str) -> String {
        if let Some(id) = self.resources.get(path) {
            return id.clone();
        }
        let (parent, part) = path.rsplit_once('/').unwrap();
        let parent = self.resource(if parent.is_empty() { "/" } else { parent });
        let resource = json!({ "restApiId": self.api.as_str(), "parentId": parent, "pathPart": part });
        let made: Value = self.account.must("apigateway", "create_resource", resource);
        let id = made["id"].as_str().unwrap().to_owned();
        self.resources.insert(path.to_owned(), id.clone());
        id
    }
}

fn create_rest_api(account: &Account) -> ApiId {
    let regional = json!({ "name": "api", "endpointConfiguration": { "types": ["REGIONAL"] } });
    account.must("apigateway", "create_rest_api", regional)["id"].as_str().unwrap().parse().unwrap()
}

/// The same code for both sides.
pub struct Code {
    /// The emulator's: a Python module.
    pub handler: String,
    /// The World's.
    pub behaviour: Behaviour,
}

impl Code {
    /// Code that answers with its number, or fails.
    pub fn new(number: usize, fails: bool) -> Self {
        if fails {
            let handler = format!("def handle(event, context):\n    raise ValueError('code {number}')\n");
            let payload = json!({ "errorMessage": format!("code {number}"), "errorType": "ValueError" }).to_string();
            let behaviour = Behaviour { payload, function_error: Some("Unhandled".into()), ..Behaviour::default() };
            return Self { handler, behaviour };
        }
        let handler = format!("def handle(event, context):\n    return {{'code': {number}}}\n");
        let behaviour = Behaviour { payload: json!({ "code": number }).to_string(), ..Behaviour::default() };
        Self { handler, behaviour }
    }
}
