//! The source ARNs under which API Gateway calls a function (aws-semantics §4.3).

/// Of a REST method. The request's own path is matched, so that every `{parameter}` becomes `*`, and so does `ANY`.
pub fn source_arn(
    partition: &str,
    region: &str,
    account: &str,
    api: &str,
    stage: &str,
    method: &str,
    path: &str,
) -> String {
    let method = if method.eq_ignore_ascii_case("ANY") { "*" } else { method };
    format!("arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{method}/{}", request_path(path))
}

/// Of a route of an HTTP API, whose template is matched with its braces; `$default` has no method part.
pub fn http_route_arn(partition: &str, region: &str, account: &str, api: &str, stage: &str, route_key: &str) -> String {
    let base = format!("arn:{partition}:execute-api:{region}:{account}:{api}/{stage}");
    match route_key.split_once(' ') {
        Some((method, path)) => {
            let method = if method.eq_ignore_ascii_case("ANY") { "*" } else { method };
            format!("{base}/{method}/{}", path.trim_start_matches('/'))
        }
        None => format!("{base}/{route_key}"),
    }
}

/// Of a Lambda authorizer, on every stage.
pub fn authorizer_arn(partition: &str, region: &str, account: &str, api: &str, authorizer_id: &str) -> String {
    format!("arn:{partition}:execute-api:{region}:{account}:{api}/authorizers/{authorizer_id}")
}

/// Of every route of a stage, REST or HTTP.
pub fn stage_arn(partition: &str, region: &str, account: &str, api: &str, stage: &str) -> String {
    format!("arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/*")
}

/// A resource path without its first slash, each `{…}` replaced by `*`.
fn request_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((_name, after)) => {
                out.push('*');
                rest = after;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_methods_are_matched_by_request_path() {
        let tail = |method: &str, path: &str| {
            let arn = source_arn("aws", "eu-west-1", "111111111111", "abc", "prod", method, path);
            arn.strip_prefix("arn:aws:execute-api:eu-west-1:111111111111:abc/prod").unwrap().to_owned()
        };
        assert_eq!(tail("GET", "/pets"), "/GET/pets");
        assert_eq!(tail("GET", "/pets/{id}"), "/GET/pets/*");
        assert_eq!(tail("GET", "/a/{x}/b/{y}"), "/GET/a/*/b/*");
        assert_eq!(tail("ANY", "/{proxy+}"), "/*/*");
        assert_eq!(tail("GET", "/"), "/GET/");
        assert_eq!(tail("GET", "/v{major}.0/pets"), "/GET/v*.0/pets");
    }

    #[test]
    fn http_routes_keep_their_template() {
        let tail = |key: &str| {
            let arn = http_route_arn("aws-cn", "cn-north-1", "111111111111", "abc", "$default", key);
            arn.strip_prefix("arn:aws-cn:execute-api:cn-north-1:111111111111:abc/$default").unwrap().to_owned()
        };
        assert_eq!(tail("GET /pets/{id}"), "/GET/pets/{id}");
        assert_eq!(tail("ANY /{proxy+}"), "/*/{proxy+}");
        assert_eq!(tail("$default"), "/$default");
    }

    #[test]
    fn authorizers_have_no_stage_and_a_stage_covers_its_routes() {
        let authorizer = authorizer_arn("aws", "eu-west-1", "1", "abc", "x9");
        assert_eq!(authorizer, "arn:aws:execute-api:eu-west-1:1:abc/authorizers/x9");
        let stage = stage_arn("aws", "eu-west-1", "1", "abc", "prod");
        for route in [
            source_arn("aws", "eu-west-1", "1", "abc", "prod", "ANY", "/{proxy+}"),
            source_arn("aws", "eu-west-1", "1", "abc", "prod", "GET", "/"),
            http_route_arn("aws", "eu-west-1", "1", "abc", "prod", "$default"),
        ] {
            assert!(crate::policy::glob::arn_parts(&stage, &route, crate::policy::glob::covers), "{route}");
        }
        assert!(!crate::policy::glob::arn_parts(&stage, &authorizer, crate::policy::glob::covers));
    }
}
