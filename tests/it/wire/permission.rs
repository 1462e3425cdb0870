//! What IAM asks about each call: told from what goes over the wire, it is what the model of AWS asks, and what the
//! declaration of the operation says.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use stagegate::aws::{Call, Operation};
use stagegate::world::Account;

use super::server::{Seen, Server, send_call};
use crate::support::iam::{Place, Wire};

/// One call of every operation that needs a permission.
fn calls() -> Vec<Value> {
    [lambda(), beside(), gateway()].concat()
}

/// A call's fields, and more.
fn with(base: &Value, more: Value) -> Value {
    let mut all = base.clone();
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn lambda() -> Vec<Value> {
    let (function, alias) = ("pets", "live");
    let routing = json!({ "version": "3", "weights": {}, "description": "" });
    let alias_of = json!({ "function": function, "alias": alias });
    vec![
        json!({ "GetAlias": alias_of }),
        json!({ "GetFunction": { "function": function, "qualifier": null } }),
        json!({ "GetFunction": { "function": function, "qualifier": "41" } }),
        json!({ "ListVersionsByFunction": { "function": function, "marker": null } }),
        json!({ "ListAliases": { "function": function, "marker": null } }),
        json!({ "GetPolicy": alias_of }),
        json!({ "GetVersionPolicy": { "function": function, "version": 41 } }),
        json!({ "GetProvisionedConcurrencyConfig": alias_of }),
        json!({ "PublishVersion": { "function": function, "code_sha256": "s", "revision": "r", "description": "d" } }),
        json!({ "CreateAlias": with(&alias_of, json!({ "routing": routing })) }),
        json!({ "UpdateAlias": with(&alias_of, json!({ "routing": routing, "revision": "r" })) }),
        json!({ "DeleteAlias": alias_of }),
        json!({ "AddPermission": with(&alias_of, json!({ "statement": { "sid": "s", "source_arn": "arn" }, "revision": null })) }),
        json!({ "RemovePermission": with(&alias_of, json!({ "sid": "s", "revision": null })) }),
        json!({ "DeleteVersion": { "function": function, "version": 41 } }),
        json!({ "Invoke": { "function": function, "version": "41", "payload": "{}", "timeout_s": 5 } }),
    ]
}

fn beside() -> Vec<Value> {
    let query =
        json!({ "namespace": "AWS/Lambda", "metric": "Errors", "dimensions": {}, "stat": "Sum", "period_s": 60 });
    let (start, end) = ("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z");
    vec![
        json!({ "GetMetricData": { "queries": [query], "start": start, "end": end, "next": null } }),
        json!({ "DescribeAlarms": { "names": ["a"] } }),
        json!({ "FilterLogEvents": { "group": "/aws/lambda/pets", "prefix": "2026", "start": start, "end": end,
            "limit": 10, "next": null } }),
        json!({ "LookupEvents": { "name": "UpdateAlias20150331", "end": end, "next": null } }),
        json!({ "ListDeployments": { "statuses": [], "since": null, "next": null } }),
        json!({ "BatchGetDeployments": { "deployments": ["d-1"] } }),
        json!({ "ListDeploymentTargets": { "deployment": "d-1", "next": null } }),
        json!({ "BatchGetDeploymentTargets": { "deployment": "d-1", "targets": ["t"] } }),
        json!({ "DescribeStackResources": { "physical_id": "pets" } }),
        json!({ "SimulatePrincipalPolicy": { "principal": "arn:aws:iam::123456789012:role/x", "actions": ["a:B"],
            "resources": [], "context": [], "next": null } }),
    ]
}

fn gateway() -> Vec<Value> {
    let (api, stage) = ("a1b2c3d4e5", "prod");
    let (of_api, of_stage) = (json!({ "api": api }), json!({ "api": api, "stage": stage }));
    let deployment = json!({ "api": api, "deployment": "d1" });
    let described = json!({ "api": api, "description": "x" });
    let domain = json!({ "domain": "api.example.com" });
    vec![
        json!({ "GetRestApis": { "position": null } }),
        json!({ "GetRestApi": of_api }),
        json!({ "GetResources": of_api }),
        json!({ "GetModels": of_api }),
        json!({ "GetAuthorizers": of_api }),
        json!({ "GetRequestValidators": of_api }),
        json!({ "GetGatewayResponses": of_api }),
        json!({ "GetStage": of_stage }),
        json!({ "GetStages": of_api }),
        json!({ "GetDeployment": deployment }),
        json!({ "GetDeploymentRoutes": deployment }),
        json!({ "GetDeployments": of_api }),
        json!({ "GetDomainName": domain }),
        json!({ "GetBasePathMappings": domain }),
        json!({ "GetExport": of_stage }),
        json!({ "CreateDeployment": described }),
        json!({ "DeleteDeployment": deployment }),
        json!({ "UpdateStage": with(&of_stage, json!({ "patches": [] })) }),
        json!({ "GetApi": of_api }),
        json!({ "GetRoutes": of_api }),
        json!({ "GetIntegrations": of_api }),
        json!({ "GetHttpAuthorizers": of_api }),
        json!({ "GetHttpStage": { "api": api, "stage": "$default" } }),
        json!({ "GetHttpStages": of_api }),
        json!({ "GetHttpDeployment": deployment }),
        json!({ "GetHttpDeployments": of_api }),
        json!({ "ExportApi": of_stage }),
        json!({ "GetDomainNameV2": domain }),
        json!({ "GetApiMappings": domain }),
        json!({ "ListRoutingRules": domain }),
        json!({ "CreateHttpDeployment": described }),
        json!({ "DeleteHttpDeployment": deployment }),
        json!({ "UpdateHttpStage": with(&of_stage, json!({ "deployment": "d1", "variables": {} })) }),
    ]
}

fn wire(seen: &Seen) -> Wire {
    let mut words = seen.line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    Wire { method, target, operation: seen.header("x-amz-target").map(str::to_owned), body: seen.body.clone() }
}

#[test]
fn what_goes_over_the_wire_is_authorised_as_the_operation_says() {
    let mut account = Account::new(Timestamp::UNIX_EPOCH);
    account.settings.region = "eu-west-1".into();
    let place = Place { region: "eu-west-1", account: "123456789012" };
    let mut seen = BTreeSet::new();
    for one in calls() {
        let call: Call = serde_json::from_value(one.clone()).unwrap_or_else(|error| panic!("{one}: {error}"));
        let server = Server::answering("200 OK", &[], "{}");
        // What is made of such an answer makes no difference.
        let answer = send_call(&server.url, &call);
        assert_eq!(server.all().len(), 1, "{one}: {answer:?}");
        let asked = account.asked(&call).map(|asked| (asked.action.to_owned(), asked.resource));
        assert_eq!(wire(&server.only()).asked(&place), asked, "{one}");
        assert_eq!(asked.unwrap().0, call.operation().iam_action(), "{one}");
        seen.insert(call.operation());
    }
    let rest: Vec<Operation> = Operation::ALL.iter().filter(|operation| !seen.contains(operation)).copied().collect();
    assert_eq!(rest, [Operation::GetCallerIdentity, Operation::InvokeStage, Operation::RequestUrl]);
    assert!(rest.iter().all(|operation| operation.iam_action().is_empty()), "they need no permission");
}
