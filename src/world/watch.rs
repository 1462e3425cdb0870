//! What must hold at every instant, and what was seen to break.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::account::Account;
use super::apigateway::Api;
use super::http::HttpApi;
use super::lambda::LambdaFunction;
use super::traffic::Request;
use crate::aws::noun::Stage;
use crate::model::{ApiId, FunctionName, Version};

/// The routes that must keep being served, aliases and stages that must be sound, and every time one was not.
///
/// Only what a change can have touched is looked at again, so that a fleet of hundreds of functions stays cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    routes: Vec<Watched>,
    functions: BTreeMap<FunctionName, Rc<LambdaFunction>>,
    apis: BTreeMap<ApiId, Rc<Api>>,
    http_apis: BTreeMap<ApiId, Rc<HttpApi>>,
    unsound: BTreeSet<String>,
    pub(super) violations: Vec<String>,
}

#[derive(Debug, Clone)]
struct Watched {
    request: Request,
    /// The functions that answered last time; `None` when every change may matter.
    behind: Option<BTreeSet<FunctionName>>,
    wrong: Option<String>,
}

impl Watch {
    /// Watches every route that is served now; what is wrong already is not held against what follows.
    pub(super) fn start(account: &Account) -> Self {
        let mut watch = Self::default();
        let served = account.routes().into_iter().filter(|request| account.complaint(request).is_none());
        watch.routes = served.map(|request| Watched { request, behind: None, wrong: None }).collect();
        watch.check(account, "");
        watch.violations.clear();
        watch
    }

    /// Stops watching some routes.
    pub(super) fn forget(&mut self, which: impl Fn(&Request) -> bool) {
        self.routes.retain(|watched| !which(&watched.request));
    }

    /// Notes what became wrong through `cause`.
    pub(super) fn check(&mut self, account: &Account, cause: &str) {
        let functions = changed(&self.functions, &account.functions);
        let mut apis = changed(&self.apis, &account.apis);
        apis.extend(changed(&self.http_apis, &account.http_apis));
        let mut found = Vec::new();
        for watched in &mut self.routes {
            let untouched = watched.behind.as_ref().is_some_and(|behind| behind.is_disjoint(&functions));
            if untouched && !apis.contains(&watched.request.api) {
                continue;
            }
            let wrong = account.complaint(&watched.request);
            if wrong != watched.wrong {
                found.extend(wrong.clone());
            }
            watched.wrong = wrong;
            watched.behind = account.behind(&watched.request);
        }
        if !functions.is_empty() || !apis.is_empty() {
            let unsound = account.unsound();
            found.extend(unsound.difference(&self.unsound).cloned());
            self.unsound = unsound;
            self.functions.clone_from(&account.functions);
            self.apis.clone_from(&account.apis);
            self.http_apis.clone_from(&account.http_apis);
        }
        self.violations.extend(found.into_iter().map(|text| format!("{} after {cause}: {text}", account.now())));
    }
}

/// The keys whose values are not the same object as before.
fn changed<K: Ord + Clone, V>(before: &BTreeMap<K, Rc<V>>, now: &BTreeMap<K, Rc<V>>) -> BTreeSet<K> {
    let same = |key: &K, value: &Rc<V>| before.get(key).is_some_and(|old| Rc::ptr_eq(old, value));
    let new = now.iter().filter(|(key, value)| !same(key, value)).map(|(key, _)| key);
    let gone = before.keys().filter(|key| !now.contains_key(key));
    new.chain(gone).cloned().collect()
}

impl Account {
    /// The functions that answer a request; `None` when that does not tell what its answer depends on: it fails, or an
    /// authorizer decides first.
    fn behind(&self, request: &Request) -> Option<BTreeSet<FunctionName>> {
        if self.apis.get(&request.api)?.deployments.values().any(|snapshot| !snapshot.definition.authorizers.is_empty())
        {
            return None;
        }
        let answers = self.serve(request).0.into_iter();
        answers
            .map(|answer| answer.result.ok().map(|reached| reached.map(|r| r.function)))
            .collect::<Option<Vec<_>>>()
            .map(|functions| functions.into_iter().flatten().collect())
    }

    /// What is wrong with aliases and stages, traffic aside.
    fn unsound(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (name, function) in &self.functions {
            for (alias, entry) in &function.aliases {
                let foreign = |v: &u64| !function.versions.contains_key(v) || entry.version == Version::Number(*v);
                if entry.weights.values().sum::<f64>() > 1.0 + 1e-9 || entry.weights.keys().any(foreign) {
                    found.insert(format!("{name}:{alias} has the weights {:?}", entry.weights));
                }
            }
        }
        for (id, api) in &self.apis {
            for (name, stage) in &api.stages {
                let canary = stage.canary.iter().filter_map(|canary| canary.deployment.as_ref());
                for deployment in canary.chain([&stage.deployment]).filter(|d| !api.deployments.contains_key(*d)) {
                    found.insert(format!("{id}/{name} points at the missing deployment {deployment}"));
                }
            }
        }
        for (id, api) in &self.http_apis {
            let gone = |stage: &Stage| !stage.deployment.is_empty() && !api.deployments.contains_key(&stage.deployment);
            for (name, stage) in api.stages.iter().filter(|(_, stage)| gone(stage)) {
                found.insert(format!("{id}/{name} points at the missing deployment {}", stage.deployment));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{live, pets, update, world};

    #[test]
    fn weights_that_no_call_of_the_service_could_leave_are_a_violation() {
        let world = world();
        update(&world, 1, &[(2, 0.5)]).unwrap();
        assert_eq!(world.violations(), Vec::<String>::new());
        for (version, weight) in [(9, 0.1), (1, 0.5), (2, 1.5)] {
            let fork = world.fork();
            fork.edit(|account| account.alias_mut(&pets(), &live()).unwrap().weights = [(version, weight)].into());
            let seen = fork.violations();
            assert!(seen.iter().any(|text| text.contains("pets:live has the weights")), "{seen:#?}");
        }
    }
}
