//! What is protected is protected by whatever name it is reached.

use super::{CONFIG, Desk, GUARDED, live, pets};
use crate::problem::{Code, Problem};
use crate::report::Shape;

/// A desk whose file also has these tables.
fn desk(more: &str) -> Desk {
    let desk = Desk::new(Shape::Human);
    write(&desk, &format!("{CONFIG}{more}"));
    desk
}

fn write(desk: &Desk, text: &str) {
    std::fs::write(desk.folder.path().join("stagegate.toml"), text).unwrap();
}

fn split(desk: &Desk) {
    desk.world.edit(|account| account.put_alias(&pets(), &live(), 1, &[(2, 0.1)])).unwrap();
}

fn unconfirmed(problem: &Problem, guard: &str) {
    assert_eq!(problem.code, Code::ConfirmationMissing);
    assert!(problem.why.iter().any(|why| why.contains(guard)), "{problem:?}");
}

#[test]
fn a_canary_of_a_protected_alias_is_not_promoted_with_yes_alone() {
    for place in ["guarded", "prod", "pets:live"] {
        let desk = desk(GUARDED);
        split(&desk);
        unconfirmed(&desk.canary(&format!("promote {place} --yes")).unwrap_err(), "target guarded is protected");
        unconfirmed(&desk.canary(&format!("set {place} 50% --function-version 2 --yes")).unwrap_err(), "guarded");
        assert_eq!(desk.split(), [(2, 0.1)]);
        desk.canary(&format!("promote {place} --confirm guarded")).unwrap();
        assert_eq!(desk.serving("pets"), "2");
    }
    let desk = desk(GUARDED);
    split(&desk);
    desk.canary("clear guarded --yes").unwrap();
    assert!(desk.split().is_empty(), "taking a trial away needs no name");
}

#[test]
fn a_protected_stage_is_protected_although_two_targets_share_it() {
    let more =
        "[target.shop]\nfunctions = [\"food\"]\nalias = \"shop\"\nstages = [\"a1b2c3d4e5/prod\"]\nprotected = true\n";
    for place in ["a1b2c3d4e5/prod", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod", "prod"] {
        let desk = desk(more);
        desk.stage_canary(10.0);
        unconfirmed(&desk.canary(&format!("promote {place} --yes")).unwrap_err(), "target shop is protected");
        assert_eq!(desk.writes(), 0);
    }
    let desk = desk(more);
    unconfirmed(&desk.promote("prod --yes").unwrap_err(), "target shop, which is protected");
    desk.promote("prod --confirm prod").unwrap();
    assert_eq!(desk.serving("pets"), "3");
    desk.rollback("prod --yes").unwrap();
    assert_eq!(desk.serving("pets"), "1", "a rollback asks for no name");
}

#[test]
fn an_alias_named_without_the_file_is_protected_by_the_file() {
    let desk = desk(GUARDED);
    unconfirmed(&desk.promote("pets:live --yes").unwrap_err(), "target guarded, which is protected");
    desk.promote("pets:live --confirm pets:live").unwrap();
    assert_eq!(desk.serving("pets"), "3");
}

#[test]
fn a_file_that_cannot_be_read_takes_no_protection_away() {
    let desk = desk(GUARDED);
    split(&desk);
    write(&desk, &format!("{CONFIG}{GUARDED}protcted = true\n"));
    assert_eq!(desk.canary("promote pets:live --yes").unwrap_err().code, Code::UnknownKey);
    assert_eq!(desk.split(), [(2, 0.1)]);
    desk.canary("clear pets:live --yes").unwrap();
}

#[test]
fn all_traffic_of_a_protected_target_is_not_moved_by_finish_alone() {
    for elsewhere in [false, true] {
        let desk = super::canary::desk();
        let file = desk.folder.path().join("stagegate.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{config}{GUARDED}")).unwrap();
        desk.promote("prod --confirm prod --until canary:5%").unwrap();
        if elsewhere {
            desk.elsewhere();
        }
        let writes = desk.writes();
        let refused = desk.resume("prod --finish --on-interrupt hold").unwrap_err();
        unconfirmed(&refused, "target guarded, which is protected");
        assert_eq!(refused.fix, ["stagegate resume prod --finish --on-interrupt hold --confirm prod"]);
        assert_eq!(desk.resume("prod --finish --confirm staging").unwrap_err().code, Code::ConfirmationMissing);
        assert_eq!((desk.split(), desk.writes()), (vec![(3, 0.05)], writes));
        desk.resume("prod --finish --confirm prod").unwrap();
        assert_eq!(desk.serving("pets"), "3", "{}", desk.err.text());
    }
}
