//! What the adapter puts on the wire, and what it makes of the answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails is a test that fails")]

mod cbor;
mod cloudwatch;
mod domain;
mod gc;
mod http_api;
mod iam;
mod owners;
mod permission;
mod see;
mod server;
mod stage;

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use stagegate::aws::noun::{AccessLog, MethodSettings, Patch, Routing, StageSettings, Statement};
use stagegate::aws::operation::{
    AddPermission, CreateAlias, CreateDeployment, GetAlias, GetCallerIdentity, GetExport, GetFunction, GetPolicy,
    GetResources, GetRestApis, GetStage, Invoke, ListVersionsByFunction, PublishVersion, RemovePermission, UpdateAlias,
    UpdateStage,
};
use stagegate::aws::{AwsError, Operation, Remedy, explain};
use stagegate::model::Version;
use stagegate::problem::{Code, Exit};

use self::server::{Server, send};

const ALIAS: &str = r#"{"AliasArn":"arn:aws:lambda:eu-west-1:123456789012:function:pay:live","Name":"live",
    "FunctionVersion":"41","RoutingConfig":{"AdditionalVersionWeights":{"42":0.1}},"Description":"d","RevisionId":"r2"}"#;

fn update_alias(weights: &[(u64, f64)]) -> UpdateAlias {
    UpdateAlias {
        function: "pay".parse().unwrap(),
        alias: "live".parse().unwrap(),
        routing: Routing {
            version: Version::Number(41),
            weights: weights.iter().copied().collect(),
            description: String::new(),
        },
        revision: "r1".into(),
    }
}

fn update_stage() -> UpdateStage {
    UpdateStage {
        api: "a1b2".parse().unwrap(),
        stage: "prod".parse().unwrap(),
        patches: vec![
            Patch::Replace { path: "/deploymentId".into(), value: "d2".into() },
            Patch::Copy { from: "/canarySettings/deploymentId".into(), path: "/deploymentId".into() },
            Patch::Remove { path: "/canarySettings".into() },
        ],
    }
}

#[test]
fn moving_an_alias_sends_everything_also_the_empty_map_of_weights() {
    let server = Server::answering("200 OK", &[], ALIAS);
    let alias = server.send(update_alias(&[])).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "PUT /2015-03-31/functions/pay/aliases/live HTTP/1.1");
    let routing = json!({"AdditionalVersionWeights": {}});
    let body = json!({"FunctionVersion": "41", "Description": "", "RoutingConfig": routing, "RevisionId": "r1"});
    assert_eq!(seen.json(), body);
    assert_eq!((alias.version, alias.revision.as_str()), (Version::Number(41), "r2"));
    assert_eq!(alias.weights, [(42, 0.1)].into());
}

#[test]
fn weights_go_out_with_four_decimals() {
    let server = Server::answering("200 OK", &[], ALIAS);
    server.send(update_alias(&[(42, 0.1 + 0.2)])).unwrap();
    let routing = &server.only().json()["RoutingConfig"];
    assert_eq!(routing, &json!({"AdditionalVersionWeights": {"42": 0.3}}));
}

#[test]
fn a_new_alias_has_no_routing_unless_asked_for() {
    let server = Server::answering("201 Created", &[], ALIAS);
    let UpdateAlias { function, alias, routing, .. } = update_alias(&[]);
    server.send(CreateAlias { function, alias, routing }).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "POST /2015-03-31/functions/pay/aliases HTTP/1.1");
    assert_eq!(seen.json(), json!({"Name": "live", "FunctionVersion": "41", "Description": ""}));
}

#[test]
fn patches_of_a_stage_arrive_in_order() {
    let server = Server::answering(
        "200 OK",
        &[],
        r#"{"deploymentId":"d2","variables":{"v":"live"},"cacheClusterEnabled":true,"cacheClusterSize":"0.5",
            "tracingEnabled":true,"clientCertificateId":"c1","webAclArn":"arn:waf",
            "accessLogSettings":{"destinationArn":"arn:log","format":"$context.requestId"},
            "methodSettings":{"*/*":{"metricsEnabled":true,"loggingLevel":"ERROR","dataTraceEnabled":true,
                "throttlingBurstLimit":50,"throttlingRateLimit":12.5,"cachingEnabled":true,"cacheTtlInSeconds":60,
                "cacheDataEncrypted":true,"requireAuthorizationForCacheControl":true,
                "unauthorizedCacheControlHeaderStrategy":"FAIL_WITH_403"}},
            "canarySettings":{"percentTraffic":12.5,"deploymentId":"d3","stageVariableOverrides":{"v":"next"}}}"#,
    );
    let stage = server.send(update_stage()).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "PATCH /restapis/a1b2/stages/prod HTTP/1.1");
    let set = json!({"op": "replace", "path": "/deploymentId", "value": "d2"});
    let copy = json!({"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"});
    assert_eq!(seen.json(), json!({"patchOperations": [set, copy, {"op": "remove", "path": "/canarySettings"}]}));
    let canary = stage.canary.unwrap();
    assert_eq!((canary.percent, canary.deployment.as_deref()), (12.5, Some("d3")));
    assert_eq!(canary.overrides["v"], "next");
    assert!(stage.cache_enabled);
    settings_are_read(stage.settings);
}

