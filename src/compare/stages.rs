//! Two stages: the definitions that they serve, and what each does besides.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Comparison, DIFF_SCHEMA, Section, values};
use crate::aws::noun::{Deployment, MethodSettings, Stage};
use crate::definition::diff::Difference;
use crate::definition::{self, Side};
use crate::model::StageRef;

/// A stage with what it serves.
#[derive(Debug, Clone)]
pub struct ServedStage {
    /// Which.
    pub stage_ref: StageRef,
    /// Its settings.
    pub stage: Stage,
    /// Its deployment.
    pub deployment: Deployment,
    /// The export of what it serves; not needed when both stages serve one deployment, or fingerprints are equal.
    pub export: Option<Value>,
}

impl ServedStage {
    /// Whether two stages are known to serve the same without looking at exports.
    pub fn serves_as(&self, other: &Self) -> bool {
        let same_api = self.stage_ref.api == other.stage_ref.api;
        // Stages that deploy themselves serve what is live.
        let by_itself = self.stage.kind.is_auto_deployed() && other.stage.kind.is_auto_deployed();
        let same_deployment = !self.deployment.id.is_empty() && self.deployment.id == other.deployment.id;
        same_api && (by_itself || same_deployment) || self.side().is_proven_equal(&other.side())
    }

    fn side(&self) -> Side {
        Side::deployed(&self.stage.kind, &self.deployment.description, self.export.as_ref())
    }
}

/// Compares what two stages of one API or of two serve, and their settings.
pub fn stages(a: &ServedStage, b: &ServedStage, region: &str) -> Comparison {
    let drift = if a.serves_as(b) { definition::Drift::default() } else { definition::drift(&a.side(), &b.side()) };
    let describe = |one: &ServedStage| match one.deployment.id.as_str() {
        "" if one.stage.kind.is_auto_deployed() => format!("{} · deploys itself", one.stage_ref),
        "" => format!("{} · never deployed", one.stage_ref),
        id => format!("{} · deployment {id}", one.stage_ref),
    };
    Comparison {
        schema: DIFF_SCHEMA,
        region: region.to_owned(),
        a: describe(a),
        b: describe(b),
        sections: vec![
            Section { name: "definition", differences: drift.differences },
            Section { name: "settings", differences: settings(&a.stage, &b.stage) },
        ],
        unseen: drift.unseen,
    }
}

fn settings(a: &Stage, b: &Stage) -> Vec<Difference> {
    let keys: BTreeSet<&str> = a.settings.methods.keys().chain(b.settings.methods.keys()).map(String::as_str).collect();
    values(&flat(a, &keys), &flat(b, &keys))
}

/// What two stages do besides serving a deployment with variables and a canary: logs, throttles, caches.
pub fn behaviour(a: &Stage, b: &Stage) -> Vec<Difference> {
    let keys: BTreeSet<&str> = a.settings.methods.keys().chain(b.settings.methods.keys()).map(String::as_str).collect();
    values(&behaves(a, &keys), &behaves(b, &keys))
}

/// Everything of a stage but its deployment, by name.
fn flat(stage: &Stage, keys: &BTreeSet<&str>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        stage.variables.iter().map(|(name, value)| (format!("variable {name}"), value.clone())).collect();
    let mut put = |name: &str, value: String| all.push((name.to_owned(), value));
    if let Some(canary) = &stage.canary {
        put("canary", format!("{} % of requests", canary.percent));
        put("canary deployment", canary.deployment.clone().unwrap_or_default());
        put("canary cache", if canary.use_stage_cache { "the stage's" } else { "its own" }.to_owned());
        for (name, value) in &canary.overrides {
            put(&format!("canary variable {name}"), value.clone());
        }
    }
    all.extend(behaves(stage, keys));
    all
}

