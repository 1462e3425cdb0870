//! What clients get, and what it looks like from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::metrics::tests::{ALIAS, lambda, points, stage_query, total};
use super::super::tests::{SECOND, api, ask, live, pets, prod, update, world};
use super::super::{Behaviour, Settings, World};
use super::*;
use crate::aws::noun::{Patch, StageCanary};
use crate::aws::operation as op;

const MINUTE: Duration = Duration::from_secs(60);

fn load(rps: f64) -> Load {
    Load { history_minutes: 0, ..Load::to_alias(11, &pets(), &live(), rps) }
}

fn stage_load(rps: f64) -> Load {
    let request = Request { api: api(), stage: prod(), method: "GET".into(), path: "/pets/1".into() };
    Load { history_minutes: 0, ..Load::to_stage(11, &request, rps) }
}

fn invocations(world: &World, version: &str) -> f64 {
    total(world, &lambda("Invocations", &[ALIAS, ("ExecutedVersion", version)], "Sum"))
}

/// Whether a count is within five standard deviations of what is expected of a Poisson number.
fn near(count: f64, expected: f64) -> bool {
    (count - expected).abs() <= 5.0 * expected.sqrt()
}

fn requests(world: &World, version: u64) -> u64 {
    world.load_report().requests.get(&(pets(), Version::Number(version))).copied().unwrap_or_default()
}

#[test]
fn requests_are_split_by_the_weights_and_the_report_is_what_the_metrics_say() {
    let world = world();
    for weight in [0.05, 0.25, 0.5] {
        update(&world, 1, &[(2, weight)]).unwrap();
        let fork = world.fork();
        fork.set_load(load(50.0));
        fork.clock().advance(20 * MINUTE);
        let (one, two) = (invocations(&fork, "1"), invocations(&fork, "2"));
        assert!(near(two, 60_000.0 * weight) && near(one, 60_000.0 * (1.0 - weight)), "{weight}: {one} {two}");
        assert_eq!((requests(&fork, 1) as f64, requests(&fork, 2) as f64), (one, two));
    }
}

#[test]
fn a_minute_in_which_the_weight_changed_is_a_mixture() {
    let world = world();
    world.set_load(load(200.0));
    world.clock().advance(15 * SECOND);
    update(&world, 1, &[(2, 0.4)]).unwrap();
    world.clock().advance(45 * SECOND);
    let two = invocations(&world, "2");
    assert!(near(two, 200.0 * 45.0 * 0.4), "{two}");
    assert!(near(invocations(&world, "1"), 200.0 * (15.0 + 45.0 * 0.6)));
}

#[test]
fn looking_often_changes_nothing_and_a_fork_goes_its_own_way() {
    let run = |look_every: Duration, seed: u64| {
        let world = world();
        let noise = Noise { burst_sd: 0.4, error_sd: 0.5, latency_sd: 0.1, diurnal: 0.3, ..Noise::default() };
        world.set_load(Load { seed, noise, ..load(5.0) }.version(&pets(), 2, Profile::failing(0.1)));
        update(&world, 1, &[(2, 0.25)]).unwrap();
        let end = world.look(|account| account.now()) + 30 * MINUTE;
        while world.look(|account| account.now()) < end {
            world.clock().advance(look_every);
        }
        (world.load_report(), points(&world, &lambda("Duration", &[ALIAS], "Sum")), world)
    };
    let (seldom, often) = (run(30 * MINUTE, 1), run(7 * SECOND + Duration::from_millis(500), 1));
    assert_eq!((&seldom.0, &seldom.1), (&often.0, &often.1));
    assert_ne!(seldom.0, run(30 * MINUTE, 2).0);
    let fork = often.2.fork();
    update(&fork, 2, &[]).unwrap();
    fork.clock().advance(10 * MINUTE);
    assert_eq!(often.2.load_report(), often.0, "the origin stands still");
    assert!(requests(&fork, 2) > requests(&often.2, 2));
}

