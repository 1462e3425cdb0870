//! Taking up a release from its records alone: what was observed is put back to how it was before the release, so that
//! the plan made from it is the one that the release had.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Choice, MemberPlan, Observed, Observer, Place, Plan, Redeploy, SourcePlan};
use crate::aws::Aws;
use crate::aws::noun::{Alias, Stage};
use crate::clock::Clock;
use crate::definition::Marker;
use crate::model::target::Target;
use crate::model::{
    AliasName, CanaryMode, Description, Percent, Record, RecordState, RunId, Shift, VariableChange, Version,
};
use crate::problem::{Code, Problem};

/// A release that is under way, as AWS shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Underway {
    /// The release.
    pub run: RunId,
    /// Function by function, in the target's order: the alias as it is, and its record.
    pub aliases: Vec<(Alias, Record)>,
    /// The stage as it is.
    pub stage: Option<Stage>,
    /// The deployment that the release made, if it made one.
    pub deployment: Option<String>,
    /// The variables that its description keeps.
    pub variables: Vec<VariableChange>,
}

impl Underway {
    /// From what was observed; every alias must carry a record of one and the same release that is under way.
    ///
    /// # Errors
    /// Nothing is under way, or the functions are not in one release.
    pub fn of(place: &str, alias: &AliasName, observed: &Observed) -> Result<Self, Problem> {
        let (mut aliases, mut without) = (Vec::new(), Vec::new());
        for member in &observed.members {
            let name = format!("{}:{alias}", member.function);
            let description = super::read_description(&name, member.alias.as_ref())?;
            match (&member.alias, description.record) {
                (Some(found), Some(record)) => aliases.push((found.clone(), record)),
                _ => without.push(name),
            }
        }
        let Some(lead) = aliases.iter().find(|(_, record)| record.state.holds_lock()) else {
            return Err(match without.first() {
                Some(name) => nothing_under_way(place, name, "its alias carries no record"),
                None => nothing_under_way(place, place, "its record says that the last release is finished"),
            });
        };
        if let Some(name) = without.first() {
            return Err(incomplete(place, &lead.1.run, &format!("{name} carries no record of it")));
        }
        if aliases.iter().any(|(_, record)| record.state == RecordState::Undoing) {
            return Err(Problem::new(Code::NoJournal, format!("the release of {place} is being rolled back"))
                .why(format!("{} is on its way back; it cannot go on", lead.1.run))
                .aws_now("as far as that rollback has come")
                .fix(format!("finish it: stagegate rollback {place}")));
        }
        let run = lead.1.run.clone();
        if aliases.iter().any(|(_, record)| record.run != run) {
            return Err(incomplete(place, &run, "other aliases of the target carry the record of another release"));
        }
        Ok(Self {
            run,
            aliases,
            stage: observed.stage.as_ref().map(|stage| stage.stage.clone()),
            deployment: None,
            variables: Vec::new(),
        })
    }

    /// How far the canary is.
    pub fn shift(&self) -> Option<&Shift> {
        let shifts = self.aliases.iter().filter_map(|(_, record)| record.shift.as_ref());
        shifts.max_by_key(|shift| shift.step())
    }

    /// Since when nothing of the release can still be on its way, if its canary says so.
    pub fn newest_write(&self) -> Option<Timestamp> {
        self.shift().map(Shift::step_began)
    }

    /// Puts what was observed back to how it was before the release.
    pub fn rewind(&self, observed: &mut Observed) {
        for (member, (alias, record)) in observed.members.iter_mut().zip(&self.aliases) {
            let text = Description::text_of(&alias.description).to_owned();
            member.alias = record.from.map(|from| Alias {
                version: from,
                weights: BTreeMap::new(),
                description: before(&text, record, from).to_string(),
                ..alias.clone()
            });
            member.candidate_alias = None;
        }
        let recorded = self.aliases.iter().find_map(|(_, record)| record.stage.clone());
        if let Some(stage) = &mut observed.stage {
            stage.stage.canary = None;
            if let Some(recorded) = recorded {
                stage.stage.deployment = recorded.deployment.unwrap_or_else(|| stage.stage.deployment.clone());
                let kept = self.variables.iter().map(|change| (change.name.clone(), change.before.clone()));
                for (name, value) in recorded.variable.into_iter().chain(kept) {
                    match value {
                        Some(value) => drop(stage.stage.variables.insert(name, value)),
                        None => drop(stage.stage.variables.remove(&name)),
                    }
                }
            }
        }
    }

