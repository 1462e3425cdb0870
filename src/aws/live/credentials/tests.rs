//! Keys that are renewed, that last, and that are taken to last.

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

/// Gives what it has once, then never answers.
#[derive(Debug)]
struct Silent(Credentials, AtomicUsize);

impl ProvideCredentials for Silent {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            if self.1.fetch_add(1, Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            Ok(self.0.clone())
        })
    }
}

fn silent(keys: Credentials, now: u64) -> Keys {
    let source = Silent(keys, AtomicUsize::new(0));
    Keys::new(Some(SharedCredentialsProvider::new(source))).at(move || UNIX_EPOCH + Duration::from_secs(now))
}

#[tokio::test]
async fn a_source_that_hangs_leaves_a_cancelled_job_its_time_for_the_way_back() {
    let end = UNIX_EPOCH + Duration::from_secs(300);
    let keys = silent(Credentials::new("AKIA", "s", None, Some(end), "test"), 0);
    assert!(keys.renewal_max < Duration::from_millis(7_500) / 2, "of what the runner gives");
    let keys = Keys { renewal_max: Duration::ZERO, ..keys };
    keys.fresh().await.unwrap();
    keys.held.lock().await.asked = None;
    assert_eq!(keys.fresh().await.unwrap().access_key_id(), "AKIA");
    let trouble = keys.lifetime().trouble().unwrap();
    assert!(trouble.contains("did not answer within 0 s"), "{trouble}");
}

#[tokio::test]
async fn session_keys_of_the_environment_are_taken_to_last_an_hour_and_no_others() {
    use AwsCredentialFeature as From;
    for (from, token, assumed) in [
        (&[From::CredentialsEnvVars][..], Some("t"), true),
        (&[From::CredentialsEnvVars], None, false),
        (&[From::CredentialsEnvVars], Some(""), false),
        (&[From::CredentialsEnvVars, From::CredentialsStsAssumeRole], Some("t"), false),
        (&[From::CredentialsProfileProcess], Some("t"), false),
    ] {
        let mut keys = Credentials::new("ASIA", "s", token.map(ToOwned::to_owned), None, "test");
        keys.get_property_mut_or_default::<Vec<From>>().extend_from_slice(from);
        let keys = silent(keys, 600);
        let info = keys.info().await.unwrap().unwrap();
        let end = assumed.then(|| Timestamp::from_second(4_200).unwrap());
        let lifetime = keys.lifetime();
        let known = (info.expires, info.assumed_end, lifetime.end(), lifetime.is_assumed());
        assert_eq!(known, (None, end, end, assumed), "{from:?} {token:?}");
    }
}

#[tokio::test]
async fn no_source_is_no_error_until_something_is_sent() {
    let keys = Keys::new(Source::Nothing);
    assert_eq!(keys.info().await, Ok(None));
    assert!(keys.fresh().await.is_err());
}
