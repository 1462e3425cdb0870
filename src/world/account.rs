//! One account in one region: everything the model remembers, what is due later, and the dispatch of calls.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::alarm::Alarm;
use super::apigateway::Api;
use super::codedeploy::CodeDeployment;
use super::domain::Domain;
use super::http::{DEPLOY_TIME, HttpApi};
use super::lambda::LambdaFunction;
use super::load::{Flow, Load, LoadReport};
use super::logs::Written;
use super::metrics::store::Store;
use super::trail::AliasCall;
use crate::aws::noun::{Identity, StackResource};
use crate::aws::{AwsError, Call, Reply};
use crate::model::{AliasName, ApiId, FunctionName};

/// How the modelled AWS behaves where real AWS varies or is not known.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Twelve digits.
    pub account: String,
    /// Region of every function and API.
    pub region: String,
    /// ARN partition.
    pub partition: String,
    /// How long a statement takes until API Gateway's calls see it (aws-semantics §3.8: seconds to tens of seconds).
    pub permission_delay: Duration,
    /// How long a SnapStart version stays Pending after it is published (aws-semantics §3.7: minutes).
    pub snapshot_time: Duration,
    /// How long an Inactive version takes to wake up after its first invocation.
    pub wake_time: Duration,
    /// Virtual time that every call takes.
    pub latency: Duration,
    /// When the caller gives up on an answer; `Invoke` brings its own.
    pub client_timeout: Duration,
    /// Whether AddPermission and RemovePermission change the alias's revision: unknown of real AWS (aws-semantics §15.1).
    pub permission_moves_alias_revision: bool,
    /// Whether `replace /deploymentId` is accepted while a canary is attached: unknown of real AWS (aws-semantics §15.2).
    pub deployment_moves_under_canary: bool,
    /// How long a deployment of an HTTP API is PENDING; AWS names no time.
    pub http_deploy_time: Duration,
    /// Why deployments of HTTP APIs end FAILED, if they do.
    pub http_deployments_fail: Option<String>,
    /// Whether the variables that an update of an HTTP API's stage names are all it then has, or are merged: unknown of real
    /// AWS (aws-semantics §15.11).
    pub http_variables_replaced: bool,
    /// Whether a variable that is set on a stage which deploys by itself makes a deployment: unknown of real AWS.
    pub http_stage_edits_deploy: bool,
    /// Whether the newer service shows an edge-optimized domain name: unknown of real AWS, which refuses to map it there.
    pub edge_domains_in_v2: bool,
    /// Whether the base path of a routing rule matches a path that goes on within its last segment, as that of a mapping
    /// of several levels does: unknown of real AWS.
    pub rules_match_within_segments: bool,
    /// Whether `Errors` holds a 0 for every good invocation: inferred of real AWS (aws-semantics §8.1), not so of emulators.
    pub errors_emit_zero: bool,
    /// Whether series with `ExecutedVersion` exist for an alias without weights: unknown of real AWS (aws-semantics §8.1).
    pub executed_version_without_weights: bool,
    /// Whether `Throttles` has series with `ExecutedVersion`: unknown of real AWS (aws-semantics §8.1).
    pub throttles_name_version: bool,
    /// Whether `Duration` has series with `ExecutedVersion`, as documented of real AWS (aws-semantics §8.1).
    pub durations_name_version: bool,
    /// Whether `DescribeStackResources` adds the stack's other resources to the one that was asked for: documented of
    /// real AWS, and reported not to be so.
    pub stack_answers_are_whole: bool,
    /// What the caller's policies do not allow, as a simulation says it: actions, `ACTION RESOURCE`, or `*`. The other calls
    /// know nothing of it.
    pub simulated_denials: std::collections::BTreeSet<String>,
    /// What the caller is allowed, as an IAM policy; none = everything.
    pub caller_policy: Option<serde_json::Value>,
    /// Whether the caller may read tags of functions (`lambda:ListTags`); the other services answer with theirs anyhow.
    pub tags_readable: bool,
    /// How long after a call CloudTrail shows it; "typically within 15 minutes", says its guide.
    pub trail_delay: Duration,
    /// Metric → status code (`InternalError`, `Forbidden`) with which CloudWatch fails to answer for it.
    pub metric_failures: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
            permission_delay: Duration::from_secs(15),
            snapshot_time: Duration::from_secs(120),
            wake_time: Duration::from_secs(30),
            latency: Duration::ZERO,
            client_timeout: Duration::from_secs(20),
            permission_moves_alias_revision: false,
            deployment_moves_under_canary: true,
            http_deploy_time: DEPLOY_TIME,
            http_deployments_fail: None,
            http_variables_replaced: true,
            http_stage_edits_deploy: true,
            edge_domains_in_v2: false,
            rules_match_within_segments: false,
            errors_emit_zero: true,
            executed_version_without_weights: true,
            throttles_name_version: false,
            durations_name_version: true,
            stack_answers_are_whole: true,
            simulated_denials: std::collections::BTreeSet::new(),
            caller_policy: None,
            tags_readable: true,
            trail_delay: Duration::from_secs(300),
            metric_failures: BTreeMap::new(),
        }
    }
}