fn settings_are_read(settings: StageSettings) {
    let text = |text: &str| Some(text.to_owned());
    let all = MethodSettings {
        metrics: true,
        log_level: text("ERROR"),
        data_trace: true,
        throttling_burst: Some(50),
        throttling_rate: Some(12.5),
        caching: true,
        cache_ttl_s: 60,
        cache_encrypted: true,
        cache_control_authorized: true,
        cache_control_strategy: text("FAIL_WITH_403"),
    };
    let expected = StageSettings {
        cache_cluster_size: text("0.5"),
        access_log: Some(AccessLog { destination: text("arn:log"), format: text("$context.requestId") }),
        tracing: true,
        client_certificate: text("c1"),
        web_acl: text("arn:waf"),
        methods: [("*/*".to_owned(), all)].into(),
    };
    assert_eq!(settings, expected);
}

#[test]
fn resources_come_with_their_methods_500_a_page() {
    let server = Server::answering(
        "200 OK",
        &[],
        r#"{"position":"p2","item":[{"id":"x","path":"/pets","resourceMethods":{"GET":{"authorizationType":"NONE",
            "apiKeyRequired":true,"methodIntegration":{"type":"AWS_PROXY","uri":"arn:fn","httpMethod":"POST",
            "timeoutInMillis":29000,"tlsConfig":{"insecureSkipVerification":true}}}}}]}"#,
    );
    let page = server.send(GetResources { api: "a1b2".parse().unwrap(), position: Some("p1".into()) }).unwrap();
    let line = server.only().line;
    let query = line.strip_prefix("GET /restapis/a1b2/resources?").unwrap().strip_suffix(" HTTP/1.1").unwrap();
    let mut query: Vec<_> = query.split('&').collect();
    query.sort_unstable();
    assert_eq!(query, ["embed=methods", "limit=500", "position=p1"]);
    assert_eq!(page.next.as_deref(), Some("p2"));
    let method = &page.items[0].methods["GET"];
    let integration = method.integration.as_ref().unwrap();
    assert!(method.api_key_required && integration.insecure_skip_verification);
    assert_eq!((integration.kind.as_deref(), integration.uri.as_deref()), (Some("AWS_PROXY"), Some("arn:fn")));
    assert_eq!(integration.timeout_in_millis, 29_000);
}