    /// The share that an alias has must be the one that the steps of the plan have where its record says they are: with
    /// other steps its canary would look like somebody else's.
    fn check_schedule(&self, plan: &Plan) -> Result<(), Problem> {
        let Some(canary) = plan.canary.as_ref().filter(|canary| canary.mode == CanaryMode::Alias) else {
            return Ok(());
        };
        for (alias, record) in &self.aliases {
            let (Some(shift), Some(number)) = (&record.shift, record.to.number()) else { continue };
            let has = alias.weights.get(&number).map_or(Percent::ZERO, |weight| Percent::of_share(*weight));
            let says = canary.steps.get(shift.step()).map(|step| step.percent);
            if alias.version == record.to || says == Some(has) {
                continue;
            }
            let place = plan.target.label();
            let says = says.map_or_else(|| "no share".into(), |says| says.to_string());
            return Err(Problem::new(Code::ScheduleChanged, format!("{} does not fit the steps given here", self.run))
                .why(format!("the new version has {has} in step {}, where these steps say {says}", shift.step() + 1))
                .why("the steps are other ones than it began with, or somebody changed the share by hand")
                .aws_now("the release is in flight; unchanged by this command")
                .fix(format!(
                    "name the steps that it began with: stagegate resume {place} --canary \"{}\"",
                    example_steps(has)
                ))
                .fix(format!("go back: stagegate rollback {place}   (needs no steps)")));
        }
        Ok(())
    }

    /// What the records know better than a look at AWS today: the candidate, and what of the stage the release writes.
    pub fn correct(&self, plan: &mut Plan) {
        plan.run = self.run.clone();
        let stage = plan.stage.as_ref().map(|stage| stage.stage.clone());
        for (member, (_, record)) in plan.members.iter_mut().zip(&self.aliases) {
            correct_member(member, record);
            let Some(stage) = stage.as_ref().filter(|_| record.granted) else { continue };
            // Every later record must go on saying so: whoever comes next takes it back.
            let statement = Place::of(&member.alias_arn, &plan.region, stage).stage_statement();
            if !member.grants.contains(&statement) {
                member.grants.push(statement);
            }
        }
        let recorded = self.aliases.iter().find_map(|(_, record)| record.stage.clone());
        if let (Some(stage), Some(recorded)) = (&mut plan.stage, recorded) {
            let live = stage.live.clone();
            let gets = match recorded.to {
                Some(deployment) => Redeploy::Existing { deployment, proof: None },
                None => Redeploy::Live(live),
            };
            stage.redeploy = recorded.deployment.is_some().then_some(gets);
            let want = plan.target.alias.to_string();
            stage.variable = recorded.variable.map(|(name, before)| VariableChange { name, before, want });
            // Before its deployment is made none of them is set: then what the configuration says is what is left to do.
            if !self.variables.is_empty() || !recorded.more_variables {
                stage.variables.clone_from(&self.variables);
            }
        }
        let overridden = self.aliases.iter().any(|(_, record)| record.gate_overridden);
        if let Some(canary) = plan.canary.as_mut().filter(|canary| overridden && canary.override_gate.is_none()) {
            canary.override_gate = Some("as recorded when the release began".into());
        }
        // A claim is recognised as the release's own by all that it says, so also by when it ends. Where it has ended, it is
        // renewed before anything is written under it.
        let is_claim = |record: &Record| record.is_claim() && record.expires.is_some_and(|expires| expires > plan.at);
        let claim = self.aliases.iter().find(|(_, record)| is_claim(record));
        if let Some(at) = claim.and_then(|(_, record)| record.expires?.checked_sub(plan.lock()).ok()) {
            plan.at = at;
        }
        plan.notices.clear();
    }
}

