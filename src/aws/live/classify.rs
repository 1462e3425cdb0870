//! From the SDK's errors to what they say about AWS: refused for sure, perhaps done, or never sent.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::super::AwsError;

/// Classifies a failed call. Never prints a response: `GetFunction` answers with a presigned URL.
pub(super) fn classify<E>(error: SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(cause) = causes(&error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
        return credentials(cause);
    }
    match &error {
        SdkError::ServiceError(answer) => answered(answer.err(), answer.raw()),
        SdkError::ConstructionFailure(_) => AwsError::rejected(0, "InvalidRequest", chain(&error)),
        SdkError::DispatchFailure(_) => match never_connected(&error) {
            Some(cause) => AwsError::rejected(0, AwsError::CONNECT_FAILED, cause),
            None => AwsError::Ambiguous { cause: chain(&error) },
        },
        _ => AwsError::Ambiguous { cause: chain(&error) },
    }
}

/// Credentials that could not be had, with everything the source said about it.
pub(super) fn credentials(error: &CredentialsError) -> AwsError {
    if let Some(known) = causes(error).find_map(|cause| cause.downcast_ref::<AwsError>()) {
        return known.clone();
    }
    AwsError::Credentials { cause: chain(error) }
}

/// An error with everything that caused it, outermost first.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// An answer with an error status, or one that could not be read.
fn answered<E: ProvideErrorMetadata + Error + 'static>(error: &E, response: &HttpResponse) -> AwsError {
    let status = response.status().as_u16();
    if status < 300 {
        return AwsError::Ambiguous { cause: format!("unreadable answer: {}", chain(error)) };
    }
    let code = error.code().map(ToOwned::to_owned).or_else(|| header_code(response));
    let code = code.unwrap_or_else(|| format!("Http{status}"));
    let message = error.message().map_or_else(|| format!("HTTP status {status}"), ToOwned::to_owned);
    let request_id = response.request_id().map(ToOwned::to_owned);
    if status >= 500 {
        let id = request_id.map_or_else(String::new, |id| format!(" (request {id})"));
        return AwsError::Ambiguous { cause: format!("HTTP {status} {code}: {message}{id}") };
    }
    AwsError::Rejected { code, message, status, retry_after: retry_after(response), request_id }
}

/// The error code of an answer whose body says nothing: the header's text up to `:`, as the protocol asks.
fn header_code(response: &HttpResponse) -> Option<String> {
    let code = response.headers().get("x-amzn-errortype")?.split(':').next()?.trim();
    (!code.is_empty()).then(|| code.to_owned())
}

/// `Retry-After` in seconds; the SDK does not act on it (aws-semantics §13.2).
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// Why no connection could be opened (name, TCP, proxy, TLS), if that is what failed: no request was written then.
/// The HTTP client hides its type, so its words must do; when they change, the call counts as ambiguous.
fn never_connected(error: &(dyn Error + 'static)) -> Option<String> {
    let connect = causes(error).find(|cause| cause.to_string() == "client error (Connect)")?;
    Some(connect.source().map_or_else(|| connect.to_string(), chain))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
