//! Repairs on the command line: stages redeployed and permissions granted without a release.

use futures_util::FutureExt as _;
use serde_json::Value;

use super::canary::summary;
use super::{Desk, live, parse, pets};
use crate::aws::Operation;
use crate::cli::args::{Command, PermissionCommand};
use crate::cli::end::End;
use crate::cli::history;
use crate::cli::permission::{self, Act};
use crate::cli::redeploy;
use crate::model::FunctionName;
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;
use crate::world::Fault;

impl Desk {
    fn redeploy(&self, line: &str) -> Result<End, Problem> {
        let Command::Redeploy(args) = parse(&format!("redeploy {line}")) else { panic!("{line}") };
        redeploy::redeploy(&self.app, &self.locate(&args.target), &self.session(), &args).now_or_never().unwrap()
    }

    pub(super) fn permission(&self, line: &str) -> Result<End, Problem> {
        let Command::Permission(args) = parse(&format!("permission {line}")) else { panic!("{line}") };
        let (act, target, agreed) = match args.command {
            PermissionCommand::List(args) => {
                return permission::list(&self.app, &self.locate(&args.target), &self.session())
                    .now_or_never()
                    .unwrap();
            }
            PermissionCommand::Grant { target, agreed } => (Act::Grant, target, agreed),
            PermissionCommand::Prune { target, foreign, agreed } => (Act::Prune { foreign }, target, agreed),
        };
        permission::change(&self.app, &self.locate(&target), &self.session(), act, &agreed).now_or_never().unwrap()
    }

    fn statements(&self, function: &str) -> Vec<String> {
        let function: FunctionName = function.parse().unwrap();
        let text = self.world.look(|account| {
            account.functions[&function].policies.get("live").map(|policy| policy.document()).unwrap_or_default()
        });
        crate::policy::statement_ids(&text)
    }

    /// Every stage belongs to a protected target.
    fn protect(&self) {
        let config = super::CONFIG.replace("alias_variable = \"lambdaAlias\"", "protected = true");
        std::fs::write(self.folder.path().join("stagegate.toml"), config).unwrap();
    }
}

const PLACE: &str = "a1b2c3d4e5/prod";

#[test]
fn a_stage_is_redeployed_and_the_printed_command_goes_back() {
    let desk = Desk::new(Shape::Human);
    let before = desk.deployment();
    let end = desk.redeploy(&format!("{PLACE} --yes")).unwrap();
    let (said, shown) = (summary(&end), desk.err.text());
    assert_eq!((end.exit(), said.result.as_str(), said.deployment), (Exit::Done, "done", Some(desk.deployment())));
    assert_eq!(said.rollback, Some(format!("stagegate redeploy {PLACE} --to {before}")));
    for line in [
        "lacks 1 change of the live definition",
        "+ POST /pets → pets:${stageVariables.lambdaAlias}",
        "publishes every pending edit",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(shown.contains(&format!("go back: stagegate redeploy {PLACE} --to {before}")), "{shown}");
    assert_eq!(summary(&desk.redeploy("prod --yes").unwrap()).result, "unchanged");
    desk.redeploy(&format!("{PLACE} --to {before} --yes")).unwrap();
    assert_eq!(desk.deployment(), before);
    let known = serde_json::to_value(history::journaled(&desk.app, &desk.locate(PLACE))).unwrap();
    assert_eq!((known.as_array().map(Vec::len), known[0]["kind"].as_str()), (Some(2), Some("redeploy")), "{known:#}");
    assert_eq!(known[0]["stage"]["to"], before.as_str());
}

#[test]
fn without_a_terminal_the_flag_is_named_and_a_protected_stage_needs_its_name() {
    let desk = Desk::new(Shape::Human);
    let refused = desk.redeploy(&format!("{PLACE} --force")).unwrap_err();
    assert_eq!(
        (refused.code, refused.fix),
        (Code::ConfirmationMissing, vec![format!("stagegate redeploy {PLACE} --force --yes")])
    );
    desk.protect();
    let refused = desk.redeploy(&format!("{PLACE} --yes")).unwrap_err();
    assert_eq!(refused.fix, [format!("stagegate redeploy {PLACE} --confirm prod")]);
    assert_eq!(desk.writes(), 0);
    assert_eq!(desk.redeploy(&format!("{PLACE} --confirm prod")).unwrap().exit(), Exit::Done, "{}", desk.err.text());
}

#[test]
fn a_release_in_flight_keeps_its_stage_and_its_statements() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes --until alias").unwrap();
    let (writes, deployment) = (desk.writes(), desk.deployment());
    let refused = desk.redeploy(&format!("{PLACE} --yes")).unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::LockHeld, Exit::Conflict));
    desk.world.edit(|account| {
        let statement =
            crate::policy::route_statement("gone", "prod", "arn:aws:execute-api:us-east-1:123456789012:gone/prod/*");
        let value = account.statement(&pets(), "live", &statement);
        account.put_statement(&pets(), "live", value).unwrap();
    });
    let refused = desk.permission("prune prod --yes").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::LockHeld, Exit::Conflict));
    assert_eq!((desk.writes(), desk.deployment()), (writes, deployment));
    desk.rollback("prod --yes").unwrap();
    desk.permission("prune prod --yes").unwrap();
    assert_eq!(desk.statements("pets"), ["seed-a1b2c3d4e5-prod"]);
}

