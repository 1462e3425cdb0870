//! The flags of the commands that need no account: help, explanations, what shells, manuals and editors read.

use std::path::PathBuf;

/// `explain`
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A code such as SG-A02, or the name of a step; everything if left out
    pub(in crate::cli) what: Option<String>,
}

/// `help`
#[derive(Debug, clap::Args)]
pub struct HelpArgs {
    /// A command, a command of a command, or a topic; the list of them if left out
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(in crate::cli) what: Vec<String>,
}

/// `man`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate man                 # to read it: | man -l -\n  stagegate man rollback\n  stagegate man --out ~/.local/share/man/man1"
)]
pub struct ManArgs {
    /// The command whose page is printed; that of stagegate itself if left out
    #[arg(value_name = "COMMAND")]
    pub(in crate::cli) what: Vec<String>,
    /// Write all pages into this folder, one for each command
    #[arg(long, value_name = "DIR", conflicts_with = "what")]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// `schema`
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// config: of stagegate.toml; events: of a line that an acting command prints with --json
    #[arg(value_enum, hide_possible_values = true)]
    pub(in crate::cli) of: SchemaOf,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaOf {
    /// `stagegate.toml`.
    Config,
    /// A line of the event stream.
    Events,
}

/// `completion`
#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// bash, zsh, fish, powershell or elvish
    pub(in crate::cli) shell: clap_complete::Shell,
}
