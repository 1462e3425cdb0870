//! Whatever is mapped and whoever asks: what we say of a URL is what the World, which walks it another way, does with it.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use proptest::prelude::*;
use stagegate::address::{ApiKind, RouteMatch, RouteTable};
use stagegate::aws::AwsExt;
use stagegate::aws::noun::{HeaderGlob, InvokeApi, RoutingMode, RoutingRule, RuleCondition};
use stagegate::aws::operation::{ExportApi, GetExport};
use stagegate::definition::{HttpLive, Live};
use stagegate::model::{FunctionName, StageRef};
use stagegate::world::{Behaviour, Request, Visit, World};

use super::{REST, STAGES, api, locate, stage, world};

fn mode() -> impl Strategy<Value = RoutingMode> {
    prop::sample::select(vec![
        RoutingMode::ApiMappingOnly,
        RoutingMode::RoutingRuleOnly,
        RoutingMode::RoutingRuleThenApiMapping,
    ])
}

/// Up to `depth` segments of which one is the beginning of another.
fn base_path(depth: usize) -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "ab", "dev", "prod"]);
    prop::collection::vec(segment, 0..=depth).prop_map(|segments| segments.join("/"))
}

/// A mapping: its base path, one of the stages, and whether it leaves the stage to the path.
fn mapping() -> impl Strategy<Value = (String, usize, bool)> {
    (base_path(3), 0..STAGES.len(), prop::bool::weighted(0.2))
}

fn glob() -> impl Strategy<Value = HeaderGlob> {
    let header = prop::sample::select(vec!["x-version", "X-Pet", "Host"]);
    let value = prop::sample::select(vec!["beta", "b*", "*a", "*e*", "*", "api.example.com"]);
    (header, value).prop_map(|(header, value)| HeaderGlob { header: header.into(), value_glob: value.into() })
}

fn rule() -> impl Strategy<Value = (i32, RoutingRule)> {
    let paths = base_path(2).prop_map(|base| RuleCondition { base_paths: Some(vec![base]), headers: None });
    let headers = prop::collection::vec(glob(), 0..=2);
    let target = (0..REST, any::<bool>());
    (1..=20, prop::option::of(paths), headers, target).prop_map(|(priority, paths, headers, (to, strip_base_path))| {
        let headers = headers.into_iter().map(|glob| RuleCondition { base_paths: None, headers: Some(vec![glob]) });
        let StageRef { api, stage } = stage(STAGES[to]);
        let conditions = paths.into_iter().chain(headers).collect();
        let action = Some(InvokeApi { api, stage, strip_base_path });
        (priority, RoutingRule { id: format!("r{priority}"), priority, conditions, action })
    })
}

/// Paths that mappings and rules may fit, also within a segment, escaped, in another case, with a slash at the end.
fn url_path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "ab", "abc", "A", "%61", "dev", "prod", "devx", "a%2Fb", "é", "7"]);
    (prop::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(segments, slash)| {
        let path = format!("/{}", segments.join("/"));
        if slash && path != "/" { format!("{path}/") } else { path }
    })
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec!["X-Version", "x-pet"]);
    let value = prop::sample::select(vec!["beta", "alpha", "eel"]);
    prop::collection::vec((name, value).prop_map(|(name, value)| (name.to_owned(), value.to_owned())), 0..3)
}

