//! Metrics and alarms, in the protocol that CloudWatch speaks.

use serde_json::{Value, json};
use stagegate::aws::noun::{AlarmValue, MetricQuery};
use stagegate::aws::operation::{DescribeAlarms, GetMetricData};
use stagegate::aws::{AwsError, Operation, Remedy, Request as _, explain};

use super::server::Server;

const T0: i64 = 1_700_000_040;

fn query(metric: &str, stat: &str) -> MetricQuery {
    let dimensions = [("FunctionName", "pay"), ("Resource", "pay:live"), ("ExecutedVersion", "42")];
    MetricQuery {
        namespace: "AWS/Lambda".into(),
        metric: metric.into(),
        dimensions: dimensions.map(|(name, value)| (name.into(), value.into())).into(),
        stat: stat.into(),
        period_s: 60,
    }
}

fn get(queries: Vec<MetricQuery>, next: Option<&str>) -> GetMetricData {
    let at = |seconds| jiff::Timestamp::from_second(seconds).unwrap();
    GetMetricData { queries, start: at(T0), end: at(T0 + 300), next: next.map(str::to_owned) }
}

fn two() -> Vec<MetricQuery> {
    vec![query("Invocations", "Sum"), query("Duration", "TC(:384.9)")]
}

fn result(id: &str, status: &str, points: &[(i64, f64)]) -> Value {
    let times: Vec<_> = points.iter().map(|(at, _)| json!({"$time": at})).collect();
    let values: Vec<_> = points.iter().map(|(_, value)| *value).collect();
    json!({"Id": id, "Label": "x", "StatusCode": status, "Timestamps": times, "Values": values})
}

fn answering(body: Value) -> Server {
    Server::speaking_cbor(&[("200 OK", &[], body)])
}

#[test]
fn metrics_are_asked_for_by_all_dimensions_and_come_back_in_the_order_of_the_queries() {
    let first = result("q1", "PartialData", &[(T0 + 60, 3.0), (T0, 2.0)]);
    let server = answering(json!({"MetricDataResults": [first, result("q0", "Complete", &[(T0, 120.0)])],
        "NextToken": "p2", "Messages": []}));
    let page = server.send(get(two(), Some("p1"))).unwrap();

    let seen = server.only();
    assert_eq!(seen.line, "POST /service/GraniteServiceVersion20100801/operation/GetMetricData HTTP/1.1");
    assert_eq!(seen.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert!(seen.header("authorization").unwrap().contains("/eu-west-1/monitoring/"));
    let sent = seen.cbor();
    let dimension = |name: &str, value: &str| json!({"Name": name, "Value": value});
    let dimensions =
        [dimension("ExecutedVersion", "42"), dimension("FunctionName", "pay"), dimension("Resource", "pay:live")];
    let metric = json!({"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": dimensions});
    let expected = json!({"Id": "q1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "TC(:384.9)"},
        "ReturnData": true});
    assert_eq!(sent["MetricDataQueries"][1], expected);
    assert_eq!((&sent["StartTime"]["$time"], &sent["NextToken"]), (&json!(T0 as f64), &json!("p1")));
    assert_eq!(sent["EndTime"]["$time"], json!((T0 + 300) as f64));

    assert_eq!(page.next.as_deref(), Some("p2"));
    let values = |index: usize| -> Vec<(i64, f64)> {
        page.series[index].points.iter().map(|(at, value)| (at.as_second(), *value)).collect()
    };
    assert_eq!(values(0), [(T0, 120.0)]);
    assert_eq!(values(1), [(T0, 2.0), (T0 + 60, 3.0)]);
    assert!(page.series.iter().all(|series| series.failure.is_none()), "a partial series goes on on the next page");
}

#[test]
fn a_series_without_an_answer_says_why_and_no_traffic_is_no_failure() {
    let mut broken = result("q1", "InternalError", &[]);
    broken["Messages"] = json!([{"Code": "x", "Value": "try later"}]);
    let body = json!({"MetricDataResults": [result("q0", "Forbidden", &[]), broken, result("q2", "Complete", &[])]});
    let queries = [two(), vec![query("Errors", "Sum")]].concat();
    let page = answering(body).send(get(queries, None)).unwrap();
    let failures: Vec<_> = page.series.iter().map(|series| series.failure.as_deref()).collect();
    assert_eq!(failures, [Some("Forbidden"), Some("InternalError: try later"), None]);
    assert!(page.series[2].points.is_empty() && page.next.is_none());
}

#[test]
fn half_of_the_evidence_does_not_pass_for_all_of_it() {
    let body = json!({"MetricDataResults": [result("q0", "PartialData", &[(T0, 1.0)])]});
    let page = answering(body).send(get(two(), None)).unwrap();
    assert_eq!(page.series[0].failure.as_deref(), Some("PartialData"));

    let mut uneven = result("q0", "Complete", &[(T0, 1.0)]);
    uneven["Values"] = json!([]);
    for body in [uneven, result("q7", "Complete", &[]), json!({"Id": "q0", "Timestamps": [], "Values": []})] {
        let error = answering(json!({"MetricDataResults": [body]})).send(get(two(), None)).unwrap_err();
        assert_eq!(error.remedy(), Remedy::Unknown, "{error}");
    }
}

#[test]
fn more_than_cloudwatch_takes_is_not_sent_and_nothing_is_asked_for_nothing() {
    let server = answering(json!({}));
    let error = server.send(get(vec![query("Errors", "Sum"); 501], None)).unwrap_err();
    assert_eq!((error.code(), error.remedy()), (Some("InvalidRequest"), Remedy::Final));
    assert!(error.to_string().contains("501 metric queries in one call; CloudWatch takes at most 500"), "{error}");
    let error = server.send(DescribeAlarms { names: vec!["a".into(); 101] }).unwrap_err();
    assert!(error.to_string().contains("101 alarm names"), "{error}");
    // Without names, AWS would answer with every alarm of the account.
    assert_eq!(server.send(DescribeAlarms { names: Vec::new() }), Ok(Vec::new()));
    assert!(server.send(get(Vec::new(), None)).unwrap().series.is_empty());
    assert!(server.all().is_empty());
}

fn alarms(names: &[&str]) -> DescribeAlarms {
    DescribeAlarms { names: names.iter().map(ToString::to_string).collect() }
}

#[test]
fn alarms_of_both_kinds_are_read_page_by_page() {
    let metric = json!({"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "3 points", "StateUpdatedTimestamp":
        {"$time": T0 + 60}, "StateTransitionedTimestamp": {"$time": T0}, "EvaluationState": "PARTIAL_DATA"});
    let composite =
        json!({"AlarmName": "all", "StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": {"$time": T0 + 60}});
    let server = Server::speaking_cbor(&[
        ("200 OK", &[], json!({"MetricAlarms": [metric], "CompositeAlarms": [], "NextToken": "p2"})),
        ("200 OK", &[], json!({"MetricAlarms": [], "CompositeAlarms": [composite]})),
    ]);
    let found = server.send(alarms(&["errors", "all", "gone"])).unwrap();

    let sent: Vec<Value> = server.all().iter().map(|seen| seen.cbor()).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["AlarmNames"], json!(["errors", "all", "gone"]));
    assert_eq!(sent[0]["AlarmTypes"], json!(["MetricAlarm", "CompositeAlarm"]));
    assert_eq!((&sent[0]["NextToken"], &sent[1]["NextToken"]), (&Value::Null, &json!("p2")));

    let at = |alarm: &stagegate::aws::noun::AlarmState| alarm.since.unwrap().as_second();
    assert_eq!(found.len(), 2, "a name that does not exist is missing");
    assert_eq!((found[0].name.as_str(), found[0].value, at(&found[0])), ("errors", AlarmValue::Alarm, T0));
    assert_eq!(found[0].reason.as_deref(), Some("3 points"));
    assert_eq!(found[0].evaluation.as_deref(), Some("PARTIAL_DATA"));
    assert_eq!((found[1].name.as_str(), found[1].value), ("all", AlarmValue::InsufficientData));
    assert_eq!(at(&found[1]), T0 + 60, "without a transition, the last update");
}

