//! Where a rollback goes: by the records, the journals on this machine, past calls that CloudTrail keeps, or a person.

use std::cell::{LazyCell, OnceCell};

use jiff::Timestamp;

use super::OFFERED;
use super::past::{self, Past};
use crate::aws::Aws;
use crate::aws::noun::Function;
use crate::cli::args::RollbackArgs;
use crate::cli::session::Session;
use crate::cli::target::Located;
use crate::cli::{App, flight, prompt};
use crate::clock::Clock;
use crate::journal::Summary;
use crate::model::{Record, RecordState, RunId, Version};
use crate::plan::short_sha;
use crate::problem::{Code, Level, Problem};
use crate::rollback::trail::{self, Trail};
use crate::rollback::{Emergency, Known, Part, Seen, versions_of};

/// What a rollback is chosen from.
pub struct Choosing<'a, A, C> {
    pub app: &'a App,
    pub located: &'a Located,
    pub session: &'a Session<A, C>,
    pub seen: &'a [Seen],
    pub args: &'a RollbackArgs,
    pub fresh: &'a RunId,
    trail: OnceCell<Trail>,
    journals: LazyCell<Vec<Summary>, Box<dyn Fn() -> Vec<Summary> + 'a>>,
}

/// What was chosen.
pub struct Choice {
    /// The way back.
    pub emergency: Emergency,
    /// The version that a person named, by a flag or from the list.
    pub to: Option<u64>,
}

