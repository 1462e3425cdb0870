//! What is live behind a place: which functions a stage calls and how it finds their alias. For `init`, which writes down
//! what it finds.

mod called;
mod look;
mod rewire;
mod settings;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub use called::{Called, Through, Ways, ways};
pub use look::{Function, alias_of, function, look_at};
pub use rewire::{Edit, edits};
pub use settings::guarded;

use crate::aws::noun::Stage;
use crate::definition::LiveApi;
use crate::model::StageRef;

/// The variable that integrations take the alias from where nobody has chosen another name.
pub const ALIAS_VARIABLE: &str = "lambdaAlias";
/// The alias of a release where nothing that is live names one.
pub const ALIAS: &str = "live";

/// A stage as it is, with the live definition of its API.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveStage {
    /// API and stage.
    pub stage_ref: StageRef,
    /// Its settings.
    pub stage: Stage,
    /// What a deployment made now would serve.
    pub live: LiveApi,
    /// The custom domain with its base path that it was found by.
    pub domain: Option<String>,
}

impl LiveStage {
    /// What its routes call, with its variables.
    pub fn ways(&self, region: &str, account: &str) -> Ways {
        ways(&self.live.routes(&self.stage.variables), &self.stage.variables, region, account)
    }

    /// Its variables that no release sets by itself, by name: values may be secrets, and are for nobody's file.
    pub fn other_variables(&self, alias_variable: Option<&str>) -> Vec<&str> {
        self.stage.variables.keys().map(String::as_str).filter(|name| Some(*name) != alias_variable).collect()
    }
}

/// How the traffic of an alias is now, for people: `v41`, or `v41 90 %, v42 10 %`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Serving {
    /// Version → share, 0–100 %.
    pub shares: BTreeMap<String, f64>,
    /// Part of the traffic goes to another version.
    pub split: bool,
    /// It serves what nobody has published.
    pub latest: bool,
}

impl fmt::Display for Serving {
    /// `v41`, or `v41 90 %, v42 10 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (version, share)) in self.shares.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(version)?;
            if self.split {
                write!(f, " {share} %")?;
            }
        }
        Ok(())
    }
}

impl Serving {
    /// What is not usual about it.
    pub const fn note(&self) -> Option<&'static str> {
        match (self.latest, self.split) {
            (true, _) => Some("the first promote publishes a version and moves it there"),
            (false, true) => Some("split already"),
            (false, false) => None,
        }
    }
}

/// Said of an alias that is not there.
pub const NO_ALIAS: &str = "does not exist yet: the first promote creates it";
