//! Whether the caller may do what a promotion does, as IAM's simulator says it. What cannot be simulated proves nothing.

use super::checks::Checks;
use crate::aws::noun::Simulated;
use crate::aws::operation::SimulatePrincipalPolicy;
use crate::aws::{Aws, Operation, gateway};
use crate::iam_policy::{FUNCTIONS_MAX, PolicyScope, Purpose, is_optional, principal, questions};
use crate::model::{CanaryMode, candidate_alias};
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
    let (mut asked, mut denied, mut unseen, mut spare) = (0, Vec::new(), Vec::new(), Vec::new());
    for (sid, question) in questions(Purpose::Promote, scope, rest, &principal) {
        match ask(aws, &question).await {
            Ok(found) => {
                asked += found.len();
                for one in found.into_iter().filter(|one| !one.allowed) {
                    if is_optional(&sid) || leaves_a_part_out(&one.action) {
                        unseen.push(one);
                    } else if is_of_no_use(&one, scope, plan) {
                        spare.push(one);
                    } else {
                        denied.push(one);
                    }
                }
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
    if let Some(Simulated { resource, .. }) = spare.first() {
        let what = "which only the canary of a stage needs";
        checks.note("permissions", format!("not allowed: {} on {resource}, {what}", named(&spare)));
    }
    if !unseen.is_empty() {
        let what = "which no release depends on; without it the plan says what it could not look at";
        checks.note("permissions", format!("not allowed: {}, {what}", named(&unseen)));
    }
}

/// Without such an action AWS answers, and leaves out a part that no release depends on.
fn leaves_a_part_out(action: &str) -> bool {
    Operation::ALL.iter().any(|one| one.iam_action_for_all_of_it() == Some(action))
}

/// The alias of the candidate, of a release that shifts no traffic by the stage's canary.
fn is_of_no_use(denied: &Simulated, scope: &PolicyScope, plan: &Plan) -> bool {
    let candidate = candidate_alias(&scope.alias).filter(|_| plan.target.canary.mode != CanaryMode::Stage);
    candidate.is_some_and(|candidate| denied.resource.ends_with(&format!(":{candidate}")))
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
