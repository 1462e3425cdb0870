//! The log lines of one version of a function, out of the log group that all its versions share.
//!
//! Lambda names a stream by the day on which its execution environment began, the version in brackets and an id:
//! `2026/11/21/[42]0123…`; in a log group of another name than the usual one the function's name stands before the
//! bracket (Lambda developer guide, "Log structure" and "Configuring CloudWatch log groups": documented by AWS, to be
//! verified). So a version's lines are read without those of the others.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::aws::noun::LogLine;
use crate::aws::operation::FilterLogEvents;
use crate::aws::{Aws, AwsError, AwsExt as _, Operation, Remedy, explain};
use crate::model::FunctionName;
use crate::problem::{Code, Problem};

/// What reading a log may ask.
pub const READS: &[Operation] = &[Operation::FilterLogEvents];
/// How far back lines are looked for at most.
pub const SINCE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many lines are shown at most.
pub const LINES_MAX: usize = 10_000;
/// Pages read for one version at most: a quota of 5 rps is everybody's.
const PAGES_MAX: usize = 20;
/// An execution environment writes to one stream as long as it lives, which is hours.
const ENVIRONMENT_LIVES: SignedDuration = SignedDuration::from_hours(24);

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The function.
    pub function: FunctionName,
    /// The version's number.
    pub version: u64,
    /// Its log group, where that is known; else the usual one.
    pub group: Option<String>,
    /// From.
    pub start: Timestamp,
    /// To.
    pub end: Timestamp,
    /// How many lines, the newest ones.
    pub limit: usize,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The log group.
    pub group: String,
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// Whether that is all there is between the two times.
    pub complete: bool,
}

/// The log group that Lambda makes by itself.
pub fn usual_group(function: &FunctionName) -> String {
    format!("/aws/lambda/{function}")
}

/// What an IAM statement for reading a log group names.
pub fn group_arn(partition: &str, region: &str, account: &str, group: &str) -> String {
    format!("arn:{partition}:logs:{region}:{account}:log-group:{group}:*")
}

impl Ask {
    fn group(&self) -> String {
        self.group.clone().unwrap_or_else(|| usual_group(&self.function))
    }

    /// How the names of the version's streams begin, one for each day on which one of them may have begun, newest first.
    fn prefixes(&self) -> Vec<String> {
        let name = if self.group() == usual_group(&self.function) { "" } else { self.function.as_str() };
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let first = day(self.start.saturating_sub(ENVIRONMENT_LIVES).unwrap_or(self.start));
        let mut days = vec![day(self.end)];
        while let Some(before) = days.last().and_then(|day| day.yesterday().ok()).filter(|before| *before >= first) {
            days.push(before);
        }
        days.iter().map(|day| format!("{}/{name}[{}]", day.strftime("%Y/%m/%d"), self.version)).collect()
    }
}

/// Reads the newest lines of a version.
///
/// # Errors
/// [`Code::LogMissing`] when there is no such log group; or it cannot be read.
pub async fn read<A: Aws>(aws: &A, ask: &Ask) -> Result<Log, Problem> {
    let group = ask.group();
    let (mut lines, mut complete, mut pages) = (Vec::new(), true, 0);
    for prefix in ask.prefixes() {
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            if pages == PAGES_MAX || found.len() >= ask.limit {
                complete = false;
                break;
            }
            pages += 1;
            let request = FilterLogEvents {
                group: group.clone(),
                prefix: prefix.clone(),
                start: ask.start,
                end: ask.end,
                limit: u32::try_from(ask.limit.min(LINES_MAX)).unwrap_or(u32::MAX),
                next: next.clone(),
            };
            let page = aws.send(request).await.map_err(|error| failed(ask, &group, &error))?;
            // Some implementations ask less of a stream's name than AWS does.
            found.extend(page.items.into_iter().filter(|line| line.stream.starts_with(&prefix)));
            if page.next.is_none() || page.next == next {
                break;
            }
            next = page.next;
        }
        lines.extend(oldest_first(found));
    }
    lines.sort_by_key(|line| line.at);
    if lines.len() > ask.limit {
        complete = false;
        lines.drain(..lines.len() - ask.limit);
    }
    Ok(Log { group, lines, complete })
}

/// They come newest first; an implementation that does not know that order has them the other way round already. Lines
/// of one time stay in the order in which they were written.
fn oldest_first(mut lines: Vec<LogLine>) -> Vec<LogLine> {
    let rises = lines.first().zip(lines.last()).is_some_and(|(first, last)| first.at < last.at);
    if !rises {
        lines.reverse();
    }
    lines
}

fn failed(ask: &Ask, group: &str, error: &AwsError) -> Problem {
    let Ask { function, .. } = ask;
    if error.remedy() != Remedy::Missing {
        return explain::problem(Operation::FilterLogEvents, group, error);
    }
    Problem::new(Code::LogMissing, format!("{function} has no log: the log group {group} does not exist"))
        .why("Lambda makes the group when the function first runs; without the right to do so it writes nothing")
        .fix(format!("look at its role: aws lambda get-function-configuration --function-name {function} --query Role"))
        .fix("the role needs logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(group: Option<&str>, start: &str, end: &str) -> Ask {
        let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
        Ask { function: "pets".parse().unwrap(), version: 42, group: group.map(str::to_owned), start, end, limit: 10 }
    }

    #[test]
    fn the_streams_of_a_version_are_those_of_its_days_and_of_the_day_before() {
        let usual = ask(None, "2026-11-01T00:20:00Z", "2026-11-01T00:30:00Z");
        assert_eq!(usual.prefixes(), ["2026/11/01/[42]", "2026/10/31/[42]"]);
        assert_eq!(Ask { group: Some("/aws/lambda/pets".into()), ..usual.clone() }.prefixes(), usual.prefixes());
        let custom = ask(Some("shop"), "2026-11-01T23:50:00Z", "2026-11-02T00:10:00Z");
        assert_eq!(custom.prefixes(), ["2026/11/02/pets[42]", "2026/11/01/pets[42]", "2026/10/31/pets[42]"]);
    }

    #[test]
    fn lines_of_one_time_stay_in_their_order_whichever_end_came_first() {
        let line = |message: &str, second: i64| LogLine {
            at: Timestamp::from_second(second).unwrap(),
            stream: String::new(),
            message: message.into(),
        };
        let (a, b, c) = (line("a", 1), line("b", 1), line("c", 2));
        let sorted = vec![a.clone(), b.clone(), c.clone()];
        assert_eq!(oldest_first(vec![c, b, a]), sorted);
        assert_eq!(oldest_first(sorted.clone()), sorted);
    }
}
