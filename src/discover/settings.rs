//! Which settings of a stage are worth guarding: what somebody has switched on.

use crate::aws::noun::{MethodSettings, Stage};
use crate::model::{LogLevel, Throttle, WantedStage};

/// The largest rate and burst that the file takes.
const THROTTLE_MAX: f64 = 1_000_000.0;

/// What the stage is set to, as the file says it. What is off, or not the same for every method, is left out: the first
/// `drift` would complain of what nobody meant.
pub fn guarded(stage: &Stage) -> WantedStage {
    let (settings, rest) = (&stage.settings, stage.kind.is_rest());
    let Some(all) = settings.methods.get(MethodSettings::ALL) else {
        return WantedStage { access_log: logs(stage), ..for_whole(stage) };
    };
    let same = |is: &dyn Fn(&MethodSettings) -> bool| settings.methods.values().all(is);
    let level = all.log_level.as_deref().and_then(level).filter(|_| rest);
    let metrics = all.metrics && same(&|method| method.metrics);
    WantedStage {
        logging: level.filter(|_| same(&|method| method.log_level == all.log_level)),
        metrics: metrics.then_some(true),
        throttle: throttle(all).filter(|throttle| {
            same(&|method| (!rest && method.throttling_rate.is_none()) || self::throttle(method) == Some(*throttle))
        }),
        access_log: logs(stage),
        ..for_whole(stage)
    }
}

fn for_whole(stage: &Stage) -> WantedStage {
    let rest = stage.kind.is_rest();
    WantedStage {
        tracing: (rest && stage.settings.tracing).then_some(true),
        cache: (rest && stage.cache_enabled).then_some(true),
        ..WantedStage::default()
    }
}

fn logs(stage: &Stage) -> Option<bool> {
    stage.settings.access_log.as_ref().and_then(|log| log.destination.as_ref()).map(|_| true)
}

fn level(text: &str) -> Option<LogLevel> {
    [LogLevel::Error, LogLevel::Info].into_iter().find(|level| level.to_string() == text)
}

/// A throttle of its own: rate and burst, both whole.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within the range")]
fn throttle(method: &MethodSettings) -> Option<Throttle> {
    let whole = |rate: &f64| rate.fract() == 0.0 && (0.0..=THROTTLE_MAX).contains(rate);
    let rate = method.throttling_rate.filter(whole)?;
    let burst = u64::try_from(method.throttling_burst?).ok().filter(|burst| *burst <= THROTTLE_MAX as u64)?;
    Some(Throttle { rate: rate as u64, burst })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::noun::{AccessLog, StageKind};
    use crate::doctor::{Repair, settings};
    use crate::model::Target;

    fn method(rate: Option<f64>) -> MethodSettings {
        MethodSettings {
            metrics: true,
            log_level: Some("ERROR".into()),
            throttling_rate: rate,
            throttling_burst: Some(20),
            ..MethodSettings::default()
        }
    }

    fn stage(kind: StageKind, own: Option<MethodSettings>) -> Stage {
        let mut stage = Stage { kind, cache_enabled: true, ..Stage::default() };
        stage.settings.tracing = true;
        stage.settings.access_log = Some(AccessLog { destination: Some("arn:log".into()), format: None });
        stage.settings.methods.insert(MethodSettings::ALL.into(), method(Some(10.0)));
        stage.settings.methods.extend(own.map(|own| ("/pets/GET".to_owned(), own)));
        stage
    }

    #[test]
    fn what_is_written_down_is_no_finding_of_the_next_drift() {
        let http = || StageKind::Http { auto_deploy: false, last_deployment: None };
        let quiet = MethodSettings::default();
        for (kind, own) in [
            (StageKind::Rest, None),
            (StageKind::Rest, Some(method(Some(10.0)))),
            (StageKind::Rest, Some(method(Some(5.5)))),
            (StageKind::Rest, Some(quiet.clone())),
            (http(), None),
            (http(), Some(quiet)),
            (http(), Some(method(Some(5.0)))),
        ] {
            let stage = stage(kind, own);
            let mut target = Target::of_alias("pets".parse().unwrap(), "live".parse().unwrap());
            target.stage_settings = guarded(&stage);
            let place = "a1b2c3d4e5/prod".parse().unwrap();
            let found = settings::findings(&target, &place, &stage, &Repair::default());
            assert!(found.is_empty(), "{found:?}");
        }
        let all = guarded(&stage(StageKind::Rest, None));
        assert_eq!((all.logging, all.throttle), (Some(LogLevel::Error), Some(Throttle { rate: 10, burst: 20 })));
        assert_eq!(guarded(&Stage::default()), WantedStage::default());
    }
}
