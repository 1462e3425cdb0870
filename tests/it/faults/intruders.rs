//! Somebody else at every point of a release: named, never overwritten.

use stagegate::aws::operation::{GetAlias, GetPolicy, GetStage};
use stagegate::aws::{Operation, Request};
use stagegate::model::Version;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Account, Fault};

use super::lab::{Lab, Scenario, alias, api, prod, statement};

/// Runs a release with an intrusion before each of its calls; answers the laboratory and how the release ended.
fn intruded(
    change: impl Fn(&mut Account) + Copy + 'static,
    check: impl Fn(usize, Operation, &Lab, Exit, Option<Code>),
) {
    let lab = Lab::new(Scenario::Second);
    let plan = lab.plan().unwrap();
    let smooth = lab.fork();
    smooth.promote(&plan).unwrap();
    let calls: Vec<Operation> = smooth.world.calls().iter().map(|c| c.call.operation()).collect();
    for (at, operation) in calls.iter().enumerate() {
        let lab = lab.fork();
        lab.world.restart();
        lab.world.inject(at, Fault::intrude(change));
        let outcome = lab.promote(&plan).expect("nobody crashes");
        assert_eq!(lab.world.violations(), Vec::<String>::new(), "intrusion before call {at}");
        check(at, *operation, &lab, outcome.exit, outcome.problem.as_ref().map(|p| p.code));
    }
    println!("{} points of a release", calls.len());
}

fn orders() -> stagegate::model::FunctionName {
    "orders".parse().unwrap()
}

#[test]
fn somebody_who_moves_the_alias_is_named_and_keeps_it() {
    let moved = |account: &mut Account| {
        account
            .update_code(&orders(), "code 9", stagegate::world::Behaviour::default(), std::time::Duration::ZERO)
            .unwrap();
        let theirs = account.publish(&orders(), "theirs").unwrap();
        account.put_alias(&orders(), &alias(), theirs, &[]).unwrap();
        account.describe_alias(&orders(), &alias(), "moved by sam").unwrap();
    };
    intruded(moved, |at, operation, lab, exit, code| {
        let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
        assert_eq!(now.description, "moved by sam", "overwritten by call {at} {operation}");
        // Their move is what publishing or the alias meets first; both are somebody else's doing, and say so.
        let expected = [Code::AliasChanged, Code::LatestChanged];
        assert!(code.is_some_and(|c| expected.contains(&c)), "call {at} {operation}: {exit:?} {code:?}");
        assert!(matches!(exit, Exit::Conflict | Exit::InBetween), "call {at} {operation}: {exit:?}");
    });
}

#[test]
fn somebody_who_only_writes_the_description_is_named_and_keeps_it() {
    let described =
        |account: &mut Account| account.describe_alias(&orders(), &alias(), "Orders API, owned by sam").unwrap();
    intruded(described, |at, operation, lab, exit, code| {
        let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
        assert_eq!(now.description, "Orders API, owned by sam", "overwritten by call {at} {operation}");
        assert_eq!(code, Some(Code::AliasChanged), "call {at} {operation}: {exit:?}");
    });
}

#[test]
fn somebody_who_redeploys_the_stage_is_named_and_keeps_it() {
    let moved = |account: &mut Account| {
        let theirs = account.deploy(&api(), "theirs").unwrap();
        account.stage_mut(&api(), &prod()).unwrap().deployment = theirs;
    };
    intruded(moved, |at, operation, lab, exit, code| {
        if operation == Operation::UpdateStage {
            return; // Stages have no revision: the window of one call that SPEC §2 rule 3 documents.
        }
        let stage = lab.peek(GetStage { api: api(), stage: prod() }).unwrap();
        let deployment = stagegate::aws::operation::GetDeployment { api: api(), deployment: stage.deployment };
        assert_eq!(lab.peek(deployment).unwrap().description, "theirs", "overwritten by call {at} {operation}");
        assert!(matches!(exit, Exit::RolledBack | Exit::InBetween | Exit::Done), "call {at} {operation}: {exit:?}");
        if exit != Exit::Done {
            assert_eq!(code, Some(Code::StageChanged), "call {at} {operation}");
            let now = lab.peek(GetAlias { function: orders(), alias: alias() }).unwrap();
            assert_eq!(now.version, Version::Number(1), "the alias goes back, the stage stays");
        }
    });
}

