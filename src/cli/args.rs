//! The flags. One declaration for parsing, help and completion.

mod check;
mod gate;
mod gc;
mod iam_policy;
mod init;
mod offline;
mod release;
mod repair;
mod see;
mod split;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::Flags;
use crate::demo::Regression;
use crate::model::CanaryMode;
use crate::problem::{Code, Problem};
use crate::report::text::field;
use crate::report::{Color, Loudness, Progress, Wishes};

pub use self::check::{DoctorArgs, DriftArgs, FailOn};
pub use self::gate::{GateArgs, GateCommand, GateSettings};
pub use self::gc::GcArgs;
pub use self::iam_policy::{IamPolicyArgs, Part};
pub use self::init::InitArgs;
pub use self::offline::{CompletionArgs, ExplainArgs, HelpArgs, ManArgs, SchemaArgs, SchemaOf};
pub use self::release::{
    Canary, Onward, PauseArgs, PlanArgs, PromoteArgs, Reading, ResumeArgs, RollbackArgs, SettleArgs,
};
pub use self::repair::{Agreed, PermissionArgs, PermissionCommand, RedeployArgs};
pub use self::see::{HistoryArgs, LogsArgs, StatusArgs, VersionsArgs};
pub use self::split::{CanaryArgs, CanaryCommand, SplitArgs};

use self::release::canary_mode;

/// What stands for a target that was not named. No argument of a process can be this.
pub(super) const UNNAMED: &str = "\0";

const GLOBAL: &str = "Everywhere";

/// Columns of help at most.
const WIDTH_MAX: usize = 100;
/// Columns of help at least, however narrow a terminal is.
const WIDTH_MIN: usize = 40;

/// Promotes AWS Lambda versions through aliases behind API Gateway stages, undoable at every call.
#[derive(Debug, Parser)]
#[command(name = "stagegate", version, max_term_width = WIDTH_MAX, color = clap::ColorChoice::Never, disable_help_subcommand = true)]
pub struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = GLOBAL)]
pub struct Global {
    /// Configuration file [default: stagegate.toml here or above]
    #[arg(short, long, global = true, value_name = "FILE", env = "STAGEGATE_CONFIG", hide_env = true)]
    pub(super) config: Option<PathBuf>,
    /// AWS profile
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Address that replaces AWS's own
    #[arg(long, global = true, value_name = "URL", env = "STAGEGATE_ENDPOINT_URL", hide_env = true)]
    pub(super) endpoint_url: Option<String>,
    /// The only account that is allowed, twelve digits
    #[arg(long, global = true, value_name = "ID")]
    pub(super) account: Option<String>,
    /// Role to assume; several: one after the other
    #[arg(long, global = true, value_name = "ARN")]
    pub(super) assume_role: Vec<String>,
    /// Data for programs on standard output
    #[arg(long, global = true, env = "STAGEGATE_JSON", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    json: bool,
    /// As --json
    #[arg(long, global = true, value_name = "FORMAT", value_parser = ["text", "json"], env = "STAGEGATE_OUTPUT", hide_env = true, hide = true)]
    output: Option<String>,
    /// Only results and problems
    #[arg(short, long, global = true, env = "STAGEGATE_QUIET", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    quiet: bool,
    /// Also every write, and where each setting comes from
    #[arg(short, long, global = true, env = "STAGEGATE_VERBOSE", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) verbose: bool,
    /// auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        env = "STAGEGATE_COLOR",
        hide_env = true,
        hide_possible_values = true
    )]
    color: Color,
    /// auto, live, plain or never
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        value_enum,
        default_value_t,
        env = "STAGEGATE_PROGRESS",
        hide_env = true,
        hide_possible_values = true
    )]
    progress: Progress,
    /// No annotations, summary or groups for GitHub, and outputs only of the Action, though its runner is there
    #[arg(long, global = true, env = "STAGEGATE_NO_GITHUB", hide_env = true, hide = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) no_github: bool,
    /// Never ask anything
    #[arg(long, global = true, env = "STAGEGATE_NO_INPUT", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    no_input: bool,
}

impl Global {
    /// Whether programs read standard output.
    pub(super) fn json(&self) -> bool {
        self.json || self.output.as_deref() == Some("json")
    }

    pub(super) const fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (false, true) => Loudness::Verbose,
            (false, false) => Loudness::Normal,
        }
    }

    pub(super) fn wishes(&self) -> Wishes {
        Wishes { color: self.color, progress: self.progress, quiet: self.quiet, no_input: self.no_input }
    }

    /// The flags that other places can say, too.
    pub(super) fn flags(&self, permission_settle: Option<&String>) -> Flags {
        Flags {
            region: self.region.clone(),
            profile: self.profile.clone(),
            account: self.account.clone(),
            assume_role: (!self.assume_role.is_empty()).then(|| self.assume_role.join("\n")),
            permission_settle: permission_settle.cloned(),
        }
    }
}

