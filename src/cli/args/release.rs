//! The flags of the commands that run a release, hold it, and take it back.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::aws::layers::Pace;
use crate::cli::target::shell_word;
use crate::cli::until::Until;
use crate::config::CanaryFlags;
use crate::engine::OnInterrupt;
use crate::model::{CanaryMode, schedule};
use crate::rollback::Part;

/// What is promoted, and how it is read.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Name of stagegate.toml, or FUNCTION:ALIAS
    pub(in crate::cli) target: String,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
}

/// How AWS is read for a plan.
#[derive(Debug, clap::Args)]
pub struct Reading {
    /// Promote this version instead of publishing $LATEST
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) function_version: Option<u64>,
    /// How long a new permission is left alone, such as 20s
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) permission_settle: Option<String>,
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
    pub(in crate::cli) pace: Pace,
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
    pub(in crate::cli) fn flags(&self) -> CanaryFlags {
        CanaryFlags { steps: self.canary.clone(), preset: self.preset.clone(), mode: self.canary_mode }
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
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
    pub(in crate::cli) override_gate: Option<String>,
}

impl Override {
    /// The flag as a command line repeats it, with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        self.override_gate.as_ref().map_or_else(String::new, |why| format!(" --override-gate {}", shell_word(why)))
    }
}

/// A reason is for people who ask later: a blank one says nothing.
fn reason(text: &str) -> Result<String, String> {
    let text = remark(text);
    if text.is_empty() { Err("say why: the reason is recorded with the release".into()) } else { Ok(text) }
}

/// The longest remark that is kept, in characters.
const REMARK_MAX: usize = 200;

/// What somebody typed, perhaps in a web form, as it may be recorded and shown: one line, bounded, and nothing that moves
/// the cursor, hides, or turns the direction of writing.
fn remark(text: &str) -> String {
    let invisible = |c: char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let shown = text.chars().filter(|c| !invisible(*c)).map(|c| if c.is_control() { ' ' } else { c });
    let words: Vec<String> = shown.collect::<String>().split_whitespace().map(str::to_owned).collect();
    words.join(" ").chars().take(REMARK_MAX).collect::<String>().trim_end().to_owned()
}

/// A version's number, also as it is shown: 40 or v40.
fn version_number(text: &str) -> Result<u64, String> {
    let digits = text.trim().trim_start_matches('v');
    match digits.parse() {
        Ok(number) if number > 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        _ => Err("write a version's number, such as 40".into()),
    }
}

/// At least as long as it takes to read the question.
fn patience(text: &str) -> Result<Duration, String> {
    let time = schedule::duration(text).ok_or("write a time such as 60s or 5m")?;
    if time < Duration::from_secs(5) { Err("at least 5s".into()) } else { Ok(time) }
}

pub(super) fn canary_mode() -> impl clap::builder::TypedValueParser<Value = CanaryMode> {
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
    pub(in crate::cli) source: Source,
    #[command(flatten)]
    pub(in crate::cli) canary: Canary,
    #[command(flatten)]
    pub(in crate::cli) gate: Override,
    /// Write the plan to a file, for promote --plan
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Exit with 3 when there is something to do
    #[arg(long)]
    pub(in crate::cli) detailed_exitcode: bool,
}

/// `promote`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate promote prod                 # shows the plan, then asks\n  stagegate promote checkout-api:live --yes\n  stagegate promote prod --canary \"5% 10m, 25% until 300 req\"\n  stagegate promote prod --confirm prod  # a protected target, without a terminal"
)]
pub struct PromoteArgs {
    #[command(flatten)]
    pub(in crate::cli) source: Source,
    #[command(flatten)]
    pub(in crate::cli) canary: Canary,
    #[command(flatten)]
    pub(in crate::cli) gate: Override,
    /// Stop after this step: publish, smoke, alias, permission, redeploy, canary, or at a share: canary:25%
    #[arg(long, value_name = "STEP[:PERCENT]")]
    pub(in crate::cli) until: Option<Until>,
    /// Do not ask; not enough for a protected target
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) yes: bool,
    /// Do not ask; NAME is the target's
    #[arg(long, value_name = "NAME", env = "STAGEGATE_CONFIRM", hide_env = true)]
    pub(in crate::cli) confirm: Option<String>,
    /// What a signal does after the first write: rollback or hold [default: as the target says, or rollback]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        env = "STAGEGATE_ON_INTERRUPT",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(in crate::cli) on_interrupt: Option<OnInterrupt>,
    /// How long a question during the release waits for its answer [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = patience, env = "STAGEGATE_PROMPT_TIMEOUT", hide_env = true)]
    pub(in crate::cli) prompt_timeout: Option<Duration>,
    /// Carry out exactly this plan, or refuse
    #[arg(long, value_name = "FILE", conflicts_with_all = ["function_version", "canary", "preset", "canary_mode", "override_gate"])]
    pub(in crate::cli) plan: Option<PathBuf>,
    /// Refuse unless the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) expect_plan: Option<String>,
}

