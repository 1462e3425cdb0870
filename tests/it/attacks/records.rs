//! What alias descriptions hold: odd texts, long texts, earlier releases.

use stagegate::aws::Operation;
use stagegate::aws::operation::GetAlias;
use stagegate::model::target::{Expect, SmokeCheck};
use stagegate::model::{Description, RecordState, Version};
use stagegate::problem::{Code, Exit};

use super::{description, dies_before, edit, orders, state, upload, version};
use crate::faults::lab::{Lab, Scenario, alias};

fn failing_smoke(lab: &mut Lab) {
    lab.target.smoke = vec![SmokeCheck {
        file: "health.json".into(),
        payload: "{}".into(),
        expect: Expect { status: Some(201), json: None, max_ms: None },
    }];
}

#[test]
fn odd_texts_survive_a_release_and_its_rollback_to_the_character() {
    for text in [
        "[sg",
        "see [sg1",
        "group [sg-0abc]",
        "group [sg01]",
        "[]",
        "]",
        "trailing  ",
        "  leading",
        "Bestellungen – größe 📦 [prod]",
        "a [sg1 b] c",
        "[sg2]",
    ] {
        let lab = Lab::new(Scenario::Second);
        edit(&lab, |account| account.describe_alias(&orders(), &alias(), text).unwrap());
        let plan = lab.plan().unwrap_or_else(|problem| panic!("{text:?}: {problem:?}"));
        assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done, "{text:?}");
        assert_eq!(description(&lab, &orders()).text, text);
        assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean(), "{text:?}");
        assert_eq!(description(&lab, &orders()).text, text);
        let outcome = lab.rollback_elsewhere(Some(2)).unwrap().unwrap();
        assert!(outcome.is_clean(), "{text:?}");
        assert_eq!(description(&lab, &orders()).text, text);
    }
}

/// The longest text that a plan accepts must leave room for every record of the way back.
#[test]
fn a_text_that_a_plan_accepts_never_stands_in_the_way_of_a_rollback() {
    for finished in [false, true] {
        for crowded in [false, true] {
            let lab = Lab::new(Scenario::Second);
            let longest = (0..=256)
                .rev()
                .find(|length| {
                    edit(&lab, |a| a.describe_alias(&orders(), &alias(), &"x".repeat(*length)).unwrap());
                    lab.plan().is_ok()
                })
                .unwrap();
            let plan = lab.plan().unwrap();
            if finished {
                assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
            } else {
                dies_before(&lab, &plan, Operation::UpdateStage, 0);
            }
            if crowded {
                // Afterwards somebody makes the text as long as AWS takes it.
                let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap().description;
                let longer = format!("{}{now}", "y".repeat(256 - now.chars().count()));
                edit(&lab, |a| a.describe_alias(&orders(), &alias(), &longer).unwrap());
            }
            let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
            assert!(undone.is_clean(), "text of {longest}, finished {finished}, crowded {crowded}: {undone:?}");
            assert_eq!(version(&lab, &orders()), Version::Number(1));
            assert_eq!(state(&lab, &orders()), Some(RecordState::RolledBack));
            let text = description(&lab, &orders()).text;
            assert_eq!(text.trim_start_matches('y'), "x".repeat(longest), "the text is never cut");
        }
    }
}

/// The record is the way back of the release that serves: a candidate that never had traffic must not take it.
#[test]
fn a_failed_smoke_test_leaves_the_way_back_of_what_serves() {
    for scenario in [Scenario::Second, Scenario::Three] {
        let mut lab = Lab::new(scenario);
        let before = lab.state();
        lab.promote(&lab.plan().unwrap()).unwrap();
        lab.kept.borrow_mut().clear();
        for function in lab.target.functions.clone() {
            upload(&lab, &function, "code 3");
        }
        failing_smoke(&mut lab);
        let outcome = lab.promote(&lab.plan().unwrap()).unwrap();
        assert_eq!((outcome.exit, outcome.problem.unwrap().code), (Exit::RolledBack, Code::SmokeFailed));
        let failed = lab.target.functions[0].clone();
        assert_eq!(description(&lab, &failed).record.unwrap().bad, [3]);
        let undone = lab.rollback_elsewhere(None).unwrap().unwrap_or_else(|problem| panic!("{problem:?}"));
        assert!(undone.is_clean(), "{undone:?}");
        let mut now = lab.state();
        now.statements.clone_from(&before.statements);
        assert_eq!(now, before);
    }
}

#[test]
fn a_damaged_record_is_overcome_by_naming_the_version_and_the_text_stays() {
    let lab = Lab::new(Scenario::Second);
    lab.promote(&lab.plan().unwrap()).unwrap();
    for text in ["see [sg-1] [Orders]", ""] {
        let damaged = format!("{text}{}[sg1 cut off]", if text.is_empty() { "" } else { " " });
        edit(&lab, |a| a.describe_alias(&orders(), &alias(), &damaged).unwrap());
        let found = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
        let seen = stagegate::rollback::Seen::new(orders(), alias(), found.clone(), true).unwrap();
        assert_eq!(seen.description.text, text);
        let refused = stagegate::rollback::Seen::new(orders(), alias(), found, false).unwrap_err();
        assert_eq!(refused.code, Code::RecordDamaged);
    }
}

#[test]
fn members_that_have_nothing_new_go_forward_and_back_with_the_others() {
    let lab = Lab::new(Scenario::Three);
    lab.promote(&lab.plan().unwrap()).unwrap();
    lab.kept.borrow_mut().clear();
    upload(&lab, &orders(), "code 3");
    let before = lab.state();
    let plan = lab.plan().unwrap();
    assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    assert_eq!(version(&lab, &orders()), Version::Number(3));
    let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
    assert!(undone.is_clean(), "{undone:?}");
    assert_eq!(lab.state(), before);
    for function in &lab.target.functions {
        let record = description(&lab, function).record.unwrap();
        let bad: &[u64] = if *function == orders() { &[3] } else { &[] };
        assert_eq!((record.state, record.bad.as_slice()), (RecordState::RolledBack, bad), "{function}");
    }
}

#[test]
fn a_release_from_latest_goes_back_by_itself_only_while_it_is_unfinished() {
    let lab = Lab::new(Scenario::Second);
    edit(&lab, |account| {
        let entry = account.alias_mut(&orders(), &alias()).unwrap();
        entry.version = Version::Latest;
    });
    let plan = lab.plan().unwrap();
    let finished = lab.fork();
    dies_before(&lab, &plan, Operation::UpdateStage, 0);
    assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
    assert_eq!(version(&lab, &orders()), Version::Latest);
    assert_eq!(finished.promote(&plan).unwrap().exit, Exit::Done);
    let problem = finished.rollback_elsewhere(None).unwrap().unwrap_err();
    assert_eq!(problem.code, Code::FirstRelease, "what $LATEST was is gone");
}

#[test]
fn a_text_written_behind_the_record_belongs_to_the_user() {
    let lab = Lab::new(Scenario::Second);
    lab.promote(&lab.plan().unwrap()).unwrap();
    let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap().description;
    let parsed = Description::parse(&format!("{now} and a note")).unwrap();
    assert_eq!(parsed.record, None);
    assert!(parsed.text.ends_with("and a note"));
}
