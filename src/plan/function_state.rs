//! What keeps a function from being released, as `GetFunction` says it.

use crate::aws::noun::{Function, State, UpdateStatus};
use crate::model::FunctionName;
use crate::problem::{Code, Problem};

/// That there is no such function.
pub fn missing(function: &FunctionName) -> Problem {
    Problem::new(Code::FunctionMissing, format!("function {function} does not exist here"))
        .why("Lambda answered 404 in this account and region")
        .fix(format!("check the name, --region and --profile: aws lambda get-function --function-name {function}"))
}

/// That the last update of its code or configuration failed.
pub(super) fn update_failed(function: &FunctionName, latest: &Function) -> Problem {
    let why = latest.last_update_reason.clone().unwrap_or_else(|| "LastUpdateStatus is Failed".into());
    Problem::new(Code::FunctionUpdating, format!("the last update of {function} failed"))
        .why(why)
        .fix("update the function's code again, then repeat the command")
}

/// What would make a release of `$LATEST` wait or fail now; none when it can be published. An inactive function is
/// woken by its first call.
pub fn trouble(function: &FunctionName, latest: &Function) -> Option<Problem> {
    let look = format!("look: aws lambda get-function-configuration --function-name {function}");
    let said = |word: &str| latest.state_reason.clone().unwrap_or_else(|| format!("State is {word}"));
    match (latest.last_update, latest.state) {
        (Some(UpdateStatus::InProgress), _) => Some(
            Problem::new(Code::FunctionUpdating, format!("{function} is being updated"))
                .why("LastUpdateStatus is InProgress; publishing waits for its end")
                .fix(look),
        ),
        (Some(UpdateStatus::Failed), _) => Some(update_failed(function, latest)),
        (_, Some(State::Pending)) => Some(
            Problem::new(Code::FunctionUpdating, format!("{function} is being created")).why(said("Pending")).fix(look),
        ),
        (_, Some(State::Failed | State::Other)) => Some(
            Problem::new(Code::VersionNotActive, format!("{function} cannot run"))
                .why(said("Failed"))
                .fix("update the function's code again, then repeat the command"),
        ),
        (_, None | Some(State::Active | State::Inactive)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;
    use crate::world::{Behaviour, World};

    #[test]
    fn what_would_make_a_release_wait_or_fail_is_said_beforehand() {
        let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap()));
        let name: FunctionName = "pets".parse().unwrap();
        let latest = world.edit(|account| {
            account.create_function(&name, "one", Behaviour::default());
            account.functions[&name].latest.function.clone()
        });
        let code = |change: &dyn Fn(&mut Function)| {
            let mut function = latest.clone();
            change(&mut function);
            trouble(&name, &function).map(|problem| problem.code)
        };
        assert_eq!(code(&|_| ()), None);
        assert_eq!(code(&|f| f.state = Some(State::Inactive)), None);
        assert_eq!(code(&|f| f.last_update = Some(UpdateStatus::InProgress)), Some(Code::FunctionUpdating));
        assert_eq!(code(&|f| f.last_update = Some(UpdateStatus::Failed)), Some(Code::FunctionUpdating));
        assert_eq!(code(&|f| f.state = Some(State::Pending)), Some(Code::FunctionUpdating));
        assert_eq!(code(&|f| f.state = Some(State::Failed)), Some(Code::VersionNotActive));
    }
}
