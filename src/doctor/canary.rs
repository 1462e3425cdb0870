//! Whether a canary of the stage or weights of an alias change a part of the answers, and whether anybody runs them.

use jiff::Timestamp;

use super::{ApiFacts, Finding, ObservedAlias, Repair};
use crate::aws::noun::StageCanary;
use crate::model::{Percent, Record, StageRef};
use crate::plan::ObservedStage;
use crate::problem::{Code, Level};

/// Where answers are split.
pub struct Split<'a> {
    /// The stage.
    pub observed: &'a ObservedStage,
    /// Its API: what its canary serves is there.
    pub api: &'a ApiFacts,
    /// The aliases that it calls.
    pub aliases: &'a [&'a ObservedAlias],
    /// The time: a release that is overdue runs nothing any more.
    pub now: Timestamp,
}

/// The share of requests that do not get the stage's own deployment with the alias's own version, percent: a request
/// goes through both splits, one after the other.
pub fn off_the_path(stage_percent: f64, alias_weight: f64) -> f64 {
    100.0 * (1.0 - (1.0 - stage_percent / 100.0) * (1.0 - alias_weight))
}

/// A percentage as people write it.
pub fn percent(value: f64) -> String {
    let text = format!("{value:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What is split, in few words: `none`, `10%`.
pub fn summary(canary: Option<&StageCanary>, aliases: &[&ObservedAlias]) -> String {
    let weights = aliases.iter().filter_map(|alias| alias.split()).map(|(_, weight)| weight);
    match (canary, weights.fold(0.0, f64::max)) {
        (None, 0.0) => "none".into(),
        (canary, weight) => percent(off_the_path(canary.map_or(0.0, |canary| canary.percent), weight)),
    }
}

/// Weights of an alias, and who runs them.
pub fn of_alias(alias: &ObservedAlias, now: Timestamp, repair: &Repair) -> Option<Finding> {
    let (version, weight) = alias.split()?;
    let existing = alias.found.as_ref()?;
    let name = alias.name();
    let share = Percent::of_share(weight).percent();
    let details =
        vec![format!("{} {} / v{version} {}", existing.version.label(), percent(100.0 - share), percent(share))];
    let agrees = |record: &Record| record.agrees_with(existing.version, &existing.weights);
    if let Some(record) = alias.release().filter(agrees) {
        return Some(running(name, &record, now, details, repair));
    }
    let what = format!("v{version} answers {} of calls, and no release runs that", percent(share));
    Some(
        Finding::new(Code::CanaryLeft, &name, what)
            .details(details)
            .fix(repair.stagegate(&format!("canary clear {name}")))
            .fix(format!("or {}", repair.stagegate(&format!("canary promote {name}")))),
    )
}

impl Split<'_> {
    fn stage(&self) -> &StageRef {
        &self.observed.stage_ref
    }

    fn canary(&self) -> Option<&StageCanary> {
        self.observed.stage.canary.as_ref()
    }

    /// The release that runs the stage's canary.
    fn runs_stage(&self) -> Option<Record> {
        let ours = |record: &Record| {
            record.stage_canary && record.stage.as_ref().is_some_and(|recorded| recorded.stage == *self.stage())
        };
        self.aliases.iter().filter_map(|alias| alias.release()).find(ours)
    }

    /// What is split and by whom.
    pub fn findings(&self, repair: &Repair) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.of_stage(repair).into_iter().collect();
        found.extend(self.aliases.iter().filter_map(|alias| of_alias(alias, self.now, repair)));
        found
    }

    fn of_stage(&self, repair: &Repair) -> Option<Finding> {
        let canary = self.canary()?;
        let stage = self.stage();
        let serves = canary.deployment.as_deref().unwrap_or(&self.observed.deployment.id);
        let trial = self.api.trials.get(&stage.stage);
        let made = trial.and_then(|trial| trial.created).map_or_else(String::new, |at| format!(" of {at:.0}"));
        let mut details = vec![format!("{} of requests → deployment {serves}{made}", percent(canary.percent))];
        details.extend(canary.overrides.iter().map(|(name, value)| format!("there variable {name} = {value}")));
        if let Some(record) = self.runs_stage() {
            return Some(running(stage.to_string(), &record, self.now, details, repair));
        }
        let what = match canary.percent > 0.0 {
            true => format!("a canary answers {} of requests, and no release runs it", percent(canary.percent)),
            false => "a canary at 0% is still attached: the stage refuses a new deployment".into(),
        };
        let name = super::repair::quoted(&stage.to_string());
        let level = if canary.percent > 0.0 { Level::Error } else { Level::Warning };
        Some(
            Finding::new(Code::CanaryLeft, stage, what)
                .level(level)
                .details(details)
                .fix(repair.stagegate(&format!("canary clear {name}")))
                .fix(format!("or {}", repair.stagegate(&format!("canary promote {name}")))),
        )
    }

    /// The combined share, when both split.
    pub fn together(&self) -> Option<String> {
        let percent_of_stage = self.canary().map(|canary| canary.percent).filter(|percent| *percent > 0.0)?;
        let (alias, (_, weight)) = self
            .aliases
            .iter()
            .filter_map(|alias| Some((alias, alias.split()?)))
            .max_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
        let existing = alias.found.as_ref()?;
        let off = percent(off_the_path(percent_of_stage, weight));
        Some(format!(
            "together {off} of requests do not get {}'s snapshot with {}",
            self.stage().stage,
            existing.version.label()
        ))
    }
}

/// A split that a release runs is no fault, unless the release is overdue.
fn running(subject: String, record: &Record, now: Timestamp, details: Vec<String>, repair: &Repair) -> Finding {
    let overdue = record.expires.is_some_and(|end| end < now);
    let run = &record.run;
    if !overdue {
        let what = format!("release {run} is under way");
        return Finding::new(Code::StillInFlight, subject, what).details(details);
    }
    let what = format!("release {run} split the answers and is overdue: it seems to have died");
    let place = super::repair::quoted(&subject);
    Finding::new(Code::LockExpired, &subject, what)
        .level(Level::Error)
        .details(details)
        .fix(repair.stagegate(&format!("rollback {place}")))
        .fix(format!("or {}", repair.stagegate(&format!("resume {place}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_splits_one_after_the_other_multiply() {
        assert!((off_the_path(10.0, 0.1) - 19.0).abs() < 1e-9);
        assert!((off_the_path(0.0, 0.1) - 10.0).abs() < 1e-9);
        assert!((off_the_path(100.0, 0.0) - 100.0).abs() < 1e-9);
        assert_eq!(percent(19.000_000_01), "19%");
        assert_eq!(percent(0.5), "0.5%");
        assert_eq!(percent(100.0), "100%");
    }
}