/// The commands, in the groups of [`GROUPS`].
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything that promote would do
    Plan(PlanArgs),
    /// Publish, smoke-test, move the alias, permit, redeploy
    Promote(PromoteArgs),
    /// Go on with a release that waits or stopped, from any machine
    Resume(ResumeArgs),
    /// Hold a release where it is
    Pause(PauseArgs),
    /// Put back what served before
    Rollback(RollbackArgs),
    /// Who serves what, and what is unfinished
    Status(StatusArgs),
    /// Releases and rollbacks that this machine and the records know
    History(HistoryArgs),
    /// The versions of a function: which serve, and which are bad
    Versions(VersionsArgs),
    /// Two stages, or two versions of a function, side by side
    Diff(DiffArgs),
    /// Why does this URL not do what was deployed
    Doctor(DoctorArgs),
    /// Every target compared with what is live and with the configuration
    Drift(DriftArgs),
    /// What one version of a function wrote to its log
    Logs(LogsArgs),
    /// Serve the live definition of an API, or another deployment of it
    Redeploy(RedeployArgs),
    /// End or change a traffic split that no release runs
    Canary(CanaryArgs),
    /// Who may call an alias: look, let in what is missing, remove what nothing needs
    Permission(PermissionArgs),
    /// Drop the record of a release that will never finish
    Unlock(UnlockArgs),
    /// Delete versions and deployments that nothing needs any more; shows them first
    Gc(GcArgs),
    /// Write stagegate.toml from what is live
    Init(InitArgs),
    /// Check credentials, access and configuration before they are needed
    Verify(VerifyArgs),
    /// The least that a role needs, as an IAM policy document
    IamPolicy(IamPolicyArgs),
    /// A whole release on a model of AWS: no account needed
    Demo(DemoArgs),
    /// The canary's gate on its own: for other programs, and over recordings
    Gate(GateArgs),
    /// A command, or one of the topics below
    Help(HelpArgs),
    /// What a problem code or a step means
    Explain(ExplainArgs),
    /// Completion script for a shell
    Completion(CompletionArgs),
    /// Manual pages
    Man(ManArgs),
    /// The schema of the configuration file, or of the events that --json prints
    Schema(SchemaArgs),
    /// What a CI job does last: apply on_interrupt to what it left unfinished
    #[command(hide = true)]
    Settle(SettleArgs),
    /// What the GitHub Action runs: the command that its inputs describe
    #[command(hide = true)]
    Action,
}

impl Command {
    /// Whether it may change something: it then reports events, and a result.
    pub(super) const fn acts(&self) -> bool {
        if let Self::Gc(args) = self {
            return args.acts();
        }
        matches!(
            self,
            Self::Promote(_)
                | Self::Resume(_)
                | Self::Pause(_)
                | Self::Rollback(_)
                | Self::Redeploy(_)
                | Self::Canary(_)
                | Self::Permission(PermissionArgs {
                    command: PermissionCommand::Grant { .. } | PermissionCommand::Prune { .. }
                })
                | Self::Unlock(_)
                | Self::Settle(_)
                | Self::Demo(_)
        )
    }
}

/// What [`Command::acts`] says, where the rest of the command line could not be read. `given` tells whether a flag is
/// there.
pub(super) fn acts_by_name(names: &[&str], given: impl Fn(&str) -> bool) -> bool {
    match names {
        ["gc", ..] => given("--yes") || given("-y") || given("--confirm"),
        ["permission", rest @ ..] => matches!(rest.first(), Some(&("grant" | "prune"))),
        [name, ..] => {
            const ACTING: [&str; 9] =
                ["promote", "resume", "pause", "rollback", "redeploy", "canary", "unlock", "settle", "demo"];
            ACTING.contains(name)
        }
        [] => false,
    }
}

/// What the groups of commands in `--help` are called, and their commands in order.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Release", &["plan", "promote", "resume", "pause", "rollback"]),
    ("See", &["status", "history", "versions", "diff", "doctor", "drift", "logs"]),
    ("Repair", &["redeploy", "canary", "permission", "unlock", "gc"]),
    ("Set up", &["init", "verify", "iam-policy"]),
    ("Try", &["demo", "gate"]),
    ("More", &["help", "explain", "completion", "man", "schema"]),
];

/// `diff`
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// API/STAGE or its URL, FUNCTION:ALIAS, FUNCTION:NUMBER, or a name of stagegate.toml
    #[arg(value_name = "A")]
    pub(super) a: String,
    /// The other one, of the same kind
    #[arg(value_name = "B")]
    pub(super) b: String,
    /// Exit with 3 when they differ
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

/// `unlock`
#[derive(Debug, clap::Args)]
pub struct UnlockArgs {
    /// Name of stagegate.toml, or FUNCTION:ALIAS
    pub(super) target: String,
    /// The release whose record is dropped, as status shows it
    pub(super) run_id: String,
}

