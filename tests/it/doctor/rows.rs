//! What `drift` says of one target.

use stagegate::aws::Operation;
use stagegate::aws::noun::{MethodSettings, StageCanary};
use stagegate::doctor::drift::Column;
use stagegate::model::{LogLevel, Throttle};
use stagegate::problem::Level;
use stagegate::world::{Fault, Request};

use super::lab::{alias, answers, api, edit, faults, function, look, name, only, prod, shop, stage, target};

#[test]
fn a_shop_where_nothing_is_wrong_has_no_finding_and_costs_the_least_calls() {
    let world = shop();
    let row = prod(&world);
    assert_eq!(faults(&row), Vec::<String>::new());
    let cells: Vec<(&str, &str)> = row.cells.iter().map(|cell| (cell.column.name(), cell.summary.as_str())).collect();
    assert_eq!(
        cells,
        [
            ("clients", "–"),
            ("deployment", "ok"),
            ("settings", "ok"),
            ("canary", "none"),
            ("alias", "v1"),
            ("permission", "ok")
        ]
    );
    let calls: Vec<Operation> = world.calls().iter().map(|entry| entry.call.operation()).collect();
    let mut expected = vec![
        Operation::GetStages,
        Operation::GetRestApi,
        Operation::GetResources,
        Operation::GetModels,
        Operation::GetAuthorizers,
        Operation::GetRequestValidators,
        Operation::GetGatewayResponses,
        Operation::GetDeployment,
        Operation::GetExport,
    ];
    // The alias that the stage calls, and no other.
    expected.extend([Operation::GetAlias, Operation::GetPolicy]);
    assert_eq!(calls, expected);
}

#[test]
fn a_method_that_is_defined_and_not_deployed_answers_403_and_is_named() {
    let world = shop();
    edit(&world, |account| {
        account.put_route(&api(), "POST", "/refunds", &function("orders"), "${stageVariables.lambdaAlias}").unwrap();
    });
    assert_eq!(answers(&world, "prod", "POST", "/refunds"), ["403 Missing Authentication Token: no such route"]);
    let row = prod(&world);
    assert_eq!(faults(&row), ["D201 error a1b2c3d4e5/prod: 1 edit is not deployed"]);
    let finding = &row.cells[1].findings[0];
    assert_eq!(finding.details[1], "+ POST /refunds → orders:${stageVariables.lambdaAlias}");
    assert_eq!(finding.fixes, ["stagegate redeploy a1b2c3d4e5/prod"]);
    // Made by others, without a fingerprint: what was not compared is said, and is no fault.
    assert_eq!((row.cells[1].findings.len(), row.cells[1].findings[1].level), (2, Level::Note));
}

#[test]
fn one_stage_works_and_another_does_not() {
    let world = shop();
    edit(&world, |account| {
        account.put_route(&api(), "POST", "/refunds", &function("orders"), "${stageVariables.lambdaAlias}").unwrap();
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &name("dev")).unwrap().deployment = deployment;
    });
    assert_eq!(answers(&world, "dev", "POST", "/refunds"), ["100% v2"]);
    assert_eq!(answers(&world, "prod", "POST", "/refunds"), ["403 Missing Authentication Token: no such route"]);
    assert_eq!(faults(&look(&world, None, Some(&stage("dev")))), Vec::<String>::new());
    assert_eq!(faults(&prod(&world)), ["D201 error a1b2c3d4e5/prod: 1 edit is not deployed"]);
}

#[test]
fn a_missing_permission_answers_500_and_names_every_route() {
    let world = shop();
    edit(&world, |account| account.drop_policy(&function("orders"), &alias("live")).unwrap());
    assert!(answers(&world, "prod", "GET", "/orders")[0].starts_with("500 Execution failed"));
    let row = prod(&world);
    assert_eq!(
        faults(&row),
        ["D601 error a1b2c3d4e5/prod: GET /orders and 2 more answer 500: API Gateway may not call orders:live"]
    );
    assert_eq!(only(&row, Column::Permission).fixes, ["stagegate permission grant a1b2c3d4e5/prod"]);
    assert_eq!(only(&row, Column::Permission).details, ["GET /orders", "GET /orders/{id}", "POST /orders"]);
}

