use super::*;
use crate::address::Passed;
use crate::aws::noun::{EndpointType, HeaderGlob, InvokeApi, RoutingMode, RuleCondition};

fn mapping(base_path: &str, stage: &str) -> ApiMapping {
    let stage: StageRef = stage.parse().unwrap();
    ApiMapping {
        id: Some(format!("m-{base_path}")),
        base_path: base_path.into(),
        api: stage.api,
        stage: Some(stage.stage),
    }
}

fn paths(any: &[&str]) -> RuleCondition {
    RuleCondition { base_paths: Some(any.iter().map(|path| (*path).to_owned()).collect()), headers: None }
}

fn header(name: &str, glob: &str) -> RuleCondition {
    let glob = HeaderGlob { header: name.into(), value_glob: glob.into() };
    RuleCondition { base_paths: None, headers: Some(vec![glob]) }
}

fn rule(priority: i32, conditions: Vec<RuleCondition>, stage: &str, strip_base_path: bool) -> RoutingRule {
    let StageRef { api, stage } = stage.parse().unwrap();
    let action = Some(InvokeApi { api, stage, strip_base_path });
    RoutingRule { id: format!("r{priority}"), priority, conditions, action }
}

fn custom(routing_mode: RoutingMode, mappings: Vec<ApiMapping>, rules: Vec<RoutingRule>) -> CustomDomain {
    let domain =
        DomainName { name: "api.example.com".into(), routing_mode, endpoint_type: Some(EndpointType::Regional) };
    CustomDomain { domain, mappings, rules }
}

fn request(path: &str, headers: &[(&str, &str)]) -> ClientRequest {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ClientRequest { host: "api.example.com".into(), path: path.into(), headers }
}

/// `API/STAGE /path`, with what is known of it that is not usual.
fn shown(outcome: &Result<Mapped, Nothing>) -> String {
    match outcome {
        Ok(Mapped { stage, path, within_segment: false, .. }) => format!("{stage} {path}"),
        Ok(Mapped { stage, path, .. }) => format!("{stage} {path} within a segment"),
        Err(Nothing::Unmapped(_)) => "unmapped".into(),
        Err(nothing) => nothing.to_string(),
    }
}

fn sent(custom: &CustomDomain, path: &str, headers: &[(&str, &str)]) -> String {
    shown(&resolve(custom, &request(path, headers)).outcome)
}

#[test]
fn the_longest_mapping_of_several_levels_wins_even_within_a_segment() {
    let custom = custom(
        RoutingMode::ApiMappingOnly,
        vec![
            mapping("", "a1/s"),
            mapping("orders", "a2/s"),
            mapping("orders/v1/items", "a3/s"),
            mapping("orders/v2/items", "a4/s"),
            mapping("orders/v2/items/categories", "a5/s"),
        ],
        Vec::new(),
    );
    for (path, wanted) in [
        ("/orders", "a2/s /"),
        ("/orders/", "a2/s /"),
        ("/orders/17", "a2/s /17"),
        ("/orders/17/", "a2/s /17/"),
        ("/orders/v1", "a2/s /v1"),
        ("/orders/v1/items", "a3/s /"),
        ("/orders/v1/items/123", "a3/s /123"),
        ("/orders/v2/items/categories/5", "a5/s /5"),
        ("/customers", "a1/s /customers"),
        ("/", "a1/s /"),
        ("/Orders", "a1/s /Orders"),
        ("/%6Frders/17", "a2/s /17"),
        ("/orders%2Fv1/items", "a2/s /%2Fv1/items within a segment"),
        ("/ordersandmore", "a2/s /andmore within a segment"),
        ("/orders/v1/itemsandmore/7", "a3/s /andmore/7 within a segment"),
        ("/order", "a1/s /order"),
    ] {
        assert_eq!(sent(&custom, path, &[]), wanted, "{path}");
    }
}

