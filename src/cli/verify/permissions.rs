//! Whether the caller may do what a promotion does, as IAM's simulator says it. What cannot be simulated proves nothing.

use super::checks::Checks;
use crate::aws::noun::Simulated;
use crate::aws::operation::{Scope, SimulatePrincipalPolicy};
use crate::aws::{Aws, Kind, Operation, gateway};
use crate::iam_policy::{FUNCTIONS_MAX, PolicyScope, Purpose, is_optional, principal, questions};
use crate::plan::Plan;
use crate::problem::{Code, Problem};

/// The most that is named of what is denied.
const NAMED: usize = 6;

/// Asks about every action of the policy that `iam-policy promote` prints.
pub async fn check<A: Aws>(aws: &A, caller: &str, scope: &PolicyScope, plan: &Plan, checks: &mut Checks) {
    let Some(principal) = principal(caller) else {
        return checks.note("permissions", format!("not simulated: {caller} is no user and no role"));
    };
    let rest = plan.stage.as_ref().is_none_or(|stage| stage.before.kind.is_rest());
    let (mut asked, mut denied, mut unseen, mut partly) = (0, Vec::new(), Vec::new(), Vec::new());
    for (sid, question) in questions(Purpose::Promote, scope, rest, &principal) {
        match ask(aws, &question).await {
            Ok(found) => {
                asked += found.len();
                let (doubtful, refused): (Vec<_>, Vec<_>) =
                    found.iter().filter(|one| !one.allowed).cloned().partition(|one| is_allowed_elsewhere(one, &found));
                partly.extend(doubtful);
                if is_optional(&sid) { unseen.extend(refused) } else { denied.extend(refused) }
            }
            Err(problem) => {
                let why = problem.why.first().cloned().unwrap_or(problem.what);
                return checks.note("permissions", format!("could not be simulated for {principal}: {why}"));
            }
        }
    }
    let role = principal.rsplit('/').next().unwrap_or_default();
    let found = match denied.is_empty() {
        true => Ok(format!("{asked} decisions simulated for {role}, all that promote needs is allowed{}", part(scope))),
        false => Err(refused(&principal, &denied, plan)),
    };
    checks.take("permissions", found);
    if let Some(Simulated { action, resource, .. }) = partly.first() {
        let more = if partly.len() > 1 { format!(", and {} more like it", partly.len() - 1) } else { String::new() };
        checks
            .note("permissions", format!("{action} is allowed on the function or its alias, not on {resource}{more}"));
    }
    if !unseen.is_empty() {
        let what = "which no release depends on; without it the plan says what it could not look at";
        checks.note("permissions", format!("not allowed: {}, {what}", named(&unseen)));
    }
}

/// Many actions authorise either on a function or on its alias, and a policy may name only that one: what is allowed on
/// one of them proves no denial. Those that publish a version or move an alias authorise on the function; what a policy
/// says of its aliases allows none of them (aws-semantics §11).
fn is_allowed_elsewhere(denied: &Simulated, all: &[Simulated]) -> bool {
    let Some(function) = function(&denied.resource) else { return false };
    let moves = |one: &&Operation| one.kind() == Kind::Write && one.iam_scope() == Scope::Function;
    let is_unqualified = denied.resource.ends_with(&format!(":function:{function}"));
    if is_unqualified && Operation::ALL.iter().filter(moves).any(|one| one.iam_action() == denied.action) {
        return false;
    }
    all.iter().any(|one| one.allowed && one.action == denied.action && self::function(&one.resource) == Some(function))
}

/// The function that a Lambda ARN is about.
fn function(arn: &str) -> Option<&str> {
    arn.split_once(":function:").map(|(_, rest)| rest.split(':').next().unwrap_or(rest))
}

/// Of how many functions that was said.
fn part(scope: &PolicyScope) -> String {
    match scope.functions.len() {
        all if all > FUNCTIONS_MAX => format!(" (asked for {FUNCTIONS_MAX} of {all} functions)"),
        _ => String::new(),
    }
}

async fn ask<A: Aws>(aws: &A, question: &SimulatePrincipalPolicy) -> Result<Vec<Simulated>, Problem> {
    gateway::pages(aws, |next| SimulatePrincipalPolicy { next, ..question.clone() }).await
}

fn refused(principal: &str, denied: &[Simulated], plan: &Plan) -> Problem {
    let lines = denied.iter().take(NAMED).map(|one| format!("{} on {}", one.action, one.resource));
    let problem = Problem::new(Code::AccessDenied, format!("{principal} may not do what a promotion does"));
    let problem = lines.fold(problem, Problem::why);
    let problem = match denied.len().saturating_sub(NAMED) {
        0 => problem,
        more => problem.why(format!("and {more} more")),
    };
    problem
        .why("IAM's simulator says so; it knows no policies of the resources themselves")
        .fix(format!("what to attach: stagegate iam-policy promote --target {}", plan.target.label()))
}

/// Actions, each once.
fn named(all: &[Simulated]) -> String {
    let mut actions: Vec<&str> = all.iter().map(|one| one.action.as_str()).collect();
    actions.dedup();
    actions.join(", ")
}
