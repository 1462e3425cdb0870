//! CodeDeploy and CloudFormation, and the tags that other answers carry.

use serde_json::json;
use stagegate::aws::noun::{ShiftStatus, StackResource};
use stagegate::aws::operation::{
    BatchGetDeploymentTargets, BatchGetDeployments, DescribeStackResources, GetApi, GetFunction, GetHttpStage,
    GetRestApi, GetStage, ListDeploymentTargets, ListDeployments,
};
use stagegate::aws::{Remedy, explain};
use stagegate::problem::Code;

use super::server::Server;

const JSON: &[&str] = &["Content-Type: application/x-amz-json-1.1"];
const XML: &[&str] = &["Content-Type: text/xml"];

fn list(statuses: &[ShiftStatus], since: Option<&str>) -> ListDeployments {
    ListDeployments {
        statuses: statuses.to_vec(),
        since: since.map(|at| at.parse().unwrap()),
        next: Some("page-2".into()),
    }
}

#[test]
fn deployments_are_asked_for_by_state_and_age_and_come_in_pages() {
    let server = Server::answering("200 OK", JSON, r#"{"deployments":["d-1","d-2"],"nextToken":"page-3"}"#);
    let page = server.send(list(&ShiftStatus::ACTIVE, None)).unwrap();
    assert_eq!((page.items, page.next.as_deref()), (vec!["d-1".to_owned(), "d-2".to_owned()], Some("page-3")));
    let seen = server.only();
    assert_eq!(seen.header("x-amz-target"), Some("CodeDeploy_20141006.ListDeployments"));
    let statuses = json!(["Created", "Queued", "InProgress", "Baking", "Ready"]);
    assert_eq!(seen.json(), json!({"includeOnlyStatuses": statuses, "nextToken": "page-2"}));

    let server = Server::answering("200 OK", JSON, r#"{"deployments":[]}"#);
    let page = server.send(list(&ShiftStatus::ABANDONED, Some("2026-10-21T14:00:00Z"))).unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
    let asked = server.only().json();
    assert_eq!(asked["includeOnlyStatuses"], json!(["Stopped", "Failed"]));
    assert_eq!(asked["createTimeRange"]["start"].as_f64(), Some(1_792_591_200.0));
    assert_eq!(asked["createTimeRange"]["end"], json!(null));
}

#[test]
fn only_deployments_of_functions_are_taken_and_an_unknown_state_may_still_write() {
    let server = Server::answering(
        "200 OK",
        JSON,
        r#"{"deploymentsInfo":[
            {"deploymentId":"d-1","status":"Stopped","computePlatform":"Lambda","applicationName":"shop",
             "deploymentGroupName":"live","createTime":1792591200.5,"completeTime":1792594800},
            {"deploymentId":"d-2","status":"InProgress","computePlatform":"Server"},
            {"deploymentId":"d-3","status":"Reticulating","computePlatform":"Lambda"}]}"#,
    );
    let ids = vec!["d-1".to_owned(), "d-2".to_owned(), "d-3".to_owned()];
    let found = server.send(BatchGetDeployments { deployments: ids }).unwrap();
    let seen = server.only();
    assert_eq!(seen.header("x-amz-target"), Some("CodeDeploy_20141006.BatchGetDeployments"));
    assert_eq!(seen.json(), json!({"deploymentIds": ["d-1", "d-2", "d-3"]}));
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["d-1", "d-3"]);
    assert_eq!((found[0].status, found[1].status), (ShiftStatus::Stopped, ShiftStatus::InProgress));
    assert_eq!(found[0].completed.unwrap().as_second(), 1_792_594_800);
    assert_eq!((found[0].application.as_deref(), found[0].group.as_deref()), (Some("shop"), Some("live")));
}

#[test]
fn what_a_deployment_moves_is_read_target_by_target() {
    let server = Server::answering("200 OK", JSON, r#"{"targetIds":["pay:live"]}"#);
    let page = server.send(ListDeploymentTargets { deployment: "d-1".into(), next: None }).unwrap();
    assert_eq!(page.items, ["pay:live"]);
    assert_eq!(server.only().json(), json!({"deploymentId": "d-1"}));

    let server = Server::answering(
        "200 OK",
        JSON,
        r#"{"deploymentTargets":[
            {"deploymentTargetType":"LambdaTarget","lambdaTarget":{"deploymentId":"d-1","targetId":"pay:live","lambdaFunctionInfo":
                {"functionName":"pay","functionAlias":"live","currentVersion":"1","targetVersion":"2","targetVersionWeight":0.1}}},
            {"deploymentTargetType":"InstanceTarget","instanceTarget":{"deploymentId":"d-1"}}]}"#,
    );
    let request = BatchGetDeploymentTargets { deployment: "d-1".into(), targets: vec!["pay:live".into()] };
    let moved = server.send(request).unwrap();
    assert_eq!(server.only().json(), json!({"deploymentId": "d-1", "targetIds": ["pay:live"]}));
    assert_eq!(moved.len(), 1);
    assert_eq!((moved[0].function.as_str(), moved[0].alias.as_str()), ("pay", "live"));
    assert_eq!((moved[0].from.as_deref(), moved[0].to.as_deref()), (Some("1"), Some("2")));
}

