//! What a GitHub job gets beside the log: parts of the log that can be folded, annotations, a summary and the step's
//! outputs. All ten kinds of step of one composite share ten annotations of each kind, so a command makes one of a kind at
//! most (runner source, `ExecutionContext`).

mod command;
mod flow;
mod groups;
mod markdown;
mod output;
mod summary;
mod tale;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use self::command::mask;
pub use self::output::OUTPUTS;

use self::command::{Kind, Place, annotation};
use self::groups::Groups;
use self::summary::Page;
use self::tale::Tale;
use crate::event::{Event, Summary};
use crate::github::WorkflowRun;
use crate::problem::{Level, Problem};

/// When a summary is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// Always.
    #[default]
    Always,
    /// When the step does not end with 0.
    OnFailure,
    /// Never.
    Never,
}

/// What the job wants.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// The command and its target, as the summary's title.
    pub title: String,
    /// When a summary is written.
    pub summary: When,
    /// Whether annotations are made.
    pub annotations: bool,
    /// Whether nothing in the log is folded.
    pub unfolded: bool,
    /// The file that the outputs are added to.
    pub output: Option<PathBuf>,
    /// The file that the summary is added to.
    pub summary_file: Option<PathBuf>,
    /// The file that events are written to.
    pub events_file: Option<PathBuf>,
    /// The run that it is part of.
    pub run: Option<WorkflowRun>,
    /// From the root of the checkout to where the command runs; annotations name files from the root.
    pub below: PathBuf,
    /// A text that nobody can foresee.
    pub delimiter: String,
    /// The runner reads standard error for certain: it may be told what to hide.
    pub masks: bool,
}

/// What is said to a runner, and what is kept for the end.
pub struct Job {
    wishes: Wishes,
    groups: Groups,
    tale: RefCell<Tale>,
}

/// What is left to write at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// Lines for the log.
    pub log: String,
    /// Files and what is added to them.
    pub files: Vec<(PathBuf, String)>,
}

impl Job {
    /// A job that wants this.
    pub fn new(wishes: Wishes) -> Self {
        Self { wishes, groups: Groups::default(), tale: RefCell::default() }
    }

    /// Where events are written to.
    pub fn events_file(&self) -> Option<&Path> {
        self.wishes.events_file.as_deref()
    }

    /// Whether the runner may be told what to hide.
    pub const fn masks(&self) -> bool {
        self.wishes.masks
    }

    /// Takes in an event.
    pub fn hear(&self, at: Timestamp, event: &Event) {
        self.tale.borrow_mut().hear(at, event);
    }

    /// Takes in a message that does not end the command.
    pub fn warn(&self, problem: &Problem) {
        self.tale.borrow_mut().warn(problem);
    }

    /// Takes in what was printed for people.
    pub fn screen(&self, text: &str) {
        self.tale.borrow_mut().screen(text);
    }

    /// The lines of an event with what folds them.
    pub fn frame(&self, event: &Event, lines: &str) -> String {
        if self.wishes.unfolded { lines.to_owned() } else { self.groups.frame(event, lines) }
    }

    /// What ends a part that is folded, before something that must be seen.
    pub fn unfold(&self) -> String {
        self.groups.close()
    }

    /// What the end of the command leaves: annotations, summary and outputs. `failed`: the step fails by it, which not
    /// every exit code but 0 means.
    pub fn close(&self, at: Timestamp, end: &Summary, problem: Option<&Problem>, failed: bool) -> Closing {
        let tale = self.tale.borrow();
        let Wishes { run, delimiter, .. } = &self.wishes;
        let lasted = tale.began.map_or(0, |began| at.duration_since(began).as_secs());
        let lasted_s = u64::try_from(lasted).unwrap_or_default();
        let events_file = self.events_file().map(|file| file.display().to_string());
        let mut files = Vec::new();
        if let Some(file) = &self.wishes.output {
            files.push((file.clone(), output::lines(end, events_file.as_deref(), delimiter)));
        }
        if self.wishes.summary == When::Always || (self.wishes.summary == When::OnFailure && failed) {
            let page = Page { title: &self.title(&tale), tale: &tale, end, problem, run: run.as_ref(), lasted_s };
            files.extend(self.wishes.summary_file.clone().map(|file| (file, summary::render(&page))));
        }
        let mut log = self.groups.close();
        if self.wishes.annotations {
            log += &self.annotations(&tale, end, problem, failed);
        }
        Closing { log, files }
    }

    /// The project, the target and the command.
    fn title(&self, tale: &Tale) -> String {
        let project = tale.plan.as_ref().and_then(|(plan, _)| plan.target.project.clone());
        project.map_or_else(|| self.wishes.title.clone(), |project| format!("{project} · {}", self.wishes.title))
    }

    fn annotations(&self, tale: &Tale, end: &Summary, problem: Option<&Problem>, failed: bool) -> String {
        let mut out = String::new();
        match problem {
            Some(problem) => out += &self.annotation(problem),
            None if failed => {
                let message = format!("{}: exit code {}", self.wishes.title, end.exit_code);
                out += &annotation(Kind::Error, &end.result, None, &message);
            }
            None => {}
        }
        if let Some(first) = tale.warnings.first() {
            let more = match tale.warnings.len() - 1 {
                0 => String::new(),
                more => format!("\nand {more} more: see the summary"),
            };
            out += &annotation(Kind::Warning, &first.code.to_string(), None, &format!("{}{more}", first.what));
        }
        if problem.is_none() && tale.writes > 0 {
            let now: Vec<String> = tale.board.routed().take(5).map(|(alias, now)| format!("{alias} {now}")).collect();
            out += &annotation(Kind::Notice, &end.result, None, &format!("{} {}", self.wishes.title, now.join("; ")));
        }
        out
    }

    fn annotation(&self, problem: &Problem) -> String {
        let kind = match problem.level {
            Level::Error => Kind::Error,
            Level::Warning => Kind::Warning,
            Level::Note => Kind::Notice,
        };
        let place = problem.span.as_ref().map(|span| Place {
            file: self.wishes.below.join(&span.file).display().to_string(),
            line: span.line,
            column: span.column,
        });
        let fix = problem.fix.first().map_or_else(String::new, |fix| format!("\nfix: {fix}"));
        let message = format!("{}\naws now: {}{fix}", problem.what, problem.aws_now);
        annotation(kind, &problem.code.to_string(), place.as_ref(), &message)
    }
}
