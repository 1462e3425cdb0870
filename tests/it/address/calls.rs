//! Which calls it takes to find a stage, and what is said when there is none.

use stagegate::address::{How, Nothing};
use stagegate::aws::noun::{InvokeApi, RoutingMode, RoutingRule};
use stagegate::aws::{AwsError, Operation};
use stagegate::problem::Code;
use stagegate::world::{Fault, World};

use super::{api, locate, stage, world};

const URL: &str = "https://api.example.com/v1/orders";

/// The stage and path that a URL reaches, and the calls that it took to know.
fn reached(world: &World, url: &str) -> (String, Vec<Operation>) {
    let found = locate(world, url, &[]).map_err(|problem| problem.render(88)).unwrap();
    let text = match found.resolution.outcome {
        Ok(mapped) => format!("{} {}", mapped.stage, mapped.path),
        Err(nothing) => nothing.to_string(),
    };
    (text, calls(world))
}

fn calls(world: &World) -> Vec<Operation> {
    world.calls().iter().map(|logged| logged.call.operation()).collect()
}

fn map(world: &World, domain: &str, base_path: &str, to: &str) {
    let to = stage(to);
    world.edit(|account| account.map_base_path(domain, base_path, &to.api, Some(&to.stage)).unwrap());
}

fn domain(world: &World, name: &str, mode: RoutingMode, edge: bool) {
    world.edit(|account| account.create_domain_name(name, mode, edge));
}

fn catch_all(to: &str) -> RoutingRule {
    let to = stage(to);
    let action = Some(InvokeApi { api: to.api, stage: to.stage, strip_base_path: false });
    RoutingRule { id: "r1".into(), priority: 1, conditions: Vec::new(), action }
}

#[test]
fn a_default_endpoint_takes_one_call_and_that_of_an_http_api_two() {
    let world = world();
    let rest = "https://r1.execute-api.us-east-1.amazonaws.com/prod/orders/7?x=1";
    assert_eq!(reached(&world, rest), ("r1/prod /orders/7".into(), vec![Operation::GetStages]));
    let http = [Operation::GetStages, Operation::GetHttpStages].to_vec();
    let of = |path: &str| reached(&world, &format!("https://h1.execute-api.us-east-1.amazonaws.com{path}"));
    assert_eq!(of("/dev/orders"), ("h1/dev /orders".into(), http.clone()));
    assert_eq!(of("/orders"), ("h1/$default /orders".into(), http.clone()));
    let gone = "https://r9.execute-api.us-east-1.amazonaws.com/prod";
    let nothing = locate(&world, gone, &[]).unwrap().resolution.outcome.unwrap_err();
    assert_eq!(nothing, Nothing::UnknownApi(api("r9")));
}

#[test]
fn a_regional_name_takes_two_calls_and_three_with_rules() {
    let world = world();
    domain(&world, "api.example.com", RoutingMode::ApiMappingOnly, false);
    map(&world, "api.example.com", "v1", "h1/dev");
    let two = vec![Operation::GetDomainNameV2, Operation::GetApiMappings];
    assert_eq!(reached(&world, URL), ("h1/dev /orders".into(), two));
    world.edit(|account| {
        account.domain_mut("api.example.com").unwrap().routing_mode = RoutingMode::RoutingRuleThenApiMapping
    });
    let three = vec![Operation::GetDomainNameV2, Operation::GetApiMappings, Operation::ListRoutingRules];
    assert_eq!(reached(&world, URL), ("h1/dev /orders".into(), three));
    world.edit(|account| {
        account.domain_mut("api.example.com").unwrap().routing_mode = RoutingMode::RoutingRuleOnly;
        account.create_routing_rule("api.example.com", catch_all("r2/prod")).unwrap();
    });
    let rules = vec![Operation::GetDomainNameV2, Operation::ListRoutingRules];
    assert_eq!(reached(&world, URL), ("r2/prod /v1/orders".into(), rules));
}

#[test]
fn a_name_at_the_edge_is_read_from_the_older_service_whatever_the_newer_says_of_it() {
    for shown in [false, true] {
        let world = world();
        world.edit(|account| account.settings.edge_domains_in_v2 = shown);
        domain(&world, "api.example.com", RoutingMode::ApiMappingOnly, true);
        map(&world, "api.example.com", "v1", "r1/dev");
        let wanted = vec![Operation::GetDomainNameV2, Operation::GetDomainName, Operation::GetBasePathMappings];
        assert_eq!(reached(&world, URL), ("r1/dev /orders".into(), wanted));
        let found = locate(&world, URL, &[]).unwrap();
        assert_eq!(found.resolution.outcome.unwrap().how, How::Mapping { id: None, stage_in_path: false });
    }
    let world = world();
    domain(&world, "api.example.com", RoutingMode::ApiMappingOnly, true);
    map(&world, "api.example.com", "v1", "r1/dev");
    world.inject(0, Fault::Rejected(AwsError::rejected(400, "BadRequestException", "Only REGIONAL domain names")));
    assert_eq!(locate(&world, URL, &[]).unwrap().resolution.outcome.unwrap().stage, stage("r1/dev"));
}

#[test]
fn the_exact_name_comes_before_the_wildcard_above_it() {
    let world = world();
    domain(&world, "*.example.com", RoutingMode::ApiMappingOnly, false);
    map(&world, "*.example.com", "", "r1/dev");
    let (place, calls) = reached(&world, URL);
    assert_eq!((place.as_str(), calls.len()), ("r1/dev /v1/orders", 4));
    domain(&world, "api.example.com", RoutingMode::ApiMappingOnly, false);
    map(&world, "api.example.com", "v1", "r1/prod");
    assert_eq!(reached(&world, URL).0, "r1/prod /orders");
    assert_eq!(
        reached(&world, "https://api.example.com/v2").0,
        "no routing rule and no API mapping of api.example.com takes this path"
    );
}

#[test]
fn three_hundred_mappings_are_read_to_the_end() {
    let world = world();
    domain(&world, "api.example.com", RoutingMode::ApiMappingOnly, false);
    for n in 0..300 {
        map(&world, "api.example.com", &format!("p{n:03}/v1"), "r1/dev");
    }
    map(&world, "api.example.com", "z/v1", "r2/prod");
    let (place, calls) = reached(&world, "https://api.example.com/z/v1/orders");
    assert_eq!((place.as_str(), calls.len()), ("r2/prod /orders", 5));
}

#[test]
fn what_nobody_knows_or_may_see_is_said() {
    let world = world();
    let nothing = locate(&world, URL, &[]).unwrap().resolution.outcome.unwrap_err();
    assert_eq!(nothing, Nothing::UnknownDomain("api.example.com".into()));
    assert_eq!(calls(&world).len(), 4, "either service, by either name");
    world.reset_count();
    world.inject(0, Fault::Rejected(AwsError::rejected(403, "AccessDeniedException", "no")));
    assert_eq!(locate_again(&world).unwrap_err().code, Code::AccessDenied);
    world.inject(1, Fault::Rejected(AwsError::rejected(429, "TooManyRequestsException", "slow down")));
    assert_eq!(locate_again(&world).unwrap_err().code, Code::Throttled, "no proof that there is no such name");
}

fn locate_again(world: &World) -> Result<stagegate::address::Found, stagegate::problem::Problem> {
    locate(world, URL, &[])
}
