//! The adapter against an AWS that another program set up: what a canary reads, asks and patches.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use stagegate::aws::live::Live;
use stagegate::aws::noun::{AlarmValue, DeploymentStatus, MetricQuery, Patch, Stage, StageKind};
use stagegate::aws::operation::{
    CreateHttpDeployment, DescribeAlarms, GetApi, GetHttpDeployment, GetHttpDeployments, GetIntegrations,
    GetMetricData, GetRestApis, GetRoutes, GetStage, Invoke, InvokeStage, UpdateStage,
};
use stagegate::aws::{AwsError, AwsExt, Remedy, Request, gateway};
use stagegate::model::{ApiId, StageName, StageRef, Version};

use crate::support::account::Account;
use crate::support::account_setup::{ALIAS_VARIABLE, marker_handler};
use crate::support::emulator::{Emulator, REGION};

const FUNCTION: &str = "pets";

/// An account, and stagegate's own access to it.
struct Bench {
    account: Account,
    live: Live,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new(emulator: &'static Emulator, name: &str) -> Self {
        let account = emulator.account(name);
        let live = Live::with_static(&account.id, "test", REGION, &emulator.endpoint());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { account, live, runtime }
    }

    fn send<R: Request>(&self, request: R) -> Result<R::Reply, AwsError> {
        self.runtime.block_on(self.live.send(request))
    }

    /// Two versions behind the aliases `live` and `live-canary`, and a REST API whose stage `prod` calls `live`.
    fn shop(emulator: &'static Emulator, name: &str) -> (Self, ApiId) {
        let this = Self::new(emulator, name);
        let account = &this.account;
        account.create_function(FUNCTION, &marker_handler("one"));
        account.publish_version(FUNCTION);
        account.update_code(FUNCTION, &marker_handler("two"));
        account.publish_version(FUNCTION);
        let api = account.create_rest_api("shop", FUNCTION);
        for (alias, version) in [("live", "1"), ("live-canary", "2")] {
            account.create_alias(FUNCTION, alias, version, &[]);
            account.permit_api(&api, FUNCTION, alias);
        }
        let deployment = account.create_deployment(&api, "first");
        account.create_stage(&api, "prod", &deployment, Some("live"));
        (this, api.parse().unwrap())
    }

    /// The status and the handler's marker.
    fn ask(&self, api: &ApiId, method: &str, path: &str) -> (u16, String) {
        let request = InvokeStage {
            api: api.clone(),
            stage: "prod".parse().unwrap(),
            method: method.into(),
            path: path.into(),
            timeout_s: 20,
        };
        let answer = self.send(request).unwrap();
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        (answer.status, body["marker"].as_str().unwrap_or(&answer.body).to_owned())
    }

    fn patch(&self, api: &ApiId, patches: Vec<Patch>) -> Result<Stage, AwsError> {
        self.send(UpdateStage { api: api.clone(), stage: "prod".parse().unwrap(), patches })
    }
}

fn replace(path: &str, value: &str) -> Patch {
    Patch::Replace { path: path.into(), value: value.into() }
}

fn copy(from: &str, path: &str) -> Patch {
    Patch::Copy { from: from.into(), path: path.into() }
}