#[test]
fn mappings_of_one_level_take_whole_segments_and_without_an_empty_one_the_rest_is_forbidden() {
    let mappings = || vec![mapping("orders", "a2/s"), mapping("ord", "a3/s")];
    let without = custom(RoutingMode::ApiMappingOnly, mappings(), Vec::new());
    let mut with = mappings();
    with.push(mapping("", "a1/s"));
    let with = custom(RoutingMode::ApiMappingOnly, with, Vec::new());
    for (path, wanted, catching) in [
        ("/orders/7", "a2/s /7", "a2/s /7"),
        ("/ord/7", "a3/s /7", "a3/s /7"),
        ("/ordersandmore", "unmapped", "a1/s /ordersandmore"),
        ("/orde", "unmapped", "a1/s /orde"),
        ("/", "unmapped", "a1/s /"),
        ("//orders", "unmapped", "a1/s //orders"),
    ] {
        assert_eq!(sent(&without, path, &[]), wanted, "{path}");
        assert_eq!(sent(&with, path, &[]), catching, "{path}");
    }
    let nothing = resolve(&without, &request("/", &[])).outcome.unwrap_err();
    assert_eq!(nothing.status(), Some(403));
}

#[test]
fn a_mapping_without_a_stage_leaves_it_to_the_path() {
    let stageless = |base_path: &str| ApiMapping { stage: None, id: None, ..mapping(base_path, "a1/unused") };
    let below = custom(RoutingMode::ApiMappingOnly, vec![stageless("orders")], Vec::new());
    let root = custom(RoutingMode::ApiMappingOnly, vec![stageless("")], Vec::new());
    for (custom, path, wanted) in [
        (&below, "/orders/prod/17", "a1/prod /17"),
        (&below, "/orders/prod", "a1/prod /"),
        (&root, "/dev/", "a1/dev /"),
        (&root, "/dev/a/b", "a1/dev /a/b"),
        (&below, "/orders", "the mapping to API a1 names no stage, and `` in its place of the path is none"),
        (&root, "/a.b/c", "the mapping to API a1 names no stage, and `a.b` in its place of the path is none"),
    ] {
        assert_eq!(sent(custom, path, &[]), wanted, "{path}");
    }
    let how = resolve(&below, &request("/orders/prod/17", &[])).outcome.unwrap().how;
    assert_eq!(how, How::Mapping { id: None, stage_in_path: true });
}

#[test]
fn rules_are_asked_by_priority_and_all_conditions_of_one_must_match() {
    let rules = vec![
        rule(100, vec![], "a3/s", false),
        rule(
            50,
            vec![header("Accept", "image/webp"), header("Pet", "Dog-*"), paths(&["PetStoreShopper"])],
            "a2/s",
            false,
        ),
        rule(10, vec![header("Hello", "World")], "a1/s", false),
    ];
    let custom = custom(RoutingMode::RoutingRuleOnly, vec![mapping("", "a9/s")], rules);
    let (hello, dog, webp) = (("hello", "World"), ("PET", "Dog-Bella"), ("Accept", "image/webp"));
    for (path, headers, wanted) in [
        ("/", &[hello][..], "a1/s /"),
        ("/PetStoreShopper", &[hello, dog, webp], "a1/s /PetStoreShopper"),
        ("/PetStoreShopper", &[dog, webp], "a2/s /PetStoreShopper"),
        ("/PetStoreShopper/dogs", &[dog, webp], "a2/s /PetStoreShopper/dogs"),
        ("/PetStoreShopper", &[dog], "a3/s /PetStoreShopper"),
        ("/petstoreshopper", &[dog, webp], "a3/s /petstoreshopper"),
        ("/", &[("Hello", "world")], "a3/s /"),
    ] {
        assert_eq!(sent(&custom, path, headers), wanted, "{path} {headers:?}");
    }
}

