//! Targets named by a URL that does not itself say which stage answers.

use super::*;
use crate::aws::noun::{HeaderGlob, InvokeApi, RoutingMode, RoutingRule, RuleCondition};
use crate::model::StageRef;

const URL: &str = "https://api.example.com/shop/pets?limit=1";

fn prod() -> StageRef {
    "a1b2c3d4e5/prod".parse().unwrap()
}

fn rule(priority: i32, condition: RuleCondition) -> RoutingRule {
    let StageRef { api, stage } = prod();
    let action = Some(InvokeApi { api, stage, strip_base_path: true });
    RoutingRule { id: format!("rule{priority}"), priority, conditions: vec![condition], action }
}

/// A desk after a release, with `shop` of the domain name mapped to the stage, and these rules before it.
fn mapped(rules: Vec<RoutingRule>) -> Desk {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    desk.world.edit(|account| {
        account.create_domain_name("api.example.com", RoutingMode::RoutingRuleThenApiMapping, false);
        account.map_base_path("api.example.com", "shop", &prod().api, Some(&prod().stage)).unwrap();
        rules.into_iter().for_each(|rule| account.create_routing_rule("api.example.com", rule).unwrap());
    });
    desk.world.reset_count();
    desk
}

#[test]
fn a_rollback_by_a_custom_domain_name_finds_the_stage_and_what_moved_its_aliases() {
    let desk = mapped(Vec::new());
    assert_eq!(desk.rollback(&format!("{URL} --yes")).unwrap().exit(), Exit::Done, "{}", desk.err.text());
    assert_eq!(desk.serving("pets"), "1");
    assert!(desk.err.text().contains(&format!("{URL} → a1b2c3d4e5/prod\n")), "{}", desk.err.text());
    let found = [Operation::GetDomainNameV2, Operation::GetApiMappings, Operation::ListRoutingRules];
    assert_eq!(desk.operations()[..3], found);
}

#[test]
fn what_no_mapping_takes_and_what_is_not_certain_is_refused_before_anything_is_written() {
    let within = RuleCondition { base_paths: Some(vec!["sho".into()]), headers: None };
    for (rules, url, why) in [
        (Vec::new(), "https://api.example.com/other", "no routing rule and no API mapping of api.example.com"),
        (Vec::new(), "https://www.example.com/", "no custom domain name www.example.com in this account and region"),
        (vec![rule(7, within)], URL, "routing rule rule7 (priority 7) may take it, or not"),
    ] {
        let desk = mapped(rules);
        let problem = desk.rollback(&format!("{url} --yes")).unwrap_err();
        assert_eq!((problem.code, problem.exit), (Code::UnresolvedUrl, Exit::Usage));
        assert!(problem.render(200).contains(why), "{}", problem.render(200));
        assert!(desk.operations().iter().all(|operation| operation.kind() == crate::aws::Kind::Read));
    }
}

#[test]
fn a_rule_that_only_some_clients_meet_is_told() {
    let glob = HeaderGlob { header: "x-version".into(), value_glob: "beta".into() };
    let mut beta = rule(7, RuleCondition { base_paths: None, headers: Some(vec![glob]) });
    beta.action.as_mut().unwrap().stage = "beta".parse().unwrap();
    let desk = mapped(vec![beta]);
    desk.rollback(&format!("{URL} --yes")).unwrap();
    let told = "  with headers of routing rule rule7 → a1b2c3d4e5/beta\n";
    assert!(desk.err.text().contains(told), "{}", desk.err.text());
}

#[test]
fn the_account_is_checked_before_another_one_is_asked() {
    let desk = mapped(Vec::new());
    let mut session = desk.session();
    session.account = Some("999988887777".into());
    let mut located = desk.locate(URL);
    let problem = located.follow(&desk.app, &session).now_or_never().unwrap().unwrap_err();
    assert_eq!(problem.code, Code::WrongAccount);
    assert_eq!(desk.operations(), [Operation::GetCallerIdentity]);
}
