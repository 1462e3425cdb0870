//! The versions of a function: the document of `versions --json` and its text. Pure.

use jiff::Timestamp;
use serde::Serialize;

use super::text::{age, cut, field, when};
use crate::model::{Percent, RunId, Version};
use crate::plan::short_sha;

/// [`Versions::schema`]
pub const VERSIONS_SCHEMA: &str = "stagegate.versions/1.0";
/// How many are shown unless more are asked for.
const SHOWN: usize = 20;
/// Below this width the description has no place.
const WIDE: usize = 72;

/// An alias that sends calls to a version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Served {
    /// The alias.
    pub alias: String,
    /// Its share of that alias's calls, 0–100 %.
    pub percent: f64,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionRow {
    /// Its number.
    pub version: Version,
    /// Base64 SHA-256 of its code.
    pub sha256: String,
    /// AWS's date of it.
    pub modified: Option<Timestamp>,
    /// The aliases that send calls to it.
    pub served: Vec<Served>,
    /// A record remembers it as bad, or a journal on this machine.
    pub bad: bool,
    /// The release that published it.
    pub release: Option<RunId>,
    /// Its description.
    pub description: String,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Versions {
    /// Schema of this document.
    pub schema: &'static str,
    /// The function.
    pub function: String,
    /// The region that was read.
    pub region: String,
    /// How many versions there are.
    pub total: usize,
    /// The aliases that send calls to `$LATEST`.
    pub latest: Vec<Served>,
    /// Newest first.
    pub versions: Vec<VersionRow>,
}

/// The screen. Versions that serve are shown however old they are.
pub fn screen(versions: &Versions, limit: Option<usize>, now: Timestamp, width: usize) -> String {
    let Versions { function, region, total, .. } = versions;
    let count = if *total == 1 { "1 version".to_owned() } else { format!("{total} versions") };
    let mut out = format!("{function} · {region} · {count}\n\n");
    if *total == 0 {
        out.push_str("  nothing is published\n");
    }
    let shown = limit.unwrap_or(SHOWN);
    let rows: Vec<&VersionRow> = versions
        .versions
        .iter()
        .enumerate()
        .filter(|(at, row)| *at < shown || !row.served.is_empty())
        .map(|(_, row)| row)
        .collect();
    let numbers = rows.iter().map(|row| row.version.label().len()).max().unwrap_or_default();
    for row in &rows {
        let date = row.modified.map_or_else(String::new, |at| when(at, now));
        let old = row
            .modified
            .map_or_else(String::new, |at| age(u64::try_from(now.duration_since(at).as_secs()).unwrap_or_default()));
        let head = format!("  {:<numbers$}  {}…  {date:<13} {old:>8}  ", row.version.label(), short_sha(&row.sha256));
        out.push_str(&field(&head, &says(row, width.saturating_sub(head.chars().count()), width), width));
    }
    if !versions.latest.is_empty() {
        out.push_str(&field(
            "  ! ",
            &format!("{} serves $LATEST, which is no version", names(&versions.latest)),
            width,
        ));
    }
    let hidden = total.saturating_sub(rows.len());
    if hidden > 0 {
        out.push_str(&format!("  and {hidden} older: stagegate versions {function} --limit {total}\n"));
    }
    out
}

fn says(row: &VersionRow, room: usize, width: usize) -> String {
    let mut parts = Vec::new();
    if !row.served.is_empty() {
        parts.push(names(&row.served));
    }
    if row.bad {
        parts.push("✖ bad".into());
    }
    let said = parts.join("  ");
    let left = room.saturating_sub(said.chars().count() + 2);
    if width >= WIDE && left >= 8 && !row.description.is_empty() {
        parts.push(cut(&row.description, left));
    }
    parts.join("  ")
}

fn names(served: &[Served]) -> String {
    let one = |one: &Served| match Percent::of_share(one.percent / 100.0) {
        Percent::ALL => one.alias.clone(),
        part => format!("{} {part}", one.alias),
    };
    served.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(count: u64) -> Versions {
        let now: Timestamp = "2026-11-21T14:00:00Z".parse().unwrap();
        let row = |number: u64| VersionRow {
            version: Version::Number(number),
            sha256: format!("{number:0>4}RWl8F3yQmGKXq8mVZ0d6s1bI2gqN3hYtq0="),
            modified: Some(now - std::time::Duration::from_secs((count - number) * 90_000 + 400)),
            served: match number {
                1 => vec![Served { alias: "legacy".into(), percent: 100.0 }],
                n if n == count => vec![Served { alias: "live".into(), percent: 5.0 }],
                n if n + 1 == count => {
                    vec![
                        Served { alias: "live".into(), percent: 95.0 },
                        Served { alias: "beta".into(), percent: 100.0 },
                    ]
                }
                _ => Vec::new(),
            },
            bad: number + 2 == count,
            release: None,
            description: format!("3e9a1f{number} a description that does not fit into any terminal"),
        };
        Versions {
            schema: VERSIONS_SCHEMA,
            function: "checkout-api".into(),
            region: "us-east-1".into(),
            total: usize::try_from(count).unwrap(),
            latest: vec![Served { alias: "dev".into(), percent: 100.0 }],
            versions: (1..=count).rev().map(row).collect(),
        }
    }

    #[test]
    fn the_newest_and_whatever_serves_are_shown_and_the_rest_is_counted() {
        let now = "2026-11-21T14:00:00Z".parse().unwrap();
        insta::assert_snapshot!("versions_88", screen(&versions(200), Some(5), now, 88));
        let narrow = screen(&versions(200), Some(5), now, 60);
        assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
        insta::assert_snapshot!("versions_60", narrow);
        assert_eq!(screen(&versions(200), None, now, 88).lines().count(), 2 + 20 + 3);
        let none = Versions { total: 0, versions: Vec::new(), latest: Vec::new(), ..versions(1) };
        assert!(screen(&none, None, now, 88).contains("nothing is published"));
    }
}
