//! Roles that are assumed one after the other, the first with the OIDC token of a job in GitHub Actions or with the
//! credentials that were found.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::config::IdentityCache;
use aws_sdk_sts::types;
use jiff::Timestamp;

use super::super::AwsError;
use super::super::role::{NotAssumed, Obstacle, With};
use super::classify::classify;
use super::credentials::{Keys, Missing};
use super::github_oidc::TokenEndpoint;
use super::secrets::Secrets;

/// What the first role is assumed with.
#[derive(Debug)]
pub(super) enum Base {
    /// A token, fresh each time.
    GitHub(Box<TokenEndpoint>),
    /// The credentials that the SDK finds.
    Found(Keys),
}

/// The roles, and how they are reached.
#[derive(Debug)]
pub(super) struct RoleChain {
    pub base: Base,
    /// ARNs in the order in which they are assumed.
    pub roles: Vec<String>,
    pub session_name: String,
    /// Region, endpoint, client and time limits of STS.
    pub sdk: SdkConfig,
    pub secrets: Secrets,
}

/// Credentials of the last role.
pub(super) struct Assumed {
    pub keys: Credentials,
    /// Whether the same way leads to new ones without a person.
    pub renewable: bool,
    /// How long that is known to work, where what it begins with ends itself.
    pub until: Option<Timestamp>,
}

impl RoleChain {
    /// Assumes all roles anew.
    pub(super) async fn assume(&self) -> Result<Assumed, AwsError> {
        let Some((first, further)) = self.roles.split_first() else {
            return Err(AwsError::Configuration { cause: "no role to assume".into() });
        };
        let mut assumed = match &self.base {
            Base::GitHub(endpoint) => {
                Assumed { keys: self.by_token(endpoint, first).await?, renewable: true, until: None }
            }
            Base::Found(found) => self.by_found(found, first).await?,
        };
        for (before, role) in self.roles.iter().zip(further) {
            assumed.keys = self.by_keys(role, assumed.keys, With::Role(before.clone())).await?;
        }
        Ok(assumed)
    }

    /// For people: the roles, and what the first is assumed with.
    pub(super) fn origin(&self) -> String {
        let with = match self.base {
            Base::GitHub(_) => "the OIDC token of this job",
            Base::Found(_) => "the credentials found here",
        };
        format!("{}, by {with}", self.roles.join(" → "))
    }

    async fn by_found(&self, found: &Keys, role: &str) -> Result<Assumed, AwsError> {
        // Boxed: these keys could be those of a chain.
        let start = Box::pin(found.current()).await.map_err(|missing| match missing {
            Missing::Failed(error) => error,
            Missing::NoSource(cause) => not_assumed(role, With::Found, Obstacle::NothingToStartFrom, cause),
        })?;
        // Keys of a user have no end and no session; whatever else does not renew itself ends some time.
        let lasts = start.renewable || start.keys.session_token().is_none();
        let keys = self.by_keys(role, start.keys, With::Found).await?;
        Ok(Assumed { keys, renewable: lasts, until: start.end.filter(|_| !lasts) })
    }

    async fn by_token(&self, endpoint: &TokenEndpoint, role: &str) -> Result<Credentials, AwsError> {
        let audience = if role.starts_with("arn:aws-cn:") { "sts.amazonaws.com.cn" } else { "sts.amazonaws.com" };
        let token = endpoint
            .token(audience)
            .await
            .map_err(|(obstacle, cause)| not_assumed(role, With::GitHub { subject: None }, obstacle, cause))?;
        self.secrets.add(token.text());
        let with = With::GitHub { subject: token.subject() };
        let answer = aws_sdk_sts::Client::new(&self.sdk)
            .assume_role_with_web_identity()
            .role_arn(role)
            .role_session_name(&self.session_name)
            .web_identity_token(token.text())
            .send()
            .await;
        match answer {
            Ok(answer) => self.keys(role, with, answer.credentials),
            Err(error) => Err(self.refused(role, with, &classify(error))),
        }
    }

    async fn by_keys(&self, role: &str, keys: Credentials, with: With) -> Result<Credentials, AwsError> {
        let config = aws_sdk_sts::config::Builder::from(&self.sdk)
            .credentials_provider(keys)
            .identity_cache(IdentityCache::no_cache())
            .build();
        let answer = aws_sdk_sts::Client::from_conf(config)
            .assume_role()
            .role_arn(role)
            .role_session_name(&self.session_name)
            .send()
            .await;
        match answer {
            Ok(answer) => self.keys(role, with, answer.credentials),
            Err(error) => Err(self.refused(role, with, &classify(error))),
        }
    }

    fn keys(&self, role: &str, with: With, found: Option<types::Credentials>) -> Result<Credentials, AwsError> {
        let unusable = |cause: &str| not_assumed(role, with.clone(), Obstacle::NoAnswer, cause.to_owned());
        let found = found.ok_or_else(|| unusable("STS answered without credentials"))?;
        let end =
            SystemTime::try_from(found.expiration).map_err(|_| unusable("STS named no time at which they end"))?;
        self.secrets.add(&found.secret_access_key);
        self.secrets.add(&found.session_token);
        let (id, secret, token) = (found.access_key_id, found.secret_access_key, found.session_token);
        Ok(Credentials::new(id, secret, Some(token), Some(end), "assumed role"))
    }

    /// What STS's refusal means (its errors, aws-semantics §2.1 and §11).
    fn refused(&self, role: &str, with: With, error: &AwsError) -> AwsError {
        let obstacle = match (error, error.code()) {
            (AwsError::Ambiguous { .. }, _) | (_, Some(AwsError::CONNECT_FAILED)) => Obstacle::NoAnswer,
            (_, Some("AccessDenied" | "AccessDeniedException")) => Obstacle::NotTrusted,
            (_, Some("InvalidIdentityToken")) => Obstacle::ProviderUnknown,
            (_, Some("ExpiredTokenException" | "ExpiredToken" | "RequestExpired")) => Obstacle::Expired,
            _ => Obstacle::Refused,
        };
        not_assumed(role, with, obstacle, self.secrets.hidden(&error.to_string()))
    }
}

fn not_assumed(role: &str, with: With, obstacle: Obstacle, cause: String) -> AwsError {
    AwsError::Role(Box::new(NotAssumed { role: role.to_owned(), with, obstacle, cause }))
}

#[cfg(test)]
mod tests;
