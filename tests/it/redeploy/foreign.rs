//! Which of the pending edits are the target's own.

use stagegate::model::{FunctionName, RedeployWhen};
use stagegate::problem::Code;

use super::redeploy_lines;
use crate::decisions::{edit, orders, second};
use crate::faults::lab::{ALIAS, Lab, api};

fn others() -> FunctionName {
    "mails".parse().unwrap()
}

/// As many routes of another team, and one of the target moved to it.
fn crowded(routes: usize) -> Lab {
    let lab = second();
    edit(&lab, |account| {
        account.create_function(&others(), "code", Default::default());
        for n in 0..routes {
            account.put_route(&api(), "GET", &format!("/mails/{n:03}"), &others(), ALIAS).unwrap();
        }
        account.edit_api(&api(), |live| live.api.binary_media_types = vec!["image/png".into()]).unwrap();
    });
    lab
}

#[test]
fn own_edits_come_first_and_the_others_under_a_heading() {
    let plan = crowded(2).plan().unwrap();
    assert_eq!(
        redeploy_lines(&plan),
        [
            "a1b2c3d4e5/prod is 4 changes behind the live definition",
            "  + POST /orders/refunds → orders:${stageVariables.lambdaAlias}",
            "  the rest not on a route of orders:",
            "    + GET /mails/000 → mails:${stageVariables.lambdaAlias}",
            "    + GET /mails/001 → mails:${stageVariables.lambdaAlias}",
            "    ~ api  binaryMediaTypes none → image/png",
        ]
    );
    let notice = plan.notices.iter().find(|notice| notice.code == Code::ForeignEdits).unwrap();
    assert_eq!(
        notice.text,
        "redeploying a1b2c3d4e5/prod publishes 4 pending edits, 3 of them not on a route of this target's functions: \
         + GET /mails/000 and more"
    );
    let json = serde_json::to_value(&plan).unwrap();
    let edits = json["stage"]["differences"].as_array().unwrap();
    let ours: Vec<bool> = edits.iter().map(|edit| edit["ours"].as_bool().unwrap()).collect();
    assert_eq!(ours.iter().filter(|ours| **ours).count(), 1);
    assert_eq!(edits[0]["place"]["route"]["path"], "/mails/000");
}

#[test]
fn many_are_cut_for_people_and_whole_for_programs() {
    let plan = crowded(290).plan().unwrap();
    let lines = redeploy_lines(&plan);
    assert!(lines.len() < 15, "{lines:#?}");
    assert!(lines[1].contains("POST /orders/refunds"), "one's own is never cut away: {lines:?}");
    assert_eq!(lines.last().unwrap(), "    and 283 more places (--json lists all)");
    assert_eq!(plan.stage.unwrap().differences.len(), 292);
}

#[test]
fn with_own_edits_alone_nobody_is_warned() {
    let plan = second().plan().unwrap();
    assert!(plan.notices.iter().all(|notice| notice.code != Code::ForeignEdits), "{:?}", plan.notices);
}

#[test]
fn an_edit_is_own_on_whichever_side_it_calls_the_target() {
    let lab = second();
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.kept.borrow_mut().clear();
    edit(&lab, |account| {
        account.create_function(&others(), "code", Default::default());
        // Taken away from the target, and a route of it taken out altogether.
        account.put_route(&api(), "POST", "/orders/refunds", &others(), ALIAS).unwrap();
        account.put_route(&api(), "GET", "/orders/new", &orders(), ALIAS).unwrap();
    });
    let edits = lab.plan().unwrap().stage.unwrap().differences;
    assert!(edits.iter().all(|edit| edit.ours), "{edits:?}");
    let mut never = lab;
    never.target.redeploy = RedeployWhen::Never;
    let plan = never.plan().unwrap();
    assert!(plan.stage.unwrap().redeploy.is_none());
    assert!(plan.notices.iter().any(|notice| notice.code == Code::ForeignEdits && notice.text.contains("\"never\"")));
}
