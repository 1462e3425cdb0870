//! CloudTrail, CloudWatch Logs and the summary of a deployment.

use serde_json::json;
use stagegate::aws::operation::{FilterLogEvents, GetDeploymentRoutes, GetFunction, LookupEvents};
use stagegate::aws::{AwsError, Remedy};

use super::server::Server;

const JSON: &[&str] = &["Content-Type: application/x-amz-json-1.1"];

fn lookup() -> LookupEvents {
    LookupEvents {
        name: "UpdateAlias20150331".into(),
        end: "2026-11-21T14:00:00Z".parse().unwrap(),
        next: Some("page-2".into()),
    }
}

#[test]
fn past_calls_are_asked_for_by_one_name_and_come_with_the_whole_event() {
    let event = json!({ "errorCode": "x", "requestParameters": { "name": "live" } }).to_string();
    let body = json!({
        "Events": [{ "EventTime": 1_792_591_200.5, "Username": "dana", "CloudTrailEvent": event, "EventId": "1" }],
        "NextToken": "page-3",
    });
    let server = Server::answering("200 OK", JSON, &body.to_string());
    let page = server.send(lookup()).unwrap();
    let seen = server.only();
    assert_eq!(seen.header("x-amz-target"), Some("CloudTrail_20131101.LookupEvents"));
    let name = json!({ "AttributeKey": "EventName", "AttributeValue": "UpdateAlias20150331" });
    let mut asked = seen.json();
    assert_eq!(asked["EndTime"].as_f64(), Some(1_795_269_600.0));
    asked.as_object_mut().unwrap().remove("EndTime");
    assert_eq!(asked, json!({ "LookupAttributes": [name], "MaxResults": 50, "NextToken": "page-2" }));
    let found = &page.items[0];
    assert_eq!((found.at.as_second(), found.who.as_deref()), (1_792_591_200, Some("dana")));
    assert_eq!((&found.event["errorCode"], &found.event["requestParameters"]["name"]), (&json!("x"), &json!("live")));
    assert_eq!(page.next.as_deref(), Some("page-3"));
}

#[test]
fn an_event_that_cannot_be_read_and_a_refusal_are_told_apart() {
    let body = r#"{"Events":[{"EventTime":1,"CloudTrailEvent":"not json"}]}"#;
    let unreadable = Server::answering("200 OK", JSON, body).send(lookup()).unwrap_err();
    assert!(matches!(unreadable, AwsError::Ambiguous { .. }), "{unreadable}");
    let body = r#"{"__type":"AccessDeniedException","Message":"not authorized to perform: cloudtrail:LookupEvents"}"#;
    let denied = Server::answering("400 Bad Request", JSON, body).send(lookup()).unwrap_err();
    assert_eq!(denied.remedy(), Remedy::Denied, "{denied}");
    let body = r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#;
    let throttled = Server::answering("400 Bad Request", JSON, body).send(lookup()).unwrap_err();
    assert_eq!(throttled.remedy(), Remedy::SlowDown, "{throttled}");
}

fn filter() -> FilterLogEvents {
    FilterLogEvents {
        group: "/aws/lambda/pay".into(),
        prefix: "2026/11/21/[42]".into(),
        start: "2026-11-21T13:50:00Z".parse().unwrap(),
        end: "2026-11-21T14:00:00Z".parse().unwrap(),
        limit: 500,
        next: Some("page-2".into()),
    }
}

#[test]
fn lines_are_asked_for_by_stream_and_time_the_latest_first() {
    let body = json!({
        "events": [{ "timestamp": 1_795_269_599_500_u64, "logStreamName": "2026/11/21/[42]ab", "message": "boom\n" }],
        "searchedLogStreams": [],
        "nextToken": "page-3",
    });
    let server = Server::answering("200 OK", JSON, &body.to_string());
    let page = server.send(filter()).unwrap();
    let seen = server.only();
    assert_eq!(seen.header("x-amz-target"), Some("Logs_20140328.FilterLogEvents"));
    assert_eq!(
        seen.json(),
        json!({
            "logGroupName": "/aws/lambda/pay",
            "logStreamNamePrefix": "2026/11/21/[42]",
            "startTime": 1_795_269_000_000_u64,
            "endTime": 1_795_269_600_000_u64,
            "startFromHead": false,
            "limit": 500,
            "nextToken": "page-2",
        })
    );
    let line = &page.items[0];
    assert_eq!((line.at.as_millisecond(), line.message.as_str()), (1_795_269_599_500, "boom\n"));
    assert_eq!((line.stream.as_str(), page.next.as_deref()), ("2026/11/21/[42]ab", Some("page-3")));
}

#[test]
fn an_empty_page_of_a_log_is_none_and_a_group_that_is_not_there_is_missing() {
    let page = Server::answering("200 OK", JSON, r#"{"events":[]}"#).send(filter()).unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
    let body = r#"{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}"#;
    let missing = Server::answering("400 Bad Request", JSON, body).send(filter()).unwrap_err();
    assert_eq!(missing.remedy(), Remedy::Missing, "{missing}");
}

#[test]
fn the_log_group_comes_with_the_function() {
    let body = r#"{"Configuration":{"FunctionArn":"arn:f","Version":"7","CodeSha256":"x","RevisionId":"r","Role":"arn:r",
        "LoggingConfig":{"LogFormat":"Text","LogGroup":"shop"}}}"#;
    let request = GetFunction { function: "pay".parse().unwrap(), qualifier: Some("7".into()) };
    assert_eq!(Server::answering("200 OK", &[], body).send(request).unwrap().log_group.as_deref(), Some("shop"));
}

#[test]
fn the_routes_of_a_deployment_are_those_of_its_summary_if_it_has_one() {
    let ask = |body: &str| {
        let server = Server::answering("200 OK", &[], body);
        let request = GetDeploymentRoutes { api: "a1b2".parse().unwrap(), deployment: "d1".into() };
        let routes = server.send(request).unwrap();
        assert_eq!(server.target(), "/restapis/a1b2/deployments/d1?embed=apisummary");
        routes
    };
    let method = r#"{"authorizationType":"NONE","apiKeyRequired":false}"#;
    let routes = ask(&format!(r#"{{"id":"d1","apiSummary":{{"/":{{"GET":{method},"POST":{method}}},"/p":{{}}}}}}"#));
    assert_eq!(routes, Some(["GET /".to_owned(), "POST /".to_owned()].into()));
    assert_eq!(ask(r#"{"id":"d1"}"#), None);
}
