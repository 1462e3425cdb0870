//! The flags. One declaration for parsing, help and completion.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, Resettable, TypedValueParser as _};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::target::shell_word;
use super::until::Until;
use crate::aws::layers::Pace;
use crate::config::{CanaryFlags, Flags};
use crate::demo::Regression;
use crate::engine::OnInterrupt;
use crate::gate::OnInconclusive;
use crate::iam_policy::Purpose;
use crate::model::CanaryMode;
use crate::report::{Color, Loudness, Progress, Wishes};

const GLOBAL: &str = "Everywhere";

/// Promotes AWS Lambda versions through aliases behind API Gateway stages, undoable at every call.
#[derive(Debug, Parser)]
#[command(name = "stagegate", version, max_term_width = 100, color = clap::ColorChoice::Never, disable_help_subcommand = true)]
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
    /// End or change a traffic split that no release runs
    Canary(CanaryArgs),
    /// Drop the record of a release that will never finish
    Unlock(UnlockArgs),
    /// Check credentials, access and configuration
    Verify(VerifyArgs),
    /// The least that a role needs, as an IAM policy document
    IamPolicy(IamPolicyArgs),
    /// A whole release on a model of AWS: no account needed
    Demo(DemoArgs),
    /// The canary's gate on its own: for other programs, and over recordings
    Gate(GateArgs),
    /// What a problem code or a step means
    Explain(ExplainArgs),
    /// Completion script for a shell
    Completion(CompletionArgs),
    /// What a CI job does last: apply on_interrupt to what it left unfinished
    #[command(hide = true)]
    Settle(SettleArgs),
}

impl Command {
    /// Whether it may change something: it then reports events, and a result.
    pub(super) const fn acts(&self) -> bool {
        matches!(
            self,
            Self::Promote(_)
                | Self::Resume(_)
                | Self::Pause(_)
                | Self::Rollback(_)
                | Self::Canary(_)
                | Self::Unlock(_)
                | Self::Settle(_)
                | Self::Demo(_)
        )
    }
}

/// What the groups of commands in `--help` are called, and their commands in order.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Release", &["plan", "promote", "resume", "pause", "rollback"]),
    ("See", &["status", "history"]),
    ("Repair", &["canary", "unlock"]),
    ("Set up", &["verify", "iam-policy"]),
    ("Try", &["demo", "gate"]),
    ("More", &["explain", "completion"]),
];

/// What is promoted, and how it is read.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Name of stagegate.toml, or FUNCTION:ALIAS
    pub(super) target: String,
    /// Promote this version instead of publishing $LATEST
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) function_version: Option<u64>,
    /// How long a new permission is left alone, such as 20s
    #[arg(long, value_name = "TIME")]
    pub(super) permission_settle: Option<String>,
    /// How much of the account's API quotas is used: share or full
    #[arg(
        long,
        value_name = "PACE",
        value_enum,
        default_value_t,
        env = "STAGEGATE_PACE",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(super) pace: Pace,
}

/// How traffic is shifted in this release, in place of what the file says.
#[derive(Debug, Default, clap::Args)]
pub struct Canary {
    /// Steps such as "5% 10m, 25% 10m", none, or a preset
    #[arg(long, value_name = "STEPS")]
    canary: Option<String>,
    /// Steps by CodeDeploy's name, such as Canary10Percent5Minutes
    #[arg(long, value_name = "NAME", conflicts_with = "canary")]
    preset: Option<String>,
    /// Shift by a weight on the alias, or by the canary of the stage: alias or stage
    #[arg(long, value_name = "MODE", value_parser = canary_mode(), hide_possible_values = true)]
    canary_mode: Option<CanaryMode>,
}

