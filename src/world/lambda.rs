//! Functions and versions (aws-semantics §3.1–§3.3, §3.7, §3.9).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::account::{Account, Due};
use super::alias::AliasEntry;
use super::invoke::Behaviour;
use super::permissions::ResourcePolicy;
use crate::aws::AwsError;
use crate::aws::noun::{Function, Page, State, Tags, UpdateStatus};
use crate::aws::operation::PublishVersion;
use crate::model::{AliasName, FunctionName, Version};

/// `ListVersionsByFunction` gives at most this many, whatever it is asked for.
const VERSIONS_PER_PAGE: usize = 50;
/// How the settings of a function name its environment variables.
const ENVIRONMENT: &str = "environment.";
/// Characters that the description of a version or alias may have.
pub(super) const DESCRIPTION_CHARS: usize = 256;
pub(super) const STALE_REVISION: &str = "The Revision Id provided does not match the latest Revision Id. Call the \
                                         GetFunction/GetAlias API to retrieve the latest Revision Id";

/// A function with all that hangs on it.
#[derive(Debug, Clone)]
pub struct LambdaFunction {
    /// `$LATEST`.
    pub latest: Build,
    /// Published versions.
    pub versions: BTreeMap<u64, Build>,
    /// Aliases.
    pub aliases: BTreeMap<AliasName, AliasEntry>,
    /// Policies by qualifier; the function's own under the empty text.
    pub policies: BTreeMap<String, ResourcePolicy>,
    /// How the next publish goes.
    pub publishing: Publishing,
    /// Tags; of the function, not of its versions and aliases.
    pub tags: Tags,
    /// What `$LATEST` was when it was last published: if it still is, publishing does nothing.
    pub(super) published: Option<(u64, String)>,
    pub(super) next_version: u64,
}

/// `$LATEST`, or one version of a function.
#[derive(Debug, Clone)]
pub struct Build {
    /// The configuration as AWS answers it.
    pub function: Function,
    /// Environment variables: part of the configuration, so a change of them makes a new version.
    pub environment: BTreeMap<String, String>,
    /// What the code does when it runs.
    pub behaviour: Behaviour,
}

/// How publishing goes.
#[derive(Debug, Clone, Default)]
pub struct Publishing {
    /// How long a new version stays Pending; SnapStart versions stay at least `Settings::snapshot_time`.
    pub pending_for: Duration,
    /// A new version becomes Failed, for this reason.
    pub fails: Option<String>,
}

impl Build {
    /// After a change of the configuration: what AWS answers about it, and what `Function::config_digest` promises.
    pub(super) fn configured(&mut self) {
        let f = &self.function;
        let mut settings = f.settings.clone();
        settings.retain(|name, _| !name.starts_with(ENVIRONMENT));
        settings.extend([
            ("role".to_owned(), f.role.clone()),
            ("timeout".to_owned(), f.timeout_s.to_string()),
            ("dead_letter".to_owned(), f.dead_letter.clone().unwrap_or_default()),
            ("snap_start".to_owned(), if f.snap_start { "PublishedVersions".into() } else { String::new() }),
        ]);
        let digest = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        settings.extend(self.environment.iter().map(|(name, value)| (format!("{ENVIRONMENT}{name}"), digest(value))));
        settings.retain(|_, text| !text.is_empty());
        self.function.config_digest = digest(&json!([settings, f.code_by_reference]).to_string());
        self.function.settings = settings;
    }

    /// Code and configuration, the function's own description included: what PublishVersion compares.
    fn content(&self) -> String {
        format!("{} {} {}", self.function.code_sha256, self.function.config_digest, self.function.description)
    }
}

impl LambdaFunction {
    /// A function with nothing published.
    pub(super) fn of(latest: Build) -> Self {
        Self {
            latest,
            versions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            policies: BTreeMap::new(),
            publishing: Publishing::default(),
            tags: Tags::new(),
            published: None,
            next_version: 1,
        }
    }

    /// Tells from the newest version whether there is anything to publish, as a reader would have to.
    pub(super) fn recall_published(&mut self) {
        let (latest, newest) = (&self.latest.function, self.versions.last_key_value());
        let same = |build: &Build| {
            (&build.function.code_sha256, &build.function.config_digest) == (&latest.code_sha256, &latest.config_digest)
        };
        self.published = newest.filter(|(_, build)| same(build)).map(|(number, _)| (*number, self.latest.content()));
    }
}

