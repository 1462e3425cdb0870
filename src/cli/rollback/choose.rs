//! Where a rollback goes: by the records, the journals on this machine, past calls that CloudTrail keeps, or a person.

use std::cell::{LazyCell, OnceCell};

use jiff::Timestamp;

use super::OFFERED;
use crate::aws::Aws;
use crate::aws::noun::Function;
use crate::cli::args::RollbackArgs;
use crate::cli::session::Session;
use crate::cli::target::Located;
use crate::cli::{App, prompt};
use crate::clock::Clock;
use crate::journal::{Ending, Entry, Summary};
use crate::model::{RunId, Version};
use crate::plan::short_sha;
use crate::problem::{Code, Level, Problem};
use crate::rollback::trail::{self, Trail};
use crate::rollback::{Emergency, Known, Part, Rule, Seen, versions_of};

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
        // Only a person decides about a record that no longer holds.
        if self.args.search_history && problem.code != Code::RecordStale && self.search().await {
            match self.prepare(named, self.args.part()) {
                Ok(emergency) => return Ok(Choice { emergency, to: named }),
                Err(still) => problem = self.searched(still),
            }
        }
        let [one] = self.seen else { return Err(self.one_by_one(problem)) };
        let versions = self.offered(one).await?;
        if self.args.yes {
            return Err(self.list(problem, one, &versions));
        }
        self.app.warn(&problem.clone().level(Level::Note));
        if versions.is_empty() {
            return Err(prompt::left().why("no other version exists"));
        }
        let items =
            versions.iter().map(|version| format!("{:<5} {}", version.version.label(), line(version, one))).collect();
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
        let mut known: Vec<Known> = self.journals.iter().filter_map(|summary| journaled(summary, one)).collect();
        known.extend(self.trail.get().map(|trail| trail.known(&one.alias)).unwrap_or_default());
        known
    }

    /// Since when an alias serves what it does, and who put it there, as far as journals and past calls say.
    pub fn since(&self, one: &Seen) -> Option<(Timestamp, Option<String>)> {
        let here = self.journals.iter().filter_map(|summary| journaled(summary, one));
        let here = here.filter(|known| known.to == one.alias.version).find_map(|known| known.until);
        here.map(|at| (at, None)).or_else(|| self.trail.get()?.since(&one.alias))
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
        let last = one.description.record.as_ref().filter(|_| one.believed().is_none()).map(|record| record.to);
        if let Some(at) = versions.iter().position(|function| Some(function.version) == last) {
            versions[..=at].rotate_right(1);
        }
        versions.sort_by_key(|function| is_bad(function, one));
        versions.truncate(OFFERED);
        Ok(versions)
    }

    /// The message with the versions as commands that can be run.
    pub fn list(&self, problem: Problem, one: &Seen, versions: &[Function]) -> Problem {
        let flags = self.flags();
        let mut problem = problem;
        // The list itself takes the place of the way to it.
        problem.fix.retain(|fix| *fix != versions_of(&one.label()));
        let mut problem = versions.iter().fold(problem, |problem, version| {
            let command = format!("{} --to {}{flags}", one.label(), version.version);
            problem.fix(format!("{}   {}", self.located.command_for("rollback", &command), line(version, one)))
        });
        if versions.is_empty() {
            problem = problem
                .why("no other version of it exists")
                .fix(format!("publish what shall serve: aws lambda publish-version --function-name {}", one.function));
        }
        if self.args.search_history || self.args.to.is_some() || problem.code != Code::NothingRecorded {
            return problem;
        }
        let command = format!("{} --search-history{flags}", one.label());
        problem.fix(format!("or ask CloudTrail what served before: {}", self.located.command_for("rollback", &command)))
    }

    fn one_by_one(&self, problem: Problem) -> Problem {
        let flags = self.flags();
        let command = |one: &Seen| self.located.command_for("rollback", &format!("{}{flags}", one.label()));
        let each = self.seen.iter().take(OFFERED);
        each.fold(problem, |problem, one| problem.fix(format!("one by one: {}", command(one))))
    }

    /// What a printed command keeps of what the person gave.
    fn flags(&self) -> String {
        format!("{}{}", self.args.scope(), if self.args.yes { " --yes" } else { "" })
    }
}

/// What one journal of this machine knows of an alias: a finished release moved it.
fn journaled(summary: &Summary, one: &Seen) -> Option<Known> {
    if summary.progress.ending != Some(Ending::Promoted) {
        return None;
    }
    let plan = summary.progress.plan.as_ref()?;
    let member = plan.members.iter().find(|m| m.alias_arn == one.alias.arn)?;
    let (_, to, _) = summary.progress.published.iter().find(|(f, ..)| *f == member.function)?;
    let closed = summary.lines.iter().rev().find(|line| matches!(line.entry, Entry::Closed { .. }));
    let from: Version = member.before.as_ref()?.version;
    Some(Known { from, to: *to, rule: Rule::Journal, since: None, until: closed.map(|line| line.at) })
}

fn is_bad(function: &Function, one: &Seen) -> bool {
    let bad = one.description.record.as_ref().map(|record| record.bad.as_slice()).unwrap_or_default();
    function.version.number().is_some_and(|number| bad.contains(&number))
}

/// What is known of a version, to follow its number.
fn line(function: &Function, one: &Seen) -> String {
    let record = one.description.record.as_ref();
    let date = function.last_modified.get(..16).unwrap_or(&function.last_modified).replace('T', " ");
    let mut text = format!("sha {}…  {date}", short_sha(&function.code_sha256));
    if is_bad(function, one) {
        text.push_str("  marked bad");
    }
    if record.is_some_and(|record| record.to == function.version) && one.believed().is_none() {
        text.push_str("  put there by stagegate last");
    }
    if !function.description.is_empty() {
        text.push_str(&format!("  {}", function.description));
    }
    text
}
