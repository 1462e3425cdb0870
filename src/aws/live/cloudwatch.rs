//! CloudWatch: the evidence that a canary is judged by.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmType, CompositeAlarm, Dimension, EvaluationState, Metric, MetricAlarm, MetricDataQuery, MetricDataResult,
    MetricStat, StateValue, StatusCode,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::super::AwsError;
use super::super::noun::{AlarmState, AlarmValue, MetricPage, MetricQuery, MetricSeries};
use super::super::operation::{DescribeAlarms, GetMetricData};
use super::classify::classify;
use super::reply::{required, timestamp};

/// Queries in one call (aws-semantics §8.3).
const QUERIES_MAX: usize = 500;
/// Names in one call, and the largest page (aws-semantics §8.3).
const ALARMS_MAX: usize = 100;

pub(super) async fn get_metric_data(client: &Client, call: &GetMetricData) -> Result<MetricPage, AwsError> {
    at_most(QUERIES_MAX, call.queries.len(), "metric queries")?;
    if call.queries.is_empty() {
        return Ok(MetricPage::default());
    }
    let queries = call.queries.iter().enumerate().map(query).collect::<Result<_, _>>()?;
    let request = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(DateTime::from_secs(call.start.as_second()))
        .end_time(DateTime::from_secs(call.end.as_second()))
        .set_next_token(call.next.clone());
    let out = request.send().await.map_err(classify)?;
    let next = out.next_token.filter(|token| !token.is_empty());
    let mut series = vec![MetricSeries::default(); call.queries.len()];
    for result in out.metric_data_results.unwrap_or_default() {
        let id = required(result.id.as_deref(), "Id")?;
        let slot = index(id).and_then(|index| series.get_mut(index)).ok_or_else(|| AwsError::Ambiguous {
            cause: format!("the answer has the series `{id}`, which nobody asked for"),
        })?;
        collect(slot, &result, next.is_some())?;
    }
    Ok(MetricPage { series, next })
}

/// The alarms of these names. Without names AWS would answer with every alarm of the account, so nothing is asked then.
pub(super) async fn describe_alarms(client: &Client, call: &DescribeAlarms) -> Result<Vec<AlarmState>, AwsError> {
    at_most(ALARMS_MAX, call.names.len(), "alarm names")?;
    let mut alarms = Vec::new();
    let mut next = None;
    // A page has at least one alarm, so that there cannot be more pages than names: an endless list is a fault.
    for _ in &call.names {
        let request = client
            .describe_alarms()
            .set_alarm_names(Some(call.names.clone()))
            // Unless they are named, only metric alarms are answered (aws-semantics §8.3).
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(100)
            .set_next_token(next);
        let out = request.send().await.map_err(classify)?;
        for alarm in out.metric_alarms.unwrap_or_default() {
            alarms.push(metric_alarm(alarm)?);
        }
        for alarm in out.composite_alarms.unwrap_or_default() {
            alarms.push(composite_alarm(alarm)?);
        }
        next = out.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(alarms);
        }
    }
    match next {
        None => Ok(alarms),
        Some(_) => Err(AwsError::Ambiguous { cause: "the list of alarms has no end".into() }),
    }
}

/// CloudWatch would refuse more; that a caller asks for more is a fault of ours, which should say so.
fn at_most(limit: usize, count: usize, what: &str) -> Result<(), AwsError> {
    if count <= limit {
        return Ok(());
    }
    let message = format!("{count} {what} in one call; CloudWatch takes at most {limit}");
    Err(AwsError::rejected(0, "InvalidRequest", message))
}

/// A query; its id is its place in the list, for the answer comes in another order.
fn query((index, query): (usize, &MetricQuery)) -> Result<MetricDataQuery, AwsError> {
    let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
    let dimensions = query.dimensions.iter().map(dimension).collect();
    let metric = Metric::builder().namespace(&query.namespace).metric_name(&query.metric);
    let period = i32::try_from(query.period_s)
        .map_err(|_| AwsError::rejected(0, "InvalidRequest", format!("a period of {} s", query.period_s)))?;
    let stat = MetricStat::builder()
        .metric(metric.set_dimensions(Some(dimensions)).build())
        .period(period)
        .stat(&query.stat)
        .build();
    Ok(MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).return_data(true).build())
}

fn index(id: &str) -> Option<usize> {
    id.strip_prefix('q')?.parse().ok()
}

/// Adds a result to its series. A partial one is continued on the next page; without such a page it is a failure, for
/// half of the evidence must not pass for all of it.
fn collect(series: &mut MetricSeries, result: &MetricDataResult, continued: bool) -> Result<(), AwsError> {
    let status = required(result.status_code.as_ref(), "StatusCode")?;
    if *status != StatusCode::Complete && !(*status == StatusCode::PartialData && continued) {
        let messages = result.messages.iter().flatten().filter_map(|message| message.value.as_deref());
        let words: Vec<&str> = std::iter::once(status.as_str()).chain(messages).collect();
        series.failure = Some(words.join(": "));
    }
    let (times, values) = (result.timestamps(), result.values());
    if times.len() != values.len() {
        let cause = format!("the answer has {} times for {} values", times.len(), values.len());
        return Err(AwsError::Ambiguous { cause });
    }
    for (time, value) in times.iter().zip(values) {
        series.points.insert(required(timestamp(time), "Timestamps")?, *value);
    }
    Ok(())
}

fn metric_alarm(alarm: MetricAlarm) -> Result<AlarmState, AwsError> {
    Ok(AlarmState {
        name: required(alarm.alarm_name, "AlarmName")?,
        value: value(alarm.state_value.as_ref())?,
        reason: alarm.state_reason,
        since: since(alarm.state_transitioned_timestamp, alarm.state_updated_timestamp),
        evaluation: alarm.evaluation_state.as_ref().map(EvaluationState::as_str).map(ToOwned::to_owned),
    })
}

fn composite_alarm(alarm: CompositeAlarm) -> Result<AlarmState, AwsError> {
    Ok(AlarmState {
        name: required(alarm.alarm_name, "AlarmName")?,
        value: value(alarm.state_value.as_ref())?,
        reason: alarm.state_reason,
        since: since(alarm.state_transitioned_timestamp, alarm.state_updated_timestamp),
        evaluation: None,
    })
}

/// A state that we do not know says nothing, which is what `INSUFFICIENT_DATA` means.
fn value(state: Option<&StateValue>) -> Result<AlarmValue, AwsError> {
    Ok(match required(state, "StateValue")? {
        StateValue::Ok => AlarmValue::Ok,
        StateValue::Alarm => AlarmValue::Alarm,
        _ => AlarmValue::InsufficientData,
    })
}

fn since(transitioned: Option<DateTime>, updated: Option<DateTime>) -> Option<Timestamp> {
    transitioned.or(updated).as_ref().and_then(timestamp)
}
