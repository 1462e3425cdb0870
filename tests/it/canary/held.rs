//! Releases that wait for a person, and what the person gets who lets them go on.

use std::time::Duration;

use jiff::Timestamp;
use stagegate::aws::Operation;
use stagegate::clock::Clock;
use stagegate::engine::Outcome;
use stagegate::event::Event;
use stagegate::model::{CanaryMode, Percent, Reaction, RecordState, Version};
use stagegate::problem::{Code, Exit};
use stagegate::step::StepKind;
use stagegate::world::{Fault, Logged, Profile};

use super::during::{Stagecraft, assert_four_parts, told};
use super::kinds::BOTH;
use super::lab::{adopt, clients, lab};
use super::never_a_pass::{denied, throttled};
use crate::faults::lab::Scenario;

fn good() -> Profile {
    Profile::default()
}

fn now(release: &Stagecraft) -> Timestamp {
    release.lab.world.clock().now()
}

/// Another machine takes it up.
fn taken_up(release: &Stagecraft) -> Outcome {
    adopt(&release.lab, false).unwrap().unwrap()
}

#[test]
fn a_held_release_that_a_person_lets_go_on_is_watched_as_long_again() {
    for mode in BOTH {
        let release = Stagecraft::new(*mode, 0.0, &good());
        release.assert_held(&release.promote(), 5.0, "0 of the 3 requests");
        release.lab.world.clock().advance(Duration::from_secs(7200));
        let since = now(&release);
        release.assert_held(&taken_up(&release), 5.0, "0 of the 3 requests");
        let watched = now(&release).duration_since(since).as_secs();
        assert!((29 * 60..=32 * 60).contains(&watched), "three times the bake: {watched} s");
        // Now its clients are back.
        release.lab.world.set_load(clients(&release.lab, 11, 100.0, &good()));
        release.assert_promoted(&taken_up(&release));
    }
}

#[test]
fn a_process_that_died_gives_no_more_time_than_a_person_did() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 0.0, &good());
    release.lab.settings.once = true;
    assert_eq!(release.promote().exit, Exit::InFlight);
    release.lab.world.clock().advance(Duration::from_secs(7200));
    release.lab.settings.once = false;
    let since = now(&release);
    release.assert_held(&taken_up(&release), 5.0, "0 of the 3 requests");
    let watched = now(&release).duration_since(since).as_secs();
    assert!(watched < 120, "{watched} s");
}

#[test]
fn finishing_goes_all_the_way_when_metrics_cannot_be_read_and_says_so() {
    for error in [denied(), throttled()] {
        let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
        release = release.failing(Operation::GetMetricData, 2..10_000, error.clone());
        let outcome = release.promote();
        release.assert_held(&outcome, 5.0, "");
        assert!(told(&outcome).fix.iter().any(|fix| fix.ends_with("--finish")), "{outcome:?}");
        release.lab.settings.finish = true;
        let plan = stagegate::journal::Progress::of(&release.lab.kept.borrow()).plan.unwrap();
        let before = release.warnings().len();
        let outcome = release.resume_plan(&plan);
        release.assert_promoted(&outcome);
        let said = release.warnings().split_off(before);
        assert!(!said.is_empty());
        said.iter().for_each(assert_four_parts);
    }
}

#[test]
fn what_its_gate_needs_may_be_gone_and_anybody_can_take_it_up_all_the_same() {
    for undo in [false, true] {
        let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
        release.lab.target.gate.alarms = vec!["orders-5xx".into()];
        let fine = stagegate::aws::noun::AlarmValue::Ok;
        release.lab.world.edit(|account| account.put_alarm("orders-5xx", fine, account.now(), "fine"));
        let release = release.at(7, |account| {
            account.delete_alarm("orders-5xx");
            account.create_rest_api(&"twin".parse().unwrap(), "shop");
        });
        release.assert_held(&release.promote(), 25.0, "alarm orders-5xx does not exist any more");
        let outcome = adopt(&release.lab, undo).unwrap().unwrap();
        if undo {
            assert_eq!(release.lab.state(), release.before);
            continue;
        }
        release.assert_held(&outcome, 25.0, "alarm orders-5xx does not exist any more");
        assert_eq!(told(&outcome).code, Code::CanaryHeld);
        assert_eq!(release.record().state, RecordState::Paused);
    }
}

