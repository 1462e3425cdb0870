//! What CloudTrail keeps of the calls that move aliases, whoever sends them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::apigateway::paginate;
use crate::aws::AwsError;
use crate::aws::noun::{Page, TrailEvent};
use crate::aws::operation::LookupEvents;
use crate::model::{AliasName, FunctionName, Version};

/// Events of a page.
const PAGE: usize = 50;
/// How far events can be looked up (CloudTrail API reference).
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// One call that moved an alias.
#[derive(Debug, Clone)]
pub(super) struct AliasCall {
    at: Timestamp,
    name: &'static str,
    function: FunctionName,
    alias: AliasName,
    version: Version,
    weights: BTreeMap<u64, f64>,
    description: String,
}

impl Account {
    /// Notes how an alias is after a call of this name.
    pub(super) fn note_alias(&mut self, name: &'static str, function: &FunctionName, alias: &AliasName) {
        let Ok(entry) = self.alias(function, alias) else { return };
        let (version, weights, description) = (entry.version, entry.weights.clone(), entry.description.clone());
        let (function, alias) = (function.clone(), alias.clone());
        let call = AliasCall { at: self.now(), name, function, alias, version, weights, description };
        self.trail.push(call);
    }

    pub(super) fn lookup_events(&self, call: &LookupEvents) -> Result<Page<TrailEvent>, AwsError> {
        let delay = self.settings.trail_delay;
        let seen = |one: &&AliasCall| {
            one.name == call.name && one.at <= call.end && one.at + delay <= self.now() && one.at + KEPT >= self.now()
        };
        let events: Vec<TrailEvent> = self.trail.iter().rev().filter(seen).map(|one| self.event(one)).collect();
        paginate(events.iter(), PAGE, call.next.as_deref())
    }

    fn event(&self, call: &AliasCall) -> TrailEvent {
        let AliasCall { at, name, function, alias, version, weights, description } = call;
        let routing = if weights.is_empty() { Value::Null } else { json!({ "additionalVersionWeights": weights }) };
        let event = json!({
            "eventTime": at,
            "eventSource": "lambda.amazonaws.com",
            "eventName": name,
            "awsRegion": self.settings.region,
            "recipientAccountId": self.settings.account,
            "requestParameters": {
                "functionName": function,
                "name": alias,
                "functionVersion": version.to_string(),
                "routingConfig": routing,
            },
            "responseElements": {
                "aliasArn": self.function_arn(function, Some(alias.as_str())),
                "name": alias,
                "functionVersion": version.to_string(),
                "routingConfig": routing,
                "description": description,
            },
        });
        TrailEvent { at: *at, who: Some("stagegate".into()), event }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECOND, ask, update, world};
    use super::*;

    #[test]
    fn moves_appear_after_a_while_newest_first_and_page_by_page() {
        let world = world();
        world.clock().advance(60 * SECOND);
        for _ in 0..30 {
            update(&world, 2, &[]).unwrap();
            update(&world, 1, &[(2, 0.1)]).unwrap();
        }
        let list = |next| {
            let end = world.look(Account::now);
            ask(&world, LookupEvents { name: "UpdateAlias20150331".into(), end, next }).unwrap()
        };
        assert!(list(None).items.is_empty(), "nothing of it has arrived");
        world.clock().advance(900 * SECOND);
        let first = list(None);
        assert_eq!(first.items.len(), 50);
        let newest = &first.items[0].event["responseElements"];
        assert_eq!(
            (&newest["functionVersion"], &newest["routingConfig"]["additionalVersionWeights"]["2"]),
            (&json!("1"), &json!(0.1))
        );
        let second = list(first.next);
        assert_eq!((second.items.len(), second.next), (10, None));
    }
}
