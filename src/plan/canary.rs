//! The plan for the canary: whether traffic can be shifted in steps, by what, and what will be looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::observe::{Observed, ObservedMember, ObservedStage};
use super::{Choice, Notice, Place, StagePlan, grant, stage};
use crate::aws::noun::{Alias, Stage, StageCanary, StageKind, Statement};
use crate::definition::{self, LiveApi, reach};
use crate::metrics::{ApiMetrics, Arm, Pair, StageSeries};
use crate::model::record::remember_bad;
use crate::model::target::Target;
use crate::model::{
    AliasName, CanaryMode, CanaryStep, Description, Percent, Record, RecordState, Shift, Version, candidate_alias,
};
use crate::plan::{LOCK_MARGIN, MemberPlan, Plan};
use crate::problem::{Code, Problem};

/// How traffic will be shifted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryPlan {
    /// By alias weights, or by the stage's canary.
    pub mode: CanaryMode,
    /// The steps; 100 % is implied.
    pub steps: Vec<CanaryStep>,
    /// The name under which CloudWatch keeps the stage's metrics; none = they are not looked at.
    pub api_name: Option<String>,
    /// Why the gate only advises in this release, when it does.
    pub override_gate: Option<String>,
}

/// The alias through which a stage canary calls the candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidatePlan {
    /// Its name.
    pub alias: AliasName,
    /// Its ARN, existing or not.
    pub arn: String,
    /// As it is: left there by an earlier release.
    pub before: Option<Alias>,
    /// Statements to add to its policy.
    pub grants: Vec<Statement>,
}

impl CanaryPlan {
    /// The percentages of the steps.
    pub fn weights(&self) -> Vec<Percent> {
        self.steps.iter().map(|step| step.percent).collect()
    }

    /// The longest times that the record will have to hold: the steps with their extensions, unless one is held for days.
    pub(super) fn longest_shift(&self) -> Shift {
        let took_s = self.steps.iter().skip(1).map(|step| (step.bake.as_secs() * 4).clamp(999, 99_999) as u32);
        Shift { began: Timestamp::UNIX_EPOCH, took_s: took_s.collect() }
    }

    /// How long the steps take when none is extended.
    pub fn duration(&self) -> Duration {
        self.steps.iter().map(|step| step.bake).sum()
    }

    /// The share that a canary has reached; nothing before it began.
    pub fn percent(&self, shift: Option<&Shift>) -> Percent {
        shift.and_then(|shift| self.steps.get(shift.step())).map_or(Percent::ZERO, |step| step.percent)
    }
}

impl Plan {
    /// When the lock of a canary that is written at `now` ends: planned end, the longest extension and the margin.
    pub fn shift_expires(&self, canary: &CanaryPlan, shift: &Shift, now: Timestamp) -> Timestamp {
        let rest: Duration = canary.steps.iter().skip(shift.step()).map(|step| step.bake).sum();
        let extension = canary.steps.iter().map(|step| self.target.canary.extension(step)).max().unwrap_or_default();
        now + rest + extension + LOCK_MARGIN
    }

    /// The description of a function's alias at a step of the canary.
    pub fn shift_description(
        &self,
        member: &MemberPlan,
        to: Version,
        shift: Option<&Shift>,
        state: RecordState,
        now: Timestamp,
    ) -> Description {
        let mut record = self.record(member, to, state);
        if let (Some(canary), Some(shift)) = (&self.canary, shift) {
            record.expires = Some(self.shift_expires(canary, shift, now));
            record.shift = Some(shift.clone());
        }
        member.description.with(record)
    }

    /// A function's description as it was before the release, with the candidate remembered as bad. The record there is
    /// the way back of the release that serves: nothing else of it changes.
    pub fn description_with_bad(&self, member: &MemberPlan, to: Version) -> Description {
        let (Some(before), Version::Number(number)) = (&member.before, to) else { return member.description.clone() };
        let record = match &member.description.record {
            Some(serving) => Record { bad: remember_bad(&serving.bad, number), ..serving.clone() },
            None => {
                let record = self.record(member, to, RecordState::Running);
                Record { stage: None, ..record.rolled_back(before.version, to, true) }
            }
        };
        member.description.with(record)
    }

