//! The route that a request reaches within a stage: in what the stage serves (an export), or in what is live.

use serde_json::Value;

use super::path::decoded;
use crate::definition::{HttpLive, Live, LiveApi, export_verb};

/// The kinds of API whose routes can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// A REST API.
    Rest,
    /// An HTTP API.
    Http,
}

/// The methods and paths that an API answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    kind: ApiKind,
    /// (path with its braces, method or `ANY`), sorted.
    routes: Vec<(String, String)>,
    /// There is a `$default` route.
    default: bool,
    /// API Gateway answers preflight requests by itself.
    cors: bool,
}

/// What a request finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteMatch {
    /// A route.
    Route {
        /// The path with its braces.
        path: String,
        /// The method as the API defines it: the request's, or `ANY`.
        method: String,
    },
    /// The `$default` route of an HTTP API.
    Default,
    /// No route: the CORS settings of an HTTP API answer (developer guide, CORS for HTTP APIs).
    Preflight,
    /// The path is there, and has other methods.
    NoMethod {
        /// The path with its braces; the most specific one.
        path: String,
        /// Its methods, sorted.
        methods: Vec<String>,
    },
    /// No path matches.
    NoPath,
}

impl RouteMatch {
    /// Whether the request is answered.
    pub const fn is_answered(&self) -> bool {
        matches!(self, Self::Route { .. } | Self::Default | Self::Preflight)
    }
}

/// The path under which an export shows the `$default` route.
const DEFAULT: &str = "$default";

impl RouteTable {
    /// Of what is live.
    pub fn of_live(live: &LiveApi) -> Self {
        match live {
            LiveApi::Rest(live) => Self::of_rest(live),
            LiveApi::Http(live) => Self::of_http(live),
        }
    }

    /// Of the live definition of a REST API.
    pub fn of_rest(live: &Live) -> Self {
        let routes = live.methods().into_keys().map(|(path, method)| (path.to_owned(), method.to_ascii_uppercase()));
        Self::new(ApiKind::Rest, routes.collect(), false)
    }

    /// Of the live definition of an HTTP API.
    pub fn of_http(live: &HttpLive) -> Self {
        let route = |key: &str| match key.split_once(' ') {
            Some((method, path)) => (path.to_owned(), method.to_ascii_uppercase()),
            None => (format!("/{key}"), "ANY".to_owned()),
        };
        let routes = live.routes.iter().map(|found| route(&found.route_key)).collect();
        Self::new(ApiKind::Http, routes, live.api.cors_configuration.is_some())
    }

    /// Of an export: of a stage, what it serves. None when the document has no paths.
    pub fn of_export(kind: ApiKind, export: &Value) -> Option<Self> {
        let mut routes = Vec::new();
        for (path, item) in export.get("paths")?.as_object()? {
            let methods = item.as_object().into_iter().flatten().filter_map(|(key, _)| export_verb(key));
            routes.extend(methods.map(|method| (path.clone(), method)));
        }
        Some(Self::new(kind, routes, export.get("x-amazon-apigateway-cors").is_some()))
    }

    fn new(kind: ApiKind, mut routes: Vec<(String, String)>, cors: bool) -> Self {
        let is_default = |path: &str| kind == ApiKind::Http && path.strip_prefix('/') == Some(DEFAULT);
        let default = routes.iter().any(|(path, _)| is_default(path));
        routes.retain(|(path, _)| !is_default(path));
        routes.sort();
        Self { kind, routes, default, cors }
    }

    /// Which kind of API it is of.
    pub const fn kind(&self) -> ApiKind {
        self.kind
    }

    /// Paths with their braces and methods, sorted; `$default` apart.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.routes.iter().map(|(path, method)| (path.as_str(), method.as_str()))
    }

    /// The route that gets a request; `path` begins below stage and base path ([`super::Mapped::path`]).
    ///
    /// A literal segment comes before `{x}`, and that before `{x+}`, segment by segment. A REST API takes the most
    /// specific path, and then looks for the method there and for `ANY`; an HTTP API takes the most specific path that
    /// has the method or `ANY`, and else `$default` (developer guide, routing API requests).
    pub fn find(&self, method: &str, path: &str) -> RouteMatch {
        let (method, path) = (method.to_ascii_uppercase(), decoded(path));
        let mut matching: Vec<(Specificity, &str)> = Vec::new();
        for (template, _) in &self.routes {
            if matching.last().is_none_or(|(_, last)| last != template)
                && let Some(found) = specificity(self.kind, template, &path)
            {
                matching.push((found, template));
            }
        }
        matching.sort_by(|(a, _), (b, _)| b.cmp(a));
        let considered = match self.kind {
            ApiKind::Rest => &matching[..matching.len().min(1)],
            ApiKind::Http => &matching[..],
        };
        let serves = |template: &str| {
            let has = |wanted: &str| self.methods(template).any(|defined| defined == wanted);
            let defined = [method.as_str(), "ANY"].into_iter().find(|wanted| has(wanted))?;
            Some(RouteMatch::Route { path: template.to_owned(), method: defined.to_owned() })
        };
        if self.cors && method == "OPTIONS" && !self.routes().any(|(_, defined)| defined == "OPTIONS") {
            return RouteMatch::Preflight;
        }
        match considered.iter().find_map(|(_, template)| serves(template)) {
            Some(found) => found,
            None if self.default => RouteMatch::Default,
            None => match matching.first() {
                Some((_, path)) => RouteMatch::NoMethod {
                    path: (*path).to_owned(),
                    methods: self.methods(path).map(str::to_owned).collect(),
                },
                None => RouteMatch::NoPath,
            },
        }
    }

    fn methods<'a>(&'a self, template: &'a str) -> impl Iterator<Item = &'a str> {
        self.routes().filter(move |(path, _)| *path == template).map(|(_, method)| method)
    }
}

impl ApiKind {
    /// Status and message with which API Gateway answers a request for which there is no route (developer guide; a REST
    /// API takes it for an unsigned request to something unknown).
    pub const fn no_route(self) -> (u16, &'static str) {
        match self {
            Self::Rest => (403, "Missing Authentication Token"),
            Self::Http => (404, "Not Found"),
        }
    }
}

/// How specifically each segment of a template matches; a greater one is asked first.
type Specificity = Vec<Segment>;

/// What a segment of a template is, the least specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// `{x+}`.
    Greedy,
    /// `{x}`.
    Parameter,
    /// The segment itself.
    Literal,
}

/// None when the template does not match. To a REST API a slash at the end says nothing [issue: powertools-lambda-python
/// 1552]; to an HTTP API only a greedy variable takes it, which may then be empty [issue: w3infra 166].
fn specificity(kind: ApiKind, template: &str, path: &str) -> Option<Specificity> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let path = if kind == ApiKind::Rest { trimmed } else { path };
    let mut given = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut found = Specificity::new();
    for segment in template.strip_prefix('/').unwrap_or(template).split('/') {
        let value = given.next()?;
        match segment {
            _ if segment.starts_with('{') && segment.ends_with("+}") => {
                let below_something = kind == ApiKind::Http && !found.is_empty();
                found.push(Segment::Greedy);
                return (!value.is_empty() || below_something).then_some(found);
            }
            _ if segment.starts_with('{') && segment.ends_with('}') => {
                found.push(Segment::Parameter);
                if value.is_empty() {
                    return None;
                }
            }
            _ if segment == value => found.push(Segment::Literal),
            _ => return None,
        }
    }
    given.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests;
