//! The way back from the records in AWS alone: no journal, no configuration, any machine.

use jiff::Timestamp;

use super::choose::{Chosen, Known, Rule, choose, with_the_others};
use super::{AliasBack, At, CandidateBack, Goal, GrantBack, Recall, StageBack, WayBack};
use crate::aws::Aws;
use crate::aws::noun::Alias;
use crate::change::StageSide;
use crate::clock::Clock;
use crate::engine::{Engine, SETTLE};
use crate::journal::Journal;
use crate::model::record::remember_bad;
use crate::model::{
    AliasName, Description, FunctionName, Record, RecordState, RecordedStage, RunId, StageRef, Version, candidate_alias,
};
use crate::plan::{Place, read_description};
use crate::problem::Problem;

/// What of a release goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// Aliases, then the recorded stage.
    #[default]
    All,
    /// Only the aliases.
    Aliases,
    /// Only the stage.
    Stage,
}

/// One alias as read, with its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Function.
    pub function: FunctionName,
    /// Alias name.
    pub name: AliasName,
    /// The alias.
    pub alias: Alias,
    /// Its description, taken apart. A record that cannot be read counts as none when a person names the version.
    pub description: Description,
}

impl Seen {
    /// Takes an alias's description apart.
    pub fn new(function: FunctionName, name: AliasName, alias: Alias, named: bool) -> Result<Self, Problem> {
        let label = format!("{function}:{name}");
        let description = match read_description(&label, Some(&alias)) {
            Ok(description) => description,
            Err(_) if named => Description { text: Description::text_of(&alias.description).to_owned(), record: None },
            Err(problem) => return Err(problem),
        };
        Ok(Self { function, name, alias, description })
    }

    /// `function:alias`.
    pub fn label(&self) -> String {
        format!("{}:{}", self.function, self.name)
    }

    /// The versions that its record remembers as bad, newest first.
    pub fn bad(&self) -> &[u64] {
        self.description.record.as_ref().map(|record| record.bad.as_slice()).unwrap_or_default()
    }

    /// Whether a release in flight tries this version, and its gate has not passed it.
    pub fn is_on_trial(&self, version: Version) -> bool {
        self.believed().is_some_and(|record| is_on_trial(record, version))
    }

    /// The record, if it is believed.
    pub fn believed(&self) -> Option<&Record> {
        self.description.record.as_ref().filter(|r| r.agrees_with(self.alias.version, &self.alias.weights))
    }
}

/// Why the stage of a release stays as it is while its alias moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// Only the aliases were asked for.
    Asked,
    /// The release is put in place again, and the statement that it had added is gone.
    Ungranted,
}

/// A rollback as it will be carried out, for a person to read before it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Emergency {
    /// The way back.
    pub way: WayBack,
    /// For each alias: from, where to, and why.
    pub moves: Vec<(String, Version, Chosen)>,
    /// Functions that the release moved together; more than the aliases here when only one of them was named.
    pub members: usize,
    /// The recorded stage, where it stays behind, and why.
    pub stays: Option<(StageRef, Stays)>,
    /// A release rolled back before is put in place again: its deployment must be found by its id.
    reinstates: bool,
}

