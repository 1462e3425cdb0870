//! Messages that only AWS can bring about: whose fault it is, and what to type.

use super::Desk;
use crate::problem::{Code, Exit};
use crate::report::Shape;
use crate::world::Fault;

#[test]
fn a_stage_canary_of_an_http_api_is_shown_where_the_file_asks_for_it() {
    let desk = Desk::new(Shape::Human);
    let api = "h1b2c3d4e5".parse().unwrap();
    desk.world.edit(|account| {
        account.create_http_api(&api, "pets");
        let uri = "${stageVariables.lambdaAlias}";
        account.put_http_route(&api, "GET /pets", &super::pets(), uri).unwrap();
        account.create_http_stage(&api, &"prod".parse().unwrap(), false, &[("lambdaAlias", "live")]).unwrap();
    });
    let file = "schema = 1\n[target.prod]\nfunctions = [\"pets\"]\nalias = \"live\"\napi = \"h1b2c3d4e5\"\nstage = \"prod\"\n\
        alias_variable = \"lambdaAlias\"\n[target.prod.canary]\nmode  = \"stage\"\nsteps = [\"10% 5m\"]\n";
    std::fs::write(desk.folder.path().join("stagegate.toml"), file).unwrap();
    let problem = desk.promote("prod --yes").unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::Unsupported, Exit::Usage));
    insta::assert_snapshot!(problem.render(88));
    let asked = file.replace("mode  = \"stage\"", "mode  = \"alias\"");
    std::fs::write(desk.folder.path().join("stagegate.toml"), asked).unwrap();
    let problem = desk.promote("prod --yes --canary-mode stage").unwrap_err();
    assert_eq!((problem.code, problem.span), (Code::Unsupported, None), "the file is not to blame for a flag");
}

#[test]
fn credentials_that_end_before_the_first_write_are_no_release_in_between() {
    let desk = Desk::new(Shape::Human);
    (0..200).for_each(|at| desk.world.inject(at, Fault::expired()));
    let problem = desk.promote("prod --yes").unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::ExpiredCredentials, Exit::Access));
    assert_eq!(problem.fix[0], "sign in again: aws sso login");
}
