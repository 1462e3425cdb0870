//! Requests through a stage: plain HTTP to where the API's clients send theirs, without a signature.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use aws_sdk_apigateway::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use super::super::AwsError;
use super::super::noun::StageAnswer;
use super::super::operation::{InvokeStage, RequestUrl};
use super::classify::chain;
use super::connect::unpooled;

/// The methods that a REST API can have (`ANY` stands for all of them).
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
/// How much of an answer's body is read, bytes.
const BODY_MAX: usize = 1 << 20;
/// What a request says it comes from.
const USER_AGENT: &str = concat!("stagegate/", env!("CARGO_PKG_VERSION"));

/// Where the stages of a region are served, and the client that asks them.
#[derive(Debug)]
pub(super) struct ExecuteApi {
    region: Option<String>,
    /// What replaces API Gateway's own address.
    endpoint: Option<String>,
    proxy: ProxyConfig,
    /// Made when it is first needed: it reads the system's root certificates.
    connector: OnceLock<Connector>,
}

impl ExecuteApi {
    pub(super) fn new(region: Option<String>, endpoint: Option<String>, proxy: ProxyConfig) -> Self {
        Self { region, endpoint, proxy, connector: OnceLock::new() }
    }

    /// Sends the request once, whatever comes of it. Every answer with a status is an answer; redirects are not
    /// followed, for they are what the stage answers.
    pub(super) async fn invoke_stage(&self, call: &InvokeStage) -> Result<StageAnswer, AwsError> {
        let (request, host) = self.request(call).await?;
        self.answer(request, &host, call.timeout_s).await
    }

    /// As [`Self::invoke_stage`], to a URL as clients have it.
    pub(super) async fn request_url(&self, call: &RequestUrl) -> Result<StageAnswer, AwsError> {
        let rest = call.url.strip_prefix("https://").ok_or_else(|| refused(format!("{:?} is not https", call.url)))?;
        let host = format!("https://{}", rest.split(['/', '?', '#']).next().unwrap_or_default());
        let url = call.url.split('#').next().unwrap_or_default();
        let request = request(&call.method, url)?;
        self.answer(request, &host, call.timeout_s).await
    }

    async fn answer(&self, request: HttpRequest, host: &str, timeout_s: u32) -> Result<StageAnswer, AwsError> {
        let connector = self.connector.get_or_init(|| unpooled(&self.proxy));
        let limit = Duration::from_secs(u64::from(timeout_s.max(1)));
        let started = Instant::now();
        let answer = tokio::time::timeout(limit, exchange(connector, request)).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(|cause| AwsError::Ambiguous { cause: format!("{host}: {cause}") })?,
            Err(_) => {
                let cause = format!("{host}: no answer after {} s", limit.as_secs());
                return Err(AwsError::Ambiguous { cause });
            }
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(StageAnswer { duration_ms, ..answer })
    }

    /// The request, and the address without path and query: those may hold what nobody should read in a log.
    async fn request(&self, call: &InvokeStage) -> Result<(HttpRequest, String), AwsError> {
        let bad = |byte: u8| !byte.is_ascii_graphic() || byte == b'#';
        if !call.path.starts_with('/') || call.path.bytes().any(bad) {
            let rule = "must begin with / and consist of printable ASCII without spaces and #";
            return Err(refused(format!("the path {:?} {rule} (percent-encode the rest)", call.path)));
        }
        let (host, base) = self.address(call).await?;
        // The default stage of an HTTP API is served at the root.
        let stage = if call.stage.as_str() == "$default" { String::new() } else { format!("/{}", call.stage) };
        let url = format!("{host}{base}{stage}{}", call.path);
        Ok((request(&call.method, &url)?, host))
    }

    /// Scheme and host that serve the API, and what comes before the stage in the path: AWS's own, or the form that
    /// emulators share when API Gateway's address was replaced. A replacement that is AWS's own, such as a VPC
    /// endpoint for the management calls, serves no stages and so replaces nothing here.
    async fn address(&self, call: &InvokeStage) -> Result<(String, String), AwsError> {
        let domain = self.domain().await;
        if let Some(endpoint) = &self.endpoint {
            let endpoint = endpoint.trim_end_matches('/');
            if !domain.as_ref().is_ok_and(|(_, suffix)| is_below(endpoint, suffix)) {
                return Ok((endpoint.to_owned(), format!("/_aws/execute-api/{}", call.api)));
            }
        }
        let (region, suffix) = domain?;
        Ok((format!("https://{}.execute-api.{region}.{suffix}", call.api), String::new()))
    }

