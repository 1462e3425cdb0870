//! `history`: the releases and rollbacks of a target that the journals on this machine and the records know.

use std::path::Path;

use serde::Serialize;

use super::App;
use super::args::HistoryArgs;
use super::end::End;
use super::members;
use super::session::connect;
use super::target::{Located, Need, locate, shell_word};
use crate::aws::layers::Pace;
use crate::change::Change;
use crate::journal::{Ending, Entry, StateDir, Summary};
use crate::model::{StageRef, Version};
use crate::problem::{Level, Problem};
use crate::report::Shape;
use crate::rollback::Seen;

/// One release or rollback.
#[derive(Debug, Serialize)]
pub struct Past {
    release: String,
    at: String,
    /// `release`, `rollback`, `redeploy` or `record`.
    kind: &'static str,
    ending: Option<Ending>,
    moves: Vec<Moved>,
    /// What a redeploy by hand did with its stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Redeployed>,
    /// The journal that holds what a gate was given, for `gate replay`.
    recording: Option<String>,
}

#[derive(Debug, Serialize)]
struct Moved {
    alias: String,
    from: Option<Version>,
    to: Option<Version>,
}

#[derive(Debug, Serialize)]
struct Redeployed {
    stage: String,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Serialize)]
struct History {
    schema: &'static str,
    target: String,
    journals: Option<String>,
    /// Newest first.
    releases: Vec<Past>,
}

/// Looks.
pub async fn run(app: &App, args: HistoryArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    let records = recorded(app, &mut located).await;
    let mut releases = journaled(app, &located);
    match records {
        Ok(records) => {
            for one in records {
                if !releases.iter().any(|known| known.release == one.release) {
                    releases.push(one);
                }
            }
        }
        // What this machine knows is worth showing where AWS cannot be asked.
        Err(problem) => app.warn(&problem.level(Level::Warning).why("only the journals on this machine are shown")),
    }
    releases.sort_by(|a, b| b.release.cmp(&a.release));
    let journals = app.state.as_ref().map(|state| state.path().display().to_string());
    let history = History { schema: "stagegate.history/1.0", target: located.text.clone(), journals, releases };
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => text(&history),
        Shape::Document | Shape::Events => format!("{:#}\n", serde_json::to_value(&history).unwrap_or_default()),
    });
    Ok(End::done())
}

/// What the journals on this machine know.
pub fn journaled(app: &App, located: &Located) -> Vec<Past> {
    let (found, broken) = app.state.as_ref().map(StateDir::list).unwrap_or_default();
    for error in broken {
        app.warn(&crate::engine::journal_problem(&error).level(Level::Warning));
    }
    let folder = app.state.as_ref().map(StateDir::path);
    found.iter().filter_map(|summary| past(summary, located, folder)).collect()
}

/// Whether a journal is about the target.
pub fn is_about(summary: &Summary, located: &Located) -> bool {
    past(summary, located, None).is_some()
}

fn past(summary: &Summary, located: &Located, folder: Option<&Path>) -> Option<Past> {
    let progress = &summary.progress;
    let redeployed = progress.plan.is_none().then(|| redeployed(summary, located)).flatten();
    let (kind, moves) = match (&progress.plan, summary.lines.first().map(|line| &line.entry)) {
        (Some(plan), _) if located.is_of(plan) => {
            let published = |f| progress.published.iter().find(|(function, ..)| function == f).map(|(_, v, _)| *v);
            let moves = plan.members.iter().map(|m| Moved {
                alias: format!("{}:{}", m.function, plan.target.alias),
                from: m.before.as_ref().map(|alias| alias.version),
                to: published(&m.function),
            });
            ("release", moves.collect::<Vec<_>>())
        }
        (None, Some(Entry::Reverts { aliases, moves, .. })) if aliases.iter().any(|a| names(located, a)) => {
            let moved = |(alias, (from, to)): (&String, &(Version, Version))| Moved {
                alias: alias.clone(),
                from: Some(*from),
                to: Some(*to),
            };
            ("rollback", aliases.iter().zip(moves).map(moved).collect())
        }
        _ if redeployed.is_some() => ("redeploy", Vec::new()),
        _ => return None,
    };
    let at = format!("{:.0}", summary.at);
    let judged = summary.lines.iter().any(|line| matches!(line.entry, Entry::Evidence { .. }));
    let file = || folder.map(|folder| folder.join(format!("{}.jsonl", summary.run)).display().to_string());
    let recording = judged.then(file).flatten();
    Some(Past {
        release: summary.run.to_string(),
        at,
        kind,
        ending: progress.ending,
        moves,
        stage: redeployed,
        recording,
    })
}

