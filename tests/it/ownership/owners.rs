//! Stacks by tags and resources, Terraform by configuration.

use std::rc::Rc;

use stagegate::aws::noun::Tags;
use stagegate::model::ManagedBy;
use stagegate::ownership::{Attribute, Owner, StackPlace, Thing};
use stagegate::problem::{Code, Exit};

use super::{edit, lab, notices, orders, ownership};
use crate::faults::lab::{Lab, Scenario, alias, api, prod, stage_ref};

fn place(stack: &str, logical_id: &str) -> StackPlace {
    StackPlace { stack: Some(stack.into()), logical_id: Some(logical_id.into()) }
}

/// Function and alias in a stack.
fn in_stack(lab: &Lab) {
    edit(lab, |account| {
        account.put_function_into_stack(&orders(), "shop", "Orders").unwrap();
        account.put_alias_into_stack(&orders(), &alias(), "shop", "OrdersAliaslive");
    });
}

fn tag(lab: &Lab, key: &str, value: &str) {
    edit(lab, |account| {
        let function = Rc::make_mut(account.functions.get_mut(&orders()).unwrap());
        function.tags.insert(key.into(), value.into());
    });
}

fn owners_of_alias(lab: &Lab) -> Vec<Owner> {
    let wanted = Thing::Alias(orders(), alias());
    let things = ownership(lab).things;
    things.into_iter().find(|owned| owned.thing == wanted).map(|owned| owned.owners).unwrap_or_default()
}

#[test]
fn what_nobody_marked_has_no_owner_and_is_not_spoken_of() {
    let lab = lab();
    let found = ownership(&lab);
    assert_eq!((found.things.len(), found.unseen.len(), found.tools().len()), (0, 0, 0));
    assert!(lab.plan().unwrap().notices.iter().all(|notice| !notice.code.short().starts_with('O')));
}

#[test]
fn a_stack_is_told_by_tags_and_resources_and_sam_and_cdk_by_what_they_leave() {
    let lab = lab();
    in_stack(&lab);
    let place = place("shop", "OrdersAliaslive");
    assert_eq!(owners_of_alias(&lab), [Owner::CloudFormation(place.clone())]);
    let function = ownership(&lab).things.into_iter().find(|owned| owned.thing == Thing::Function(orders())).unwrap();
    assert!(function.reverts.is_empty(), "a release changes nothing of it");

    let cdk = lab.fork();
    edit(&cdk, |account| account.put_stack_resource("shop", "CDKMetadata", "AWS::CDK::Metadata", "x"));
    assert_eq!(owners_of_alias(&cdk), [Owner::Cdk(place.clone())]);
    let sam = lab.fork();
    tag(&sam, "lambda:createdBy", "SAM");
    assert_eq!(owners_of_alias(&sam), [Owner::Sam(place.clone())]);
    // Where nothing tells, what a person says does; what tells wins over it.
    let mut said = lab.fork();
    said.target.managed_by = Some(ManagedBy::Cdk);
    assert_eq!(owners_of_alias(&said), [Owner::Cdk(place.clone())]);
    let mut wrong = sam;
    wrong.target.managed_by = Some(ManagedBy::Cdk);
    assert_eq!(owners_of_alias(&wrong), [Owner::Sam(place.clone())]);
    let mut both = lab.fork();
    both.target.managed_by = Some(ManagedBy::Terraform);
    assert_eq!(owners_of_alias(&both), [Owner::CloudFormation(place), Owner::Terraform]);
}

#[test]
fn an_alias_beside_its_functions_stack_is_nobodys() {
    let lab = lab();
    edit(&lab, |account| account.put_function_into_stack(&orders(), "shop", "Orders").unwrap());
    assert_eq!(owners_of_alias(&lab), []);
    assert_eq!(ownership(&lab).lines(), ["orders = Orders belongs to CloudFormation stack shop"]);
    assert!(notices(&lab, Code::RevertedElsewhere).is_empty());
}