fn correct_member(member: &mut MemberPlan, record: &Record) {
    let code_sha256 = match &member.source {
        SourcePlan::Existing { code_sha256, .. } | SourcePlan::Publish { code_sha256, .. } => code_sha256.clone(),
    };
    member.source = SourcePlan::Existing { version: record.to, code_sha256 };
    member.bad.clone_from(&record.bad);
    member.named = true;
}

/// The description that the alias goes back to: the release reversed, with what is known to be bad.
fn before(text: &str, record: &Record, from: Version) -> Description {
    let own = Description { text: text.to_owned(), record: None };
    own.with(record.rolled_back(from, record.to, false)).fitting()
}

fn nothing_under_way(place: &str, what: &str, why: &str) -> Problem {
    Problem::new(Code::NoJournal, format!("no release of {place} is under way"))
        .why(format!("{what}: {why}"))
        .aws_now("unchanged")
        .fix(format!("look: stagegate status {place}"))
        .fix(format!("start one: stagegate promote {place}"))
}

/// Steps for an example: they begin with the share that is known.
pub fn example_steps(share: Percent) -> String {
    let next = if share < Percent::whole(50) { ", 50% 10m" } else { "" };
    format!("{share} 10m{next}")
}

/// A release that had not claimed all its aliases when its process died: only the way back is left.
fn incomplete(place: &str, run: &RunId, why: &str) -> Problem {
    Problem::new(Code::NoJournal, format!("{run} of {place} cannot go on from its records"))
        .why(why)
        .why("it stopped before it had claimed every alias, and before any of them moved")
        .aws_now("unchanged by this command; the release still holds what it claimed")
        .fix(format!("go back: stagegate rollback {place}"))
        .fix("or go on where it began, with the journal of that machine")
}

/// Reads AWS, finds the release of a target that is under way, and makes its plan again. `choice` names where and what
/// for; the release, the candidate and what it started from come from the records.
///
/// # Errors
/// Nothing is under way, AWS cannot be read, or the configuration no longer fits the release.
pub async fn underway<A: Aws, C: Clock>(
    observer: &Observer<'_, A, C>,
    target: &Target,
    choice: Choice,
) -> Result<(Plan, Underway), Problem> {
    let place = target.label();
    // Which deployment it gets was decided when it began: what another stage serves by now is not asked.
    let begun = Target { redeploy_from: None, ..target.clone() };
    // What its canary is judged by was checked before it began; what is missing since then holds it, and does not keep
    // anybody from taking it up.
    let mut observed = observer.resources(&begun, None).await?;
    let mut underway = Underway::of(&place, &target.alias, &observed)?;
    if let Some(stage) = &target.stage {
        let made = observer.deployed_by(&stage.api, &underway.run).await?;
        let marker = made.as_ref().and_then(|made| made.description.parse::<Marker>().ok());
        underway.variables = marker.and_then(|marker| marker.variables).unwrap_or_default();
        underway.deployment = made.map(|made| made.id);
    }
    for (member, (_, record)) in observed.members.iter_mut().zip(&underway.aliases) {
        member.named = Some(record.to);
        member.candidate = observer.version(&member.function, record.to).await?;
        if let Some(from) = record.from {
            member.serving = observer.version(&member.function, from).await?;
        }
    }
    underway.rewind(&mut observed);
    let run = underway.run.clone();
    let mut plan = super::plan(&begun, &observed, &Choice { adopt: Some(run.clone()), run, ..choice })?;
    plan.target.redeploy_from.clone_from(&target.redeploy_from);
    underway.correct(&mut plan);
    underway.check_schedule(&plan)?;
    Ok((plan, underway))
}
