//! "It looks right in the console, but the old behaviour is still live": each symptom made in the World, seen as a
//! client sees it, and explained by `doctor`.

use stagegate::aws::noun::{RoutingMode, StageCanary};
use stagegate::world::World;

use super::lab::{alias, answers, answers_of, api, doctor, edit, function, name, shop, target};

const PROD: &str = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod";
const ALIAS: &str = "${stageVariables.lambdaAlias}";

fn refunds(world: &World) {
    edit(world, |account| account.put_route(&api(), "POST", "/refunds", &function("orders"), ALIAS).unwrap());
}

fn url(path: &str) -> String {
    format!("{PROD}{path}")
}

fn facts(checkup: &stagegate::doctor::visit::Checkup, number: u8) -> Vec<String> {
    checkup.sections.iter().find(|section| section.number == number).unwrap().facts.clone()
}

#[test]
fn where_nothing_is_wrong_nothing_is_found_and_the_way_is_told() {
    let world = shop();
    let checkup = doctor(&world, &url("/orders/7?x=1"), "GET", &[]);
    assert_eq!(answers_of(&checkup), Vec::<String>::new());
    assert_eq!(
        facts(&checkup, 1),
        ["default endpoint → a1b2c3d4e5/prod", "by the path of the invoke URL", "other stages of this API: dev"]
    );
    assert_eq!(facts(&checkup, 2), ["GET /orders/7 is answered by GET /orders/{id} → orders:live"]);
    assert_eq!(facts(&checkup, 3), ["REST API: always. An edit is served once it is deployed."]);
    assert_eq!(facts(&checkup, 6), [format!("after the fixes: stagegate doctor {} --retest", url("/orders/7?x=1"))]);
    assert_eq!(facts(&checkup, 0), ["permission ✔ · alias exists ✔ · variables set ✔ · no $LATEST ✔ · WAF none"]);
}

#[test]
fn an_old_bookmark_calls_another_stage() {
    let world = shop();
    let dev = doctor(&world, &PROD.replace("/prod", "/dev/orders"), "GET", &[target()]);
    assert_eq!(facts(&dev, 1)[0], "default endpoint → a1b2c3d4e5/dev");
    assert_eq!(facts(&dev, 1)[2], "other stages of this API: prod");
    assert_eq!(facts(&dev, 2), ["GET /orders is answered by GET /orders → orders:dev"]);
    let gone = doctor(&world, &PROD.replace("/prod", "/production/orders"), "GET", &[]);
    assert_eq!(
        answers_of(&gone),
        ["1 D102 API a1b2c3d4e5 has no stage `production`, with which the path begins, and no $default stage"]
    );
}

#[test]
fn a_custom_domain_is_mapped_to_another_stage() {
    let world = shop();
    edit(&world, |account| {
        account.create_domain_name("api.example.com", RoutingMode::ApiMappingOnly, false);
        account.map_base_path("api.example.com", "v1", &api(), Some(&name("dev"))).unwrap();
    });
    let mut prod = target();
    prod.domains = vec!["api.example.com/v1".into()];
    let checkup = doctor(&world, "https://api.example.com/v1/orders", "GET", &[prod]);
    assert_eq!(
        answers_of(&checkup),
        ["1 D101 a1b2c3d4e5/dev answers, the configuration expects a1b2c3d4e5/prod (target prod)"]
    );
    let fix = &checkup.sections[0].findings[0].fixes[0];
    assert!(
        fix.starts_with("aws apigatewayv2 update-api-mapping --domain-name api.example.com --api-mapping-id m"),
        "{fix}"
    );
    assert!(fix.ends_with(" --api-id a1b2c3d4e5 --stage prod --region us-east-1"), "{fix}");
    let lost = doctor(&world, "https://api.example.com/v2/orders", "GET", &[]);
    assert_eq!(
        answers_of(&lost),
        ["1 D102 no routing rule and no API mapping of api.example.com takes this path: clients get 403"]
    );
}

#[test]
fn a_method_that_was_never_deployed_answers_missing_authentication_token() {
    let world = shop();
    refunds(&world);
    assert_eq!(answers(&world, "prod", "POST", "/refunds"), ["403 Missing Authentication Token: no such route"]);
    let checkup = doctor(&world, &url("/refunds"), "POST", &[]);
    assert_eq!(
        answers_of(&checkup),
        [
            "2 D201 1 edit is not deployed",
            "2 D202 POST /refunds answers 403 \"Missing Authentication Token\": the stage serves no such route"
        ]
    );
    let missing = &checkup.sections[1].findings.last().unwrap();
    assert_eq!(
        missing.details,
        ["no path of the stage matches", "it is defined, and not deployed: POST /refunds → orders:live"]
    );
    assert_eq!(missing.fixes, ["stagegate redeploy a1b2c3d4e5/prod"]);
}

#[test]
fn a_method_that_nobody_defined_answers_the_same_and_a_redeploy_would_not_help() {
    let world = shop();
    let checkup = doctor(&world, &url("/orders"), "DELETE", &[]);
    assert_eq!(
        answers_of(&checkup),
        ["2 D202 DELETE /orders answers 403 \"Missing Authentication Token\": the stage serves no such route"]
    );
    let missing = checkup.sections[1].findings.last().unwrap();
    assert_eq!(
        missing.details,
        ["/orders is there, with GET, POST", "it is not defined either: nothing that is deployed now would answer"]
    );
    assert_eq!(missing.fixes, Vec::<String>::new());
}

