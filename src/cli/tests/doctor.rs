//! `doctor` over a model of AWS.

use futures_util::FutureExt as _;

use super::super::args::Command;
use super::super::doctor::{address, show};
use super::super::end::End;
use super::super::target::{Need, locate};
use super::{Desk, parse};
use crate::aws::Operation;
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;

pub(super) const URL: &str = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/pets";

pub(super) fn doctor(desk: &Desk, line: &str) -> Result<End, Problem> {
    let Command::Doctor(args) = parse(&format!("doctor {line}")) else { panic!("{line}") };
    let address = address(&args.url)?;
    let located = locate(&desk.app, &args.url, Need::Place, None)?;
    show(&desk.app, &located, &desk.session(), &address, &args).now_or_never().unwrap()
}

fn requests(desk: &Desk) -> usize {
    let sent = [Operation::InvokeStage, Operation::RequestUrl];
    desk.operations().iter().filter(|operation| sent.contains(operation)).count()
}

#[test]
fn a_url_is_followed_and_no_request_is_sent_unless_asked_for() {
    let desk = Desk::new(Shape::Human);
    assert_eq!(doctor(&desk, &format!("{URL} --method post")).unwrap().exit(), Exit::Findings);
    let said = desk.out.text();
    for line in [
        "POST /pets answers 403 \"Missing Authentication Token\": the stage serves no such\n",
        "fix   stagegate redeploy a1b2c3d4e5/prod",
        &format!("after the fixes: stagegate doctor {URL} \\\n"),
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    assert_eq!(requests(&desk), 0);
}

#[test]
fn a_retest_counts_what_clients_get() {
    let desk = Desk::new(Shape::Human);
    doctor(&desk, &format!("{URL} --retest")).unwrap();
    assert!(desk.out.text().contains("20 requests: 20 × 200"), "{}", desk.out.text());
    assert_eq!(requests(&desk), 20);
    let denied = Desk::new(Shape::Document);
    denied.world.edit(|account| account.drop_policy(&super::pets(), &super::live()).unwrap());
    assert_eq!(doctor(&denied, &format!("{URL} --retest")).unwrap().exit(), Exit::Findings);
    let document: serde_json::Value = serde_json::from_str(&denied.out.text()).unwrap();
    assert_eq!(document["retest"]["statuses"]["500"], 20);
    assert_eq!(document["sections"].as_array().unwrap().last().unwrap()["findings"][0]["code"], "SG-D601");
}

#[test]
fn what_is_no_url_of_api_gateway_is_refused_with_the_way_to_write_it() {
    let desk = Desk::new(Shape::Human);
    for text in ["http://api.example.com/x", "wss://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod", "prod"] {
        let problem = doctor(&desk, text).unwrap_err();
        assert_eq!((problem.code, problem.exit), (Code::UnresolvedUrl, Exit::Usage), "{text}");
    }
}

#[test]
fn a_domain_or_an_api_that_nobody_knows_is_a_finding_with_a_list_to_look_at() {
    for (url, line, fix) in [
        (
            "https://api.example.com/x",
            "API Gateway knows no custom domain name api.example.com",
            "aws apigateway get-domain-names",
        ),
        (
            "https://zzzzzzzzzz.execute-api.us-east-1.amazonaws.com/prod",
            "have no API zzzzzzzzzz",
            "aws apigateway get-rest-apis",
        ),
    ] {
        let desk = Desk::new(Shape::Human);
        assert_eq!(doctor(&desk, url).unwrap().exit(), Exit::Findings);
        let said = desk.out.text();
        assert!(said.contains("D102") && said.contains(line) && said.contains(fix), "{said}");
    }
}
