//! Which statements can go without any call failing.

use super::call;
use super::look::{Known, Look};
use super::subject::{Removal, Subject, Useless, parsed, verdict};
use crate::model::StageRef;
use crate::policy::{self, Document, document::Statement, edit, origin};
use crate::problem::Problem;

/// What goes of a policy, and what of stagegate's stays although its stage does not call the alias now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pruned {
    /// In the order in which they go.
    pub removals: Vec<Removal>,
    /// Statement id, and why it stays.
    pub kept: Vec<(String, String)>,
}

/// Decides. Statements of others go only with `foreign`, and then only those that are redundant.
///
/// # Errors
/// The policy cannot be evaluated.
pub fn plan(subject: &Subject, look: &Look, foreign: bool) -> Result<Pruned, Problem> {
    let mut pruned = Pruned::default();
    let Some(before) = subject.text() else { return Ok(pruned) };
    let document = subject.document()?;
    let mut text = before.to_owned();
    for statement in &document.statements {
        let Some(sid) = statement.sid.as_deref().filter(|sid| policy::is_ours(sid)) else { continue };
        match useless(statement, subject, look) {
            Some(Ok(why)) => take(subject, &mut text, sid, why, &mut pruned)?,
            Some(Err(why)) => pruned.kept.push((sid.to_owned(), why)),
            None => {}
        }
    }
    let rest = parsed(Some(&text), &subject.arn)?;
    let redundant = policy::redundant(&rest, &subject.arn);
    for sid in redundant.into_iter().filter(|sid| foreign || policy::is_ours(sid)) {
        let now = parsed(Some(&text), &subject.arn)?;
        if let Some(by) = policy::covered_by(&now, &sid, &subject.arn) {
            pruned.kept.retain(|(kept, _)| *kept != sid);
            take(subject, &mut text, &sid, Useless::Redundant { by }, &mut pruned)?;
        }
    }
    Ok(pruned)
}

/// Takes a statement out of the text, unless a call that was allowed would not be.
fn take(subject: &Subject, text: &mut String, sid: &str, why: Useless, pruned: &mut Pruned) -> Result<(), Problem> {
    let Some(was) = edit::statement(text, sid) else { return Ok(()) };
    let after = edit::without(text, sid);
    let (now, then) = (parsed(Some(text), &subject.arn)?, parsed(after.as_deref(), &subject.arn)?);
    if let Some(call) = lost(subject, &now, &then) {
        pruned.kept.push((sid.to_owned(), format!("{call} needs it")));
        return Ok(());
    }
    pruned.removals.push(Removal { sid: sid.to_owned(), ours: policy::is_ours(sid), why, was });
    *text = after.unwrap_or_else(|| r#"{"Statement":[]}"#.to_owned());
    Ok(())
}

/// A call that one document allows and the other does not.
pub(super) fn lost(subject: &Subject, now: &Document, then: &Document) -> Option<String> {
    let call =
        subject.calls.iter().find(|call| verdict(now, call).is_allowed() && !verdict(then, call).is_allowed())?;
    Some(format!("{} of {}", call.caller, call.stage))
}

/// Why a statement of ours serves no call, or why that cannot be told; `None` when it is in use, or not about one stage.
fn useless(statement: &Statement, subject: &Subject, look: &Look) -> Option<Result<Useless, String>> {
    let stage = stage_of(statement, subject)?;
    if subject.calls.iter().any(|call| call.stage == stage && !call.by_role) {
        return None;
    }
    Some(match look.stage(&stage)? {
        Known::Gone => Ok(Useless::Gone { stage }),
        Known::Unreadable(why) => Err(format!("{stage} cannot be read: {why}")),
        Known::Read(observed) if !call::is_complete(observed) => Err(format!("not all that {stage} calls is known")),
        Known::Read(observed) => match look.way_back(&stage) {
            Some(run) => Err(format!("the way back of {run} may need it")),
            None => Ok(Useless::NotCalled { stage, seen: Box::new(observed.stage.clone()) }),
        },
    })
}

/// The one stage that a statement lets in, in this account and region.
pub(super) fn stage_of(statement: &Statement, subject: &Subject) -> Option<StageRef> {
    let mut stages =
        policy::gateway_sources(statement, &subject.arn)?.iter().map(|source| named_stage(source, &subject.arn));
    let first = stages.next()??;
    stages.all(|stage| stage.as_ref() == Some(&first)).then_some(first)
}

/// The stage that a source names, in the account and region of the alias.
pub(super) fn named_stage(source: &str, arn: &str) -> Option<StageRef> {
    let found = origin(source)?;
    let mut own = arn.split(':').skip(3);
    let here = own.next() == Some(found.region) && own.next() == Some(found.account);
    let (api, stage) = (found.api.parse().ok()?, found.stage?.parse().ok()?);
    here.then_some(StageRef { api, stage })
}
