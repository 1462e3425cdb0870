//! How the steps of a canary are written: `5% 10m, 25% 5m until 300 req`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use super::{Canary, CanaryStep, InvalidName, Percent};

/// The most steps that a canary may have.
pub const STEPS_MAX: usize = 20;
/// The longest that a step may take at least, and be extended.
pub const BAKE_MAX: Duration = Duration::from_secs(48 * 3600);
/// The most requests that a step may wait for.
const REQUESTS_MAX: u64 = 1_000_000_000;

/// What a time looks like.
const TIME: &str = "write a time in h, m or s, such as 10m or 1h30m";
/// What makes a step end.
const ENDING: &str = "write when it ends, such as \"5% 10m\" or \"5% until 300 req\"";

/// What is wrong with a step, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {}: {what}; {write}", step + 1)]
pub struct ScheduleError {
    /// Which step, counted from 0.
    pub step: usize,
    /// Which bytes of its text; of the whole text where that was read by [`parse`].
    pub at: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub write: String,
}

/// [`ScheduleError`] of a step that does not know which one it is.
struct Fault {
    at: Range<usize>,
    what: String,
    write: String,
}

impl Fault {
    fn new(at: Range<usize>, what: impl Into<String>, write: impl Into<String>) -> Self {
        Self { at, what: what.into(), write: write.into() }
    }

    fn of_step(self, step: usize) -> ScheduleError {
        ScheduleError { step, at: self.at, what: self.what, write: self.write }
    }
}

/// Reads steps in one text, separated by commas.
///
/// # Errors
/// Those of [`steps`], with the place in the whole text.
pub fn parse(text: &str) -> Result<Vec<CanaryStep>, ScheduleError> {
    let parts: Vec<&str> = text.split(',').collect();
    steps(&parts).map_err(|error| {
        let before: usize = parts.iter().take(error.step).map(|part| part.len() + 1).sum();
        ScheduleError { at: error.at.start + before..error.at.end + before, ..error }
    })
}

/// Reads steps, one per text. 100 % as the last step is what comes anyway, and is left out of the answer.
///
/// # Errors
/// A step cannot be read, or breaks a rule: percentages rise, none is finer than 0.01 %, every step ends by time (at
/// most [`BAKE_MAX`]) or by requests, and there are 1 to [`STEPS_MAX`].
pub fn steps(texts: &[&str]) -> Result<Vec<CanaryStep>, ScheduleError> {
    let mut steps: Vec<CanaryStep> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let step = step(text).and_then(|step| after(steps.last(), step, text)).map_err(|fault| fault.of_step(index))?;
        if step.percent < Percent::ALL && steps.len() == STEPS_MAX {
            let fault = Fault::new(inner(text), "a canary has at most 20 steps", "leave steps out");
            return Err(fault.of_step(index));
        }
        if step.percent < Percent::ALL {
            steps.push(step);
        } else if index + 1 < texts.len() {
            let fault = Fault::new(inner(text), "100% ends the canary, and steps follow it", "make it the last step");
            return Err(fault.of_step(index));
        }
    }
    if steps.is_empty() {
        let at = texts.first().map_or(0..0, |text| inner(text));
        let fault =
            Fault::new(at, "no step is below 100%", "write a step such as \"5% 10m\", or choose no canary: none");
        return Err(fault.of_step(0));
    }
    Ok(steps)
}

/// A step that may come after another one.
fn after(before: Option<&CanaryStep>, step: CanaryStep, text: &str) -> Result<CanaryStep, Fault> {
    let at = words(text).next().map_or_else(|| inner(text), |word| word.at);
    match before {
        Some(before) if step.percent <= before.percent => Err(Fault::new(
            at,
            format!("{} is not more than the {} of the step before", step.percent, before.percent),
            "percentages rise from step to step",
        )),
        _ => Ok(step),
    }
}

/// One step by itself: its percentage, then a time, a number of requests, or both.
fn step(text: &str) -> Result<CanaryStep, Fault> {
    let words: Vec<Word<'_>> = words(text).collect();
    let Some((share, rest)) = words.split_first() else {
        return Err(Fault::new(inner(text), "it is empty", "write a step such as \"5% 10m\", or remove the comma"));
    };
    let percent = percent(share)?;
    if percent == Percent::ALL {
        return match rest {
            [] => Ok(CanaryStep { percent, bake: Duration::ZERO, requests: None }),
            _ => Err(Fault::new(span(rest), "100% ends the canary and cannot last", "write \"100%\", or leave it out")),
        };
    }
    let until = rest.iter().position(|word| word.text == "until");
    let (time, count) = match until {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    };
    let bake = bake(time)?;
    let requests = count.map(requests).transpose()?;
    if bake.is_zero() && requests.is_none() {
        return Err(Fault::new(inner(text), format!("{percent} has neither a time nor a number of requests"), ENDING));
    }
    Ok(CanaryStep { percent, bake, requests })
}

