//! Clean-ups: what stays, what goes, and that every way back is still there afterwards.

mod faults;
mod fleet;
mod kept;
mod leftover;
mod races;
mod shown;
mod ways_back;

use std::num::NonZeroU64;
use std::time::Duration;

use futures_util::FutureExt;
use stagegate::clock::Clock;
use stagegate::engine::Engine;
use stagegate::event::Silent;
use stagegate::gc::{self, Item, Observed, Past, Rules, Sweep, Swept, Thing, Want};
use stagegate::journal::MemoryJournal;
use stagegate::model::FunctionName;
use stagegate::plan::Observer;
use stagegate::problem::{Exit, Problem};
use stagegate::world::{Account, Behaviour};

use crate::faults::lab::{ALIAS, Lab, Scenario, alias, api};

pub const DAY: Duration = Duration::from_secs(86_400);

fn orders() -> FunctionName {
    "orders".parse().unwrap()
}

fn version(number: u64) -> Thing {
    Thing::Version { function: orders(), version: NonZeroU64::new(number).unwrap() }
}

/// What the target of a laboratory is.
fn want(lab: &Lab) -> Want {
    let aliases = lab.target.functions.iter().map(|function| (function.clone(), lab.target.alias.clone())).collect();
    Want { aliases, stage: lab.target.stage.clone(), neighbours: Vec::new(), region: "us-east-1".into() }
}

fn rules(lab: &Lab, keep: u32) -> Rules {
    Rules { keep, older_than: DAY, others: false, now: lab.world.clock().now() }
}

/// New code and a new route, released three days later.
fn release(lab: &Lab, number: u64) {
    lab.world.clock().advance(3 * DAY);
    lab.world.edit(|account| prepare(account, lab, number));
    lab.world.run_until_quiet();
    lab.kept.borrow_mut().clear();
    let plan = lab.plan().unwrap();
    let outcome = lab.promote(&plan).unwrap();
    assert_eq!(outcome.exit, Exit::Done, "{outcome:?}");
}

/// Somebody uploads code and edits the API.
fn prepare(account: &mut Account, lab: &Lab, number: u64) {
    for function in &lab.target.functions {
        let code = format!("release {number}");
        account.update_code(function, &code, Behaviour::default(), Duration::ZERO).unwrap();
        let path = format!("/{function}/{number}");
        match lab.scenario.is_http() {
            true => account.put_http_route(&api(), &format!("GET {path}"), function, ALIAS).unwrap(),
            false => account.put_route(&api(), "GET", &path, function, ALIAS).unwrap(),
        }
    }
}

/// A laboratory with a past of so many releases, the last of them three days ago: v1 and its deployment were made by
/// hand, the releases made v2 and the following.
fn after_releases(scenario: Scenario, count: u64) -> Lab {
    let lab = Lab::new(scenario);
    for number in 1..=count {
        release(&lab, number);
    }
    lab.world.clock().advance(3 * DAY);
    lab
}

fn look(lab: &Lab, rules: &Rules) -> Result<(Observed, Sweep), Problem> {
    lab.world.reset_count();
    let (aws, clock, want) = (lab.aws(), lab.world.clock(), want(lab));
    let observer = Observer { aws: &aws, clock: &clock, listener: &Silent };
    let observed = gc::observe(&observer, &want, Past::default()).now_or_never().expect("reading does not wait")?;
    if let Some(problem) = gc::in_flight(&observed.functions, &want, clock.now()) {
        return Err(problem);
    }
    let sweep = gc::sweep(&observed, &want, rules);
    Ok((observed, sweep))
}

/// Deletes; `None` when the process dies.
fn delete(lab: &Lab, rules: &Rules, (observed, sweep): &(Observed, Sweep)) -> Option<Swept> {
    lab.world.reset_count();
    let (aws, clock, want) = (lab.aws(), lab.world.clock(), want(lab));
    let (journal, run) = (MemoryJournal::default(), lab.run_id());
    let engine = Engine::new(&aws, &clock, lab.listener.as_ref(), &lab.interrupt, journal, run, lab.settings);
    gc::delete(&engine, observed, &want, rules, sweep).now_or_never()
}

/// Looks and deletes.
fn clean(lab: &Lab, keep: u32) -> (Sweep, Swept) {
    let rules = rules(lab, keep);
    let seen = look(lab, &rules).unwrap();
    let swept = delete(lab, &rules, &seen).expect("nobody kills it");
    (seen.1, swept)
}

fn names<'i>(items: impl IntoIterator<Item = &'i Item>) -> Vec<String> {
    items.into_iter().map(|item| item.thing.to_string()).collect()
}

/// The published versions that there are.
fn versions(lab: &Lab, function: &FunctionName) -> Vec<u64> {
    lab.world.look(|account| account.functions[function].versions.keys().copied().collect())
}

/// The deployments that there are, the oldest first.
fn deployments(lab: &Lab) -> Vec<String> {
    let mut all: Vec<_> = lab.world.look(|account| match lab.scenario.is_http() {
        true => account.http_apis[&api()].deployments.values().map(|s| s.deployment.clone()).collect(),
        false => account.apis[&api()].deployments.values().map(|s| s.deployment.clone()).collect(),
    });
    all.sort_by_key(|deployment| deployment.created);
    all.into_iter().map(|deployment| deployment.id).collect()
}

/// Why a thing stays; nothing when it goes.
fn reasons(sweep: &Sweep, thing: &Thing) -> Vec<gc::Reason> {
    sweep.items.iter().find(|item| item.thing == *thing).unwrap_or_else(|| panic!("no {thing}")).kept.clone()
}

fn live() -> String {
    format!("{}:{}", orders(), alias())
}
