//! What to ask IAM's simulator so that it answers whether a policy is in force: the policy's own statements, with
//! resources that exist instead of patterns.

use serde_json::Value;

use super::{PolicyScope, Purpose, Sid, policy};
use crate::aws::operation::SimulatePrincipalPolicy;

/// The most functions that are asked about: the answer is the same for a pattern, and every one of them costs time.
pub const FUNCTIONS_MAX: usize = 10;

/// Statements of which no release depends: what they allow is only told.
pub fn is_optional(sid: &str) -> bool {
    sid == format!("{:?}", Sid::Optional)
}

/// The questions for a purpose, each with the id of its statement. `rest` is the kind of the stage's API.
pub fn questions(
    purpose: Purpose,
    scope: &PolicyScope,
    rest: bool,
    principal: &str,
) -> Vec<(String, SimulatePrincipalPolicy)> {
    let few = PolicyScope { functions: scope.functions.iter().take(FUNCTIONS_MAX).cloned().collect(), ..scope.clone() };
    let document = policy(purpose, &few);
    let statements = document["Statement"].as_array().cloned().unwrap_or_default();
    let one = |statement: &Value| {
        let sid = statement["Sid"].as_str()?.to_owned();
        let resources = texts(&statement["Resource"]);
        let mut concrete: Vec<String> =
            resources.iter().filter(|arn| is_of_kind(arn, rest)).filter_map(|arn| few.concrete(arn)).collect();
        concrete.dedup();
        // Of a kind that the API is not: nothing there to ask about.
        if concrete.is_empty() && resources != ["*"] {
            return None;
        }
        let grants = statement.get("Condition").is_some();
        let context = grants.then(|| ("lambda:Principal".to_owned(), "apigateway.amazonaws.com".to_owned()));
        let question = SimulatePrincipalPolicy {
            principal: principal.to_owned(),
            actions: texts(&statement["Action"]),
            resources: concrete,
            context: context.into_iter().collect(),
            next: None,
        };
        Some((sid, question))
    };
    statements.iter().filter_map(one).collect()
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        other => other.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

fn is_of_kind(arn: &str, rest: bool) -> bool {
    let of = |kind: &str| arn.contains(&format!("::/{kind}/"));
    if rest { !of("apis") } else { !of("restapis") }
}

impl PolicyScope {
    /// One resource that a pattern stands for; none for `*`.
    fn concrete(&self, arn: &str) -> Option<String> {
        if arn == "*" {
            return None;
        }
        let stage = self.stage.as_ref().map(|stage| stage.stage.to_string()).unwrap_or_default();
        Some(match arn.strip_suffix('*') {
            None => arn.to_owned(),
            Some(start) if start.ends_with("/domainnames/") => format!("{start}api.example.com"),
            Some(start) if start.ends_with("/deployments/") => format!("{start}abc123"),
            Some(start) if start.ends_with(':') => format!("{start}{}", self.alias),
            Some(start) => format!("{start}stages/{stage}"),
        })
    }
}

/// The user or role whose policies count for a caller: that of its session. None for the account's root and for what has
/// no policies of its own.
///
/// A session's ARN leaves out the path of its role (IAM User Guide, identifiers): a role with one is not found by this
/// name.
pub fn principal(caller: &str) -> Option<String> {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "sts", _, account, resource] => {
            let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
            Some(format!("arn:{partition}:iam::{account}:role/{role}"))
        }
        ["arn", _, "iam", _, _, resource] if resource.starts_with("user/") || resource.starts_with("role/") => {
            Some(caller.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> PolicyScope {
        PolicyScope {
            partition: "aws".into(),
            region: "us-east-1".into(),
            account: "123456789012".into(),
            functions: vec!["pets".parse().unwrap(), "food".parse().unwrap()],
            alias: "live".parse().unwrap(),
            stage: Some("a1b2c3d4e5/prod".parse().unwrap()),
        }
    }

    #[test]
    fn every_action_of_the_policy_is_asked_about_on_something_that_exists() {
        for (purpose, rest) in [(Purpose::Promote, true), (Purpose::Promote, false), (Purpose::Read, true)] {
            let asked = questions(purpose, &scope(), rest, "arn:aws:iam::123456789012:role/deployer");
            let document = policy(purpose, &scope());
            let wanted: usize =
                document["Statement"].as_array().unwrap().iter().map(|s| texts(&s["Action"]).len()).sum();
            let actions: usize = asked.iter().map(|(_, question)| question.actions.len()).sum();
            // The names of all REST APIs are nothing to whoever releases an HTTP API, and they are still readable.
            assert_eq!(actions, wanted, "{purpose:?} {rest}");
            for resource in asked.iter().flat_map(|(_, question)| &question.resources) {
                assert!(!resource.contains('*'), "{resource}");
                assert!(is_of_kind(resource, rest), "{resource}");
            }
        }
        let shown: Vec<String> = questions(Purpose::Promote, &scope(), true, "arn:aws:iam::123456789012:role/deployer")
            .iter()
            .map(|(sid, q)| format!("{sid} {} {:?}\n  {}", q.actions.join(" "), q.context, q.resources.join("\n  ")))
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn the_policies_of_a_session_are_those_of_its_role() {
        let role = "arn:aws:iam::123456789012:role/deployer";
        assert_eq!(principal("arn:aws:sts::123456789012:assumed-role/deployer/gha-9912").as_deref(), Some(role));
        assert_eq!(
            principal("arn:aws-cn:iam::123456789012:user/dana").as_deref(),
            Some("arn:aws-cn:iam::123456789012:user/dana")
        );
        for caller in ["arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:federated-user/dana", ""] {
            assert_eq!(principal(caller), None, "{caller}");
        }
    }
}
