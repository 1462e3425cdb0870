//! Reading everything that the checks look at, each thing once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};

use crate::aws::noun::{Alias, Deployment, Policy, Stage};
use crate::aws::operation::{GetAlias, GetFunction, GetPolicy};
use crate::aws::{Aws, gateway};
use crate::clock::Clock;
use crate::definition::LiveApi;
use crate::model::{AliasName, ApiId, Description, FunctionName, RecordState, StageName, StageRef};
use crate::plan::{ObservedStage, Observer};
use crate::problem::Problem;

/// How many things are read at once; the quotas pace the calls.
const PARALLEL: usize = 16;

/// An alias of a function.
pub type Pair = (FunctionName, AliasName);

/// An API with its stages.
#[derive(Debug, Clone)]
pub struct ApiFacts {
    /// What a deployment made now would snapshot.
    pub live: LiveApi,
    /// All its stages.
    pub stages: BTreeMap<StageName, Stage>,
    /// Those that were asked for, with what they serve.
    pub served: BTreeMap<StageName, ObservedStage>,
    /// What their canaries serve.
    pub trials: BTreeMap<StageName, Deployment>,
}

/// An alias with its policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedAlias {
    /// The function.
    pub function: FunctionName,
    /// The alias's name.
    pub alias: AliasName,
    /// The function exists; only asked for when the alias does not.
    pub has_function: bool,
    /// As it is; absent when it does not exist.
    pub found: Option<Alias>,
    /// Its policy; absent when it has none.
    pub policy: Option<Policy>,
}

impl ObservedAlias {
    /// `function:alias`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.function, self.alias)
    }

    /// Its description, with stagegate's record.
    pub fn description(&self) -> Option<Description> {
        self.found.as_ref().and_then(|alias| Description::parse(&alias.description).ok())
    }

    /// Weights that split its calls; what AWS puts there while it moves provisioned concurrency is none.
    pub fn split(&self) -> Option<(u64, f64)> {
        let alias = self.found.as_ref().filter(|alias| !crate::change::is_moving_capacity(alias))?;
        alias.weights.iter().next().map(|(version, weight)| (*version, *weight))
    }

    /// A release is at work on it, or waits.
    pub fn release(&self) -> Option<crate::model::Record> {
        self.description()?.record.filter(|record| record.state.holds_lock() && record.state != RecordState::Undoing)
    }
}

/// What was read: a thing that cannot be read stops none of the others.
#[derive(Debug, Default)]
pub struct Facts {
    /// By id.
    pub apis: BTreeMap<ApiId, Result<ApiFacts, Problem>>,
    /// By function and name.
    pub aliases: BTreeMap<Pair, Result<ObservedAlias, Problem>>,
}

impl Facts {
    /// A stage with what it serves.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn stage(&self, stage: &StageRef) -> Result<(&ApiFacts, &ObservedStage), Problem> {
        match self.apis.get(&stage.api) {
            Some(Ok(api)) => {
                let served = api.served.get(&stage.stage).ok_or_else(|| gateway::missing(stage))?;
                Ok((api, served))
            }
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(gateway::missing(stage)),
        }
    }

    /// Several aliases.
    ///
    /// # Errors
    /// Why one is not known.
    pub fn aliases<'a>(&'a self, pairs: &[Pair]) -> Result<Vec<&'a ObservedAlias>, Problem> {
        let known = pairs.iter().filter_map(|pair| self.aliases.get(pair));
        known.map(|found| found.as_ref().map_err(Clone::clone)).collect()
    }
}

/// What is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Stages by API.
    pub stages: BTreeMap<ApiId, BTreeSet<StageName>>,
    /// Aliases.
    pub aliases: BTreeSet<Pair>,
}

impl<A: Aws, C: Clock> Observer<'_, A, C> {
    /// Reads it all: an API once, whatever the number of its stages, and an alias once.
    pub async fn facts(&self, wanted: &Wanted) -> Facts {
        let apis = stream::iter(&wanted.stages)
            .map(|(api, stages)| async move { (api.clone(), self.api(api, stages).await) })
            .buffered(PARALLEL);
        let apis: BTreeMap<ApiId, Result<ApiFacts, Problem>> = apis.collect().await;
        Facts { apis, aliases: self.aliases(&wanted.aliases).await }
    }

    /// Aliases with their policies.
    pub async fn aliases(&self, pairs: &BTreeSet<Pair>) -> BTreeMap<Pair, Result<ObservedAlias, Problem>> {
        let all = stream::iter(pairs).map(|pair| async move { (pair.clone(), self.alias(pair).await) });
        all.buffered(PARALLEL).collect().await
    }

    async fn alias(&self, (function, alias): &Pair) -> Result<ObservedAlias, Problem> {
        let (function, alias) = (function.clone(), alias.clone());
        let found = self.found(GetAlias { function: function.clone(), alias: alias.clone() }).await?;
        let policy = match &found {
            Some(_) => self.found(GetPolicy { function: function.clone(), alias: alias.clone() }).await?,
            None => None,
        };
        let has_function =
            found.is_some() || self.found(GetFunction { function: function.clone(), qualifier: None }).await?.is_some();
        Ok(ObservedAlias { function, alias, has_function, found, policy })
    }

    async fn api(&self, api: &ApiId, wanted: &BTreeSet<StageName>) -> Result<ApiFacts, Problem> {
        let stages: BTreeMap<StageName, Stage> = gateway::stages(self.aws, api).await?.into_iter().collect();
        let stage_ref = |name: &StageName| StageRef { api: api.clone(), stage: name.clone() };
        let Some(kind) = stages.values().next().map(|stage| stage.kind.clone()) else {
            let first = wanted.first().map(stage_ref);
            return Err(first.map_or_else(
                || Problem::new(crate::problem::Code::StageMissing, format!("API {api} has no stage")),
                |stage| gateway::missing(&stage),
            ));
        };
        let live = self.live(api, &kind).await?;
        let (mut served, mut trials) = (BTreeMap::new(), BTreeMap::new());
        for (name, stage) in stages.iter().filter(|(name, _)| wanted.contains(*name)) {
            served.insert(name.clone(), self.served(&stage_ref(name), stage.clone(), live.clone()).await?);
        }
        for (name, stage) in stages.iter().filter(|(name, _)| wanted.contains(*name)) {
            if let Some(trial) = stage.canary.as_ref().and_then(|canary| canary.deployment.as_deref()) {
                let found = gateway::deployment(self.aws, &stage.kind, api, trial).await?;
                trials.extend(found.map(|deployment| (name.clone(), deployment)));
            }
        }
        Ok(ApiFacts { live, stages, served, trials })
    }
}
