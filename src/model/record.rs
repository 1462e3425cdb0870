//! The record: the short line that stagegate keeps at the end of an alias's description.
//!
//! It is written in the same `UpdateAlias` as the routing, so it is atomic with it, and it is all that a rollback from
//! a bare machine has. It is the lock (state and expiry), the way back (previous version, deployment, variable) and
//! the memory of bad versions. It reads, for example:
//!
//! `[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1422Z 41>42 n=1 a1b2c3d4e5/prod d=k5m8ra v=lambdaAlias:blue g bad=40]`
//!
//! and, while it is paused because a person has to agree to the next step, with ` a` in it; in the third step of a canary, with ` t=20261121T135207Z+600+645` in it: when the first step began, and how many
//! seconds each finished step took. A process anywhere judges from that.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{RunId, Shift, StageRef, Version};

/// The record takes at most this many characters (SPEC §3).
pub const RECORD_CHARS_MAX: usize = 160;
/// An alias description takes at most this many characters (botocore model).
pub const DESCRIPTION_CHARS_MAX: usize = 256;
/// How many bad versions are remembered.
pub const BAD_VERSIONS_MAX: usize = 3;
const FORMAT: &str = "sg1";
const EXPIRY_FORMAT: &str = "%Y%m%dT%H%MZ";

/// Where a release stands, as everybody can read it from the alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordState {
    /// In flight: holds the lock until it expires.
    Running,
    /// Held by a person: holds the lock.
    Paused,
    /// Being rolled back: the alias is on `to` again, stage and permissions may not be. Holds the lock.
    Undoing,
    /// Finished: the alias is on `to`.
    Promoted,
    /// Rolled back: the alias is on `to`, which is the version that had served before.
    RolledBack,
    /// Ended by a person who gave the version on trial everything, which its gate had not: the alias is on `to`, and
    /// `from` is what served before.
    ByHand,
}

impl RecordState {
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Running, "run"),
        (Self::Paused, "paused"),
        (Self::Undoing, "undo"),
        (Self::Promoted, "done"),
        (Self::RolledBack, "back"),
        (Self::ByHand, "hand"),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(state, _)| *state == self).map_or("run", |(_, word)| word)
    }

    /// Whether the release is unfinished and so holds the alias.
    pub const fn holds_lock(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Undoing)
    }
}

impl fmt::Display for RecordState {
    /// As the record itself says it: `run`, `paused`, `undo`, `done`, `back`, `hand`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The way back of the stage that a release redeploys or re-points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedStage {
    /// The stage.
    pub stage: StageRef,
    /// The deployment it served before, if the release moves it.
    pub deployment: Option<String>,
    /// The deployment it moves to, if that was not made by the release.
    pub to: Option<String>,
    /// The alias variable and its value before (`None` = unset), if the release sets it.
    pub variable: Option<(String, Option<String>)>,
    /// The release sets more variables: what they were stands in the description of the deployment that it made.
    pub more_variables: bool,
}

/// What stagegate knows of an alias, in the alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The release that wrote it.
    pub run: RunId,
    /// Where that release stands.
    pub state: RecordState,
    /// When an unfinished release is overdue, to the minute; absent once it is finished.
    pub expires: Option<Timestamp>,
    /// The version before; `None` when the release created the alias.
    pub from: Option<Version>,
    /// The version it goes to.
    pub to: Version,
    /// How many functions the release moves together.
    pub members: usize,
    /// The stage's way back.
    pub stage: Option<RecordedStage>,
    /// Whether the release shifts traffic by the stage's canary, through the candidate alias.
    pub stage_canary: bool,
    /// How far the canary is, once its first step began.
    pub shift: Option<Shift>,
    /// Whether the release added permission statements.
    pub granted: bool,
    /// The last versions known to be bad, newest first.
    pub bad: Vec<u64>,
    /// The gate was overridden.
    pub gate_overridden: bool,
    /// It is paused because a person has to agree to the next step.
    pub asks: bool,
}

/// A description that ends in something stagegate cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A later stagegate wrote it.
    #[error("the record `{0}` was written by a newer stagegate")]
    Newer(String),
    /// It starts like a record and is not one.
    #[error("the record `{0}` cannot be read")]
    Unreadable(String),
}

