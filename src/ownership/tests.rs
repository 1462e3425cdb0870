use super::*;
use crate::aws::noun::StageKind;
use crate::model::{AliasName, Target};

fn target(functions: &[&str], variable: Option<&str>) -> Target {
    let alias: AliasName = "live".parse().unwrap();
    let mut target = Target::of_alias(functions[0].parse().unwrap(), alias);
    target.functions = functions.iter().map(|name| name.parse().unwrap()).collect();
    target.stage = Some("a1b2c3d4e5/prod".parse().unwrap());
    target.alias_variable = variable.map(ToOwned::to_owned);
    target
}

fn http(auto_deploy: bool) -> StageKind {
    StageKind::Http { auto_deploy, last_deployment: None }
}

#[test]
fn terraform_ignores_what_a_release_changes_and_nothing_else() {
    let shop = target(&["checkout-api"], Some("lambdaAlias"));
    insta::assert_snapshot!("terraform_rest", snippet(ManagedBy::Terraform, &shop, Some(&StageKind::Rest)));
    let many = target(&["a", "b", "c", "d", "e"], None);
    insta::assert_snapshot!("terraform_http", snippet(ManagedBy::Terraform, &many, Some(&http(false))));
    let itself = snippet(ManagedBy::Terraform, &many, Some(&http(true)));
    assert!(!itself.contains("stage"), "there is nothing of it that a release changes: {itself}");
    let alone = snippet(ManagedBy::Terraform, &shop, None);
    assert!(alone.contains("aws_lambda_alias") && !alone.contains("stage"), "{alone}");
}

#[test]
fn names_that_terraform_would_refuse_are_made_into_ones_that_it_takes() {
    let mut odd = target(&["checkout-api"], Some("lambdaAlias"));
    odd.alias = "2nd-live".parse().unwrap();
    odd.stage = Some("a1b2c3d4e5/$default".parse().unwrap());
    let text = snippet(ManagedBy::Terraform, &odd, Some(&http(true)));
    assert!(text.contains("resource \"aws_lambda_alias\" \"_2nd-live\""), "{text}");
    assert!(text.contains("resource \"aws_apigatewayv2_stage\" \"_default\""), "{text}");
    assert!(text.contains("ignore_changes = [stage_variables[\"lambdaAlias\"]]"), "{text}");
}

#[test]
fn templates_say_what_to_do_because_they_cannot_ignore() {
    let shop = target(&["checkout-api", "refunds"], Some("lambdaAlias"));
    for (name, tool) in
        [("cloudformation", ManagedBy::CloudFormation), ("sam", ManagedBy::Sam), ("cdk", ManagedBy::Cdk)]
    {
        insta::assert_snapshot!(name, snippet(tool, &shop, Some(&StageKind::Rest)));
    }
    assert_eq!(snippet(ManagedBy::None, &shop, Some(&StageKind::Rest)), "");
}

#[test]
fn how_long_ago_something_was_is_said_in_its_largest_unit() {
    let now = jiff::Timestamp::from_second(10_000_000).unwrap();
    let of = |seconds: i64| ago(jiff::Timestamp::from_second(10_000_000 - seconds).unwrap(), now);
    assert_eq!([-5, 60].map(of), ["just now", "just now"]);
    assert_eq!([300, 7_199, 7_200].map(of), ["5 minutes ago", "119 minutes ago", "2 hours ago"]);
    assert_eq!([172_799, 518_400].map(of), ["47 hours ago", "6 days ago"]);
}
