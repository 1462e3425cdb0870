//! The flags of `iam-policy`.

use crate::iam_policy::Purpose;
use crate::iam_policy::trust::{Repository, Subject};

/// `iam-policy`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate iam-policy promote --target prod > policy.json\n  stagegate iam-policy promote --target prod --github-oidc acme/checkout --only trust\n\nWithout --subject the role trusts the jobs of the workflows that come with stagegate:\n  read      branch main, every tag\n  rollback  branch main\n  promote   environments production, production-bake, production-guard\n  gc        environment production-gc"
)]
pub struct IamPolicyArgs {
    /// What the role is for: read, rollback, promote or gc
    #[arg(value_enum, hide_possible_values = true)]
    pub(in crate::cli) purpose: Purpose,
    /// Name of stagegate.toml, or FUNCTION:ALIAS; may be repeated: one role for all of them
    #[arg(long, required = true)]
    pub(in crate::cli) target: Vec<String>,
    /// Also the trust policy, for jobs of this repository: ORG/REPO, or with its ids ORG@ORG_ID/REPO@REPO_ID
    #[arg(long, value_name = "ORG/REPO")]
    pub(in crate::cli) github_oidc: Option<Repository>,
    /// Trust these jobs instead, such as environment:staging or ref:refs/heads/main; may be repeated
    #[arg(long, value_name = "SUBJECT", requires = "github_oidc")]
    pub(in crate::cli) subject: Vec<Subject>,
    /// One of the two policies alone: policy or trust
    #[arg(long, value_name = "WHICH", requires = "github_oidc", value_enum, hide_possible_values = true)]
    pub(in crate::cli) only: Option<Part>,
}

/// What a role is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// What it may do.
    Policy,
    /// Who may take it.
    Trust,
}
