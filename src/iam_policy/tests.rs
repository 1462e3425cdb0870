#[cfg(test)]
mod gc;

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::*;
use crate::aws::noun::{AlarmValue, HttpAuthorizer};
use crate::aws::operation::GetAlias;
use crate::aws::{AwsExt, Call};
use crate::clock::Clock;
use crate::demo::Shop;
use crate::engine::{Engine, Interrupt, Settings};
use crate::event::Silent;
use crate::journal::MemoryJournal;
use crate::model::{CanaryMode, Expect, RunId, StageCheck, Target, schedule};
use crate::plan::{Choice, Observer, Plan, plan};
use crate::policy::glob;
use crate::rollback::{Emergency, Part, Seen};
use crate::world::{Fault, Load, Request, World};

mod see;
mod url;

fn scope() -> PolicyScope {
    let shop = Shop::new().unwrap();
    PolicyScope {
        partition: "aws".into(),
        region: "us-east-1".into(),
        account: "123456789012".into(),
        functions: vec![shop.function],
        alias: shop.alias,
        stage: Some(shop.stage),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        many => many.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
    }
}

/// Action and resource of every statement, each with each.
fn allowed(purpose: Purpose) -> BTreeSet<(String, String)> {
    let policy = policy(purpose, &scope());
    let pairs = |statement: &Value| {
        let resources = texts(&statement["Resource"]);
        let each = |action: String| resources.iter().map(|r| (action.clone(), r.clone())).collect::<Vec<_>>();
        texts(&statement["Action"]).into_iter().flat_map(each).collect::<Vec<_>>()
    };
    policy["Statement"].as_array().unwrap().iter().flat_map(pairs).collect()
}

/// Which of the allowed pairs the calls used. A call that nothing allows fails the test.
fn used(purpose: Purpose, calls: &[Call]) -> BTreeSet<(String, String)> {
    let (policy, allowed) = (policy(purpose, &scope()), allowed(purpose));
    let account = crate::world::Account::new(Timestamp::UNIX_EPOCH);
    let mut used = BTreeSet::new();
    for call in calls {
        let besides = account.asked_besides(call).filter(|_| purpose.asks_for_owners());
        for asked in account.asked(call).into_iter().chain(besides) {
            assert!(asked.is_allowed_by(&policy), "{purpose:?} does not allow {asked:?}");
            let hits = allowed.iter().filter(|(a, r)| a == asked.action && glob::matches(r, &asked.resource));
            used.extend(hits.cloned());
        }
    }
    used
}

/// A world in which a process can be let loose.
struct Try {
    shop: Shop,
    world: World,
    by_stage: bool,
}

impl Try {
    fn new() -> Self {
        let shop = Shop::new().unwrap();
        let world = shop.open(Timestamp::UNIX_EPOCH + Duration::from_secs(1_000), None).unwrap();
        world.set_quotas(false);
        Self { shop, world, by_stage: false }
    }

    /// As [`Try::new`], with the alias still to be made and the stage still on another one.
    fn first_release() -> Self {
        let this = Self::new();
        let Shop { function, alias, stage } = &this.shop;
        this.world.edit(|account| {
            let function = Rc::make_mut(account.functions.get_mut(function).unwrap());
            function.aliases.remove(alias);
            function.policies.remove(alias.as_str());
            let stage = account.stage_mut(&stage.api, &stage.stage).unwrap();
            stage.variables.insert(crate::demo::ALIAS_VARIABLE.into(), "blue".into());
        });
        this
    }

    /// As [`Try::new`], through an HTTP API.
    fn http() -> Self {
        Self::new().through_http(crate::demo::ALIAS_VARIABLE, "live")
    }

    /// As [`Try::first_release`], through an HTTP API.
    fn first_http_release() -> Self {
        Self::first_release().through_http("owner", "shop")
    }

    /// As [`Try::new`], in a stack, while CodeDeploy moves another alias.
    fn owned() -> Self {
        let this = Self::new();
        let Shop { function, alias, .. } = &this.shop;
        this.world.edit(|account| {
            account.put_function_into_stack(function, "shop", "Checkout").unwrap();
            account.put_alias_into_stack(function, alias, "shop", "Live");
            account.begin_code_deployment("d-1", function, &"beta".parse().unwrap());
        });
        this
    }