    /// What the canary adds to the stage, at a percentage: the new deployment, or the present one when the definition is
    /// unchanged, with the alias variable overridden and the other variables as they will be. Cache entries are never shared (aws-semantics §6.7).
    pub fn stage_canary(&self, stage: &StagePlan, deployment: Option<String>, percent: Percent) -> Option<StageCanary> {
        let candidate = self.members.iter().find_map(|m| m.candidate.as_ref())?;
        let variable = self.target.alias_variable.clone()?;
        let mut overrides: BTreeMap<String, String> =
            stage.variables.iter().map(|change| (change.name.clone(), change.want.clone())).collect();
        overrides.insert(variable, candidate.alias.to_string());
        Some(StageCanary {
            deployment: Some(deployment.unwrap_or_else(|| stage.before.deployment.clone())),
            percent: percent.percent(),
            overrides,
            use_stage_cache: false,
        })
    }

    /// The series of each function that shifts: candidate and stable side by side.
    pub fn pairs(&self, candidates: &[Version]) -> Vec<Pair> {
        let Some(canary) = &self.canary else { return Vec::new() };
        let pair = |(member, to): (&MemberPlan, &Version)| {
            let arm =
                |alias: &AliasName, version| Arm { function: member.function.clone(), alias: alias.clone(), version };
            let alias = &self.target.alias;
            let from = member.before.as_ref().map(|b| b.version);
            match (canary.mode, &member.candidate) {
                (CanaryMode::Stage, Some(candidate)) => Some(Pair {
                    candidate: arm(&candidate.alias, None),
                    stable: arm(alias, None),
                    past: arm(alias, None),
                }),
                (CanaryMode::Alias, _) if from != Some(*to) => {
                    Some(Pair { candidate: arm(alias, Some(*to)), stable: arm(alias, from), past: arm(alias, None) })
                }
                _ => None,
            }
        };
        self.members.iter().zip(candidates).filter_map(pair).collect()
    }

    /// The stage whose answers are looked at, if any.
    pub fn stage_series(&self) -> Option<StageSeries> {
        let api_name = self.canary.as_ref()?.api_name.clone()?;
        let StagePlan { stage, before, .. } = self.stage.as_ref()?;
        let api = match before.kind {
            StageKind::Rest => ApiMetrics::Rest { name: api_name },
            StageKind::Http { .. } => ApiMetrics::Http { id: api_name },
        };
        Some(StageSeries { api, stage: stage.stage.clone() })
    }
}

/// Makes the plan for the canary; none when the target has none, or when there is nothing to compare with.
pub(super) fn plan(
    target: &Target,
    observed: &Observed,
    stage: Option<&StagePlan>,
    choice: &Choice,
    notices: &mut Vec<Notice>,
) -> Result<Option<CanaryPlan>, Problem> {
    if !target.canary.is_gradual() {
        return Ok(None);
    }
    if observed.members.iter().any(has_no_stable) {
        let text = "no canary: without a stable version nothing can be compared; all traffic moves at once, after the smoke checks";
        notices.push(Notice { code: Code::NoStableVersion, text: text.into() });
        return Ok(None);
    }
    match target.canary.mode {
        CanaryMode::Alias => {
            observed.members.iter().try_for_each(|member| check_shares_alias(member, target))?;
            notice_exposed(stage, notices);
        }
        CanaryMode::Stage => check_wiring(target, observed.stage.as_ref())?,
        CanaryMode::None => return Ok(None),
    }
    if choice.adopt.is_none() {
        check_alarms(target, observed, choice.at, notices)?;
    }
    Ok(Some(CanaryPlan {
        mode: target.canary.mode,
        steps: target.canary.steps.clone(),
        api_name: api_name(target, observed)?,
        override_gate: choice.override_gate.clone(),
    }))
}

fn has_no_stable(member: &ObservedMember) -> bool {
    member.alias.as_ref().is_none_or(|alias| alias.version == Version::Latest)
}