#[test]
fn the_plan_says_what_the_next_update_takes_back_and_the_release_goes_on() {
    let lab = lab();
    in_stack(&lab);
    let said = notices(&lab, Code::RevertedElsewhere);
    assert_eq!(
        said,
        ["orders:live = OrdersAliaslive belongs to CloudFormation stack shop: its next update that touches it puts \
          back its own version, weights and description; what to write there: stagegate verify prod"]
    );
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
}

#[test]
fn terraform_is_known_by_configuration_alone_and_loses_alias_and_stage() {
    let mut lab = lab();
    lab.target.managed_by = Some(ManagedBy::Terraform);
    let found = ownership(&lab);
    assert_eq!(found.tools(), [ManagedBy::Terraform]);
    let reverts = |thing: Thing| found.things.iter().find(|owned| owned.thing == thing).unwrap().reverts.clone();
    assert_eq!(reverts(Thing::Alias(orders(), alias())), Attribute::ALIAS);
    let stage = [Attribute::Deployment, Attribute::Variable("lambdaAlias".into()), Attribute::Canary];
    assert_eq!(reverts(Thing::Stage(stage_ref())), stage);
    assert_eq!(notices(&lab, Code::RevertedElsewhere).len(), 2);
    assert!(super::optional(&lab).iter().all(|operation| operation.service() == "codedeploy"), "no stack to ask for");
}

#[test]
fn stages_of_either_kind_are_known_by_their_tags() {
    let rest = lab();
    edit(&rest, |account| {
        let tags = account.stack_tags("edge", "Prod");
        account.stage_mut(&api(), &prod()).unwrap().tags = tags;
        let tags = account.stack_tags("edge", "Api");
        account.edit_api(&api(), |live| live.api.tags = tags).unwrap();
    });
    assert_eq!(
        ownership(&rest).warnings(),
        ["stage a1b2c3d4e5/prod = Prod belongs to CloudFormation stack edge: its next update that touches it puts \
          back its own deployment, variable lambdaAlias and canary"]
    );
    assert_eq!(ownership(&rest).lines()[0], "API a1b2c3d4e5 = Api belongs to CloudFormation stack edge");

    let http = Lab::new(Scenario::Http);
    edit(&http, |account| {
        let tags: Tags = account.stack_tags("edge", "Prod");
        account.http_api_mut(&api()).unwrap().stages.get_mut(&prod()).unwrap().tags = tags;
    });
    assert!(ownership(&http).warnings()[0].ends_with("puts back its own deployment and variable lambdaAlias"));
}

#[test]
fn tags_are_no_part_of_what_was_approved() {
    let lab = lab();
    let approved = lab.plan().unwrap().digest();
    edit(&lab, |account| {
        account.stage_mut(&api(), &prod()).unwrap().tags.insert("team".into(), "shop".into());
        account.edit_api(&api(), |live| drop(live.api.tags.insert("team".into(), "shop".into()))).unwrap();
    });
    tag(&lab, "team", "shop");
    assert_eq!(lab.plan().unwrap().digest(), approved);
}

#[test]
fn none_says_that_the_tools_were_told() {
    let mut lab = lab();
    in_stack(&lab);
    edit(&lab, |account| account.settings.tags_readable = false);
    lab.target.managed_by = Some(ManagedBy::None);
    assert!(lab.plan().unwrap().notices.iter().all(|notice| !notice.code.short().starts_with('O')));
    assert_eq!(super::optional(&lab).len(), 1, "CodeDeploy is asked, no stack is");
}

#[test]
fn one_line_speaks_of_all_aliases_of_a_stack() {
    let lab = Lab::new(Scenario::Three);
    for name in ["carts", "orders", "prices"] {
        edit(&lab, |account| account.put_function_into_stack(&name.parse().unwrap(), "shop", name).unwrap());
        edit(&lab, |account| account.put_alias_into_stack(&name.parse().unwrap(), &alias(), "shop", "Live"));
    }
    let said = ownership(&lab).warnings();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("3 aliases (carts:live = Live, orders:live = Live, prices:live = Live) belong to"),
        "{said:?}"
    );
}