    fn through_http(self, variable: &str, value: &str) -> Self {
        let Shop { function, stage, .. } = &self.shop;
        let alias = format!("${{stageVariables.{}}}", crate::demo::ALIAS_VARIABLE);
        self.world.edit(|account| {
            account.apis.remove(&stage.api);
            account.create_http_api(&stage.api, "checkout");
            account.put_http_route(&stage.api, "GET /orders/{id}", function, &alias).unwrap();
            account
                .edit_http_api(&stage.api, |live| {
                    live.authorizers.push(HttpAuthorizer { id: "u1".into(), ..HttpAuthorizer::default() });
                    live.routes[0].authorizer_id = Some("u1".into());
                })
                .unwrap();
            account.create_http_stage(&stage.api, &stage.stage, false, &[(variable, value)]).unwrap();
            account.put_http_route(&stage.api, "POST /refunds", function, &alias).unwrap();
        });
        self
    }

    /// As [`Try::new`], shifted by the stage's canary, with clients.
    fn canary() -> Self {
        let this = Self { by_stage: true, ..Self::new() };
        let Shop { stage, .. } = &this.shop;
        let request = Request {
            api: stage.api.clone(),
            stage: stage.stage.clone(),
            method: "GET".into(),
            path: "/orders/7".into(),
        };
        this.world.set_load(Load::to_stage(1, &request, 100.0));
        this
    }

    fn target(&self) -> Target {
        let mut target = self.shop.target();
        if self.by_stage {
            target.canary.mode = CanaryMode::Stage;
            target.canary.steps = schedule::parse("50% 5m").unwrap();
            target.gate.alarms = vec!["checkout-5xx".into()];
            let (method, path, expect) = ("GET".into(), "/orders/7".into(), Expect::default());
            target.stage_smoke = vec![StageCheck { method, path, expect }];
            let now = self.world.clock().now();
            self.world.edit(|account| account.put_alarm("checkout-5xx", AlarmValue::Ok, now, "fine"));
        }
        target
    }

    fn plan(&self) -> Plan {
        let (clock, target) = (self.world.clock(), self.target());
        let observer = Observer { aws: &self.world, clock: &clock, listener: &Silent };
        let observed = observer.observe(&target, None).now_or_never().unwrap().unwrap();
        let choice = Choice::new(RunId::new(1_000_000, 1), clock.now(), "123456789012".into(), "us-east-1".into());
        plan(&target, &observed, &choice).unwrap()
    }

    /// Promotes with a fault; when the process dies of it, a second one goes on with its journal.
    fn promote(&self, fault: Option<(usize, Fault)>) {
        let (plan, journal) = (self.plan(), MemoryJournal::default());
        self.world.restart();
        if let Some((at, fault)) = fault {
            self.world.inject(at, fault);
        }
        let (kept, clock, interrupt) = (journal.kept(), self.world.clock(), Interrupt::default());
        let engine = |journal| {
            Engine::new(&self.world, &clock, &Silent, &interrupt, journal, plan.run.clone(), Settings::default())
        };
        if engine(journal).promote(&plan).now_or_never().is_none() && !kept.borrow().is_empty() {
            self.world.restart();
            engine(MemoryJournal::reopened(&kept)).resume(&plan).now_or_never().unwrap();
        }
    }

    /// Promotes and dies at a call.
    fn die_at(&self, at: usize) {
        let plan = self.plan();
        self.world.restart();
        self.world.inject(at, Fault::CrashAfter);
        let (clock, interrupt) = (self.world.clock(), Interrupt::default());
        let journal = MemoryJournal::default();
        let engine =
            Engine::new(&self.world, &clock, &Silent, &interrupt, journal, plan.run.clone(), Settings::default());
        let _ = engine.promote(&plan).now_or_never();
        self.world.restart();
    }

