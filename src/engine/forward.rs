//! The way forward: every step in order, each looked at before it is written and after.

use jiff::Timestamp;

use super::{Engine, Stop};
use crate::aws::Aws;
use crate::aws::noun::{ProvisionedStatus, Routing};
use crate::aws::operation::GetProvisionedConcurrencyConfig;
use crate::change::{Change, Now, Standing};
use crate::clock::Clock;
use crate::event::{Event, Outcome};
use crate::journal::{Entry, Journal};
use crate::model::{CanaryMode, Description, Record, RecordState, Version};
use crate::plan::observe::PROVISIONED_WAIT_MAX;
use crate::plan::{CanaryPlan, MemberPlan, Plan, refuse_bad};
use crate::problem::{Code, Problem};
use crate::step::StepKind;

/// What the way forward ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arrived {
    /// The candidates serve.
    Promoted,
    /// AWS found nothing to publish, and nothing else was to do.
    Unchanged,
}

/// The candidates, in the order of the plan's members.
pub(super) type Candidates = Vec<(Version, bool)>;

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// Goes through all steps. Repeatable: what is done is recognised by looking, whoever did it.
    pub(super) async fn forward(&self, plan: &Plan) -> Result<Arrived, Stop> {
        if let Some(stage) = &plan.stage {
            self.still_proved(stage).await?;
        }
        let candidates = self.publish_all(plan).await?;
        if is_unchanged(plan, &candidates) {
            return Ok(Arrived::Unchanged);
        }
        let versions: Vec<Version> = candidates.iter().map(|(version, _)| *version).collect();
        let canary = plan.canary.as_ref().filter(|canary| canary.mode == CanaryMode::Stage || moves(plan, &versions));
        let progress = self.progress();
        if progress.closing {
            match canary {
                Some(canary) => self.finish(plan, canary, &candidates).await?,
                None => self.close(plan, &candidates, self.started(StepKind::Promote)).await?,
            }
            return Ok(Arrived::Promoted);
        }
        self.until(plan, StepKind::Publish).await?;
        // Once an alias is claimed, the checks before it are behind.
        if !progress.may_have_changed() {
            self.smoke_all(plan, &candidates).await?;
            self.until(plan, StepKind::Smoke).await?;
        }
        match canary {
            Some(canary) => self.gradually(plan, canary, &candidates, &versions).await?,
            None => {
                self.route_all(plan, &candidates).await?;
                self.until(plan, StepKind::Alias).await?;
                let granted = self.grant_all(plan, &candidates).await?;
                self.until(plan, StepKind::Permission).await?;
                self.redeploy(plan, &candidates, granted).await?;
                self.until(plan, StepKind::Redeploy).await?;
                self.until_share(plan).await?;
                self.close(plan, &candidates, self.started(StepKind::Promote)).await?;
            }
        }
        Ok(Arrived::Promoted)
    }

    /// With a canary: the aliases are only claimed, the stage is made ready, then traffic is shifted.
    async fn gradually(
        &self,
        plan: &Plan,
        canary: &CanaryPlan,
        candidates: &Candidates,
        versions: &[Version],
    ) -> Result<(), Stop> {
        // Once a share was given, everything before it is behind, whichever process did it.
        if !self.progress().shifting {
            self.claim_all(plan, candidates).await?;
            self.until(plan, StepKind::Alias).await?;
            let granted = self.grant_all(plan, candidates).await?;
            self.until(plan, StepKind::Permission).await?;
            self.redeploy(plan, candidates, granted).await?;
            self.until(plan, StepKind::Redeploy).await?;
        }
        self.shift(plan, canary, versions).await?;
        self.until(plan, StepKind::Canary).await?;
        self.finish(plan, canary, candidates).await
    }

    /// Stops after the step that was asked for. What is claimed by then is held, so that nobody goes on by themselves.
    async fn until(&self, plan: &Plan, step: StepKind) -> Result<(), Stop> {
        if self.settings.until != Some(step) {
            return Ok(());
        }
        self.hold(plan, step).await?;
        Err(Stop::Until(step))
    }

    /// Stops where a canary would have begun that was to stop at a share: no version moves, so it gives none, and what was
    /// asked for is that a person looks before the release ends.
    async fn until_share(&self, plan: &Plan) -> Result<(), Stop> {
        let stops = self.settings.until == Some(StepKind::Canary) || self.settings.until_percent.is_some();
        if !stops || plan.canary.is_none() {
            return Ok(());
        }
        self.hold(plan, StepKind::Redeploy).await?;
        Err(Stop::Until(StepKind::Canary))
    }

    pub(super) fn started(&self, step: StepKind) -> Timestamp {
        let now = self.clock.now();
        if let Some((since, _)) = self.begun.borrow().get(&step) {
            return *since;
        }
        self.begun.borrow_mut().insert(step, (now, false));
        self.emit(&Event::StepStarted { release: self.run.clone(), step });
        now
    }

    pub(super) fn finished(&self, step: StepKind, since: Timestamp, outcome: Outcome, detail: String) {
        if matches!(self.begun.borrow_mut().insert(step, (since, true)), Some((_, true))) {
            return;
        }
        let ms = u64::try_from(self.clock.now().duration_since(since).as_millis()).unwrap_or_default();
        self.emit(&Event::StepFinished { release: self.run.clone(), step, outcome, detail, ms });
    }

    async fn publish_all(&self, plan: &Plan) -> Result<Candidates, Stop> {
        let since = self.started(StepKind::Publish);
        let mut candidates = Vec::new();
        for member in &plan.members {
            let (version, new) = self.candidate(plan, member).await?;
            if let Some(number) = version.number().filter(|n| member.bad.contains(n) && !member.named && !new) {
                return Err(refuse_bad(&member.function, number, &plan.target.label()).into());
            }
            candidates.push((version, new));
        }
        let detail = each(plan, |at, m| {
            let (version, new) = candidates[at];
            format!("{} {}{}", m.function, version.label(), if new { "" } else { ", which existed" })
        });
        let any_new = candidates.iter().any(|(_, new)| *new);
        self.finished(StepKind::Publish, since, if any_new { Outcome::Ok } else { Outcome::Unchanged }, detail);
        Ok(candidates)
    }

    async fn smoke_all(&self, plan: &Plan, candidates: &Candidates) -> Result<(), Stop> {
        let since = self.started(StepKind::Smoke);
        let checks = &plan.target.smoke;
        if checks.is_empty() {
            self.finished(StepKind::Smoke, since, Outcome::Skipped, "none configured".into());
            return Ok(());
        }
        let mut slowest = 0;
        for (member, (version, _)) in plan.members.iter().zip(candidates) {
            match self.smoke((&member.function, &plan.target.alias), *version, checks).await {
                Ok(ms) => slowest = slowest.max(ms),
                Err(stop) => {
                    if matches!(stop, Stop::Bad(_)) {
                        self.mark_bad(plan, member, *version).await;
                    }
                    return Err(stop);
                }
            }
        }
        let n = checks.len() * plan.members.len();
        self.finished(StepKind::Smoke, since, Outcome::Ok, format!("{n} of {n}, slowest {slowest} ms"));
        Ok(())
    }

    /// Remembers in the alias's record that a version failed; the routing stays. Failing to remember fails nothing else.
    async fn mark_bad(&self, plan: &Plan, member: &MemberPlan, version: Version) {
        let Some(before) = &member.before else { return };
        let routing =
            |description: String| Routing { version: before.version, weights: before.weights.clone(), description };
        let change = Change::Alias {
            function: member.function.clone(),
            alias: plan.target.alias.clone(),
            before: Some(routing(before.description.clone())),
            want: routing(plan.description_with_bad(member, version).fitting().to_string()),
        };
        if let Ok(now) = self.look(&change).await
            && change.standing(&now) == Standing::NotApplied
            && let Some(call) = change.forward(&now)
            && let Err(error) = self.write(Some(StepKind::Smoke), &call, 1).await
        {
            let problem = Problem::new(
                Code::SmokeFailed,
                format!("{} could not be marked bad in {}", version.label(), change.subject()),
            )
            .level(crate::problem::Level::Warning)
            .why(error.to_string());
            self.emit(&Event::Warning { problem });
        }
    }

    /// One function: claim and move are one write. Several: every alias is claimed first, in the order of their ARNs,
    /// and only when all are ours does routing change (SPEC §6).
    async fn route_all(&self, plan: &Plan, candidates: &Candidates) -> Result<(), Stop> {
        let since = self.started(StepKind::Alias);
        for (member, to) in self.claim_in_order(plan, candidates).await? {
            let change = moved(plan, member, to);
            let now = self.apply(StepKind::Alias, &change).await?;
            self.routed(&change, &now);
            self.capacity(member, &change).await?;
        }
        let alias = &plan.target.alias;
        let detail = each(plan, |at, m| format!("{}:{alias} → {} (100%)", m.function, candidates[at].0.label()));
        self.finished(StepKind::Alias, since, Outcome::Ok, detail);
        Ok(())
    }

    /// The record in every alias, its routing untouched; for a canary of the stage also the alias of the candidate.
    async fn claim_all(&self, plan: &Plan, candidates: &Candidates) -> Result<(), Stop> {
        let since = self.started(StepKind::Alias);
        for (member, to) in self.claim_in_order(plan, candidates).await? {
            if let Some(change) = candidate_alias(plan, member, to) {
                self.apply(StepKind::Alias, &change).await?;
            }
        }
        let alias = &plan.target.alias;
        let detail = each(plan, |at, m| format!("{}:{alias} claimed for {}", m.function, candidates[at].0.label()));
        self.finished(StepKind::Alias, since, Outcome::Ok, detail);
        Ok(())
    }

    /// Claims every alias that is to be claimed before any moves, in the order of their ARNs, so that two releases never
    /// hold what the other needs. Answers functions and candidates in that order.
    async fn claim_in_order<'p>(
        &self,
        plan: &'p Plan,
        candidates: &Candidates,
    ) -> Result<Vec<(&'p MemberPlan, Version)>, Stop> {
        let mut order: Vec<_> = plan.members.iter().zip(candidates.iter().map(|(version, _)| *version)).collect();
        order.sort_by(|(a, _), (b, _)| a.alias_arn.cmp(&b.alias_arn));
        for change in order.iter().filter_map(|(member, to)| claim(plan, member, *to)) {
            if !self.is_behind(plan, &change) {
                self.apply(StepKind::Alias, &change).await?;
            }
        }
        Ok(order)
    }

    /// A resumed release is past its claim when it has announced the move of the same alias.
    fn is_behind(&self, plan: &Plan, claim: &Change) -> bool {
        let subject = claim.subject();
        is_claimed_first(plan)
            && self
                .progress()
                .intents
                .iter()
                .any(|c| matches!(c, Change::Alias { .. }) && c.subject() == subject && c != claim)
    }

    pub(super) fn routed(&self, change: &Change, now: &Now) {
        if let (Change::Alias { function, alias, .. }, Now::Alias(Some(now))) = (change, now) {
            self.emit(&Event::Routing {
                release: self.run.clone(),
                function: function.to_string(),
                alias: alias.to_string(),
                weights: shares(now),
            });
        }
    }

    /// With provisioned concurrency the move is done when AWS has taken its own weights away and the status is READY.
    pub(super) async fn capacity(&self, member: &MemberPlan, change: &Change) -> Result<(), Stop> {
        let Change::Alias { function, alias, .. } = change else { return Ok(()) };
        let started = self.clock.now();
        let mut told = false;
        loop {
            let now = self.look(change).await?;
            if change.standing(&now) == Standing::Drifted {
                return Err(self.drift(change, &now).await);
            }
            let clear = matches!(&now, Now::Alias(Some(alias)) if alias.weights.is_empty());
            if clear && !member.provisioned {
                return Ok(());
            }
            let request = GetProvisionedConcurrencyConfig { function: function.clone(), alias: alias.clone() };
            let status = self.find(request).await?;
            let failed = |why: String| {
                Problem::new(
                    Code::ProvisionedFailed,
                    format!("provisioned concurrency of {function}:{alias} did not follow to the new version"),
                )
                .why(why)
                .fix("check the account's concurrency, then promote again")
            };
            match status.as_ref().map(|s| s.status) {
                None | Some(ProvisionedStatus::Ready) if clear => return Ok(()),
                Some(ProvisionedStatus::Failed) => {
                    return Err(
                        failed(status.and_then(|s| s.reason).unwrap_or_else(|| "its status is FAILED".into())).into()
                    );
                }
                _ => {}
            }
            if self.clock.now().duration_since(started)
                >= jiff::SignedDuration::try_from(PROVISIONED_WAIT_MAX).unwrap_or_default()
            {
                return Err(failed(format!("it is not READY after {} s", PROVISIONED_WAIT_MAX.as_secs())).into());
            }
            if !told {
                let what = format!("provisioned concurrency of {function}:{alias} to be READY");
                self.emit(&Event::Waiting { what, max_s: PROVISIONED_WAIT_MAX.as_secs() });
                told = true;
            }
            self.wait(std::time::Duration::from_secs(5)).await?;
        }
    }

    /// Adds the missing statements, one after the other; when the last one was read back, if any was added.
    async fn grant_all(&self, plan: &Plan, candidates: &Candidates) -> Result<Option<Timestamp>, Stop> {
        let since = self.started(StepKind::Permission);
        let alias = &plan.target.alias;
        let own = plan.grants().map(|(member, statement)| (member, alias, statement));
        let of_candidates = plan.candidate_grants().map(|(member, candidate, s)| (member, &candidate.alias, s));
        let mut count = 0;
        for (member, alias, statement) in own.chain(of_candidates) {
            let change =
                Change::Grant { function: member.function.clone(), alias: alias.clone(), statement: statement.clone() };
            self.apply(StepKind::Permission, &change).await?;
            count += 1;
        }
        if count == 0 {
            let (outcome, detail) = match &plan.stage {
                Some(_) => (Outcome::Unchanged, "already in place"),
                None => (Outcome::Skipped, "no stage configured"),
            };
            self.finished(StepKind::Permission, since, outcome, detail.into());
            return Ok(None);
        }
        self.finished(
            StepKind::Permission,
            since,
            Outcome::Ok,
            format!("{count} statement{} added", if count == 1 { "" } else { "s" }),
        );
        let granted = self.clock.now();
        // Where the stage is not written to, the first share of traffic is what depends on it.
        if plan.canary.is_some() && plan.stage_change().is_none() {
            self.settle_permission(plan, granted).await?;
            self.still_ours(plan, candidates).await?;
        }
        Ok(Some(granted))
    }

    /// A new statement is not effective everywhere at once: nothing that depends on it moves before it has settled.
    pub(super) async fn settle_permission(&self, plan: &Plan, granted: Timestamp) -> Result<(), Stop> {
        let settle = plan.target.permission_settle;
        let passed = std::time::Duration::try_from(self.clock.now().duration_since(granted)).unwrap_or_default();
        if passed < settle {
            self.emit(&Event::Waiting {
                what: "the new permission to be effective everywhere".into(),
                max_s: settle.as_secs(),
            });
            self.wait(settle - passed).await?;
        }
        Ok(())
    }

    /// Before the stage moves: every alias is still where this release put it (SPEC §2 rule 12).
    pub(super) async fn still_ours(&self, plan: &Plan, candidates: &Candidates) -> Result<(), Stop> {
        for (member, (version, _)) in plan.members.iter().zip(candidates) {
            let claimed = claim(plan, member, *version).filter(|_| plan.canary.is_some());
            let change = claimed.unwrap_or_else(|| moved(plan, member, *version));
            let now = self.look(&change).await?;
            if change.standing(&now) != Standing::Applied {
                return Err(self.drift(&change, &now).await);
            }
        }
        Ok(())
    }

    /// Reads the stage back and closes the record of every alias; ends the step that began at `since`.
    pub(super) async fn close(&self, plan: &Plan, candidates: &Candidates, since: Timestamp) -> Result<(), Stop> {
        if let Some(change) = self.promoted_stage(plan).await? {
            let now = self.look(&change).await?;
            if change.standing(&now) != Standing::Applied {
                return Err(self.drift(&change, &now).await);
            }
        }
        for (member, (version, _)) in plan.members.iter().zip(candidates) {
            let before = routing(plan, member, *version, RecordState::Running);
            let want = routing(plan, member, *version, RecordState::Promoted);
            let (function, alias) = (member.function.clone(), plan.target.alias.clone());
            self.apply(StepKind::Promote, &Change::Alias { function, alias, before: Some(before), want }).await?;
        }
        let detail =
            each(plan, |at, m| format!("{}:{} serves {}", m.function, plan.target.alias, candidates[at].0.label()));
        self.finished(StepKind::Promote, since, Outcome::Ok, detail);
        self.append(Entry::Closed { ending: crate::journal::Ending::Promoted })?;
        Ok(())
    }
}

