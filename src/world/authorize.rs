//! How Lambda decides about one concrete call of API Gateway: IAM evaluation of a resource policy (aws-semantics §4).
//!
//! Decides what AWS would do with *this* request. Whoever wants to know before sending it has to reason about patterns
//! instead; the two are written apart on purpose, so that one can prove the other.

use jiff::Timestamp;
use serde_json::Value;

use super::permissions::ResourcePolicy;

/// One call of API Gateway to Lambda.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    /// ARN of the function, version or alias that is called.
    pub(super) resource: &'a str,
    /// `execute-api` ARN of the request, or of the authorizer.
    pub(super) source_arn: &'a str,
    /// The API's account.
    pub(super) source_account: &'a str,
    pub(super) at: Timestamp,
}

impl ResourcePolicy {
    /// An Allow in effect matches, and no Deny does.
    pub(super) fn permits(&self, call: &Invocation<'_>) -> bool {
        let in_effect = self.statements.iter().filter(|granted| granted.effective <= call.at);
        let mut allowed = false;
        for granted in in_effect {
            let deny = granted.statement["Effect"] == "Deny";
            if matches(&granted.statement, call, deny) {
                if deny {
                    return false;
                }
                allowed = true;
            }
        }
        allowed
    }
}

/// `unclear` is the answer where the model cannot decide: a Deny then counts, an Allow does not.
fn matches(statement: &Value, call: &Invocation<'_>, unclear: bool) -> bool {
    let negated = ["NotPrincipal", "NotAction", "NotResource"].iter().any(|key| statement.get(key).is_some());
    if negated {
        return unclear;
    }
    let service = |value: &Value| any(value, |text| text == "apigateway.amazonaws.com");
    let principal = &statement["Principal"];
    let named = principal == "*" || any(&principal["AWS"], |text| text == "*") || service(&principal["Service"]);
    named
        && any(&statement["Action"], |text| glob(&text.to_lowercase(), "lambda:invokefunction"))
        && any(&statement["Resource"], |text| glob(text, call.resource))
        && conditions(&statement["Condition"], call, unclear)
}

fn conditions(condition: &Value, call: &Invocation<'_>, unclear: bool) -> bool {
    let Some(operators) = condition.as_object() else { return true };
    operators.iter().all(|(operator, keys)| {
        let test: fn(&str, &str) -> bool = match operator.trim_end_matches("IfExists") {
            "ArnLike" | "ArnEquals" => arn_like,
            "StringLike" => glob,
            "StringEquals" => |pattern, text| pattern == text,
            _ => return unclear,
        };
        let Some(keys) = keys.as_object() else { return unclear };
        keys.iter().all(|(key, wanted)| match key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => any(wanted, |pattern| test(pattern, call.source_arn)),
            "aws:sourceaccount" => any(wanted, |pattern| test(pattern, call.source_account)),
            _ => unclear,
        })
    })
}

/// A text or a list of texts, of which one satisfies `test`.
fn any(value: &Value, test: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).any(test),
        _ => false,
    }
}

/// The six parts of an ARN are compared one by one.
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern.len() == arn.len() && pattern.iter().zip(&arn).all(|(pattern, part)| glob(pattern, part))
}

/// `*` is any text, `?` any character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::permissions::Granted;
    use super::*;

    const LIVE: &str = "arn:aws:lambda:us-east-1:123456789012:function:pets:live";
    const GET_PET: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/prod/GET/pets/17";

    fn permitted(statements: Vec<Value>) -> bool {
        let mut policy = ResourcePolicy::new("r".into());
        let at = Timestamp::UNIX_EPOCH;
        policy.statements = statements.into_iter().map(|statement| Granted { statement, effective: at }).collect();
        policy.permits(&Invocation { resource: LIVE, source_arn: GET_PET, source_account: "123456789012", at })
    }

    fn allow(condition: Value) -> Value {
        json!({ "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
                "Action": "lambda:InvokeFunction", "Resource": LIVE, "Condition": condition })
    }

    #[test]
    fn a_request_path_is_matched_and_a_brace_never_is() {
        let source = |path: &str| {
            allow(
                json!({ "ArnLike": { "AWS:SourceArn": format!("arn:aws:execute-api:us-east-1:123456789012:{path}") } }),
            )
        };
        assert!(permitted(vec![source("a1b2c3/prod/GET/pets/*")]));
        assert!(permitted(vec![source("a1b2c3/*")]));
        assert!(!permitted(vec![source("a1b2c3/prod/GET/pets/{id}")]));
        assert!(!permitted(vec![source("a1b2c3/beta/*")]));
        assert!(!permitted(vec![allow(json!({ "ArnLike": { "aws:SourceArn": "arn:*" } }))]), "no star across a colon");
    }

    #[test]
    fn conditions_that_cannot_be_decided_do_not_allow_and_do_deny() {
        assert!(permitted(vec![allow(Value::Null)]));
        assert!(permitted(vec![allow(json!({ "StringEquals": { "aws:SourceAccount": "123456789012" } }))]));
        let unclear = allow(json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } }));
        assert!(!permitted(vec![unclear.clone()]));
        let mut deny = unclear;
        deny["Effect"] = json!("Deny");
        assert!(!permitted(vec![allow(Value::Null), deny]));
    }

    #[test]
    fn another_alias_is_another_resource() {
        let mut other = allow(Value::Null);
        other["Resource"] = json!("arn:aws:lambda:us-east-1:123456789012:function:pets:beta");
        assert!(!permitted(vec![other]));
    }
}