impl Serialize for RecordError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Record {
    /// The record of the rollback of this release: the way is reversed, and `bad` versions are remembered.
    /// A release that created its alias has nothing to reverse to: the versions stay as they are.
    pub fn rolled_back(&self, to: Version, from: Version, mark_bad: bool) -> Self {
        let bad = match (mark_bad, from) {
            (true, Version::Number(n)) => remember_bad(&self.bad, n),
            _ => self.bad.clone(),
        };
        Self {
            state: RecordState::RolledBack,
            expires: None,
            from: Some(from),
            to,
            shift: None,
            granted: false,
            bad,
            asks: false,
            ..self.clone()
        }
    }

    /// The record while the rollback that ends in this one still has a stage or permissions before it: whoever comes
    /// next, from any machine, can finish it.
    pub fn undoing(&self, granted: bool, expires: Timestamp) -> Self {
        Self { state: RecordState::Undoing, expires: Some(expires), granted, shift: None, asks: false, ..self.clone() }
    }

    /// Whether the release holds an alias and has given no share: as claimed, or all at once. Where the version stays,
    /// the record of a canary of the stage that is being ended says the same: that is none.
    pub fn is_claim(&self) -> bool {
        let moves = self.from.is_none_or(|from| from != self.to);
        self.shift.is_none() && self.state.holds_lock() && (moves || !self.stage_canary)
    }

    /// The version that has all calls once nobody goes on with the release: while it is in flight, that is what served
    /// before, and its own where nothing did.
    pub fn leaves(&self) -> Version {
        let in_flight = matches!(self.state, RecordState::Running | RecordState::Paused);
        self.from.filter(|from| in_flight && from.number().is_some()).unwrap_or(self.to)
    }

    /// Whether a published version served before the release.
    pub fn had_stable(&self) -> bool {
        self.from.is_some_and(|from| from.number().is_some())
    }

    /// Whether the alias is where this record says: only then is the record believed (SPEC §3).
    /// A weight of 1 on the other version is how AWS moves provisioned concurrency, and counts as being there.
    pub fn agrees_with(&self, version: Version, weights: &std::collections::BTreeMap<u64, f64>) -> bool {
        let at_to = version == self.to;
        let at_from = self.state.holds_lock() && self.from == Some(version);
        let is_split = at_from && self.shift.is_some() && self.is_candidate_weight(weights);
        (at_to || at_from) && (weights.is_empty() || is_split || self.is_provisioned_move(weights))
    }

    /// Whether the weights give the candidate, and nobody else, a share.
    pub fn is_candidate_weight(&self, weights: &std::collections::BTreeMap<u64, f64>) -> bool {
        weights.len() == 1 && self.to.number().is_some_and(|to| weights.contains_key(&to))
    }

    fn is_provisioned_move(&self, weights: &std::collections::BTreeMap<u64, f64>) -> bool {
        let ends = [self.from.and_then(Version::number), self.to.number()];
        weights.len() == 1
            && weights.iter().all(|(version, weight)| ends.contains(&Some(*version)) && (weight - 1.0).abs() < 1e-6)
    }
}

/// `bad` with `version` in front, without repeats, cut to what the record keeps.
pub fn remember_bad(bad: &[u64], version: u64) -> Vec<u64> {
    std::iter::once(version).chain(bad.iter().copied().filter(|b| *b != version)).take(BAD_VERSIONS_MAX).collect()
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{FORMAT} {} {}", self.run.ulid(), self.state.word())?;
        if let Some(expires) = self.expires {
            write!(f, " x={}", expires.strftime(EXPIRY_FORMAT))?;
        }
        let from = self.from.map_or_else(|| "0".into(), |v| v.to_string());
        write!(f, " {from}>{} n={}", self.to, self.members)?;
        if let Some(stage) = &self.stage {
            write!(f, " {}", stage.stage)?;
            if let Some(deployment) = &stage.deployment {
                write!(f, " d={deployment}")?;
                if let Some(to) = &stage.to {
                    write!(f, ">{to}")?;
                }
            }
            match &stage.variable {
                Some((name, Some(value))) => write!(f, " v={name}:{value}")?,
                Some((name, None)) => write!(f, " v!{name}")?,
                None => {}
            }
            if stage.more_variables {
                f.write_str(" m")?;
            }
        }
        if self.stage_canary {
            f.write_str(" c")?;
        }
        if let Some(shift) = &self.shift {
            write!(f, " t={shift}")?;
        }
        if self.granted {
            f.write_str(" g")?;
        }
        if !self.bad.is_empty() {
            let bad: Vec<String> = self.bad.iter().map(u64::to_string).collect();
            write!(f, " bad={}", bad.join(","))?;
        }
        if self.gate_overridden {
            f.write_str(" o")?;
        }
        if self.asks {
            f.write_str(" a")?;
        }
        f.write_str("]")
    }
}

