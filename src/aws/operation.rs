//! Every AWS operation stagegate may perform, as values. What an operation is called, whether it writes, which quota
//! it draws on and which IAM action it needs is declared once, here.

mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::noun::{
    AlarmState, Alias, ApiMapping, ApiModel, Authorizer, Deployment, DomainName, Export, Function, GatewayResponse,
    HttpApi, HttpAuthorizer, HttpIntegration, HttpRoute, Identity, Invoked, LambdaDeployment, LogLine, MetricPage,
    MetricQuery, Page, Patch, Policy, Provisioned, RequestValidator, Resource, RestApi, Routing, RoutingRule,
    ShiftStatus, ShiftedAlias, Simulated, StackResource, Stage, StageAnswer, Statement, TrailEvent,
};
use crate::model::{AliasName, ApiId, FunctionName, RunId, StageName, Version};
use jiff::Timestamp;

/// What an operation does to AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// Changes nothing; may be repeated at will.
    Read,
    /// Changes something; sent once, then looked at.
    Write,
    /// Runs the user's code; never repeated by itself.
    Invoke,
}

/// A quota that calls draw on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Pool {
    /// Lambda control plane, 15 rps over all its operations.
    LambdaControlPlane,
    /// `GetFunction`, 100 rps.
    LambdaGetFunction,
    /// `GetPolicy`, 15 rps.
    LambdaGetPolicy,
    /// `Invoke`: 10 × concurrency, no pacing by us.
    LambdaInvoke,
    /// All API Gateway management, 10 rps, burst 40.
    ApiGatewayTotal,
    /// `CreateDeployment`, 1 per 5 s and account.
    ApiGatewayCreateDeployment,
    /// `GetResources`, 5 per 2 s and account.
    ApiGatewayGetResources,
    /// `GetMetricData`, 50 rps.
    CloudWatchGetMetricData,
    /// `DescribeAlarms`, 9 rps.
    CloudWatchDescribeAlarms,
    /// `FilterLogEvents`, from 5 rps on, by region.
    LogsFilter,
    /// `LookupEvents`, 2 rps for account and region.
    CloudTrailLookup,
    /// Reading CodeDeploy.
    CodeDeployRead,
    /// Reading CloudFormation.
    CloudFormationRead,
    /// Reading IAM.
    IamRead,
    /// STS.
    Sts,
}

/// What AWS grants of a quota and what stagegate takes of it by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// AWS's sustained rate, requests per second.
    pub full_rps: f64,
    /// Our share of it unless all is asked for, requests per second; it leaves room for other callers.
    pub share_rps: f64,
    /// How many requests may come at once.
    pub burst: u32,
}

impl Pool {
    /// The rates (AWS's quota pages, 2026 edition; the shares are our choice). `None` where AWS documents none. Where
    /// no burst is documented, one second's worth of requests.
    pub const fn rate(self) -> Option<Rate> {
        let (full_rps, share_rps, burst) = match self {
            Self::LambdaControlPlane | Self::LambdaGetPolicy => (15.0, 8.0, 15),
            Self::LambdaGetFunction => (100.0, 20.0, 100),
            Self::ApiGatewayTotal => (10.0, 5.0, 40),
            Self::ApiGatewayCreateDeployment => (0.2, 0.19, 1),
            Self::ApiGatewayGetResources => (2.5, 2.0, 5),
            Self::CloudWatchGetMetricData => (50.0, 5.0, 50),
            Self::CloudWatchDescribeAlarms => (9.0, 2.0, 9),
            // The lowest of any region (CloudWatch Logs quotas page).
            Self::LogsFilter => (5.0, 2.0, 5),
            Self::CloudTrailLookup => (2.0, 1.0, 2),
            // No rate is documented: what we allow ourselves at any pace.
            Self::CodeDeployRead | Self::CloudFormationRead | Self::IamRead => (2.0, 2.0, 4),
            Self::LambdaInvoke | Self::Sts => return None,
        };
        Some(Rate { full_rps, share_rps, burst })
    }
}

