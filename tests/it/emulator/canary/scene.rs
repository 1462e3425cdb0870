//! A second release that is shifted step by step, on a machine of its own.

use serde_json::{Value, json};

use super::clients::{Clients, candidate_alias};
use super::split::{Split, wait_for};
use crate::emulator::machine::{Machine, finish};
use crate::emulator::shop::{FUNCTION, Shop, TARGET, routed};
use crate::emulator::state::{Before, Release};
use crate::support::emulator::Emulator;

/// How traffic is shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By alias weights.
    Alias,
    /// By the stage's canary.
    Stage,
}

/// A shop with a release due, and what serves before it.
pub struct Scene {
    /// The shop.
    pub shop: Shop,
    /// Before the release.
    pub before: Before,
    kind: Kind,
}

impl Scene {
    /// In an account of its own.
    #[track_caller]
    pub fn new(emulator: &'static Emulator, kind: Kind, name: &str) -> Self {
        let shop = Shop::released(emulator, &format!("e2e canary {kind:?}, {name}"));
        let before = Before::of(&shop);
        Self { shop, before, kind }
    }

    /// A machine whose configuration shifts in these steps, with more keys for the canary and its gate.
    pub fn machine(&self, steps: &[&str], canary: &str, gate: &str) -> Machine {
        Machine::new(&self.shop.account).config(&self.config(steps, canary, gate))
    }

    /// That configuration.
    pub fn config(&self, steps: &[&str], canary: &str, gate: &str) -> String {
        let mode = match self.kind {
            Kind::Alias => "alias",
            Kind::Stage => "stage",
        };
        format!(
            // The emulator answers 500 to percentiles, so latency is not judged here.
            "{}[target.prod.gate]\nmax_slow_ratio = \"off\"\n{gate}\n[target.prod.canary]\nmode = \"{mode}\"\n\
             steps = {steps:?}\n{canary}\n[[target.prod.smoke]]\nhttp = \"GET /pets\"\n",
            self.shop.config()
        )
    }

    /// The stage's canary; null without one.
    #[track_caller]
    pub fn canary(&self) -> Value {
        self.shop.stage()["canarySettings"].clone()
    }

    /// The names of the function's aliases.
    #[track_caller]
    pub fn aliases(&self) -> Vec<String> {
        let found = self.shop.account.must("lambda", "list_aliases", json!({"FunctionName": FUNCTION}));
        let names = found["Aliases"].as_array().unwrap().iter().map(|alias| alias["Name"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }

    /// Asserts that nothing is left of the release but its version, its deployment, and that the version is known bad.
    #[track_caller]
    pub fn is_back(&self, bad: bool) {
        self.before.serves(&self.shop);
        assert_eq!(self.canary(), Value::Null);
        let alias = self.shop.alias();
        assert_eq!(routed(&alias).1.contains(" bad=2]"), bad, "{alias}");
    }

    /// Asserts that the alias through which the stage's canary calls is gone.
    #[track_caller]
    pub fn has_no_candidate_alias(&self) {
        assert!(!self.aliases().contains(&candidate_alias()), "{:?}", self.aliases());
    }

    /// Kills the release while the new version has a share, and asserts that machines which have never heard of it look at
    /// it, hold it, and end it exactly after.
    #[track_caller]
    pub fn is_killed_and_resumed(&self) {
        // Longer than the looks before the last one take on a busy machine: it must be baking still.
        let (shop, steps) = (&self.shop, ["50% 3m"]);
        let machine = || self.machine(&steps, "", "");
        Clients { shop, failing: None }.while_calling(|| {
            let first = machine();
            let mut child = first.start(&["promote", "prod", "--yes"]);
            wait_for(shop, "2", 0.5);
            child.kill().unwrap();
            assert_eq!(finish(child).code, None);

            let split = Split::of(shop);
            let baking = machine().run(&["resume", "prod", "--once", "--json"]).exits(8);
            assert_eq!(baking.event("gate")["type"], "gate");
            shop.elsewhere().run(&["pause", TARGET]).exits(0);
            self.is_paused();
            machine().run(&["resume", "prod", "--once"]).exits(8);
            self.is_paused();
            assert_eq!(Split::of(shop), split, "nothing of it has moved traffic");
            machine().run(&["resume", "prod"]).exits(0);
        });
        Release::Second.is_done(shop, &self.before);
    }

    /// Stops the release at its share, and asserts that another machine ends it.
    #[track_caller]
    pub fn is_stopped_and_resumed(&self) {
        let (shop, steps) = (&self.shop, ["50% 30s"]);
        Clients { shop, failing: None }.while_calling(|| {
            self.machine(&steps, "", "").run(&["promote", "prod", "--until", "canary:50%", "--yes"]).exits(0);
            self.is_paused();
            assert!((Split::of(shop).share("2") - 0.5).abs() < 1e-6, "{:?}", Split::of(shop));
            self.machine(&steps, "", "").run(&["resume", "prod"]).exits(0);
        });
        Release::Second.is_done(shop, &self.before);
    }

    /// Asserts that the record says so.
    #[track_caller]
    pub fn is_paused(&self) {
        let alias = self.shop.alias();
        assert!(routed(&alias).1.contains(" paused "), "{alias}");
    }
}
