//! `status --watch` and `status --wait`: looking again and again, until nothing is in flight. Nothing is written, and
//! nothing hangs on it: whoever leaves changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{look_at, pairs, refuse_missing, show};
use crate::aws::Aws;
use crate::cli::args::StatusArgs;
use crate::cli::end::End;
use crate::cli::session::Session;
use crate::cli::target::Located;
use crate::cli::{App, flight, members};
use crate::clock::Clock;
use crate::journal::Ending;
use crate::model::{Record, RecordState, RunId, Version};
use crate::plan::unusable;
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;
use crate::report::status_text::{AliasStatus, Status, line, screen};
use crate::report::text::seconds;

/// Between two looks. A look is one call for each alias and two for the stage, of quotas that are everybody's.
const WATCH: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_secs(15);
/// How long looks may fail, one after the other, before that is the answer.
const BLIND_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How a release that is waited for ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its version serves.
    Promoted,
    /// What served before serves again.
    RolledBack,
    /// A person must look.
    InBetween,
}

impl Ended {
    const fn word(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled-back",
            Self::InBetween => "in-between",
        }
    }
}

/// Looks until there is nothing more to see.
pub async fn run<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    args: &StatusArgs,
) -> Result<End, Problem> {
    let pairs = pairs(app, located, session).await?;
    let mut status = look_at(app, located, session, &pairs, true).await?;
    let began = session.clock.now();
    let timeout = SignedDuration::try_from(args.timeout).unwrap_or(SignedDuration::MAX);
    let deadline = args.wait.then(|| began.checked_add(timeout).unwrap_or(Timestamp::MAX));
    if args.wait {
        refuse_unseen(located, &status, args.release.is_some())?;
    } else {
        refuse_missing(app, located, session, &pairs, &status).await?;
    }
    let mut waited = Waited::new(app, &status, args)?;
    let mut said = String::new();
    loop {
        tell(app, &status, args, &mut said);
        waited.follow(&status);
        let now = session.clock.now();
        if waited.is_over(&status) || deadline.is_some_and(|deadline| now >= deadline) {
            return Ok(conclude(app, located, status, &waited, args));
        }
        let pause = if args.watch { WATCH } else { WAIT };
        let left = deadline.and_then(|deadline| Duration::try_from(deadline.duration_since(now)).ok());
        session.clock.sleep(left.map_or(pause, |left| pause.min(left))).await;
        match again(app, located, session, &pairs, deadline.unwrap_or(Timestamp::MAX)).await? {
            Some(next) => status = keeping(next, &status),
            None => return Ok(conclude(app, located, status, &waited, args)),
        }
    }
}

/// Whoever waits must not be told that all is over where it cannot be seen: no alias, or a record that cannot be read.
fn refuse_unseen(located: &Located, status: &Status, named: bool) -> Result<(), Problem> {
    let unreadable = status.aliases.iter().find_map(|one| Some((&one.alias, one.record_error.as_ref()?)));
    match unreadable {
        Some((alias, error)) => Err(unusable(alias, error)),
        None if named || status.aliases.iter().any(|one| one.version.is_some()) => Ok(()),
        None if status.aliases.is_empty() => Err(Problem::new(
            Code::AliasMissing,
            format!("{} calls no alias: there is nothing to wait for", located.text),
        )
        .fix(format!("look: {}", located.command("status")))),
        None => Err(members::missing(located)),
    }
}

/// The next look. One that fails for a reason that may pass is repeated for a while, but not beyond the deadline: none.
async fn again<A: Aws, C: Clock>(
    app: &App,
    located: &Located,
    session: &Session<A, C>,
    pairs: &[members::Pair],
    deadline: Timestamp,
) -> Result<Option<Status>, Problem> {
    let since = session.clock.now();
    loop {
        let problem = match look_at(app, located, session, pairs, false).await {
            Ok(status) => return Ok(Some(status)),
            Err(problem) => problem,
        };
        let now = session.clock.now();
        let passes = matches!(problem.code, Code::Throttled | Code::NoAnswer | Code::ServiceError);
        if !passes || now.duration_since(since) >= BLIND_MAX {
            return Err(problem);
        }
        match Duration::try_from(deadline.duration_since(now)) {
            Ok(left) if !left.is_zero() => session.clock.sleep(WAIT.min(left)).await,
            _ => return Ok(None),
        }
    }
}

