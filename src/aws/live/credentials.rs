//! Credentials, resolved before a request is built and kept until they are due for renewal.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures_util::lock::Mutex;
use jiff::Timestamp;

use super::super::{AwsError, Lifetime};
use super::classify;
use super::roles::RoleChain;

/// How long before their end credentials of the SDK's sources are renewed: longer than the reserve that a release keeps,
/// so that a source that fails is known before.
const RENEW_BEFORE: Duration = Duration::from_secs(600);
/// How long a source is left alone that failed, or gave credentials that are due again.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// How long a renewal may keep a call waiting that the credentials at hand would do for: it may be the way back.
const RENEWAL_MAX: Duration = Duration::from_secs(10);

/// What may be shown of the credentials in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsInfo {
    /// The last four characters of the access key id; the key id alone signs nothing.
    pub access_key_hint: String,
    /// Until when they are known to last, renewed or not; absent when they have no end, or none that is known.
    pub expires: Option<Timestamp>,
    /// Whether their source gives new ones before that without a person: a role that is assumed again, a token that is
    /// exchanged, a machine's own role. Keys in the environment are what they are, and nothing says of a
    /// `credential_process` that it does not hand out the same ones again, or ask somebody.
    pub renewable: bool,
    /// When new ones are asked for.
    pub renewed_from: Option<Timestamp>,
    /// Where they come from, for people.
    pub origin: String,
}

/// Where credentials come from.
#[derive(Debug)]
pub(super) enum Source {
    /// Nowhere.
    Nothing,
    /// What the SDK found.
    Found(SharedCredentialsProvider),
    /// Roles that we assume.
    Roles(Box<RoleChain>),
}

impl From<Option<SharedCredentialsProvider>> for Source {
    fn from(found: Option<SharedCredentialsProvider>) -> Self {
        found.map_or(Self::Nothing, Self::Found)
    }
}

/// Why there are no credentials.
#[derive(Debug, Clone)]
pub(super) enum Missing {
    /// No source has any; what the SDK says of it.
    NoSource(String),
    /// A source has some, and does not give them.
    Failed(AwsError),
}

impl Missing {
    fn error(self) -> AwsError {
        match self {
            Self::NoSource(cause) => AwsError::Credentials { cause },
            Self::Failed(error) => error,
        }
    }
}

/// Credentials with what is known of them.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub keys: Credentials,
    /// When these end.
    pub end: Option<Timestamp>,
    /// Whether new ones come without a person.
    pub renewable: bool,
    /// Until when new ones are known to come, where it is later than their own end.
    until: Option<Timestamp>,
    /// When new ones are asked for.
    due: Option<SystemTime>,
}

/// What time it is.
#[derive(Clone)]
struct Now(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

#[derive(Debug, Default)]
struct Held {
    kept: Option<Kept>,
    /// When the source was asked last, and what it said if that was no.
    asked: Option<(SystemTime, Option<Missing>)>,
}

/// The one place that asks for credentials. Held while asking, so that calls in parallel start one login and not several.
/// Clones share what is kept.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    source: Arc<Source>,
    held: Arc<Mutex<Held>>,
    lifetime: Lifetime,
    now: Now,
}

impl Keys {
    pub(super) fn new(source: impl Into<Source>) -> Self {
        Self {
            source: Arc::new(source.into()),
            held: Arc::default(),
            lifetime: Lifetime::default(),
            now: Now(Arc::new(SystemTime::now)),
        }
    }

    /// By another clock.
    #[cfg(test)]
    pub(super) fn at(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { now: Now(Arc::new(now)), ..self }
    }

    /// When those in use end, as it changes.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime.clone()
    }

    /// Credentials that last for a call. When renewing fails, the old ones serve until they end.
    pub(super) async fn fresh(&self) -> Result<Credentials, AwsError> {
        self.current().await.map(|kept| kept.keys).map_err(Missing::error)
    }

    pub(super) async fn current(&self) -> Result<Kept, Missing> {
        let mut held = self.held.lock().await;
        let now = (self.now.0)();
        let valid = held.kept.clone().filter(|kept| kept.keys.expiry().is_none_or(|end| end > now));
        let just_asked = held.asked.as_ref().filter(|(at, _)| now.duration_since(*at).is_ok_and(|d| d < RETRY_AFTER));
        match (valid, just_asked) {
            (Some(kept), _) if kept.due.is_none_or(|due| now < due) => Ok(kept),
            (Some(kept), Some(_)) => Ok(kept),
            (None, Some((_, Some(missing)))) => Err(missing.clone()),
            (valid, _) => self.ask(&mut held, valid, now).await,
        }
    }

    async fn ask(&self, held: &mut Held, valid: Option<Kept>, now: SystemTime) -> Result<Kept, Missing> {
        let asked = match &valid {
            Some(_) => match tokio::time::timeout(RENEWAL_MAX, self.source.ask(now)).await {
                Ok(asked) => asked,
                Err(_) => {
                    let cause = format!("their source did not answer within {} s", RENEWAL_MAX.as_secs());
                    Err(Missing::Failed(AwsError::Credentials { cause }))
                }
            },
            None => self.source.ask(now).await,
        };
        held.asked = Some((now, asked.as_ref().err().cloned()));
        match (asked, valid) {
            (Ok(new), _) => {
                self.lifetime.note(new.end, new.renewable);
                Ok(held.kept.insert(new).clone())
            }
            (Err(missing), Some(old)) => {
                self.lifetime.note_trouble(missing.error().to_string());
                Ok(old)
            }
            (Err(missing), None) => Err(missing),
        }
    }

    pub(super) async fn info(&self) -> Result<Option<CredentialsInfo>, AwsError> {
        match self.current().await {
            Ok(kept) => Ok(Some(CredentialsInfo {
                access_key_hint: hint(kept.keys.access_key_id()),
                expires: kept.end.max(kept.until),
                renewable: kept.renewable,
                renewed_from: kept.due.and_then(|due| Timestamp::try_from(due).ok()).filter(|_| kept.renewable),
                origin: self.source.origin(&kept.keys),
            })),
            Err(Missing::NoSource(_)) => Ok(None),
            Err(Missing::Failed(error)) => Err(error),
        }
    }
}

