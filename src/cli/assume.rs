//! How the roles of --assume-role are reached from here: by the OIDC token of a job in GitHub Actions, or by credentials.

use crate::aws::live::IdTokenRequest;
use crate::config::{Origin, Settings};
use crate::problem::Problem;

/// The longest name of a session (aws-semantics §11: 2–64 of letters, digits, `_+=,.@-`).
const NAME_MAX: usize = 64;

/// The environment: a variable's value, none if it is not set.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What asks for the token that the first role is assumed with. A profile that was typed decides instead; one that the
/// configuration file names is for people at their own machines.
pub fn id_token(settings: &Settings, env: Env<'_>) -> Option<IdTokenRequest> {
    settings.assume_role.as_ref()?;
    let from = settings.profile.as_ref().map(|profile| profile.from);
    let typed = matches!(from, Some(Origin::Flag(_) | Origin::Env("STAGEGATE_PROFILE")));
    IdTokenRequest::from_env(env).filter(|_| !typed)
}

/// What the sessions of the roles are called: CloudTrail and `aws_now` show it.
pub fn session_name(env: Env<'_>) -> String {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let user = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| set(name));
    let name = match set("GITHUB_RUN_ID") {
        Some(run) => format!("gha-{run}"),
        None => format!("stagegate-{}", user().unwrap_or_else(|| "unknown".into())),
    };
    let fits = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
    name.chars().map(fits).take(NAME_MAX).collect()
}

/// Whether this is a job of GitHub Actions.
pub fn in_github_actions(env: Env<'_>) -> bool {
    env("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The problem of a job that was to assume a role and has nothing to do it with.
pub fn without_permission(problem: Problem, env: Env<'_>) -> Problem {
    if !in_github_actions(env) || IdTokenRequest::from_env(env).is_some() {
        return problem;
    }
    let mut problem = problem.why("this job may not ask GitHub for an OIDC token, and there are no other credentials");
    problem.fix.clear();
    problem
        .fix("let the job ask for one, in the workflow: permissions: id-token: write")
        .fix("a pull request from a fork never gets one; other credentials: aws-actions/configure-aws-credentials")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Layer, Sourced};

    fn env<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    const JOB: [(&str, &str); 2] =
        [("ACTIONS_ID_TOKEN_REQUEST_URL", "https://h/x?a=1"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t")];

    #[test]
    fn a_session_says_which_run_or_whose_it_is() {
        assert_eq!(session_name(&env(&[("GITHUB_RUN_ID", "9912"), ("USER", "runner")])), "gha-9912");
        assert_eq!(session_name(&env(&[("GITHUB_RUN_ID", ""), ("USER", "dana o'neil")])), "stagegate-dana-o-neil");
        assert_eq!(session_name(&env(&[])), "stagegate-unknown");
        let long = "ü".repeat(99);
        assert_eq!(session_name(&env(&[("USER", &long)])).len(), 64);
    }

    #[test]
    fn a_job_takes_its_token_unless_a_profile_was_typed() {
        let flags = Flags { assume_role: Some("arn:aws:iam::123456789012:role/a".into()), ..Flags::default() };
        let taken = |flags: &Flags, set: &[(&str, &str)], file: Layer| {
            let settings = Settings::layered(flags, &env(set), file, None).unwrap();
            id_token(&settings, &env(set)).is_some()
        };
        let file = || Layer {
            profile: Some(Sourced { value: "laptop".into(), from: Origin::File { line: 3 } }),
            ..Layer::default()
        };
        assert!(taken(&flags, &JOB, file()), "the profile of the file is for laptops");
        assert!(taken(&flags, &[&JOB[..], &[("AWS_PROFILE", "x")]].concat(), Layer::default()));
        assert!(!taken(&flags, &JOB[..1], Layer::default()), "no permission to ask");
        assert!(!taken(&flags, &[JOB[0], ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")], Layer::default()));
        assert!(!taken(&Flags::default(), &JOB, Layer::default()), "no role");
        assert!(!taken(&flags, &[&JOB[..], &[("STAGEGATE_PROFILE", "x")]].concat(), Layer::default()));
        let typed = Flags { profile: Some("x".into()), ..flags };
        assert!(!taken(&typed, &JOB, Layer::default()));
    }

    #[test]
    fn a_job_without_the_permission_is_told_so() {
        let problem = || crate::problem::Problem::new(crate::problem::Code::NoCredentials, "none").fix("sign in");
        let told = |set: &[(&str, &str)]| without_permission(problem(), &env(set)).fix[0].clone();
        assert!(told(&[("GITHUB_ACTIONS", "true")]).ends_with("permissions: id-token: write"));
        assert_eq!(told(&[]), "sign in");
        assert_eq!(told(&[&JOB[..], &[("GITHUB_ACTIONS", "true")]].concat()), "sign in");
    }
}
