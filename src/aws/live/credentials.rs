//! Credentials, resolved before a request is built and kept until shortly before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
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
    /// Whether their source gives new ones before that without a person: a role that is assumed again, a token that is
    /// exchanged, a machine's own role. Keys in the environment are what they are, and nothing says of a
    /// `credential_process` that it does not hand out the same ones again, or ask somebody.
    pub renewable: bool,
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
                expires: end_of(&keys, &|name| std::env::var(name).ok()),
                renewable: is_renewed(&keys),
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

/// How the keys were obtained, as the SDK notes it on them.
fn features(keys: &Credentials) -> &[AwsCredentialFeature] {
    keys.get_property::<Vec<AwsCredentialFeature>>().map(Vec::as_slice).unwrap_or_default()
}

fn is_renewed(keys: &Credentials) -> bool {
    use AwsCredentialFeature as From;
    features(keys).iter().any(|from| {
        matches!(
            from,
            From::CredentialsStsAssumeRole
                | From::CredentialsStsAssumeRoleWebId
                | From::CredentialsEnvVarsStsWebIdToken
                | From::CredentialsProfileStsWebIdToken
                | From::CredentialsProfileSso
                | From::CredentialsSso
                | From::CredentialsHttp
                | From::CredentialsImds
                | From::CredentialsProfileLogin
                | From::CredentialsLogin
        )
    })
}

/// The SDK leaves `AWS_CREDENTIAL_EXPIRATION`, which `aws configure export-credentials` and others set beside keys in
/// the environment, unread.
fn end_of(keys: &Credentials, env: &dyn Fn(&str) -> Option<String>) -> Option<Timestamp> {
    let said = || {
        let of_env = features(keys).contains(&AwsCredentialFeature::CredentialsEnvVars) && !is_renewed(keys);
        env("AWS_CREDENTIAL_EXPIRATION").filter(|_| of_env)?.trim().parse().ok()
    };
    keys.expiry().and_then(|end| Timestamp::try_from(end).ok()).or_else(said)
}

fn hint(access_key: &str) -> String {
    let length = access_key.chars().count();
    format!("…{}", access_key.chars().skip(length.saturating_sub(4)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Gives keys that last so many seconds, as often as it is told, then fails.
    #[derive(Debug)]
    struct Source {
        lasts_s: u64,
        times: usize,
        asked: Arc<AtomicUsize>,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            Provided::new(async {
                tokio::task::yield_now().await;
                let asked = self.asked.fetch_add(1, Ordering::SeqCst);
                if asked >= self.times {
                    return Err(CredentialsError::provider_error("the SSO session has expired"));
                }
                let end = SystemTime::now() + Duration::from_secs(self.lasts_s);
                Ok(Credentials::new(format!("AKIA000{asked}"), "secret", None, Some(end), "test"))
            })
        }
    }

    fn keys(lasts_s: u64, times: usize) -> (Keys, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = Source { lasts_s, times, asked: Arc::clone(&asked) };
        (Keys::new(Some(SharedCredentialsProvider::new(source))), asked)
    }

    #[tokio::test]
    async fn calls_in_parallel_log_in_once() {
        let (keys, asked) = keys(3_600, 9);
        let (one, two) = tokio::join!(keys.fresh(), keys.fresh());
        assert_eq!(one.unwrap().access_key_id(), two.unwrap().access_key_id());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn keys_about_to_end_are_renewed_and_serve_on_when_that_fails() {
        let (keys, _) = keys(60, 2);
        assert_eq!(keys.fresh().await.unwrap().access_key_id(), "AKIA0000");
        assert_eq!(keys.fresh().await.unwrap().access_key_id(), "AKIA0001");
        assert_eq!(keys.fresh().await.unwrap().access_key_id(), "AKIA0001");
    }

    #[tokio::test]
    async fn keys_past_their_end_are_an_error_with_its_cause() {
        let (keys, _) = keys(0, 1);
        assert!(keys.info().await.unwrap().is_some_and(|info| info.access_key_hint == "…0000"));
        let error = keys.info().await.unwrap_err();
        assert!(error.to_string().contains("the SSO session has expired"), "{error}");
    }

    #[test]
    fn only_a_source_that_gives_new_keys_by_itself_is_renewed() {
        use AwsCredentialFeature as From;
        let keys = |from: &[From]| {
            let mut keys = Credentials::new("AKIA", "s", None, None, "test");
            keys.get_property_mut_or_default::<Vec<From>>().extend_from_slice(from);
            keys
        };
        let env = |name: &str| (name == "AWS_CREDENTIAL_EXPIRATION").then(|| "2026-11-21T15:00:00Z".to_owned());
        for (from, renewed, end) in [
            (&[From::CredentialsEnvVars][..], false, true),
            (&[From::CredentialsProfileProcess, From::CredentialsProcess], false, false),
            (&[From::CredentialsProfile], false, false),
            (&[From::CredentialsProfileSso, From::CredentialsSso], true, false),
            (&[From::CredentialsImds], true, false),
            (&[From::CredentialsEnvVars, From::CredentialsStsAssumeRole], true, false),
        ] {
            let keys = keys(from);
            assert_eq!((is_renewed(&keys), end_of(&keys, &env).is_some()), (renewed, end), "{from:?}");
        }
    }

    #[tokio::test]
    async fn no_source_is_no_error_until_something_is_sent() {
        let keys = Keys::new(None);
        assert_eq!(keys.info().await, Ok(None));
        assert!(keys.fresh().await.is_err());
    }
}
