//! Two at work on the same release: a guard's look beside the process that began it, and a person who takes it back
//! beside the process that runs it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use stagegate::aws::Operation;
use stagegate::aws::operation::GetAlias;
use stagegate::clock::Clock;
use stagegate::engine::Outcome;
use stagegate::model::{CanaryMode, Description, RecordState, RunId, Version};
use stagegate::problem::{Code, Exit, Problem};
use stagegate::world::{Fault, Logged, Profile};

use super::during::{Stagecraft, minute, record, share, told};
use super::lab::{adopt, clients, lab, split};
use super::tick::at_five;
use crate::faults::lab::{Lab, Scenario, State, alias};

const BOTH: [CanaryMode; 2] = [CanaryMode::Alias, CanaryMode::Stage];

/// Lets another process do something in the same account before a call that is made some seconds later; answers whether
/// it came to that.
fn meanwhile(lab: &Lab, at: usize, work: impl Fn(&mut Lab) + 'static) -> Rc<Cell<bool>> {
    let (twin, done) = (lab.fork(), Rc::new(Cell::new(false)));
    let (happened, clock) = (Rc::clone(&done), lab.world.clock());
    lab.world.inject(
        at,
        Fault::intrude(move |account| {
            let mut other = twin.fork();
            let late = account.now().duration_since(other.world.clock().now());
            other.world.clock().advance(Duration::try_from(late).unwrap_or_default());
            other.world.edit(|theirs| *theirs = account.clone());
            work(&mut other);
            other.world.edit(|theirs| *account = theirs.clone());
            clock.advance(Duration::from_secs(7));
            happened.set(true);
        }),
    );
    done
}

/// One look by a guard on another machine, which knows only AWS.
fn guard_looks(lab: &mut Lab) -> Result<Outcome, Problem> {
    (lab.settings.once, lab.settings.finish) = (true, false);
    adopt(lab, false).expect("nobody crashes")
}

/// The other process has gone further, and this one leaves it to that.
fn is_left_to_the_other(outcome: &Outcome) -> bool {
    outcome.exit == Exit::InFlight && told(outcome).what.contains("another process goes on")
}

#[test]
fn a_look_that_another_process_of_the_release_overtakes_undoes_nothing() {
    for mode in BOTH {
        let mut release = Stagecraft::new(mode, 100.0, &Profile::default());
        let plan = at_five(&mut release, false, 20);
        let mut smooth = release.lab.fork();
        smooth.world.restart();
        assert_eq!(guard_looks(&mut smooth).unwrap().exit, Exit::InFlight);
        assert_eq!(share(&smooth), 25.0);
        for finishes in [false, true] {
            let mut overtaken = 0;
            for (at, call) in smooth.world.calls().iter().enumerate() {
                // Stages have no revision: the window of one call that SPEC §2 rule 3 documents.
                if call.call.operation() == Operation::UpdateStage {
                    continue;
                }
                let mut lab = release.lab.fork();
                lab.world.restart();
                let plan = plan.clone();
                meanwhile(&lab, at, move |other| {
                    (other.settings.once, other.settings.finish) = (!finishes, finishes);
                    let exit = other.resume(&plan, false).unwrap().exit;
                    assert_eq!(exit, if finishes { Exit::Done } else { Exit::InFlight });
                });
                let looked = guard_looks(&mut lab);
                let case = format!("{mode:?}, finishes: {finishes}, before call {at}: {looked:?}");
                if finishes {
                    assert_eq!(split(&lab), (Version::Number(2), vec![]), "{case}");
                    assert_eq!(record(&lab).state, RecordState::Promoted, "{case}");
                    assert_eq!(lab.stage().canary, None, "{case}");
                } else {
                    assert_eq!((share(&lab), record(&lab).state), (25.0, RecordState::Running), "{case}");
                }
                assert_eq!(lab.violations(), Vec::<String>::new(), "{case}");
                // One that begins to look when all is over finds nothing to take up.
                let Ok(outcome) = looked else { continue };
                assert!([Exit::Done, Exit::InFlight].contains(&outcome.exit), "{case}");
                let is_done = record(&lab).state == RecordState::Promoted;
                overtaken += usize::from(is_done && outcome.exit == Exit::Done || is_left_to_the_other(&outcome));
            }
            assert!(overtaken > 0, "{mode:?}, finishes: {finishes}");
        }
    }
}

