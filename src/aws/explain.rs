//! What a failed call means to the person who reads about it.

use super::{AwsError, Operation, Remedy};
use crate::problem::{Code, Exit, Problem};

/// The message for a call that failed for good, before or without a write. What AWS is now is the caller's to say.
pub fn problem(operation: Operation, subject: &str, error: &AwsError) -> Problem {
    if let AwsError::Role(not_assumed) = error {
        return not_assumed.problem();
    }
    if let Some(cause) = error.unreached() {
        return unreachable(&format!("AWS cannot be reached for {operation} on {subject}"), cause);
    }
    let (code, what) = match error.remedy() {
        Remedy::Denied => (Code::AccessDenied, format!("not allowed: {} on {subject}", iam_name(operation))),
        Remedy::Credentials if matches!(error, AwsError::Credentials { .. }) => {
            (Code::NoCredentials, "no usable AWS credentials".to_owned())
        }
        Remedy::Credentials if is_expired(error) => {
            (Code::ExpiredCredentials, "the AWS credentials have expired".to_owned())
        }
        Remedy::Credentials => (Code::NoCredentials, "AWS refuses these credentials".to_owned()),
        Remedy::SlowDown => (Code::Throttled, format!("{operation} on {subject} is still throttled after all retries")),
        Remedy::Unknown => (Code::NoAnswer, format!("{operation} on {subject} got no usable answer")),
        Remedy::Missing => (Code::ServiceError, format!("{operation}: {subject} does not exist")),
        Remedy::WaitForOther | Remedy::Look | Remedy::Final => {
            (Code::ServiceError, format!("{operation} on {subject} was refused"))
        }
    };
    let mut problem = Problem::new(code, what).why(error.to_string());
    if let AwsError::Rejected { request_id: Some(id), .. } = error {
        problem = problem.why(format!("request id {id}"));
    }
    match code {
        // Whoever has written something by then says so with another exit code.
        Code::ExpiredCredentials => problem
            .why(format!("{operation} on {subject} was refused for it"))
            .exit(Exit::Access)
            .aws_now("not read: nothing more can be read or written with them")
            .fix("sign in again: aws sso login")
            .fix("who am I: aws sts get-caller-identity"),
        Code::AccessDenied => problem.fix(format!("allow {} to this role or user", iam_name(operation))),
        Code::NoCredentials => problem
            .fix("sign in: aws sso login")
            .fix("or name another profile: --profile NAME")
            .fix("who am I: aws sts get-caller-identity"),
        Code::Throttled => problem.fix("try again in a minute; other tools may be using the account's quota"),
        Code::NoAnswer => problem.fix(NETWORK),
        _ => problem,
    }
}

/// What to look at when AWS does not answer.
pub const NETWORK: &str =
    "check the network, HTTPS_PROXY and, where AWS's own address is replaced, --endpoint-url or AWS_ENDPOINT_URL";

/// The message when no connection could be opened for a call: name lookup, TCP, proxy or TLS failed, or took too long.
pub fn unreachable(what: &str, cause: &str) -> Problem {
    Problem::new(Code::NoAnswer, what)
        .why(cause)
        .why("no connection could be opened, so this was not sent")
        .fix(NETWORK)
}

/// Credentials that were good once (aws-semantics §2.1).
fn is_expired(error: &AwsError) -> bool {
    matches!(error.code(), Some("ExpiredTokenException" | "ExpiredToken" | "RequestExpired"))
}

fn iam_name(operation: Operation) -> String {
    match operation.iam_action() {
        "" => operation.to_string(),
        action if action.ends_with(operation.name()) => action.to_owned(),
        action => format!("{action} ({})", operation.name()),
    }
}
