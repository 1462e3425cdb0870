//! Where the commands are tried: accounts and configurations, each before the command.

use std::time::Duration;

use super::super::*;
use crate::aws::noun::{AlarmValue, HttpAuthorizer, RoutingMode};
use crate::world::Load;

const API: &str = "a1b2c3d4e5";

fn api() -> ApiId {
    API.parse().unwrap()
}

fn prod() -> StageName {
    "prod".parse().unwrap()
}

/// A target `prod`, with lines of its own and of its tables.
fn config(functions: &str, tables: &str) -> String {
    format!(
        "schema = 1\n[target.prod]\nfunctions = [{functions}]\nalias = \"live\"\napi = \"{API}\"\nstage = \"prod\"\n\
         alias_variable = \"lambdaAlias\"\ndomains = [\"api.example.com/shop\"]\n{tables}"
    )
}

/// A smoke check of the version, and none of the stage.
const SMOKE: &str = "smoke = [{ invoke = \"event.json\" }]\n";

fn configured(desk: Desk, functions: &str, tables: &str) -> Desk {
    std::fs::write(desk.folder.path().join("stagegate.toml"), config(functions, tables)).unwrap();
    desk
}

/// A stage of a REST API that serves a function by its alias and is one route behind; custom domain names of both kinds
/// lead to it.
pub fn rest() -> Desk {
    let desk = configured(Desk::new(Shape::Human), "\"pets\"", SMOKE);
    std::fs::write(desk.folder.path().join("event.json"), "{}").unwrap();
    desk.world.edit(|account| {
        for (name, edge) in [("api.example.com", false), ("edge.example.com", true)] {
            account.create_domain_name(name, RoutingMode::RoutingRuleThenApiMapping, edge);
            account.map_base_path(name, "shop", &api(), Some(&prod())).unwrap();
        }
    });
    desk
}

/// The same of an HTTP API, with an authorizer.
pub fn http() -> Desk {
    let desk = rest();
    desk.world.edit(|account| {
        account.apis.remove(&api());
        account.create_http_api(&api(), "pets");
        let uri = "${stageVariables.lambdaAlias}";
        account.put_http_route(&api(), "GET /pets", &pets(), uri).unwrap();
        account
            .edit_http_api(&api(), |live| {
                live.authorizers.push(HttpAuthorizer { id: "u1".into(), ..HttpAuthorizer::default() });
                live.routes[0].authorizer_id = Some("u1".into());
            })
            .unwrap();
        account.create_http_stage(&api(), &prod(), false, &[("lambdaAlias", "live")]).unwrap();
        account.put_http_route(&api(), "POST /pets", &pets(), uri).unwrap();
    });
    desk
}

/// Never released: no alias, and the stage's variable names another one.
fn first(desk: Desk) -> Desk {
    desk.world.edit(|account| {
        let function = Rc::make_mut(account.functions.get_mut(&pets()).unwrap());
        function.aliases.remove(&live());
        function.policies.remove(live().as_str());
    });
    desk
}

pub fn first_rest() -> Desk {
    first(rest())
}

pub fn first_http() -> Desk {
    first(http())
}

/// After a release that a process carried out which is no longer there.
fn after(desk: Desk, line: &str) -> Desk {
    let end = desk.promote(line).unwrap_or_else(End::from);
    assert!(matches!(end.exit(), Exit::Done), "{:?}\n{}", end.problem, desk.err.text());
    desk.world.clock().advance(Duration::from_secs(900));
    std::fs::remove_dir_all(desk.folder.path().join("state")).unwrap();
    desk
}

pub fn released_rest() -> Desk {
    after(rest(), "prod --yes")
}

pub fn released_http() -> Desk {
    after(http(), "prod --yes")
}

/// Two functions that are released as one.
pub fn two() -> Desk {
    let desk = configured(rest(), "\"pets\", \"food\"", "");
    desk.world.edit(|account| {
        let food = "food".parse().unwrap();
        account.put_route(&api(), "GET", "/food", &food, "${stageVariables.lambdaAlias}").unwrap();
        account.grant(&food, &live(), &api(), &prod()).unwrap();
    });
    desk
}

pub fn two_released() -> Desk {
    after(two(), "prod --yes")
}

const GATE: &str = "alarms = [\"pets-5xx\"]\n";

fn with_clients(desk: Desk) -> Desk {
    let now = desk.world.clock().now();
    desk.world.edit(|account| account.put_alarm("pets-5xx", AlarmValue::Ok, now, "fine"));
    desk.world.set_load(Load::to_alias(7, &pets(), &live(), 50.0));
    desk
}

/// Shifted by the alias's weights.
pub fn by_alias() -> Desk {
    let tables = format!(
        "[target.prod.canary]\nmode = \"alias\"\nsteps = [\"5% 10m\", \"25% 10m\"]\n[target.prod.gate]\n{GATE}"
    );
    with_clients(configured(rest(), "\"pets\"", &tables))
}

/// The same behind an HTTP API.
pub fn http_by_alias() -> Desk {
    let tables = format!(
        "[target.prod.canary]\nmode = \"alias\"\nsteps = [\"5% 10m\", \"25% 10m\"]\n[target.prod.gate]\n{GATE}"
    );
    with_clients(configured(http(), "\"pets\"", &tables))
}

