//! Builders for what an account holds before a release: functions with versions and aliases behind a REST API.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::emulator::REGION;

const ROLE: &str = "function-role";
/// The stage variable that names the alias behind a stage.
pub const ALIAS_VARIABLE: &str = "lambdaAlias";

/// The source of a handler that answers API Gateway with `marker`, its own version and the name it was called by.
pub fn marker_handler(marker: &str) -> String {
    format!(
        r#"import json

def handle(event, context):
    body = {{"marker": {marker:?}, "version": context.function_version, "arn": context.invoked_function_arn}}
    return {{"statusCode": 200, "body": json.dumps(body)}}
"#
    )
}

impl Account {
    /// Creates a function from the source of `handler.py` (its entry is `handle`) and waits until it is Active.
    #[track_caller]
    pub fn create_function(&self, name: &str, handler: &str) {
        let role = self.function_role();
        let code = json!({"ZipFile": self.zip(handler)});
        let settings = json!({"FunctionName": name, "Runtime": "python3.13", "Handler": "handler.handle",
            "Role": role, "Code": code, "Timeout": 3});
        self.must("lambda", "create_function", settings);
        self.must("lambda", "wait:function_active_v2", json!({"FunctionName": name}));
    }

    /// Replaces the code of `$LATEST` and waits until the update is done.
    #[track_caller]
    pub fn update_code(&self, function: &str, handler: &str) {
        let zip = self.zip(handler);
        self.must("lambda", "update_function_code", json!({"FunctionName": function, "ZipFile": zip}));
        self.must("lambda", "wait:function_updated_v2", json!({"FunctionName": function}));
    }

    /// Publishes `$LATEST`, waits until the version is Active and returns its number.
    #[track_caller]
    pub fn publish_version(&self, function: &str) -> String {
        let answer = self.must("lambda", "publish_version", json!({"FunctionName": function}));
        let version = text(&answer, "Version");
        self.must("lambda", "wait:published_version_active", json!({"FunctionName": function, "Qualifier": version}));
        version
    }

    /// Creates an alias; `weights` are the shares (0 to 1) of other versions.
    #[track_caller]
    pub fn create_alias(&self, function: &str, alias: &str, version: &str, weights: &[(&str, f64)]) {
        let mut settings = json!({"FunctionName": function, "Name": alias, "FunctionVersion": version});
        if !weights.is_empty() {
            settings["RoutingConfig"] = routing(weights);
        }
        self.must("lambda", "create_alias", settings);
    }

    /// Invokes a version or an alias: the version that ran, and the payload it answered.
    #[track_caller]
    pub fn invoke(&self, function: &str, qualifier: &str) -> (String, Value) {
        let answer = self.must("lambda", "invoke", json!({"FunctionName": function, "Qualifier": qualifier}));
        let payload = text(&answer, "Payload");
        match serde_json::from_str(&payload) {
            Ok(payload) => (text(&answer, "ExecutedVersion"), payload),
            Err(error) => panic!("{function}:{qualifier} answered {payload:?}: {error}"),
        }
    }