#[test]
fn a_statement_that_somebody_adds_meanwhile_stays() {
    let granted = |account: &mut Account| {
        let arn = "arn:aws:execute-api:us-east-1:123456789012:zzzz/prod/*";
        let mut theirs = statement(&orders(), arn);
        theirs["Sid"] = "theirs".into();
        account.put_statement(&orders(), "live", theirs).unwrap();
    };
    intruded(granted, |at, operation, lab, exit, _| {
        let policy = lab.peek(GetPolicy { function: orders(), alias: alias() }).unwrap();
        let ids = stagegate::policy::statement_ids(&policy.document);
        assert!(
            ids.contains(&"theirs".to_owned()) && ids.contains(&"by-hand".to_owned()),
            "call {at} {operation}: {ids:?}"
        );
        assert_eq!(exit, Exit::Done, "call {at} {operation}");
    });
}

#[test]
fn of_two_promotes_at_once_exactly_one_proceeds() {
    let lab = Lab::new(Scenario::Second);
    let (mine, theirs) = (lab.plan().unwrap(), lab.plan().unwrap());
    let smooth = lab.fork();
    smooth.promote(&mine).unwrap();
    let points = smooth.calls();
    for at in 0..points {
        let lab = lab.fork();
        let other = std::rc::Rc::new(lab_of(&lab));
        lab.world.restart();
        // The other release runs whole, as somebody else, right before one of our calls.
        let (plan, runner) = (theirs.clone(), std::rc::Rc::clone(&other));
        lab.world.inject(at, Fault::intrude(move |account| runner.run_inside(account, &plan)));
        let ours = lab.promote(&mine).expect("nobody crashes").exit;
        let theirs = other.ended();
        let winners = [ours, theirs].iter().filter(|e| **e == Exit::Done).count();
        assert_eq!(winners, 1, "at call {at}: ours {ours:?}, theirs {theirs:?}");
        let loser = if ours == Exit::Done { theirs } else { ours };
        assert_eq!(loser, Exit::Conflict, "at call {at}: ours {ours:?}, theirs {theirs:?}");
        assert_eq!(lab.violations(), Vec::<String>::new());
    }
    println!("{points} interleavings");
}

/// A second promoter that works on the same account from inside an intrusion.
struct Other {
    end: std::cell::Cell<Option<Exit>>,
    template: Lab,
}

fn lab_of(lab: &Lab) -> Other {
    Other { end: std::cell::Cell::new(None), template: lab.fork() }
}

impl Other {
    fn run_inside(&self, account: &mut Account, plan: &stagegate::plan::Plan) {
        let lab = self.template.fork();
        lab.world.edit(|theirs| *theirs = account.clone());
        let outcome = lab.promote(plan).expect("nobody crashes");
        self.end.set(Some(outcome.exit));
        lab.world.edit(|theirs| *account = theirs.clone());
    }

    fn ended(&self) -> Exit {
        self.end.get().expect("it ran")
    }
}

#[test]
fn a_canary_that_somebody_attaches_is_noticed_before_the_stage_moves() {
    let attached = |account: &mut Account| {
        let canary = stagegate::aws::noun::StageCanary {
            deployment: None,
            percent: 10.0,
            overrides: std::collections::BTreeMap::new(),
            use_stage_cache: false,
        };
        account.put_canary(&api(), &prod(), Some(canary)).unwrap();
    };
    let lab = Lab::new(Scenario::Second);
    let plan = lab.plan().unwrap();
    lab.world.inject(0, Fault::intrude(attached));
    let outcome = lab.promote(&plan).unwrap();
    assert_ne!(outcome.exit, Exit::Done);
    assert_eq!(outcome.problem.map(|p| p.code), Some(Code::StageChanged));
    let call = GetStage { api: api(), stage: prod() }.call();
    assert_eq!(call.operation(), Operation::GetStage);
}
