//! A live definition that uses every property, and the export that a deployment of it would give.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::live::Live;

/// Two functions, an authorizer, a validator, models, a mock with CORS, and the gateway responses AWS adds.
pub fn live() -> Live {
    serde_json::from_value(json!({
        "api": {
            "name": "shop", "binaryMediaTypes": ["image/png", "application/pdf"], "minimumCompressionSize": 1024,
            "apiKeySource": "HEADER", "disableExecuteApiEndpoint": false, "endpointTypes": ["REGIONAL"],
            "policy": "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"execute-api:Invoke\\\",\\\"Resource\\\":[\\\"arn:aws:execute-api:eu-west-1:111111111111:a1b2c3d4e5/*\\\"]}]}"
        },
        "resources": [
            {"path": "/", "methods": {}},
            {"path": "/orders", "methods": {"POST": post_orders(), "OPTIONS": cors()}},
            {"path": "/orders/{id}", "methods": {"GET": get_order()}},
            {"path": "/{proxy+}", "methods": {"ANY": {"authorizationType": "AWS_IAM", "integration": lambda("checkout", "${stageVariables.lambdaAlias}")}}},
            {"path": "/legacy", "methods": {"GET": {"authorizationType": "NONE", "integration": lambda("legacy", "")}}},
            {"path": "/empty", "methods": {}}
        ],
        "models": [
            {"name": "Order", "contentType": "application/json", "schema": "{\"type\":\"object\",\"properties\":{\"item\":{\"$ref\":\"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Item\"}}}"},
            {"name": "Item", "contentType": "application/json", "schema": "{\"type\": \"string\"}"}
        ],
        "authorizers": [authorizer(), {"id": "p00l", "name": "pool", "type": "COGNITO_USER_POOLS", "providerArns": ["arn:aws:cognito-idp:eu-west-1:111111111111:userpool/p1"]}],
        "validators": [{"id": "v1d2", "name": "body-only", "validateRequestBody": true, "validateRequestParameters": false}],
        "responses": [
            {"responseType": "DEFAULT_4XX", "statusCode": null, "responseParameters": {}, "responseTemplates": {"application/json": "{\"message\":$context.error.messageString}"}, "defaultResponse": true},
            {"responseType": "ACCESS_DENIED", "statusCode": "403", "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}, "responseTemplates": {"application/json": "{\"message\":$context.error.messageString}"}, "defaultResponse": false}
        ]
    }))
    .expect("the sample is a definition")
}

fn uri(function: &str, qualifier: &str) -> String {
    let colon = if qualifier.is_empty() { "" } else { ":" };
    format!(
        "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:{function}{colon}{qualifier}/invocations"
    )
}

fn lambda(function: &str, qualifier: &str) -> Value {
    json!({
        "type": "AWS_PROXY", "httpMethod": "POST", "uri": uri(function, qualifier),
        "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000, "responseTransferMode": "BUFFERED"
    })
}

fn authorizer() -> Value {
    json!({
        "id": "jw1t23", "name": "jwt-main", "type": "TOKEN", "authType": "custom",
        "authorizerUri": uri("auth", "${stageVariables.lambdaAlias}"),
        "identitySource": "method.request.header.Authorization", "identityValidationExpression": "^Bearer .+$",
        "authorizerResultTtlInSeconds": 300
    })
}

fn post_orders() -> Value {
    let mut integration = lambda("checkout", "${stageVariables.lambdaAlias}");
    integration["credentials"] = json!("arn:aws:iam::111111111111:role/call");
    integration["contentHandling"] = json!("CONVERT_TO_TEXT");
    integration["requestTemplates"] = json!({"application/json": "{\n  \"body\": $input.json('$')\n}"});
    json!({
        "authorizationType": "CUSTOM", "authorizerId": "jw1t23", "apiKeyRequired": true, "requestValidatorId": "v1d2",
        "operationName": "CreateOrder", "requestModels": {"application/json": "Order"},
        "requestParameters": {"method.request.header.X-Request-Id": true, "method.request.querystring.dry": false},
        "methodResponses": {"200": {"responseModels": {"application/json": "Order"}, "responseParameters": {}}},
        "integration": integration
    })
}

fn get_order() -> Value {
    let mut integration = lambda("checkout", "${stageVariables.lambdaAlias}");
    integration["cacheKeyParameters"] = json!(["method.request.path.id", "method.request.querystring.lang"]);
    integration["requestParameters"] = json!({"integration.request.path.id": "method.request.path.id"});
    integration["integrationResponses"] = json!({
        "200": {"responseTemplates": {"application/json": "$input.json('$')"}},
        "500": {"selectionPattern": "5\\d{2}", "contentHandling": "CONVERT_TO_TEXT"}
    });
    json!({
        "authorizationType": "COGNITO_USER_POOLS", "authorizerId": "p00l", "authorizationScopes": ["orders/read", "orders/all"],
        "requestParameters": {"method.request.path.id": true},
        "methodResponses": {"200": {}, "500": {}},
        "integration": integration
    })
}