/// `verify`
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Name of stagegate.toml, or FUNCTION:ALIAS [default: every target of stagegate.toml]
    pub(super) target: Option<String>,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// `demo`
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// What is wrong with the release: errors, latency, permission or cold-start
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true)]
    pub(super) regress: Option<Regression>,
    /// Shift by a weight on the alias, or by the canary of the stage: alias or stage [default: alias]
    #[arg(long, value_name = "MODE", value_parser = canary_mode(), hide_possible_values = true)]
    pub(super) canary_mode: Option<CanaryMode>,
    /// Play the release engineer: plan, confirmation, keys, Ctrl-C and questions as on a real account
    #[arg(long)]
    pub(super) interactive: bool,
    /// With --interactive: how long a virtual minute takes [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = minute)]
    pub(super) minute: Option<Duration>,
    /// Another demo: decides what clients ask for and when
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Also write the release as a page to look at
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

/// A pace that a terminal can follow.
fn minute(text: &str) -> Result<Duration, String> {
    let time = crate::model::schedule::duration(text).ok_or("write a time such as 2s")?;
    if (1..=60).contains(&time.as_secs()) { Ok(time) } else { Err("between 1s and 60s".into()) }
}

/// The command line as a value: with the commands in groups, and empty variables unset.
pub fn command() -> clap::Command {
    command_at(WIDTH_MAX)
}

/// The same, with its list of commands wrapped to so many columns.
pub(super) fn command_at(width: usize) -> clap::Command {
    let width = width.clamp(WIDTH_MIN, WIDTH_MAX);
    let command = unset_empty(Args::command());
    let mut text = String::new();
    for (group, names) in GROUPS {
        text.push_str(&format!("{group}:\n"));
        for name in names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about).map(ToString::to_string);
            text.push_str(&field(&format!("  {name:<11} "), &about.unwrap_or_default(), width));
        }
        text.push('\n');
    }
    let remarks = [
        "TARGET is a name of stagegate.toml, FUNCTION:ALIAS, the ARN of an alias, API/STAGE, or a URL.".to_owned(),
        "[TARGET] left out is the only one of stagegate.toml, or at a terminal a choice.".to_owned(),
        "Every global flag is also a variable, such as STAGEGATE_REGION; an empty variable is unset.".to_owned(),
        format!("Topics: stagegate help {}", super::help::topics().collect::<Vec<_>>().join("|")),
        "Exit codes and every SG- code: stagegate explain".to_owned(),
    ];
    let remarks: String = remarks.iter().map(|remark| field("", remark, width)).collect();
    let template = format!("{{about}}\n\nUsage: {{usage}}\n\n{text}Options:\n{{options}}\n\n{remarks}");
    command.help_template(template)
}

/// Columns of help, which goes to standard output.
fn columns() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = |term: console::Term| term.size_checked().map(|(_, columns)| columns.into());
    let columns = said.or_else(|| size(console::Term::stdout())).or_else(|| size(console::Term::stderr()));
    columns.unwrap_or(WIDTH_MAX).clamp(WIDTH_MIN, WIDTH_MAX)
}

/// Actions and scripts pass empty inputs: a blank variable of ours is unset.
fn unset_empty(command: clap::Command) -> clap::Command {
    let empty = |arg: &clap::Arg| {
        arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.to_string_lossy().trim().is_empty())
    };
    command.mut_args(|arg| if empty(&arg) { arg.env(Resettable::Reset) } else { arg }).mut_subcommands(unset_empty)
}

/// Reads the arguments.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let width = columns();
    let matches = command_at(width).term_width(width).try_get_matches_from(&arguments)?;
    let args = Args::from_arg_matches(&matches)?;
    check_roles(&arguments, &args)?;
    Ok(args)
}

/// Of a global flag on both sides of the command only the values behind it count. A role that is left out silently would
/// be another identity than the one that was asked for.
fn check_roles(arguments: &[OsString], args: &Args) -> Result<(), clap::Error> {
    let flags = arguments.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str());
    let given = flags.filter(|word| *word == "--assume-role" || word.starts_with("--assume-role=")).count();
    if given <= args.global.assume_role.len() {
        return Ok(());
    }
    let message = "--assume-role stands before the command and behind it: put all of them behind it, in order";
    Err(command().error(clap::error::ErrorKind::ArgumentConflict, message))
}

/// The command that some words are.
pub(super) fn command_of<const N: usize>(words: [&str; N]) -> Result<Command, Problem> {
    let words = std::iter::once("stagegate").chain(words).map(Into::into);
    let args = parse(words).map_err(|error| Problem::new(Code::Internal, "not a command").why(error.to_string()))?;
    Ok(args.command)
}

#[cfg(test)]
mod tests;