#[test]
fn a_canary_of_the_stage_gets_its_percent() {
    let world = world();
    let patch = |path: &str, value: &str| Patch::Replace { path: path.into(), value: value.into() };
    world.edit(|account| {
        let beta = "beta".parse().unwrap();
        account.put_alias(&pets(), &beta, 2, &[]).unwrap();
        account.grant(&pets(), &beta, &api(), &prod()).unwrap();
    });
    let patches = vec![
        patch("/canarySettings/percentTraffic", "20.0"),
        patch("/canarySettings/stageVariableOverrides/lambdaAlias", "beta"),
    ];
    ask(&world, op::UpdateStage { api: api(), stage: prod(), patches }).unwrap();
    world.set_load(stage_load(50.0));
    world.clock().advance(20 * MINUTE);
    let beta = total(&world, &lambda("Invocations", &[("Resource", "pets:beta")], "Sum"));
    assert!(near(beta, 12_000.0), "{beta}");
    let all = total(&world, &stage_query("Count", "Sum"));
    assert_eq!(all, beta + total(&world, &lambda("Invocations", &[ALIAS], "Sum")));
    assert_eq!(total(&world, &stage_query("Latency", "SampleCount")), all);
}

#[test]
fn a_missing_permission_is_seen_by_api_gateway_alone() {
    let world = world();
    world.edit(|account| {
        account.put_alias(&pets(), &"beta".parse().unwrap(), 2, &[]).unwrap();
        let overrides = BTreeMap::from([("lambdaAlias".to_owned(), "beta".to_owned())]);
        let canary = StageCanary { deployment: None, percent: 30.0, overrides, use_stage_cache: false };
        account.put_canary(&api(), &prod(), Some(canary)).unwrap();
    });
    world.set_load(Load { profile: Profile::failing(0.0), ..stage_load(20.0) });
    world.clock().advance(10 * MINUTE);
    let broken = total(&world, &stage_query("5XXError", "Sum"));
    assert!(near(broken, 3600.0), "{broken}");
    assert_eq!(total(&world, &lambda("Errors", &[], "Sum")), 0.0);
    assert_eq!(total(&world, &lambda("Invocations", &[("Resource", "pets:beta")], "Sum")), 0.0);
    let report = world.load_report();
    assert_eq!((report.unserved as f64, report.excess_failed, report.all_failed() as f64), (broken, broken, broken));
}