    /// Rolls back from the records alone, if there is an alias with anything to go back to.
    fn roll_back(&self, to: Option<u64>, fault: Option<(usize, Fault)>) {
        self.world.restart();
        if let Some((at, fault)) = fault {
            self.world.inject(at, fault);
        }
        let request = GetAlias { function: self.shop.function.clone(), alias: self.shop.alias.clone() };
        let Some(Ok(alias)) = self.world.send(request).now_or_never() else { return };
        let (clock, interrupt) = (self.world.clock(), Interrupt::default());
        let seen = [Seen::new(self.shop.function.clone(), self.shop.alias.clone(), alias, to.is_some()).unwrap()];
        let run = RunId::new(2_000_000, 2);
        let Ok(way) = Emergency::prepare(&seen, to, Part::All, &|_| Vec::new(), false, &run, clock.now()) else {
            return;
        };
        let run = way.way.run.clone();
        let engine =
            Engine::new(&self.world, &clock, &Silent, &interrupt, MemoryJournal::default(), run, Settings::default());
        let _ = way.run(&engine).now_or_never();
    }

    fn calls(&self) -> Vec<Call> {
        self.world.calls().into_iter().map(|logged| logged.call).collect()
    }

    fn history(&self) -> Vec<Call> {
        self.world.history().into_iter().map(|logged| logged.call).collect()
    }
}

/// Releases of every sort. A canary looks at the same things again and again: a fault now and then meets every kind of
/// call.
const STARTS: [(fn() -> Try, usize); 6] = [
    (Try::new, 1),
    (Try::first_release, 1),
    (Try::canary, 11),
    (Try::http, 1),
    (Try::first_http_release, 1),
    (Try::owned, 11),
];

/// Everything that a promotion sends, with every write refused, lost or fatal at every place, the first release too.
fn calls_of_promotions() -> Vec<Call> {
    let mut calls = Vec::new();
    for (start, stride) in STARTS {
        let smooth = start();
        smooth.promote(None);
        let length = smooth.calls().len();
        calls.extend(smooth.history());
        for at in (0..length).step_by(stride) {
            for fault in [Fault::denied(), Fault::LostReply, Fault::CrashAfter] {
                let one = start();
                one.promote(Some((at, fault)));
                calls.extend(one.history());
            }
        }
    }
    calls
}

/// Everything that a rollback sends: of a finished release, of a rollback, of a release that died at any call.
fn calls_of_rollbacks() -> Vec<Call> {
    let mut calls = Vec::new();
    let promoted = Try::new();
    promoted.promote(None);
    promoted.roll_back(None, None);
    let length = promoted.calls().len();
    for to in [None, Some(42)] {
        promoted.roll_back(to, None);
        calls.extend(promoted.calls());
    }
    for at in 0..length {
        for fault in [Fault::denied(), Fault::LostReply, Fault::Throttled] {
            let one = Try::new();
            one.promote(None);
            one.roll_back(None, Some((at, fault)));
            calls.extend(one.calls());
        }
    }
    for (start, stride) in STARTS {
        let smooth = start();
        smooth.promote(None);
        for at in (0..smooth.calls().len()).step_by(stride) {
            let one = start();
            one.die_at(at);
            one.roll_back(None, None);
            calls.extend(one.calls());
        }
    }
    calls
}

fn actions(pairs: &BTreeSet<(String, String)>) -> BTreeSet<&str> {
    pairs.iter().map(|(action, _)| action.as_str()).collect()
}

#[test]
fn promoting_is_allowed_everything_that_it_does_and_nothing_else() {
    let mut calls = calls_of_promotions();
    calls.extend([url::calls(), see::search()].concat());
    let used = used(Purpose::Promote, &calls);
    let allowed = allowed(Purpose::Promote);
    assert_eq!(actions(&used), actions(&allowed));
    // Moving a stage's pointer touches the deployment, too (aws-semantics §11).
    let documented = |(action, resource): &&(String, String)| {
        action == "apigateway:PATCH" && resource.ends_with("/restapis/a1b2c3d4e5/deployments/*")
    };
    let idle: Vec<_> = allowed.difference(&used).filter(|pair| !documented(pair)).collect();
    assert!(idle.is_empty(), "allowed and never used: {idle:#?}");
}