    /// The region and the domain of its partition, taken from the address of API Gateway itself, so that every
    /// partition is right that the SDK knows.
    async fn domain(&self) -> Result<(String, String), AwsError> {
        let unknown = |why: String| AwsError::Configuration { cause: format!("no address for the stages: {why}") };
        let region = self.region.clone().ok_or_else(|| unknown("no region".into()))?;
        let params = Params::builder().region(&region).build().map_err(|error| unknown(chain(&error)))?;
        let own = DefaultResolver::new().resolve_endpoint(&params).await.map_err(|error| unknown(chain(&*error)))?;
        match own.url().strip_prefix(&format!("https://apigateway.{region}.")) {
            Some(suffix) => Ok((region, suffix.to_owned())),
            None => Err(unknown(format!("API Gateway is at {}", own.url()))),
        }
    }
}

/// Whether an address is in a domain.
fn is_below(url: &str, domain: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// A request without a body.
pub(super) fn request(method: &str, url: &str) -> Result<HttpRequest, AwsError> {
    if !METHODS.contains(&method) {
        return Err(refused(format!("the method {method:?} is none of {}", METHODS.join(", "))));
    }
    let mut request = HttpRequest::new(SdkBody::empty());
    let fits = request.set_uri(url).and_then(|()| request.set_method(method));
    fits.map_err(|error| refused(format!("the URL {url:?}: {}", chain(&error))))?;
    request.headers_mut().insert("user-agent", USER_AGENT);
    request.headers_mut().insert("accept", "*/*");
    Ok(request)
}

/// One request and its answer: the status, and the body as text as far as it is read.
pub(super) async fn exchange(connector: &Connector, request: HttpRequest) -> Result<StageAnswer, String> {
    let mut response: HttpResponse = connector.call(request).await.map_err(|error| chain(&error))?;
    let status = response.status().as_u16();
    let executed_version = response.headers().get("x-amz-executed-version").map(ToOwned::to_owned);
    let mut stream = ByteStream::new(response.take_body());
    let mut body = Vec::new();
    while body.len() < BODY_MAX {
        match stream.next().await {
            Some(Ok(part)) => body.extend_from_slice(&part),
            Some(Err(error)) => return Err(format!("HTTP {status}, then {}", chain(&error))),
            None => break,
        }
    }
    body.truncate(BODY_MAX);
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(StageAnswer { status, body, executed_version, ..StageAnswer::default() })
}

fn refused(message: String) -> AwsError {
    AwsError::rejected(0, "InvalidRequest", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(region: &str, endpoint: Option<&str>) -> String {
        let api = ExecuteApi::new(Some(region.into()), endpoint.map(ToOwned::to_owned), ProxyConfig::disabled());
        let call = InvokeStage {
            api: "a1b2".parse().unwrap(),
            stage: "prod".parse().unwrap(),
            method: "GET".into(),
            path: "/pets?limit=1".into(),
            timeout_s: 1,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (request, _) = runtime.block_on(api.request(&call)).unwrap();
        request.uri().to_owned()
    }

    #[test]
    fn every_partition_serves_its_stages_in_its_own_domain() {
        for (region, host) in [
            ("eu-west-1", "a1b2.execute-api.eu-west-1.amazonaws.com"),
            ("cn-north-1", "a1b2.execute-api.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "a1b2.execute-api.us-gov-west-1.amazonaws.com"),
        ] {
            assert_eq!(address(region, None), format!("https://{host}/prod/pets?limit=1"));
        }
    }

    #[test]
    fn an_emulator_serves_the_stages_itself_and_a_vpc_endpoint_of_the_management_api_does_not() {
        let emulator = address("eu-west-1", Some("http://localhost:4566/"));
        assert_eq!(emulator, "http://localhost:4566/_aws/execute-api/a1b2/prod/pets?limit=1");
        let private = address("eu-west-1", Some("https://vpce-1.apigateway.eu-west-1.vpce.amazonaws.com"));
        assert_eq!(private, "https://a1b2.execute-api.eu-west-1.amazonaws.com/prod/pets?limit=1");
        assert!(address("eu-west-1", Some("http://fakeamazonaws.com")).starts_with("http://fakeamazonaws.com/_aws/"));
    }
}