impl<'a, A: Aws, C: Clock> Choosing<'a, A, C> {
    /// From what was seen.
    pub fn new(
        app: &'a App,
        located: &'a Located,
        session: &'a Session<A, C>,
        seen: &'a [Seen],
        args: &'a RollbackArgs,
        fresh: &'a RunId,
    ) -> Self {
        // The record decides nearly always; the journals may be many and long.
        let read = move || app.state.as_ref().map(|state| state.list().0).unwrap_or_default();
        let journals = LazyCell::new(Box::new(read) as Box<dyn Fn() -> Vec<Summary> + 'a>);
        Self { app, located, session, seen, args, fresh, trail: OnceCell::new(), journals }
    }

    /// Chooses. Where nothing is recorded a person chooses from the newest versions, or is told them.
    pub async fn choose(&self) -> Result<Choice, Problem> {
        let named = self.args.to;
        let mut problem = match self.prepare(named, self.args.part()) {
            Ok(emergency) => return Ok(Choice { emergency, to: named }),
            Err(problem) => problem,
        };
        if !matches!(problem.code, Code::NothingRecorded | Code::FirstRelease | Code::RecordStale) {
            return Err(problem);
        }
        // Only a person decides about a record that no longer holds, and where to go from what was put back.
        let decides = problem.code != Code::RecordStale && !self.seen.iter().all(is_put_back);
        if self.args.search_history && decides && self.search().await {
            match self.prepare(named, self.args.part()) {
                Ok(emergency) => return Ok(Choice { emergency, to: named }),
                Err(still) => problem = self.searched(still),
            }
        }
        problem = self.finish(problem).await;
        let [one] = self.seen else { return Err(self.one_by_one(problem)) };
        let versions = self.offered(one).await?;
        if self.args.yes {
            return Err(self.list(problem, one, &versions));
        }
        self.app.warn(&self.with_search(problem, one).level(Level::Note));
        if versions.is_empty() {
            return Err(prompt::left().why("no other version exists"));
        }
        let bad = self.bad(one);
        let items = versions
            .iter()
            .map(|version| format!("{:<5} {}", version.version.label(), line(version, one, &bad)))
            .collect();
        match prompt::select(self.app, "Back to which version?", items).await? {
            Some(at) => {
                let to = versions[at].version.number();
                Ok(Choice { emergency: self.prepare(to, self.args.part())?, to })
            }
            None => Err(prompt::left()),
        }
    }

    /// The way back, if that can be told without a person.
    pub fn prepare(&self, to: Option<u64>, part: Part) -> Result<Emergency, Problem> {
        let history = |one: &Seen| self.known(one);
        let now = self.session.clock.now();
        let emergency = Emergency::prepare(self.seen, to, part, &history, !self.args.yes, self.fresh, now)?;
        Ok(if self.args.blames_nobody { emergency.blaming_nobody(self.seen) } else { emergency })
    }

    /// What is known of the versions that had an alias before, this machine's journals first.
    pub fn known(&self, one: &Seen) -> Vec<Known> {
        let mut known = past::known(&self.past(one), one);
        known.extend(self.trail.get().map(|trail| trail.known(&one.alias)).unwrap_or_default());
        let bad = self.bad(one);
        known.retain(|known| known.from.number().is_none_or(|number| !bad.contains(&number)));
        known
    }

    /// What the journals on this machine know of an alias, newest first.
    fn past(&self, one: &Seen) -> Vec<Past> {
        self.journals.iter().filter_map(|summary| Past::of(summary, &one.alias.arn, &one.label())).collect()
    }

    /// The versions that are known to be bad: by the record, which remembers the last of them, and by the journals on
    /// this machine. What served before a release that was promoted since was proven elsewhere.
    pub fn bad(&self, one: &Seen) -> Vec<u64> {
        let promoted = one.believed().filter(|record| record.state == RecordState::Promoted);
        let proven = promoted.and_then(|record| record.from).and_then(Version::number);
        let here = past::bad(&self.past(one)).into_iter().filter(|number| Some(*number) != proven);
        one.bad().iter().copied().chain(here).collect()
    }

    /// Since when an alias serves what it does, and who put it there, as far as journals and past calls say.
    pub fn since(&self, one: &Seen) -> Option<(Timestamp, Option<String>)> {
        let here = self.past(one).into_iter().find(|past| past.to == one.alias.version).and_then(|past| past.at);
        here.map(|at| (at, None)).or_else(|| self.trail.get()?.since(&one.alias))
    }

    /// What is left of a release whose aliases are back, as far as its journal is open here.
    async fn finish(&self, mut problem: Problem) -> Problem {
        let Some(run) = self.seen.iter().filter(|one| is_put_back(one)).find_map(run) else { return problem };
        let whole = self.seen.iter().filter_map(Seen::believed).filter(|record| record.members <= self.seen.len());
        let recorded = whole.filter_map(|record| record.stage.as_ref()).next();
        if let Some(stage) = recorded {
            let command = self.located.command("rollback --stage-only");
            problem = problem.fix(format!("if {} is not back, too: {command}", stage.stage));
        }
        let open = |summary: &&Summary| summary.run == *run && summary.progress.ending.is_none();
        let Some(summary) = self.journals.iter().find(open) else { return problem };
        if let Ok(left) = flight::left(self.session, summary).await
            && !left.is_empty()
        {
            problem = problem.why(format!("still there of {run}: {}", left.join(", ")));
            problem.fix.insert(0, format!("finish that: {}", self.located.command("resume --undo")));
        }
        problem
    }

    /// Asks CloudTrail; whether it answered. Without an answer the list is still there to choose from.
    async fn search(&self) -> bool {
        self.app.reporter.busy("searching CloudTrail");
        match trail::search(&self.session.aws, self.session.clock.now()).await {
            Ok(found) => self.trail.set(found).is_ok(),
            Err(mut problem) => {
                if problem.code == Code::AccessDenied {
                    problem.fix = vec!["allow cloudtrail:LookupEvents on *: it cannot be narrowed".into()];
                }
                self.app
                    .warn(&problem.level(Level::Warning).why("past calls were not searched; the versions are listed"));
                false
            }
        }
    }

    /// Says what the search saw and could not see.
    fn searched(&self, problem: Problem) -> Problem {
        let Some(trail) = self.trail.get() else { return problem };
        let cut = if trail.cut { ", and there are older ones" } else { "" };
        let none = match trail.looked_at {
            0 => "CloudTrail has no call that moved an alias".to_owned(),
            n => format!("CloudTrail has {n} calls that moved aliases{cut}; none tells what this one may go back to"),
        };
        problem.why(none).why(trail::BLIND)
    }

    /// The newest versions that an alias could go to, newest first; what stagegate last put there before them, and what
    /// is marked bad after them.
    pub async fn offered(&self, one: &Seen) -> Result<Vec<Function>, Problem> {
        let mut versions = self.session.observer(self.app).versions(&one.function).await?;
        versions.retain(|function| function.version != one.alias.version);
        versions.reverse();
        let last = one.description.record.as_ref().filter(|_| one.believed().is_none()).map(Record::leaves);
        if let Some(at) = versions.iter().position(|function| Some(function.version) == last) {
            versions[..=at].rotate_right(1);
        }
        let bad = self.bad(one);
        versions.sort_by_key(|function| is_bad(function, &bad));
        versions.truncate(OFFERED);
        Ok(versions)
    }

    /// The message with the versions as commands that can be run.
    pub fn list(&self, problem: Problem, one: &Seen, versions: &[Function]) -> Problem {
        let (flags, bad) = (self.flags(), self.bad(one));
        let mut problem = problem;
        // The list itself takes the place of the way to it.
        problem.fix.retain(|fix| *fix != versions_of(&one.label()));
        let mut problem = versions.iter().fold(problem, |problem, version| {
            let command = format!("{} --to {}{flags}", one.label(), version.version);
            problem.fix(format!("{}   {}", self.located.command_for("rollback", &command), line(version, one, &bad)))
        });
        if versions.is_empty() {
            problem = problem
                .why("no other version of it exists")
                .fix(format!("publish what shall serve: aws lambda publish-version --function-name {}", one.function));
        }
        self.with_search(problem, one)
    }

    /// The message with the search that was not made.
    fn with_search(&self, problem: Problem, one: &Seen) -> Problem {
        let searches = problem.code == Code::NothingRecorded && !is_put_back(one);
        if self.args.search_history || self.args.to.is_some() || !searches {
            return problem;
        }
        let command = format!("{} --search-history{}", one.label(), self.flags());
        problem.fix(format!("or ask CloudTrail what served before: {}", self.located.command_for("rollback", &command)))
    }

    /// Each function has versions of its own, so that a person names one of each.
    fn one_by_one(&self, problem: Problem) -> Problem {
        let flags = self.flags();
        let command = |one: &Seen| self.located.command_for("rollback", &format!("{} --to N{flags}", one.label()));
        let each = self.seen.iter().take(OFFERED);
        each.fold(problem, |problem, one| problem.fix(format!("one by one: {}", command(one))))
    }

    /// What a printed command keeps of what the person gave.
    fn flags(&self) -> String {
        format!("{}{}", self.args.scope(), if self.args.yes { " --yes" } else { "" })
    }
}

/// Its record is believed, and says that a rollback put it there.
fn is_put_back(one: &Seen) -> bool {
    one.believed().is_some_and(|record| record.state == RecordState::RolledBack)
}

fn run(one: &Seen) -> Option<&RunId> {
    one.description.record.as_ref().map(|record| &record.run)
}

fn is_bad(function: &Function, bad: &[u64]) -> bool {
    function.version.number().is_some_and(|number| bad.contains(&number))
}

/// What is known of a version, to follow its number.
fn line(function: &Function, one: &Seen, bad: &[u64]) -> String {
    let record = one.description.record.as_ref();
    let date = function.last_modified.get(..16).unwrap_or(&function.last_modified).replace('T', " ");
    let mut text = format!("sha {}…  {date}", short_sha(&function.code_sha256));
    if is_bad(function, one.bad()) {
        text.push_str("  marked bad");
    } else if is_bad(function, bad) {
        text.push_str("  was rolled back from (journal on this machine)");
    }
    if let Some(record) = record.filter(|record| record.leaves() == function.version && one.believed().is_none()) {
        let last = record.to == function.version;
        text.push_str(if last { "  put there by stagegate last" } else { "  served before the unfinished release" });
    }
    if !function.description.is_empty() {
        text.push_str(&format!("  {}", function.description));
    }
    text
}
