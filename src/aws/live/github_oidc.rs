//! The OIDC token of a job in GitHub Actions, asked for anew each time: it lasts minutes, and what it is asked with lasts
//! as long as the job (aws-semantics §11).

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use serde::Deserialize;

use super::connect::unpooled;
use super::execute_api::{exchange, request};
use crate::aws::role::Obstacle;

/// How often the endpoint is asked: asking changes nothing.
const ATTEMPTS: u32 = 3;
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long before the second attempt; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest subject that is shown, characters.
const SUBJECT_MAX: usize = 300;

/// Where and with what a job asks for its token. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct IdTokenRequest {
    url: String,
    token: String,
}

impl IdTokenRequest {
    /// What the runner puts into the environment of a job that has `permissions: id-token: write`.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| env(name).filter(|value| !value.is_empty());
        Some(Self { url: set("ACTIONS_ID_TOKEN_REQUEST_URL")?, token: set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")? })
    }
}

impl fmt::Debug for IdTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenRequest")
    }
}

/// A token. Its `Debug` does not show it.
pub(super) struct IdToken(String);

impl IdToken {
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Who it is about, as its trust policies must say: `repo:shop/checkout:environment:prod`. Not a secret.
    pub(super) fn subject(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
        }
        // The SDK reads Base64 with padding and the alphabet of old.
        let payload = self.0.split('.').nth(1)?.replace('-', "+").replace('_', "/");
        let padding = "=".repeat((4 - payload.len() % 4) % 4);
        let claims = aws_smithy_types::base64::decode(payload + &padding).ok()?;
        let subject = serde_json::from_slice::<Claims>(&claims).ok()?.sub;
        let shown = subject.chars().filter(|c| !c.is_control()).take(SUBJECT_MAX).collect::<String>();
        (!shown.is_empty()).then_some(shown)
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken")
    }
}

/// GitHub's token endpoint, as one job may ask it.
#[derive(Debug)]
pub(super) struct TokenEndpoint {
    asked: IdTokenRequest,
    proxy: ProxyConfig,
    pause: Duration,
    /// Made when it is first needed: it reads the system's root certificates.
    connector: OnceLock<Connector>,
}

/// Why there is no token: what stands in the way, and in words without any secret.
pub(super) type Denied = (Obstacle, String);

impl TokenEndpoint {
    pub(super) fn new(asked: IdTokenRequest, proxy: ProxyConfig) -> Self {
        Self { asked, proxy, pause: PAUSE, connector: OnceLock::new() }
    }

    /// With another pause between attempts.
    #[cfg(test)]
    pub(super) fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// A token for an audience. Repeated where GitHub may answer the next time.
    pub(super) async fn token(&self, audience: &str) -> Result<IdToken, Denied> {
        let mut pause = self.pause;
        for _ in 1..ATTEMPTS {
            match self.ask(audience).await {
                Err(Answer::Passing(_)) => tokio::time::sleep(pause).await,
                answer => return answer.map_err(Answer::denied),
            }
            pause *= 2;
        }
        self.ask(audience).await.map_err(Answer::denied)
    }

    async fn ask(&self, audience: &str) -> Result<IdToken, Answer> {
        let unusable =
            || Answer::Final(Obstacle::TokenUnavailable, "ACTIONS_ID_TOKEN_REQUEST_URL is no URL".to_owned());
        let joint = if self.asked.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}audience={audience}", self.asked.url);
        let mut request = request("GET", &url).map_err(|_| unusable())?;
        let bearer = format!("bearer {}", self.asked.token);
        if request.headers_mut().try_insert("authorization", bearer).is_err() {
            let why = "ACTIONS_ID_TOKEN_REQUEST_TOKEN is no text for a header";
            return Err(Answer::Final(Obstacle::TokenUnavailable, why.into()));
        }
        request.headers_mut().insert("accept", "application/json");
        let connector = self.connector.get_or_init(|| unpooled(&self.proxy));
        let host = self.host();
        let answer = match tokio::time::timeout(ATTEMPT_TIMEOUT, exchange(connector, request)).await {
            Ok(Ok(answer)) => answer,
            // What a proxy or a library says might quote the request.
            Ok(Err(cause)) => return Err(Answer::Passing(format!("{host}: {}", self.without_secrets(&cause)))),
            Err(_) => {
                let cause = format!("{host}: no answer after {} s", ATTEMPT_TIMEOUT.as_secs());
                return Err(Answer::Passing(cause));
            }
        };
        self.read(answer.status, &answer.body, host)
    }

    /// The body is never quoted: it may hold a token.
    fn read(&self, status: u16, body: &str, host: &str) -> Result<IdToken, Answer> {
        #[derive(Deserialize)]
        struct Body {
            value: String,
        }
        match status {
            200..300 => match serde_json::from_str::<Body>(body) {
                Ok(Body { value }) if !value.is_empty() => Ok(IdToken(value)),
                _ => {
                    let why = format!("{host} answered with something that is no token (HTTP {status})");
                    Err(Answer::Final(Obstacle::TokenUnavailable, why))
                }
            },
            401 | 403 => Err(Answer::Final(Obstacle::TokenDenied, format!("{host} answered with HTTP {status}"))),
            429 | 500.. => Err(Answer::Passing(format!("{host} answered with HTTP {status}"))),
            _ => Err(Answer::Final(Obstacle::TokenUnavailable, format!("{host} answered with HTTP {status}"))),
        }
    }

    fn host(&self) -> &str {
        let rest = self.asked.url.split_once("://").map_or(self.asked.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default()
    }

    fn without_secrets(&self, text: &str) -> String {
        text.replace(&self.asked.token, "***")
    }
}

/// An answer without a token.
enum Answer {
    /// The next one may have it.
    Passing(String),
    /// No other is to be expected.
    Final(Obstacle, String),
}

impl Answer {
    fn denied(self) -> Denied {
        match self {
            Self::Passing(cause) => (Obstacle::TokenUnavailable, format!("{cause} ({ATTEMPTS} attempts)")),
            Self::Final(obstacle, cause) => (obstacle, cause),
        }
    }
}
