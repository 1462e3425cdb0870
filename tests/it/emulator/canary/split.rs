//! How AWS splits the requests of a shop: as its settings say, and as its answers show.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::emulator::shop::{ALIAS, FUNCTION, STAGE, Shop};
use crate::support::account_setup::ALIAS_VARIABLE;

/// How many requests are looked at to know a share.
const ENOUGH: u32 = 200;
/// Fewer, because the share changed meanwhile, show nothing.
const LEAST: u32 = 80;
/// At the same time.
const PARALLEL: u32 = 6;
/// Each of those, before it is looked whether the settings still say the same.
const IN_A_ROW: u32 = 5;
/// How long a test waits for a share to be set.
const WAIT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(300);

/// One alias that the stage calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Its name.
    pub alias: String,
    /// Its share of the requests, 0–1.
    pub share: f64,
    /// The versions behind it and their shares of that.
    pub versions: Vec<(String, f64)>,
}

/// As the settings say.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The aliases that the stage calls.
    pub ways: Vec<Way>,
}

impl Split {
    /// As the settings of stage and aliases are now.
    pub fn of(shop: &Shop) -> Self {
        let stage = shop.stage();
        let canary = &stage["canarySettings"];
        let percent = canary["percentTraffic"].as_f64().unwrap_or_default();
        let mut aliases = vec![(stage["variables"][ALIAS_VARIABLE].as_str().unwrap_or(ALIAS), 1.0 - percent / 100.0)];
        if percent > 0.0 {
            let overridden = canary["stageVariableOverrides"][ALIAS_VARIABLE].as_str();
            aliases.push((overridden.unwrap_or(aliases[0].0), percent / 100.0));
        }
        let way = |(alias, share): (&str, f64)| Way { alias: alias.into(), share, versions: versions(shop, alias) };
        Self { ways: aliases.into_iter().map(way).collect() }
    }

    /// The share of a version, whichever way it is called.
    pub fn share(&self, version: &str) -> f64 {
        let of_way =
            |way: &Way| way.versions.iter().filter(|(v, _)| v == version).map(|(_, s)| s * way.share).sum::<f64>();
        self.ways.iter().map(of_way).sum()
    }
}

fn versions(shop: &Shop, alias: &str) -> Vec<(String, f64)> {
    let found = shop.account.must("lambda", "get_alias", json!({"FunctionName": FUNCTION, "Name": alias}));
    let weights = found["RoutingConfig"]["AdditionalVersionWeights"].as_object().cloned().unwrap_or_default();
    let mut versions: Vec<(String, f64)> =
        weights.iter().map(|(version, share)| (version.clone(), share.as_f64().unwrap_or_default())).collect();
    let rest = 1.0 - versions.iter().map(|(_, share)| share).sum::<f64>();
    versions.push((found["FunctionVersion"].as_str().unwrap_or_default().to_owned(), rest));
    versions
}

/// Waits until a version has a share of the requests, between the two.
#[track_caller]
pub fn wait_for(shop: &Shop, version: &str, share: f64) {
    for _ in 0..WAIT.as_millis() / POLL.as_millis() {
        if is(Split::of(shop).share(version), share) {
            return;
        }
        thread::sleep(POLL);
    }
    panic!("version {version} did not get {share}: {:?}", Split::of(shop));
}

fn is(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Who invokes the alias.
    Alias,
    /// Who sends requests to the stage.
    Stage,
}

impl Caller {
    /// The version that answers.
    fn ask(self, shop: &Shop) -> String {
        if self == Self::Alias {
            return shop.account.invoke(FUNCTION, ALIAS).0;
        }
        let (status, body) = shop.account.http_get(&shop.api, STAGE, "pets");
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        body["version"].as_str().map_or_else(|| status.to_string(), str::to_owned)
    }

    /// The share of a version as the settings are now.
    fn share(self, shop: &Shop, version: &str) -> f64 {
        match self {
            Self::Alias => versions(shop, ALIAS).iter().filter(|(v, _)| v == version).map(|(_, share)| share).sum(),
            Self::Stage => Split::of(shop).share(version),
        }
    }
}

/// Asks until enough answers came, or the share of the version is no longer what it was, and asserts that as many of the
/// answers as its share says came from it: within five standard deviations, which happens by chance once in a million.
#[track_caller]
pub fn is_served(shop: &Shop, caller: Caller, version: &str, share: f64) {
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    let total = |counted: &BTreeMap<String, u32>| counted.values().sum::<u32>();
    while total(&counted) < ENOUGH {
        let answers = at_once(shop, caller);
        if !is(caller.share(shop, version), share) {
            break;
        }
        for answer in answers {
            *counted.entry(answer).or_default() += 1;
        }
    }
    let all = total(&counted);
    assert!(all >= LEAST, "{caller:?}: the share of {version} changed after {all} requests");
    let hits = counted.get(version).copied().unwrap_or_default();
    println!("{caller:?} {}: {hits} of {all} from version {version}, whose share is {share}", shop.api);
    let (expected, deviation) = (f64::from(all) * share, (f64::from(all) * share * (1.0 - share)).sqrt());
    let distance = (f64::from(hits) - expected).abs();
    assert!(distance <= 5.0 * deviation + 1e-9, "{caller:?}: {counted:?}, expected {expected} of version {version}");
}

fn at_once(shop: &Shop, caller: Caller) -> Vec<String> {
    thread::scope(|scope| {
        let asking = (0..PARALLEL).map(|_| scope.spawn(|| (0..IN_A_ROW).map(|_| caller.ask(shop)).collect::<Vec<_>>()));
        let asking: Vec<_> = asking.collect();
        asking.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}
