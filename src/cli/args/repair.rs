//! The flags of `redeploy` and `permission`.

use clap::Subcommand;

/// `redeploy`
#[derive(Debug, clap::Args)]
pub struct RedeployArgs {
    /// API/STAGE, its URL, or a name of stagegate.toml that has a stage
    pub(in crate::cli) target: String,
    /// Deploy also what is the same, as far as can be seen
    #[arg(long, conflicts_with = "to")]
    pub(in crate::cli) force: bool,
    /// Serve this deployment, which exists: the way back
    #[arg(long, value_name = "DEPLOYMENT")]
    pub(in crate::cli) to: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) agreed: Agreed,
}

/// Whether to ask.
#[derive(Debug, Default, clap::Args)]
pub struct Agreed {
    /// Do not ask; not enough for a protected target
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) yes: bool,
    /// Do not ask; NAME is the target's
    #[arg(long, value_name = "NAME", env = "STAGEGATE_CONFIRM", hide_env = true)]
    pub(in crate::cli) confirm: Option<String>,
}

/// `permission`
#[derive(Debug, clap::Args)]
pub struct PermissionArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: PermissionCommand,
}

/// What is done about the policies of aliases.
#[derive(Debug, Subcommand)]
pub enum PermissionCommand {
    /// Which routes and authorizers may call which alias, and by which statement
    List(ListArgs),
    /// Let in every route and authorizer that calls an alias
    Grant {
        /// API/STAGE, FUNCTION:ALIAS, or a name of stagegate.toml
        target: String,
        #[command(flatten)]
        agreed: Agreed,
    },
    /// Remove statements that nothing needs
    Prune {
        /// API/STAGE, FUNCTION:ALIAS, or a name of stagegate.toml
        target: String,
        /// Also statements of others, where the rest allows all that they allow
        #[arg(long)]
        foreign: bool,
        #[command(flatten)]
        agreed: Agreed,
    },
}

/// `permission list`
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// API/STAGE, FUNCTION:ALIAS, or a name of stagegate.toml
    pub(in crate::cli) target: String,
}