#[test]
fn a_statement_serves_clients_only_once_it_is_in_effect() {
    let world = world();
    let settle = world.look(|account| account.settings.permission_delay);
    assert_eq!(settle, Settings::default().permission_delay);
    world.edit(|account| account.function_mut(&pets()).unwrap().policies.clear());
    world.set_load(stage_load(100.0));
    let source_arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/*".to_owned();
    let statement = crate::aws::noun::Statement { sid: "ours".into(), source_arn };
    ask(&world, op::AddPermission { function: pets(), alias: live(), statement, revision: None }).unwrap();
    world.clock().advance(MINUTE);
    let unserved = world.load_report().unserved as f64;
    assert!(near(unserved, 100.0 * settle.as_secs_f64()), "{unserved}");
}

#[test]
fn a_version_that_hangs_shows_missing_invocations_first_and_errors_later() {
    let world = world();
    update(&world, 1, &[(2, 0.5)]).unwrap();
    world.set_load(load(20.0).version(&pets(), 2, Profile { error_rate: 0.0, ..Profile::hanging(0.5, 5) }));
    world.clock().advance(5 * MINUTE);
    let errors = || total(&world, &lambda("Errors", &[ALIAS, ("ExecutedVersion", "2")], "Sum"));
    assert_eq!(errors(), 0.0);
    let (early, all) = (invocations(&world, "2"), requests(&world, 2));
    assert!(near(early, 1500.0) && near(all as f64, 3000.0), "{early} {all}");
    update(&world, 1, &[]).unwrap();
    world.clock().advance(5 * MINUTE);
    assert_eq!(invocations(&world, "2"), all as f64, "complete in the end, at the minutes in which they began");
    assert_eq!(errors(), all as f64 - early);
    let longest = points(&world, &lambda("Duration", &[ALIAS, ("ExecutedVersion", "2")], "Maximum"));
    assert!(longest.len() == 5 && longest.values().all(|ms| (ms / 300_000.0 - 1.0).abs() < 0.01), "{longest:?}");
    let report = world.load_report();
    assert_eq!(report.failed[&(pets(), Version::Number(2))] as f64, errors(), "known at once to whoever waits");
}

#[test]
fn a_regression_begins_after_a_while_and_only_from_a_certain_share() {
    let worse = |onset, min_share| Profile {
        error_rate: 0.0,
        worse: Some(Regression { error_rate: 0.5, onset, min_share, ramp: 4, ..Regression::default() }),
        ..Profile::default()
    };
    let errors_by_minute = |profile: Profile, weight: f64| {
        let world = world();
        world.set_load(load(100.0).version(&pets(), 2, profile));
        world.clock().advance(10 * MINUTE);
        update(&world, 1, &[(2, weight)]).unwrap();
        world.clock().advance(20 * MINUTE);
        let rates = points(&world, &lambda("Errors", &[ALIAS, ("ExecutedVersion", "2")], "Average"));
        rates.into_values().collect::<Vec<_>>()
    };
    let late = errors_by_minute(worse(8, 0.0), 0.25);
    assert!(late[..=8].iter().all(|rate| *rate == 0.0), "{late:?}");
    assert!(late[9] > 0.05 && late[9] < 0.25 && late[13..].iter().all(|rate| (0.4..0.6).contains(rate)), "{late:?}");
    assert_eq!(errors_by_minute(worse(0, 0.25), 0.2).iter().sum::<f64>(), 0.0);
    assert!(errors_by_minute(worse(0, 0.25), 0.25).iter().sum::<f64>() > 0.0);
}

#[test]
fn outages_hit_all_versions_and_are_nobodys_fault() {
    let world = world();
    update(&world, 1, &[(2, 0.5)]).unwrap();
    world.set_load(Load { outages: vec![Outage::new(3, 2, 0.8)], profile: Profile::failing(0.0), ..load(20.0) });
    world.clock().advance(10 * MINUTE);
    for version in ["1", "2"] {
        let rates = points(&world, &lambda("Errors", &[ALIAS, ("ExecutedVersion", version)], "Average"));
        let high: Vec<usize> = rates.values().enumerate().filter(|(_, r)| **r > 0.7).map(|(m, _)| m).collect();
        assert_eq!(high, [3, 4]);
    }
    let report = world.load_report();
    assert_eq!(report.excess_failed, 0.0);
    assert!(report.all_failed() > 0);
}

#[test]
fn bad_requests_are_those_that_the_stable_version_would_have_answered() {
    let world = world();
    world.set_load(load(50.0).version(&pets(), 2, Profile { median_ms: 240.0, ..Profile::failing(0.101) }));
    world.clock().advance(10 * MINUTE);
    assert_eq!((world.load_report().excess_failed, world.load_report().excess_slow), (0.0, 0.0));
    update(&world, 1, &[(2, 0.2)]).unwrap();
    world.clock().advance(20 * MINUTE);
    let report = world.load_report();
    let (two, failed) = (requests(&world, 2) as f64, report.failed[&(pets(), Version::Number(2))] as f64);
    assert!((report.excess_failed - two * 0.1).abs() < 1e-6, "{report:?}");
    assert!(near(failed, two * 0.101));
    // A factor of 2 moves p99 down by ln 2 / sigma standard deviations.
    let share = report.excess_slow / two;
    assert!((share - (0.1733 - 0.01)).abs() < 0.001, "{share}");
}

#[test]
fn the_past_is_made_up_with_the_present_routing_and_is_not_part_of_the_report() {
    let world = world();
    world.clock().advance(90 * SECOND);
    world.set_load(Load { history_minutes: 180, ..load(10.0) });
    let one = invocations(&world, "1");
    assert!(near(one, 180.0 * 600.0), "{one}");
    assert_eq!(points(&world, &lambda("Invocations", &[ALIAS], "Sum")).len(), 180);
    assert_eq!(world.load_report(), LoadReport::default());
    world.set_load(Load { history_minutes: 180, ..load(10.0) });
    assert_eq!(invocations(&world, "1"), one, "made up again, not added");
}

#[test]
fn an_edited_load_keeps_what_was_and_changes_what_comes() {
    let world = world();
    world.set_load(Load { profile: Profile::failing(0.0), ..load(100.0) });
    world.clock().advance(30 * SECOND);
    world.edit(|account| account.edit_load(|load| load.profile = Profile::failing(1.0)));
    world.clock().advance(90 * SECOND);
    let rates = points(&world, &lambda("Errors", &[ALIAS], "Average")).into_values().collect::<Vec<_>>();
    assert!((0.4..0.6).contains(&rates[0]) && rates[1] == 1.0, "{rates:?}");
}

#[test]
fn code_that_fails_when_invoked_fails_for_clients_too() {
    let world = world();
    world.edit(|account| account.version_mut(&pets(), 1).unwrap().behaviour = Behaviour::failing("boom"));
    world.set_load(load(1.0));
    world.clock().advance(10 * MINUTE);
    let report = world.load_report();
    assert_eq!(report.failed, report.requests);
}

#[test]
fn cold_environments_and_sick_ones_fail_more_and_cold_ones_take_longer() {
    let run = |profile: Profile| {
        let world = world();
        world.set_load(Load { profile: Profile { error_rate: 0.0, ..profile }, ..load(20.0) });
        world.clock().advance(30 * MINUTE);
        let failed = world.load_report().all_failed();
        (failed, total(&world, &lambda("Duration", &[ALIAS], "Sum")))
    };
    let (none, usual) = run(Profile::default());
    assert_eq!(none, 0);
    assert!(run(Profile { cold_error: 1.0, ..Profile::default() }).0 > 0);
    assert!(run(Profile { cold_factor: 100.0, ..Profile::default() }).1 > usual * 1.02);
    let sick = Some(Sickness { rate: 0.2, minutes: 5, level: 1.0 });
    assert!(run(Profile { sick, ..Profile::default() }).0 > 100);
}

#[test]
fn throttled_requests_are_neither_invocations_nor_errors_but_5xx() {
    let world = world();
    let profile = Profile { throttled: 0.2, ..Profile::failing(0.0) };
    world.set_load(Load { profile, ..stage_load(50.0) });
    world.clock().advance(10 * MINUTE);
    let throttles = total(&world, &lambda("Throttles", &[ALIAS], "Sum"));
    assert!(near(throttles, 6000.0));
    assert_eq!(total(&world, &stage_query("5XXError", "Sum")), throttles);
    assert_eq!(total(&world, &lambda("Errors", &[ALIAS], "Sum")), 0.0);
    let count = total(&world, &stage_query("Count", "Sum"));
    assert_eq!(invocations(&world, "1"), count - throttles);
    assert_eq!(world.load_report().throttled as f64, throttles);
}

#[test]
fn a_minute_costs_the_same_whatever_the_traffic() {
    // Drawn one by one, these 2.4 billion requests would not end.
    let world = world();
    update(&world, 1, &[(2, 0.05)]).unwrap();
    world.set_load(load(1_000_000.0));
    world.clock().advance(40 * MINUTE);
    assert!(near(requests(&world, 2) as f64, 120_000_000.0));
    let p99 = points(&world, &lambda("Duration", &[ALIAS], "p99"));
    assert!(p99.len() == 40 && p99.values().all(|ms| (380.0..395.0).contains(ms)), "{p99:?}");
}
