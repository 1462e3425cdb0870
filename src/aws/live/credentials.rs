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
use jiff::{SignedDuration, Timestamp};

use super::super::{AwsError, Lifetime};
use super::classify;
use super::roles::RoleChain;

/// How long before their end credentials of the SDK's sources are renewed: longer than the reserve that a release keeps,
/// so that a source that fails is known before.
const RENEW_BEFORE: Duration = Duration::from_secs(600);
/// How long a source is left alone that failed, or gave credentials that are due again.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// How long a renewal may keep a call waiting that the credentials at hand would do for: it may be the way back.
/// A job that is cancelled has 7.5 s until SIGTERM, and 2.5 s more.
const RENEWAL_MAX: Duration = Duration::from_secs(3);
/// What session keys in the environment are taken to last where nothing says: what a role's session lasts when nobody
/// asks for more (aws-semantics §11).
const SESSION_ASSUMED: SignedDuration = SignedDuration::from_hours(1);

/// What may be shown of the credentials in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsInfo {
    /// The last four characters of the access key id; the key id alone signs nothing.
    pub access_key_hint: String,
    /// Until when they are known to last, renewed or not; absent when they have no end, or none that is known.
    pub expires: Option<Timestamp>,
    /// Until when they are taken to last where nothing says: session keys of the environment, 1 h from when they were
    /// first asked for.
    pub assumed_end: Option<Timestamp>,
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
    /// When they are taken to end, where that is not known.
    assumed_end: Option<Timestamp>,
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
    renewal_max: Duration,
    now: Now,
}

impl Keys {
    pub(super) fn new(source: impl Into<Source>) -> Self {
        Self {
            source: Arc::new(source.into()),
            held: Arc::default(),
            lifetime: Lifetime::default(),
            renewal_max: RENEWAL_MAX,
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
            Some(_) => match tokio::time::timeout(self.renewal_max, self.source.ask(now)).await {
                Ok(asked) => asked,
                Err(_) => {
                    let cause = format!("their source did not answer within {} s", self.renewal_max.as_secs());
                    Err(Missing::Failed(AwsError::Credentials { cause }))
                }
            },
            None => self.source.ask(now).await,
        };
        held.asked = Some((now, asked.as_ref().err().cloned()));
        match (asked, valid) {
            (Ok(new), _) => {
                match new.assumed_end {
                    Some(end) => self.lifetime.note_assumed(end),
                    None => self.lifetime.note(new.end, new.renewable),
                }
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
                assumed_end: kept.assumed_end,
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
                Ok(keys) => {
                    let end = end_of(&keys, &|name| std::env::var(name).ok());
                    Ok(Kept {
                        end,
                        assumed_end: if end.is_none() { assumed_end(&keys, now) } else { None },
                        renewable: is_renewed(&keys),
                        until: None,
                        due: keys.expiry().map(|end| end.checked_sub(RENEW_BEFORE).unwrap_or(end)),
                        keys,
                    })
                }
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
                Ok(Kept { keys, end, assumed_end: None, renewable, until, due })
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

/// Whether they are nothing but variables of the environment.
fn of_environment(keys: &Credentials) -> bool {
    features(keys).contains(&AwsCredentialFeature::CredentialsEnvVars) && !is_renewed(keys)
}

/// When session keys in the environment are taken to end; keys of a user have no session and no end. A step of a job
/// that logs in leaves them there, mostly without a word of their end.
fn assumed_end(keys: &Credentials, now: SystemTime) -> Option<Timestamp> {
    keys.session_token().filter(|token| !token.is_empty() && of_environment(keys))?;
    Timestamp::try_from(now).ok()?.checked_add(SESSION_ASSUMED).ok()
}

/// The SDK leaves `AWS_CREDENTIAL_EXPIRATION`, which `aws configure export-credentials` and others set beside keys in
/// the environment, unread.
fn end_of(keys: &Credentials, env: &dyn Fn(&str) -> Option<String>) -> Option<Timestamp> {
    let said = || env("AWS_CREDENTIAL_EXPIRATION").filter(|_| of_environment(keys))?.trim().parse().ok();
    keys.expiry().and_then(|end| Timestamp::try_from(end).ok()).or_else(said)
}

fn hint(access_key: &str) -> String {
    let length = access_key.chars().count();
    format!("…{}", access_key.chars().skip(length.saturating_sub(4)).collect::<String>())
}

#[cfg(test)]
mod tests;
