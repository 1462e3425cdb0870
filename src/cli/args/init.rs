//! The flags of `init`.

/// `init`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate init https://api.example.com/checkout\n  stagegate init a1b2c3d4e5/prod --name prod\n  stagegate init checkout-api:live --print"
)]
pub struct InitArgs {
    /// The URL as clients call it, API/STAGE, or FUNCTION:ALIAS
    pub(in crate::cli) place: String,
    /// What the target is called [default: as the stage; as the alias where there is no stage]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// A function that is promoted; again for each [default: all that take their alias from the same stage variable]
    #[arg(long = "function", value_name = "NAME")]
    pub(in crate::cli) functions: Vec<String>,
    /// The alias, where nothing that is live says which
    #[arg(long, value_name = "ALIAS")]
    pub(in crate::cli) alias: Option<String>,
    /// Write to standard output and leave the file alone
    #[arg(long)]
    pub(in crate::cli) print: bool,
    /// Replace the target of this name, all others stay; a file that cannot be read is replaced whole
    #[arg(long, conflicts_with = "print")]
    pub(in crate::cli) force: bool,
}
