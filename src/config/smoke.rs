//! The smoke checks of a target, with their events.

use serde::de::IgnoredAny;
use toml::Spanned;

use super::Reader;
use super::file::{Config, Smoke};
use super::resolve::Merged;
use crate::model::{Expect, SmokeCheck};
use crate::problem::{Code, Problem, Span};

/// The largest event of a synchronous invocation, bytes (aws-semantics §3.7).
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

/// Whether the events of smoke checks are read.
#[derive(Clone, Copy)]
pub enum SmokeFiles<'a> {
    /// Read and checked.
    Read(Reader<'a>),
    /// Left alone, and the target has no smoke checks: whoever rolls back or looks does not need them.
    Leave,
}

impl Config {
    /// The target's checks; its own list replaces that of the defaults.
    pub(super) fn smoke(&self, merged: &Merged<'_>, files: SmokeFiles<'_>) -> Result<Vec<SmokeCheck>, Problem> {
        let (SmokeFiles::Read(read), Some(checks)) = (files, merged.get(|keys| keys.smoke.as_ref())) else {
            return Ok(Vec::new());
        };
        checks.get_ref().iter().map(|check| self.check(merged, check, read)).collect()
    }

    fn check(&self, merged: &Merged<'_>, check: &Spanned<Smoke>, read: Reader<'_>) -> Result<SmokeCheck, Problem> {
        let Some(invoke) = &check.get_ref().invoke else {
            let what = format!("a smoke check of target {} has no `invoke`", merged.name);
            return Err(merged.problem(Code::MissingKey, what, check, "add: invoke = \"EVENT.json\""));
        };
        let file = invoke.get_ref().0.clone();
        let unusable = |note: String| {
            let what = format!("the event {file} of target {} cannot be used", merged.name);
            merged.problem(Code::SmokePayload, what, invoke, note)
        };
        let payload = read(&self.directory.join(&file)).map_err(|error| unusable(error.to_string()))?;
        if payload.len() > LARGEST_EVENT {
            return Err(unusable(format!("it has {} bytes, more than 6 MB", payload.len())));
        }
        if let Err(error) = serde_json::from_str::<IgnoredAny>(&payload) {
            return Err(unusable(String::new()).at(place_in_json(&file, &payload, &error)).why(format!(
                "it is named in {}, line {}",
                self.document.name(),
                self.document.line(&invoke.span())
            )));
        }
        let expected = check.get_ref().expect.as_ref().map(Spanned::get_ref).cloned().unwrap_or_default();
        let expect = Expect {
            status: expected.status.and_then(|status| u16::try_from(status.get_ref().0).ok()),
            json: expected.json.map(Spanned::into_inner),
            max_ms: expected.max_ms.map(|time| time.into_inner().0),
        };
        Ok(SmokeCheck { file, payload, expect })
    }
}

/// Where a JSON text stops being JSON.
fn place_in_json(file: &str, text: &str, error: &serde_json::Error) -> Span {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let start = line_start + error.column().saturating_sub(1);
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    Span::of(file, text, start..start + 1, message)
}