#[test]
fn a_promotion_that_a_look_overtakes_at_the_end_of_a_step_leaves_it_to_the_next_and_can_go_on() {
    for mode in BOTH {
        let release = Stagecraft::new(mode, 100.0, &Profile::default());
        let plan = release.lab.plan().unwrap();
        let smooth = release.lab.fork();
        smooth.world.restart();
        assert_eq!(smooth.promote(&plan).unwrap().exit, Exit::Done);
        let is_routing = |call: &&Logged| call.call.operation() == Operation::UpdateAlias;
        // The claim, the first share, the second.
        let calls = smooth.world.calls();
        let enters = calls.iter().enumerate().filter(|(_, call)| is_routing(call)).nth(2).unwrap().0;
        let mut overtaken = 0;
        for at in enters - 4..enters + 6 {
            let lab = release.lab.fork();
            lab.world.restart();
            meanwhile(&lab, at, |other| assert_eq!(guard_looks(other).unwrap().exit, Exit::InFlight));
            let outcome = lab.promote(&plan).unwrap();
            let case = format!("{mode:?}, before call {at} of {enters}: {outcome:?}");
            if outcome.exit != Exit::Done {
                assert!(is_left_to_the_other(&outcome), "{case}");
                assert_eq!((share(&lab), record(&lab).state), (25.0, RecordState::Running), "{case}");
                assert_eq!(outcome.ending, None, "its journal stays open: {case}");
                overtaken += 1;
                lab.world.restart();
                assert_eq!(lab.resume(&plan, false).unwrap().exit, Exit::Done, "{case}");
            }
            assert_eq!(split(&lab), (Version::Number(2), vec![]), "{case}");
            assert_eq!(lab.violations(), Vec::<String>::new(), "{case}");
        }
        assert!(overtaken > 0, "{mode:?}");
    }
}

#[test]
fn weights_that_the_record_does_not_say_are_somebody_elses_whatever_it_says() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &Profile::default());
    at_five(&mut release, false, 20);
    let mut smooth = release.lab.fork();
    smooth.world.restart();
    guard_looks(&mut smooth).unwrap();
    let orders = release.lab.target.functions[0].clone();
    let next = smooth.peek(GetAlias { function: orders.clone(), alias: alias() }).unwrap().description;
    let calls = smooth.world.calls();
    let enters = calls.iter().position(|call| call.call.operation() == Operation::UpdateAlias).unwrap();
    release.lab.world.restart();
    release.lab.world.inject(
        enters,
        Fault::intrude(move |account| {
            account.put_alias(&orders, &alias(), 1, &[(2, 0.9)]).unwrap();
            account.describe_alias(&orders, &alias(), &next).unwrap();
        }),
    );
    let outcome = guard_looks(&mut release.lab).unwrap();
    assert_eq!((outcome.exit, told(&outcome).code), (Exit::InBetween, Code::AliasChanged), "{outcome:?}");
}

#[test]
fn a_step_that_is_taken_back_by_hand_is_nobodys_progress() {
    let mut release = Stagecraft::new(CanaryMode::Alias, 100.0, &Profile::default());
    let plan = at_five(&mut release, false, 20);
    let lab = &release.lab;
    let orders = lab.target.functions[0].clone();
    let earlier = lab.peek(GetAlias { function: orders.clone(), alias: alias() }).unwrap().description;
    assert_eq!(release.resume_plan(&plan).exit, Exit::InFlight);
    assert_eq!(share(lab), 25.0);
    (0..20).for_each(|_| minute(lab));
    let smooth = lab.fork();
    smooth.world.restart();
    assert_eq!(smooth.resume(&plan, false).unwrap().exit, Exit::InFlight);
    assert_eq!(share(&smooth), 50.0);
    let calls = smooth.world.calls();
    let enters = calls.iter().position(|call| call.call.operation() == Operation::UpdateAlias).unwrap();
    lab.world.restart();
    lab.world.inject(
        enters,
        Fault::intrude(move |account| {
            account.put_alias(&orders, &alias(), 1, &[(2, 0.05)]).unwrap();
            account.describe_alias(&orders, &alias(), &earlier).unwrap();
        }),
    );
    let outcome = lab.resume(&plan, false).unwrap();
    assert_eq!((outcome.exit, told(&outcome).code), (Exit::RolledBack, Code::AliasChanged), "{outcome:?}");
}

