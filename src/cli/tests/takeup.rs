//! Releases taken up by a machine that has no journal of them, at every place where they can stop.

use super::canary::{desk, summary};
use crate::problem::Exit;

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