/// What seldom changes is not read at every look.
fn keeping(mut next: Status, before: &Status) -> Status {
    for (alias, old) in next.aliases.iter_mut().zip(&before.aliases) {
        for one in &mut alias.versions {
            if let Some(old) = old.versions.iter().find(|old| old.version == one.version) {
                (one.sha256, one.modified) = (old.sha256.clone(), old.modified);
            }
        }
    }
    if let (Some(stage), Some(old)) = (&mut next.stage, &before.stage)
        && stage.deployment == old.deployment
    {
        stage.pending_edits = old.pending_edits;
    }
    next
}

/// In place where the terminal can, else a line for every change. Whoever waits hears of changes beside the answer.
fn tell(app: &App, status: &Status, args: &StatusArgs, said: &mut String) {
    if app.reporter.shape() != Shape::Human {
        return;
    }
    if args.watch && app.reporter.redraws() {
        let hint = "\n  Ctrl-C stops watching; nothing else does\n";
        return app.reporter.draw(&format!("{}{hint}", screen(status, app.term().width)));
    }
    let line = line(status);
    if *said == line {
        return;
    }
    let text = format!("{}  {line}\n", status.at.strftime("%H:%M:%SZ"));
    if args.watch {
        app.reporter.data(&text)
    } else {
        app.reporter.aside(&text)
    }
    if !args.watch {
        app.reporter.busy("waiting");
    }
    *said = line;
}

/// The release that is waited for, with what it does to which alias.
struct Waited {
    run: Option<RunId>,
    /// Alias → from and to.
    moves: BTreeMap<String, (Option<Version>, Version)>,
    /// What this machine's journal says of its end.
    journal: Option<Ending>,
}

impl Waited {
    fn new(app: &App, status: &Status, args: &StatusArgs) -> Result<Self, Problem> {
        let run = args.release.clone().or_else(|| status.in_flight().map(|record| record.run.clone()));
        let is_known = |run: &RunId| status.aliases.iter().any(|one| is_of(one, run));
        let journal = run.as_ref().and_then(|run| flight::ending(app, run));
        match &run {
            Some(run) if !is_known(run) && journal.is_none() => {
                Err(Problem::new(Code::NothingInFlight, format!("{run} is no release of {}", status.target))
                    .why("no record of its aliases names it, and no journal on this machine")
                    .fix(format!("see which there are: stagegate history {}", status.target)))
            }
            _ => Ok(Self { run, moves: BTreeMap::new(), journal }),
        }
    }

    /// Takes in which aliases the release has, for it may leave no trace in them.
    fn follow(&mut self, status: &Status) {
        let Some(run) = &self.run else { return };
        for alias in status.aliases.iter().filter(|alias| is_of(alias, run)) {
            if let Some(record) = alias.record.as_ref().filter(|record| record.state.holds_lock()) {
                self.moves.entry(alias.alias.clone()).or_insert(way(record));
            }
        }
    }

    fn is_over(&self, status: &Status) -> bool {
        match &self.run {
            Some(_) => self.ended(status).is_some(),
            None => status.in_flight().is_none(),
        }
    }

    /// How it ended; none while it goes on.
    fn ended(&self, status: &Status) -> Option<Ended> {
        let run = self.run.as_ref()?;
        let has = |alias: &&AliasStatus| is_of(alias, run) || self.moves.contains_key(&alias.alias);
        let ends: Vec<Option<Ended>> = status.aliases.iter().filter(has).map(|alias| self.of(alias, run)).collect();
        if ends.is_empty() {
            return Some(match self.journal? {
                Ending::Promoted | Ending::Unchanged => Ended::Promoted,
                Ending::RolledBack | Ending::Stopped => Ended::RolledBack,
                Ending::NeedsPerson | Ending::Elsewhere | Ending::ByHand => Ended::InBetween,
            });
        }
        let ends: Vec<Ended> = ends.into_iter().collect::<Option<_>>()?;
        let all = |wanted: Ended| ends.iter().all(|end| *end == wanted);
        Some(match () {
            () if all(Ended::Promoted) => Ended::Promoted,
            () if all(Ended::RolledBack) => Ended::RolledBack,
            () => Ended::InBetween,
        })
    }

