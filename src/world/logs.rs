//! CloudWatch Logs: what functions write when they run. Requests are written one by one; the traffic of a
//! [`Load`](super::Load), which is only counted, writes nothing.

use jiff::Timestamp;

use super::account::Account;
use super::apigateway::paginate;
use crate::aws::AwsError;
use crate::aws::noun::{LogLine, Page};
use crate::aws::operation::FilterLogEvents;
use crate::model::{FunctionName, Version};

/// Lines of a page at most.
const PAGE: u32 = 10_000;

/// A line with the group that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Written {
    group: String,
    line: LogLine,
}

impl Account {
    /// Writes what a version says when it runs, between the lines that Lambda puts around it. The first line makes the
    /// group. Streams are named as Lambda names them: with the function's name where its group is not the usual one.
    pub(super) fn write_log(&mut self, function: &FunctionName, version: Version, text: &str) {
        let Ok(build) = self.build(function, version) else { return };
        let custom = build.function.log_group.clone();
        let (at, serial) = (self.now(), self.logs.len());
        let name = if custom.is_some() { function.as_str() } else { "" };
        let stream = format!("{}/{name}[{version}]{serial:032x}", at.strftime("%Y/%m/%d"));
        let group = custom.unwrap_or_else(|| format!("/aws/lambda/{function}"));
        let id = format!("{serial:08}");
        let report = std::iter::once(format!("REPORT RequestId: {id}"));
        let lines = std::iter::once(format!("START RequestId: {id} Version: {version}"));
        for message in lines.chain(text.lines().map(str::to_owned)).chain(report) {
            self.put_log(&group, &stream, at, &message);
        }
    }

    /// Writes a line into a log.
    pub fn put_log(&mut self, group: &str, stream: &str, at: Timestamp, message: &str) {
        let line = LogLine { at, stream: stream.to_owned(), message: message.to_owned() };
        self.logs.push(Written { group: group.to_owned(), line });
    }

    pub(super) fn filter_log_events(&self, call: &FilterLogEvents) -> Result<Page<LogLine>, AwsError> {
        let in_group = || self.logs.iter().filter(|one| one.group == call.group);
        if in_group().next().is_none() {
            let text = "The specified log group does not exist.";
            return Err(AwsError::rejected(400, "ResourceNotFoundException", text));
        }
        let asked =
            |line: &&LogLine| line.stream.starts_with(&call.prefix) && (call.start..=call.end).contains(&line.at);
        let mut lines: Vec<&LogLine> = in_group().map(|one| &one.line).filter(asked).collect();
        lines.sort_by_key(|line| line.at);
        let size = usize::try_from(call.limit.min(PAGE)).unwrap_or(1);
        paginate(lines.into_iter().rev(), size, call.next.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::super::invoke::tests::invoke;
    use super::super::tests::{ask, pets, refusal, world};
    use super::*;

    fn filter(group: &str, prefix: &str, next: Option<String>) -> FilterLogEvents {
        let (start, end) = (Timestamp::UNIX_EPOCH, "2100-01-01T00:00:00Z".parse().unwrap());
        FilterLogEvents { group: group.into(), prefix: prefix.into(), start, end, limit: 2, next }
    }

    #[test]
    fn what_a_version_writes_stands_in_streams_of_its_own_the_latest_first() {
        let world = world();
        assert_eq!(refusal(ask(&world, filter("/aws/lambda/pets", "", None))).1, "ResourceNotFoundException");
        world.edit(|account| account.version_mut(&pets(), 1).unwrap().behaviour.log = "one\ntwo".into());
        invoke(&world, 1, 60).unwrap();
        invoke(&world, 2, 60).unwrap();
        let day = world.look(Account::now).strftime("%Y/%m/%d").to_string();
        let page = |next| ask(&world, filter("/aws/lambda/pets", &format!("{day}/[1]"), next)).unwrap();
        let first = page(None);
        assert_eq!(
            first.items.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(),
            ["REPORT RequestId: 00000000", "two"]
        );
        let second = page(first.next);
        assert_eq!((second.items[1].message.as_str(), second.next), ("START RequestId: 00000000 Version: 1", None));
        world.edit(|account| account.version_mut(&pets(), 2).unwrap().function.log_group = Some("shop".into()));
        invoke(&world, 2, 60).unwrap();
        assert_eq!(ask(&world, filter("shop", &format!("{day}/pets[2]"), None)).unwrap().items.len(), 2);
    }
}