impl FromStr for Record {
    type Err = RecordError;
    fn from_str(text: &str) -> Result<Self, RecordError> {
        let unreadable = || RecordError::Unreadable(text.to_owned());
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).ok_or_else(unreadable)?;
        let mut words = inner.split(' ');
        let format = words.next().unwrap_or_default();
        if format != FORMAT {
            let newer = format.strip_prefix("sg").and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n > 1);
            return Err(if newer { RecordError::Newer(text.to_owned()) } else { unreadable() });
        }
        parse_words(words).ok_or_else(unreadable)
    }
}

fn parse_words<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Record> {
    let run = format!("r-{}", words.next()?).parse().ok()?;
    let state_word = words.next()?;
    let state = RecordState::WORDS.iter().find(|(_, word)| *word == state_word)?.0;
    let mut way: Option<(Option<Version>, Version)> = None;
    let mut record = Record {
        run,
        state,
        expires: None,
        from: None,
        to: Version::Latest,
        members: 1,
        stage: None,
        stage_canary: false,
        shift: None,
        granted: false,
        bad: Vec::new(),
        gate_overridden: false,
        asks: false,
    };
    for word in words {
        match word.split_once(['=', '!']) {
            Some(("x", text)) => record.expires = Some(parse_expiry(text)?),
            Some(("n", text)) => record.members = text.parse().ok()?,
            Some(("d", ids)) => {
                let (before, to) = ids.split_once('>').map_or((ids, None), |(before, to)| (before, Some(to)));
                let stage = record.stage.as_mut()?;
                (stage.deployment, stage.to) = (Some(before.to_owned()), to.map(str::to_owned));
            }
            Some(("v", text)) if word.starts_with("v!") => {
                record.stage.as_mut()?.variable = Some((text.to_owned(), None))
            }
            Some(("v", text)) => {
                let (name, value) = text.split_once(':')?;
                record.stage.as_mut()?.variable = Some((name.to_owned(), Some(value.to_owned())));
            }
            Some(("t", text)) => record.shift = Some(text.parse().ok()?),
            Some(("bad", list)) => record.bad = list.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?,
            _ if word == "m" => record.stage.as_mut()?.more_variables = true,
            _ if word == "c" => record.stage_canary = true,
            _ if word == "g" => record.granted = true,
            _ if word == "o" => record.gate_overridden = true,
            _ if word == "a" => record.asks = true,
            _ if word.contains('>') => way = Some(parse_way(word)?),
            _ => {
                let stage = word.parse().ok()?;
                record.stage =
                    Some(RecordedStage { stage, deployment: None, to: None, variable: None, more_variables: false });
            }
        }
    }
    (record.from, record.to) = way?;
    Some(record)
}

fn parse_way(word: &str) -> Option<(Option<Version>, Version)> {
    let (from, to) = word.split_once('>')?;
    let from = if from == "0" { None } else { Some(from.parse().ok()?) };
    Some((from, to.parse().ok()?))
}

fn parse_expiry(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%MZ", text).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// An alias description taken apart: the user's own text in front, the record at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Description {
    /// What the user wrote; never truncated, never changed.
    pub text: String,
    /// stagegate's record, if there is one.
    pub record: Option<Record>,
}

impl Description {
    /// Takes a description apart. A text without a record is all the user's.
    pub fn parse(description: &str) -> Result<Self, RecordError> {
        let whole = Self { text: description.to_owned(), record: None };
        match split(description) {
            Some((text, record)) => Ok(Self { text: text.to_owned(), record: Some(record.parse()?) }),
            None => Ok(whole),
        }
    }

    /// The user's own text of a description whose record cannot be read.
    pub fn text_of(description: &str) -> &str {
        split(description).map_or(description, |(text, _)| text)
    }

    /// The user's text with another record behind it.
    pub fn with(&self, record: Record) -> Self {
        Self { text: self.text.clone(), record: Some(record) }
    }

    /// The same with as much of the record as AWS takes: a write that goes back must never be refused for its length.
    /// What goes first is what the way back needs least; the user's text always stays whole.
    pub fn fitting(mut self) -> Self {
        while self.excess().0 > 0 {
            match &mut self.record {
                Some(record) if record.bad.len() > 1 => drop(record.bad.pop()),
                Some(record) if record.gate_overridden => record.gate_overridden = false,
                Some(record) if record.expires.is_some() => record.expires = None,
                Some(record) if !record.bad.is_empty() => record.bad.clear(),
                Some(record) if record.shift.is_some() => record.shift = None,
                Some(record) if record.stage.is_some() => record.stage = None,
                _ => self.record = None,
            }
            if self.record.is_none() {
                break;
            }
        }
        self
    }

