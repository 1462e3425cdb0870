//! The flags of the commands that look at releases and versions.

use std::path::PathBuf;
use std::time::Duration;

use super::UNNAMED;
use crate::logs::{LINES_MAX, SINCE_MAX};
use crate::model::{RunId, schedule};

/// `status`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate status prod\n  stagegate status prod --watch              # until nothing is in flight\n  stagegate status prod --wait --timeout 2h  # the exit code says how it ended"
)]
#[command(group = clap::ArgGroup::new("about_release").args(["wait", "html"]))]
pub struct StatusArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or a URL [default: the only one of the file, or a choice]
    #[arg(value_name = "TARGET", default_value = UNNAMED, hide_default_value = true)]
    pub(in crate::cli) target: String,
    /// Look again and again, until nothing is in flight
    #[arg(long, conflicts_with = "wait")]
    pub(in crate::cli) watch: bool,
    /// Wait for the release to end: exit 0 promoted, 5 rolled back, 6 in between, 8 still in flight
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// How long to wait at most, such as 30m
    #[arg(long, value_name = "TIME", default_value = "30m", requires = "wait", value_parser = timeout)]
    pub(in crate::cli) timeout: Duration,
    /// Write a release as a page to look at: timeline, metrics, every write
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch", "wait"])]
    pub(in crate::cli) html: Option<PathBuf>,
    /// The release that is waited for [default: the one in flight], or of the page [default: the newest]
    #[arg(long, value_name = "ID", requires = "about_release")]
    pub(in crate::cli) release: Option<RunId>,
}

/// `history`
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or a URL [default: the only one of the file, or a choice]
    #[arg(value_name = "TARGET", default_value = UNNAMED, hide_default_value = true)]
    pub(in crate::cli) target: String,
}

/// `versions`
#[derive(Debug, clap::Args)]
pub struct VersionsArgs {
    /// The function; with an alias behind it, the function of that alias
    pub(in crate::cli) function: String,
    /// How many, the newest ones [default: 20; with --json all]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(in crate::cli) limit: Option<usize>,
}

/// `logs`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate logs prod    # of the version on trial, or of what serves\n  stagegate logs checkout-api:live --version 42 --since 1h"
)]
pub struct LogsArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS, API/STAGE or a URL
    pub(in crate::cli) target: String,
    /// The version [default: the one on trial, else the one that was rolled back from, else what serves]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) version: Option<u64>,
    /// From how long ago, such as 10m; at most 7 days
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = since)]
    pub(in crate::cli) since: Duration,
    /// How many lines of a function at most, the newest ones
    #[arg(long, value_name = "N", default_value = "500", value_parser = lines)]
    pub(in crate::cli) limit: usize,
}

fn timeout(text: &str) -> Result<Duration, String> {
    schedule::duration(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "write a time in h, m or s, such as 30m".into())
}

fn since(text: &str) -> Result<Duration, String> {
    let known = schedule::duration(text).filter(|time| !time.is_zero() && *time <= SINCE_MAX);
    known.ok_or_else(|| "write a time in h, m or s, such as 10m, at most 168h".into())
}

fn lines(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=LINES_MAX).contains(number));
    number.ok_or_else(|| format!("a number from 1 to {LINES_MAX}"))
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1 on".into())
}
