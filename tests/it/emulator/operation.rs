//! Names AWS operations by method and path, from their public documentation and not from the program under test.

/// The operation of a request, such as `UpdateAlias`; method and path for one that is not known.
pub fn of(head: &str) -> String {
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let name = match (method, parts.as_slice()) {
        ("POST", []) => return codedeploy(head).unwrap_or("GetCallerIdentity").to_owned(),
        (method, [_, "functions", _, rest @ ..]) => lambda(method, rest),
        (method, ["restapis", _, rest @ ..]) => apigateway(method, rest),
        (method, ["v2", "apis", _, rest @ ..]) => apigatewayv2(method, rest),
        _ => "",
    };
    if name.is_empty() { format!("{method} {path}") } else { name.to_owned() }
}

/// CodeDeploy names its operations in a header.
fn codedeploy(head: &str) -> Option<&str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let target = headers.find(|(name, _)| name.eq_ignore_ascii_case("x-amz-target"))?.1;
    target.trim().strip_prefix("CodeDeploy_20141006.")
}

fn lambda(method: &str, rest: &[&str]) -> &'static str {
    match (method, rest) {
        ("GET", []) => "GetFunction",
        ("GET", ["versions"]) => "ListVersionsByFunction",
        ("POST", ["versions"]) => "PublishVersion",
        ("POST", ["aliases"]) => "CreateAlias",
        ("GET", ["aliases", _]) => "GetAlias",
        ("PUT", ["aliases", _]) => "UpdateAlias",
        ("DELETE", ["aliases", _]) => "DeleteAlias",
        ("GET", ["policy"]) => "GetPolicy",
        ("POST", ["policy"]) => "AddPermission",
        ("DELETE", ["policy", _]) => "RemovePermission",
        ("GET", ["provisioned-concurrency"]) => "GetProvisionedConcurrencyConfig",
        ("POST", ["invocations"]) => "Invoke",
        _ => "",
    }
}

fn apigateway(method: &str, rest: &[&str]) -> &'static str {
    match (method, rest) {
        ("GET", []) => "GetRestApi",
        ("POST", ["deployments"]) => "CreateDeployment",
        ("GET", ["deployments"]) => "GetDeployments",
        ("GET", ["deployments", _]) => "GetDeployment",
        ("GET", ["stages"]) => "GetStages",
        ("GET", ["stages", _]) => "GetStage",
        ("PATCH", ["stages", _]) => "UpdateStage",
        ("GET", ["stages", _, "exports", _]) => "GetExport",
        ("GET", ["resources"]) => "GetResources",
        ("GET", ["models"]) => "GetModels",
        ("GET", ["authorizers"]) => "GetAuthorizers",
        ("GET", ["requestvalidators"]) => "GetRequestValidators",
        ("GET", ["gatewayresponses"]) => "GetGatewayResponses",
        _ => "",
    }
}

fn apigatewayv2(method: &str, rest: &[&str]) -> &'static str {
    match (method, rest) {
        ("GET", []) => "GetApi",
        ("GET", ["routes"]) => "GetRoutes",
        ("GET", ["integrations"]) => "GetIntegrations",
        ("GET", ["exports", _]) => "ExportApi",
        ("GET" | "POST" | "PATCH", ["authorizers" | "stages" | "deployments", ..]) => apigateway(method, rest),
        _ => "",
    }
}

/// Whether it may change something. An operation that is not known counts by its method.
pub fn is_write(operation: &str) -> bool {
    !["Get", "List", "BatchGet", "GET ", "Invoke", "Export"].iter().any(|reads| operation.starts_with(reads))
}
