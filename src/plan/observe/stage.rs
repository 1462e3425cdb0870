//! Reading a stage, what it serves, and the live definition of its API.

use super::{Exports, Marker, ObservedStage, Observer};
use crate::aws::noun::{Deployment, Stage, StageKind};
use crate::aws::operation::{
    ExportApi, GetApi, GetAuthorizers, GetExport, GetGatewayResponses, GetHttpAuthorizers, GetIntegrations, GetModels,
    GetRequestValidators, GetResources, GetRestApi, GetRoutes,
};
use crate::aws::{Aws, gateway};
use crate::clock::Clock;
use crate::definition::{HttpLive, Live, LiveApi};
use crate::model::{ApiId, RunId, StageRef};
use crate::problem::{Code, Problem};

impl<A: Aws, C: Clock> Observer<'_, A, C> {
    /// The stage with its deployment and the live definition of its API.
    pub async fn stage(&self, stage_ref: &StageRef) -> Result<ObservedStage, Problem> {
        let api = &stage_ref.api;
        let stage = gateway::existing_stage(self.aws, stage_ref).await?;
        let deployment = self.deployment(stage_ref, &stage).await?;
        let live = self.live(api, &stage.kind).await?;
        let exports = self.exports(stage_ref, &stage, &deployment, &live).await?;
        Ok(ObservedStage { stage_ref: stage_ref.clone(), stage, deployment, live, exports })
    }

    /// The deployment of a stage that deploys by itself tells nothing, and neither does that of one that was never deployed.
    async fn deployment(&self, stage_ref: &StageRef, stage: &Stage) -> Result<Deployment, Problem> {
        let id = &stage.deployment;
        if id.is_empty() || stage.kind.is_auto_deployed() {
            return Ok(Deployment::default());
        }
        let found = gateway::deployment(self.aws, &stage.kind, &stage_ref.api, id).await?;
        found.ok_or_else(|| {
            let what = format!("{stage_ref} serves deployment {id}, which does not exist");
            Problem::new(Code::ServiceError, what)
                .why("API Gateway answered 404 for it")
                .fix(format!("look again: stagegate status {stage_ref}"))
        })
    }

    /// Exports, where the deployment's description does not prove what the stage serves. A stage that deploys itself
    /// serves what is live.
    async fn exports(
        &self,
        stage_ref: &StageRef,
        stage: &Stage,
        deployment: &Deployment,
        live: &LiveApi,
    ) -> Result<Option<Exports>, Problem> {
        let StageRef { api, stage: name } = stage_ref.clone();
        let marker = deployment.description.parse::<Marker>();
        match (&stage.kind, live) {
            (StageKind::Rest, _) if marker.is_ok() => Ok(None),
            (StageKind::Rest, _) => {
                let deployed = self.send(GetExport { api, stage: name }).await?;
                Ok(Some(Exports { deployed, live: None }))
            }
            (StageKind::Http { auto_deploy: true, .. }, _) => Ok(None),
            (StageKind::Http { .. }, _) if stage.deployment.is_empty() => Ok(None),
            (StageKind::Http { .. }, live) if marker.is_ok_and(|marker| marker.fingerprint == live.fingerprint()) => {
                Ok(None)
            }
            (StageKind::Http { .. }, _) => {
                // An implementation without exports answers as if there were no API: then nothing can be compared.
                let deployed = self.found(ExportApi { api: api.clone(), stage: Some(name) }).await?;
                let live = self.found(ExportApi { api, stage: None }).await?;
                Ok(deployed.map(|deployed| Exports { deployed, live }))
            }
        }
    }

    /// The live definition: what a deployment made now would snapshot.
    pub async fn live(&self, api: &ApiId, kind: &StageKind) -> Result<LiveApi, Problem> {
        match kind {
            StageKind::Rest => Ok(LiveApi::Rest(Box::new(self.rest(api).await?))),
            StageKind::Http { .. } => Ok(LiveApi::Http(Box::new(self.http(api).await?))),
        }
    }

    async fn rest(&self, api: &ApiId) -> Result<Live, Problem> {
        let aws = self.aws;
        Ok(Live {
            api: self.send(GetRestApi { api: api.clone() }).await?,
            resources: gateway::pages(aws, |position| GetResources { api: api.clone(), position }).await?,
            models: gateway::pages(aws, |position| GetModels { api: api.clone(), position }).await?,
            authorizers: gateway::pages(aws, |position| GetAuthorizers { api: api.clone(), position }).await?,
            validators: gateway::pages(aws, |position| GetRequestValidators { api: api.clone(), position }).await?,
            responses: gateway::pages(aws, |position| GetGatewayResponses { api: api.clone(), position }).await?,
        })
    }

    async fn http(&self, api: &ApiId) -> Result<HttpLive, Problem> {
        let (aws, own) = (self.aws, self.send(GetApi { api: api.clone() }).await?);
        if own.protocol_type != "HTTP" {
            return Err(Problem::new(Code::Unsupported, format!("API {api} is a {} API", own.protocol_type))
                .why("stagegate releases through stages of REST APIs and HTTP APIs only")
                .fix("promote without a stage: leave `api` and `stage` out, or name FUNCTION:ALIAS"));
        }
        let routes = gateway::pages(aws, |next| GetRoutes { api: api.clone(), next }).await?;
        let integrations = gateway::pages(aws, |next| GetIntegrations { api: api.clone(), next }).await?;
        // One that no route names takes part in nothing.
        let authorizers = match routes.iter().any(|route| route.authorizer_id.is_some()) {
            true => gateway::pages(aws, |next| GetHttpAuthorizers { api: api.clone(), next }).await?,
            false => Vec::new(),
        };
        Ok(HttpLive { api: own, routes, integrations, authorizers })
    }

    /// The deployment that a release made, found by its description.
    pub async fn deployed_by(&self, api: &ApiId, run: &RunId) -> Result<Option<Deployment>, Problem> {
        let all = gateway::deployments(self.aws, api).await?;
        Ok(all.into_iter().find(|d| d.description.parse::<Marker>().is_ok_and(|marker| marker.run == *run)))
    }
}