fn cors() -> Value {
    json!({
        "authorizationType": "NONE",
        "methodResponses": {"200": {"responseParameters": {"method.response.header.Access-Control-Allow-Origin": false}}},
        "integration": {
            "type": "MOCK", "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000,
            "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
            "integrationResponses": {"200": {"responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}}
        }
    })
}

/// What `GetExport` (`oas30`, `extensions=apigateway`) gives for a deployment of [`live`].
pub fn export() -> Value {
    json!({
        "openapi": "3.0.1",
        "info": {"title": "shop", "version": "2026-11-01T00:00:00Z"},
        "servers": [{"url": "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/{basePath}", "variables": {"basePath": {"default": "/prod"}}}],
        "paths": {
            "/orders": {
                "post": {
                    "operationId": "CreateOrder",
                    "parameters": [
                        {"name": "X-Request-Id", "in": "header", "required": true, "schema": {"type": "string"}},
                        {"name": "dry", "in": "query", "schema": {"type": "string"}}
                    ],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}, "required": true},
                    "responses": {"200": {"description": "200 response", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}},
                    "security": [{"jwt-main": []}, {"api_key": []}],
                    "x-amazon-apigateway-request-validator": "body-only",
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy", "httpMethod": "POST", "uri": uri("checkout", "${stageVariables.lambdaAlias}"),
                        "credentials": "arn:aws:iam::111111111111:role/call", "contentHandling": "CONVERT_TO_TEXT",
                        "requestTemplates": {"application/json": "{\n  \"body\": $input.json('$')\n}"},
                        "passthroughBehavior": "when_no_match", "cacheNamespace": "x1y2z3"
                    }
                },
                "options": {
                    "responses": {"200": {"description": "200 response", "headers": {"Access-Control-Allow-Origin": {"schema": {"type": "string"}}}, "content": {}}},
                    "x-amazon-apigateway-integration": {
                        "type": "mock", "passthroughBehavior": "when_no_match",
                        "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
                        "responses": {"default": {"statusCode": "200", "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}}
                    }
                }
            },
            "/orders/{id}": {"get": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "200 response", "content": {}}, "500": {"description": "500 response", "content": {}}},
                "security": [{"pool": ["orders/all"]}],
                "x-amazon-apigateway-integration": {
                    "type": "aws_proxy", "httpMethod": "POST", "uri": uri("checkout", "${stageVariables.lambdaAlias}"),
                    "cacheNamespace": "k3l4", "cacheKeyParameters": ["method.request.querystring.lang", "method.request.path.id"],
                    "requestParameters": {"integration.request.path.id": "method.request.path.id"},
                    "passthroughBehavior": "when_no_match", "timeoutInMillis": 29000, "responseTransferMode": "BUFFERED",
                    "responses": {
                        "default": {"statusCode": "200", "responseTemplates": {"application/json": "$input.json('$')"}},
                        "5\\d{2}": {"statusCode": "500", "contentHandling": "CONVERT_TO_TEXT"}
                    }
                }
            }},
            "/{proxy+}": {"x-amazon-apigateway-any-method": {
                "parameters": [{"name": "proxy", "in": "path", "required": true, "schema": {"type": "string"}}],
                "security": [{"sigv4": []}],
                "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri("checkout", "${stageVariables.lambdaAlias}"), "passthroughBehavior": "when_no_match"}
            }},
            "/legacy": {"get": {
                "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri("legacy", ""), "passthroughBehavior": "when_no_match"}
            }},
            "/empty": {}
        },
        "components": components(),
        "x-amazon-apigateway-gateway-responses": {
            "ACCESS_DENIED": {"statusCode": 403, "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}, "responseTemplates": {"application/json": "{\"message\":$context.error.messageString}"}}
        },
        "x-amazon-apigateway-request-validators": {"body-only": {"validateRequestBody": true, "validateRequestParameters": false}},
        "x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:eu-west-1:111111111111:a1b2c3d4e5/*"}]},
        "x-amazon-apigateway-binary-media-types": ["application/pdf", "image/png"],
        "x-amazon-apigateway-minimum-compression-size": 1024
    })
}

fn components() -> Value {
    json!({
        "schemas": {"Order": {"type": "object"}, "Item": {"type": "string"}},
        "securitySchemes": {
            "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "sigv4": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"},
            "jwt-main": {
                "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom",
                "x-amazon-apigateway-authorizer": {
                    "type": "token", "authorizerUri": uri("auth", "${stageVariables.lambdaAlias}"),
                    "identityValidationExpression": "^Bearer .+$", "authorizerResultTtlInSeconds": 300
                }
            },
            "pool": {
                "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "cognito_user_pools",
                "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": ["arn:aws:cognito-idp:eu-west-1:111111111111:userpool/p1"]}
            }
        }
    })
}

/// The variables of a stage whose functions come from one alias.
pub fn variables(alias: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("lambdaAlias".to_owned(), alias.to_owned())])
}
