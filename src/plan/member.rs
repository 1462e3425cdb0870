//! The plan for one function: where its version comes from, what its alias becomes, what must be granted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::observe::{Observed, ObservedMember};
use super::{CandidatePlan, Choice, Notice, canary, grant, owner};
use crate::aws::noun::{Alias, Function, ProvisionedStatus, State, Statement};
use crate::change::is_moving_capacity;
use crate::model::target::Target;
use crate::model::{AliasName, Description, FunctionName, Record, RecordError, Version};
use crate::problem::{Code, Problem};

/// How long a SnapStart version may take to become Active (`PublishedVersionActive` waiter, quotas.toml).
pub const PUBLISH_WAIT_MAX_S: u64 = 1560;

/// Where the version comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourcePlan {
    /// `$LATEST` is published, if it still is this.
    Publish {
        /// Base64 SHA-256 of the code.
        code_sha256: String,
        /// SHA-256 of the configuration.
        config_digest: String,
        /// Revision of `$LATEST`.
        revision: String,
        /// As far as can be seen, AWS will answer with this version and make none.
        looks_identical_to: Option<u64>,
    },
    /// A version that exists.
    Existing {
        /// Which.
        version: Version,
        /// Base64 SHA-256 of its code.
        code_sha256: String,
    },
}

/// What the release does with one function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberPlan {
    /// The function.
    pub function: FunctionName,
    /// The alias's ARN, existing or not.
    pub alias_arn: String,
    /// Where the version comes from.
    pub source: SourcePlan,
    /// The highest version before publishing.
    pub highest: Option<u64>,
    /// The alias as it is.
    pub before: Option<Alias>,
    /// Its description, taken apart.
    pub description: Description,
    /// Versions known to be bad.
    pub bad: Vec<u64>,
    /// Statements to add to the alias's policy.
    pub grants: Vec<Statement>,
    /// The alias has provisioned concurrency: moving it is not done when AWS answers.
    pub provisioned: bool,
    /// A published version stays Pending for minutes.
    pub snap_start: bool,
    /// A person named the version: a bad mark does not stop it.
    pub named: bool,
    /// The alias of a stage canary.
    #[serde(default)]
    pub candidate: Option<CandidatePlan>,
}

impl MemberPlan {
    /// The version that serves and could be gone back to by itself; `None` when the alias is missing or on `$LATEST`.
    pub fn stable(&self) -> Option<u64> {
        self.before.as_ref().and_then(|alias| alias.version.number())
    }

    /// Nothing is left to do, as far as can be seen.
    pub fn is_noop(&self) -> bool {
        let to = self.to();
        self.grants.is_empty() && self.before.as_ref().is_some_and(|alias| Some(alias.version) == to)
    }

    /// Whether calls will be split between two versions, as far as can be seen before publishing.
    pub fn shifts(&self) -> bool {
        self.to().is_none_or(|to| self.before.as_ref().is_some_and(|before| before.version != to))
    }

    /// The version that is promoted, if that is known before publishing.
    fn to(&self) -> Option<Version> {
        match &self.source {
            SourcePlan::Publish { looks_identical_to, .. } => looks_identical_to.map(Version::Number),
            SourcePlan::Existing { version, .. } => Some(*version),
        }
    }

    /// How long AWS may take over this function, seconds.
    pub const fn wait_s(&self) -> u64 {
        match (self.snap_start, self.provisioned) {
            (true, _) => PUBLISH_WAIT_MAX_S,
            (false, true) => super::observe::PROVISIONED_WAIT_MAX.as_secs(),
            (false, false) => 0,
        }
    }

    pub(super) fn publish_line(&self) -> String {
        let function = &self.function;
        match &self.source {
            SourcePlan::Existing { version, .. } => format!("take {function} {}, which exists", version.label()),
            SourcePlan::Publish { looks_identical_to: Some(n), .. } => {
                format!("nothing new in {function}: $LATEST looks identical to v{n}")
            }
            SourcePlan::Publish { code_sha256, .. } => {
                format!("new version of {function} from $LATEST, sha256 {}", short_sha(code_sha256))
            }
        }
    }