#[test]
fn without_a_rule_that_matches_the_mode_says_whether_mappings_are_asked() {
    let rules = || vec![rule(1, vec![paths(&["pets"])], "a1/s", true)];
    let mappings = || vec![mapping("pets", "a2/s"), mapping("refunds", "a2/s")];
    let of = |mode| custom(mode, mappings(), rules());
    let (both, only_rules) = (of(RoutingMode::RoutingRuleThenApiMapping), of(RoutingMode::RoutingRuleOnly));
    let (only_mappings, new) = (of(RoutingMode::ApiMappingOnly), of(RoutingMode::Other("NEW".into())));
    for (custom, path, wanted) in [
        (&both, "/pets/7", "a1/s /7"),
        (&both, "/refunds/7", "a2/s /7"),
        (&both, "/admin", "unmapped"),
        (&only_rules, "/pets/7", "a1/s /7"),
        (&only_rules, "/refunds/7", "unmapped"),
        (&only_mappings, "/pets/7", "a2/s /7"),
        (&new, "/pets/7", "the routing mode NEW is not known to this version of stagegate"),
    ] {
        assert_eq!(sent(custom, path, &[]), wanted, "{path}");
    }
}

#[test]
fn a_rule_strips_its_base_path_only_where_it_says_so() {
    for (base, strip, path, wanted) in [
        ("PetStoreShopper/dogs", true, "/PetStoreShopper/dogs", "a1/s /"),
        ("PetStoreShopper/dogs", false, "/PetStoreShopper/dogs", "a1/s /PetStoreShopper/dogs"),
        ("PetStoreShopper", true, "/PetStoreShopper/dogs", "a1/s /dogs"),
        ("/refunds", true, "/refunds/7", "a1/s /7"),
    ] {
        let custom =
            custom(RoutingMode::RoutingRuleOnly, Vec::new(), vec![rule(1, vec![paths(&[base])], "a1/s", strip)]);
        assert_eq!(sent(&custom, path, &[]), wanted, "{base} {strip}");
    }
}

#[test]
fn any_path_or_header_within_one_condition_is_enough() {
    let either = RuleCondition {
        base_paths: Some(vec!["a".into(), "a/b".into()]),
        headers: Some(vec![
            HeaderGlob { header: "x".into(), value_glob: "1".into() },
            HeaderGlob { header: "x".into(), value_glob: "2".into() },
        ]),
    };
    let custom = custom(RoutingMode::RoutingRuleOnly, Vec::new(), vec![rule(1, vec![either], "a1/s", true)]);
    assert_eq!(sent(&custom, "/a/b/c", &[("x", "2")]), "a1/s /c", "the longest base path is stripped");
    assert_eq!(sent(&custom, "/a/c", &[("x", "1")]), "a1/s /c");
    assert_eq!(sent(&custom, "/a/c", &[("x", "3")]), "unmapped");
}

#[test]
fn the_host_is_a_header_too() {
    let by_host = rule(10, vec![header("Host", "a.example.com")], "a1/s", false);
    let custom = custom(RoutingMode::RoutingRuleOnly, Vec::new(), vec![by_host, rule(500, vec![], "a3/s", false)]);
    let ask = |host: &str, headers: &[(&str, &str)]| {
        shown(&resolve(&custom, &ClientRequest { host: host.into(), ..request("/", headers) }).outcome)
    };
    assert_eq!(ask("a.example.com", &[]), "a1/s /");
    assert_eq!(ask("b.example.com", &[]), "a3/s /");
    assert_eq!(ask("b.example.com", &[("host", "a.example.com")]), "a1/s /");
}

