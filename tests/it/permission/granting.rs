//! `permission grant`: what is added, and how room is made.

use serde_json::json;
use stagegate::aws::Operation;
use stagegate::aws::noun::StageCanary;
use stagegate::permission::Wanted;
use stagegate::policy::LIMIT;
use stagegate::problem::{Code, Exit};

use super::lab::{Lab, api, function, live, nearly_full, ours, pets, prod};

fn stage_sid() -> String {
    ours("a1b2c3d4e5", "prod").sid
}

#[test]
fn one_statement_for_the_stage_lets_every_route_in_and_a_second_time_there_is_nothing_to_do() {
    let lab = Lab::new(&["pets"], 5);
    assert_eq!(lab.unserved().len(), 5);
    let done = lab.grant().unwrap().unwrap();
    assert_eq!(done, [format!("pets:live  + {}  lets a1b2c3d4e5/prod/* in", stage_sid())]);
    assert_eq!((lab.sids("pets"), lab.unserved()), (vec![stage_sid()], vec![]));
    lab.world.restart();
    assert_eq!((lab.grant().unwrap().unwrap(), lab.writes()), (vec![], vec![]));
}

#[test]
fn authorizers_and_the_aliases_of_a_canary_are_let_in_too_and_roles_need_nothing() {
    let lab = Lab::new(&["pets", "auth", "beta-only"], 1);
    lab.edit(|account| {
        let uri = account.integration_uri(&account.function_arn(&function("auth"), Some("live")));
        let role = "arn:aws:iam::123456789012:role/gateway".to_owned();
        let beta = "beta".parse().unwrap();
        account.put_alias(&pets(), &beta, 1, &[]).unwrap();
        account.put_route(&api(), "GET", "/stable", &pets(), "${stageVariables.v}").unwrap();
        account.put_route(&api(), "GET", "/by-role", &function("beta-only"), "live").unwrap();
        account
            .edit_api(&api(), |definition| {
                definition.integration_mut("/by-role", "GET").credentials = Some(role);
                definition.authorizers.push(stagegate::aws::noun::Authorizer {
                    id: "x9".into(),
                    name: "tokens".into(),
                    authorizer_uri: Some(uri),
                    ..Default::default()
                });
                definition.method_mut("/stable", "GET").authorization_type = Some("CUSTOM".into());
                definition.method_mut("/stable", "GET").authorizer_id = Some("x9".into());
            })
            .unwrap();
        let deployment = account.deploy(&api(), "by hand").unwrap();
        let stage = account.stage_mut(&api(), &prod()).unwrap();
        stage.deployment = deployment;
        stage.variables.insert("v".into(), "live".into());
        let overrides = [("v".to_owned(), "beta".to_owned())].into();
        let canary = StageCanary { deployment: None, percent: 10.0, overrides, use_stage_cache: false };
        account.put_canary(&api(), &prod(), Some(canary)).unwrap();
    });
    assert!(!lab.unserved().is_empty());
    let done = lab.grant().unwrap().unwrap();
    assert_eq!(lab.unserved(), [""; 0], "{done:#?}");
    assert_eq!(done.len(), 3, "{done:#?}");
    assert!(done.iter().any(|line| line.starts_with("pets:beta  + ")), "{done:#?}");
    assert!(done.iter().any(|line| line.contains("a1b2c3d4e5/authorizers/x9")), "{done:#?}");
    assert_eq!(lab.sids("beta-only"), [""; 0]);
}

#[test]
fn what_is_defined_and_not_deployed_is_let_in_before_it_is_served() {
    let lab = Lab::new(&["pets", "food"], 1);
    lab.edit(|account| account.put_route(&api(), "POST", "/food", &function("food"), "live").unwrap());
    lab.grant().unwrap().unwrap();
    assert_eq!(lab.sids("food"), [stage_sid()]);
}

#[test]
fn what_is_deployed_and_no_longer_defined_is_let_in_while_it_is_served() {
    let lab = Lab::new(&["pets", "food"], 2);
    lab.edit(|account| account.put_route(&api(), "GET", "/r001", &pets(), "live").unwrap());
    lab.grant().unwrap().unwrap();
    assert_eq!((lab.sids("food"), lab.unserved()), (vec![stage_sid()], vec![]));
}

#[test]
fn an_http_api_is_let_in_by_its_stage() {
    let mut lab = Lab::new(&["pets"], 1);
    let (http, default): (stagegate::model::ApiId, stagegate::model::StageName) =
        ("h1h2h3h4h5".parse().unwrap(), "$default".parse().unwrap());
    lab.edit(|account| {
        account.create_http_api(&http, "pets");
        for key in ["GET /pets/{id}", "$default"] {
            account.put_http_route(&http, key, &pets(), "live").unwrap();
        }
        account.create_http_stage(&http, &default, true, &[]).unwrap();
    });
    lab.wanted = Wanted { stages: vec!["h1h2h3h4h5/$default".parse().unwrap()], called: true, ..Wanted::default() };
    lab.grant().unwrap().unwrap();
    let unserved = lab.unserved();
    assert!(unserved.iter().all(|line| line.contains("a1b2c3d4e5/prod")), "{unserved:?}");
}

