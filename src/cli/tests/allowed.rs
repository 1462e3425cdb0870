//! Every command under exactly the policy that `iam-policy` prints for it: nothing that it does is denied, and nothing is
//! allowed that none of them does.

mod cleaning_up;
mod elsewhere;
mod going_back;
mod looking;
pub(super) mod place;
mod releasing;

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use serde_json::Value;

use super::*;
use crate::aws::Call;
use crate::cli::args::{PermissionCommand, Reading};
use crate::cli::permission::Act;
use crate::cli::target::{Need, locate};
use crate::cli::{
    canary, diff, doctor, drift, gc, history, iam_policy, init, logs, pause, permission, redeploy, settle, verify,
    versions,
};
use crate::iam_policy::{Purpose, policy};
use crate::world::{Asked, Outcome};

/// One command in one place.
struct Case {
    /// What is there beforehand, made without any policy.
    place: fn() -> Desk,
    /// The command, without the program's name. `RUN` is the release that is recorded.
    line: &'static str,
    /// How it ends.
    exit: Exit,
}

const fn case(place: fn() -> Desk, line: &'static str, exit: Exit) -> Case {
    Case { place, line, exit }
}

/// What came of it.
struct Tried {
    desk: Desk,
    exit: Exit,
    said: String,
    calls: Vec<(Call, bool)>,
}

/// The policy for the target `prod` of a desk.
fn policy_for(desk: &Desk, purpose: Purpose) -> Value {
    let target = release::plannable(&desk.locate("prod")).unwrap();
    let (region, account) = desk.world.look(|a| (a.settings.region.clone(), a.settings.account.clone()));
    policy(purpose, &iam_policy::scope(target, region, account))
}

impl Case {
    fn try_under(&self, policy: impl Fn(&Desk) -> Value) -> Tried {
        let desk = (self.place)();
        let policy = policy(&desk);
        desk.world.edit(|account| account.settings.caller_policy = Some(policy));
        desk.world.restart();
        let before = desk.err.text().len();
        let line = match self.line.contains("RUN") {
            true => self.line.replace("RUN", &desk.recorded_run()),
            false => self.line.to_owned(),
        };
        let end = desk.carry_out(&line).unwrap_or_else(End::from);
        let said = format!("{}{}\n{:?}", desk.out.text(), &desk.err.text()[before..], end.problem);
        let denied = |outcome: &Outcome| matches!(outcome, Outcome::Failed(error) if error.code() == Some("AccessDeniedException"));
        let calls = desk.world.calls().iter().map(|logged| (logged.call.clone(), denied(&logged.outcome))).collect();
        Tried { desk, exit: end.exit(), said, calls }
    }
}

impl Tried {
    fn denied(&self) -> Vec<String> {
        let denied = self.calls.iter().filter(|(_, denied)| *denied);
        let mut all: Vec<String> = denied.map(|(call, _)| format!("{} {}", call.operation(), call.subject())).collect();
        all.dedup();
        all
    }

    fn asked(&self) -> BTreeSet<Asked> {
        self.desk.world.look(|account| {
            let of = |call| [account.asked(call), account.asked_besides(call)];
            self.calls.iter().flat_map(|(call, _)| of(call)).flatten().collect()
        })
    }
}

impl Desk {
    fn recorded_run(&self) -> String {
        let text = self.world.look(|account| account.functions[&pets()].aliases[&live()].description.clone());
        crate::model::Description::parse(&text).unwrap().record.unwrap().run.to_string()
    }