#[test]
fn the_apis_of_an_account_come_with_their_names_500_a_page() {
    let server = Server::answering("200 OK", &[], r#"{"position":"p2","item":[{"id":"a1b2","name":"shop"}]}"#);
    let page = server.send(GetRestApis { position: Some("p1".into()) }).unwrap();
    let line = server.only().line;
    assert!(line.starts_with("GET /restapis?") && line.contains("limit=500") && line.contains("position=p1"), "{line}");
    assert_eq!((page.items, page.next.as_deref()), (vec![("a1b2".parse().unwrap(), "shop".into())], Some("p2")));
}

#[test]
fn an_export_is_asked_for_as_openapi_with_extensions() {
    let server = Server::answering("200 OK", &["Content-Type: application/octet-stream"], r#"{"openapi":"3.0.1"}"#);
    let request = GetExport { api: "a1b2".parse().unwrap(), stage: "prod".parse().unwrap() };
    assert_eq!(server.send(request.clone()).unwrap(), json!({"openapi": "3.0.1"}));
    let seen = server.only();
    assert_eq!(seen.line, "GET /restapis/a1b2/stages/prod/exports/oas30?extensions=apigateway HTTP/1.1");
    assert_eq!(seen.header("accept"), Some("application/json"));
    let broken = Server::answering("200 OK", &[], "openapi: 3.0.1").send(request).unwrap_err();
    assert_eq!(broken.remedy(), Remedy::Unknown);
}

#[test]
fn a_snapshot_of_an_api_names_no_stage() {
    let server = Server::answering("201 Created", &[], r#"{"id":"d2","description":"x","createdDate":1700000000}"#);
    let deployment = server.send(CreateDeployment { api: "a1b2".parse().unwrap(), description: "x".into() }).unwrap();
    assert_eq!(server.only().json(), json!({"description": "x"}));
    assert_eq!(deployment.created.unwrap().as_second(), 1_700_000_000);
}

#[test]
fn publishing_is_guarded_by_code_and_revision() {
    let server = Server::answering("201 Created", &[], &configuration("42").to_string());
    let function = server
        .send(PublishVersion {
            function: "pay".parse().unwrap(),
            code_sha256: "sha".into(),
            revision: "r1".into(),
            description: "stagegate r".into(),
        })
        .unwrap();
    let body = json!({"CodeSha256": "sha", "Description": "stagegate r", "RevisionId": "r1"});
    assert_eq!(server.only().json(), body);
    assert_eq!(function.version, Version::Number(42));
    assert_eq!(function.dead_letter, None);
}

#[test]
fn permission_is_given_to_api_gateway_on_the_alias() {
    let server = Server::answering("201 Created", &[], r#"{"Statement":"{}"}"#);
    let add = AddPermission {
        function: "pay".parse().unwrap(),
        alias: "live".parse().unwrap(),
        statement: Statement { sid: "s1".into(), source_arn: "arn:api".into() },
        revision: Some("p1".into()),
    };
    server.send(add.clone()).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "POST /2015-03-31/functions/pay/policy?Qualifier=live HTTP/1.1");
    let body = json!({"StatementId": "s1", "Action": "lambda:InvokeFunction", "SourceArn": "arn:api",
        "Principal": "apigateway.amazonaws.com", "RevisionId": "p1"});
    assert_eq!(seen.json(), body);

    let server = Server::answering("204 No Content", &[], "");
    let AddPermission { function, alias, revision, .. } = add;
    server.send(RemovePermission { function, alias, sid: "s1".into(), revision }).unwrap();
    let line = "DELETE /2015-03-31/functions/pay/policy/s1?Qualifier=live&RevisionId=p1 HTTP/1.1";
    assert_eq!(server.only().line, line);
}

fn configuration(version: &str) -> Value {
    json!({"FunctionArn": format!("arn:aws:lambda:eu-west-1:123456789012:function:pay:{version}"),
        "Version": version, "CodeSha256": "sha", "RevisionId": "r9", "Role": "arn:role", "Timeout": 30,
        "LastModified": "2026-01-01T00:00:00.000+0000", "State": "Deactivating", "LastUpdateStatus": "Successful",
        "SnapStart": {"ApplyOn": "PublishedVersions"}, "DeadLetterConfig": {"TargetArn": ""}})
}

#[test]
fn a_function_is_read_with_its_state_and_storage() {
    let code = json!({"Location": "https://presigned", "ResolvedS3Object": {"S3Bucket": "b"}});
    let body = json!({"Configuration": configuration("7"), "Code": code}).to_string();
    let server = Server::answering("200 OK", &[], &body);
    let request = GetFunction { function: "pay".parse().unwrap(), qualifier: Some("live".into()) };
    let function = server.send(request).unwrap();
    assert_eq!(server.only().line, "GET /2015-03-31/functions/pay?Qualifier=live HTTP/1.1");
    assert_eq!(function.state, Some(stagegate::aws::noun::State::Other));
    assert!(function.snap_start && function.code_by_reference);
    assert_eq!((function.timeout_s, function.config_digest.len()), (30, 64));
    assert_eq!((function.settings["role"].as_str(), function.settings["timeout"].as_str()), ("arn:role", "30"));
}

#[test]
fn the_moving_pointer_of_managed_instances_is_no_version() {
    let versions = json!({"Versions": [configuration("$LATEST"), configuration("$LATEST.PUBLISHED"),
        configuration("1")], "NextMarker": "m2"});
    let server = Server::answering("200 OK", &[], &versions.to_string());
    let page = server.send(ListVersionsByFunction { function: "pay".parse().unwrap(), marker: None }).unwrap();
    let versions: Vec<_> = page.items.iter().map(|f| f.version).collect();
    assert_eq!(versions, [Version::Latest, Version::Number(1)]);
    assert_eq!(page.next.as_deref(), Some("m2"));
}

#[test]
fn an_invocation_runs_a_version_and_tells_a_failed_function_from_a_failed_call() {
    let log = "X-Amz-Log-Result: VmFsdWVFcnJvcjogZ3LDvG4K";
    let headers = ["X-Amz-Function-Error: Unhandled", "X-Amz-Executed-Version: 42", log];
    let server = Server::answering("200 OK", &headers, r#"{"errorMessage":"boom"}"#);
    let invoke = Invoke {
        function: "pay".parse().unwrap(),
        version: Version::Number(42),
        payload: r#"{"ping":true}"#.into(),
        timeout_s: 5,
    };
    let invoked = server.send(invoke.clone()).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "POST /2015-03-31/functions/pay/invocations?Qualifier=42 HTTP/1.1");
    assert_eq!(seen.body, r#"{"ping":true}"#);
    assert_eq!(seen.header("x-amz-invocation-type"), Some("RequestResponse"));
    assert_eq!((invoked.status, invoked.function_error.as_deref()), (200, Some("Unhandled")));
    assert_eq!(seen.header("x-amz-log-type"), Some("Tail"));
    assert_eq!(invoked.log_tail.as_deref(), Some("ValueError: grün\n"));
    assert_eq!((invoked.executed_version.as_deref(), invoked.payload.contains("boom")), (Some("42"), true));

    for unreadable in [&["X-Amz-Log-Result: %%%"][..], &[]] {
        let quiet = Server::answering("200 OK", unreadable, "{}").send(invoke.clone()).unwrap();
        assert_eq!((quiet.log_tail, quiet.payload.as_str()), (None, "{}"));
    }
    let failing = Server::answering("500 Internal Server Error", &[], r#"{"Type":"Service","Message":"x"}"#);
    assert_eq!(failing.send(invoke).unwrap_err().remedy(), Remedy::Unknown);
    failing.only();
}

#[test]
fn an_invocation_may_take_as_long_as_it_was_given() {
    // Connections are taken by the operating system and never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let invoke =
        Invoke { function: "pay".parse().unwrap(), version: Version::Number(42), payload: "{}".into(), timeout_s: 1 };
    let error = send(&format!("http://{}", silent.local_addr().unwrap()), invoke).unwrap_err();
    assert_eq!(error.remedy(), Remedy::Unknown);
    assert!(error.to_string().contains("after 1s"), "{error}");
}

#[test]
fn the_caller_is_read_from_xml() {
    let server = Server::answering(
        "200 OK",
        &[],
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn>\
         <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
    assert_eq!(server.send(GetCallerIdentity {}).unwrap().account, "123456789012");
    assert!(server.only().body.contains("Action=GetCallerIdentity"));
}

fn refused(status: &str, headers: &[&str], body: &str) -> AwsError {
    let server = Server::answering(status, headers, body);
    let error = server.send(update_alias(&[])).unwrap_err();
    server.only();
    error
}

#[test]
fn a_refusal_keeps_code_words_and_request_id_and_is_sent_once() {
    let headers = ["x-amzn-ErrorType: PreconditionFailedException", "x-amzn-RequestId: req-1"];
    let error = refused("412 Precondition Failed", &headers, r#"{"Type":"User","message":"The Revision Id"}"#);
    let expected = AwsError::Rejected {
        code: "PreconditionFailedException".into(),
        message: "The Revision Id".into(),
        status: 412,
        retry_after: None,
        request_id: Some("req-1".into()),
    };
    assert_eq!(error, expected);
    assert_eq!(error.remedy(), Remedy::Look);
}

#[test]
fn a_throttle_says_how_long_to_wait() {
    let headers = ["x-amzn-ErrorType: TooManyRequestsException", "Retry-After: 7"];
    let error = refused("429 Too Many Requests", &headers, r#"{"Type":"User","message":"Rate exceeded"}"#);
    assert_eq!(error.remedy(), Remedy::SlowDown);
    assert!(matches!(error, AwsError::Rejected { retry_after: Some(t), .. } if t == Duration::from_secs(7)));
}

#[test]
fn conflicts_are_told_apart_by_their_words() {
    let headers = ["x-amzn-ErrorType: ResourceConflictException"];
    let busy = r#"{"Type":"User","Message":"An update is in progress for resource: arn"}"#;
    assert_eq!(refused("409 Conflict", &headers, busy).remedy(), Remedy::WaitForOther);
    let taken = r#"{"Type":"User","message":"Alias already exists: arn"}"#;
    assert_eq!(refused("409 Conflict", &headers, taken).remedy(), Remedy::Look);
}

#[test]
fn errors_outside_the_service_model_keep_their_code() {
    let headers = ["x-amzn-ErrorType: AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral/"];
    let denied = refused("403 Forbidden", &headers, r#"{"Message":"User is not authorized"}"#);
    assert_eq!((denied.code(), denied.remedy()), (Some("AccessDeniedException"), Remedy::Denied));
    let invalid = refused("400 Bad Request", &["x-amzn-ErrorType: ValidationException"], r#"{"message":"bad"}"#);
    assert_eq!(invalid.code(), Some("ValidationException"));
    let page = refused("403 Forbidden", &["Content-Type: text/html"], "<html>blocked by the proxy</html>");
    assert_eq!((page.code(), page.remedy()), (Some("Http403"), Remedy::Final));
}

#[test]
fn a_missing_policy_is_missing() {
    let server =
        Server::answering("404 Not Found", &["x-amzn-ErrorType: ResourceNotFoundException"], r#"{"Message":"no"}"#);
    let request = GetPolicy { function: "pay".parse().unwrap(), alias: "live".parse().unwrap() };
    assert_eq!(server.send(request).unwrap_err().remedy(), Remedy::Missing);
}

#[test]
fn a_server_error_may_have_happened_and_is_not_repeated() {
    let headers = ["x-amzn-ErrorType: ServiceException", "x-amzn-RequestId: req-5"];
    let error = refused("500 Internal Server Error", &headers, r#"{"Type":"Service","message":"sorry"}"#);
    let cause = "HTTP 500 ServiceException: sorry (request req-5)".into();
    assert_eq!(error, AwsError::Ambiguous { cause });

    let server = Server::answering("503 Service Unavailable", &["Retry-After: 1"], "{}");
    assert_eq!(server.send(update_stage()).unwrap_err().remedy(), Remedy::Unknown);
    server.only();
}

#[test]
fn a_lost_or_garbled_answer_may_have_happened() {
    let hung_up = Server::raw(String::new());
    assert_eq!(hung_up.send(update_alias(&[])).unwrap_err().remedy(), Remedy::Unknown);
    hung_up.only();

    let cut_off = Server::raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Alias".into());
    assert_eq!(cut_off.send(update_alias(&[])).unwrap_err().remedy(), Remedy::Unknown);
    cut_off.only();

    let garbled = Server::answering("200 OK", &[], "{\"AliasArn\": 7");
    assert_eq!(garbled.send(update_alias(&[])).unwrap_err().remedy(), Remedy::Unknown);
    let partial = Server::answering("200 OK", &[], r#"{"AliasArn":"arn","FunctionVersion":"1"}"#);
    let error = partial.send(update_alias(&[])).unwrap_err();
    assert!(error.to_string().contains("RevisionId"), "{error}");
}

#[test]
fn without_a_connection_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = send(&format!("http://{closed}"), update_alias(&[])).unwrap_err();
    assert_eq!((refused.code(), refused.remedy()), (Some(AwsError::CONNECT_FAILED), Remedy::SlowDown));
    let request = GetStage { api: "a1b2".parse().unwrap(), stage: "prod".parse().unwrap() };
    let unknown_host = "http://no-such-host.invalid";
    let unknown = send(unknown_host, request).unwrap_err();
    assert_eq!(unknown.code(), Some(AwsError::CONNECT_FAILED), "{unknown}");
    // The TLS handshake fails before there is a request.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", deaf.local_addr().unwrap());
    std::thread::spawn(move || deaf.incoming().for_each(drop));
    let request = GetAlias { function: "pay".parse().unwrap(), alias: "live".parse().unwrap() };
    let handshake = send(&url, request).unwrap_err();
    assert_eq!(handshake.code(), Some(AwsError::CONNECT_FAILED), "{handshake}");
    // None of these is throttling, and each names the address that stands in for AWS's own.
    for (error, address) in [(refused, format!("http://{closed}")), (unknown, unknown_host.into()), (handshake, url)] {
        let problem = explain::problem(Operation::GetCallerIdentity, "the caller", &error);
        let text = problem.render(200);
        assert_eq!((problem.code, problem.exit), (Code::NoAnswer, Exit::Failed), "{text}");
        assert_eq!(problem.what, "AWS cannot be reached for sts:GetCallerIdentity on the caller");
        assert!(text.contains(&format!("(endpoint {address})")) && !text.contains("throttle"), "{text}");
        assert!(text.contains("HTTPS_PROXY") && text.contains("--endpoint-url"), "{text}");
    }
}