impl Emergency {
    /// Chooses the way back of aliases that carry the same release. Pure: nothing is read or written.
    pub fn prepare(
        seen: &[Seen],
        to: Option<u64>,
        part: Part,
        history: &dyn Fn(&Seen) -> Vec<Known>,
        person: bool,
        fresh: &RunId,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        // While its records are being closed, a release is unfinished as long as one of them says so.
        let records = || seen.iter().filter_map(Seen::believed);
        let goes_on = |r: &&Record| r.state != RecordState::RolledBack;
        let lead = records().find(|r| r.state.holds_lock()).or_else(|| records().find(goes_on));
        let lead = lead.or_else(|| records().next()).cloned();
        let unfinished = records().any(is_unfinished);
        let mut way = WayBack {
            run: lead.as_ref().map_or_else(|| fresh.clone(), |r| r.run.clone()),
            aliases: Vec::new(),
            stage: None,
            grants: Vec::new(),
            unsettled_until: None,
            candidates: Vec::new(),
            stage_first: false,
        };
        let mut moves = Vec::new();
        let choice = |one: &Seen| {
            choose(&one.label(), &one.alias, &one.description, to, &|| history(one), person).map_err(Box::new)
        };
        let choices: Vec<_> = seen.iter().map(choice).collect();
        // A stage follows the aliases that are back already: nothing else has to go back for that.
        let is_left = |r: &Record| part == Part::Stage && r.state == RecordState::RolledBack && r.stage.is_some();
        let any = choices.iter().any(Result::is_ok) || records().any(is_left);
        for (one, choice) in seen.iter().zip(choices) {
            let others = one.believed().zip(lead.as_ref()).filter(|_| any);
            let others = others.and_then(|(record, lead)| with_the_others(record, lead, &one.alias));
            let chosen = choice.or_else(|problem| others.ok_or(*problem))?;
            moves.push((one.label(), one.alias.version, chosen));
            if part != Part::Stage {
                way.aliases.push(alias_back(one, chosen, fresh, unfinished, now));
            }
        }
        let members = lead.as_ref().map_or(seen.len(), |r| r.members);
        let (mut reinstates, mut stays) = (false, None);
        if let Some(record) = &lead {
            if record.state.holds_lock() && record.expires.is_none_or(|expires| expires > now) && record.stage.is_some()
            {
                way.unsettled_until = Some(now + SETTLE);
            }
            let whole = members <= seen.len() && part != Part::Aliases;
            let returns = whole && moves.first().and_then(|m| m.2.version).is_some_and(|to| is_return(record, to));
            // Without the statement that went back with it, its routes would answer nobody.
            reinstates = returns && !record.granted;
            let why = match part {
                Part::Aliases if members <= seen.len() => Some(Stays::Asked),
                _ => (returns && record.granted).then_some(Stays::Ungranted),
            };
            stays = record.stage.as_ref().map(|recorded| recorded.stage.clone()).zip(why);
            let goes_back = reinstates
                || match record.state {
                    RecordState::RolledBack => part == Part::Stage && !returns,
                    RecordState::Promoted | RecordState::ByHand => {
                        part == Part::Stage || records().any(Record::had_stable) && !stays_where_named(&moves)
                    }
                    _ => true,
                };
            if let (true, Some(stage)) = (whole && goes_back, &record.stage) {
                way.stage = Some(stage_back(record, stage, &seen[0].name, reinstates));
            }
            if whole && unfinished {
                way.grants = seen.iter().filter_map(grant_back).collect();
            }
            if record.state.holds_lock() && record.stage_canary && way.stage.is_some() {
                // Once an alias is on the candidate, it is what most requests come through.
                way.stage_first = seen.iter().all(record_says_stable);
                way.candidates = seen.iter().filter_map(candidate_back).collect();
            }
        }
        Ok(Self { way, moves, members, stays, reinstates })
    }

    /// The version of each alias that it takes traffic back from for good: the record remembers some of them, a journal
    /// all.
    pub fn takes_back(&self) -> Vec<Option<u64>> {
        let bad = |back: &AliasBack| {
            let Goal::At(at) = &back.goal else { return None };
            let record = Description::parse(&at.last).ok()?.record?;
            let from = record.from.and_then(Version::number)?;
            (record.state == RecordState::RolledBack && record.bad.contains(&from)).then_some(from)
        };
        self.way.aliases.iter().map(bad).collect()
    }

    /// The versions that it marks bad: `v42`, with their function where there are several.
    pub fn marked(&self, seen: &[Seen]) -> Vec<String> {
        let news = |(one, back): (&Seen, &AliasBack)| {
            let Goal::At(at) = &back.goal else { return Vec::new() };
            let after = Description::parse(&at.last).ok().and_then(|description| description.record);
            let mut numbers = after.map(|record| record.bad).unwrap_or_default();
            numbers.retain(|number| !one.bad().contains(number));
            let of = if seen.len() > 1 { format!(" of {}", one.function) } else { String::new() };
            numbers.into_iter().map(|number| format!("v{number}{of}")).collect()
        };
        seen.iter().zip(&self.way.aliases).flat_map(news).collect()
    }

    /// The same without a word against the version that it goes back from: nobody has judged it.
    pub fn blaming_nobody(mut self, seen: &[Seen]) -> Self {
        for (one, back) in seen.iter().zip(&mut self.way.aliases) {
            let Goal::At(at) = &mut back.goal else { continue };
            let known = one.description.record.as_ref().map(|record| record.bad.clone()).unwrap_or_default();
            for text in [&mut at.meanwhile, &mut at.last] {
                if let Ok(Description { text: own, record: Some(record) }) = Description::parse(text) {
                    let record = Some(Record { bad: known.clone(), ..record });
                    *text = Description { text: own, record }.fitting().to_string();
                }
            }
        }
        self
    }

