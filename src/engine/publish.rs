//! Publishing: a version of exactly the code and configuration that was planned, or the version AWS says it already is.

use std::time::Duration;

use super::apply::Attempt;
use super::{Engine, Stop, WRITE_ATTEMPTS_MAX};
use crate::aws::noun::{Function, State, UpdateStatus};
use crate::aws::operation::{GetFunction, ListVersionsByFunction, PublishVersion, version_marker};
use crate::aws::{Aws, AwsError, AwsExt, Operation, Remedy, explain};
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::{Entry, Journal};
use crate::model::{FunctionName, Version};
use crate::plan::{MemberPlan, Plan, SourcePlan};
use crate::problem::{Code, Problem};
use crate::step::StepKind;

/// Bound of the wait for a published version (`PublishedVersionActive` waiter: 26 min, quotas.toml).
const ACTIVE_WAIT_MAX: Duration = Duration::from_secs(1560);

impl<A: Aws, C: Clock, J: Journal> Engine<'_, A, C, J> {
    /// The candidate of a function, Active; and whether this release made it.
    pub(super) async fn candidate(&self, plan: &Plan, member: &MemberPlan) -> Result<(Version, bool), Stop> {
        let progress = self.progress();
        if let Some((_, version, new)) = progress.published.iter().find(|(f, ..)| *f == member.function) {
            self.active(&member.function, *version).await?;
            return Ok((*version, *new));
        }
        let (version, new) = match &member.source {
            SourcePlan::Existing { version, .. } => (*version, false),
            SourcePlan::Publish { code_sha256, config_digest, revision, .. } => {
                let planned = Planned { code_sha256, config_digest, revision };
                let begun = progress.publishing.iter().any(|f| f == member.function.as_str());
                self.publish(plan, member, &planned, begun).await?
            }
        };
        self.append(Entry::Published { function: member.function.clone(), version, new })?;
        self.active(&member.function, version).await?;
        Ok((version, new))
    }

    async fn publish(
        &self,
        plan: &Plan,
        member: &MemberPlan,
        planned: &Planned<'_>,
        begun: bool,
    ) -> Result<(Version, bool), Stop> {
        let function = &member.function;
        if begun && let Some(ours) = self.published_by_us(function, member.highest).await? {
            self.note_write();
            return Ok((ours, true));
        }
        self.check_interrupt()?;
        self.append(Entry::Begun { step: StepKind::Publish, subject: function.to_string() })?;
        let mut revision = planned.revision.to_owned();
        let mut last = None;
        for attempt in 1..=WRITE_ATTEMPTS_MAX {
            let request = PublishVersion {
                function: function.clone(),
                code_sha256: planned.code_sha256.to_owned(),
                revision: revision.clone(),
                description: describe(plan),
            };
            let error = match self.aws.send(request).await {
                Ok(published) => return Ok(self.note_published(function, member.highest, &published, attempt)),
                Err(error) => error,
            };
            self.keep_answer(publishing(function, attempt), Err(&error));
            if let Some(ours) = self.published_by_us(function, member.highest).await? {
                self.note_write();
                return Ok((ours, true));
            }
            revision = self.look_at_latest(function, planned, &error).await?.revision;
            match error.remedy() {
                Remedy::SlowDown | Remedy::WaitForOther | Remedy::Look | Remedy::Unknown => {
                    self.pause_before_retry(attempt, &error).await;
                }
                _ if is_hash_mismatch(&error) => self.pause_before_retry(attempt, &error).await,
                _ => return Err(explain::problem(Operation::PublishVersion, function.as_str(), &error).into()),
            }
            last = Some(error);
        }
        let last = last.unwrap_or_else(|| AwsError::Ambiguous { cause: "never sent".into() });
        Err(explain::problem(Operation::PublishVersion, function.as_str(), &last).into())
    }

    /// AWS answers 201 in both cases; only the number tells a new version from an old one (aws-semantics §3.2).
    fn note_published(
        &self,
        function: &FunctionName,
        highest: Option<u64>,
        published: &Function,
        attempt: u32,
    ) -> (Version, bool) {
        let new = published.version.number() > highest && published.description.starts_with(&version_marker(&self.run));
        if new {
            let result = Ok(format!("{} published", published.version.label()));
            self.answered(publishing(function, attempt), result);
        }
        (published.version, new)
    }

    /// A version above the highest known one that carries this release's id: our own publish, whose reply was lost.
    async fn published_by_us(&self, function: &FunctionName, highest: Option<u64>) -> Result<Option<Version>, Problem> {
        let marker = version_marker(&self.run);
        let mut token = None;
        loop {
            let page = self.read(ListVersionsByFunction { function: function.clone(), marker: token.clone() }).await?;
            let ours = |f: &&Function| f.version.number() > highest && f.description.starts_with(&marker);
            if let Some(found) = page.items.iter().find(ours) {
                return Ok(Some(found.version));
            }
            if page.next.is_none() || page.next == token {
                return Ok(None);
            }
            token = page.next;
        }
    }

    /// `$LATEST` must still be what was planned. Its revision may have moved: publishing by somebody else moves it.
    async fn look_at_latest(
        &self,
        function: &FunctionName,
        planned: &Planned<'_>,
        error: &AwsError,
    ) -> Result<Function, Stop> {
        let latest = self.read(GetFunction { function: function.clone(), qualifier: None }).await?;
        if latest.code_sha256 == planned.code_sha256 && latest.config_digest == planned.config_digest {
            return Ok(latest);
        }
        if latest.last_update == Some(UpdateStatus::InProgress) && error.remedy() == Remedy::SlowDown {
            return Ok(latest);
        }
        let what = if latest.code_sha256 == planned.code_sha256 { "configuration" } else { "code" };
        Err(Stop::Conflict(
            Problem::new(Code::LatestChanged, format!("$LATEST of {function} changed between plan and publish"))
                .why(format!(
                    "planned sha256 {}, now {}; its {what} is different (modified {})",
                    crate::plan::short_sha(planned.code_sha256),
                    crate::plan::short_sha(&latest.code_sha256),
                    latest.last_modified
                ))
                .why("publishing was conditional on what was planned")
                .fix(self.plan_again()),
        ))
    }

    /// Waits until a version can run.
    async fn active(&self, function: &FunctionName, version: Version) -> Result<(), Stop> {
        let started = self.clock.now();
        let mut pause = Duration::from_secs(2);
        let mut told = false;
        loop {
            let qualifier = version.number().map(|n| n.to_string());
            let found = self.read(GetFunction { function: function.clone(), qualifier }).await?;
            let reason = found.state_reason.clone().unwrap_or_else(|| "AWS gives no reason".into());
            let waited = Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default();
            match found.state {
                None | Some(State::Active | State::Inactive) => return Ok(()),
                Some(State::Pending) if waited < ACTIVE_WAIT_MAX => {}
                Some(state) => {
                    return Err(Problem::new(
                        Code::VersionNotActive,
                        format!("{} of {function} does not become Active", version.label()),
                    )
                    .why(format!("its state is {state:?}: {reason}"))
                    .fix("upload the code again: Lambda publishes nothing new while code and configuration stay the same")
                    .fix("or choose another version: --function-version N")
                    .into());
                }
            }
            if !told {
                let what = format!("{} of {function} to become Active", version.label());
                self.emit(&Event::Waiting { what, max_s: ACTIVE_WAIT_MAX.as_secs() });
                told = true;
            }
            self.wait(pause).await?;
            pause = (pause + Duration::from_secs(1)).min(Duration::from_secs(10));
        }
    }
}

/// What `$LATEST` was when the plan was made.
struct Planned<'a> {
    code_sha256: &'a str,
    config_digest: &'a str,
    revision: &'a str,
}

/// The description of a new version: the release's id, then the user's text, cut to the 256 characters that AWS takes.
fn describe(plan: &Plan) -> String {
    let text = format!("{} {}", version_marker(&plan.run), plan.description);
    text.trim_end().chars().take(256).collect()
}

/// "CodeSHA256 (x) is different from current CodeSHA256": looked at like a lost race.
fn is_hash_mismatch(error: &AwsError) -> bool {
    error.code() == Some("InvalidParameterValueException") && error.to_string().contains("CodeSHA256")
}

fn publishing(function: &FunctionName, number: u32) -> Attempt {
    let (step, operation) = (Some(StepKind::Publish), Operation::PublishVersion);
    Attempt { step, operation, resource: function.to_string(), number }
}