    fn of(&self, alias: &AliasStatus, run: &RunId) -> Option<Ended> {
        let Some(version) = alias.version else {
            let created = self.moves.get(&alias.alias).is_some_and(|(from, _)| from.is_none());
            return Some(if created { Ended::RolledBack } else { Ended::InBetween });
        };
        if alias.record_error.is_some() {
            return Some(Ended::InBetween);
        }
        match &alias.record {
            Some(record) if record.run == *run => of_record(record, alias.record_holds),
            other => {
                let Some((from, to)) = self.moves.get(&alias.alias) else { return Some(Ended::InBetween) };
                // A later release says what it found. A rollback leaves what was recorded before, or nothing, and no
                // share to anybody else.
                let alone = alias.weights.is_empty() || alias.moving_capacity;
                let found = match other {
                    Some(later) if later.run > *run => way(later).0,
                    _ => Some(version).filter(|version| version != to && alone),
                };
                Some(match found {
                    Some(found) if found == *to => Ended::Promoted,
                    Some(found) if Some(found) == *from => Ended::RolledBack,
                    _ => Ended::InBetween,
                })
            }
        }
    }
}

/// From and to of a release. On its way back, and after it, the record has them the other way round.
fn way(record: &Record) -> (Option<Version>, Version) {
    match (record.state, record.from) {
        (RecordState::Undoing | RecordState::RolledBack, Some(from)) => (Some(record.to), from),
        _ => (record.from, record.to),
    }
}

fn of_record(record: &Record, holds: bool) -> Option<Ended> {
    match record.state {
        RecordState::Running | RecordState::Paused | RecordState::Undoing if holds => None,
        RecordState::Running | RecordState::Paused | RecordState::Undoing => Some(Ended::InBetween),
        RecordState::Promoted => Some(Ended::Promoted),
        RecordState::RolledBack => Some(Ended::RolledBack),
        RecordState::ByHand => Some(Ended::InBetween),
    }
}

fn is_of(alias: &AliasStatus, run: &RunId) -> bool {
    alias.record.as_ref().is_some_and(|record| record.run == *run)
}

/// The last screen or the document, and the exit code that says how it ended.
fn conclude(app: &App, located: &Located, mut status: Status, waited: &Waited, args: &StatusArgs) -> End {
    app.reporter.clear();
    let ended = waited.ended(&status);
    if args.wait {
        let flying = waited.run.as_ref().map(|_| "in-flight");
        status.ended = ended.map(Ended::word).or(flying);
    }
    show(app, &status);
    if !args.wait {
        return End::done();
    }
    let now = now(&status);
    let Some(run) = &waited.run else { return End::done() };
    let problem = match ended {
        Some(Ended::Promoted) => return End::new(Exit::Done, "promoted").release(run.clone()),
        Some(Ended::RolledBack) => Problem::new(Code::RolledBack, format!("{run} was rolled back"))
            .why("the record of its aliases says so, or they serve again what they served before")
            .fix(format!("what came to it: {}", located.command("history"))),
        Some(Ended::InBetween) => Problem::new(Code::InBetween, format!("how {run} ended cannot be told"))
            .why("an alias of it is neither where the release goes to nor where it came from, or not all of them agree")
            .fix(format!("look: {}", located.command("status"))),
        None => {
            Problem::new(Code::StillInFlight, format!("{run} is in flight after {}", seconds(args.timeout.as_secs())))
                .why(status.state())
                .fix(format!("wait on: {}", located.command(&format!("status --wait --release {run}"))))
                .fix(format!("go back: {}", located.command("rollback")))
        }
    };
    let exit = problem.exit;
    let end = End::new(exit, ended.map_or("in-flight", Ended::word)).release(run.clone());
    // The document says it already, and there is one.
    if app.reporter.shape() == Shape::Human { end.with(problem.aws_now(now)) } else { end }
}

fn now(status: &Status) -> String {
    let shown = status.aliases.iter().take(5).filter_map(|alias| {
        Some(format!("{} {}", alias.alias, crate::split::alias::shares(alias.version?, &alias.weights)))
    });
    shown.collect::<Vec<_>>().join("; ")
}