fn behaves(stage: &Stage, keys: &BTreeSet<&str>) -> Vec<(String, String)> {
    let (settings, mut all) = (&stage.settings, Vec::new());
    let mut put = |name: &str, value: String| all.push((name.to_owned(), value));
    let log = settings.access_log.clone().unwrap_or_default();
    put("access log", log.destination.unwrap_or_default());
    put("access log format", log.format.unwrap_or_default());
    put("tracing", on(settings.tracing));
    put("client certificate", settings.client_certificate.clone().unwrap_or_default());
    put("web ACL", settings.web_acl.clone().unwrap_or_default());
    put("cache cluster", if stage.cache_enabled { cache_size(stage) } else { "off".into() });
    for key in keys {
        // A method without settings of its own has those of all methods.
        let methods = &settings.methods;
        all.extend(of_method(&method_name(key), methods.get(*key).or_else(|| methods.get(MethodSettings::ALL))));
    }
    all
}

fn cache_size(stage: &Stage) -> String {
    stage.settings.cache_cluster_size.as_ref().map_or_else(|| "on".into(), |size| format!("{size} GB"))
}

/// What holds for a method; where nothing is set everything is off, and the account's throttles hold. How a cache works
/// matters where there is one.
fn of_method(place: &str, found: Option<&MethodSettings>) -> Vec<(String, String)> {
    let method = found.cloned().unwrap_or_default();
    let mut named = vec![
        ("metrics", on(method.metrics)),
        ("logging", method.log_level.unwrap_or_else(|| "OFF".into())),
        ("data trace", on(method.data_trace)),
        ("caching", on(method.caching)),
    ];
    named.extend(method.throttling_burst.map(|burst| ("throttle burst", burst.to_string())));
    named.extend(method.throttling_rate.map(|rate| ("throttle rate", format!("{rate}/s"))));
    if method.caching {
        named.push(("cache TTL", format!("{} s", method.cache_ttl_s)));
        named.push(("cache encryption", on(method.cache_encrypted)));
        named.push(("cache invalidation needs authorization", on(method.cache_control_authorized)));
        named.push(("cache invalidation without authorization", method.cache_control_strategy.unwrap_or_default()));
    }
    named.into_iter().map(|(name, value)| (format!("{place}: {name}"), value)).collect()
}

fn on(yes: bool) -> String {
    if yes { "on".into() } else { "off".into() }
}

