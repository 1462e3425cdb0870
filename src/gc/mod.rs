//! Clean-up: which versions, deployments and leftover aliases nothing needs any more, and deleting them.
//!
//! What goes is a pure function of what was read ([`sweep`]), and everything that stays has its reasons ([`Reason`]).
//! Between looking and deleting, aliases and stages are looked at again, batch by batch ([`delete`]); what AWS refuses
//! then stays, too.

mod delete;
mod observe;
mod past;
mod reason;
mod sweep;

use std::num::NonZeroU64;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

pub use delete::{Stop, Swept, delete};
pub use observe::observe;
pub use past::Past;
pub use reason::Reason;
pub use sweep::{in_flight, sweep};

use crate::aws::Operation;
use crate::aws::noun::{Alias, Deployment, Function, Policy, Stage};
use crate::model::{AliasName, ApiId, FunctionName, RunId, StageName, StageRef};

/// Newest versions of each function, newest deployments of an API and releases of this machine's journals that stay,
/// unless a person says otherwise.
pub const KEEP: u32 = 10;
/// How old something must be, unless a person says otherwise.
pub const OLDER_THAN: Duration = Duration::from_secs(24 * 3600);
/// The least that a person may say. Between publishing a version and moving an alias to it a release may wait 26 min
/// for the version, and smoke checks come on top (quotas.toml, `PublishedVersionActive`).
pub const OLDER_THAN_MIN: Duration = Duration::from_secs(3600);

/// Everything that a clean-up sends.
pub const OPERATIONS: &[Operation] = &[
    Operation::GetCallerIdentity,
    Operation::GetAlias,
    Operation::GetFunction,
    Operation::ListVersionsByFunction,
    Operation::ListAliases,
    Operation::GetPolicy,
    Operation::GetVersionPolicy,
    Operation::GetRestApi,
    Operation::GetResources,
    Operation::GetModels,
    Operation::GetAuthorizers,
    Operation::GetRequestValidators,
    Operation::GetGatewayResponses,
    Operation::GetStages,
    Operation::GetDeployment,
    Operation::GetDeployments,
    Operation::GetApi,
    Operation::GetRoutes,
    Operation::GetIntegrations,
    Operation::GetHttpAuthorizers,
    Operation::GetHttpStages,
    Operation::GetHttpDeployment,
    Operation::GetHttpDeployments,
    Operation::DeleteVersion,
    Operation::DeleteAlias,
    Operation::DeleteDeployment,
    Operation::DeleteHttpDeployment,
];

/// What is cleaned up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The aliases of the target. All versions of their functions are looked at.
    pub aliases: Vec<(FunctionName, AliasName)>,
    /// The stage of the target. All deployments of its API are looked at.
    pub stage: Option<StageRef>,
    /// Functions of other targets behind the same API: their records may name its deployments.
    pub neighbours: Vec<FunctionName>,
    /// The region that is read.
    pub region: String,
}

impl Want {
    /// The functions of the target, each once.
    pub fn functions(&self) -> Vec<FunctionName> {
        let mut names: Vec<FunctionName> = self.aliases.iter().map(|(function, _)| function.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// What stays although nothing refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The newest versions of each function and deployments of an API, from 1.
    pub keep: u32,
    /// Whatever is not older than this, from [`OLDER_THAN_MIN`].
    pub older_than: Duration,
    /// Also take what somebody else published or deployed.
    pub others: bool,
    /// Now.
    pub now: Timestamp,
}

/// A function, as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedFunction {
    /// Which.
    pub function: FunctionName,
    /// Its published versions, oldest first.
    pub versions: Vec<Function>,
    /// All of its aliases.
    pub aliases: Vec<(AliasName, Alias)>,
}

/// An alias that a canary of the stage has left, or still uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Function.
    pub function: FunctionName,
    /// Its name.
    pub alias: AliasName,
    /// Its policy.
    pub policy: Option<Policy>,
}

/// A call that API Gateway makes, as the live definition and a stage's variables say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Called {
    /// The stage.
    pub stage: StageRef,
    /// The function.
    pub function: FunctionName,
    /// Version or alias.
    pub qualifier: String,
}

/// An API, as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedApi {
    /// Which.
    pub api: ApiId,
    /// All of its stages.
    pub stages: Vec<(StageName, Stage)>,
    /// All of its deployments; empty where they are not to be cleaned up.
    pub deployments: Vec<Deployment>,
    /// What its stages call.
    pub called: Vec<Called>,
    /// Aliases of functions behind it that are not the target's.
    pub neighbours: Vec<(FunctionName, Vec<(AliasName, Alias)>)>,
    /// Functions behind it whose aliases may not be read.
    pub unseen: Vec<FunctionName>,
}

/// Everything that decides what goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The target's functions.
    pub functions: Vec<ObservedFunction>,
    /// The API of the target's stage, or of the stage that its records name.
    pub api: Option<ObservedApi>,
    /// The aliases of canaries of the stage.
    pub candidates: Vec<Candidate>,
    /// What the journals on this machine remember.
    pub past: Past,
}

/// What can be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Thing {
    /// A published version.
    Version {
        /// The function.
        function: FunctionName,
        /// The version.
        version: NonZeroU64,
    },
    /// A deployment.
    Deployment {
        /// The API.
        api: ApiId,
        /// Its id.
        deployment: String,
    },
    /// An alias that a canary of the stage has left.
    Alias {
        /// The function.
        function: FunctionName,
        /// The alias.
        alias: AliasName,
    },
}

impl std::fmt::Display for Thing {
    /// `checkout-api:12`, `a1b2c3d4e5/k5m8ra`, `checkout-api:live-canary`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version { function, version } => write!(f, "{function}:{version}"),
            Self::Deployment { api, deployment } => write!(f, "{api}/{deployment}"),
            Self::Alias { function, alias } => write!(f, "{function}:{alias}"),
        }
    }
}

/// One of them, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// Which.
    #[serde(flatten)]
    pub thing: Thing,
    /// When it was made, as far as that is known.
    pub since: Option<Timestamp>,
    /// The release that made it; none = somebody else.
    pub by: Option<RunId>,
    /// Size of the code, bytes; versions only.
    pub bytes: Option<u64>,
    /// Why it stays, the strongest reason first; empty = it goes.
    pub kept: Vec<Reason>,
}

/// What becomes of everything that was looked at: versions by function, then deployments, then aliases, each from the
/// oldest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sweep {
    /// All of it.
    pub items: Vec<Item>,
}

impl Sweep {
    /// What goes.
    pub fn goes(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.kept.is_empty())
    }

    /// What stays.
    pub fn stays(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.kept.is_empty())
    }
}