/// A release whose aliases hold the record of the one before it.
fn second_of(scenario: Scenario, mode: CanaryMode) -> Lab {
    let mut lab = lab(scenario, mode);
    lab.target.canary.steps = stagegate::model::schedule::parse("20% 2m, 50% 2m").unwrap();
    lab.target.gate.max_slow_ratio = None;
    let first = RunId::new(1, 1).ulid().to_string();
    let n = lab.target.functions.len();
    for function in lab.target.functions.clone() {
        let text = format!("Orders API [sg1 {first} done 0>1 n={n}]");
        lab.world.edit(|account| account.describe_alias(&function, &alias(), &text)).unwrap();
    }
    let load = clients(&lab, 3, 1000.0, &Profile::default());
    lab.world.set_load(stagegate::world::Load { history_minutes: 15, ..load });
    lab
}

#[test]
fn a_person_who_takes_a_release_back_beside_its_process_is_done_and_the_version_is_bad() {
    for (scenario, mode) in [Scenario::Second, Scenario::Three].into_iter().flat_map(|one| BOTH.map(|mode| (one, mode)))
    {
        let lab = second_of(scenario, mode);
        let (before, plan) = (lab.state(), lab.plan().unwrap());
        let smooth = lab.fork();
        smooth.world.restart();
        assert_eq!(smooth.promote(&plan).unwrap().exit, Exit::Done);
        let calls = smooth.world.calls();
        let looks = calls.iter().enumerate().filter(|(_, c)| c.call.operation() == Operation::GetMetricData);
        let looks: Vec<usize> = looks.map(|(at, _)| at).collect();
        // The process stands still at a look while the person begins, goes on in between, and ends before they do.
        lab.world.restart();
        lab.world.inject(looks[looks.len() / 2], Fault::CrashBefore);
        assert!(lab.promote(&plan).is_none());
        let smooth = lab.fork();
        smooth.world.restart();
        assert!(smooth.rollback_elsewhere(None).unwrap().unwrap().is_clean());
        let calls = smooth.world.calls();
        let begun = calls.iter().position(|call| call.call.operation() == Operation::UpdateAlias).unwrap();
        for (at, call) in calls.iter().enumerate().skip(begun + 1) {
            let lab = lab.fork();
            lab.world.restart();
            let plan = plan.clone();
            let met = meanwhile(&lab, at, move |other| {
                let outcome = other.resume(&plan, false).unwrap();
                assert_eq!(outcome.exit, Exit::RolledBack, "{outcome:?}");
            });
            let undone = lab.rollback_elsewhere(None).unwrap().unwrap();
            let case = format!("{scenario:?} {mode:?}, before call {at} {}", call.call.operation());
            assert!(undone.is_clean(), "{case}: {undone:?}");
            let back = State { candidates: before.candidates.clone(), ..lab.state() };
            assert_eq!(back, before, "{case}");
            for function in &lab.target.functions {
                let found = lab.peek(GetAlias { function: function.clone(), alias: alias() }).unwrap();
                let record = Description::parse(&found.description).unwrap().record.unwrap();
                let said = (record.run, record.state, record.bad, record.expires);
                assert_eq!(said, (plan_run(&lab), RecordState::RolledBack, vec![2], None), "{case}: {function}");
            }
            assert!(met.get(), "{case}");
        }
    }
}

fn plan_run(lab: &Lab) -> RunId {
    stagegate::journal::Progress::of(&lab.kept.borrow()).plan.unwrap().run
}
