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
use crate::model::{Description, Record, RecordState, Version};
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
    /// The record that its description held then.
    record: Option<Record>,
    named: Named,
}

/// Which alias an event names; what it leaves out is empty.
#[derive(Debug, Clone, PartialEq)]
struct Named {
    account: String,
    region: String,
    /// `function:alias`
    alias: String,
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
    let (asked, answer) = (&event["requestParameters"], &event["responseElements"]);
    let said = if answer["functionVersion"].is_string() { answer } else { asked };
    // UpdateAlias leaves what it does not name as it was (aws-semantics §2); a new alias has no weights of before.
    let is_new = event["eventName"].as_str().is_some_and(|name| name.starts_with("CreateAlias"));
    if std::ptr::eq(said, asked) && !is_new && !asked["routingConfig"].is_object() {
        return None;
    }
    let weights = said["routingConfig"]["additionalVersionWeights"].as_object().into_iter().flatten();
    let weights = weights.filter_map(|(version, share)| Some((version.parse().ok()?, share.as_f64()?)));
    let description = said["description"].as_str().and_then(|text| Description::parse(text).ok());
    Some(Written {
        at: *at,
        who: who.clone(),
        version: said["functionVersion"].as_str()?.parse().ok()?,
        weights: weights.collect(),
        record: description.and_then(|description| description.record),
        named: named(event)?,
    })
}

/// The alias that was written: from the answer, else from what was asked for, the function's name or its ARN, whole or
/// from the account on. Account and region that do not stand there are those of the event.
fn named(event: &Value) -> Option<Named> {
    let asked = &event["requestParameters"];
    let (owner, alias) = match event["responseElements"]["aliasArn"].as_str() {
        Some(arn) => arn.split_once(":function:").map(|(owner, alias)| (owner, alias.to_owned()))?,
        None => {
            let function = asked["functionName"].as_str()?;
            let (owner, function) = function.split_once(":function:").unwrap_or(("", function));
            (owner, format!("{function}:{}", asked["name"].as_str()?))
        }
    };
    let mut owner = owner.rsplit(':').filter(|part| !part.is_empty());
    let mut part = |field: &str| owner.next().or_else(|| event[field].as_str()).unwrap_or_default().to_owned();
    Some(Named { account: part("recipientAccountId"), region: part("awsRegion"), alias })
}

impl Named {
    fn is(&self, alias: &Alias) -> bool {
        let Some((owner, name)) = alias.arn.split_once(":function:") else { return false };
        let mut owner = owner.rsplit(':');
        let mut agrees = |said: &str| owner.next().is_some_and(|own| said.is_empty() || own == said);
        agrees(&self.account) && agrees(&self.region) && self.alias == name
    }
}

impl Trail {
    /// How an alias was, newest first.
    pub fn of<'t>(&'t self, alias: &'t Alias) -> impl Iterator<Item = &'t Written> {
        self.written.iter().filter(|one| one.named.is(alias))
    }

    /// Since when an alias has given all its calls to the version that it is on, and who put it there.
    pub fn since(&self, alias: &Alias) -> Option<(Timestamp, Option<String>)> {
        let now = |one: &&Written| one.version == alias.version && one.weights.is_empty();
        self.of(alias).take_while(now).last().map(|one| (one.at, one.who.clone()))
    }