    /// Carries it out.
    pub async fn run<A: Aws, C: Clock, J: Journal>(mut self, engine: &Engine<'_, A, C, J>) -> super::Undone {
        // A person may have taken their time over the screen since this was prepared.
        if let Some(until) = &mut self.way.unsettled_until {
            *until = (*until).max(engine.clock.now() + SETTLE);
        }
        if self.reinstates
            && let Some(stage) = &mut self.way.stage
            && stage.ours.deployment.is_some()
            && stage.before.deployment.is_none()
        {
            match engine.deployed_by(&stage.stage.api, &self.way.run).await {
                Ok(Some(found)) => stage.before.deployment = Some(found.id),
                // Without its deployment only the alias and the variable can be put in place again.
                Ok(None) | Err(_) => (stage.before.deployment, stage.ours.deployment) = (None, None),
            }
        }
        engine.undo(&self.way).await
    }
}

/// The release had not finished, so what it granted goes back too. Its rollback keeps the grant flag while it is under
/// way; the rollback of a finished release drops it.
fn is_unfinished(record: &Record) -> bool {
    match record.state {
        RecordState::Running | RecordState::Paused => true,
        RecordState::Undoing => record.granted,
        RecordState::Promoted | RecordState::ByHand | RecordState::RolledBack => false,
    }
}

/// A version that a rollback has gone back from, named again: it comes back with its stage. A record that has not dropped
/// its expiry is on that way still: somebody stopped before the stage had followed.
fn is_return(record: &Record, to: Version) -> bool {
    match record.state {
        RecordState::RolledBack => record.from == Some(to) && record.to != to,
        RecordState::Promoted => record.expires.is_some() && record.to == to,
        _ => false,
    }
}

/// A person named what serves already: nothing of a finished release goes back.
fn stays_where_named(moves: &[(String, Version, Chosen)]) -> bool {
    moves.iter().all(|(_, from, chosen)| chosen.rule == Rule::Named && chosen.version == Some(*from))
}

fn alias_back(seen: &Seen, chosen: Chosen, fresh: &RunId, unfinished: bool, now: Timestamp) -> AliasBack {
    let goal = match chosen.version {
        None => {
            let record = seen.believed().map(|r| r.undoing(r.granted, now + crate::plan::LOCK_MARGIN));
            let undoing = record.map(|record| seen.description.with(record).fitting().to_string());
            Goal::Absent { undoing: undoing.unwrap_or_else(|| seen.alias.description.clone()) }
        }
        Some(version) => {
            let record = record_after(seen, version, chosen.rule, fresh);
            let granted = unfinished && seen.believed().is_some_and(|r| r.granted);
            let expires = now + crate::plan::LOCK_MARGIN;
            let meanwhile = match record.state {
                RecordState::RolledBack | RecordState::ByHand => record.undoing(granted, expires),
                // A release that is put in place again is not on a way back that somebody else should finish. That its
                // stage has not followed yet, the expiry says.
                RecordState::Promoted => Record { expires: Some(expires), ..record.clone() },
                _ => record.clone(),
            };
            let meanwhile = seen.description.with(meanwhile).fitting().to_string();
            let last = seen.description.with(record).fitting().to_string();
            Goal::At(Box::new(At { version, meanwhile, last, only_ours: false, shares: Vec::new() }))
        }
    };
    AliasBack {
        function: seen.function.clone(),
        alias: seen.name.clone(),
        goal,
        seen: Some(seen.alias.clone()),
        check_target: true,
        first_revision: None,
    }
}

