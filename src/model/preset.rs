//! The schedules that have a name: those of CodeDeploy's deployment configurations for Lambda.

use std::time::Duration;

use super::schedule::{BAKE_MAX, STEPS_MAX};
use super::{CanaryStep, InvalidName, Percent};

/// The names that CodeDeploy itself has, without its prefixes. Others of the same form are read, too.
pub const PRESETS: &[&str] = &[
    "AllAtOnce",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
];

/// The steps of a preset; none for `AllAtOnce`. `CanaryPPercentMMinutes` is one step of P % for M minutes,
/// `LinearPPercentEveryMMinutes` adds P % every M minutes. The prefixes `CodeDeployDefault.` and `Lambda` may stand
/// before it.
///
/// # Errors
/// It is no preset, or its numbers make no schedule.
pub fn preset(name: &str) -> Result<Vec<CanaryStep>, InvalidName> {
    let invalid = |rule| InvalidName { what: "preset", value: name.to_owned(), rule };
    let bare = name.strip_prefix("CodeDeployDefault.").unwrap_or(name);
    let bare = bare.strip_prefix("Lambda").unwrap_or(bare);
    if bare == "AllAtOnce" {
        return Ok(Vec::new());
    }
    let linear = bare.starts_with("Linear");
    let (percent, minutes) = numbers(bare).ok_or_else(|| {
        invalid("must be AllAtOnce, Canary10Percent5Minutes or Linear10PercentEvery1Minute, also with other numbers")
    })?;
    let bake = Duration::from_secs(minutes.saturating_mul(60));
    if bake.is_zero() || bake > BAKE_MAX {
        return Err(invalid("must have 1 to 2880 minutes"));
    }
    if !(1..=99).contains(&percent) {
        return Err(invalid("must have 1 to 99 percent"));
    }
    let shares = if linear { (99 / percent) as usize } else { 1 };
    if shares > STEPS_MAX {
        return Err(invalid("must have 5 percent or more: with less it has more than 20 steps"));
    }
    let step = |times| CanaryStep { percent: Percent::whole(percent * times), bake, requests: None };
    Ok((1..).take(shares).map(step).collect())
}

/// Percent and minutes of a name without prefixes.
fn numbers(bare: &str) -> Option<(u32, u64)> {
    let (rest, separator) = match bare.strip_prefix("Linear") {
        Some(rest) => (rest, "PercentEvery"),
        None => (bare.strip_prefix("Canary")?, "Percent"),
    };
    let (percent, minutes) = rest.split_once(separator)?;
    let minutes = minutes.strip_suffix("Minutes").or_else(|| minutes.strip_suffix("Minute"))?;
    let digits = |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(percent) || !digits(minutes) {
        return None;
    }
    Some((percent.parse().ok()?, minutes.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Canary, CanaryMode};

    fn shown(name: &str) -> String {
        Canary { mode: CanaryMode::Alias, steps: preset(name).unwrap(), ..Canary::default() }.to_string()
    }

    #[test]
    fn every_name_of_codedeploy_has_its_schedule() {
        let linear = |bake: &str| (1..=9).map(|n| format!("{n}0% {bake}")).collect::<Vec<_>>().join(", ");
        let wanted = [
            "none".to_owned(),
            "10% 5m".to_owned(),
            "10% 10m".to_owned(),
            "10% 15m".to_owned(),
            "10% 30m".to_owned(),
            linear("1m"),
            linear("2m"),
            linear("3m"),
            linear("10m"),
        ];
        for (name, wanted) in PRESETS.iter().zip(&wanted) {
            for prefix in ["", "Lambda", "CodeDeployDefault.", "CodeDeployDefault.Lambda"] {
                assert_eq!(shown(&format!("{prefix}{name}")), *wanted, "{prefix}{name}");
            }
        }
        assert_eq!(PRESETS.len(), wanted.len());
    }

    #[test]
    fn other_numbers_make_other_schedules_and_never_reach_100_percent() {
        assert_eq!(shown("Canary25Percent90Minutes"), "25% 1h30m");
        assert_eq!(shown("Linear40PercentEvery1Minutes"), "40% 1m, 80% 1m");
        assert_eq!(shown("Linear50PercentEvery1Minute"), "50% 1m");
        assert_eq!(preset("Linear5PercentEvery2880Minutes").unwrap().len(), 19);
        for percent in 5..=99 {
            let steps = preset(&format!("Linear{percent}PercentEvery1Minute")).unwrap();
            assert!(steps.iter().all(|step| step.percent < Percent::ALL), "{percent}");
        }
    }

    #[test]
    fn what_is_no_preset_says_which_part_is_wrong() {
        for (name, rule) in [
            ("Canary0Percent5Minutes", "1 to 99 percent"),
            ("Canary100Percent5Minutes", "1 to 99 percent"),
            ("Canary10Percent0Minutes", "1 to 2880 minutes"),
            ("Canary10Percent2881Minutes", "1 to 2880 minutes"),
            ("Linear4PercentEvery1Minute", "5 percent or more"),
            ("Canary10PercentEvery5Minutes", "must be AllAtOnce"),
            ("Linear10Percent5Minutes", "must be AllAtOnce"),
            ("Canary+1Percent5Minutes", "must be AllAtOnce"),
            ("Canary10Percent5Hours", "must be AllAtOnce"),
            ("Canary10Percent99999999999Minutes", "must be AllAtOnce"),
            ("CodeDeployDefault.ECSAllAtOnce", "must be AllAtOnce"),
            ("", "must be AllAtOnce"),
        ] {
            let error = preset(name).unwrap_err();
            assert!(error.rule.contains(rule), "{name}: {error}");
        }
    }
}
