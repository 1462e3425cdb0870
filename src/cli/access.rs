//! What to do when AWS does not let a command in, said for the command that was run: the policy to attach when a call was
//! denied, the profile to sign in with, the command to repeat.

use clap::ValueEnum as _;

use super::args::{Command, PermissionArgs, PermissionCommand, VerifyArgs};
use super::target::{repeated, shell_word};
use super::{App, assume};
use crate::aws::role::TRUST_POLICY;
use crate::config::{Layer, Settings, TargetRef};
use crate::iam_policy::Purpose;
use crate::problem::{Code, Problem};

/// Which policy a command needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    purpose: Purpose,
    /// As typed; none where a command has many targets, or none.
    target: Option<String>,
}

impl Needed {
    /// Of a command; `None` for those that need no role.
    pub fn by(command: &Command) -> Option<Self> {
        let (purpose, target) = match command {
            Command::Plan(args) => (Purpose::Read, &args.source.target),
            Command::Promote(args) => (Purpose::Promote, &args.source.target),
            Command::Resume(args) => (Purpose::Promote, &args.target),
            Command::Pause(args) => (Purpose::Rollback, &args.target),
            Command::Rollback(args) => (Purpose::Rollback, &args.target),
            Command::Settle(args) => (Purpose::Rollback, &args.target),
            Command::Unlock(args) => (Purpose::Rollback, &args.target),
            Command::Status(args) => (Purpose::Read, &args.target),
            Command::History(args) => (Purpose::Read, &args.target),
            Command::Verify(VerifyArgs { target: Some(target), .. }) => (Purpose::Promote, target),
            Command::Verify(_) => return Some(Self { purpose: Purpose::Promote, target: None }),
            Command::Redeploy(args) => (Purpose::Promote, &args.target),
            Command::Gc(args) => (Purpose::Gc, &args.target),
            Command::Permission(PermissionArgs { command }) => match command {
                PermissionCommand::List(args) => (Purpose::Read, &args.target),
                PermissionCommand::Grant { target, .. } | PermissionCommand::Prune { target, .. } => {
                    (Purpose::Promote, target)
                }
            },
            Command::Canary(args) => (Purpose::Promote, args.command.target()),
            Command::Init(args) => (Purpose::Read, &args.place),
            Command::Logs(args) => (Purpose::Read, &args.target),
            Command::Diff(_) | Command::Doctor(_) | Command::Drift(_) | Command::Versions(_) => {
                return Some(Self { purpose: Purpose::Read, target: None });
            }
            _ => return None,
        };
        Some(Self { purpose, target: Some(target.clone()) })
    }

    /// The problem, with what mends it for this command.
    pub fn explain(&self, app: &App, problem: Problem) -> Problem {
        match problem.code {
            Code::AccessDenied | Code::MetricsUnreadable => self.attach(app, problem),
            Code::NoCredentials | Code::ExpiredCredentials if assume::in_github_actions(&app.env) => {
                in_job(self.trusting(problem))
            }
            Code::NoCredentials | Code::ExpiredCredentials => signed_in(problem, profile(app).as_deref()),
            Code::WrongAccount => with_what(problem, last_role(app), profile(app)),
            _ => problem,
        }
    }

    fn attach(&self, app: &App, problem: Problem) -> Problem {
        problem.fix(format!("what to attach: stagegate {}{}", self.policy(), repeated(app)))
    }

    /// The role is for this command: its trust policy is that of its purpose.
    fn trusting(&self, mut problem: Problem) -> Problem {
        problem.fix.iter_mut().for_each(|line| *line = line.replace(TRUST_POLICY, &self.policy()));
        problem
    }

    /// The command that prints its policies.
    fn policy(&self) -> String {
        let purpose = self.purpose.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        format!("iam-policy {purpose} --target {}", self.place())
    }

    /// A policy is made for functions and their alias; a stage or a URL does not name them.
    fn place(&self) -> String {
        let names =
            |text: &&String| matches!(TargetRef::parse(text), Ok(TargetRef::Named(_) | TargetRef::Alias { .. }));
        self.target.as_ref().filter(names).map_or_else(|| "FUNCTION:ALIAS".into(), |text| shell_word(text))
    }
}

/// The profile that was named for this command.
fn profile(app: &App) -> Option<String> {
    let set = |name| (app.env)(name).filter(|value| !value.is_empty());
    app.args.profile.clone().or_else(|| set("STAGEGATE_PROFILE")).or_else(|| set("AWS_PROFILE"))
}

/// The last of the roles that were named for this command.
fn last_role(app: &App) -> Option<String> {
    let settings = Settings::layered(&app.args.flags(None), &app.env, Layer::default(), None).ok()?;
    settings.assume_role?.value.pop()
}