#[test]
fn the_metrics_of_one_version_behind_an_alias_are_read_minute_by_minute() {
    let Some(emulator) = Emulator::shared() else { return };
    let bench = Bench::new(emulator, "adapter, metrics");
    let minute = Timestamp::now().as_second() / 60 * 60 - 600;
    let at = |offset: i64| Timestamp::from_second(minute + offset).unwrap();
    let dimensions = |version: &str| {
        [("FunctionName", FUNCTION), ("Resource", "pets:live"), ("ExecutedVersion", version)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    for (version, offset, value) in [("1", 10, 95.0), ("1", 70, 90.0), ("2", 10, 3.0), ("2", 50, 4.0), ("2", 70, 5.0)] {
        let dimensions = dimensions(version).map(|(name, value)| json!({"Name": name, "Value": value}));
        let datum = json!({"MetricName": "Invocations", "Dimensions": dimensions, "Value": value,
            "Timestamp": at(offset).to_string()});
        bench.account.must("cloudwatch", "put_metric_data", json!({"Namespace": "AWS/Lambda", "MetricData": [datum]}));
    }

    let query = |version: &str, stat: &str| MetricQuery {
        namespace: "AWS/Lambda".into(),
        metric: "Invocations".into(),
        dimensions: dimensions(version).into(),
        stat: stat.into(),
        period_s: 60,
    };
    let queries = vec![query("2", "Sum"), query("2", "SampleCount"), query("1", "Sum"), query("9", "Sum")];
    let page = bench.send(GetMetricData { queries, start: at(0), end: at(120), next: None }).unwrap();
    let series: Vec<Vec<(Timestamp, f64)>> =
        page.series.iter().map(|series| series.points.iter().map(|(at, value)| (*at, *value)).collect()).collect();
    assert_eq!(series[0], [(at(0), 7.0), (at(60), 5.0)]);
    assert_eq!(series[1], [(at(0), 2.0), (at(60), 1.0)]);
    assert_eq!(series[2], [(at(0), 95.0), (at(60), 90.0)]);
    assert!(series[3].is_empty(), "a version without traffic has no points");
    assert!(page.series.iter().all(|series| series.failure.is_none()) && page.next.is_none());
}

#[test]
fn alarms_are_read_by_name_and_composite_ones_too() {
    let Some(emulator) = Emulator::shared() else { return };
    let bench = Bench::new(emulator, "adapter, alarms");
    for name in ["errors", "unnamed"] {
        bench.account.create_alarm(name);
    }
    let composite = json!({"AlarmName": "everything", "AlarmRule": "ALARM(errors)"});
    bench.account.must("cloudwatch", "put_composite_alarm", composite);
    bench.account.set_alarm("errors", "ALARM", "by hand");

    let names = ["errors", "everything", "gone"].map(str::to_owned).to_vec();
    let mut alarms = bench.send(DescribeAlarms { names }).unwrap();
    alarms.sort_by(|one, other| one.name.cmp(&other.name));
    let names: Vec<_> = alarms.iter().map(|alarm| alarm.name.as_str()).collect();
    assert_eq!(names, ["errors", "everything"]);
    assert_eq!((alarms[0].value, alarms[0].reason.as_deref()), (AlarmValue::Alarm, Some("by hand")));
    let age = Timestamp::now().duration_since(alarms[0].since.unwrap());
    assert!(age.unsigned_abs() < Duration::from_secs(600), "{age:?}");
}

#[test]
fn a_stage_answers_as_it_answers_its_clients() {
    let Some(emulator) = Emulator::shared() else { return };
    let (bench, api) = Bench::shop(emulator, "adapter, requests");
    assert_eq!(bench.ask(&api, "GET", "/pets?limit=1"), (200, "one".into()));
    assert_eq!(bench.ask(&api, "POST", "/pets"), (200, "one".into()));
    let (status, body) = bench.ask(&api, "GET", "/dogs");
    assert!((400..500).contains(&status), "{status} {body}");
    let apis = bench.send(GetRestApis { position: None }).unwrap();
    assert_eq!(apis.items, [(api, "shop".to_owned())]);
}

#[test]
fn a_stage_canary_is_made_moved_copied_and_removed() {
    let Some(emulator) = Emulator::shared() else { return };
    let (bench, api) = Bench::shop(emulator, "adapter, canary");
    let first = bench.send(GetStage { api: api.clone(), stage: "prod".parse().unwrap() }).unwrap().deployment;
    let second = bench.account.create_deployment(api.as_str(), "second");
    let overridden = format!("/canarySettings/stageVariableOverrides/{ALIAS_VARIABLE}");
    let begin = vec![
        replace("/canarySettings/deploymentId", &second),
        replace(&overridden, "live-canary"),
        replace("/canarySettings/percentTraffic", "100.0"),
    ];
    let stage = bench.patch(&api, begin).unwrap();
    let canary = stage.canary.unwrap();
    assert_eq!((stage.deployment.as_str(), canary.deployment.as_deref()), (first.as_str(), Some(second.as_str())));
    assert_eq!((canary.percent, canary.overrides[ALIAS_VARIABLE].as_str()), (100.0, "live-canary"));
    assert_eq!(bench.ask(&api, "GET", "/pets"), (200, "two".into()));

    let promote = vec![
        replace("/canarySettings/percentTraffic", "0.0"),
        copy("/canarySettings/deploymentId", "/deploymentId"),
        replace(&format!("/variables/{ALIAS_VARIABLE}"), "live"),
    ];
    let stage = bench.patch(&api, promote).unwrap();
    assert_eq!((stage.deployment.as_str(), stage.canary.unwrap().percent), (second.as_str(), 0.0));
    let stage = bench.patch(&api, vec![Patch::Remove { path: "/canarySettings".into() }]).unwrap();
    assert_eq!((stage.canary, stage.variables[ALIAS_VARIABLE].as_str()), (None, "live"));
    assert_eq!(bench.ask(&api, "GET", "/pets"), (200, "one".into()));

    let error = bench.patch(&api, vec![copy("/canarySettings/deploymentId", "/deploymentId")]).unwrap_err();
    assert_eq!((error.code(), error.remedy()), (Some("BadRequestException"), Remedy::Final));
    assert!(error.to_string().contains("Canary does not exist"), "{error}");
}

#[test]
fn an_http_api_is_read_as_another_program_made_it() {
    let Some(emulator) = Emulator::shared() else { return };
    let bench = Bench::new(emulator, "adapter, http api");
    bench.account.create_function(FUNCTION, &marker_handler("one"));
    let api = bench.account.create_http_api("shop", FUNCTION, &["GET /pets/{id}", "$default"]);
    let settings = json!({"ApiId": api, "StageName": "prod", "StageVariables": {ALIAS_VARIABLE: "live"}});
    bench.account.must("apigatewayv2", "create_stage", settings);
    let (api, stage): (ApiId, StageName) = (api.parse().unwrap(), "prod".parse().unwrap());

    let found = bench.runtime.block_on(gateway::stage(&bench.live, &StageRef { api: api.clone(), stage })).unwrap();
    let found = found.expect("it is looked for among HTTP APIs, too");
    assert_eq!(found.kind, StageKind::Http { auto_deploy: false, last_deployment: None });
    assert_eq!(found.variables[ALIAS_VARIABLE], "live");
    let own = bench.send(GetApi { api: api.clone() }).unwrap();
    assert_eq!((own.name.as_str(), own.protocol_type.as_str()), ("shop", "HTTP"));
    let routes = bench.send(GetRoutes { api: api.clone(), next: None }).unwrap().items;
    let mut keys: Vec<&str> = routes.iter().map(|route| route.route_key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["$default", "GET /pets/{id}"]);
    let integrations = bench.send(GetIntegrations { api: api.clone(), next: None }).unwrap().items;
    assert_eq!(routes[0].integration_id(), Some(integrations[0].id.as_str()));
    assert!(integrations[0].integration_uri.as_ref().unwrap().contains("function:pets:${stageVariables."));

    let made = bench.send(CreateHttpDeployment { api: api.clone(), description: "ours".into() }).unwrap();
    let read = bench.send(GetHttpDeployment { api: api.clone(), deployment: made.id.clone() }).unwrap();
    assert_eq!((read.description.as_str(), read.status), ("ours", Some(DeploymentStatus::Deployed)));
    let all = bench.send(GetHttpDeployments { api: api.clone(), next: None }).unwrap().items;
    assert!(all.iter().any(|deployment| deployment.id == made.id), "{all:?}");
    let gone = bench.send(GetHttpDeployment { api, deployment: "gone".into() }).unwrap_err();
    assert_eq!(gone.remedy(), Remedy::Missing);
}

#[test]
fn an_invocation_brings_the_end_of_the_log() {
    let Some(emulator) = Emulator::shared() else { return };
    let bench = Bench::new(emulator, "adapter, log");
    bench
        .account
        .create_function(FUNCTION, "def handle(event, context):\n    print('seen', event)\n    return event\n");
    bench.account.publish_version(FUNCTION);
    let request = Invoke {
        function: FUNCTION.parse().unwrap(),
        version: Version::Number(1),
        payload: "\"cat\"".into(),
        timeout_s: 20,
    };
    let invoked = bench.send(request).unwrap();
    assert_eq!((invoked.status, invoked.payload.as_str()), (200, "\"cat\""));
    assert!(invoked.log_tail.as_deref().unwrap_or_default().contains("seen cat"), "{:?}", invoked.log_tail);
}
