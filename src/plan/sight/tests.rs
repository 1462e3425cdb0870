use std::time::Duration;

use super::*;
use crate::demo::Shop;
use crate::metrics::Count;
use crate::model::schedule;

fn past(invocations: u64, errors: u64) -> Past {
    Past { count: Count { errors, samples: invocations, invocations }, thresholds_ms: Vec::new() }
}

fn member(name: &str) -> MemberPlan {
    let function: FunctionName = name.parse().unwrap();
    MemberPlan {
        alias_arn: format!("arn:aws:lambda:us-east-1:123456789012:function:{name}:live"),
        function,
        source: crate::plan::SourcePlan::Publish {
            code_sha256: "abc".into(),
            config_digest: "def".into(),
            revision: "1".into(),
            looks_identical_to: None,
        },
        highest: None,
        before: None,
        description: crate::model::Description::default(),
        bad: Vec::new(),
        grants: Vec::new(),
        provisioned: false,
        snap_start: false,
        named: false,
        candidate: None,
    }
}

/// Tenths of a request a second over three hours, as a count.
const fn rps(tenths: u64) -> u64 {
    tenths * 1_080
}

fn said(steps: &str, on: OnInconclusive, functions: &[(&str, Past)]) -> Vec<Sight> {
    let mut target = Shop::new().unwrap().shifted(CanaryMode::Alias);
    target.canary.steps = schedule::parse(steps).unwrap();
    target.canary.max_extend = Some(Duration::from_secs(1800));
    target.gate.on_inconclusive = on;
    let canary =
        CanaryPlan { mode: CanaryMode::Alias, steps: target.canary.steps.clone(), api_name: None, override_gate: None };
    let members: Vec<_> = functions.iter().map(|(name, _)| member(name)).collect();
    let past: Vec<_> = functions.iter().map(|(_, past)| past.clone()).collect();
    foresee(&target, Some(&canary), &members, &past).unwrap()
}

fn sentences(steps: &str, on: OnInconclusive, functions: &[(&str, Past)]) -> String {
    said(steps, on, functions).iter().map(|sight| sight.sentence.clone() + "\n").collect()
}

#[test]
fn every_step_says_what_it_finds_and_when_it_proves() {
    let orders = |rate| [("orders", past(rps(rate), rps(rate) / 200))];
    let text = sentences("5% 10m, 25% 10m, 50% 10m", OnInconclusive::Hold, &orders(100));
    insta::assert_snapshot!("at_10_rps", text);
    let busy = sentences("5% 10m", OnInconclusive::Hold, &orders(10_000));
    insta::assert_snapshot!("at_1000_rps", busy);
}

#[test]
fn a_step_that_can_prove_nothing_is_called_inconclusive_by_design() {
    let thin = |on| sentences("5% 15m", on, &[("orders", past(rps(1), 5))]);
    insta::assert_snapshot!("at_a_tenth_rps", thin(OnInconclusive::Hold));
    assert!(thin(OnInconclusive::Promote).contains("it goes on unproven"));
    assert!(thin(OnInconclusive::Rollback).contains("it will go back"));
}

#[test]
fn without_any_traffic_nothing_is_promised() {
    let text = sentences("5% 10m, 50% 10m", OnInconclusive::Hold, &[("orders", Past::default())]);
    assert_eq!(text, "no traffic in the last 3 h: nothing can be proven, the canary will be held\n");
    let two = sentences("5% 10m", OnInconclusive::Hold, &[("pay", past(rps(500), 3)), ("mail", Past::default())]);
    assert!(two.starts_with("mail: no traffic"), "{two}");
}

#[test]
fn of_several_functions_the_one_that_is_seen_least_of_speaks() {
    let both = [("pay", past(rps(1_000), 900)), ("mail", past(rps(20), 108))];
    let together = said("25% 10m", OnInconclusive::Hold, &both);
    assert_eq!((together.len(), together[0].function.as_str()), (1, "mail"));
    let alone = said("25% 10m", OnInconclusive::Hold, &both[1..]);
    assert!(together[0].finds > alone[0].finds, "a shared decision needs more evidence");
}

#[test]
fn a_step_that_waits_for_requests_lasts_as_long_as_they_take() {
    let sight = said("50% 1m until 3000 req", OnInconclusive::Hold, &[("orders", past(rps(100), 540))]);
    assert!(sight[0].sentence.starts_with("50% for 10 min at 10 rps"), "{}", sight[0].sentence);
}