    /// How many characters must be cut from the user's text (first) or from names in the record (second) before the
    /// description fits; zero when it does.
    pub fn excess(&self) -> (usize, usize) {
        let record = self.record.as_ref().map_or(0, |r| r.to_string().chars().count());
        let all = self.to_string().chars().count();
        (all.saturating_sub(DESCRIPTION_CHARS_MAX), record.saturating_sub(RECORD_CHARS_MAX))
    }
}

/// The user's text and what looks like a record: `[sg`, digits, a space, and `]` at the end. One space parts them.
fn split(description: &str) -> Option<(&str, &str)> {
    let trimmed = description.trim_end();
    let at = trimmed.rfind("[sg").filter(|_| trimmed.ends_with(']'))?;
    let rest = trimmed[at + 3..].trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == trimmed.len() - at - 3 || !rest.starts_with(' ') {
        return None;
    }
    let text = &description[..at];
    Some((text.strip_suffix(' ').unwrap_or(text), &trimmed[at..]))
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.record {
            None => f.write_str(&self.text),
            Some(record) if self.text.is_empty() => record.fmt(f),
            Some(record) => write!(f, "{} {record}", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Record {
        Record {
            run: RunId::new(1_795_000_000_000, 99),
            state: RecordState::Running,
            expires: Some("2026-11-21T14:22:00Z".parse().unwrap()),
            from: Some(Version::Number(123_456)),
            to: Version::Number(123_457),
            members: 12,
            stage: Some(RecordedStage {
                stage: "a1b2c3d4e5/production".parse().unwrap(),
                deployment: Some("k5m8ra".into()),
                to: Some("k7x2pq".into()),
                variable: Some(("lambdaAlias".into(), Some("b:l-u.e".into()))),
                more_variables: true,
            }),
            stage_canary: false,
            shift: None,
            granted: true,
            bad: vec![123_455, 99, 7],
            gate_overridden: true,
            asks: true,
        }
    }

    #[test]
    fn every_field_survives_the_alias_description_and_fits() {
        let description = Description { text: "Orders API [prod]".into(), record: Some(full()) };
        let text = description.to_string();
        assert_eq!(Description::parse(&text), Ok(description.clone()));
        assert_eq!(description.excess(), (0, 0), "{} characters", text.len());
    }

    #[test]
    fn a_first_release_and_an_unset_variable_read_back() {
        let mut record = full();
        record.from = None;
        record.stage.as_mut().unwrap().variable = Some(("lambdaAlias".into(), None));
        assert_eq!(record.to_string().parse(), Ok(record));
    }

    #[test]
    fn a_text_without_record_is_left_alone() {
        for text in ["", "Orders API", "see [sgraph]", "trailing space "] {
            let description = Description::parse(text).unwrap();
            assert_eq!((description.text.as_str(), description.record), (text, None));
        }
    }

    #[test]
    fn a_newer_format_is_named_as_such_and_a_broken_one_too() {
        assert!(matches!(Description::parse("x [sg2 whatever]"), Err(RecordError::Newer(_))));
        assert!(matches!(Description::parse("x [sg1 whatever]"), Err(RecordError::Unreadable(_))));
    }

    #[test]
    fn decision_stale_record_is_not_believed() {
        let record =
            Record { state: RecordState::Promoted, from: Some(Version::Number(41)), to: Version::Number(42), ..full() };
        let weights = |w: &[(u64, f64)]| w.iter().copied().collect();
        assert!(record.agrees_with(Version::Number(42), &weights(&[])));
        assert!(record.agrees_with(Version::Number(42), &weights(&[(41, 1.0)])), "provisioned concurrency is moving");
        assert!(!record.agrees_with(Version::Number(43), &weights(&[])), "moved outside stagegate");
        assert!(!record.agrees_with(Version::Number(42), &weights(&[(41, 0.5)])), "weighted outside stagegate");
        assert!(!record.agrees_with(Version::Number(41), &weights(&[])), "moved back outside stagegate");
    }

    #[test]
    fn the_excess_says_how_many_characters_to_cut() {
        let description = Description { text: "x".repeat(200), record: Some(full()) };
        assert_eq!(description.excess().0, description.to_string().len() - 256);
    }
}
