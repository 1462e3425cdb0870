use serde_json::json;

use super::*;

fn table(kind: ApiKind, keys: &[&str]) -> RouteTable {
    let live = |key: &&str| crate::aws::noun::HttpRoute { route_key: (*key).to_owned(), ..Default::default() };
    let http = RouteTable::of_http(&HttpLive { routes: keys.iter().map(live).collect(), ..HttpLive::default() });
    RouteTable { kind, ..http }
}

fn shown(found: &RouteMatch) -> String {
    match found {
        RouteMatch::Route { path, method } => format!("{method} {path}"),
        RouteMatch::Default => "$default".into(),
        RouteMatch::Preflight => "preflight".into(),
        RouteMatch::NoMethod { path, methods } => format!("{path} has only {}", methods.join(" ")),
        RouteMatch::NoPath => "no path".into(),
    }
}

const PETS: &[&str] = &[
    "GET /",
    "GET /pets",
    "POST /pets",
    "GET /pets/{id}",
    "ANY /pets/new",
    "GET /pets/{id}/toys/{toy}",
    "DELETE /pets/{id}/toys/{toy}",
    "GET /pets/{id}/{proxy+}",
    "ANY /files/{proxy+}",
];

#[test]
fn a_rest_api_takes_the_most_specific_path_and_then_the_method() {
    let table = table(ApiKind::Rest, PETS);
    for (request, wanted) in [
        ("GET /", "GET /"),
        ("GET /pets", "GET /pets"),
        ("get /pets/", "GET /pets"),
        ("DELETE /pets", "/pets has only GET POST"),
        ("GET /pets/7", "GET /pets/{id}"),
        ("GET /pets/new", "ANY /pets/new"),
        ("DELETE /pets/new", "ANY /pets/new"),
        ("PUT /pets/7", "/pets/{id} has only GET"),
        ("DELETE /pets/7/toys/3", "DELETE /pets/{id}/toys/{toy}"),
        ("GET /pets/7/toys/3/x", "GET /pets/{id}/{proxy+}"),
        ("GET /pets/7/vets", "GET /pets/{id}/{proxy+}"),
        ("GET /pets/7/toys", "GET /pets/{id}/{proxy+}"),
        ("POST /files/a/b/c", "ANY /files/{proxy+}"),
        ("POST /files", "no path"),
        ("POST /files/", "no path"),
        ("GET /Pets", "no path"),
        ("GET /p%65ts/a%2Fb", "GET /pets/{id}"),
        ("GET /nothing", "no path"),
        ("GET //pets", "no path"),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(shown(&table.find(method, path)), wanted, "{request}");
    }
    assert_eq!(table.kind().no_route(), (403, "Missing Authentication Token"));
}

#[test]
fn an_http_api_takes_the_most_specific_path_that_has_the_method() {
    let mut table = table(ApiKind::Http, PETS);
    for (request, wanted, or_default) in [
        ("GET /pets", "GET /pets", "GET /pets"),
        ("GET /pets/", "no path", "$default"),
        ("DELETE /pets", "/pets has only GET POST", "$default"),
        ("GET /pets/new", "ANY /pets/new", "ANY /pets/new"),
        ("GET /pets/7/toys/3", "GET /pets/{id}/toys/{toy}", "GET /pets/{id}/toys/{toy}"),
        ("GET /pets/7/toys/3/", "GET /pets/{id}/{proxy+}", "GET /pets/{id}/{proxy+}"),
        ("GET /pets/7/", "GET /pets/{id}/{proxy+}", "GET /pets/{id}/{proxy+}"),
        ("POST /files/", "ANY /files/{proxy+}", "ANY /files/{proxy+}"),
        ("POST /files", "no path", "$default"),
        ("PUT /nothing", "no path", "$default"),
        ("GET /", "GET /", "GET /"),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        table.default = false;
        assert_eq!(shown(&table.find(method, path)), wanted, "{request}");
        table.default = true;
        assert_eq!(shown(&table.find(method, path)), or_default, "{request}");
    }
    let guide = self::table(
        ApiKind::Http,
        &["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"],
    );
    for (request, wanted) in [
        ("GET /pets/dog/1", "GET /pets/dog/1"),
        ("GET /pets/dog/2", "GET /pets/dog/{id}"),
        ("GET /pets/cat/1", "GET /pets/{proxy+}"),
        ("POST /test/5", "ANY /{proxy+}"),
        ("POST /pets/dog/1", "ANY /{proxy+}"),
        ("POST /", "$default"),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(shown(&guide.find(method, path)), wanted, "{request}");
    }
    assert_eq!(guide.kind().no_route(), (404, "Not Found"));
}

#[test]
fn live_definition_and_export_give_the_same_table() {
    let rest = crate::definition::sample::live();
    let export = RouteTable::of_export(ApiKind::Rest, &crate::definition::sample::export()).unwrap();
    assert_eq!(RouteTable::of_rest(&rest), export);
    let http = table(ApiKind::Http, &["GET /pets/{id}", "ANY /{proxy+}", "$default"]);
    let export = json!({"openapi": "3.0.1", "paths": {
        "/$default": {"x-amazon-apigateway-any-method": {}},
        "/pets/{id}": {"get": {}, "parameters": []},
        "/{proxy+}": {"x-amazon-apigateway-any-method": {}},
        "/empty": {},
    }});
    assert_eq!(RouteTable::of_export(ApiKind::Http, &export), Some(http));
    assert_eq!(RouteTable::of_export(ApiKind::Http, &json!({"openapi": "3.0.1"})), None);
}

#[test]
fn preflight_requests_are_answered_by_the_cors_settings_unless_a_route_is() {
    let of = |keys: &[&str]| RouteTable { cors: true, ..table(ApiKind::Http, keys) };
    assert_eq!(of(PETS).find("OPTIONS", "/pets"), RouteMatch::Preflight);
    assert!(of(PETS).find("OPTIONS", "/pets").is_answered());
    let explicit = of(&["OPTIONS /pets", "GET /pets"]).find("OPTIONS", "/pets");
    assert_eq!(shown(&explicit), "OPTIONS /pets");
    assert_eq!(shown(&table(ApiKind::Http, PETS).find("OPTIONS", "/pets")), "/pets has only GET POST");
}
