//! What a URL says by itself: an API's default endpoint, or a custom domain name.

use std::str::FromStr;

use crate::model::{ApiId, InvalidName};

/// An address of API Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `https://API.execute-api.REGION.SUFFIX/…`, in any partition.
    DefaultEndpoint {
        /// The API.
        api: ApiId,
        /// Its region.
        region: String,
        /// The VPC endpoint that the host names, of a private API (`API-VPCE.execute-api.…`).
        vpc_endpoint: Option<String>,
        /// The path as written, from `/` on, without query and fragment.
        path: String,
    },
    /// Any other host: a custom domain name, if API Gateway answers there at all.
    CustomDomain {
        /// Lower case, without a dot at its end.
        host: String,
        /// The path as written, from `/` on, without query and fragment.
        path: String,
    },
}

/// Why a text is no address that could be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// No `https://`.
    #[error("API Gateway answers on https:// only")]
    Scheme,
    /// `wss://` or `ws://`.
    #[error("it is the URL of a WebSocket API; only REST and HTTP APIs have stages that can be followed")]
    WebSocket,
    /// No host.
    #[error("the URL names no host")]
    NoHost,
    /// An IPv4 or IPv6 address.
    #[error("the host is an IP address: API Gateway knows an API by the name it is called by")]
    IpAddress,
    /// Another port than 443.
    #[error("API Gateway answers on port 443 only; what listens on port {0} stands before it, or is something else")]
    Port(String),
    /// A VPC endpoint's own name.
    #[error("the host is a VPC endpoint, which serves many APIs: which one, a request says in a header")]
    VpcEndpoint,
    /// What DNS leads a custom domain name to.
    #[error("the host is what a custom domain name leads to, and answers only to requests made by that name")]
    DomainTarget,
    /// The id in the host breaks a rule.
    #[error(transparent)]
    Api(#[from] InvalidName),
}

impl Address {
    /// The path as written, from `/` on, without query and fragment.
    pub fn path(&self) -> &str {
        match self {
            Self::DefaultEndpoint { path, .. } | Self::CustomDomain { path, .. } => path,
        }
    }

    /// The region that the host names.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::DefaultEndpoint { region, .. } => Some(region),
            Self::CustomDomain { .. } => None,
        }
    }

    /// Reads what a URL says after its scheme, such as `api.example.com/v1`.
    ///
    /// # Errors
    /// As [`Address::from_str`], scheme apart.
    pub fn without_scheme(text: &str) -> Result<Self, NotAnAddress> {
        let (authority, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        let host = host_of(authority)?;
        let labels: Vec<&str> = host.split('.').collect();
        match labels.as_slice() {
            [_, "execute-api", region, "vpce", ..] if is_region(region) => Err(NotAnAddress::VpcEndpoint),
            [label, "execute-api", region, _, ..] if is_region(region) => endpoint(label, region, path),
            _ => Ok(Self::CustomDomain { host, path }),
        }
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    /// Reads a URL. User information, query and fragment say nothing of where it leads.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(NotAnAddress::Scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Self::without_scheme(rest),
            "wss" | "ws" => Err(NotAnAddress::WebSocket),
            _ => Err(NotAnAddress::Scheme),
        }
    }
}

