//! What CloudTrail still knows of an alias: which versions had all of its traffic, and until when. Asked only where
//! record and journal do not decide, and a person wants it.
//!
//! The names of the events and the fields in them are those that CloudTrail writes for Lambda (Lambda developer guide,
//! "Logging Lambda API calls", and the CloudTrail user guide: documented by AWS, to be verified). One lookup takes one
//! attribute; that is the event's name, so that the events of all functions are paged through.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::choose::{Known, Rule};
use crate::aws::noun::{Alias, TrailEvent};
use crate::aws::operation::LookupEvents;
use crate::aws::{Aws, AwsExt as _, Operation, explain};
use crate::model::Version;
use crate::problem::Problem;

/// What the search may ask.
pub const READS: &[Operation] = &[Operation::LookupEvents];
/// What the search cannot see, for people.
pub const BLIND: &str = "CloudTrail keeps 90 days of this region, and shows a call up to 15 minutes after it was made";
/// The events in which an alias gets a version, and how many pages of 50 are read of each: 2 rps are everybody's.
const EVENTS: [(&str, usize); 2] = [("UpdateAlias20150331", 20), ("CreateAlias20150331", 4)];

/// One time that an alias was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// When.
    pub at: Timestamp,
    /// By whom, where CloudTrail says so.
    pub who: Option<String>,
    /// The primary version then.
    pub version: Version,
    /// Version → share, 0–1.
    pub weights: BTreeMap<u64, f64>,
    arn: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trail {
    /// Every alias of the account and region, newest first.
    written: Vec<Written>,
    /// How many events were looked at.
    pub looked_at: usize,
    /// Whether the search ended before the events did.
    pub cut: bool,
}

/// Reads the events up to a time.
///
/// # Errors
/// CloudTrail cannot be read.
pub async fn search<A: Aws>(aws: &A, end: Timestamp) -> Result<Trail, Problem> {
    let mut trail = Trail::default();
    for (name, pages) in EVENTS {
        let mut next = None;
        for page in 0..pages {
            let request = LookupEvents { name: name.to_owned(), end, next: next.clone() };
            let found = aws.send(request).await;
            let found = found.map_err(|error| explain::problem(Operation::LookupEvents, name, &error))?;
            trail.looked_at += found.items.len();
            trail.written.extend(found.items.iter().filter_map(read));
            if found.next.is_none() || found.next == next {
                break;
            }
            next = found.next;
            trail.cut |= page + 1 == pages;
        }
    }
    trail.written.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(trail)
}

/// An event that wrote an alias; none when it failed, or does not say what the alias was then.
fn read(event: &TrailEvent) -> Option<Written> {
    let TrailEvent { at, who, event } = event;
    if event["errorCode"].is_string() {
        return None;
    }
    let said = |field: &str| {
        let answer = &event["responseElements"][field];
        if answer.is_null() { &event["requestParameters"][field] } else { answer }
    };
    let weights = said("routingConfig")["additionalVersionWeights"].as_object().into_iter().flatten();
    let weights = weights.filter_map(|(version, share)| Some((version.parse().ok()?, share.as_f64()?)));
    Some(Written {
        at: *at,
        who: who.clone(),
        version: said("functionVersion").as_str()?.parse().ok()?,
        weights: weights.collect(),
        arn: said("aliasArn").as_str().map_or_else(|| named(&event["requestParameters"]), str::to_owned),
    })
}

/// The end of an alias's ARN, from what was asked for: the function's name or its ARN, and the alias.
fn named(asked: &Value) -> String {
    let function = asked["functionName"].as_str().unwrap_or_default();
    let function = function.rsplit(":function:").next().unwrap_or(function);
    format!(":function:{function}:{}", asked["name"].as_str().unwrap_or_default())
}

impl Trail {
    /// How an alias was, newest first.
    pub fn of<'t>(&'t self, alias: &'t Alias) -> impl Iterator<Item = &'t Written> {
        self.written.iter().filter(|one| !one.arn.is_empty() && alias.arn.ends_with(&one.arn))
    }