/// What an IAM statement for the operation names as its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Scope {
    /// `*`: the action cannot be narrowed.
    Any,
    /// `*`, of what no release depends on: without it the plan says what could not be looked at.
    Optional,
    /// `function:FN`: what makes, moves, lists and removes aliases and versions authorises on the function, never on one of
    /// them (aws-semantics §11).
    Function,
    /// `function:FN` and `function:FN:*`: the function or, with a qualifier, a version or alias of it.
    FunctionOrQualified,
    /// `function:FN:ALIAS`, with the condition that the principal is API Gateway.
    AliasGrant,
    /// `function:FN:*`: versions and aliases, never the function or `$LATEST` by its bare name.
    Qualified,
    /// The API and everything below, for `GET`.
    ApiRead,
    /// The API's `deployments`.
    Deployments,
    /// The API's `deployments/*`: each of them.
    Deployment,
    /// The functions' log groups by their usual names, with what is in them. A group of another name is not known here.
    LogGroup,
    /// `/restapis`.
    Apis,
    /// The API's `stages/STAGE`; of a REST API also `deployments/*`, which moving its pointer touches (aws-semantics §11).
    Stage,
    /// `/domainnames/*`: which name a request came by is not known before it is asked about.
    Domains,
    /// The routing rules of `/domainnames/*`, whose ARNs carry the account (API model, `routingRuleArn`).
    RoutingRules,
}

/// A request whose answer has a type.
pub trait Request {
    /// The answer.
    type Reply;
    /// The request as a value.
    fn call(self) -> Call;
    /// Takes the answer out of the reply to that request; `None` if it is the reply to another.
    fn reply(reply: Reply) -> Option<Self::Reply>;
}

/// The name as AWS spells it: our own where no two services share it.
macro_rules! spelt {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $aws:ident) => {
        stringify!($aws)
    };
}

macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $name:ident $(as $aws:ident)? { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } -> $reply:ty
            = $service:literal $kind:ident [$($pool:ident),*] $iam:literal $scope:ident ;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            pub struct $name { $( $(#[$fdoc])* pub $field: $ty ),* }

            impl Request for $name {
                type Reply = $reply;
                fn call(self) -> Call { Call::$name(self) }
                fn reply(reply: Reply) -> Option<$reply> {
                    match reply { Reply::$name(value) => Some(value), _ => None }
                }
            }
        )*

        /// Any request, as a value that can be recorded, refused, delayed or failed.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Call { $( $(#[$doc])* $name($name) ),* }

        /// Any answer.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Reply { $( $(#[$doc])* $name($reply) ),* }

        /// The operations by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Operation { $( $(#[$doc])* $name ),* }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),* ];

            /// The operation's name as AWS spells it.
            pub const fn name(self) -> &'static str { match self { $( Self::$name => spelt!($name $($aws)?) ),* } }
            /// The service, as the AWS CLI calls it.
            pub const fn service(self) -> &'static str { match self { $( Self::$name => $service ),* } }
            /// What it does to AWS.
            pub const fn kind(self) -> Kind { match self { $( Self::$name => Kind::$kind ),* } }
            /// Quotas it draws on.
            pub const fn pools(self) -> &'static [Pool] { match self { $( Self::$name => &[ $( Pool::$pool ),* ] ),* } }
            /// The IAM action it needs; empty if none.
            pub const fn iam_action(self) -> &'static str { match self { $( Self::$name => $iam ),* } }
            /// What an IAM statement for it names.
            pub const fn iam_scope(self) -> Scope { match self { $( Self::$name => Scope::$scope ),* } }
        }

        impl Call {
            /// Which operation this is.
            pub const fn operation(&self) -> Operation { match self { $( Self::$name(_) => Operation::$name ),* } }
        }
    };
}

