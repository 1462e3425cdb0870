//! Finding profile, region, endpoint and credentials the way the AWS CLI does, and setting up the clients.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_lambda::config::{IdentityCache, StalledStreamProtectionConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;

use super::credentials::{Keys, Source};
use super::execute_api::ExecuteApi;
use super::github_oidc::{IdTokenRequest, TokenEndpoint};
use super::roles::{Base, RoleChain};
use super::secrets::Secrets;
use super::{AwsError, Live};

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);
/// How long one call may take, connection included; the SDK itself would wait for ever (aws-semantics §13.1).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// The SDK's names of our services (in `AWS_ENDPOINT_URL_…` and the profile's `services`) and ours.
const SERVICES: [(&str, &str); 10] = [
    ("Lambda", "lambda"),
    ("API Gateway", APIGATEWAY),
    ("ApiGatewayV2", "apigatewayv2"),
    ("CloudFormation", "cloudformation"),
    ("CloudTrail", "cloudtrail"),
    ("CloudWatch", "cloudwatch"),
    ("CloudWatch Logs", "logs"),
    ("CodeDeploy", "codedeploy"),
    ("IAM", "iam"),
    ("STS", "sts"),
];
/// The service whose address also tells where stages are served.
const APIGATEWAY: &str = "apigateway";
const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// What the user says about the connection; everything absent comes from the environment and `~/.aws`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveSettings {
    /// Profile; as with the CLI, a profile named here beats access keys in the environment.
    pub profile: Option<String>,
    /// Region; beats `AWS_REGION` and the profile's.
    pub region: Option<String>,
    /// An `http://` or `https://` address that replaces AWS's own for every service.
    pub endpoint_url: Option<String>,
    /// ARNs of roles: the first is assumed with `id_token` or else with the credentials found, each further one with the
    /// one before it (aws-semantics §11: at most 1 h then, whatever the role allows).
    pub assume_role: Vec<String>,
    /// What the sessions of these roles are called, 2–64 of letters, digits and `_+=,.@-`.
    pub session_name: String,
    /// How to ask for an OIDC token for the first role.
    pub id_token: Option<IdTokenRequest>,
}

impl Live {
    /// Reads the configuration as the AWS CLI does (`AWS_*` variables, profiles with SSO, `credential_process`,
    /// roles, endpoint overrides, `HTTPS_PROXY`) and sets up the clients. Asks AWS nothing yet.
    ///
    /// # Errors
    /// [`AwsError::Configuration`] when the profile is not defined, `~/.aws` cannot be read, no region is configured,
    /// or an endpoint is not an address.
    pub async fn connect(settings: &LiveSettings) -> Result<Self, AwsError> {
        let env = Env::real();
        let profile = settings.profile.clone().or_else(|| env.get("AWS_PROFILE").ok().filter(|name| !name.is_empty()));
        check_profile(&env, profile.as_deref()).await?;

        let proxy = ProxyConfig::from_env();
        let http = http_client(proxy.clone());
        let mut loader = aws_config::defaults(behavior())
            .http_client(http.clone())
            .timeout_config(timeouts(ATTEMPT_TIMEOUT))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(profile) = &profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let sdk = loader.load().await;
        if sdk.region().is_none() {
            return Err(AwsError::Configuration {
                cause: "no region: name one, set AWS_REGION, or give the profile a `region`".into(),
            });
        }
        let endpoints = endpoints(&sdk, settings.endpoint_url.as_deref())?;
        let provider = match &settings.profile {
            Some(profile) => Some(profile_credentials(profile, &sdk, http)),
            None => sdk.credentials_provider(),
        };
        let own = endpoints.iter().find(|(service, _)| *service == APIGATEWAY).and_then(|(_, url)| url.clone());
        let secrets = Secrets::default();
        let source = source(provider, settings, &sdk, &proxy, &secrets);
        let stages = ExecuteApi::new(sdk.region().map(ToString::to_string), own, proxy);
        let live = Self::assemble(&sdk, Keys::new(source), stages, describe(&endpoints), profile);
        Ok(Self { secrets, ..live })
    }

    /// A connection with everything given and nothing read from the environment: for a model of AWS on this machine.
    #[doc(hidden)]
    pub fn with_static(access_key: &str, secret_key: &str, region: &str, endpoint_url: &str) -> Self {
        let keys = Credentials::new(access_key, secret_key, None, None, "static");
        let sdk =
            bare(ProxyConfig::disabled()).region(Region::new(region.to_owned())).endpoint_url(endpoint_url).build();
        let keys = Keys::new(Source::Found(SharedCredentialsProvider::new(keys)));
        let endpoint = Some(endpoint_url.to_owned());
        let stages = ExecuteApi::new(Some(region.to_owned()), endpoint.clone(), ProxyConfig::disabled());
        Self::assemble(&sdk, keys, stages, endpoint, None)
    }