/// Shifted by the canary of the stage, to a candidate alias of its own.
pub fn by_stage() -> Desk {
    let tables = format!(
        "smoke = [{{ http = \"GET /pets\" }}]\n[target.prod.canary]\nmode = \"stage\"\nsteps = [\"50% 5m\"]\n\
         [target.prod.gate]\n{GATE}"
    );
    let desk = configured(rest(), "\"pets\"", &tables);
    let now = desk.world.clock().now();
    desk.world.edit(|account| account.put_alarm("pets-5xx", AlarmValue::Ok, now, "fine"));
    let request = crate::world::Request { api: api(), stage: prod(), method: "GET".into(), path: "/pets".into() };
    desk.world.set_load(Load::to_stage(1, &request, 100.0));
    desk
}

pub fn baking_by_alias() -> Desk {
    after(by_alias(), "prod --yes --until canary:5%")
}

pub fn http_baking() -> Desk {
    after(http_by_alias(), "prod --yes --until canary:5%")
}

pub fn baking_by_stage() -> Desk {
    after(by_stage(), "prod --yes --until canary:50%")
}

/// In a stack, while CodeDeploy moves another alias.
pub fn owned() -> Desk {
    let desk = rest();
    desk.world.edit(|account| {
        account.put_function_into_stack(&pets(), "shop", "Pets").unwrap();
        account.put_alias_into_stack(&pets(), &live(), "shop", "Live");
        account.begin_code_deployment("d-1", &pets(), &"beta".parse().unwrap());
    });
    desk
}

/// Moved by hand, so that no record says what served before: 1, then 2, then 3 after a trial of it.
pub fn moved_by_hand() -> Desk {
    let desk = rest();
    desk.world.edit(|account| account.publish(&pets(), "third")).unwrap();
    for (version, weights) in [(2, &[][..]), (2, &[(3, 0.1)]), (3, &[])] {
        desk.world.clock().advance(Duration::from_secs(900));
        desk.world.edit(|account| account.put_alias(&pets(), &live(), version, weights).unwrap());
    }
    desk.world.clock().advance(Duration::from_secs(900));
    desk
}

/// A first release that stopped before its end: it made the alias, let the API in, and set the stage's variable.
pub fn first_midway() -> Desk {
    after(first_rest(), "prod --yes --until redeploy")
}

/// A release that let the API in and stopped before its end.
pub fn granted_midway() -> Desk {
    let desk = rest();
    desk.world.edit(|account| account.drop_policy(&pets(), &live()).unwrap());
    after(desk, "prod --yes --until redeploy")
}

/// After a release, with a line in the log of what serves.
pub fn logged() -> Desk {
    let desk = released_rest();
    let at = desk.world.clock().now();
    desk.world.edit(|account| account.put_log("/aws/lambda/pets", "2026/11/21/[3]0123", at, "hello"));
    desk
}

/// A split of the alias that no release runs.
pub fn split_alias() -> Desk {
    let desk = rest();
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 1, &[(2, 0.2)]).unwrap());
    desk
}

/// A canary of the stage that no release runs.
pub fn split_stage() -> Desk {
    let desk = rest();
    desk.stage_canary(20.0);
    desk
}

/// The definition has a route that the stage lacks.
pub fn undeployed() -> Desk {
    let desk = released_rest();
    desk.world
        .edit(|account| account.put_route(&api(), "GET", "/new", &pets(), "${stageVariables.lambdaAlias}").unwrap());
    desk
}

/// The alias lets in what nothing needs, and not what the stage needs.
pub fn unpermitted() -> Desk {
    let desk = rest();
    desk.world.edit(|account| {
        account.drop_policy(&pets(), &live()).unwrap();
        account.grant(&pets(), &live(), &api(), &"old".parse().unwrap()).unwrap();
    });
    desk
}

/// Several releases, days apart, and the candidate alias that a canary left.
fn old(desk: Desk) -> Desk {
    for code in ["a", "b", "c", "d"] {
        let desk = &desk;
        desk.world.edit(|account| account.update_code(&pets(), code, Behaviour::default(), Duration::ZERO).unwrap());
        desk.world.edit(|account| {
            let path = format!("/{code}");
            if account.apis.contains_key(&api()) {
                account.put_route(&api(), "GET", &path, &pets(), "live").unwrap();
            } else {
                account.put_http_route(&api(), &format!("GET {path}"), &pets(), "live").unwrap();
            }
        });
        assert_eq!(desk.promote("prod --yes").unwrap().exit(), Exit::Done, "{}", desk.err.text());
        desk.world.clock().advance(Duration::from_secs(2 * 86_400));
    }
    std::fs::remove_dir_all(desk.folder.path().join("state")).unwrap();
    let candidate = crate::model::candidate_alias(&live()).unwrap();
    let left = "[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1422Z 0>3 n=1 c]";
    desk.world.edit(|account| {
        account.put_alias(&pets(), &candidate, 3, &[]).unwrap();
        account.describe_alias(&pets(), &candidate, left).unwrap();
    });
    desk
}

pub fn old_rest() -> Desk {
    old(rest())
}

pub fn old_http() -> Desk {
    old(http())
}