#[test]
fn a_variable_that_is_not_set_and_an_alias_that_does_not_exist_answer_500() {
    let world = shop();
    edit(&world, |account| account.stage_mut(&api(), &name("prod")).unwrap().variables.clear());
    assert!(answers(&world, "prod", "GET", "/orders")[0].starts_with("500 "));
    assert_eq!(
        faults(&prod(&world)),
        [
            "D401 warning a1b2c3d4e5/prod: variable lambdaAlias is (unset), config says live",
            "G04 error a1b2c3d4e5/prod: GET /orders and 2 more answer 500: stage variable lambdaAlias is not set",
            "G03 warning a1b2c3d4e5/prod: no route calls orders:live"
        ]
    );
    edit(&world, |account| {
        let variables = &mut account.stage_mut(&api(), &name("prod")).unwrap().variables;
        variables.insert("lambdaAlias".into(), "liev".into());
    });
    assert!(answers(&world, "prod", "GET", "/orders")[0].starts_with("500 "));
    let found = faults(&prod(&world));
    assert_eq!(
        found[1],
        "A06 error a1b2c3d4e5/prod: GET /orders and 2 more answer 500: alias orders:liev does not exist"
    );
}

#[test]
fn a_canary_that_nobody_runs_is_found_on_stage_and_alias() {
    let world = shop();
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
    assert_eq!(answers(&world, "prod", "GET", "/orders").len(), 4);
    let row = prod(&world);
    assert_eq!(
        faults(&row),
        [
            "D501 error a1b2c3d4e5/prod: a canary answers 10% of requests, and no release runs it",
            "D501 error orders:live: v2 answers 10% of calls, and no release runs that"
        ]
    );
    let canary = &row.cells[3];
    assert_eq!(canary.summary, "D501 +1");
    assert_eq!(canary.findings[0].fixes[0], "stagegate canary clear a1b2c3d4e5/prod");
    assert_eq!(
        canary.findings[1].fixes,
        ["stagegate canary clear orders:live", "or stagegate canary promote orders:live"]
    );
}

#[test]
fn a_canary_at_zero_percent_is_a_warning_for_it_blocks_the_next_release() {
    let world = shop();
    edit(&world, |account| {
        let trial = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &name("prod")).unwrap().canary = Some(StageCanary {
            deployment: Some(trial),
            percent: 0.0,
            overrides: Default::default(),
            use_stage_cache: false,
        });
    });
    assert_eq!(
        faults(&prod(&world)),
        ["D501 warning a1b2c3d4e5/prod: a canary at 0% is still attached: the stage refuses a new deployment"]
    );
}

#[test]
fn settings_are_compared_with_the_configuration() {
    let world = shop();
    let mut target = target();
    target.stage_settings.logging = Some(LogLevel::Error);
    target.stage_settings.tracing = Some(true);
    target.stage_settings.throttle = Some(Throttle { rate: 1000, burst: 2000 });
    target.stage_settings.variables.insert("table".into(), "orders".into());
    edit(&world, |account| {
        let stage = account.stage_mut(&api(), &name("prod")).unwrap();
        let own = MethodSettings {
            throttling_rate: Some(50.0),
            throttling_burst: Some(2000),
            log_level: Some("ERROR".into()),
            ..Default::default()
        };
        stage.settings.methods.insert("~1orders/GET".into(), own);
    });
    let row = look(&world, Some(&target), target.stage.as_ref());
    assert_eq!(
        faults(&row),
        [
            "D401 warning a1b2c3d4e5/prod: variable table is (unset), config says orders",
            "D401 warning a1b2c3d4e5/prod: GET /orders: throttle rate is 50, config says 1000",
            "D401 warning a1b2c3d4e5/prod: logging is OFF, config says ERROR",
            "D401 warning a1b2c3d4e5/prod: throttle rate is the account's, config says 1000",
            "D401 warning a1b2c3d4e5/prod: throttle burst is the account's, config says 2000",
            "D401 warning a1b2c3d4e5/prod: tracing is off, config says on"
        ]
    );
    let fixes: Vec<&String> = row.findings().flat_map(|finding| &finding.fixes).collect();
    assert_eq!(
        fixes[2],
        "aws apigateway update-stage --rest-api-id a1b2c3d4e5 --stage-name prod --patch-operations \
         'op=replace,path=/~1orders/GET/throttling/rateLimit,value=1000' --region us-east-1"
    );
}

