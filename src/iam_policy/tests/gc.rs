//! The policy of a clean-up: what it sends, and that nothing more is allowed.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt;

use super::super::{Purpose, policy};
use super::{Try, actions, allowed, scope, url, used};
use crate::aws::{Call, Operation};
use crate::clock::Clock;
use crate::demo::Shop;
use crate::engine::{Engine, Interrupt, Settings};
use crate::event::Silent;
use crate::gc::{self, Past, Rules, Want};
use crate::journal::MemoryJournal;
use crate::model::RunId;
use crate::plan::Observer;

/// Everything that a clean-up sends: of versions, deployments and the alias that a canary left.
fn calls_of_a_clean_up(start: fn() -> Try) -> Vec<Call> {
    let this = start();
    for code in ["a", "b"] {
        this.promote(None);
        let Shop { function, stage, .. } = &this.shop;
        this.world.clock().advance(Duration::from_secs(48 * 3600));
        this.world.edit(|account| {
            account.update_code(function, code, crate::world::Behaviour::default(), Duration::ZERO).unwrap();
            if account.apis.contains_key(&stage.api) {
                account.put_route(&stage.api, "GET", &format!("/{code}"), function, "live").unwrap();
            } else {
                account.put_http_route(&stage.api, &format!("GET /{code}"), function, "live").unwrap();
            }
        });
    }
    let Shop { function, alias, stage } = &this.shop;
    let left = "[sg1 01JD3K7Q4T0000000000000000 run x=20261121T1422Z 0>41 n=1 c]";
    let candidate = crate::model::candidate_alias(alias).unwrap();
    this.world.edit(|account| {
        account.put_alias(function, &candidate, 41, &[]).unwrap();
        account.describe_alias(function, &candidate, left).unwrap();
    });
    this.world.restart();
    let (clock, aliases) = (this.world.clock(), vec![(function.clone(), alias.clone())]);
    let want = Want { aliases, stage: Some(stage.clone()), neighbours: Vec::new(), region: "us-east-1".into() };
    let rules = Rules { keep: 1, older_than: gc::OLDER_THAN, others: true, now: clock.now() };
    let observer = Observer { aws: &this.world, clock: &clock, listener: &Silent };
    let observed = gc::observe(&observer, &want, Past::default()).now_or_never().unwrap().unwrap();
    let sweep = gc::sweep(&observed, &want, &rules);
    let (interrupt, journal, run) = (Interrupt::default(), MemoryJournal::default(), RunId::new(3_000_000, 3));
    let engine = Engine::new(&this.world, &clock, &Silent, &interrupt, journal, run, Settings::default());
    let swept = gc::delete(&engine, &observed, &want, &rules, &sweep).now_or_never().unwrap();
    assert_eq!(swept.stop, None);
    this.calls()
}

#[test]
fn cleaning_up_is_allowed_what_it_does_and_neither_to_move_anything_nor_to_delete_a_function() {
    let calls = [calls_of_a_clean_up(Try::new), calls_of_a_clean_up(Try::http), url::calls()].concat();
    let (used, allowed) = (used(Purpose::Gc, &calls), allowed(Purpose::Gc));
    assert_eq!(actions(&used), actions(&allowed));
    let sent: BTreeSet<Operation> = calls.iter().map(Call::operation).collect();
    for operation in [Operation::DeleteVersion, Operation::DeleteAlias, Operation::DeleteDeployment] {
        assert!(sent.contains(&operation), "{operation}");
    }
    for forbidden in ["lambda:UpdateAlias", "lambda:PublishVersion", "apigateway:PATCH", "apigateway:POST"] {
        assert!(!actions(&allowed).contains(forbidden), "{forbidden}");
    }
    let whole = |(action, resource): &&(String, String)| action == "lambda:DeleteFunction" && !resource.ends_with(":*");
    assert_eq!(allowed.iter().find(whole), None, "without a qualifier it would be the whole function");
    assert!(allowed.contains(&("lambda:DeleteFunction".into(), arn("checkout-api:*"))));
    for other in [Purpose::Read, Purpose::Rollback, Purpose::Promote] {
        let text = policy(other, &scope()).to_string();
        assert!(!text.contains("DeleteFunction") && !text.contains("apigateway:DELETE"), "{other:?}");
    }
}

fn arn(rest: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{rest}")
}