#[test]
fn a_nearly_full_policy_is_merged_without_a_window() {
    let lab = nearly_full();
    let done = lab.grant().unwrap().unwrap();
    assert_eq!(lab.writes(), [Operation::AddPermission, Operation::RemovePermission, Operation::RemovePermission]);
    assert_eq!(lab.sids("pets"), ["filler".to_owned(), stage_sid()], "{done:#?}");
    assert!(done[1].ends_with(&format!("- apigw-0  covered by {}, not stagegate's", stage_sid())), "{done:#?}");
    assert_eq!((lab.world.violations(), lab.unserved()), (vec![], vec![]));
}

#[test]
fn a_hundred_and_twenty_routes_let_in_one_by_one_are_merged_without_a_window() {
    let lab = Lab::new(&["pets", "food"], 120);
    for at in 0..120 {
        let name = if at % 2 == 0 { "pets" } else { "food" };
        lab.grant_route(name, &format!("apigw-get-r{at:03}"), &format!("a1b2c3d4e5/prod/GET/r{at:03}"));
    }
    assert!(lab.bytes("pets") > 18_432 && lab.bytes("pets") <= LIMIT, "{}", lab.bytes("pets"));
    assert_eq!(lab.unserved(), [""; 0]);
    lab.world.watch_traffic();
    lab.grant().unwrap().unwrap();
    assert_eq!((lab.sids("pets"), lab.sids("food")), (vec![stage_sid()], vec![stage_sid()]));
    assert_eq!((lab.world.violations(), lab.unserved()), (vec![], vec![]));
}

#[test]
fn without_the_wait_the_merge_would_have_a_window() {
    // The World must be able to show what the wait is for.
    let lab = nearly_full();
    lab.edit(|account| account.settings.permission_delay = super::lab::SETTLE * 2);
    lab.grant().unwrap().unwrap();
    assert!(!lab.world.violations().is_empty());
}

#[test]
fn a_full_policy_gets_room_only_from_statements_that_others_cover() {
    let lab = Lab::new(&["pets"], 2);
    lab.grant_route("pets", "all-get", "a1b2c3d4e5/prod/GET/r000*");
    lab.grant_route("pets", "r0", "a1b2c3d4e5/prod/GET/r000");
    lab.fill("pets", 20_400);
    lab.world.watch_traffic();
    lab.grant().unwrap().unwrap();
    let sids = lab.sids("pets");
    assert!(sids.contains(&stage_sid()) && !sids.contains(&"r0".to_owned()), "{sids:?}");
    assert_eq!(lab.writes()[..2], [Operation::RemovePermission, Operation::AddPermission]);
    assert_eq!((lab.world.violations(), lab.unserved()), (vec![], vec![]));
}

#[test]
fn a_full_policy_of_which_nothing_can_go_is_refused_untouched() {
    let lab = Lab::new(&["pets"], 2);
    lab.grant_route("pets", "r0", "a1b2c3d4e5/prod/GET/r000");
    lab.fill("pets", 20_400);
    let refused = lab.grant().unwrap().unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::PolicyTooLarge, Exit::Failed));
    assert!(refused.fix.iter().any(|fix| fix.contains("permission prune pets:live")), "{refused:?}");
    assert_eq!(lab.writes(), []);
}

#[test]
fn a_deny_is_not_answered_with_another_statement() {
    let lab = Lab::new(&["pets"], 1);
    lab.put_value(
        "pets",
        json!({ "Sid": "closed", "Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": "*" }),
    );
    let refused = lab.grant().unwrap().unwrap_err();
    assert_eq!(refused.code, Code::InvokeBlocked);
    assert!(refused.why[0].starts_with("statement closed: "), "{refused:?}");
    assert_eq!(lab.writes(), []);
}

#[test]
fn a_document_that_somebody_owns_is_added_to_and_otherwise_left_alone() {
    let lab = Lab::new(&["pets"], 1);
    let of_others = json!({ "Effect": "Deny", "Principal": { "AWS": "arn:aws:iam::123456789012:user/eve" },
        "Action": "lambda:*", "Resource": "*" });
    lab.put_value("pets", of_others);
    lab.grant().unwrap().unwrap();
    assert_eq!((lab.sids("pets"), lab.unserved()), (vec!["#1".to_owned(), stage_sid()], vec![]));
}

#[test]
fn an_alias_that_does_not_exist_comes_first() {
    let lab = Lab::new(&["pets"], 1);
    lab.edit(|account| {
        account.put_route(&api(), "GET", "/r000", &pets(), "gone").unwrap();
    });
    let refused = lab.grant().unwrap().unwrap_err();
    assert_eq!(refused.code, Code::AliasMissing);
    assert!(refused.fix[0].contains("stagegate promote pets:gone"), "{refused:?}");
}

#[test]
fn an_alias_alone_is_let_in_for_the_stages_that_its_policy_names() {
    let mut lab = Lab::new(&["pets"], 2);
    lab.grant_route("pets", "r0", "a1b2c3d4e5/prod/GET/r000");
    lab.wanted = Wanted { aliases: vec![(pets(), live())], named: true, ..Wanted::default() };
    lab.grant().unwrap().unwrap();
    assert_eq!(lab.unserved(), [""; 0]);
}
