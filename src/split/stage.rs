//! The canary of a stage.

use crate::aws::Call;
use crate::aws::noun::{Deployment, Patch, Stage, StageCanary};
use crate::aws::operation::UpdateStage;
use crate::model::{Percent, StageRef};
use crate::problem::{Code, Problem};

use super::Wish;

/// A stage as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The stage.
    pub place: StageRef,
    /// As it is.
    pub stage: Stage,
    /// The deployment that its canary serves, if that exists.
    pub deployment: Option<Deployment>,
}

/// One write: its patches, and what the stage is afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The patches.
    pub patches: Vec<Patch>,
    /// The stage afterwards.
    pub after: Stage,
    /// One line for people.
    pub says: String,
}

impl Step {
    /// The call.
    pub fn call(&self, place: &StageRef) -> Call {
        let (api, stage) = (place.api.clone(), place.stage.clone());
        Call::UpdateStage(UpdateStage { api, stage, patches: self.patches.clone() })
    }
}

impl Trial {
    /// The deployment that the canary serves.
    pub fn on_trial(&self) -> Option<&str> {
        let canary = self.stage.canary.as_ref()?;
        Some(canary.deployment.as_deref().unwrap_or(&self.stage.deployment))
    }

    /// What it is, one line each.
    pub fn lines(&self) -> Vec<String> {
        let Self { place, stage, deployment } = self;
        let (Some(canary), Some(on_trial)) = (&stage.canary, self.on_trial()) else {
            return vec![format!("{place}  no canary; all requests get deployment {}", stage.deployment)];
        };
        let mut lines =
            vec![format!("{place}  {}% → deployment {on_trial}, the rest → {}", canary.percent, stage.deployment)];
        if let Some(deployment) = deployment {
            let made = deployment.created.map_or_else(String::new, |at| at.strftime(" on %Y-%m-%d %H:%MZ").to_string());
            let by = if deployment.description.is_empty() { "without a description" } else { &deployment.description };
            lines.push(format!("{on_trial} was made{made}: {by}"));
        }
        for (name, value) in &canary.overrides {
            let now = stage.variables.get(name).map_or("(unset)", String::as_str);
            lines.push(format!("its requests see {name} = {value}, the others {now}"));
        }
        if canary.percent == 0.0 {
            lines.push("a canary that was promoted stays attached until it is removed".into());
        }
        lines
    }

    /// The writes in their order; none where there is no canary.
    ///
    /// # Errors
    /// The wish does not fit.
    pub fn steps(&self, wish: &Wish) -> Result<Vec<Step>, Problem> {
        match (wish, &self.stage.canary) {
            (Wish::Clear | Wish::Promote, None) => Ok(Vec::new()),
            (Wish::Clear, Some(_)) => Ok(vec![self.removed(&self.stage)]),
            (Wish::Promote, Some(canary)) => {
                let merged = self.merged(canary);
                let removed = self.removed(&merged.after);
                Ok(vec![merged, removed])
            }
            (Wish::Set { percent, deployment, .. }, canary) => {
                self.set(*percent, deployment.as_deref(), canary.as_ref()).map(|step| vec![step])
            }
        }
    }

    /// A patch of its own: whether it may stand beside others is not known (aws-semantics §6.3).
    fn removed(&self, stage: &Stage) -> Step {
        Step {
            patches: vec![Patch::Remove { path: "/canarySettings".into() }],
            after: Stage { canary: None, ..stage.clone() },
            says: format!("{} → deployment {} for all requests, canary removed", self.place, stage.deployment),
        }
    }

    /// The canary's deployment becomes the stage's and its overrides the stage's variables, at 0 %, in one patch.
    fn merged(&self, canary: &StageCanary) -> Step {
        let replace = |path: String, value: String| Patch::Replace { path, value };
        let mut patches = vec![replace("/canarySettings/percentTraffic".into(), "0".into())];
        let mut after = self.stage.clone();
        if let Some(deployment) = canary.deployment.as_ref().filter(|id| **id != self.stage.deployment) {
            let from = "/canarySettings/deploymentId".to_owned();
            patches.push(Patch::Copy { from, path: "/deploymentId".into() });
            after.deployment.clone_from(deployment);
        }
        for (name, value) in
            canary.overrides.iter().filter(|(name, value)| self.stage.variables.get(*name) != Some(value))
        {
            patches.push(replace(format!("/variables/{name}"), value.clone()));
            after.variables.insert(name.clone(), value.clone());
        }
        after.canary = Some(StageCanary { percent: 0.0, ..canary.clone() });
        let merged: Vec<String> = canary.overrides.iter().map(|(name, value)| format!(", {name} = {value}")).collect();
        let says = format!("{} → deployment {}{}", self.place, after.deployment, merged.concat());
        Step { patches, after, says }
    }