/// A World in which some of this is mapped to `name`; what AWS refuses is left out.
fn mapped(
    name: &str,
    mode: RoutingMode,
    edge: bool,
    mappings: &[(String, usize, bool)],
    rules: &[(i32, RoutingRule)],
) -> World {
    let world = world();
    world.edit(|account| {
        account.create_domain_name(name, mode, edge);
        for (base_path, to, stage_in_path) in mappings {
            let kinds = if edge || *stage_in_path { REST } else { STAGES.len() };
            let to = stage(STAGES[to % kinds]);
            let _ = account.map_base_path(name, base_path, &to.api, (!stage_in_path).then_some(&to.stage));
        }
        for (_, rule) in rules {
            let _ = account.create_routing_rule(name, rule.clone());
        }
    });
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_by_a_domain_name_reaches_the_stage_that_we_say(
        (mode, edge, wildcard, within) in (mode(), any::<bool>(), any::<bool>(), any::<bool>()),
        mappings in prop::collection::vec(mapping(), 0..6),
        rules in prop::collection::vec(rule(), 0..5),
        requests in prop::collection::vec((url_path(), headers()), 1..8),
    ) {
        let name = if wildcard { "*.example.com" } else { "api.example.com" };
        let world = mapped(name, mode, edge, &mappings, &rules);
        world.edit(|account| account.settings.rules_match_within_segments = within);
        for (path, headers) in requests {
            let found = locate(&world, &format!("https://Api.Example.com{path}?a=/b#c"), &headers).unwrap();
            let ours = found.resolution.outcome.as_ref().ok().map(|mapped| (mapped.stage.clone(), mapped.path.clone()));
            let visit = Visit { host: "api.example.com".into(), path: path.clone(), method: "GET".into(), headers };
            let theirs = world.look(|account| account.find_stage(&visit)).ok();
            let theirs = theirs.map(|request| (StageRef { api: request.api, stage: request.stage }, request.path));
            // Only where AWS may match within a segment, and then we say that we doubt.
            if !within || !found.resolution.is_doubtful() {
                prop_assert_eq!(ours, theirs, "{} {:?} of {:#?}", path, visit.headers, found.domain);
            }
        }
    }

    #[test]
    fn a_request_by_the_default_endpoint_reaches_the_stage_that_we_say(
        id in prop::sample::select(vec!["r1", "r2", "h1", "h9"]),
        path in url_path(),
    ) {
        let world = world();
        let host = format!("{id}.execute-api.us-east-1.amazonaws.com");
        let ours = locate(&world, &format!("https://{host}{path}"), &[]).unwrap().resolution.outcome.ok();
        let visit = Visit { host, path, method: "GET".into(), headers: Vec::new() };
        let theirs = world.look(|account| account.find_stage(&visit)).ok();
        prop_assert_eq!(
            ours.map(|mapped| (mapped.stage, mapped.path)),
            theirs.map(|request| (StageRef { api: request.api, stage: request.stage }, request.path))
        );
    }
}

/// `GET /a/{x}` and the like, each once.
fn keys() -> impl Strategy<Value = Vec<String>> {
    let segment = prop::sample::select(vec!["a", "b", "{x}"]);
    let method = prop::sample::select(vec!["GET", "POST", "ANY"]);
    let key =
        (method, prop::collection::vec(segment, 0..3), any::<bool>()).prop_map(|(method, mut segments, greedy)| {
            if greedy {
                segments.push("{p+}");
            }
            format!("{method} /{}", segments.join("/"))
        });
    let keys = prop::collection::btree_set(key, 1..8);
    (keys, any::<bool>()).prop_map(|(keys, default)| {
        let mut keys: BTreeSet<String> = keys;
        if default {
            keys.insert("$default".into());
        }
        keys.into_iter().collect()
    })
}

/// The two kinds of API with a function of its own for each route, deployed to `dev`; then the live definitions are
/// emptied, so that only the deployed ones still know.
struct Deployed {
    world: World,
    rest: Live,
    http: HttpLive,
}

