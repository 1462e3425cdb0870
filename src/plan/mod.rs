//! The plan: what a release will do and why, as a pure function of what was observed. It holds everything the engine
//! needs, so the plan that was read is the plan that runs.

mod adopt;
mod by_hand;
mod canary;
mod edit;
pub mod function_state;
mod grant;
mod member;
pub mod observe;
mod owner;
pub mod paused;
mod reach;
mod redeploy;
mod sight;
mod stage;
mod steps;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use adopt::{Underway, example_steps, underway};
pub use by_hand::ByHand;
pub use canary::{CanaryPlan, CandidatePlan};
pub use edit::Edit;
pub use grant::Place;
pub(crate) use member::clock_time;
pub use member::{MemberPlan, SourcePlan};
pub use member::{read_description, refuse_bad, short_sha, unusable};
pub use observe::{Exports, Observed, ObservedMember, ObservedSource, ObservedStage, Observer};
pub use redeploy::{Proof, Redeploy};
pub use sight::Sight;
pub use stage::StagePlan;
pub use steps::{Action, PlannedStep};

use crate::aws::noun::Statement;
use crate::change::StageSide;
use crate::model::record::remember_bad;
use crate::model::target::Target;
use crate::model::{CanaryMode, Record, RecordState, RecordedStage, RunId, Version};
use crate::problem::{Code, Problem};

/// The version of the plan's format; a reader refuses another one.
pub const PLAN_FORMAT: u32 = 1;
/// How long the lock outlives the planned end (SPEC §3).
pub const LOCK_MARGIN: Duration = Duration::from_secs(600);
/// What a canary takes beyond its bakes: metrics are a few minutes late, and the candidate alias of a stage canary
/// stays a minute after the stage no longer uses it. Seconds.
const CANARY_CALLS_S: u64 = 240;

/// What the caller chose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The id of the release.
    pub run: RunId,
    /// Now.
    pub at: Timestamp,
    /// Account, twelve digits.
    pub account: String,
    /// Region.
    pub region: String,
    /// The version that a person named; overrides the source and a bad mark.
    pub named: Option<Version>,
    /// The text of a new version's description.
    pub description: String,
    /// The release that is taken up again: its own record does not stand in its way.
    pub adopt: Option<RunId>,
    /// Why the gate only advises in this release, when a person says so.
    pub override_gate: Option<String>,
}

impl Choice {
    /// A release in one place, of which nothing else is asked.
    pub const fn new(run: RunId, at: Timestamp, account: String, region: String) -> Self {
        Self { run, at, account, region, named: None, description: String::new(), adopt: None, override_gate: None }
    }
}

/// What a release will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub v: u32,
    /// The release.
    pub run: RunId,
    /// When it was made.
    pub at: Timestamp,
    /// Account, twelve digits.
    pub account: String,
    /// Region.
    pub region: String,
    /// The target.
    pub target: Target,
    /// Description of a new version.
    pub description: String,
    /// The functions, in the target's order.
    pub members: Vec<MemberPlan>,
    /// The stage.
    pub stage: Option<StagePlan>,
    /// How traffic is shifted in steps; none = all at once.
    #[serde(default)]
    pub canary: Option<CanaryPlan>,
    /// What the gate will be able to see at the traffic of the last hours. It changes from minute to minute: not part of
    /// the digest.
    #[serde(default)]
    pub sight: Vec<Sight>,
    /// Worth knowing; not part of the digest.
    pub notices: Vec<Notice>,
}

/// Something worth knowing about a plan that does not stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which.
    pub code: Code,
    /// One line.
    pub text: String,
}

/// Makes the plan, or says why there is none.
pub fn plan(target: &Target, observed: &Observed, choice: &Choice) -> Result<Plan, Problem> {
    let mut notices = Vec::new();
    for member in &observed.members {
        let name = format!("{}:{}", member.function, target.alias);
        owner::refuse_active(&name, &member.function, &observed.owners, choice.at)?;
    }
    let mut stage = match &observed.stage {
        Some(observed) => Some(stage::plan(target, observed, &choice.run, &mut notices)?),
        None => None,
    };
    let mut members = Vec::new();
    for one in &observed.members {
        members.push(member::plan(target, one, observed, choice, &mut notices)?);
    }
    if let (Some(stage), Some(observed)) = (&mut stage, &observed.stage) {
        stage.reaches = reach::check(target, observed, &choice.region, &mut notices)?;
    }
    let canary = canary::plan(target, observed, stage.as_ref(), choice, &mut notices)?;
    owner::notices(&observed.ownership(target), target, &mut notices);
    let sight = sight::foresee(target, canary.as_ref(), &members, &observed.past)?;
    let plan = Plan {
        v: PLAN_FORMAT,
        run: choice.run.clone(),
        at: choice.at,
        account: choice.account.clone(),
        region: choice.region.clone(),
        target: target.clone(),
        description: choice.description.clone(),
        members,
        stage,
        canary,
        sight,
        notices,
    };
    plan.check_record_fits()?;
    Ok(plan)
}