#[test]
fn a_list_of_alarms_without_an_end_ends() {
    let server = answering(json!({"MetricAlarms": [], "CompositeAlarms": [], "NextToken": "again"}));
    let error = server.send(alarms(&["a", "b"])).unwrap_err();
    assert_eq!((error.remedy(), server.all().len()), (Remedy::Unknown, 2));
}

fn refused(status: &str, query_error: &str, shape: &str, message: &str) -> AwsError {
    let header = format!("x-amzn-query-error: {query_error}");
    let headers: &[&str] = if query_error.is_empty() { &[] } else { &[&header] };
    let body = json!({"__type": format!("com.amazonaws.cloudwatch#{shape}"), "message": message});
    let server = Server::speaking_cbor(&[(status, headers, body)]);
    let error = server.send(alarms(&["a"])).unwrap_err();
    server.only();
    error
}

#[test]
fn refusals_of_cloudwatch_are_told_apart_by_the_older_code_it_sends_along() {
    let throttled = refused("400 Bad Request", "Throttling;Sender", "ThrottlingException", "Rate exceeded");
    assert_eq!((throttled.code(), throttled.remedy()), (Some("Throttling"), Remedy::SlowDown));
    let denied = refused("403 Forbidden", "AccessDenied;Sender", "AccessDeniedException", "not authorized");
    assert_eq!((denied.code(), denied.remedy()), (Some("AccessDenied"), Remedy::Denied));
    let bare = refused("403 Forbidden", "", "AccessDeniedException", "not authorized");
    assert_eq!((bare.code(), bare.remedy()), (Some("AccessDeniedException"), Remedy::Denied));
    let expired = refused("403 Forbidden", "ExpiredToken;Sender", "ExpiredTokenException", "the token has expired");
    assert_eq!(expired.remedy(), Remedy::Credentials);
    let unsigned = refused("403 Forbidden", "MissingAuthenticationToken;Sender", "X", "no token");
    assert_eq!(unsigned.remedy(), Remedy::Credentials);
    let barred = refused("400 Bad Request", "NotAuthorized;Sender", "X", "not authorized");
    assert_eq!(barred.remedy(), Remedy::Denied);
    let shape = "InvalidParameterValueException";
    let invalid = refused("400 Bad Request", "InvalidParameterValue;Sender", shape, "bad period");
    assert_eq!((invalid.code(), invalid.remedy()), (Some("InvalidParameterValue"), Remedy::Final));
    let fault = refused("500 Internal Server Error", "InternalServiceError;Receiver", "InternalServiceFault", "sorry");
    assert_eq!(fault.remedy(), Remedy::Unknown);
    assert!(fault.to_string().contains("HTTP 500 InternalServiceError: sorry"), "{fault}");
}

#[test]
fn a_missing_permission_is_named() {
    let denied = refused("403 Forbidden", "AccessDenied;Sender", "AccessDeniedException", "not authorized");
    let subject = alarms(&["a", "b", "c", "d", "e"]).call().subject();
    let problem = explain::problem(Operation::DescribeAlarms, &subject, &denied);
    assert_eq!(problem.what, "not allowed: cloudwatch:DescribeAlarms on a, b, c and 2 more");
    let problem = explain::problem(Operation::GetMetricData, "metrics", &denied);
    assert_eq!(problem.what, "not allowed: cloudwatch:GetMetricData on metrics");
}