operations! {
    /// Whose credentials these are. Needs no permission.
    GetCallerIdentity {} -> Identity = "sts" Read [Sts] "" Any;

    /// An alias with its revision.
    GetAlias { /** Function. */ function: FunctionName, /** Alias. */ alias: AliasName } -> Alias
        = "lambda" Read [LambdaControlPlane] "lambda:GetAlias" Function;
    /// The function's `$LATEST` (no qualifier), or the version that a qualifier names.
    GetFunction { /** Function. */ function: FunctionName, /** Version or alias. */ qualifier: Option<String> } -> Function
        = "lambda" Read [LambdaGetFunction] "lambda:GetFunction" FunctionOrQualified;
    /// One page of versions, oldest first, `$LATEST` included, without states; at most 50.
    ListVersionsByFunction { /** Function. */ function: FunctionName, /** Page token. */ marker: Option<String> } -> Page<Function>
        = "lambda" Read [LambdaControlPlane] "lambda:ListVersionsByFunction" Function;
    /// One page of the function's aliases.
    ListAliases { /** Function. */ function: FunctionName, /** Page token. */ marker: Option<String> } -> Page<(AliasName, Alias)>
        = "lambda" Read [LambdaControlPlane] "lambda:ListAliases" Function;
    /// The policy attached to an alias; 404 when it has none.
    GetPolicy { /** Function. */ function: FunctionName, /** Alias. */ alias: AliasName } -> Policy
        = "lambda" Read [LambdaGetPolicy] "lambda:GetPolicy" Qualified;
    /// The policy attached to a version: who may invoke it by its number; 404 when it has none.
    GetVersionPolicy as GetPolicy { /** Function. */ function: FunctionName, /** Version. */ version: NonZeroU64 } -> Policy
        = "lambda" Read [LambdaGetPolicy] "lambda:GetPolicy" Qualified;
    /// Provisioned concurrency of an alias; 404 `ProvisionedConcurrencyConfigNotFoundException` when it has none.
    GetProvisionedConcurrencyConfig { /** Function. */ function: FunctionName, /** Alias. */ alias: AliasName } -> Provisioned
        = "lambda" Read [LambdaControlPlane] "lambda:GetProvisionedConcurrencyConfig" Qualified;
    /// Publishes `$LATEST`, if it still is what was planned. With nothing to publish AWS answers with the old version.
    PublishVersion {
        /** Function. */ function: FunctionName,
        /** Guard: base64 SHA-256 of the planned code. */ code_sha256: String,
        /** Guard: revision of `$LATEST`. */ revision: String,
        /** At most 256 characters. */ description: String,
    } -> Function = "lambda" Write [LambdaControlPlane] "lambda:PublishVersion" Function;
    /// Creates an alias; 409 if it exists.
    CreateAlias { /** Function. */ function: FunctionName, /** Alias. */ alias: AliasName, /** All of it. */ routing: Routing } -> Alias
        = "lambda" Write [LambdaControlPlane] "lambda:CreateAlias" Function;
    /// Moves an alias, if its revision is still the given one (412 otherwise).
    UpdateAlias {
        /** Function. */ function: FunctionName,
        /** Alias. */ alias: AliasName,
        /** All of it. */ routing: Routing,
        /** Guard: the alias's revision as just read. */ revision: String,
    } -> Alias = "lambda" Write [LambdaControlPlane] "lambda:UpdateAlias" Function;
    /// Deletes an alias, its policy with it; succeeds when there is none.
    DeleteAlias { /** Function. */ function: FunctionName, /** Alias. */ alias: AliasName } -> ()
        = "lambda" Write [LambdaControlPlane] "lambda:DeleteAlias" Function;
    /// Lets API Gateway invoke an alias.
    AddPermission {
        /** Function. */ function: FunctionName,
        /** Alias. */ alias: AliasName,
        /** What to allow. */ statement: Statement,
        /** Guard: the policy's revision; absent when there is no policy yet. */ revision: Option<String>,
    } -> () = "lambda" Write [LambdaControlPlane] "lambda:AddPermission" AliasGrant;
    /// Takes a statement out of an alias's policy; 404 when it is not there.
    RemovePermission {
        /** Function. */ function: FunctionName,
        /** Alias. */ alias: AliasName,
        /** Statement id. */ sid: String,
        /** Guard: the policy's revision. */ revision: Option<String>,
    } -> () = "lambda" Write [LambdaControlPlane] "lambda:RemovePermission" AliasGrant;
    /// Deletes one published version; 409 while an alias refers to it. Without a qualifier AWS would delete the function:
    /// that cannot be said here.
    DeleteVersion as DeleteFunction { /** Function. */ function: FunctionName, /** The version, which is never `$LATEST`. */ version: NonZeroU64 } -> ()
        = "lambda" Write [LambdaControlPlane] "lambda:DeleteFunction" Qualified;
    /// Runs a version with an event, synchronously.
    Invoke { /** Function. */ function: FunctionName, /** Version. */ version: Version, /** JSON event. */ payload: String, /** How long to wait, seconds. */ timeout_s: u32 } -> Invoked
        = "lambda" Invoke [LambdaInvoke] "lambda:InvokeFunction" Qualified;

    /// Sends a request through a stage, unsigned, as a client would; never repeated by itself.
    InvokeStage {
        /** API. */ api: ApiId,
        /** Stage. */ stage: StageName,
        /** HTTP method. */ method: String,
        /** Path below the stage, with its query. */ path: String,
        /** How long to wait, seconds. */ timeout_s: u32,
    } -> StageAnswer = "execute-api" Invoke [] "" Any;
    /// Sends a request to a URL, unsigned, as a client would; never repeated by itself.
    RequestUrl {
        /** HTTP method. */ method: String,
        /** The URL, with its query. */ url: String,
        /** How long to wait, seconds. */ timeout_s: u32,
    } -> StageAnswer = "execute-api" Invoke [] "" Any;

    /// Series of metrics from `start` (inclusive) to `end` (exclusive), both whole minutes; at most 500 queries.
    GetMetricData {
        /** What. */ queries: Vec<MetricQuery>,
        /** From. */ start: Timestamp,
        /** To. */ end: Timestamp,
        /** Page token. */ next: Option<String>,
    } -> MetricPage = "cloudwatch" Read [CloudWatchGetMetricData] "cloudwatch:GetMetricData" Any;
    /// Alarms by name, metric and composite ones; at most 100 names. A name that does not exist is missing in the answer.
    DescribeAlarms { /** Names. */ names: Vec<String> } -> Vec<AlarmState>
        = "cloudwatch" Read [CloudWatchDescribeAlarms] "cloudwatch:DescribeAlarms" Any;

    /// One page of the lines of a log group between two times, the latest first, of streams whose names begin with a
    /// text; a page may be short or empty and still have a successor. 404 when there is no such group.
    FilterLogEvents {
        /** Log group. */ group: String,
        /** How the stream's name begins. */ prefix: String,
        /** From. */ start: Timestamp,
        /** To. */ end: Timestamp,
        /** Lines on the page, at most 10,000. */ limit: u32,
        /** Page token. */ next: Option<String>,
    } -> Page<LogLine> = "logs" Read [LogsFilter] "logs:FilterLogEvents" LogGroup;
    /// One page of management events of one name, the latest first; at most 50. They reach back 90 days in this region,
    /// and appear minutes after they happened.
    LookupEvents {
        /** Event name, with the version that CloudTrail puts behind it. */ name: String,
        /** Not after this time. */ end: Timestamp,
        /** Page token. */ next: Option<String>,
    } -> Page<TrailEvent> = "cloudtrail" Read [CloudTrailLookup] "cloudtrail:LookupEvents" Any;

    /// One page of ids of CodeDeploy deployments in these states, of every application and platform, in no documented
    /// order; those created since a time, or all.
    ListDeployments {
        /** States. */ statuses: Vec<ShiftStatus>,
        /** Created then or later. */ since: Option<Timestamp>,
        /** Page token. */ next: Option<String>,
    } -> Page<String> = "codedeploy" Read [CodeDeployRead] "codedeploy:ListDeployments" Optional;
    /// Those of these deployments that shift traffic between versions of functions; at most 25 ids.
    BatchGetDeployments { /** Ids. */ deployments: Vec<String> } -> Vec<LambdaDeployment>
        = "codedeploy" Read [CodeDeployRead] "codedeploy:BatchGetDeployments" Optional;
    /// One page of the ids of what a deployment moves.
    ListDeploymentTargets { /** Deployment id. */ deployment: String, /** Page token. */ next: Option<String> } -> Page<String>
        = "codedeploy" Read [CodeDeployRead] "codedeploy:ListDeploymentTargets" Optional;
    /// What a deployment moves; at most 25 targets.
    BatchGetDeploymentTargets { /** Deployment id. */ deployment: String, /** Target ids. */ targets: Vec<String> } -> Vec<ShiftedAlias>
        = "codedeploy" Read [CodeDeployRead] "codedeploy:BatchGetDeploymentTargets" Optional;
    /// The stack that something belongs to, by what it is called in its own service: that resource, and as many of the
    /// stack's others as AWS adds (at most 100 in all). Empty when it belongs to none.
    DescribeStackResources { /** Physical id; of an alias its ARN. */ physical_id: String } -> Vec<StackResource>
        = "cloudformation" Read [CloudFormationRead] "cloudformation:DescribeStackResources" Optional;

    /// What the policies of a user or role say about actions on resources; nothing of it is done.
    SimulatePrincipalPolicy {
        /** ARN of the user or role. */ principal: String,
        /** `lambda:UpdateAlias`, … */ actions: Vec<String>,
        /** ARNs without wildcards; none = any resource. */ resources: Vec<String>,
        /** Condition keys that the call would carry, with their value. */ context: Vec<(String, String)>,
        /** Page token. */ next: Option<String>,
    } -> Page<Simulated> = "iam" Read [IamRead] "iam:SimulatePrincipalPolicy" Optional;

    /// One page of the account's REST APIs, id and name; up to 500.
    GetRestApis { /** Page token. */ position: Option<String> } -> Page<(ApiId, String)>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" Apis;
    /// Name and API-wide settings.
    GetRestApi { /** API. */ api: ApiId } -> RestApi
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of the live resources with their methods and integrations; up to 500.
    GetResources { /** API. */ api: ApiId, /** Page token. */ position: Option<String> } -> Page<Resource>
        = "apigateway" Read [ApiGatewayTotal, ApiGatewayGetResources] "apigateway:GET" ApiRead;
    /// One page of models; up to 500.
    GetModels { /** API. */ api: ApiId, /** Page token. */ position: Option<String> } -> Page<ApiModel>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of authorizers; up to 500.
    GetAuthorizers { /** API. */ api: ApiId, /** Page token. */ position: Option<String> } -> Page<Authorizer>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of request validators; up to 500.
    GetRequestValidators { /** API. */ api: ApiId, /** Page token. */ position: Option<String> } -> Page<RequestValidator>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of gateway responses, defaults included; up to 500.
    GetGatewayResponses { /** API. */ api: ApiId, /** Page token. */ position: Option<String> } -> Page<GatewayResponse>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// A stage.
    GetStage { /** API. */ api: ApiId, /** Stage. */ stage: StageName } -> Stage
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// All stages of an API; AWS answers with all of them at once.
    GetStages { /** API. */ api: ApiId } -> Vec<(StageName, Stage)>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// A deployment.
    GetDeployment { /** API. */ api: ApiId, /** Deployment id. */ deployment: String } -> Deployment
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// The routes that a deployment has, `METHOD /path`; none where AWS gives no summary (aws-semantics §6.6).
    GetDeploymentRoutes as GetDeployment { /** API. */ api: ApiId, /** Deployment id. */ deployment: String } -> Option<BTreeSet<String>>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of deployments, in no documented order; up to 500.
    GetDeployments { /** API. */ api: ApiId, /** Page token. */ position: Option<String> } -> Page<Deployment>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// A custom domain name of any endpoint type; 404 when this account and region have none of the name.
    GetDomainName { /** Lower case; a wildcard one begins with `*.`. */ domain: String } -> DomainName
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" Domains;
    /// One page of a custom domain name's mappings to REST APIs; up to 500. The only list for an edge-optimized one.
    GetBasePathMappings { /** Lower case. */ domain: String, /** Page token. */ position: Option<String> } -> Page<ApiMapping>
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" Domains;
    /// The definition that a stage serves, as OpenAPI 3 with extensions.
    GetExport { /** API. */ api: ApiId, /** Stage. */ stage: StageName } -> Export
        = "apigateway" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// Takes a snapshot of the live definition, without a stage: nothing points at it yet.
    CreateDeployment { /** API. */ api: ApiId, /** Run id and fingerprint. */ description: String } -> Deployment
        = "apigateway" Write [ApiGatewayTotal, ApiGatewayCreateDeployment] "apigateway:POST" Deployments;
    /// Deletes a deployment; 400 while a stage, or the canary of one, serves it.
    DeleteDeployment { /** API. */ api: ApiId, /** Deployment id. */ deployment: String } -> ()
        = "apigateway" Write [ApiGatewayTotal] "apigateway:DELETE" Deployment;
    /// Patches a stage with absolute values; API Gateway has no revision to guard it with.
    UpdateStage { /** API. */ api: ApiId, /** Stage. */ stage: StageName, /** In order. */ patches: Vec<Patch> } -> Stage
        = "apigateway" Write [ApiGatewayTotal] "apigateway:PATCH" Stage;

    /// An HTTP API's own settings.
    GetApi { /** API. */ api: ApiId } -> HttpApi
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of the live routes; up to 100.
    GetRoutes { /** API. */ api: ApiId, /** Page token. */ next: Option<String> } -> Page<HttpRoute>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of the live integrations; up to 100.
    GetIntegrations { /** API. */ api: ApiId, /** Page token. */ next: Option<String> } -> Page<HttpIntegration>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of an HTTP API's live authorizers; up to 100.
    GetHttpAuthorizers as GetAuthorizers { /** API. */ api: ApiId, /** Page token. */ next: Option<String> } -> Page<HttpAuthorizer>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// A stage of an HTTP API.
    GetHttpStage as GetStage { /** API. */ api: ApiId, /** Stage. */ stage: StageName } -> Stage
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of the stages of an HTTP API; up to 100.
    GetHttpStages as GetStages { /** API. */ api: ApiId, /** Page token. */ next: Option<String> } -> Page<(StageName, Stage)>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// A deployment of an HTTP API, with how far it is.
    GetHttpDeployment as GetDeployment { /** API. */ api: ApiId, /** Deployment id. */ deployment: String } -> Deployment
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// One page of deployments of an HTTP API, in no documented order; up to 100.
    GetHttpDeployments as GetDeployments { /** API. */ api: ApiId, /** Page token. */ next: Option<String> } -> Page<Deployment>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// What a stage of an HTTP API serves, or without a stage the live definition, as OpenAPI 3 with extensions.
    ExportApi { /** API. */ api: ApiId, /** Stage. */ stage: Option<StageName> } -> Export
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" ApiRead;
    /// A regional custom domain name.
    GetDomainNameV2 as GetDomainName { /** Lower case; a wildcard one begins with `*.`. */ domain: String } -> DomainName
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" Domains;
    /// One page of a regional custom domain name's mappings, to APIs of any kind; up to 100.
    GetApiMappings { /** Lower case. */ domain: String, /** Page token. */ next: Option<String> } -> Page<ApiMapping>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:GET" Domains;
    /// One page of a custom domain name's routing rules, in no documented order; up to 100.
    ListRoutingRules { /** Lower case. */ domain: String, /** Page token. */ next: Option<String> } -> Page<RoutingRule>
        = "apigatewayv2" Read [ApiGatewayTotal] "apigateway:ListRoutingRules" RoutingRules;
    /// Takes a snapshot of an HTTP API's live definition, without a stage. It may still be pending when AWS answers.
    CreateHttpDeployment as CreateDeployment { /** API. */ api: ApiId, /** Run id and fingerprint; at most 1024 characters. */ description: String } -> Deployment
        = "apigatewayv2" Write [ApiGatewayTotal, ApiGatewayCreateDeployment] "apigateway:POST" Deployments;
    /// Deletes a deployment of an HTTP API; refused while a stage serves it.
    DeleteHttpDeployment as DeleteDeployment { /** API. */ api: ApiId, /** Deployment id. */ deployment: String } -> ()
        = "apigatewayv2" Write [ApiGatewayTotal] "apigateway:DELETE" Deployment;
    /// Sets fields of a stage of an HTTP API; what is absent stays. There is no revision to guard it with.
    UpdateHttpStage as UpdateStage {
        /** API. */ api: ApiId,
        /** Stage. */ stage: StageName,
        /** The deployment to serve; refused where the stage deploys itself. */ deployment: Option<String>,
        /** Where any changes, all variables as they shall be, for it is not known whether AWS merges them (Terraform's
        provider relies on it) or replaces them; `None` removes one and goes out as an empty text, which does in both. */
        variables: BTreeMap<String, Option<String>>,
    } -> Stage = "apigatewayv2" Write [ApiGatewayTotal] "apigateway:PATCH" Stage;
}

impl Operation {
    /// Whether no release depends on its answer.
    pub fn is_optional(self) -> bool {
        self.iam_scope() == Scope::Optional
    }

    /// The IAM action without which AWS answers and leaves out a part that no release depends on: tags, of which
    /// `GetFunction` says nothing to whoever may not list them.
    pub const fn iam_action_for_all_of_it(self) -> Option<&'static str> {
        match self {
            Self::GetFunction => Some("lambda:ListTags"),
            _ => None,
        }
    }
}

impl std::fmt::Display for Operation {
    /// `lambda:UpdateAlias`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.service(), self.name())
    }
}

/// What a published version's description starts with, so that a lost reply can be recognised as ours.
pub fn version_marker(run: &RunId) -> String {
    format!("stagegate {run}")
}

/// The release that a version's description names: whoever published it, if it was stagegate.
pub fn published_by(description: &str) -> Option<RunId> {
    let mut words = description.split(' ');
    if words.next() == Some("stagegate") { words.next()?.parse().ok() } else { None }
}
