//! Are two answers the same, but for names that each side gives by itself?

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};
use stagegate::aws::noun::AlarmState;
use stagegate::aws::{AwsError, Call, Reply};

use super::names::{Kind, Pairs};

/// One place in which the answers differ; absent is `null`.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where, such as `/weights/2`; the whole outcome is the empty text.
    pub path: String,
    /// The World's value.
    pub world: Value,
    /// The emulator's value.
    pub emulator: Value,
    /// For a name that each side gives by itself: what it names.
    pub kind: Option<Kind>,
}

/// An answer, as [`Aws::call`](stagegate::aws::Aws::call) gives it.
pub type Answer = Result<Reply, AwsError>;

/// All differences between the answers to one call. Names that appear for the first time are taken down.
pub fn differences(call: &Call, world: &Answer, emulator: &Answer, pairs: &mut Pairs) -> Vec<Difference> {
    let mut found = Vec::new();
    match (world, emulator) {
        (Ok(world), Ok(emulator)) => {
            let translate = |id: &str| pairs.worlds_deployment(id).unwrap_or(id).to_owned();
            let (world, emulator) = (view(world, &str::to_owned), view(emulator, &translate));
            compare(call, "", &world, &emulator, pairs, &mut found);
        }
        (world, emulator) => {
            let (world, emulator) = (outcome(world), outcome(emulator));
            if world != emulator {
                found.push(Difference { path: String::new(), world, emulator, kind: None });
            }
        }
    }
    found
}

/// `"success"`, or how the call failed: all of an error that a caller may act on.
pub fn outcome(answer: &Answer) -> Value {
    match answer {
        Ok(_) => json!("success"),
        Err(error) => match error {
            AwsError::Rejected { code, status, .. } => {
                json!({ "code": code, "status": status, "remedy": format!("{:?}", error.remedy()) })
            }
            other => json!({ "failed": other.to_string() }),
        },
    }
}

/// What is compared of a reply: lists without an order of their own by name, JSON inside texts as JSON, no times.
fn view(reply: &Reply, worlds_deployment: &dyn Fn(&str) -> String) -> Value {
    match reply {
        Reply::GetCallerIdentity(reply) => json!({ "account": reply.account }),
        Reply::GetAlias(reply) | Reply::CreateAlias(reply) | Reply::UpdateAlias(reply) => value(reply),
        Reply::GetFunction(reply) | Reply::PublishVersion(reply) => value(reply),
        Reply::ListVersionsByFunction(reply) => value(reply),
        Reply::GetPolicy(reply) => {
            let document = serde_json::from_str(&reply.document).unwrap_or_else(|_| json!(reply.document));
            json!({ "document": document, "revision": reply.revision })
        }
        Reply::GetProvisionedConcurrencyConfig(reply) => value(reply),
        Reply::DeleteAlias(()) | Reply::AddPermission(()) | Reply::RemovePermission(()) => Value::Null,
        Reply::Invoke(reply) => {
            let payload: Value = serde_json::from_str(&reply.payload).unwrap_or_else(|_| json!(reply.payload));
            let payload = match &payload["errorMessage"] {
                Value::Null => payload,
                // Where the code failed depends on the machine that ran it.
                message => json!({ "errorMessage": message, "errorType": payload["errorType"] }),
            };
            let mut shown = value(reply);
            shown["payload"] = payload;
            shown
        }
        Reply::InvokeStage(reply) => value(reply),
        Reply::GetMetricData(reply) => value(reply),
        Reply::DescribeAlarms(alarms) => {
            let timeless: Vec<_> = alarms.iter().map(|alarm| AlarmState { since: None, ..alarm.clone() }).collect();
            by(&timeless, |alarm| alarm.name.clone())
        }
        Reply::GetRestApis(page) => by(&page.items, |(_, name)| name.clone()),
        Reply::GetRestApi(reply) => value(reply),
        Reply::GetResources(page) => by(&page.items, |resource| resource.path.clone()),
        Reply::GetModels(page) => by(&page.items, |model| model.name.clone()),
        Reply::GetAuthorizers(page) => by(&page.items, |authorizer| authorizer.name.clone()),
        Reply::GetRequestValidators(page) => by(&page.items, |validator| validator.name.clone()),
        Reply::GetGatewayResponses(page) => by(&page.items, |response| response.response_type.clone()),
        Reply::GetStage(reply) | Reply::UpdateStage(reply) => value(reply),
        Reply::GetStages(list) => list.iter().map(|(name, stage)| (name.to_string(), value(stage))).collect(),
        Reply::GetDeployment(reply) | Reply::CreateDeployment(reply) => value(reply),
        Reply::GetDeployments(page) => by(&page.items, |deployment| worlds_deployment(&deployment.id)),
        Reply::GetExport(document) => export(document),
        other => panic!("no sequence has a call of an HTTP API: {other:?}"),
    }
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_else(|error| json!(error.to_string()))
}

fn by<T: Serialize>(items: &[T], name: impl Fn(&T) -> String) -> Value {
    let map: BTreeMap<String, Value> = items.iter().map(|item| (name(item), value(item))).collect();
    // An item that is there twice must not hide.
    json!({ "count": items.len(), "items": map })
}

/// Path → method → what it calls.
fn export(document: &Value) -> Value {
    let integration = |operation: &Value| operation["x-amazon-apigateway-integration"]["uri"].clone();
    let methods = |item: &Value| -> Map<String, Value> {
        let operations = item.as_object().into_iter().flatten();
        operations.map(|(method, operation)| (method.clone(), json!({ "uri": integration(operation) }))).collect()
    };
    let paths = document["paths"].as_object().into_iter().flatten();
    json!({ "paths": paths.map(|(path, item)| (path.clone(), Value::Object(methods(item)))).collect::<Map<_, _>>() })
}

