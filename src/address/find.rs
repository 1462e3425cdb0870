//! Asks AWS which stage a URL reaches, with as few calls as that takes.

use futures_util::future::try_join;

use super::Nothing;
use super::domain::{ClientRequest, CustomDomain, Resolution, default_endpoint, resolve};
use super::url::Address;
use crate::aws::noun::{ApiMapping, DomainName, EndpointType, Page, Stage};
use crate::aws::operation::{GetApiMappings, GetBasePathMappings, GetDomainName, GetDomainNameV2, ListRoutingRules};
use crate::aws::{Aws, AwsError, Operation, Remedy, Request, explain, gateway};
use crate::model::{ApiId, StageName};
use crate::problem::{Code, Problem};

/// What [`find`] may ask.
pub const READS: &[Operation] = &[
    Operation::GetDomainName,
    Operation::GetBasePathMappings,
    Operation::GetDomainNameV2,
    Operation::GetApiMappings,
    Operation::ListRoutingRules,
    Operation::GetStages,
    Operation::GetHttpStages,
];

/// What a URL reaches, and what AWS said on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where a request goes.
    pub resolution: Resolution,
    /// The custom domain name that the URL goes by.
    pub domain: Option<CustomDomain>,
    /// All stages of the API, where they were read on the way: of a default endpoint.
    pub stages: Option<Vec<(StageName, Stage)>>,
}

/// Finds the stage that a request to an address reaches. `headers` are those that routing rules may look at.
///
/// One call for the default endpoint of a REST API, two of an HTTP API; two for a regional custom domain name (three
/// with routing rules), three at the edge, two more where only a wildcard name fits; and the further pages of long lists.
///
/// # Errors
/// AWS cannot be read.
pub async fn find<A: Aws>(aws: &A, address: &Address, headers: &[(String, String)]) -> Result<Found, Problem> {
    match address {
        Address::DefaultEndpoint { api, path, .. } => by_default_endpoint(aws, api, path).await,
        Address::CustomDomain { host, path } => {
            let Some(domain) = custom_domain(aws, host).await? else {
                let outcome = Err(Nothing::UnknownDomain(host.clone()));
                return Ok(Found {
                    resolution: Resolution { outcome, passed: Vec::new() },
                    domain: None,
                    stages: None,
                });
            };
            let request = ClientRequest { host: host.clone(), path: path.clone(), headers: headers.to_vec() };
            let resolution = resolve(&domain, &request);
            Ok(Found { resolution, domain: Some(domain), stages: None })
        }
    }
}

async fn by_default_endpoint<A: Aws>(aws: &A, api: &ApiId, path: &str) -> Result<Found, Problem> {
    let stages = gateway::stages(aws, api).await?;
    let outcome = match stages.is_empty() {
        true => Err(Nothing::UnknownApi(api.clone())),
        false => default_endpoint(api, &stages, path),
    };
    let resolution = Resolution { outcome, passed: Vec::new() };
    Ok(Found { resolution, domain: None, stages: Some(stages) })
}

/// The custom domain name that a host goes by: its own, else the wildcard name above it. `None` when this account and
/// region have neither.
///
/// # Errors
/// AWS cannot be read, or the name is a private one.
pub async fn custom_domain<A: Aws>(aws: &A, host: &str) -> Result<Option<CustomDomain>, Problem> {
    let wildcard = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    for name in [Some(host.to_owned()), wildcard].into_iter().flatten() {
        if let Some(found) = named(aws, &name).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The newer service is asked first: it knows mappings of several levels and to HTTP APIs. What is at the edge, only the
/// older one manages [issue: serverless-domain-manager 582].
async fn named<A: Aws>(aws: &A, name: &str) -> Result<Option<CustomDomain>, Problem> {
    let domain = name.to_owned();
    if let Some(found) = ask(aws, GetDomainNameV2 { domain: domain.clone() }).await?
        && found.endpoint_type != Some(EndpointType::Edge)
    {
        return read(aws, found, |next| GetApiMappings { domain: domain.clone(), next }).await.map(Some);
    }
    let Some(found) = ask(aws, GetDomainName { domain: domain.clone() }).await? else { return Ok(None) };
    if found.endpoint_type == Some(EndpointType::Private) {
        return Err(Problem::new(Code::UnresolvedUrl, format!("cannot tell which stage answers {name}"))
            .why("it is a private custom domain name, and several of one name can exist: it is known by its id")
            .fix("name the stage: API_ID/STAGE"));
    }
    read(aws, found, |position| GetBasePathMappings { domain: domain.clone(), position }).await.map(Some)
}

/// Mappings and rules, as far as the routing mode asks them.
async fn read<A: Aws, R>(
    aws: &A,
    domain: DomainName,
    mappings: impl Fn(Option<String>) -> R,
) -> Result<CustomDomain, Problem>
where
    R: Request<Reply = Page<ApiMapping>>,
{
    let rules = |next| ListRoutingRules { domain: domain.name.clone(), next };
    let (asks_mappings, asks_rules) = (domain.routing_mode.asks_mappings(), domain.routing_mode.asks_rules());
    let mappings = async { if asks_mappings { gateway::pages(aws, mappings).await } else { Ok(Vec::new()) } };
    let rules = async { if asks_rules { gateway::pages(aws, rules).await } else { Ok(Vec::new()) } };
    let (mappings, rules) = try_join(mappings, rules).await?;
    Ok(CustomDomain { domain, mappings, rules })
}

/// A domain name that a service does not know or refuses to manage is `None`: it says 404 to the one, 400 to the other.
async fn ask<A: Aws, R: Request<Reply = DomainName>>(aws: &A, request: R) -> Result<Option<DomainName>, Problem> {
    let call = request.call();
    match aws.call(&call).await {
        Ok(reply) => Ok(R::reply(reply)),
        Err(error) if error.remedy() == Remedy::Missing || is_refusal(&error) => Ok(None),
        Err(error) => Err(explain::problem(call.operation(), &call.subject(), &error)),
    }
}

fn is_refusal(error: &AwsError) -> bool {
    error.code() == Some("BadRequestException")
}