/// Everything the model remembers. Cloning copies pointers: functions, APIs and snapshots are shared until changed.
#[derive(Debug, Clone)]
pub struct Account {
    /// How this AWS behaves.
    pub settings: Settings,
    /// Functions by name.
    pub functions: BTreeMap<FunctionName, Rc<LambdaFunction>>,
    /// REST APIs by id.
    pub apis: BTreeMap<ApiId, Rc<Api>>,
    /// HTTP APIs by id.
    pub http_apis: BTreeMap<ApiId, Rc<HttpApi>>,
    /// Custom domain names, lower case.
    pub domains: BTreeMap<String, Domain>,
    pub(super) metrics: Store,
    pub(super) alarms: BTreeMap<String, Alarm>,
    pub(super) code_deployments: BTreeMap<String, CodeDeployment>,
    pub(super) stacks: Vec<StackResource>,
    pub(super) trail: Vec<AliasCall>,
    pub(super) logs: Vec<Written>,
    pub(super) load: Option<Box<Flow>>,
    /// Requests that were sent one by one: each is left to chance anew.
    pub(super) coins: i64,
    now: Timestamp,
    serial: u64,
    agenda: BTreeMap<(Timestamp, u64), Due>,
}

/// Something that happens by itself at a later time.
#[derive(Debug, Clone)]
pub(super) enum Due {
    /// A Pending version becomes Active, or Failed with a reason.
    VersionReady { function: FunctionName, version: u64, failed: Option<String> },
    /// The update of `$LATEST` completes.
    UpdateDone { function: FunctionName },
    /// Provisioned concurrency is allocated, or fails.
    Provisioned { function: FunctionName, alias: AliasName, generation: u64 },
    /// A statement becomes visible to API Gateway's calls; nothing else changes.
    Effective { function: FunctionName, qualifier: String },
    /// A call whose answer nobody got lands; `position` is its entry in the log.
    Land { call: Box<Call>, position: usize },
}

/// What a due event did.
pub(super) struct Happened {
    pub(super) at: Timestamp,
    pub(super) what: String,
    /// Log position and result of a call that landed late.
    pub(super) landed: Option<(usize, Result<(), AwsError>)>,
}

impl Account {
    /// An empty account.
    pub fn new(now: Timestamp) -> Self {
        Self {
            settings: Settings::default(),
            functions: BTreeMap::new(),
            apis: BTreeMap::new(),
            http_apis: BTreeMap::new(),
            domains: BTreeMap::new(),
            metrics: Store::default(),
            alarms: BTreeMap::new(),
            code_deployments: BTreeMap::new(),
            stacks: Vec::new(),
            trail: Vec::new(),
            logs: Vec::new(),
            load: None,
            coins: 0,
            now,
            serial: 0,
            agenda: BTreeMap::new(),
        }
    }

    /// The time up to which everything due has happened.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// When the last pending change happens, if any is pending.
    pub fn last_due(&self) -> Option<Timestamp> {
        self.agenda.keys().next_back().map(|(at, _)| *at)
    }

