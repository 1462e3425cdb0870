//! CloudWatch Logs: what functions write.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use jiff::Timestamp;

use super::super::AwsError;
use super::super::noun::{LogLine, Page};
use super::super::operation::FilterLogEvents;
use super::classify::classify;
use super::reply::{page, required};

pub(super) async fn filter_log_events(client: &Client, call: &FilterLogEvents) -> Result<Page<LogLine>, AwsError> {
    let request = client
        .filter_log_events()
        .log_group_name(&call.group)
        .log_stream_name_prefix(&call.prefix)
        .start_time(call.start.as_millisecond())
        .end_time(call.end.as_millisecond())
        .start_from_head(false)
        .limit(i32::try_from(call.limit).unwrap_or(i32::MAX))
        .set_next_token(call.next.clone());
    let out = request.send().await.map_err(classify)?;
    page(out.events, out.next_token, line)
}

fn line(event: FilteredLogEvent) -> Result<LogLine, AwsError> {
    let at = event.timestamp.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(LogLine {
        at: required(at, "timestamp")?,
        stream: required(event.log_stream_name, "logStreamName")?,
        message: event.message.unwrap_or_default(),
    })
}