impl Canary {
    /// The flags that the target is laid under.
    pub(super) fn flags(&self) -> CanaryFlags {
        CanaryFlags { steps: self.canary.clone(), preset: self.preset.clone(), mode: self.canary_mode }
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(super) fn repeated(&self) -> String {
        let mode = self.canary_mode.map(mode_word);
        let flags =
            [("--canary", self.canary.as_deref()), ("--preset", self.preset.as_deref()), ("--canary-mode", mode)];
        flags.iter().filter_map(|(flag, value)| Some(format!(" {flag} {}", shell_word((*value)?)))).collect()
    }
}

/// A gate that is not listened to.
#[derive(Debug, clap::Args)]
pub struct Override {
    /// The gate only advises in this release; REASON is recorded
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(super) override_gate: Option<String>,
}

impl Override {
    /// The flag as a command line repeats it, with a blank before it.
    pub(super) fn repeated(&self) -> String {
        self.override_gate.as_ref().map_or_else(String::new, |why| format!(" --override-gate {}", shell_word(why)))
    }
}

/// A reason is for people who ask later: a blank one says nothing.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("say why: the reason is recorded with the release".into()) } else { Ok(text.to_owned()) }
}

fn canary_mode() -> impl clap::builder::TypedValueParser<Value = CanaryMode> {
    const MODES: [CanaryMode; 2] = [CanaryMode::Alias, CanaryMode::Stage];
    PossibleValuesParser::new(MODES.map(mode_word)).try_map(|word| {
        MODES.into_iter().find(|mode| mode_word(*mode) == word).ok_or_else(|| format!("no mode is called {word}"))
    })
}

const fn mode_word(mode: CanaryMode) -> &'static str {
    match mode {
        CanaryMode::None => "none",
        CanaryMode::Alias => "alias",
        CanaryMode::Stage => "stage",
    }
}

/// `plan`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate plan prod\n  stagegate plan prod --out plan.json    # approve it, then: promote prod --plan plan.json"
)]
pub struct PlanArgs {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) canary: Canary,
    #[command(flatten)]
    pub(super) gate: Override,
    /// Write the plan to a file, for promote --plan
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Exit with 3 when there is something to do
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

/// `promote`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate promote prod                 # shows the plan, then asks\n  stagegate promote checkout-api:live --yes\n  stagegate promote prod --canary \"5% 10m, 25% until 300 req\"\n  stagegate promote prod --confirm prod  # a protected target, without a terminal"
)]
pub struct PromoteArgs {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) canary: Canary,
    #[command(flatten)]
    pub(super) gate: Override,
    /// Stop after this step: publish, smoke, alias, permission, redeploy, canary, or at a share: canary:25%
    #[arg(long, value_name = "STEP[:PERCENT]")]
    pub(super) until: Option<Until>,
    /// Do not ask; not enough for a protected target
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) yes: bool,
    /// Do not ask; NAME is the target's
    #[arg(long, value_name = "NAME", env = "STAGEGATE_CONFIRM", hide_env = true)]
    pub(super) confirm: Option<String>,
    /// What a signal does after the first write: rollback or hold [default: as the target says, or rollback]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        env = "STAGEGATE_ON_INTERRUPT",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(super) on_interrupt: Option<OnInterrupt>,
    /// Carry out exactly this plan, or refuse
    #[arg(long, value_name = "FILE", conflicts_with_all = ["function_version", "canary", "preset", "canary_mode", "override_gate"])]
    pub(super) plan: Option<PathBuf>,
    /// Refuse unless the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    pub(super) expect_plan: Option<String>,
}

/// `resume`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate resume prod                  # goes on, from this machine's journal or from AWS's records\n  stagegate resume prod --once           # one look, for cron: exit 8 while it bakes\n  stagegate resume checkout-api:live --canary \"5% 10m, 25% 10m\"   # without the file"
)]
pub struct ResumeArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS or API/STAGE
    pub(super) target: String,
    /// Look once, act at most once, exit with 8 while it bakes; never goes past a pause
    #[arg(long, conflicts_with_all = ["finish", "undo"])]
    pub(super) once: bool,
    /// Do not wait for the rest of the steps, unless the gate finds the version worse
    #[arg(long, conflicts_with = "undo")]
    pub(super) finish: bool,
    /// Undo it instead
    #[arg(long)]
    pub(super) undo: bool,
    /// Nothing in flight is no mistake
    #[arg(long)]
    pub(super) if_in_flight: bool,
    #[command(flatten)]
    pub(super) canary: Canary,
    /// Stop after this step: redeploy, canary, or at a share: canary:25%
    #[arg(long, value_name = "STEP[:PERCENT]", conflicts_with_all = ["once", "undo", "finish"])]
    pub(super) until: Option<Until>,
    /// What a signal does after the first write: rollback or hold [default: as the target says, or rollback]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        env = "STAGEGATE_ON_INTERRUPT",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(super) on_interrupt: Option<OnInterrupt>,
}