/// `resume`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate resume prod                  # by the journal here, or AWS's records\n  stagegate resume prod --once           # one look, for cron: exit 8 while it bakes\n  stagegate resume checkout-api:live --canary \"5% 10m, 25% 10m\"   # without the file"
)]
pub struct ResumeArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS or API/STAGE
    pub(in crate::cli) target: String,
    /// Look once, act at most once, exit with 8 while it bakes; never goes past a pause
    #[arg(long, conflicts_with_all = ["finish", "undo"])]
    pub(in crate::cli) once: bool,
    /// Do not wait for the rest of the steps, unless the gate finds the version worse
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) finish: bool,
    /// Undo it instead
    #[arg(long)]
    pub(in crate::cli) undo: bool,
    /// Nothing in flight is no mistake
    #[arg(long)]
    pub(in crate::cli) if_in_flight: bool,
    #[command(flatten)]
    pub(in crate::cli) canary: Canary,
    /// Stop after this step: redeploy, canary, or at a share: canary:25%
    #[arg(long, value_name = "STEP[:PERCENT]", conflicts_with_all = ["once", "undo", "finish"])]
    pub(in crate::cli) until: Option<Until>,
    /// What a signal does after the first write: rollback or hold [default: as the target says, or rollback]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        env = "STAGEGATE_ON_INTERRUPT",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(in crate::cli) on_interrupt: Option<OnInterrupt>,
    /// How long a question during the release waits for its answer [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = patience, env = "STAGEGATE_PROMPT_TIMEOUT", hide_env = true)]
    pub(in crate::cli) prompt_timeout: Option<Duration>,
}

/// `pause`
#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or a URL
    pub(in crate::cli) target: String,
}

/// `settle`
#[derive(Debug, clap::Args)]
pub struct SettleArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS or API/STAGE
    pub(in crate::cli) target: String,
    /// The release that the job ran, or the number of the GitHub run; empty = whichever is unfinished
    #[arg(long, value_name = "ID", default_value = "")]
    pub(in crate::cli) run: String,
    /// What is done with it: rollback or hold [default: as the target says, or rollback]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        env = "STAGEGATE_ON_INTERRUPT",
        hide_env = true,
        hide_possible_values = true
    )]
    pub(in crate::cli) on_interrupt: Option<OnInterrupt>,
}

/// `rollback`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate rollback checkout-api:live        # needs no file, from any machine\n  stagegate rollback a1b2c3d4e5/prod --yes\n  stagegate rollback checkout-api:live --to 40"
)]
pub struct RollbackArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or a URL
    pub(in crate::cli) target: String,
    /// The version to go back to
    #[arg(long, value_name = "N", value_parser = version_number, env = "STAGEGATE_TO", hide_env = true)]
    pub(in crate::cli) to: Option<u64>,
    /// Why, in one line: kept in the journal and shown by history
    #[arg(long, value_name = "TEXT", value_parser = |text: &str| Ok::<_, String>(remark(text)), env = "STAGEGATE_REASON", hide_env = true)]
    reason: Option<String>,
    /// Leave the stage as it is
    #[arg(long, conflicts_with = "stage_only")]
    pub(in crate::cli) alias_only: bool,
    /// Leave the aliases as they are
    #[arg(long)]
    pub(in crate::cli) stage_only: bool,
    /// Where nothing is recorded, look in CloudTrail for what served before
    #[arg(long)]
    pub(in crate::cli) search_history: bool,
    /// Do not ask
    #[arg(short, long, env = "STAGEGATE_YES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) yes: bool,
    /// Nobody has said anything against the version that serves.
    #[arg(skip)]
    pub(in crate::cli) blames_nobody: bool,
}

impl RollbackArgs {
    /// What of the release goes back.
    pub(in crate::cli) const fn part(&self) -> Part {
        match (self.alias_only, self.stage_only) {
            (true, _) => Part::Aliases,
            (_, true) => Part::Stage,
            (false, false) => Part::All,
        }
    }

    /// The flags that a printed command repeats, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        let to = self.to.map_or_else(String::new, |n| format!(" --to {n}"));
        let history = if self.search_history { " --search-history" } else { "" };
        let reason = self.reason().map_or_else(String::new, |why| format!(" --reason {}", shell_word(why)));
        format!("{to}{}{history}{reason}", self.scope())
    }

    /// Why; a blank reason is none.
    pub(in crate::cli) fn reason(&self) -> Option<&str> {
        self.reason.as_deref().filter(|why| !why.is_empty())
    }

    /// The arguments of a rollback that asks nobody, and says nothing against the version that it goes back from.
    pub(in crate::cli) fn at_once(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            to: None,
            reason: None,
            alias_only: false,
            stage_only: false,
            search_history: false,
            yes: true,
            blames_nobody: true,
        }
    }

    /// The flag that says what goes back, with a blank before it; nothing for all of it.
    pub(in crate::cli) const fn scope(&self) -> &'static str {
        match self.part() {
            Part::All => "",
            Part::Aliases => " --alias-only",
            Part::Stage => " --stage-only",
        }
    }
}
