//! What a call is about, in few words.

use super::{
    AddPermission, BatchGetDeploymentTargets, BatchGetDeployments, Call, CreateAlias, CreateDeployment,
    CreateHttpDeployment, DeleteAlias, DeleteDeployment, DeleteHttpDeployment, DeleteVersion, DescribeAlarms,
    DescribeStackResources, ExportApi, FilterLogEvents, GetAlias, GetApi, GetApiMappings, GetAuthorizers,
    GetBasePathMappings, GetDeployment, GetDeploymentRoutes, GetDeployments, GetDomainName, GetDomainNameV2, GetExport,
    GetFunction, GetGatewayResponses, GetHttpAuthorizers, GetHttpDeployment, GetHttpDeployments, GetHttpStage,
    GetHttpStages, GetIntegrations, GetModels, GetPolicy, GetProvisionedConcurrencyConfig, GetRequestValidators,
    GetResources, GetRestApi, GetRoutes, GetStage, GetStages, GetVersionPolicy, Invoke, InvokeStage, ListAliases,
    ListDeploymentTargets, ListRoutingRules, ListVersionsByFunction, LookupEvents, PublishVersion, RemovePermission,
    RequestUrl, SimulatePrincipalPolicy, UpdateAlias, UpdateHttpStage, UpdateStage,
};

impl Call {
    /// The function, alias or stage that the call is about, for logs and errors.
    pub fn subject(&self) -> String {
        match self {
            Self::GetCallerIdentity(_) => "caller".into(),
            Self::GetAlias(GetAlias { function, alias })
            | Self::GetPolicy(GetPolicy { function, alias })
            | Self::GetProvisionedConcurrencyConfig(GetProvisionedConcurrencyConfig { function, alias })
            | Self::CreateAlias(CreateAlias { function, alias, .. })
            | Self::UpdateAlias(UpdateAlias { function, alias, .. })
            | Self::DeleteAlias(DeleteAlias { function, alias })
            | Self::AddPermission(AddPermission { function, alias, .. })
            | Self::RemovePermission(RemovePermission { function, alias, .. }) => format!("{function}:{alias}"),
            Self::GetFunction(GetFunction { function, qualifier: Some(q) }) => format!("{function}:{q}"),
            Self::GetFunction(GetFunction { function, .. })
            | Self::ListVersionsByFunction(ListVersionsByFunction { function, .. })
            | Self::ListAliases(ListAliases { function, .. })
            | Self::PublishVersion(PublishVersion { function, .. }) => function.to_string(),
            Self::Invoke(Invoke { function, version, .. }) => format!("{function}:{version}"),
            Self::GetVersionPolicy(GetVersionPolicy { function, version })
            | Self::DeleteVersion(DeleteVersion { function, version }) => format!("{function}:{version}"),
            Self::DeleteDeployment(DeleteDeployment { api, deployment })
            | Self::DeleteHttpDeployment(DeleteHttpDeployment { api, deployment }) => format!("{api}/{deployment}"),
            Self::GetStage(GetStage { api, stage })
            | Self::GetExport(GetExport { api, stage })
            | Self::InvokeStage(InvokeStage { api, stage, .. })
            | Self::UpdateStage(UpdateStage { api, stage, .. })
            | Self::GetHttpStage(GetHttpStage { api, stage })
            | Self::ExportApi(ExportApi { api, stage: Some(stage) })
            | Self::UpdateHttpStage(UpdateHttpStage { api, stage, .. }) => format!("{api}/{stage}"),
            Self::RequestUrl(RequestUrl { url, .. }) => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            Self::GetMetricData(_) => "metrics".into(),
            Self::DescribeAlarms(DescribeAlarms { names }) => match names.as_slice() {
                [first, second, third, _, ..] => format!("{first}, {second}, {third} and {} more", names.len() - 3),
                few => few.join(", "),
            },
            Self::FilterLogEvents(FilterLogEvents { group, .. }) => group.clone(),
            Self::LookupEvents(LookupEvents { name, .. }) => name.clone(),
            Self::ListDeployments(_) => "deployments".into(),
            Self::BatchGetDeployments(BatchGetDeployments { deployments }) => deployments.join(", "),
            Self::ListDeploymentTargets(ListDeploymentTargets { deployment, .. })
            | Self::BatchGetDeploymentTargets(BatchGetDeploymentTargets { deployment, .. }) => deployment.clone(),
            Self::DescribeStackResources(DescribeStackResources { physical_id }) => physical_id.clone(),
            Self::SimulatePrincipalPolicy(SimulatePrincipalPolicy { principal, .. }) => principal.clone(),
            Self::GetRestApis(_) => "REST APIs".into(),
            Self::GetDomainName(GetDomainName { domain })
            | Self::GetBasePathMappings(GetBasePathMappings { domain, .. })
            | Self::GetDomainNameV2(GetDomainNameV2 { domain })
            | Self::GetApiMappings(GetApiMappings { domain, .. })
            | Self::ListRoutingRules(ListRoutingRules { domain, .. }) => domain.clone(),
            Self::GetRestApi(GetRestApi { api })
            | Self::GetStages(GetStages { api })
            | Self::GetResources(GetResources { api, .. })
            | Self::GetModels(GetModels { api, .. })
            | Self::GetAuthorizers(GetAuthorizers { api, .. })
            | Self::GetRequestValidators(GetRequestValidators { api, .. })
            | Self::GetGatewayResponses(GetGatewayResponses { api, .. })
            | Self::GetDeployment(GetDeployment { api, .. })
            | Self::GetDeploymentRoutes(GetDeploymentRoutes { api, .. })
            | Self::GetDeployments(GetDeployments { api, .. })
            | Self::CreateDeployment(CreateDeployment { api, .. })
            | Self::GetApi(GetApi { api })
            | Self::GetRoutes(GetRoutes { api, .. })
            | Self::GetIntegrations(GetIntegrations { api, .. })
            | Self::GetHttpAuthorizers(GetHttpAuthorizers { api, .. })
            | Self::GetHttpStages(GetHttpStages { api, .. })
            | Self::GetHttpDeployment(GetHttpDeployment { api, .. })
            | Self::GetHttpDeployments(GetHttpDeployments { api, .. })
            | Self::ExportApi(ExportApi { api, stage: None })
            | Self::CreateHttpDeployment(CreateHttpDeployment { api, .. }) => api.to_string(),
        }
    }
}