/// A redeploy by hand has no plan, and moves one stage.
fn redeployed(summary: &Summary, located: &Located) -> Option<Redeployed> {
    let is_ours = |stage: &StageRef| located.stage() == Some(stage);
    summary.progress.intents.iter().find_map(|change| match change {
        Change::Stage { stage, before, want } if is_ours(stage) => Some(Redeployed {
            stage: stage.to_string(),
            from: before.deployment.clone().filter(|id| !id.is_empty()),
            to: want.deployment.clone(),
        }),
        _ => None,
    })
}

fn names(located: &Located, alias: &str) -> bool {
    located
        .target
        .as_ref()
        .is_some_and(|target| target.functions.iter().any(|function| format!("{function}:{}", target.alias) == alias))
}

/// What the records of the target's aliases say.
async fn recorded(app: &App, located: &mut Located) -> Result<Vec<Past>, Problem> {
    let session = connect(app, located, Pace::Share).await?;
    located.follow(app, &session).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading AWS");
    let pairs = match (located.stage(), &located.target) {
        (_, Some(target)) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (Some(stage), None) => members::called(app, &session, stage).await?.0,
        (None, None) => Vec::new(),
    };
    let mut found: Vec<Past> = Vec::new();
    for seen in members::read(&session, pairs, true).await? {
        let Some(one) = of_record(&seen) else { continue };
        match found.iter_mut().find(|past| past.release == one.release) {
            Some(past) => past.moves.extend(one.moves),
            None => found.push(one),
        }
    }
    Ok(found)
}

fn of_record(seen: &Seen) -> Option<Past> {
    let record = seen.description.record.as_ref()?;
    let ending = match record.state {
        crate::model::RecordState::Promoted => Some(Ending::Promoted),
        crate::model::RecordState::RolledBack => Some(Ending::RolledBack),
        crate::model::RecordState::Running | crate::model::RecordState::Paused | crate::model::RecordState::Undoing => {
            None
        }
    };
    // The id holds the time at which the release began.
    let began = ulid::Ulid::from_string(record.run.ulid()).ok().map(|id| id.timestamp_ms());
    let at = began.and_then(|ms| jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok());
    Some(Past {
        release: record.run.to_string(),
        at: at.map_or_else(String::new, |at| format!("{at:.0}")),
        kind: "record",
        ending,
        moves: vec![Moved { alias: seen.label(), from: record.from, to: Some(record.to) }],
        stage: None,
        recording: None,
    })
}

fn text(history: &History) -> String {
    if history.releases.is_empty() {
        return format!("no release of {} is known here\n", history.target);
    }
    let version = |version: Option<Version>| version.map_or_else(|| "-".to_owned(), Version::label);
    let mut out = String::new();
    for past in &history.releases {
        let ending = match past.ending {
            Some(Ending::Promoted) if past.stage.is_some() => "redeployed",
            Some(Ending::Promoted) => "promoted",
            Some(Ending::Unchanged) => "unchanged",
            Some(Ending::RolledBack) => "rolled back",
            Some(Ending::NeedsPerson) => "NEEDS A LOOK",
            Some(Ending::Stopped) => "stopped",
            Some(Ending::Elsewhere) => "ended elsewhere",
            None => "unfinished",
        };
        out.push_str(&format!("{}  {}  {:<8}  {ending}\n", past.at, past.release, past.kind));
        for moved in &past.moves {
            out.push_str(&format!("    {}  {} → {}\n", moved.alias, version(moved.from), version(moved.to)));
        }
        if let Some(Redeployed { stage, from, to }) = &past.stage {
            let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "-".into());
            out.push_str(&format!("    {stage}  deployment {} → {}\n", id(from), id(to)));
        }
        if let Some(recording) = &past.recording {
            out.push_str(&format!("    judged: stagegate gate replay {}\n", shell_word(recording)));
        }
    }
    out
}
