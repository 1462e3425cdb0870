//! What is added so that every call is allowed, within the room that a policy has.

use super::subject::{Removal, Step, Subject, Useless, Verdict, parsed};
use crate::aws::noun::Statement;
use crate::definition::Caller;
use crate::policy::{self, Coverage, Document, LIMIT, edit};
use crate::problem::{Code, Problem};

/// Bytes from which a policy counts as nearly full: nine tenths of [`LIMIT`] leave room for some five statements. Statements
/// for single routes are then merged into one for the whole stage.
pub const NEAR: usize = LIMIT / 10 * 9;
/// Fewer statements than this are not worth merging.
const MERGED_MIN: usize = 2;

/// A policy as it will be.
struct Draft<'s> {
    subject: &'s Subject,
    text: Option<String>,
    steps: Vec<Step>,
}

/// The writes that let every call in, in their order; none where all are let in and there is room.
///
/// Every removal is of a statement that others cover which stay: those that stand there, or those that were added before.
///
/// # Errors
/// The alias does not exist, a `Deny` stands against a call, or there is no room and none can be made.
pub fn plan(subject: &Subject) -> Result<Vec<Step>, Problem> {
    let missing = missing(subject)?;
    let mut draft = Draft { subject, text: subject.text().map(str::to_owned), steps: Vec::new() };
    for statement in missing {
        while draft.size_with(&statement) > LIMIT {
            draft.make_room(&statement)?;
        }
        draft.add(statement);
    }
    if draft.size() > NEAR {
        draft.merge()?;
    }
    Ok(draft.steps)
}

/// The statements that are missing, each once.
fn missing(subject: &Subject) -> Result<Vec<Statement>, Problem> {
    let document = subject.document()?;
    let mut found: Vec<Statement> = Vec::new();
    for (call, verdict) in subject.verdicts(&document) {
        match verdict {
            Verdict::ByPolicy(Coverage::Blocked { sid, why }) => {
                let what = format!("{} of {} cannot be let in to {}", call.caller, call.stage, subject.label());
                let sid = sid.as_deref().unwrap_or("without an id");
                return Err(Problem::new(Code::InvokeBlocked, what)
                    .why(format!("statement {sid}: {why}"))
                    .why("a Deny wins over every statement that allows")
                    .fix("change or remove that statement; whoever owns the policy document must do it"));
            }
            Verdict::ByPolicy(Coverage::Missing { .. }) if !found.contains(&call.statement) => {
                found.push(call.statement.clone());
            }
            Verdict::ByRole | Verdict::ByPolicy(_) => {}
        }
    }
    if subject.exists || found.is_empty() {
        return Ok(found);
    }
    let label = subject.label();
    Err(Problem::new(Code::AliasMissing, format!("{label} does not exist, and stages call it"))
        .why("a permission hangs on the alias, so the alias comes first")
        .fix(format!("create it: stagegate promote {label}")))
}

impl Draft<'_> {
    fn size(&self) -> usize {
        self.text.as_deref().map_or(0, str::len)
    }

    fn document(&self) -> Result<Document, Problem> {
        parsed(self.text.as_deref(), &self.subject.arn)
    }

    fn size_with(&self, statement: &Statement) -> usize {
        policy::size_after(self.text.as_deref(), &self.subject.arn, std::slice::from_ref(statement))
    }

    fn add(&mut self, statement: Statement) {
        self.text = Some(edit::with(self.text.as_deref(), &self.subject.arn, &statement));
        self.steps.push(Step::Add(statement));
    }

    /// Removes one statement that others cover.
    fn make_room(&mut self, for_what: &Statement) -> Result<(), Problem> {
        match policy::redundant(&self.document()?, &self.subject.arn).into_iter().next() {
            Some(sid) => self.remove(&sid),
            None => Err(self.no_room(self.size_with(for_what))),
        }
    }

    fn remove(&mut self, sid: &str) -> Result<(), Problem> {
        let by = policy::covered_by(&self.document()?, sid, &self.subject.arn);
        let text = self.text.take().unwrap_or_default();
        if let (Some(by), Some(was)) = (by, edit::statement(&text, sid)) {
            let (sid, ours) = (sid.to_owned(), policy::is_ours(sid));
            self.steps.push(Step::Remove(Removal { sid, ours, why: Useless::Redundant { by }, was }));
        }
        self.text = edit::without(&text, sid);
        Ok(())
    }

    /// One statement for each stage in the place of those for its single routes, where that saves room.
    fn merge(&mut self) -> Result<(), Problem> {
        for statement in self.stage_statements() {
            let now = policy::redundant(&self.document()?, &self.subject.arn).len();
            let with = edit::with(self.text.as_deref(), &self.subject.arn, &statement);
            let then = policy::redundant(&parsed(Some(&with), &self.subject.arn)?, &self.subject.arn).len();
            if then >= now + MERGED_MIN {
                while self.size_with(&statement) > LIMIT && self.make_room(&statement).is_ok() {}
                if self.size_with(&statement) <= LIMIT {
                    self.add(statement);
                }
            }
        }
        // Where nothing is added, what others have put there is left alone.
        if self.steps.iter().any(|step| matches!(step, Step::Add(_))) {
            for sid in policy::redundant(&self.document()?, &self.subject.arn) {
                self.remove(&sid)?;
            }
        }
        Ok(())
    }

    /// For each stage whose routes call the alias, the one that lets all of them in.
    fn stage_statements(&self) -> Vec<Statement> {
        let calls = self.subject.calls.iter();
        let routes = calls.filter(|call| !call.by_role && !matches!(call.caller, Caller::Authorizer { .. }));
        let mut found: Vec<Statement> = Vec::new();
        for call in routes {
            if !found.contains(&call.statement) {
                found.push(call.statement.clone());
            }
        }
        found
    }

    fn no_room(&self, size: usize) -> Problem {
        let label = self.subject.label();
        Problem::new(Code::PolicyTooLarge, format!("the policy of {label} has no room for another statement"))
            .why(format!("it would be {size} bytes, AWS allows {LIMIT}"))
            .why("no statement is covered by the others, so none can go without calls failing meanwhile")
            .fix(format!("see what each statement is for: stagegate permission list {label}"))
            .fix(format!(
                "remove what nothing needs, those of others too: stagegate permission prune {label} --foreign"
            ))
            .fix("or let whoever owns the statements for single routes put one for API/STAGE/* in their place")
    }
}
