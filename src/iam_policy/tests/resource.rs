//! What IAM authorises each call on, written apart from the policies (aws-semantics §11).

use crate::aws::Call;

/// What IAM asks of a call: the ARN it is authorised on.
pub(super) fn resource(call: &Call) -> Option<String> {
    let function = |rest: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{rest}");
    let api = |path: String| format!("arn:aws:apigateway:us-east-1::/restapis/{path}");
    let subject = call.subject();
    Some(match call {
        Call::GetCallerIdentity(_) => return None,
        Call::AddPermission(_) | Call::RemovePermission(_) | Call::Invoke(_) | Call::GetFunction(_) => {
            function(&subject)
        }
        Call::GetProvisionedConcurrencyConfig(_) | Call::GetPolicy(_) => function(&subject),
        Call::GetAlias(_) | Call::UpdateAlias(_) | Call::CreateAlias(_) | Call::DeleteAlias(_) => {
            function(subject.split(':').next().unwrap())
        }
        Call::ListVersionsByFunction(_) | Call::PublishVersion(_) | Call::ListAliases(_) => function(&subject),
        Call::GetVersionPolicy(_) | Call::DeleteVersion(_) => function(&subject),
        Call::DeleteDeployment(_) => api(subject.replace('/', "/deployments/")),
        Call::InvokeStage(_) | Call::RequestUrl(_) => return None,
        Call::GetMetricData(_) | Call::DescribeAlarms(_) | Call::LookupEvents(_) => "*".into(),
        Call::FilterLogEvents(_) => format!("arn:aws:logs:us-east-1:123456789012:log-group:{subject}:log-stream:"),
        Call::ListDeployments(_)
        | Call::BatchGetDeployments(_)
        | Call::ListDeploymentTargets(_)
        | Call::BatchGetDeploymentTargets(_)
        | Call::SimulatePrincipalPolicy(_)
        | Call::DescribeStackResources(_) => "*".into(),
        Call::GetRestApis(_) => "arn:aws:apigateway:us-east-1::/restapis".into(),
        Call::GetRestApi(_) => api(subject),
        Call::GetResources(_) => api(format!("{subject}/resources")),
        Call::GetModels(_) => api(format!("{subject}/models")),
        Call::GetAuthorizers(_) => api(format!("{subject}/authorizers")),
        Call::GetRequestValidators(_) => api(format!("{subject}/requestvalidators")),
        Call::GetGatewayResponses(_) => api(format!("{subject}/gatewayresponses")),
        Call::GetStages(_) => api(format!("{subject}/stages")),
        Call::GetDeployment(get) => api(format!("{subject}/deployments/{}", get.deployment)),
        Call::GetDeploymentRoutes(get) => api(format!("{subject}/deployments/{}", get.deployment)),
        Call::GetDeployments(_) | Call::CreateDeployment(_) => api(format!("{subject}/deployments")),
        Call::GetStage(_) | Call::UpdateStage(_) => api(subject.replace('/', "/stages/")),
        Call::GetExport(_) => api(subject.replace('/', "/stages/") + "/exports/oas30"),
        Call::GetDomainName(_) => format!("arn:aws:apigateway:us-east-1::/domainnames/{subject}"),
        Call::GetBasePathMappings(_) => {
            format!("arn:aws:apigateway:us-east-1::/domainnames/{subject}/basepathmappings")
        }
        other => return http_resource(other),
    })
}

/// The same for the operations of HTTP APIs.
fn http_resource(call: &Call) -> Option<String> {
    let api = |path: String| Some(format!("arn:aws:apigateway:us-east-1::/apis/{path}"));
    let subject = call.subject();
    match call {
        Call::GetApi(_) => api(subject),
        Call::GetRoutes(_) => api(format!("{subject}/routes")),
        Call::GetIntegrations(_) => api(format!("{subject}/integrations")),
        Call::GetHttpAuthorizers(_) => api(format!("{subject}/authorizers")),
        Call::GetHttpStages(_) => api(format!("{subject}/stages")),
        Call::GetHttpDeployment(get) => api(format!("{subject}/deployments/{}", get.deployment)),
        Call::GetHttpDeployments(_) | Call::CreateHttpDeployment(_) => api(format!("{subject}/deployments")),
        Call::DeleteHttpDeployment(_) => api(subject.replace('/', "/deployments/")),
        Call::GetHttpStage(_) | Call::UpdateHttpStage(_) => api(subject.replace('/', "/stages/")),
        Call::ExportApi(export) => api(format!("{}/exports/OAS30", export.api)),
        Call::GetDomainNameV2(_) => Some(format!("arn:aws:apigateway:us-east-1::/domainnames/{subject}")),
        Call::GetApiMappings(_) => Some(format!("arn:aws:apigateway:us-east-1::/domainnames/{subject}/apimappings")),
        Call::ListRoutingRules(_) => {
            Some(format!("arn:aws:apigateway:us-east-1:123456789012:/domainnames/{subject}/routingrules"))
        }
        other => panic!("nobody said what IAM asks of {}", other.operation()),
    }
}
