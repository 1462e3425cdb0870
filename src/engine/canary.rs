//! Shifting traffic step by step. Where a canary is, is what the records say: a process that died needs no journal.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::apply::changed_by_others;
use super::gate::{Sight, Turn, schedule_changed};
use super::{Engine, Resuming, Stop};
use crate::aws::Aws;
use crate::aws::noun::{Alias, Routing, Stage};
use crate::aws::operation::{GetAlias, GetStage};
use crate::change::{Change, Now, StageSide, is_moving_capacity};
use crate::clock::Clock;
use crate::event::{Event, Outcome};
use crate::journal::Journal;
use crate::model::{CanaryMode, Description, Percent, Record, RecordState, Shift, Version};
use crate::plan::{CanaryPlan, MemberPlan, Plan, StagePlan};
use crate::problem::{Code, Problem};
use crate::step::StepKind;

/// How long after a whole minute its metrics are looked at.
const AFTER_MINUTE: Duration = Duration::from_secs(5);
/// How long a look that fails for a passing reason is repeated at most before the release is given up.
const BLIND_MAX: Duration = Duration::from_secs(600);

/// One alias of a canary with its record.
pub(super) struct Place<'p> {
    pub member: &'p MemberPlan,
    /// The candidate.
    pub to: Version,
    pub alias: Alias,
    pub record: Record,
}

/// What comes after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another look.
    Look,
    /// All steps are over.
    Over,
}

/// What the records are to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// It goes on.
    Running,
    /// It is held.
    Paused,
    /// It is held until a person agrees to the next step.
    Asking,
}

impl Word {
    fn state(self) -> RecordState {
        match self {
            Self::Running => RecordState::Running,
            Self::Paused | Self::Asking => RecordState::Paused,
        }
    }
}