    /// As the program carries out a command line, over this connection.
    fn carry_out(&self, line: &str) -> Result<End, Problem> {
        let done = async {
            let (app, session) = (&self.app, self.session());
            let place = async |target: &str| {
                let mut located = locate(app, target, Need::Place, None)?;
                located.follow(app, &session).await?;
                Ok::<_, Problem>(located)
            };
            match parse(line) {
                Command::Plan(args) => {
                    let located = locate(app, &args.source.target, Need::Release, None)?;
                    let target = release::target(app, &located, &args.canary)?;
                    let caller = session.identify(app).await?;
                    release::prepare(app, &session, &target, caller, release::Wanted::default()).await?;
                    Ok(End::done())
                }
                Command::Promote(_) => self.promote(line.strip_prefix("promote ").unwrap()),
                Command::Rollback(_) => self.rollback(line.strip_prefix("rollback ").unwrap()),
                Command::Resume(args) => resume::resume(app, &place(&args.target).await?, &session, &args).await,
                Command::Pause(args) => pause::pause(app, &place(&args.target).await?, &session).await,
                Command::Settle(args) => settle::settle(app, &place(&args.target).await?, &session, &args).await,
                Command::Unlock(args) => {
                    unlock::unlock(app, &place(&args.target).await?, &session, &args.run_id.parse().unwrap()).await
                }
                Command::Status(args) => {
                    let located = place(&args.target).await?;
                    if args.wait {
                        return status::wait::run(app, &located, &session, &args).await;
                    }
                    status::look(app, &located, &session).await.map(|_| End::done())
                }
                Command::Redeploy(args) => redeploy::redeploy(app, &place(&args.target).await?, &session, &args).await,
                Command::Gc(args) => gc::clean_up(app, &place(&args.target).await?, &session, &args).await,
                Command::Canary(args) => {
                    let (wish, split) = canary::wish(args.command);
                    canary::canary(app, &place(&split.target).await?, &session, &wish, &split).await
                }
                Command::Permission(args) => match args.command {
                    PermissionCommand::List(args) => permission::list(app, &place(&args.target).await?, &session).await,
                    PermissionCommand::Grant { target, agreed } => {
                        permission::change(app, &place(&target).await?, &session, Act::Grant, &agreed).await
                    }
                    PermissionCommand::Prune { target, foreign, agreed } => {
                        permission::change(app, &place(&target).await?, &session, Act::Prune { foreign }, &agreed).await
                    }
                },
                other => self.look_at(other, &session).await,
            }
        };
        done.now_or_never().expect("nothing waits")
    }

    /// The rest of those that look.
    async fn look_at(&self, command: Command, session: &Session<&World, VirtualClock>) -> Result<End, Problem> {
        let app = &self.app;
        match command {
            Command::History(args) => {
                let located = locate(app, &args.target, Need::Place, None)?;
                history::records(app, &located, session).await.map(|_| End::done())
            }
            Command::Versions(args) => {
                versions::look(app, session, &args.function.parse::<FunctionName>().unwrap()).await.map(|_| End::done())
            }
            Command::Logs(args) => {
                let mut located = locate(app, &args.target, Need::Place, None)?;
                located.follow(app, session).await?;
                logs::look(app, &located, session, &args).await.map(|_| End::done())
            }
            Command::Diff(args) => {
                let (a, b) = (diff::subject(app, &args.a)?.0, diff::subject(app, &args.b)?.0);
                diff::show(app, session, (&a, &b), &args).await
            }
            Command::Doctor(args) => {
                let (address, located) = (doctor::address(&args.url)?, locate(app, &args.url, Need::Place, None)?);
                doctor::show(app, &located, session, &address, &args).await
            }
            Command::Drift(args) => {
                let all = drift::asked(app, &args.targets)?;
                let rows = drift::look(app, session, &all.iter().collect::<Vec<_>>()).await;
                Ok(drift::conclude(app, &crate::doctor::drift::Report::of(rows), args.fail_on))
            }
            Command::Init(args) => {
                let mut located = locate(app, &args.place, Need::Place, None)?;
                init::init(app, &mut located, session, &args).await
            }
            Command::Verify(args) => {
                let name = args.target.unwrap();
                let mut checks = verify::Checks::of(&name);
                let located = self.locate(&name);
                let target = release::plannable(&located)?;
                verify::look(app, &located, session, &target, &Reading::default(), &mut checks).await;
                Ok(verify::conclude(app, &[checks]))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What is known about a purpose.
struct Proof {
    purpose: Purpose,
    cases: &'static [Case],
    /// What is allowed and asked by none of the cases: the pair's action, how its resource ends, and why it is there.
    idle: &'static [(&'static str, &'static str, &'static str)],
    /// What a case asks and is not allowed: the case, the action, and why that is as it should be.
    refused: &'static [(&'static str, &'static str, &'static str)],
}