    fn set(&self, percent: Percent, named: Option<&str>, canary: Option<&StageCanary>) -> Result<Step, Problem> {
        let place = &self.place;
        let deployment = named.map(ToOwned::to_owned).or_else(|| canary.and_then(|canary| canary.deployment.clone()));
        if canary.is_none() && deployment.is_none() {
            return Err(Problem::new(Code::BadOption, format!("{place} has no deployment on trial"))
                .why(format!("all requests get deployment {}", self.stage.deployment))
                .fix(format!("name one: stagegate canary set {place} PERCENT --deployment ID"))
                .fix(format!("list them: aws apigateway get-deployments --rest-api-id {}", place.api)));
        }
        let replace = |field: &str, value: String| Patch::Replace { path: format!("/canarySettings/{field}"), value };
        let mut patches: Vec<Patch> = named.iter().map(|id| replace("deploymentId", (*id).to_owned())).collect();
        patches.push(replace("percentTraffic", percent.percent().to_string()));
        if canary.is_none() {
            // Answers of the two must never be mixed up.
            patches.push(replace("useStageCache", "false".into()));
        }
        let before = canary.cloned().unwrap_or_else(|| StageCanary {
            deployment: None,
            percent: 0.0,
            overrides: Default::default(),
            use_stage_cache: false,
        });
        let after = StageCanary { deployment: deployment.clone(), percent: percent.percent(), ..before };
        let on_trial = deployment.as_deref().unwrap_or(&self.stage.deployment);
        let says = format!("{place} → {percent} to deployment {on_trial}, the rest to {}", self.stage.deployment);
        Ok(Step { patches, after: Stage { canary: Some(after), ..self.stage.clone() }, says })
    }
}

/// Whether two looks at a stage saw the same, as far as its traffic goes.
pub fn is_same(a: &Stage, b: &Stage) -> bool {
    let canary = |stage: &Stage| {
        stage.canary.as_ref().map(|canary| {
            let deployment = canary.deployment.clone().unwrap_or_else(|| stage.deployment.clone());
            (deployment, Percent::of_share(canary.percent / 100.0), canary.overrides.clone())
        })
    };
    a.deployment == b.deployment && a.variables == b.variables && canary(a) == canary(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::noun::StageKind;

    fn trial(canary: Option<(&str, f64)>) -> Trial {
        let canary = canary.map(|(deployment, percent)| StageCanary {
            deployment: Some(deployment.into()),
            percent,
            overrides: [("lambdaAlias".to_owned(), "beta".to_owned()), ("table".to_owned(), "a".to_owned())].into(),
            use_stage_cache: true,
        });
        let variables = [("lambdaAlias".to_owned(), "live".to_owned()), ("table".to_owned(), "a".to_owned())].into();
        let stage = Stage { deployment: "k5m8ra".into(), variables, canary, kind: StageKind::Rest, ..Stage::default() };
        Trial { place: "a1b2c3d4e5/prod".parse().unwrap(), stage, deployment: None }
    }

    #[test]
    fn promote_copies_the_deployment_and_merges_the_overrides_in_one_patch_then_removes_the_canary() {
        let steps = trial(Some(("k2h0aa", 10.0))).steps(&Wish::Promote).unwrap();
        let [merged, removed] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!(
            merged.patches,
            [
                Patch::Replace { path: "/canarySettings/percentTraffic".into(), value: "0".into() },
                Patch::Copy { from: "/canarySettings/deploymentId".into(), path: "/deploymentId".into() },
                Patch::Replace { path: "/variables/lambdaAlias".into(), value: "beta".into() },
            ]
        );
        assert_eq!(removed.patches, [Patch::Remove { path: "/canarySettings".into() }]);
        assert_eq!(
            (removed.after.deployment.as_str(), removed.after.variables["lambdaAlias"].as_str()),
            ("k2h0aa", "beta")
        );
    }

    #[test]
    fn clear_removes_the_canary_and_nothing_else() {
        let trial_ = trial(Some(("k2h0aa", 0.0)));
        let steps = trial_.steps(&Wish::Clear).unwrap();
        assert_eq!(steps.len(), 1);
        assert!(is_same(&steps[0].after, &trial(None).stage));
        assert!(trial(None).steps(&Wish::Clear).unwrap().is_empty());
        assert!(trial_.lines().iter().any(|line| line.contains("stays attached")), "{:?}", trial_.lines());
    }

    #[test]
    fn a_share_is_changed_in_place_and_a_trial_needs_a_deployment() {
        let set = |deployment: Option<&str>| Wish::Set {
            percent: Percent::whole(25),
            version: None,
            deployment: deployment.map(ToOwned::to_owned),
        };
        let changed = trial(Some(("k2h0aa", 10.0))).steps(&set(None)).unwrap();
        assert_eq!(changed[0].patches.len(), 1, "{changed:?}");
        assert_eq!(changed[0].after.canary.as_ref().map(|canary| canary.percent), Some(25.0));
        assert_eq!(trial(None).steps(&set(None)).unwrap_err().code, Code::BadOption);
        assert_eq!(trial(None).steps(&set(Some("k2h0aa"))).unwrap()[0].patches.len(), 3);
    }
}
