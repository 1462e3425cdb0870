//! What looking costs, and what happens when it is not allowed.

use stagegate::aws::Operation;
use stagegate::problem::{Code, Exit};
use stagegate::world::{Behaviour, Fault};

use super::{edit, lab, notices, observed, optional, orders};
use crate::faults::lab::{Lab, alias};

/// The number of the first call of an operation while planning.
fn first(lab: &Lab, operation: Operation) -> usize {
    let smooth = lab.fork();
    smooth.world.restart();
    let _ = smooth.plan();
    let calls = smooth.world.calls();
    calls.iter().find(|logged| logged.call.operation() == operation).expect("it is asked").index
}

/// Everything that is looked at is there to be found.
fn owned() -> Lab {
    let lab = lab();
    edit(&lab, |account| {
        account.put_function_into_stack(&orders(), "shop", "Orders").unwrap();
        account.put_alias_into_stack(&orders(), &alias(), "shop", "Live");
        account.begin_code_deployment("d-BETA", &orders(), &"beta".parse().unwrap());
    });
    lab
}

#[test]
fn what_may_not_be_looked_at_is_said_and_stops_nothing() {
    for (operation, what) in [
        (Operation::ListDeployments, "whether CodeDeploy moves an alias of the target"),
        (Operation::BatchGetDeployments, "whether CodeDeploy moves an alias of the target"),
        (Operation::ListDeploymentTargets, "whether CodeDeploy moves an alias of the target"),
        (Operation::BatchGetDeploymentTargets, "whether CodeDeploy moves an alias of the target"),
        (Operation::DescribeStackResources, "which stacks the aliases belong to"),
    ] {
        let lab = owned();
        let at = first(&lab, operation);
        lab.world.restart();
        lab.world.inject(at, Fault::denied());
        let plan = lab.plan().unwrap();
        let said: Vec<_> = plan.notices.iter().filter(|notice| notice.code == Code::OwnerUnseen).collect();
        assert_eq!(said.len(), 1, "{operation}: {said:?}");
        let text = &said[0].text;
        assert!(text.starts_with(what) && text.contains(operation.iam_action()), "{text}");
        assert_eq!(optional(&lab).iter().filter(|asked| **asked == operation).count(), 1, "denied is not asked again");
        lab.world.restart();
        assert_eq!(lab.promote(&plan).unwrap().exit, Exit::Done);
    }
}

#[test]
fn a_service_that_does_not_answer_is_asked_twice_and_holds_nothing_up() {
    let lab = lab();
    let at = first(&lab, Operation::ListDeployments);
    lab.world.restart();
    for n in 0..6 {
        lab.world.inject(at + n, Fault::LostRequest);
    }
    let said = notices(&lab, Code::OwnerUnseen);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(optional(&lab).len(), 2);
}

#[test]
fn tags_that_may_not_be_read_are_said() {
    let lab = lab();
    edit(&lab, |account| account.settings.tags_readable = false);
    let said = notices(&lab, Code::OwnerUnseen);
    assert!(said[0].contains("no tags of 1 of 1 functions: not allowed: lambda:ListTags"), "{said:?}");
}

#[test]
fn why_weights_are_there_may_stay_unknown() {
    let lab = lab();
    edit(&lab, |account| {
        let to = account.publish(&orders(), "theirs").unwrap();
        account.put_alias(&orders(), &alias(), 1, &[(to, 0.1)]).unwrap();
    });
    let second = first(&lab, Operation::ListDeployments) + 1;
    lab.world.restart();
    lab.world.inject(second, Fault::denied());
    let problem = lab.plan().unwrap_err();
    assert_eq!(problem.code, Code::ForeignWeights);
    assert!(
        problem.why[1].contains("CodeDeploy could not be asked: not allowed: codedeploy:ListDeployments"),
        "{problem:?}"
    );
}

/// 200 functions without a stage.
fn fleet(stack: impl Fn(usize) -> Option<String>) -> Lab {
    let mut lab = lab();
    let names = (0..200).map(|n| format!("shop-{n:03}").parse().unwrap()).collect::<Vec<_>>();
    edit(&lab, |account| {
        for (n, name) in names.iter().enumerate() {
            account.create_function(name, "one", Behaviour::default());
            let version = account.publish(name, "first").unwrap();
            account.put_alias(name, &alias(), version, &[]).unwrap();
            let Some(stack) = stack(n) else { continue };
            account.put_function_into_stack(name, &stack, "Function").unwrap();
            account.put_alias_into_stack(name, &alias(), &stack, "Live");
        }
    });
    (lab.target.functions, lab.target.stage, lab.target.alias_variable) = (names, None, None);
    lab.world.restart();
    lab
}

#[test]
fn two_hundred_functions_cost_one_call_and_one_more_for_every_answer_of_a_stack() {
    let unmarked = fleet(|_| None);
    observed(&unmarked);
    assert_eq!(optional(&unmarked), [Operation::ListDeployments]);

    // Twenty functions and their aliases fit into one answer of at most 100 resources.
    let stacks = fleet(|n| Some(format!("shop-{}", n / 25)));
    let found = observed(&stacks).ownership(&stacks.target);
    assert_eq!(optional(&stacks).len(), 1 + 8);
    assert_eq!((found.warnings().len(), found.blind_spots().len()), (8, 0));
    assert!(
        found.warnings()[0].contains("and 22 more) belong to CloudFormation stack shop-0"),
        "{:?}",
        found.warnings()
    );

    let alone = fleet(|_| Some("shop".into()));
    edit(&alone, |account| account.settings.stack_answers_are_whole = false);
    let found = observed(&alone).ownership(&alone.target);
    assert_eq!(optional(&alone).len(), 1 + 10, "the number of questions has a bound");
    assert_eq!(
        found.blind_spots(),
        ["which stacks the aliases belong to could not be looked at: 10 were asked for; the others were not"]
    );
}

#[test]
fn an_account_full_of_deployments_costs_a_bounded_number_of_calls() {
    let lab = lab();
    edit(&lab, |account| {
        for n in 0..950 {
            account.begin_code_deployment(&format!("d-{n:03}"), &orders(), &"beta".parse().unwrap());
        }
    });
    let said = notices(&lab, Code::OwnerUnseen);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("more than 200 deployments"), "{said:?}");
    assert!(said[1].contains("more than 20 deployments of functions"), "{said:?}");
    assert_eq!(optional(&lab).len(), 2 + 8 + 2 * 20);
}
