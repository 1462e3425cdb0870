//! What a clean-up would delete and why the rest stays: the document of `gc --json` and its text. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::text::field;
use crate::gc::{Item, Rules, Sweep, Thing};

/// [`GcDocument::schema`]
pub const GC_SCHEMA: &str = "stagegate.gc/1.0";

/// All of it.
#[derive(Debug, Serialize)]
pub struct GcDocument<'s> {
    /// Schema of this document.
    pub schema: &'static str,
    /// As the user named it.
    pub target: String,
    /// The region that was read.
    pub region: String,
    /// The newest of each kind that stay.
    pub keep: u32,
    /// Whatever is not older stays, seconds.
    pub older_than_s: u64,
    /// Whether what somebody else made may go.
    pub others: bool,
    /// What goes.
    pub goes: Vec<&'s Item>,
    /// What stays, with its reasons.
    pub stays: Vec<&'s Item>,
    /// Size of the code of the versions that go, bytes.
    pub bytes: u64,
    /// The command that deletes it.
    pub command: String,
}

impl<'s> GcDocument<'s> {
    /// Of a sweep.
    pub fn new(target: &str, region: &str, sweep: &'s Sweep, rules: &Rules, command: String) -> Self {
        Self {
            schema: GC_SCHEMA,
            target: target.to_owned(),
            region: region.to_owned(),
            keep: rules.keep,
            older_than_s: rules.older_than.as_secs(),
            others: rules.others,
            goes: sweep.goes().collect(),
            stays: sweep.stays().collect(),
            bytes: sweep.goes().filter_map(|item| item.bytes).sum(),
            command,
        }
    }
}

/// The screen: for each function and API what goes, one line each, and what stays, those with one reason together.
pub fn screen(document: &GcDocument<'_>, width: usize) -> String {
    let mut out = format!("{} · {}\n", document.target, document.region);
    let young = age(Duration::from_secs(document.older_than_s));
    let rule = match document.others {
        true => format!("what anything refers to, the newest {}, and what is younger than {young}", document.keep),
        false => format!(
            "what anything refers to, the newest {}, what is younger than {young}, and what others made",
            document.keep
        ),
    };
    out.push_str(&field("  stays  ", &rule, width));
    let mut subjects: BTreeMap<Subject, (Vec<&Item>, Vec<&Item>)> = BTreeMap::new();
    for item in &document.goes {
        subjects.entry(Subject::of(&item.thing)).or_default().0.push(item);
    }
    for item in &document.stays {
        subjects.entry(Subject::of(&item.thing)).or_default().1.push(item);
    }
    for (subject, (goes, stays)) in &subjects {
        out.push_str(&format!("\n{}\n", subject.name()));
        out.push_str(&of_subject(goes, stays, width));
    }
    out
}

/// What things are shown under: functions come first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Function(String),
    Api(String),
}

impl Subject {
    fn of(thing: &Thing) -> Self {
        match thing {
            Thing::Version { function, .. } | Thing::Alias { function, .. } => Self::Function(function.to_string()),
            Thing::Deployment { api, .. } => Self::Api(api.to_string()),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Function(name) | Self::Api(name) => name,
        }
    }
}

fn of_subject(goes: &[&Item], stays: &[&Item], width: usize) -> String {
    let mut out = String::new();
    for (at, item) in goes.iter().enumerate() {
        let verb = if at == 0 { "goes" } else { "" };
        out.push_str(&field(&format!("  {verb:<5}  {:<9}  ", name(&item.thing)), &about(item), width));
    }
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for item in stays {
        let because = item.kept.first().map(ToString::to_string).unwrap_or_default();
        match groups.last_mut() {
            Some((last, names)) if *last == because => names.push(name(&item.thing)),
            _ => groups.push((because, vec![name(&item.thing)])),
        }
    }
    for (at, (because, names)) in groups.iter().enumerate() {
        let verb = if at == 0 { "stays" } else { "" };
        out.push_str(&field(&format!("  {verb:<5}  {:<9}  ", span(names)), because, width));
    }
    out
}

fn name(thing: &Thing) -> String {
    match thing {
        Thing::Version { version, .. } => format!("v{version}"),
        Thing::Deployment { deployment, .. } => deployment.clone(),
        Thing::Alias { alias, .. } => alias.to_string(),
    }
}

/// `v31–v39`, of neighbours in a list: the first and the last.
fn span(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, .., last] => format!("{first}–{last}"),
    }
}

fn about(item: &Item) -> String {
    let date = item.since.map_or_else(|| "date unknown".into(), |at| at.strftime("%Y-%m-%d").to_string());
    let bytes = item.bytes.map(|bytes| format!(" · {}", size(bytes))).unwrap_or_default();
    let by = item.by.as_ref().map_or_else(|| "made by somebody else".into(), ToString::to_string);
    format!("{date}{bytes} · {by}")
}

/// `19 versions (84 MB), 3 deployments and 1 alias`.
pub fn counts<'i>(items: impl IntoIterator<Item = &'i Item>) -> String {
    let (mut versions, mut deployments, mut aliases, mut bytes) = (0, 0, 0, 0);
    for item in items {
        bytes += item.bytes.unwrap_or_default();
        match item.thing {
            Thing::Version { .. } => versions += 1,
            Thing::Deployment { .. } => deployments += 1,
            Thing::Alias { .. } => aliases += 1,
        }
    }
    let some = |count: u32, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {many}")),
    };
    let versions = some(versions, "version", "versions").map(|text| format!("{text} ({})", size(bytes)));
    let parts = [versions, some(deployments, "deployment", "deployments"), some(aliases, "alias", "aliases")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What the dry run ends with.
pub fn ending(document: &GcDocument<'_>, width: usize) -> String {
    if document.goes.is_empty() {
        return "\nNothing would be deleted.\n".into();
    }
    let mut out = String::from("\n");
    let counted = counts(document.goes.iter().copied());
    out.push_str(&field("", &format!("Would be deleted: {counted}. Nothing has been deleted."), width));
    if document.goes.iter().any(|item| matches!(item.thing, Thing::Version { .. })) {
        let note =
            "A version that its own policy lets somebody call stays, too: that is read right before each deletion.";
        out.push_str(&field("", note, width));
    }
    out.push_str(&format!("To delete: {}\n", document.command));
    out
}

/// `24 h`, `7 d`.
fn age(age: Duration) -> String {
    match (age.as_secs() / 86_400, age.as_secs() % 86_400 / 3600) {
        (days, 0) if days > 1 => format!("{days} d"),
        (days, hours) => format!("{} h", days * 24 + hours),
    }
}

/// `812 kB`, `4.2 MB`, `84 MB`.
fn size(bytes: u64) -> String {
    let scaled = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..10_000_000 => format!("{:.1} MB", scaled(1_000_000)),
        10_000_000..1_000_000_000 => format!("{:.0} MB", scaled(1_000_000)),
        _ => format!("{:.1} GB", scaled(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_as_people_say_them() {
        let sizes = [0, 812_345, 4_200_000, 84_100_000, 2_500_000_000].map(size);
        assert_eq!(sizes, ["0 kB", "813 kB", "4.2 MB", "84 MB", "2.5 GB"]);
        let ages = [1, 24, 36, 168].map(|hours| age(Duration::from_secs(hours * 3600)));
        assert_eq!(ages, ["1 h", "24 h", "36 h", "7 d"]);
    }
}