#[test]
fn codedeploy_refuses_in_words_that_are_understood() {
    let body = r#"{"__type":"AccessDeniedException","Message":"User: arn is not authorized to perform: codedeploy:ListDeployments"}"#;
    let denied = Server::answering("400 Bad Request", JSON, body).send(list(&[], None)).unwrap_err();
    assert_eq!(denied.remedy(), Remedy::Denied, "{denied}");
    let problem = explain::problem(stagegate::aws::Operation::ListDeployments, "deployments", &denied);
    assert_eq!(
        (problem.code, problem.what.as_str()),
        (Code::AccessDenied, "not allowed: codedeploy:ListDeployments on deployments")
    );
    let body = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
    let throttled = Server::answering("400 Bad Request", JSON, body).send(list(&[], None)).unwrap_err();
    assert_eq!(throttled.remedy(), Remedy::SlowDown, "{throttled}");
}

const ALIAS: &str = "arn:aws:lambda:eu-west-1:123456789012:function:pay:live";

#[test]
fn a_stack_is_asked_for_by_what_the_alias_is_called_in_lambda() {
    let member = |logical: &str, physical: &str, kind: &str| {
        format!(
            "<member><StackName>shop</StackName><StackId>arn:stack/shop/1</StackId><LogicalResourceId>{logical}</LogicalResourceId>\
             {physical}<ResourceType>{kind}</ResourceType><Timestamp>2026-11-01T10:00:00Z</Timestamp>\
             <ResourceStatus>UPDATE_COMPLETE</ResourceStatus></member>"
        )
    };
    let physical = format!("<PhysicalResourceId>{ALIAS}</PhysicalResourceId>");
    let body = format!(
        "<DescribeStackResourcesResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStackResourcesResult><StackResources>{}{}</StackResources></DescribeStackResourcesResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeStackResourcesResponse>",
        member("PayAliaslive", &physical, "AWS::Lambda::Alias"),
        member("CDKMetadata", "", "AWS::CDK::Metadata"),
    );
    let server = Server::answering("200 OK", XML, &body);
    let found = server.send(DescribeStackResources { physical_id: ALIAS.into() }).unwrap();
    let form = server.only().body;
    assert!(form.contains("Action=DescribeStackResources") && form.contains("Version=2010-05-15"), "{form}");
    assert!(
        form.contains("PhysicalResourceId=arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Apay%3Alive"),
        "{form}"
    );
    assert!(!form.contains("StackName="), "AWS takes one of them: {form}");
    let first = StackResource {
        stack: "shop".into(),
        stack_id: "arn:stack/shop/1".into(),
        logical_id: "PayAliaslive".into(),
        physical_id: Some(ALIAS.into()),
        kind: "AWS::Lambda::Alias".into(),
    };
    assert_eq!(found[0], first);
    assert_eq!((found[1].physical_id.as_deref(), found[1].kind.as_str()), (None, "AWS::CDK::Metadata"));
}

fn xml_error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

#[test]
fn what_belongs_to_no_stack_is_an_answer_and_other_refusals_are_errors() {
    let ask = |status: &str, code: &str, message: &str| {
        let server = Server::answering(status, XML, &xml_error(code, message));
        server.send(DescribeStackResources { physical_id: ALIAS.into() })
    };
    let none = ask("400 Bad Request", "ValidationError", &format!("Stack for {ALIAS} does not exist"));
    assert_eq!(none, Ok(Vec::new()));
    let wrong = ask("400 Bad Request", "ValidationError", "1 validation error detected").unwrap_err();
    assert_eq!(wrong.remedy(), Remedy::Final, "{wrong}");
    assert_eq!(ask("403 Forbidden", "AccessDenied", "no").unwrap_err().remedy(), Remedy::Denied);
    assert_eq!(ask("400 Bad Request", "Throttling", "Rate exceeded").unwrap_err().remedy(), Remedy::SlowDown);
}

#[test]
fn tags_come_with_functions_apis_and_stages() {
    let config = r#""Configuration":{"FunctionArn":"arn:f","Version":"$LATEST","CodeSha256":"x","RevisionId":"r","Role":"arn:r"}"#;
    let function = |rest: &str| {
        let server = Server::answering("200 OK", &[], &format!("{{{config}{rest}}}"));
        server.send(GetFunction { function: "pay".parse().unwrap(), qualifier: None }).unwrap().tags
    };
    let tags = function(r#","Tags":{"aws:cloudformation:stack-name":"shop"}"#).unwrap();
    assert_eq!(tags["aws:cloudformation:stack-name"], "shop");
    assert_eq!(function(""), Some([].into()));
    let hidden = function(r#","TagsError":{"ErrorCode":"AccessDeniedException","Message":"lambda:ListTags"}"#);
    assert_eq!(hidden, None, "not the same as a function without tags");

    let (api, stage) = ("a1b2", "prod");
    let shop = [("team".to_owned(), "shop".to_owned())].into();
    let json = r#"{"id":"a1b2","name":"n","deploymentId":"d","stageName":"prod","tags":{"team":"shop"}}"#;
    let (api, stage) = (api.parse().unwrap(), stage.parse().unwrap());
    let rest = |json: &str| Server::answering("200 OK", &[], json);
    assert_eq!(rest(json).send(GetRestApi { api: Clone::clone(&api) }).unwrap().tags, shop);
    assert_eq!(rest(json).send(GetStage { api: Clone::clone(&api), stage: Clone::clone(&stage) }).unwrap().tags, shop);
    let json = r#"{"apiId":"a1b2","name":"n","protocolType":"HTTP","stageName":"prod","tags":{"team":"shop"}}"#;
    assert_eq!(rest(json).send(GetApi { api: Clone::clone(&api) }).unwrap().tags, shop);
    assert_eq!(rest(json).send(GetHttpStage { api, stage }).unwrap().tags, shop);
}