    /// The ARN of a function, or of a version or alias of it.
    pub fn function_arn(&self, function: &FunctionName, qualifier: Option<&str>) -> String {
        let Settings { partition, region, account, .. } = &self.settings;
        let suffix = qualifier.map(|q| format!(":{q}")).unwrap_or_default();
        format!("arn:{partition}:lambda:{region}:{account}:function:{function}{suffix}")
    }

    /// The integration URI that invokes a Lambda ARN, which may hold `${stageVariables.x}`.
    pub fn integration_uri(&self, lambda_arn: &str) -> String {
        let Settings { partition, region, .. } = &self.settings;
        format!("arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{lambda_arn}/invocations")
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A revision id that was never used before.
    pub(super) fn next_revision(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.next_serial())
    }

    pub(super) fn schedule(&mut self, after: Duration, due: Due) {
        let key = (self.now + after, self.next_serial());
        self.agenda.insert(key, due);
    }

    /// Moves to the next event that is due by `now`; `None` when all have happened and the account is at `now`.
    pub(super) fn advance_towards(&mut self, now: Timestamp) -> Option<Happened> {
        match self.agenda.first_key_value() {
            Some((&(at, _), _)) if at <= now => {
                self.flow(at);
                let ((at, _), due) = self.agenda.pop_first()?;
                self.now = self.now.max(at);
                Some(self.happen(at, due))
            }
            _ => {
                self.flow(now);
                self.now = self.now.max(now);
                None
            }
        }
    }

    /// Lets clients send requests from now on, with a past of [`Load::history_minutes`] as if the routing had always been
    /// what it is; that part of the past is forgotten first. The report begins anew.
    pub fn set_load(&mut self, load: Load) {
        self.load = None;
        self.load = Some(Box::new(Flow::begin(self, load)));
    }

    /// Changes the load from now on; the report goes on. Nothing without a load.
    pub fn edit_load(&mut self, edit: impl FnOnce(&mut Load)) {
        if let Some(mut flow) = self.load.take() {
            flow.edit(self, edit);
            self.load = Some(flow);
        }
    }

    /// What the clients got; nothing without a load.
    pub fn load_report(&self) -> LoadReport {
        self.load.as_ref().map(|flow| flow.report().clone()).unwrap_or_default()
    }

    /// Lets clients send requests until a time up to which nothing changes.
    fn flow(&mut self, to: Timestamp) {
        if let Some(mut flow) = self.load.take() {
            flow.run(self, to);
            self.load = Some(flow);
        }
    }

    fn happen(&mut self, at: Timestamp, due: Due) -> Happened {
        let mut landed = None;
        let what = match due {
            Due::VersionReady { function, version, failed } => {
                self.finish_version(&function, version, failed);
                format!("{function}:{version} left Pending")
            }
            Due::UpdateDone { function } => {
                self.finish_update(&function);
                format!("the update of {function} completed")
            }
            Due::Provisioned { function, alias, generation } => {
                self.finish_provisioning(&function, &alias, generation);
                format!("the provisioning of {function}:{alias} ended")
            }
            Due::Effective { function, qualifier } => format!("a statement of {function}:{qualifier} took effect"),
            Due::Land { call, position } => {
                let result = self.perform(&call).map(|_| ());
                landed = Some((position, result));
                format!("late {} {}", call.operation(), call.subject())
            }
        };
        Happened { at, what, landed }
    }

