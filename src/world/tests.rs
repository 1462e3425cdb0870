//! The world that the tests of this module share, and the tests of the whole: faults, time, forks.

use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::*;
use crate::aws::AwsExt;
use crate::aws::noun::{Alias, Patch, Routing, Statement};
use crate::aws::operation as op;
use crate::model::{AliasName, ApiId, FunctionName, StageName, Version};

pub(super) fn pets() -> FunctionName {
    "pets".parse().unwrap()
}

pub(super) fn live() -> AliasName {
    "live".parse().unwrap()
}

pub(super) fn api() -> ApiId {
    "a1b2c3d4e5".parse().unwrap()
}

pub(super) fn prod() -> StageName {
    "prod".parse().unwrap()
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// `pets` with versions 1 and 2 and newer code in `$LATEST`; `live` on version 1; an API whose stage `prod` calls the
/// alias in the variable `lambdaAlias` and may do so. Watched, without quotas.
pub(super) fn world() -> World {
    let world = World::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
    world.set_quotas(false);
    world.edit(|account| {
        account.create_function(&pets(), "one", Behaviour::default());
        account.publish(&pets(), "first").unwrap();
        account.update_code(&pets(), "two", Behaviour::default(), Duration::ZERO).unwrap();
        account.publish(&pets(), "second").unwrap();
        account.update_code(&pets(), "three", Behaviour::default(), Duration::ZERO).unwrap();
        account.put_alias(&pets(), &live(), 1, &[]).unwrap();
        account.create_rest_api(&api(), "pets");
        account.put_route(&api(), "GET", "/pets/{id}", &pets(), "${stageVariables.lambdaAlias}").unwrap();
        account.put_route(&api(), "ANY", "/", &pets(), "${stageVariables.lambdaAlias}").unwrap();
        let deployment = account.deploy(&api(), "before").unwrap();
        account.create_stage(&api(), &prod(), &deployment, &[("lambdaAlias", "live")]).unwrap();
        account.grant(&pets(), &live(), &api(), &prod()).unwrap();
    });
    world.watch_traffic();
    world
}

/// Sends a request and expects an answer at once.
pub(super) fn ask<R: op::Request>(world: &World, request: R) -> Result<R::Reply, AwsError> {
    world.send(request).now_or_never().expect("the process died")
}

/// Status, code and text of a refusal.
pub(super) fn refusal<T: std::fmt::Debug>(result: Result<T, AwsError>) -> (u16, String, String) {
    match result {
        Err(AwsError::Rejected { status, code, message, .. }) => (status, code, message),
        other => panic!("expected a refusal, not {other:?}"),
    }
}

pub(super) fn alias(world: &World) -> Alias {
    ask(world, op::GetAlias { function: pets(), alias: live() }).unwrap()
}

pub(super) fn routing(version: u64, weights: &[(u64, f64)]) -> Routing {
    Routing {
        version: Version::Number(version),
        weights: weights.iter().copied().collect(),
        description: "ours".into(),
    }
}

/// UpdateAlias with the alias's present revision.
pub(super) fn update(world: &World, version: u64, weights: &[(u64, f64)]) -> Result<Alias, AwsError> {
    let revision = alias(world).revision;
    ask(world, op::UpdateAlias { function: pets(), alias: live(), routing: routing(version, weights), revision })
}

fn moving(world: &World, version: u64) -> op::UpdateAlias {
    let revision = world.look(|account| account.alias(&pets(), &live()).unwrap().revision.clone());
    op::UpdateAlias { function: pets(), alias: live(), routing: routing(version, &[]), revision }
}

fn is_ambiguous<T>(result: &Result<T, AwsError>) -> bool {
    matches!(result, Err(AwsError::Ambiguous { .. }))
}

#[test]
fn a_lost_reply_has_its_effect_and_a_lost_request_has_none() {
    for (fault, version) in [(Fault::LostReply, 2), (Fault::LostRequest, 1)] {
        let world = world();
        world.inject(0, fault);
        assert!(is_ambiguous(&ask(&world, moving(&world, 2))));
        assert_eq!(alias(&world).version, Version::Number(version));
    }
}

#[test]
fn a_late_effect_is_judged_when_it_lands() {
    let world = world();
    world.inject(0, Fault::Late { after: 25 * SECOND });
    assert!(is_ambiguous(&ask(&world, moving(&world, 2))));
    assert_eq!(world.clock().now(), Timestamp::UNIX_EPOCH + 20 * SECOND, "the client's time-out has passed");
    assert_eq!(alias(&world).version, Version::Number(1), "and nothing has landed");
    let fork = world.fork();
    world.clock().advance(5 * SECOND);
    assert_eq!(alias(&world).version, Version::Number(2));
    assert_eq!(world.history()[0].landed, Some((Timestamp::UNIX_EPOCH + 25 * SECOND, Ok(()))));

    update(&fork, 1, &[]).unwrap();
    fork.run_until_quiet();
    assert_eq!(alias(&fork).version, Version::Number(1), "fenced off by the revision");
    let landed = fork.history()[0].landed.clone().unwrap().1;
    assert_eq!(refusal(landed).1, "PreconditionFailedException");
}

#[test]
fn a_dead_process_says_nothing_more_and_the_next_one_finds_what_it_did() {
    for (fault, at_once, later) in
        [(Fault::CrashBefore, 1, 1), (Fault::CrashAfter, 2, 2), (Fault::CrashLate { after: SECOND }, 1, 2)]
    {
        let world = world();
        world.inject(0, fault);
        let request = moving(&world, 2);
        assert!(world.send(request).now_or_never().is_none());
        let dead = world.send(op::GetCallerIdentity {}).now_or_never();
        assert!(dead.is_none() && world.crashed());
        assert_eq!(world.calls().len(), 1, "a dead process sends nothing");
        world.restart();
        assert_eq!(alias(&world).version, Version::Number(at_once));
        world.clock().advance(SECOND);
        assert_eq!(alias(&world).version, Version::Number(later));
    }
}

#[test]
fn an_intruder_comes_right_before_the_call() {
    let world = world();
    world.inject(1, Fault::intrude(|account| account.describe_alias(&pets(), &live(), "theirs").unwrap()));
    let revision = alias(&world).revision;
    let late = ask(&world, op::UpdateAlias { function: pets(), alias: live(), routing: routing(2, &[]), revision });
    assert_eq!(refusal(late).0, 412);
    assert_eq!(alias(&world).description, "theirs");
}

#[test]
fn calls_are_counted_from_the_restart_and_quotas_follow_the_clock() {
    let world = world();
    alias(&world);
    world.restart();
    world.set_quotas(true);
    world.inject(1, Fault::denied());
    alias(&world);
    let denied = ask(&world, op::GetAlias { function: pets(), alias: live() });
    assert_eq!(refusal(denied).1, "AccessDeniedException");
    let indices: Vec<usize> = world.calls().iter().map(|logged| logged.index).collect();
    assert_eq!(indices, [0, 1]);
    let create = || ask(&world, op::CreateDeployment { api: api(), description: String::new() });
    assert!(create().is_ok());
    assert_eq!(refusal(create()).0, 429);
    world.clock().advance(5 * SECOND);
    assert!(create().is_ok());
}

#[test]
fn a_fork_changes_nothing_in_its_origin() {
    let world = world();
    let fork = world.fork();
    fork.clock().advance(SECOND);
    update(&fork, 2, &[]).unwrap();
    assert_eq!(alias(&world).version, Version::Number(1));
    assert_eq!(world.clock().now(), Timestamp::UNIX_EPOCH);
}

#[test]
fn moving_the_stage_before_the_permission_is_in_effect_is_a_violation() {
    let beta: AliasName = "beta".parse().unwrap();
    let source_arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/*".to_owned();
    let statement = Statement { sid: "ours".into(), source_arn };
    for (wait, violations) in [(14, 3), (15, 0)] {
        let world = world();
        let create = op::CreateAlias { function: pets(), alias: beta.clone(), routing: routing(2, &[]) };
        ask(&world, create).unwrap();
        let (function, alias, statement) = (pets(), beta.clone(), statement.clone());
        ask(&world, op::AddPermission { function, alias, statement, revision: None }).unwrap();
        world.clock().advance(wait * SECOND);
        let patches = vec![Patch::Replace { path: "/variables/lambdaAlias".into(), value: "beta".into() }];
        ask(&world, op::UpdateStage { api: api(), stage: prod(), patches }).unwrap();
        world.clock().advance(60 * SECOND);
        assert_eq!(world.violations().len(), violations, "{:#?}", world.violations());
    }
}
