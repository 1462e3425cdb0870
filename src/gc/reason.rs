//! Why something stays.

use serde::Serialize;

use crate::model::{FunctionName, RunId, StageRef};

/// Why something stays, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Reason {
    /// An alias is on the version.
    Aliased {
        /// `function:alias`.
        alias: String,
    },
    /// An alias names the version with a weight.
    Weighted {
        /// `function:alias`.
        alias: String,
    },
    /// A stage serves the deployment.
    Served {
        /// The stage.
        stage: StageRef,
    },
    /// The canary of a stage serves it.
    Tried {
        /// The stage.
        stage: StageRef,
    },
    /// A release that is in flight needs it.
    InFlight {
        /// `function:alias` whose record says so.
        alias: String,
        /// The release.
        release: RunId,
    },
    /// It is what a rollback goes back to.
    WayBack {
        /// `function:alias` whose record says so.
        alias: String,
    },
    /// A record names it: what the last release went to, or what `rollback --to` puts in place again.
    Recorded {
        /// `function:alias`.
        alias: String,
    },
    /// A record remembers it as bad: evidence.
    Bad {
        /// `function:alias`.
        alias: String,
    },
    /// A stage refers to it by its name or number, in its variables, its canary or its routes.
    Called {
        /// The stage.
        stage: StageRef,
    },
    /// Somebody may invoke it by its own name: its policy has a statement that is not of this API's stages.
    Permitted,
    /// Lambda@Edge runs versions by their numbers.
    Edge,
    /// What an alias's record names cannot be read.
    RecordUnread {
        /// `function:alias`.
        alias: String,
    },
    /// The aliases of another function behind the API cannot be read; its record may name the deployment.
    Unseen {
        /// The function.
        function: FunctionName,
    },
    /// Which stage the canary was attached to is not known.
    StageUnknown,
    /// It is not finished yet.
    Pending,
    /// One of the last releases that this machine's journals know.
    Journaled {
        /// The release.
        release: RunId,
    },
    /// One of the newest.
    Newest {
        /// How many stay.
        keep: u32,
    },
    /// Too young.
    Young,
    /// When it was made is not known.
    AgeUnknown,
    /// Somebody else published or deployed it.
    Foreign,
    /// AWS refused to delete it.
    Refused {
        /// AWS's words.
        why: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aliased { alias } => write!(f, "{alias} is on it"),
            Self::Weighted { alias } => write!(f, "{alias} gives it a share"),
            Self::Served { stage } => write!(f, "{stage} serves it"),
            Self::Tried { stage } => write!(f, "the canary of {stage} serves it"),
            Self::InFlight { alias, release } => write!(f, "{release} of {alias} is in flight"),
            Self::WayBack { alias } => write!(f, "the way back of {alias}"),
            Self::Recorded { alias } => write!(f, "in the record of {alias}"),
            Self::Bad { alias } => write!(f, "known as bad to {alias}: evidence"),
            Self::Called { stage } => write!(f, "{stage} calls it by its name"),
            Self::Permitted => f.write_str("its own policy lets somebody call it"),
            Self::Edge => f.write_str("Lambda@Edge runs versions of this function by their numbers"),
            Self::RecordUnread { alias } => write!(f, "the record of {alias} cannot be read"),
            Self::Unseen { function } => write!(f, "the aliases of {function}, behind the same API, cannot be read"),
            Self::StageUnknown => f.write_str("which stage used it is not known: name the target with its stage"),
            Self::Pending => f.write_str("still being made"),
            Self::Journaled { release } => write!(f, "in the journal of {release}"),
            Self::Newest { keep: 1 } => f.write_str("the newest"),
            Self::Newest { keep } => write!(f, "one of the newest {keep}"),
            Self::Young => f.write_str("too young"),
            Self::AgeUnknown => f.write_str("its age is not known"),
            Self::Foreign => f.write_str("made by somebody else"),
            Self::Refused { why } => write!(f, "AWS refuses: {why}"),
        }
    }
}