/// Times, words for people, and the size of code that the World has none of.
const NOT_COMPARED: [&str; 7] =
    ["last_modified", "created", "state_reason", "last_update_reason", "duration_ms", "log_tail", "code_size"];

fn kind_of(call: &Call, key: &str) -> Option<Kind> {
    match (call, key) {
        (Call::GetPolicy(_), "revision") => Some(Kind::Policy),
        (Call::GetAlias(_) | Call::CreateAlias(_) | Call::UpdateAlias(_), "revision") => Some(Kind::Alias),
        (_, "revision") => Some(Kind::Function),
        (_, "config_digest") => Some(Kind::Digest),
        (Call::GetDeployment(_) | Call::GetDeployments(_) | Call::CreateDeployment(_), "id") => Some(Kind::Deployment),
        (Call::GetStage(_) | Call::GetStages(_) | Call::UpdateStage(_), "deployment") => Some(Kind::Deployment),
        _ => None,
    }
}

fn compare(call: &Call, path: &str, world: &Value, emulator: &Value, pairs: &mut Pairs, found: &mut Vec<Difference>) {
    let key = path.rsplit('/').next().unwrap_or_default();
    if NOT_COMPARED.contains(&key) {
        return;
    }
    let kind = kind_of(call, key);
    match (world, emulator) {
        // A log group is named after its function: equal settings of two functions may have two digests.
        (Value::String(w), Value::String(e)) if kind == Some(Kind::Digest) => {
            let function = call.subject().split(':').next().unwrap_or_default().to_owned();
            let (w, e) = (format!("{function} {w}"), format!("{function} {e}"));
            if !pairs.same(Kind::Digest, &w, &e) {
                found.push(Difference { path: path.to_owned(), world: w.into(), emulator: e.into(), kind });
            }
        }
        (Value::Object(w), Value::Object(e)) => {
            for key in w.keys().chain(e.keys()).collect::<BTreeSet<_>>() {
                compare(call, &format!("{path}/{key}"), &world[key], &emulator[key], pairs, found);
            }
        }
        (Value::Array(w), Value::Array(e)) => {
            for index in 0..w.len().max(e.len()) {
                let item = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
                compare(call, &format!("{path}/{index}"), &item(w), &item(e), pairs, found);
            }
        }
        (Value::String(w), Value::String(e)) if kind.is_some_and(|kind| pairs.same(kind, w, e)) => {}
        (Value::Number(w), Value::Number(e)) if close(w.as_f64(), e.as_f64()) => {}
        (w, e) if kind.is_none() && w == e => {}
        (Value::Null, Value::Null) => {}
        _ => found.push(Difference { path: path.to_owned(), world: world.clone(), emulator: emulator.clone(), kind }),
    }
}

/// Weights are compared with a tolerance (aws-semantics §3.4).
fn close(a: Option<f64>, b: Option<f64>) -> bool {
    a.zip(b).is_some_and(|(a, b)| (a - b).abs() < 1e-6)
}

#[cfg(test)]
mod tests {
    use stagegate::aws::Request;
    use stagegate::aws::noun::{Alias, Deployment, Page};
    use stagegate::aws::operation::{GetAlias, GetDeployments};
    use stagegate::model::Version;

    use super::*;

    fn alias(weights: &[(u64, f64)], revision: &str) -> Answer {
        let (arn, description) = ("arn".into(), String::new());
        let weights = weights.iter().copied().collect();
        Ok(Reply::GetAlias(Alias { arn, version: Version::Number(1), weights, description, revision: revision.into() }))
    }

    fn get_alias() -> Call {
        GetAlias { function: "pets".parse().unwrap(), alias: "live".parse().unwrap() }.call()
    }

    #[test]
    fn a_weight_too_many_is_a_difference() {
        let found = differences(&get_alias(), &alias(&[(2, 0.1)], "a"), &alias(&[], "b"), &mut Pairs::default());
        assert_eq!(found.iter().map(|each| each.path.as_str()).collect::<Vec<_>>(), ["/weights/2"]);
    }

    #[test]
    fn revisions_are_equal_when_they_change_together() {
        let mut pairs = Pairs::default();
        let mut same =
            |w: &str, e: &str| differences(&get_alias(), &alias(&[], w), &alias(&[], e), &mut pairs).is_empty();
        assert!(same("w1", "e1") && same("w2", "e2") && same("w1", "e1"));
        assert!(!same("w1", "e2"), "only the World is back at an old revision");
        assert!(!same("w3", "e2"), "only the World has a new revision");
        assert!(!same("w2", "e3"), "only the emulator has a new revision");
    }

    #[test]
    fn deployments_are_compared_by_name_and_not_by_place() {
        let call = GetDeployments { api: "a1".parse().unwrap(), position: None }.call();
        let page = |ids: &[&str]| {
            let deployment =
                |id: &&str| Deployment { id: (*id).into(), description: String::new(), created: None, status: None };
            Ok(Reply::GetDeployments(Page { items: ids.iter().map(deployment).collect(), next: None }))
        };
        let mut pairs = Pairs::default();
        pairs.bind(Kind::Deployment, "w1", "e1");
        pairs.bind(Kind::Deployment, "w2", "e2");
        assert!(differences(&call, &page(&["w1", "w2"]), &page(&["e2", "e1"]), &mut pairs).is_empty());
        assert!(!differences(&call, &page(&["w1", "w2"]), &page(&["e2"]), &mut pairs).is_empty());
    }
}