/// Whose account it is that is not the expected one, and what to name instead.
fn with_what(problem: Problem, role: Option<String>, profile: Option<String>) -> Problem {
    match (role, profile) {
        (Some(role), _) => {
            let mut problem = problem.why(format!("role {role} was assumed, the last of --assume-role"));
            problem.fix = vec!["name a role of the right account, after the others: --assume-role ARN".to_owned()];
            problem
        }
        (None, Some(profile)) => problem.why(format!("profile {profile} was used")),
        (None, None) => problem.why("no profile was named: neither --profile nor AWS_PROFILE is set"),
    }
}

/// Nobody signs in to a job: it gets its credentials from the workflow.
fn in_job(mut problem: Problem) -> Problem {
    let signs_in = |line: &String| line.contains("aws sso login");
    if let Some(at) = problem.fix.iter().position(signs_in) {
        problem.fix[at] = "give the job credentials that renew themselves: `role-to-assume` of the action".into();
        problem.fix.retain(|line| !line.contains("aws sso login") && !line.contains("--profile NAME"));
    }
    problem
}

/// The commands about a profile, naming it.
fn signed_in(mut problem: Problem, profile: Option<&str>) -> Problem {
    let Some(profile) = profile else { return problem };
    for line in &mut problem.fix {
        if ["aws sso login", "aws sts get-caller-identity"].iter().any(|command| line.ends_with(command)) {
            line.push_str(&format!(" --profile {}", shell_word(profile)));
        }
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_that_of_the_command_and_of_what_it_was_run_on() {
        let needed = |line: &str| {
            let words = ["stagegate"].into_iter().chain(line.split(' ')).map(Into::into);
            let command = super::super::args::parse(words).unwrap().command;
            Needed::by(&command).map(|needed| (needed.purpose, needed.place()))
        };
        assert_eq!(needed("rollback checkout-api:live"), Some((Purpose::Rollback, "checkout-api:live".into())));
        assert_eq!(needed("promote prod"), Some((Purpose::Promote, "prod".into())));
        assert_eq!(needed("status a1b2c3d4e5/prod"), Some((Purpose::Read, "FUNCTION:ALIAS".into())));
        assert_eq!(needed("canary clear checkout-api:live"), Some((Purpose::Promote, "checkout-api:live".into())));
        assert_eq!(needed("doctor https://api.example.com/v1"), Some((Purpose::Read, "FUNCTION:ALIAS".into())));
        assert_eq!(needed("init https://api.example.com/v1"), Some((Purpose::Read, "FUNCTION:ALIAS".into())));
        assert_eq!(needed("logs checkout-api:live"), Some((Purpose::Read, "checkout-api:live".into())));
        assert_eq!(needed("versions checkout-api"), Some((Purpose::Read, "FUNCTION:ALIAS".into())));
        assert_eq!(needed("demo"), None);
    }

    #[test]
    fn the_trust_policy_is_that_of_the_command_that_was_run() {
        let needed = Needed { purpose: Purpose::Rollback, target: Some("prod".into()) };
        let problem = Problem::new(Code::NoCredentials, "no").fix(format!("as stagegate {TRUST_POLICY} --only trust"));
        assert_eq!(needed.trusting(problem).fix, ["as stagegate iam-policy rollback --target prod --only trust"]);
    }

    #[test]
    fn nobody_signs_in_to_a_job() {
        let problem = Problem::new(Code::NoCredentials, "none")
            .fix("sign in: aws sso login")
            .fix("or name another profile: --profile NAME")
            .fix("look: stagegate status prod");
        let fix = in_job(problem).fix;
        assert_eq!(fix.len(), 2);
        assert!(fix[0].contains("`role-to-assume`") && fix[1].starts_with("look"), "{fix:?}");
    }

    #[test]
    fn the_wrong_account_is_laid_to_the_role_or_the_profile_that_was_used() {
        let problem = || Problem::new(Code::WrongAccount, "wrong").fix("name the right profile: --profile NAME");
        let role = with_what(problem(), Some("arn:aws:iam::123456789012:role/a".into()), Some("shop".into()));
        assert_eq!(role.why, ["role arn:aws:iam::123456789012:role/a was assumed, the last of --assume-role"]);
        assert!(role.fix.len() == 1 && role.fix[0].ends_with("--assume-role ARN"), "{role:?}");
        assert_eq!(with_what(problem(), None, Some("shop".into())).why, ["profile shop was used"]);
        assert!(with_what(problem(), None, None).why[0].starts_with("no profile was named"));
    }

    #[test]
    fn whoever_named_a_profile_signs_in_with_it() {
        let problem = || Problem::new(Code::NoCredentials, "none").fix("sign in: aws sso login").fix("or wait");
        assert_eq!(
            signed_in(problem(), Some("shop prod")).fix,
            ["sign in: aws sso login --profile 'shop prod'", "or wait"]
        );
        assert_eq!(signed_in(problem(), None).fix, problem().fix);
    }
}
