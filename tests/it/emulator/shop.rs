//! What is released: one function behind a REST API, built, changed and looked at by the independent client alone.

use serde_json::{Value, json};

use super::machine::Machine;
use crate::support::account::Account;
use crate::support::account_setup::{ALIAS_VARIABLE, marker_handler};
use crate::support::emulator::{Emulator, REGION};

/// The function.
pub const FUNCTION: &str = "pets";
/// Its alias.
pub const ALIAS: &str = "live";
/// Function and alias as a target.
pub const TARGET: &str = "pets:live";
/// The API's stage.
pub const STAGE: &str = "prod";

/// A function with the marker `one`, and an API whose stage was deployed by another program: no alias, no permission,
/// no stage variable.
pub struct Shop {
    /// Its account.
    pub account: Account,
    /// The API's id.
    pub api: String,
    redeploy: &'static str,
}

impl Shop {
    /// Never released.
    #[track_caller]
    pub fn new(emulator: &'static Emulator, account: &str) -> Self {
        let account = emulator.account(account);
        account.create_function(FUNCTION, &marker_handler("one"));
        let api = account.create_rest_api("shop", FUNCTION);
        let deployment = account.create_deployment(&api, "by hand");
        account.create_stage(&api, STAGE, &deployment, None);
        // The emulator's export of a stage shows the live API and not the deployed one: that the deployment of another
        // program is behind cannot be seen here.
        Self { account, api, redeploy: "always" }
    }

    /// Released once; then [edited](Self::edit) to the marker `two`.
    #[track_caller]
    pub fn released(emulator: &'static Emulator, account: &str) -> Self {
        let mut shop = Self::new(emulator, account);
        shop.machine().run(&["promote", "prod", "--yes"]).exits(0);
        shop.redeploy = "if-changed";
        shop.edit("two");
        shop
    }

    /// New code with a marker, and a new route `/cats`. Nothing is published or deployed.
    #[track_caller]
    pub fn edit(&self, marker: &str) {
        self.account.update_code(FUNCTION, &marker_handler(marker));
        let qualified = format!("{}:${{stageVariables.{ALIAS_VARIABLE}}}", self.account.function_arn(FUNCTION));
        self.add_route("cats", &qualified);
    }

    /// A route below the root that calls a function.
    #[track_caller]
    pub fn add_route(&self, path: &str, function: &str) {
        let resources = self.account.must("apigateway", "get_resources", json!({"restApiId": self.api}));
        let root =
            resources["items"].as_array().unwrap().iter().find(|each| each["path"] == "/").unwrap()["id"].clone();
        let resource = json!({"restApiId": self.api, "parentId": root, "pathPart": path});
        let id = self.account.must("apigateway", "create_resource", resource)["id"].clone();
        let uri = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations");
        let method = json!({"restApiId": self.api, "resourceId": id, "httpMethod": "GET", "authorizationType": "NONE"});
        self.account.must("apigateway", "put_method", method);
        let integration = json!({"restApiId": self.api, "resourceId": id, "httpMethod": "GET", "type": "AWS_PROXY",
            "integrationHttpMethod": "POST", "uri": uri});
        self.account.must("apigateway", "put_integration", integration);
    }

    /// The configuration file of the target `prod`.
    pub fn config(&self) -> String {
        self.config_with(&format!("alias_variable = \"{ALIAS_VARIABLE}\""))
    }

    /// The same with another line in place of the alias variable.
    pub fn config_with(&self, line: &str) -> String {
        format!(
            "schema = 1\n[target.prod]\nfunctions = [\"{FUNCTION}\"]\nalias = \"{ALIAS}\"\napi = \"{}\"\n\
             stage = \"{STAGE}\"\npermission_settle = \"0s\"\n{line}\nredeploy.when = \"{}\"\n",
            self.api, self.redeploy
        )
    }

    /// A machine with the configuration file.
    pub fn machine(&self) -> Machine {
        Machine::new(&self.account).config(&self.config())
    }

