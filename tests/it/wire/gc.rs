//! Deletions as they go out, and the lists that they are decided by.

use std::num::NonZeroU64;

use stagegate::aws::operation::{DeleteDeployment, DeleteHttpDeployment, DeleteVersion, GetVersionPolicy, ListAliases};
use stagegate::aws::{AwsError, Remedy};
use stagegate::model::Version;

use super::server::Server;

fn delete(version: u64) -> DeleteVersion {
    DeleteVersion { function: "pay".parse().unwrap(), version: NonZeroU64::new(version).unwrap() }
}

#[test]
fn the_deletion_of_a_version_always_names_its_number() {
    for number in [1, 42, u64::MAX] {
        let server = Server::answering("204 No Content", &[], "");
        server.send(delete(number)).unwrap();
        let seen = server.only();
        assert_eq!(seen.line, format!("DELETE /2015-03-31/functions/pay?Qualifier={number} HTTP/1.1"));
        assert_eq!(seen.body, "");
    }
}

#[test]
fn a_version_that_an_alias_refers_to_is_refused_for_good_and_the_deletion_is_sent_once() {
    let refused =
        r#"{"Type":"User","Message":"Unable to delete version because the following aliases reference it: [live]"}"#;
    let server = Server::answering("409 Conflict", &["x-amzn-ErrorType: ResourceConflictException"], refused);
    let error = server.send(delete(7)).unwrap_err();
    assert_eq!(error.remedy(), Remedy::Look, "{error}");
    server.only();
    let server = Server::answering("503 Service Unavailable", &[], "");
    assert!(matches!(server.send(delete(7)), Err(AwsError::Ambiguous { .. })));
    server.only();
}

#[test]
fn aliases_come_with_weights_and_revision_and_the_token_of_the_next_page() {
    let server = Server::answering(
        "200 OK",
        &[],
        r#"{"NextMarker":"m2","Aliases":[{"AliasArn":"arn:aws:lambda:eu-west-1:123456789012:function:pay:live","Name":"live",
            "FunctionVersion":"41","RoutingConfig":{"AdditionalVersionWeights":{"42":0.1}},"Description":"d","RevisionId":"r2"},
            {"AliasArn":"arn:aws:lambda:eu-west-1:123456789012:function:pay:dev","Name":"dev","FunctionVersion":"$LATEST",
            "RevisionId":"r3"}]}"#,
    );
    let page = server.send(ListAliases { function: "pay".parse().unwrap(), marker: Some("m1".into()) }).unwrap();
    assert_eq!(server.only().line, "GET /2015-03-31/functions/pay/aliases?Marker=m1 HTTP/1.1");
    assert_eq!(page.next.as_deref(), Some("m2"));
    let shown: Vec<_> = page.items.iter().map(|(name, a)| (name.as_str(), a.version, a.weights.len())).collect();
    assert_eq!(shown, [("live", Version::Number(41), 1), ("dev", Version::Latest, 0)]);
}

#[test]
fn the_policy_of_a_version_is_asked_for_by_its_number() {
    let server = Server::answering("200 OK", &[], r#"{"Policy":"{}","RevisionId":"p1"}"#);
    let request = GetVersionPolicy { function: "pay".parse().unwrap(), version: NonZeroU64::new(7).unwrap() };
    assert_eq!(server.send(request).unwrap().document, "{}");
    assert_eq!(server.only().line, "GET /2015-03-31/functions/pay/policy?Qualifier=7 HTTP/1.1");
}

#[test]
fn deployments_of_either_kind_of_api_are_deleted_by_their_id() {
    let (api, deployment) = ("a1b2".parse().unwrap(), "k5m8ra".to_owned());
    let server = Server::answering("202 Accepted", &[], "");
    server.send(DeleteDeployment { api, deployment: deployment.clone() }).unwrap();
    assert_eq!(server.only().line, "DELETE /restapis/a1b2/deployments/k5m8ra HTTP/1.1");
    let server = Server::answering("204 No Content", &[], "");
    server.send(DeleteHttpDeployment { api: "a1b2".parse().unwrap(), deployment }).unwrap();
    assert_eq!(server.only().line, "DELETE /v2/apis/a1b2/deployments/k5m8ra HTTP/1.1");
}
