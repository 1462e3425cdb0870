//! The flags of `gate`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::gate::OnInconclusive;

/// `gate`
#[derive(Debug, clap::Args)]
pub struct GateArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: GateCommand,
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
    pub(in crate::cli) false_rollbacks: Option<f64>,
    /// The error rate that is too much whatever the stable version does
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(in crate::cli) max_error_rate: Option<f64>,
    /// How much worse than stable the canary may be, in points
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(in crate::cli) max_error_gap: Option<f64>,
    /// How many times as many slow requests it may have
    #[arg(long, value_name = "RATIO")]
    pub(in crate::cli) max_slow_ratio: Option<f64>,
    /// How long a step may last beyond its dwell, such as 15m
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    pub(in crate::cli) max_extend: Option<f64>,
    /// No step ends before its dwell
    #[arg(long)]
    pub(in crate::cli) full_dwell: bool,
    /// When the dwell is over without proof: promote or hold
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true)]
    pub(in crate::cli) on_inconclusive: Option<OnInconclusive>,
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
