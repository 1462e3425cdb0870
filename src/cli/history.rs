//! `history`: the releases and rollbacks of a target that the journals on this machine and the records know.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::App;
use super::args::HistoryArgs;
use super::end::End;
use super::flight::{self, Stand};
use super::members::{self, Pair};
use super::resume::open_releases;
use super::session::{Session, connect};
use super::target::{Located, Need, locate, shell_word};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::change::Change;
use crate::clock::Clock;
use crate::journal::{Ending, Entry, StateDir, Summary};
use crate::model::{StageRef, Version};
use crate::problem::{Code, Level, Problem};
use crate::report::Shape;
use crate::report::text::{field, one_line, when};
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
    /// Why it was rolled back, in a person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
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
    let releases = match recorded(app, &mut located).await {
        Ok(seen) => all(app, &located, Some(&seen)),
        Err(problem)
            if matches!(problem.code, Code::AliasMissing | Code::FunctionMissing)
                && journaled(app, &located).is_empty() =>
        {
            return Err(problem);
        }
        // What this machine knows is worth showing where AWS cannot be asked.
        Err(problem) => {
            app.warn(&problem.level(Level::Warning).why("only the journals on this machine are shown"));
            all(app, &located, None)
        }
    };
    let journals = app.state.as_ref().map(|state| state.path().display().to_string());
    let history = History { schema: "stagegate.history/1.0", target: located.text.clone(), journals, releases };
    app.reporter.data(&match app.reporter.shape() {
        Shape::Human => text(&history, Timestamp::now(), app.term().width),
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
    let reason = summary.lines.iter().find_map(|line| match &line.entry {
        Entry::Reverts { reason, .. } => reason.clone(),
        _ => None,
    });
    Some(Past {
        release: summary.run.to_string(),
        at,
        kind,
        ending: progress.ending,
        moves,
        reason,
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

/// What the journals on this machine and the records of the target's aliases know, newest first. A release whose journal
/// is open may have ended elsewhere since. None where AWS could not be asked.
pub fn all(app: &App, located: &Located, seen: Option<&[Seen]>) -> Vec<Past> {
    let mut releases = journaled(app, located);
    let Some(seen) = seen else { return releases };
    let stands: Vec<Stand> = seen.iter().map(Stand::of).collect();
    for open in &open_releases(app, located) {
        let release = open.run.to_string();
        if let Some(past) = releases.iter_mut().find(|past| past.release == release) {
            past.ending = flight::over(open, &stands);
        }
    }
    for one in of_records(seen) {
        if !releases.iter().any(|known| known.release == one.release) {
            releases.push(one);
        }
    }
    releases.sort_by(|a, b| b.release.cmp(&a.release));
    releases
}

/// The target's aliases.
async fn recorded(app: &App, located: &mut Located) -> Result<Vec<Seen>, Problem> {
    let session = connect(app, located, Pace::Share).await?;
    located.follow(app, &session).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading AWS");
    records(app, located, &session).await
}

/// The target's aliases with their records, over a connection.
pub async fn records<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
) -> Result<Vec<Seen>, Problem> {
    let pairs: Vec<Pair> = match (located.stage(), &located.target) {
        (_, Some(target)) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (Some(stage), None) => members::called(app, session, stage).await?.0,
        (None, None) => Vec::new(),
    };
    let seen = members::read(session, pairs.clone(), true).await?;
    let is_seen = |pair: &Pair| seen.iter().any(|one| one.function == pair.0 && one.name == pair.1);
    let absent: Vec<&Pair> = pairs.iter().filter(|pair| !is_seen(pair)).collect();
    members::refuse_missing(app, located, session, &absent).await?;
    Ok(seen)
}

/// What their records say.
fn of_records(seen: &[Seen]) -> Vec<Past> {
    let mut found: Vec<Past> = Vec::new();
    for one in seen.iter().filter_map(of_record) {
        match found.iter_mut().find(|past| past.release == one.release) {
            Some(past) => past.moves.extend(one.moves),
            None => found.push(one),
        }
    }
    found
}

fn of_record(seen: &Seen) -> Option<Past> {
    let record = seen.description.record.as_ref()?;
    let ending = match record.state {
        crate::model::RecordState::Promoted => Some(Ending::Promoted),
        crate::model::RecordState::RolledBack => Some(Ending::RolledBack),
        crate::model::RecordState::ByHand => Some(Ending::ByHand),
        crate::model::RecordState::Running | crate::model::RecordState::Paused | crate::model::RecordState::Undoing => {
            None
        }
    };
    Some(Past {
        release: record.run.to_string(),
        // The id holds the time at which the release began.
        at: record.run.began().map_or_else(String::new, |at| format!("{at:.0}")),
        kind: "record",
        ending,
        moves: vec![Moved { alias: seen.label(), from: record.from, to: Some(record.to) }],
        reason: None,
        stage: None,
        recording: None,
    })
}

/// Aliases of one release that are named; the rest is counted.
const MOVES: usize = 5;

/// The screen: when, how it ended, what it moved; below that its id.
fn text(history: &History, now: Timestamp, width: usize) -> String {
    if history.releases.is_empty() {
        return format!("no release of {} is known here\n", history.target);
    }
    let mut out = String::new();
    for past in &history.releases {
        let at = past.at.parse().map_or_else(|_| past.at.clone(), |at| when(at, now));
        let head = format!("{at:<14}  {:<14}  ", ending(past));
        for (at, line) in moves(past).iter().enumerate() {
            let head = if at == 0 { head.clone() } else { " ".repeat(head.chars().count()) };
            out.push_str(&field(&head, line, width));
        }
        let indent = " ".repeat(16);
        let kind = if past.kind == "record" { "release" } else { past.kind };
        let source = if past.kind == "record" { ", by the record in the alias" } else { "" };
        out.push_str(&field(&indent, &format!("{kind} {}{source}", past.release), width));
        if let Some(reason) = &past.reason {
            out.push_str(&field(&indent, &format!("because: {}", one_line(reason)), width));
        }
        if let Some(recording) = &past.recording {
            out.push_str(&format!("{indent}judged: stagegate gate replay {}\n", shell_word(recording)));
        }
    }
    out
}

fn ending(past: &Past) -> &'static str {
    match past.ending {
        Some(Ending::Promoted) if past.stage.is_some() => "✔ redeployed",
        Some(Ending::Promoted) => "✔ promoted",
        Some(Ending::Unchanged) => "= unchanged",
        Some(Ending::RolledBack) => "↩ rolled back",
        Some(Ending::NeedsPerson) => "✖ NEEDS A LOOK",
        Some(Ending::Stopped) => "· stopped",
        Some(Ending::Elsewhere) => "· elsewhere",
        Some(Ending::ByHand) => "! by hand",
        None => "▶ unfinished",
    }
}

fn moves(past: &Past) -> Vec<String> {
    let version = |version: Option<Version>| version.map_or_else(|| "nothing".to_owned(), Version::label);
    if let Some(Redeployed { stage, from, to }) = &past.stage {
        let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".into());
        return vec![format!("{stage} deployment {} → {}", id(from), id(to))];
    }
    let one = |moved: &Moved| {
        let to = if moved.to.is_some() { version(moved.to) } else { "not published".into() };
        format!("{} {} → {to}", moved.alias, version(moved.from))
    };
    let mut named: Vec<String> = past.moves.iter().take(MOVES).map(one).collect();
    let more = past.moves.len().saturating_sub(MOVES);
    named.extend((more > 0).then(|| format!("and {more} more")));
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(at: &str, kind: &'static str, ending: Option<Ending>, functions: usize) -> Past {
        let moved = |n: usize| Moved {
            alias: format!("checkout-api-{n}:live"),
            from: (n > 0).then_some(Version::Number(41)),
            to: Some(Version::Number(42)),
        };
        Past {
            release: "r-01JD3K7Q4T0000000000000000".into(),
            at: at.into(),
            kind,
            ending,
            moves: (0..functions).map(moved).collect(),
            reason: None,
            stage: None,
            recording: None,
        }
    }

    #[test]
    fn the_screen_at_two_widths() {
        let stage = Some(Redeployed { stage: "a1b2c3d4e5/prod".into(), from: None, to: Some("k7x2pq".into()) });
        let recording = Some("/home/dana/.local/state/stagegate/r-01JD3K7Q4T0000000000000000.jsonl".into());
        let reason = Some("refunds fail\n::error::since v42".into());
        let history = History {
            schema: "stagegate.history/1.0",
            target: "prod".into(),
            journals: None,
            releases: vec![
                Past { recording, ..past("2026-11-21T13:52:07Z", "release", None, 1) },
                Past { reason, ..past("2026-11-18T14:02:00Z", "rollback", Some(Ending::RolledBack), 7) },
                Past { stage, ..past("2026-11-17T14:02:00Z", "redeploy", Some(Ending::Promoted), 0) },
                past("2025-11-17T14:02:00Z", "record", Some(Ending::NeedsPerson), 2),
            ],
        };
        let now = "2026-11-21T14:43:00Z".parse().unwrap();
        insta::assert_snapshot!("history_88", text(&history, now, 88));
        let narrow = text(&history, now, 60);
        let long = narrow.lines().find(|line| line.chars().count() > 60 && !line.contains("stagegate "));
        assert_eq!(long, None, "{narrow}");
        insta::assert_snapshot!("history_60", narrow);
    }
}
