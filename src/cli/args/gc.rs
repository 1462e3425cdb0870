//! The flags of `gc`.

use std::time::Duration;

use crate::gc::{KEEP, OLDER_THAN, OLDER_THAN_MIN, Rules};
use crate::model::schedule;

/// `gc`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stagegate gc prod                      # shows what would go and why the rest stays\n  stagegate gc prod --yes\n  stagegate gc prod --keep 20 --older-than 30d --yes\n\nWhat serves, and every way back, is as before in any case, whatever the exit code."
)]
pub struct GcArgs {
    /// Name of stagegate.toml, FUNCTION:ALIAS or API/STAGE
    pub(in crate::cli) target: String,
    /// The newest versions of each function and deployments that stay [default: as the target says, or 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) keep: Option<u32>,
    /// Only what is older, such as 36h or 7d; at least 1h [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(in crate::cli) older_than: Option<Duration>,
    /// Also what somebody else published or deployed
    #[arg(long)]
    pub(in crate::cli) others: bool,
    /// Delete it; not enough for a protected target
    // No variable says so: one that was set for promotions must not delete anything.
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Delete it; NAME is the target's
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) confirm: Option<String>,
}

impl GcArgs {
    /// Whether a flag says that something is to be deleted.
    pub(in crate::cli) const fn acts(&self) -> bool {
        self.yes || self.confirm.is_some()
    }

    /// What stays although nothing refers to it; `keep` is what the target says.
    pub(in crate::cli) fn rules(&self, keep: Option<u32>, now: jiff::Timestamp) -> Rules {
        Rules {
            keep: self.keep.or(keep).unwrap_or(KEEP),
            older_than: self.older_than.unwrap_or(OLDER_THAN),
            others: self.others,
            now,
        }
    }

    /// The flags as a command line repeats them, each with a blank before it.
    pub(in crate::cli) fn repeated(&self) -> String {
        let keep = self.keep.map_or_else(String::new, |keep| format!(" --keep {keep}"));
        let older = self.older_than.map_or_else(String::new, |age| format!(" --older-than {}h", age.as_secs() / 3600));
        format!("{keep}{older}{}", if self.others { " --others" } else { "" })
    }
}

/// `7d`, `36h`, `1d12h`: whole hours, at least [`OLDER_THAN_MIN`].
fn age(text: &str) -> Result<Duration, String> {
    let (days, rest) = text.split_once('d').map_or(("0", text), |(days, rest)| (days, rest));
    let days = days.parse::<u64>().ok().filter(|days| *days <= 36_500).map(|days| Duration::from_secs(days * 86_400));
    let rest = if rest.is_empty() { Some(Duration::ZERO) } else { schedule::duration(rest) };
    match days.zip(rest).map(|(days, rest)| days + rest) {
        Some(age) if age < OLDER_THAN_MIN => {
            Err("at least 1h: a release may have published a version that no alias is on yet".into())
        }
        Some(age) if age.as_secs() % 3600 == 0 => Ok(age),
        _ => Err("a time in days and hours, such as 7d, 36h or 1d12h".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_and_hours_and_never_less_than_one() {
        let hours = |text: &str| age(text).map(|age| age.as_secs() / 3600).ok();
        assert_eq!(["7d", "36h", "1d12h", "1h"].map(hours), [Some(168), Some(36), Some(36), Some(1)]);
        assert_eq!(["0d", "59m", "", "d", "90m", "-1d", "week", "40000d"].map(hours), [None; 8]);
    }
}