    /// Since when an alias has given all its calls to the version that it is on, and who put it there.
    pub fn since(&self, alias: &Alias) -> Option<(Timestamp, Option<String>)> {
        let now = |one: &&Written| one.version == alias.version && one.weights.is_empty();
        self.of(alias).take_while(now).last().map(|one| (one.at, one.who.clone()))
    }

    /// The versions that had all calls of an alias before the one that it is on, newest first, each with the time from
    /// which and until which that was so, as far as the events say.
    pub fn known(&self, alias: &Alias) -> Vec<Known> {
        let mut until = None;
        let mut known: Vec<Known> = Vec::new();
        for one in self.of(alias) {
            let whole = one.weights.is_empty() && one.version != alias.version;
            match known.last_mut() {
                // The same stretch, told once more: it began earlier.
                Some(last) if whole && last.from == one.version && last.since == until => last.since = Some(one.at),
                _ if whole => known.push(Known {
                    from: one.version,
                    to: alias.version,
                    rule: Rule::Searched,
                    since: Some(one.at),
                    until,
                }),
                _ => {}
            }
            until = Some(one.at);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:pets:live";

    fn event(at: &str, asked: Value, answered: Value) -> TrailEvent {
        let event = json!({ "requestParameters": asked, "responseElements": answered });
        TrailEvent { at: at.parse().unwrap(), who: Some("dana".into()), event }
    }

    fn answered(at: &str, version: &str, weights: Value) -> TrailEvent {
        let routing = json!({ "additionalVersionWeights": weights });
        event(at, Value::Null, json!({ "aliasArn": ARN, "functionVersion": version, "routingConfig": routing }))
    }

    fn alias(version: u64) -> Alias {
        Alias {
            arn: ARN.into(),
            version: Version::Number(version),
            weights: BTreeMap::new(),
            description: String::new(),
            revision: "r".into(),
        }
    }

    fn trail(events: &[TrailEvent]) -> Trail {
        Trail { written: events.iter().filter_map(read).collect(), looked_at: events.len(), cut: false }
    }

    #[test]
    fn the_versions_that_had_all_calls_are_told_with_their_times_and_a_canary_is_none() {
        let trail = trail(&[
            answered("2026-11-21T14:30:00Z", "42", Value::Null),
            answered("2026-11-21T14:10:00Z", "41", json!({ "42": 0.1 })),
            answered("2026-11-16T09:00:00Z", "41", Value::Null),
            answered("2026-11-16T08:59:00Z", "41", Value::Null),
            answered("2026-11-02T09:00:00Z", "39", Value::Null),
        ]);
        let known: Vec<String> = trail
            .known(&alias(42))
            .iter()
            .map(|k| format!("{} {:.0} {:.0}", k.from.label(), k.since.unwrap(), k.until.unwrap()))
            .collect();
        assert_eq!(
            known,
            ["v41 2026-11-16T08:59:00Z 2026-11-21T14:10:00Z", "v39 2026-11-02T09:00:00Z 2026-11-16T08:59:00Z"]
        );
    }

    #[test]
    fn what_failed_or_is_of_another_alias_or_says_no_version_counts_for_nothing() {
        let mut failed = answered("2026-11-21T14:30:00Z", "42", Value::Null);
        failed.event["errorCode"] = "PreconditionFailedException".into();
        let asked = |function: &str, version: Value| {
            let asked = json!({ "functionName": function, "name": "live", "functionVersion": version });
            event("2026-11-20T10:00:00Z", asked, Value::Null)
        };
        let trail = trail(&[
            failed,
            asked("cats", "7".into()),
            asked("pets", Value::Null),
            asked("ts", "8".into()),
            asked("arn:aws:lambda:us-east-1:123456789012:function:pets", "40".into()),
        ]);
        let known = trail.known(&alias(42));
        assert_eq!(known.iter().map(|k| k.from.label()).collect::<Vec<_>>(), ["v40"]);
    }
}