#[test]
fn a_release_that_had_not_claimed_everything_says_that_only_the_way_back_is_left() {
    for mode in BOTH {
        let lab = lab(Scenario::Three, *mode);
        let (before, plan) = (lab.state(), lab.plan().unwrap());
        let smooth = lab.fork();
        smooth.promote(&plan).unwrap();
        let is_claim = |call: &&Logged| call.call.operation() == Operation::UpdateAlias;
        let second = smooth.world.calls().iter().filter(is_claim).nth(1).unwrap().index;
        lab.world.inject(second, Fault::CrashBefore);
        assert!(lab.promote(&plan).is_none(), "it died");
        lab.world.restart();
        let problem = adopt(&lab, false).unwrap().unwrap_err();
        assert_four_parts(&problem);
        assert_eq!((problem.code, problem.exit), (Code::NoJournal, Exit::Usage));
        assert!(problem.what.ends_with("cannot go on from its records"), "{problem:?}");
        assert_eq!(problem.fix[0], "go back: stagegate rollback prod");
        assert!(lab.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        assert_eq!(lab.state(), before);
    }
}

#[test]
fn a_version_proven_worse_that_is_held_says_so_and_offers_the_way_back_first() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &Profile::failing(0.3));
    release.lab.target.gate.on_failure = Reaction::Hold;
    for outcome in [release.promote(), taken_up(&release)] {
        release.assert_held(&outcome, 5.0, "on.gate_failure is \"hold\"");
        let problem = told(&outcome);
        assert!(problem.what.starts_with("the new version of prod is worse"), "{problem:?}");
        assert!(problem.fix[0].starts_with("go back"), "{problem:?}");
        assert!(problem.fix.iter().all(|fix| !fix.contains("--finish")), "it would be held again: {problem:?}");
    }
}

#[test]
fn one_look_at_a_held_release_says_why_it_is_held() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 0.0, &good());
    release.assert_held(&release.promote(), 5.0, "0 of the 3 requests");
    release.lab.settings.once = true;
    release.assert_held(&taken_up(&release), 5.0, "0 of the 3 requests");
}

#[test]
fn finishing_says_that_steps_were_left_out_and_stops_where_a_person_must_agree() {
    let details = |release: &Stagecraft| -> Vec<String> {
        let detail = |(_, event): &(Timestamp, Event)| match event {
            Event::StepFinished { step: StepKind::Canary, detail, .. } => Some(detail.clone()),
            _ => None,
        };
        release.heard.0.borrow().iter().filter_map(detail).collect()
    };
    let started = |approve: Vec<Percent>| {
        let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &good());
        release.lab.target.canary.approve = approve;
        release.lab.settings.until_percent = Some(Percent::whole(5));
        assert_eq!(release.promote().exit, Exit::Done);
        release.lab.settings.until_percent = None;
        release.lab.settings.finish = true;
        release
    };
    let release = started(Vec::new());
    release.assert_promoted(&taken_up(&release));
    assert_eq!(details(&release), ["the rest of its steps left out at 5%, as asked"]);
    let release = started(vec![Percent::whole(50)]);
    let outcome = taken_up(&release);
    assert_eq!((told(&outcome).code, super::during::share(&release.lab)), (Code::ApprovalNeeded, 25.0));
    release.assert_promoted(&taken_up(&release));
}

#[test]
fn nobody_has_agreed_to_a_step_who_was_not_asked_about_it() {
    for mode in BOTH {
        for finish in [false, true] {
            for elsewhere in [false, true] {
                let mut release = Stagecraft::new(*mode, 100.0, &good());
                release.lab.target.canary.approve = vec![Percent::whole(25)];
                release.lab.settings.until_percent = Some(Percent::whole(5));
                assert_eq!(release.promote().exit, Exit::Done);
                release.lab.settings.until_percent = None;
                release.lab.settings.finish = finish;
                let plan = stagegate::journal::Progress::of(&release.lab.kept.borrow()).plan.unwrap();
                let go_on = || if elsewhere { taken_up(&release) } else { release.resume_plan(&plan) };
                let outcome = go_on();
                assert_eq!(told(&outcome).code, Code::ApprovalNeeded, "{mode:?} {finish} {elsewhere}: {outcome:?}");
                assert_eq!((super::during::share(&release.lab), release.record().state), (5.0, RecordState::Paused));
                // Now they were asked.
                release.assert_promoted(&go_on());
            }
        }
    }
}