    /// Creates a REST API whose GET and POST of `/pets` reach the function's alias named by the stage's
    /// [`ALIAS_VARIABLE`], and returns its id. Nothing of it is deployed.
    #[track_caller]
    pub fn create_rest_api(&self, name: &str, function: &str) -> String {
        let api = text(&self.must("apigateway", "create_rest_api", json!({"name": name})), "id");
        let resources = self.must("apigateway", "get_resources", json!({"restApiId": api}));
        let root = text(&resources["items"][0], "id");
        let path = json!({"restApiId": api, "parentId": root, "pathPart": "pets"});
        let pets = text(&self.must("apigateway", "create_resource", path), "id");
        let function = format!("{}:${{stageVariables.{ALIAS_VARIABLE}}}", self.function_arn(function));
        let uri = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations");
        for method in ["GET", "POST"] {
            let target = json!({"restApiId": api, "resourceId": pets, "httpMethod": method});
            self.must("apigateway", "put_method", with(&target, json!({"authorizationType": "NONE"})));
            let integration = json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri});
            self.must("apigateway", "put_integration", with(&target, integration));
        }
        api
    }

    /// Creates an HTTP API whose routes reach the function's alias named by the stage's [`ALIAS_VARIABLE`], and returns its
    /// id. Nothing of it is deployed.
    #[cfg(feature = "live")]
    #[track_caller]
    pub fn create_http_api(&self, name: &str, function: &str, routes: &[&str]) -> String {
        let api =
            text(&self.must("apigatewayv2", "create_api", json!({"Name": name, "ProtocolType": "HTTP"})), "ApiId");
        let function = format!("{}:${{stageVariables.{ALIAS_VARIABLE}}}", self.function_arn(function));
        let uri = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations");
        let integration = json!({"ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationMethod": "POST",
            "IntegrationUri": uri, "PayloadFormatVersion": "2.0"});
        let integration = text(&self.must("apigatewayv2", "create_integration", integration), "IntegrationId");
        for key in routes {
            let route = json!({"ApiId": api, "RouteKey": key, "Target": format!("integrations/{integration}")});
            self.must("apigatewayv2", "create_route", route);
        }
        api
    }

    /// Lets every stage and method of the API's `/pets` invoke the alias.
    #[track_caller]
    pub fn permit_api(&self, api: &str, function: &str, alias: &str) {
        let source = format!("arn:aws:execute-api:{REGION}:{}:{api}/*/*/pets", self.id);
        let statement = json!({"FunctionName": function, "Qualifier": alias, "StatementId": format!("{api}-{alias}"),
            "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": source});
        self.must("lambda", "add_permission", statement);
    }

    /// Makes a deployment of the API as it is, on no stage, and returns its id.
    #[track_caller]
    pub fn create_deployment(&self, api: &str, description: &str) -> String {
        let settings = json!({"restApiId": api, "description": description});
        text(&self.must("apigateway", "create_deployment", settings), "id")
    }

    /// Creates a stage on a deployment, with its [`ALIAS_VARIABLE`] set or, for `None`, without any variable.
    #[track_caller]
    pub fn create_stage(&self, api: &str, stage: &str, deployment: &str, alias: Option<&str>) {
        let mut settings = json!({"restApiId": api, "stageName": stage, "deploymentId": deployment});
        if let Some(alias) = alias {
            settings["variables"] = json!({ALIAS_VARIABLE: alias});
        }
        self.must("apigateway", "create_stage", settings);
    }

    /// Creates an alarm that no metric moves: it keeps the state that [`Account::set_alarm`] gives it.
    ///
    /// The emulator evaluates a new alarm by itself at some later moment, and would undo what was set before. It leaves an
    /// alarm as it is that ignores missing data: nothing is ever put into its metric.
    #[cfg(feature = "live")]
    #[track_caller]
    pub fn create_alarm(&self, name: &str) {
        let alarm = json!({"AlarmName": name, "Namespace": "Shop", "MetricName": "Complaints", "Statistic": "Sum",
            "Period": 86400, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore"});
        self.must("cloudwatch", "put_metric_alarm", alarm);
    }

    /// Sets an alarm's state, `OK` or `ALARM`, for this reason.
    #[cfg(feature = "live")]
    #[track_caller]
    pub fn set_alarm(&self, name: &str, state: &str, reason: &str) {
        let state = json!({"AlarmName": name, "StateValue": state, "StateReason": reason});
        self.must("cloudwatch", "set_alarm_state", state);
    }

    /// The ARN of a function of this account, without a qualifier.
    pub fn function_arn(&self, function: &str) -> String {
        format!("arn:aws:lambda:{REGION}:{}:function:{function}", self.id)
    }

    /// The ARN of the role that this account's functions run as, which is made when it is missing.
    #[track_caller]
    fn function_role(&self) -> String {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"}}]});
        let settings = json!({"RoleName": ROLE, "AssumeRolePolicyDocument": trust.to_string()});
        match self.call("iam", "create_role", settings) {
            Err(error) if error.code != "EntityAlreadyExists" => panic!("iam create_role: {error}"),
            _ => format!("arn:aws:iam::{}:role/{ROLE}", self.id),
        }
    }
}

/// A `RoutingConfig` that gives each of the versions its share (0 to 1).
pub fn routing(weights: &[(&str, f64)]) -> Value {
    let shares: Map<String, Value> =
        weights.iter().map(|&(version, share)| (version.to_owned(), json!(share))).collect();
    json!({"AdditionalVersionWeights": shares})
}

#[track_caller]
fn text(answer: &Value, field: &str) -> String {
    match answer[field].as_str() {
        Some(text) => text.to_owned(),
        None => panic!("no {field} in {answer}"),
    }
}

fn with(base: &Value, more: Value) -> Value {
    let mut all = base.clone();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}
