//! The port to AWS: one method that sends one [`Call`]. Decorators implement it too.

pub mod explain;
pub mod gateway;
pub mod layers;
mod lifetime;
#[cfg(feature = "live")]
pub mod live;
pub mod noun;
pub mod operation;
pub mod role;

use std::future::Future;
use std::time::Duration;

pub use lifetime::Lifetime;
pub use operation::{Call, Kind, Operation, Reply, Request};

/// AWS, real or modelled.
pub trait Aws {
    /// Sends one call, once: repeating is the business of whoever can look at AWS in between.
    fn call(&self, call: &Call) -> impl Future<Output = Result<Reply, AwsError>>;
}

/// A failed call, classified by what it did to AWS and not by its HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// The service said no before doing anything.
    #[error("{code}: {message}")]
    Rejected {
        /// The service's error code, such as `PreconditionFailedException`.
        code: String,
        /// The service's own words.
        message: String,
        /// HTTP status.
        status: u16,
        /// `Retry-After`, when the service named one.
        retry_after: Option<Duration>,
        /// The request id, for a support case.
        request_id: Option<String>,
    },
    /// No answer, a reset connection or a 5xx: it may have happened, or may still be about to.
    #[error("no usable answer: {cause}")]
    Ambiguous {
        /// What went wrong on the way.
        cause: String,
    },
    /// Credentials could not be found or refreshed; nothing was sent.
    #[error("no credentials: {cause}")]
    Credentials {
        /// Why.
        cause: String,
    },
    /// A role could not be assumed; nothing else was sent.
    #[error("{0}")]
    Role(Box<role::NotAssumed>),
    /// The settings that name profile, region and endpoint do not add up; nothing was sent.
    #[error("AWS configuration: {cause}")]
    Configuration {
        /// What is wrong, and where to put it right.
        cause: String,
    },
}

/// What an error asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Too fast: wait, then the same again.
    SlowDown,
    /// Another update is running on the resource (a 409 told apart by its text): wait, look, the same again.
    WaitForOther,
    /// Somebody, maybe our own first attempt, was here: look.
    Look,
    /// The thing is not there.
    Missing,
    /// Access denied.
    Denied,
    /// Credentials missing, expired or refused.
    Credentials,
    /// It may have happened.
    Unknown,
    /// Final.
    Final,
}

impl AwsError {
    /// The code, with HTTP status 0, of a call for which no connection could be opened: certainly nothing was sent.
    pub const CONNECT_FAILED: &'static str = "ConnectFailed";

    /// A rejection without the optional parts.
    pub fn rejected(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::Rejected { code: code.into(), message: message.into(), status, retry_after: None, request_id: None }
    }

    /// The service's code, if it answered.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Rejected { code, .. } => Some(code),
            Self::Ambiguous { .. } | Self::Credentials { .. } | Self::Role(_) | Self::Configuration { .. } => None,
        }
    }

    /// Why no connection could be opened, if that is what failed: nothing was sent.
    pub fn unreached(&self) -> Option<&str> {
        match self {
            Self::Rejected { code, message, .. } if code == Self::CONNECT_FAILED => Some(message),
            _ => None,
        }
    }

    /// What to do about it (codes and texts: aws-semantics §2.1, throttles §13.2; CloudWatch and STS have the codes of
    /// the Query protocol, which AWS lists under "Common Errors").
    pub fn remedy(&self) -> Remedy {
        let (code, message, status) = match self {
            Self::Ambiguous { .. } => return Remedy::Unknown,
            Self::Credentials { .. } | Self::Role(_) => return Remedy::Credentials,
            Self::Configuration { .. } => return Remedy::Final,
            Self::Rejected { code, message, status, .. } => (code.as_str(), message.as_str(), *status),
        };
        match code {
            "TooManyRequestsException"
            | "LimitExceededException"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | Self::CONNECT_FAILED => Remedy::SlowDown,
            "ResourceConflictException" | "ConflictException" if is_transient_conflict(message) => Remedy::WaitForOther,
            "PreconditionFailedException" | "ResourceConflictException" | "ConflictException" => Remedy::Look,
            "ResourceNotFoundException" | "NotFoundException" | "ProvisionedConcurrencyConfigNotFoundException" => {
                Remedy::Missing
            }
            "AccessDeniedException" | "AccessDenied" | "UnauthorizedException" | "NotAuthorized" => Remedy::Denied,
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken"
            | "IncompleteSignature"
            | "SignatureDoesNotMatch" => Remedy::Credentials,
            _ if status == 429 => Remedy::SlowDown,
            _ => Remedy::Final,
        }
    }
}

/// The 409s that mean "try again": Lambda and API Gateway tell them apart from real conflicts by text only.
fn is_transient_conflict(message: &str) -> bool {
    [
        "update is in progress",
        "concurrent update operation",
        "concurrent modification",
        "is in progress for rest api",
        "in the following state: Pending",
    ]
    .iter()
    .any(|text| message.contains(text))
}

/// Typed calls over the port.
pub trait AwsExt: Aws {
    /// Sends a request and takes the answer out of the reply.
    fn send<R: Request>(&self, request: R) -> impl Future<Output = Result<R::Reply, AwsError>> {
        let call = request.call();
        async move {
            let reply = self.call(&call).await?;
            R::reply(reply).ok_or_else(|| AwsError::Ambiguous {
                cause: format!("{} was answered as another call", call.operation()),
            })
        }
    }

    /// As [`AwsExt::send`], with a 404 as `None`.
    fn find<R: Request>(&self, request: R) -> impl Future<Output = Result<Option<R::Reply>, AwsError>> {
        let sent = self.send(request);
        async move {
            match sent.await {
                Ok(reply) => Ok(Some(reply)),
                Err(error) if error.remedy() == Remedy::Missing => Ok(None),
                Err(error) => Err(error),
            }
        }
    }
}

impl<A: Aws + ?Sized> AwsExt for A {}

impl<A: Aws> Aws for &A {
    fn call(&self, call: &Call) -> impl Future<Output = Result<Reply, AwsError>> {
        (**self).call(call)
    }
}
