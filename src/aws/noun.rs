//! What AWS answers with, in our own nouns: only the fields the engine uses, named as AWS names them.

mod apigateway;
mod cloudformation;
mod cloudtrail;
mod cloudwatch;
mod codedeploy;
mod domain;
mod http;
mod iam;
mod lambda;
mod logs;
mod rest;
mod stage;

use serde::{Deserialize, Serialize};

pub use apigateway::{Deployment, DeploymentStatus, Export, Patch, StageAnswer};
pub use cloudformation::{StackResource, Tags};
pub use cloudtrail::TrailEvent;
pub use cloudwatch::{AlarmState, AlarmValue, MetricPage, MetricQuery, MetricSeries};
pub use codedeploy::{LambdaDeployment, ShiftStatus, ShiftedAlias};
pub use domain::{
    ApiMapping, DomainName, EndpointType, HeaderGlob, InvokeApi, RoutingMode, RoutingRule, RuleCondition,
};
pub use http::{Cors, HttpApi, HttpAuthorizer, HttpIntegration, HttpRoute, JwtConfiguration};
pub use iam::Simulated;
pub use lambda::{
    Alias, Function, Invoked, Policy, Provisioned, ProvisionedStatus, Routing, State, Statement, UpdateStatus,
};
pub use logs::LogLine;
pub use rest::{
    ApiModel, Authorizer, GatewayResponse, Integration, IntegrationResponse, Method, MethodResponse, RequestValidator,
    Resource, RestApi,
};
pub use stage::{AccessLog, MethodSettings, Stage, StageCanary, StageKind, StageSettings};

/// Who the credentials belong to (`sts:GetCallerIdentity`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The twelve digits of the account.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Token of the next page; absent on the last.
    pub next: Option<String>,
}
