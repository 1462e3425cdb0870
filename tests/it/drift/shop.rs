//! A stage of an API that uses every property, deployed by stagegate or by others, and edited since.

use futures_util::FutureExt;
use serde_json::{Value, json};
use stagegate::clock::VirtualClock;
use stagegate::definition::{Drift, Live, LiveApi, Marker};
use stagegate::event::Silent;
use stagegate::model::{ApiId, RunId, StageName, StageRef};
use stagegate::plan::Observer;
use stagegate::world::World;
use stagegate::world::apigateway::Definition;

/// Who made the deployment that the stage serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Stagegate,
    Others,
}

pub fn api() -> ApiId {
    "a1b2c3d4e5".parse().unwrap()
}

pub fn prod() -> StageName {
    "prod".parse().unwrap()
}

/// The URI of a Lambda integration.
pub fn uri(function: &str) -> String {
    format!(
        "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:{function}/invocations"
    )
}

fn lambda(function: &str) -> Value {
    json!({
        "type": "AWS_PROXY", "httpMethod": "POST", "uri": uri(function), "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29000,
    })
}

/// The policy with an effect.
pub fn policy(effect: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": effect, "Principal": "*", "Action": ["execute-api:Invoke"],
        "Resource": ["arn:aws:execute-api:eu-west-1:111111111111:a1b2c3d4e5/*", "arn:aws:execute-api:eu-west-1:111111111111:a1b2c3d4e5/prod/*"],
        "Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/24"]}},
    }]})
    .to_string()
}

fn orders() -> Value {
    let mut create = lambda("orders:${stageVariables.lambdaAlias}");
    create["credentials"] = json!("arn:aws:iam::111111111111:role/call");
    create["contentHandling"] = json!("CONVERT_TO_TEXT");
    create["requestTemplates"] = json!({"application/json": "{\n  \"body\": $input.json('$')\n}"});
    json!({
        "POST": {
            "authorizationType": "CUSTOM", "authorizerId": "jw1t23", "apiKeyRequired": true,
            "requestValidatorId": "v1d2", "operationName": "CreateOrder", "requestModels": {"application/json": "Order"},
            "requestParameters": {"method.request.header.X-Request-Id": true, "method.request.querystring.dry": false},
            "methodResponses": {"200": {
                "responseModels": {"application/json": "Order"},
                "responseParameters": {"method.response.header.Location": false},
            }},
            "integration": create,
        },
        "OPTIONS": {
            "authorizationType": "NONE", "methodResponses": {"200": {}},
            "integration": {
                "type": "MOCK", "passthroughBehavior": "NEVER", "timeoutInMillis": 29000,
                "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
                "integrationResponses": {"200": {"responseParameters": {"method.response.header.Allow": "'*'"}}},
            },
        },
    })
}

fn order() -> Value {
    let mut get = lambda("orders:${stageVariables.lambdaAlias}");
    get["type"] = json!("AWS");
    get["cacheKeyParameters"] = json!(["method.request.path.id", "method.request.querystring.lang"]);
    get["requestParameters"] = json!({"integration.request.path.id": "method.request.path.id"});
    get["integrationResponses"] = json!({
        "200": {"responseTemplates": {"application/json": "$input.json('$')"}},
        "500": {"selectionPattern": "5\\d{2}", "contentHandling": "CONVERT_TO_TEXT"},
    });
    json!({
        "GET": {
            "authorizationType": "COGNITO_USER_POOLS", "authorizerId": "p00l",
            "authorizationScopes": ["orders/read", "orders/all"],
            "requestParameters": {"method.request.path.id": true}, "methodResponses": {"200": {}, "500": {}},
            "integration": get,
        },
        "DELETE": {"authorizationType": "AWS_IAM", "integration": lambda("orders:${stageVariables.lambdaAlias}")},
    })
}