fn percent(word: &Word<'_>) -> Result<Percent, Fault> {
    let fault = |what: String, write: &str| Fault::new(word.at.clone(), what, write);
    match word.text.parse::<Percent>() {
        Ok(Percent::ZERO) => Err(fault("0% shifts no traffic".into(), "write more than 0%")),
        Ok(percent) => Ok(percent),
        Err(error) => Err(fault(format!("`{}` is not a percentage", word.text), error.rule)),
    }
}

fn bake(time: &[Word<'_>]) -> Result<Duration, Fault> {
    if time.is_empty() {
        return Ok(Duration::ZERO);
    }
    if let Some(word) = time.iter().find(|word| duration(word.text).is_none()) {
        return Err(Fault::new(
            word.at.clone(),
            format!("`{}` is not a time", word.text),
            format!("{TIME}, then maybe: until 300 req"),
        ));
    }
    let text: String = time.iter().map(|word| word.text).collect();
    match duration(&text) {
        Some(bake) if bake <= BAKE_MAX => Ok(bake),
        Some(_) => Err(Fault::new(span(time), "it lasts longer than 48h", "write 48h or less")),
        None => Err(Fault::new(span(time), format!("`{text}` is not a time"), TIME)),
    }
}

/// `until 300 req`.
fn requests(words: &[Word<'_>]) -> Result<u64, Fault> {
    let fault = |what: &str| Fault::new(span(words), what, "write a number of requests from 1, such as: until 300 req");
    let [_, number, unit] = words else { return Err(fault("`until` is not followed by a number and `req`")) };
    if unit.text != "req" || !is_digits(number.text) {
        return Err(fault("`until` is not followed by a number and `req`"));
    }
    match number.text.parse() {
        Ok(requests @ 1..=REQUESTS_MAX) => Ok(requests),
        _ => Err(fault("the number of requests must be 1 to 1000000000")),
    }
}

/// Reads a time: hours, minutes and seconds in this order, each at most once, without blanks: `1h30m`, `90s`.
pub fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds, mut read) = (text, 0_u64, false);
    for (unit, length) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(unit).filter(|(number, _)| is_digits(number)) {
            seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(length)?)?;
            (rest, read) = (after, true);
        }
    }
    (read && rest.is_empty()).then(|| Duration::from_secs(seconds))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A word and where it stands.
struct Word<'t> {
    text: &'t str,
    at: Range<usize>,
}

fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    text.split(char::is_whitespace)
        .scan(0, |next, word| {
            let start = *next;
            // Every white space is one character, of one byte or more.
            *next = start + word.len() + text[start + word.len()..].chars().next().map_or(0, char::len_utf8);
            Some(Word { text: word, at: start..start + word.len() })
        })
        .filter(|word| !word.text.is_empty())
}

/// From the first to the last of some words.
fn span(words: &[Word<'_>]) -> Range<usize> {
    words.first().map_or(0, |word| word.at.start)..words.last().map_or(0, |word| word.at.end)
}

/// The text without the blanks around it.
fn inner(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..start + text.trim().len()
}

impl FromStr for Percent {
    type Err = InvalidName;

    /// Reads `5%`, `0.25%`: a number with at most two decimals, 0–100.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = |rule| InvalidName { what: "percentage", value: text.to_owned(), rule };
        let number = text.strip_suffix('%').ok_or_else(|| invalid("must be a number and %, such as 5% or 0.25%"))?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        if !is_digits(whole) || !is_digits(part) {
            return Err(invalid("must be a number and %, such as 5% or 0.25%"));
        }
        if part.len() > 2 {
            return Err(invalid("must have at most two decimals: traffic is split in steps of 0.01%"));
        }
        let hundredths =
            || whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(format!("{part:0<2}").parse().ok()?);
        hundredths().and_then(Self::from_hundredths).ok_or_else(|| invalid("must be at most 100%"))
    }
}

/// A time as [`duration`] reads it, in whole seconds.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
        if seconds == 0 {
            return f.write_str("0s");
        }
        parts.iter().filter(|(number, _)| *number > 0).try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

impl fmt::Display for CanaryStep {
    /// `5% 10m`, `25% until 300 req`, `25% 5m until 300 req`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.percent)?;
        if !self.bake.is_zero() || self.requests.is_none() {
            write!(f, " {}", Time(self.bake))?;
        }
        self.requests.map_or(Ok(()), |requests| write!(f, " until {requests} req"))
    }
}

impl fmt::Display for Canary {
    /// The steps as [`parse`] reads them, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_gradual() {
            return f.write_str("none");
        }
        for (index, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
