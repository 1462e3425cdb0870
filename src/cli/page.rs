//! `status --html` and `demo --html`: a release as a page to look at, written in one piece.

use std::path::Path;

use jiff::Timestamp;

use super::target::Located;
use super::{App, history, output};
use crate::demo::DemoReport;
use crate::journal::{Ending, StateDir, Summary};
use crate::model::RunId;
use crate::problem::{Code, Level, Problem};
use crate::report::page::{Page, Story};
use crate::report::status_text::Status;

/// Writes the page of a target's newest release, or of the one that is named, with what AWS is now. Without a journal
/// the page holds what AWS says, and what is missing is said.
///
/// # Errors
/// The file cannot be written.
pub fn write(app: &App, located: &Located, file: &Path, release: Option<&RunId>, live: &Status) -> Result<(), Problem> {
    let found = journal_of(app, located, release);
    let story = found.as_ref().ok().and_then(|summary| Story::of(&summary.run, &summary.lines));
    let mut remarks = Vec::new();
    if let Err(problem) = &found {
        app.warn(problem);
        remarks.push(("missing", format!("{}: {}", problem.what, problem.why.join("; "))));
    }
    let ending = found.ok().and_then(|summary| summary.progress.ending);
    let page = Page {
        target: located.text.clone(),
        at: Timestamp::now(),
        story: story.as_ref(),
        remarks,
        live: Some(live),
        commands: commands(located, live, ending),
    };
    put(app, file, &page)
}

/// Writes the page of the release that a demo ran.
///
/// # Errors
/// The file cannot be written.
pub fn write_demo(app: &App, file: &Path, report: &DemoReport) -> Result<(), Problem> {
    let story = Story::of(&report.plan.run, &report.journal);
    let page = Page {
        target: report.plan.target.label(),
        at: report.journal.last().map_or(report.options.start, |line| line.at),
        story: story.as_ref(),
        remarks: vec![(
            "model",
            "this release ran on a model of AWS: no account was involved, and its clients are modelled.".into(),
        )],
        live: None,
        commands: Vec::new(),
    };
    put(app, file, &page)
}

/// The newest journal of the target, or that of a release.
fn journal_of(app: &App, located: &Located, release: Option<&RunId>) -> Result<Summary, Problem> {
    let (found, _) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    let folder =
        app.state.as_ref().map_or_else(|| "no folder for them is known".into(), |s| s.path().display().to_string());
    let mut about = found.into_iter().filter(|summary| history::is_about(summary, located));
    let wanted = about.find(|summary| release.is_none_or(|release| summary.run == *release));
    wanted.ok_or_else(|| {
        let what = match release {
            Some(run) => format!("there is no journal of release {run} of {} on this machine", located.text),
            None => format!("there is no journal of a release of {} on this machine", located.text),
        };
        Problem::new(Code::NoJournal, what)
            .level(Level::Warning)
            .why(format!("journals stay on the machine that ran the release; here they are in {folder}"))
            .why("the page shows what AWS and its record say: no timeline, no metrics, no list of writes")
            .aws_now("as the page says")
            .fix(format!("on the machine that ran it: {}", located.command("status --html FILE")))
            .fix(format!("which releases are known here: {}", located.command("history")))
    })
}

/// What could be done next, in the words of status where it has any.
fn commands(located: &Located, live: &Status, ending: Option<Ending>) -> Vec<(String, String)> {
    let named = |line: &String| {
        let (what, command) = line.split_once(':')?;
        Some((what.trim().to_owned(), command.trim().to_owned()))
    };
    let next: Vec<(String, String)> = live.next.iter().filter_map(named).collect();
    if !next.is_empty() {
        return next;
    }
    let back = ("go back".to_owned(), located.command("rollback"));
    let look = ("look".to_owned(), located.command("status"));
    match ending {
        Some(Ending::Promoted) => vec![back],
        Some(Ending::NeedsPerson) => vec![look, back],
        _ => vec![look],
    }
}

fn put(app: &App, file: &Path, page: &Page<'_>) -> Result<(), Problem> {
    let path = app.directory.join(file);
    output::store(&path, &page.render()).map_err(|error| output::unwritable("--html", file, &error))?;
    app.reporter.aside(&format!("page  {}\n", file.display()));
    Ok(())
}