/// Lambda splits an alias only between versions with one role and one dead-letter setup (aws-semantics §3.4).
fn check_shares_alias(member: &ObservedMember, target: &Target) -> Result<(), Problem> {
    let candidate = member.candidate.as_ref().unwrap_or(&member.latest);
    let differs = |serving: &&crate::aws::noun::Function| {
        serving.role != candidate.role || serving.dead_letter != candidate.dead_letter
    };
    let Some(serving) = member.serving.as_ref().filter(differs) else { return Ok(()) };
    let (function, place) = (&member.function, target.label());
    let what =
        format!("{function}:{} cannot be split: the two versions differ in role or dead-letter queue", target.alias);
    let mut problem = Problem::new(Code::CannotSplit, what)
        .why(format!("{} has role {}", serving.version.label(), serving.role))
        .why(format!("the new version has role {}", candidate.role))
        .fix(format!("move at once: stagegate promote {place} --canary none"));
    if target.stage.is_some() && target.alias_variable.is_some() {
        problem = problem.fix(format!(
            "or shift by the stage, which has no such rule: stagegate promote {place} --canary-mode stage"
        ));
    }
    Err(problem)
}

fn notice_exposed(stage: Option<&StagePlan>, notices: &mut Vec<Notice>) {
    if let Some((stage, first)) = stage.and_then(|stage| Some((stage, stage.variables.first()?))) {
        let text = format!(
            "variables change too: everybody gets {} = {} when {} is written, while most calls still reach the old version; canary.mode = \"stage\" moves both together",
            first.name, first.want, stage.stage
        );
        notices.push(Notice { code: Code::DefinitionExposed, text });
    }
    let Some(stage) = stage.filter(|stage| stage.redeploy.is_some() && !stage.differences.is_empty()) else { return };
    let text = format!(
        "the definition changed too: everybody gets it when {} is redeployed, while most calls still reach the old version; canary.mode = \"stage\" moves both together",
        stage.stage
    );
    notices.push(Notice { code: Code::DefinitionExposed, text });
}

/// A stage canary sends requests elsewhere by overriding the alias variable: a route that does not use it would go on
/// calling the old version (SPEC §2 rule 11).
fn check_wiring(target: &Target, observed: Option<&ObservedStage>) -> Result<(), Problem> {
    let wiring = |what: String| Problem::new(Code::CanaryWiring, what);
    let (Some(observed), Some(variable)) = (observed, &target.alias_variable) else {
        return Err(wiring(format!("a stage canary of {} needs a stage and an alias variable", target.label()))
            .why("the canary's requests reach the new version because the alias variable is overridden for them")
            .fix("set `api`, `stage` and `alias_variable`, or shift by the alias: --canary-mode alias"));
    };
    if !observed.stage.kind.is_rest() {
        let api = &observed.stage_ref.api;
        return Err(Problem::new(
            Code::Unsupported,
            format!("canary.mode = \"stage\" needs a REST API, {api} is an HTTP API"),
        )
        .why("HTTP API stages have no canary settings; alias weights work for both kinds")
        .fix("shift by the alias: canary.mode = \"alias\", or --canary-mode alias"));
    }
    let Some(candidate) = candidate_alias(&target.alias) else {
        return Err(wiring(format!("{}-canary is too long for an alias", target.alias))
            .fix("shift by the alias: --canary-mode alias"));
    };
    let routes = observed.routes(&overridden(target, &observed.stage, &candidate));
    for function in &target.functions {
        if let Some(route) = reach::reaching(&routes, function.as_str(), target.alias.as_str()).first() {
            let what = format!(
                "{} names {function}:{} itself, so a canary of the stage cannot redirect it",
                route.caller, target.alias
            );
            return Err(wiring(what)
                .why(format!("its integration is {}", definition::integration::short(&route.uri)))
                .fix(format!("use {function}:${{stageVariables.{variable}}} in that integration"))
                .fix("or shift by the alias: --canary-mode alias"));
        }
    }
    Ok(())
}

/// The variables that the canary's requests see.
fn overridden(target: &Target, stage: &Stage, candidate: &AliasName) -> BTreeMap<String, String> {
    let mut variables = stage::variables(target, stage);
    variables.extend(target.alias_variable.iter().map(|name| (name.clone(), candidate.to_string())));
    variables
}

