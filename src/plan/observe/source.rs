//! Reading the stage whose deployment another one gets.

use super::{Exports, ObservedSource, ObservedStage, Observer};
use crate::aws::Aws;
use crate::aws::noun::Deployment;
use crate::aws::operation::GetAlias;
use crate::change::is_moving_capacity;
use crate::clock::Clock;
use crate::definition::{Fingerprint, Marker};
use crate::model::target::Target;
use crate::model::{Description, RedeployFrom, StageRef};
use crate::problem::Problem;

impl<A: Aws, C: Clock> Observer<'_, A, C> {
    /// The target's stage, with the one whose deployment it gets.
    pub(super) async fn stage_of(&self, target: &Target, stage_ref: &StageRef) -> Result<ObservedStage, Problem> {
        let mut observed = self.stage(stage_ref).await?;
        if let Some(from) = &target.redeploy_from {
            let source = self.source(from, &mut observed).await?;
            observed.source = Some(source);
        }
        Ok(observed)
    }

    /// The other stage. Exports are read as far as fingerprints do not prove that two definitions are the same.
    async fn source(&self, from: &RedeployFrom, observed: &mut ObservedStage) -> Result<ObservedSource, Problem> {
        let (stage, deployment) = self.serving(&from.stage).await?;
        let releasing = self.releasing(from).await?;
        let mut source = ObservedSource { stage, deployment, export: None, live: None, releasing };
        let undeployed = source.stage.deployment.is_empty() || source.stage.kind.is_auto_deployed();
        if undeployed || observed.stage.kind.is_auto_deployed() {
            return Ok(source);
        }
        let (live, theirs, ours) =
            (observed.live.fingerprint(), print(&source.deployment), print(&observed.deployment));
        let (is_live, is_ours) = (theirs.as_ref() == Some(&live), theirs.is_some() && theirs == ours);
        let moves = source.stage.deployment != observed.stage.deployment;
        if !is_live || moves && !is_ours {
            source.export = self.export(&from.stage, &source.stage.kind).await?;
        }
        if !is_live && !source.stage.kind.is_rest() {
            source.live = self.http_export(&from.stage.api, None).await?;
        }
        if moves && !is_ours && observed.exports.is_none() {
            let deployed = self.export(&observed.stage_ref, &observed.stage.kind).await?;
            observed.exports = deployed.map(|deployed| Exports { deployed, live: None });
        }
        Ok(source)
    }

    /// A release that holds one of the aliases there. Whoever shifts them step by step has moved the stage already.
    async fn releasing(&self, from: &RedeployFrom) -> Result<Option<String>, Problem> {
        for function in &from.functions {
            let request = GetAlias { function: function.clone(), alias: from.alias.clone() };
            let Some(alias) = self.found(request).await? else { continue };
            let name = format!("{function}:{}", from.alias);
            let record = Description::parse(&alias.description).ok().and_then(|description| description.record);
            match record {
                Some(record) if record.state.holds_lock() => {
                    return Ok(Some(format!("{name} is held by {}", record.run)));
                }
                _ if !alias.weights.is_empty() && !is_moving_capacity(&alias) => {
                    return Ok(Some(format!("{name} splits its traffic")));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

fn print(deployment: &Deployment) -> Option<Fingerprint> {
    deployment.description.parse::<Marker>().ok().map(|marker| marker.fingerprint)
}