    /// The versions that had all calls of an alias before the one that it is on, newest first, each with the time from
    /// which and until which that was so, as far as the events say. Those that traffic was taken back from, or that a
    /// record of then marks bad, are left out.
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
        known.retain(|known| !self.is_taken_back(alias, known.from) && !self.is_bad(alias, known.from));
        known
    }

    /// Whether a version's last stretch lies between two of one other version: traffic went there, and back again. What
    /// serves now may not be among the events yet.
    fn is_taken_back(&self, alias: &Alias, version: Version) -> bool {
        let whole = self.of(alias).filter(|one| one.weights.is_empty()).map(|one| one.version);
        let whole: Vec<Version> = std::iter::once(alias.version).chain(whole).collect();
        let Some(last) = whole.iter().position(|one| *one == version) else { return false };
        let (later, earlier) = whole.split_at(last);
        later.iter().any(|one| earlier.contains(one))
    }

    /// What the newest record that says something of a version says: bad, or promoted since.
    fn is_bad(&self, alias: &Alias, version: Version) -> bool {
        let says = |record: &Record| match version.number() {
            Some(number) if record.bad.contains(&number) => Some(true),
            _ => (record.state == RecordState::Promoted && record.to == version).then_some(false),
        };
        self.of(alias).filter_map(|one| one.record.as_ref()).find_map(says).unwrap_or(false)
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
            let routing = json!({ "additionalVersionWeights": {} });
            let asked = json!({
                "functionName": function, "name": "live", "functionVersion": version, "routingConfig": routing,
            });
            event("2026-11-20T10:00:00Z", asked, Value::Null)
        };
        let of = |field: &str, value: &str| {
            let mut event = asked("pets", "9".into());
            event.event[field] = value.into();
            event
        };
        let mut partial = asked("pets", "10".into());
        partial.event["requestParameters"]["routingConfig"] = Value::Null;
        let trail = trail(&[
            failed,
            asked("cats", "7".into()),
            asked("pets", Value::Null),
            asked("ts", "8".into()),
            asked("arn:aws:lambda:us-east-1:999999999999:function:pets", "11".into()),
            asked("arn:aws:lambda:eu-west-1:123456789012:function:pets", "12".into()),
            asked("999999999999:function:pets", "13".into()),
            of("awsRegion", "eu-west-1"),
            of("recipientAccountId", "999999999999"),
            partial,
            asked("arn:aws:lambda:us-east-1:123456789012:function:pets", "40".into()),
            asked("123456789012:function:pets", "39".into()),
            asked("pets", "38".into()),
        ]);
        assert_eq!(labels(&trail, 42), ["v40", "v39", "v38"]);
    }

    #[test]
    fn a_new_alias_has_the_weights_that_were_asked_for() {
        let mut created = event(
            "2026-11-20T10:00:00Z",
            json!({ "functionName": "pets", "name": "live", "functionVersion": "40" }),
            Value::Null,
        );
        assert_eq!(labels(&trail(&[created.clone()]), 42), Vec::<String>::new());
        created.event["eventName"] = "CreateAlias20150331".into();
        assert_eq!(labels(&trail(&[created]), 42), ["v40"]);
    }

    fn labels(trail: &Trail, version: u64) -> Vec<String> {
        trail.known(&alias(version)).iter().map(|known| known.from.label()).collect()
    }

    /// Each with all calls, newest first.
    fn whole(versions: &[u64]) -> Vec<TrailEvent> {
        let hour = |at: usize| format!("2026-11-20T{:02}:00:00Z", 23 - at);
        versions.iter().enumerate().map(|(at, one)| answered(&hour(at), &one.to_string(), Value::Null)).collect()
    }

    #[test]
    fn decision_a_version_that_traffic_was_taken_back_from_is_not_known() {
        assert_eq!(labels(&trail(&whole(&[41, 41, 42, 41, 40])), 41), ["v40"]);
        assert_eq!(labels(&trail(&whole(&[41, 43, 42, 41])), 41), Vec::<String>::new());
        assert_eq!(labels(&trail(&whole(&[42, 41])), 41), Vec::<String>::new(), "the newest call is not shown yet");
        assert_eq!(labels(&trail(&whole(&[44, 41, 42, 41, 40])), 44), ["v41", "v41", "v40"]);
        assert_eq!(labels(&trail(&whole(&[42, 41, 40, 41])), 42), ["v41", "v41"], "v41 is where traffic was before");
    }

    #[test]
    fn decision_a_version_that_a_record_of_then_marks_bad_is_not_known() {
        let mut events = whole(&[43, 42, 41, 40]);
        let said = |text: &str| Value::from(format!("Pets {text}"));
        let record = Record {
            run: crate::model::RunId::new(5, 5),
            state: RecordState::RolledBack,
            expires: None,
            from: Some(Version::Number(41)),
            to: Version::Number(42),
            members: 1,
            stage: None,
            stage_canary: false,
            shift: None,
            granted: false,
            bad: vec![41],
            gate_overridden: false,
            asks: false,
        };
        events[1].event["responseElements"]["description"] = said(&record.to_string());
        assert_eq!(labels(&trail(&events), 43), ["v42", "v40"]);
        let promoted = Record { state: RecordState::Promoted, to: Version::Number(41), bad: Vec::new(), ..record };
        events[0].event["responseElements"]["description"] = said(&promoted.to_string());
        assert_eq!(labels(&trail(&events), 43), ["v42", "v41", "v40"], "its promotion clears the mark");
    }
}