impl Plan {
    /// SHA-256 over everything that was read and everything that will be done; not over the release's id or the time.
    pub fn digest(&self) -> String {
        let basis =
            serde_json::json!([self.v, self.account, self.region, self.target, self.members, self.stage, self.canary]);
        Sha256::digest(basis.to_string().as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the stage will be written to.
    pub fn stage_change(&self) -> Option<(StageSide, &StagePlan)> {
        let stage = self.stage.as_ref()?;
        stage.changes().then(|| (stage.before_side(), stage))
    }

    /// Nothing is left to do, as far as can be seen before publishing.
    pub fn is_noop(&self) -> bool {
        self.stage_change().is_none() && self.members.iter().all(MemberPlan::is_noop)
    }

    /// Whether the version that serves now could be compared with: with no stable version there is nothing to go back
    /// to by itself (SPEC §2 rule 10).
    pub fn is_first_release(&self) -> bool {
        self.members.iter().any(|m| m.stable().is_none())
    }

    /// The statements to add, member by member.
    pub fn grants(&self) -> impl Iterator<Item = (&MemberPlan, &Statement)> {
        self.members.iter().flat_map(|m| m.grants.iter().map(move |g| (m, g)))
    }

    /// The statements to add to candidate aliases.
    pub fn candidate_grants(&self) -> impl Iterator<Item = (&MemberPlan, &CandidatePlan, &Statement)> {
        let candidates = self.members.iter().filter_map(|m| Some((m, m.candidate.as_ref()?)));
        candidates.flat_map(|(m, c)| c.grants.iter().map(move |g| (m, c, g)))
    }

    /// How long the release will take at most when nothing fails, seconds: the waits it plans, and ten seconds of calls
    /// for each function.
    pub fn duration_s(&self) -> u64 {
        let waits = self.members.iter().map(MemberPlan::wait_s).max().unwrap_or_default();
        let settle = if self.grants().next().is_some() { self.target.permission_settle.as_secs() } else { 0 };
        let bakes = self.canary.as_ref().map_or(0, |canary| canary.duration().as_secs() + CANARY_CALLS_S);
        waits + settle + bakes + 10 * self.members.len() as u64
    }

    /// For how long the release holds its aliases before its first share: its planned time, the longest extension of a
    /// step, and a margin.
    pub fn lock(&self) -> Duration {
        let steps = self.canary.iter().flat_map(|canary| &canary.steps);
        let extension = steps.map(|step| self.target.canary.extension(step)).max().unwrap_or_default();
        Duration::from_secs(self.duration_s()) + extension + LOCK_MARGIN
    }

    /// The record that the release writes for a function, once its candidate is known.
    pub fn record(&self, member: &MemberPlan, to: Version, state: RecordState) -> Record {
        let by_stage = self.canary.as_ref().is_some_and(|canary| canary.mode == CanaryMode::Stage);
        let stage = self.stage.as_ref().filter(|s| by_stage || s.changes() || !member.grants.is_empty()).map(|stage| {
            RecordedStage {
                stage: stage.stage.clone(),
                deployment: stage.redeploy.is_some().then(|| stage.before.deployment.clone()),
                to: stage.redeploy.as_ref().and_then(|redeploy| redeploy.known()).map(str::to_owned),
                variable: stage.variable.as_ref().map(|v| (v.name.clone(), v.before.clone())),
                more_variables: !stage.variables.is_empty(),
            }
        });
        Record {
            run: self.run.clone(),
            state,
            expires: state.holds_lock().then(|| self.at + self.lock()),
            from: member.before.as_ref().map(|alias| alias.version),
            to,
            members: self.members.len(),
            stage,
            stage_canary: by_stage,
            shift: None,
            granted: self.adds_stage_statement(member),
            bad: member.bad.iter().copied().filter(|bad| Some(*bad) != to.number()).collect(),
            gate_overridden: self.canary.as_ref().is_some_and(|canary| canary.override_gate.is_some()),
            asks: false,
        }
    }

    /// Whether the statement for the whole stage is among those added: its id follows from the stage, so a rollback
    /// that knows the record alone can take it back.
    fn adds_stage_statement(&self, member: &MemberPlan) -> bool {
        self.stage.as_ref().is_some_and(|stage| {
            member.grants.contains(&Place::of(&member.alias_arn, &self.region, &stage.stage).stage_statement())
        })
    }

    /// The longest record must fit beside the user's own text before anything is written.
    fn check_record_fits(&self) -> Result<(), Problem> {
        for member in &self.members {
            let number = (member.highest.unwrap_or_default() + 1).max(999);
            let mut record = self.record(member, Version::Number(number), RecordState::Paused);
            // The way back marks the candidate bad and may name another version to go back from.
            record.from = record.from.or(Some(record.to));
            record.bad = remember_bad(&member.bad, number);
            record.shift = self.canary.as_ref().map(CanaryPlan::longest_shift);
            record.asks = record.shift.is_some() && !self.target.canary.approve.is_empty();
            let (text, names) = member.description.with(record).excess();
            let alias = format!("{}:{}", member.function, self.target.alias);
            if names > 0 {
                return Err(Problem::new(
                    Code::RecordTooLong,
                    format!("the record of {alias} would be {names} characters too long"),
                )
                .why("it takes at most 160 characters; stage name and alias variable are part of it")
                .fix("shorten the stage's name, or the alias variable's name or value"));
            }
            if text > 0 {
                return Err(Problem::new(
                    Code::RecordTooLong,
                    format!("the description of {alias} is {text} characters too long"),
                )
                .why("your text and stagegate's record share the 256 characters of the alias description")
                .fix(format!("cut {text} characters from the description of {alias}")));
            }
        }
        Ok(())
    }
}
