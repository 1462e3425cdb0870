//! What `permission list` shows.

use serde_json::json;
use stagegate::model::{AliasName, FunctionName, RecordState};
use stagegate::policy::LIMIT;
use stagegate::report::permission_text::{Permissions, document, screen};

use super::lab::{Lab, REGION, api, function, live, ours, prod, record, source};

fn checkout() -> FunctionName {
    "checkout-api".parse().unwrap()
}

fn found(lab: &Lab) -> Permissions {
    document("a1b2c3d4e5/prod", REGION, &lab.look().unwrap().unwrap()).unwrap()
}

fn shop() -> Lab {
    let mut lab = Lab::new(&["checkout-api"], 0);
    lab.wanted.named = true;
    lab.edit(|account| {
        for (method, path) in [("GET", "/orders"), ("GET", "/orders/{id}"), ("POST", "/orders")] {
            account.put_route(&api(), method, path, &checkout(), "${stageVariables.lambdaAlias}").unwrap();
        }
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.create_stage(&api(), &prod(), &deployment, &[("lambdaAlias", "live")]).unwrap();
        account.put_route(&api(), "POST", "/refunds", &checkout(), "live").unwrap();
    });
    lab.grant_route("checkout-api", "apigw-orders-get", "a1b2c3d4e5/prod/GET/orders*");
    lab.grant_route("checkout-api", "apigw-orders-post", "a1b2c3d4e5/prod/POST/orders");
    lab.put("checkout-api", &ours("z9y8x7w6v5", "prod"));
    lab
}

#[test]
fn the_readme_shows_what_is_printed() {
    let shown = screen(&found(&shop()), 88);
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(&format!("```text\n{shown}```")), "the README shows something else than:\n{shown}");
}

/// One of everything.
fn crowded() -> Lab {
    let lab = shop();
    lab.edit(|account| {
        let beta: AliasName = "beta".parse().unwrap();
        let auth = function("auth");
        account.create_function(&auth, "one", Default::default());
        account.publish(&auth, "first").unwrap();
        account.put_alias(&auth, &live(), 1, &[]).unwrap();
        let uri = account.integration_uri(&account.function_arn(&auth, Some("live")));
        for at in 0..7 {
            account.put_route(&api(), "GET", &format!("/reports/{at}"), &checkout(), "live").unwrap();
        }
        account.put_route(&api(), "GET", "/trial", &checkout(), beta.as_str()).unwrap();
        account
            .edit_api(&api(), |definition| {
                definition.authorizers.push(stagegate::aws::noun::Authorizer {
                    id: "x9".into(),
                    name: "tokens".into(),
                    authorizer_uri: Some(uri),
                    ..Default::default()
                });
                definition.integration_mut("/orders", "POST").credentials = Some("arn:aws:iam::1:role/gateway".into());
            })
            .unwrap();
    });
    lab.describe("auth", record(None, RecordState::Running));
    lab.put_value(
        "auth",
        json!({ "Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": "*",
            "Condition": { "ArnLike": { "AWS:SourceArn": source("a1b2c3d4e5/authorizers/*") } } }),
    );
    lab.grant_route("checkout-api", "merged", "a1b2c3d4e5/*");
    lab.fill("checkout-api", LIMIT - 100);
    lab
}

#[test]
fn everything_that_can_stand_in_a_policy() {
    let found = found(&crowded());
    // The filler is long on purpose.
    let text = |width| screen(&found, width).replace(&"x".repeat(100), "");
    insta::assert_snapshot!("list_88", text(88));
    insta::assert_snapshot!("list_60", text(60));
    assert_eq!(found.refused(), (1, 13), "what calls an alias that does not exist is not let in by a statement");
    assert!(found.useless().1 > 1, "{:?}", found.useless());
}

#[test]
fn the_document_for_programs() {
    insta::assert_json_snapshot!("list_json", found(&shop()));
}