/// Where a canary is, as AWS has it.
pub(super) struct Position<'p> {
    /// In the order in which aliases are claimed (SPEC §6).
    pub places: Vec<Place<'p>>,
    /// The furthest times that any record holds.
    pub shift: Option<Shift>,
    /// Somebody paused it.
    pub paused: bool,
    /// The move to the candidate has begun.
    pub finishing: bool,
}

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Goes through all steps of the canary, from wherever it is.
    pub(super) async fn shift(&self, plan: &Plan, canary: &CanaryPlan, candidates: &[Version]) -> Result<(), Stop> {
        let since = self.started(StepKind::Canary);
        let mut sight: Option<Sight> = None;
        let mut blind_since: Option<Timestamp> = None;
        let mut agreed = None;
        let mut last = None;
        loop {
            self.check_interrupt()?;
            let position = match self.unless_interrupted(self.position(plan, canary, candidates)).await {
                Err(Stop::Failed(problem)) if self.may_pass(&problem, &mut blind_since) => {
                    self.emit(&Event::Warning { problem });
                    self.next_look(None).await?;
                    continue;
                }
                position => position?,
            };
            blind_since = None;
            let resumes = self.resuming.take();
            if let Resuming::Agreed(percent) = resumes {
                agreed = Some(percent);
            }
            if position.paused && resumes != Resuming::No {
                self.watched_since.set(Some(self.clock.now()));
                let shift = position.shift.clone();
                self.bring(plan, canary, &position, shift.as_ref(), Word::Running).await?;
                continue;
            }
            // One look watches a share that is held, and gives none.
            if position.paused && (!self.settings.once || position.shift.is_none()) {
                return Err(Stop::Paused);
            }
            if position.finishing {
                break;
            }
            let Some(shift) = position.shift.clone() else {
                self.enter(plan, canary, &position, None, &mut agreed).await?;
                continue;
            };
            if !position.paused {
                self.carry_on(plan, canary, &position, &shift).await?;
            }
            last = Some(shift.clone());
            let turn = self.judged(plan, canary, candidates, &mut sight, &shift).await?;
            if self.act(plan, canary, &position, &shift, turn, &mut agreed).await? == Next::Over {
                break;
            }
            agreed = None;
            if self.settings.once {
                let now = self.position(plan, canary, candidates).await?;
                // One look ends no canary: whoever did has gone further.
                if now.finishing {
                    return Err(Stop::DrivenElsewhere);
                }
                return Err(Stop::Baking(canary.percent(now.shift.as_ref())));
            }
        }
        let detail = if self.finishing.get() { finished_at(canary, last.as_ref()) } else { self.all_passed(canary) };
        self.finished(StepKind::Canary, since, Outcome::Ok, detail);
        Ok(())
    }

    /// Completes the step that the records name. Where the release was to stop there, and somebody else has entered it,
    /// it stops all the same.
    async fn carry_on(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        position: &Position<'_>,
        shift: &Shift,
    ) -> Result<(), Stop> {
        let stops = self.settings.until_percent.is_some_and(|until| canary.percent(Some(shift)) >= until);
        let word = if stops { Word::Paused } else { Word::Running };
        self.bring(plan, canary, position, Some(shift), word).await?;
        if stops { Err(Stop::Until(StepKind::Canary)) } else { Ok(()) }
    }

    /// Does what a look at a step leads to.
    async fn act(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        position: &Position<'_>,
        shift: &Shift,
        turn: Turn,
        agreed: &mut Option<Percent>,
    ) -> Result<Next, Stop> {
        match turn {
            Turn::Back(problem) => return Err(Stop::Bad(problem)),
            Turn::GiveUp(problem) => return Err(Stop::Failed(problem)),
            Turn::Hold(problem) if position.paused => return Err(Stop::Held(problem)),
            _ if position.paused => return Err(Stop::Paused),
            Turn::Hold(problem) => {
                self.bring(plan, canary, position, Some(shift), Word::Paused).await?;
                return Err(Stop::Held(problem));
            }
            Turn::Advance if shift.step() + 1 >= canary.steps.len() || self.may_leave_out(plan, canary, shift) => {
                return Ok(Next::Over);
            }
            Turn::Advance => self.enter(plan, canary, position, Some(shift), agreed).await?,
            Turn::Stay if self.settings.once => {}
            Turn::Stay => {
                let bake = canary.steps.get(shift.step()).map_or(Duration::ZERO, |step| step.bake);
                self.next_look(Some(shift.step_began() + bake)).await?;
            }
        }
        Ok(Next::Look)
    }

    /// Whether the rest of the steps is left out: a person asked for it, and no step among them needs another one's word.
    fn may_leave_out(&self, plan: &Plan, canary: &CanaryPlan, shift: &Shift) -> bool {
        let mut rest = canary.steps.iter().skip(shift.step() + 1);
        self.finishing.get() && !rest.any(|step| plan.target.canary.approve.contains(&step.percent))
    }

    /// One look at the metrics; a look that fails is said and held.
    async fn judged(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        candidates: &[Version],
        sight: &mut Option<Sight>,
        shift: &Shift,
    ) -> Result<Turn, Stop> {
        let Some(step) = canary.steps.get(shift.step()) else {
            return Err(Stop::Failed(schedule_changed(plan, "the record says more steps than the schedule has")));
        };
        self.step.set(shift.step());
        self.share.set(Some(step.percent));
        let look = async {
            let mut seeing = match sight.take() {
                Some(sight) => sight,
                None => self.sight(plan, candidates, shift).await?,
            };
            let looked = self.look_at(plan, canary, &mut seeing, shift).await;
            *sight = Some(seeing);
            looked
        };
        match self.unless_interrupted(look.map(Ok)).await? {
            Ok(looked) => Ok(self.turn(plan, step, shift, &looked)),
            Err(problem) if is_final(&problem) => Err(Stop::Failed(problem)),
            Err(problem) => {
                let turn = self.unread_turn(plan, step, shift, &problem);
                self.emit(&Event::Warning { problem });
                Ok(turn)
            }
        }
    }

    fn all_passed(&self, canary: &CanaryPlan) -> String {
        let steps: Vec<String> = canary.steps.iter().map(|step| step.percent.to_string()).collect();
        let excuses = self.excuses.borrow();
        let passed = excuses.iter().filter(|excuse| excuse.until.is_none());
        let let_pass: Vec<&str> = passed.filter_map(|excuse| Some(steps.get(excuse.step)?.as_str())).collect();
        match let_pass.as_slice() {
            [] => format!("{} passed", steps.join(", ")),
            some => format!("{} over; {} let pass by a person", steps.join(", "), some.join(", ")),
        }
    }

    /// A look at the aliases that failed for a reason that may pass is repeated: a canary is not given up because the
    /// network was gone for a minute.
    fn may_pass(&self, problem: &Problem, since: &mut Option<Timestamp>) -> bool {
        let now = self.clock.now();
        let since = *since.get_or_insert(now);
        is_passing(problem)
            && !self.settings.once
            && Duration::try_from(now.duration_since(since)).unwrap_or_default() < BLIND_MAX
    }

    /// Waits until there may be something new: shortly after the next whole minute, or when the step's time is over.
    async fn next_look(&self, end: Option<Timestamp>) -> Result<(), Stop> {
        let now = self.clock.now();
        let minute = crate::model::shift::floor(now, 60) + Duration::from_secs(60) + AFTER_MINUTE;
        let until = end.filter(|end| *end > now).map_or(minute, |end| end.min(minute));
        self.wait_in_reserve(until).await
    }

    /// Enters the first step, or the one after that of `shift`. Before a step that needs approval it pauses.
    async fn enter(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        position: &Position<'_>,
        shift: Option<&Shift>,
        agreed: &mut Option<Percent>,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        let next = shift.map_or_else(|| Shift::begin(now), |shift| shift.next(now));
        let percent = canary.percent(Some(&next));
        if plan.target.canary.approve.contains(&percent) && agreed.take() != Some(percent) {
            self.bring(plan, canary, position, shift, Word::Asking).await?;
            return Err(Stop::Approval(percent));
        }
        let last = self.settings.until_percent == Some(percent);
        let word = if last { Word::Paused } else { Word::Running };
        self.step.set(next.step());
        self.share.set(Some(percent));
        self.bring(plan, canary, position, Some(&next), word).await?;
        if last { Err(Stop::Until(StepKind::Canary)) } else { Ok(()) }
    }

    /// Where the canary is. Refuses what this release did not leave there.
    pub(super) async fn position<'p>(
        &self,
        plan: &'p Plan,
        canary: &CanaryPlan,
        candidates: &[Version],
    ) -> Result<Position<'p>, Stop> {
        let looks = plan
            .members
            .iter()
            .map(|member| self.find(GetAlias { function: member.function.clone(), alias: plan.target.alias.clone() }));
        let mut position = Position { places: Vec::new(), shift: None, paused: false, finishing: false };
        for ((member, to), alias) in plan.members.iter().zip(candidates).zip(join_all(looks).await) {
            let (alias, record) = self.own_record(plan, member, *to, alias?)?;
            position.finishing |= Some(alias.version) != member.before.as_ref().map(|b| b.version);
            position.paused |= record.state == RecordState::Paused;
            let steps = |shift: &Option<Shift>| shift.as_ref().map(|shift| shift.took_s.len());
            if steps(&record.shift) > steps(&position.shift) {
                position.shift.clone_from(&record.shift);
            }
            position.places.push(Place { member, to: *to, alias, record });
        }
        for place in &position.places {
            self.check_weights(plan, canary, place)?;
        }
        position.places.sort_by(|a, b| a.member.alias_arn.cmp(&b.member.alias_arn));
        Ok(position)
    }

    fn own_record(
        &self,
        plan: &Plan,
        member: &MemberPlan,
        to: Version,
        alias: Option<Alias>,
    ) -> Result<(Alias, Record), Stop> {
        let record = alias.as_ref().and_then(|alias| Description::parse(&alias.description).ok()?.record);
        match (alias, record) {
            (Some(alias), Some(record)) if record.run == self.run => match record.state {
                RecordState::RolledBack | RecordState::ByHand | RecordState::Undoing => Err(Stop::RolledBackElsewhere),
                RecordState::Running | RecordState::Paused | RecordState::Promoted => Ok((alias, record)),
            },
            (alias, _) => {
                let change = claimed(plan, member, to, alias.as_ref());
                Err(Stop::Conflict(changed_by_others(&change, &Now::Alias(alias))))
            }
        }
    }

    /// The weight of an alias is the one that its record says.
    fn check_weights(&self, plan: &Plan, canary: &CanaryPlan, place: &Place<'_>) -> Result<(), Stop> {
        let Place { member, to, alias, record } = place;
        let is_moved = alias.version == *to && (alias.weights.is_empty() || is_moving_capacity(alias));
        let expected = weights(canary, member, *to, record.shift.as_ref());
        let as_said = Some(alias.version) == member.before.as_ref().map(|b| b.version) && is_split(alias, &expected);
        if is_moved || as_said {
            return Ok(());
        }
        let change = claimed(plan, member, *to, Some(alias));
        Err(Stop::Conflict(changed_by_others(&change, &Now::Alias(Some(alias.clone())))))
    }

    /// Makes every alias, and the stage's canary, what the step asks for. What is so already is not written.
    async fn bring(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        position: &Position<'_>,
        shift: Option<&Shift>,
        word: Word,
    ) -> Result<(), Stop> {
        let (now, state) = (self.clock.now(), word.state());
        for (at, place) in position.places.iter().enumerate() {
            // A canary of the stage is one switch: its times stand in the first record.
            let own = shift.filter(|_| match canary.mode {
                CanaryMode::Stage => at == 0,
                _ => shifts(place.member, place.to),
            });
            if place.record.shift.as_ref() == own && place.record.state == state {
                continue;
            }
            let Place { member, to, alias, .. } = place;
            let moved = alias.version == *to && shifts(member, *to);
            let mut description = plan.shift_description(member, *to, own, state, now);
            if let Some(record) = &mut description.record {
                record.asks = word == Word::Asking;
            }
            let want = Routing {
                version: alias.version,
                weights: if moved { alias.weights.clone() } else { weights(canary, member, *to, own) },
                description: description.to_string(),
            };
            let (function, name) = (member.function.clone(), plan.target.alias.clone());
            let change = Change::Alias { function, alias: name, before: Some(routing_of(alias)), want };
            let now = self.apply(StepKind::Canary, &change).await?;
            self.routed(&change, &now);
        }
        match &plan.stage {
            Some(stage) if canary.mode == CanaryMode::Stage => self.bring_stage(plan, canary, stage, shift).await,
            _ => Ok(()),
        }
    }

    async fn bring_stage(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        stage: &StagePlan,
        shift: Option<&Shift>,
    ) -> Result<(), Stop> {
        let (api, name) = (stage.stage.api.clone(), stage.stage.stage.clone());
        let now = self.read(GetStage { api, stage: name }).await?;
        let percent = canary.percent(shift);
        // The record goes first: the stage may still have the share of the step before.
        let earlier = shift.filter(|shift| shift.step() > 0).and_then(|shift| canary.steps.get(shift.step() - 1));
        let earlier = earlier.map_or(Percent::ZERO, |step| step.percent);
        let (have, want) = self.stage_sides(plan, stage, &now, percent, &[earlier, percent]);
        if want.holds(&now) {
            return Ok(());
        }
        let change = Change::Stage { stage: stage.stage.clone(), before: have, want };
        let held = self.apply(StepKind::Canary, &change).await?;
        if let Now::Stage(now) = held {
            let percent = now.canary.as_ref().map_or(0.0, |canary| canary.percent);
            let (release, stage) = (self.run.clone(), stage.stage.to_string());
            self.emit(&Event::StageCanary { release, stage, percent });
        }
        Ok(())
    }

    /// The stage's canary as this release may have left it, and at a percentage. A share that is not among the `known`
    /// ones is somebody else's.
    pub(super) fn stage_sides(
        &self,
        plan: &Plan,
        stage: &StagePlan,
        now: &Stage,
        percent: Percent,
        known: &[Percent],
    ) -> (StageSide, StageSide) {
        let deployment = stage.deployment(self.progress().deployment);
        let side = |canary| StageSide { canary, ..StageSide::default() };
        let want = plan.stage_canary(stage, deployment.clone(), percent);
        let is = now.canary.as_ref().map_or(Percent::ZERO, |canary| Percent::of_share(canary.percent / 100.0));
        let is = if known.contains(&is) { is } else { known.first().copied().unwrap_or_default() };
        (side(plan.stage_canary(stage, deployment, is)), side(want))
    }
}