    /// A machine with nothing on it.
    pub fn elsewhere(&self) -> Machine {
        Machine::new(&self.account)
    }

    /// The emulator's address.
    pub fn endpoint(&self) -> String {
        let env = self.account.env();
        env.into_iter().find_map(|(name, value)| (name == "AWS_ENDPOINT_URL").then_some(value)).unwrap()
    }

    /// The alias; null when it does not exist.
    #[track_caller]
    pub fn alias(&self) -> Value {
        self.find("lambda", "get_alias", json!({"FunctionName": FUNCTION, "Name": ALIAS}))
    }

    /// The statements of the alias's policy.
    #[track_caller]
    pub fn statements(&self) -> Vec<Value> {
        let policy = self.find("lambda", "get_policy", json!({"FunctionName": FUNCTION, "Qualifier": ALIAS}));
        let document: Value = serde_json::from_str(policy["Policy"].as_str().unwrap_or("{}")).unwrap();
        document["Statement"].as_array().cloned().unwrap_or_default()
    }

    /// The stage.
    #[track_caller]
    pub fn stage(&self) -> Value {
        self.account.must("apigateway", "get_stage", json!({"restApiId": self.api, "stageName": STAGE}))
    }

    /// What the stage serves: its deployment's id and its variables.
    #[track_caller]
    pub fn served(&self) -> (String, Value) {
        let stage = self.stage();
        let variables = if stage["variables"].is_null() { json!({}) } else { stage["variables"].clone() };
        (stage["deploymentId"].as_str().unwrap().to_owned(), variables)
    }

    /// The API's deployments.
    #[track_caller]
    pub fn deployments(&self) -> Vec<Value> {
        let found = self.account.must("apigateway", "get_deployments", json!({"restApiId": self.api, "limit": 500}));
        found["items"].as_array().unwrap().clone()
    }

    /// The numbers of the published versions.
    #[track_caller]
    pub fn versions(&self) -> Vec<String> {
        let found = self.account.must("lambda", "list_versions_by_function", json!({"FunctionName": FUNCTION}));
        let numbers = found["Versions"].as_array().unwrap().iter().map(|version| version["Version"].as_str().unwrap());
        numbers.filter(|number| *number != "$LATEST").map(str::to_owned).collect()
    }

    /// Everything that a release could change, with every revision and date.
    #[track_caller]
    pub fn dump(&self) -> Value {
        let function = json!({"FunctionName": FUNCTION});
        let qualified = json!({"FunctionName": FUNCTION, "Qualifier": ALIAS});
        json!({
            "versions": self.account.must("lambda", "list_versions_by_function", function.clone()),
            "aliases": self.account.must("lambda", "list_aliases", function.clone()),
            "policy": self.find("lambda", "get_policy", qualified),
            "policy of the function": self.find("lambda", "get_policy", function),
            "stages": self.account.must("apigateway", "get_stages", json!({"restApiId": self.api})),
            "deployments": self.deployments(),
        })
    }

    /// What a caller of the stage gets: the marker; `5xx` where the stage reaches no function (the emulator's status for
    /// that varies); else the status.
    #[track_caller]
    pub fn answer(&self, path: &str) -> String {
        let (status, body) = self.account.http_get(&self.api, STAGE, path);
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        match status {
            200 => body["marker"].as_str().unwrap_or_default().to_owned(),
            500.. => "5xx".to_owned(),
            status => status.to_string(),
        }
    }

    /// What may not exist: null then.
    #[track_caller]
    fn find(&self, service: &str, operation: &str, arguments: Value) -> Value {
        match self.account.call(service, operation, arguments) {
            Ok(found) => found,
            Err(error) if error.status == 404 => Value::Null,
            Err(error) => panic!("{service} {operation}: {error}"),
        }
    }
}

/// An alias's version and description.
pub fn routed(alias: &Value) -> (&str, &str) {
    let text = |field: &str| alias[field].as_str().unwrap_or_default();
    (text("FunctionVersion"), text("Description"))
}
