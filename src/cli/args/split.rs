//! The flags of `canary`.

use clap::Subcommand;

/// `canary`
#[derive(Debug, clap::Args)]
pub struct CanaryArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: CanaryCommand,
}

/// What is done with a split that no release of stagegate runs.
#[derive(Debug, Subcommand)]
pub enum CanaryCommand {
    /// The version or deployment that most calls get keeps all of them
    Clear(SplitArgs),
    /// The version or deployment on trial gets all calls
    Promote(SplitArgs),
    /// Another share for the version or deployment on trial, or a new trial
    Set {
        #[command(flatten)]
        split: SplitArgs,
        /// Its share, such as 10%
        percent: crate::model::Percent,
        /// The version on trial, for an alias
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        function_version: Option<u64>,
        /// The deployment on trial, for a stage
        #[arg(long, value_name = "ID", conflicts_with = "function_version")]
        deployment: Option<String>,
    },
}

impl CanaryCommand {
    /// Where the split is.
    pub(in crate::cli) const fn target(&self) -> &String {
        match self {
            Self::Clear(split) | Self::Promote(split) | Self::Set { split, .. } => &split.target,
        }
    }
}

/// Which split, and whether to ask.
#[derive(Debug, clap::Args)]
pub struct SplitArgs {
    /// FUNCTION:ALIAS, API/STAGE, or a name of stagegate.toml: both of its places are looked at
    pub(in crate::cli) target: String,
    /// Do not ask; not enough for a protected target
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) yes: bool,
    /// Do not ask; NAME is the target's
    #[arg(long, value_name = "NAME", env = "STAGEGATE_CONFIRM", hide_env = true)]
    pub(in crate::cli) confirm: Option<String>,
}
