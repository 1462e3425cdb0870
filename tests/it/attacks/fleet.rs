//! Two hundred functions under AWS's own limits.

use futures_util::FutureExt;
use stagegate::aws::Operation;
use stagegate::aws::layers::{Pace, Paced, Steady};
use stagegate::clock::Clock;
use stagegate::engine::{Engine, Settings};
use stagegate::event::Silent;
use stagegate::journal::MemoryJournal;
use stagegate::model::FunctionName;
use stagegate::plan::{self, Choice, Observer, Plan};
use stagegate::problem::Exit;
use stagegate::rollback::{Emergency, Part, Seen};
use stagegate::world::{Behaviour, Fault};

use crate::faults::lab::{Lab, Scenario, alias};

fn fleet(n: usize) -> Lab {
    let mut lab = Lab::new(Scenario::Second);
    (lab.target.stage, lab.target.alias_variable) = (None, None);
    lab.target.functions = (0..n).map(|i| format!("service-{i:03}").parse().unwrap()).collect();
    lab.world.edit(|account| {
        for function in &lab.target.functions {
            account.create_function(function, "code 1", Behaviour::default());
            account.publish(function, "first").unwrap();
            account.put_alias(function, &alias(), 1, &[]).unwrap();
            account.update_code(function, "code 2", Behaviour::default(), std::time::Duration::ZERO).unwrap();
        }
    });
    lab.world.run_until_quiet();
    lab.world.set_quotas(true);
    lab
}

fn planned(lab: &Lab) -> Plan {
    let clock = lab.world.clock();
    let aws = Steady::new(Paced::new(&lab.world, clock.clone(), Pace::Share), clock.clone(), 3);
    let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
    let observed = observer.observe(&lab.target, None).now_or_never().unwrap().unwrap();
    let choice = Choice::new(lab.run_id(), clock.now(), "123456789012".into(), "us-east-1".into());
    plan::plan(&lab.target, &observed, &choice).unwrap()
}

fn promote(lab: &Lab, plan: &Plan) -> Option<stagegate::engine::Outcome> {
    lab.world.reset_count();
    let clock = lab.world.clock();
    let aws = Steady::new(Paced::new(&lab.world, clock.clone(), Pace::Share), clock.clone(), 3);
    let journal = MemoryJournal::reopened(&lab.kept);
    let engine = Engine::new(&aws, &clock, &Silent, &lab.interrupt, journal, plan.run.clone(), Settings::default());
    engine.promote(plan).now_or_never()
}

/// From another machine, at full pace; how many seconds until every alias was back.
fn rolled_back(lab: &Lab) -> (bool, i64) {
    lab.world.restart();
    let (clock, fresh) = (lab.world.clock(), lab.run_id());
    let aws = Steady::new(Paced::new(&lab.world, clock.clone(), Pace::Full), clock.clone(), 5);
    let start = clock.now();
    let seen: Vec<Seen> = lab
        .target
        .functions
        .iter()
        .map(|function: &FunctionName| {
            let request = stagegate::aws::operation::GetAlias { function: function.clone(), alias: alias() };
            let found = stagegate::aws::AwsExt::send(&aws, request).now_or_never().unwrap().unwrap();
            Seen::new(function.clone(), alias(), found, false).unwrap()
        })
        .collect();
    let none = |_: &Seen| Vec::new();
    let emergency = Emergency::prepare(&seen, None, Part::All, &none, false, &fresh, clock.now()).unwrap();
    let interrupt = stagegate::engine::Interrupt::default();
    let engine = Engine::new(&aws, &clock, &Silent, &interrupt, MemoryJournal::default(), fresh, Settings::default());
    let undone = emergency.run(&engine).now_or_never().unwrap();
    (undone.is_clean(), clock.now().duration_since(start).as_secs())
}

#[test]
fn two_hundred_functions_go_forward_and_back_within_the_quotas() {
    let lab = fleet(200);
    let before = lab.state();
    let plan = planned(&lab);
    let outcome = promote(&lab, &plan).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{:?}", outcome.problem);
    let taken = lab.world.clock().now().duration_since(plan.at).as_secs();
    assert!(taken <= i64::try_from(plan.duration_s()).unwrap(), "{taken} s, planned {}", plan.duration_s());
    let (clean, seconds) = rolled_back(&lab);
    assert!(clean);
    assert_eq!(lab.state(), before);
    assert!(seconds <= 60, "{seconds} s");
    println!("forward {taken} s, back {seconds} s");
}

#[test]
fn two_hundred_functions_that_died_between_two_moves_all_go_back() {
    let lab = fleet(200);
    let before = lab.state();
    let plan = planned(&lab);
    let smooth = lab.fork();
    promote(&smooth, &plan).unwrap();
    let moves: Vec<usize> =
        smooth.world.calls().iter().filter(|c| c.call.operation() == Operation::UpdateAlias).map(|c| c.index).collect();
    for at in [moves[150], moves[299], moves[500]] {
        let lab = lab.fork();
        lab.world.restart();
        lab.world.inject(at, Fault::CrashAfter);
        assert!(promote(&lab, &plan).is_none());
        lab.world.restart();
        // Only the claimed ones carry this release: the others are as before.
        let mut claimed = lab.fork();
        claimed.target.functions.retain(|f| super::state(&lab, f).is_some());
        assert!(rolled_back(&claimed).0);
        assert_eq!(claimed.state().aliases, {
            let mut expected = before.aliases.clone();
            expected.retain(|name, _| claimed.target.functions.iter().any(|f| name == &format!("{f}:live")));
            expected
        });
    }
}
