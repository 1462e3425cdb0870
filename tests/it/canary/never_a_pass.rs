//! What is not known is never a pass: no data, half of the data, no access, alarms that are gone or red.

use stagegate::aws::operation::{GetPolicy, RemovePermission};
use stagegate::aws::{AwsError, Operation, Request};
use stagegate::model::{CanaryMode, OnInconclusive, Reaction, candidate_alias};
use stagegate::policy::statement_ids;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Account, Entry, Fault, Load, Profile, Source};

use super::during::{Stagecraft, assert_four_parts};
use super::kinds::BOTH;
use super::lab::lab;
use crate::faults::lab::{Lab, Scenario, alias, api, prod};

fn good() -> Profile {
    Profile::default()
}

pub fn denied() -> AwsError {
    AwsError::rejected(403, "AccessDeniedException", "no identity-based policy allows it")
}

pub fn throttled() -> AwsError {
    AwsError::rejected(400, "Throttling", "Rate exceeded")
}

fn orders() -> stagegate::model::FunctionName {
    "orders".parse().unwrap()
}

const ALARM: &str = "orders-5xx";

fn alarm(value: stagegate::aws::noun::AlarmValue) -> impl Fn(&mut Account) {
    move |account| account.put_alarm(ALARM, value, account.now(), "Threshold Crossed")
}

use stagegate::aws::noun::AlarmValue::{Alarm, InsufficientData, Ok as Fine};

/// A release that is watched by an alarm.
fn watched(value: stagegate::aws::noun::AlarmValue) -> Stagecraft {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
    release.lab.target.gate.alarms = vec![ALARM.into()];
    release.lab.world.edit(alarm(value));
    release.lab.world.clock().advance(std::time::Duration::from_secs(600));
    release
}

#[test]
fn without_any_traffic_it_is_held_whatever_should_happen_without_proof() {
    for mode in BOTH {
        for reaction in [OnInconclusive::Hold, OnInconclusive::Promote] {
            let mut release = Stagecraft::new(*mode, 0.0, &good());
            release.lab.target.gate.on_inconclusive = reaction;
            let outcome = release.promote();
            release.assert_held(&outcome, 5.0, "0 of the 3 requests");
        }
        let mut release = Stagecraft::new(*mode, 0.0, &good());
        release.lab.target.gate.on_inconclusive = OnInconclusive::Rollback;
        let outcome = release.promote();
        release.assert_back(&outcome, Code::CanaryHeld, "");
    }
}

#[test]
fn with_nothing_to_compare_with_only_the_absolute_limit_judges() {
    let only_candidate = |release: &Stagecraft, rate: f64| {
        let entry = Entry::Alias(orders(), candidate_alias(&alias()).unwrap());
        let load = Load { sources: vec![Source { rps: 5.0, entry }], ..Load::default() };
        release.lab.world.set_load(load.version(&orders(), 2, Profile::failing(rate)));
    };
    let release = Stagecraft::new(CanaryMode::Stage, 0.0, &good());
    only_candidate(&release, 0.4);
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "nothing to compare with");
    let release = Stagecraft::new(CanaryMode::Stage, 0.0, &good());
    only_candidate(&release, 0.03);
    let outcome = release.promote();
    release.assert_held(&outcome, 5.0, "no proof");
}

#[test]
fn a_minute_without_data_in_the_middle_stops_nothing() {
    for mode in BOTH {
        let clients = |on: bool| {
            move |account: &mut Account| {
                account.edit_load(|load| load.sources.iter_mut().for_each(|s| s.rps = if on { 100.0 } else { 0.0 }));
            }
        };
        let release = Stagecraft::new(*mode, 100.0, &good()).at(4, clients(false)).at(6, clients(true));
        let outcome = release.promote();
        release.assert_promoted(&outcome);
    }
}

#[test]
fn a_candidate_that_does_not_report_goes_back() {
    for mode in BOTH {
        let release = Stagecraft::new(*mode, 20.0, &Profile::hanging(1.0, 15));
        let outcome = release.promote();
        release.assert_back(&outcome, Code::GateFailed, "requests of the canary are missing");
    }
}

#[test]
fn metrics_that_may_not_be_read_are_found_before_anything_is_written() {
    let lab = lab(Scenario::Second, CanaryMode::Alias);
    let smooth = lab.fork();
    smooth.world.restart();
    smooth.plan().unwrap();
    let calls = smooth.world.calls();
    let at = calls.iter().find(|call| call.call.operation() == Operation::GetMetricData).unwrap().index;
    lab.world.restart();
    lab.world.inject(at, Fault::denied());
    let problem = lab.plan().unwrap_err();
    assert_four_parts(&problem);
    assert_eq!((problem.code, problem.exit), (Code::AccessDenied, Exit::Access));
    assert!(problem.what.contains("cloudwatch:GetMetricData"), "{problem:?}");
    lab.world.restart();
    lab.world.edit(|account| account.settings.metric_failures.insert("Errors".into(), "Forbidden".into()));
    let problem = lab.plan().unwrap_err();
    assert_four_parts(&problem);
    assert_eq!((problem.code, problem.exit), (Code::MetricsUnreadable, Exit::Failed));
}

