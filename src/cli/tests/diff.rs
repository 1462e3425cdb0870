//! `diff` over a model of AWS.

use futures_util::FutureExt as _;

use super::super::diff::{Subject, same_place, show, subject};
use super::{Desk, parse, pets};
use crate::aws::Operation;
use crate::cli::args::Command;
use crate::cli::end::End;
use crate::model::{ApiId, StageName};
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;

pub(super) fn diff(desk: &Desk, line: &str) -> Result<End, Problem> {
    let Command::Diff(args) = parse(&format!("diff {line}")) else { panic!("{line}") };
    let (a, _) = subject(&desk.app, &args.a)?;
    let (b, _) = subject(&desk.app, &args.b)?;
    show(&desk.app, &desk.session(), (&a, &b), &args).now_or_never().unwrap()
}

/// A second stage, on a deployment of its own that has one route more.
pub(super) fn beside(desk: &Desk) {
    let (api, dev): (ApiId, StageName) = ("a1b2c3d4e5".parse().unwrap(), "dev".parse().unwrap());
    desk.world.edit(|account| {
        let deployment = account.deploy(&api, "by hand").unwrap();
        account.create_stage(&api, &dev, &deployment, &[("lambdaAlias", "dev")]).unwrap();
        account.stage_mut(&api, &dev).unwrap().settings.tracing = true;
    });
}

#[test]
fn two_stages_differ_by_route_and_by_setting() {
    let desk = Desk::new(Shape::Human);
    beside(&desk);
    let end = diff(&desk, "a1b2c3d4e5/dev prod").unwrap();
    let said = desk.out.text();
    for line in ["    - POST /pets\n", "    ~ tracing  on → off\n", "    ~ variable lambdaAlias  dev → live\n"] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    assert!(said.contains("which does not show: the API's name, "), "{said}");
    assert!(said.ends_with("\n3 differences, A → B\n"), "{said}");
    assert_eq!(end.exit(), Exit::Done);
    let asked = diff(&desk, "a1b2c3d4e5/dev prod --detailed-exitcode").unwrap();
    assert_eq!(asked.exit(), Exit::Findings);
}

#[test]
fn two_stages_of_one_deployment_need_no_export() {
    let desk = Desk::new(Shape::Human);
    beside(&desk);
    let end = diff(&desk, "prod prod --detailed-exitcode").unwrap();
    assert_eq!((end.exit(), desk.operations().contains(&Operation::GetExport)), (Exit::Done, false));
    let said = desk.out.text();
    assert!(said.contains("    = the same\n") && said.ends_with("\nno difference\n"), "{said}");
}

#[test]
fn programs_get_one_document() {
    let desk = Desk::new(Shape::Document);
    beside(&desk);
    diff(&desk, "prod a1b2c3d4e5/dev").unwrap();
    let document: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert_eq!(
        (document["schema"].as_str(), document["region"].as_str()),
        (Some("stagegate.diff/1.0"), Some("us-east-1"))
    );
    let added = &document["sections"][0]["differences"][0];
    assert_eq!(added["place"], serde_json::json!({"route": {"path": "/pets", "method": "POST"}}));
    assert_eq!(
        (added["change"].as_str(), document["unseen"].as_array().unwrap().len()),
        (Some("added"), crate::definition::Unseen::ALL.len())
    );
}

#[test]
fn versions_are_named_by_number_alias_or_latest() {
    let desk = Desk::new(Shape::Human);
    let version = |text: &str| subject(&desk.app, text).unwrap().0;
    let of = |qualifier: &str| Subject::Version { function: pets(), qualifier: qualifier.into() };
    assert_eq!(
        (version("pets:1"), version("pets:live"), version("pets:$LATEST")),
        (of("1"), of("live"), of("$LATEST"))
    );
    diff(&desk, "pets:live pets:1").unwrap();
    assert!(desk.out.text().ends_with("\nno difference\n"), "{}", desk.out.text());
    diff(&desk, "pets:1 pets:$LATEST").unwrap();
    let said = desk.out.text();
    assert!(said.contains("A  pets:1 · v1\nB  pets:$LATEST · $LATEST\n"), "{said}");
    assert!(said.contains("    ~ sha256  ") && said.ends_with("\n1 difference, A → B\n"), "{said}");
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_shown() {
    let desk = Desk::new(Shape::Human);
    let refused = |line: &str| diff(&desk, line).unwrap_err().code;
    assert_eq!(refused("prod pets:1"), Code::BadOption);
    assert_eq!(refused("pets:1 food:1"), Code::BadOption);
    assert_eq!(refused("both pets:1"), Code::AmbiguousTarget);
    assert_eq!(refused("pets:1 pets:9"), Code::VersionMissing);
    assert_eq!(refused("prod a1b2c3d4e5/gone"), Code::StageMissing);
    assert_eq!(refused("p!ts:1 pets:1"), Code::UnknownPlace);
    assert_eq!(desk.out.text(), "");
}

/// The region, profile and account that one connection to both has.
fn place(desk: &Desk, a: &str, b: &str) -> Result<[Option<String>; 3], Problem> {
    let settings = |text: &str| subject(&desk.app, text).unwrap().1;
    let one = same_place((a, &settings(a)), (b, &settings(b)))?;
    Ok([one.region, one.profile, one.account].map(|setting| setting.map(|setting| setting.value)))
}

#[test]
fn what_only_one_side_says_counts_for_both() {
    let mut desk = Desk::new(Shape::Human);
    let target = |name: &str, more: &str| {
        format!(
            "[target.{name}]\nfunctions = [\"pets\"]\nalias = \"live\"\napi = \"a1b2c3d4e5\"\nstage = \"{name}\"\n{more}\n"
        )
    };
    let file = format!(
        "schema = 1\n{}{}{}",
        target("prod", "region = \"eu-west-1\"\naccount = \"111122223333\""),
        target("dev", "region = \"eu-west-1\""),
        target("far", "region = \"us-west-2\"\naccount = \"999988887777\""),
    );
    std::fs::write(desk.folder.path().join("stagegate.toml"), file).unwrap();
    desk.app.env = |name| (name == "AWS_REGION").then(|| "us-east-1".to_owned());
    let both = [Some("eu-west-1".into()), None, Some("111122223333".into())];
    for (a, b) in [("a1b2c3d4e5/dev", "a1b2c3d4e5/prod"), ("prod", "dev"), ("a1b2c3d4e5/not-in-the-file", "prod")] {
        assert_eq!(place(&desk, a, b).unwrap(), both, "{a} {b}");
    }
    let apart = place(&desk, "prod", "far").unwrap_err();
    assert_eq!((apart.code, apart.exit), (Code::BadOption, Exit::Usage));
    insta::assert_snapshot!("diff_apart", apart.render(88));
}