/// 404 as Lambda words it for functions and versions.
pub(super) fn function_not_found(arn: &str) -> AwsError {
    AwsError::rejected(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
}

pub(super) fn stale_revision() -> AwsError {
    AwsError::rejected(412, "PreconditionFailedException", STALE_REVISION)
}

/// 400 for a value outside the model's constraints.
pub(super) fn invalid(value: &str, field: &str, rule: &str) -> AwsError {
    AwsError::rejected(
        400,
        "ValidationException",
        format!("1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"),
    )
}

pub(super) fn check_description(text: &str) -> Result<(), AwsError> {
    if text.chars().count() <= DESCRIPTION_CHARS {
        return Ok(());
    }
    Err(invalid(text, "description", "Member must have length less than or equal to 256"))
}

/// 409: not in a state for it.
pub(super) fn not_now(state: &str) -> AwsError {
    AwsError::rejected(
        409,
        "ResourceConflictException",
        format!(
            "The operation cannot be performed at this time. The function is currently in the following state: {state}"
        ),
    )
}

impl Account {
    pub(super) fn function(&self, name: &FunctionName) -> Result<&LambdaFunction, AwsError> {
        self.functions.get(name).map(Rc::as_ref).ok_or_else(|| function_not_found(&self.function_arn(name, None)))
    }

    /// A function to change.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn function_mut(&mut self, name: &FunctionName) -> Result<&mut LambdaFunction, AwsError> {
        let missing = function_not_found(&self.function_arn(name, None));
        self.functions.get_mut(name).map(Rc::make_mut).ok_or(missing)
    }

    /// `$LATEST` or a version.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn build(&self, name: &FunctionName, version: Version) -> Result<&Build, AwsError> {
        let function = self.function(name)?;
        match version {
            Version::Latest => Some(&function.latest),
            Version::Number(n) => function.versions.get(&n),
        }
        .ok_or_else(|| function_not_found(&self.function_arn(name, Some(&version.to_string()))))
    }

    pub(super) fn get_function(&self, name: &FunctionName, qualifier: Option<&str>) -> Result<Function, AwsError> {
        let arn = self.function_arn(name, qualifier);
        let version = match qualifier {
            None => Version::Latest,
            Some(q) => match q.parse() {
                Ok(version) => version,
                Err(_) => self
                    .function(name)?
                    .aliases
                    .iter()
                    .find(|(alias, _)| alias.as_str() == q)
                    .map(|(_, alias)| alias.version)
                    .ok_or_else(|| function_not_found(&arn))?,
            },
        };
        let tags = self.may_read_tags(&arn).then(|| self.function(name).map(|function| function.tags.clone()));
        Ok(Function { arn, tags: tags.transpose()?, ..self.build(name, version)?.function.clone() })
    }

    pub(super) fn list_versions(&self, name: &FunctionName, marker: Option<&str>) -> Result<Page<Function>, AwsError> {
        let function = self.function(name)?;
        let skip: usize = marker.map_or(Ok(0), str::parse).map_err(|_| {
            AwsError::rejected(400, "InvalidParameterValueException", "The provided Marker is not valid")
        })?;
        let builds = std::iter::once(&function.latest).chain(function.versions.values());
        let items: Vec<Function> = builds
            .skip(skip)
            .take(VERSIONS_PER_PAGE)
            .map(|build| Function {
                arn: self.function_arn(name, Some(&build.function.version.to_string())),
                state: None,
                state_reason: None,
                last_update: None,
                last_update_reason: None,
                ..build.function.clone()
            })
            .collect();
        let end = skip + items.len();
        Ok(Page { items, next: (end <= function.versions.len()).then(|| end.to_string()) })
    }

    pub(super) fn publish_version(&mut self, call: &PublishVersion) -> Result<Function, AwsError> {
        check_description(&call.description)?;
        let arn = self.function_arn(&call.function, None);
        let function = self.function(&call.function)?;
        let latest = &function.latest.function;
        if latest.last_update == Some(UpdateStatus::InProgress) {
            return Err(AwsError::rejected(
                409,
                "ResourceConflictException",
                format!("The operation cannot be performed at this time. An update is in progress for resource: {arn}"),
            ));
        }
        if latest.state == Some(State::Pending) {
            return Err(not_now("Pending"));
        }
        if latest.revision != call.revision {
            return Err(stale_revision());
        }
        if latest.code_sha256 != call.code_sha256 {
            return Err(AwsError::rejected(
                400,
                "InvalidParameterValueException",
                format!(
                    "CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
                     CodeSHA256 in $LATEST.",
                    call.code_sha256, latest.code_sha256
                ),
            ));
        }
        self.snapshot(&call.function, &call.description)
    }

    /// Makes a version of `$LATEST`, or answers with the last one when nothing has changed since.
    pub(super) fn snapshot(&mut self, name: &FunctionName, description: &str) -> Result<Function, AwsError> {
        let (latest_revision, revision) = (self.next_revision(), self.next_revision());
        let (snapshot_time, now) = (self.settings.snapshot_time, self.now());
        let arn = self.function_arn(name, None);
        let function = self.function_mut(name)?;
        let content = function.latest.content();
        if let Some((last, published)) = &function.published
            && *published == content
            && let Some(build) = function.versions.get(last)
        {
            return Ok(build.function.clone());
        }
        let number = function.next_version;
        function.next_version += 1;
        function.published = Some((number, content));
        function.latest.function.revision = latest_revision;
        let Publishing { pending_for, fails: failed } = function.publishing.clone();
        let wait = if function.latest.function.snap_start { pending_for.max(snapshot_time) } else { pending_for };
        let mut build = function.latest.clone();
        build.function.arn = format!("{arn}:{number}");
        build.function.version = Version::Number(number);
        build.function.revision = revision;
        build.function.state = Some(State::Pending);
        build.function.state_reason = Some("The function is being created.".into());
        build.function.last_modified = now.to_string();
        if !description.is_empty() {
            description.clone_into(&mut build.function.description);
        }
        function.versions.insert(number, build);
        if wait.is_zero() {
            self.finish_version(name, number, failed);
        } else {
            self.schedule(wait, Due::VersionReady { function: name.clone(), version: number, failed });
        }
        Ok(self.build(name, Version::Number(number))?.function.clone())
    }

    pub(super) fn finish_version(&mut self, name: &FunctionName, version: u64, failed: Option<String>) {
        let build = self.function_mut(name).ok().and_then(|function| function.versions.get_mut(&version));
        if let Some(build) = build
            && build.function.state == Some(State::Pending)
        {
            build.function.state = Some(if failed.is_some() { State::Failed } else { State::Active });
            build.function.state_reason = failed;
        }
    }

    pub(super) fn finish_update(&mut self, name: &FunctionName) {
        let revision = self.next_revision();
        if let Ok(function) = self.function_mut(name) {
            function.latest.function.last_update = Some(UpdateStatus::Successful);
            function.latest.function.revision = revision;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::invoke::tests::invoke;
    use super::super::tests::{SECOND, ask, live, pets, refusal, world};
    use super::super::{Fault, World};
    use super::*;
    use crate::aws::operation as op;

    fn latest(world: &World) -> Function {
        ask(world, op::GetFunction { function: pets(), qualifier: None }).unwrap()
    }

    fn publish(world: &World, description: &str) -> Result<Function, AwsError> {
        let Function { code_sha256, revision, .. } = latest(world);
        ask(world, PublishVersion { function: pets(), code_sha256, revision, description: description.into() })
    }

    #[test]
    fn publishing_nothing_new_answers_with_the_old_version_and_changes_nothing() {
        let world = world();
        let before = latest(&world).revision;
        let first = publish(&world, "ours").unwrap();
        assert_eq!((first.version, first.description.as_str()), (Version::Number(3), "ours"));
        let after = latest(&world).revision;
        assert_ne!(before, after, "a real publish changes the revision of $LATEST");
        let again = publish(&world, "another text").unwrap();
        assert_eq!(again, first);
        assert_eq!(latest(&world).revision, after);
        let describe = |build: &mut Build| build.function.description = "new".into();
        world.edit(|account| account.configure(&pets(), Duration::ZERO, describe)).unwrap();
        assert_eq!(publish(&world, "").unwrap().version, Version::Number(4), "a description alone makes a version");
    }

    #[test]
    fn publishing_is_guarded_by_code_and_revision() {
        let world = world();
        let Function { code_sha256, revision, .. } = latest(&world);
        let guarded = |code_sha256: &str, revision: &str| {
            let (code_sha256, revision) = (code_sha256.to_owned(), revision.to_owned());
            ask(&world, PublishVersion { function: pets(), code_sha256, revision, description: String::new() })
        };
        let (status, code, text) = refusal(guarded("other", &revision));
        assert_eq!((status, code.as_str()), (400, "InvalidParameterValueException"));
        assert_eq!(
            text,
            format!(
                "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({code_sha256}). Please try again \
                 with the CodeSHA256 in $LATEST."
            )
        );
        let stale = refusal(guarded(&code_sha256, "stale"));
        assert_eq!(stale, (412, "PreconditionFailedException".into(), STALE_REVISION.into()));
        assert!(guarded(&code_sha256, &revision).is_ok());
        assert_eq!(refusal(guarded(&code_sha256, &revision)).0, 412, "the retry of a publish that worked");
    }

    #[test]
    fn while_an_update_runs_nothing_can_be_published_and_the_revision_changes_at_its_end() {
        let world = world();
        world.edit(|account| account.update_code(&pets(), "four", Behaviour::default(), 10 * SECOND)).unwrap();
        let during = latest(&world);
        assert_eq!(during.last_update, Some(UpdateStatus::InProgress));
        let error = publish(&world, "").unwrap_err();
        assert_eq!(error.remedy(), crate::aws::Remedy::WaitForOther);
        world.clock().advance(10 * SECOND);
        let after = latest(&world);
        assert_eq!(after.last_update, Some(UpdateStatus::Successful));
        assert_ne!(after.revision, during.revision);
        assert!(publish(&world, "").is_ok());
    }

    #[test]
    fn a_snapstart_version_is_pending_for_minutes_and_can_fail() {
        let world = world();
        let snap = |build: &mut Build| build.function.snap_start = true;
        world.edit(|account| account.configure(&pets(), Duration::ZERO, snap)).unwrap();
        let fork = world.fork();
        assert_eq!(publish(&world, "").unwrap().state, Some(State::Pending));
        assert_eq!(refusal(invoke(&world, 3, 10)).0, 409);
        world.clock().advance(120 * SECOND);
        assert!(invoke(&world, 3, 10).is_ok());

        let fails = Publishing { pending_for: SECOND, fails: Some("no role".into()) };
        fork.edit(|account| account.set_publishing(&pets(), fails)).unwrap();
        publish(&fork, "").unwrap();
        fork.run_until_quiet();
        let failed = ask(&fork, op::GetFunction { function: pets(), qualifier: Some("3".into()) }).unwrap();
        assert_eq!((failed.state, failed.state_reason.as_deref()), (Some(State::Failed), Some("no role")));
    }

    #[test]
    fn a_function_asked_for_by_alias_is_the_version_under_the_aliass_name() {
        let world = world();
        let get = |q: &str| ask(&world, op::GetFunction { function: pets(), qualifier: Some(q.into()) });
        let (by_alias, by_number) = (get("live").unwrap(), get("1").unwrap());
        assert_eq!(by_alias.arn, "arn:aws:lambda:us-east-1:123456789012:function:pets:live");
        assert_eq!((by_alias.version, &by_alias.revision), (Version::Number(1), &by_number.revision));
        let missing = "Function not found: arn:aws:lambda:us-east-1:123456789012:function:pets:9";
        assert_eq!(refusal(get("9")), (404, "ResourceNotFoundException".into(), missing.into()));
    }

    #[test]
    fn versions_come_fifty_at_a_time_oldest_first_and_without_states() {
        let world = world();
        world.edit(|account| {
            for code in 0..60 {
                account.update_code(&pets(), &code.to_string(), Behaviour::default(), Duration::ZERO).unwrap();
                account.publish(&pets(), "").unwrap();
            }
        });
        let list = |marker| ask(&world, op::ListVersionsByFunction { function: pets(), marker }).unwrap();
        let first = list(None);
        assert_eq!((first.items.len(), first.items[0].version), (50, Version::Latest));
        assert!(first.items.iter().all(|function| function.state.is_none() && function.last_update.is_none()));
        let second = list(first.next);
        assert_eq!((second.items.len(), &second.next), (13, &None));
        assert_eq!(second.items[12].version, Version::Number(62));
    }

    #[test]
    fn a_version_that_an_alias_refers_to_cannot_be_deleted() {
        let world = world();
        let (status, _, text) = refusal(world.edit(|account| account.delete_version(&pets(), 1)));
        assert_eq!(status, 409);
        assert_eq!(text, "Unable to delete version because the following aliases reference it: [live]");
        world.inject(0, Fault::intrude(|account| account.delete_version(&pets(), 2).unwrap()));
        let missing = ask(&world, op::GetFunction { function: pets(), qualifier: Some("2".into()) });
        assert_eq!(refusal(missing).0, 404);
        assert!(ask(&world, op::GetAlias { function: pets(), alias: live() }).is_ok());
    }
}
