//! Credentials that end too early: seen before the first write, or while the release runs.

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

use super::canary::desk;
use super::{Desk, parse, promote_args};
use crate::aws::Lifetime;
use crate::cli::args::Command;
use crate::cli::end::End;
use crate::cli::session::Session;
use crate::cli::{promote, release, resume};
use crate::clock::{Clock as _, VirtualClock};
use crate::plan::Plan;
use crate::problem::{Code, Exit, Problem};
use crate::world::World;

fn in_minutes(desk: &Desk, minutes: i64) -> Timestamp {
    desk.world.clock().now() + SignedDuration::from_mins(minutes)
}

/// Known from the beginning to end in so many minutes, and not renewed.
fn brief(desk: &Desk, minutes: i64) -> Session<&World, VirtualClock> {
    Session { expires: Some(in_minutes(desk, minutes)), ..desk.session() }
}

/// Taken for lasting, until they are not renewed.
fn failing(desk: &Desk, minutes: i64) -> Session<&World, VirtualClock> {
    Session { lifetime: Lifetime::until(in_minutes(desk, minutes)), ..desk.session() }
}

fn promoted(desk: &Desk, session: &Session<&World, VirtualClock>, approved: Option<&Plan>) -> Result<End, Problem> {
    let args = promote_args("prod --yes");
    let located = desk.locate("prod");
    let target = release::target(&desk.app, &located, &args.canary).unwrap();
    promote::promote(&desk.app, &located, session, &target, approved, &args).now_or_never().unwrap()
}

fn resumed(desk: &Desk, session: &Session<&World, VirtualClock>, line: &str) -> Result<End, Problem> {
    let Command::Resume(args) = parse(&format!("resume {line}")) else { panic!("{line}") };
    resume::resume(&desk.app, &desk.locate("prod"), session, &args).now_or_never().unwrap()
}

#[test]
fn an_approved_plan_is_no_reason_to_begin_what_cannot_be_taken_back() {
    let desk = desk();
    let session = brief(&desk, 20);
    let caller = session.identify(&desk.app).now_or_never().unwrap().unwrap();
    let target = release::plannable(&desk.locate("prod")).unwrap();
    let wanted = release::Wanted::default();
    let prepared = release::prepare(&desk.app, &session, &target, caller, wanted).now_or_never().unwrap().unwrap();
    let refused = promoted(&desk, &session, Some(&prepared.plan)).unwrap_err();
    assert_eq!((refused.code, refused.exit, desk.writes()), (Code::ShortCredentials, Exit::Access, 0));
    assert_eq!(promoted(&desk, &brief(&desk, 30), Some(&prepared.plan)).unwrap().exit(), Exit::Done);
}

#[test]
fn going_on_is_refused_for_the_same_reason_and_one_look_or_the_way_back_never() {
    for elsewhere in [false, true] {
        let desk = desk();
        desk.promote("prod --yes --until canary:5%").unwrap();
        if elsewhere {
            desk.elsewhere();
        }
        let writes = desk.writes();
        let refused = resumed(&desk, &brief(&desk, 10), "prod").unwrap_err();
        assert_eq!((refused.code, refused.exit, desk.writes()), (Code::ShortCredentials, Exit::Access, writes));
        let look = resumed(&desk, &brief(&desk, 1), "prod --once");
        assert_eq!(look.unwrap().exit(), Exit::InFlight);
        assert_eq!(resumed(&desk, &brief(&desk, 1), "prod --undo").unwrap().exit(), Exit::Done);
    }
}

#[test]
fn session_keys_that_do_not_say_when_they_end_are_taken_to_last_an_hour() {
    let mut desk = desk();
    desk.app.env = |name| (name == "GITHUB_ACTIONS").then(|| "true".to_owned());
    // The hour, of which this release needs more.
    let assumed = |minutes| {
        let lifetime = Lifetime::default();
        lifetime.note_assumed(in_minutes(&desk, minutes));
        Session { assumed_end: Some(in_minutes(&desk, minutes)), lifetime, ..desk.session() }
    };
    let refused = promoted(&desk, &assumed(20), None).unwrap_err();
    assert_eq!((refused.code, refused.exit, desk.writes()), (Code::ShortCredentials, Exit::Access, 0));
    insta::assert_snapshot!(refused.render(88));
    let said = Session { expires: Some(in_minutes(&desk, 30)), assumed_end: None, ..desk.session() };
    assert_eq!(promoted(&desk, &said, None).unwrap().exit(), Exit::Done, "what is said counts");
}

#[test]
fn a_canary_is_not_waited_for_until_the_hour_that_was_assumed_is_over() {
    let desk = desk();
    let session = failing(&desk, 12);
    session.lifetime.note_assumed(in_minutes(&desk, 12));
    let end = promoted(&desk, &session, None).unwrap();
    assert_eq!(end.exit(), Exit::RolledBack, "{}", desk.err.text());
    let problem = end.problem.unwrap();
    assert!(problem.what.contains("are taken to end") && problem.why[0].contains("1 h is assumed"), "{problem:?}");
}

#[test]
fn a_job_is_told_what_the_action_offers() {
    let mut desk = desk();
    desk.app.env = |name| (name == "GITHUB_ACTIONS").then(|| "true".to_owned());
    let refused = promoted(&desk, &brief(&desk, 20), None).unwrap_err();
    insta::assert_snapshot!(refused.render(88));
}

#[test]
fn a_release_that_turns_out_to_outlive_its_credentials_goes_back_in_time() {
    let desk = desk();
    let end = promoted(&desk, &failing(&desk, 12), None).unwrap();
    let problem = end.problem.as_ref().unwrap();
    assert_eq!((end.exit(), problem.code), (Exit::RolledBack, Code::ShortCredentials), "{}", desk.err.text());
    assert_eq!((desk.split(), desk.serving("pets")), (vec![], "1".to_owned()));
    for elsewhere in [false, true] {
        desk.promote("prod --yes --function-version 3 --until canary:5%").unwrap();
        if elsewhere {
            desk.elsewhere();
        }
        let end = resumed(&desk, &failing(&desk, 8), "prod").unwrap();
        assert_eq!(end.exit(), Exit::RolledBack, "{}", desk.err.text());
        assert_eq!(end.problem.unwrap().code, Code::ShortCredentials);
    }
}