/// `pause`
#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or an execute-api URL
    pub(super) target: String,
}

/// `settle`
#[derive(Debug, clap::Args)]
pub struct SettleArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS or API/STAGE
    pub(super) target: String,
    /// The release that the job ran; empty = whichever is unfinished
    #[arg(long, value_name = "ID", default_value = "")]
    pub(super) run: String,
    /// What is done with it: rollback or hold [default: as the target says, or rollback]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        env = "STAGEGATE_ON_INTERRUPT",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(super) on_interrupt: Option<OnInterrupt>,
}

/// `canary`
#[derive(Debug, clap::Args)]
pub struct CanaryArgs {
    #[command(subcommand)]
    pub(super) command: CanaryCommand,
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

/// Which split, and whether to ask.
#[derive(Debug, clap::Args)]
pub struct SplitArgs {
    /// FUNCTION:ALIAS, API/STAGE, or a name of stagegate.toml: both of its places are looked at
    pub(super) target: String,
    /// Do not ask; not enough for a protected target
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) yes: bool,
    /// Do not ask; NAME is the target's
    #[arg(long, value_name = "NAME", env = "STAGEGATE_CONFIRM", hide_env = true)]
    pub(super) confirm: Option<String>,
}

/// `rollback`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate rollback checkout-api:live        # needs no file, from any machine\n  stagegate rollback a1b2c3d4e5/prod --yes\n  stagegate rollback checkout-api:live --to 40"
)]
pub struct RollbackArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or an execute-api URL
    pub(super) target: String,
    /// The version to go back to
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) to: Option<u64>,
    /// Leave the stage as it is
    #[arg(long, conflicts_with = "stage_only")]
    pub(super) alias_only: bool,
    /// Leave the aliases as they are
    #[arg(long)]
    pub(super) stage_only: bool,
    /// Do not ask
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) yes: bool,
}

/// `status`
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or an execute-api URL
    pub(super) target: String,
}

/// `history`
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS or API/STAGE
    pub(super) target: String,
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
    #[command(flatten)]
    pub(super) source: Source,
}

/// `iam-policy`
#[derive(Debug, clap::Args)]
pub struct IamPolicyArgs {
    /// What the role is for: read, rollback or promote
    #[arg(value_enum, hide_possible_values = true)]
    pub(super) purpose: Purpose,
    /// Name of stagegate.toml, or FUNCTION:ALIAS
    #[arg(long)]
    pub(super) target: String,
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
    /// Another demo: decides what clients ask for and when
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

/// `gate`
#[derive(Debug, clap::Args)]
pub struct GateArgs {
    #[command(subcommand)]
    pub(super) command: GateCommand,
}

/// What the gate does on its own.
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Answer every line of a rollout on standard input with a verdict
    #[command(
        after_help = "Lines are JSON, one object each; the first one is {\"type\":\"start\",\"schedule\":[[0.05,10]],...}."
    )]
    Judge {
        #[command(flatten)]
        settings: GateSettings,
    },
    /// Judge a recorded rollout again, with other settings
    Replay {
        /// The recording: lines as for gate judge, or the journal of a release
        file: PathBuf,
        #[command(flatten)]
        settings: GateSettings,
    },
}

/// Settings of the gate that win over those of the rollout.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Settings, instead of those of the rollout")]
pub struct GateSettings {
    /// How often a good release may be rolled back, such as 1%
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) false_rollbacks: Option<f64>,
    /// The error rate that is too much whatever the stable version does
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) max_error_rate: Option<f64>,
    /// How much worse than stable the canary may be, in points
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) max_error_gap: Option<f64>,
    /// How many times as many slow requests it may have
    #[arg(long, value_name = "RATIO")]
    pub(super) max_slow_ratio: Option<f64>,
    /// How long a step may last beyond its dwell, such as 15m
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    pub(super) max_extend: Option<f64>,
    /// No step ends before its dwell
    #[arg(long)]
    pub(super) full_dwell: bool,
    /// When the dwell is over without proof: promote or hold
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true)]
    pub(super) on_inconclusive: Option<OnInconclusive>,
}