    pub(super) fn alias_line(&self, alias: &AliasName) -> String {
        let to = self.to_label();
        match &self.before {
            None => format!("{}:{alias} does not exist: create it on {to}", self.function),
            Some(before) => format!("{}:{alias} {} → {to} (100%)", self.function, before.version.label()),
        }
    }

    fn to_label(&self) -> String {
        self.to().map_or_else(|| "the new version".into(), |version| version.label())
    }

    /// The alias through which a stage canary calls the new version.
    pub(super) fn candidate_line(&self) -> Option<String> {
        let CandidatePlan { alias, before, .. } = self.candidate.as_ref()?;
        let (name, to) = (format!("{}:{alias}", self.function), self.to_label());
        Some(match before {
            None => format!("{name} is made, on {to} (100%)"),
            Some(before) => format!("{name}, left by an earlier release, {} → {to} (100%)", before.version.label()),
        })
    }

    /// Its permission.
    pub(super) fn candidate_permission_line(&self) -> Option<String> {
        let CandidatePlan { alias, grants, .. } = self.candidate.as_ref()?;
        Some(permission_line(&format!("{}:{alias}", self.function), grants))
    }

    /// With a canary the alias is only claimed at first.
    pub(super) fn claim_line(&self, alias: &AliasName) -> String {
        let serving = self.before.as_ref().map_or_else(|| "nothing".to_owned(), |before| before.version.label());
        format!("{}:{alias} is claimed for this release and stays on {serving} (100%)", self.function)
    }

    pub(super) fn permission_line(&self, alias: &AliasName) -> String {
        permission_line(&format!("{}:{alias}", self.function), &self.grants)
    }
}

fn permission_line(name: &str, grants: &[Statement]) -> String {
    if grants.is_empty() {
        return format!("{name} may be invoked wherever the stage needs it");
    }
    let sources: Vec<&str> = grants.iter().filter_map(|g| g.source_arn.splitn(6, ':').nth(5)).collect();
    format!("{name} gets a statement for {}", sources.join(", "))
}

/// The first characters of a base64 SHA-256, enough to recognise it.
pub fn short_sha(sha: &str) -> &str {
    sha.get(..8).unwrap_or(sha)
}

/// Makes the plan for one function, or says why there is none.
pub(super) fn plan(
    target: &Target,
    observed: &ObservedMember,
    all: &Observed,
    choice: &Choice,
    notices: &mut Vec<Notice>,
) -> Result<MemberPlan, Problem> {
    let (function, stage) = (&observed.function, all.stage.as_ref());
    let name = format!("{function}:{}", target.alias);
    if observed.latest.master_arn.is_some() {
        return Err(Problem::new(Code::EdgeFunction, format!("{function} is a Lambda@Edge function"))
            .why("CloudFront takes numbered versions only, no alias can promote it")
            .fix("point the CloudFront distribution at a version instead"));
    }
    let description = read_description(&name, observed.alias.as_ref())?;
    check_lock(target, &name, description.record.as_ref(), choice)?;
    check_weights(&name, observed, || owner::who_left_weights(function, &all.owners, choice.at))?;
    let bad = description.record.as_ref().map(|r| r.bad.clone()).unwrap_or_default();
    let source = source(target, observed, &bad)?;
    notice_differences(observed, &name, &bad, notices);
    let alias_arn = observed.alias_arn(&target.alias);
    let grants = match stage {
        Some(stage) => grant::grants(stage, observed, &alias_arn, target, &choice.region)?,
        None => Vec::new(),
    };
    Ok(MemberPlan {
        function: function.clone(),
        alias_arn,
        source,
        highest: observed.highest.as_ref().and_then(|f| f.version.number()),
        before: observed.alias.clone(),
        description,
        bad,
        grants,
        provisioned: observed.provisioned.is_some(),
        snap_start: observed.latest.snap_start,
        named: choice.named.is_some(),
        candidate: canary::candidate(target, observed, stage, choice)?,
    })
}

