//! IAM's simulator.

use stagegate::aws::Remedy;
use stagegate::aws::operation::SimulatePrincipalPolicy;

use super::server::Server;

const XML: &[&str] = &["Content-Type: text/xml"];

fn question() -> SimulatePrincipalPolicy {
    SimulatePrincipalPolicy {
        principal: "arn:aws:iam::123456789012:role/deployer".into(),
        actions: vec!["lambda:GetAlias".into(), "lambda:UpdateAlias".into()],
        resources: vec!["arn:one".into(), "arn:two".into()],
        context: vec![("lambda:Principal".into(), "apigateway.amazonaws.com".into())],
        next: Some("page-2".into()),
    }
}

fn result(action: &str, decision: &str, each: &str) -> String {
    format!(
        "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>arn:template</EvalResourceName>\
         <EvalDecision>{decision}</EvalDecision><ResourceSpecificResults>{each}</ResourceSpecificResults></member>"
    )
}

fn answer(results: &str, rest: &str) -> String {
    format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
         <EvaluationResults>{results}</EvaluationResults>{rest}</SimulatePrincipalPolicyResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    )
}

#[test]
fn each_resource_has_its_own_decision_and_pages_go_on() {
    let one = |arn: &str, decision: &str| {
        format!(
            "<member><EvalResourceName>{arn}</EvalResourceName><EvalResourceDecision>{decision}</EvalResourceDecision></member>"
        )
    };
    let each = one("arn:one", "allowed") + &one("arn:two", "implicitDeny");
    let results = result("lambda:GetAlias", "implicitDeny", &each) + &result("lambda:UpdateAlias", "allowed", "");
    let body = answer(&results, "<IsTruncated>true</IsTruncated><Marker>page-3</Marker>");
    let server = Server::answering("200 OK", XML, &body);
    let page = server.send(question()).unwrap();
    let found: Vec<_> =
        page.items.iter().map(|one| (one.action.as_str(), one.resource.as_str(), one.allowed)).collect();
    assert_eq!(
        found,
        [
            ("lambda:GetAlias", "arn:one", true),
            ("lambda:GetAlias", "arn:two", false),
            ("lambda:UpdateAlias", "arn:template", true)
        ]
    );
    assert_eq!(page.next.as_deref(), Some("page-3"));
    let form = server.only().body;
    for part in [
        "Action=SimulatePrincipalPolicy",
        "PolicySourceArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeployer",
        "ActionNames.member.2=lambda%3AUpdateAlias",
        "ResourceArns.member.2=arn%3Atwo",
        "ContextEntries.member.1.ContextKeyName=lambda%3APrincipal",
        "ContextEntries.member.1.ContextKeyValues.member.1=apigateway.amazonaws.com",
        "Marker=page-2",
    ] {
        assert!(form.contains(part), "{part} is not in {form}");
    }
}

#[test]
fn without_resources_none_are_sent_and_a_refusal_is_one() {
    let server = Server::answering("200 OK", XML, &answer("", "<IsTruncated>false</IsTruncated><Marker>x</Marker>"));
    let page =
        server.send(SimulatePrincipalPolicy { resources: Vec::new(), context: Vec::new(), next: None, ..question() });
    assert_eq!(page.unwrap().next, None);
    let form = server.only().body;
    assert!(!form.contains("ResourceArns") && !form.contains("ContextEntries") && !form.contains("Marker"), "{form}");

    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>\
                  <RequestId>r</RequestId></ErrorResponse>";
    let server = Server::answering("403 Forbidden", XML, denied);
    assert_eq!(server.send(question()).unwrap_err().remedy(), Remedy::Denied);
}
