//! Every fault at every call, and somebody else at every call.

use stagegate::policy::route_statement;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Account, Fault};

use super::lab::{Lab, nearly_full, ours, pets, source};

/// Runs the command until it says that it is done; answers how often it had to be started.
fn until_done(lab: &Lab, run: impl Fn(&Lab) -> Option<bool>) -> usize {
    for started in 1..=3 {
        if run(lab) == Some(true) {
            return started;
        }
        lab.world.restart();
    }
    panic!("it is never done");
}

fn every_fault(lab: &Lab, run: impl Fn(&Lab) -> Option<bool>) -> usize {
    let calls = {
        let probe = lab.fork();
        assert_eq!(run(&probe), Some(true));
        probe.world.calls().len()
    };
    let mut count = 0;
    for at in 0..calls {
        for fault in Fault::every_kind() {
            let one = lab.fork();
            one.world.inject(at, fault.clone());
            until_done(&one, &run);
            assert_eq!(one.unserved(), [""; 0], "{fault:?} at call {at}");
            assert_eq!(one.world.violations(), [""; 0], "{fault:?} at call {at}");
            count += 1;
        }
    }
    count
}

#[test]
fn every_fault_at_every_call_of_a_merge_leaves_every_route_served() {
    let lab = nearly_full();
    let sid = ours("a1b2c3d4e5", "prod").sid;
    let runs = every_fault(&lab, |lab| {
        let end = lab.grant()?;
        assert!(end.is_err() || lab.sids("pets").contains(&sid));
        Some(end.is_ok())
    });
    println!("{runs} merges, each with one fault");
}

#[test]
fn every_fault_at_every_call_of_a_prune_leaves_every_route_served() {
    let mut lab = Lab::new(&["pets", "food"], 4);
    for name in ["pets", "food"] {
        lab.put(name, &ours("a1b2c3d4e5", "prod"));
        lab.put(name, &ours("z9z9z9z9z9", "prod"));
        lab.put(name, &route_statement("a1b2c3d4e5", "prod", &source("a1b2c3d4e5/prod/GET/*")));
    }
    lab.wanted.named = true;
    lab.world.watch_traffic();
    let runs = every_fault(&lab, |lab| Some(lab.prune(false)?.is_ok()));
    println!("{runs} prunes, each with one fault");
}

/// Somebody does something right before each call in turn; no route may fail by what the command does.
fn every_intrusion(
    lab: &Lab,
    change: impl Fn(&mut Account) + Clone + 'static,
    check: impl Fn(&Lab, Result<Vec<String>, stagegate::problem::Problem>),
) {
    let calls = {
        let probe = lab.fork();
        probe.grant().unwrap().unwrap();
        probe.world.calls().len()
    };
    for at in 0..calls {
        let one = lab.fork();
        one.world.inject(at, Fault::intrude(change.clone()));
        let end = one.grant().unwrap();
        check(&one, end);
        one.world.run_until_quiet();
    }
}

#[test]
fn what_somebody_adds_meanwhile_is_kept() {
    let lab = nearly_full();
    let add = |account: &mut Account| {
        let statement = stagegate::aws::noun::Statement { sid: "theirs".into(), source_arn: source("b1b1b1b1b1/x/*") };
        let value = account.statement(&pets(), "live", &statement);
        account.put_statement(&pets(), "live", value).unwrap();
    };
    every_intrusion(&lab, add, |lab, _| {
        assert!(lab.sids("pets").contains(&"theirs".to_owned()));
        assert_eq!(lab.world.violations(), [""; 0]);
    });
}

#[test]
fn when_somebody_takes_the_merged_statement_away_no_other_goes() {
    let lab = nearly_full();
    let sid = ours("a1b2c3d4e5", "prod").sid;
    let gone = sid.clone();
    let take = move |account: &mut Account| {
        let remove = stagegate::aws::operation::RemovePermission {
            function: pets(),
            alias: super::lab::live(),
            sid: gone.clone(),
            revision: None,
        };
        let _ = account.perform(&stagegate::aws::Call::RemovePermission(remove));
    };
    every_intrusion(&lab, take, |lab, end| {
        if !lab.sids("pets").contains(&sid) {
            let problem = end.unwrap_err();
            assert!(
                [
                    (Code::AliasChanged, Exit::Conflict),
                    (Code::InvokeBlocked, Exit::InBetween),
                    (Code::ServiceError, Exit::Failed)
                ]
                .contains(&(problem.code, problem.exit)),
                "{problem:?}"
            );
        }
    });
}