#[test]
fn rolling_back_is_allowed_everything_that_it_does_and_writes_nothing_else() {
    let used = used(Purpose::Rollback, &[calls_of_rollbacks(), url::calls(), see::search()].concat());
    let allowed = allowed(Purpose::Rollback);
    let idle: Vec<_> = actions(&allowed).difference(&actions(&used)).copied().collect();
    // For `status`, and for a person who chooses the version.
    assert_eq!(idle, ["lambda:GetProvisionedConcurrencyConfig", "lambda:ListVersionsByFunction"]);
    for forbidden in [
        "lambda:PublishVersion",
        "lambda:CreateAlias",
        "lambda:AddPermission",
        "lambda:InvokeFunction",
        "apigateway:POST",
    ] {
        assert!(!actions(&allowed).contains(forbidden), "{forbidden}");
    }
}

#[test]
fn reading_is_allowed_what_a_plan_reads_and_no_write() {
    let read = [Try::new(), Try::http(), Try::owned()].map(|this| {
        this.plan();
        this.history()
    });
    let used = used(Purpose::Read, &[read.concat(), url::calls(), see::looks()].concat());
    let allowed = allowed(Purpose::Read);
    let idle: Vec<_> = actions(&allowed).difference(&actions(&used)).copied().collect();
    // Evidence is for `status`, while somebody's canary runs.
    assert!(idle.iter().all(|action| action.starts_with("cloudwatch:")), "{idle:?}");
    assert!(operations(Purpose::Read).iter().all(|operation| operation.kind() == Kind::Read));
}

#[test]
fn the_steps_declare_every_operation_that_is_sent() {
    let declared = operations_of(PIPELINE, Purpose::Promote);
    let mut sent = calls_of_promotions();
    sent.extend(calls_of_rollbacks());
    let sent: BTreeSet<Operation> = sent.iter().map(Call::operation).collect();
    let undeclared: Vec<_> = sent.iter().filter(|operation| !declared.contains(operation)).collect();
    assert!(undeclared.is_empty(), "{undeclared:?}");
    let never: Vec<_> = declared.iter().filter(|operation| !sent.contains(operation)).collect();
    assert!(never.is_empty(), "{never:?}");
}

/// A step that shifts traffic and judges.
const CANARY: Declaration = Declaration {
    kind: crate::step::StepKind::Promote,
    name: "canary",
    does: "",
    undo: "",
    observes: &[Operation::GetMetricData, Operation::DescribeAlarms, Operation::GetRestApis],
    writes: &[Operation::UpdateAlias, Operation::UpdateStage, Operation::AddPermission, Operation::InvokeStage],
    writes_back: &[Operation::UpdateAlias, Operation::UpdateStage, Operation::RemovePermission],
};

/// The statements of a policy for nothing but [`CANARY`], by their names.
fn canary(purpose: Purpose) -> Value {
    let document = document(purpose, &operations_of(&[CANARY], purpose), &[scope()]);
    let named = |statement: &Value| (statement["Sid"].as_str().unwrap().to_owned(), statement.clone());
    Value::Object(document["Statement"].as_array().unwrap().iter().map(named).collect())
}

#[test]
fn whoever_judges_reads_metrics_alarms_and_the_names_of_all_apis_and_whoever_goes_back_does_not() {
    for purpose in [Purpose::Read, Purpose::Promote] {
        let canary = canary(purpose);
        assert_eq!(canary["Any"]["Action"], json!(["cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"]));
        assert_eq!(canary["Any"]["Resource"], "*");
        assert_eq!(canary["Apis"]["Action"], "apigateway:GET");
        assert_eq!(canary["Apis"]["Resource"], "arn:aws:apigateway:us-east-1::/restapis");
    }
    let back = canary(Purpose::Rollback);
    assert_eq!((&back["Any"], &back["Apis"]), (&Value::Null, &Value::Null));
    assert_eq!(back["Move"]["Action"], "lambda:UpdateAlias");
    assert!(!canary(Purpose::Promote).to_string().contains("InvokeStage"), "needs no permission");
}

