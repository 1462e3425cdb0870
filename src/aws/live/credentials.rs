//! Credentials, resolved before a request is built and kept until shortly before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures_util::lock::Mutex;
use jiff::Timestamp;

use super::super::AwsError;
use super::classify;

/// How long before their end credentials are renewed: longer than any call but an invocation takes, and an
/// invocation is checked only when it starts.
const RENEW_BEFORE: Duration = Duration::from_secs(120);

/// What may be shown of the credentials in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsInfo {
    /// The last four characters of the access key id; the key id alone signs nothing.
    pub access_key_hint: String,
    /// When they end; absent when they have no end, or none that is known.
    pub expires: Option<Timestamp>,
}

/// The one place that asks the user's credential source. Held while asking, so that calls in parallel start one login
/// and not several. Clones share what is kept.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    source: Option<SharedCredentialsProvider>,
    kept: Arc<Mutex<Option<Credentials>>>,
}

impl Keys {
    pub(super) fn new(source: Option<SharedCredentialsProvider>) -> Self {
        Self { source, kept: Arc::default() }
    }

    /// Credentials that last for a call. When renewing fails, the old ones serve until they end.
    pub(super) async fn fresh(&self) -> Result<Credentials, CredentialsError> {
        let source = self.source.as_ref().ok_or_else(|| CredentialsError::not_loaded("no credential source"))?;
        let mut kept = self.kept.lock().await;
        let now = SystemTime::now();
        let lasts = |keys: &Credentials, margin| keys.expiry().is_none_or(|end| end > now + margin);
        if let Some(keys) = kept.as_ref().filter(|keys| lasts(keys, RENEW_BEFORE)) {
            return Ok(keys.clone());
        }
        match source.provide_credentials().await {
            Ok(keys) => Ok(kept.insert(keys).clone()),
            Err(error) => kept.clone().filter(|keys| lasts(keys, Duration::ZERO)).ok_or(error),
        }
    }

    pub(super) async fn info(&self) -> Result<Option<CredentialsInfo>, AwsError> {
        match self.fresh().await {
            Ok(keys) => Ok(Some(CredentialsInfo {
                access_key_hint: hint(keys.access_key_id()),
                expires: keys.expiry().and_then(|end| Timestamp::try_from(end).ok()),
            })),
            Err(CredentialsError::CredentialsNotLoaded(_)) => Ok(None),
            Err(error) => Err(classify::credentials(&error)),
        }
    }
}

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.fresh())
    }
}

fn hint(access_key: &str) -> String {
    let length = access_key.chars().count();
    format!("…{}", access_key.chars().skip(length.saturating_sub(4)).collect::<String>())
}