/// The host in lower case, without user information and port.
fn host_of(authority: &str) -> Result<String, NotAnAddress> {
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    if authority.starts_with('[') {
        return Err(NotAnAddress::IpAddress);
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if !matches!(port, "" | "443") {
        return Err(NotAnAddress::Port(port.to_owned()));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host.is_empty() {
        return Err(NotAnAddress::NoHost);
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err(NotAnAddress::IpAddress);
    }
    Ok(host)
}

/// The first label of an `execute-api` host: the API, the API and a VPC endpoint (developer guide, private APIs), or,
/// after `d-`, what a regional custom domain name leads to (API model, `regionalDomainName`).
fn endpoint(label: &str, region: &str, path: String) -> Result<Address, NotAnAddress> {
    if label.starts_with("vpce-") {
        return Err(NotAnAddress::VpcEndpoint);
    }
    let (api, vpc_endpoint) = match label.split_once('-') {
        Some(("d", _)) => return Err(NotAnAddress::DomainTarget),
        Some((api, vpce)) if vpce.starts_with("vpce-") => (api, Some(vpce.to_owned())),
        Some(_) | None => (label, None),
    };
    Ok(Address::DefaultEndpoint { api: api.parse()?, region: region.to_owned(), vpc_endpoint, path })
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`: what no label of a name that somebody registered looks like.
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let words =
        |words: &[&str]| words.iter().all(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase()));
    match parts.as_slice() {
        [above @ .., number] => above.len() >= 2 && words(above) && number.parse::<u8>().is_ok(),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_endpoint(region: &str, vpc_endpoint: Option<&str>, path: &str) -> Address {
        Address::DefaultEndpoint {
            api: "a1b2c3d4e5".parse().unwrap(),
            region: region.into(),
            vpc_endpoint: vpc_endpoint.map(str::to_owned),
            path: path.into(),
        }
    }

    fn custom(host: &str, path: &str) -> Address {
        Address::CustomDomain { host: host.into(), path: path.into() }
    }

    #[test]
    fn the_host_says_which_api_or_that_it_is_a_custom_domain_name() {
        for (url, wanted) in [
            (
                "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
                default_endpoint("us-east-1", None, "/prod"),
            ),
            ("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", default_endpoint("us-east-1", None, "/")),
            ("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com?x=1", default_endpoint("us-east-1", None, "/")),
            (
                "HTTPS://A1B2C3D4E5.Execute-API.cn-north-1.amazonaws.com.cn:443/Prod/v1?x=/y",
                default_endpoint("cn-north-1", None, "/Prod/v1"),
            ),
            (
                "https://a1b2c3d4e5.execute-api.us-gov-west-1.amazonaws.com/prod/#top",
                default_endpoint("us-gov-west-1", None, "/prod/"),
            ),
            (
                "https://a1b2c3d4e5.execute-api.us-iso-east-1.c2s.ic.gov/prod",
                default_endpoint("us-iso-east-1", None, "/prod"),
            ),
            (
                "https://a1b2c3d4e5.execute-api.eusc-de-east-1.amazonaws.eu/prod",
                default_endpoint("eusc-de-east-1", None, "/prod"),
            ),
            (
                "https://a1b2c3d4e5-vpce-0f1e.execute-api.us-east-1.amazonaws.com/prod#top",
                default_endpoint("us-east-1", Some("vpce-0f1e"), "/prod"),
            ),
            ("  https://api.example.com/v1/orders \n", custom("api.example.com", "/v1/orders")),
            ("https://API.Example.COM./V1//orders/%7Eme?a=b#c", custom("api.example.com", "/V1//orders/%7Eme")),
            ("https://me:secret@api.example.com:443", custom("api.example.com", "/")),
            ("https://api.example.com:/x", custom("api.example.com", "/x")),
            ("https://api.example.com#/x", custom("api.example.com", "/")),
            ("https://execute-api.example.com/checkout", custom("execute-api.example.com", "/checkout")),
            ("https://a1.execute-api.example.com/checkout", custom("a1.execute-api.example.com", "/checkout")),
        ] {
            assert_eq!(url.parse(), Ok(wanted), "{url}");
        }
        assert_eq!(Address::without_scheme("api.example.com/checkout"), Ok(custom("api.example.com", "/checkout")));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_name() {
        for (url, wanted) in [
            ("http://api.example.com/", NotAnAddress::Scheme),
            ("api.example.com/v1", NotAnAddress::Scheme),
            ("ftp://api.example.com/", NotAnAddress::Scheme),
            ("wss://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod", NotAnAddress::WebSocket),
            ("WS://api.example.com/", NotAnAddress::WebSocket),
            ("https:///v1", NotAnAddress::NoHost),
            ("https://", NotAnAddress::NoHost),
            ("https://192.0.2.7/v1", NotAnAddress::IpAddress),
            ("https://[2001:db8::1]:443/v1", NotAnAddress::IpAddress),
            ("https://api.example.com:8443/v1", NotAnAddress::Port("8443".into())),
            ("https://vpce-0f1e-ab12.execute-api.us-east-1.vpce.amazonaws.com/prod", NotAnAddress::VpcEndpoint),
            ("https://vpce-0f1e.execute-api.us-east-1.amazonaws.com/prod", NotAnAddress::VpcEndpoint),
            ("https://d-a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/v1", NotAnAddress::DomainTarget),
        ] {
            assert_eq!(url.parse::<Address>(), Err(wanted), "{url}");
        }
        let odd = "https://a_b.execute-api.us-east-1.amazonaws.com/prod".parse::<Address>();
        assert!(matches!(odd, Err(NotAnAddress::Api(InvalidName { what: "API id", .. }))), "{odd:?}");
    }
}