/// A person asked for everything at once: nothing else may be said of the steps.
fn finished_at(canary: &CanaryPlan, shift: Option<&Shift>) -> String {
    format!("the rest of its steps left out at {}, as asked", canary.percent(shift))
}

/// The claim as this release left it: what a conflict is told against.
fn claimed(plan: &Plan, member: &MemberPlan, to: Version, now: Option<&Alias>) -> Change {
    let routing = |version: Version| Routing {
        version,
        weights: BTreeMap::new(),
        description: plan.shift_description(member, to, None, RecordState::Running, plan.at).to_string(),
    };
    let before = member.before.as_ref().map(|before| routing(before.version));
    let want = now.map_or_else(|| routing(to), |_| routing(member.before.as_ref().map_or(to, |b| b.version)));
    Change::Alias { function: member.function.clone(), alias: plan.target.alias.clone(), before, want }
}

pub(super) fn routing_of(alias: &Alias) -> Routing {
    Routing { version: alias.version, weights: alias.weights.clone(), description: alias.description.clone() }
}

/// Whether a function's calls are split: one whose version stays has nothing to split.
fn shifts(member: &MemberPlan, to: Version) -> bool {
    member.before.as_ref().is_some_and(|before| before.version != to)
}

/// The weights that a record's times stand for.
fn weights(canary: &CanaryPlan, member: &MemberPlan, to: Version, shift: Option<&Shift>) -> BTreeMap<u64, f64> {
    let number = to.number().filter(|_| canary.mode == CanaryMode::Alias && shifts(member, to));
    let share = shift.map(|shift| canary.percent(Some(shift)).share());
    number.zip(share).into_iter().collect()
}

pub(super) fn is_split(alias: &Alias, expected: &BTreeMap<u64, f64>) -> bool {
    let same = |(version, weight): (&u64, &f64)| {
        expected.get(version).is_some_and(|e| Percent::of_share(*e) == Percent::of_share(*weight))
    };
    alias.weights.len() == expected.len() && alias.weights.iter().all(same)
}

/// A look that fails like this may succeed a while later.
pub(super) fn is_passing(problem: &Problem) -> bool {
    matches!(problem.code, Code::Throttled | Code::NoAnswer | Code::ServiceError)
}

/// A look that fails like this will fail again.
fn is_final(problem: &Problem) -> bool {
    matches!(
        problem.code,
        Code::NoCredentials
            | Code::ExpiredCredentials
            | Code::ScheduleChanged
            | Code::JournalUnwritable
            | Code::BadValue
    )
}
