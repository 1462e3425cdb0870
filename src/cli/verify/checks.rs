//! What was checked of one target, and what came of it.

use serde::Serialize;

use crate::model::ManagedBy;
use crate::ownership::{Ownership, snippet};
use crate::plan::Plan;
use crate::problem::{Exit, Level, Problem};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// It is fine.
    Ok,
    /// Worth knowing; nothing is wrong.
    Note,
    /// A release would not do what is asked.
    Failed,
}

/// One line of the answer.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// Whether nothing is wrong with it.
    pub ok: bool,
    /// How it ended.
    pub mark: Mark,
    /// What was found.
    pub found: String,
    /// What is wrong.
    pub problem: Option<Problem>,
}

/// What to write into a tool's own configuration.
#[derive(Debug, Clone, Serialize)]
pub struct Snippet {
    /// The tool.
    pub tool: ManagedBy,
    /// The lines.
    pub text: String,
}

/// All checks of one target, and what they found of owners.
#[derive(Debug, Clone, Serialize)]
pub struct Checks {
    /// The target as named.
    pub target: String,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// In the order they were made.
    #[serde(rename = "checks")]
    pub all: Vec<Check>,
    /// Who owns what.
    pub ownership: Option<Ownership>,
    /// What to write into the tools of the owners.
    pub snippets: Vec<Snippet>,
}

impl Checks {
    /// None so far.
    pub fn of(target: &str) -> Self {
        Self { target: target.to_owned(), ok: true, all: Vec::new(), ownership: None, snippets: Vec::new() }
    }

    /// One more; whether it is fine.
    pub fn take(&mut self, what: &str, found: Result<String, Problem>) -> bool {
        let (mark, text, problem) = match found {
            Ok(text) => (Mark::Ok, text, None),
            Err(problem) => (Mark::Failed, problem.what.clone(), Some(problem.level(Level::Error))),
        };
        self.push(what, mark, text, problem)
    }

    /// Something worth knowing.
    pub fn note(&mut self, what: &str, text: impl Into<String>) {
        self.push(what, Mark::Note, text.into(), None);
    }

    fn push(&mut self, what: &str, mark: Mark, found: String, problem: Option<Problem>) -> bool {
        let ok = mark != Mark::Failed;
        self.ok &= ok;
        self.all.push(Check { what: what.to_owned(), ok, mark, found, problem });
        ok
    }

    /// Who owns what: nothing of it is wrong, but the next update of a tool may take a release back.
    pub fn take_owners(&mut self, ownership: &Ownership, plan: &Plan) {
        let lines = [ownership.lines(), ownership.blind_spots()].concat();
        if lines.is_empty() {
            let nobody =
                "no stack and no CodeDeploy deployment; Terraform leaves no mark: say managed_by = \"terraform\"";
            self.take("owner", Ok(nobody.into()));
        }
        for line in lines {
            self.note("owner", line);
        }
        let kind = plan.stage.as_ref().map(|stage| &stage.before.kind);
        let of = |tool| Snippet { tool, text: snippet(tool, &plan.target, kind) };
        self.snippets = ownership.tools().into_iter().map(of).collect();
        self.ownership = Some(ownership.clone());
    }

    /// What is wrong.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.all.iter().filter_map(|check| check.problem.as_ref())
    }

    /// What the process exits with.
    pub fn exit(&self) -> Exit {
        self.problems().fold(Exit::Done, |exit, problem| exit.worse(problem.exit))
    }
}