/// `*/*` → `all methods`, `~1orders~1{id}/GET` → `GET /orders/{id}`.
/// A key of method settings, as people write a route: `GET /orders/{id}`, or `all methods`.
pub fn method_name(key: &str) -> String {
    if key == MethodSettings::ALL {
        return "all methods".into();
    }
    // The key of an HTTP API's route is what people write.
    if key.contains(' ') || key == "$default" {
        return key.to_owned();
    }
    let (path, method) = key.rsplit_once('/').unwrap_or((key, "*"));
    let path = path.replace("~1", "/");
    format!("{method} /{}", path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::aws::noun::StageCanary;

    fn stage() -> Stage {
        Stage {
            deployment: "d1".into(),
            variables: BTreeMap::from([("lambdaAlias".into(), "live".into())]),
            ..Stage::default()
        }
    }

    fn lines(change: impl FnOnce(&mut Stage)) -> Vec<String> {
        let (a, mut b) = (stage(), stage());
        change(&mut b);
        settings(&a, &b).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_setting_of_a_stage_is_compared() {
        assert_eq!(lines(|_| ()), Vec::<String>::new());
        assert_eq!(
            lines(|b| drop(b.variables.insert("lambdaAlias".into(), "beta".into()))),
            ["~ variable lambdaAlias  live → beta"]
        );
        assert_eq!(lines(|b| drop(b.variables.remove("lambdaAlias"))), ["~ variable lambdaAlias  live → none"]);
        assert_eq!(lines(|b| b.settings.tracing = true), ["~ tracing  off → on"]);
        assert_eq!(lines(|b| b.settings.client_certificate = Some("c1".into())), ["~ client certificate  none → c1"]);
        assert_eq!(lines(|b| b.settings.web_acl = Some("arn:waf".into())), ["~ web ACL  none → arn:waf"]);
        assert_eq!(
            lines(|b| (b.cache_enabled, b.settings.cache_cluster_size) = (true, Some("0.5".into()))),
            ["~ cache cluster  off → 0.5 GB"]
        );
        let log = crate::aws::noun::AccessLog { destination: Some("arn:log".into()), format: Some("$context".into()) };
        assert_eq!(
            lines(|b| b.settings.access_log = Some(log)),
            ["~ access log  none → arn:log", "~ access log format  none → $context"]
        );
    }

    #[test]
    fn a_canary_is_a_difference_with_all_it_holds() {
        let canary = StageCanary {
            deployment: Some("d2".into()),
            percent: 10.0,
            overrides: BTreeMap::from([("lambdaAlias".into(), "live-canary".into())]),
            use_stage_cache: false,
        };
        assert_eq!(
            lines(|b| b.canary = Some(canary)),
            [
                "~ canary  none → 10 % of requests",
                "~ canary cache  none → its own",
                "~ canary deployment  none → d2",
                "~ canary variable lambdaAlias  none → live-canary",
            ]
        );
    }

    #[test]
    fn every_setting_of_a_method_is_compared_with_what_holds_for_it() {
        type Edit = fn(&mut MethodSettings);
        let differ = |caching: bool, change: Edit| {
            let all = MethodSettings { caching, ..MethodSettings::default() };
            let mut a = stage();
            a.settings.methods.insert(MethodSettings::ALL.into(), all.clone());
            let (mut b, mut own) = (a.clone(), all);
            change(&mut own);
            b.settings.methods.insert("~1orders~1{id}/GET".into(), own);
            settings(&a, &b).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let cases: [(bool, Edit, &str); 9] = [
            (false, |m| m.metrics = true, "metrics  off → on"),
            (false, |m| m.log_level = Some("ERROR".into()), "logging  OFF → ERROR"),
            (false, |m| m.data_trace = true, "data trace  off → on"),
            (false, |m| m.throttling_burst = Some(50), "throttle burst  none → 50"),
            (false, |m| m.throttling_rate = Some(12.5), "throttle rate  none → 12.5/s"),
            (true, |m| m.cache_ttl_s = 60, "cache TTL  0 s → 60 s"),
            (true, |m| m.cache_encrypted = true, "cache encryption  off → on"),
            (true, |m| m.cache_control_authorized = true, "cache invalidation needs authorization  off → on"),
            (
                true,
                |m| m.cache_control_strategy = Some("FAIL_WITH_403".into()),
                "cache invalidation without authorization  none → FAIL_WITH_403",
            ),
        ];
        for (caching, change, line) in cases {
            assert_eq!(differ(caching, change), [format!("~ GET /orders/{{id}}: {line}")]);
        }
        assert_eq!(differ(true, |_| ()), Vec::<String>::new());
        assert_eq!(differ(false, |m| m.cache_ttl_s = 60), Vec::<String>::new(), "without a cache it has no meaning");
        assert_eq!(differ(false, |m| m.caching = true)[0], "~ GET /orders/{id}: cache TTL  none → 0 s");
    }

    #[test]
    fn settings_that_only_write_defaults_out_are_no_difference_but_for_throttles() {
        let all = MethodSettings {
            log_level: Some("OFF".into()),
            cache_ttl_s: 300,
            throttling_burst: Some(0),
            throttling_rate: Some(0.0),
            ..MethodSettings::default()
        };
        assert_eq!(
            lines(|b| drop(b.settings.methods.insert(MethodSettings::ALL.into(), all))),
            ["~ all methods: throttle burst  none → 0", "~ all methods: throttle rate  none → 0/s"]
        );
    }
}
