//! How far a canary is: when it began and how long its finished steps took, as the record keeps it.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const START_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// The times of a canary's steps, to the second. The step under way has no duration yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// When the first step began.
    pub began: Timestamp,
    /// How long each finished step took, seconds.
    pub took_s: Vec<u32>,
}

/// A text that holds no times of a canary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say when a canary's steps began")]
pub struct InvalidShift(pub String);

impl Shift {
    /// A canary that begins now.
    pub fn begin(now: Timestamp) -> Self {
        Self { began: floor(now, 1), took_s: Vec::new() }
    }

    /// The same with the next step begun at `now`.
    pub fn next(&self, now: Timestamp) -> Self {
        let took = now.duration_since(self.step_began()).as_secs().max(0);
        let took_s = self.took_s.iter().copied().chain([u32::try_from(took).unwrap_or(u32::MAX)]).collect();
        Self { began: self.began, took_s }
    }

    /// The step under way, counted from 0.
    pub fn step(&self) -> usize {
        self.took_s.len()
    }

    /// When a step began, counted from 0; the steps that have not begun count as the one under way.
    pub fn began_step(&self, step: usize) -> Timestamp {
        let before: i64 = self.took_s.iter().take(step).map(|took| i64::from(*took)).sum();
        self.began.saturating_add(SignedDuration::from_secs(before)).unwrap_or(self.began)
    }

    /// When the step under way began.
    pub fn step_began(&self) -> Timestamp {
        self.began_step(self.step())
    }

    /// The minute in which the canary began: minute 0 of its gate.
    pub fn minute_zero(&self) -> Timestamp {
        floor(self.began, 60)
    }

    /// The minute of the gate that a time falls into; times before the canary count as minute 0.
    pub fn minute(&self, at: Timestamp) -> u32 {
        u32::try_from(at.duration_since(self.minute_zero()).as_secs().max(0) / 60).unwrap_or(u32::MAX)
    }
}

/// The last multiple of `seconds` since 1970 that is not after `at`.
pub fn floor(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(seconds) * seconds).unwrap_or(at)
}

impl fmt::Display for Shift {
    /// `20261121T135207Z+600+645`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.began.strftime(START_FORMAT))?;
        self.took_s.iter().try_for_each(|took| write!(f, "+{took}"))
    }
}

impl FromStr for Shift {
    type Err = InvalidShift;

    fn from_str(text: &str) -> Result<Self, InvalidShift> {
        let invalid = || InvalidShift(text.to_owned());
        let mut parts = text.split('+');
        let began = jiff::civil::DateTime::strptime(START_FORMAT, parts.next().unwrap_or_default());
        let began = began.ok().and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC).ok()).ok_or_else(invalid)?;
        let took_s = parts.map(|took| took.parse().map_err(|_| invalid())).collect::<Result<_, _>>()?;
        Ok(Self { began: began.timestamp(), took_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_times_of_all_steps_read_back_and_say_which_minute_it_is() {
        let shift = Shift::begin(at("2026-11-21T13:52:07.9Z"))
            .next(at("2026-11-21T14:02:07Z"))
            .next(at("2026-11-21T14:12:52Z"));
        assert_eq!(shift.to_string(), "20261121T135207Z+600+645");
        assert_eq!(shift.to_string().parse(), Ok(shift.clone()));
        assert_eq!((shift.step(), shift.step_began()), (2, at("2026-11-21T14:12:52Z")));
        assert_eq!(shift.began_step(1), at("2026-11-21T14:02:07Z"));
        assert_eq!(shift.minute_zero(), at("2026-11-21T13:52:00Z"));
        assert_eq!(shift.minute(at("2026-11-21T14:00:59Z")), 8);
        assert_eq!("20261121T135207Z+x".parse::<Shift>(), Err(InvalidShift("20261121T135207Z+x".into())));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_negative_step() {
        let shift = Shift::begin(at("2026-11-21T13:52:07Z")).next(at("2026-11-21T13:00:00Z"));
        assert_eq!(shift.took_s, [0]);
        assert_eq!(shift.minute(at("2026-11-21T13:00:00Z")), 0);
    }
}