#[test]
fn rules_that_other_requests_would_have_met_are_told_and_doubts_are_named() {
    let unknown = RoutingRule { action: None, ..rule(4, vec![RuleCondition::default()], "a4/s", false) };
    let rules = vec![
        rule(1, vec![paths(&["orders"]), header("x-version", "beta*")], "a1/beta", false),
        rule(2, vec![paths(&["refunds"]), header("x-version", "beta*")], "a2/beta", false),
        rule(3, vec![paths(&["ord"])], "a3/s", false),
        unknown,
        rule(5, vec![], "a5/s", false),
    ];
    let custom = custom(RoutingMode::RoutingRuleOnly, Vec::new(), rules);
    let resolution = resolve(&custom, &request("/orders/7", &[]));
    assert_eq!(shown(&resolution.outcome), "a5/s /orders/7");
    let told: Vec<(i32, Option<String>, &Passed)> = resolution
        .passed
        .iter()
        .map(|rule| (rule.priority, rule.leads_to.as_ref().map(ToString::to_string), &rule.why))
        .collect();
    let beta = Passed::Headers(vec![HeaderGlob { header: "x-version".into(), value_glob: "beta*".into() }]);
    assert_eq!(
        told,
        [
            (1, Some("a1/beta".into()), &beta),
            (3, Some("a3/s".into()), &Passed::WithinSegment("ord".into())),
            (4, None, &Passed::UnknownCondition),
        ]
    );
    assert!(resolution.is_doubtful());
    assert!(!resolve(&custom, &request("/orders/7", &[("x-version", "beta2")])).is_doubtful());
}

#[test]
fn a_rule_that_does_what_nobody_knows_yet_decides_all_the_same() {
    let rule = RoutingRule { action: None, ..rule(1, vec![], "a1/s", false) };
    let custom = custom(RoutingMode::RoutingRuleThenApiMapping, vec![mapping("", "a2/s")], vec![rule]);
    assert_eq!(resolve(&custom, &request("/", &[])).outcome, Err(Nothing::UnknownAction("r1".into())));
}

#[test]
fn the_default_endpoint_names_the_stage_and_an_http_api_may_leave_it_to_its_default() {
    let api: ApiId = "a1".parse().unwrap();
    let stages = |names: &[&str]| -> Vec<(StageName, Stage)> {
        names.iter().map(|name| (name.parse().unwrap(), Stage::default())).collect()
    };
    let (named, default) = (stages(&["dev", "prod"]), stages(&["$default", "prod"]));
    for (stages, path, wanted) in [
        (&named, "/prod", "a1/prod /"),
        (&named, "/prod/", "a1/prod /"),
        (&named, "/prod/pets/7", "a1/prod /pets/7"),
        (&named, "/%70rod/pets", "a1/prod /pets"),
        (&named, "/", "API a1 has no stage ``, with which the path begins, and no $default stage"),
        (&named, "/Prod/pets", "API a1 has no stage `Prod`, with which the path begins, and no $default stage"),
        (&default, "/prod/pets", "a1/prod /pets"),
        (&default, "/", "a1/$default /"),
        (&default, "/pets/7", "a1/$default /pets/7"),
        (&default, "/$default/pets", "a1/$default /$default/pets"),
    ] {
        assert_eq!(shown(&default_endpoint(&api, stages, path)), wanted, "{path}");
    }
}

#[test]
fn only_who_comes_by_the_default_endpoint_is_stopped_where_it_is_switched_off() {
    let mut live = crate::definition::Live::default();
    let by_endpoint =
        default_endpoint(&"a1".parse().unwrap(), &[("prod".parse().unwrap(), Stage::default())], "/prod").unwrap();
    let by_name = custom(RoutingMode::ApiMappingOnly, vec![mapping("", "a1/prod")], Vec::new());
    let by_name = resolve(&by_name, &request("/", &[])).outcome.unwrap();
    assert!(!by_endpoint.is_disabled(&LiveApi::Rest(Box::new(live.clone()))));
    live.api.disable_execute_api_endpoint = true;
    let live = LiveApi::Rest(Box::new(live));
    assert!(by_endpoint.is_disabled(&live) && !by_name.is_disabled(&live));
}
