//! Releases taken up by a machine that has no journal of them, at every place where they can stop.

use super::canary::{desk, summary};
use crate::cli::flight;
use crate::journal::{Ending, Progress, Summary};
use crate::model::Record;
use crate::problem::{Code, Exit};

#[test]
fn a_release_is_taken_up_wherever_it_stopped_after_its_claim() {
    for stop in ["alias", "permission", "redeploy", "canary:5%", "canary:25%", "canary"] {
        for paused in [false, true] {
            let desk = desk();
            desk.promote(&format!("prod --yes --until {stop}")).unwrap();
            if paused {
                desk.pause("prod").unwrap();
            }
            desk.elsewhere();
            let end = desk.resume("prod").unwrap();
            assert_eq!(end.exit(), Exit::Done, "{stop}, paused {paused}: {}", desk.err.text());
            assert_eq!((desk.serving("pets"), desk.split()), ("3".into(), vec![]), "{stop}, paused {paused}");
        }
    }
}

#[test]
fn a_release_is_undone_from_elsewhere_wherever_it_stopped_after_its_claim() {
    for stop in ["alias", "permission", "redeploy", "canary:5%", "canary"] {
        let desk = desk();
        let before = desk.deployment();
        desk.promote(&format!("prod --yes --until {stop}")).unwrap();
        desk.elsewhere();
        let end = desk.resume("prod --undo").unwrap();
        assert_eq!((end.exit(), summary(&end).weight), (Exit::Done, Some(0.0)), "{stop}: {}", desk.err.text());
        assert_eq!((desk.serving("pets"), desk.split(), desk.deployment()), ("1".into(), vec![], before), "{stop}");
    }
}

#[test]
fn steps_that_do_not_fit_the_share_start_nothing_and_the_right_ones_go_on() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    desk.elsewhere();
    let (writes, split) = (desk.writes(), desk.split());
    let refused = desk.resume("prod --once --preset Canary10Percent5Minutes").unwrap_err();
    assert_eq!((refused.code, refused.exit), (Code::ScheduleChanged, Exit::Conflict), "{refused:?}");
    assert!(refused.why[0].contains("has 5% in step 1, where these steps say 10%"), "{refused:?}");
    assert_eq!((desk.writes(), desk.split()), (writes, split));
    let end = desk.resume("prod").unwrap();
    assert_eq!((end.exit(), desk.serving("pets")), (Exit::Done, "3".into()), "{}", desk.err.text());
}

#[test]
fn a_journal_whose_aliases_a_later_release_has_had_is_closed_and_no_longer_offered() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let (state, first) = (desk.folder.path().join("state"), desk.folder.path().join("first"));
    std::fs::rename(&state, &first).unwrap();
    desk.resume("prod").unwrap();
    desk.promote("prod --yes --function-version 2 --canary none").unwrap();
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(&first, &state).unwrap();
    assert_eq!(desk.status("prod").unfinished, vec![]);
    assert_eq!(summary(&desk.resume("prod").unwrap()).result, "unchanged", "{}", desk.err.text());
    assert!(desk.err.text().contains("has ended elsewhere"), "{}", desk.err.text());
    assert_eq!(desk.resume("prod").unwrap_err().code, Code::NothingInFlight);
    assert_eq!(desk.serving("pets"), "2");
}

#[test]
fn what_status_and_a_rollback_offer_can_be_done() {
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let offers = |place: &str| desk.status(place).next.join("\n");
    assert!(!offers("prod").contains("unlock"), "forgetting is refused while traffic is split: {}", offers("prod"));
    assert!(offers("prod").contains("stagegate resume prod"));
    desk.elsewhere();
    desk.unconfigured();
    assert!(!offers("a1b2c3d4e5/prod").contains("resume"), "{}", offers("a1b2c3d4e5/prod"));
    assert!(offers("a1b2c3d4e5/prod").contains("stagegate rollback a1b2c3d4e5/prod"));
    let end = desk.rollback("pets:live --yes").unwrap();
    assert_eq!((end.exit(), summary(&end).rollback), (Exit::Done, None), "only a split ended: nothing to undo");
    assert!(!desk.err.text().contains("undo this"), "{}", desk.err.text());
}

#[test]
fn a_release_that_still_holds_one_alias_has_not_ended_whatever_came_to_the_others() {
    let record = |run: &str| -> Record { format!("[sg1 {run} 1>2 n=2]").parse().unwrap() };
    let later = record("01JD3K7Q4T0000000000000009 done");
    let held = record("01JD3K7Q4T0000000000000001 run x=20261121T1422Z");
    let desk = desk();
    desk.promote("prod --yes --until canary:5%").unwrap();
    let (found, _) = desk.app.state.as_ref().unwrap().list();
    let progress = Progress::of(&found[0].lines);
    let open = Summary { run: held.run.clone(), at: found[0].at, progress, lines: Vec::new() };
    assert_eq!(flight::ended(&open, &[Some(&later), Some(&held)]), None);
    assert_eq!(flight::ended(&open, &[Some(&later), None]), Some(Ending::Elsewhere));
    let promoted = record("01JD3K7Q4T0000000000000001 done");
    assert_eq!(flight::ended(&open, &[Some(&promoted), Some(&promoted)]), Some(Ending::Promoted));
}