type Pair = (String, String);

/// Every statement of a policy with one action and one resource.
fn pairs(policy: &Value) -> Vec<(Pair, Value)> {
    let texts = |value: &Value| match value {
        Value::String(one) => vec![one.clone()],
        many => many.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
    };
    let mut all = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        for action in texts(&statement["Action"]) {
            for resource in texts(&statement["Resource"]) {
                let mut one = statement.clone();
                (one["Action"], one["Resource"]) = (action.clone().into(), resource.clone().into());
                all.push(((action.clone(), resource), one));
            }
        }
    }
    all
}

/// The policy without a pair.
fn without(policy: &Value, pair: &Pair) -> Value {
    let rest: Vec<Value> = pairs(policy).into_iter().filter(|(one, _)| one != pair).map(|(_, one)| one).collect();
    serde_json::json!({ "Version": "2012-10-17", "Statement": rest })
}

fn is_used(pair: &Pair, statement: &Value, asked: &BTreeSet<Asked>) -> bool {
    let alone = serde_json::json!({ "Statement": [statement] });
    asked.iter().any(|asked| asked.action == pair.0 && asked.is_allowed_by(&alone))
}

impl Proof {
    /// Every case under the policy, then every case that needs a pair of it under the policy without that pair.
    fn check(&self) {
        let tried: Vec<(&Case, Tried)> =
            self.cases.iter().map(|case| (case, case.try_under(|desk| policy_for(desk, self.purpose)))).collect();
        let wrong: Vec<String> = tried.iter().filter_map(|(case, tried)| self.wrong(case, tried)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n====\n"));
        let (mut idle, mut needless) = (BTreeSet::new(), Vec::new());
        // A policy for several functions says the same of each.
        for (pair, statement) in pairs(&policy_for(&place::rest(), self.purpose)) {
            match tried.iter().find(|(_, tried)| is_used(&pair, &statement, &tried.asked())) {
                None => drop(idle.insert(pair)),
                Some((case, whole)) => {
                    let cut = case.try_under(|desk| without(&policy_for(desk, self.purpose), &pair));
                    let more = cut.denied().iter().any(|denied| !whole.denied().contains(denied));
                    // Without its tags a function is answered all the same.
                    if pair.0 != "lambda:ListTags" && !more {
                        needless.push(pair);
                    }
                }
            }
        }
        assert!(needless.is_empty(), "{:?} needs none of {needless:#?}", self.purpose);
        let declared = |(action, resource): &&Pair| {
            self.idle.iter().any(|(known, end, why)| known == action && resource.ends_with(end) && !why.is_empty())
        };
        let unknown: Vec<_> = idle.iter().filter(|pair| !declared(pair)).collect();
        assert!(unknown.is_empty(), "{:?} allows what nothing asks: {unknown:#?}", self.purpose);
        assert_eq!(idle.len(), self.idle.len(), "declared as idle, and used");
    }

    /// What is not as it should be with a case.
    fn wrong(&self, case: &Case, tried: &Tried) -> Option<String> {
        let expected = |operation: &str| {
            self.refused
                .iter()
                .any(|(line, action, why)| *line == case.line && operation.starts_with(action) && !why.is_empty())
        };
        let denied: Vec<String> = tried.denied().into_iter().filter(|denied| !expected(denied)).collect();
        (!denied.is_empty() || tried.exit != case.exit)
            .then(|| format!("{}: {:?}, denied {denied:?}\n{}", case.line, tried.exit, tried.said))
    }
}
