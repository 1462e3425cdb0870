//! What a failed call means to the person who reads about it.

use super::{AwsError, Operation, Remedy};
use crate::problem::{Code, Problem};

/// The message for a call that failed for good, before or without a write. What AWS is now is the caller's to say.
pub fn problem(operation: Operation, subject: &str, error: &AwsError) -> Problem {
    let (code, what) = match error.remedy() {
        Remedy::Denied => (Code::AccessDenied, format!("not allowed: {} on {subject}", iam_name(operation))),
        Remedy::Credentials if matches!(error, AwsError::Credentials { .. }) => {
            (Code::NoCredentials, "no usable AWS credentials".to_owned())
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
        Code::AccessDenied => problem.fix("what to attach: stagegate iam-policy promote"),
        Code::NoCredentials => problem
            .fix("sign in (aws sso login --profile NAME) or name a profile: --profile NAME")
            .fix("who am I: aws sts get-caller-identity"),
        Code::Throttled => problem.fix("try again in a minute; other tools may be using the account's quota"),
        Code::NoAnswer => problem.fix("check the network and --endpoint-url, then try again"),
        _ => problem,
    }
}

fn iam_name(operation: Operation) -> String {
    match operation.iam_action() {
        "" => operation.to_string(),
        action if action.ends_with(operation.name()) => action.to_owned(),
        action => format!("{action} ({})", operation.name()),
    }
}