    /// Performs one call at the account's time, without quotas and faults.
    ///
    /// # Errors
    /// What AWS answers.
    pub fn perform(&mut self, call: &Call) -> Result<Reply, AwsError> {
        self.authorize(call)?;
        Ok(match call {
            Call::GetCallerIdentity(_) => Reply::GetCallerIdentity(self.identity()),
            Call::GetAlias(c) => Reply::GetAlias(self.get_alias(&c.function, &c.alias)?),
            Call::GetFunction(c) => Reply::GetFunction(self.get_function(&c.function, c.qualifier.as_deref())?),
            Call::ListVersionsByFunction(c) => {
                Reply::ListVersionsByFunction(self.list_versions(&c.function, c.marker.as_deref())?)
            }
            Call::ListAliases(c) => Reply::ListAliases(self.list_aliases(&c.function, c.marker.as_deref())?),
            Call::GetVersionPolicy(c) => Reply::GetVersionPolicy(self.get_version_policy(&c.function, c.version)?),
            Call::DeleteVersion(c) => Reply::DeleteVersion(self.delete_version(&c.function, c.version.get())?),
            Call::GetPolicy(c) => Reply::GetPolicy(self.get_policy(&c.function, c.alias.as_str())?),
            Call::PublishVersion(c) => Reply::PublishVersion(self.publish_version(c)?),
            Call::CreateAlias(c) => Reply::CreateAlias(self.create_alias(c)?),
            Call::UpdateAlias(c) => Reply::UpdateAlias(self.update_alias(c)?),
            Call::DeleteAlias(c) => Reply::DeleteAlias(self.delete_alias(&c.function, &c.alias)?),
            Call::AddPermission(c) => Reply::AddPermission(self.add_permission(c)?),
            Call::RemovePermission(c) => Reply::RemovePermission(self.remove_permission(c)?),
            Call::Invoke(c) => Reply::Invoke(self.invoke(c)?),
            Call::InvokeStage(c) => Reply::InvokeStage(self.invoke_stage(c)?),
            Call::RequestUrl(c) => Reply::RequestUrl(self.request_url(c)?),
            Call::GetMetricData(c) => Reply::GetMetricData(self.metric_data(c)?),
            Call::DescribeAlarms(c) => Reply::DescribeAlarms(self.describe_alarms(&c.names)?),
            Call::ListDeployments(c) => Reply::ListDeployments(self.list_code_deployments(c)?),
            Call::BatchGetDeployments(c) => Reply::BatchGetDeployments(self.code_deployments(c)?),
            Call::ListDeploymentTargets(c) => Reply::ListDeploymentTargets(self.code_deployment_targets(c)?),
            Call::BatchGetDeploymentTargets(c) => Reply::BatchGetDeploymentTargets(self.shifted_aliases(c)?),
            Call::SimulatePrincipalPolicy(c) => Reply::SimulatePrincipalPolicy(self.simulate(c)),
            Call::DescribeStackResources(c) => Reply::DescribeStackResources(self.stack_resources(c)),
            Call::GetRestApis(c) => Reply::GetRestApis(self.rest_apis(c.position.as_deref())?),
            Call::GetRestApi(c) => Reply::GetRestApi(self.live(&c.api)?.api.clone()),
            Call::GetResources(c) => Reply::GetResources(self.page(&c.api, &c.position, |d| &d.resources)?),
            Call::GetModels(c) => Reply::GetModels(self.page(&c.api, &c.position, |d| &d.models)?),
            Call::GetAuthorizers(c) => Reply::GetAuthorizers(self.page(&c.api, &c.position, |d| &d.authorizers)?),
            Call::GetRequestValidators(c) => {
                Reply::GetRequestValidators(self.page(&c.api, &c.position, |d| &d.validators)?)
            }
            Call::GetGatewayResponses(c) => {
                Reply::GetGatewayResponses(self.page(&c.api, &c.position, |d| &d.gateway_responses)?)
            }
            Call::GetStages(c) => Reply::GetStages(self.stages(&c.api)?),
            Call::GetStage(c) => Reply::GetStage(self.stage(&c.api, &c.stage)?.clone()),
            Call::GetDeployment(c) => Reply::GetDeployment(self.get_deployment(&c.api, &c.deployment)?),
            Call::GetDeploymentRoutes(c) => Reply::GetDeploymentRoutes(self.deployment_routes(&c.api, &c.deployment)?),
            Call::GetDeployments(c) => Reply::GetDeployments(self.get_deployments(&c.api, c.position.as_deref())?),
            Call::GetExport(c) => Reply::GetExport(self.get_export(&c.api, &c.stage)?),
            Call::CreateDeployment(c) => Reply::CreateDeployment(self.create_deployment(&c.api, &c.description)?),
            Call::DeleteDeployment(c) => Reply::DeleteDeployment(self.delete_deployment(&c.api, &c.deployment)?),
            Call::UpdateStage(c) => Reply::UpdateStage(self.update_stage(&c.api, &c.stage, &c.patches)?),
            Call::GetDomainName(c) => Reply::GetDomainName(self.domain_name(&c.domain)?),
            Call::GetProvisionedConcurrencyConfig(_)
            | Call::FilterLogEvents(_)
            | Call::LookupEvents(_)
            | Call::GetBasePathMappings(_)
            | Call::GetDomainNameV2(_)
            | Call::GetApiMappings(_)
            | Call::ListRoutingRules(_)
            | Call::GetApi(_)
            | Call::GetRoutes(_)
            | Call::GetIntegrations(_)
            | Call::GetHttpAuthorizers(_)
            | Call::GetHttpStage(_)
            | Call::GetHttpStages(_)
            | Call::GetHttpDeployment(_)
            | Call::GetHttpDeployments(_)
            | Call::ExportApi(_)
            | Call::CreateHttpDeployment(_)
            | Call::DeleteHttpDeployment(_)
            | Call::UpdateHttpStage(_) => return self.perform_more(call),
        })
    }