impl Source {
    async fn ask(&self, now: SystemTime) -> Result<Kept, Missing> {
        match self {
            Self::Nothing => Err(Missing::NoSource("no credential source".into())),
            Self::Found(provider) => match provider.provide_credentials().await {
                Ok(keys) => Ok(Kept {
                    end: end_of(&keys, &|name| std::env::var(name).ok()),
                    renewable: is_renewed(&keys),
                    until: None,
                    due: keys.expiry().map(|end| end.checked_sub(RENEW_BEFORE).unwrap_or(end)),
                    keys,
                }),
                Err(error @ CredentialsError::CredentialsNotLoaded(_)) => {
                    Err(Missing::NoSource(classify::chain(&error)))
                }
                Err(error) => Err(Missing::Failed(classify::credentials(&error))),
            },
            Self::Roles(chain) => {
                let assumed = chain.assume().await.map_err(Missing::Failed)?;
                let (keys, renewable, until) = (assumed.keys, assumed.renewable, assumed.until);
                let end = keys.expiry().and_then(|end| Timestamp::try_from(end).ok());
                let due = keys.expiry().map(|end| two_thirds(now, end));
                Ok(Kept { keys, end, renewable, until, due })
            }
        }
    }

    fn origin(&self, keys: &Credentials) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Found(_) => origin(keys).to_owned(),
            Self::Roles(chain) => chain.origin(),
        }
    }
}

/// When two thirds of the time until `end` have passed.
fn two_thirds(now: SystemTime, end: SystemTime) -> SystemTime {
    now + end.duration_since(now).unwrap_or_default() * 2 / 3
}

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async { self.fresh().await.map_err(CredentialsError::provider_error) })
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

/// Where the SDK found them, for people.
fn origin(keys: &Credentials) -> &'static str {
    use AwsCredentialFeature as From;
    let each = features(keys).iter().rev().find_map(|from| {
        Some(match from {
            From::CredentialsEnvVars => "environment",
            From::CredentialsStsAssumeRole => "role of the profile",
            From::CredentialsStsAssumeRoleWebId
            | From::CredentialsEnvVarsStsWebIdToken
            | From::CredentialsProfileStsWebIdToken => "web identity token",
            From::CredentialsProfileSso | From::CredentialsSso => "SSO",
            From::CredentialsProfileProcess | From::CredentialsProcess => "credential_process",
            From::CredentialsHttp => "role of the container",
            From::CredentialsImds => "role of the machine",
            From::CredentialsProfileLogin | From::CredentialsLogin => "aws login",
            From::CredentialsProfile => "profile",
            _ => return None,
        })
    });
    each.unwrap_or("found")
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
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    /// Gives keys that last so many seconds, as often as it is told, then fails.
    #[derive(Debug)]
    struct Giver {
        lasts_s: u64,
        times: usize,
        asked: Arc<AtomicUsize>,
        passed: Arc<AtomicU64>,
    }

    impl ProvideCredentials for Giver {
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
                let end = UNIX_EPOCH + Duration::from_secs(self.passed.load(Ordering::SeqCst) + self.lasts_s);
                Ok(Credentials::new(format!("AKIA000{asked}"), "secret", None, Some(end), "test"))
            })
        }
    }

    fn keys(lasts_s: u64, times: usize) -> (Keys, Arc<AtomicUsize>, Arc<AtomicU64>) {
        let (asked, passed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let source = Giver { lasts_s, times, asked: Arc::clone(&asked), passed: Arc::clone(&passed) };
        let clock = Arc::clone(&passed);
        let keys = Keys::new(Some(SharedCredentialsProvider::new(source)))
            .at(move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst)));
        (keys, asked, passed)
    }

    #[tokio::test]
    async fn calls_in_parallel_log_in_once() {
        let (keys, asked, _) = keys(3_600, 9);
        let (one, two) = tokio::join!(keys.fresh(), keys.fresh());
        assert_eq!(one.unwrap().access_key_id(), two.unwrap().access_key_id());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn keys_about_to_end_are_renewed_and_serve_on_when_that_fails() {
        let (keys, asked, passed) = keys(3_600, 2);
        let id = async || keys.fresh().await.unwrap().access_key_id().to_owned();
        assert_eq!(id().await, "AKIA0000");
        passed.store(49 * 60, Ordering::SeqCst);
        assert_eq!(id().await, "AKIA0000");
        passed.store(50 * 60, Ordering::SeqCst);
        assert_eq!(id().await, "AKIA0001", "ten minutes before their end");
        for minute in [100, 101, 102] {
            passed.store(minute * 60, Ordering::SeqCst);
            assert_eq!((id().await.as_str(), id().await.as_str()), ("AKIA0001", "AKIA0001"));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 5, "once a minute, not for every call");
    }

    #[tokio::test]
    async fn a_source_that_gives_brief_keys_is_not_asked_for_every_call() {
        let (keys, asked, _) = keys(60, 9);
        for _ in 0..9 {
            keys.fresh().await.unwrap();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn keys_past_their_end_are_an_error_with_its_cause() {
        let (keys, _, _) = keys(0, 1);
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
        let keys = Keys::new(Source::Nothing);
        assert_eq!(keys.info().await, Ok(None));
        assert!(keys.fresh().await.is_err());
    }
}