#[test]
fn metrics_that_cannot_be_read_for_a_while_cost_only_the_while() {
    for error in [denied(), throttled()] {
        let release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
        let release = release.failing(Operation::GetMetricData, 4..12, error);
        let outcome = release.promote();
        release.assert_promoted(&outcome);
        assert!(release.warnings().len() >= 5, "said every minute: {:?}", release.warnings());
        release.warnings().iter().for_each(assert_four_parts);
        let blind = release.looks().windows(2).map(|two| two[1].0.duration_since(two[0].0).as_secs()).max().unwrap();
        assert!(blind >= 8 * 60, "no look was made up: {blind}");
    }
    let release = Stagecraft::new(CanaryMode::Alias, 100.0, &Profile::failing(0.2));
    let release = release.failing(Operation::GetMetricData, 1..9, denied());
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "errors");
}

#[test]
fn metrics_that_can_never_be_read_again_hold_the_release() {
    for (error, why) in [(denied(), "not allowed"), (throttled(), "throttled")] {
        for mode in BOTH {
            let release = Stagecraft::new(*mode, 100.0, &good());
            let release = release.failing(Operation::GetMetricData, 2..10_000, error.clone());
            let outcome = release.promote();
            release.assert_held(&outcome, 5.0, why);
        }
    }
}

#[test]
fn one_series_that_fails_is_no_look() {
    let broken = |account: &mut Account| {
        account.settings.metric_failures.insert("Duration".into(), "InternalError".into());
    };
    let release = Stagecraft::new(CanaryMode::Alias, 100.0, &good()).at(8, broken);
    let outcome = release.promote();
    release.assert_held(&outcome, 25.0, "CloudWatch does not give Duration");
    let healed = |account: &mut Account| account.settings.metric_failures.clear();
    let release = Stagecraft::new(CanaryMode::Alias, 100.0, &good()).at(8, broken).at(14, healed);
    let outcome = release.promote();
    release.assert_promoted(&outcome);
}

#[test]
fn an_alarm_that_does_not_exist_is_found_before_anything_is_written() {
    let mut lab = lab(Scenario::Second, CanaryMode::Alias);
    lab.target.gate.alarms = vec!["orders-5xxx".into()];
    let before = lab.state();
    let problem = lab.plan().unwrap_err();
    assert_four_parts(&problem);
    assert_eq!((problem.code, problem.exit), (Code::AlarmMissing, Exit::Usage));
    assert!(problem.what.contains("orders-5xxx"), "{problem:?}");
    assert_eq!(lab.state(), before);
}

#[test]
fn an_alarm_that_is_deleted_holds_the_release() {
    let release = watched(Fine).at(7, |account| account.delete_alarm(ALARM));
    let outcome = release.promote();
    release.assert_held(&outcome, 25.0, "alarm orders-5xx does not exist any more");
}

#[test]
fn an_alarm_that_goes_off_holds_or_rolls_back_as_configured() {
    let release = watched(Fine).at(7, alarm(Alarm));
    let outcome = release.promote();
    release.assert_held(&outcome, 25.0, "alarm orders-5xx is in ALARM");
    let release = watched(Fine).at(7, alarm(Alarm)).at(20, alarm(Fine));
    let outcome = release.promote();
    release.assert_promoted(&outcome);
    let mut release = watched(Fine).at(7, alarm(Alarm));
    release.lab.target.gate.on_alarm = Reaction::Rollback;
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "alarm orders-5xx went to ALARM");
}

#[test]
fn an_alarm_that_was_red_before_is_not_blamed_unless_it_goes_off_again() {
    let release = watched(Alarm);
    let plan = release.lab.plan().unwrap();
    assert!(plan.notices.iter().any(|n| n.code == Code::AlarmRed && n.text.contains(ALARM)), "{:?}", plan.notices);
    let outcome = release.promote_plan(&plan);
    release.assert_promoted(&outcome);
    let (_, look) = release.looks().pop().unwrap();
    assert_eq!((look.alarms_red_before, look.alarms_raised), (vec![ALARM.to_owned()], vec![]));
    let release = watched(Alarm).at(4, alarm(Fine)).at(7, alarm(Alarm));
    let outcome = release.promote();
    release.assert_held(&outcome, 25.0, "alarm orders-5xx is in ALARM");
}