#[test]
fn the_api_may_be_let_in_to_the_candidate_and_a_rollback_only_takes_that_away() {
    let arn = |alias: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:checkout-api:{alias}");
    for (purpose, actions) in [
        (Purpose::Promote, json!(["lambda:AddPermission", "lambda:RemovePermission"])),
        (Purpose::Rollback, json!("lambda:RemovePermission")),
    ] {
        let grant = &canary(purpose)["Grant"];
        assert_eq!((&grant["Action"], &grant["Resource"]), (&actions, &json!([arn("live"), arn("live-canary")])));
    }
    // No alias can be called that, so nobody is allowed anything on it.
    let long = PolicyScope { alias: "a".repeat(128).parse().unwrap(), ..scope() };
    assert!(
        !document(Purpose::Promote, &operations_of(&[CANARY], Purpose::Promote), &[long])
            .to_string()
            .contains("-canary")
    );
}

#[test]
fn without_a_stage_nothing_of_api_gateway_is_allowed() {
    for purpose in [Purpose::Read, Purpose::Rollback, Purpose::Promote, Purpose::Gc] {
        let text = policy(purpose, &PolicyScope { stage: None, ..scope() }).to_string();
        assert!(!text.contains("apigateway") && !text.contains("Permission"), "{text}");
    }
}

#[test]
fn one_policy_for_several_targets_allows_what_those_of_each_allow_and_nothing_twice() {
    let alone = PolicyScope { functions: vec!["mail".parse().unwrap()], stage: None, ..scope() };
    for purpose in [Purpose::Read, Purpose::Rollback, Purpose::Promote, Purpose::Gc] {
        let pairs = |policy: &Value| {
            let mut pairs = Vec::new();
            for statement in policy["Statement"].as_array().unwrap() {
                for action in crate::iam_policy::simulate::texts(&statement["Action"]) {
                    let resources = crate::iam_policy::simulate::texts(&statement["Resource"]);
                    pairs.extend(resources.into_iter().map(|resource| (action.clone(), resource)));
                }
            }
            pairs
        };
        let each: BTreeSet<_> =
            [scope(), alone.clone()].iter().flat_map(|scope| pairs(&policy(purpose, scope))).collect();
        let all = policy_for_all(purpose, &[scope(), alone.clone(), scope()]);
        assert_eq!(pairs(&all).into_iter().collect::<BTreeSet<_>>(), each, "{purpose:?}");
        let once: Vec<Value> =
            policy(purpose, &scope())["Statement"].as_array().unwrap().iter().map(|one| one["Sid"].clone()).collect();
        let sids: Vec<Value> = all["Statement"].as_array().unwrap().iter().map(|one| one["Sid"].clone()).collect();
        assert_eq!(sids, once, "{purpose:?}");
    }
}

#[test]
fn every_function_and_another_partition_are_named() {
    let functions = vec!["orders".parse().unwrap(), "stock".parse().unwrap()];
    let scope = PolicyScope { partition: "aws-cn".into(), region: "cn-north-1".into(), functions, ..scope() };
    let text = policy(Purpose::Promote, &scope).to_string();
    for arn in [
        "\"arn:aws-cn:lambda:cn-north-1:123456789012:function:orders\"",
        "\"arn:aws-cn:lambda:cn-north-1:123456789012:function:stock:*\"",
        "\"arn:aws-cn:lambda:cn-north-1:123456789012:function:stock:live\"",
        "\"arn:aws-cn:apigateway:cn-north-1::/restapis/a1b2c3d4e5/stages/prod\"",
    ] {
        assert!(text.contains(arn), "{arn} in {text}");
    }
}

#[test]
fn a_policy_for_a_few_functions_fits_into_a_managed_policy_and_one_for_many_does_not() {
    let of = |count: usize| {
        let functions = (0..count).map(|n| format!("checkout-{n}").parse().unwrap()).collect();
        characters(&policy(Purpose::Promote, &PolicyScope { functions, ..scope() }))
    };
    assert!(of(8) < MANAGED_POLICY_CHARS_MAX, "{}", of(8));
    assert!(of(200) > MANAGED_POLICY_CHARS_MAX);
}

#[test]
fn the_documents() {
    for (name, purpose) in
        [("read", Purpose::Read), ("rollback", Purpose::Rollback), ("promote", Purpose::Promote), ("gc", Purpose::Gc)]
    {
        insta::assert_json_snapshot!(name, policy(purpose, &scope()));
    }
}

#[test]
fn the_region_tells_the_partition() {
    let all = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1"].map(partition);
    assert_eq!(all, ["aws", "aws", "aws-cn", "aws-us-gov", "aws-iso"]);
}