/// The alias's description taken apart; a record that this stagegate cannot read is not guessed at.
pub fn read_description(name: &str, alias: Option<&Alias>) -> Result<Description, Problem> {
    let text = alias.map_or("", |a| a.description.as_str());
    Description::parse(text).map_err(|error| unusable(name, &error))
}

/// The message when the record of an alias cannot be read.
pub fn unusable(name: &str, error: &RecordError) -> Problem {
    let (code, fix) = match error {
        RecordError::Newer(_) => (Code::RecordTooNew, "install the newest stagegate".to_owned()),
        RecordError::Unreadable(_) => {
            (Code::RecordDamaged, format!("remove the damaged line from the description of {name}"))
        }
    };
    Problem::new(code, format!("the record of {name} cannot be used"))
        .why(error.to_string())
        .fix(fix)
        .fix(format!("back to a version you name: stagegate rollback {name} --to N"))
}

/// An unfinished release holds the alias; one that is overdue is not swept aside either (SPEC §3).
fn check_lock(target: &Target, name: &str, record: Option<&Record>, choice: &Choice) -> Result<(), Problem> {
    let Some(record) = record.filter(|r| r.state.holds_lock() && Some(&r.run) != choice.adopt.as_ref()) else {
        return Ok(());
    };
    let place = target.name.as_deref().unwrap_or(name);
    let from = record.from.map_or_else(|| "nothing".into(), Version::label);
    let who = format!("{} moves it from {from} to {}", record.run, record.to.label());
    let overdue = record.expires.is_some_and(|expires| expires <= choice.at);
    let until = record.expires.map_or_else(|| "an unknown time".into(), clock_time);
    let problem = if overdue {
        Problem::new(Code::LockExpired, format!("a release of {name} did not finish"))
            .why(format!("{who}; it was due by {until}"))
            .fix(format!("go on:   stagegate resume {place}"))
            .fix(format!("go back: stagegate rollback {place}"))
            .fix(format!("forget it, leaving the routing as it is: stagegate unlock {place} {}", record.run))
    } else {
        Problem::new(Code::LockHeld, format!("{name} is being promoted already"))
            .why(format!("{who}; it holds the alias until {until}"))
            .fix(format!("watch:    stagegate status {place}"))
            .fix(format!("go on, when nobody does: stagegate resume {place}"))
            .fix(format!("back now: stagegate rollback {place}   (needs no lock)"))
    };
    Err(problem.aws_now("unchanged by this run; the other release is in flight"))
}

pub(crate) fn clock_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// Weights that no record explains belong to somebody: a stopped CodeDeploy deployment, a person, another tool.
fn check_weights(name: &str, observed: &ObservedMember, whose: impl FnOnce() -> String) -> Result<(), Problem> {
    let Some(alias) = observed.alias.as_ref().filter(|a| !a.weights.is_empty()) else { return Ok(()) };
    let split: Vec<String> = alias.weights.iter().map(|(v, w)| format!("v{v} {:.4} %", w * 100.0)).collect();
    let split = format!("{} is primary, {}", alias.version.label(), split.join(", "));
    if is_moving_capacity(alias) && observed.provisioned.is_some() {
        let state = observed.provisioned.as_ref().map(|p| p.status);
        return Err(Problem::new(
            Code::ProvisionedFailed,
            format!("provisioned concurrency of {name} has not finished moving"),
        )
        .why(if state == Some(ProvisionedStatus::Failed) { "its status is FAILED".into() } else { split })
        .fix(format!("look: aws lambda list-provisioned-concurrency-configs --function-name {}", observed.function))
        .exit(crate::problem::Exit::Conflict));
    }
    Err(Problem::new(Code::ForeignWeights, format!("{name} already splits traffic, and not for stagegate"))
        .why(split)
        .why(whose())
        .fix(format!("keep {}: stagegate canary clear {name}", alias.version.label()))
        .fix(format!("keep {}: stagegate canary promote {name}", others(alias))))
}

