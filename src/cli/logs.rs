//! `logs`: what one version of each function of a target wrote.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::App;
use super::args::LogsArgs;
use super::end::End;
use super::members::{self, Pair};
use super::session::{Session, connect};
use super::target::{Located, Need, locate};
use crate::aws::Aws;
use crate::aws::layers::Pace;
use crate::aws::operation::GetFunction;
use crate::clock::Clock;
use crate::config::TargetRef;
use crate::logs::{self, Ask};
use crate::model::{RecordState, Version};
use crate::problem::{Code, Level, Problem};
use crate::report::Shape;
use crate::report::logs_text::{FunctionLog, LOGS_SCHEMA, Logs, head, lines};
use crate::rollback::Seen;

/// Functions whose logs are read together at most.
const FUNCTIONS_MAX: usize = 10;
/// Logs read at the same time.
const PARALLEL: usize = 2;

/// Looks.
pub async fn run(app: &App, args: LogsArgs) -> Result<End, Problem> {
    let mut located = locate(app, &args.target, Need::Place, None)?;
    let session = connect(app, &located, Pace::Share).await?;
    located.follow(app, &session).await?;
    if session.account.is_some() {
        session.identify(app).await?;
    }
    app.reporter.busy("reading the log");
    let logs = look(app, &located, &session, &args).await?;
    match app.reporter.shape() {
        Shape::Human => {
            app.reporter.aside(&head(&logs, app.term().width));
            app.reporter.data(&lines(&logs));
        }
        Shape::Document | Shape::Events => {
            app.reporter.data(&format!("{:#}\n", serde_json::to_value(&logs).unwrap_or_default()));
        }
    }
    Ok(End::done())
}

/// Looks over a connection.
pub async fn look<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &LogsArgs,
) -> Result<Logs, Problem> {
    let pairs: Vec<Pair> = match (&located.place, &located.target) {
        (TargetRef::Stage { stage, .. }, _) => members::called(app, session, stage).await?.0,
        (_, Some(target)) => target.functions.iter().map(|f| (f.clone(), target.alias.clone())).collect(),
        (_, None) => Vec::new(),
    };
    if pairs.len() > FUNCTIONS_MAX || args.version.is_some() && pairs.len() > 1 {
        return Err(one_by_one(located, &pairs, args));
    }
    let chosen = chosen(located, session, &pairs, args).await?;
    let end = session.clock.now();
    let start = SignedDuration::try_from(args.since).ok().and_then(|since| end.checked_sub(since).ok()).unwrap_or(end);
    let functions = stream::iter(&chosen)
        .map(|one| of_function(app, located, session, one, args.limit, (start, end)))
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let (target, region) = (located.text.clone(), session.region.clone());
    Ok(Logs { schema: LOGS_SCHEMA, target, region, start, end, functions })
}

/// Whose lines are read, and why.
struct Chosen {
    pair: Pair,
    version: u64,
    why: &'static str,
}

/// The versions to look at. One that is named needs no alias: it may be that of a release that made none.
async fn chosen<A: Aws, C: Clock>(
    located: &Located,
    session: &Session<A, C>,
    pairs: &[Pair],
    args: &LogsArgs,
) -> Result<Vec<Chosen>, Problem> {
    if let (Some(version), [pair]) = (args.version, pairs) {
        return Ok(vec![Chosen { pair: pair.clone(), version, why: "as asked" }]);
    }
    let seen = members::read(session, pairs.to_vec(), true).await?;
    if seen.is_empty() {
        return Err(members::missing(located));
    }
    let choose = |one: &Seen| {
        let (version, why) = interesting(one);
        let version = version.number().ok_or_else(|| unpublished(one))?;
        Ok(Chosen { pair: (one.function.clone(), one.name.clone()), version, why })
    };
    seen.iter().map(choose).collect()
}

async fn of_function<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    one: &Chosen,
    limit: usize,
    (start, end): (Timestamp, Timestamp),
) -> Result<FunctionLog, Problem> {
    let Chosen { pair: (function, alias), version, why } = one;
    let request = GetFunction { function: function.clone(), qualifier: Some(version.to_string()) };
    let found = members::ask(&session.aws, request).await?;
    if found.is_none() {
        let what = format!("v{version} of {function} does not exist any more; what it wrote may still be there");
        app.warn(&Problem::new(Code::VersionMissing, what).level(Level::Warning));
    }
    let group = found.as_ref().and_then(|found| found.log_group.clone());
    let ask = Ask { function: function.clone(), version: *version, group, start, end, limit };
    let log = logs::read(&session.aws, &ask).await.map_err(|problem| {
        let arn = found.map_or_else(|| format!("arn:aws:lambda:{}:*", session.region), |found| found.arn);
        permitted(problem, located, &format!("{function}:{alias}"), &ask, &arn)
    })?;
    Ok(FunctionLog {
        function: function.to_string(),
        version: version.to_string(),
        why,
        log_group: log.group,
        complete: log.complete,
        lines: log.lines,
    })
}

/// The version that somebody wants to look at: the one on trial, the one that was rolled back from, or what serves.
fn interesting(one: &Seen) -> (Version, &'static str) {
    match one.believed() {
        Some(record) if matches!(record.state, RecordState::Running | RecordState::Paused) => {
            (record.to, "the release in flight brings it")
        }
        Some(record) if matches!(record.state, RecordState::RolledBack | RecordState::Undoing) => {
            match record.from.filter(|from| from.number().is_some_and(|n| record.bad.contains(&n))) {
                Some(bad) => (bad, "it was rolled back from and is marked bad"),
                None => (one.alias.version, "it serves"),
            }
        }
        _ => (one.alias.version, "it serves"),
    }
}

fn unpublished(one: &Seen) -> Problem {
    Problem::new(Code::VersionMissing, format!("{} serves $LATEST, whose lines are of no version", one.label()))
        .why("$LATEST is whatever was uploaded last, so that its log says nothing about one code")
        .fix(format!("read all of it: aws logs tail {} --since 10m", logs::usual_group(&one.function)))
}

fn one_by_one(located: &Located, pairs: &[Pair], args: &LogsArgs) -> Problem {
    let (text, count) = (&located.text, pairs.len());
    let what = match args.version {
        Some(number) => format!("--version {number} names a version of one function, {text} has {count}"),
        None => format!("{text} has {count} functions, and logs are read of {FUNCTIONS_MAX} at most"),
    };
    let version = args.version.map_or_else(String::new, |number| format!(" --version {number}"));
    let problem = Problem::new(Code::AmbiguousTarget, what).why("name the function whose log is wanted");
    pairs.iter().take(FUNCTIONS_MAX).fold(problem, |problem, (function, alias)| {
        problem.fix(located.command_for("logs", &format!("{function}:{alias}{version}")))
    })
}

/// The exact permission that is missing. The ARN of the function has the account.
fn permitted(mut problem: Problem, located: &Located, place: &str, ask: &Ask, arn: &str) -> Problem {
    if problem.code != Code::AccessDenied {
        return problem;
    }
    let part = |at: usize| arn.split(':').nth(at).unwrap_or_default();
    let usual = logs::usual_group(&ask.function);
    let group = ask.group.as_ref().unwrap_or(&usual);
    problem.fix = vec![format!("allow logs:FilterLogEvents on {}", logs::group_arn(part(1), part(3), part(4), group))];
    if *group == usual {
        let command = format!("iam-policy read --target {place}");
        problem = problem.fix(format!("in a whole policy: stagegate {command}{}", located.flags()));
    }
    problem
}
