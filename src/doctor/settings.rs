//! Whether a stage is set as the configuration says.

use super::{Finding, Repair};
use crate::aws::noun::{MethodSettings, Stage, StageKind};
use crate::model::{StageRef, Target, WantedStage};
use crate::problem::Code;

/// What the configuration expects and the stage does not have.
pub fn findings(target: &Target, stage_ref: &StageRef, stage: &Stage, repair: &Repair) -> Vec<Finding> {
    let wanted = &target.stage_settings;
    let mut found: Vec<Finding> = variables(target, stage_ref, stage, repair).into_iter().collect();
    for (key, method) in &stage.settings.methods {
        found.extend(methods(wanted, (key, method), stage_ref, stage, repair));
    }
    if !stage.settings.methods.contains_key(MethodSettings::ALL) {
        let unset = MethodSettings::default();
        found.extend(methods(wanted, (MethodSettings::ALL, &unset), stage_ref, stage, repair));
    }
    found.extend(whole(wanted, stage_ref, stage, repair));
    found
}

/// The variables that a release or the configuration sets.
fn variables(target: &Target, stage_ref: &StageRef, stage: &Stage, repair: &Repair) -> Option<Finding> {
    let mut wanted = target.stage_settings.variables.clone();
    wanted.extend(target.variables.clone());
    if let Some(name) = &target.alias_variable {
        wanted.insert(name.clone(), target.alias.to_string());
    }
    let wrong: Vec<(&str, &str)> = wanted
        .iter()
        .filter(|(name, value)| stage.variables.get(*name) != Some(*value))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let is = |name: &str| stage.variables.get(name).map_or("(unset)", String::as_str);
    let lines: Vec<String> =
        wrong.iter().map(|(name, value)| format!("variable {name} is {}, config says {value}", is(name))).collect();
    let what = match lines.as_slice() {
        [] => return None,
        [one] => one.clone(),
        several => format!("{} variables are not as the configuration says", several.len()),
    };
    let details = if lines.len() > 1 { lines } else { Vec::new() };
    let finding = Finding::new(Code::SettingsApart, stage_ref, what).details(details);
    Some(finding.fix(repair.set_variables(stage_ref, &stage.kind, &wrong)))
}

fn on(yes: bool) -> &'static str {
    if yes { "on" } else { "off" }
}

/// One setting that is not as it should be: its name, what it is, what it should be, and the patch path of a REST API.
type Wrong = (&'static str, String, String, &'static str);

fn methods(
    wanted: &WantedStage,
    (key, method): (&str, &MethodSettings),
    stage_ref: &StageRef,
    stage: &Stage,
    repair: &Repair,
) -> Vec<Finding> {
    let rest = stage.kind.is_rest();
    let mut wrong: Vec<Wrong> = Vec::new();
    let mut check = |name, is: String, want: Option<String>, path| {
        if let Some(want) = want.filter(|want| *want != is) {
            wrong.push((name, is, want, path));
        }
    };
    // An HTTP API has no execution logs.
    if rest {
        let is = method.log_level.clone().unwrap_or_else(|| "OFF".into());
        check("logging", is, wanted.logging.map(|level| level.to_string()), "logging/loglevel");
    }
    if rest || key == MethodSettings::ALL {
        check("metrics", on(method.metrics).into(), wanted.metrics.map(|yes| on(yes).into()), "metrics/enabled");
    }
    // A route of an HTTP API that sets no throttle of its own has that of all routes.
    let throttle = wanted.throttle.filter(|_| key == MethodSettings::ALL || method.throttling_rate.is_some());
    let none = || "the account's".to_owned();
    let rate = method.throttling_rate.map_or_else(none, |rate| rate.to_string());
    check("throttle rate", rate, throttle.map(|throttle| throttle.rate.to_string()), "throttling/rateLimit");
    let burst = method.throttling_burst.map_or_else(none, |burst| burst.to_string());
    check("throttle burst", burst, throttle.map(|throttle| throttle.burst.to_string()), "throttling/burstLimit");
    let place = compare_place(key);
    let finding = |(name, is, want, path): Wrong| {
        let what = format!("{place}{name} is {is}, config says {want}");
        let value = match want.as_str() {
            "on" => "true",
            "off" => "false",
            other => other,
        };
        let patch = format!("op=replace,path=/{key}/{path},value={value}");
        let fix = match &stage.kind {
            StageKind::Rest => repair.patch(stage_ref.api.as_str(), stage_ref.stage.as_str(), &[patch]),
            StageKind::Http { .. } => repair.aws(&format!(
                "apigatewayv2 update-stage --api-id {} --stage-name '{}' {}",
                stage_ref.api,
                stage_ref.stage,
                http_flag(key, name, value)
            )),
        };
        Finding::new(Code::SettingsApart, stage_ref, what).fix(fix)
    };
    wrong.into_iter().map(finding).collect()
}

fn http_flag(key: &str, name: &str, value: &str) -> String {
    let field = match name {
        "metrics" => "DetailedMetricsEnabled",
        "throttle rate" => "ThrottlingRateLimit",
        _ => "ThrottlingBurstLimit",
    };
    match key {
        MethodSettings::ALL => format!("--default-route-settings {field}={value}"),
        key => format!("--route-settings '{{\"{key}\": {{\"{field}\": {value}}}}}'"),
    }
}

/// `GET /orders: ` for a method of its own settings, nothing for all of them.
fn compare_place(key: &str) -> String {
    match key {
        MethodSettings::ALL => String::new(),
        key => format!("{}: ", crate::compare::method_name(key)),
    }
}

/// What holds for the whole stage.
fn whole(wanted: &WantedStage, stage_ref: &StageRef, stage: &Stage, repair: &Repair) -> Vec<Finding> {
    let settings = &stage.settings;
    let has_log = settings.access_log.as_ref().is_some_and(|log| log.destination.is_some());
    let mut found = Vec::new();
    let mut check = |name: &str, is: bool, want: Option<bool>, fix: Option<String>| {
        if let Some(want) = want.filter(|want| *want != is) {
            let what = format!("{name} is {}, config says {}", on(is), on(want));
            let finding = Finding::new(Code::SettingsApart, stage_ref, what);
            found.push(fix.into_iter().fold(finding, Finding::fix));
        }
    };
    let patch = |path: &str, want: Option<bool>| {
        let patch = format!("op=replace,path={path},value={}", want.unwrap_or_default());
        repair.patch(stage_ref.api.as_str(), stage_ref.stage.as_str(), &[patch])
    };
    if stage.kind.is_rest() {
        check("tracing", settings.tracing, wanted.tracing, Some(patch("/tracingEnabled", wanted.tracing)));
        check("cache", stage.cache_enabled, wanted.cache, Some(patch("/cacheClusterEnabled", wanted.cache)));
    }
    check("access log", has_log, wanted.access_log, None);
    found
}