/// The record of the rollback: the way reversed, the version rolled back from marked bad.
fn record_after(seen: &Seen, to: Version, rule: Rule, fresh: &RunId) -> Record {
    let serving = seen.alias.version;
    let clear = |mut record: Record| {
        record.bad.retain(|bad| Some(*bad) != to.number());
        record
    };
    match seen.believed() {
        // The rollback of somebody whose process died: the record is right, only its state is not final.
        Some(record) if record.state == RecordState::Undoing && record.to == to => {
            Record { state: RecordState::RolledBack, expires: None, asks: false, ..record.clone() }
        }
        Some(record) if rule == Rule::Back || record.state == RecordState::RolledBack && record.to == to => {
            record.clone()
        }
        Some(record) if is_return(record, to) => clear(Record {
            state: RecordState::Promoted,
            expires: None,
            from: if record.to == to { record.from } else { Some(record.to) },
            to,
            granted: false,
            // Undoing a rollback says nothing against the version that it had gone back to.
            ..record.clone()
        }),
        // Nothing speaks against what served before, and nothing for the other.
        Some(record) if is_on_trial(record, to) => clear(Record {
            state: RecordState::ByHand,
            expires: None,
            shift: None,
            granted: false,
            asks: false,
            ..record.clone()
        }),
        Some(record) => {
            // Whoever names a version while a release is in flight takes its version back too.
            let in_flight = rule == Rule::Unfinished || record.state.holds_lock();
            let from = if in_flight { record.to } else { serving };
            let back = record.rolled_back(to, from, from != to);
            let skipped =
                serving.number().filter(|_| rule == Rule::Named && in_flight && serving != to && serving != from);
            let bad = skipped.map_or_else(|| back.bad.clone(), |number| remember_bad(&back.bad, number));
            // That its statement went back with it says what cannot come back by a rollback.
            clear(Record { granted: record.granted && is_unfinished(record), bad, ..back })
        }
        None => clear(unrecorded(seen, to, fresh)),
    }
}

/// A release has this version in flight, and its gate has not passed it.
fn is_on_trial(record: &Record, version: Version) -> bool {
    matches!(record.state, RecordState::Running | RecordState::Paused)
        && record.to == version
        && record.from.is_some_and(|from| from != version)
}

/// The record of a rollback that found none it could believe.
fn unrecorded(seen: &Seen, to: Version, fresh: &RunId) -> Record {
    let serving = seen.alias.version;
    let known = seen.description.record.as_ref().map(|r| r.bad.clone()).unwrap_or_default();
    Record {
        run: fresh.clone(),
        state: RecordState::RolledBack,
        expires: None,
        from: Some(serving),
        to,
        members: 1,
        stage: None,
        stage_canary: false,
        shift: None,
        granted: false,
        bad: serving.number().filter(|_| serving != to).map_or_else(|| known.clone(), |n| remember_bad(&known, n)),
        gate_overridden: false,
        asks: false,
    }
}

/// The alias has not moved to the candidate, or has come back already.
fn record_says_stable(seen: &Seen) -> bool {
    seen.believed().is_none_or(|record| match record.state {
        RecordState::Undoing => true,
        _ => record.from == Some(seen.alias.version),
    })
}

/// The alias of a canary of the stage. Whoever rolls back in an emergency does not wait for it.
fn candidate_back(seen: &Seen) -> Option<CandidateBack> {
    let alias = candidate_alias(&seen.name)?;
    Some(CandidateBack { function: seen.function.clone(), alias, grant: None, removes: false })
}

/// The recorded stage: back to what it served before or, when a rollback is itself undone, the other way round.
fn stage_back(record: &Record, recorded: &RecordedStage, alias: &AliasName, reinstates: bool) -> StageBack {
    let variables = |value: &dyn Fn(&Option<String>) -> Option<String>| {
        recorded.variable.iter().map(|(name, before)| (name.clone(), value(before))).collect()
    };
    let old = StageSide { deployment: recorded.deployment.clone(), variables: variables(&Clone::clone), canary: None };
    let set = variables(&|_| Some(alias.to_string()));
    let new = StageSide { deployment: recorded.to.clone(), variables: set, canary: None };
    let (before, ours) = if reinstates { (new, old) } else { (old, new) };
    let candidate = candidate_alias(alias).filter(|_| record.stage_canary && record.state.holds_lock());
    let finished = !record.state.holds_lock();
    let recall = recorded.more_variables.then_some(Recall { again: reinstates, finished });
    StageBack { stage: recorded.stage.clone(), before, ours, candidate, recall }
}

/// The statement for the stage that an unfinished release added; its id follows from the stage.
fn grant_back(seen: &Seen) -> Option<GrantBack> {
    let record = seen.believed().filter(|r| r.granted)?;
    let region = seen.alias.arn.split(':').nth(3)?;
    let place = Place::of(&seen.alias.arn, region, &record.stage.as_ref()?.stage);
    Some(GrantBack { function: seen.function.clone(), alias: seen.name.clone(), sid: place.stage_statement().sid })
}
