//! The same calls about something else: another function, alias, API, stage, region, account or partition.

use super::place::{baking_by_stage, first_http, first_rest, old_http, old_rest, shared, shared_released};
use super::*;
use crate::world::Account;

/// What is asked, in place of what; only where it is asked about at all.
const OTHERS: [(&str, &str); 8] = [
    (":function:pets", ":function:pets2"),
    (":function:pets:live", ":function:pets:beta"),
    ("log-group:/aws/lambda/pets:", "log-group:/aws/lambda/pets2:"),
    ("a1b2c3d4e5", "a1b2c3d4e6"),
    ("/stages/prod", "/stages/dev"),
    ("us-east-1", "eu-west-1"),
    ("123456789012", "210987654321"),
    ("arn:aws:", "arn:aws-cn:"),
];

/// Where an alias of the function may be named by any name: reads and smoke checks, which are allowed on every version.
const ANY_QUALIFIER: [&str; 5] = [
    "lambda:GetFunction",
    "lambda:ListTags",
    "lambda:GetPolicy",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:InvokeFunction",
];

#[test]
fn nothing_of_another_function_alias_api_stage_or_account_is_allowed() {
    for (purpose, cases) in [
        (
            Purpose::Promote,
            [case(first_rest, "promote prod --yes", Exit::Done), case(first_http, "promote prod --yes", Exit::Done)],
        ),
        (
            Purpose::Rollback,
            [
                case(baking_by_stage, "rollback prod --yes", Exit::Done),
                case(baking_by_stage, "settle prod", Exit::Done),
            ],
        ),
        (
            Purpose::Gc,
            [
                case(old_rest, "gc prod --keep 1 --yes", Exit::Done),
                case(old_http, "gc prod --keep 1 --yes", Exit::Done),
            ],
        ),
    ] {
        let mut changed = BTreeSet::new();
        for case in cases {
            let tried = case.try_under(|desk| policy_for(desk, purpose));
            let policy = policy_for(&tried.desk, purpose);
            for asked in tried.asked() {
                for (this, other) in OTHERS {
                    let stays = this.ends_with(":live") && ANY_QUALIFIER.contains(&asked.action);
                    // Reading the API is reading all its stages.
                    let stays = stays || (this == "/stages/prod" && asked.action == "apigateway:GET");
                    let resource = asked.resource.replacen(this, other, 1);
                    if !stays && resource != asked.resource {
                        changed.insert((this, asked.action));
                        let asked = Asked { resource, ..asked.clone() };
                        assert!(!asked.is_allowed_by(&policy), "{purpose:?} allows {asked:?}");
                    }
                }
            }
        }
        assert!(changed.len() > 20, "{purpose:?}: {changed:?}");
    }
}

#[test]
fn in_china_the_same_calls_are_allowed_there_and_not_here() {
    for (purpose, case) in [
        (Purpose::Promote, case(first_rest, "promote prod --yes", Exit::Done)),
        (Purpose::Rollback, case(baking_by_stage, "rollback prod --yes", Exit::Done)),
    ] {
        let tried = case.try_under(|desk| policy_for(desk, purpose));
        let target = release::plannable(&tried.desk.locate("prod")).unwrap();
        let there = policy(purpose, &iam_policy::scope(target, "cn-north-1".into(), "123456789012".into()));
        let here = policy_for(&tried.desk, purpose);
        let mut china = Account::new(tried.desk.world.clock().now());
        (china.settings.partition, china.settings.region) = ("aws-cn".into(), "cn-north-1".into());
        for (call, _) in &tried.calls {
            let Some(asked) = china.asked(call) else { continue };
            assert!(asked.is_allowed_by(&there), "{purpose:?}: {asked:?}");
            assert!(asked.resource == "*" || !asked.is_allowed_by(&here), "{asked:?}");
        }
    }
}

#[test]
fn only_api_gateway_may_be_let_in() {
    let policy = policy_for(&first_rest(), Purpose::Promote);
    let live = "arn:aws:lambda:us-east-1:123456789012:function:pets:live";
    let add = |principal| Asked { action: "lambda:AddPermission", resource: live.into(), principal: Some(principal) };
    assert!(add("apigateway.amazonaws.com").is_allowed_by(&policy));
    for other in ["*", "s3.amazonaws.com", "123456789012"] {
        assert!(!add(other).is_allowed_by(&policy), "{other}");
    }
    let whole = Asked { action: "lambda:DeleteFunction", resource: live.replace(":live", ""), principal: None };
    assert!(!whole.is_allowed_by(&policy_for(&old_rest(), Purpose::Gc)), "the function as a whole");
}

/// The stage also calls `food`, which the policy says nothing of.
#[test]
fn what_is_about_a_whole_stage_stops_before_its_first_write_at_a_function_that_the_policy_does_not_name() {
    for (purpose, place, line) in [
        (Purpose::Read, shared as fn() -> Desk, "plan prod"),
        (Purpose::Read, shared, "status prod"),
        (Purpose::Promote, shared, "promote prod --yes"),
        (Purpose::Rollback, shared_released, "rollback prod --yes"),
        (Purpose::Rollback, shared_released, "rollback pets:live --yes"),
    ] {
        let tried = Case { place, line, exit: Exit::Done }.try_under(|desk| policy_for(desk, purpose));
        assert_eq!((tried.exit, tried.denied()), (Exit::Done, vec![]), "{line}: {}", tried.said);
    }
    for (purpose, place, line) in [
        (Purpose::Read, shared as fn() -> Desk, "permission list prod"),
        (Purpose::Promote, shared, "redeploy prod --yes"),
        (Purpose::Promote, shared, "permission grant prod --yes"),
        (Purpose::Rollback, shared_released, "rollback a1b2c3d4e5/prod --yes"),
    ] {
        let tried = Case { place, line, exit: Exit::Access }.try_under(|desk| policy_for(desk, purpose));
        assert_eq!((tried.exit, tried.denied()), (Exit::Access, vec!["lambda:GetAlias food:live".into()]), "{line}");
        assert!(tried.calls.iter().all(|(call, _)| call.operation().kind() == crate::aws::Kind::Read), "{line}");
    }
}