#[test]
fn a_release_without_a_new_version_stops_where_its_canary_would_and_goes_on_from_anywhere() {
    for hours in [0, 6] {
        for elsewhere in [false, true] {
            let mut release = Stagecraft::of(lab(Scenario::Definition, CanaryMode::Alias), 100.0, &good());
            release.lab.settings.until_percent = Some(Percent::whole(5));
            let outcome = release.promote();
            assert_eq!((outcome.exit, outcome.ending), (Exit::Done, None), "{outcome:?}");
            assert_eq!(release.record().state, RecordState::Paused);
            assert_ne!(release.lab.state().deployment, release.before.deployment, "only the end is left");
            release.lab.world.clock().advance(Duration::from_secs(hours * 3600));
            release.lab.settings.until_percent = None;
            release.lab.settings.finish = true;
            let plan = stagegate::journal::Progress::of(&release.lab.kept.borrow()).plan.unwrap();
            let outcome = if elsewhere { taken_up(&release) } else { release.resume_plan(&plan) };
            assert_eq!(outcome.exit, Exit::Done, "{hours} h, elsewhere {elsewhere}: {:?}", outcome.problem);
            assert_eq!(release.record().state, RecordState::Promoted);
            assert_ne!(release.lab.state().deployment, release.before.deployment);
        }
    }
}

#[test]
fn a_step_of_several_functions_is_agreed_to_whichever_keeps_the_times() {
    for mode in BOTH {
        for elsewhere in [false, true] {
            let mut laboratory = lab(Scenario::Three, *mode);
            laboratory.target.functions.reverse();
            laboratory.target.canary.approve = vec![Percent::whole(25), Percent::whole(50)];
            laboratory.target.gate.max_slow_ratio = None;
            let load = clients(&laboratory, 11, 1000.0, &good());
            laboratory.world.set_load(load);
            let mut outcome = laboratory.promote(&laboratory.plan().unwrap()).unwrap();
            let plan = stagegate::journal::Progress::of(&laboratory.kept.borrow()).plan.unwrap();
            for share in ["25%", "50%"] {
                let problem = told(&outcome);
                assert_eq!(problem.code, Code::ApprovalNeeded, "{mode:?} {problem:?}");
                assert!(problem.what.contains(share), "{mode:?} {problem:?}");
                outcome = match elsewhere {
                    true => adopt(&laboratory, false).unwrap().unwrap(),
                    false => laboratory.resume(&plan, false).unwrap(),
                };
            }
            assert_eq!(outcome.exit, Exit::Done, "{mode:?} {outcome:?}");
        }
    }
}

#[test]
fn the_first_step_can_be_agreed_to_from_anywhere() {
    for mode in BOTH {
        let mut release = Stagecraft::new(*mode, 100.0, &good());
        release.lab.target.canary.approve = vec![Percent::whole(5)];
        let outcome = release.promote();
        assert_eq!((told(&outcome).code, super::during::share(&release.lab)), (Code::ApprovalNeeded, 0.0));
        release.assert_promoted(&taken_up(&release));
    }
}

#[test]
fn a_version_marked_bad_that_a_person_names_is_said_in_the_plan() {
    let release = Stagecraft::new(CanaryMode::Alias, 100.0, &Profile::failing(0.3));
    release.assert_back(&release.promote(), Code::GateFailed, "errors");
    let plan = release.lab.plan_named(Some(Version::Number(2))).unwrap();
    let said = |n: &stagegate::plan::Notice| n.code == Code::VersionBad && n.text.starts_with("v2 of orders:live");
    assert!(plan.notices.iter().any(said), "{:?}", plan.notices);
}
