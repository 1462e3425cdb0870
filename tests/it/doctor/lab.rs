//! A shop with a REST API, two stages and three functions, and the checks over it.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use stagegate::address::{Address, find};
use stagegate::clock::{Clock as _, VirtualClock};
use stagegate::doctor::drift::{Column, Row, Subject, row};
use stagegate::doctor::look::Wanted;
use stagegate::doctor::visit::{Checkup, Section, Visit};
use stagegate::doctor::{Finding, Repair, wiring};
use stagegate::event::Silent;
use stagegate::model::{AliasName, ApiId, FunctionName, StageName, StageRef, Target};
use stagegate::plan::Observer;
use stagegate::problem::Level;
use stagegate::world::{Account, Behaviour, Request, World};

pub const REGION: &str = "us-east-1";

pub fn api() -> ApiId {
    "a1b2c3d4e5".parse().unwrap()
}

pub fn stage(name: &str) -> StageRef {
    StageRef { api: api(), stage: name.parse().unwrap() }
}

pub fn name(text: &str) -> StageName {
    text.parse().unwrap()
}

pub fn function(text: &str) -> FunctionName {
    text.parse().unwrap()
}

pub fn alias(text: &str) -> AliasName {
    text.parse().unwrap()
}

pub fn repair() -> Repair {
    Repair { flags: String::new(), region: REGION.into(), profile: None }
}

/// Nothing is wrong here: `dev` and `prod` serve the live definition, each with its own alias.
pub fn shop() -> World {
    let world = World::new(VirtualClock::at("2026-11-21T14:00:00Z".parse().unwrap()));
    world.set_quotas(false);
    world.edit(|account| {
        let orders = function("orders");
        account.create_function(&orders, "one", Behaviour::default());
        for note in ["first", "second"] {
            account.publish(&orders, note).unwrap();
            account.update_code(&orders, note, Behaviour::default(), std::time::Duration::ZERO).unwrap();
        }
        account.create_rest_api(&api(), "shop");
        for (method, path) in [("GET", "/orders"), ("POST", "/orders"), ("GET", "/orders/{id}")] {
            account.put_route(&api(), method, path, &orders, "${stageVariables.lambdaAlias}").unwrap();
        }
        for (stage, alias_name, version) in [("dev", "dev", 2), ("prod", "live", 1)] {
            account.put_alias(&orders, &alias(alias_name), version, &[]).unwrap();
            let deployment = account.deploy(&api(), "by hand").unwrap();
            account.create_stage(&api(), &name(stage), &deployment, &[("lambdaAlias", alias_name)]).unwrap();
            account.grant(&orders, &alias(alias_name), &api(), &name(stage)).unwrap();
        }
    });
    world
}

/// As `[target.prod]`.
pub fn target() -> Target {
    let mut target = Target::of_alias(function("orders"), alias("live"));
    target.name = Some("prod".into());
    target.stage = Some(stage("prod"));
    target.alias_variable = Some("lambdaAlias".into());
    target
}

pub fn edit(world: &World, change: impl FnOnce(&mut Account)) {
    world.edit(change);
}

/// The row of a target.
pub fn look(world: &World, target: Option<&Target>, place: Option<&StageRef>) -> Row {
    let clock = world.clock();
    let observer = Observer { aws: world, clock: &clock, listener: &Silent };
    let mut wanted = Wanted::default();
    if let Some(place) = place {
        wanted.stages.insert(place.api.clone(), BTreeSet::from([place.stage.clone()]));
    }
    let read = async {
        let mut facts = observer.facts(&wanted).await;
        let observed = place.and_then(|place| facts.stage(place).ok()).map(|(_, observed)| observed);
        let pairs = wiring::concerned(target, observed, REGION);
        facts.aliases = observer.aliases(&pairs).await;
        facts
    };
    let facts = read.now_or_never().unwrap();
    let name = target.map_or_else(|| place.unwrap().to_string(), Target::label);
    let subject = Subject { name: &name, target, stage: place, clients: None, region: REGION };
    row(subject, &facts, clock.now(), &repair())
}

/// The row of the target `prod`.
pub fn prod(world: &World) -> Row {
    let target = target();
    look(world, Some(&target), target.stage.as_ref())
}

/// `D201 error a1b2c3d4e5/prod: 1 edit is not deployed` of everything that matters.
pub fn faults(row: &Row) -> Vec<String> {
    let unknown = row.cells.iter().filter_map(|cell| cell.unknown.as_ref());
    let unknown = unknown.map(|problem| format!("unknown: {}", problem.what));
    let matter = row.findings().filter(|finding| finding.level > Level::Note);
    matter.map(|f| format!("{} {} {}: {}", f.code.short(), f.level, f.subject, f.what)).chain(unknown).collect()
}

pub fn only(row: &Row, column: Column) -> &Finding {
    let cell = row.cells.iter().find(|cell| cell.column == column).unwrap();
    match cell.findings.as_slice() {
        [one] => one,
        other => panic!("{other:#?}"),
    }
}

/// What a client of a stage gets.
pub fn answers(world: &World, stage: &str, method: &str, path: &str) -> Vec<String> {
    let request = Request { api: api(), stage: name(stage), method: method.into(), path: path.into() };
    let one = |answer: &stagegate::world::traffic::Answer| match &answer.result {
        Ok(Some(reached)) => format!("{:.0}% {}", answer.share * 100.0, reached.version.label()),
        Ok(None) => "no function".into(),
        Err(failure) => format!("{} {}", failure.status, failure.why),
    };
    world.serve(&request).0.iter().map(one).collect()
}

/// `doctor URL`, by way of AWS's own answers about the URL.
pub fn doctor(world: &World, url: &str, method: &str, targets: &[Target]) -> Checkup {
    let clock = world.clock();
    let observer = Observer { aws: world, clock: &clock, listener: &Silent };
    let address: Address = url.parse().unwrap();
    let read = async {
        let found = find(world, &address, &[]).await.unwrap();
        let stage = found.resolution.outcome.as_ref().ok().map(|mapped| mapped.stage.clone());
        let repair = repair();
        let visit = Visit {
            url,
            method,
            found: &found,
            expected: targets.iter().find(|target| !target.domains.is_empty()),
            target: targets.iter().find(|target| target.stage == stage),
            declared: &Default::default(),
            region: REGION,
            retest: match method {
                "GET" => format!("stagegate doctor {url} --retest"),
                other => format!("stagegate doctor {url} --method {other} --retest"),
            },
            now: clock.now(),
            repair: &repair,
        };
        let mut wanted = Wanted::default();
        if let Some(stage) = stage.clone() {
            wanted.stages.insert(stage.api, BTreeSet::from([stage.stage]));
        }
        let mut facts = observer.facts(&wanted).await;
        if let Some(Ok((_, observed))) = stage.as_ref().map(|stage| facts.stage(stage)) {
            facts.aliases = observer.aliases(&visit.pairs(observed)).await;
        }
        visit.checkup(&facts)
    };
    read.now_or_never().unwrap()
}

/// What is wrong, each with the number of its question: `2 D202 …`.
pub fn answers_of(checkup: &Checkup) -> Vec<String> {
    let of = |section: &Section| -> Vec<String> {
        let matter = section.findings.iter().filter(|finding| finding.matters());
        matter.map(|finding| format!("{} {} {}", section.number, finding.code.short(), finding.what)).collect()
    };
    checkup.sections.iter().flat_map(of).collect()
}
