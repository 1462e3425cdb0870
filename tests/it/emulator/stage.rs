//! What a stage serves, looked at by the built program: APIs that another client imported from OpenAPI documents, edited by
//! that client, found behind and redeployed. The emulator exports what is live and not what a stage serves, without
//! integrations (the table of deviations says so), so its stages are compared by the fingerprints of stagegate's own
//! deployments.

use serde_json::{Map, Value, json};

use super::machine::Machine;
use super::proxy::Proxy;
use super::shop::{ALIAS, FUNCTION};
use crate::support::account::Account;
use crate::support::account_setup::{ALIAS_VARIABLE, marker_handler};
use crate::support::announce;
use crate::support::emulator::{Emulator, REGION};

/// What one look at a REST API's stage takes, whatever its size up to 500 resources, in the order in which it is sent.
const MINIMUM: [&str; 9] = [
    "GetStages",
    "GetRestApi",
    "GetResources",
    "GetModels",
    "GetAuthorizers",
    "GetRequestValidators",
    "GetGatewayResponses",
    "GetDeployment",
    "GetAlias",
];

fn uri(account: &Account) -> String {
    let function = format!("{}:${{stageVariables.{ALIAS_VARIABLE}}}", account.function_arn(FUNCTION));
    format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations")
}

/// An OpenAPI document with so many paths, each with a GET, every third with a POST, too.
fn document(account: &Account, paths: usize) -> Value {
    let integration =
        json!({"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri(account), "payloadFormatVersion": "1.0"});
    let operation =
        json!({"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration});
    let mut all = Map::new();
    for n in 0..paths {
        let mut methods = Map::from_iter([("get".to_owned(), operation.clone())]);
        if n % 3 == 0 {
            methods.insert("post".to_owned(), operation.clone());
        }
        all.insert(format!("/things{n}"), Value::Object(methods));
    }
    json!({"openapi": "3.0.1", "info": {"title": "shop", "version": "1", "description": "shop"}, "paths": all})
}

/// The keys of an HTTP API's routes that a document describes.
fn routes_of(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| -> Vec<String> {
        methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())).collect()
    };
    paths.iter().flat_map(of).collect()
}

/// An API of so many paths behind the stage `prod`, deployed and permitted by the other client.
struct Shop {
    account: Account,
    api: String,
}

impl Shop {
    #[track_caller]
    fn new(emulator: &'static Emulator, name: &str, paths: usize) -> Self {
        let account = emulator.account(name);
        account.create_function(FUNCTION, &marker_handler("one"));
        let version = account.publish_version(FUNCTION);
        account.create_alias(FUNCTION, ALIAS, &version, &[]);
        let imported =
            account.must("apigateway", "import_rest_api", json!({"body": document(&account, paths).to_string()}));
        let api = imported["id"].as_str().unwrap().to_owned();
        let deployment = account.create_deployment(&api, "by hand");
        account.create_stage(&api, "prod", &deployment, Some(ALIAS));
        let source = format!("arn:aws:execute-api:{REGION}:{}:{api}/prod/*", account.id);
        account.must(
            "lambda",
            "add_permission",
            json!({"FunctionName": FUNCTION, "Qualifier": ALIAS, "StatementId": "by-hand",
                "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": source}),
        );
        Self { account, api }
    }

    fn machine(&self) -> Machine {
        Machine::new(&self.account).config(&format!(
            "schema = 1\n[target.prod]\nfunctions = [\"{FUNCTION}\"]\nalias = \"{ALIAS}\"\napi = \"{}\"\nstage = \"prod\"\n\
             alias_variable = \"{ALIAS_VARIABLE}\"\n",
            self.api
        ))
    }

    fn stage(&self) -> String {
        format!("{}/prod", self.api)
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}.execute-api.{REGION}.amazonaws.com/prod{path}", self.api)
    }

    /// A method that nobody deployed.
    #[track_caller]
    fn add_method(&self, method: &str, path: &str) {
        let found = self.account.must("apigateway", "get_resources", json!({"restApiId": self.api, "limit": 500}));
        let resources = found["items"].as_array().unwrap();
        let resource = resources.iter().find(|one| one["path"] == path).unwrap()["id"].clone();
        let target = json!({"restApiId": self.api, "resourceId": resource, "httpMethod": method});
        let with = |more: Value| {
            let mut all = target.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        self.account.must("apigateway", "put_method", with(json!({"authorizationType": "NONE"})));
        let integration = json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri(&self.account)});
        self.account.must("apigateway", "put_integration", with(integration));
    }
}