/// The candidate alias of one function, for a stage canary.
pub(super) fn candidate(
    target: &Target,
    member: &ObservedMember,
    observed: Option<&ObservedStage>,
    choice: &Choice,
) -> Result<Option<CandidatePlan>, Problem> {
    let is_wanted = target.canary.is_gradual() && target.canary.mode == CanaryMode::Stage && !has_no_stable(member);
    let (Some(observed), Some(alias)) = (observed, candidate_alias(&target.alias).filter(|_| is_wanted)) else {
        return Ok(None);
    };
    let name = format!("{}:{alias}", member.function);
    let before = member.candidate_alias.clone();
    if let Some(found) = &before {
        let record = super::read_description(&name, Some(found))?.record;
        if record.is_none() {
            return Err(Problem::new(Code::CandidateAliasTaken, format!("{name} exists, and is not stagegate's"))
                .why("the stage's canary would call the new version through an alias of this name")
                .why(format!("it is on {} and its description holds no record", found.version.label()))
                .fix(format!("delete it: aws lambda delete-alias --function-name {} --name {alias}", member.function))
                .fix("or shift by the alias: --canary-mode alias"));
        }
    }
    let arn = format!("{}:{alias}", member.latest.arn.trim_end_matches(":$LATEST"));
    let variables = overridden(target, &observed.stage, &alias);
    let place = Place::of(&arn, &choice.region, &observed.stage_ref);
    let subject = grant::Grantee {
        function: &member.function,
        alias: &alias,
        arn: &arn,
        policy: member.candidate_policy.as_ref(),
    };
    let grants = grant::missing_statements(observed, &subject, &variables, &place)?;
    Ok(Some(CandidatePlan { alias, arn, before, grants }))
}

/// An alarm that is not there would never say anything: the name is wrong.
fn check_alarms(
    target: &Target,
    observed: &Observed,
    now: Timestamp,
    notices: &mut Vec<Notice>,
) -> Result<(), Problem> {
    let alarms = crate::metrics::read_alarms(&target.gate.alarms, &observed.alarms, now);
    if let Some(name) = alarms.missing.first() {
        let others = alarms.missing.len() - 1;
        let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        return Err(Problem::new(Code::AlarmMissing, format!("there is no alarm {name} here{more}"))
            .why("CloudWatch knows no metric or composite alarm of this name in this account and region")
            .fix(
                "correct `gate.alarms`; list them: aws cloudwatch describe-alarms --query 'MetricAlarms[].AlarmName'",
            ));
    }
    for name in alarms.red_before.iter().chain(&alarms.raised) {
        let text = format!(
            "alarm {name} is in ALARM already: it is not blamed on this release, which is judged by whether the new version is worse"
        );
        notices.push(Notice { code: Code::AlarmRed, text });
    }
    for name in &alarms.silent {
        notices
            .push(Notice { code: Code::AlarmRed, text: format!("alarm {name} has no data and will not say anything") });
    }
    Ok(())
}

/// What CloudWatch names the API by: an HTTP API by its id, a REST API by its name, which need not be unique
/// (aws-semantics §8.2).
fn api_name(target: &Target, observed: &Observed) -> Result<Option<String>, Problem> {
    let Some(stage) = observed.stage.as_ref().filter(|_| target.gate.max_stage_errors.is_some()) else {
        return Ok(None);
    };
    let LiveApi::Rest(live) = &stage.live else { return Ok(Some(stage.stage_ref.api.to_string())) };
    let name = &live.api.name;
    if observed.namesakes > 1 {
        return Err(Problem::new(
            Code::ApiNameShared,
            format!("{} REST APIs are named {name}: their metrics are one", observed.namesakes),
        )
        .why("CloudWatch keeps the metrics of REST APIs by name, so 5XX answers of another API would count here")
        .fix("give the API a name of its own")
        .fix("or judge without the stage's answers: gate.max_stage_errors = \"off\""));
    }
    Ok(Some(name.clone()))
}