fn deployed(keys: &[String]) -> Deployed {
    let world = World::new(super::VirtualClock::at(super::Timestamp::UNIX_EPOCH));
    world.set_quotas(false);
    let (rest_id, http_id, dev) = (api("r1"), api("h1"), "dev".parse().unwrap());
    let (mut rest, mut http) = (Live::default(), HttpLive::default());
    world.edit(|account| {
        account.create_rest_api(&rest_id, "rest");
        account.create_http_api(&http_id, "http");
        for (n, key) in keys.iter().enumerate() {
            let function: FunctionName = format!("f{n}").parse().unwrap();
            account.create_function(&function, "code", Behaviour::default());
            account.put_http_route(&http_id, key, &function, "").unwrap();
            if let Some((method, path)) = key.split_once(' ') {
                account.put_route(&rest_id, method, path, &function, "").unwrap();
            }
        }
        // A role calls, so that no policy is asked.
        account
            .edit_api(&rest_id, |live| {
                let methods = live.resources.iter_mut().flat_map(|resource| resource.methods.values_mut());
                methods.flat_map(|method| &mut method.integration).for_each(|it| it.credentials = Some("role".into()));
                rest.resources.clone_from(&live.resources);
            })
            .unwrap();
        account
            .edit_http_api(&http_id, |live| {
                live.integrations.iter_mut().for_each(|it| it.credentials_arn = Some("role".into()));
                http.clone_from(live);
            })
            .unwrap();
        if keys.iter().any(|key| key.contains(' ')) {
            let deployment = account.deploy(&rest_id, "").unwrap();
            account.create_stage(&rest_id, &dev, &deployment, &[]).unwrap();
        }
        account.create_http_stage(&http_id, &dev, false, &[]).unwrap();
        account.edit_api(&rest_id, |live| live.resources.truncate(1)).unwrap();
        account.edit_http_api(&http_id, |live| live.routes.clear()).unwrap();
    });
    Deployed { world, rest, http }
}

impl Deployed {
    /// The number of the route that the World serves.
    fn served(&self, id: &str, method: &str, path: &str) -> Option<String> {
        let request = Request { api: api(id), stage: "dev".parse().unwrap(), method: method.into(), path: path.into() };
        let served = self.world.serve(&request);
        if let Some(failure) = served.failure() {
            assert!(failure.why.contains("no such route"), "{failure}");
            return None;
        }
        served.0[0].result.clone().unwrap().map(|reached| reached.function.to_string())
    }
}

/// The function of the route that we found.
fn found(keys: &[String], table: &RouteTable, method: &str, path: &str) -> Option<String> {
    let key = match table.find(method, path) {
        RouteMatch::Route { path, method } => format!("{method} {path}"),
        RouteMatch::Default => "$default".to_owned(),
        RouteMatch::Preflight => unreachable!("there is no CORS"),
        RouteMatch::NoMethod { .. } | RouteMatch::NoPath => return None,
    };
    keys.iter().position(|other| *other == key).map(|n| format!("f{n}"))
}

fn request_path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "c"]);
    (prop::collection::vec(segment, 0..5), prop::bool::weighted(0.2)).prop_map(|(segments, slash)| {
        let path = format!("/{}", segments.join("/"));
        if slash && path != "/" { format!("{path}/") } else { path }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_reaches_the_route_that_we_say_by_what_is_live_and_by_what_is_exported(
        keys in keys(),
        requests in prop::collection::vec((prop::sample::select(vec!["GET", "POST", "PUT"]), request_path()), 1..10),
    ) {
        let api_of = deployed(&keys);
        let dev = || "dev".parse().unwrap();
        let send = |stage| api_of.world.send(ExportApi { api: api("h1"), stage: Some(stage) }).now_or_never().unwrap().unwrap();
        let mut tables = vec![("h1", RouteTable::of_http(&api_of.http)), ("h1", RouteTable::of_export(ApiKind::Http, &send(dev())).unwrap())];
        if keys.iter().any(|key| key.contains(' ')) {
            let export = api_of.world.send(GetExport { api: api("r1"), stage: dev() }).now_or_never().unwrap().unwrap();
            tables.push(("r1", RouteTable::of_rest(&api_of.rest)));
            tables.push(("r1", RouteTable::of_export(ApiKind::Rest, &export).unwrap()));
        }
        for (method, path) in requests {
            for (id, table) in &tables {
                let (ours, theirs) = (found(&keys, table, method, &path), api_of.served(id, method, &path));
                prop_assert_eq!(ours, theirs, "{} {} {} of {:?}", id, method, path, keys);
            }
        }
    }
}
