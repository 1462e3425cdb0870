//! The smoke checks of a target, with their events.

use serde::de::IgnoredAny;
use toml::Spanned;

use super::Reader;
use super::file::{Config, Smoke};
use super::resolve::Merged;
use super::value::{HttpCheck, Text};
use crate::model::{Expect, SmokeCheck, StageCheck, StageRef};
use crate::problem::{Code, Problem, Span};

/// The largest event of a synchronous invocation, bytes (aws-semantics §3.7).
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

/// Whether the files that a target names are read: events of smoke checks, and triggers of a redeployment.
#[derive(Clone, Copy)]
pub enum SmokeFiles<'a> {
    /// Read and checked.
    Read(Reader<'a>),
    /// Left alone, and the target has neither smoke checks nor triggers: whoever rolls back or looks needs none.
    Leave,
}

/// The checks of a target.
#[derive(Default)]
pub(super) struct Checks {
    /// Those that invoke a version by number, before it gets traffic.
    pub invoke: Vec<SmokeCheck>,
    /// Those that send a request through the stage.
    pub http: Vec<StageCheck>,
}

impl Config {
    /// The target's checks; its own list replaces that of the defaults.
    pub(super) fn smoke(
        &self,
        merged: &Merged<'_>,
        stage: Option<&StageRef>,
        files: SmokeFiles<'_>,
    ) -> Result<Checks, Problem> {
        let mut checks = Checks::default();
        let (SmokeFiles::Read(read), Some(list)) = (files, merged.get(|keys| keys.smoke.as_ref())) else {
            return Ok(checks);
        };
        for check in list.get_ref() {
            let name = merged.name;
            match (&check.get_ref().invoke, &check.get_ref().http) {
                (Some(invoke), None) => checks.invoke.push(self.check(merged, check.get_ref(), invoke, read)?),
                (None, Some(http)) if stage.is_none() => {
                    let what = format!("a smoke check of target {name} goes through a stage, and the target has none");
                    let note = "add `api` and `stage`, or use `invoke`";
                    return Err(merged.problem(Code::Contradiction, what, http, note));
                }
                (None, Some(http)) => {
                    let HttpCheck { method, path } = http.get_ref().clone();
                    checks.http.push(StageCheck { method, path, expect: expect(check.get_ref()) });
                }
                (Some(_), Some(http)) => {
                    let what = format!("a smoke check of target {name} has both `invoke` and `http`");
                    let note = "make it a [[…smoke]] entry of its own";
                    return Err(merged.problem(Code::Contradiction, what, http, note));
                }
                (None, None) => {
                    let what = format!("a smoke check of target {name} has neither `invoke` nor `http`");
                    let note = "add: invoke = \"EVENT.json\", or: http = \"GET /health\"";
                    return Err(merged.problem(Code::MissingKey, what, check, note));
                }
            }
        }
        Ok(checks)
    }

    fn check(
        &self,
        merged: &Merged<'_>,
        check: &Smoke,
        invoke: &Spanned<Text>,
        read: Reader<'_>,
    ) -> Result<SmokeCheck, Problem> {
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
        Ok(SmokeCheck { file, payload, expect: expect(check) })
    }
}

/// What a check expects.
fn expect(check: &Smoke) -> Expect {
    let expected = check.expect.as_ref().map(Spanned::get_ref).cloned().unwrap_or_default();
    Expect {
        status: expected.status.and_then(|status| u16::try_from(status.get_ref().0).ok()),
        json: expected.json.map(Spanned::into_inner),
        max_ms: expected.max_ms.map(|time| time.into_inner().0),
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
