//! CloudTrail: past calls.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;

use super::super::AwsError;
use super::super::noun::{Page, TrailEvent};
use super::super::operation::LookupEvents;
use super::classify::classify;
use super::reply::{page, required, timestamp};

/// One lookup takes one attribute (CloudTrail API reference); the name of the event is the one that is certain.
pub(super) async fn lookup_events(client: &Client, call: &LookupEvents) -> Result<Page<TrailEvent>, AwsError> {
    let name = LookupAttribute::builder().attribute_key(LookupAttributeKey::EventName).attribute_value(&call.name);
    let name = name.build().map_err(|error| AwsError::rejected(0, "InvalidRequest", error.to_string()))?;
    let request = client
        .lookup_events()
        .lookup_attributes(name)
        .end_time(DateTime::from_secs(call.end.as_second()))
        .max_results(50)
        .set_next_token(call.next.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.events, out.next_token, event)
}

fn event(event: Event) -> Result<TrailEvent, AwsError> {
    let at = event.event_time.as_ref().and_then(timestamp);
    let whole = required(event.cloud_trail_event, "CloudTrailEvent")?;
    let whole = serde_json::from_str(&whole)
        .map_err(|error| AwsError::Ambiguous { cause: format!("an event of CloudTrail is not JSON: {error}") })?;
    Ok(TrailEvent { at: required(at, "EventTime")?, who: event.username, event: whole })
}