/// A percentage as a fraction of 1.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
    let number = number.filter(|number| (0.0..=100.0).contains(number));
    number.map(|number| number / 100.0).ok_or_else(|| "write a percentage from 0% to 100%, such as 0.5%".to_owned())
}

/// A time as minutes.
fn minutes(text: &str) -> Result<f64, String> {
    let time = text.parse::<jiff::SignedDuration>().ok().filter(|time| !time.is_negative());
    time.map(|time| time.as_secs_f64() / 60.0).ok_or_else(|| "write a time with its unit, such as 15m".to_owned())
}

/// `explain`
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A code such as SG-A02, or the name of a step; everything if left out
    pub(super) what: Option<String>,
}

/// `completion`
#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// bash, zsh, fish, powershell or elvish
    pub(super) shell: clap_complete::Shell,
}

/// The command line as a value: with the commands in groups, and empty variables unset.
pub fn command() -> clap::Command {
    let command = unset_empty(Args::command());
    let mut text = String::new();
    for (group, names) in GROUPS {
        text.push_str(&format!("{group}:\n"));
        for name in names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about).map(ToString::to_string);
            text.push_str(&format!("  {name:<11} {}\n", about.unwrap_or_default()));
        }
        text.push('\n');
    }
    let template = format!(
        "{{about}}\n\nUsage: {{usage}}\n\n{text}Options:\n{{options}}\n\n\
         TARGET is a name of stagegate.toml, FUNCTION:ALIAS, the ARN of an alias, API/STAGE, or an execute-api URL.\n\
         Every global flag is also a variable, such as STAGEGATE_REGION; an empty variable is unset.\n\
         Exit codes and every SG- code: stagegate explain\n"
    );
    command.help_template(template)
}

/// Actions and scripts pass empty inputs: an empty variable of ours is unset.
fn unset_empty(command: clap::Command) -> clap::Command {
    let empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command.mut_args(|arg| if empty(&arg) { arg.env(Resettable::Reset) } else { arg }).mut_subcommands(unset_empty)
}

/// Reads the arguments.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    Args::from_arg_matches(&matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_group_of_the_help() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let shown = command();
        let shown = shown.get_subcommands().filter(|c| !c.is_hide_set());
        let mut known: Vec<String> = shown.map(|c| c.get_name().to_owned()).collect();
        grouped.sort_unstable();
        known.sort_unstable();
        assert_eq!(grouped, known);
    }

    #[test]
    fn the_declaration_is_sound() {
        command().debug_assert();
    }

    fn promote(words: &[&str]) -> Result<PromoteArgs, clap::Error> {
        let args = ["stagegate", "promote", "prod"].iter().chain(words).map(Into::into);
        parse(args).map(|args| match args.command {
            Command::Promote(args) => args,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_flags_of_a_canary_are_repeated_as_a_shell_reads_them() {
        let repeated = |words: &[&str]| promote(words).unwrap().canary.repeated();
        assert_eq!(repeated(&[]), "");
        assert_eq!(
            repeated(&["--canary", "5% 10m", "--canary-mode", "stage"]),
            " --canary '5% 10m' --canary-mode stage"
        );
        assert_eq!(repeated(&["--preset=LambdaAllAtOnce"]), " --preset LambdaAllAtOnce");
    }

    #[test]
    fn what_cannot_be_meant_together_is_refused() {
        for words in [
            &["--canary", "none", "--preset", "AllAtOnce"][..],
            &["--canary-mode", "none"],
            &["--override-gate", ""],
            &["--override-gate", "  "],
            &["--plan", "plan.json", "--override-gate", "why"],
            &["--until", "promote"],
            &["--until", "alias:5%"],
            &["--until", "canary:0%"],
            &["--until", "canary:100%"],
            &["--plan", "plan.json", "--canary", "none"],
            &["--plan", "plan.json", "--preset", "AllAtOnce"],
            &["--plan", "plan.json", "--canary-mode", "alias"],
        ] {
            let refused = promote(words).expect_err(&words.join(" "));
            assert_eq!(refused.exit_code(), 2, "{words:?}");
        }
    }
}