/// The versions that have a weight: `v41`.
fn others(alias: &Alias) -> String {
    let versions: Vec<String> = alias.weights.keys().map(|version| format!("v{version}")).collect();
    versions.join(", ")
}

fn source(target: &Target, observed: &ObservedMember, bad: &[u64]) -> Result<SourcePlan, Problem> {
    let function = &observed.function;
    let place = target.name.clone().unwrap_or_else(|| format!("{function}:{}", target.alias));
    if let Some(version) = observed.named {
        let Some(found) = &observed.candidate else {
            return Err(Problem::new(Code::VersionMissing, format!("{function} has no {}", version.label()))
                .fix(format!("list them: aws lambda list-versions-by-function --function-name {function}")));
        };
        check_can_run(function, found)?;
        return Ok(SourcePlan::Existing { version, code_sha256: found.code_sha256.clone() });
    }
    let latest = &observed.latest;
    let identical = observed.highest.as_ref().filter(|highest| is_same(latest, highest));
    let looks_identical_to = identical.and_then(|f| f.version.number());
    if let Some(number) = looks_identical_to.filter(|n| bad.contains(n)) {
        return Err(refuse_bad(function, number, &place));
    }
    Ok(SourcePlan::Publish {
        code_sha256: latest.code_sha256.clone(),
        config_digest: latest.config_digest.clone(),
        revision: latest.revision.clone(),
        looks_identical_to,
    })
}

/// A version that once failed is promoted again only when a person names it.
pub fn refuse_bad(function: &FunctionName, number: u64, place: &str) -> Problem {
    Problem::new(Code::VersionBad, format!("v{number} of {function} is marked bad"))
        .why("it failed its smoke test or gate, or somebody rolled back from it")
        .fix("upload a fixed version, then promote again")
        .fix(format!("or insist: stagegate promote {place} --function-version {number}"))
}

/// Code and configuration equal: publishing would answer with that version.
fn is_same(latest: &Function, highest: &Function) -> bool {
    latest.code_sha256 == highest.code_sha256 && latest.config_digest == highest.config_digest
}

fn check_can_run(function: &FunctionName, version: &Function) -> Result<(), Problem> {
    match version.state {
        None | Some(State::Active | State::Pending | State::Inactive) => Ok(()),
        Some(State::Failed | State::Other) => {
            let label = version.version.label();
            Err(Problem::new(Code::VersionNotActive, format!("{label} of {function} cannot run"))
                .why(version.state_reason.clone().unwrap_or_else(|| "its state is Failed".into()))
                .fix("choose another version: --function-version N"))
        }
    }
}

fn notice_differences(observed: &ObservedMember, name: &str, bad: &[u64], notices: &mut Vec<Notice>) {
    let mut notice = |code, text: String| notices.push(Notice { code, text });
    match &observed.alias {
        None => {
            notice(Code::NoStableVersion, format!("{name} does not exist yet: nothing can be compared or gone back to"))
        }
        Some(alias) if alias.version == Version::Latest => {
            notice(Code::NoStableVersion, format!("{name} is on $LATEST: nothing can be compared"));
        }
        Some(_) => {}
    }
    let bad = observed.named.and_then(Version::number).filter(|number| bad.contains(number));
    if let Some(number) = bad {
        notice(
            Code::VersionBad,
            format!("v{number} of {name} is marked bad: it is promoted because a person named it"),
        );
    }
    let candidate = observed.candidate.as_ref().unwrap_or(&observed.latest);
    if let Some(serving) =
        observed.serving.as_ref().filter(|s| s.role != candidate.role || s.dead_letter != candidate.dead_letter)
    {
        notice(
            Code::RolesDiffer,
            format!(
                "{name}: {} and the new version differ in role or dead-letter queue; they can follow each other but not share the alias",
                serving.version.label()
            ),
        );
    }
    if observed.serving.as_ref().is_some_and(|s| s.code_by_reference) {
        notice(
            Code::CodeByReference,
            format!("{name}: going back needs the S3 object of the present version; it is stored by reference"),
        );
    }
}
