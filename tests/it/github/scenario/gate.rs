//! Jobs whose release is not good enough.

use serde_json::json;

use super::site::{PROMOTE, Place, Site};
use crate::emulator::canary::split::wait_for;
use crate::emulator::shop::FUNCTION;
use crate::support::account::Account;
use crate::support::emulator::Emulator;

/// An alarm of the account that is quiet.
#[track_caller]
pub fn quiet_alarm(account: &Account, name: &str) {
    let alarm = json!({"AlarmName": name, "Namespace": "Shop", "MetricName": "Complaints", "Statistic": "Sum",
        "Period": 86400, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"});
    account.must("cloudwatch", "put_metric_alarm", alarm);
}

/// The alarm goes off.
#[track_caller]
pub fn raise(account: &Account, name: &str) {
    let state = json!({"AlarmName": name, "StateValue": "ALARM", "StateReason": "complaints"});
    account.must("cloudwatch", "set_alarm_state", state);
}

/// An alarm goes off while it bakes, and the configuration says what then.
pub fn failed(emulator: &'static Emulator) {
    let gate = "alarms = [\"complaints\"]\non_alarm = \"rollback\"";
    let site = Site::new(emulator, "failed gate", &["50% 15s"], gate);
    let account = &site.scene.shop.account;
    quiet_alarm(account, "complaints");
    let job = site.runner().start(&site.action, &PROMOTE);
    wait_for(&site.scene.shop, "2", 0.5);
    raise(account, "complaints");
    let ended = job.end().exits(5).says("result", "rolled-back").says("exit-code", "5").says("version", "1");
    ended.shows(Place::Error, "SG-Q01").shows(Place::Summary, "complaints").shows(Place::Log, "ROLLED BACK");
    site.scene.is_back(true);
}

/// The new version does not do what it should.
pub fn smoke_failed(emulator: &'static Emulator) {
    let site = Site::new(emulator, "failed smoke", &["50% 10m"], "");
    let handler = "def handle(event, context):\n    return {\"statusCode\": 500, \"body\": \"broken\"}\n";
    site.scene.shop.account.update_code(FUNCTION, handler);
    let ended = site.runner().run(&site.action, &PROMOTE).exits(5).says("result", "rolled-back");
    ended.shows(Place::Error, "SG-").shows(Place::Summary, "v1");
    site.scene.before.serves(&site.scene.shop);
}