#[test]
fn a_place_without_a_stage_is_refused_by_name() {
    let desk = Desk::new(Shape::Human);
    for target in ["pets:live", "both"] {
        assert_eq!(desk.redeploy(&format!("{target} --yes")).unwrap_err().code, Code::UnknownPlace, "{target}");
    }
    let refused = desk.permission("grant food:live --yes").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::UnknownPlace, Exit::Usage));
}

#[test]
fn routes_that_would_answer_500_are_named_before_a_redeploy_and_let_in_by_the_command_that_is_named() {
    let desk = Desk::new(Shape::Human);
    desk.world.edit(|account| {
        account.put_route(&"a1b2c3d4e5".parse().unwrap(), "GET", "/food", &"food".parse().unwrap(), "live").unwrap();
    });
    desk.redeploy(&format!("{PLACE} --yes")).unwrap();
    let shown = desk.err.text();
    assert!(shown.contains("GET /food is not let in to food:live"), "{shown}");
    assert!(shown.contains(&format!("stagegate permission grant {PLACE}")), "{shown}");
    let end = desk.permission(&format!("grant {PLACE} --yes")).unwrap();
    assert_eq!((end.exit(), desk.statements("food").len()), (Exit::Done, 1));
    assert!(desk.err.text().contains("effective everywhere after 14:0"), "{}", desk.err.text());
    assert_eq!(summary(&desk.permission("grant prod --yes").unwrap()).result, "unchanged");
}

#[test]
fn what_was_granted_before_something_failed_is_said() {
    let desk = Desk::new(Shape::Human);
    let stage = "a1b2c3d4e5".parse().unwrap();
    desk.world.edit(|account| {
        for name in ["food", "toys"] {
            let function: FunctionName = name.parse().unwrap();
            if name == "toys" {
                account.create_function(&function, "one", Default::default());
                account.publish(&function, "first").unwrap();
                account.put_alias(&function, &live(), 1, &[]).unwrap();
            }
            account.put_route(&stage, "GET", &format!("/{name}"), &function, "live").unwrap();
        }
    });
    let line = format!("grant {PLACE} --yes");
    let adds = {
        let probe = Desk { world: desk.world.fork(), ..Desk::new(Shape::Human) };
        probe.permission(&line).unwrap();
        let all = (0..).zip(probe.operations());
        all.filter(|(_, operation)| *operation == Operation::AddPermission).map(|(at, _)| at).collect::<Vec<usize>>()
    };
    desk.world.inject(adds[1], Fault::denied());
    let failed = desk.permission(&line).unwrap_err();
    assert_eq!((failed.code, failed.exit), (Code::AccessDenied, Exit::InBetween));
    assert!(
        failed.aws_now.starts_with("food:live  + stagegate-") && failed.aws_now.ends_with("; the rest as it was"),
        "{failed:?}"
    );
}

#[test]
fn programs_get_a_document_from_list_and_events_from_what_acts() {
    let desk = Desk::new(Shape::Document);
    desk.permission(&format!("list {PLACE}")).unwrap();
    let document: Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert_eq!(document["schema"], "stagegate.permissions/1.0");
    assert_eq!(document["aliases"][0]["calls"][0]["standing"], "covered");
    let desk = Desk::new(Shape::Events);
    desk.redeploy(&format!("{PLACE} --yes")).unwrap();
    let types: Vec<String> = desk
        .out
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["identity", "warning", "warning", "aws_write", "aws_write", "deployment"]);
}