/// After publishing: every candidate is what its alias serves already, and nothing else is to be done.
fn is_unchanged(plan: &Plan, candidates: &Candidates) -> bool {
    plan.stage_change().is_none()
        && plan.grants().next().is_none()
        && plan.members.iter().zip(candidates).all(|(m, (v, _))| m.before.as_ref().is_some_and(|a| a.version == *v))
}

/// A member's routing on its candidate, with the record in a state.
pub(super) fn routing(plan: &Plan, member: &MemberPlan, version: Version, state: RecordState) -> Routing {
    let description: Description = member.description.with(plan.record(member, version, state));
    Routing { version, weights: std::collections::BTreeMap::new(), description: description.to_string() }
}

fn before(member: &MemberPlan) -> Option<Routing> {
    member.before.as_ref().map(|alias| Routing {
        version: alias.version,
        weights: alias.weights.clone(),
        description: alias.description.clone(),
    })
}

/// Whether aliases are claimed before any of them moves: one among several, or one that shifts in steps.
fn is_claimed_first(plan: &Plan) -> bool {
    plan.members.len() > 1 || plan.canary.is_some()
}

/// Whether any function gets another version.
fn moves(plan: &Plan, versions: &[Version]) -> bool {
    plan.members.iter().zip(versions).any(|(m, to)| m.before.as_ref().is_none_or(|before| before.version != *to))
}