#[test]
fn a_stage_of_an_imported_api_is_found_behind_explained_and_redeployed() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e stage", 30);
    shop.machine().run(&["redeploy", &shop.stage(), "--force", "--yes"]).exits(0);

    let proxy = Proxy::watching(&emulator.endpoint());
    let clean = shop.machine().through(&proxy).run(&["drift"]).exits(0);
    assert!(clean.all().contains("nothing found in 1 target"), "{}", clean.all());
    let minimum: Vec<&str> = MINIMUM.iter().copied().chain(["GetPolicy"]).collect();
    assert_eq!(proxy.requests(), minimum, "an API of 30 paths");

    shop.add_method("DELETE", "/things7");
    let behind = shop.machine().run(&["drift"]).exits(3);
    assert!(behind.all().contains("D201"), "{}", behind.all());
    let url = shop.url("/things7");
    let (status, _) = shop.account.http("DELETE", &shop.api, "prod", "/things7");
    assert_eq!(status, 403);
    let doctor = shop.machine().run(&["doctor", &url, "--retest"]).exits(3);
    for line in ["GET /things7 is answered by GET /things7", "20 requests: 20 x 200", "permission [ok]"] {
        assert!(doctor.all().contains(line), "{line:?} is not in\n{}", doctor.all());
    }

    let done = shop.machine().run(&["redeploy", &shop.stage(), "--yes"]).exits(0);
    announce(&format!("redeployed by the program:\n{}", done.all()));
    shop.machine().run(&["drift", "prod"]).exits(0);
    let (status, _) = shop.account.http("DELETE", &shop.api, "prod", "/things7");
    assert_eq!(status, 200);
}

#[test]
fn a_missing_permission_is_found_and_granted_and_the_route_answers() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e permission", 30);
    shop.machine().run(&["redeploy", &shop.stage(), "--force", "--yes"]).exits(0);
    let statement = json!({"FunctionName": FUNCTION, "Qualifier": ALIAS, "StatementId": "by-hand"});
    shop.account.must("lambda", "remove_permission", statement);
    let found = shop.machine().run(&["drift", "prod"]).exits(3);
    assert!(found.all().contains("D601"), "{}", found.all());
    shop.machine().run(&["permission", "grant", &shop.stage(), "--yes"]).exits(0);
    shop.machine().run(&["drift", "prod"]).exits(0);
    shop.machine().run(&["permission", "list", &shop.stage()]).exits(0);
}

#[test]
fn an_api_of_three_hundred_resources_takes_no_call_more_than_a_small_one() {
    let Some(emulator) = Emulator::shared() else { return };
    let shop = Shop::new(emulator, "e2e large", 299);
    shop.machine().run(&["redeploy", &shop.stage(), "--force", "--yes"]).exits(0);
    let proxy = Proxy::watching(&emulator.endpoint());
    shop.machine().through(&proxy).run(&["drift", "prod"]).exits(0);
    let minimum: Vec<&str> = MINIMUM.iter().copied().chain(["GetPolicy"]).collect();
    assert_eq!(proxy.requests(), minimum, "an API of 300 resources");
    announce(&format!("drift over an API of 300 resources: {} requests", proxy.requests().len()));
}

#[test]
fn an_http_api_of_forty_routes_deploys_itself_and_is_looked_at_in_as_few_calls() {
    let Some(emulator) = Emulator::shared() else { return };
    let account = emulator.account("e2e http stage");
    account.create_function(FUNCTION, &marker_handler("one"));
    let version = account.publish_version(FUNCTION);
    account.create_alias(FUNCTION, ALIAS, &version, &[]);
    // The emulator has no `ImportApi`: the client makes each route of the document.
    let keys = routes_of(&document(&account, 30));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let api = account.create_http_api("shop", FUNCTION, &keys);
    account.must(
        "apigatewayv2",
        "create_stage",
        json!({"ApiId": api, "StageName": "$default", "AutoDeploy": true, "StageVariables": {ALIAS_VARIABLE: ALIAS}}),
    );
    let machine = || Machine::new(&account);
    let stage = format!("{api}/$default");
    let found = machine().run(&["drift", &stage]).exits(3);
    assert!(found.all().contains(" and 39 more answer 500"), "{}", found.all());
    machine().run(&["permission", "grant", &stage, "--yes"]).exits(0);
    let proxy = Proxy::watching(&emulator.endpoint());
    let clean = machine().through(&proxy).run(&["drift", &stage]).exits(0);
    assert!(clean.all().contains("[ok] auto"), "{}", clean.all());
    announce(&format!("drift over an HTTP API of 40 routes: {:?}", proxy.requests()));
    assert_eq!(
        proxy.requests(),
        ["GetStages", "GetStages", "GetApi", "GetRoutes", "GetIntegrations", "GetAlias", "GetPolicy"]
    );
}