/// The definition that is deployed.
pub fn definition() -> Definition {
    let mut balance = lambda("");
    balance["type"] = json!("HTTP");
    balance["httpMethod"] = json!("GET");
    balance["uri"] = json!("https://nlb.example.com/balance");
    balance["connectionType"] = json!("VPC_LINK");
    balance["connectionId"] = json!("vl1nk1");
    let live: Live = serde_json::from_value(json!({
        "api": {
            "name": "shop", "binaryMediaTypes": ["image/png", "application/pdf"], "minimumCompressionSize": 1024,
            "apiKeySource": "HEADER", "disableExecuteApiEndpoint": false, "endpointTypes": ["REGIONAL"],
            "policy": policy("Allow"),
        },
        "resources": [
            {"path": "/", "methods": {}},
            {"path": "/orders", "methods": orders()},
            {"path": "/orders/{id}", "methods": order()},
            {"path": "/balance", "methods": {"GET": {"authorizationType": "NONE", "integration": balance}}},
            {"path": "/legacy", "methods": {"ANY": {"authorizationType": "NONE", "integration": lambda("legacy")}}},
            {"path": "/empty", "methods": {}},
        ],
        "models": [
            {"name": "Order", "contentType": "application/json", "schema": "{\"type\":\"object\",\"properties\":{\"item\":{\"$ref\":\"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Item\"}}}"},
            {"name": "Item", "contentType": "application/json", "schema": "{\"type\": \"string\", \"maxLength\": 9}"},
        ],
        "authorizers": [
            {"id": "jw1t23", "name": "jwt-main", "type": "TOKEN", "authorizerUri": uri("auth:live"),
             "authorizerCredentials": "arn:aws:iam::111111111111:role/auth",
             "identitySource": "method.request.header.Authorization", "identityValidationExpression": "^Bearer .+$",
             "authorizerResultTtlInSeconds": 300},
            {"id": "jw1t99", "name": "jwt-next", "type": "TOKEN", "authorizerUri": uri("auth:next"),
             "identitySource": "method.request.header.Authorization"},
            {"id": "p00l", "name": "pool", "type": "COGNITO_USER_POOLS", "providerArns": [
                "arn:aws:cognito-idp:eu-west-1:111111111111:userpool/p1",
                "arn:aws:cognito-idp:eu-west-1:111111111111:userpool/p2"]},
        ],
        "validators": [
            {"id": "v1d2", "name": "body", "validateRequestBody": true, "validateRequestParameters": false},
            {"id": "v9d9", "name": "all", "validateRequestBody": true, "validateRequestParameters": true},
        ],
        "responses": [
            {"responseType": "DEFAULT_4XX", "statusCode": null, "responseParameters": {}, "responseTemplates":
                {"application/json": "{\"message\":$context.error.messageString}"}, "defaultResponse": true},
            {"responseType": "ACCESS_DENIED", "statusCode": "403",
             "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
             "responseTemplates": {"text/html": "<p>no</p>"}, "defaultResponse": false},
            {"responseType": "THROTTLED", "statusCode": "429", "responseParameters": {}, "responseTemplates": {},
             "defaultResponse": false},
        ],
    }))
    .unwrap();
    of_live(live)
}

/// The World's definition of what was read as live.
pub fn of_live(live: Live) -> Definition {
    let Live { api, resources, models, authorizers, validators, responses } = live;
    Definition { api, resources, models, authorizers, validators, gateway_responses: responses }
}

/// The reverse of [`of_live`].
pub fn live_of(definition: &Definition) -> Live {
    let Definition { api, resources, models, authorizers, validators, gateway_responses } = definition.clone();
    Live { api, resources, models, authorizers, validators, responses: gateway_responses }
}

/// What stagegate writes into the description of a deployment of the definition.
pub fn marker(run: &RunId, definition: &Definition) -> String {
    Marker::of(run, &LiveApi::Rest(Box::new(live_of(definition)))).to_string()
}

/// A world whose stage serves a deployment of the definition.
pub fn serving(definition: Definition, by: By) -> World {
    let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap()));
    world.set_quotas(false);
    let description = match by {
        By::Stagegate => marker(&RunId::new(1, 2), &definition),
        By::Others => "deployed by hand".into(),
    };
    world.edit(|account| {
        account.import_api(&api(), definition);
        let deployment = account.deploy(&api(), &description).unwrap();
        account.create_stage(&api(), &prod(), &deployment, &[("lambdaAlias", "live")]).unwrap();
    });
    world
}

/// What stagegate finds that the stage lacks.
pub fn look(world: &World) -> Drift {
    let clock = world.clock();
    let observer = Observer { aws: world, clock: &clock, listener: &Silent };
    let stage = StageRef { api: api(), stage: prod() };
    observer.stage(&stage).now_or_never().unwrap().unwrap().drift()
}

/// What it finds after an edit.
pub fn after(by: By, edit: impl FnOnce(&mut Definition)) -> Drift {
    let world = serving(definition(), by);
    world.edit(|account| account.edit_api(&api(), edit)).unwrap();
    look(&world)
}

/// The differences as people read them.
pub fn lines(drift: &Drift) -> Vec<String> {
    drift.differences.iter().map(ToString::to_string).collect()
}
