//! `drift` over a model of AWS.

use futures_util::FutureExt as _;

use super::super::args::Command;
use super::super::drift::{Asked, asked, conclude, look};
use super::super::end::End;
use super::{Desk, parse, pets};
use crate::aws::noun::RoutingMode;
use crate::doctor::drift::Report;
use crate::model::{ApiId, StageName};
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;

pub(super) fn drift(desk: &Desk, line: &str) -> Result<End, Problem> {
    let Command::Drift(args) = parse(format!("drift {line}").trim()) else { panic!("{line}") };
    let all = asked(&desk.app, &args.targets)?;
    let rows = look(&desk.app, &desk.session(), &all.iter().collect::<Vec<&Asked>>()).now_or_never().unwrap();
    Ok(conclude(&desk.app, &Report::of(rows), args.fail_on))
}

#[test]
fn every_target_of_the_file_is_a_row_and_what_is_wrong_is_below() {
    let desk = Desk::new(Shape::Human);
    assert_eq!(drift(&desk, "").unwrap().exit(), Exit::Findings);
    insta::assert_snapshot!("drift_88", desk.out.text());
}

#[test]
fn a_fault_of_another_level_than_asked_for_is_said_and_does_not_fail() {
    let desk = Desk::new(Shape::Human);
    let (api, prod): (ApiId, StageName) = ("a1b2c3d4e5".parse().unwrap(), "prod".parse().unwrap());
    desk.world.edit(|account| {
        let deployment = account.deploy(&api, "by hand").unwrap();
        let stage = account.stage_mut(&api, &prod).unwrap();
        stage.deployment = deployment;
        stage.variables.insert("lambdaAlias".into(), "live".into());
        account.put_route(&api, "GET", "/debug", &pets(), "").unwrap();
        let deployment = account.deploy(&api, "by hand").unwrap();
        account.stage_mut(&api, &prod).unwrap().deployment = deployment;
    });
    assert_eq!(drift(&desk, "prod").unwrap().exit(), Exit::Findings);
    assert_eq!(drift(&desk, "prod --fail-on error").unwrap().exit(), Exit::Done);
    assert!(
        desk.out.text().contains("! G03 prod (a1b2c3d4e5/prod): 1 route of 3 calls $LATEST"),
        "{}",
        desk.out.text()
    );
}

#[test]
fn programs_get_one_document() {
    let desk = Desk::new(Shape::Document);
    drift(&desk, "a1b2c3d4e5/prod").unwrap();
    let document: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert_eq!(document["schema"], "stagegate.drift/1.0");
    assert_eq!(document["targets"][0]["cells"][1]["findings"][0]["code"], "SG-D201");
    assert_eq!((document["errors"].as_u64(), document["warnings"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn a_target_that_does_not_exist_is_a_usage_error() {
    let desk = Desk::new(Shape::Human);
    let problem = drift(&desk, "pord").unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::UnknownTarget, Exit::Usage));
    let gone = drift(&desk, "zzzzzzzzzz/prod").unwrap();
    assert_eq!(gone.exit(), Exit::Usage);
    assert!(desk.out.text().contains("not looked at in 1 target"), "{}", desk.out.text());
}

#[test]
fn a_domain_that_leads_to_another_stage_is_found() {
    let desk = Desk::new(Shape::Human);
    let (api, dev): (ApiId, StageName) = ("a1b2c3d4e5".parse().unwrap(), "dev".parse().unwrap());
    let file = desk.folder.path().join("stagegate.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let domains = "alias_variable = \"lambdaAlias\"\ndomains = [\"api.example.com/v1\", \"api.example.org\"]";
    std::fs::write(&file, config.replacen("alias_variable = \"lambdaAlias\"", domains, 1)).unwrap();
    desk.world.edit(|account| {
        let deployment = account.deploy(&api, "by hand").unwrap();
        account.create_stage(&api, &dev, &deployment, &[("lambdaAlias", "live")]).unwrap();
        account.create_domain_name("api.example.com", RoutingMode::ApiMappingOnly, false);
        account.map_base_path("api.example.com", "v1", &api, Some(&dev)).unwrap();
    });
    drift(&desk, "prod").unwrap();
    let said = desk.out.text();
    for line in [
        "✖ D101 prod (api.example.com/v1): a1b2c3d4e5/dev answers, the configuration expects",
        "✖ D102 prod (api.example.org): API Gateway knows no custom domain name api.example.org",
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
}
