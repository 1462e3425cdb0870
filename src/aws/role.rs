//! A role that could not be assumed, and what to do about it.

use super::explain::NETWORK;
use crate::problem::{Code, Problem};

/// The command that prints trust policies, as a command that knows better what it needs can name it.
pub const TRUST_POLICY: &str = "iam-policy promote --target TARGET";

/// Why a role could not be assumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{role} cannot be assumed: {cause}")]
pub struct NotAssumed {
    /// The role's ARN.
    pub role: String,
    /// What it was to be assumed with.
    pub with: With,
    /// Which obstacle.
    pub obstacle: Obstacle,
    /// The words of whoever refused it, without any secret.
    pub cause: String,
}

/// What a role is assumed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum With {
    /// The OIDC token of a job in GitHub Actions; its subject, once there is one.
    GitHub {
        /// Such as `repo:shop/checkout:environment:prod`.
        subject: Option<String>,
    },
    /// The credentials that were found.
    Found,
    /// The role before it.
    Role(String),
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// GitHub gives this job no token.
    TokenDenied,
    /// GitHub's token endpoint gave no usable answer.
    TokenUnavailable,
    /// There are no credentials to assume it with.
    NothingToStartFrom,
    /// The role does not trust whoever asks, or does not exist: STS does not tell which.
    NotTrusted,
    /// The account does not accept the issuer or the audience of the token.
    ProviderUnknown,
    /// What it was to be assumed with has expired.
    Expired,
    /// STS gave no usable answer.
    NoAnswer,
    /// STS refused for another reason.
    Refused,
}

impl NotAssumed {
    /// The message.
    pub fn problem(&self) -> Problem {
        let role = &self.role;
        let what = match self.obstacle {
            Obstacle::TokenDenied | Obstacle::TokenUnavailable => {
                format!("GitHub gave no OIDC token, so {role} cannot be assumed")
            }
            Obstacle::NothingToStartFrom => format!("there are no credentials to assume {role} with"),
            _ => format!("{role} cannot be assumed"),
        };
        let problem = Problem::new(Code::NoCredentials, what).why(&self.cause).aws_now("not read, only STS was asked");
        let problem = match &self.with {
            With::GitHub { subject: Some(subject) } => problem.why(format!("the subject of the token is {subject}")),
            With::GitHub { subject: None } => problem,
            With::Found => problem.why("with the credentials that were found here"),
            With::Role(before) => problem.why(format!("with the role before it in the chain, {before}")),
        };
        self.fixes().into_iter().fold(problem, Problem::fix)
    }

    fn fixes(&self) -> Vec<String> {
        match (self.obstacle, &self.with) {
            (Obstacle::TokenDenied, _) => vec![
                "let the job ask for one, in the workflow: permissions: id-token: write".into(),
                "a pull request from a fork never gets one".into(),
            ],
            (Obstacle::TokenUnavailable, _) => {
                vec!["run the job again; whether GitHub has trouble is said on githubstatus.com".into()]
            }
            (Obstacle::NothingToStartFrom, _) => vec![
                "sign in: aws sso login".into(),
                "in GitHub Actions, in the workflow: permissions: id-token: write".into(),
            ],
            (Obstacle::NotTrusted, With::GitHub { .. }) => vec![
                self.trust(),
                "a job with `environment:` has that in its subject, and one without it the branch".into(),
            ],
            (Obstacle::NotTrusted, With::Found | With::Role(_)) => vec![
                format!("let the trust policy of {} allow sts:AssumeRole to whoever asks", self.role),
                format!("and whoever asks call sts:AssumeRole on {}", self.role),
            ],
            (Obstacle::ProviderUnknown, _) => vec![
                "the account of the role needs the provider: aws iam create-open-id-connect-provider --url \
                 https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com"
                    .into(),
                self.trust(),
            ],
            (Obstacle::Expired, With::GitHub { .. }) => {
                vec!["run the job again; a token lasts minutes: is the clock of the runner right?".into()]
            }
            (Obstacle::Expired, _) => vec!["sign in again: aws sso login".into()],
            (Obstacle::NoAnswer, _) => vec![NETWORK.into()],
            (Obstacle::Refused, _) => vec![format!("who am I: aws sts get-caller-identity; the role: {}", self.role)],
        }
    }

    fn trust(&self) -> String {
        let claims = match &self.with {
            With::GitHub { subject: Some(subject) } => parts(subject),
            _ => None,
        };
        let whose = claims.map_or_else(
            || "--github-oidc ORG/REPO".to_owned(),
            |(repository, rest)| format!("--github-oidc {repository} --subject {rest}"),
        );
        format!("let the role trust this job: stagegate {TRUST_POLICY} {whose} --only trust")
    }
}

/// Repository and the rest of a subject: `repo:ORG/REPO:environment:prod`, with ids `repo:ORG@ID/REPO@ID:…`
/// (aws-semantics §11). None where a shell or IAM could read more into it.
fn parts(subject: &str) -> Option<(&str, &str)> {
    let (repository, rest) = subject.strip_prefix("repo:")?.split_once(':')?;
    let plain = |part: &str, more: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@/".contains(c) || more.contains(c))
    };
    (plain(repository, "") && repository.matches('/').count() == 1 && plain(rest, ":")).then_some((repository, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_read_from_both_forms_of_a_subject_and_from_no_other() {
        for (subject, expected) in [
            ("repo:shop/checkout:environment:prod", Some(("shop/checkout", "environment:prod"))),
            ("repo:shop@12/check.out@34:ref:refs/heads/main", Some(("shop@12/check.out@34", "ref:refs/heads/main"))),
            ("repo:shop/checkout", None),
            ("repo:shop:environment:prod", None),
            ("enterprise:shop", None),
            ("repo:$(id)/x:pull_request", None),
            ("repo:shop/x:environment:a b", None),
            ("repo:shop/x:ref:refs/heads/*", None),
        ] {
            assert_eq!(parts(subject), expected, "{subject}");
        }
    }

    #[test]
    fn a_role_that_does_not_trust_the_job_is_said_with_what_it_must_trust() {
        let refused = NotAssumed {
            role: "arn:aws:iam::123456789012:role/stagegate-promote".into(),
            with: With::GitHub { subject: Some("repo:shop/checkout:environment:prod".into()) },
            obstacle: Obstacle::NotTrusted,
            cause: "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity".into(),
        };
        insta::assert_snapshot!(refused.problem().render(88));
    }
}