    /// As [`Account::perform`], for provisioned concurrency, logs, past calls, what maps custom domain names, and the
    /// newer API Gateway service.
    fn perform_more(&mut self, call: &Call) -> Result<Reply, AwsError> {
        Ok(match call {
            Call::GetProvisionedConcurrencyConfig(c) => {
                Reply::GetProvisionedConcurrencyConfig(self.get_provisioned(&c.function, &c.alias)?)
            }
            Call::FilterLogEvents(c) => Reply::FilterLogEvents(self.filter_log_events(c)?),
            Call::LookupEvents(c) => Reply::LookupEvents(self.lookup_events(c)?),
            Call::GetApi(c) => Reply::GetApi(self.http_api(&c.api)?.live.api.clone()),
            Call::GetRoutes(c) => Reply::GetRoutes(self.http_page(&c.api, c.next.as_deref(), |live| &live.routes)?),
            Call::GetIntegrations(c) => {
                Reply::GetIntegrations(self.http_page(&c.api, c.next.as_deref(), |live| &live.integrations)?)
            }
            Call::GetHttpAuthorizers(c) => {
                Reply::GetHttpAuthorizers(self.http_page(&c.api, c.next.as_deref(), |live| &live.authorizers)?)
            }
            Call::GetHttpStage(c) => Reply::GetHttpStage(self.http_stage(&c.api, &c.stage)?.clone()),
            Call::GetHttpStages(c) => Reply::GetHttpStages(self.http_stages(&c.api, c.next.as_deref())?),
            Call::GetHttpDeployment(c) => Reply::GetHttpDeployment(self.http_deployment(&c.api, &c.deployment)?),
            Call::GetHttpDeployments(c) => Reply::GetHttpDeployments(self.http_deployments(&c.api, c.next.as_deref())?),
            Call::ExportApi(c) => Reply::ExportApi(self.export_api(&c.api, c.stage.as_ref())?),
            Call::CreateHttpDeployment(c) => {
                Reply::CreateHttpDeployment(self.create_http_deployment(&c.api, &c.description)?)
            }
            Call::DeleteHttpDeployment(c) => {
                Reply::DeleteHttpDeployment(self.delete_http_deployment(&c.api, &c.deployment)?)
            }
            Call::UpdateHttpStage(c) => Reply::UpdateHttpStage(self.update_http_stage(c)?),
            Call::GetBasePathMappings(c) => {
                Reply::GetBasePathMappings(self.base_path_mappings(&c.domain, c.position.as_deref())?)
            }
            Call::GetDomainNameV2(c) => Reply::GetDomainNameV2(self.domain_name_v2(&c.domain)?),
            Call::GetApiMappings(c) => Reply::GetApiMappings(self.api_mappings(&c.domain, c.next.as_deref())?),
            Call::ListRoutingRules(c) => Reply::ListRoutingRules(self.routing_rules(&c.domain, c.next.as_deref())?),
            other => return Err(AwsError::rejected(400, "UnknownOperationException", other.operation().to_string())),
        })
    }

    pub(super) fn identity(&self) -> Identity {
        let Settings { partition, account, .. } = &self.settings;
        Identity {
            account: account.clone(),
            arn: format!("arn:{partition}:sts::{account}:assumed-role/deployer/stagegate"),
        }
    }
}
