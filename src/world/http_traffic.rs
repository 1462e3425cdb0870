//! What a request to a stage of an HTTP API would get at this instant.

use super::account::{Account, Settings};
use super::http::HttpApi;
use super::traffic::{Arm, Failure, Request, Served, Shares, answers, broken, rank, sample_path};
use crate::aws::noun::HttpRoute;
use crate::definition::HttpLive;
use crate::model::ApiId;

/// The route that takes what no other route does.
const DEFAULT: &str = "$default";

impl Account {
    pub(super) fn serve_http(&self, api: &HttpApi, request: &Request) -> Served {
        let Some(stage) = api.stages.get(&request.stage) else {
            return Served(answers(1.0, false, Err(Failure { status: 404, why: "Not Found: no such stage".into() })));
        };
        let variables = stage.variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let arm = Arm { share: 1.0, canary: false, deployment: &stage.deployment, variables };
        Served(answers(1.0, false, self.run_http(api, request, &arm)))
    }

    fn run_http(&self, api: &HttpApi, request: &Request, arm: &Arm<'_>) -> Result<Shares, Failure> {
        let missing = || Failure { status: 404, why: "Not Found: no such route".into() };
        // A stage that was never deployed has no routes.
        let live = match api.deployments.get(arm.deployment) {
            None if arm.deployment.is_empty() => return Err(missing()),
            None => return Err(broken(format!("no deployment {}", arm.deployment))),
            Some(snapshot) => &snapshot.live,
        };
        let route = find_route(live, request).ok_or_else(missing)?;
        let Settings { partition, region, account, .. } = &self.settings;
        let base = format!("arn:{partition}:execute-api:{region}:{account}:{}", request.api);
        if let Some(authorizer) = live.authorizer(route)
            && let Some(uri) = &authorizer.authorizer_uri
        {
            let source = format!("{base}/authorizers/{}", authorizer.id);
            let asked = authorizer.authorizer_credentials_arn.is_none().then_some(source);
            let refused = |failure: Failure| Failure { why: format!("authorizer: {}", failure.why), ..failure };
            for (_, result) in self.reach(uri, &arm.variables, asked.as_deref()).map_err(refused)? {
                result.map_err(refused)?;
            }
        }
        let Some(integration) = live.integration(route) else { return Err(broken("no integration")) };
        let is_function = integration.integration_type.as_deref() == Some("AWS_PROXY");
        let Some(uri) = integration.integration_uri.as_ref().filter(|_| is_function) else { return Ok(Vec::new()) };
        // The template is matched, not the path that was sent (aws-semantics §1.13).
        let matched = match route.route_key.split_once(' ') {
            Some((_, template)) => format!("{}{template}", request.method),
            None => route.route_key.clone(),
        };
        let source = format!("{base}/{}/{matched}", request.stage);
        let asked = integration.credentials_arn.is_none().then_some(source);
        self.reach(uri, &arm.variables, asked.as_deref())
    }
}

/// The most specific route: a literal path before parameters before a greedy one, the method before `ANY`, `$default`
/// last.
fn find_route<'a>(live: &'a HttpLive, request: &Request) -> Option<&'a HttpRoute> {
    let matching = live.routes.iter().filter_map(|route| {
        let (method, template) = route.route_key.split_once(' ')?;
        let is_method = method == request.method;
        let rank = rank_of(template, &request.path).filter(|_| is_method || method == "ANY")?;
        Some(((rank, is_method), route))
    });
    let best = matching.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, route)| route);
    best.or_else(|| live.routes.iter().find(|route| route.route_key == DEFAULT))
}

/// As [`rank`], but only a greedy variable takes a slash at the end, and may then be empty.
fn rank_of(template: &str, path: &str) -> Option<Vec<u8>> {
    if path == "/" || !path.ends_with('/') {
        return rank(template, path);
    }
    let (above, last) = template.rsplit_once('/')?;
    if !last.ends_with("+}") {
        return None;
    }
    let empty = rank(above, path).map(|mut ranks| {
        ranks.push(0);
        ranks
    });
    empty.or_else(|| rank(template, path))
}

/// A sample request for every route that some stage serves.
pub(super) fn samples(id: &ApiId, api: &HttpApi) -> Vec<Request> {
    let request = |stage: &crate::model::StageName, method: &str, path: String| Request {
        api: id.clone(),
        stage: stage.clone(),
        method: method.to_owned(),
        path,
    };
    let mut all = Vec::new();
    for (name, stage) in &api.stages {
        let routes = api.deployments.get(&stage.deployment).into_iter().flat_map(|snapshot| &snapshot.live.routes);
        for route in routes {
            match route.route_key.split_once(' ') {
                None => all.push(request(name, "GET", "/no/route/of/its/own".into())),
                Some(("ANY", path)) => {
                    all.extend(["GET", "DELETE"].map(|method| request(name, method, sample_path(path))));
                }
                Some((method, path)) => all.push(request(name, method, sample_path(path))),
            }
        }
    }
    all
}
