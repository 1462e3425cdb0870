//! Reading a stage, what it serves, and the live definition of its API.

use super::{Exports, ObservedStage, Observer};
use crate::aws::noun::{Deployment, Export, Stage, StageKind};
use crate::aws::operation::{
    ExportApi, GetApi, GetAuthorizers, GetExport, GetGatewayResponses, GetHttpAuthorizers, GetIntegrations, GetModels,
    GetRequestValidators, GetResources, GetRestApi, GetRoutes,
};
use crate::aws::{Aws, AwsExt, Operation, Remedy, explain, gateway};
use crate::clock::Clock;
use crate::definition::{HttpLive, Live, LiveApi, Marker};
use crate::model::{ApiId, RunId, StageName, StageRef};
use crate::problem::{Code, Problem};

impl<A: Aws, C: Clock> Observer<'_, A, C> {
    /// The stage with its deployment and the live definition of its API.
    pub async fn stage(&self, stage_ref: &StageRef) -> Result<ObservedStage, Problem> {
        self.stage_with(stage_ref, None).await
    }

    /// As [`Observer::stage`], with the live definition where that has been read for another stage of the API.
    pub async fn stage_with(&self, stage_ref: &StageRef, live: Option<&LiveApi>) -> Result<ObservedStage, Problem> {
        let stage = gateway::existing_stage(self.aws, stage_ref).await?;
        let live = match live {
            Some(live) => live.clone(),
            None => self.live(&stage_ref.api, &stage.kind).await?,
        };
        self.served(stage_ref, stage, live).await
    }

    /// A stage that is known already, of an API that is, with what it serves.
    pub async fn served(&self, stage_ref: &StageRef, stage: Stage, live: LiveApi) -> Result<ObservedStage, Problem> {
        let deployment = self.deployment(stage_ref, &stage).await?;
        let exports = self.exports(stage_ref, &stage, &deployment, &live).await?;
        Ok(ObservedStage { stage_ref: stage_ref.clone(), stage, deployment, live, exports, source: None })
    }

    /// A stage and the deployment that it serves.
    pub async fn serving(&self, stage_ref: &StageRef) -> Result<(Stage, Deployment), Problem> {
        let stage = gateway::existing_stage(self.aws, stage_ref).await?;
        let deployment = self.deployment(stage_ref, &stage).await?;
        Ok((stage, deployment))
    }

    /// The deployment of a stage that deploys by itself tells nothing, and neither does that of one that was never
    /// deployed.
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
        let proven = |marker: Marker| marker.fingerprint == live.fingerprint();
        let undeployed = stage.deployment.is_empty() || stage.kind.is_auto_deployed();
        if undeployed || deployment.description.parse().is_ok_and(proven) {
            return Ok(None);
        }
        let Some(deployed) = self.export(stage_ref, &stage.kind).await? else { return Ok(None) };
        let live = match stage.kind {
            StageKind::Rest => None,
            StageKind::Http { .. } => self.http_export(&stage_ref.api, None).await?,
        };
        Ok(Some(Exports { deployed, live }))
    }

    /// What a stage serves; `None` when API Gateway refuses to export it, as it does when a model is no JSON.
    pub async fn export(&self, stage_ref: &StageRef, kind: &StageKind) -> Result<Option<Export>, Problem> {
        let StageRef { api, stage } = stage_ref.clone();
        if !kind.is_rest() {
            return self.http_export(&api, Some(stage)).await;
        }
        match self.aws.send(GetExport { api, stage }).await {
            Ok(export) => Ok(Some(export)),
            Err(error) if error.remedy() == Remedy::Final => Ok(None),
            Err(error) => Err(explain::problem(Operation::GetExport, &stage_ref.to_string(), &error)),
        }
    }

    /// An implementation without exports answers as if there were no API: then nothing can be compared.
    pub(super) async fn http_export(&self, api: &ApiId, stage: Option<StageName>) -> Result<Option<Export>, Problem> {
        self.found(ExportApi { api: api.clone(), stage }).await
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
            return Err(Problem::new(Code::ApiKindUnsupported, format!("API {api} is a {} API", own.protocol_type))
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