    fn assemble(
        sdk: &SdkConfig,
        keys: Keys,
        stages: ExecuteApi,
        endpoint: Option<String>,
        profile: Option<String>,
    ) -> Self {
        let sdk = sdk
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(keys.clone()))
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            lambda: aws_sdk_lambda::Client::new(&sdk),
            apigateway: aws_sdk_apigateway::Client::new(&sdk),
            apigatewayv2: aws_sdk_apigatewayv2::Client::new(&sdk),
            cloudformation: aws_sdk_cloudformation::Client::new(&sdk),
            cloudtrail: aws_sdk_cloudtrail::Client::new(&sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            codedeploy: aws_sdk_codedeploy::Client::new(&sdk),
            iam: aws_sdk_iam::Client::new(&sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(&sdk),
            sts: aws_sdk_sts::Client::new(&sdk),
            stages,
            keys,
            secrets: Secrets::default(),
            region: sdk.region().map(ToString::to_string),
            endpoint,
            profile,
        }
    }
}

/// Named, never "latest": an update of the SDK must not change defaults unseen.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Time limits of a call that may take `attempt`.
pub(super) fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(attempt).build()
}

/// Clients as all of ours are, with nothing read from the environment.
pub(super) fn bare(proxy: ProxyConfig) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(behavior())
        .http_client(http_client(proxy))
        .timeout_config(timeouts(ATTEMPT_TIMEOUT))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// HTTPS by rustls with ring and the system's root certificates (`SSL_CERT_FILE` replaces them).
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().tls_provider(TLS).proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    })
}

/// The same, for single requests without a client around them. Every request has a connection of its own: one from a
/// pool may be dead, which only a second attempt would overcome.
pub(super) fn unpooled(proxy: &ProxyConfig) -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    Connector::builder()
        .tls_provider(TLS)
        .proxy_config(proxy.clone())
        .connector_settings(settings)
        .pool_max_idle_per_host(0)
        .build()
}

/// The SDK would go on without a profile that does not exist, down to the machine's own role.
async fn check_profile(env: &Env, profile: Option<&str>) -> Result<(), AwsError> {
    let Some(profile) = profile else { return Ok(()) };
    let sets = aws_config::profile::load(&Fs::real(), env, &Default::default(), None)
        .await
        .map_err(|error| AwsError::Configuration { cause: super::classify::chain(&error) })?;
    if profile == "default" || sets.get_profile(profile).is_some() {
        return Ok(());
    }
    let mut defined: Vec<_> = sets.profiles().collect();
    defined.sort_unstable();
    let defined = if defined.is_empty() { "none".to_owned() } else { defined.join(", ") };
    Err(AwsError::Configuration { cause: format!("profile `{profile}` is not defined (defined: {defined})") })
}

/// The credentials of a profile that was asked for by name. The SDK's default chain would let access keys in the
/// environment win over it and so work on another account; the CLI leaves the environment out, and so do we.
fn profile_credentials(profile: &str, sdk: &SdkConfig, http: SharedHttpClient) -> SharedCredentialsProvider {
    let mut config = ProviderConfig::without_region()
        .with_behavior_version(Some(behavior()))
        .with_http_client(http)
        .with_region(sdk.region().cloned())
        .with_use_fips(sdk.use_fips())
        .with_use_dual_stack(sdk.use_dual_stack())
        .with_timeout_config(timeouts(ATTEMPT_TIMEOUT));
    if let Some(retry) = sdk.retry_config() {
        config = config.with_retry_config(retry.clone());
    }
    let named = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try("Profile", named)
            .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&config).build())
            .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(&config).build()),
    )
}

/// Where credentials come from: as found, or roles that begin with them or with a token.
fn source(
    found: Option<SharedCredentialsProvider>,
    settings: &LiveSettings,
    sdk: &SdkConfig,
    proxy: &ProxyConfig,
    secrets: &Secrets,
) -> Source {
    if settings.assume_role.is_empty() {
        return found.into();
    }
    let base = match &settings.id_token {
        Some(asked) => Base::GitHub(Box::new(TokenEndpoint::new(asked.clone(), proxy.clone()))),
        None => Base::Found(Keys::new(found)),
    };
    Source::Roles(Box::new(RoleChain {
        base,
        roles: settings.assume_role.clone(),
        session_name: settings.session_name.clone(),
        sdk: sdk.clone(),
        secrets: secrets.clone(),
    }))
}

/// The address override of each of our services.
fn endpoints(sdk: &SdkConfig, explicit: Option<&str>) -> Result<Vec<(&'static str, Option<String>)>, AwsError> {
    SERVICES
        .iter()
        .map(|(id, name)| {
            let url = match explicit {
                Some(url) => Some(url.to_owned()),
                None => configured_endpoint(sdk, id).or_else(|| sdk.endpoint_url().map(ToOwned::to_owned)),
            };
            match url {
                Some(url) if !(url.starts_with("http://") || url.starts_with("https://")) => {
                    Err(AwsError::Configuration {
                        cause: format!("endpoint `{url}` for {name} must begin with http:// or https://"),
                    })
                }
                url => Ok((*name, url)),
            }
        })
        .collect()
}

fn configured_endpoint(sdk: &SdkConfig, service_id: &str) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id(service_id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    sdk.service_config()?.load_config(key.ok()?)
}

fn describe(endpoints: &[(&str, Option<String>)]) -> Option<String> {
    let (_, first) = endpoints.first()?;
    if endpoints.iter().all(|(_, url)| url == first) {
        return first.clone();
    }
    let named = endpoints.iter().filter_map(|(name, url)| url.as_ref().map(|url| format!("{name}={url}")));
    Some(named.collect::<Vec<_>>().join(", "))
}