#[test]
fn an_alias_that_was_moved_outside_stagegate_is_said_and_one_on_latest_routes_too() {
    let world = shop();
    edit(&world, |account| {
        let record = "[sg1 01JD3K7Q4T0000000000000000 done 0>2 n=1]";
        account.describe_alias(&function("orders"), &alias("live"), record).unwrap();
        account.put_route(&api(), "GET", "/debug", &function("orders"), "").unwrap();
        let deployment = account.deploy(&api(), "by hand").unwrap();
        account.stage_mut(&api(), &name("prod")).unwrap().deployment = deployment;
    });
    let found = faults(&prod(&world));
    assert!(
        found.iter().any(|line| line.starts_with("G03 warning a1b2c3d4e5/prod: 1 route of 4 calls $LATEST")),
        "{found:?}"
    );
}

#[test]
fn a_function_that_does_not_exist_is_an_error_and_an_alias_that_does_not_a_warning() {
    let world = shop();
    let mut target = target();
    (target.stage, target.alias_variable) = (None, None);
    target.alias = alias("gone");
    assert_eq!(
        faults(&look(&world, Some(&target), None)),
        ["A06 warning orders:gone: the alias does not exist: nothing was released here yet"]
    );
    target.functions = vec![function("ordrs")];
    assert_eq!(
        faults(&look(&world, Some(&target), None)),
        ["P05 error ordrs: function ordrs does not exist in this account and region"]
    );
}

#[test]
fn an_alias_that_somebody_moved_can_be_kept_or_put_back_as_printed() {
    let world = shop();
    let record = "[sg1 01JD3K7Q4T0000000000000000 done 1>2 n=1]";
    edit(&world, |account| account.describe_alias(&function("orders"), &alias("live"), record).unwrap());
    let row = prod(&world);
    let finding = only(&row, Column::Alias);
    assert_eq!(finding.what, "it serves v1 and was moved outside stagegate");
    assert_eq!(
        finding.fixes,
        ["stagegate rollback orders:live --to 2", "or stagegate promote orders:live --function-version 1"]
    );
}

#[test]
fn a_target_that_takes_its_deployment_from_another_is_behind_on_purpose() {
    let world = shop();
    edit(&world, |account| {
        account.put_route(&api(), "POST", "/refunds", &function("orders"), "${stageVariables.lambdaAlias}").unwrap();
    });
    let mut target = target();
    target.redeploy = stagegate::model::RedeployWhen::Never;
    let row = look(&world, Some(&target), target.stage.as_ref());
    assert_eq!(faults(&row), Vec::<String>::new());
    assert_eq!((row.cells[1].findings[0].level, row.cells[1].findings[0].fixes.len()), (Level::Note, 0));
}

#[test]
fn a_rollback_under_way_is_no_fault_and_one_that_died_is() {
    let world = shop();
    let says = |expires: &str| {
        let record = format!("[sg1 01JD3K7Q4T0000000000000000 undo x={expires} 2>1 n=1]");
        edit(&world, |account| account.describe_alias(&function("orders"), &alias("live"), &record).unwrap());
        faults(&prod(&world))
    };
    assert_eq!(says("20261121T1500Z"), Vec::<String>::new());
    assert_eq!(
        says("20261121T1300Z"),
        ["L02 error orders:live: the rollback of r-01JD3K7Q4T0000000000000000 was not finished"]
    );
}

#[test]
fn what_cannot_be_read_is_unknown_and_hides_nothing_else() {
    let world = shop();
    edit(&world, |account| account.drop_policy(&function("orders"), &alias("live")).unwrap());
    prod(&world);
    let models = world.calls().iter().position(|one| one.call.operation() == Operation::GetModels).unwrap();
    world.restart();
    world.inject(models, Fault::denied());
    let row = prod(&world);
    let unknown: Vec<&str> =
        row.cells.iter().filter(|cell| cell.unknown.is_some()).map(|cell| cell.column.name()).collect();
    assert_eq!(unknown, ["deployment", "settings", "canary", "permission"]);
    assert_eq!(row.cells[4].summary, "v1");
}

#[test]
fn the_world_serves_what_the_shop_promises() {
    let world = shop();
    assert_eq!(answers(&world, "prod", "GET", "/orders/7"), ["100% v1"]);
    let request = Request { api: api(), stage: name("dev"), method: "GET".into(), path: "/orders".into() };
    assert_eq!(world.serve(&request).failure(), None);
}
