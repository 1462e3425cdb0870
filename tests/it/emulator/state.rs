//! The writes of a first and of a second release, and what the client must find before and after them.

use serde_json::{Value, json};

use super::shop::{ALIAS, Shop, routed};
use crate::support::account_setup::ALIAS_VARIABLE;
use crate::support::emulator::Emulator;

/// The writes of a first release, in order.
pub const FIRST: [&str; 6] =
    ["PublishVersion", "CreateAlias", "AddPermission", "CreateDeployment", "UpdateStage", "UpdateAlias"];
/// The writes of a second release, in order.
pub const SECOND: [&str; 5] = ["PublishVersion", "UpdateAlias", "CreateDeployment", "UpdateStage", "UpdateAlias"];

/// Which release is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The alias does not exist yet.
    First,
    /// The alias is on version 1.
    Second,
}

impl Release {
    /// Its writes, in order.
    pub const fn writes(self) -> &'static [&'static str] {
        match self {
            Self::First => &FIRST,
            Self::Second => &SECOND,
        }
    }

    /// A shop of its own in which it is due.
    #[track_caller]
    pub fn shop(self, emulator: &'static Emulator, account: &str) -> Shop {
        match self {
            Self::First => Shop::new(emulator, account),
            Self::Second => Shop::released(emulator, account),
        }
    }

    /// Asserts that it is completely done, once: nothing was published, granted or deployed twice.
    #[track_caller]
    pub fn is_done(self, shop: &Shop, before: &Before) {
        let (version, from_to, versions, marker) = match self {
            Self::First => ("1", " done 0>1 ", vec!["1"], "one"),
            Self::Second => ("2", " done 1>2 ", vec!["1", "2"], "two"),
        };
        let alias = shop.alias();
        assert_eq!(routed(&alias).0, version, "{alias}");
        assert!(routed(&alias).1.contains(from_to) && weights(&alias).is_none(), "{alias}");
        assert_eq!(shop.versions(), versions);
        assert_eq!(shop.statements().len(), 1);
        let (deployment, variables) = shop.served();
        let run = routed(&alias).1.split(' ').nth(1).unwrap_or_default().to_owned();
        let ours: Vec<Value> =
            shop.deployments().into_iter().filter(|each| each["description"].to_string().contains(&run)).collect();
        assert_eq!(ours.len(), 1, "one deployment of this release: {ours:?}");
        assert_eq!(ours[0]["id"], deployment);
        assert_ne!(deployment, before.served.0);
        assert_eq!(variables, json!({ALIAS_VARIABLE: ALIAS}));
        assert_eq!(shop.answer("pets"), marker);
        if self == Self::Second {
            assert_eq!(shop.answer("cats"), marker);
        }
    }
}

/// What served before a release.
pub struct Before {
    /// Deployment and variables.
    pub served: (String, Value),
    alias: Value,
    statements: Vec<Value>,
    answer: String,
}

impl Before {
    /// As the client sees it now.
    #[track_caller]
    pub fn of(shop: &Shop) -> Self {
        let (served, alias, statements) = (shop.served(), shop.alias(), shop.statements());
        Self { served, alias, statements, answer: shop.answer("pets") }
    }

    /// Asserts that exactly this serves again.
    #[track_caller]
    pub fn serves(&self, shop: &Shop) {
        let alias = shop.alias();
        assert_eq!(routed(&alias).0, routed(&self.alias).0, "{alias}");
        assert!(weights(&alias).is_none(), "{alias}");
        assert_eq!(shop.served(), self.served);
        assert_eq!(shop.statements(), self.statements);
        assert_eq!(shop.answer("pets"), self.answer);
    }
}

fn weights(alias: &Value) -> Option<&Value> {
    alias["RoutingConfig"]["AdditionalVersionWeights"].as_object().filter(|w| !w.is_empty())?;
    Some(&alias["RoutingConfig"])
}