/// The alias through which a canary of the stage calls the candidate.
pub(super) fn candidate_alias(plan: &Plan, member: &MemberPlan, version: Version) -> Option<Change> {
    let candidate = member.candidate.as_ref()?;
    let record = Record { from: None, stage: None, ..plan.record(member, version, RecordState::Running) };
    let description = Description { text: String::new(), record: Some(record) };
    let before = candidate.before.as_ref().map(super::canary::routing_of);
    let weights = std::collections::BTreeMap::new();
    Some(Change::Alias {
        function: member.function.clone(),
        alias: candidate.alias.clone(),
        before,
        want: Routing { version, weights, description: description.to_string() },
    })
}

/// Version → percent of the calls.
fn shares(alias: &crate::aws::noun::Alias) -> serde_json::Value {
    let others: f64 = alias.weights.values().sum();
    let percent = |share: f64| serde_json::json!((share * 1e6).round() / 1e4);
    let mut shares = serde_json::Map::from_iter([(alias.version.to_string(), percent(1.0 - others))]);
    shares.extend(alias.weights.iter().map(|(version, weight)| (version.to_string(), percent(*weight))));
    serde_json::Value::Object(shares)
}

/// The claim of one alias: the record, with the routing untouched. An alias that does not exist yet is claimed by nobody,
/// and created when it moves.
fn claim(plan: &Plan, member: &MemberPlan, version: Version) -> Option<Change> {
    let before = before(member).filter(|_| is_claimed_first(plan))?;
    let description = member.description.with(plan.record(member, version, RecordState::Running)).to_string();
    let want = Routing { description, ..before.clone() };
    Some(Change::Alias {
        function: member.function.clone(),
        alias: plan.target.alias.clone(),
        before: Some(before),
        want,
    })
}

/// The move of one alias to its candidate.
fn moved(plan: &Plan, member: &MemberPlan, version: Version) -> Change {
    let before = match claim(plan, member, version) {
        Some(Change::Alias { want, .. }) => Some(want),
        _ => before(member),
    };
    Change::Alias {
        function: member.function.clone(),
        alias: plan.target.alias.clone(),
        before,
        want: routing(plan, member, version, RecordState::Running),
    }
}

fn each(plan: &Plan, line: impl Fn(usize, &MemberPlan) -> String) -> String {
    let shown: Vec<String> = plan.members.iter().enumerate().take(3).map(|(at, m)| line(at, m)).collect();
    let more = plan.members.len().saturating_sub(shown.len());
    if more == 0 { shown.join("; ") } else { format!("{}; and {more} more", shown.join("; ")) }
}