#[test]
fn an_alarm_without_data_is_said_and_stops_nothing() {
    let release = watched(InsufficientData);
    let plan = release.lab.plan().unwrap();
    assert!(plan.notices.iter().any(|n| n.text.contains("has no data")), "{:?}", plan.notices);
    let outcome = release.promote_plan(&plan);
    release.assert_promoted(&outcome);
}

#[test]
fn two_apis_of_one_name_are_not_judged_by_their_common_metrics() {
    let mut lab = lab(Scenario::Second, CanaryMode::Alias);
    lab.world.edit(|account| account.create_rest_api(&"twin".parse().unwrap(), "shop"));
    let problem = lab.plan().unwrap_err();
    assert_four_parts(&problem);
    assert_eq!((problem.code, problem.exit), (Code::ApiNameShared, Exit::Usage));
    lab.target.gate.max_stage_errors = None;
    assert!(lab.plan().unwrap().stage_series().is_none());
}

/// Takes the statements of an alias away, as somebody with a console does.
fn revoke(lab: &Lab) -> impl Fn(&mut Account) + 'static {
    let alias = if lab.target.canary.mode == CanaryMode::Stage { candidate_alias(&alias()).unwrap() } else { alias() };
    move |account| {
        let policy = GetPolicy { function: orders(), alias: alias.clone() }.call();
        let policy = GetPolicy::reply(account.perform(&policy).unwrap()).unwrap();
        for sid in statement_ids(&policy.document) {
            let call = RemovePermission { function: orders(), alias: alias.clone(), sid, revision: None };
            account.perform(&call.call()).unwrap();
        }
    }
}

#[test]
fn a_candidate_alias_whose_permission_is_taken_away_goes_back() {
    let release = Stagecraft::new(CanaryMode::Stage, 100.0, &good());
    let taken = revoke(&release.lab);
    let release = release.at(9, taken);
    let outcome = release.promote();
    release.assert_back(&outcome, Code::GateFailed, "requests of the canary are missing");
    let report = release.lab.world.load_report();
    assert!(report.unserved > 0, "{report:?}");
}

#[test]
fn answers_of_the_stage_that_fail_hold_the_release() {
    // 5XX answers without a function error: the gate of the functions sees nothing, the stage does.
    let loud = Profile { answers_5xx: 0.3, ..good() };
    let release = Stagecraft::new(CanaryMode::Stage, 100.0, &loud);
    let outcome = release.promote();
    release.assert_held(&outcome, 25.0, "the stage answered");
    let quiet = Profile { answers_5xx: 0.04, ..good() };
    let release = Stagecraft::new(CanaryMode::Stage, 100.0, &quiet);
    let outcome = release.promote();
    release.assert_promoted(&outcome);
}

#[test]
fn answers_of_an_http_api_that_fail_hold_the_release() {
    let loud = Profile { answers_5xx: 0.3, ..good() };
    let release = Stagecraft::of(lab(Scenario::Http, CanaryMode::Alias), 100.0, &loud);
    let outcome = release.promote();
    release.assert_held(&outcome, 25.0, "the stage answered");
    let quiet = Stagecraft::of(lab(Scenario::Http, CanaryMode::Alias), 100.0, &good());
    let outcome = quiet.promote();
    quiet.assert_promoted(&outcome);
}

#[test]
fn errors_without_zero_samples_are_judged_all_the_same() {
    for (candidate, is_bad) in [(Profile::failing(0.2), true), (good(), false)] {
        let lab = lab(Scenario::Second, CanaryMode::Alias);
        lab.world.edit(|account| account.settings.errors_emit_zero = false);
        let release = Stagecraft::of(lab, 100.0, &candidate);
        let outcome = release.promote();
        match is_bad {
            true => release.assert_back(&outcome, Code::GateFailed, "errors"),
            false => release.assert_promoted(&outcome),
        }
    }
}

#[test]
fn latency_that_cannot_be_judged_is_no_pass() {
    let lab = lab(Scenario::Second, CanaryMode::Alias);
    lab.world.edit(|account| account.settings.durations_name_version = false);
    let mut release = Stagecraft::of(lab, 100.0, &good());
    let outcome = release.promote();
    release.assert_held(&outcome, 5.0, "latency of orders cannot be judged");
    // Whoever does not want it judged gets no further word about it.
    release.lab.target.gate.max_slow_ratio = None;
    let outcome = super::lab::adopt(&release.lab, false).unwrap().unwrap();
    release.assert_promoted(&outcome);
}

#[test]
fn the_policy_of_the_stage_stays_as_it_was() {
    let release = Stagecraft::new(CanaryMode::Stage, 100.0, &good());
    let outcome = release.promote();
    release.assert_promoted(&outcome);
    let stage = release.lab.peek(stagegate::aws::operation::GetStage { api: api(), stage: prod() }).unwrap();
    assert_eq!((stage.canary, stage.variables["lambdaAlias"].as_str()), (None, "live"));
}
