//! One look at a release that has no share: it leaves alone what was to stop there, and what somebody is at work on.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::allowed::place;
use super::canary::{desk, summary};
use super::{Desk, pets, promote_args};
use crate::aws::Operation;
use crate::cli::end::End;
use crate::cli::{promote, release};
use crate::clock::Clock as _;
use crate::model::RecordState;
use crate::problem::{Code, Exit};
use crate::report::Shape;
use crate::world::Fault;

const HOUR: Duration = Duration::from_secs(3600);
const WITHOUT: &[&str] = &["alias", "permission", "redeploy"];
const WITH: &[&str] = &["alias", "permission", "redeploy", "canary"];

/// A place, the target that is released there, and where such a release may be told to stop after its claim.
type Stopping = (fn() -> Desk, &'static str, &'static [&'static str]);

const PLACES: &[Stopping] = &[
    (desk, "prod", WITH),
    (place::by_stage, "prod", WITH),
    (|| Desk::new(Shape::Human), "prod", WITHOUT),
    (|| Desk::new(Shape::Human), "both", WITHOUT),
    (place::two, "prod", WITHOUT),
    (place::first_rest, "prod", WITHOUT),
];

#[test]
fn where_a_release_was_to_stop_one_look_moves_nothing_and_resume_goes_on() {
    for (at, (make, target, stops)) in PLACES.iter().enumerate() {
        for stop in *stops {
            for elsewhere in [false, true] {
                let (desk, told) = (make(), format!("place {at}, {stop}, elsewhere {elsewhere}"));
                let end = desk.promote(&format!("{target} --yes --until {stop}")).unwrap();
                assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::Done, "paused"), "{told}");
                assert_eq!(desk.record(&pets()).state, RecordState::Paused, "{told}");
                if elsewhere {
                    desk.elsewhere();
                }
                for _ in 0..2 {
                    let writes = desk.writes();
                    let end = desk.resume(&format!("{target} --once --if-in-flight")).unwrap();
                    assert_eq!((end.exit(), desk.writes()), (Exit::InFlight, writes), "{told}: {:?}", end.problem);
                    // Its lock does not end the pause.
                    desk.world.clock().advance(6 * HOUR);
                }
                let end = desk.resume(target).unwrap_or_else(End::from);
                assert_eq!(end.exit(), Exit::Done, "{told}: {:?}\n{}", end.problem, desk.err.text());
                assert_eq!((desk.serving("pets"), desk.split()), ("3".into(), vec![]), "{told}");
                assert_eq!(desk.record(&pets()).state, RecordState::Promoted, "{told}");
            }
        }
    }
}

#[test]
fn where_a_release_was_to_stop_status_says_that_it_waits_and_a_rollback_goes_back() {
    for (make, target, stops) in PLACES.iter().filter(|(.., stops)| stops.len() == WITH.len()) {
        for stop in *stops {
            let desk = make();
            let (deployment, serving) = (desk.deployment(), desk.serving("pets"));
            desk.promote(&format!("{target} --yes --until {stop}")).unwrap();
            let shown = crate::report::status_text::screen(&desk.status(target), 88);
            assert!(shown.contains("paused") && shown.contains("stagegate resume prod"), "{stop}: {shown}");
            assert_eq!(desk.rollback(&format!("{target} --yes")).unwrap().exit(), Exit::Done, "{}", desk.err.text());
            let now = (desk.deployment(), desk.serving("pets"), desk.split());
            assert_eq!(now, (deployment, serving, vec![]), "{stop}");
        }
    }
}

#[test]
fn nothing_is_written_for_a_stop_before_the_claim() {
    for stop in ["publish", "smoke"] {
        let desk = desk();
        desk.promote(&format!("prod --yes --until {stop}")).unwrap();
        assert!(!desk.operations().contains(&Operation::UpdateAlias), "{stop}");
        assert_eq!(desk.resume("prod").unwrap().exit(), Exit::Done, "{}", desk.err.text());
    }
}

/// A process that dies before its first call of an operation.
fn dies(desk: &Desk, line: &str, operation: Operation, smooth: Desk) {
    smooth.promote(line).unwrap();
    let at = smooth.operations().iter().position(|one| *one == operation).unwrap();
    desk.world.inject(at, Fault::CrashBefore);
    let args = promote_args(line);
    let (located, session) = (desk.locate(&args.source.target), desk.session());
    let target = release::target(&desk.app, &located, &args.canary).unwrap();
    let died = promote::promote(&desk.app, &located, &session, &target, None, &args).now_or_never();
    assert!(died.is_none(), "it was to die");
    drop(session);
    desk.world.restart();
}

/// Makes a desk.
type Make = fn() -> Desk;

#[test]
fn one_look_leaves_a_release_without_a_share_to_whoever_began_it_until_it_has_expired() {
    let cases: [(Make, &str, Option<f64>); 2] =
        [(desk, "prod --yes --until canary:5%", Some(0.05)), (|| Desk::new(Shape::Human), "prod --yes", None)];
    for (make, line, share) in cases {
        for elsewhere in [false, true] {
            let desk = make();
            dies(&desk, line, Operation::CreateDeployment, make());
            if elsewhere {
                desk.elsewhere();
            }
            let (writes, record) = (desk.writes(), desk.record(&pets()));
            assert_eq!((record.state, record.shift.clone()), (RecordState::Running, None), "{line}");
            let end = desk.resume("prod --once --if-in-flight").unwrap();
            let problem = end.problem.as_ref().unwrap();
            assert_eq!((end.exit(), summary(&end).result.as_str()), (Exit::InFlight, "baking"), "{line}");
            assert_eq!((desk.writes(), problem.code), (writes, Code::StillInFlight), "{line}: {problem:?}");
            let due = record.expires.unwrap();
            let until = due.strftime("until %H:%MZ").to_string();
            assert!(problem.why.iter().any(|why| why.contains(&until)), "{until}: {problem:?}");
            assert!(problem.fix.iter().any(|fix| fix.ends_with("stagegate resume prod")), "{problem:?}");
            let left = due.duration_since(desk.world.clock().now());
            desk.world.clock().advance(Duration::try_from(left).unwrap());
            let end = desk.resume("prod --once --if-in-flight").unwrap_or_else(End::from);
            match share {
                Some(share) => assert_eq!((end.exit(), desk.split()), (Exit::InFlight, vec![(3, share)]), "{line}"),
                None => assert_eq!((end.exit(), desk.serving("pets")), (Exit::Done, "3".into()), "{line}"),
            }
        }
    }
}