#[test]
fn one_stage_works_and_the_other_answers_like_yesterday() {
    let world = shop();
    edit(&world, |account| {
        account.edit_api(&api(), |live| live.integration_mut("/orders", "GET").timeout_in_millis = 5000).unwrap();
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &name("dev")).unwrap().deployment = deployment;
    });
    let dev = doctor(&world, &PROD.replace("/prod", "/dev/orders"), "GET", &[]);
    assert_eq!(answers_of(&dev), Vec::<String>::new());
    let prod = doctor(&world, &url("/orders"), "GET", &[]);
    assert_eq!(answers_of(&prod), ["2 D201 1 edit is not deployed"]);
    assert_eq!(prod.sections[1].findings[0].details[1], "~ GET /orders  integration timeoutInMillis 29000 → 5000");
}

#[test]
fn a_stale_canary_makes_answers_intermittent_and_both_splits_multiply() {
    let world = shop();
    refunds(&world);
    edit(&world, |account| {
        let trial = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &name("prod")).unwrap().canary = Some(StageCanary {
            deployment: Some(trial),
            percent: 10.0,
            overrides: Default::default(),
            use_stage_cache: false,
        });
        account.put_alias(&function("orders"), &alias("live"), 1, &[(2, 0.1)]).unwrap();
    });
    assert_eq!(answers(&world, "prod", "GET", "/orders").len(), 4, "each version, through each deployment");
    let checkup = doctor(&world, &url("/orders"), "GET", &[]);
    assert_eq!(
        answers_of(&checkup)[1..],
        [
            "5 D501 a canary answers 10% of requests, and no release runs it",
            "5 D501 v2 answers 10% of calls, and no release runs that"
        ]
    );
    assert_eq!(facts(&checkup, 5), ["together 19% of requests do not get prod's snapshot with v1"]);
    let fixes: Vec<&String> = checkup.sections[4].findings.iter().flat_map(|finding| &finding.fixes).collect();
    assert_eq!(
        fixes,
        [
            "stagegate canary clear a1b2c3d4e5/prod",
            "or stagegate canary promote a1b2c3d4e5/prod",
            "stagegate canary clear orders:live",
            "or stagegate canary promote orders:live"
        ]
    );
}

#[test]
fn a_missing_permission_answers_500_and_only_the_route_that_was_asked_for_is_judged() {
    let world = shop();
    edit(&world, |account| {
        account.drop_policy(&function("orders"), &alias("live")).unwrap();
        account.create_function(&function("other"), "one", Default::default());
        account.put_route(&api(), "GET", "/other", &function("other"), "gone").unwrap();
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &name("prod")).unwrap().deployment = deployment;
    });
    assert!(answers(&world, "prod", "GET", "/orders")[0].starts_with("500 "));
    let checkup = doctor(&world, &url("/orders"), "GET", &[]);
    assert_eq!(answers_of(&checkup), ["0 D601 GET /orders answers 500: API Gateway may not call orders:live"]);
    assert_eq!(
        checkup.sections.last().unwrap().facts,
        ["permission ✖ · alias exists ✔ · variables set ✔ · no $LATEST ✔ · WAF none"]
    );
    let other = doctor(&world, &url("/other"), "GET", &[]);
    assert_eq!(answers_of(&other), ["0 A06 GET /other answers 500: alias other:gone does not exist"]);
}

#[test]
fn stages_that_drifted_apart_are_compared_setting_by_setting() {
    let world = shop();
    edit(&world, |account| {
        let dev = account.stage_mut(&api(), &name("dev")).unwrap();
        dev.variables.insert("table".into(), "orders-dev".into());
        dev.settings.tracing = true;
    });
    let checkup = doctor(&world, &url("/orders"), "GET", &[]);
    assert_eq!(answers_of(&checkup), ["4 D401 2 differences from a1b2c3d4e5/dev"]);
    let finding = &checkup.sections[3].findings[0];
    assert_eq!(finding.details, ["variable table: prod (unset), dev orders-dev", "tracing: prod off, dev on"]);
    assert_eq!(finding.fixes[1], "see both: stagegate diff a1b2c3d4e5/prod a1b2c3d4e5/dev");
}

#[test]
fn an_http_api_without_auto_deploy_is_behind_and_one_with_it_needs_nothing() {
    let world = shop();
    let http: stagegate::model::ApiId = "h1h2h3h4h5".parse().unwrap();
    edit(&world, |account| {
        account.create_http_api(&http, "shop");
        account.put_http_route(&http, "GET /orders", &function("orders"), "live").unwrap();
        for (stage_name, auto) in [("manual", false), ("$default", true)] {
            account.create_http_stage(&http, &name(stage_name), auto, &[]).unwrap();
            account.grant(&function("orders"), &alias("live"), &http, &name(stage_name)).unwrap();
        }
        account.put_http_route(&http, "POST /refunds", &function("orders"), "live").unwrap();
    });
    let base = "https://h1h2h3h4h5.execute-api.us-east-1.amazonaws.com";
    let manual = doctor(&world, &format!("{base}/manual/refunds"), "POST", &[]);
    assert_eq!(
        answers_of(&manual),
        [
            "2 D201 1 edit is not deployed",
            "2 D202 POST /refunds answers 404 \"Not Found\": the stage serves no such route"
        ]
    );
    assert_eq!(facts(&manual, 3), ["HTTP API without autoDeploy: yes."]);
    let auto = doctor(&world, &format!("{base}/refunds"), "POST", &[]);
    assert_eq!(answers_of(&auto), Vec::<String>::new());
    assert_eq!(auto.stage, Some("h1h2h3h4h5/$default".parse().unwrap()));
    assert_eq!(
        facts(&auto, 3),
        ["HTTP API with autoDeploy: no. Every edit deploys itself, and nothing can be redeployed."]
    );
}
